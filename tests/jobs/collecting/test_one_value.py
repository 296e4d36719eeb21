"""One value no platform should send, from every platform into a real store: the rest lands, and it is named once."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest

from analytics.adapters.vendor import Retry
from analytics.jobs.collecting import collect as job
from analytics.jobs.collecting.replay import replay
from analytics.params.files import Params
from analytics.simulator import platforms, serve
from analytics.store import open_store

NOW = datetime(2026, 11, 20, 12, 3, 41, tzinfo=UTC)
HURRIED = Retry(sleep=lambda _: None)
ODD = {"a": 1}
# field of one post, repository or day; part of the call that reads it; where it stands in the answer
FIELDS = {
    "facebook": ({"total_count": ODD}, "/posts", "data[0].reactions.summary.total_count"),
    "github": ({"stargazers_count": ODD}, "/orchard", "stargazers_count"),
    "instagram": ({"comments_count": ODD}, "/media", "data[0].comments_count"),
    "linkedin": ({"commentCount": ODD}, "ShareStatistics", "elements[0].totalShareStatistics.commentCount"),
    "medium": ({"pubDate": "soon"}, "/feed", "entries[0].published"),
    "producthunt": ({"votesCount": ODD}, "", "data.user.madePosts.edges[0].node.votesCount"),
    "reddit": ({"score": ODD}, "/new", "data.children[0].data.score"),
    "substack": ({"pubDate": "soon"}, "/feed", "entries[0].published"),
    "twitter": ({"like_count": "abc"}, "/tweets", "data[0].public_metrics.like_count"),
    "youtube": ({"likeCount": ODD}, "/videos", "items[0].statistics.likeCount"),
}


@pytest.fixture
def simulator():
    with serve(now=NOW) as running:
        yield running


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv("OWNER_TOKEN", "user-token-of-the-owner")


def one(platform):
    """Params of the platform's example account; Product Hunt's maker, who has several posts."""
    account = "@acme" if platform == "producthunt" else platforms.load(platform).account
    entry = {
        "adapter": platform,
        "display_name": platform,
        "accounts": [{"id": account, "credential": "OWNER_TOKEN"}],
    }
    return Params.model_validate({"platforms": {platform: entry}})


def stored_of(store):
    series = store.series()
    ids = series["series_id"].tolist()
    read = store.read_series(ids, NOW - timedelta(days=400), NOW + timedelta(minutes=1))
    keys = series.set_index("series_id")[["metric_type", "content_id"]]
    return {(*keys.loc[row.series_id], row.time): row.value for row in read.itertuples()}


@pytest.mark.parametrize("platform", FIELDS)
def test_one_odd_value_costs_itself_on_every_platform(settings, store, simulator, platform):
    """The quarantine names call, place and value; the collection is partial, and says so."""
    values, path, place = FIELDS[platform]
    common = {"base_url": simulator.url, "at": NOW, "params": one(platform), "retry": HURRIED, "contents": 4}
    simulator.odd(platform, path, times=1 if path else 0, **values)

    spoilt = job.collect(settings, store, **common).harvests[0]
    before = stored_of(store)
    rows = store.quarantine_list()
    simulator.faults.orders.clear()
    job.collect(settings, store, **common)

    after = stored_of(store)
    assert spoilt.state == "partial"
    assert before.items() <= after.items()
    gained = after.keys() - before.keys()
    assert 1 <= len(gained) <= 2  # itself, and a sum it is part of
    assert len({(content, time) for _, content, time in gained}) == 1
    reason = rows["reason"].item()
    assert rows["platform"].item() == platform
    assert reason.startswith(("GET /", "POST /"))
    assert f": {place}: expected" in reason
    assert repr(next(iter(values.values()))) in reason
    assert f"unreadable: {reason}" in spoilt.problem or f"({reason})" in spoilt.problem


def test_the_same_odd_value_at_the_next_poll_is_the_same_row(settings, store, simulator):
    """Otherwise a field that changed for good would fill the quarantine, 288 rows a day."""
    simulator.odd("reddit", "/new", score=ODD)
    for minutes in (0, 5, 10):
        job.collect(
            settings,
            store,
            base_url=simulator.url,
            at=NOW + timedelta(minutes=minutes),
            params=one("reddit"),
            retry=HURRIED,
            contents=3,
        )

    assert len(store.quarantine_list()) == 1


def test_an_odd_value_is_named_by_a_replay_too(settings, store, simulator):
    """Until the parser is mended: then the readings land, dated as the answer was."""
    simulator.odd("reddit", "/new", score=ODD)
    job.collect(settings, store, base_url=simulator.url, at=NOW, params=one("reddit"), retry=HURRIED, contents=3)

    again = replay(settings, store, "reddit", since=NOW.date(), params=one("reddit"))

    assert again.written == 0
    assert [said.partition(": ")[2] for said in again.unread] == [
        "data.children[0].data.score: expected a number, found {'a': 1}"
    ]
    assert len(store.quarantine_list()) == 1


@pytest.mark.parametrize("odd", ["nul\x00here", "half\ud800", "long" * 30_000], ids=["nul", "surrogate", "long"])
@pytest.mark.parametrize("where", ["title", "url", "text", "content_type", "content_id", "reading"])
def test_no_text_of_a_post_stops_a_round(settings, store, tmp_path, monkeypatch, odd, where):
    """A NUL in one title once ended the round for every account: JSON may hold what a database may not."""
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "odd.py").write_text(
        "from analytics.adapters.base import Content, Page\n"
        "from analytics.adapters.platforms.github import DEFINITIONS, VENDOR\n"
        "from analytics.model import Observation\n"
        "NAME = 'odd'\n"
        f"ODD, WHERE = {odd!r}, {where!r}\n"
        "def collect(client, account, metrics, *, observed_at, contents):\n"
        "    told = dict(content_id='a', content_type='post', title='A', url='https://a', text='a')\n"
        "    told |= {WHERE: ODD} if WHERE in told else {}\n"
        "    ids = ('a', ODD if WHERE == 'reading' else 'b')\n"
        "    read = [Observation('odd', 'stars', 1.0, observed_at, i, 'post', account) for i in ids]\n"
        "    yield Page('GET /posts', tuple(read), contents=(Content(**told), Content('b', 'post', 'B')))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("posts", "posts.odd"):
        sys.modules.pop(name, None)
    entry = {"adapter": "posts.odd", "display_name": "Odd", "accounts": [{"id": "acme"}]}

    made = job.collect(settings, store, at=NOW, params=Params.model_validate({"platforms": {"odd": entry}}))

    assert made.written == (1 if where == "reading" else 2)
    assert len(store.quarantine_list()) == (1 if where == "reading" else 0)
