"""Exports whose rows are people or events: counted, and nothing of a person kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from analytics.adapters.exports.cells import Locale, as_moment, shown
from analytics.adapters.exports.recognise import Table
from analytics.model import Observation

TRUE = frozenset({"true", "1", "yes", "t"})
Counting = Callable[[Table, str, datetime, Mapping[str, str]], Iterator[Observation]]


def posts(table: Table, account: str, _at: datetime, _slugs: Mapping[str, str]) -> Iterator[Observation]:
    """Published posts by their moment, the same points the feed gives."""
    when, is_published = table.place_of(("post_date",)), table.place_of(("is_published",))
    counts: Counter[datetime] = Counter()
    for row in table.rows:
        if when is not None and is_published is not None and shown(row.cells[is_published]).lower() in TRUE:
            moment = as_moment(row.cells[when], Locale())
            counts[_instant(moment)] += 1
    for at, count in sorted(counts.items()):
        yield Observation("substack", "posts", count, at, author_id=account)


def subscribers(table: Table, account: str, at: datetime, _slugs: Mapping[str, str]) -> Iterator[Observation]:
    """People on the list, and those who pay; who switched mails off is no subscriber."""
    pays, disabled = table.place_of(("active_subscription",)), table.place_of(("email_disabled",))
    people = [row for row in table.rows if disabled is None or shown(row.cells[disabled]).lower() not in TRUE]
    paying = sum(pays is not None and shown(row.cells[pays]).lower() in TRUE for row in table.rows)
    for metric, value in (("subscribers", len(people)), ("paid_subscribers", paying)):
        yield Observation("substack", metric, value, at, author_id=account)


def events(table: Table, account: str, at: datetime, slugs: Mapping[str, str]) -> Iterator[Observation]:
    """Opens or deliveries by post, told apart by the file's name: all, and once a reader."""
    post, reader = table.place_of(("post_id",)), table.place_of(("email",))
    opened = "open" in table.sheet.name.lower()
    all_events: Counter[str] = Counter()
    readers: dict[str, set[str]] = {}
    for row in table.rows:
        if post is None or reader is None:
            continue
        identity = shown(row.cells[post])
        identity = slugs.get(identity.partition(".")[0], identity)
        all_events[identity] += 1
        readers.setdefault(identity, set()).add(shown(row.cells[reader]).lower())
    for identity, count in all_events.items():
        unique = len(readers[identity])
        for metric, value in (("opens", count), ("unique_opens", unique)) if opened else (("delivered", unique),):
            yield Observation("substack", metric, value, at, identity, "post", account)


def slugs_of(table: Table) -> dict[str, str]:
    """Posts' names by their numbers, from a `post_id` of `123.first-letter`."""
    post = table.place_of(("post_id",))
    pairs = (shown(row.cells[post]).partition(".") for row in table.rows if post is not None)
    return {number: slug for number, _, slug in pairs if slug}


def _instant(moment: date | datetime) -> datetime:
    return (
        moment
        if isinstance(moment, datetime)
        else datetime.combine(moment, datetime.min.time(), ZoneInfo("UTC")).astimezone(UTC)
    )


COUNTING: dict[str, Counting] = {"posts": posts, "subscribers": subscribers, "events": events}
