"""Make a report: check what is asked, execute its notebook, render it, and put all of it in place at once."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from analytics.errors import InputError, nearest
from analytics.model import Month, Period, period_of, zone_of
from analytics.params.baselines import too_short
from analytics.params.files import explained, load_params
from analytics.params.reports import Brand, ReportParams
from analytics.settings import Settings, environment_of, project_root

LANGUAGES = get_args(Brand.model_fields["language"].annotation)
FORMATS = ("html", "pdf", "csv", "xlsx", "json", "parquet")
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class ReportFiles:
    """What was made: files by format, seconds by step, and what with: parameters, and names of program and params.

    `files` lie in the run's own folder, where no later run changes them; `place` is where a reader looks for them.
    """

    name: str
    month: Period
    files: Mapping[str, Path]
    seconds: Mapping[str, float]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    made_with: Mapping[str, str] = field(default_factory=dict)
    place: Path | None = None

    def shown(self, kind: str) -> Path:
        """Where a reader finds a file."""
        path = self.files[kind]
        return self.place / path.name if self.place else path


def _silent(step: str, done: float) -> None:
    """No progress wanted."""


def make_report(
    settings: Settings,
    name: str,
    *,
    month: Period,
    overrides: Mapping[str, Any] | None = None,
    formats: Sequence[str] = FORMATS,
    reuse: bool = False,
    output: Path | None = None,
    progress: Progress = _silent,
) -> ReportFiles:
    """Execute the report `name` for `month` and render it into a folder of its own below `settings.output_dir`.

    Runs for one place wait for each other, in whatever process they are.

    Args:
        overrides: values that differ from `params/reports/<name>.yaml`.
        reuse: give back what stands if data, parameters and program are those it was made from.
        output: the folder to put the files in, which is new or empty; None: see `reports.publishing.places`.
        progress: called with a step's name and its share done, 0 to 1.

    Raises:
        InputError: an unknown report, format or parameter, with the nearest name; an `output` that holds something.
        NoDataError: the month holds no reading of what was asked for.
        ReportError: a cell failed; its notebook is kept with a banner, nothing is published.
    """
    from analytics.reports.notebook import run
    from analytics.reports.publishing import places

    if not formats:
        raise InputError(f"formats: none is named; expected some of {', '.join(FORMATS)}")
    _known("format", formats, FORMATS)
    parameters = parameters_of(settings, name, month, overrides or {})
    home, stem = settings.output_dir / "reports" / name, f"{name}-{month}"
    usual = parameters_of(settings, name, month, {})
    place = places.place_name(str(month), parameters, usual)
    notebook = _notebook(parameters.pop("notebook"))
    made_with = made_with_now(settings, notebook.stem)
    stamp = _stamp(made_with, parameters, _snapshot_with_data(settings, parameters))
    published = (*formats, "provenance", "sources")
    names = {"ipynb": f"{stem}.ipynb"} | {kind: f"{stem}{run.SUFFIXES[kind]}" for kind in published}

    def finished(folder: Path, seconds: Mapping[str, float], shown: Path) -> ReportFiles:
        files = {kind: folder.resolve() / file for kind, file in names.items()}
        return ReportFiles(name, month, files, seconds, parameters, made_with, shown)

    def write(folder: Path, failed: Path) -> dict[str, float]:
        started = time.perf_counter()
        executed = run.execute(
            notebook,
            folder / names["ipynb"],
            parameters,
            environment=environment_of(settings),
            progress=lambda done: progress("execute notebook", done),
            failed_path=failed,
        )
        rendering = time.perf_counter()
        progress("render", 0.0)
        run.render(executed, formats=published, out_dir=folder, stem=stem)
        progress("render", 1.0)
        (folder / f"{stem}.stamp").write_text(stamp)
        return {"execute notebook": rendering - started, "render": time.perf_counter() - rendering}

    if output is not None:
        with places.new_folder(output) as made:
            seconds = write(made.folder, made.folder.parent / f"{output.name}.failed.ipynb")
        return finished(made.folder, seconds, made.folder)
    with places.locked(home / places.RUNS / f"{place}.lock"):
        shown = places.place_for(home, place, stem, {k: run.SUFFIXES[k] for k in FORMATS}, formats)
        seal = shown / f"{stem}.stamp"
        for standing in {seal, home / place / f"{stem}.stamp"} if reuse else ():
            if _is_sealed(standing, stamp) and all((standing.parent / file).exists() for file in names.values()):
                return finished(standing.parent, {}, standing.parent)
        with places.new_run(shown) as made:
            seconds = write(made.folder, home / f"{shown.name}.failed.ipynb")
        return finished(made.folder, seconds, shown)


def _is_sealed(seal: Path, stamp: str) -> bool:
    return seal.exists() and seal.read_text() == stamp


def parameters_of(settings: Settings, name: str, month: Period, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The notebook's parameters: the report's params file, then what differs for this run."""
    params = load_params(settings.params_dir)
    reports = params.reports
    _known("report", [name], list(reports))
    defaults = reports[name].model_dump(include=set(NOTEBOOK_FIELDS))
    own = ("compare", "language")
    _known("parameter", overrides, [field for field in NOTEBOOK_FIELDS if field != "notebook"] + list(own))
    given = {key: value for key, value in overrides.items() if value is not None and key not in own}
    try:
        chosen = ReportParams.model_validate({**defaults, **given})
    except ValidationError as exc:
        raise InputError(f"report {name}: {'; '.join(explained(exc, ReportParams))}") from exc
    if why := too_short(chosen.window_days, params.baselines.min_history_days):
        raise InputError(f"report {name}: {why}")
    checked = chosen.model_dump(include=set(NOTEBOOK_FIELDS), mode="json")
    if checked["sections"]:
        from analytics.reports.sections.choice import SECTIONS

        _known("section", checked["sections"], list(SECTIONS))
    else:
        del checked["sections"]  # only the notebook `custom` takes them
    checked["month"] = str(month)
    checked["brand"] = name
    checked["language"] = str(overrides.get("language") or reports[name].brand.language)
    if checked["language"] not in LANGUAGES:
        raise InputError(f"language {checked['language']!r}: expected one of {', '.join(LANGUAGES)}")
    if overrides.get("compare"):
        checked["compare"] = str(period_of(str(overrides["compare"])))
    return checked


NOTEBOOK_FIELDS = (
    "notebook",
    "title",
    "platforms",
    "metrics",
    "accounts",
    "timezone",
    "algorithm",
    "window_days",
    "sources",
    "sections",
)


def _snapshot_with_data(settings: Settings, parameters: Mapping[str, Any]) -> str:
    """Names data, remarks and closed periods; refuses a month without data before a kernel is started for it."""
    from analytics.periods.choice import choose_series, require_month, require_other
    from analytics.store import closes, open_store, remarks

    with open_store(settings) as store:
        chosen = {what: parameters[what] for what in ("platforms", "metrics", "accounts")}
        series = choose_series(store, **chosen)
        month, compared = period_of(parameters["month"]), parameters.get("compare")
        require_other(month, period_of(compared) if compared else None)
        require_month(store, series, month, parameters["timezone"])
        with store.begin() as connection:
            said = [f"{r.said_at.isoformat()} {r.said_by} {r.kind} {r.note}" for r in remarks.select(connection)]
        said += [f"{period} {zone} {at.isoformat()} {count}" for period, zone, at, count in closes.periods(store)]
        return f"{store.snapshot_id()} {hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]}"


def _notebook(name: str) -> Path:
    return project_root() / "notebooks" / "reports" / f"{name}.ipynb"


def made_with_now(settings: Settings, notebook: str) -> dict[str, str]:
    """Names of the program, with its notebook and libraries, and of the params: other ones, other names."""
    from analytics.compute.cache import program

    started = {"program": program().encode() + _notebook(notebook).read_bytes(), "params": b""}
    folders = {"program": Path(__file__).resolve().parents[2], "params": settings.params_dir}
    named = {}
    for what, folder in folders.items():
        digest = hashlib.sha256(started[what])
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            digest.update(f"{path.relative_to(folder)} ".encode() + path.read_bytes())
        named[what] = digest.hexdigest()[:16]
    return named


def _stamp(made_with: Mapping[str, str], parameters: Mapping[str, Any], snapshot: str) -> str:
    """All that a report is made from, by name: program, params with logo, and parameters with the data."""
    asked = hashlib.sha256(json.dumps([parameters, snapshot], sort_keys=True).encode()).hexdigest()
    return json.dumps({**made_with, "asked": asked}) + "\n"


def _known(what: str, names: Sequence[str] | Mapping[str, Any], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise InputError(f"{what} {name!r}: unknown; {nearest(str(name), known)}")


def options_from(path: Path | None) -> dict[str, Any]:
    """A rerun's parameters from a YAML file; names are checked where they are used."""
    if path is None:
        return {}
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise InputError(f"{path}: cannot be read ({' '.join(str(exc).split())})") from exc
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected keys and values, found {type(content).__name__}")
    return {str(key): value for key, value in content.items()}


def month_asked(text: object, zone: str = "UTC", *, now: datetime | None = None) -> Period:
    """The month or days named, or the last month that has ended where the report is read.

    >>> str(month_asked(None, "Asia/Tokyo", now=datetime.fromisoformat("2026-10-31T21:00Z")))  # 1 November, 06:00
    '2026-10'
    """
    if text is not None:
        return period_of(str(text))
    today = (now or datetime.now(UTC)).astimezone(zone_of(zone))
    return Month(today.year, today.month).previous()


def zone_for(settings: Settings, name: str, asked: object = None) -> str:
    """The zone a report's months are counted in: the one asked for, or that of its params."""
    if asked:
        return str(asked)
    return load_params(settings.params_dir).reports.get(name, ReportParams()).timezone
