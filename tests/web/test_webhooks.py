"""Webhooks over HTTP: 200 means committed, and whoever is not the sender is turned away before anything is kept."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import hmac
import json
import socket
import threading
import time
import zlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fastapi import FastAPI

from analytics.jobs.collecting.inbox import process
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


def mailgun(number=1, *, ago_s=0, **data):
    token, timestamp = f"t{number}", str(int(time.time()) - ago_s)
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


def counted(store, metric):
    """What the metric stands at once the inbox is empty; 0 where nothing was counted."""
    until(lambda: process(store), lambda done: not done.is_busy)
    query = sa.text("SELECT total FROM webhook_totals WHERE metric_type = :metric AND content_id = ''")
    with store.begin() as connection:
        return connection.scalar(query, {"metric": metric}) or 0


@pytest.mark.parametrize("ago_s", [720, 1800, 7200, 27000, 29100])
def test_mailguns_retries_keep_their_signature_and_count_once(client, store, ago_s):
    """10, 10, 15 and 30 minutes, 1, 2 and 4 hours after the first call; an event without a time has the call's."""
    body = mailgun(ago_s=ago_s, id="M2", tags=["autumn"])
    del body["event-data"]["timestamp"]

    answers = [client.post("/webhooks/mailgun/acme", json=body) for _ in range(3)]
    written_otherwise = client.post("/webhooks/mailgun/acme", content=json.dumps(body, indent=1))

    assert [(a.status_code, a.json()["kept"]) for a in (*answers, written_otherwise)] == [
        (200, True),
        *[(200, False)] * 3,
    ]
    assert counted(store, "opens") == 1


def test_mailguns_retries_end(client):
    assert client.post("/webhooks/mailgun/acme", json=mailgun(ago_s=13 * 3600)).status_code == 401


def test_mailguns_token_counts_once_whatever_the_address(client, store):
    """It is not bound to a body: one that leaked counted once for the events and once for the mails of each account."""
    event = mailgun()
    mail = {"from": "Substack <no-reply@substack.com>", "subject": "New free subscriber to Orchard!"}

    answers = [
        client.post("/webhooks/mailgun/acme", json=event),
        client.post("/webhooks/inbound/mailgun/acme", data=mail | event["signature"]),
        client.post("/webhooks/mailgun/other", json=event),
    ]

    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert len(kept(store)) == 1


def test_a_form_sent_again_is_the_same_though_its_boundary_differs(client, store):
    mail = {"from": "Substack <no-reply@substack.com>", "subject": "New free subscriber to Orchard!"}
    fields = {name: (None, value) for name, value in (mail | mailgun()["signature"]).items()}

    answers = [client.post("/webhooks/inbound/mailgun/acme", files=fields) for _ in range(2)]

    assert [(a.status_code, a.json()) for a in answers] == [(200, {"kept": True}), (200, {"kept": False})]
    assert len(kept(store)) == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate", ""])
@pytest.mark.parametrize("signs", ["what is sent", "what is meant"])
def test_a_compressed_body_is_counted(client, store, encoding, signs):
    """It was answered with 200, and never counted."""
    body = json.dumps([OPEN]).encode()
    sent = zlib.compress(body) if encoding == "deflate" else gzip.compress(body)
    headers = signed(sent if signs == "what is sent" else body) | ({"Content-Encoding": encoding} if encoding else {})

    answer = client.post("/webhooks/sendgrid/acme", content=sent, headers=headers)

    assert answer.status_code == 200
    assert counted(store, "opens") == 1


def test_a_compressed_mailgun_event_is_counted(client, store):
    sent = gzip.compress(json.dumps(mailgun()).encode())

    answer = client.post("/webhooks/mailgun/acme", content=sent, headers={"Content-Encoding": "gzip"})

    assert answer.status_code == 200
    assert counted(store, "opens") == 1


@pytest.mark.parametrize(
    ("sent", "encoding", "status"),
    [
        (gzip.compress(b" " * (11 * 1024 * 1024)), "gzip", 413),
        (gzip.compress(b"[]")[:-4], "gzip", 415),
        (b"[]", "gzip", 415),
        (b"[]", "br", 415),
        (gzip.compress(gzip.compress(b"[]")), "gzip, gzip", 415),
    ],
    ids=["bomb", "cut off", "not gzip", "unknown", "nested"],
)
def test_what_cannot_be_unpacked_is_refused(client, store, sent, encoding, status):
    answer = client.post("/webhooks/sendgrid/acme", content=sent, headers=signed(sent) | {"Content-Encoding": encoding})

    assert answer.status_code == status
    assert kept(store) == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/webhooks/sendgrid/acme", {}),
        ("/webhooks/sendgrid/acme", {"X-Twilio-Email-Event-Webhook-Signature": "x"}),
        ("/webhooks/postmark/acme", {}),
        ("/webhooks/inbound/sendgrid/acme", {"Authorization": "Basic eDp5"}),
        ("/webhooks/inbound/postmark/acme", {}),
    ],
)
def test_a_caller_known_by_its_headers_is_turned_away_before_its_body_comes(client, path, headers):
    """Bodies were read whole first: 60 half-sent ones held 600 MB."""
    with begun(client, path, headers) as stranger:
        assert stranger.recv(100).startswith(b"HTTP/1.1 401")


def test_a_body_that_does_not_come_is_given_up(client, store, monkeypatch):
    monkeypatch.setattr(webhooks, "BODY_TIMEOUT_S", 0.2)

    with begun(client, "/webhooks/mailgun/acme", {}) as stranger:
        answer = stranger.recv(100)

    assert answer.startswith(b"HTTP/1.1 408")


def test_bodies_that_wait_together_are_bounded(client, store, monkeypatch):
    """The sum of what is held; once the others are gone there is room again."""
    monkeypatch.setattr(webhooks, "MAX_WAITING_BYTES", 250_000)
    body = json.dumps([OPEN]).encode()
    half = b"x" * 60_000

    with contextlib.ExitStack() as strangers:
        for _ in range(4):
            strangers.enter_context(begun(client, "/webhooks/mailgun/acme", {}, half))
        refused = until(
            lambda: client.post("/webhooks/mailgun/acme", content=b"{}" + b" " * 60_000), lambda a: a.status_code == 503
        )
    again = until(
        lambda: client.post("/webhooks/sendgrid/acme", content=body, headers=signed(body)),
        lambda a: a.status_code == 200,
    )

    assert "too much at once" in refused.json()["error"]
    assert int(refused.headers["retry-after"]) > 0
    assert again.json() == {"kept": True}


@contextlib.contextmanager
def begun(client, path, headers, body=b"x"):
    """A call of a stranger who announces 900 kB and sends `body`."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Length: 900000",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=20) as stranger:
        stranger.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        yield stranger


def until(ask, is_so):
    """The first answer that is so, asked for up to 20 seconds."""
    deadline = time.monotonic() + 20
    while not is_so(answer := ask()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return answer


def test_the_thread_that_counts_survives_anything(client, store, monkeypatch):
    """An error that was none of ours ended it, and nothing was counted until the next start."""
    real = webhooks.process
    broken = iter([UnicodeError("a surrogate")])
    monkeypatch.setattr(webhooks, "RECOVER_S", 0.1)

    def once(store):
        for error in broken:
            raise error
        return real(store)

    monkeypatch.setattr(webhooks, "process", once)
    body = json.dumps([OPEN]).encode()

    client.post("/webhooks/sendgrid/acme", content=body, headers=signed(body))

    until(lambda: not store.series().empty, bool)
