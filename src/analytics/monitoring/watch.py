"""How a series is watched: algorithm, window, masks, holidays, and what people's verdicts changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analytics.anomalies.feedback import Judgement, Verdict, weigh
from analytics.errors import InputError
from analytics.model import SeriesKey
from analytics.params.baselines import BaselineParams, Baselines, SeriesBaseline, too_short

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.anomalies import Rule
    from analytics.store import Store


@dataclass(frozen=True)
class Watch:
    """How a series is judged; the defaults are the product's own algorithm over 30 days.

    Raises:
        InputError: the window is shorter than the least history.
    """

    algorithm: str = "profile"
    window_days: int = 30
    timezone: str = "UTC"  # whose midnights begin days
    clock: str | None = None  # zone whose hours and weekdays the audience keeps; None: the same
    min_history_days: float = 7.0
    rules: tuple[Rule, ...] = ("statistical", "trend", "pattern")
    alerts_per_week: float = 1.0  # episodes of a size that come more often are a series' habit
    coverage: float | None = None  # None: the algorithm's own
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if why := too_short(self.window_days, self.min_history_days):
            raise InputError(why)

    def as_named(self, entry: SeriesBaseline | None) -> Watch:
        """The same with what a series' own entry of params names; the rest stays as it is."""
        names = ("algorithm", "window_days", "coverage", "clock", "parameters")
        named = {name: getattr(entry, name) for name in names if entry is not None and name in entry.model_fields_set}
        return replace(self, **named)


@dataclass(frozen=True)
class Own:
    """What holds for one series only.

    Attributes:
        masked: stretches (start, end) not to learn from: of params, and of incidents somebody confirmed.
        holidays: countries, parts of them, or dates that behave like Sundays.
        direction: which side is worth telling.
        factor: thresholds are multiplied by this; what people rejected raises it.
        sentence: what feedback changed; '' for nothing.
    """

    masked: tuple[tuple[datetime, datetime], ...] = ()
    holidays: tuple[str, ...] = ()
    direction: Literal["both", "above", "below"] = "both"
    factor: float = 1.0
    sentence: str = ""


EVERY = Own()


def own_of(store: Store, chosen: Baselines) -> Callable[[SeriesKey], Own]:
    """What params and people's verdicts say about each series; asks the store once."""
    from analytics.store import remarks

    with store.begin() as connection:
        verdicts = remarks.select(connection, kinds=("confirmed", "rejected"))
    given: dict[SeriesKey, list[Judgement]] = {}
    for said in verdicts:
        verdict: Verdict = "confirmed" if said.kind == "confirmed" else "rejected"
        given.setdefault(said.series, []).append(Judgement(said.incident, verdict, said.start, said.end))

    def own(key: SeriesKey) -> Own:
        entry = params_of(chosen, key)
        feedback = weigh(given.get(key, ()))
        masks = tuple((m.start, m.end) for m in entry.masked) if isinstance(entry, SeriesBaseline) else ()
        return Own(
            masked=masks + feedback.masked,
            holidays=entry.holidays,
            direction=entry.direction if isinstance(entry, SeriesBaseline) else "both",
            factor=feedback.sensitivity.factor,
            sentence=feedback.sentence,
        )

    return own


def params_of(chosen: Baselines, key: SeriesKey) -> BaselineParams:
    """How params want a series judged: what its own entry names, and the defaults for the rest."""
    own = entry_of(chosen, key)
    if own is None:
        return chosen.defaults
    rest = [name for name in BaselineParams.model_fields if name not in own.model_fields_set]
    return own.model_copy(update={name: getattr(chosen.defaults, name) for name in rest})


def entry_of(chosen: Baselines, key: SeriesKey) -> SeriesBaseline | None:
    """A series' own entry in params; None where it has none."""
    own = (entry for entry in chosen.series if (entry.platform, entry.metric) == (key.platform, key.metric_type))
    return next(own, None)


@lru_cache(maxsize=64)
def holiday_dates(codes: tuple[str, ...], first_year: int, last_year: int) -> frozenset[date]:
    """Days off by the codes of params, over whole years.

    >>> date(2026, 10, 3) in holiday_dates(("DE",), 2026, 2026)
    True
    """
    from holidays import country_holidays

    years = range(first_year, last_year + 1)
    days = {date.fromisoformat(code) for code in codes if code[:1].isdigit()}
    for code in codes:
        if not code[:1].isdigit():
            country, _, part = code.partition("-")
            days |= set(country_holidays(country, subdiv=part or None, years=years))
    return frozenset(days)


def holidays_over(own: Own, times: NDArray[np.datetime64]) -> frozenset[date]:
    """A series' days off over the years of its readings; none where nothing was named."""
    if not own.holidays or not times.size:
        return frozenset()
    first, last = (int(str(at)[:4]) for at in (times[0], times[-1]))
    return holiday_dates(own.holidays, first, last + 1)
