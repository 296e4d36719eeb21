"""The explore notebooks run from top to bottom on a store with a little data, as an analyst would run them."""

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from analytics.store import Collection, open_store

pytestmark = pytest.mark.slow
EXPLORE = sorted((Path(__file__).parents[1] / "notebooks" / "explore").glob("*.ipynb"))


@pytest.fixture
def filled(settings, monkeypatch):
    """Five weeks of hourly mentions, found by the kernel through the environment."""
    settings.params_dir.mkdir(parents=True)
    for name in ("home", "params_dir", "output_dir"):
        monkeypatch.setenv(f"ANALYTICS_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", settings.database_url.get_secret_value())
    times = pd.date_range("2026-09-20", "2026-10-28", freq="1h", tz="UTC")
    values = np.random.default_rng(8).poisson(60 + 30 * np.sin(2 * np.pi * times.hour / 24)).astype(float)
    frame = pd.DataFrame({"platform": "twitter", "metric_type": "mentions", "author_id": "acme", "time": times})
    with open_store(settings) as store:
        store.write(frame.assign(value=values), Collection("twitter", "import", account="acme"))


@pytest.mark.parametrize("path", EXPLORE, ids=lambda p: p.stem)
def test_an_explore_notebook_runs_from_top_to_bottom(filled, path):
    """A worked example that fails teaches the wrong thing."""
    notebook = nbformat.read(path, as_version=4)

    NotebookClient(
        notebook, timeout=180, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.execution_count for cell in code)
