"""`analytics baseline backtest` on files: what it prints and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from analytics.cli.baseline import app
from analytics.errors import DataFileError, InputError


@pytest.fixture
def mentions(tmp_path: Path) -> Path:
    hours = np.arange(40 * 24)
    counts = np.random.default_rng(0).poisson(100 * (1 + 0.5 * np.sin(2 * np.pi * hours / 24)))
    at = np.datetime64("2026-03-02T00:00") + hours * np.timedelta64(1, "h")
    path = tmp_path / "mentions.csv"
    path.write_text("timestamp,value\n" + "".join(f"{t},{v}\n" for t, v in zip(at, counts, strict=True)))
    return path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["backtest", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_file_is_backtested_and_the_best_algorithm_named(mentions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")

    shown = run("--csv", str(mentions), "--algorithms", "profile, ewma", "--origins", "4")

    assert "mentions" in shown
    assert "profile  ← use this" in shown
    assert "claimed 95%" in shown


def test_the_figures_come_as_json(mentions: Path) -> None:
    line = json.loads(run("--csv", str(mentions), "--algorithms", "profile,ewma", "--origins", "4", "--json"))

    assert line["best"] == "profile"
    assert {row["algorithm"] for row in line["summary"]} == {"profile", "ewma"}
    assert all(0.85 < row["coverage"] <= 1 for row in line["summary"])


def test_the_last_forecasts_are_drawn_a_panel_an_algorithm(mentions: Path, tmp_path: Path) -> None:
    picture = tmp_path / "forecasts.svg"
    run("--csv", str(mentions), "--algorithms", "profile,ewma", "--origins", "2", "--chart", str(picture))

    drawn = picture.read_text()
    assert all(f">{name}</text>" in drawn for name in ("profile", "ewma"))
    with pytest.raises(InputError, match="expected a name that ends in"):
        run("--csv", str(mentions), "--chart", str(tmp_path / "forecasts.html"))


def test_a_value_that_is_no_number_is_named_with_its_line(mentions: Path) -> None:
    lines = mentions.read_text().splitlines()
    lines[5] = "2026-03-02T04:00,many"
    mentions.write_text("\n".join(lines))

    with pytest.raises(DataFileError, match=r"mentions\.csv line 6: 'many'"):
        run("--csv", str(mentions))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"nothing\.csv"):
        run("--csv", str(tmp_path / "nothing.csv"))


@pytest.mark.parametrize("arguments", [[], ["--platform", "x"], ["--platform", "x", "--metric", "y", "--csv", "z"]])
def test_a_file_or_a_stored_series_must_be_named(arguments: list[str]) -> None:
    with pytest.raises(InputError, match="--csv"):
        run(*arguments)
