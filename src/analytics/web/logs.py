"""Log records as JSON, one object a line, for whatever gathers logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}
_RUN = ("flow_run_id", "flow_run_name", "task_run_id", "task_run_name", "flow_name")


class JsonFormatter(logging.Formatter):
    """Time (UTC), level, logger and message; what a caller passed as `extra`; the traceback of an exception."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        extras = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        simple = (str, int, float, bool)
        entry |= {k: v for k, v in extras.items() if isinstance(v, simple) or (k in _RUN and v is not None)}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)
