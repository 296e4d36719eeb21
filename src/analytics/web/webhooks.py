"""Webhooks of mail providers: who calls is checked on the raw body, the body is committed, then the answer is 200.

`POST /webhooks/{provider}/{account}` takes events, `POST /webhooks/inbound/{provider}/{account}` mails. What was
kept is counted in the background, and by the flow `inbox` where the background did not come to it.

What the headers tell of the caller is checked before a byte of the body is read. A body is bounded in size and time,
and so is the sum of all that are held at once: a stranger's calls can fill no memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from analytics.errors import AnalyticsError, DataFileError, SettingsError, StoreError, WebhookRefused
from analytics.ingest.bodies import MAX_BODY_BYTES, decoded
from analytics.ingest.mails import form_of
from analytics.ingest.signatures import (
    check_address,
    check_basic,
    check_mailgun,
    check_sendgrid,
    check_sendgrid_headers,
    mailgun_signature,
)
from analytics.jobs.collecting.bodies import Letter, keep_all
from analytics.jobs.collecting.inbox import process
from analytics.settings import Settings, credential
from analytics.unpacking import TooLarge

if TYPE_CHECKING:
    from analytics.store import Store

LARGEST = {"mailgun": 1024 * 1024}  # one event; others send batches, and mails with attachments
BODY_TIMEOUT_S = 20.0
MAX_WAITING_BYTES = 64 * 1024 * 1024
RETRY_AFTER_S = 30
PROVIDERS = ("sendgrid", "mailgun", "postmark")
MOST_TOGETHER = 200  # bodies in one commit
RECOVER_S = 5.0  # after the store was away
SETTLE_S = 1.0  # bodies of one sending come together: they are counted together
_ACCOUNT = re.compile(r"[\w.@+-]{1,100}", flags=re.ASCII)
log = logging.getLogger(__name__)


def router(settings: Settings) -> APIRouter:
    """The routes of one installation; the store is opened at the first call."""
    inbox = _Inbox(settings)

    @contextlib.asynccontextmanager
    async def while_up(_: object) -> AsyncIterator[None]:
        yield
        inbox.close()

    api = APIRouter(lifespan=while_up)

    async def mail(request: Request) -> JSONResponse:
        """A mail, from an inbound-mail service."""
        return await _answer(inbox, f"inbound-{request.path_params['provider']}", request)

    async def event(request: Request) -> JSONResponse:
        """Events, from a mail provider."""
        return await _answer(inbox, request.path_params["provider"], request)

    # plain routes: the body is read as it stands, and what FastAPI does about parameters takes a third of a call
    api.add_route("/webhooks/inbound/{provider}/{account}", mail, methods=["POST"])
    api.add_route("/webhooks/{provider}/{account}", event, methods=["POST"])
    return api


def check_headers(provider: str, headers: Mapping[str, str], address: str | None, *, now: datetime) -> None:
    """Check what can be known of the caller before the body is read.

    Raises:
        WebhookRefused: it is not who it says.
        SettingsError: the secret that would tell is not set.
    """
    if provider == "sendgrid":
        _secret("SENDGRID_WEBHOOK_PUBLIC_KEY")
        check_sendgrid_headers(headers, now=now)
    elif provider.endswith("mailgun"):
        _secret("MAILGUN_WEBHOOK_SIGNING_KEY")
    else:
        name = "POSTMARK_WEBHOOK" if provider.endswith("postmark") else "INBOUND_MAIL"
        check_basic(headers, _secret(f"{name}_USER"), _secret(f"{name}_PASSWORD"), provider=provider)
        allowed = credential(f"{name}_ALLOWED_ADDRESSES")
        check_address(address, allowed.get_secret_value().split(",") if allowed else (), provider=provider)


def check_body(provider: str, sent: bytes, body: bytes, headers: Mapping[str, str], *, now: datetime) -> str | None:
    """Check a signature that needs the body; return what this sender uses once, where there is such a thing.

    Args:
        sent: the body as it came.
        body: the same without its content encoding; which of the two is signed, vendors do not say.

    Raises:
        WebhookRefused: it does not fit.
    """
    if provider == "sendgrid":
        key = _secret("SENDGRID_WEBHOOK_PUBLIC_KEY")
        try:
            check_sendgrid(sent, headers, key, now=now)
        except WebhookRefused:
            if sent == body:
                raise
            check_sendgrid(body, headers, key, now=now)
    elif provider == "mailgun":
        return check_mailgun(mailgun_signature(body), _secret("MAILGUN_WEBHOOK_SIGNING_KEY"), now=now)
    elif provider == "inbound-mailgun":
        try:
            fields: Mapping[str, str] = form_of(body, headers.get("content-type", ""))
        except DataFileError as exc:
            raise WebhookRefused(str(exc)) from exc
        return check_mailgun(dict(fields), _secret("MAILGUN_WEBHOOK_SIGNING_KEY"), now=now)
    return None


def _secret(name: str) -> str:
    value = credential(name)
    if value is None:
        raise SettingsError(f"{name} is not set: this webhook is not ready")
    return value.get_secret_value()


async def _answer(inbox: _Inbox, provider: str, request: Request) -> JSONResponse:
    account = request.path_params["account"]
    if provider.removeprefix("inbound-") not in PROVIDERS or not _ACCOUNT.fullmatch(account):
        return JSONResponse({"error": "no such webhook"}, 404)
    address = request.client.host if request.client else None
    kind = request.headers.get("content-type", "")
    share = _Share(inbox.room)
    try:
        check_headers(provider, request.headers, address, now=datetime.now(UTC))
        sent = await _body(request, share, LARGEST.get(provider, MAX_BODY_BYTES))
        body = decoded(sent, request.headers.get("content-encoding", ""))
        share.take(len(body) if body is not sent else 0)
        replay_key = check_body(provider, sent, body, request.headers, now=datetime.now(UTC))
        new = await inbox.keep(Letter(provider, account, body, kind, replay_key))
    except WebhookRefused as exc:
        log.warning("refused: %s", exc)
        return JSONResponse({"error": str(exc)}, 401)
    except SettingsError as exc:
        log.error("%s", exc)
        return JSONResponse({"error": str(exc)}, 503)  # senders try again for hours: nothing is lost until it is set
    except StoreError as exc:
        log.error("not kept: %s", exc)
        return JSONResponse({"error": "not kept, try again"}, 503)
    except TooLarge as exc:
        return JSONResponse({"error": str(exc)}, 413)
    except DataFileError as exc:  # cannot be unpacked
        return JSONResponse({"error": str(exc)}, 415)
    except _NoRoom:
        log.warning("more than %s bytes wait: a call is asked to come again", MAX_WAITING_BYTES)
        return JSONResponse({"error": "too much at once, try again"}, 503, {"Retry-After": str(RETRY_AFTER_S)})
    except (TimeoutError, ClientDisconnect):
        said = {"error": f"the body was not whole after {BODY_TIMEOUT_S:g} s"}
        return JSONResponse(said, 408, {"Connection": "close"})
    finally:
        share.give_back()
    return JSONResponse({"kept": new})


async def _body(request: Request, share: _Share, largest: int) -> bytes:
    """The raw body.

    Raises:
        TooLarge, TimeoutError, ClientDisconnect: it is, it came too slowly, it will never be whole.
        _NoRoom: other bodies take all there is.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > largest:
        raise TooLarge(f"larger than {largest} bytes")
    parts = bytearray()
    async with asyncio.timeout(BODY_TIMEOUT_S):
        async for part in request.stream():
            share.take(len(part))
            parts += part
            if len(parts) > largest:
                raise TooLarge(f"larger than {largest} bytes")
    return bytes(parts)


class _NoRoom(Exception):
    """All the bytes that may wait are taken."""


@dataclass
class _Room:
    """Bytes of bodies held at once; used by the event loop alone."""

    taken: int = 0


@dataclass
class _Share:
    """What one call holds of the room, until it is answered."""

    room: _Room
    taken: int = 0

    def take(self, count: int) -> None:
        """Take more; raise `_NoRoom` if there is none."""
        if self.room.taken + count > MAX_WAITING_BYTES:
            raise _NoRoom
        self.room.taken += count
        self.taken += count

    def give_back(self) -> None:
        """Answered: the bytes are held no longer."""
        self.room.taken -= self.taken
        self.taken = 0


class _Inbox:
    """One thread that commits what comes in, as much as waits in one go, and one that counts what was committed."""

    def __init__(self, settings: Settings) -> None:
        self.room = _Room()
        self._settings = settings
        self._starting = threading.Lock()
        self._is_started = False
        self._queue: SimpleQueue[tuple[Letter, Future[bool]]] = SimpleQueue()
        self._waiting = threading.Event()
        self._closing = threading.Event()
        self._held = contextlib.ExitStack()  # the store, for as long as the process lives

    async def keep(self, letter: Letter) -> bool:
        """Whether the body is new, once it is committed; raise as `jobs.inbox.keep` does."""
        kept: Future[bool] = Future()
        self._queue.put((letter, kept))
        with self._starting:
            if not self._is_started:
                threading.Thread(target=self._commit, name="inbox", daemon=True).start()
                self._is_started = True
        return await asyncio.wrap_future(kept)

    def close(self) -> None:
        """Count no more: what is committed is counted by the next process, or by the scheduled flow."""
        self._closing.set()
        self._waiting.set()

    def _commit(self) -> None:
        """Commit for ever; an error is the answer to those it befell."""
        store: Store | None = None
        while True:
            batch = [self._queue.get()]
            while len(batch) < MOST_TOGETHER and not self._queue.empty():
                batch.append(self._queue.get())
            # from here on a caller who hangs up no longer cancels: the body is committed all the same
            waited_for = [kept.set_running_or_notify_cancel() for _, kept in batch]
            results: Sequence[bool | AnalyticsError]
            try:
                store = store or self._opened()
                results = keep_all(store, [letter for letter, _ in batch])
            except Exception as exc:  # noqa: BLE001 - the outermost loop of this thread: nobody may wait for ever
                failure = exc if isinstance(exc, StoreError) else StoreError(f"{type(exc).__name__}: {exc}")
                results = [failure] * len(batch)
            for (_, kept), is_waiting, result in zip(batch, waited_for, results, strict=True):
                if is_waiting and isinstance(result, bool):
                    kept.set_result(result)
                elif is_waiting and not isinstance(result, bool):
                    kept.set_exception(result)
            self._waiting.set()

    def _opened(self) -> Store:
        from analytics.store import open_store

        store = self._held.enter_context(open_store(self._settings))
        threading.Thread(target=self._count, args=(store,), name="inbox-count", daemon=True).start()
        return store

    def _count(self, store: Store) -> None:
        while not self._closing.is_set():
            self._waiting.wait()
            if self._closing.wait(SETTLE_S):
                return
            self._waiting.clear()
            try:
                done = process(store)
            except Exception as exc:  # noqa: BLE001 - the outermost loop of this thread: counting never ends
                log.error("not counted, will be tried again: %s: %s", type(exc).__name__, exc)
                self._closing.wait(RECOVER_S)
                self._waiting.set()
                continue
            for problem in done.problems:
                log.warning("set aside, see `analytics quarantine list`: %s", problem)
            if done.is_busy:
                self._waiting.set()
