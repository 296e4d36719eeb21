"""The name of all that a report was made from, and of nothing else that the store holds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from analytics.periods.evidence import outages, published
from analytics.periods.figures import TrafficData, accounts_of
from analytics.reports.traffic.further import Beyond
from analytics.store import remarks

if TYPE_CHECKING:
    from analytics.store import Store


def snapshot_of(store: Store, data: TrafficData, beyond: Beyond) -> str:
    """A name that another run over the same data gives again, though readings of other series or times came since.

    Args:
        store: the one that the report was gathered from; it has noted what it gave.
    """
    start, end = data.month.bounds(data.timezone)
    ours = accounts_of(data.items)
    with store.begin() as connection:
        said = [entry for entry in remarks.select(connection) if any(entry.is_about(i.series.key) for i in data.items)]
    firm = beyond.standing
    read = [
        store.given.name,
        published(store, ours, start, end).to_csv(),
        outages(store, ours, start, end).to_csv(),
        beyond.contents[["platform", "title", "published_at"]].to_csv(),
        said,
        (data.absent, data.unmeasured, data.reached),
        (firm.closed, firm.elsewhere, firm.is_settled or (firm.settles_at, firm.newest)),
    ]
    return hashlib.sha256("\n".join(map(str, read)).encode()).hexdigest()[:16]
