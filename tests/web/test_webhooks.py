"""Webhooks over HTTP: 200 means committed, and whoever is not the sender is turned away before anything is kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fastapi import FastAPI

from analytics.store import open_store
from analytics.web import webhooks

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
OPEN = {"event": "open", "email": "a@x.com", "timestamp": 1795000000, "sg_event_id": "e1"}


@pytest.fixture(autouse=True)
def _secrets(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "SENDGRID_WEBHOOK_PUBLIC_KEY": PUBLIC,
        "MAILGUN_WEBHOOK_SIGNING_KEY": "signing-key",
        "POSTMARK_WEBHOOK_USER": "hook",
        "POSTMARK_WEBHOOK_PASSWORD": "secret",
        "INBOUND_MAIL_USER": "mail",
        "INBOUND_MAIL_PASSWORD": "secret",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


@pytest.fixture
def client(settings, store):
    app = FastAPI()
    app.include_router(webhooks.router(settings))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with httpx.Client(base_url=address, transport=httpx.HTTPTransport(retries=5), timeout=30) as opened:
        yield opened
    server.should_exit = True
    thread.join(20)
    listener.close()


def signed(body, at=None):
    timestamp = str(int((at or datetime.now(UTC)).timestamp()))
    signature = base64.b64encode(KEY.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    return {
        "X-Twilio-Email-Event-Webhook-Signature": signature,
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }


def mailgun(number=1, **data):
    token, timestamp = f"t{number}", str(int(time.time()))
    signature = hmac.new(b"signing-key", f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    block = {"timestamp": timestamp, "token": token, "signature": signature}
    return {
        "signature": block,
        "event-data": {"event": "opened", "timestamp": time.time(), "recipient": "a@x.com", **data},
    }


def kept(store):
    with store.begin() as connection:
        return connection.execute(sa.text("SELECT provider, account, body FROM webhook_inbox ORDER BY inbox_id")).all()


def test_the_body_is_kept_as_it_came(client, store):
    """Also the line end after it, which is signed."""
    body = json.dumps([OPEN]).encode() + b"\r\n"

    answers = [client.post("/webhooks/sendgrid/acme", content=body, headers=signed(body)) for _ in range(2)]

    assert [(a.status_code, a.json()) for a in answers] == [(200, {"kept": True}), (200, {"kept": False})]
    assert [(p, a, bytes(b)) for p, a, b in kept(store)] == [("sendgrid", "acme", body)]


def test_an_event_can_be_queried_within_seconds(client, store):
    body = json.dumps([OPEN]).encode()

    client.post("/webhooks/sendgrid/acme", content=body, headers=signed(body))

    deadline = time.monotonic() + 30
    while store.series().empty and time.monotonic() < deadline:
        time.sleep(0.05)
    assert set(store.series()["metric_type"]) == {"opens", "unique_opens"}


@pytest.mark.parametrize("late", [timedelta(hours=-26), timedelta(hours=1)])
def test_an_old_call_is_refused(client, store, late):
    body = json.dumps([OPEN]).encode()

    answer = client.post("/webhooks/sendgrid/acme", content=body, headers=signed(body, datetime.now(UTC) + late))

    assert answer.status_code == 401
    assert kept(store) == []


def test_a_changed_or_unsigned_body_is_refused(client, store):
    body = json.dumps([OPEN]).encode()

    answers = [
        client.post("/webhooks/sendgrid/acme", content=body + b" ", headers=signed(body)),
        client.post("/webhooks/sendgrid/acme", content=body),
        client.post("/webhooks/mailgun/acme", json={"event-data": {}}),
        client.post("/webhooks/mailgun/acme", content=b"{"),
        client.post("/webhooks/postmark/acme", json={"RecordType": "Open"}),
        client.post("/webhooks/postmark/acme", json={"RecordType": "Open"}, auth=("hook", "wrong")),
        client.post("/webhooks/inbound/postmark/acme", json={}, auth=("mail", "wrong")),
        client.post("/webhooks/inbound/sendgrid/acme", data={"from": "x"}),
        client.post("/webhooks/inbound/mailgun/acme", data={"from": "x"}),
    ]

    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert kept(store) == []


def test_mailguns_token_counts_for_one_body(client, store):
    first = mailgun()
    forged = first | {"event-data": first["event-data"] | {"event": "clicked"}}

    answers = [client.post("/webhooks/mailgun/acme", json=body) for body in (first, first, forged)]

    assert [answer.status_code for answer in answers] == [200, 200, 401]
    assert len(kept(store)) == 1


def test_postmark_signs_in_and_may_be_held_to_addresses(client, store, monkeypatch):
    event = {"RecordType": "Open", "Recipient": "a@x.com", "ReceivedAt": "2026-11-20T10:00:00Z"}

    first = client.post("/webhooks/postmark/acme", json=event, auth=("hook", "secret"))
    monkeypatch.setenv("POSTMARK_WEBHOOK_ALLOWED_ADDRESSES", "10.0.0.0/8, 192.168.1.1")
    second = client.post("/webhooks/postmark/acme", json=event | {"MessageID": "m"}, auth=("hook", "secret"))

    assert (first.status_code, second.status_code) == (200, 401)
    assert len(kept(store)) == 1


def test_mails_are_taken_from_all_three_services(client, store):
    block = mailgun(9)["signature"]
    mail = {"from": "Substack <no-reply@substack.com>", "subject": "New free subscriber to Orchard!"}

    answers = [
        client.post("/webhooks/inbound/sendgrid/acme", data=mail, auth=("mail", "secret")),
        client.post("/webhooks/inbound/mailgun/acme", data=mail | block),
        client.post("/webhooks/inbound/postmark/acme", json={"From": mail["from"]}, auth=("hook", "secret")),
    ]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert [row[0] for row in kept(store)] == ["inbound-sendgrid", "inbound-mailgun", "inbound-postmark"]


def test_a_webhook_whose_secret_is_not_set_asks_to_try_again(client, store, monkeypatch):
    """503, not 401: senders keep the events for hours."""
    monkeypatch.delenv("SENDGRID_WEBHOOK_PUBLIC_KEY")

    answer = client.post("/webhooks/sendgrid/acme", content=b"[]", headers=signed(b"[]"))

    assert answer.status_code == 503
    assert "SENDGRID_WEBHOOK_PUBLIC_KEY" in answer.json()["error"]


def test_a_store_that_is_away_is_no_success(client, store):
    """200 would make the sender forget the events."""
    with store.begin() as connection:
        connection.execute(sa.text("ALTER TABLE webhook_inbox RENAME TO away"))
    body = json.dumps([OPEN]).encode()

    answer = client.post("/webhooks/sendgrid/acme", content=body, headers=signed(body))

    assert answer.status_code == 503


@pytest.mark.parametrize(
    ("path", "status"),
    [("/webhooks/mailchimp/acme", 404), ("/webhooks/sendgrid/a%20b", 404), ("/webhooks/inbound/x/acme", 404)],
)
def test_what_there_is_not(client, path, status):
    assert client.post(path, content=b"[]").status_code == status


def test_a_body_too_large_is_not_read_to_its_end(client, monkeypatch):
    monkeypatch.setattr(webhooks, "MAX_BODY_BYTES", 1000)
    body = b"x" * 2000

    announced = client.post("/webhooks/sendgrid/acme", content=body, headers=signed(body))
    in_parts = client.post("/webhooks/sendgrid/acme", content=iter([body]), headers=signed(body))

    assert (announced.status_code, in_parts.status_code) == (413, 413)
