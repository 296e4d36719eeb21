"""A report notebook's declared parameters, and whether given ones fit them.

The cell tagged `parameters` is read as Python literals with `ast`: papermill's own inspection drops a
parameter whose comment holds `=` or whose type is a union, and lets an unknown name pass with a warning.
"""

from __future__ import annotations

import ast
import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from analytics.errors import InputError

NAMES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list": (list, tuple),
    "dict": (dict,),
    "None": (type(None),),
}


@dataclass(frozen=True)
class Parameter:
    """One line of the parameters cell: its default, the types it takes by name, and those of a list's elements."""

    name: str
    default: Any
    types: tuple[str, ...]
    elements: tuple[str, ...] = ()


def declared(notebook: NotebookNode) -> dict[str, Parameter]:
    """The parameters a notebook declares, by name, in order.

    Raises:
        InputError: no cell is tagged `parameters`, or a line of it is not `name = literal`.
    """
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if not cells:
        raise InputError("the notebook has no cell tagged 'parameters'")
    try:
        body = ast.parse(cells[0].source).body
        found = [_parameter(statement) for statement in body if not _is_text(statement)]
    except (SyntaxError, ValueError) as exc:
        raise InputError(f"parameters cell: {exc}; expected lines of the form name = literal") from exc
    return {parameter.name: parameter for parameter in found}


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _parameter(statement: ast.stmt) -> Parameter:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            default = ast.literal_eval(value)
            return Parameter(name, default, (_type_name(default),), _element_types(default))
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
            default = ast.literal_eval(value)
            types, elements = _annotated(annotation)
            return Parameter(name, default, types, elements or _element_types(default))
        case _:
            raise ValueError(f"line {statement.lineno}: {ast.unparse(statement)[:60]!r} is no parameter")


def _type_name(value: Any) -> str:
    return "None" if value is None else "list" if isinstance(value, tuple) else type(value).__name__


def _element_types(default: Any) -> tuple[str, ...]:
    return tuple(sorted({_type_name(item) for item in default})) if isinstance(default, list | tuple) else ()


def _annotated(annotation: ast.expr) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Type names of an annotation such as `list[str] | None`, and those of its elements."""
    match annotation:
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            (one, inner), (other, more) = _annotated(left), _annotated(right)
            return one + other, inner + more
        case ast.Subscript(value=ast.Name(id=name), slice=inside):
            return (name,), _annotated(inside)[0] if name == "list" else ()
        case ast.Name(id=name):
            return (name,), ()
        case ast.Constant(value=None):
            return ("None",), ()
        case _:
            raise ValueError(f"annotation {ast.unparse(annotation)!r} is not understood")


def checked(known: Mapping[str, Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given parameters, tuples as lists; refuses what is not declared or does not fit.

    Raises:
        InputError: an unknown name (with the nearest one), a value of another type, or text with control
            characters or path steps (`..`), which no name of an account, platform or metric has.
    """
    for name, value in given.items():
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"it takes {', '.join(known) or 'none'}"
            raise InputError(f"parameter {name!r}: not declared by the notebook; {hint}")
        _fit(known[name], value)
        _harmless(name, value)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


def _fit(parameter: Parameter, value: Any) -> None:
    allowed = parameter.types
    if allowed == ("None",):  # a default of None says nothing about the type
        return
    if not _is_one_of(value, allowed):
        raise InputError(f"parameter {parameter.name!r}: {value!r} is {_type_name(value)}, expected {_or(allowed)}")
    for item in value if isinstance(value, list | tuple) and parameter.elements else ():
        if not _is_one_of(item, parameter.elements):
            expected = _or(parameter.elements)
            raise InputError(
                f"parameter {parameter.name!r}: element {item!r} is {_type_name(item)}, expected {expected}"
            )


def _is_one_of(value: Any, names: tuple[str, ...]) -> bool:
    if isinstance(value, bool):  # True is an int to Python, not to a reader
        return "bool" in names
    return any(isinstance(value, NAMES.get(name, (object,))) for name in names)


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(dict.fromkeys(names))


def _harmless(name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            _harmless(name, key)
            _harmless(name, item)
    elif isinstance(value, list | tuple):
        for item in value:
            _harmless(name, item)
    elif isinstance(value, str):
        if any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
            raise InputError(f"parameter {name!r}: {value!r} holds a control character")
        steps = value.replace("\\", "/").split("/")
        if ".." in steps or Path(value).is_absolute() or value.startswith("~"):
            raise InputError(f"parameter {name!r}: {value!r} looks like a path; names only")
