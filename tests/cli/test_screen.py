"""What stands in a name reaches the terminal as a mark, and what the system refuses becomes one line."""

from __future__ import annotations

import ast
import errno
import io
import logging
from pathlib import Path

import pytest
from rich.table import Table

from analytics.cli.app import main, refused
from analytics.cli.screen import Console, HarmlessFormatter

HOSTILE = "acme\x1b]0;owned\x07\x9b31m\x08\x7f\u202egpj\u2066x\u200f\u2028\r"
OBEYED = set("\x1b\x07\x9b\x08\x7f\u202e\u2066\u200f\u2028\r")
SOURCE = Path(__file__).parents[2] / "src" / "analytics" / "cli"


def printed(*shown: object, **options: object) -> str:
    sink = io.StringIO()
    Console(file=sink, **options).print(*shown)
    return sink.getvalue()


@pytest.mark.parametrize("options", [{}, {"markup": False}, {"soft_wrap": True}, {"force_terminal": True}])
def test_no_control_character_of_a_name_reaches_the_terminal(options):
    table = Table("account", title=HOSTILE)
    table.add_row(HOSTILE)

    said = printed(HOSTILE, table, width=200, **options)

    of_rich = {"\x1b"} if options.get("force_terminal") else set()
    assert not OBEYED & set(said) - of_rich
    assert "]0;owned" in said
    assert "\x1b]" not in said


def test_lines_tabs_and_every_script_stay_as_they_are():
    text = "a\nمرحبا\nशुभ\n한국\n👩‍👩‍👧"

    assert printed(text, width=80) == text + "\n"


def test_colours_of_our_own_stay():
    assert "\x1b[1;31m" in printed("[bold red]error[/]", force_terminal=True, color_system="standard")


def test_a_log_line_is_harmless_with_its_traceback():
    try:
        raise ValueError(HOSTILE)
    except ValueError as exc:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, HOSTILE, None, (type(exc), exc, exc.__traceback__))

    assert not OBEYED & set(HarmlessFormatter().format(record))


def test_every_command_prints_through_this_console():
    """Another console would show a name's escapes again."""
    for path in set(SOURCE.glob("*.py")) - {SOURCE / "screen.py"}:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            assert not (isinstance(node, ast.ImportFrom) and node.module == "rich.console" and "Console" in names), path
            called = getattr(node, "func", None)
            assert not (isinstance(called, ast.Name) and called.id == "print"), path


def test_a_message_with_escapes_is_harmless(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ANALYTICS_PARAMS_DIR", str(tmp_path))
    with pytest.raises(SystemExit):
        main(["report", "traffic", "--name", HOSTILE.replace("\r", ""), "--month", "2026-10"])

    said = capsys.readouterr().err
    assert "error:" in said
    assert not OBEYED & set(said)


@pytest.mark.parametrize(
    "words",
    [
        ["report", "traffic", "--month", "2026-10"],
        ["report", "list"],
        ["status"],
        ["db", "backup", "{file}/x.dump"],
        ["collect"],
        ["lab"],
    ],
)
def test_a_folder_that_cannot_be_used_is_one_line_not_a_traceback(words, tmp_path, monkeypatch, capsys):
    """As on a read-only disk; a file in the folder's place is refused to every account, root's too."""
    file = tmp_path / "file"
    file.touch()
    (tmp_path / "params").mkdir()
    monkeypatch.setenv("ANALYTICS_PARAMS_DIR", str(tmp_path / "params"))
    for name in ("HOME", "OUTPUT_DIR"):
        monkeypatch.setenv(f"ANALYTICS_{name}", str(file / "below"))

    with pytest.raises(SystemExit) as ended:
        main([word.format(file=file) for word in words])

    seen = capsys.readouterr()
    assert ended.value.code or "Nothing is published" in seen.out
    assert "Traceback" not in seen.err
    assert len(seen.err.strip().splitlines()) <= 1


def test_what_the_system_refused_says_where_and_what_to_do():
    said = refused(PermissionError(errno.EROFS, "Read-only file system", "/srv/output/site"))

    assert said.startswith("/srv/output/site: Read-only file system; ")
    assert "ANALYTICS_OUTPUT_DIR" in said
    assert refused(OSError(errno.EIO, "Input/output error")) == "the system: Input/output error"
