"""The worked example runs from top to bottom, without outputs in git."""

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks/explore/baselines.ipynb"


def cells():
    return [c for c in json.loads(NOTEBOOK.read_text())["cells"] if c["cell_type"] == "code"]


def test_the_example_is_committed_without_outputs():
    assert all(not c["outputs"] and c["execution_count"] is None for c in cells())


@pytest.mark.filterwarnings("ignore::DeprecationWarning:altair")
def test_the_example_runs():
    """Executed in this process; fewer backtest origins than a reader would take."""
    namespace: dict = {}
    for cell in cells():
        source = "".join(cell["source"]).replace("origins = 6", "origins = 2")
        exec(source, namespace)  # noqa: S102

    assert namespace["found"].best == "profile"
    assert 0.92 < namespace["inside"][namespace["judged"]].mean() < 0.97
