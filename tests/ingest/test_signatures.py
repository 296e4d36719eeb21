"""Who calls: the vendors' schemes on raw bytes."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from analytics.errors import SettingsError, WebhookRefused
from analytics.ingest.signatures import (
    check_address,
    check_basic,
    check_mailgun,
    check_sendgrid,
    mailgun_signature,
)
from tests.contracts import CONTRACTS


def vectors(provider):
    path = CONTRACTS / provider / "signature_vectors.json"
    return json.loads(path.read_text()) if path.exists() else {"vectors": []}


def headers(vector):
    return {
        "x-twilio-email-event-webhook-signature": vector["signature"],
        "x-twilio-email-event-webhook-timestamp": vector["timestamp"],
    }


def at(vector, late=timedelta(0)):
    return datetime.fromtimestamp(int(vector["timestamp"]), UTC) + late


@pytest.mark.parametrize("vector", vectors("sendgrid")["vectors"], ids=lambda v: v.get("why", "good"))
def test_sendgrids_vectors(vector):
    key = vectors("sendgrid")["public_key"]
    body = vector["body"].encode()

    if vector["valid"]:
        check_sendgrid(body, headers(vector), key, now=at(vector))
        check_sendgrid(
            body, headers(vector), f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----", now=at(vector)
        )
    else:
        with pytest.raises(WebhookRefused, match="does not fit"):
            check_sendgrid(body, headers(vector), key, now=at(vector))


@pytest.mark.parametrize("late", [timedelta(hours=26), timedelta(hours=-1)])
def test_an_old_or_future_signature_is_refused(late):
    """Whoever has once seen a good call could make it again for ever."""
    for vector in vectors("sendgrid")["vectors"][:1]:
        with pytest.raises(WebhookRefused, match="too far from now"):
            check_sendgrid(
                vector["body"].encode(), headers(vector), vectors("sendgrid")["public_key"], now=at(vector, late)
            )
    for vector in vectors("mailgun")["vectors"][:1]:
        with pytest.raises(WebhookRefused, match="too far from now"):
            check_mailgun(vector, vectors("mailgun")["signing_key"], now=at(vector, late))


def test_a_retry_keeps_its_signature_for_hours():
    """Mailgun tries again for 8 hours and 5 minutes, SendGrid for a day, both with the signature of the first call."""
    for vector in vectors("sendgrid")["vectors"][:1]:
        check_sendgrid(
            vector["body"].encode(),
            headers(vector),
            vectors("sendgrid")["public_key"],
            now=at(vector, timedelta(hours=24)),
        )
    for vector in vectors("mailgun")["vectors"][:1]:
        check_mailgun(vector, vectors("mailgun")["signing_key"], now=at(vector, timedelta(hours=8, minutes=5)))
        with pytest.raises(WebhookRefused, match="too far from now"):
            check_mailgun(vector, vectors("mailgun")["signing_key"], now=at(vector, timedelta(hours=13)))


@pytest.mark.parametrize("token", ["a\x00b", "\ud800", "é", "x" * 201])
def test_a_token_that_no_vendor_sends_is_refused(token):
    """Half of a surrogate pair ended the call without an answer."""
    with pytest.raises(WebhookRefused, match="token"):
        check_mailgun({"timestamp": "1", "token": token, "signature": "x"}, "key", now=datetime.now(UTC))


@pytest.mark.parametrize("broken", [{}, {"x-twilio-email-event-webhook-signature": "not base64!"}])
def test_a_call_without_a_readable_signature_is_refused(broken):
    key = vectors("sendgrid").get("public_key")
    if key is None:
        pytest.skip("no vendor vectors")

    with pytest.raises(WebhookRefused):
        check_sendgrid(b"[]", broken, key, now=datetime.now(UTC))


@pytest.mark.parametrize("key", ["not a key", base64.b64encode(b"short").decode()])
def test_an_unreadable_key_is_the_settings_fault(key):
    with pytest.raises(SettingsError, match="SENDGRID_WEBHOOK_PUBLIC_KEY"):
        check_sendgrid(b"[]", {}, key, now=datetime.now(UTC))


@pytest.mark.parametrize("vector", vectors("mailgun")["vectors"], ids=lambda v: v.get("why", str(v["valid"])))
def test_mailguns_vectors(vector):
    key = vectors("mailgun")["signing_key"]

    if vector["valid"]:
        assert check_mailgun(vector, key, now=at(vector)) == vector["token"]
    else:
        with pytest.raises(WebhookRefused, match="does not fit"):
            check_mailgun(vector, key, now=at(vector))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"signature": "x"}', b'{"signature": {"timestamp": "1", "token": 5, "signature": "a"}}'],
)
def test_a_mailgun_body_without_its_parts_is_refused(body):
    with pytest.raises(WebhookRefused, match="missing"):
        check_mailgun(mailgun_signature(body), "key", now=datetime.now(UTC))


@pytest.mark.parametrize(
    "sent", ["", "Basic", "Basic !!!", "Bearer dTpw", "Basic " + base64.b64encode(b"u:q").decode()]
)
def test_a_wrong_password_is_refused(sent):
    check_basic({"authorization": "basic " + base64.b64encode(b"u:p").decode()}, "u", "p", provider="postmark")

    with pytest.raises(WebhookRefused, match="does not fit"):
        check_basic({"authorization": sent}, "u", "p", provider="postmark")


def test_only_listed_addresses_may_call():
    check_address("3.134.147.250", ["3.134.147.250", " 10.0.0.0/8"], provider="postmark")
    check_address("10.9.8.7", ["3.134.147.250", " 10.0.0.0/8"], provider="postmark")
    check_address(None, [], provider="postmark")

    for caller in ("11.0.0.1", None, "nobody"):
        with pytest.raises(WebhookRefused):
            check_address(caller, ["10.0.0.0/8"], provider="postmark")
    with pytest.raises(SettingsError, match="allow-list"):
        check_address("10.0.0.1", ["10.0.0.0/99"], provider="postmark")
