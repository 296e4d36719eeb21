"""Why an event was told and what may have caused it, as sentences in the report's language and its time zone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from analytics.wording import formats
from analytics.wording.language import mark, say, term

if TYPE_CHECKING:
    from analytics.anomalies import Cause, Event
    from analytics.periods.figures import TrafficData

TIMES = 3.0  # from a rise of 300 % on, a multiple is easier to grasp
ABOVE = mark("Above the usual range for {duration}: {observed} where {expected} is normal, {change}.")
BELOW = mark("Below the usual range for {duration}: {observed} where {expected} is normal, {change}.")
HIGHER = mark("Higher than normal for {duration}: a mean of {observed} where {expected} is normal, {change}.")
LOWER = mark("Lower than normal for {duration}: a mean of {observed} where {expected} is normal, {change}.")
RHYTHM = mark("The usual rise and fall of the day is missing: {observed} at its peak, where {expected} is normal.")
FLAT = mark("The same value, {observed}, for {duration}.")
STALE = mark("No reading for {duration}.")
PUBLISHED_THAT_DAY = mark("{platform}: “{title}” was published the same day")
PUBLISHED_THE_DAY_BEFORE = mark("{platform}: “{title}” was published the day before")


def reason(event: Event) -> str:
    """What the rule saw."""
    up = event.direction == "above"
    kinds = {"missing rhythm": RHYTHM, "flat line": FLAT, "stale feed": STALE}
    by_rule = {"statistical": ABOVE if up else BELOW, "trend": HIGHER if up else LOWER}
    text = kinds.get(str(event.details.get("kind"))) or by_rule.get(event.rule, ABOVE if up else BELOW)
    return say(
        text,
        duration=formats.duration(event.duration_s),
        observed=formats.compact(event.observed),
        expected=formats.compact(event.expected),
        change=_relative(event.relative_deviation),
    )


def _relative(ratio: float) -> str:
    if not np.isfinite(ratio):
        return say("from nothing")
    if ratio >= TIMES:
        return say("{times} times as much", times=formats.number(1 + ratio, decimals=1))
    return formats.percent(ratio, decimals=0, signed=True)


def cause(found: Cause, data: TrafficData, by_day: date | None = None) -> str:
    """A candidate cause; of content its title, of a break the new meaning, of an outage what the platform said.

    `by_day` is the local day of an incident of which no more is known.
    """
    where = data.display_name(found.platform)
    match found.kind:
        case "collector outage":
            lasted = formats.duration(found.seconds)
            return say(
                "{platform} could not be read for {duration}: {reason}",
                platform=where,
                duration=lasted,
                reason=found.about,
            )
        case "definition break":
            meaning = term("meaning", found.about)
            return say("{platform} changed what it counts: {meaning}", platform=where, meaning=meaning)
        case _ if by_day:
            same = found.at.astimezone(data.zone).date() == by_day
            text = PUBLISHED_THAT_DAY if same else PUBLISHED_THE_DAY_BEFORE
            return say(text, platform=where, title=found.about)
        case _:
            before = formats.duration(found.seconds)
            return say(
                "{platform}: “{title}” was published {duration} before",
                platform=where,
                title=found.about,
                duration=before,
            )
