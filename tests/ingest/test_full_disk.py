"""A disk with no room left, which Linux plays in `/dev/full`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analytics.errors import StoreError
from analytics.ingest.landing import Landed, Landing

FULL = Path("/dev/full")
ANSWER = Landed("github", "acme/orchard", datetime(2026, 11, 20, tzinfo=UTC), "GET /repos", "repo", "", None, b"{}")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


@pytest.fixture
def landing(tmp_path):
    (tmp_path / "github").mkdir()
    return Landing(tmp_path)


def test_an_answer_that_finds_no_room_fails_the_round_as_the_store_does(landing):
    """It was a traceback, and the round was not tried again."""
    (landing.folder / "github" / "2026-11-20.jsonl.gz").symlink_to(FULL)

    with pytest.raises(StoreError, match=r"2026-11-20\.jsonl\.gz: No space left on device"):
        landing.append([ANSWER])


def test_tags_that_find_no_room_are_only_asked_for_again(landing):
    """They save calls, no more: the round's readings once counted as the adapter's failure."""
    tags = {"GET /repos": ('W/"1"', b"{}")}
    landing.keep_tags("github", "acme/orchard", tags)
    (kept,) = (landing.folder / "github").glob("tags-*")
    kept.with_suffix(f".{os.getpid()}").symlink_to(FULL)

    landing.keep_tags("github", "acme/orchard", tags)

    assert landing.tags("github", "acme/orchard") == tags
    assert [path.name for path in (landing.folder / "github").iterdir()] == [kept.name]
