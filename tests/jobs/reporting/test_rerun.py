"""A report whose late cell failed is made again: what was finished is taken, and the pages are those of a clean run."""

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from analytics.compute.cache import kept_in
from analytics.errors import ReportError
from analytics.model import Month
from analytics.monitoring.judge import monitor
from analytics.monitoring.watch import Watch
from analytics.reports.notebook import run
from analytics.settings import Settings, environment_of
from analytics.store import Collection, open_store

CELLS = (
    'from analytics.reports import traffic\n\nreport = traffic.month(month, algorithm="ewma")\nreport.cover()',
    "report.summary()",
    'import pathlib\n\nassert pathlib.Path(gate).exists(), "not yet"',
    "report.breakdown()",
    "report.outlook()",
)


@pytest.fixture
def filled(settings) -> Settings:
    """Settings whose store holds three series of two months."""
    (settings.params_dir / "reports").mkdir(parents=True)
    times = pd.date_range("2026-09-01", "2026-11-01", freq="1h", inclusive="left", tz="UTC")
    random = np.random.default_rng(5)
    with open_store(settings) as store:
        for account in ("acme", "globex", "initech"):
            usual = 60 + 30 * np.sin(2 * np.pi * times.hour / 24)
            frame = pd.DataFrame({"time": times, "value": random.poisson(usual).astype(float)})
            frame = frame.assign(platform="twitter", metric_type="mentions", author_id=account)
            store.write(frame, Collection("twitter", "import", account=account))
    return settings


def notebook(folder: Path, gate: str) -> Path:
    parameters = f'month = "2026-10"  # YYYY-MM\ngate = "{gate}"  # a file that lets the third cell pass'
    cells = [new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]})]
    cells += [new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(CELLS)]
    path = folder / "late.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def made_by(settings: Settings) -> dict[str, tuple[int, int]]:
    """Each piece of kept work with what changes when it is made anew."""
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in settings.kept_dir.glob("*.work")}


def pages(executed: run.ExecutedNotebook, folder: Path) -> dict[str, bytes]:
    files = run.render(executed, formats=("html", "json", "provenance"), out_dir=folder, stem="late")
    return {kind: path.read_bytes() for kind, path in files.items()} | {"ipynb": executed.path.read_bytes()}


@pytest.mark.slow
def test_a_rerun_takes_the_finished_work_and_gives_the_bytes_of_a_clean_run(filled, tmp_path):
    """Three series, judged and forecast before the cell that fails; none of them a second time, in another process."""
    first, second = (environment_of(filled) | {"PYTHONHASHSEED": seed} for seed in ("1", "2"))
    gate = tmp_path / "gate"
    source = notebook(tmp_path, str(gate))
    out = tmp_path / "out" / "late.ipynb"
    with pytest.raises(ReportError, match=r"cell 4 failed with AssertionError: not yet"):
        run.execute(source, out, {}, environment=first)
    finished = made_by(filled)
    left = sorted(path.name for path in out.parent.iterdir())
    gate.touch()

    again = run.execute(source, out, {}, environment=second)
    after = made_by(filled)
    clean = filled.model_copy(update={"reuse": False})
    anew = run.execute(source, tmp_path / "clean" / "late.ipynb", {}, environment=environment_of(clean))

    assert "stream" not in again.path.read_text("utf-8")  # no library's warning, which names this machine
    assert len(finished) == 6  # a verdict and a forecast a series
    assert left == ["late.failed.ipynb"]
    assert after == finished
    assert pages(again, tmp_path / "one") == pages(anew, tmp_path / "other")
    assert made_by(filled) == finished


def test_a_new_reading_is_judged_anew_and_only_its_series(filled):
    """Kept work is named by the readings themselves: the other series are not touched by a correction."""
    judged(filled)
    before = made_by(filled)
    late = pd.DataFrame({"time": [pd.Timestamp("2026-10-31T12:30Z")], "value": [900.0]})
    late = late.assign(platform="twitter", metric_type="mentions", author_id="acme")
    with open_store(filled) as store:
        store.write(late, Collection("twitter", "import", account="acme"))

    judged(filled)

    assert {name: made_by(filled)[name] for name in before} == before
    assert (len(before), len(made_by(filled))) == (3, 4)


def judged(settings: Settings) -> None:
    """October's verdicts on every series, with what is kept."""
    start, end = Month(2026, 10).bounds("UTC")
    with open_store(settings) as store:
        kept = kept_in(settings.kept_dir, now=0.0)
        list(monitor(store, store.series(), start, end, Watch(), definitions={}, kept=kept))
