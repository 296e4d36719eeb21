"""The summary keeps its promise: at most five sentences, what moved and why likely, and nothing asked twice."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from analytics.monitoring.watch import Watch
from analytics.params.reports import Brand
from analytics.periods.choice import choose_series
from analytics.periods.gather import gather
from analytics.reports.document.display import TILES
from analytics.reports.sections.recommend import recommendations, verdict
from analytics.reports.traffic.further import look_beyond
from analytics.reports.traffic.report import TrafficReport
from analytics.reports.traffic.summary import missing, sentences
from analytics.store import Collection, open_store
from analytics.store.journal import save_contents
from analytics.wording.language import use_language
from tests.reports.traffic.test_traffic import DEFINITIONS, OCTOBER, mentions, with_spike


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


def gathered(store, competitors=()):
    series = choose_series(store, platforms=(), metrics=(), accounts=())
    return gather(store, series, month=OCTOBER, watch=Watch(), definitions=DEFINITIONS, competitors=set(competitors))


def loud(account: str, day: str = "2026-10-20") -> pd.DataFrame:
    return with_spike(mentions(account, "2026-09-01", "2026-11-01", seed=2), f"{day} 12:00", 120, 6)


def stars(purged: dict[str, float]) -> pd.DataFrame:
    """About forty stars a day, and some days on which many are gone."""
    times = pd.date_range("2026-08-01", "2026-11-01", freq="1h", inclusive="left", tz="UTC")
    gained = np.random.default_rng(3).poisson(40 / 24, times.size).astype(float)
    for day, lost in purged.items():
        gained[times == pd.Timestamp(f"{day} 12:00", tz="UTC")] -= lost
    return pd.DataFrame({"time": times, "value": 5000 + np.cumsum(gained)}).assign(
        platform="github", metric_type="stars", author_id="acme/x"
    )


def test_it_says_why_likely(store):
    """A video an hour before the rise is named in the sentence about it."""
    store.write(loud("acme"), Collection("twitter", "import", account="acme"))
    at = datetime(2026, 10, 20, 11, tzinfo=UTC)
    video = {"platform": "twitter", "content_id": "v", "author_id": "acme", "title": "Launch <day>", "published_at": at}
    with store.begin() as connection:
        save_contents(connection, [video])

    told = next(text for text in sentences(gathered(store)) if "incident" in text)

    assert "it may have to do with" in told
    assert "Launch \\<day\\>" in told


def test_it_has_at_most_five_sentences_whatever_is_missing(store):
    """New, silent and hardly judged series at once were five sentences by themselves; they stand with the method."""
    since = {"acme": "2026-09-01", "new": "2026-10-20", "newer": "2026-10-29", "gone": "2026-08-01"}
    for account, start in since.items():
        end = "2026-09-01" if account == "gone" else "2026-11-01"
        store.write(mentions(account, start, end), Collection("twitter", "import", account=account))
    store.write(stars({}).iloc[-1:], Collection("github", "import", account="acme/x"))

    data = gathered(store)

    assert len(sentences(data)) <= 5
    assert len(missing(data)) >= 4
    told = "Incomplete: nothing was received of Twitter gone mentions; too little was received of Github acme\\/x stars"
    assert told in " ".join(sentences(data))
    assert "verdict" not in " ".join(sentences(data))


def test_no_change_is_not_the_largest(store):
    """Two per cent are told as nothing."""
    store.write(mentions("acme", "2026-09-01", "2026-11-01"), Collection("twitter", "import", account="acme"))

    told = " ".join(sentences(gathered(store))).replace("\xa0", " ")

    assert "no figure changed by 2 % or more" in told
    assert "band" not in told, "how well the method fits is no news on page one"


def test_a_competitors_incidents_are_not_ours(store):
    """Counted beside, named in no sentence about us, and nobody is asked what they published."""
    store.write(mentions("acme", "2026-09-01", "2026-11-01"), Collection("twitter", "import", account="acme"))
    store.write(loud("rival"), Collection("twitter", "import", account="rival"))

    ours = gathered(store, competitors=["twitter rival"])
    all_of_them = gathered(store)

    told = " ".join(sentences(ours))
    assert "of competitors only" in told
    assert not any("rival" in text for text in (told, *(entry.action for entry in recommendations(ours))))
    assert any("rival" in entry.action for entry in recommendations(all_of_them))


def test_a_purge_is_asked_about_once(store):
    """A day of minus 691 and its echo explain the month's fall: without them stars are as ever."""
    store.write(stars({"2026-10-23": 691, "2026-10-24": 150}), Collection("github", "import", account="acme/x"))

    data = gathered(store)
    actions = [entry.action for entry in recommendations(data)]

    assert data.items[0].previous.adjusted_change_ratio < -0.4
    assert [action[:22] for action in actions] == ["Find out what was with"]
    assert "Github stars: −687 where" in recommendations(data)[0].evidence


def test_a_change_that_incidents_do_not_explain_is_followed(store):
    """A month at half its stars and a purge in it: both are findings."""
    frame = stars({"2026-10-23": 691})
    late = frame["time"] >= "2026-10-01"
    level = frame["value"].diff().fillna(0).where(~late | (frame["value"].diff() < -100), frame["value"].diff() / 2)
    store.write(frame.assign(value=(5000 + level.cumsum()).round()), Collection("github", "import", account="acme/x"))

    entries = recommendations(gathered(store))

    followed = [entry.evidence for entry in entries if entry.action.startswith("Find what slowed")]
    assert len(followed) == 1
    assert followed[0].endswith("without the days of incidents")


def test_a_repair_names_every_series(store):
    """Of six the sentence hid three."""
    for n in range(6):
        frame = mentions(f"acme{n}", "2026-09-01", "2026-11-01", seed=n)
        gap = (frame["time"] >= "2026-10-10") & (frame["time"] < "2026-10-13")
        store.write(frame[~gap], Collection("twitter", "import", account=f"acme{n}"))

    first = recommendations(gathered(store))[0]

    assert "and 3 more" in first.action
    assert all(f"acme{n} mentions 90" in first.evidence for n in range(6))


def test_verdict_and_recommendation_are_of_one_mind(store):
    """A band called as claimed was also recommended to be changed."""
    store.write(loud("acme"), Collection("twitter", "import", account="acme"))

    data = gathered(store)
    doubted = any("Try another baseline" in entry.action for entry in recommendations(data))

    assert doubted == (verdict(data.items[0]) == "too narrow")


def test_a_tile_for_each_platform_and_the_account_where_there_are_several(store):
    """One account of two stood for the platform; the seventh platform had none."""
    for n in range(8):
        for account in ("acme", "globex")[: 1 + (n == 0)]:
            frame = mentions(account, "2026-09-01", "2026-11-01", seed=n).assign(platform=f"p{n}").iloc[::12]
            store.write(frame, Collection(f"p{n}", "import", account=account))
    data = gathered(store, competitors=["p0 acme"])
    report = TrafficReport("Traffic", data, Brand(), look_beyond(store, data, DEFINITIONS))

    labels = [tile["label"] for block in report.summary() for tile in block.data.get(TILES, {}).get("tiles", [])]

    assert labels == ["P0 mentions, globex", *(f"P{n} mentions" for n in range(1, 8))]


def test_german_sentences_fit_a_metric_of_any_number(store):
    """Sterne stand in the plural; a day is "am", not "um"."""
    store.write(stars({"2026-10-23": 691}), Collection("github", "import", account="acme/x"))
    use_language("de")

    action = recommendations(gathered(store))[0].action.replace("\xa0", " ")

    assert action.endswith("als Zahlen fielen: am 23. Okt. 2026 gegen 12:00 (Github Sterne).")
