"""Send a published report to the people and channels that params name: each version once, failures tried again."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from analytics.errors import InputError, nearest
from analytics.jobs.reporting.published import site_dir
from analytics.params.files import Params, load_params
from analytics.params.reports import ReportParams
from analytics.reports.publishing import site
from analytics.reports.publishing.versions import Version, standing_of
from analytics.settings import Settings, credential

if TYPE_CHECKING:
    from analytics.store import Store

WAITS_S = (2.0, 10.0)  # between the tries of one call; what still fails waits for the next call
TIMEOUT_S = 30.0
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
ADDRESS = re.compile(r"[^\s@,;<>\x00-\x1f]+@[^\s@,;<>\x00-\x1f]+")


@dataclass(frozen=True)
class Delivered:
    """What became of one recipient: `sent`, `failed` with its error, or `before` where it has gone already."""

    recipient: str
    status: str
    error: str = ""


def deliver(
    settings: Settings,
    store: Store,
    name: str,
    *,
    period: str | None = None,
    to: Sequence[str] | None = None,
    again: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Delivered]:
    """Send a report's newest month that is over, made as its params say, to everyone who has not got it.

    Args:
        period: which instead: the version that stands for it, also of a month that still runs. One made with other
            parameters goes only to those named in `to`.
        to: addresses and channels; None: the recipients of the report's params.
        again: send also what has gone before.
    Raises:
        InputError: nothing of that kind is published, a recipient is neither an address nor a channel, or the mail
            server's address is none; nothing is sent then.
    """
    from analytics.store import deliveries

    params = load_params(settings.params_dir)
    version = _chosen(settings, name, period, for_all=to is None)
    chosen = params.reports.get(name, ReportParams())
    recipients = list(dict.fromkeys(chosen.recipients if to is None else to))
    for recipient in recipients:
        _checked(recipient, params)
    if settings.smtp_url is not None and any("@" in recipient for recipient in recipients):
        _server_of(settings.smtp_url.get_secret_value())
    results = []
    for recipient in recipients:
        place = (name, version.period, version.version, recipient)
        if not deliveries.claim(store, *place, at=datetime.now(UTC), again=again):
            results.append(Delivered(recipient, "before"))
            continue
        error, tries = "interrupted", 0
        try:
            for wait_s in (0.0, *WAITS_S):
                sleep(wait_s)
                tries += 1
                error = _sent(settings, params, chosen, version, recipient)
                if not error or error.startswith("not set up"):
                    break
        finally:  # whatever happened, the claim is given back, so that the next call may try
            deliveries.done(store, *place, at=datetime.now(UTC), attempts=tries, error=error)
        results.append(Delivered(recipient, "failed" if error else "sent", error))
    return results


def _chosen(settings: Settings, name: str, period: str | None, *, for_all: bool) -> Version:
    found = site.versions(site_dir(settings), name, period)
    fit = [v for v in found if (v.is_regular if period is None else v.is_usual or not for_all)]
    if fit:
        return standing_of(v for v in fit if v.period == max(v.period for v in fit))
    make = f"analytics report traffic{'' if name == 'traffic' else f' --name {name}'} --month {period or '…'}"
    if not found:
        what = f"{name} {period}" if period else name
        raise InputError(f"report {what!r}: nothing is published; `{make}` makes it")
    others = ", ".join(dict.fromkeys(v.period for v in found))
    raise InputError(
        f"report {name!r}: no month that is over is published as its params say, only {others}; `{make}` makes one, "
        "--month with --to sends another"
    )


def _checked(recipient: str, params: Params) -> None:
    if "@" in recipient:
        if not ADDRESS.fullmatch(recipient):
            raise InputError(f"recipient {recipient!r}: expected one address, as in ana@example.com")
    elif recipient not in params.alerts.channels:
        raise InputError(
            f"recipient {recipient!r}: neither an address nor a channel of params/alerts.yaml; "
            f"{nearest(recipient, list(params.alerts.channels))}"
        )


def _sent(settings: Settings, params: Params, chosen: ReportParams, version: Version, recipient: str) -> str:
    """What went wrong, '' for nothing."""
    from analytics.alerts.delivery import push
    from analytics.reports.publishing import mail

    kind = "html" if "html" in version.files else next(iter(version.files))
    link = f"{settings.public_url.rstrip('/')}/{version.address(kind)}" if settings.public_url else ""
    if "@" not in recipient:
        title = f"{version.title}: {version.label}"
        return push(recipient, params.alerts.channels, credential, title=title, body=mail.summary(version, link))
    if settings.smtp_url is None or settings.mail_from is None:
        return "not set up: ANALYTICS_SMTP_URL and ANALYTICS_MAIL_FROM say through which server and as whom to send"
    folder = site_dir(settings) / version.folder
    whole = next((folder / version.files[kind] for kind in ("pdf", "html") if kind in version.files), None)
    message = mail.letter(
        version,
        folder / version.files["ipynb"],
        None if link and whole and whole.suffix != ".pdf" else whole,
        sender=settings.mail_from,
        recipient=recipient,
        brand=chosen.brand.name,
        accent=chosen.brand.accent,
        link=link,
    )
    try:
        send_mail(settings.smtp_url.get_secret_value(), message)
    except (OSError, smtplib.SMTPException) as exc:
        return f"{recipient}: {type(exc).__name__}: {' '.join(str(exc).split())[:300]}"
    return ""


def send_mail(url: str, message: EmailMessage) -> None:
    """Hand a message to a mail server.

    Args:
        url: `smtp://user:password@host:587` (STARTTLS), `smtps://…:465` (TLS from the start), or `smtp+plain://…` for a
            server on this machine or a network of one's own.
    Raises:
        InputError: another kind of address.
    """
    parts, port = _server_of(url)
    secure = ssl.create_default_context()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(parts.hostname or "", port, timeout=TIMEOUT_S, context=secure)
    else:
        server = smtplib.SMTP(parts.hostname or "", port, timeout=TIMEOUT_S)
    with server:
        if parts.scheme == "smtp":
            server.starttls(context=secure)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _server_of(url: str) -> tuple[SplitResult, int]:
    """The parts of a mail server's address, and its port."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), 0
    if not port or parts.scheme not in PORTS or not parts.hostname:
        raise InputError("ANALYTICS_SMTP_URL: expected smtp://, smtps:// or smtp+plain:// and a host")
    return parts, port
