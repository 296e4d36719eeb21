"""The door of the store: which readings may be stored, which may not and why, which look odd.

A hard fault keeps a row out (it goes to quarantine with its reason and the row as it came); a soft
fault is stored with a lower quality score. A value the platform withheld is unknown: neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.errors import InputError
from analytics.ingest import contract
from analytics.ingest.contract import KEY_LENGTHS, PENALTY, Definitions
from analytics.model import Observation

Mask = npt.NDArray[np.bool_]

REQUIRED = ("platform", "metric_type", "time", "value")
_SURROGATE = re.compile("[\ud800-\udfff]")
FUTURE_TOLERANCE = timedelta(minutes=10)  # clocks of platforms and collectors differ


@dataclass(frozen=True, slots=True)
class Checked:
    """A batch after the check.

    `accepted` has the key columns, `time` (datetime64[us, UTC]), `value` (finite), `quality` (0 to 1, NaN: nothing
    odd), `faults` (names joined by a blank, '' for none). `rejected` has platform, metric_type, reason, raw (JSON).
    `unknown` counts readings the platform withheld; they are in neither.
    """

    accepted: pd.DataFrame
    rejected: pd.DataFrame
    unknown: int


def observations_to_frame(observations: Iterable[Observation]) -> pd.DataFrame:
    """Observations as the frame the write path takes; one row each, in order.

    One with a fault has no time: met again at the next poll, the same fault is the same row of the quarantine.
    """
    columns = [*REQUIRED, "content_id", "content_type", "author_id", "tags", "fault"]
    rows = [
        (
            o.platform,
            o.metric_type,
            None if o.fault else o.observed_at,
            o.value,
            o.content_id,
            o.content_type,
            o.author_id,
            dict(o.tags),
            o.fault or None,
        )
        for o in observations
    ]
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    return frame.drop(
        columns=[name for place, name in ((-2, "tags"), (-1, "fault")) if not any(r[place] for r in rows)]
    )


def check(
    frame: pd.DataFrame,
    *,
    now: datetime,
    definitions: Definitions | None = None,
    future_tolerance: timedelta = FUTURE_TOLERANCE,
) -> Checked:
    """Sort the rows of `frame` into accepted, rejected and unknown; `frame` is left as it is.

    Args:
        frame: columns platform, metric_type, time (aware), value; optional content_id, content_type, author_id,
            tags (mapping), and `fault` with a reason a reader already found.
        now: the instant "the future" is measured from.
        definitions: what the metrics mean; None or a platform without any: nothing is said about meaning.
        future_tolerance: how far a clock may be ahead.
    Raises:
        InputError: a required column is missing.

    >>> frame = pd.DataFrame({"platform": "twitter", "metric_type": "mentions", "value": [104.0, np.inf, np.nan],
    ...                       "time": pd.date_range("2015-02-26", periods=3, freq="5min", tz="UTC")})
    >>> checked = check(frame, now=datetime(2015, 3, 1, tzinfo=UTC))
    >>> len(checked.accepted), checked.rejected.reason.tolist(), checked.unknown
    (1, ['value inf is not finite'], 1)
    """
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise InputError(f"readings need a column {missing[0]!r}; found {', '.join(map(str, frame.columns))}")
    reasons: dict[int, str] = {}
    if "fault" in frame.columns:
        _note(reasons, frame["fault"].notna().to_numpy(), lambda i: str(frame["fault"].iloc[i]))
    keys = {name: _texts(frame, name, reasons) for name in KEY_LENGTHS}
    times = _times(frame["time"], reasons)
    values = _values(frame["value"], reasons)
    parsed = _parsed(keys, times, values)
    for row, name, value, rule in contract.broken(contract.readings(now + future_tolerance), parsed):
        reasons.setdefault(row, f"{name} {_shown(value)}{rule}")
    good = np.ones(len(frame), bool)
    good[list(reasons)] = False
    unknown = int((good & np.isnan(values)).sum())
    good &= ~np.isnan(values)
    accepted = _accepted(frame, parsed, None if good.all() else good)
    return Checked(_scored(accepted, definitions), _rejected(frame, reasons), unknown)


def _note(reasons: dict[int, str], mask: Mask, say: Callable[[int], str]) -> None:
    """Keep the first reason of every row."""
    if mask.any():
        for i in np.flatnonzero(mask):
            reasons.setdefault(int(i), say(int(i)))


def constant(text: str, rows: int) -> pd.Categorical[str]:
    """The same text in every row, at a byte a row."""
    return pd.Categorical.from_codes(np.zeros(rows, np.int8), categories=pd.Index([text]))


def _texts(frame: pd.DataFrame, name: str, reasons: dict[int, str]) -> pd.Categorical[str]:
    """A key column as categories, '' for none."""
    if name not in frame.columns:
        return constant("", len(frame))
    column = frame[name]
    try:
        codes, uniques = pd.factorize(column)
    except TypeError:  # a list or mapping among the texts
        codes, uniques = pd.factorize(column.map(lambda value: () if isinstance(value, (dict, list)) else value))
    texts = [_text(value) for value in uniques]
    for code in [code for code, text in enumerate(texts) if text is None]:
        _note(reasons, codes == code, lambda _: f"{name} is not text")
    known = pd.Index(["", *(text or "" for text in texts)])
    distinct = known.unique()
    return pd.Categorical.from_codes(distinct.get_indexer(known)[codes + 1], categories=distinct)


def _text(value: Any) -> str | None:
    """A key as text; None for what is none, half a character (a lone surrogate, which JSON may hold) included."""
    if isinstance(value, str):
        return None if _SURROGATE.search(value) else value
    return None if isinstance(value, (tuple, float)) else str(value)


def _shown(value: Any) -> str:
    """A value in a reason, with a blank behind it; nothing for none."""
    if isinstance(value, pd.Timestamp):
        return f"{value.tz_localize(None).isoformat()}Z "
    return (
        f"{value!r:.42} " if isinstance(value, str) and value.strip() else "" if isinstance(value, str) else f"{value} "
    )


def _times(column: pd.Series[Any], reasons: dict[int, str]) -> npt.NDArray[np.datetime64]:
    """Instants in UTC (n,), NaT where a reason is noted."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        instants = np.array(column.dt.tz_convert(UTC).dt.tz_localize(None), dtype="datetime64[us]")
    else:
        instants = np.array([_instant(value, i, reasons) for i, value in enumerate(column)], dtype="datetime64[us]")
    _note(reasons, np.isnat(instants), lambda i: f"time {column.iloc[i]!r} is unreadable")
    return instants


def _instant(value: Any, row: int, reasons: dict[int, str]) -> np.datetime64:
    try:
        moment: Any = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(moment, datetime) and not pd.isna(moment):
            if moment.tzinfo is None:
                reasons.setdefault(row, f"time {value} has no time zone")
                return np.datetime64("NaT")
            return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
    except (ValueError, OverflowError):
        pass
    reasons.setdefault(row, f"time {value!r} is unreadable")
    return np.datetime64("NaT")


def _values(column: pd.Series[Any], reasons: dict[int, str]) -> npt.NDArray[np.float64]:
    """Floats (n,), NaN for unknown or where a reason is noted."""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    out = np.full(len(column), np.nan)
    for i, value in enumerate(column):
        if value is None or value is pd.NA:
            continue
        try:
            if isinstance(value, (str, bytes, bool, np.bool_)):
                raise TypeError
            out[i] = float(value)
        except (TypeError, ValueError):
            reasons.setdefault(i, f"value {value!r} is not a number")
        except OverflowError:
            out[i] = np.inf
    return out


def _parsed(
    keys: Mapping[str, pd.Categorical[str]], times: npt.NDArray[np.datetime64], values: npt.NDArray[np.float64]
) -> pd.DataFrame:
    columns: dict[str, Any] = dict(keys)
    return pd.DataFrame(columns | {"time": pd.DatetimeIndex(times).tz_localize(UTC), "value": values})


def _accepted(frame: pd.DataFrame, parsed: pd.DataFrame, good: Mask | None) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    if "tags" in frame.columns:
        columns["tags"] = frame["tags"].to_numpy(dtype=object)
    columns |= {name: frame[name].to_numpy() for name in ("line", "quarantine_id") if name in frame.columns}
    accepted = parsed.assign(**columns)
    return accepted if good is None else accepted[good].reset_index(drop=True)


def _scored(accepted: pd.DataFrame, definitions: Definitions | None) -> pd.DataFrame:
    """Add `quality` and `faults`."""
    quality = np.full(len(accepted), np.nan, np.float32)
    faults = np.full(len(accepted), "", dtype=object)
    if definitions:
        found = contract.broken(contract.meanings(), contract.with_meanings(accepted, definitions))
        for row, _, _, name in found:
            quality[row] = (1.0 if np.isnan(quality[row]) else quality[row]) - PENALTY[name]
            faults[row] = f"{faults[row]} {name}".strip()
    return accepted.assign(quality=quality, faults=faults)


def _rejected(frame: pd.DataFrame, reasons: Mapping[int, str]) -> pd.DataFrame:
    rows = sorted(reasons)
    records = frame.iloc[rows].drop(columns="fault", errors="ignore").to_dict("records")
    return pd.DataFrame(
        {
            "platform": [_label(record["platform"]) for record in records],
            "metric_type": [_label(record["metric_type"]) for record in records],
            "reason": [printable(reasons[row]) for row in rows],
            "raw": [raw_json(record) for record in records],
        },
        dtype=object,
    )


def _label(value: Any) -> str:
    return printable(value)[:100] if isinstance(value, str) else ""


def raw_json(record: Mapping[Any, Any]) -> str:
    """A row as JSON text a database accepts, with sorted keys: no NaN, NUL or lone surrogate.

    >>> raw_json({"value": float("inf"), "time": datetime(2015, 1, 1, tzinfo=UTC), "note": None})
    '{"note": null, "time": "2015-01-01T00:00:00+00:00", "value": "inf"}'
    """
    return json.dumps({str(key): _plain(value) for key, value in record.items()}, sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {printable(str(k)): _plain(v) for k, v in value.items()}
    if isinstance(value, Observation):
        return _plain(asdict(value))
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None if np.isnan(value) else str(float(value))
    return printable(str(value))


def printable(text: str) -> str:
    r"""Text with NUL and undecodable bytes written out.

    >>> printable("a\x00b\udcff")
    'a\\x00b\\udcff'
    """
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
