"""Every algorithm by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from analytics.baselines.decomposition import fit_mstl, fit_stl
from analytics.baselines.ewma import SIGMA_COVERAGE, fit_ewma
from analytics.baselines.model import DEFAULT_COVERAGE, Model
from analytics.baselines.naive import fit_seasonal_naive
from analytics.baselines.profile import fit_profile
from analytics.baselines.prophet import fit_prophet
from analytics.errors import InputError


@dataclass(frozen=True)
class Entry:
    """One algorithm of the registry.

    Attributes:
        fit: learns from a window.
        coverage: what its band claims when the caller names no coverage.
        says: one line for lists and reports.
    """

    fit: Callable[..., Model]
    coverage: float
    says: str

    def parameters(self, given: dict[str, Any]) -> dict[str, Any]:
        """The algorithm's defaults with the given ones over them; raise `InputError` for one it does not have."""
        known = _defaults(self.fit)
        for name in given:
            if name not in known:
                raise InputError(f"parameter {name!r}: expected one of {', '.join(sorted(known)) or 'none'}")
        return {**known, **given}


@cache
def _defaults(fit: Any) -> dict[str, Any]:
    return {
        name: p.default
        for name, p in inspect.signature(fit).parameters.items()
        if p.kind is p.KEYWORD_ONLY and name != "coverage"
    }


ALGORITHMS: dict[str, Entry] = {
    "profile": Entry(fit_profile, DEFAULT_COVERAGE, "calendar profile, adaptive level, band of empirical errors"),
    "seasonal_naive": Entry(fit_seasonal_naive, DEFAULT_COVERAGE, "the value one season ago; the yardstick"),
    "ewma": Entry(fit_ewma, SIGMA_COVERAGE, "seasonal decomposition, EWMA of the trend, two standard deviations"),
    "stl": Entry(fit_stl, DEFAULT_COVERAGE, "STL with the daily season"),
    "mstl": Entry(fit_mstl, DEFAULT_COVERAGE, "MSTL with day and week"),
    "prophet": Entry(fit_prophet, DEFAULT_COVERAGE, "Prophet with day and week, seeded"),
}


def entry_of(algorithm: str) -> Entry:
    """The entry of that name; raise `InputError` naming the known ones."""
    try:
        return ALGORITHMS[algorithm]
    except KeyError:
        raise InputError(f"algorithm {algorithm!r}: expected one of {', '.join(ALGORITHMS)}") from None
