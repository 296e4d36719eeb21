"""Events of newsletters as SendGrid, Mailgun and Postmark send them: read, and named so that each counts once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from analytics.adapters.values import as_time, mapping
from analytics.errors import DataFileError
from analytics.ingest.bodies import is_plain
from analytics.model import Observation

Kind = Literal["delivered", "open", "machine_open", "click", "bounce", "complaint", "unsubscribe", "subscribe", "paid"]
# metric, and whether a reader counts once a mail
METRICS: dict[Kind, tuple[tuple[str, bool], ...]] = {
    "delivered": (("delivered", False),),
    "open": (("opens", False), ("unique_opens", True)),
    "machine_open": (("machine_opens", False),),
    "click": (("clicks", False), ("unique_clicks", True)),
    "bounce": (("bounces", False),),
    "complaint": (("complaints", False),),
    "unsubscribe": (("subscribers_lost", False),),
    "subscribe": (("subscribers_gained", False),),
    "paid": (("subscribers_gained", False), ("paid_subscribers_gained", False)),
}
SENDGRID: dict[str, Kind] = {
    "delivered": "delivered",
    "open": "open",
    "click": "click",
    "bounce": "bounce",
    "dropped": "bounce",
    "spamreport": "complaint",
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
}
SENDGRID_NAMES = ("timestamp", "sg_message_id", "smtp-id", "url", "url_offset", "type", "asm_group_id", "category")
MAILGUN: dict[str, Kind] = {
    "delivered": "delivered",
    "opened": "open",
    "clicked": "click",
    "complained": "complaint",
    "unsubscribed": "unsubscribe",
}
POSTMARK: dict[str, Kind] = {
    "Delivery": "delivered",
    "Open": "open",
    "Click": "click",
    "Bounce": "bounce",
    "SpamComplaint": "complaint",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one mail.

    `event_id` is the vendor's, or a hash of the event where it has none: the same event delivered again has the
    same. `likeness` is a second name, of what the event says, for vendors that number an event anew when they send it
    again. `mail` is the campaign (else the message), `reader` a hash of the address, `count` how many it stands for.
    """

    kind: Kind
    event_id: str
    at: datetime
    mail: str = ""
    campaign: str = ""
    reader: str = ""
    count: int = 1
    likeness: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Events of one body; `passed_over` are kinds that count nothing, `problems` what could not be read."""

    events: tuple[Event, ...] = ()
    passed_over: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """An event as a count of one metric; two that share one of their `keys` count once."""

    metric: str
    content_id: str
    keys: tuple[str, ...]
    count: int = 1


@dataclass(slots=True)
class _Reading:
    events: list[Event] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def each(self, items: Iterable[Any], read: Callable[[dict[str, Any]], Event | str]) -> Parsed:
        """Read every item; one that cannot be read costs itself alone."""
        for place, item in enumerate(items):
            try:
                found = read(mapping(item, "event"))
            except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as exc:
                what = f"no {exc.args[0]!r}" if isinstance(exc, KeyError) else str(exc)
                self.problems.append(f"event {place + 1}: {what}"[:300])
                continue
            (self.passed_over if isinstance(found, str) else self.events).append(found)  # type: ignore[arg-type]
        return Parsed(tuple(self.events), tuple(self.passed_over), tuple(self.problems))


def parse_sendgrid(body: bytes) -> Parsed:
    """Events of SendGrid's event webhook, an array; raise `DataFileError` if it is none."""
    payload = _json("sendgrid", body)
    return _Reading().each(payload if isinstance(payload, list) else [payload], _sendgrid)


def parse_mailgun(body: bytes) -> Parsed:
    """The event of a Mailgun webhook; raise `DataFileError` if it is none."""
    payload = _json("mailgun", body)
    if not isinstance(payload, dict) or "event-data" not in payload:
        raise DataFileError("mailgun: the body has no event-data")
    signature = payload.get("signature")
    signed_at = signature.get("timestamp") if isinstance(signature, dict) else None
    return _Reading().each([payload["event-data"]], lambda item: _mailgun({"timestamp": signed_at} | item))


def parse_postmark(body: bytes) -> Parsed:
    """The event of a Postmark webhook; raise `DataFileError` if it is none."""
    payload = _json("postmark", body)
    return _Reading().each(payload if isinstance(payload, list) else [payload], _postmark)


PARSERS: Mapping[str, Callable[[bytes], Parsed]] = {
    "sendgrid": parse_sendgrid,
    "mailgun": parse_mailgun,
    "postmark": parse_postmark,
}


def counted(events: Iterable[Event]) -> list[Counted]:
    """What events count for: of the account ('' as content) and, where they name one, of their campaign.

    >>> [c.metric for c in counted([Event("open", "e1", datetime(2026, 11, 20), "m1", "", "r1")])]
    ['opens', 'unique_opens']
    """
    found = []
    for event in events:
        for metric, once_a_reader in METRICS[event.kind]:
            names = (event.event_id, event.likeness)
            if once_a_reader and event.reader:
                names = (f"{event.mail}|{event.reader}", "")
            for content in dict.fromkeys(("", event.campaign)):
                keys = tuple(hash_of(metric, content, name) for name in names if name)
                found.append(Counted(metric, content, keys, event.count))
    return found


def totals_of(platform: str, account: str, totals: Mapping[tuple[str, str], int], *, at: datetime) -> list[Observation]:
    """Running totals, by metric and content, as readings."""
    return [
        Observation(platform, metric, total, at, content, "mail" if content else "", account)
        for (metric, content), total in sorted(totals.items())
    ]


def hash_of(*parts: str) -> str:
    """A short name for what should not be kept itself."""
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def reader_of(address: Any) -> str:
    """A hash of an address, whatever its case; '' where there is none."""
    text = address.strip().lower() if isinstance(address, str) else ""
    return hash_of("reader", text) if text else ""


def _sendgrid(item: dict[str, Any]) -> Event | str:
    name = str(item["event"])
    kind = SENDGRID.get(name)
    if name == "dropped" and "unsubscribed" in str(item.get("reason", "")).lower():
        kind = None  # not sent: the reader had left before
    if kind is None:
        return name
    if kind == "open" and item.get("sg_machine_open") is True:
        kind = "machine_open"
    message = str(item.get("sg_message_id") or item.get("smtp-id") or "").partition(".")[0]
    campaign = _first(item.get("singlesend_id"), item.get("marketing_campaign_id"), item.get("category"))
    identity = str(item.get("sg_event_id") or "") or _fingerprint(item)
    at = as_time(item["timestamp"])
    reader = reader_of(item.get("email"))
    # a batch sent again has new sg_event_ids (public reports, 2026-11): what happened names the event as well
    what = {key: item[key] for key in SENDGRID_NAMES if key in item} | {"event": kind, "reader": reader}
    return Event(kind, identity, at, campaign or message, campaign, reader, likeness=_fingerprint(what))


def _mailgun(item: dict[str, Any]) -> Event | str:
    name = str(item["event"])
    kind = MAILGUN.get(name)
    if name in ("failed", "rejected") and item.get("severity", "permanent") == "permanent":
        kind = "bounce"
    if kind is None:
        return name
    headers = (item.get("message") or {}).get("headers") or {}
    variables = item.get("user-variables")
    named = variables.get("campaign") if isinstance(variables, dict) else None
    campaign = _first(named, item.get("campaigns"), item.get("tags"))
    machine = kind == "open" and (item.get("client-info") or {}).get("bot") in ("apple", "gmail", "generic")
    identity = str(item.get("id") or "") or _fingerprint(item)
    mail = campaign or str(headers.get("message-id") or "")
    at = as_time(item["timestamp"])
    return Event("machine_open" if machine else kind, identity, at, mail, campaign, reader_of(item.get("recipient")))


def _postmark(item: dict[str, Any]) -> Event | str:
    name = str(item["RecordType"])
    if name == "SubscriptionChange":
        # a bounce suppresses too, and has an event of its own
        kind: Kind | None = "unsubscribe" if item["SuppressSending"] is True else None
        if item.get("SuppressionReason") in ("HardBounce", "SpamComplaint"):
            kind = None
    else:
        kind = POSTMARK.get(name)
    if name == "Bounce" and item.get("Type") in ("Transient", "AutoResponder", "Subscribe", "Unsubscribe"):
        kind = None
    if kind is None:
        return name
    when = next((item[key] for key in ("ReceivedAt", "DeliveredAt", "BouncedAt", "ChangedAt") if key in item), None)
    metadata = item.get("Metadata")
    campaign = _first(metadata.get("campaign") if isinstance(metadata, dict) else None, item.get("Tag"))
    reader = reader_of(item.get("Recipient") or item.get("Email"))
    mail = campaign or str(item.get("MessageID") or "")
    return Event(kind, _fingerprint(item), as_time(when), mail, campaign, reader)


def _first(*names: Any) -> str:
    """The first name that is there; of a list its first, of an object its id."""
    for name in names:
        value = next(iter(name), None) if isinstance(name, list) else name
        value = value.get("id") or value.get("name") if isinstance(value, dict) else value
        if isinstance(value, str | int) and not isinstance(value, bool) and (said := str(value).strip()):
            if not is_plain(said):
                raise ValueError(f"the campaign {said!r:.60} holds a control character or half of a surrogate pair")
            return said[:255]
    return ""


def _fingerprint(item: Mapping[str, Any]) -> str:
    return hash_of(json.dumps(item, sort_keys=True, separators=(",", ":")))


def _json(provider: str, body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise DataFileError(f"{provider}: the body is no JSON: {exc}") from exc
