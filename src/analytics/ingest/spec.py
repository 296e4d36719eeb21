"""What an import file holds, and the pieces its readers give: shared by the readers of each kind of file."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.errors import DataFileError
from analytics.ingest.columns import TimeReading

CHUNK_ROWS = 100_000
GZIP = b"\x1f\x8b"
OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ImportSpec:
    """What an import file holds and how its columns are called and written."""

    platform: str
    metric: str
    account: str = ""
    content_id: str = ""
    content_type: str = ""
    time_column: str = "timestamp"
    value_column: str = "value"
    times: TimeReading = field(default_factory=TimeReading)
    delimiter: str = ""  # '' where the header tells it
    decimal: str = ""  # '' where the values tell it
    account_column: str = ""  # each row's account; '': all are `account`'s
    quarantine_bad_rows: bool = False
    chunk_rows: int = CHUNK_ROWS


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file: the two columns as Arrow arrays, each row's line, and rows already known bad."""

    times: Any
    values: Any
    lines: npt.NDArray[np.int64]
    broken: Sequence[tuple[int, str, str]] = ()  # line, fault, the line's text
    accounts: Sequence[str] = ()  # one a row where the file names them


def column_at(path: Path, wanted: str, header: Sequence[str], delimiter: str | None = None) -> int:
    """Place of a column in the header; refuse one named twice or not there, naming what is there."""
    for name in header:
        if list(header).count(name) > 1:
            places = [str(i + 1) for i, other in enumerate(header) if other == name]
            raise DataFileError(f"{path}: line 1: the header names {name!r} twice (columns {' and '.join(places)})")
    if wanted in header:
        return list(header).index(wanted)
    raise DataFileError(f"{path}: line 1: no column {wanted!r}; {_found(wanted, header, delimiter)}")


def _found(wanted: str, header: Sequence[str], delimiter: str | None) -> str:
    other = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}
    for mark, name in other.items():
        if delimiter and mark != delimiter and len(header) == 1 and mark in header[0]:
            return f"the header {header[0][:80]!r} is separated by {name}: say delimiter {mark!r}"
    close = difflib.get_close_matches(wanted, header, n=1, cutoff=0.5)
    nearest = f"; did you mean {close[0]!r}?" if close else ""
    return f"found {', '.join(repr(name[:40]) for name in header[:20])}{nearest}"
