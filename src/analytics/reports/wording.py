"""Small pieces of the sentences that a report makes from its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analytics.reports import formats


def change(ratio: float) -> str:
    """A signed percentage; 'no change' below half a permille, 'not comparable' where there is none.

    >>> " | ".join(map(change, (0.0621, -0.5, 0.0001, 4.2))).replace(formats.NBSP, " ")
    '+6.2 % | −50.0 % | no change | +420 %'
    """
    if not math.isfinite(ratio):
        return "not comparable"
    if abs(ratio) < 0.0005:
        return "no change"
    return formats.percent(ratio, decimals=0 if abs(ratio) >= 1 else 1, signed=True)


def share(ratio: float) -> str:
    """A part of a whole in per cent; never rounded up to 100 % while something is missing.

    >>> " | ".join(map(share, (0.954, 0.9999, 1.0, float("nan")))).replace(formats.NBSP, " ")
    '95 % | 99 % | 100 % | not known'
    """
    if not math.isfinite(ratio):
        return "not known"
    whole = math.floor(ratio * 100) / 100 if 0.99 < ratio < 1 else ratio
    return formats.percent(whole, decimals=0)


def listed(names: Sequence[str], limit: int = 4) -> str:
    """Names in a sentence, the tail counted.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c", "d", "e", "f"])
    ('a, b and c', 'a, b, c and 3 more')
    """
    shown = list(names) if len(names) <= limit else [*names[: limit - 1], f"{len(names) - limit + 1} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """A count with its noun.

    >>> plural(1, "anomaly", "anomalies"), plural(2, "day")
    ('1 anomaly', '2 days')
    """
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
