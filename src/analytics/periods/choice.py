"""Which series and months a report can be made of and compared with: refusals before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from analytics.errors import InputError, NoDataError, nearest
from analytics.model import Month, Period
from analytics.monitoring.days import FARTHEST, local_dates
from analytics.params.files import Params

if TYPE_CHECKING:
    from analytics.store import Store

DAY = timedelta(days=1)


def choose_series(
    store: Store,
    *,
    platforms: Sequence[str],
    metrics: Sequence[str],
    accounts: Sequence[str],
    params: Params | None = None,
) -> pd.DataFrame:
    """Account-level series that were asked for, in the order of params, own accounts first; none asked for: all.

    Raises:
        InputError: a name matches nothing in the store, with those that would.
    """
    known = store.series()
    known = known[known["content_id"] == ""]
    for what, names, column in (
        ("platform", platforms, "platform"),
        ("metric", metrics, "metric_type"),
        ("account", accounts, "author_id"),
    ):
        for name in names:
            if name not in set(known[column]):
                hint = nearest(name, map(str, set(known[column])))
                raise InputError(f"{what} {name!r}: nothing stored under that name; {hint}")
        if names:
            known = known[known[column].isin(list(names))]
    rank = _ranks(params or Params())
    keys = [rank(*key) for key in known[["platform", "author_id", "metric_type"]].to_numpy(object)]
    return known.iloc[sorted(range(len(keys)), key=keys.__getitem__)].reset_index(drop=True)


def _ranks(params: Params) -> Callable[[str, str, str], tuple[int | str, ...]]:
    """A sort key for a series: platforms, accounts and metrics as params list them; what they do not list, by name."""
    last = 1_000_000
    platforms = {name: index for index, name in enumerate(params.platforms)}

    def rank(platform: str, account: str, metric: str) -> tuple[int | str, ...]:
        entry = params.platforms.get(platform)
        mine = {a.id: (a.kind != "own", n) for n, a in enumerate(entry.accounts)} if entry else {}
        metrics = list(entry.metrics) if entry else []
        return (
            platforms.get(platform, last),
            platform,
            *mine.get(account, (True, last)),
            account,
            metrics.index(metric) if metric in metrics else last,
            metric,
        )

    return rank


def require_month(store: Store, series: pd.DataFrame, month: Period, timezone: str) -> None:
    """Refuse a month in which no series has a reading.

    Raises:
        NoDataError: naming the months there are.
    """
    start, end = (at + side * FARTHEST for at, side in zip(month.bounds(timezone), (-1, 1), strict=True))
    reach = series[(series["first_time"] < end) & (series["last_time"] >= start)]
    if not reach.empty:
        days = store.read_buckets(reach["series_id"].tolist(), start, end, unit="day")
        dates = local_dates(days["last_time"], timezone)
        first = pd.Timestamp(month.first)
        if ((dates >= first) & (dates < first + timedelta(days=month.days))).any():
            return
    raise NoDataError(f"{month}: no reading in that month; {stored_months(store, series, timezone)}")


def require_other(month: Period, compared: Period | None) -> None:
    """Refuse to compare a period with itself.

    Raises:
        InputError: it is the same.
    """
    if compared == month:
        raise InputError(f"compare {compared}: is the period reported; name another one")


def stored_months(store: Store, series: pd.DataFrame, timezone: str) -> str:
    """Which months hold readings, for an error's advice; one without any ends a run of them."""
    if series.empty:
        return "the store is empty: `analytics import` or `analytics collect` fills it"
    first, last = series["first_time"].min(), series["last_time"].max()
    begin = first.normalize().to_pydatetime()
    days = store.read_buckets(series["series_id"].tolist(), begin, last.to_pydatetime() + DAY, unit="day")
    local = local_dates(days["last_time"], timezone)
    months = sorted(set((12 * local.dt.year + local.dt.month - 1).tolist()))
    runs: list[list[int]] = []
    for month in months:
        if runs and month == runs[-1][1] + 1:
            runs[-1][1] = month
        else:
            runs.append([month, month])
    return "stored: " + ", ".join(" to ".join(dict.fromkeys(_month(month) for month in run)) for run in runs)


def _month(index: int) -> str:
    return str(Month(index // 12, index % 12 + 1))


def names_of(params: Params) -> dict[str, str]:
    """What platforms, and accounts as `platform id`, are called in text."""
    platforms = {name: entry.display_name for name, entry in params.platforms.items()}
    accounts = {
        f"{name} {account.id}": account.name
        for name, entry in params.platforms.items()
        for account in entry.accounts
        if account.name
    }
    return platforms | accounts


def competitors_of(params: Params) -> set[str]:
    """Accounts of others, as `platform id`."""
    known = [(name, account) for name, entry in params.platforms.items() for account in entry.accounts]
    return {f"{name} {account.id}" for name, account in known if account.kind == "competitor"}
