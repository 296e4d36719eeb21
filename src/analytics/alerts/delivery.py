"""Messages to people through Apprise; a channel's address stands in an environment variable and is never shown."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from analytics.alerts.incidents import Incident
from analytics.alerts.rules import Notice
from analytics.model import Severity

Credential = Callable[[str], SecretStr | None]
TIMEOUT_S = 20.0
SHOWN = 6
TYPES: Mapping[Severity, str] = {"low": "info", "medium": "warning", "high": "warning", "critical": "failure"}


@dataclass(frozen=True)
class Delivery:
    """What became of one message; `error` is empty where the channel took it."""

    notice: Notice
    title: str
    error: str = ""


def send_all(notices: list[Notice], channels: Mapping[str, str], credential: Credential) -> list[Delivery]:
    """Send every message, channels beside each other, so that one that hangs delays no other."""
    if not notices:
        return []
    _library()  # imported once, before the threads
    with ThreadPoolExecutor(min(8, len(notices)), thread_name_prefix="alert") as pool:
        return list(pool.map(lambda notice: send(notice, channels, credential), notices))


def send(notice: Notice, channels: Mapping[str, str], credential: Credential) -> Delivery:
    """Send one message; whatever goes wrong is its own error, and no other message waits for it."""
    title = title_of(notice)
    try:
        kind = TYPES[notice.severity]
        error = push(notice.channel, channels, credential, title=title, body=body_of(notice), kind=kind)
    except Exception as exc:  # noqa: BLE001 - a channel's library may raise anything, its words may hold the address
        error = f"channel {notice.channel}: not delivered: {type(exc).__name__}"
    return Delivery(notice, title, error)


def push(
    channel: str, channels: Mapping[str, str], credential: Credential, *, title: str, body: str, kind: str = "info"
) -> str:
    """Hand a text to a channel; what went wrong, '' where the channel took it."""
    apprise = _library()
    variable = channels.get(channel, "")
    address = credential(variable) if variable else None
    if address is None:
        return f"channel {channel}: the environment variable {variable} is not set"
    target = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False))  # a message goes where params say
    if not target.add(address.get_secret_value()):
        return f"channel {channel}: {variable} holds no address Apprise understands"
    said = _Listener()
    logger = logging.getLogger("apprise")
    logger.addHandler(said)
    try:
        # said to be plain text, so that a channel that shows HTML keeps its lines and escapes what stands in them
        plain = apprise.NotifyFormat.TEXT
        taken = target.notify(body=body, title=title, notify_type=apprise.NotifyType(kind), body_format=plain)
    finally:
        logger.removeHandler(said)
    if taken:
        return ""
    why = masked(" ".join(said.complaints), address.get_secret_value())
    return f"channel {channel}: not delivered" + (f": {why}" if why else "")


def masked(text: str, address: str) -> str:
    """What a channel said, without anything that stands in its address.

    >>> masked("Cannot reach hooks.example.org for ana", "slack://ana:secret@hooks.example.org/T1JJ3T3L2")
    'Cannot reach … for …'
    """
    _, _, rest = address.partition("://")
    for part in {*re.split(r"[/:@?&=#,]+", rest), *re.split(r"[/:@?&=#,]+", unquote(rest))}:
        if len(part) > 2:
            text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", "…", text)
    return text


def _library() -> Any:
    """Apprise; it imports a module that Python 3.11 warns about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        apprise.Apprise.instantiate("json://localhost")  # loads its plugins, which is when the warning comes
    return apprise


class _Listener(logging.Handler):
    """Keeps what Apprise complains of in this thread; other channels are told beside it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread = threading.get_ident()
        self.complaints: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note it."""
        if record.thread == self.thread:
            self.complaints.append(record.getMessage())


def title_of(notice: Notice) -> str:
    """One line: how bad, what, where."""
    first = notice.events[0]
    lead = {"first": "", "worse": "Worse: ", "again": "Still open: ", "escalated": "Not acknowledged: "}[notice.stage]
    platforms = sorted({event.series.platform for event in notice.events})
    what = f"{first.series.metric_type.replace('_', ' ') or 'collection'} of {', '.join(platforms)}"
    return f"[{notice.severity}] {lead}{what} {first.direction}".strip()


def _figures(event: Incident) -> list[str]:
    """What was seen and what is normal, where the rule knows."""
    if event.observed is None or event.expected is None:
        return []
    change = f" ({event.observed / event.expected - 1:+.0%})" if event.expected > 0 else ""
    return [f"{event.observed:,.6g} where {event.expected:,.6g} is normal{change}"]


def body_of(notice: Notice) -> str:
    """What was seen in each series, and how to answer."""
    lines = [
        line for event in notice.events[:SHOWN] for line in (str(event.series), *_figures(event), event.reason, "")
    ]
    more = len(notice.events) - SHOWN
    if more > 0:
        lines.append(f"… and {more} more")
    begun, ended = min(event.start for event in notice.events), max(event.last for event in notice.events)
    is_open = any(event.is_open for event in notice.events)
    until = ", still open" if is_open else f", over since {ended:%Y-%m-%d %H:%M} UTC"
    lines += [
        "",
        f"Begun {begun:%Y-%m-%d %H:%M} UTC{until}.",
        f"Incident {notice.key}",
        "",
        f"Acknowledge: analytics alerts ack {notice.key}",
        f"Mute: analytics alerts mute {notice.key}",
    ]
    return "\n".join(lines)
