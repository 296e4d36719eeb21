"""What a frame of readings must hold before it is stored, declared with pandera.

`readings` are the hard rules: a row that breaks one goes to quarantine. `meanings` are the soft ones, from the metrics'
definitions: such a row is stored with a lower quality. Both look at whole columns, text by its few distinct values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from analytics.model import MetricDefinition

Definitions = Mapping[tuple[str, str], MetricDefinition]

REQUIRED_TEXT = ("platform", "metric_type")
KEY_LENGTHS = {"platform": 50, "metric_type": 100, "content_id": 255, "author_id": 255, "content_type": 50}
EARLIEST = pd.Timestamp("1990-01-01", tz="UTC")  # older than every platform: a unit mistaken, or an empty date
PENALTY = {"negative_count": 0.5, "ratio_off_range": 0.5, "undefined_metric": 0.1}


def readings(latest: datetime) -> pa.DataFrameSchema:
    """Hard rules for parsed readings: categories of text, `time` (datetime64[us, UTC]), `value` (float64).

    NaT and NaN pass: why a time could not be read is known before, and an unknown value is no fault.
    """
    limit = pd.Timestamp(latest.astimezone(UTC))
    columns = {name: pa.Column("category", checks=_text_rules(name)) for name in KEY_LENGTHS}
    columns["time"] = pa.Column(
        nullable=True,
        checks=[
            pa.Check(lambda times: times <= limit, error="is in the future"),
            pa.Check(lambda times: times >= EARLIEST, error="is before 1990"),
        ],
    )
    columns["value"] = pa.Column(
        float, nullable=True, checks=pa.Check(lambda values: ~np.isinf(values), error="is not finite")
    )
    return pa.DataFrameSchema(columns)


def meanings() -> pa.DataFrameSchema:
    """Soft rules for what `with_meanings` gives; the name of a rule is the name of the fault."""
    return pa.DataFrameSchema(
        {
            "is_defined": pa.Column(bool, checks=pa.Check(lambda known: known, error="undefined_metric")),
            "above_zero": pa.Column(float, checks=pa.Check(lambda margin: margin >= 0, error="negative_count")),
            "within_share": pa.Column(float, checks=pa.Check(lambda margin: margin >= 0, error="ratio_off_range")),
        }
    )


def with_meanings(accepted: pd.DataFrame, definitions: Definitions) -> pd.DataFrame:
    """For each reading: whether its metric is defined, and how far it lies inside what the definition allows.

    A platform of which nothing is defined is not blamed for it. Margins are infinite where nothing is asked.
    """
    values = accepted["value"].to_numpy()
    columns = {
        "is_defined": np.ones(len(accepted), bool),
        "above_zero": np.full(len(accepted), np.inf),
        "within_share": np.full(len(accepted), np.inf),
    }
    platforms = {platform for platform, _ in definitions}
    pairs = accepted[["platform", "metric_type"]].drop_duplicates().astype(str)
    for platform, metric in pairs.itertuples(index=False):
        rows = (accepted["platform"] == platform).to_numpy() & (accepted["metric_type"] == metric).to_numpy()
        definition = definitions.get((platform, metric))
        if definition is None:
            columns["is_defined"][rows] = platform not in platforms
        elif definition.data_type == "counter":
            columns["above_zero"][rows] = values[rows]
        elif definition.unit in {"ratio", "pct"}:
            top = 1.0 if definition.unit == "ratio" else 100.0
            columns["within_share"][rows] = np.minimum(values[rows], top - values[rows])
    return pd.DataFrame(columns)


def broken(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> Iterator[tuple[int, str, Any, str]]:
    """Each breach of a rule: row, column, the value that offends, and the rule's words; rows count from 0."""
    try:
        schema.validate(frame.reset_index(drop=True), lazy=True)
    except pa.errors.SchemaErrors as exc:
        cases = exc.failure_cases
        yield from zip(cases["index"], cases["column"], cases["failure_case"], cases["check"], strict=True)


def _text_rules(name: str) -> list[pa.Check]:
    longest = KEY_LENGTHS[name]
    rules = [
        _of_categories(lambda text: "\x00" not in text, "has a NUL"),
        _of_categories(lambda text: len(text) <= longest, f"has more than {longest} characters"),
    ]
    return [_of_categories(lambda text: bool(text.strip()), "is missing"), *rules] if name in REQUIRED_TEXT else rules


def _of_categories(holds: Callable[[str], bool], error: str) -> pa.Check:
    def check(column: pd.Series[Any]) -> pd.Series[bool]:
        good = np.array([holds(text) for text in column.cat.categories], dtype=bool)
        return pd.Series(good[column.cat.codes], index=column.index)

    return pa.Check(check, error=error)
