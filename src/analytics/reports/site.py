"""The published site: a folder that works by itself, from a disk or a web server.

    index.html  feed.xml
    <report>/latest.html  latest.pdf                   the newest period, always under the same names
    <report>/<period>/<report>-<period>.html …         the newest version of a period, always under the same names
    <report>/<period>/v1/ …  v2/ …                      every version, for good; each with its `version.json`

A version's folder is complete before it gets its name, and nothing is ever taken away by publishing, so no link breaks.
The gallery and the feed are made anew from the versions on disk; the same versions give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from analytics.errors import InputError
from analytics.reports.exporters.gallery import feed, gallery
from analytics.reports.language import say
from analytics.reports.published import MANIFEST, ORDER, Version
from analytics.reports.run import STEM


def publish(site: Path, draft: Version, files: Mapping[str, Path], *, brand: Mapping[str, str]) -> Version:
    """Add a version to the site, unless it is the one that stands; then make gallery and feed anew.

    Args:
        site: the site's folder; made where it is missing.
        draft: what is published; its version, files and sizes are set here.
        files: finished files by format.
        brand: `name`, `accent` and `language` of the gallery.
    Raises:
        InputError: a report or period whose name is no plain file name.
    """
    for part in (draft.name, draft.period):
        if not STEM.fullmatch(part) or ".." in part:
            raise InputError(f"publish {part!r}: expected letters, digits, dot, dash and underscore")
    home = site / draft.name / draft.period
    home.mkdir(parents=True, exist_ok=True)
    before = versions(site, draft.name, draft.period)
    if before and before[-1].seal == draft.seal and set(before[-1].files) == set(files):
        made = before[-1]
    else:
        made = _added(home, draft, files, before, brand["language"])
    for kind, name in made.files.items():
        _copy(home / f"v{made.version}" / name, home / name)
        newest = max(path.parent.name for path in (site / made.name).glob("*/v*/"))
        if made.period == newest and kind in ("html", "pdf"):
            _copy(home / f"v{made.version}" / name, site / made.name / f"latest.{kind}")
    refresh(site, brand)
    return made


def _added(home: Path, draft: Version, files: Mapping[str, Path], before: Sequence[Version], lang: str) -> Version:
    """The next version's folder, complete before it has its name."""
    number = before[-1].version + 1 if before else 1
    made = replace(
        draft,
        version=number,
        files={kind: files[kind].name for kind in ORDER if kind in files},
        sizes={kind: files[kind].stat().st_size for kind in ORDER if kind in files},
        changed=_changed(before[-1], draft, lang) if before else "",
    )
    waiting = Path(tempfile.mkdtemp(prefix=".v", dir=home))
    try:
        for kind in made.files:
            shutil.copyfile(files[kind], waiting / files[kind].name)
        (waiting / MANIFEST).write_text(json.dumps(asdict(made), ensure_ascii=False, indent=1) + "\n", "utf-8")
        waiting.chmod(0o755)
        waiting.rename(home / f"v{number}")
    except BaseException:
        shutil.rmtree(waiting, ignore_errors=True)
        raise
    return made


def _changed(before: Version, now: Version, lang: str) -> str:
    reasons = []
    if before.snapshot != now.snapshot:
        reasons.append(say("the data have changed since", lang=lang))
    names = [n for n in {**before.parameters, **now.parameters} if before.parameters.get(n) != now.parameters.get(n)]
    if names:
        reasons.append(say("made with other parameters ({names})", lang=lang, names=", ".join(sorted(names))))
    if before.status != now.status:
        then, today = (say(status, lang=lang) for status in (before.status, now.status))
        reasons.append(say("{then} before, {today} now", lang=lang, then=then, today=today))
    return "; ".join(reasons) or say("made with a newer program or other formats", lang=lang)


def versions(site: Path, name: str | None = None, period: str | None = None) -> list[Version]:
    """Published versions, by report, period and number; a folder without a readable manifest is passed over."""
    found = []
    for path in site.glob(f"{name or '*'}/{period or '*'}/v*/{MANIFEST}"):
        try:
            content = json.loads(path.read_text("utf-8"))
            lists = {key: tuple(content[key]) for key in ("platforms", "headline")}
            found.append(Version(**{**content, **lists}))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return sorted(found, key=lambda v: (v.name, v.period, v.version))


def refresh(site: Path, brand: Mapping[str, str]) -> None:
    """Make gallery and feed anew from what stands."""
    standing = versions(site)
    _write(site / "index.html", gallery(standing, brand).encode("utf-8"))
    _write(site / "feed.xml", feed(standing, brand))


def seal_of(files: Mapping[str, Path]) -> str:
    """Name of a set of files: the same bytes, the same name."""
    digest = hashlib.sha256()
    for kind in sorted(files):
        digest.update(kind.encode() + b"\0" + hashlib.sha256(files[kind].read_bytes()).digest())
    return digest.hexdigest()


def _copy(source: Path, target: Path) -> None:
    if not target.exists() or target.read_bytes() != source.read_bytes():
        _write(target, source.read_bytes())


def _write(path: Path, content: bytes) -> None:
    """In one step: a reader never meets half a file."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
