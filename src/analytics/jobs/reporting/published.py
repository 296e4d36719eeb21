"""Putting a finished report on the site, and on record: a row of `reports` each, for the audit and for the metrics."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import nbformat

from analytics.jobs.reporting.report import parameters_of
from analytics.params.files import Params, load_params
from analytics.params.reports import ReportParams
from analytics.reports.publishing import site
from analytics.reports.publishing.versions import Version, standing_of
from analytics.settings import Settings, demo_params

if TYPE_CHECKING:
    from analytics.jobs.reporting.report import ReportFiles


def publish(settings: Settings, made: ReportFiles, *, at: datetime | None = None) -> Version:
    """Put a finished report on the site below `settings.output_dir`; the same report again is no new version."""
    from analytics.reports.exporters.common import document
    from analytics.reports.exporters.data import daily

    now = (at or datetime.now(UTC)).replace(microsecond=0)
    params = load_params(settings.params_dir)
    chosen = params.reports.get(made.name, ReportParams())
    notebook = nbformat.read(made.files["ipynb"], as_version=4)  # type: ignore[no-untyped-call]
    doc = document(notebook, "html")
    sheet = daily(notebook)
    names = [name for name, _ in sheet.columns]
    shown = dict.fromkeys(str(row[names.index("platform")]) for row in sheet.rows)
    draft = Version(
        name=made.name,
        period=str(made.month),
        version=0,
        title=str(doc.cover["title"]),
        label=str(doc.cover["period"]),
        published_at=now.isoformat(),
        files={},
        sizes={},
        platforms=tuple(params.platforms[p].display_name if p in params.platforms else p for p in shown),
        headline=doc.headline,
        parameters=dict(made.parameters),
        rerun=rerun_command(made.name, made.parameters, chosen, demo=settings.params_dir == demo_params()),
        seal=site.seal_of(made.files),
        snapshot=next((str(n["provenance"]["snapshot"]) for n in doc.notes if "snapshot" in n["provenance"]), ""),
        status=str(doc.cover["status"]),
        made_with=dict(made.made_with),
        is_usual=dict(made.parameters) == _usual(settings, made),
    )
    return site.publish(site_dir(settings), draft, made.files, brand=site_brand(params))


def standing(settings: Settings, version: Version) -> str:
    """What to add where another version stands for the period."""
    stands = standing_of(site.versions(site_dir(settings), version.name, version.period))
    if stands.version == version.version:
        return ""
    return f", beside version {stands.version}, which stands: it has the usual parameters and more formats or the same"


def site_brand(params: Params) -> dict[str, str]:
    """The brand of the site: that of the report `traffic`, or of the first by name, whoever publishes."""
    report = params.reports.get("traffic") or next((params.reports[name] for name in sorted(params.reports)), None)
    brand = (report or ReportParams()).brand
    return {"name": brand.name, "accent": brand.accent, "language": brand.language}


def _usual(settings: Settings, made: ReportFiles) -> dict[str, Any]:
    """The parameters of a run for which nothing was asked but its period."""
    usual = parameters_of(settings, made.name, made.month, {})
    del usual["notebook"]
    return usual


def site_dir(settings: Settings) -> Path:
    """The folder of the published site."""
    return settings.output_dir / "site"


def rerun_command(name: str, parameters: Mapping[str, Any], defaults: ReportParams, *, demo: bool = False) -> str:
    """What to type to make the report again: its period, and what differs from the params file.

    Args:
        demo: it is the demo's, which has data and params of its own.

    >>> rerun_command("traffic", {"month": "2026-10", "platforms": ["x", "y"], "timezone": "UTC"}, ReportParams())
    'analytics report traffic --month 2026-10 --platforms x,y'
    """
    words = [
        "analytics",
        *(["--demo"] if demo else []),
        "report",
        "traffic",
        *([] if name == "traffic" else ["--name", name]),
    ]
    usual = defaults.model_dump(mode="json") | {"language": defaults.brand.language}
    for option, value in parameters.items():
        if (
            option in ("title", "notebook", "brand", "sections")
            or value in (None, "", [])
            or usual.get(option) == value
        ):
            continue
        shown = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        words += [f"--{option.replace('_', '-')}", shown]
    return shlex.join(words)


def record(settings: Settings, made: ReportFiles, *, by: str = "schedule", at: datetime | None = None) -> UUID:
    """Note a finished report with its period, files, size and time; return its id."""
    from analytics.store import open_store
    from analytics.store.journal import record_report

    now = at or datetime.now(UTC)
    start, end = made.month.bounds(str(made.parameters.get("timezone") or "UTC"))
    main = "html" if "html" in made.files else next(iter(made.files))
    row = {
        "report_type": made.name,
        "period_start": start,
        "period_end": end,
        "platforms": [str(name) for name in made.parameters.get("platforms") or ()],
        "status": "completed",
        "file_path": str(made.shown(main)),
        "file_size_bytes": sum(path.stat().st_size for path in made.files.values()),
        "generation_time_ms": round(1000 * sum(made.seconds.values())),
        "sections": {kind: str(made.shown(kind)) for kind in made.files},
        "metadata": {"seconds": dict(made.seconds), "parameters": dict(made.parameters)},
        "created_by": by,
        "completed_at": now,
    }
    with open_store(settings) as store, store.begin() as connection:
        return record_report(connection, row)
