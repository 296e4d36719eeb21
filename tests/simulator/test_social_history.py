"""Instagram, Facebook and LinkedIn: what polling reads is what the loaded history holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analytics.adapters.http import Client
from analytics.adapters.registry import load_adapter
from analytics.simulator import contents, history, metrics_of, platforms, serve

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)  # the day before, the clocks in California went back


@pytest.fixture(scope="module")
def url():
    with serve(now=NOW) as running:
        yield running.url


@pytest.fixture(params=["instagram", "facebook", "linkedin"])
def polled(request, url):
    """(platform, account, readings by metric, content and time)."""
    adapter, account = load_adapter(request.param), platforms.load(request.param).account
    with Client(adapter.VENDOR, token="any-token-at-all", base_url=f"{url}/{request.param}") as client:
        pages = list(adapter.collect(client, account, (), observed_at=NOW, contents=8))
    found = {(o.metric_type, o.content_id, o.observed_at): o.value for page in pages for o in page.observations}
    return request.param, account, found


def test_the_accounts_figures_meet(polled):
    """Months are loaded at once and then polled on: a day may not be another figure, or dated elsewhere."""
    platform, account, found = polled
    start = NOW - timedelta(days=6)

    compared = 0
    for metric in metrics_of(platform):
        frame = history(platform, account, metric, start, NOW + timedelta(minutes=5))
        truth = dict(zip(frame.time.dt.to_pydatetime(), frame.value, strict=True))
        for (name, content, at), value in found.items():
            if name == metric and not content and at.astimezone(UTC) in truth:
                assert value == pytest.approx(truth[at.astimezone(UTC)]), (metric, at)
                compared += 1

    assert compared >= 20


def test_the_contents_figures_meet(polled):
    platform, account, found = polled

    frame = contents(platform, account, NOW, NOW + timedelta(hours=1), newest=8)

    compared = 0
    for row in frame.itertuples():
        value = found.get((row.metric_type, row.content_id, NOW))
        if value is not None:
            assert value == pytest.approx(row.value), row
            compared += 1
    assert compared >= 30
