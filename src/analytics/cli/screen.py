"""The terminal: whatever a platform, a file or a person named something, it is shown and never obeyed."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any

import rich.console
from rich.segment import Segment

# C0 and C1 controls but tab and line feed, what turns the writing's direction, line separators, half characters
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
SHOWN = "\N{REPLACEMENT CHARACTER}"


def harmless(text: str) -> str:
    r"""The text with a mark for every character that a terminal would obey instead of showing it.

    >>> harmless("a\x1b[31m\u202eb")
    'a�[31m�b'
    """
    return OBEYED.sub(SHOWN, text)


class Console(rich.console.Console):
    """Rich's console; only its own control codes reach the terminal, none that stands in a text."""

    def render(self, *args: Any, **options: Any) -> Iterable[Segment]:
        """The segments, each with harmless text."""
        for segment in super().render(*args, **options):
            yield segment if segment.control else segment._replace(text=harmless(segment.text))


class HarmlessFormatter(logging.Formatter):
    """Log lines for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with its traceback."""
        return harmless(super().format(record))
