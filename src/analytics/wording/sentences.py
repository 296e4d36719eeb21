"""Small pieces of the sentences that a report makes from its figures, in its language."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analytics.model import MetricDefinition
from analytics.wording import formats
from analytics.wording.language import language, mark, plural_of, say, term

PER_DAY = " per day"
# what figures bring as one word: severities, rules, verdicts, how firm a month is, forecasting models, kinds of metrics
WORDS = (
    mark("low"), mark("medium"), mark("high"), mark("critical"), mark("statistical"), mark("trend"), mark("pattern"),
    mark("cross-platform"), mark("note"), mark("acknowledged"), mark("snoozed"), mark("muted"), mark("unmuted"),
    mark("confirmed"), mark("rejected"), mark("provisional"), mark("settled"), mark("closed"), mark("final"),
    mark("draft"), mark("last week again"), mark("weekday means"), mark("weekday means with drift"), mark("prophet"),
    mark("counter"), mark("gauge"), mark("histogram"), mark("increase"), mark("last"), mark("sum"), mark("mean"),
)  # fmt: skip


def change(ratio: float) -> str:
    """A signed percentage; 'no change' below half a permille, 'not comparable' where there is none.

    >>> " | ".join(map(change, (0.0621, -0.5, 0.0001, 4.2))).replace(formats.NBSP, " ")
    '+6.2 % | −50.0 % | no change | +420 %'
    """
    if not math.isfinite(ratio):
        return say("not comparable")
    if abs(ratio) < 0.0005:
        return say("no change")
    return formats.percent(ratio, decimals=0 if abs(ratio) >= 1 else 1, signed=True)


def share(ratio: float) -> str:
    """A part of a whole in per cent; never rounded up to 100 % while something is missing.

    >>> " | ".join(map(share, (0.954, 0.9999, 1.0, float("nan")))).replace(formats.NBSP, " ")
    '95 % | 99 % | 100 % | not known'
    """
    if not math.isfinite(ratio):
        return say("not known")
    whole = math.floor(ratio * 100) / 100 if 0.99 < ratio < 1 else ratio
    return formats.percent(whole, decimals=0)


def amount(value: float, definition: MetricDefinition) -> str:
    """An amount in a sentence: counts whole from ten on, below with one decimal where they are means.

    >>> stars = MetricDefinition("x", "stars", "Stars", "stars", "counter", "increase")
    >>> [amount(value, stars) for value in (42.98, 2.0000001, 1.26, 0.034)]
    ['43', '2', '1.3', '0.0340']
    """
    size = abs(value)
    if definition.aggregation == "mean" or not 1 <= size < 10_000:
        return formats.compact(value)
    return formats.number(value, decimals=0 if size >= 10 or abs(value - round(value)) < 0.05 else 1)


def listed(names: Sequence[str], limit: int = 4) -> str:
    """Names in a sentence, the tail counted.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c", "d", "e", "f"])
    ('a, b and c', 'a, b, c and 3 more')
    """
    shown = list(names)
    if len(shown) > limit:
        shown = [*shown[: limit - 1], counted(len(names) - limit + 1, "{n} more", "{n} more")]
    return say("{first} and {last}", first=", ".join(shown[:-1]), last=shown[-1]) if len(shown) > 1 else "".join(shown)


def counted(count: int, one: str, many: str, /, *, lang: str | None = None, **values: object) -> str:
    """A sentence about a count, which stands at `{n}`; `lang` where another language than the one set is meant.

    >>> counted(1, "{n} anomaly", "{n} anomalies"), counted(2000, "{n} anomaly", "{n} anomalies")
    ('1 anomaly', '2,000 anomalies')
    """
    return plural_of(count, one, many, lang=lang).format(n=formats.number(count, lang=lang), **values)


def metric_name(definition: MetricDefinition, *, total: bool = False, alone: bool = False) -> str:
    """What a metric is called in the report's language.

    Args:
        total: the period's sum of a daily figure is meant, so it is no longer "per day".
        alone: at the head of a line; within one, languages that write nouns small begin it small.

    >>> views = MetricDefinition("x", "views", "Views per day", "views", "gauge", "sum")
    >>> metric_name(views), metric_name(views, total=True, alone=True)
    ('views per day', 'Views')
    """
    name = definition.display_name
    daily = name.endswith(PER_DAY)
    shown = term("metric", name.removesuffix(PER_DAY) if daily else name)
    shown = shown if alone or language() == "de" else shown.lower()
    return say("{amount} per day", amount=shown) if daily and not total else shown


def unit_of(definition: MetricDefinition) -> str:
    """A metric's unit in the report's language."""
    return term("unit", definition.unit)
