"""Landed answers read again: the newest counts, all or nothing, and nothing is restated that is equal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from analytics.errors import InputError
from analytics.ingest.landing import Landed, Landing
from analytics.jobs.collecting.replay import replay
from analytics.model import Observation, newest_of
from analytics.params.files import Params
from analytics.settings import environment_of
from analytics.store import Collection, open_store

ACCOUNT = "acme/orchard"
PARAMS = Params.model_validate(
    {"platforms": {"github": {"adapter": "github", "display_name": "GitHub", "accounts": [{"id": ACCOUNT}]}}}
)
DAY = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


def answer(views: int, at: datetime, *more: tuple[datetime, int]) -> Landed:
    """GitHub's views of the days up to `at`, as its traffic call gives them."""
    days = [(DAY, views), *more]
    page = {
        "count": sum(v for _, v in days),
        "uniques": 1,
        "views": [{"timestamp": f"{d:%Y-%m-%dT00:00:00Z}", "count": v, "uniques": v // 2} for d, v in days],
    }
    raw = json.dumps(page).encode()
    return Landed("github", ACCOUNT, at, f"GET /repos/{ACCOUNT}/traffic/views", "parse_views", "", None, raw)


def views(store) -> dict[str, float]:
    known = store.series(metrics=["views"])
    read = store.read_series(known["series_id"].tolist(), DAY - timedelta(days=40), DAY + timedelta(days=40))
    return dict(zip(read["time"].dt.strftime("%m-%d"), read["value"], strict=True))


def restated(store) -> int:
    with store.begin() as connection:
        return connection.scalar(sa.text("SELECT count(*) FROM restatements"))


def test_a_bounded_replay_keeps_the_final_figure(settings, store):
    """A day's views grow while it lasts; the interval holds only the first answers."""
    landing = Landing(settings.landing_dir)
    polls = [answer(853, DAY + timedelta(hours=8)), answer(2100, DAY + timedelta(hours=20))]
    final = answer(3676, DAY + timedelta(days=2))
    landing.append([*polls, final])
    replay(settings, store, "github", since=DAY.date(), params=PARAMS)

    again = replay(settings, store, "github", since=DAY.date(), until=DAY.date(), params=PARAMS)

    assert views(store)["11-03"] == 3676
    assert (again.corrected, restated(store)) == (0, 0)


def test_a_replay_of_everything_restates_nothing_that_is_equal(settings, store):
    landing = Landing(settings.landing_dir)
    for hours in range(0, 24, 3):
        landing.append([answer(100 + hours, DAY + timedelta(hours=hours))])

    first = replay(settings, store, "github", since=DAY.date(), params=PARAMS)
    second = replay(settings, store, "github", since=DAY.date(), params=PARAMS)

    assert (first.written, first.corrected, second.written, second.corrected, restated(store)) == (2, 0, 0, 0, 0)
    assert views(store) == {"11-03": 121}


def test_wrong_old_values_are_put_right(settings, store):
    """What an interrupted replay of an earlier version left: the newest answer corrects it once."""
    Landing(settings.landing_dir).append([answer(853, DAY), answer(3676, DAY + timedelta(days=2))])
    wrong = Observation("github", "views", 853, DAY, author_id=ACCOUNT)
    store.write([wrong], Collection("github", "replay", ACCOUNT, "GET /repos"))

    done = replay(settings, store, "github", since=DAY.date(), until=DAY.date(), params=PARAMS)

    assert (views(store)["11-03"], done.corrected) == (3676, 1)


def test_what_another_source_said_later_stays(settings, store):
    """A correction imported after the answer came is no older than it."""
    Landing(settings.landing_dir).append([answer(853, DAY + timedelta(hours=8))])
    replay(settings, store, "github", since=DAY.date(), params=PARAMS)
    known = Observation("github", "views", 3676, DAY, author_id=ACCOUNT)
    store.write([known], Collection("github", "import", ACCOUNT, started_at=DAY + timedelta(days=3)))

    replay(settings, store, "github", since=DAY.date(), params=PARAMS)

    assert views(store)["11-03"] == 3676


def test_a_quarantined_row_replayed_takes_nothing_from_a_later_reading(store):
    """It was given before the reading that was stored."""
    early = Observation("github", "views", -5, DAY, author_id=ACCOUNT)
    store.write([early], Collection("github", "api", ACCOUNT), now=DAY - timedelta(days=1))  # too far in the future
    store.write([Observation("github", "views", 9, DAY, author_id=ACCOUNT)], Collection("github", "api", ACCOUNT))
    assert len(store.quarantine_list()) == 1

    store.quarantine_replay()

    assert views(store) == {"11-03": 9}


WORK = """
import os, signal
from datetime import date
from analytics.jobs.collecting.replay import replay
from analytics.params.files import Params
from analytics.settings import load_settings
from analytics.store import open_store, writing
from tests.jobs.collecting.test_replay import PARAMS
whole, done = writing.CollectionWriter.finish, []
def finish(self):
    done.append(whole(self))
    if len(done) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return done[-1]
writing.CollectionWriter.finish = finish
settings = load_settings()
with open_store(settings) as store:
    replay(settings, store, "github", since=date(2026, 11, 1), params=PARAMS)
"""


def test_a_replay_killed_in_the_middle_leaves_nothing_behind(settings, store):
    landing = Landing(settings.landing_dir)
    for day in range(5):
        landing.append([answer(100, DAY + timedelta(days=day), (DAY - timedelta(days=day + 1), 7))])
    before = views(store)

    environment = os.environ | environment_of(settings)
    run = subprocess.run([sys.executable, "-c", WORK], env=environment, check=False, capture_output=True, text=True)

    assert run.returncode == -9, run.stderr
    assert views(store) == before
    replay(settings, store, "github", since=date(2026, 11, 1), params=PARAMS)
    assert len(views(store)) == 6


def test_nothing_landed_is_said(settings, store):
    with pytest.raises(InputError, match="no answers landed since"):
        replay(settings, store, "github", since=DAY.date(), params=PARAMS)


def test_of_a_post_met_on_two_pages_the_later_value_counts():
    """A listing shifts while it is read: the post moves from the first page to the second."""
    first, later = (Observation("reddit", "score", v, DAY, content_id="t3_a") for v in (10, 12))
    withheld = Observation("reddit", "score", None, DAY, content_id="t3_a")

    assert newest_of([first, withheld, later, withheld]) == [later, withheld, withheld]
