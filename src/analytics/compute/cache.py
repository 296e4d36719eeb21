"""Finished work, kept for a run that comes again: results of pure functions, named by all they were made from.

A report that failed at a late cell, or is made anew with another title, need not judge and forecast the same readings
twice. The name is a digest of the function, every argument and the program with its libraries, so nothing kept can be
out of date: other readings, parameters or code have another name. What is not asked for any more leaves by itself.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

P = ParamSpec("P")
T = TypeVar("T")
LIBRARIES = ("numpy", "pandas", "scipy", "statsmodels", "prophet", "holidays", "tzdata")
SUFFIX = ".work"
SEAL = hashlib.sha256().digest_size
MOST_BYTES = 512_000_000
OLDEST_S = 2 * 86_400.0  # what a platform wants forgotten is forgotten here too, soon


@dataclass(frozen=True)
class Kept:
    """Where finished work lies; `folder` None keeps nothing and gives nothing back."""

    folder: Path | None = None

    def once(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function` of these arguments: the result kept, or made now and kept.

        Args:
            function: at a module's top level and pure, so that its result may stand for a second call; what it raises
                is not kept.
        """
        if self.folder is None:
            return function(*args, **kwargs)
        path = self.folder / f"{name_of(function, args, kwargs)}{SUFFIX}"
        found = _read(path)
        if found is not None:
            made: T = found[0]
            return made
        made = function(*args, **kwargs)
        _write(path, made)
        return made


NOTHING = Kept()


def kept_in(folder: Path, *, now: float) -> Kept:
    """The work kept in a folder, which is made where it is missing; what is old or too much is taken out first.

    A folder that others may write to, or that cannot be made, is not used: what is read from it is trusted like code.

    Args:
        now: seconds since 1970; what was made more than two days before goes.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(folder):
            return NOTHING
        _trim(folder, now)
    except OSError:
        return NOTHING
    return Kept(folder)


def forget(folder: Path) -> None:
    """Take out everything, as when readings it was made from had to be deleted."""
    for path in folder.glob(f"*{SUFFIX}"):
        path.unlink(missing_ok=True)


def _is_private(folder: Path) -> bool:
    if os.name != "posix":
        return True
    about = folder.stat()
    return about.st_uid == os.getuid() and not about.st_mode & 0o022


def _trim(folder: Path, now: float) -> None:
    room = MOST_BYTES
    for path in sorted(folder.glob(f"*{SUFFIX}"), key=lambda p: p.stat().st_mtime, reverse=True):
        about = path.stat()
        room -= about.st_size
        if room < 0 or now - about.st_mtime > OLDEST_S:
            path.unlink(missing_ok=True)


def _read(path: Path) -> tuple[Any] | None:
    """What is kept, in a tuple; None where there is nothing, or half of something."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content[SEAL:]).digest() != content[:SEAL]:
        return None
    return (pickle.loads(content[SEAL:]),)  # noqa: S301 - from a folder only this account writes to


def _write(path: Path, made: Any) -> None:
    """In one step; a full disk costs the next run some time, and this one nothing."""
    body = pickle.dumps(made, protocol=5)
    with suppress(OSError):
        handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(body).digest() + body)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)


def name_of(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """The name of a call: program, function and every argument, by value.

    >>> name_of(len, ([1.0, 2.0],), {}) == name_of(len, ([1.0, 2.0],), {}) != name_of(len, ([1.0, 2.5],), {})
    True
    """
    digest = hashlib.sha256(program().encode())
    digest.update(f"{function.__module__}.{function.__qualname__}".encode())
    for part in _parts([list(args), dict(kwargs)]):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


@cache
def program() -> str:
    """A name for this program: its code, Python, and the libraries that compute."""
    digest = hashlib.sha256(sys.version.encode())
    package = Path(__file__).resolve().parents[1]
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + path.read_bytes())
    digest.update(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    """A value as bytes, piece by piece: equal values give equal pieces, whatever order a set or mapping came in."""
    yield type(value).__qualname__.encode()
    match value:
        case pd.DataFrame():
            for name in value.columns:
                column = value[name]
                naive = column.dt.tz_convert(None) if isinstance(column.dtype, pd.DatetimeTZDtype) else column
                yield str(name).encode()
                yield from _parts(naive.to_numpy())
        case np.ndarray() if value.dtype.kind != "O":
            yield f"{value.dtype.str} {value.shape}".encode()
            yield np.ascontiguousarray(value).tobytes()
        case np.ndarray() | list() | tuple():
            yield str(len(value)).encode()
            for item in value:
                yield from _parts(item)
        case set() | frozenset():
            yield from sorted(b"".join(_parts(item)) for item in value)
        case Mapping():
            yield str(len(value)).encode()
            for key in sorted(value, key=str):
                yield from _parts(key)
                yield from _parts(value[key])
        case None | bool() | int() | float() | str() | bytes() | date() | timedelta() | np.generic():
            yield repr(value).encode()
        case _ if is_dataclass(value):
            for field in fields(value):
                yield field.name.encode()
                yield from _parts(getattr(value, field.name))
        case _:
            raise TypeError(f"{type(value).__qualname__}: no name can be made of it by its value")


__all__ = ["NOTHING", "Kept", "forget", "kept_in", "name_of", "program"]
