"""`baselines.yaml`: how what is normal is learned."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, model_validator

from analytics.params.fields import Holiday, Timezone, _Model, _nearest

# what each algorithm can be told; a test compares it with the algorithms themselves
PARAMETERS: dict[str, set[str]] = {
    "profile": {"lead_hours", "transform"},
    "seasonal_naive": {"season_days"},
    "ewma": {"alpha", "season_days"},
    "stl": {"alpha", "robust"},
    "mstl": {"alpha", "robust"},
    "prophet": {"seed", "samples"},
}


def too_short(window_days: float, min_history_days: float) -> str:
    """Why a window cannot be used; empty if it can. A window that holds less history than is needed judges nothing.

    >>> too_short(30, 7), too_short(3, 7)
    ('', 'window_days 3 is less than min_history_days 7 of ...')
    """
    if window_days >= min_history_days:
        return ""
    least = f"{min_history_days:g}"
    return (
        f"window_days {window_days:g} is less than min_history_days {least} of params/baselines.yaml, so that nothing "
        f"would be judged; use at least {least}, or lower min_history_days"
    )


class BaselineParams(_Model):
    """How what is normal is learned; the defaults, or one series' own."""

    algorithm: Literal["ewma", "stl", "mstl", "prophet", "seasonal_naive", "profile"] = "profile"
    window_days: int = Field(30, ge=1, le=400)
    coverage: float = Field(0.95, gt=0.5, lt=1, description="share of normal points the band is meant to hold")
    holidays: tuple[Holiday, ...] = Field((), description="countries (DE), parts of them (US-CA), or dates")
    clock: Timezone | None = Field(None, description="zone the audience lives in; None: that of the report or alerts")
    parameters: dict[str, float | int | str | bool] = Field({})


class Masked(_Model):
    """A stretch of time a baseline must not learn from."""

    start: datetime
    end: datetime
    reason: str

    @model_validator(mode="after")
    def _aware_and_ordered(self) -> Masked:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("start and end need a time zone, as in 2026-03-01T00:00:00Z")
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self


class SeriesBaseline(BaselineParams):
    """A platform's metric that needs other settings than the defaults."""

    platform: str
    metric: str
    direction: Literal["both", "above", "below"] = "both"
    masked: tuple[Masked, ...] = ()


class Baselines(_Model):
    """`baselines.yaml`."""

    defaults: BaselineParams = BaselineParams()
    min_history_days: float = Field(7, ge=1, description="no point is judged on less history")
    alerts_per_week: float = Field(1.0, gt=0, description="acceptable alerts per series and week")
    series: tuple[SeriesBaseline, ...] = ()

    @model_validator(mode="after")
    def _series_once(self) -> Baselines:
        seen: set[tuple[str, str]] = set()
        for entry in self.series:
            if (entry.platform, entry.metric) in seen:
                raise ValueError(f"series {entry.platform} {entry.metric} is named twice")
            seen.add((entry.platform, entry.metric))
        return self

    @model_validator(mode="after")
    def _windows_hold_history(self) -> Baselines:
        for entry in (self.defaults, *self.series):
            own = "window_days" in entry.model_fields_set or entry is self.defaults
            if own and (why := too_short(entry.window_days, self.min_history_days)):
                whose = f"series {entry.platform} {entry.metric}" if isinstance(entry, SeriesBaseline) else "defaults"
                raise ValueError(f"{whose}: {why}")
        return self

    @model_validator(mode="after")
    def _parameters_known(self) -> Baselines:
        for entry in (self.defaults, *self.series):
            algorithm = (entry if "algorithm" in entry.model_fields_set else self.defaults).algorithm
            given = (entry if "parameters" in entry.model_fields_set else self.defaults).parameters
            for name in sorted(given.keys() - PARAMETERS[algorithm]):
                whose = f"series {entry.platform} {entry.metric}" if isinstance(entry, SeriesBaseline) else "defaults"
                hint = _nearest(name, PARAMETERS[algorithm])
                raise ValueError(f"{whose}: {algorithm} has no parameter {name!r}; expected {hint}")
        return self
