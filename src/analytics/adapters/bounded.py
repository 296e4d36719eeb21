"""One HTTP call with a limit of size and one of time that holds for the whole of it, headers included.

A read timeout alone is not enough: a server that sends a byte every few seconds never reaches it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from analytics.unpacking import unpacked

Trace = Callable[[str, dict[str, Any]], None]


class TooSlow(Exception):
    """The whole answer was not there in time."""


def body_of(response: httpx.Response, *, limit: int) -> Iterator[bytes]:
    """A response's body without its encoding, in pieces; `httpx` itself would unpack a whole chunk, however large.

    Raises:
        TooLarge: more than `limit` bytes come out of it.
        DataFileError: it is not what its encoding says.
    """
    if response.is_stream_consumed:  # read before, and unpacked
        return unpacked([response.content], limit=limit)
    return unpacked(response.iter_raw(), response.headers.get("content-encoding", ""), limit=limit)


def fetch(
    client: httpx.Client, request: httpx.Request, *, max_bytes: int, max_s: float, auth: httpx.Auth | None = None
) -> tuple[httpx.Response, bytes]:
    """Send `request`; the response and its decoded body.

    Raises:
        TooSlow: more than `max_s` seconds from connecting to the last byte.
        TooLarge: more than `max_bytes` come out of it; the rest is not read.
        DataFileError: the body is not what its encoding says.
        httpx.HTTPError: as `httpx.Client.send`.
    """
    with _cut_after(max_s) as (trace, is_over):
        request.extensions = {**request.extensions, "trace": trace}
        raw = bytearray()
        try:
            response = client.send(request, stream=True, auth=auth or httpx.USE_CLIENT_DEFAULT)
            try:
                for chunk in body_of(response, limit=max_bytes):
                    raw += chunk
                    if is_over():
                        raise TooSlow
                if is_over():  # a body without a length ends where the connection does
                    raise TooSlow
            finally:
                response.close()
        except httpx.HTTPError as exc:
            if is_over():
                raise TooSlow from exc
            raise
    return response, bytes(raw)


@contextlib.contextmanager
def _cut_after(seconds: float) -> Iterator[tuple[Trace, Callable[[], bool]]]:
    """Give what notes the connection's socket, and whether time is over; then the socket is shut down."""
    over, lock, sockets = threading.Event(), threading.Lock(), list[socket.socket]()

    def cut() -> None:
        with lock:
            over.set()
            for each in sockets:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(each, socket.SHUT_RDWR)  # not the TLS socket's own, which waits for a lock

    def trace(event: str, info: dict[str, Any]) -> None:
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            with lock:
                sockets.append(info["return_value"].get_extra_info("socket"))
            if over.is_set():
                cut()

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield trace, over.is_set
    finally:
        timer.cancel()
