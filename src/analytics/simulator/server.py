"""The simulated platforms over real HTTP on loopback, each below its own path: `/github`, `/twitter`, …"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from analytics.errors import AnalyticsError, InputError
from analytics.simulator import platforms
from analytics.simulator.exchange import Call, Meter, Reply
from analytics.simulator.faults import Fault, Faults, first_page_again, spoil
from analytics.simulator.flow import Event
from analytics.simulator.world import World

NOW_HEADER = "X-Simulated-Now"
REVOKED = "revoked"
START_TIMEOUT_S = 20.0
TIMEOUT_FAULT_S = 60.0
MESSAGES = 200


@dataclass(slots=True)
class Simulator:
    """One set of simulated platforms: world, clock, limits and faults.

    Args:
        world: what happened.
        now: the simulated time, fixed until `set_now`; None follows the real clock. A request's
            header `X-Simulated-Now` goes before both.
        latency_s: added to every answer.
        limits: whether calls are counted against the vendors' limits.
    """

    world: World = field(default_factory=platforms.world_of)
    now: datetime | None = None
    latency_s: float = 0.0
    limits: bool = True
    url: str = ""
    faults: Faults = field(default_factory=Faults)
    meter: Meter = field(default_factory=Meter)
    messages: list[Any] = field(default_factory=list)

    def base_url(self, platform: str) -> str:
        """Where one platform answers: give it as the adapter's base URL."""
        return f"{self.url}/{platform}"

    def set_now(self, now: datetime | None) -> None:
        """Move the simulated clock."""
        self.now = now

    def fault(self, kind: str, platform: str = "", path: str = "", times: int = 1, **headers: str) -> None:
        """Order a fault, see `Fault`; keywords are headers, with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.orders.append(Fault(kind, platform, path, times, named))

    def rename(self, platform: str, **names: str) -> None:
        """From now on the platform calls these fields otherwise."""
        self.faults.orders.append(Fault("renamed", platform, times=0, renamed=names))

    def odd(self, platform: str, path: str = "", times: int = 0, **values: Any) -> None:
        """In the next `times` answers (0: all) the first of each of these fields holds this instead of its value."""
        self.faults.orders.append(Fault("odd", platform, path, times, odd=values))

    def app(self) -> Starlette:
        """The ASGI application."""
        routes: list[BaseRoute] = [
            Route("/_simulator/clock", self._set_clock, methods=["POST"]),
            Route("/_simulator/faults", self._set_fault, methods=["POST"]),
            Route("/_simulator/channel", self._take_message, methods=["GET", "POST"]),
            Route("/_simulator/truth/{platform}/{account:path}", self._truth),
        ]
        for name in platforms.names():
            for method, path, handler in platforms.load(name).routes:
                routes.append(Route(f"/{name}{path}", self._endpoint(name, handler), methods=[method]))
        return Starlette(routes=routes)

    def answer(self, platform: str, handler: Callable[[Call], Reply], call: Call) -> Reply:
        """The vendor's order of things: who are you, how often have you called, has it changed, the answer."""
        module = platforms.load(platform)
        token = module.token_of(call)
        if token in (None, "", REVOKED):
            return module.refusal(401, call)
        limit = module.limit
        begin = limit.window_of(call.at)
        used = self.meter.count(platform, str(token), limit, call.at, free=True)
        reset_at = begin + limit.window
        if self.limits and used >= limit.calls:
            spent = module.refusal(429, call)
            headers = {**spent.headers, **limit.headers(limit.calls, limit.calls, reset_at, call.at)}
            return Reply(spent.payload, spent.status, headers, spent.text, spent.media_type)
        reply = handler(call)
        etag = f'W/"{hashlib.blake2b(reply.content, digest_size=16).hexdigest()}"'
        unchanged = reply.status == 200 and call.headers.get("if-none-match") == etag
        used = self.meter.count(platform, str(token), limit, call.at, free=unchanged)
        headers = {**limit.headers(limit.calls, used, reset_at, call.at), **reply.headers}
        if unchanged:
            return Reply(None, 304, {**headers, "etag": etag})
        if reply.status == 200 and call.method == "GET":
            headers["etag"] = etag
        return Reply(reply.payload, reply.status, headers, reply.text, reply.media_type)

    def _endpoint(self, platform: str, handler: Callable[[Call], Reply]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                call = await self._call(platform, request)
            except InputError as exc:
                return JSONResponse({"message": str(exc)}, 400)
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            fault = self.faults.take(platform, f"{request.url.path} {call.operation}")
            if fault and fault.kind.isdecimal():
                refused = platforms.load(platform).refusal(int(fault.kind), call)
                return _response(Reply(refused.payload, int(fault.kind), {**refused.headers, **fault.headers}), call.at)
            if fault and fault.kind == "endless":
                call = first_page_again(call)
            if fault:  # what is spoiled has changed: a tag kept from before must not end in 304
                kept = {name: value for name, value in call.headers.items() if name.lower() != "if-none-match"}
                call = replace(call, headers=Headers(kept))
            reply = self.answer(platform, handler, call)
            if fault is None:
                return _response(reply, call.at)
            if fault.kind == "timeout":
                await asyncio.sleep(TIMEOUT_FAULT_S)
            if fault.kind == "cut":
                return StreamingResponse(_cut(reply.content), headers={"content-length": str(len(reply.content))})
            return _response(spoil(reply, fault), call.at)

        return endpoint

    async def _call(self, platform: str, request: Request) -> Call:
        at = _moment(request.headers[NOW_HEADER]) if NOW_HEADER in request.headers else self.now or datetime.now(UTC)
        return Call(
            world=self.world,
            at=at,
            method=request.method,
            path=request.path_params,
            query=dict(request.query_params),
            headers=request.headers,
            base_url=f"{str(request.base_url).rstrip('/')}/{platform}",
            body=await request.body(),
        )

    async def _set_clock(self, request: Request) -> Response:
        text = (await request.json()).get("now")
        self.set_now(_moment(text) if text else None)
        return JSONResponse({"now": text})

    async def _set_fault(self, request: Request) -> Response:
        try:
            order = Fault(**await request.json())
        except (TypeError, AnalyticsError) as exc:
            return JSONResponse({"message": str(exc)}, 400)
        self.faults.orders.append(order)
        return JSONResponse(asdict(order))

    async def _take_message(self, request: Request) -> Response:
        """A channel of people's: keeps the newest messages, and shows them."""
        if request.method == "POST":
            told = await request.json()
            self.messages.append({name: str(told.get(name, "")) for name in ("title", "message", "type")})
            del self.messages[:-MESSAGES]
        return JSONResponse(self.messages)

    async def _truth(self, request: Request) -> Response:
        start, end = (_moment(request.query_params[name]) for name in ("start", "end"))
        found = self.world.events(request.path_params["platform"], request.path_params["account"], start, end)
        return JSONResponse([{**asdict(e), "start": e.start.isoformat(), "end": e.end.isoformat()} for e in found])


@contextmanager
def serve(
    port: int = 0,
    *,
    seed: int = 7,
    now: datetime | None = None,
    latency_s: float = 0.0,
    limits: bool = True,
    host: str = "127.0.0.1",
    events: Iterable[Event] = (),
) -> Iterator[Simulator]:
    """Run the platforms in a thread; `port` 0 takes a free one. The address is in `Simulator.url`.

    `events` happen on top of what the seed brings.
    """
    import uvicorn

    simulator = Simulator(platforms.world_of(seed), now, latency_s, limits)
    for event in events:
        simulator.world.happen(event)
    listener = _listener(host, port)
    with listener:
        simulator.url = f"http://{host}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            simulator.app(), log_level="critical", access_log=False, date_header=False, lifespan="off"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _wait_for(server, thread)
            yield simulator
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join(START_TIMEOUT_S)


def _listener(host: str, port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it every answer waits 40 ms for an ACK
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as exc:
        listener.close()
        raise InputError(f"simulator: port {port} on {host} cannot be used ({exc.strerror})") from exc
    return listener


def _wait_for(server: Any, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise AnalyticsError("simulator: the server did not start")
        time.sleep(0.01)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InputError(f"simulated time {text!r}: expected ISO 8601, for example 2026-10-01T12:00:00Z") from exc
    if moment.tzinfo is None:
        raise InputError(f"simulated time {text!r}: needs a time zone")
    return moment.astimezone(UTC)


def _response(reply: Reply, at: datetime) -> Response:
    headers: Mapping[str, str] = {"date": format_datetime(at.replace(microsecond=0), usegmt=True), **reply.headers}
    return Response(reply.content, reply.status, headers, media_type=reply.media_type)


async def _cut(content: bytes) -> AsyncIterator[bytes]:
    """Half of the body, then the connection ends."""
    yield content[: len(content) // 2]
    raise ConnectionResetError("cut on command")
