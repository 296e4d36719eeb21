"""What the forms in the UI offer: names from params as lists to choose from, months and dates with their pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from analytics.errors import AnalyticsError
from analytics.model import Month
from analytics.params.files import load_params
from analytics.settings import load_settings

# what a form offered is what the server checked; a run goes on although a file of params cannot be read just now
NAME = r"^[A-Za-z0-9_-]+$"


def _names() -> tuple[list[str], list[str]]:
    """Platforms and reports of params; none where params cannot be read: the run then says what is wrong with them."""
    try:
        params = load_params(load_settings().params_dir)
    except AnalyticsError:
        return [], []
    return list(params.platforms) or ["none"], list(params.reports) or ["traffic"]


if TYPE_CHECKING:
    Platform = str
    ReportName = str
else:
    # a StrEnum, so that a run is named "collect github" and not "collect Platform.github"
    _platforms, _reports = _names()
    _text = Annotated[str, Field(pattern=NAME)]
    Platform = StrEnum("Platform", {name: name for name in _platforms}) if _platforms else _text
    ReportName = StrEnum("ReportName", {name: name for name in _reports}) if _reports else _text

# Where nothing need be given the form has an empty field, not a choice between a value and None.
MONTH = r"\d{4}-(0[1-9]|1[0-2])"
MonthText = Annotated[str, Field(pattern=f"^{MONTH}$")]
MonthOrNone = Annotated[str, Field(pattern=f"^({MONTH})?$")]
DaysOrNone = Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2}--\d{4}-\d{2}-\d{2})?$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Zone = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]*$")]
WindowDays = Annotated[int, Field(ge=0, le=400)]
Algorithm = Literal["as configured", "ewma", "profile", "stl", "mstl", "prophet", "seasonal_naive"]
Language = Literal["as configured", "en", "de", "fr", "es"]
Format = Literal["html", "pdf", "csv", "xlsx", "json", "parquet"]
LONGEST_BACKFILL_MONTHS = 36


def overrides(
    names: Mapping[str, Sequence[str]], algorithm: str, window_days: int, timezone: str, compare: str, language: str
) -> dict[str, object]:
    """What a form changes in a report's params; what was left as it is stays out.

    >>> overrides({"platforms": [], "metrics": ["views"]}, "stl", 0, "", "2025-10", "as configured")
    {'metrics': ('views',), 'algorithm': 'stl', 'compare': '2025-10'}
    """
    given: dict[str, object] = {what: tuple(str(name) for name in chosen) for what, chosen in names.items()}
    given |= {
        "algorithm": "" if algorithm == "as configured" else algorithm,
        "window_days": window_days,
        "timezone": timezone,
        "compare": compare,
        "language": "" if language == "as configured" else language,
    }
    return {key: value for key, value in given.items() if value}


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MonthRange(_Form):
    """Months from first to last, both included."""

    first: MonthText
    last: MonthText

    @model_validator(mode="after")
    def _ordered_and_bounded(self) -> MonthRange:
        if not 1 <= len(self.months()) <= LONGEST_BACKFILL_MONTHS:
            raise ValueError(f"last must not be before first, and at most {LONGEST_BACKFILL_MONTHS} months in all")
        return self

    def months(self) -> list[Month]:
        """Every month of the range, oldest first.

        >>> [str(month) for month in MonthRange(first="2026-11", last="2027-01").months()]
        ['2026-11', '2026-12', '2027-01']
        """
        month, last = Month.parse(self.first), Month.parse(self.last)
        found: list[Month] = []
        while month <= last and len(found) <= LONGEST_BACKFILL_MONTHS:
            found.append(month)
            month = month.shifted(1)
        return found


class Days(_Form):
    """Days from first to last, both included, in UTC."""

    first: date
    last: date

    @model_validator(mode="after")
    def _ordered(self) -> Days:
        if self.last < self.first:
            raise ValueError("last must not be before first")
        return self
