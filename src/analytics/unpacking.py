"""Compressed bytes from outside, unpacked within a limit on what comes out, while it comes out.

Ten kilobytes of gzip can hold ten megabytes, and gzip in gzip six gigabytes: the limit holds before the bytes are made.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

from analytics.errors import DataFileError

PIECE_BYTES = 65_536
ACCEPTED = "gzip, deflate"  # what a request may be answered in
_KNOWN = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class TooLarge(DataFileError):
    """More comes out than the limit allows."""


def unpacked(parts: Iterable[bytes], encoding: str = "", *, limit: int) -> Iterator[bytes]:
    """The bytes of a body without its content encoding, in pieces of at most `PIECE_BYTES`.

    Args:
        parts: the body as it came.
        encoding: gzip, deflate, or '' for none; one, not one in another.
        limit: most bytes that may come out.
    Raises:
        TooLarge: there are more; no more than one piece over the limit is ever made.
        DataFileError: another encoding, or the body is not what the encoding says, or is cut off.

    >>> b"".join(unpacked([zlib.compress(b"a" * 9)], "deflate", limit=9))
    b'aaaaaaaaa'
    """
    name = encoding.strip().lower()
    size = 0
    pieces = parts if name in ("", "identity") else _inflated(parts, name)
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise TooLarge(f"more than {limit} bytes come out of it")
        yield piece


def _inflated(parts: Iterable[bytes], name: str) -> Iterator[bytes]:
    if name not in _KNOWN:
        raise DataFileError(f"content encoding {name!r:.60}: expected gzip, deflate or none, and one alone")
    inflater, begun = zlib.decompressobj(_KNOWN[name]), False
    try:
        for part in parts:
            rest = part
            while rest:
                if inflater.eof:  # a gzip body may be several, one after the other
                    inflater = zlib.decompressobj(_KNOWN[name])
                if name == "deflate" and not begun and rest[0] & 0x0F != 8:
                    inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers leave out zlib's header
                begun = True
                piece = inflater.decompress(rest, PIECE_BYTES)
                rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
                if piece:
                    yield piece
    except zlib.error as exc:
        raise DataFileError(f"it is no {name}: {exc}") from exc
    if begun and not inflater.eof:
        raise DataFileError(f"it is cut off: its {name} does not end")


class Bounded(io.RawIOBase):
    """A stream that raises `TooLarge` once more than `limit` bytes were read from it."""

    def __init__(self, stream: IO[bytes], limit: int, said: str) -> None:
        self._stream, self._left, self._said = stream, limit, said

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As of any raw stream."""
        piece = self._stream.read(len(buffer))
        self._left -= len(piece)
        if self._left < 0:
            raise TooLarge(self._said)
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Close the stream too."""
        self._stream.close()
        super().close()
