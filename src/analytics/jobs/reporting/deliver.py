"""Send a published report to the people and channels that params name: each version once, failures tried again."""

from __future__ import annotations

import base64
import smtplib
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any
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
ANSWER_S = 90.0  # a server looks into a letter before it takes it
FAREWELL_S = 5.0
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
SILENT = (
    "the mail server did not say whether it took the letter; the next call sends it again under the same Message-ID"
)
OTHER = "another process is sending it now"


@dataclass(frozen=True)
class Delivered:
    """What became of one recipient.

    `sent`, or `before` where it has gone already; `failed` with its error; `refused` where trying again is of no use;
    `sending` while nobody can say, with why.
    """

    recipient: str
    status: str
    error: str = ""

    @property
    def has_it(self) -> bool:
        """Whether it was taken, now or before."""
        return self.status in ("sent", "before")


@dataclass(frozen=True)
class _Outcome:
    """What came of one try; '' for nothing wrong."""

    error: str = ""
    is_known: bool = True
    is_final: bool = False


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
    Returns:
        one entry a recipient: whatever is wrong with one costs the others nothing.
    Raises:
        InputError: nothing of that kind is published, or the mail server's address or the sender's is none; nothing
            is sent then.
    """
    from analytics.reports.publishing import mail

    params = load_params(settings.params_dir)
    version = _chosen(settings, name, period, for_all=to is None)
    chosen = params.reports.get(name, ReportParams())
    recipients = list(dict.fromkeys(chosen.recipients if to is None else to))
    if settings.smtp_url is not None and any("@" in recipient for recipient in recipients):
        _server_of(settings.smtp_url.get_secret_value())
        try:
            mail.address(parseaddr(settings.mail_from or "nobody@example.com")[1])
        except InputError as exc:
            raise InputError(f"ANALYTICS_MAIL_FROM: {exc}") from exc
    return [_delivered(settings, store, params, chosen, version, to, again=again, sleep=sleep) for to in recipients]


def _delivered(
    settings: Settings,
    store: Store,
    params: Params,
    chosen: ReportParams,
    version: Version,
    recipient: str,
    *,
    again: bool,
    sleep: Callable[[float], None],
) -> Delivered:
    """One recipient, with the tries of one call."""
    from analytics.store import deliveries

    try:
        _checked(recipient, params)
    except InputError as exc:
        return Delivered(recipient, "refused", str(exc))
    place = (version.name, version.period, version.version, recipient)
    with deliveries.claimed(store, *place, at=datetime.now(UTC), again=again) as claim:
        if claim != "taken":
            return Delivered(recipient, *(("before", "") if claim == "sent" else ("sending", OTHER)))
        outcome, tries = _Outcome("interrupted"), 0
        try:
            for wait_s in (0.0, *WAITS_S):
                sleep(wait_s)
                tries += 1
                outcome = _sent(settings, params, chosen, version, recipient)
                if not outcome.error or outcome.is_final or not outcome.is_known:
                    break
        finally:  # whatever happened, the claim is given back, so that the next call may try
            deliveries.done(
                store,
                *place,
                at=datetime.now(UTC),
                attempts=tries,
                error=outcome.error,
                is_known=outcome.is_known,
            )
    status = "sent" if not outcome.error else "failed" if outcome.is_known else "sending"
    return Delivered(recipient, status, outcome.error)


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
    from analytics.reports.publishing import mail

    if "@" in recipient:
        mail.address(recipient)
    elif recipient not in params.alerts.channels:
        raise InputError(
            f"recipient {recipient!r}: neither an address nor a channel of params/alerts.yaml; "
            f"{nearest(recipient, list(params.alerts.channels))}"
        )


def _sent(settings: Settings, params: Params, chosen: ReportParams, version: Version, recipient: str) -> _Outcome:
    """One try for one recipient; no error of one ends the round of all."""
    from analytics.alerts.delivery import push
    from analytics.reports.publishing import mail

    kind = "html" if "html" in version.files else next(iter(version.files))
    link = f"{settings.public_url.rstrip('/')}/{version.address(kind)}" if settings.public_url else ""
    try:
        if "@" not in recipient:
            title = f"{version.title}: {version.label}"
            body = mail.summary(version, link)
            return _Outcome(push(recipient, params.alerts.channels, credential, title=title, body=body))
        if settings.smtp_url is None or settings.mail_from is None:
            how = "ANALYTICS_SMTP_URL and ANALYTICS_MAIL_FROM say through which server and as whom to send"
            return _Outcome(f"not set up: {how}", is_final=True)
        message = _letter(settings, chosen, version, recipient, link)
        send_mail(settings.smtp_url.get_secret_value(), message)
    except Unanswered:
        return _Outcome(f"{recipient}: {SILENT}", is_known=False)
    except (OSError, smtplib.SMTPException) as exc:
        said = f"{recipient}: {type(exc).__name__}: {' '.join(str(exc).split())[:300]}"
        return _Outcome(said, is_final=_is_refusal(exc))
    except Exception as exc:  # noqa: BLE001 - a channel's library may raise anything, its words may hold the address
        return _Outcome(f"{recipient}: not delivered: {type(exc).__name__}", is_final=True)
    return _Outcome()


def _letter(settings: Settings, chosen: ReportParams, version: Version, recipient: str, link: str) -> EmailMessage:
    from analytics.reports.publishing import mail

    folder = site_dir(settings) / version.folder
    sender, receiver = settings.mail_from or "", mail.address(recipient)
    whole = next((folder / version.files[kind] for kind in ("pdf", "html") if kind in version.files), None)
    return mail.letter(
        version,
        folder / version.files["ipynb"],
        None if link and whole and whole.suffix != ".pdf" else whole,
        sender=sender,
        recipient=receiver,
        named=mail.message_id(site.own_id(site_dir(settings)), version, receiver, sender),
        brand=chosen.brand.name,
        accent=chosen.brand.accent,
        link=link,
    )


def _is_refusal(exc: Exception) -> bool:
    """Whether the server said no for good (5xx): the same letter a few seconds later is of no use."""
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in exc.recipients.values())
    return isinstance(exc, smtplib.SMTPResponseException) and exc.smtp_code >= 500


class Unanswered(smtplib.SMTPException):
    """The letter was sent, and the server went away or stayed silent instead of taking or refusing it."""


class _Server(smtplib.SMTP):
    def data(self, msg: Any) -> tuple[int, bytes]:
        if self.sock is not None:
            self.sock.settimeout(ANSWER_S)
        try:
            return super().data(msg)
        except (OSError, smtplib.SMTPServerDisconnected) as exc:
            raise Unanswered(str(exc)) from exc


class _TlsServer(_Server, smtplib.SMTP_SSL):
    """TLS from the start."""


def send_mail(url: str, message: EmailMessage) -> None:
    """Hand a message to a mail server; it is sent as soon as the server has taken it, however the connection ends.

    Args:
        url: `smtp://user:password@host:587` (STARTTLS), `smtps://…:465` (TLS from the start), or `smtp+plain://…` for a
            server on this machine or a network of one's own.
    Raises:
        InputError: another kind of address.
        Unanswered: the letter was sent, but the server did not say whether it took it.
        OSError, SMTPException: it was not taken.
    """
    parts, port = _server_of(url)
    secure = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: _Server = _TlsServer(parts.hostname or "", port, timeout=TIMEOUT_S, context=secure)
    else:
        server = _Server(parts.hostname or "", port, timeout=TIMEOUT_S)
    try:
        if parts.scheme == "smtp":
            server.starttls(context=secure)
        if parts.username:
            _log_in(server, unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
        if server.sock is not None:
            server.sock.settimeout(FAREWELL_S)
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
    finally:
        server.close()


def _log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    """Sign in; names and passwords beyond ASCII go as UTF-8 (RFC 4616), which `smtplib` does not know."""
    if user.isascii() and password.isascii():
        server.login(user, password)
        return
    server.ehlo_or_helo_if_needed()
    if "PLAIN" not in server.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError("a password beyond ASCII needs AUTH PLAIN, which the server does not offer")
    code, said = server.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode())
    if code not in (235, 503):
        raise smtplib.SMTPAuthenticationError(code, said)


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
