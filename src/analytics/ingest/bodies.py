"""What arrives from outside as one body: unpacked within a limit, and its words made fit for a line of text."""

from __future__ import annotations

import re
import zlib

from analytics.errors import DataFileError

MAX_BODY_BYTES = 10 * 1024 * 1024
GZIP = b"\x1f\x8b"  # neither JSON nor a form begins so
_ANY_HEADER = 32 + zlib.MAX_WBITS  # zlib or gzip, as the bytes say
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class BodyTooLarge(DataFileError):
    """What was sent, or what comes out of it, is larger than the limit."""


def decoded(body: bytes, encoding: str = "", *, limit: int = MAX_BODY_BYTES) -> bytes:
    """A body without its content encoding (gzip or deflate, once); one that is gzip without saying so is unpacked too.

    Raises:
        BodyTooLarge: more than `limit` bytes come out; no more than that is ever unpacked.
        DataFileError: another encoding, or the body is not what the encoding says.

    >>> decoded(zlib.compress(b"[]"), "deflate")
    b'[]'
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        name = "gzip" if body.startswith(GZIP) else ""
    if not name:
        return body
    if name not in ("gzip", "x-gzip", "deflate"):
        raise DataFileError(f"content encoding {name!r:.60}: expected gzip, deflate or none")
    out, rest = bytearray(), body
    try:
        while rest:  # a gzip body may be several, one after the other
            unpacking = zlib.decompressobj(_ANY_HEADER)
            out += unpacking.decompress(rest, limit + 1 - len(out))
            if len(out) > limit:
                raise BodyTooLarge(f"more than {limit} bytes come out of the body")
            if not unpacking.eof:
                raise DataFileError(f"the body is cut off: its {name} does not end")
            rest = unpacking.unused_data
    except zlib.error as exc:
        raise DataFileError(f"the body is no {name}: {exc}") from exc
    return bytes(out)


def plain_line(text: str) -> str:
    r"""A stranger's words on one line that a database and a terminal take: no control or direction character.

    >>> plain_line("tag 'a\x00b\ud800'")
    "tag 'a\ufffdb\ufffd'"
    """
    return " ".join(_UNFIT.sub("\ufffd", " ".join(text.split())).split())


def is_plain(text: str) -> bool:
    """Whether a name can be kept as it is: no control character, no half of a surrogate pair."""
    return not _UNFIT.search(text)
