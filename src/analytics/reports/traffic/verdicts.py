"""A verdict a platform: whether it grew, by which figures, and how many incidents it took part in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analytics.periods.figures import SeriesMonth, TrafficData
from analytics.reports.document.display import Block, Column, table
from analytics.reports.sections.recommend import COVERAGE_WANTED, WORTH_TELLING, begins, received_share
from analytics.wording import formats
from analytics.wording.language import mark, say
from analytics.wording.sentences import change, listed, metric_name


def verdicts(data: TrafficData, provenance: Mapping[str, Any]) -> Block:
    """A line a platform: whether it grew, by which figures, and how many incidents it took part in."""
    rows = []
    for name in data.platforms:
        lead = min(data.of(name), key=lambda item: not item.is_own)
        items = [item for item in data.own if item.series.key.platform == name] or [lead]
        keys = {item.series.key for item in data.of(name)}
        rows.append(
            {
                "platform": lead.platform if lead.is_own else say("{name} (competitors)", name=lead.platform),
                "verdict": say(_verdict(lead, data)),
                "why": _capital(listed([_in_short(item, items) for item in items])) + ".",
                "incidents": sum(not keys.isdisjoint(told.keys) for told in data.incidents),
            }
        )
    several = any(len({key.platform for key in told.keys}) > 1 for told in data.incidents)
    return table(
        pd.DataFrame(rows),
        caption=say("Platform by platform, {period}", period=data.label),
        columns=VERDICT_COLUMNS,
        note=say("An incident of several platforms counts with each.") if several else None,
        provenance=provenance,
    )


def _verdict(lead: SeriesMonth, data: TrafficData) -> str:
    ratio = lead.previous.adjusted_change_ratio
    if received_share(lead, data) < COVERAGE_WANTED:
        return mark("incomplete")
    if not np.isfinite(ratio):
        return mark("new") if begins(lead) else mark("not comparable")
    if abs(ratio) < WORTH_TELLING:
        return mark("steady")
    return mark("growing") if ratio > 0 else mark("falling")


def _in_short(item: SeriesMonth, items: Sequence[SeriesMonth]) -> str:
    """A series' figure with its change, under its metric; the account where there are several."""
    metric = metric_name(item.series.definition, total=item.facts.aggregation == "sum")
    name = f"{item.account} {metric}" if len({other.account for other in items}) > 1 else metric
    ratio, figure = item.previous.adjusted_change_ratio, formats.compact(item.facts.total)
    return f"{name} {figure} ({change(ratio)})" if np.isfinite(ratio) else f"{name} {figure}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


VERDICT_COLUMNS = (
    Column("platform", "Platform"),
    Column("verdict", "Verdict", "badge"),
    Column("why", "In short", wide=True),
    Column("incidents", "Incidents", "number"),
)
