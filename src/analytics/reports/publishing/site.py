"""The published site: a folder that works by itself, from a disk or a web server.

    index.html  feed.xml
    <report>/latest.html  latest.pdf                   the newest month that is over, always under the same names
    <report>/<period>/<report>-<period>.html …         the version that stands for a period, always under the same names
    <report>/<period>/v1/ …  v2/ …                      every version, for good; each with its `version.json`
    site.json                                          the site's own id, made once: what its feed's ids are named by

A run with other parameters than the params file's own, or with fewer formats than the version that stands, is a version
beside the others: it stands for its period only while there is none with the usual ones, and is never the latest. A
version's folder is complete before it gets its name, and publishing takes no version away, so no link breaks. The
lasting names are links that change together, in one step: whatever is killed, they show one version. Two processes that
publish at once wait for each other.
The gallery and the feed are made anew from the versions on disk; the same versions give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from analytics.errors import InputError
from analytics.reports.notebook.run import STEM
from analytics.reports.publishing.gallery import feed, gallery
from analytics.reports.publishing.places import locked
from analytics.reports.publishing.versions import MANIFEST, ORDER, Version, standing_of
from analytics.wording.formats import clean
from analytics.wording.language import say

SEEN = "[!.]*"  # what begins with a dot is a publisher's own, and may be gone a moment later


def publish(site: Path, draft: Version, files: Mapping[str, Path], *, brand: Mapping[str, str]) -> Version:
    """Add a version to the site, unless it is the one that stands; then make gallery and feed anew.

    Args:
        site: the site's folder; made where it is missing.
        draft: what is published; its version, files and sizes are set here.
        files: finished files by format.
        brand: `name`, `accent` and `language` of the site.
    Raises:
        InputError: a report or period whose name is no plain file name.
    """
    for part in (draft.name, draft.period):
        if not STEM.fullmatch(part) or ".." in part:
            raise InputError(f"publish {part!r}: expected letters, digits, dot, dash and underscore")
    named = replace(
        draft,
        title=clean(draft.title),
        label=clean(draft.label),
        headline=tuple(clean(text) for text in draft.headline),
    )
    with locked(site / ".lock"):
        return _published(site, named, files, brand)


def _published(site: Path, draft: Version, files: Mapping[str, Path], brand: Mapping[str, str]) -> Version:
    home = site / draft.name / draft.period
    home.mkdir(parents=True, exist_ok=True)
    _tidy(site, home)
    before = versions(site, draft.name, draft.period)
    alike = [v for v in before if v.is_usual == draft.is_usual and (v.is_usual or v.parameters == draft.parameters)]
    if not (alike and _is_same(site, alike[-1], draft, files)):
        draft, alike = _beside(draft, files, before, alike)
    if alike and _is_same(site, alike[-1], draft, files):
        made = alike[-1]
    else:
        made = _added(home, draft, files, before, alike, str(draft.parameters.get("language") or brand["language"]))
    stands = standing_of(versions(site, draft.name, draft.period))
    _stand(home, ".standing", {name: site / stands.folder / name for name in stands.files.values()}, of=SEEN)
    regular = [v for v in versions(site, draft.name) if v.is_regular]
    if regular:
        latest = max(regular, key=lambda v: (v.period, v.version))
        kinds = [kind for kind in ("html", "pdf") if kind in latest.files]  # never another month's PDF beside its page
        files = {f"latest.{kind}": site / latest.folder / latest.files[kind] for kind in kinds}
        _stand(home.parent, ".latest", files, of="latest.*")
    _refresh(site, brand)
    return made


def _beside(
    draft: Version, files: Mapping[str, Path], before: Sequence[Version], alike: list[Version]
) -> tuple[Version, list[Version]]:
    """The draft and those like it; with fewer formats than the version it would replace, it stands beside that one."""
    if not (draft.is_usual and alike and set(alike[-1].files) - set(files)):
        return draft, alike
    if draft.is_regular and not alike[-1].is_regular:  # the month has ended since
        return draft, alike
    kinds = set(files)
    return replace(draft, is_usual=False), [
        v for v in before if not v.is_usual and v.parameters == draft.parameters and set(v.files) == kinds
    ]


def _tidy(site: Path, home: Path) -> None:
    """Remove what a killed publisher left behind; the site's lock is ours."""
    for left in home.glob(".v*"):
        shutil.rmtree(left, ignore_errors=True)
    for folder in (site, home.parent, home):
        for left in folder.glob(".*.new"):
            left.unlink(missing_ok=True)


def _is_same(site: Path, before: Version, draft: Version, files: Mapping[str, Path]) -> bool:
    """Whether a version holds these files already, and stands for as much."""
    there = {kind: site / before.folder / name for kind, name in before.files.items()}
    return before.is_regular == draft.is_regular and all(
        kind in there and there[kind].is_file() and there[kind].read_bytes() == path.read_bytes()
        for kind, path in files.items()
    )


def _added(
    home: Path,
    draft: Version,
    files: Mapping[str, Path],
    before: Sequence[Version],
    alike: Sequence[Version],
    lang: str,
) -> Version:
    """The next version's folder, complete before it has its name; `alike` are those it is compared with, if any."""
    number = before[-1].version + 1 if before else 1
    made = replace(
        draft,
        version=number,
        files={kind: files[kind].name for kind in ORDER if kind in files},
        sizes={kind: files[kind].stat().st_size for kind in ORDER if kind in files},
        changed=_changed((alike or before)[-1], draft, lang) if before else "",
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
    if now.is_regular and not before.is_regular and not names:
        reasons.append(say("the month has ended", lang=lang))
    if before.status != now.status:
        then, today = (say(status, lang=lang) for status in (before.status, now.status))
        reasons.append(say("{then} before, {today} now", lang=lang, then=then, today=today))
    return "; ".join(reasons) or say("made with a newer program or other formats", lang=lang)


def versions(site: Path, name: str | None = None, period: str | None = None) -> list[Version]:
    """Published versions, by report, period and number; a folder without a readable manifest is passed over."""
    found = []
    for path in site.glob(f"{name or SEEN}/{period or SEEN}/v*/{MANIFEST}"):
        try:
            content = json.loads(path.read_text("utf-8"))
            lists = {key: tuple(content[key]) for key in ("platforms", "headline")}
            found.append(Version(**{**content, **lists}))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return sorted(found, key=lambda v: (v.name, v.period, v.version))


def refresh(site: Path, brand: Mapping[str, str]) -> None:
    """Make gallery and feed anew from what stands."""
    with locked(site / ".lock"):
        _refresh(site, brand)


def _refresh(site: Path, brand: Mapping[str, str]) -> None:
    standing, brand = versions(site), {**brand, "name": clean(brand["name"])}
    page, news = gallery(standing, brand).encode("utf-8"), feed(standing, brand, own_id(site))
    _write({site / "index.html": page, site / "feed.xml": news})


def own_id(site: Path) -> uuid.UUID:
    """What tells this site from every other, also after it is moved or renamed."""
    path = site / "site.json"
    try:
        return uuid.UUID(json.loads(path.read_text("utf-8"))["id"])
    except (OSError, ValueError, TypeError, KeyError):
        made = uuid.uuid4()
        _write({path: json.dumps({"id": str(made)}).encode() + b"\n"})
        return made


def seal_of(files: Mapping[str, Path]) -> str:
    """Name of a set of files: the same bytes, the same name."""
    digest = hashlib.sha256()
    for kind in sorted(files):
        digest.update(kind.encode() + b"\0" + hashlib.sha256(files[kind].read_bytes()).digest())
    return digest.hexdigest()


def _stand(folder: Path, name: str, files: Mapping[str, Path], *, of: str) -> None:
    """Show files under lasting names, all at once: each is a link by way of the one link `name`, which is replaced.

    Args:
        of: pattern of the lasting names; those that are not among `files` are removed.
    """
    shown, links = folder / name, {lasting: folder / lasting for lasting in files}
    if any(not (shown / lasting).exists() or not (shown / lasting).samefile(path) for lasting, path in files.items()):
        made = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=folder))
        made.chmod(0o755)
        for lasting, path in files.items():
            (made / lasting).symlink_to(os.path.relpath(path, made))
        _link(shown, Path(made.name))
    for lasting, link in links.items():
        if not link.is_symlink():  # new, or a copy that an earlier release left
            _link(link, Path(name) / lasting)
    for path in folder.glob(of):
        if path.name not in files and (path.is_symlink() or path.is_file()):
            path.unlink()
    for old in folder.glob(f"{name}.*"):
        if old.is_dir() and not old.samefile(shown):
            shutil.rmtree(old, ignore_errors=True)


def _link(path: Path, target: Path) -> None:
    """A link in one step, also where there is something already."""
    waiting = path.with_name(f".{path.name}.link.new")
    waiting.unlink(missing_ok=True)
    waiting.symlink_to(target)
    waiting.replace(path)


def _write(contents: Mapping[Path, bytes]) -> None:
    """Every file is written beside its place before the first is renamed: a reader never meets half a file."""
    waiting: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
            waiting[path] = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            waiting[path].chmod(0o644)
        for path, temporary in waiting.items():
            temporary.replace(path)
    finally:
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)
