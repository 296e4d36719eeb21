"""The worked example runs from top to bottom, without outputs in git."""

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks/explore/anomalies.ipynb"


def cells():
    return [c for c in json.loads(NOTEBOOK.read_text())["cells"] if c["cell_type"] == "code"]


def test_the_example_is_committed_without_outputs():
    assert all(not c["outputs"] and c["execution_count"] is None for c in cells())


@pytest.mark.filterwarnings("ignore::DeprecationWarning:altair")
def test_the_example_runs():
    """Executed in this process: the cells are plain Python and a kernel would take seconds to start."""
    namespace: dict = {}
    for cell in cells():
        exec("".join(cell["source"]), namespace)  # noqa: S102

    assert {e.rule for e in namespace["events"]} == {"statistical", "trend", "pattern"}
    assert len(namespace["incidents"]) >= 3
