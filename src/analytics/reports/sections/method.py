"""How the figures were made, in words: the method's terms, and what baselines say about their history."""

from __future__ import annotations

import re
from functools import cache

from analytics.periods.figures import TrafficData
from analytics.wording import formats
from analytics.wording.language import mark, say
from analytics.wording.sentences import listed, share


def method(data: TrafficData) -> dict[str, str]:
    """The terms of the method with their meanings."""
    watch = data.watch
    clocks = sorted({item.series.watch.clock for item in data.items if item.series.watch.clock})
    by_clock = {say("Hours"): say("Hours and weekdays are those of {zones}.", zones=listed(clocks))} if clocks else {}
    return {
        say("Expected value and band"): say(
            "`{algorithm}` over the {days} days before each reading; the reading itself and later ones are never part "
            "of it. The band is meant to hold {share} of normal readings.",
            algorithm=watch.algorithm,
            days=watch.window_days,
            share=share(data.items[0].series.baseline.coverage),
        ),
        say("Warm-up"): say(
            "Nothing is judged on less than {days} days of history.", days=formats.number(watch.min_history_days)
        ),
        say("Incident"): say(
            "Readings outside the usual range for more than 15 minutes, 30 % off for more than an hour, or an expected "
            "peak that is missing; what belongs together is one incident."
        ),
        say("Season"): say(
            "Thirty days hold four weeks: time of day and day of the week are learned, day of the month and month of "
            "the year are not."
        ),
        say("Days"): say("Days and months begin at midnight in {timezone}.", timezone=data.timezone),
        **by_clock,
    }


# what `baselines.warn`, `baselines.rates`, `monitoring` and `readings` say, with their figures as places
SAID_BELOW = (
    mark("no history"),
    mark("{days} days of history: days of the week are not told apart"),
    mark("{days} days of history: enough for the day of the week, not for day of the month or year"),
    mark("{share} % of the expected readings are missing or masked"),
    mark("every value is the same: the band has no width to judge by"),
    mark("{share} % of the values are zero: the band rests on the few that are not"),
    mark("the counter started again {times} time(s)"),
    mark("{gaps} gap(s), the longest {hours} h: no rate is given for them"),
    mark("a counter that moves on fewer than half of the days, as one the platform rounds, is not judged"),
    mark("readings this old are kept by the hour only"),
    mark("readings this old are kept by the UTC day only"),
)


def below(text: str) -> str:
    """A sentence that the maths, which knows one language, said about a series, in the report's.

    >>> below("12.5 days of history: days of the week are not told apart")
    '12.5 days of history: days of the week are not told apart'
    """
    for known, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return say(known, **{name: _figure(value) for name, value in found.groupdict().items()})
    return text


def _figure(text: str) -> str:
    """A figure of such a sentence, with the decimals it came with."""
    return formats.number(float(text), decimals=len(text.partition(".")[2]))


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    place = re.compile(r"\\{(\w+)\\}")  # as `re.escape` leaves it
    return [(text, re.compile(place.sub(r"(?P<\1>[\\d.]+)", re.escape(text)))) for text in SAID_BELOW]
