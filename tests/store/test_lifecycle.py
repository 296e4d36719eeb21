"""Days go down the tiers and lose nothing; whatever is asked afterwards is answered from the tier that has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from analytics.errors import InputError, StoreError
from analytics.params.files import Params
from analytics.store import Collection, Store, lifecycle
from analytics.store.archive import Archive

START = datetime(2026, 8, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)  # 30 days back: 21 October; 90 days back: 22 August
COLD, WARM, HOT = date(2026, 8, 10), date(2026, 9, 10), date(2026, 11, 10)
MEASURES = ["n", "sum_value", "min_value", "max_value", "first_value", "last_value", "p50_value", "p95_value"]


@pytest.fixture
def tiered(store: Store, tmp_path: Path) -> Store:
    store.archive = Archive(tmp_path / "archive")
    return store


def fill(
    store: Store, platform: str = "reddit", days: tuple[date, ...] = (COLD, WARM, HOT), seed: int = 1
) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frames = []
    for day in days:
        times = pd.date_range(day, periods=288, freq="5min", tz="UTC")
        for account in "ab":
            values = random.normal(50, 9, 288).round(2)
            frames.append(pd.DataFrame({"author_id": account, "time": times, "value": values}))
    frame = pd.concat(frames, ignore_index=True).assign(platform=platform, metric_type="posts")
    store.write(frame, Collection(platform, "import", source="x"), now=NOW)
    return frame


def params(**policy: object) -> Params:
    entry = {"adapter": "reddit", "display_name": "Reddit", "policy": {"archive_raw": False, **policy}}
    return Params.model_validate({"platforms": {"reddit": entry}})


def buckets(store: Store, unit: str, **options: str) -> pd.DataFrame:
    ids = store.series()["series_id"].tolist()
    return store.read_buckets(ids, START, NOW, unit=unit, **options)  # type: ignore[arg-type]


def count(store: Store, query: str) -> int:
    with store.engine.connect() as connection:
        return int(connection.scalar(sa.text(query)) or 0)


def test_days_move_by_age_and_their_aggregates_stay_the_same(tiered: Store):
    fill(tiered)
    tiered.roll_up(now=NOW)
    before = buckets(tiered, "day")

    done = tiered.lifecycle_run(params(), now=NOW)
    after = buckets(tiered, "day")

    assert [(step.day, step.to) for step in done] == [(COLD, "warm"), (WARM, "warm"), (COLD, "cold")]
    pd.testing.assert_frame_equal(before[["series_id", "bucket", *MEASURES]], after[["series_id", "bucket", *MEASURES]])
    assert after.groupby(after["bucket"].dt.date)["tier"].first().to_dict() == {COLD: "cold", WARM: "warm", HOT: "hot"}
    assert count(tiered, "SELECT count(*) FROM points") == 576
    assert count(tiered, "SELECT count(*) FROM metric_hourly") == 2 * 24 * 2
    with tiered.engine.connect() as connection:
        assert lifecycle.plan(connection, lifecycle.keeps_of(params()), NOW.date()) == []


def test_archived_raw_readings_are_read_as_if_they_had_never_left(tiered: Store):
    fill(tiered)
    ids = tiered.series()["series_id"].tolist()
    before = tiered.read_series(ids, START, NOW)

    tiered.lifecycle_run(params(archive_raw=True), now=NOW)
    after = tiered.read_series(ids, START, NOW)

    columns = ["series_id", "time", "value", "quality"]
    pd.testing.assert_frame_equal(before[columns], after[columns])
    assert after["tier"].value_counts().to_dict() == {"archive": 1152, "hot": 576, "warm": 0, "cold": 0}
    one_hour = tiered.read_series(ids[:1], datetime(2026, 8, 10, 5, tzinfo=UTC), datetime(2026, 8, 10, 6, tzinfo=UTC))
    assert len(one_hour) == 12


def test_without_raw_the_last_true_reading_of_each_hour_and_day_is_left(tiered: Store):
    frame = fill(tiered)
    tiered.lifecycle_run(params(), now=NOW)
    ids = tiered.series()["series_id"].tolist()

    plain = tiered.read_series(ids, START, NOW)
    thinned = tiered.read_series(ids, START, NOW, thinned=True)

    assert set(plain["tier"]) == {"hot"}
    assert thinned.groupby("tier", observed=True).size().to_dict() == {"hot": 576, "warm": 48, "cold": 2}
    assert thinned.groupby("tier", observed=True)["resolution_s"].first().to_dict() == {
        "hot": 0,
        "warm": 3600,
        "cold": 86_400,
    }
    said = set(zip(frame["time"], frame["value"], strict=True))
    assert set(zip(thinned["time"], thinned["value"], strict=True)) <= said


def test_a_dry_run_says_what_a_run_would_do_and_changes_nothing(tiered: Store):
    fill(tiered)

    planned = tiered.lifecycle_plan(params(), now=NOW)

    assert count(tiered, "SELECT count(*) FROM points") == 1728
    assert planned[0].rows == 576
    assert str(planned[-1]) == "2026-08-10 reddit: 0 rows → cold, daily to the archive"
    assert [(s.day, s.to) for s in tiered.lifecycle_run(params(), now=NOW)] == [(s.day, s.to) for s in planned]


def test_a_platform_with_a_shorter_term_leaves_its_day_to_the_others(tiered: Store):
    fill(tiered, days=(HOT,))
    fill(tiered, "youtube", days=(HOT,))
    tiered.lifecycle_run(params(raw_days=5), now=NOW)

    with tiered.engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT platform, count(*) FROM points JOIN series USING (series_id) GROUP BY 1")
        ).all()

    assert [tuple(row) for row in rows] == [("youtube", 576)]


def test_a_policy_that_forbids_keeping_leaves_nothing_of_the_platform(tiered: Store):
    fill(tiered, days=(COLD, WARM))
    fill(tiered, "youtube", days=(COLD,))

    tiered.lifecycle_run(params(raw_days=30, hourly_days=30, keep_cold=False), now=NOW)

    left = "SELECT count(*) FROM {} JOIN series USING (series_id) WHERE platform = 'reddit'"
    for table in ("points", "metric_hourly", "metric_daily"):
        assert count(tiered, left.format(table)) == 0
    daily = "SELECT count(*) FROM aggregated_metrics WHERE aggregation = 'daily' AND platform = '{}'"
    assert count(tiered, daily.format("reddit")) == 0
    assert count(tiered, daily.format("youtube")) == 1
    assert count(tiered, "SELECT count(*) FROM archive_log WHERE platform = 'reddit'") == 0


def test_a_row_for_a_day_that_left_is_kept_out_and_disturbs_no_hour(tiered: Store):
    fill(tiered)
    tiered.lifecycle_run(params(), now=NOW)
    before = buckets(tiered, "day")
    late = pd.DataFrame(
        {
            "platform": "reddit",
            "metric_type": "posts",
            "author_id": "a",
            "time": [pd.Timestamp(WARM, tz="UTC"), pd.Timestamp(HOT, tz="UTC") + pd.Timedelta("1min")],
            "value": 1.0,
        }
    )

    result = tiered.write(late, Collection("reddit", "import"), now=NOW)
    tiered.roll_up(now=NOW)

    assert (result.written, result.quarantined) == (1, 1)
    assert tiered.quarantine_list()["reason"].item() == f"raw readings have left the store for {WARM}"
    after = buckets(tiered, "day")
    unchanged = before["tier"] != "hot"
    pd.testing.assert_frame_equal(before[unchanged], after[unchanged])


class Interrupted(Exception):
    """Stands for a kill between two steps."""


@pytest.mark.parametrize("at", ["write", "keep_only", "after"])
@pytest.mark.parametrize("content", ["raw", "daily"])
def test_a_run_interrupted_anywhere_is_finished_by_the_next(tiered: Store, at: str, content: str, tmp_path: Path):
    """Broken off after the file is written, after it is logged, and after a day was dropped."""
    fill(tiered, days=(COLD, COLD + timedelta(days=1), WARM, HOT))
    tiered.roll_up(now=NOW)
    before = buckets(tiered, "day")
    assert tiered.archive is not None
    whole = tiered.archive
    tiered.archive = _interrupted(tmp_path / "archive", at, content)

    with pytest.raises(Interrupted):
        tiered.lifecycle_run(params(archive_raw=True), now=NOW)
    tiered.archive = whole
    assert_same(before, buckets(tiered, "day"))
    tiered.lifecycle_run(params(archive_raw=True), now=NOW)

    assert_same(before, buckets(tiered, "day"))
    files = sorted(str(p.relative_to(tmp_path / "archive")) for p in (tmp_path / "archive").rglob("*.parquet"))
    with tiered.engine.connect() as connection:
        assert files == sorted(connection.scalars(sa.text("SELECT location FROM archive_log")))


def _interrupted(root: Path, at: str, content: str) -> Archive:
    archive = Archive(root)
    seen: list[object] = []

    def broken(name: str, *, call: Callable[..., object]) -> Callable[..., object]:
        def stopped(*arguments: object) -> object:
            entry = call(*arguments)
            kind = getattr(arguments[0], "content", arguments[2] if len(arguments) > 2 else None)
            seen.append(kind)
            if kind == content and (at == name or (at == "after" and seen.count(content) > 2)):
                raise Interrupted
            return entry

        return stopped

    archive.write = broken("write", call=archive.write)  # type: ignore[method-assign,assignment]
    archive.keep_only = broken("keep_only", call=archive.keep_only)  # type: ignore[method-assign,assignment]
    return archive


def assert_same(before: pd.DataFrame, after: pd.DataFrame) -> None:
    columns = ["series_id", "bucket", *MEASURES]
    pd.testing.assert_frame_equal(before[columns], after[columns])


def test_a_rollup_that_disagrees_stops_the_drop(tiered: Store):
    fill(tiered)
    tiered.roll_up(now=NOW)
    with tiered.engine.begin() as connection:
        connection.execute(sa.text("UPDATE metric_hourly SET n = n - 1 WHERE bucket < '2026-08-10 01:00Z'"))

    with pytest.raises(StoreError, match="nothing was dropped"):
        tiered.lifecycle_run(params(), now=NOW)

    days = "SELECT count(*) FROM points WHERE time {} '2026-08-11 00:00Z'"
    assert count(tiered, days.format("<")) == 576
    assert count(tiered, days.format(">=")) < 1152  # the days behind it have moved all the same


def test_a_damaged_file_is_an_error_never_data(tiered: Store, tmp_path: Path):
    fill(tiered)
    tiered.lifecycle_run(params(), now=NOW)
    for file in (tmp_path / "archive").rglob("*.parquet"):
        file.write_bytes(file.read_bytes()[:-50])

    with pytest.raises(StoreError, match="archive"):
        buckets(tiered, "day")


def test_two_runs_at_once_are_one_too_many(tiered: Store):
    with tiered.engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": lifecycle.RUN_LOCK})

        with pytest.raises(StoreError, match="another lifecycle run"):
            tiered.lifecycle_run(params(), now=NOW)


def test_local_days_are_right_where_offsets_are_whole_hours(tiered: Store):
    frame = fill(tiered, days=(date(2026, 9, 10), date(2026, 9, 11), HOT))
    local = frame["time"].dt.tz_convert("America/New_York").dt.date
    expected = frame.groupby(["author_id", local])["value"].sum()

    tiered.lifecycle_run(params(), now=NOW)
    days = buckets(tiered, "day", timezone="America/New_York")

    assert days["sum_value"].tolist() == pytest.approx(expected.tolist())
    assert days["bucket"].dt.hour.unique().tolist() == [0]
    assert str(days["bucket"].dt.tz) == "America/New_York"


def test_days_of_a_half_hour_zone_are_right_from_raw_and_refused_without(tiered: Store):
    frame = fill(tiered)
    local = frame["time"].dt.tz_convert("Asia/Kolkata").dt.date
    expected = frame.groupby(["author_id", local])["value"].sum()

    hot = buckets(tiered, "day", timezone="Asia/Kolkata")
    tiered.lifecycle_run(params(archive_raw=True), now=NOW)
    archived = buckets(tiered, "day", timezone="Asia/Kolkata")

    for days in (hot, archived):
        assert days["sum_value"].tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize("timezone", ["Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin"])
def test_hours_are_those_of_the_zones_clock(tiered: Store, timezone: str):
    frame = fill(tiered)
    minutes = pd.Timestamp(frame["time"].iloc[0]).tz_convert(timezone).utcoffset() // timedelta(minutes=1) % 60
    begin = (frame["time"] + pd.Timedelta(minutes=minutes)).dt.floor("h") - pd.Timedelta(minutes=minutes)
    expected = frame.groupby(["author_id", begin])["value"].sum()

    hot = buckets(tiered, "hour", timezone=timezone)
    tiered.lifecycle_run(params(archive_raw=True), now=NOW)
    archived = buckets(tiered, "hour", timezone=timezone)

    for hours in (hot, archived):
        assert hours["sum_value"].tolist() == pytest.approx(expected.tolist())
        assert hours["bucket"].dt.minute.unique().tolist() == [0]


def test_what_can_no_longer_be_cut_is_refused_by_name(tiered: Store):
    fill(tiered, days=(WARM, HOT))
    tiered.lifecycle_run(params(), now=NOW)

    with pytest.raises(InputError, match=r"reddit 2026-09-10: only UTC hours are kept, hours of Asia/Kolkata"):
        buckets(tiered, "hour", timezone="Asia/Kolkata")

    with pytest.raises(InputError, match=r"reddit 2026-09-10: only UTC hours are kept, days of Asia/Kolkata"):
        buckets(tiered, "day", timezone="Asia/Kolkata")


def test_hours_not_yet_rolled_up_are_taken_from_raw(tiered: Store):
    frame = fill(tiered, days=(HOT,))

    hours = buckets(tiered, "hour")

    assert hours["n"].sum() == len(frame)
    assert hours["sum_value"].sum() == pytest.approx(frame["value"].sum())
    tiered.roll_up(now=NOW)
    assert_same(hours, buckets(tiered, "hour"))
