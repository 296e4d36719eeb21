"""The demo brought to today: no real platform asked, readings without a gap, and something to be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from analytics.errors import InputError
from analytics.jobs.collecting import collect as collecting
from analytics.jobs.demo import HISTORY, catch_up, events_until
from analytics.params.files import Params, load_params
from analytics.settings import demo_params
from analytics.simulator import Event, history, serve, world_of
from analytics.simulator.platforms import load
from analytics.store import open_store

NOW = datetime(2027, 2, 3, 10, 7, 31, tzinfo=UTC)
GITHUB = {
    "adapter": "github",
    "display_name": "G",
    "metrics": ["stars", "views"],
    "accounts": [{"id": "acme/orchard", "credential": "DEMO_TOKEN"}],
}


def viral(platform="github", account="acme/orchard"):
    start = NOW.replace(hour=9, minute=0, second=0)
    return Event("viral", platform, account, start, start + timedelta(hours=18), 8.0)


def test_the_demo_never_asks_a_real_platform(settings, monkeypatch):
    """Its key is none, and its rounds once held all places with the vendors' refusals."""
    monkeypatch.setenv("DEMO_TOKEN", "demo")
    demo = settings.model_copy(update={"params_dir": demo_params()})

    with open_store(settings) as store, pytest.raises(InputError, match="--demo up"):
        collecting.collect(demo, store)


def test_with_the_simulators_address_it_collects(settings, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "demo")
    with serve(now=NOW, limits=False) as simulator, open_store(settings) as store:
        demo = settings.model_copy(update={"params_dir": demo_params(), "platforms_url": simulator.url})
        made = collecting.collect(demo, store, platforms=["github", "youtube"])

    assert [harvest.state for harvest in made.harvests] == ["ok"] * 3


def test_catching_up_fills_what_polls_would_have_brought_once(settings):
    params = Params.model_validate({"platforms": {"github": GITHUB}})
    world = world_of()
    with open_store(settings) as store:
        first = catch_up(store, params, world, NOW, lambda *_: None)
        again = catch_up(store, params, world, NOW, lambda *_: None)
        later = catch_up(store, params, world, NOW + timedelta(minutes=15), lambda *_: None)
        with store.begin() as connection:
            newest = connection.scalar(sa.text("SELECT max(time) FROM platform_metrics WHERE metric_type = 'stars'"))

    assert first > 40 * 288
    assert (again, later) == (0, 3)
    assert newest == datetime(2027, 2, 3, 10, 20, tzinfo=UTC)
    assert HISTORY[1] < NOW


def test_what_was_let_happen_shows_in_figures_and_posts():
    event, calm, moved = viral(), world_of(), world_of()
    moved.happen(event)
    times = (event.start, NOW)

    gained = [
        history("github", "acme/orchard", "stars", *times, world=world)["value"].iloc[-1] for world in (calm, moved)
    ]

    assert gained[1] > gained[0]
    assert event in moved.events("github", "acme/orchard", *times)
    assert event not in calm.events("github", "acme/orchard", *times)


def test_a_video_that_went_viral_was_published_before():
    """An incident names its candidate causes among what was published."""
    subject = load("youtube").subject_of("@acme", "views")
    event = viral("youtube", subject)
    with serve(now=NOW, limits=False, events=[event]) as simulator:
        address = simulator.base_url("youtube")
        found = httpx.get(
            f"{address}/youtube/v3/channels", params={"part": "contentDetails", "forHandle": "@acme", "key": "AIza"}
        )
        playlist = found.json()["items"][0]["contentDetails"]["relatedPlaylists"]["uploads"]
        items = httpx.get(
            f"{address}/youtube/v3/playlistItems",
            params={"part": "contentDetails", "playlistId": playlist, "maxResults": 5, "key": "AIza"},
        ).json()["items"]

    published = [datetime.fromisoformat(item["contentDetails"]["videoPublishedAt"]) for item in items]
    assert event.start - timedelta(minutes=10) in published


def test_one_event_a_day_begins_and_is_remembered(tmp_path):
    """Otherwise the simulated counters would lose at the next start what they gained."""
    path = tmp_path / "events.json"

    first = events_until(path, NOW)
    same = events_until(path, NOW + timedelta(hours=20))
    more = events_until(path, NOW + timedelta(hours=30))

    assert first == same == more[:1]
    assert len(more) == 2
    assert first[0].account == load("youtube").subject_of("@acme", "views")


def test_the_demos_rule_tells_everything():
    params = load_params(demo_params())

    assert params.alerts.rules["any_anomaly"].severity == "low"
    assert params.alerts.channels == {"people": "DEMO_CHANNEL"}


def test_the_simulator_takes_messages_and_shows_them():
    with serve(now=NOW) as simulator:
        address = f"{simulator.url}/_simulator/channel"
        httpx.post(address, json={"title": "views above", "message": "8 times", "type": "info", "version": "1.0"})

        assert httpx.get(address).json() == [{"title": "views above", "message": "8 times", "type": "info"}]
