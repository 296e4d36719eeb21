"""Faults meet what a client does against them."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx

from analytics.simulator import serve

SIGNED_IN = {"Authorization": "Bearer any"}


def test_a_changed_figure_is_no_longer_what_the_tag_stood_for():
    """A client that kept the tag of the answer before was told 304 and never saw the change."""
    with serve(now=datetime(2026, 11, 20, 12, 5, tzinfo=UTC)) as simulator:
        address = f"{simulator.url}/github/repos/acme/orchard"
        before = httpx.get(address, headers=SIGNED_IN)
        simulator.odd("github", stargazers_count=48_910)

        after = httpx.get(address, headers={**SIGNED_IN, "If-None-Match": before.headers["etag"]})

    assert (after.status_code, after.json()["stargazers_count"]) == (200, 48_910)
