"""The three descriptions of the environment (pyproject, lock, conda) name one set."""

import re
import runpy
import tomllib
from importlib.metadata import version
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
pinned = runpy.run_path(str(ROOT / ".ci" / "environment.py"))["pinned"]


def locked() -> list[Requirement]:
    return [Requirement(line) for line in pinned((ROOT / "requirements.lock").read_text("utf-8"))]


def asked() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return [Requirement(text) for text in project["project"]["dependencies"] + project["dependency-groups"]["dev"]]


def test_every_direct_dependency_is_locked_within_its_bounds():
    """Somebody who edits pyproject.toml and forgets `make lock` hears of it here."""
    versions = {entry.name: next(iter(entry.specifier)).version for entry in locked()}

    missing = [str(need) for need in asked() if not need.specifier.contains(versions.get(need.name, "0"))]

    assert missing == []


def test_conda_users_get_the_locked_set():
    """environment.yml is made from the lock, and only from it."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))

    assert pip == [*pinned((ROOT / "requirements.lock").read_text("utf-8")), "--editable=."]


def test_the_lock_has_hashes_and_no_addresses():
    """Installs from whichever registry the user is set up for, and nothing else than what was resolved."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text.strip())

    assert "://" not in text
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_what_is_installed_is_what_is_locked():
    """The suite speaks for the lock, not for whatever was installed by hand."""
    here = [entry for entry in locked() if entry.marker is None or entry.marker.evaluate()]

    different = [str(e) for e in here if not e.specifier.contains(version(e.name))]

    assert different == []
