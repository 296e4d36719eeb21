"""Bodies vendors sent by themselves: kept as they came, then counted into running totals.

A total is dated by when its newest body arrived, not by the events: a body that comes late, twice or out of order
is then no correction of the past. The body stays for as long as `purge` lets it, to be read again.

One body never stops the others. Each look notes its tries before it counts; what was tried before is tried alone. A
body that cannot be counted, or during which the process ended `MOST_ATTEMPTS` times, waits in quarantine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from analytics.errors import DataFileError, InputError, StoreError, ValueRefused
from analytics.ingest.bodies import decoded, plain_line
from analytics.ingest.mails import parse_mail
from analytics.ingest.webhooks import PARSERS, Counted, Parsed, counted, totals_of
from analytics.jobs.collecting.bodies import INBOUND
from analytics.store import set_aside
from analytics.store.tables_config import webhook_events, webhook_inbox

if TYPE_CHECKING:
    from analytics.store import Store

PLATFORM = "substack"  # newsletters, whoever delivers them
BATCH = 500
MOST_ATTEMPTS = 3
KEEP_BODIES = timedelta(days=30)
KEEP_EVENTS = timedelta(days=400)  # an open may be told again, and readers open letters of a year ago
_LOCK = 0x696E626F78  # "inbox": one at a time counts
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
class Processed:
    """What a look into the inbox brought.

    `repeated` are counts that had been made before (an open makes two: of all, and of its reader); `is_busy` says that
    somebody else was counting, who may have missed the newest. `waiting` says why bodies could not be counted now.
    """

    bodies: int = 0
    events: int = 0
    repeated: int = 0
    written: int = 0
    problems: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    is_busy: bool = False


@dataclass(frozen=True, slots=True)
class _Body:
    inbox_id: int
    provider: str
    account: str
    received_at: datetime
    parsed: Parsed
    problem: str | None
    was_set_aside: bool = False


def process(store: Store, *, platform: str = PLATFORM) -> Processed:
    """Count what waits in the inbox; nothing if somebody else is counting.

    A crash at any moment loses and doubles nothing: events are remembered with the totals they made, and a body is
    marked only once its totals are stored.

    Raises:
        StoreError: some bodies could not be counted now and wait for the next look; all others are.
    """
    done = Processed()
    with store.begin() as guard:
        if not guard.scalar(sa.text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}):
            return replace(done, is_busy=True)
        last_id = 0
        while rows := _waiting(store, last_id):
            last_id = rows[-1]["inbox_id"]
            for together in _portions(rows):
                done = _sum(done, _count(store, platform, together))
    if done.waiting:
        raise StoreError(f"{len(done.waiting)} bodies wait for the next look; the first: {done.waiting[0]}")
    return done


def purge(store: Store, *, now: datetime, bodies: timedelta = KEEP_BODIES, events: timedelta = KEEP_EVENTS) -> int:
    """Delete bodies (they hold addresses) and remembered events past their time; return how many bodies."""
    i, e = webhook_inbox.c, webhook_events.c
    with store.begin() as connection:
        old = sa.delete(webhook_inbox).where(i.received_at < now - bodies, i.processed_at.is_not(None))
        connection.execute(sa.delete(webhook_events).where(e.seen_at < now - events))
        gone = connection.execute(old.returning(i.inbox_id, i.error)).all()
        if unread := [row.inbox_id for row in gone if row.error]:
            set_aside.forget(connection, unread)
        return len(gone)


def reread(store: Store, *, since: datetime) -> int:
    """Let bodies received since then be read again, after a parser was mended; return how many."""
    i = webhook_inbox.c
    again = sa.update(webhook_inbox).where(i.received_at >= since, i.processed_at.is_not(None))
    with store.begin() as connection:
        return connection.execute(again.values(processed_at=None, attempts=0)).rowcount


def let_in(store: Store, quarantine_ids: Sequence[int] | None = None) -> Processed:
    """Count bodies that were set aside and a person has looked at: unsigned mails are taken, broken ones tried again.

    Args:
        quarantine_ids: their numbers in quarantine; None: all.
    Raises:
        InputError: a body is no longer there.
    """
    i = webhook_inbox.c
    with store.begin() as connection:
        chosen = [
            one
            for one in set_aside.waiting(connection)
            if quarantine_ids is None or one.quarantine_id in quarantine_ids
        ]
        again = sa.update(webhook_inbox).where(i.inbox_id.in_([one.inbox_id for one in chosen]))
        values = {"processed_at": None, "attempts": 0, "is_approved": True}
        there = set(connection.scalars(again.values(**values).returning(i.inbox_id)))
        if gone := [one.quarantine_id for one in chosen if one.inbox_id not in there]:
            raise InputError(f"quarantine {gone[0]}: its body was deleted; `analytics quarantine dismiss {gone[0]}`")
    return process(store) if chosen else Processed()


def oldest_waiting(store: Store) -> datetime | None:
    """When the body came that waits longest to be counted; None where none waits."""
    i = webhook_inbox.c
    with store.begin() as connection:
        oldest: datetime | None = connection.scalar(
            sa.select(sa.func.min(i.received_at)).where(i.processed_at.is_(None))
        )
    return oldest


def _waiting(store: Store, after: int) -> Sequence[Any]:
    i = webhook_inbox.c
    query = sa.select(webhook_inbox).where(i.processed_at.is_(None), i.inbox_id > after)
    with store.begin() as connection:
        return connection.execute(query.order_by(i.inbox_id).limit(BATCH)).mappings().all()


def _portions(rows: Sequence[Any]) -> list[list[Any]]:
    """Bodies met for the first time together, each of the others alone."""
    fresh = [row for row in rows if not row["attempts"]]
    return [*([fresh] if fresh else []), *([row] for row in rows if row["attempts"])]


def _read(row: Any) -> _Body:
    provider = row["provider"]
    if row["attempts"] >= MOST_ATTEMPTS:
        return _body(row, Parsed(), f"counting it was broken off {row['attempts']} times")
    try:
        body = decoded(bytes(row["body"]))
        if not provider.startswith(INBOUND):
            return _body(row, PARSERS[provider](body))
        when, approved = row["received_at"], row["is_approved"]
        return _body(row, parse_mail(body, row["content_type"], received_at=when, is_approved=approved))
    except DataFileError as exc:
        return _body(row, Parsed(), str(exc))
    except Exception as exc:  # noqa: BLE001 - whatever a stranger's body does to a parser, the queue goes on
        return _body(row, Parsed(), f"{type(exc).__name__}: {exc}")


def _body(row: Any, parsed: Parsed, problem: str = "") -> _Body:
    said = plain_line(problem or "; ".join(parsed.problems))[:2000] or None
    known = (row["inbox_id"], row["provider"], row["account"], row["received_at"])
    return _Body(*known, parsed, said, bool(row["error"]) or row["is_approved"])


def _count(store: Store, platform: str, rows: Sequence[Any]) -> Processed:
    """Count bodies, an account at a time."""
    _note(
        store, [row["inbox_id"] for row in rows], webhook_inbox.c.attempts + 1
    )  # first: counting may end this process
    bodies = [_read(row) for row in rows]
    done = Processed()
    for account in dict.fromkeys(body.account for body in bodies):
        own = [body for body in bodies if body.account == account]
        done = _sum(done, _count_or_part(store, platform, account, own))
    return done


def _note(store: Store, inbox_ids: Sequence[int], attempts: Any) -> None:
    i = webhook_inbox.c
    with store.begin() as connection:
        tried = sa.update(webhook_inbox).where(i.inbox_id.in_(inbox_ids), i.processed_at.is_(None))
        connection.execute(tried.values(attempts=attempts))


def _count_or_part(store: Store, platform: str, account: str, bodies: list[_Body]) -> Processed:
    """Count bodies together; where that fails in halves, until the one at fault stands alone.

    What the database refuses of it sets it aside. Whatever else fails lets it wait, and the others go on.

    Raises:
        StoreError: the database is away.
    """
    try:
        return _count_account(store, platform, account, bodies)
    except StoreError as exc:
        if len(bodies) > 1:
            middle = len(bodies) // 2
            first, second = (
                _count_or_part(store, platform, account, half) for half in (bodies[:middle], bodies[middle:])
            )
            return _sum(first, second)
        if isinstance(exc, ValueRefused) and bodies[0].parsed.events:
            refused = replace(bodies[0], parsed=Parsed(), problem=plain_line(str(exc))[:2000])
            return _count_or_part(store, platform, account, [refused])
        _note(store, [bodies[0].inbox_id], 1)  # no try that counts, but alone the next time
        return Processed(waiting=(f"{account}: {exc}",))


def _count_account(store: Store, platform: str, account: str, bodies: list[_Body]) -> Processed:
    from analytics.store import Collection

    counts = list(dict.fromkeys(c for body in bodies for c in counted(body.parsed.events)))
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
    done = Processed(len(bodies), problems=tuple(body.problem for body in bodies if body.problem))
    if not counts:
        # the sender was told that it is kept: what cannot be read must show somewhere
        _settle(store, store.record_failure(collection, problems) if problems else 0, platform, bodies)
        return done
    with store.begin() as connection:
        place = {"platform": platform, "account": account}
        keys = sorted({key for one in counts for key in one.keys})
        unseen = set(connection.scalars(REMEMBER, {**place, "seen_at": newest, "keys": keys}))
        new = _first_of_each(counts, unseen)
        totals = {
            (metric, content): int(
                connection.scalar(ADD, {**place, "metric": metric, "content": content, "more": more}) or 0
            )
            for (metric, content), more in sorted(_sums(counts, new).items())
        }
    result = store.write(totals_of(platform, account, totals, at=newest.astimezone(UTC)), collection)
    _settle(store, result.collection_id, platform, bodies)
    events = sum(len(body.parsed.events) for body in bodies)
    return replace(done, events=events, repeated=len(counts) - len(new), written=result.written)


def _settle(store: Store, collection_id: int, platform: str, bodies: list[_Body]) -> None:
    """Mark bodies as counted; those with a problem wait in quarantine, with the reason."""
    i = webhook_inbox.c
    with store.begin() as connection:
        connection.execute(
            sa.update(webhook_inbox)
            .where(i.inbox_id == sa.bindparam("body_id"))
            .values(processed_at=sa.func.now(), error=sa.bindparam("problem")),
            [{"body_id": body.inbox_id, "problem": body.problem} for body in bodies],
        )
        if again := [body.inbox_id for body in bodies if body.was_set_aside]:
            set_aside.resolve(connection, again, collection_id)
        for body in bodies:
            if body.problem:
                place = (body.provider, body.account, body.inbox_id)
                set_aside.keep(connection, collection_id, platform, *place, body.problem)


def _first_of_each(counts: Iterable[Counted], unseen: set[str]) -> set[Counted]:
    """Those of which no key was met before, neither in an earlier look nor earlier in this one."""
    left, new = set(unseen), set()
    for one in counts:
        if left.issuperset(one.keys):
            new.add(one)
        left.difference_update(one.keys)
    return new


def _sums(counts: Iterable[Counted], new: set[Counted]) -> dict[tuple[str, str], int]:
    """What each total grows by; those touched by repeated events alone by nothing, so that they are stored again."""
    sums: dict[tuple[str, str], int] = {}
    for one in counts:
        place = (one.metric, one.content_id)
        sums[place] = sums.get(place, 0) + (one.count if one in new else 0)
    return sums


def _sum(one: Processed, other: Processed) -> Processed:
    return replace(
        one,
        bodies=one.bodies + other.bodies,
        events=one.events + other.events,
        repeated=one.repeated + other.repeated,
        written=one.written + other.written,
        problems=one.problems + other.problems,
        waiting=one.waiting + other.waiting,
    )
