"""Notebooks as a finished run leaves them, built without a kernel, for the exporters' tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import page
import pandas as pd
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analytics.reports.document import charts, display
from analytics.reports.document.display import Block, Blocks, Column, Tile

HOSTILE = (
    "<script>fetch('//evil')</script><img src=x onerror=alert(1)> #import \"x\" $a$ @b <c> [d](javascript:e) `f` 🔥"
)
PROVENANCE = {"query": "select 1", "snapshot": "2026-11-02", "definition": "youtube.views@2026-08-24"}


def faults(pdf: bytes) -> list[str]:
    """What PDF/UA-1 forbids and a program that is not Typst finds; it passes veraPDF's own corpus."""
    found = page.validate_pdf_bytes(pdf, profile=page.ValidationProfile.PDF_UA_1)
    return [f"{failure.rule_id}: {failure.message}" for failure in found.failures]


def output_of(block: Block) -> NotebookNode:
    return new_output("display_data", data=block.data, metadata=block.metadata)


def shown(*blocks: Block | Blocks, tags: Sequence[str] = ()) -> NotebookNode:
    """A code cell that displayed these."""
    flat = [item for block in blocks for item in (block if isinstance(block, Blocks) else [block])]
    return new_code_cell("secret_code()", metadata={"tags": list(tags)}, outputs=[output_of(item) for item in flat])


def notebook_of(*cells: NotebookNode | Block | str) -> NotebookNode:
    """A notebook of cells; text becomes a Markdown cell, a block a code cell that displayed it."""
    made = [new_markdown_cell(c) if isinstance(c, str) else shown(c) if isinstance(c, Block) else c for c in cells]
    for position, cell in enumerate(made):
        cell["id"] = f"cell-{position}"
    return new_notebook(cells=made)


def series(days: int = 3, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Five-minute readings with a daily rhythm, and an anomaly of each severity."""
    times = pd.date_range("2026-10-01", periods=days * 288, freq="5min", tz="UTC")
    expected = 100 + 30 * np.sin(np.arange(times.size) * 2 * np.pi / 288)
    observed = expected + np.random.default_rng(seed).normal(0, 3, times.size)
    at = np.linspace(50, times.size - 50, 4).astype(int)
    observed[at] += [20, 40, 80, 120]
    frame = pd.DataFrame({"time": times, "observed": observed, "expected": expected})
    frame = frame.assign(lower=expected - 8, upper=expected + 8)
    events = pd.DataFrame({"time": times[at], "severity": ["low", "medium", "high", "critical"]})
    return frame, events


def figure(caption: str = "Views, usual range and anomalies", *, days: int = 3, seed: int = 1) -> Block:
    frame, events = series(days, seed)
    chart = charts.series_chart(frame, events, unit="views per 5 min")
    return display.figure(chart, caption=caption, alt=f"{caption}: a daily rhythm.", provenance=PROVENANCE)


def table(rows: int = 3, caption: str = "Posts") -> Block:
    frame = pd.DataFrame(
        {
            "title": [HOSTILE, *(f"Post {n}" for n in range(1, rows))],
            "views": [12345.0, *(float(n) for n in range(1, rows))],
            "change": [0.062, *(-0.01 * n for n in range(1, rows))],
            "severity": ["critical"] * rows,
            "days": [[1, 2, None, 3]] * rows,
        }
    )
    columns = [
        Column("title", "Title", wide=True),
        Column("views", "Views", "compact"),
        Column("change", "Change", "change", good="up"),
        Column("severity", "Severity", "severity"),
        Column("days", "Days", "spark"),
    ]
    return display.table(frame, caption=caption, columns=columns, note="A note.", provenance=PROVENANCE)


def cover(**options: str) -> Block:
    given = {"title": "Traffic report", "period": "October 2026", "brand": "Northwind", "issued": "2026-11-02"}
    return display.cover(**{**given, **options})  # type: ignore[arg-type]


def report() -> NotebookNode:
    """One of everything."""
    return notebook_of(
        "# Traffic report",
        shown(cover(status="provisional")),
        "## Executive summary\n\nHow *the month* went, with **raw** <b>HTML</b>.",
        display.tiles([Tile("Views", 41.8e6, delta="+6.2 % on September", tone="good", sparkline=[1, 2, None, 4])]),
        display.prose("One video, “" + display.literal(HOSTILE) + "”, led.", provenance=PROVENANCE),
        display.callout("Two sources have not settled.", "warn", title="Still missing"),
        "## Platforms\n\n### YouTube",
        figure(),
        table(),
        "## Method",
        display.definition_list({"Views": "What the platform calls a *view*."}),
    )
