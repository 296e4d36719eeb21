"""Execute a report notebook with papermill, and render it: all of it, or nothing is put in place."""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from analytics.errors import InputError, ReportError
from analytics.reports.exporters.common import (
    PAPERMILL_ERROR_TAGS,
    collect_provenance,
    document,
    first_error,
    language_of,
    own_number,
)
from analytics.reports.notebook import parameters as declared_parameters
from analytics.wording import formats as text_formats
from analytics.wording.language import translated

Progress = Callable[[float], None]
ENGINE = "analytics-own-python"
CELL_TIMEOUT_S = 900
STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
DATA_KINDS = ("csv", "xlsx", "json", "parquet")
SUFFIXES = {"html": ".html", "pdf": ".pdf", "provenance": ".provenance.json", "sources": ".sources.md"} | {
    k: f".{k}" for k in DATA_KINDS
}


@dataclass(frozen=True)
class ExecutedNotebook:
    """A notebook with its outputs, where it lies, what it was run with, and how long that took."""

    notebook: NotebookNode
    path: Path
    parameters: Mapping[str, Any]
    seconds: float


def _silent(done: float) -> None:
    """No progress wanted."""


def execute(
    notebook_path: Path,
    output_path: Path,
    parameters: Mapping[str, Any],
    *,
    timeout_s: int = CELL_TIMEOUT_S,
    environment: Mapping[str, str] | None = None,
    progress: Progress = _silent,
    failed_path: Path | None = None,
) -> ExecutedNotebook:
    """Run a notebook with the Python of this environment and put the executed one at `output_path`.

    Timings and paths are left out of the result, so the same inputs give the same file.

    Args:
        notebook_path: a `.ipynb` with one cell tagged `parameters`.
        output_path: written whole at the end, never in part. A failed run leaves it as it was and keeps its
            own notebook beside it, as `<stem>.failed.ipynb`, with a banner above the failing cell.
        parameters: values that differ from the cell's defaults.
        timeout_s: longest a single cell may take.
        environment: variables the notebook's process has besides ours.
        progress: called with the share of cells done, 0 to 1.
        failed_path: where the notebook of a failed run is kept instead; the next good run removes it.

    Raises:
        InputError: the notebook cannot be read, or a parameter is unknown, ill-typed or a path.
        ReportError: a cell failed, took too long, or the kernel died; names cell and error.
    """
    source = _read(notebook_path)
    given = declared_parameters.checked(declared_parameters.declared(source), parameters)
    failed_path = failed_path or output_path.with_suffix(".failed.ipynb")
    started = time.perf_counter()
    watch = _Watch(source, progress, environment or {})
    failure = _run(source, given, watch, timeout_s)
    finished = _in_its_language(_tidied(watch.notebook, given))
    if failure:
        where = "" if failure.index is None else f"cell {own_number(finished, failure.index)} "
        _put({failed_path: _dumped(_with_banner(finished, failure))})
        raise ReportError(f"{notebook_path.name}: {where}{failure.problem}; the notebook so far is {failed_path}")
    _put({output_path: _dumped(finished)})
    failed_path.unlink(missing_ok=True)
    return ExecutedNotebook(finished, output_path, given, time.perf_counter() - started)


def render(
    notebook: ExecutedNotebook | NotebookNode,
    *,
    formats: Sequence[str] = ("html", "pdf"),
    out_dir: Path,
    stem: str,
    draft: bool = False,
) -> dict[str, Path]:
    """Export an executed notebook; every file is put in place at the end, or none is.

    Args:
        formats: of `html`, `pdf`, `csv`, `xlsx`, `json`, `parquet` (the figures), and `provenance` and `sources`
            (where every figure comes from, as a JSON list and to read).
        out_dir: made where it is missing.
        stem: file name without suffix: letters, digits, dot, dash, underscore.
        draft: export a notebook with a failed cell too, stamped as a draft.

    Raises:
        InputError: an unknown format, or a stem that is no plain name.
        ReportError: a cell of the notebook failed and `draft` was not asked for, or a chart cannot be drawn.
    """
    if not STEM.fullmatch(stem) or ".." in stem:
        raise InputError(f"file name {stem!r}: expected letters, digits, dot, dash and underscore")
    unknown = [name for name in formats if name not in SUFFIXES]
    if unknown:
        raise InputError(f"format {unknown[0]!r}: expected one of {', '.join(SUFFIXES)}")
    node = notebook.notebook if isinstance(notebook, ExecutedNotebook) else notebook
    made = {name: out_dir / f"{stem}{SUFFIXES[name]}" for name in formats}
    _put({path: _exported(node, name, draft=draft) for name, path in made.items()})
    return made


def _exported(notebook: NotebookNode, name: str, *, draft: bool) -> bytes:
    from analytics.reports.exporters.html import ReportHTMLExporter
    from analytics.reports.exporters.pdf import ReportPDFExporter

    if name == "provenance":
        return (json.dumps(collect_provenance(notebook), ensure_ascii=False, indent=1) + "\n").encode()
    if name == "sources":
        from analytics.reports.exporters.sources import sources

        return sources(document(notebook, "pdf", draft=draft)).encode()
    if name in DATA_KINDS:
        from analytics.reports.exporters.data import exported

        return exported(notebook, name)
    if name == "html":
        return ReportHTMLExporter(draft=draft).from_notebook_node(notebook)[0].encode()  # type: ignore[no-untyped-call]
    return ReportPDFExporter(draft=draft).from_notebook_node(notebook)[0]  # type: ignore[no-untyped-call]


def _put(contents: Mapping[Path, bytes]) -> None:
    """Write files beside their places, then rename them all: a reader never meets half of one."""
    waiting: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            waiting[path] = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            waiting[path].chmod(0o644)
        for path, temporary in waiting.items():
            temporary.replace(path)
    finally:
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)


def _read(path: Path) -> NotebookNode:
    try:
        notebook: NotebookNode = nbformat.reads(path.read_text("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    except (OSError, UnicodeDecodeError, nbformat.reader.NotJSONError, nbformat.ValidationError) as exc:
        raise InputError(f"{path}: cannot be read as a notebook ({' '.join(str(exc).split())[:120]})") from exc
    return notebook


def _dumped(notebook: NotebookNode) -> bytes:
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return (text.rstrip("\n") + "\n").encode("utf-8")


@dataclass
class _Watch:
    """Follows a run: the notebook as it stands, also after a failure, and the share done."""

    notebook: NotebookNode
    progress: Progress
    environment: Mapping[str, str]

    def cell_done(self, position: int) -> None:
        self.progress((position + 1) / max(1, len(self.notebook.cells)))


@dataclass(frozen=True)
class _Failure:
    """What went wrong, and the index of the cell it happened in; None: before the first."""

    index: int | None
    problem: str


def _run(source: NotebookNode, parameters: Mapping[str, Any], watch: _Watch, timeout_s: int) -> _Failure | None:
    """Execute; None where every cell ran."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    _register_engine()
    try:
        with _quiet("papermill"):
            papermill.execute_notebook(
                source,
                None,
                dict(parameters),
                engine_name=ENGINE,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                execution_timeout=timeout_s,
                watch=watch,
            )
    except PapermillExecutionError:
        pass  # the failed cell's output says it, below
    except CellTimeoutError:
        return _Failure(_running_cell(watch.notebook), f"took longer than {timeout_s} s")
    except DeadKernelError:
        return _Failure(_running_cell(watch.notebook), "ended its Python process")
    except RuntimeError as exc:
        return _Failure(None, f"the kernel did not start ({exc})")
    watch.notebook.cells = _without_marks(watch.notebook.cells)
    failed = first_error(watch.notebook)
    return _Failure(failed[0], f"failed with {failed[1]}: {failed[2]}") if failed else None


def _without_marks(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Cells without papermill's own error marks, which are raw HTML."""
    return [cell for cell in cells if not PAPERMILL_ERROR_TAGS & set(cell.metadata.get("tags", []))]


def _register_engine() -> None:
    from papermill.engines import NBClientEngine, papermill_engines

    from analytics.reports.notebook.kernel import own_python

    class Engine(NBClientEngine):  # type: ignore[misc]
        """Papermill's engine, with this environment's Python and progress by cell."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, watch: _Watch, **options: Any) -> Any:
            watch.notebook = nb_man.nb
            complete = nb_man.cell_complete

            def cell_complete(cell: NotebookNode, cell_index: int = 0, **more: Any) -> None:
                complete(cell, cell_index=cell_index, **more)
                watch.cell_done(cell_index)

            nb_man.cell_complete = cell_complete
            kernel = own_python(watch.environment)
            return super().execute_managed_notebook(nb_man, kernel_name, kernel_manager_class=kernel, **options)

    papermill_engines.register(ENGINE, Engine)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Only this module's own message about a failed cell reaches the reader."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _running_cell(notebook: NotebookNode) -> int:
    """Index of the last cell that began."""
    timings = [cell.metadata.get("papermill", {}) for cell in notebook.cells]
    return max((index for index, timing in enumerate(timings) if timing.get("start_time")), default=0)


def _tidied(notebook: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """The notebook without timings, paths and random ids."""
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    notebook.metadata["papermill"] = {"parameters": dict(parameters)}
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def _in_its_language(notebook: NotebookNode) -> NotebookNode:
    """The notebook with its headings and sentences in the language of what its cells show."""
    lang = language_of(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = translated(cell.source, lang)
    return notebook


def _with_banner(notebook: NotebookNode, failure: _Failure) -> NotebookNode:
    """The notebook with a banner above the cell that stopped it."""
    problem = text_formats.literal(failure.problem if failure.index is None else f"the next cell {failure.problem}")
    words = f"> **The report stopped here:** {problem}. Nothing below was run."
    banner = new_markdown_cell(words, id="failure-banner", metadata={"tags": sorted(PAPERMILL_ERROR_TAGS)})  # type: ignore[no-untyped-call]
    notebook.cells.insert(failure.index or 0, banner)
    return notebook


__all__ = ["SUFFIXES", "ExecutedNotebook", "execute", "render"]
