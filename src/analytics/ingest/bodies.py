"""What arrives from outside as one body: unpacked within a limit, and its words made fit for a line of text."""

from __future__ import annotations

import re

from analytics.unpacking import unpacked

MAX_BODY_BYTES = 10 * 1024 * 1024
GZIP = b"\x1f\x8b"  # neither JSON nor a form begins so
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def decoded(body: bytes, encoding: str = "", *, limit: int = MAX_BODY_BYTES) -> bytes:
    """A body without its content encoding (gzip or deflate, once); one that is gzip without saying so is unpacked too.

    Raises:
        TooLarge: more than `limit` bytes come out; no more than that is ever unpacked.
        DataFileError: another encoding, or the body is not what the encoding says.
    """
    name = encoding.strip().lower()
    if name in ("", "identity") and body.startswith(GZIP):
        name = "gzip"
    return b"".join(unpacked([body], name, limit=limit)) if name not in ("", "identity") else body


def plain_line(text: str) -> str:
    r"""A stranger's words on one line that a database and a terminal take: no control or direction character.

    >>> plain_line("tag 'a\x00b\ud800'")
    "tag 'a\ufffdb\ufffd'"
    """
    return " ".join(_UNFIT.sub("\ufffd", " ".join(text.split())).split())


def is_plain(text: str) -> bool:
    """Whether a name can be kept as it is: no control character, no half of a surrogate pair."""
    return not _UNFIT.search(text)
