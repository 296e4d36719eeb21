"""Whether a webhook comes from whom it says: checked on the raw bytes, before anything is read from them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from analytics.errors import SettingsError, WebhookRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

EARLY = timedelta(minutes=10)  # clocks differ
# A sender tries again with the signature of the first call. Mailgun does so for 8 h 05 min (10, 10, 15 and 30 min, 1, 2
# and 4 h), SendGrid for 24 h. A call made again counts nothing: Mailgun's token and every event are remembered.
MAILGUN_RETRIES = timedelta(hours=12)
SENDGRID_RETRIES = timedelta(hours=25)
LONGEST_TOKEN = 200  # Mailgun's have 50 characters
SENDGRID_SIGNATURE = "x-twilio-email-event-webhook-signature"
SENDGRID_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"


def check_sendgrid(
    body: bytes, headers: Mapping[str, str], public_key: str, *, now: datetime, retries: timedelta = SENDGRID_RETRIES
) -> None:
    """Check SendGrid's signature: ECDSA P-256 with SHA-256 over the timestamp's text and the body.

    Args:
        body: as it came; even the line end after it is signed.
        headers: names in small letters.
        public_key: the verification key of the settings page, base64.
        now: what the timestamp is held against.
        retries: how old it may be; it may be early by `EARLY`.
    Raises:
        WebhookRefused: a header is missing, the signature does not fit, or it is too old.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    key = _public_key(public_key)
    check_sendgrid_headers(headers, now=now, retries=retries)
    signature, timestamp = headers[SENDGRID_SIGNATURE], headers[SENDGRID_TIMESTAMP]
    try:
        key.verify(base64.b64decode(signature, validate=True), timestamp.encode() + body, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError) as exc:
        raise WebhookRefused("sendgrid: the signature does not fit body and timestamp") from exc


def check_sendgrid_headers(headers: Mapping[str, str], *, now: datetime, retries: timedelta = SENDGRID_RETRIES) -> None:
    """What can be said before the body is read: raise `WebhookRefused` if a header is missing or too old."""
    if not headers.get(SENDGRID_SIGNATURE) or not headers.get(SENDGRID_TIMESTAMP):
        raise WebhookRefused("sendgrid: signature or timestamp is missing")
    _check_age("sendgrid", headers[SENDGRID_TIMESTAMP], now, retries)


def check_mailgun(signature: Any, signing_key: str, *, now: datetime, retries: timedelta = MAILGUN_RETRIES) -> str:
    """Check Mailgun's signature, HMAC-SHA256 of timestamp and token; return the token, which may be used once.

    Args:
        signature: timestamp, token and signature, from the body's `signature` or a form's fields. The rest of the
            body is not signed: a token that comes with another body is a replay.
        signing_key: the HTTP webhook signing key.
        now: what the timestamp is held against.
        retries: how old it may be; it may be early by `EARLY`.
    Raises:
        WebhookRefused: a part is missing, the signature does not fit, or it is too old.
    """
    parts = signature if isinstance(signature, dict) else {}
    timestamp, token, given = (parts.get(name) for name in ("timestamp", "token", "signature"))
    if not (isinstance(timestamp, str | int) and isinstance(token, str) and isinstance(given, str) and token):
        raise WebhookRefused("mailgun: timestamp, token or signature is missing")
    if not (token.isascii() and token.isprintable() and len(token) <= LONGEST_TOKEN and str(timestamp).isascii()):
        raise WebhookRefused("mailgun: the token is not one of Mailgun's")
    made = hmac.new(signing_key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(made.encode(), given.encode("utf-8", "replace")):
        raise WebhookRefused("mailgun: the signature does not fit timestamp and token")
    _check_age("mailgun", str(timestamp), now, retries)
    return token


def mailgun_signature(body: bytes) -> Any:
    """The signature block of a Mailgun event; None where the body has none."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return payload.get("signature") if isinstance(payload, dict) else None


def check_basic(headers: Mapping[str, str], user: str, password: str, *, provider: str) -> None:
    """Check HTTP Basic sign-in, for vendors that do not sign; raise `WebhookRefused` if it does not fit."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        given = b""
    if not hmac.compare_digest(given, f"{user}:{password}".encode()):
        raise WebhookRefused(f"{provider}: user or password does not fit")


def check_address(address: str | None, allowed: Iterable[str], *, provider: str) -> None:
    """Check the caller's address against a list of addresses and networks; an empty list allows all.

    Raises:
        WebhookRefused: it is not on the list.
        SettingsError: an entry of the list is neither.
    """
    try:
        networks = [ip_network(entry.strip(), strict=False) for entry in allowed if entry.strip()]
    except ValueError as exc:
        raise SettingsError(f"{provider} allow-list: {exc}") from exc
    if not networks:
        return
    try:
        caller = ip_address(address or "")
    except ValueError as exc:
        raise WebhookRefused(f"{provider}: the caller has no address") from exc
    if not any(caller in network for network in networks):
        raise WebhookRefused(f"{provider}: {caller} is not on the allow-list")


def _check_age(provider: str, timestamp: str, now: datetime, retries: timedelta) -> None:
    try:
        made_at = datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise WebhookRefused(f"{provider}: timestamp {timestamp!r:.40} is no time") from exc
    if not -EARLY <= now - made_at <= retries:
        raise WebhookRefused(f"{provider}: signed at {made_at.isoformat()}, too far from now")


@lru_cache(maxsize=8)
def _public_key(text: str) -> EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    bare = "".join(line for line in text.split() if "-----" not in line and line not in ("PUBLIC", "KEY"))
    try:
        key = load_der_public_key(base64.b64decode(bare, validate=True))
    except (binascii.Error, ValueError) as exc:
        raise SettingsError("SENDGRID_WEBHOOK_PUBLIC_KEY: expected the verification key, base64") from exc
    if not isinstance(key, EllipticCurvePublicKey):
        raise SettingsError("SENDGRID_WEBHOOK_PUBLIC_KEY: is no elliptic-curve key")
    return key
