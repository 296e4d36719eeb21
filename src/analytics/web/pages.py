"""The list of published reports, for an installation that has published no site."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import quote

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reports</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .5rem .75rem .5rem 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); }}
a {{ color: LinkText; }}
</style></head><body><h1>Reports</h1>{content}</body></html>"""
EMPTY = "<p>Nothing is published yet. <code>analytics report traffic</code> makes the first report.</p>"


def index(folder: Path) -> str:
    """One row a report and month, the newest first; names are escaped, whatever the files are called."""
    rows = []
    for month in sorted(folder.glob("*/*/"), key=lambda path: (path.name, path.parent.name), reverse=True):
        files = [f for kind in ("html", "pdf") for f in sorted(month.glob(f"*.{kind}"))]
        if files:
            links = " · ".join(f'<a href="reports/{_address(f, folder)}">{f.suffix[1:].upper()}</a>' for f in files)
            rows.append(f"<tr><td>{escape(month.parent.name)}</td><td>{escape(month.name)}</td><td>{links}</td></tr>")
    head = "<tr><th>Report</th><th>Month</th><th>Open</th></tr>"
    return PAGE.format(content=f"<table>{head}{''.join(rows)}</table>" if rows else EMPTY)


def _address(file: Path, folder: Path) -> str:
    return quote(file.relative_to(folder).as_posix())
