"""What a long command shows: its steps with bars while they run, then files with size and time."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from analytics.cli.screen import Console


class Steps:
    """Bars by step name on a terminal; a line a step where output goes to a file."""

    def __init__(self, console: Console, bars: Progress) -> None:
        self.console = console
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def progress(self, step: str, done: float) -> None:
        """Show that `done` (0 to 1) of `step` is finished."""
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=1.0)
            if not self.console.is_terminal:
                self.console.print(f"  {step} …")
        self._bars.update(self._tasks[step], completed=done)

    def say(self, text: str) -> None:
        """A line above the bars."""
        self.console.print(text, highlight=False, soft_wrap=True)  # what is to be copied stays on one line

    def files(self, files: Mapping[str, Path], seconds: Mapping[str, float]) -> None:
        """A table of times, and the path of each file with its size."""
        self._bars.stop()
        if seconds:
            table = Table("step", "seconds", box=None, pad_edge=False, header_style="bold")
            table.columns[1].justify = "right"
            for step, spent in seconds.items():
                table.add_row(step, f"{spent:.1f}")
            self.console.print(table)
        for kind, path in files.items():
            size = path.stat().st_size
            shown = f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
            self.console.print(f"{kind:>10}  {shown:>8}  {_relative(path)}", soft_wrap=True, highlight=False)


def _relative(path: Path) -> Path:
    try:
        return path.absolute().relative_to(Path.cwd())  # a link stays one: it is the place that lasts
    except ValueError:
        return path


@contextmanager
def steps(title: str) -> Iterator[Steps]:
    """Bars on standard error, so that results on standard output can be piped."""
    console = Console(file=sys.stdout)
    columns = (TextColumn("{task.description:<28}"), BarColumn(bar_width=30), TimeElapsedColumn())
    bars = Progress(*columns, console=console, transient=False, disable=not console.is_terminal)
    console.print(f"[bold]{title}[/]")
    with bars:
        yield Steps(console, bars)
