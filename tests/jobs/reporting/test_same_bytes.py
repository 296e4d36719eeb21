"""The same inputs give the same bytes: in another process, with another hash seed, time zone, locale and home."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.jobs.reporting.report import FORMATS
from analytics.model import SeriesKey
from analytics.settings import Settings, environment_of
from analytics.store import Collection, open_store
from analytics.store.remarks import Annotation, add

MAKE = """
import json, sys
from analytics.jobs.reporting.report import make_report
from analytics.model import Month
from analytics.settings import load_settings

made = make_report(load_settings(), "traffic", month=Month(2026, 10))
print(json.dumps({kind: str(path) for kind, path in made.files.items()}))
"""


@pytest.fixture
def filled(settings) -> Settings:
    """Four platforms: an incident on three at once, gaps, a rounded counter, contents and remarks."""
    (settings.params_dir / "reports").mkdir(parents=True)
    (settings.params_dir / "reports" / "traffic.yaml").write_text("title: Same again\nalgorithm: ewma\n")
    times = pd.date_range("2026-08-25", "2026-11-01", freq="1h", inclusive="left", tz="UTC")
    usual = 60 + 30 * np.sin(2 * np.pi * times.hour / 24)
    burst = (times >= "2026-10-20T12:00Z") & (times < "2026-10-20T16:00Z")
    random = np.random.default_rng(11)
    kinds = {"twitter": "mentions", "reddit": "score", "github": "stars", "youtube": "views"}
    with open_store(settings) as store:
        for platform, metric in kinds.items():
            values = random.poisson(usual).astype(float) * np.where(burst & (platform != "github"), 5, 1)
            values = np.cumsum(values) if platform in ("github", "youtube") else values
            values = np.floor(values / 50_000) * 50_000 if platform == "github" else values  # as platforms round
            frame = pd.DataFrame({"time": times, "value": values, "platform": platform, "metric_type": metric})
            frame = frame[random.random(len(frame)) > (0.2 if platform == "reddit" else 0)]  # and as polls fail
            store.write(frame.assign(author_id="acme"), Collection(platform, "import", account="acme"))
        days = pd.date_range("2026-10-01", "2026-10-31", freq="1D", tz="UTC")
        for n in range(7):
            frame = pd.DataFrame({"time": days, "value": 100.0 + (n % 3) * 5 * np.arange(len(days))})
            frame = frame.assign(platform="youtube", metric_type="views", content_id=f"v{n}", author_id="acme")
            store.write(frame, Collection("youtube", "api", account="acme"))
        at = datetime(2026, 10, 20, 12, tzinfo=UTC)
        with store.begin() as connection:
            said = [Annotation(SeriesKey("twitter", ""), at, at, "note", f"remark {n}", "ana", at) for n in range(3)]
            add(connection, said)
    return settings


def started(settings: Settings, folder: Path, **variables: str) -> subprocess.Popen[str]:
    """A process of its own that makes the report below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    own = settings.model_copy(update={"output_dir": folder / "output"})
    environment = os.environ | environment_of(own) | {"TMPDIR": str(folder / "tmp")} | variables
    command = [sys.executable, "-c", MAKE]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def digests(process: subprocess.Popen[str]) -> dict[str, str]:
    said, wrong = process.communicate(timeout=400)
    assert process.returncode == 0, wrong[-2000:]
    files: dict[str, str] = json.loads(said.splitlines()[-1])
    return {kind: hashlib.sha256(Path(path).read_bytes()).hexdigest() for kind, path in files.items()}


@pytest.mark.slow
def test_two_processes_make_the_same_bytes(filled, tmp_path):
    """Sets and mappings come in another order, times and words are read by another locale; no byte may tell.

    Nor the names of the work they keep, or no process would find another's.
    """
    away = filled.model_copy(update={"home": tmp_path / "another home"})
    one = started(filled, tmp_path / "one", PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C.UTF-8")
    other = started(away, tmp_path / "the other", PYTHONHASHSEED="4242", TZ="America/New_York", LC_ALL="C")

    first, second = digests(one), digests(other)

    assert set(first) == {"ipynb", "provenance", "sources", *FORMATS}
    assert first == second
    kept, elsewhere = ({path.name for path in there.kept_dir.glob("*.work")} for there in (filled, away))
    assert len(kept) >= 4
    assert kept == elsewhere
