"""The page a third party follows works as written, without touching our files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analytics.adapters.registry import load_adapter
from analytics.errors import ParamsError
from analytics.params.files import load_params

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-a-platform.md"


@pytest.fixture
def followed(tmp_path, monkeypatch):
    """Every file of the page, written where it says."""
    blocks = re.findall(r"^```\w+ file=(\S+)\n([\s\S]*?)^```", PAGE.read_text("utf-8"), flags=re.M)
    for name, content in blocks:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_entry_finds_the_module(followed):
    platform = load_params(followed / "params").platforms["bluesky"]

    adapter = load_adapter(platform.adapter)

    assert adapter.NAME == "bluesky"
    assert set(platform.metrics) <= {definition.metric_type for definition in adapter.DEFINITIONS}


def test_the_pages_own_tests_pass(followed):
    environment = os.environ | {"PYTHONPATH": str(followed)}
    arguments = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "my_platforms"]

    run = subprocess.run(arguments, cwd=followed, env=environment, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "7 passed" in run.stdout


def test_an_entry_point_is_enough(followed, monkeypatch):
    """A package announces its platforms; its bare name is then an adapter."""
    info = followed / "my_platforms-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-platforms\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[analytics.platforms]\nbluesky = my_platforms.bluesky\n")

    assert load_adapter("bluesky").NAME == "bluesky"


def test_a_module_that_is_no_adapter_is_refused_by_name(followed):
    (followed / "my_platforms" / "half.py").write_text("NAME = 'half'\n")

    with pytest.raises(ParamsError, match="has no VENDOR, DEFINITIONS, collect"):
        load_adapter("my_platforms.half")
