"""What happened, from the store: what was published, when the collector itself was ill, what people said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from analytics.model import SeriesKey
from analytics.store import remarks
from analytics.store.asking import rows
from analytics.store.remarks import Annotation

if TYPE_CHECKING:
    from analytics.store import Store

Accounts = Sequence[tuple[str, str]]  # platform and account: of one platform a report may show some accounts only
BEFORE = timedelta(days=1)
PUBLISHED = """
SELECT platform, author_id AS account, published_at, coalesce(nullif(title, ''), content_id) AS title FROM contents
WHERE (platform, author_id) IN
  (SELECT * FROM unnest(CAST(:platforms AS text[]), CAST(:accounts AS text[])))
  AND published_at >= :start AND published_at < :end
ORDER BY published_at, content_id
"""
ROUNDS = """
SELECT platform, account, started_at, outcome, coalesce(error, '') AS error FROM collections
WHERE (platform, account) IN
  (SELECT * FROM unnest(CAST(:platforms AS text[]), CAST(:accounts AS text[])))
  AND method IN ('api', 'feed') AND started_at >= :start AND started_at < :end
  AND outcome <> 'skipped'
ORDER BY platform, account, started_at, collection_id
"""


def names_of(accounts: Accounts) -> dict[str, list[str]]:
    """The accounts as the queries here take them."""
    return {"platforms": [platform for platform, _ in accounts], "accounts": [account for _, account in accounts]}


def published(store: Store, accounts: Accounts, start: datetime, end: datetime) -> pd.DataFrame:
    """What accounts published from a day before `start` to `end`: platform, account, published_at (aware), title."""
    with store.begin() as connection:
        found = rows(connection, PUBLISHED, **names_of(accounts), start=start - BEFORE, end=end)
    return pd.DataFrame(found, columns=["platform", "account", "published_at", "title"])


def outages(store: Store, accounts: Accounts, start: datetime, end: datetime) -> pd.DataFrame:
    """Stretches in which every round of an account failed: platform, account, start, end (aware), reason.

    An outage lasts from its first failed round to the next good one, or to its last failed round where none followed.
    """
    with store.begin() as connection:
        found = rows(connection, ROUNDS, **names_of(accounts), start=start - BEFORE, end=end)
    made: list[dict[str, object]] = []
    ill: dict[str, object] | None = None
    place: tuple[str, str] | None = None
    for row in found:
        here = (row["platform"], row["account"])
        if here != place:
            place, ill = here, None
        if row["outcome"] == "failed":
            if ill is None:
                begun = {"start": row["started_at"], "reason": row["error"][:120]}
                ill = {"platform": row["platform"], "account": row["account"], **begun}
                made.append(ill)
            ill["end"] = row["started_at"]
        elif ill is not None:
            ill["end"], ill = row["started_at"], None
    return pd.DataFrame(made, columns=["platform", "account", "start", "end", "reason"])


def said_of(store: Store, keys: Sequence[SeriesKey], start: datetime, end: datetime) -> tuple[Annotation, ...]:
    """What people said about these series and times in [start, end); of an incident's rows the first stands."""
    with store.begin() as connection:
        found = remarks.select(connection, start=start, end=end)
    told: dict[tuple[object, ...], Annotation] = {}
    for n, said in enumerate(found):
        if any(said.is_about(key) for key in keys):
            told.setdefault((said.incident or n, said.kind, said.said_at), said)
    return tuple(told.values())
