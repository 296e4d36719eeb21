"""The record of reports made: one row of `reports` each, for the audit and for the metrics."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from analytics.settings import Settings

if TYPE_CHECKING:
    from analytics.jobs.report import ReportFiles


def record(settings: Settings, made: ReportFiles, *, by: str = "schedule", at: datetime | None = None) -> UUID:
    """Note a finished report with its period, files, size and time; return its id."""
    from analytics.store import open_store
    from analytics.store.journal import record_report

    now = at or datetime.now(UTC)
    start, end = made.month.bounds(str(made.parameters.get("timezone") or "UTC"))
    main = made.files.get("html") or next(iter(made.files.values()))
    row = {
        "report_type": made.name,
        "period_start": start,
        "period_end": end,
        "platforms": [str(name) for name in made.parameters.get("platforms") or ()],
        "status": "completed",
        "file_path": str(main),
        "file_size_bytes": sum(path.stat().st_size for path in made.files.values()),
        "generation_time_ms": round(1000 * sum(made.seconds.values())),
        "sections": {kind: str(path) for kind, path in made.files.items()},
        "metadata": {"seconds": dict(made.seconds), "parameters": dict(made.parameters)},
        "created_by": by,
        "completed_at": now,
    }
    with open_store(settings) as store, store.begin() as connection:
        return record_report(connection, row)
