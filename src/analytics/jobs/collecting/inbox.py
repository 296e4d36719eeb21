"""Bodies vendors sent by themselves: kept as they came, then counted into running totals.

A total is dated by when its newest body arrived, not by the events: a body that comes late, twice or out of order
is then no correction of the past. The body stays for as long as `purge` lets it, to be read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from analytics.errors import DataFileError, WebhookRefused
from analytics.ingest.mails import parse_mail
from analytics.ingest.webhooks import PARSERS, Counted, Parsed, counted, totals_of
from analytics.store.tables_config import webhook_events, webhook_inbox

if TYPE_CHECKING:
    from analytics.store import Store

PLATFORM = "substack"  # newsletters, whoever delivers them
INBOUND = "inbound-"  # prefix of providers that post mails
BATCH = 500
KEEP_BODIES = timedelta(days=30)
KEEP_EVENTS = timedelta(days=400)  # an open may be told again, and readers open letters of a year ago
_LOCK = 0x696E626F78  # "inbox": one at a time counts
KEEP = sa.text(
    "INSERT INTO webhook_inbox (provider, account, content_type, body, body_hash, replay_key)"
    " SELECT * FROM unnest(CAST(:provider AS text[]), CAST(:account AS text[]), CAST(:content_type AS text[]),"
    " CAST(:body AS bytea[]), CAST(:body_hash AS text[]), CAST(:replay_key AS text[]))"
    " ON CONFLICT DO NOTHING RETURNING provider, account, body_hash"
)
REMEMBER = sa.text(
    "INSERT INTO webhook_events (platform, account, event_key, seen_at)"
    " SELECT :platform, :account, key, :seen_at FROM unnest(CAST(:keys AS text[])) AS key"
    " ON CONFLICT DO NOTHING RETURNING event_key"
)
ADD = sa.text(
    "INSERT INTO webhook_totals AS t (platform, account, metric_type, content_id, total)"
    " VALUES (:platform, :account, :metric, :content, :more)"
    " ON CONFLICT (platform, account, metric_type, content_id) DO UPDATE SET total = t.total + excluded.total"
    " RETURNING total"
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A body as it came; `replay_key` is what its sender uses once, where there is such a thing."""

    provider: str
    account: str
    body: bytes
    content_type: str = ""
    replay_key: str | None = None

    @property
    def body_hash(self) -> str:
        """What makes two bodies the same."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def place(self) -> tuple[str, str, str]:
        """What is kept once."""
        return self.provider, self.account, self.body_hash


@dataclass(frozen=True, slots=True)
class Processed:
    """What a look into the inbox brought.

    `repeated` are counts that had been made before (an open makes two: of all, and of its reader); `is_busy` says that
    somebody else was counting, who may have missed the newest.
    """

    bodies: int = 0
    events: int = 0
    repeated: int = 0
    written: int = 0
    problems: tuple[str, ...] = ()
    is_busy: bool = False


@dataclass(frozen=True, slots=True)
class _Body:
    inbox_id: int
    account: str
    received_at: datetime
    parsed: Parsed
    problem: str | None


def keep(store: Store, letter: Letter) -> bool:
    """Commit a body as it came; False if the same one is kept already.

    Raises:
        WebhookRefused: what its sender uses once came before with another body.
        StoreError: the database refused; nothing is kept.
    """
    (kept,) = keep_all(store, [letter])
    if isinstance(kept, WebhookRefused):
        raise kept
    return kept


def keep_all(store: Store, letters: Sequence[Letter]) -> list[bool | WebhookRefused]:
    """Commit bodies together, a commit for all: for each whether it is new, or why it is refused.

    Raises:
        StoreError: the database refused; none is kept.
    """
    names = ("provider", "account", "content_type", "body", "body_hash", "replay_key")
    with store.begin() as connection:
        columns = {name: [getattr(letter, name) for letter in letters] for name in names}
        new = {tuple(row) for row in connection.execute(KEEP, columns)}
        rest = [letter for letter in letters if letter.place not in new]
        known = new | (_known(connection, rest) if rest else set())
    results: list[bool | WebhookRefused] = []
    for letter in letters:
        if letter.place not in known:
            results.append(WebhookRefused(f"{letter.provider}: this call was made before, with another body"))
            continue
        results.append(letter.place in new)
        new.discard(letter.place)  # the same body twice in one go is new once
    return results


def _known(connection: sa.Connection, letters: Sequence[Letter]) -> set[tuple[str, ...]]:
    i = webhook_inbox.c
    hashes = sa.select(i.provider, i.account, i.body_hash).where(i.body_hash.in_([x.body_hash for x in letters]))
    return {tuple(row) for row in connection.execute(hashes)}


def process(store: Store, *, platform: str = PLATFORM) -> Processed:
    """Count what waits in the inbox; nothing if somebody else is counting.

    A crash at any moment loses and doubles nothing: events are remembered with the totals they made, and a body is
    marked only once its totals are stored.
    """
    done = Processed()
    with store.begin() as guard:
        if not guard.scalar(sa.text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}):
            return replace(done, is_busy=True)
        while bodies := _waiting(store):
            done = _sum(done, _count(store, platform, bodies))
    return done


def purge(store: Store, *, now: datetime, bodies: timedelta = KEEP_BODIES, events: timedelta = KEEP_EVENTS) -> int:
    """Delete bodies (they hold addresses) and remembered events past their time; return how many bodies."""
    i, e = webhook_inbox.c, webhook_events.c
    with store.begin() as connection:
        old = sa.delete(webhook_inbox).where(i.received_at < now - bodies, i.processed_at.is_not(None))
        connection.execute(sa.delete(webhook_events).where(e.seen_at < now - events))
        return connection.execute(old).rowcount


def reread(store: Store, *, since: datetime) -> int:
    """Let bodies received since then be read again, after a parser was mended; return how many."""
    i = webhook_inbox.c
    again = sa.update(webhook_inbox).where(i.received_at >= since, i.processed_at.is_not(None))
    with store.begin() as connection:
        return connection.execute(again.values(processed_at=None, error=None)).rowcount


def _waiting(store: Store) -> list[_Body]:
    i = webhook_inbox.c
    query = sa.select(webhook_inbox).where(i.processed_at.is_(None)).order_by(i.inbox_id).limit(BATCH)
    with store.begin() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def _read(row: Any) -> _Body:
    provider, body = row["provider"], bytes(row["body"])
    try:
        if provider.startswith(INBOUND):
            parsed = parse_mail(body, row["content_type"], received_at=row["received_at"])
        else:
            parsed = PARSERS[provider](body)
        problem = "; ".join(parsed.problems)[:2000] or None
    except (DataFileError, KeyError) as exc:
        parsed, problem = Parsed(), str(exc)[:2000]
    return _Body(row["inbox_id"], row["account"], row["received_at"], parsed, problem)


def _count(store: Store, platform: str, bodies: list[_Body]) -> Processed:
    done = Processed(len(bodies), problems=tuple(b.problem for b in bodies if b.problem))
    for account in dict.fromkeys(body.account for body in bodies):
        own = [body for body in bodies if body.account == account]
        done = _sum(done, _count_account(store, platform, account, own))
    i = webhook_inbox.c
    with store.begin() as connection:
        connection.execute(
            sa.update(webhook_inbox)
            .where(i.inbox_id == sa.bindparam("body_id"))
            .values(processed_at=sa.func.now(), error=sa.bindparam("problem")),
            [{"body_id": body.inbox_id, "problem": body.problem} for body in bodies],
        )
    return done


def _count_account(store: Store, platform: str, account: str, bodies: list[_Body]) -> Processed:
    from analytics.store import Collection

    counts = {c.key: c for body in bodies for c in counted(body.parsed.events)}
    problems = "; ".join(body.problem for body in bodies if body.problem)[:2000] or None
    newest = max(body.received_at for body in bodies)
    collection = Collection(
        platform,
        "webhook",
        account,
        f"{len(bodies)} bodies",
        started_at=min(body.received_at for body in bodies),
        error=problems,
    )
    if not counts:
        if problems:  # the sender was told that it is kept: what cannot be read must show somewhere
            store.record_failure(collection, problems)
        return Processed()
    with store.begin() as connection:
        place = {"platform": platform, "account": account}
        new = set(connection.scalars(REMEMBER, {**place, "seen_at": newest, "keys": sorted(counts)}))
        totals = {
            (metric, content): int(
                connection.scalar(ADD, {**place, "metric": metric, "content": content, "more": more}) or 0
            )
            for (metric, content), more in sorted(_sums(counts.values(), new).items())
        }
    result = store.write(totals_of(platform, account, totals, at=newest.astimezone(UTC)), collection)
    events = sum(len(body.parsed.events) for body in bodies)
    return Processed(events=events, repeated=len(counts) - len(new), written=result.written)


def _sums(counts: Iterable[Counted], new: set[str]) -> dict[tuple[str, str], int]:
    """What each total grows by; those touched by repeated events alone by nothing, so that they are stored again."""
    sums: dict[tuple[str, str], int] = {}
    for one in counts:
        place = (one.metric, one.content_id)
        sums[place] = sums.get(place, 0) + (one.count if one.key in new else 0)
    return sums


def _sum(one: Processed, other: Processed) -> Processed:
    return replace(
        one,
        bodies=one.bodies + other.bodies,
        events=one.events + other.events,
        repeated=one.repeated + other.repeated,
        written=one.written + other.written,
        problems=one.problems + other.problems,
    )
