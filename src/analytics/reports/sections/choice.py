"""Reports of one's own: which sections, in which order, by name."""

from __future__ import annotations

from collections.abc import Sequence

from analytics.errors import InputError, nearest
from analytics.reports.document.display import Block, Blocks, blocks, prose
from analytics.wording.language import mark, say

SECTIONS = {
    "summary": (
        mark("Executive summary"),
        mark("What rose, what fell, what mattered and what to do. Changes compare the same weekdays."),
    ),
    "breakdown": (
        mark("Platform breakdown"),
        mark("Each chart shows the readings, the value that was expected and the range normal readings keep to."),
    ),
    "anomalies": (
        mark("Anomaly analysis"),
        mark("Events that belong together, in time or over series, are one incident."),
    ),
    "trends": (
        mark("Trends"),
        mark("Periods differ in length and in weekdays; both are adjusted for, or the comparison refused."),
    ),
    "outlook": (mark("Outlook"), mark("What the next period may bring if nothing changes course.")),
    "recommendations": (mark("Recommendations"), mark("Each action follows from a finding in this report.")),
    "coverage": (
        mark("Method and data"),
        mark("How the figures were made, how often the usual range held, and what is missing."),
    ),
}


def chosen(report: object, names: Sequence[str]) -> Blocks:
    """The sections named, in that order, each under its heading; none named: all.

    Args:
        report: has a method for each name in `SECTIONS` that gives its blocks.

    Raises:
        InputError: a section there is none of, or one named twice; says which there are.
    """
    asked = list(names) or list(SECTIONS)
    shown: list[Block | Blocks] = []
    for position, name in enumerate(asked):
        if name not in SECTIONS:
            raise InputError(f"section {name!r}: unknown; {nearest(name, SECTIONS)}")
        if name in asked[:position]:
            raise InputError(f"section {name!r}: named twice")
        title, text = SECTIONS[name]
        shown += [prose(f"## {say(title)}\n\n{say(text)}"), getattr(report, name)()]
    return blocks(*shown)
