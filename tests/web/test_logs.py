"""Structured logs: one JSON object a line, whatever the message holds."""

import json
import logging
import sys

from analytics.web.logs import JsonFormatter


def record(message: str, *args: object, exc_info=None, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("analytics.x", logging.WARNING, __file__, 1, message, args, exc_info)
    made.__dict__.update(extra)
    return made


def test_a_line_is_an_object_with_time_level_and_message():
    """And what the caller passed as extra."""
    line = JsonFormatter().format(record("rows: %d\n%s", 3, "two lines", platform="github"))

    entry = json.loads(line)
    assert "\n" not in line
    assert (entry["level"], entry["message"], entry["platform"]) == ("WARNING", "rows: 3\ntwo lines", "github")
    assert entry["time"].endswith("+00:00")


def test_an_exception_keeps_its_traceback():
    """In the same line."""
    try:
        raise ValueError("bad")
    except ValueError:
        line = JsonFormatter().format(record("failed", exc_info=sys.exc_info()))

    assert "ValueError: bad" in json.loads(line)["exception"]
