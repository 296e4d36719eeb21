"""From a dashboard's file to readings: find the tables, settle how they write, read every cell or say which fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from analytics.adapters.exports.cells import (
    Cell,
    Locale,
    Order,
    as_figure,
    as_moment,
    as_seconds,
    date_order,
    decimal_mark,
    shown,
)
from analytics.adapters.exports.columns import Column
from analytics.adapters.exports.counting import COUNTING, slugs_of
from analytics.adapters.exports.identity import id_text
from analytics.adapters.exports.parts import refuse_long_steps, refuse_parts
from analytics.adapters.exports.recognise import META_PLATFORMS, Table, is_total, tables_of
from analytics.adapters.exports.refusals import meta_figure, no_figure, unknown_header, unread_columns
from analytics.adapters.exports.sheets import Row, Sheet, sheets_of
from analytics.errors import DataFileError
from analytics.model import Observation, zone_of

_FOLLOWERS_ON = re.compile(
    r"(?:total followers on|follower (?:gesamt|insgesamt) am|nombre total d['’]abonnés (?:le|au)"
    r"|total de seguidores (?:el|al|em)) (?P<day>[^:]+?):? (?P<count>[\d.,' ]+)$",
    flags=re.IGNORECASE,
)
_LIFETIME = frozenset(
    {"", "lifetime", "all time", "total", "gesamt", "insgesamt", "gesamte laufzeit", "à vie", "durée de vie"}
    | {"toda la vida", "desde el principio", "vida útil", "vitalício", "todo o período"}
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the user may say about a file that it does not say itself; None: as found.

    `at` is when it was downloaded: the time of totals so far. `zone` is that of its days.
    """

    at: datetime
    account: str = ""
    platform: str | None = None
    zone: str | None = None
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """Readings of one file, the tables they came from, and the tables and columns of figures nothing is known of."""

    observations: tuple[Observation, ...]
    tables: tuple[str, ...]
    passed_over: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def read_export(raw: bytes, place: str, reading: Reading) -> Export:
    """Read a file as it was downloaded.

    Args:
        raw: its bytes: CSV, xlsx, or a zip of these.
        place: its name, for messages.
        reading: what the user said.
    Raises:
        DataFileError: naming file, line and value: unknown header, unreadable figure or date, cut-off row,
            a figure given twice, or an account nobody named.
    """
    known: list[Table] = []
    passed: list[Sheet] = []
    for ways in sheets_of(raw, place):
        readings_of_it = [tables_of(way, reading.platform) for way in ways]
        best = max(readings_of_it, key=lambda tables: sum(len(t.form.needs) for t in tables))
        known += best
        passed += [] if best or not any(way.rows for way in ways) else [_likeliest(ways)]
    if not known:
        raise unknown_header(place, passed)
    slugs = {number: slug for t in known if t.form.aggregate == "posts" for number, slug in slugs_of(t).items()}
    observations = [o for table in known for o in _observations(table, reading, slugs)]
    if not any(t.rows for t in known):
        raise DataFileError(f"{place}: has a header but no rows")
    titles = tuple(dict.fromkeys(table.form.title for table in known))
    unread = tuple(dict.fromkeys(said for table in known for said in unread_columns(table)))
    return Export(tuple(_once(observations, place)), titles, tuple(sheet.place for sheet in passed), unread)


def _likeliest(ways: Sequence[Sheet]) -> Sheet:
    return max(ways, key=lambda way: max((len(row.cells) for row in way.rows[:20]), default=0))


def _observations(table: Table, reading: Reading, slugs: Mapping[str, str]) -> Iterator[Observation]:
    form = table.form
    _whole_rows(table)
    if form.aggregate:
        try:
            yield from COUNTING[form.aggregate](table, _account(table, None, reading), reading.at, slugs)
        except ValueError as exc:
            raise DataFileError(f"{table.sheet.place}: {exc}") from exc
        return
    columns = _columns(table)
    platform = _platform(table, reading)
    zone = ZoneInfo(zone_of(reading.zone or form.zone).key)
    locale = _locale(table, columns, reading)
    day, content = table.place_of(form.day), table.place_of(form.content)
    yield from _followers_note(table, reading, locale, platform)
    owner = table.place_of(form.account)
    refuse_parts(table, columns, [place for place in (day, content, owner) if place is not None])
    days: list[date] = []
    for row in table.rows:
        if is_total(row, [place for place in (day if content is None else content,) if place is not None]):
            continue
        try:
            at, daily = _moment(row, day, form.content, locale, zone, reading)
        except ValueError as exc:
            raise _fault(table, row, exc, table.names[day or 0]) from exc
        if daily and content is None:
            days.append(at.astimezone(zone).date())
        post = "" if content is None else _post_id(platform, row, table, content)
        account = _account(table, row, reading)
        for place, column in columns.items():
            try:
                value = _figure(row.cells[place], column, locale, table.header[place])
            except ValueError as exc:
                raise _fault(table, row, exc, table.names[place]) from exc
            name = column.name(daily=daily)
            yield Observation(platform, name, value, at, post, form.content_type if post else "", account)
    refuse_long_steps(table, days)


def _whole_rows(table: Table) -> None:
    """Refuse rows that do not fill the header: a cut-off file, or a stray separator."""
    width = len(table.header)
    for place, row in enumerate(table.rows):
        if len(row.cells) > width and any(shown(cell) for cell in row.cells[width:]):
            raise DataFileError(
                f"{table.sheet.place}: line {row.line}: has {len(row.cells)} cells, but the header on line "
                f"{table.line} has {width}: {shown(row.cells[0])!r:.60}"
            )
        if len(row.cells) < width:
            if table.sheet.delimiter is not None and not is_total(row, [0]):
                raise DataFileError(
                    f"{table.sheet.place}: line {row.line}: ends after {len(row.cells)} of {width} cells: "
                    f"{shown(row.cells[-1])!r:.60}"
                )
            table.rows[place] = replace(row, cells=row.cells + (None,) * (width - len(row.cells)))


def _columns(table: Table) -> dict[int, Column]:
    """Figures by their place; of two headers of one metric the first counts."""
    if table.form.platform == "meta":
        return {table.header.index("primary"): meta_figure(table)}
    found: dict[str, int] = {}
    for header, column in table.form.columns.items():
        if header in table.header:
            found.setdefault(column.metric, table.header.index(header))
    if not found:
        raise no_figure(table)
    return {place: table.form.columns[table.header[place]] for place in sorted(found.values())}


def _platform(table: Table, reading: Reading) -> str:
    if table.form.platform != "meta":
        return table.form.platform
    said = " ".join([*table.notes, table.sheet.place]).lower()
    named = [name for name in META_PLATFORMS if name in table.above.lower()] or [n for n in META_PLATFORMS if n in said]
    if reading.platform:
        return reading.platform
    if len(named) != 1:
        raise DataFileError(f"{table.sheet.place}: line {table.line}: Facebook's or Instagram's? Name the platform")
    return named[0]


def _locale(table: Table, columns: Mapping[int, Column], reading: Reading) -> Locale:
    figures = [row.cells[place] for row in table.rows for place in columns]
    comma = table.sheet.delimiter == ";" or (table.sheet.delimiter == "\t" and table.language != "en")
    mark = decimal_mark(figures, default="," if comma else ".")
    day = table.place_of(table.form.day)
    order = reading.order or (None if day is None else date_order([row.cells[day] for row in table.rows]))
    return Locale(mark, order)


def _moment(
    row: Row, day: int | None, content: Sequence[str], locale: Locale, zone: ZoneInfo, reading: Reading
) -> tuple[datetime, bool]:
    """When the row's figures are of, and whether they are one day's."""
    if day is None or (content and shown(row.cells[day]).lower() in _LIFETIME):
        return reading.at, False
    moment = as_moment(row.cells[day], locale)
    if isinstance(moment, datetime):
        return moment, True
    return datetime.combine(moment, datetime.min.time(), zone).astimezone(UTC), True


def _figure(cell: Cell, column: Column, locale: Locale, header: str) -> float | None:
    if column.kind == "seconds":
        return as_seconds(cell, locale)
    value = as_figure(cell, locale, whole=column.kind == "count")
    if value is None:
        return None
    if column.kind == "count" and value != int(value):
        raise ValueError(f"expected a count, found {shown(cell)!r:.60}")
    if column.kind == "percent" and "%" not in header and "%" not in shown(cell):
        return round(value * 100, 10)  # a share of one, as spreadsheets hold it
    return value * column.scale


def _post_id(platform: str, row: Row, table: Table, place: int) -> str:
    from analytics.adapters.platforms import medium, substack

    text = id_text(table, row, place)
    if platform == "facebook" and text.isdecimal() and (page := table.place_of(("page id",))) is not None:
        return f"{shown(row.cells[page])}_{text}"
    if "://" in text:
        return {"medium": medium.post_id, "substack": substack.post_id, "linkedin": _urn}.get(platform, str)(text)[:255]
    return text.strip("'\"")[:255]


def _urn(link: str) -> str:
    """The post's URN from its address, as the API names it."""
    found = re.search(r"urn(?::|%3A)li(?::|%3A)(\w+)(?::|%3A)(\d+)|-(activity|share|ugcPost)-(\d+)", link)
    if not found:
        return link.partition("?")[0]
    return f"urn:li:{found[1] or found[3]}:{found[2] or found[4]}"


def _account(table: Table, row: Row | None, reading: Reading) -> str:
    if reading.account:
        return reading.account
    place = table.place_of(table.form.account)
    named = shown(row.cells[place]) if row is not None and place is not None else ""
    if not named:
        raise DataFileError(f"{table.sheet.place}: does not say whose figures it holds: name the account")
    return named


def _followers_note(table: Table, reading: Reading, locale: Locale, platform: str) -> Iterator[Observation]:
    """LinkedIn writes the total above the table of new followers."""
    for note in table.notes:
        if platform == "linkedin" and (said := _FOLLOWERS_ON.search(note)):
            try:
                day = as_moment(said["day"], locale)
                count = as_figure(said["count"], locale, whole=True)
            except ValueError as exc:
                raise DataFileError(f"{table.sheet.place}: {note!r:.80}: {exc}") from exc
            at = min(reading.at, datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1))
            yield Observation(platform, "followers", count, at, author_id=_account(table, None, reading))


def _fault(table: Table, row: Row, exc: ValueError, header: str) -> DataFileError:
    return DataFileError(f"{table.sheet.place}: line {row.line}: {header}: {exc}")


def _once(observations: Sequence[Observation], place: str) -> Iterator[Observation]:
    """Each figure once: a zip tells some in two tables. Two different values are nobody's to choose between."""
    seen: dict[tuple[object, datetime], float | None] = {}
    for o in observations:
        key = (o.key, o.observed_at)
        if key not in seen:
            seen[key] = o.value
            yield o
        elif seen[key] != o.value and o.value is not None and seen[key] is not None:
            raise DataFileError(
                f"{place}: gives {o.key} on {o.observed_at:%Y-%m-%d} twice: {seen[key]:g} and {o.value:g}"
            )
