"""What people's verdicts on incidents change: what a baseline learns from, and how far out a value must lie.

Pure functions on frozen dataclasses: the store keeps the verdicts, these decide. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Verdict = Literal["confirmed", "rejected"]
LEAST_FACTOR, MOST_FACTOR = 0.8, 2.0
UP, DOWN = 1.10, 0.97  # a false alarm costs trust at once, a true one proves little about the next


@dataclass(frozen=True)
class Judgement:
    """What somebody decided about an incident, as far as one series took part in it from `start` to `end`."""

    incident: str
    verdict: Verdict
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Sensitivity:
    """By how much a series' thresholds are multiplied (`Settings.scaled`), and what moved them."""

    factor: float = 1.0
    confirmed: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Feedback:
    """What a series' verdicts amount to.

    Attributes:
        masked: stretches a baseline should not learn from (start, end): those of confirmed incidents.
        sensitivity: the series' thresholds.
        sentence: what was changed and why; '' where nobody has judged anything.
    """

    masked: tuple[tuple[datetime, datetime], ...] = ()
    sensitivity: Sensitivity = Sensitivity()
    sentence: str = ""


def weigh(judgements: Iterable[Judgement]) -> Feedback:
    """Verdicts on one series, in the order they were given; of several on one incident the last counts.

    >>> from datetime import UTC
    >>> at = datetime(2026, 11, 20, tzinfo=UTC)
    >>> feedback = weigh([Judgement("a", "rejected", at, at), Judgement("a", "confirmed", at, at)])
    >>> len(feedback.masked), feedback.sentence
    (1, 'Thresholds lowered to 97 % after 0 rejected, 1 confirmed.')
    """
    last: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        held = last.pop(judgement.incident, [])
        last[judgement.incident] = [*(j for j in held if j.verdict == judgement.verdict), judgement]
    sensitivity, sentence = Sensitivity(), ""
    for group in last.values():
        sensitivity, sentence = learn(sensitivity, group[0].verdict)
    spans = {(j.start, j.end) for group in last.values() for j in group if j.verdict == "confirmed"}
    return Feedback(tuple(sorted(spans)), sensitivity, sentence)


def learn(sensitivity: Sensitivity, verdict: Verdict) -> tuple[Sensitivity, str]:
    """Thresholds after one more verdict, and a sentence that says so.

    >>> learn(Sensitivity(), "rejected")
    (Sensitivity(factor=1.1, confirmed=0, rejected=1), 'Thresholds raised to 110 % after 1 rejected, 0 confirmed.')
    >>> learn(Sensitivity(factor=2.0, rejected=9), "rejected")[1]
    'Thresholds stay at 200 %, the most feedback may do, after 10 rejected, 0 confirmed.'
    """
    step = UP if verdict == "rejected" else DOWN
    factor = round(min(max(sensitivity.factor * step, LEAST_FACTOR), MOST_FACTOR), 6)
    after = Sensitivity(
        factor, sensitivity.confirmed + (verdict == "confirmed"), sensitivity.rejected + (verdict == "rejected")
    )
    level, because = f"{100 * factor:.0f} %", f"after {after.rejected} rejected, {after.confirmed} confirmed."
    if factor == sensitivity.factor:
        return after, f"Thresholds stay at {level}, the {'most' if step > 1 else 'least'} feedback may do, {because}"
    return after, f"Thresholds {'raised' if factor > sensitivity.factor else 'lowered'} to {level} {because}"
