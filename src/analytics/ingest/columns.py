"""Text columns of an import file as instants and numbers, with every problem named by row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analytics.model import zone_of

Ambiguous = Literal["error", "first", "second"]
Problems = dict[int, str]  # row of the chunk -> what is wrong with it

ISO = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?$"
OFFSET = r":\d{2}(\.\d+)? ?(Z|[+-]\d{2}(:?\d{2})?)$"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity)$"
WHOLE_NUMBER = r"^-?\d{1,17}$"
# What spreadsheets, pandas, R and SQL write for a value that is not there.
UNKNOWN = pa.array(["", "na", "n/a", "nan", "null", "none", "-"])
UNIX_UNITS = {"unix": 1_000_000, "unix_ms": 1_000, "unix_us": 1}  # microseconds in one


@dataclass(frozen=True, slots=True)
class TimeReading:
    """How the time column is written.

    `time_format` is `iso`, `unix`, `unix_ms`, `unix_us` or a strptime pattern. `timezone` is the zone of times
    without an offset; `ambiguous` says which of the two is meant where the clocks go back.
    """

    timezone: str = "UTC"
    time_format: str = "iso"
    ambiguous: Ambiguous = "error"


@dataclass(frozen=True, slots=True)
class Times:
    """Instants (n,) in UTC, NaT where a problem is named; `has_offset` tells which rows name their own offset."""

    instants: npt.NDArray[np.datetime64]
    has_offset: npt.NDArray[np.bool_]
    problems: Problems


def parse_numbers(text: pa.Array) -> tuple[npt.NDArray[np.float64], Problems]:
    """Read numbers; an empty cell or a word for "not there" is NaN: unknown, not a problem.

    >>> values, problems = parse_numbers(pa.array(["104", "", "1,5", "1e3"]))
    >>> values.tolist(), problems
    ([104.0, nan, nan, 1000.0], {2: "value '1,5' is not a number"})
    """
    text = pc.utf8_trim_whitespace(text)
    known = pc.invert(pc.is_in(pc.utf8_lower(text), value_set=UNKNOWN))
    number = pc.match_substring_regex(text, NUMBER)
    bad = np.flatnonzero(pc.and_(known, pc.invert(number)).to_numpy(zero_copy_only=False))
    usable = pc.if_else(number, text, pa.scalar(None, pa.string()))
    values = pd.to_numeric(pd.Series(usable.to_numpy(zero_copy_only=False), dtype=object), errors="coerce")
    return np.array(values, dtype=np.float64), {int(i): f"value {text[int(i)].as_py()!r} is not a number" for i in bad}


def parse_times(text: pa.Array, reading: TimeReading) -> Times:
    """Read a column of times as instants.

    >>> Times = parse_times(pa.array(["2015-02-26 21:42", "26.2.2015"]), TimeReading("Asia/Kolkata"))
    >>> str(Times.instants[0]), Times.problems
    ('2015-02-26T16:12:00.000000', {1: "time '26.2.2015' is unreadable (expected iso)"})
    """
    text = pc.utf8_trim_whitespace(text)
    if reading.time_format in UNIX_UNITS:
        return _unix(text, reading)
    if reading.time_format == "iso":
        shaped = pc.match_substring_regex(text, ISO)
        has_offset = pc.match_substring_regex(text, OFFSET).to_numpy(zero_copy_only=False)
        usable = pc.if_else(shaped, text, pa.scalar(None, pa.string()))
        pattern = "ISO8601"
    else:
        usable, pattern = text, reading.time_format
        has_offset = np.full(len(text), "%z" in pattern or "%Z" in pattern)
    parsed = pd.to_datetime(
        pd.Series(usable.to_numpy(zero_copy_only=False), dtype=object), format=pattern, utc=True, errors="coerce"
    )
    instants = np.array(parsed.dt.tz_localize(None), dtype="datetime64[us]")
    problems = _unreadable(text, np.isnat(instants), reading.time_format)
    if reading.timezone != "UTC" and not has_offset.all():
        problems |= localise(instants, ~has_offset, reading)
    return Times(instants, has_offset, problems)


def localise(wall: npt.NDArray[np.datetime64], rows: npt.NDArray[np.bool_], reading: TimeReading) -> Problems:
    """Turn wall-clock times of `rows` into UTC, in place; name those that happen twice or never."""
    zone = zone_of(reading.timezone)
    local = pd.DatetimeIndex(wall[rows])
    first, second = (_utc(local, zone, earlier) for earlier in (True, False))
    chosen = second if reading.ambiguous == "second" else first
    problems: Problems = {}
    places = np.flatnonzero(rows)
    for i in np.flatnonzero(np.isnat(first) & ~np.isnat(wall[rows])):
        problems[int(places[i])] = (
            f"time {_shown(wall[places[i]])} does not exist in {reading.timezone} (clocks go forward)"
        )
    if reading.ambiguous == "error":
        for i in np.flatnonzero((first != second) & ~np.isnat(first)):
            problems[int(places[i])] = (
                f"time {_shown(wall[places[i]])} happens twice in {reading.timezone} (clocks go back); "
                "give offsets, or say which is meant: ambiguous first or second"
            )
    wall[rows] = chosen
    wall[list(problems)] = np.datetime64("NaT")
    return problems


def _utc(local: pd.DatetimeIndex, zone: ZoneInfo, earlier: bool) -> npt.NDArray[np.datetime64]:
    instants = local.tz_localize(zone, ambiguous=np.full(len(local), earlier), nonexistent="NaT").tz_convert(UTC)
    return np.array(instants.tz_localize(None), dtype="datetime64[us]")


def _unix(text: pa.Array, reading: TimeReading) -> Times:
    whole = pc.match_substring_regex(text, WHOLE_NUMBER)
    numbers = pc.cast(pc.if_else(whole, text, "0"), pa.int64()).to_numpy(zero_copy_only=False).astype(np.float64)
    micros = numbers * UNIX_UNITS[reading.time_format]
    bad = ~whole.to_numpy(zero_copy_only=False) | (np.abs(micros) > 2.5e17)  # beyond the year 9892
    instants = np.where(bad, 0, micros).astype("int64").astype("datetime64[us]")
    instants[bad] = np.datetime64("NaT")
    return Times(instants, np.ones(len(text), bool), _unreadable(text, bad, reading.time_format))


def _unreadable(text: pa.Array, bad: npt.NDArray[np.bool_], expected: str) -> Problems:
    hint = "; unix seconds? say time format unix" if expected == "iso" and _looks_unix(text, bad) else ""
    return {
        int(i): f"time {text[int(i)].as_py()!r} is unreadable (expected {expected}{hint})" for i in np.flatnonzero(bad)
    }


def _looks_unix(text: pa.Array, bad: npt.NDArray[np.bool_]) -> bool:
    first = text[int(np.argmax(bad))].as_py() if bad.any() else ""
    return len(first) in {10, 13} and first.isdecimal()


def _shown(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[s]")).replace("T", " ")
