"""docs/simulator.md says what is so: accounts, kinds of faults, what ends in a 404."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analytics.adapters.http import Client
from analytics.adapters.registry import load_adapter
from analytics.errors import SourceNotFound
from analytics.simulator import platforms, serve
from analytics.simulator.faults import KINDS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text("utf-8")
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOBODY = {
    "facebook": ("@nobody",),
    "github": ("nobody", "nobody/nothing"),
    "instagram": ("@nobody",),
    "linkedin": ("@nobody",),
    "medium": ("@nobody", "nobody"),
    "producthunt": ("nobody", "@nobody"),
    "reddit": ("u/nobody", "r/nobody"),
    "substack": ("nobody",),
    "twitter": ("nobody",),
    "youtube": ("@nobody",),
}


@pytest.mark.parametrize("platform", platforms.names())
def test_the_accounts_to_begin_with_are_named(platform):
    assert platforms.load(platform).account in PAGE


@pytest.mark.parametrize("platform", platforms.names())
def test_a_name_that_begins_with_nobody_does_not_exist(platform):
    adapter = load_adapter(platform)
    with serve(now=AT) as simulator:
        for account in NOBODY[platform]:
            with Client(adapter.VENDOR, token="user-token", base_url=simulator.base_url(platform)) as client:
                pages = list(adapter.collect(client, account, (), observed_at=AT, contents=5))

            assert pages, account
            assert [p for p in pages if p.observations] == []
            assert any(isinstance(page.failure, SourceNotFound) for page in pages), account
            assert {type(page.failure) for page in pages} <= {SourceNotFound, type(None)}


def test_every_kind_of_fault_is_named():
    text = PAGE.partition("`kind` is")[2]

    assert set(re.findall(r"`([a-z_]+)`", text.partition("`path`")[0])) >= set(KINDS)
