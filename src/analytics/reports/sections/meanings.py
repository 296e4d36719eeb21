"""Metrics that came to mean something else within the period: which meaning a day has, and what each brought."""

from __future__ import annotations

from datetime import date

from analytics.model import MetricDefinition
from analytics.periods.figures import SeriesMonth
from analytics.periods.gather import new_meaning
from analytics.wording import formats
from analytics.wording.language import say
from analytics.wording.sentences import listed


def meaning_on(item: SeriesMonth, day: date) -> MetricDefinition:
    """The definition in force on a day of the period."""
    held = [d for d in item.meanings if d.valid_from is None or d.valid_from <= day]
    return held[-1] if held else item.meanings[0]


def parts(item: SeriesMonth) -> str:
    """What each meaning brought, in words; '' where there is one only, or where days do not add up."""
    changed_on = [d.valid_from for d in item.meanings[1:] if d.valid_from]
    if not changed_on or item.facts.aggregation not in ("increase", "sum"):
        return ""
    amounts = item.facts.days["amount"]
    of_meaning = [meaning_on(item, day.date()) for day in amounts.index]
    brought = [amounts[[found == d for found in of_meaning]].sum(min_count=1) for d in item.meanings]
    before = say("{amount} before {day}", amount=formats.compact(brought[0]), day=formats.day(changed_on[0]))
    after = [
        say("{amount} from {day} on", amount=formats.compact(amount), day=formats.day(day))
        for amount, day in zip(brought[1:], changed_on, strict=True)
    ]
    return listed([before, *after])


def two_meanings(item: SeriesMonth, name: str) -> str:
    """A sentence on a series, under this name, whose metric came to mean something else; '' for the others."""
    if len(item.meanings) < 2:
        return ""
    if told := parts(item):
        return say(
            "{series} changed its meaning within the period: {parts} ({unit}) do not add up to one figure.",
            series=name,
            parts=told,
            unit=item.unit,
        )
    return f"{new_meaning(item.meanings[-1], name)}."
