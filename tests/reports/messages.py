"""Every English message a report may say, read from the code, the notebooks and the templates."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import nbformat

from analytics.adapters import exports, registry
from analytics.model import MetricDefinition
from analytics.reports.exporters.words import ENGLISH
from analytics.wording.sentences import PER_DAY

ROOT = Path(__file__).parents[2]
ROOMS = ("periods", "reports", "wording")
Message = tuple[str, str, str]  # context ('' for none), text, plural ('' for none)


def all_messages() -> set[Message]:
    found = {
        message
        for room in ROOMS
        for path in (ROOT / "src/analytics" / room).rglob("*.py")
        for message in _of_code(path)
    }
    found |= {("", text, "") for path in (ROOT / "notebooks/reports").glob("*.ipynb") for text in _of_notebook(path)}
    return found | {("", text, "") for text in ENGLISH.values()} | set(terms())


def _of_code(path: Path) -> Iterator[Message]:
    """Literals given to `say`, `mark`, `counted` and `plural_of`, and the labels of columns."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        texts = [argument.value for argument in node.args if _is_text(argument)]
        match node.func.id:
            case "say" | "mark" if texts:
                yield "", texts[0], ""
            case "counted" | "plural_of" if len(texts) == 2:
                yield "", texts[0], texts[1]
            case "Column" if len(texts) > 1:
                yield "", texts[1], ""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _of_notebook(path: Path) -> Iterator[str]:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            for part in cell.source.split("\n\n"):
                yield part.lstrip("# ")


def definitions() -> list[MetricDefinition]:
    return [*registry.definitions(), *exports.definitions()]


def terms() -> Iterator[Message]:
    for definition in definitions():
        yield "metric", definition.display_name.removesuffix(PER_DAY), ""
        if definition.unit:
            yield "unit", definition.unit, ""
        if definition.description:
            yield "meaning", definition.description, ""
