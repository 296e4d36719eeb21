"""Close a period: keep its figures for good, so that whatever changes later is seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from analytics.errors import InputError
from analytics.jobs.reporting.report import parameters_of
from analytics.model import Period
from analytics.params.files import load_params
from analytics.settings import Settings

if TYPE_CHECKING:
    from analytics.store import Store


@dataclass(frozen=True)
class Closing:
    """What came of it: figures kept now, those that had been kept before, and for days of which zone.

    `unsettled` says what may still be restated, where it was closed early.
    """

    period: str
    timezone: str
    kept: int
    before: int
    unsettled: str = ""


def close(
    settings: Settings,
    store: Store,
    name: str,
    period: Period,
    *,
    by: str,
    at: datetime | None = None,
    early: bool = False,
    timezone: str | None = None,
) -> Closing:
    """Keep every figure of a report's period as it stands.

    Args:
        by: who closes it.
        early: also where a source may still restate it.
        timezone: whose days; None: the report's own.
    Raises:
        InputError: a source has not settled, with the moment it will have.
        NoDataError: no reading in the period.
    """
    from analytics.definitions import definitions_of
    from analytics.monitoring.watch import Watch
    from analytics.periods.choice import choose_series
    from analytics.periods.gather import gather
    from analytics.periods.standing import figures_of, standing
    from analytics.store import closes

    chosen = parameters_of(settings, name, period, {"timezone": timezone})
    params = load_params(settings.params_dir)
    series = choose_series(
        store, platforms=chosen["platforms"], metrics=chosen["metrics"], accounts=chosen["accounts"], params=params
    )
    data = gather(
        store, series, month=period, watch=Watch(timezone=chosen["timezone"]), definitions=definitions_of(params)
    )
    firm = standing(data, store.series(platforms=list(data.platforms)))
    unsettled = (
        ""
        if firm.is_settled
        else f"{firm.slowest} may be restated until {firm.settles_at:%Y-%m-%d %H:%M} UTC, and its newest reading is of "
        f"{firm.newest:%Y-%m-%d %H:%M}"
    )
    if unsettled and not early:
        raise InputError(f"{period}: {unsettled}; close it then, or now with --early")
    now = at or datetime.now(UTC)
    figures = []
    for item in data.items:
        key = item.series.key
        total, per_day = figures_of(item)
        figures.append(
            closes.ClosedFigure(
                period=str(period),
                timezone=chosen["timezone"],
                platform=key.platform,
                metric_type=key.metric_type,
                author_id=key.author_id,
                total=total,
                per_day=per_day,
                snapshot=data.snapshot,
                closed_by=by,
                closed_at=now,
            )
        )
    kept = closes.add(store, figures)
    return Closing(str(period), data.timezone, kept, len(figures) - kept, unsettled)
