"""Where the files of a run lie: a folder a run, which is complete before its place shows it.

    output/reports/traffic/2026-10                          the newest run as the params say: a link to its folder
    output/reports/traffic/2026-10-accounts-0f3c9a1e        a run with other accounts
    output/reports/traffic/2026-10-html                     a run for fewer formats than the one that stands holds
    output/reports/traffic/.runs/2026-10.1 …                the runs' own folders, the newest of each place

A place changes in one step, by the renaming of its link, so it never shows files of two runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics.errors import InputError

RUNS = ".runs"
KEPT_RUNS = 5  # of each place; the site keeps every published version


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock of this name against every thread and process; the kernel gives it back if ours is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def place_name(period: str, parameters: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    """Name of the place of a run: its period, then which parameters differ from the usual ones, and their digest.

    >>> place_name("2026-10", {"zone": "UTC"}, {"zone": "UTC"})
    '2026-10'
    >>> place_name("2026-10", {"zone": "Asia/Tokyo", "window_days": 7}, {"zone": "UTC", "window_days": 28})
    '2026-10-window-days-zone-c81465a7'
    """
    names = sorted(n for n in {**parameters, **usual} if parameters.get(n) != usual.get(n))
    if not names:
        return period
    chosen = json.dumps([[n, parameters.get(n)] for n in names], sort_keys=True)
    words = "-".join(names).replace("_", "-")[:60].rstrip("-")
    return f"{period}-{words}-{hashlib.sha256(chosen.encode()).hexdigest()[:8]}"


def place_for(home: Path, name: str, stem: str, suffixes: Mapping[str, str], formats: Sequence[str]) -> Path:
    """The place `name`, or one named by the formats too where the run that stands there holds more."""
    standing = {kind for kind, suffix in suffixes.items() if (home / name / f"{stem}{suffix}").is_file()}
    return home / (f"{name}-{'-'.join(sorted(formats))}" if standing - set(formats) else name)


@dataclass
class Run:
    """A run under way: where it writes, and afterwards where its files are."""

    folder: Path


@contextmanager
def new_run(place: Path) -> Iterator[Run]:
    """A folder to write to; at the end it is the newest run of `place`. Hold the place's lock meanwhile.

    After an error nothing of it is left, and the place shows what it showed before.
    """
    runs = place.parent / RUNS
    runs.mkdir(parents=True, exist_ok=True)
    for left in runs.glob(f".new-{place.name}.*"):  # of a run that was killed: its lock is ours now
        shutil.rmtree(left, ignore_errors=True)
    run = Run(Path(tempfile.mkdtemp(prefix=f".new-{place.name}.", dir=runs)))
    try:
        yield run
        run.folder.chmod(0o755)
        before = _runs_of(place)
        number = _number(before[-1]) + 1 if before else 1
        run.folder = run.folder.rename(runs / f"{place.name}.{number}")
    except BaseException:
        shutil.rmtree(run.folder, ignore_errors=True)
        raise
    _show(place, run.folder)
    for old in _runs_of(place)[:-KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def new_folder(target: Path) -> Iterator[Run]:
    """A folder to write to that becomes `target`, which must be new or empty.

    Raises:
        InputError: there is something already: files of two runs do not lie together.
    """
    target = target.absolute()
    _refuse_used(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    run = Run(Path(tempfile.mkdtemp(prefix=f".new-{target.name}.", dir=target.parent)))
    try:
        yield run
        run.folder.chmod(0o755)
        _refuse_used(target)
        run.folder = run.folder.rename(target)  # over a folder only while that is empty
    except BaseException:
        shutil.rmtree(run.folder, ignore_errors=True)
        raise


def _refuse_used(target: Path) -> None:
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise InputError(f"output {str(target)!r}: exists and is not an empty folder; a run needs one of its own")


def _runs_of(place: Path) -> list[Path]:
    """A place's runs, the oldest first."""
    found = [path for path in (place.parent / RUNS).glob(f"{place.name}.*") if path.suffix[1:].isdecimal()]
    return sorted((path for path in found if path.stem == place.name), key=_number)


def _number(run: Path) -> int:
    return int(run.suffix[1:])


def _show(place: Path, folder: Path) -> None:
    """Make the place a link to a run's folder, in one step."""
    if place.is_dir() and not place.is_symlink():  # as releases before this one left it
        place.rename(folder.with_name(f"{place.name}.0"))
    link = folder.with_name(f".link-{place.name}")
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(folder, place.parent))
    link.replace(place)
