"""Executing and rendering: real kernels, and nothing half-done is left behind."""

import json
import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from analytics.errors import InputError, ReportError
from analytics.reports.document import display
from analytics.reports.notebook import run
from analytics.reports.notebook.parameters import declared
from tests.reports.sample import figure, notebook_of, report

PARAMETERS = """# What to report on
month = "2026-10"  # calendar month = YYYY-MM
platforms = []  # names; empty: all
threshold = 3.5  # |robust z|
days: int | None = None  # history in days
metrics: list[str] = ["views"]
strict = False
"""


def notebook(tmp_path: Path, *sources: str, parameters: str = PARAMETERS) -> Path:
    cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]}), *(new_code_cell(s) for s in sources)]
    path = tmp_path / "in put" / "note{book}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


def texts(executed: nbformat.NotebookNode) -> list[str]:
    return [output["text"] for cell in executed.cells for output in cell.get("outputs", []) if "text" in output]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mnth": "2026-10"}, "parameter 'mnth': not declared by the notebook; did you mean 'month'?"),
        ({"month": 202610}, "parameter 'month': 202610 is int, expected str"),
        ({"strict": 1}, "parameter 'strict': 1 is int, expected bool"),
        ({"days": True}, "parameter 'days': True is bool, expected int or None"),
        ({"metrics": ["views", 3]}, "parameter 'metrics': element 3 is int, expected str"),
        ({"platforms": ["../../etc/passwd"]}, "looks like a path"),
        ({"month": "/etc/passwd"}, "looks like a path"),
        ({"month": "2026\x0010"}, "control character"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused_before_a_kernel_starts(tmp_path, given, message):
    """Papermill only warns, and the typo silently uses the default."""
    path = notebook(tmp_path, "1/0")

    with pytest.raises(InputError) as caught:
        run.execute(path, tmp_path / "out.ipynb", given)

    assert message in str(caught.value)
    assert not (tmp_path / "out.ipynb").exists()


def test_every_declared_parameter_is_seen():
    """Also those whose comment holds `=` and those with a union type, which papermill's inspection drops."""
    nb = new_notebook(cells=[new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})])

    found = declared(nb)

    assert list(found) == ["month", "platforms", "threshold", "days", "metrics", "strict"]
    assert found["days"].types == ("int", "None")
    assert found["metrics"].elements == ("str",)


@pytest.mark.parametrize("line", ["month = today()", "a, b = 1, 2", "import os", "month = "])
def test_a_parameters_cell_that_computes_is_refused(line):
    """Its values could not be checked."""
    nb = new_notebook(cells=[new_code_cell(line, metadata={"tags": ["parameters"]})])

    with pytest.raises(InputError, match="parameters cell"):
        declared(nb)


def test_a_run_uses_this_python_its_parameters_and_a_private_connection(tmp_path):
    """Whatever kernel spec, IPython profile or name a user has stored; a name with braces is only a name."""
    own = "import sys, os; print(sys.executable); print(month, platforms, threshold, days)"
    line = "from ipykernel.connect import get_connection_info as g; import json; print(json.loads(g())['transport'])"
    source = notebook(tmp_path, own, line)
    stored = nbformat.read(source, 4)
    stored.metadata["kernelspec"] = {"name": "somebody-elses", "display_name": "?"}
    nbformat.write(stored, source)
    seen: list[float] = []

    made = run.execute(
        source, tmp_path / "out" / "o{ut}.ipynb", {"platforms": ("a", "b"), "days": 7}, progress=seen.append
    )

    assert "".join(texts(made.notebook)).split("\n")[:2] == [sys.executable, "2026-10 ['a', 'b'] 3.5 7"]
    assert os.name != "posix" or texts(made.notebook)[-1] == "ipc\n"
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    again = run.execute(source, tmp_path / "again.ipynb", {"platforms": ["a", "b"], "days": 7})
    assert again.path.read_bytes() == made.path.read_bytes()


def test_a_failed_cell_is_named_and_its_notebook_kept_beside(tmp_path):
    """What was published before stays; the analyst finds the banner above the cell that failed."""
    path = notebook(tmp_path, "print('fine')", "{}['lost']", "print('never')")
    published = tmp_path / "out.ipynb"
    published.write_text("published before")

    with pytest.raises(ReportError, match=r"cell 3 failed with KeyError: 'lost'"):
        run.execute(path, published, {"month": "2026-09"})

    assert published.read_text() == "published before"
    kept = nbformat.read(tmp_path / "out.failed.ipynb", 4)
    banner = next(n for n, cell in enumerate(kept.cells) if "stopped here" in cell.source)
    assert kept.cells[banner + 1].source == "{}['lost']"
    assert texts(kept) == ["fine\n"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in put", "out.failed.ipynb", "out.ipynb"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import time; time.sleep(60)", "cell 2 took longer than 3 s"),
        ("import os; os._exit(3)", "ended its Python process"),
    ],
)
def test_a_stuck_or_killed_kernel_is_an_error_too(tmp_path, source, message):
    """It must not hang, nor pass for finished."""
    path = notebook(tmp_path, source)

    with pytest.raises(ReportError, match=message):
        run.execute(path, tmp_path / "out.ipynb", {}, timeout_s=3)


def test_a_file_that_is_no_notebook_is_refused(tmp_path):
    """With its name."""
    path = tmp_path / "broken.ipynb"
    path.write_text("{")

    with pytest.raises(InputError, match=r"broken\.ipynb"):
        run.execute(path, tmp_path / "out.ipynb", {})


def test_rendering_puts_all_formats_in_place(tmp_path):
    """HTML, PDF and the list of sources."""
    made = run.render(
        report(), formats=("html", "pdf", "provenance"), out_dir=tmp_path / "site", stem="traffic-2026-10"
    )

    assert made["html"].read_text("utf-8").startswith("<!DOCTYPE html>")
    assert made["pdf"].read_bytes().startswith(b"%PDF-")
    assert json.loads(made["provenance"].read_text())[0]["provenance"]["query"] == "select 1"
    assert sorted(p.name for p in (tmp_path / "site").iterdir()) == sorted(p.name for p in made.values())


def test_rendering_publishes_nothing_where_one_format_fails(tmp_path):
    """A reader would take the old PDF for the new one."""
    broken = notebook_of("# R", figure())
    broken.cells[1].outputs[0].data[display.VEGALITE] = {"mark": "no such mark", "data": {"values": []}}
    (tmp_path / "r.html").write_text("before")

    with pytest.raises(ReportError, match="cannot be drawn"):
        run.render(broken, formats=("provenance", "html"), out_dir=tmp_path, stem="r")

    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    assert (tmp_path / "r.html").read_text() == "before"


@pytest.mark.parametrize("stem", ["../up", "a/b", "", ".hidden", "a..b", "x" * 200])
def test_a_stem_that_is_no_plain_name_is_refused(tmp_path, stem):
    """It may come from a parameter."""
    with pytest.raises(InputError, match="file name"):
        run.render(report(), out_dir=tmp_path, stem=stem)


def test_an_unknown_format_is_refused(tmp_path):
    """With those there are."""
    with pytest.raises(InputError, match="expected one of html, pdf, provenance"):
        run.render(report(), formats=("docx",), out_dir=tmp_path, stem="r")
