"""The traffic report's figures against SQL, an injected anomaly, and what is said when something is missing."""

import shlex
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from analytics.cli.report import app
from analytics.errors import InputError, NoDataError
from analytics.model import MetricDefinition, Month, SeriesKey
from analytics.monitoring.watch import Watch
from analytics.params.reports import Brand
from analytics.periods.choice import choose_series
from analytics.periods.gather import gather
from analytics.periods.provenance import command
from analytics.reports.document.display import TABLE, TILES, VEGALITE, table
from analytics.reports.exporters.html import ReportHTMLExporter
from analytics.reports.exporters.pdf import ReportPDFExporter
from analytics.reports.sections.choice import SECTIONS
from analytics.reports.sections.recommend import recommendations
from analytics.reports.traffic import tables as traffic_tables
from analytics.reports.traffic.further import look_beyond
from analytics.reports.traffic.report import TrafficReport
from analytics.reports.traffic.summary import missing, sentences
from analytics.reports.traffic.tiles import tile
from analytics.store import Collection, open_store
from analytics.store.journal import save_contents
from analytics.store.remarks import Annotation, add
from analytics.wording import formats
from tests.conftest import copy_of, database, settings_of
from tests.reports.sample import faults, notebook_of, shown

OCTOBER = Month(2026, 10)
DEFINITIONS = {
    ("twitter", "mentions"): (MetricDefinition("twitter", "mentions", "Mentions", "mentions", "gauge", "sum"),),
    ("github", "stars"): (MetricDefinition("github", "stars", "Stars", "stars", "counter", "increase"),),
}


def mentions(account: str, start: str, end: str, seed: int = 1) -> pd.DataFrame:
    """Counts every 5 minutes with a daily rhythm, about 40 at noon and 8 at night."""
    times = pd.date_range(start, end, freq="5min", inclusive="left", tz="UTC")
    usual = 24 + 16 * np.sin(2 * np.pi * (times.hour * 60 + times.minute - 360) / 1440)
    values = np.random.default_rng(seed).poisson(usual).astype(float)
    return pd.DataFrame(
        {"platform": "twitter", "metric_type": "mentions", "author_id": account, "time": times, "value": values}
    )


def with_spike(frame: pd.DataFrame, start: str, minutes: int, factor: float) -> pd.DataFrame:
    begin = pd.Timestamp(start, tz="UTC")
    inside = (frame["time"] >= begin) & (frame["time"] < begin + pd.Timedelta(minutes=minutes))
    return frame.assign(value=frame["value"].where(~inside, frame["value"] * factor))


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


def gathered(store, *, timezone="UTC", month=OCTOBER, **chosen):
    asked = {"platforms": (), "metrics": (), "accounts": ()} | chosen
    watch = Watch(timezone=timezone, window_days=30)
    return gather(store, choose_series(store, **asked), month=month, watch=watch, definitions=DEFINITIONS)


def reported(store, **chosen) -> TrafficReport:
    data = gathered(store, **chosen)
    return TrafficReport("Traffic", data, Brand(), look_beyond(store, data, DEFINITIONS))


@pytest.fixture(scope="module")
def written(shared_settings):
    """Name of a database with September and October of two accounts, one of them two hours at six times the usual."""
    quiet = mentions("quiet", "2026-09-01", "2026-11-02", seed=1)
    loud = with_spike(mentions("loud", "2026-09-01", "2026-11-02", seed=2), "2026-10-20 12:00", 120, 6)
    with open_store(shared_settings) as store:
        for frame in (quiet, loud):
            store.write(frame, Collection("twitter", "import", account=frame["author_id"].iloc[0]))
        return store.engine.url.database


@pytest.fixture
def two_months(postgres_server, written, tmp_path):
    """A store of the test's own with those months."""
    with database(postgres_server, copy_of(written)) as url, open_store(settings_of(url, tmp_path)) as opened:
        yield opened


def test_an_accounts_first_minutes_make_a_whole_report(store):
    """Nothing is judged, compared or foretold, and that is said; nobody is told to repair a collection that began."""
    store.write(mentions("new", "2026-10-31 23:30", "2026-11-01"), Collection("twitter", "import", account="new"))

    report = reported(store)

    shown_all = [report.cover(), report.summary(), report.breakdown(), report.anomalies(), report.trends()]
    shown_all += [report.outlook(), report.recommendations(), report.coverage()]
    notebook = notebook_of(shown(*(block for block in shown_all if block is not None)))
    page = ReportHTMLExporter(interactive=False).from_notebook_node(notebook)[0]
    assert faults(ReportPDFExporter().from_notebook_node(notebook)[0]) == []
    assert "No reading had enough history to be judged." in page
    told = " ".join(" ".join(missing(report.data)).split())
    assert "What was before the first reading is unknown: Twitter new mentions (31 Oct 2026 23:30)." in told, told
    assert "No reading of Twitter new mentions could be judged: it takes 7 days of history." in told
    assert not any("Repair" in entry.action for entry in recommendations(report.data))


def test_totals_and_days_are_what_sql_counts(two_months):
    """Every figure of the platform table, computed a second way."""
    data = gathered(two_months, timezone="Europe/Berlin")

    rows = traffic_tables.platform_rows(data.items, data).set_index("series")
    query = sa.text(
        """WITH days AS (
             SELECT s.author_id, date_trunc('day', time, 'Europe/Berlin') AS day, sum(value) AS amount
             FROM points JOIN series s USING (series_id)
             WHERE time >= '2026-10-01 00:00 Europe/Berlin' AND time < '2026-11-01 00:00 Europe/Berlin' GROUP BY 1, 2)
           SELECT author_id, sum(amount), avg(amount), max(amount), min(amount) FROM days GROUP BY 1"""
    )
    with two_months.engine.connect() as connection:
        counted = {f"{name} mentions": figures for name, *figures in connection.execute(query)}

    for name, figures in counted.items():
        shown = rows.loc[name, ["total", "per_day", "best", "worst"]].astype(float)
        assert shown.to_numpy() == pytest.approx(np.array(figures, float))


def test_the_change_on_the_month_before_is_what_sql_counts(two_months):
    """October against September, weekday by weekday."""
    data = gathered(two_months)

    rows = traffic_tables.trend_rows(data).set_index("series")
    query = sa.text(
        """WITH days AS (
             SELECT date_trunc('month', time, 'UTC') AS month, date_trunc('day', time, 'UTC') AS day,
                    sum(value) AS amount
             FROM points JOIN series s USING (series_id) WHERE author_id = 'quiet' GROUP BY 1, 2),
           weekdays AS (
             SELECT month, extract(isodow FROM day) AS weekday, avg(amount) AS amount FROM days GROUP BY 1, 2)
           SELECT (SELECT avg(amount) FROM weekdays WHERE month = '2026-10-01 UTC')
                / (SELECT avg(amount) FROM weekdays WHERE month = '2026-09-01 UTC') - 1"""
    )
    with two_months.engine.connect() as connection:
        expected = float(connection.execute(query).scalar_one())

    assert rows.loc["Twitter quiet mentions", "previous_adjusted"] == pytest.approx(expected)
    assert data.items[0].year_before.refusal == "the first reading is of 1\xa0Sep\xa02026"


def test_an_injected_anomaly_is_found_and_explained(two_months):
    """Two hours at six times the usual: one event of weight, named in summary, register and recommendation."""
    data = gathered(two_months)

    incidents = traffic_tables.incident_rows(data)
    loud = incidents[incidents["series"] == "Twitter loud mentions"]
    loud = loud[loud["severity"].isin(["high", "critical"])]
    began = [told.incident.start for told in data.incidents_of(data.items[0])]
    spoken = " ".join(sentences(data))

    assert len(loud) == 1
    assert any(abs((at - datetime(2026, 10, 20, 12, tzinfo=UTC)).total_seconds()) <= 3600 for at in began)
    assert loud["observed"].iloc[0] > 4 * loud["expected"].iloc[0]
    assert "loud mentions" in spoken
    assert "20 Oct 2026" in spoken.replace("\u00a0", " ")
    assert any("loud mentions" in entry.evidence for entry in recommendations(data))


def test_a_quiet_month_recommends_nothing_urgent(store):
    """No action without a finding."""
    store.write(mentions("quiet", "2026-08-01", "2026-11-01"), Collection("twitter", "import", account="quiet"))

    data = gathered(store)

    assert [entry for entry in recommendations(data) if entry.urgency == 3] == []


def test_missing_readings_are_said_and_not_filled(store):
    """Three days without readings lower coverage and are recommended for repair; the total stays a floor."""
    frame = mentions("gappy", "2026-08-01", "2026-11-01")
    gap = (frame["time"] >= "2026-10-10") & (frame["time"] < "2026-10-13")
    store.write(frame[~gap], Collection("twitter", "import", account="gappy"))

    data = gathered(store)
    item = data.items[0]

    assert item.facts.coverage_ratio == pytest.approx(28 / 31)
    assert len(item.facts.full_days) == 28
    assert "Repair the collection of Twitter gappy mentions" in recommendations(data)[0].action


def test_a_slow_counter_is_judged_by_the_day_and_totals_by_its_increase(store):
    """Forty stars a day are mostly zeros every five minutes; the month's figure is last minus first."""
    times = pd.date_range("2026-08-01", "2026-11-01", freq="5min", inclusive="left", tz="UTC")
    level = 1000 + np.cumsum(np.random.default_rng(3).poisson(40 / 288, times.size)).astype(float)
    frame = pd.DataFrame(
        {"platform": "github", "metric_type": "stars", "author_id": "acme/x", "time": times, "value": level}
    )
    store.write(frame, Collection("github", "import", account="acme/x"))

    item = gathered(store).items[0]

    before = level[times < "2026-10-01"][-1]
    assert item.facts.total == level[-1] - before
    assert item.series.step_s == 86400
    assert item.judged_readings == 31


def test_a_series_that_fell_silent_is_named(two_months):
    """No reading this month is a finding, not an absence from the table."""
    old = mentions("silent", "2026-08-01", "2026-09-01")
    two_months.write(old, Collection("twitter", "import", account="silent"))

    data = gathered(two_months)

    assert data.absent == ("Twitter silent mentions",)
    assert "silent" in " ".join(sentences(data))


def test_a_counter_read_once_gave_no_figure_but_was_not_silent(two_months):
    """One reading says what there is, not what the month brought; its source needs no check."""
    level = {"platform": "github", "metric_type": "stars", "author_id": "acme/new", "value": 40.0}
    frame = pd.DataFrame([level | {"time": pd.Timestamp("2026-10-31T18:00", tz="UTC")}])
    two_months.write(frame, Collection("github", "import", account="acme/new"))

    data = gathered(two_months)

    assert (data.absent, data.unmeasured) == ((), ("Github acme/new stars",))
    assert any(said.startswith("Incomplete: too little was received of Github acme") for said in sentences(data))
    assert not any("Check the sources" in entry.action for entry in recommendations(data))


def test_one_jump_does_not_make_a_slow_series_a_busy_one(store):
    """A mention or two each five minutes are judged by the hour, also where a bot brought 200,000 at once."""
    calm = mentions("calm", "2026-09-01", "2026-11-01")
    calm["value"] = np.random.default_rng(5).poisson(1.0, len(calm)).astype(float)
    jumped = calm.assign(author_id="jumped")
    jumped.loc[jumped["time"] == "2026-10-20T12:00Z", "value"] = 200_000.0
    store.write(pd.concat([calm, jumped]), Collection("twitter", "import"))

    steps = {item.account: item.series.step_s for item in gathered(store).items}

    assert steps == {"calm": 3600.0, "jumped": 3600.0}


def test_a_new_meaning_of_a_metric_is_a_break_not_an_anomaly(store):
    """Views doubled on 24 August because they are counted otherwise: no event, and no comparison across it."""
    times = pd.date_range("2026-07-01", "2026-09-01", freq="1h", inclusive="left", tz="UTC")
    per_hour = np.random.default_rng(4).poisson(200, times.size) * np.where(times < "2026-08-24", 1, 2)
    frame = pd.DataFrame(
        {
            "platform": "youtube",
            "metric_type": "views",
            "author_id": "acme",
            "time": times,
            "value": np.cumsum(per_hour).astype(float),
        }
    )
    store.write(frame, Collection("youtube", "import", account="acme"))
    old = MetricDefinition("youtube", "views", "Views", "views", "counter", "increase")
    new = replace(old, valid_from=date(2026, 8, 24), description="Counted when playback starts.")
    definitions = {("youtube", "views"): (old, new)}
    series = choose_series(store, platforms=(), metrics=(), accounts=())

    watch = Watch(algorithm="profile")
    data = gather(store, series, month=Month(2026, 8), watch=watch, definitions=definitions)
    blind = gather(store, series, month=Month(2026, 8), watch=watch, definitions={("youtube", "views"): (old,)})

    assert [event.direction for event in blind.items[0].series.events][:1] == ["above"]
    assert data.items[0].series.events == ()
    assert data.items[0].previous.refusal == "Youtube views changed its meaning on 24\xa0Aug\xa02026"
    assert not any("history" in entry.action for entry in recommendations(data)), "importing cannot help"
    assert data.items[0].series.definition.definition_id == "youtube.views@2026-08-24"
    days = traffic_tables.daily_rows(data).set_index("day")
    assert days.loc[["2026-08-23", "2026-08-24"], "definition_id"].tolist() == [
        "youtube.views",
        "youtube.views@2026-08-24",
    ]
    assert traffic_tables.definition_rows(data)["id"].tolist() == ["youtube.views", "youtube.views@2026-08-24"]
    sums = days["amount"].groupby(days["definition_id"]).sum()
    old_views, new_views = (formats.compact(value).replace(formats.NBSP, " ") for value in sums)
    both = f"{old_views} before 24 Aug 2026 and {new_views} from 24 Aug 2026 on"
    plain = " ".join(" ".join(sentences(data)).split())
    assert (
        f"Youtube acme views changed its meaning within the period: {both} (views) do not add up to one figure."
        in plain
    )
    assert both in " ".join(tile(data.items[0], data).note.split())
    assert plain.count("changed its meaning within") == 1
    assert "changed its meaning within" not in " ".join(sentences(blind))


def test_a_month_without_data_says_which_months_there_are(two_months):
    """The commonest mistake of a rerun."""
    with pytest.raises(NoDataError, match="2024-01: no reading in that month; stored: 2026-09 to 2026-11"):
        gathered(two_months, month=Month(2024, 1))


def test_an_unknown_account_says_which_there_are(two_months):
    """A typo must not give an empty report."""
    with pytest.raises(InputError, match=r"account 'lout': nothing stored under that name; did you mean 'loud'"):
        gathered(two_months, accounts=["lout"])


def test_every_section_shows_something_and_hostile_names_stay_text(store):
    """An account's name comes from outside."""
    name = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"
    frame = with_spike(mentions(name, "2026-09-01", "2026-11-01"), "2026-10-20 12:00", 120, 6)
    store.write(frame, Collection("twitter", "import", account=name))
    report = reported(store)

    shown = [report.summary(), report.breakdown(), report.anomalies(), report.trends(), report.recommendations()]
    blocks = [block for section in [*shown, report.coverage()] for block in section]

    assert all(block.data for block in blocks)
    for block in blocks:
        assert "<img" not in block.data.get("text/html", "")
        assert "](javascript" not in block.data.get("text/markdown", "")


def test_a_counter_its_platform_rounds_is_shown_but_not_judged(store):
    """Subscribers rounded to thousands jump once a week: a spike to a rule, nothing to a reader."""
    times = pd.date_range("2026-08-01", "2026-11-01", freq="1h", inclusive="left", tz="UTC")
    level = np.floor((150_000 + np.arange(times.size) * 6) / 1000) * 1000
    frame = pd.DataFrame(
        {"platform": "github", "metric_type": "stars", "author_id": "acme/x", "time": times, "value": level}
    )
    store.write(frame, Collection("github", "import", account="acme/x"))

    data = gathered(store)
    spoken = " ".join(missing(data))

    assert data.items[0].series.events == ()
    assert "Shown and not judged, as they change on fewer than half of the days: Github acme\\/x stars." in spoken
    assert np.isnan(data.items[0].in_band_ratio)


def test_a_tile_says_what_it_counts(two_months):
    """Platform and metric, and which of several accounts: a tile called "acme" said neither."""
    one = reported(two_months)
    stars = mentions("quiet", "2026-09-01", "2026-11-02").assign(platform="github", metric_type="stars")
    two_months.write(stars.assign(value=stars["value"].cumsum()), Collection("github", "import", account="quiet"))
    two = reported(two_months)

    labels = [
        [tile["label"] for block in report.summary() for tile in block.data.get(TILES, {}).get("tiles", [])]
        for report in (one, two)
    ]

    assert labels == [["Twitter mentions, loud", "Twitter mentions, quiet"], ["Github stars", "Twitter mentions, loud"]]


def test_what_people_said_of_the_month_stands_in_the_report(two_months):
    """A remark on another platform or month stays out; one person's words on an incident stand once."""
    at = datetime(2026, 11, 2, tzinfo=UTC)
    noon = datetime(2026, 10, 20, 12, tzinfo=UTC)
    ours, others = SeriesKey("twitter", "mentions", "", "loud"), SeriesKey("reddit", "")
    said = [
        Annotation(ours, noon, noon, "confirmed", "<b>launch</b>", "ana", at, "20261020-1200-twitter-mentions"),
        Annotation(SeriesKey("twitter", ""), noon, noon, "note", "campaign", "bo", at),
        Annotation(others, noon, noon, "note", "not ours", "bo", at),
        Annotation(ours, at, at, "note", "not October", "bo", at),
    ]
    with two_months.begin() as connection:
        add(connection, [*said, said[0]])

    rows = traffic_tables.remark_rows(gathered(two_months))

    assert rows[["about", "kind", "note", "by"]].to_numpy().tolist() == [
        ["20261020-1200-twitter-mentions", "confirmed", "<b>launch</b>", "ana, 2\xa0Nov\xa02026"],
        ["Twitter", "note", "campaign", "bo, 2\xa0Nov\xa02026"],
    ]


def test_a_confirmed_incident_is_not_learned_from(two_months):
    """Its two hours leave the days after it as if they had never been."""
    begin, end = (datetime(2026, 10, 20, hour, tzinfo=UTC) for hour in (12, 14))
    key = SeriesKey("twitter", "mentions", "", "loud")
    before = gathered(two_months, accounts=["loud"]).items[0].series
    with two_months.begin() as connection:
        add(connection, [Annotation(key, begin, end, "confirmed", "", "ana", end, "x")])

    after = gathered(two_months, accounts=["loud"]).items[0].series

    later = after.times >= np.datetime64("2026-10-21T12:00")
    hours = pd.DatetimeIndex(after.times).hour.isin([12, 13])
    assert np.nanmean(after.baseline.upper[later & hours]) < np.nanmean(before.baseline.upper[later & hours])
    assert after.feedback.startswith("Thresholds lowered to 97 %")


def test_a_platforms_name_formats_nothing(two_months):
    """It comes from params, and stands in a sentence of the summary."""
    data = replace(gathered(two_months), names={"twitter": "X *once* [Twitter](https://example.com)"})

    scope = sentences(data)[0]

    assert formats.literal("X *once* [Twitter](https://example.com)") in scope
    assert "](https" not in scope


def daily_views(account: str, platform: str, launch: float) -> pd.DataFrame:
    """A figure a day, stamped at seven in the morning; on 20 October `launch` times the usual."""
    times = pd.date_range("2026-08-01 07:00", "2026-11-01", tz="UTC")
    values = np.random.default_rng(len(account)).normal(1000, 30, len(times)).round()
    values[times.normalize() == pd.Timestamp("2026-10-20", tz="UTC")] *= launch
    names = {"platform": platform, "metric_type": "views", "author_id": account}
    return pd.DataFrame({**names, "time": times, "value": values})


def test_a_day_of_a_launch_is_one_incident_told_to_the_day(two_months):
    """A post at eleven, mentions at noon, and daily views stamped before both: nobody came "5 h before" anybody."""
    views = [MetricDefinition(p, "views", "Views", "views", "gauge", "sum") for p in ("instagram", "youtube")]
    for entry in views:
        two_months.write(daily_views("acme", entry.platform, 5), Collection(entry.platform, "import", account="acme"))
    about = {"content_id": "p", "title": "Launch", "published_at": datetime(2026, 10, 20, 11, tzinfo=UTC)}
    with two_months.begin() as connection:
        save_contents(connection, [about | {"platform": "instagram", "author_id": "acme"}])
    known = DEFINITIONS | {(entry.platform, "views"): (entry,) for entry in views}

    series = choose_series(two_months, platforms=(), metrics=(), accounts=())
    data = gather(two_months, series, month=OCTOBER, watch=Watch(), definitions=known)
    rows = traffic_tables.incident_rows(data)
    launch = rows[rows["series"].str.contains("views")]

    assert launch["start"].tolist() == [date(2026, 10, 20)]
    assert {name for name in ("Instagram", "Twitter loud", "Youtube") if name in launch["series"].iloc[0]} == {
        "Instagram",
        "Twitter loud",
        "Youtube",
    }
    assert launch["cause"].tolist() == ["Instagram: “Launch” was published the same day"]
    worst = data.item(next(t for t in data.incidents if len(t.keys) == 3).worst[0])
    assert launch["series"].iloc[0].startswith(worst.full_name), "whose figures are shown"
    shown = table(rows, caption="Incidents", columns=traffic_tables.INCIDENT_COLUMNS).data[TABLE]["rows"]
    assert "2026-10-20" in [row[0]["sort"] for row in shown]
    assert [row[0]["sort"] for row in shown] == sorted(row[0]["sort"] for row in shown)


def test_a_figures_note_gives_sql_that_returns_it(two_months):
    """And each note of a table a command, the definitions and the newest reading."""
    at = pd.date_range("2026-09-01", "2026-11-01", freq="1h", inclusive="left", tz="UTC")
    level = 1000.0 + np.cumsum(np.random.default_rng(3).poisson(40, at.size))
    names = {"platform": "github", "metric_type": "stars", "author_id": "o'acme"}
    two_months.write(pd.DataFrame({**names, "time": at, "value": level}), Collection("github", "import"))
    report = reported(two_months, timezone="Europe/Berlin")
    data = report.data

    for item in data.items:
        query = tile(item, data).provenance["query"]
        with two_months.engine.connect() as connection:
            assert connection.execute(sa.text(query)).scalar_one() == pytest.approx(item.facts.total), query
    sections = [getattr(report, name)() for name in SECTIONS]
    tables = [block for section in sections for block in section if TABLE in block.data]
    assert len(tables) > 6
    for block in tables:
        note = block.metadata["report"]["provenance"]
        assert {"query", "command", "snapshot", "definition", "freshness"} <= set(note)
    words = shlex.split(tables[0].metadata["report"]["provenance"]["command"])
    assert words[:5] == ["analytics", "report", "traffic", "--month", "2026-10"]
    assert dict(zip(words[3::2], words[4::2], strict=False))["--timezone"] == "Europe/Berlin"
    notebook = notebook_of(shown(report.summary().items[0]))
    assert ReportHTMLExporter(interactive=False).from_notebook_node(notebook)[0].count('href="#note-1"') == len(
        sentences(data)
    )


def test_the_command_of_a_note_is_understood(two_months, monkeypatch):
    """Options that no longer exist would send the reader nowhere."""
    made = command(gathered(two_months), gathered(two_months).items)

    result = CliRunner().invoke(app, [*shlex.split(made)[2:], "--params-file", "nowhere.yaml"])

    assert "nowhere.yaml: cannot be read" in str(result.exception)


def test_a_report_of_more_series_than_a_grid_can_show_names_how_many_it_shows(store):
    """From 162 series on it failed with "more than 5000 rows to draw"; the tables have them all."""
    times = pd.date_range("2026-08-25", "2026-11-01", freq="1D", inclusive="left", tz="UTC")
    values = np.random.default_rng(3).poisson(1000, (165, len(times))).astype(float)
    values[100:104, 50] *= 6
    frame = pd.DataFrame(
        {
            "platform": "twitter",
            "metric_type": "mentions",
            "author_id": np.repeat([f"account-{n:03d}" for n in range(165)], len(times)),
            "time": np.tile(times, 165),
            "value": values.ravel(),
        }
    )
    store.write(frame, Collection("twitter", "import", account="acme"))
    report = reported(store)

    grids = [block.metadata["report"] for block in (*report.anomalies(), *report.trends()) if VEGALITE in block.data]

    captions = [grid["caption"] for grid in grids]
    assert captions[0] == "Incidents by day, October 2026 (60 of 165 series, those with the most incidents)"
    assert captions[1].endswith("(60 of 165 series)")
    began = traffic_tables.most_of(traffic_tables.incidents_by_day(report.data), by="incidents")
    whole = traffic_tables.incidents_by_day(report.data)
    assert began["incidents"].sum() == whole["incidents"].sum() > 0
    assert began["series"].nunique() == 60


def test_a_grid_of_a_long_period_shows_fewer_lines():
    """A year of days is 365 cells a line."""
    frame = pd.DataFrame({"series": np.repeat(list("abcdefghijklmnopqrst"), 365), "n": 0})
    frame.loc[frame["series"] == "t", "n"] = 1

    kept = traffic_tables.most_of(frame, by="n")

    assert len(kept) <= traffic_tables.MOST_CELLS
    assert {"a", "t"} <= set(kept["series"])
