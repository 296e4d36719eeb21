"""`analytics-html`: one HTML file that opens offline and asks the network for nothing.

Charts are drawn twice: as inline SVG, which is what print and readers without JavaScript get, and by the
Vega bundle, written once, when a chart scrolls near. A content security policy allows exactly the scripts
and the style sheet written here, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbconvert.exporters.base import Exporter
from nbformat import NotebookNode
from traitlets import Bool

from analytics.reports.document import display, theme
from analytics.reports.document.chart_data import columns_of, with_columns
from analytics.reports.exporters import svg, typefaces
from analytics.reports.exporters.common import Document, document, note_rows, shown
from analytics.reports.exporters.words import words

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
FONT_FACES = (("Inter-Regular.woff2", "400"), ("Inter-SemiBold.woff2", "500 700"))


class ReportHTMLExporter(Exporter):
    """Export an executed report notebook as one self-contained HTML file."""

    export_from_notebook = "Analytics report (HTML)"
    output_mimetype = "text/html"
    draft = Bool(False, help="Export a notebook with a failed cell, stamped as a draft.").tag(config=True)
    interactive = Bool(True, help="Include the chart library; without it charts are still pictures.").tag(config=True)

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(  # type: ignore[override]  # nbconvert declares a notebook and means its output
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Set the notebook as HTML; raises `ReportError` where a cell failed and `draft` is off."""
        checked, resources = super().from_notebook_node(nb, resources, **kw)
        return page(document(checked, "html", draft=self.draft), interactive=self.interactive), resources


def page(doc: Document, *, interactive: bool = True) -> str:
    """The finished page of a document."""
    style = style_of(doc.cover["accent"], words_of([doc.cover, doc.blocks, doc.notes]))
    charted = interactive and any("spec" in block for block in doc.blocks)
    scripts = [_bundle()] if charted else []
    scripts.append((TEMPLATES / "report.js").read_text("utf-8"))
    for number, block in enumerate(doc.blocks, start=1):
        _prepare(block, f"c{number}", doc.cover["language"], interactive=interactive)
    language = doc.cover["language"]
    settings = {"words": words(language), "language": language, "locale": svg.chart_locale(language)}
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            doc=doc,
            cover=doc.cover,
            blocks=doc.blocks,
            w=settings["words"],
            style=Markup(style),  # noqa: S704 - our own files
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - our own files
            policy=_policy(style, scripts),
            settings=embedded(settings),
            contents=_contents(doc.blocks),
            notes=[{"note": n["note"], "rows": note_rows(n, language)} for n in doc.notes],
        )
    )


@cache
def environment() -> Environment:
    """The templates' environment: everything from outside is escaped, an unknown name is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["arrows"] = display.ARROWS
    made.filters["sparkline"] = svg.sparkline
    made.filters["shown"] = shown
    return made


_EXPORTS = "window.vegaEmbed=vegaEmbed;"


@cache
def _bundle() -> str:
    import vl_convert

    return str(vl_convert.javascript_bundle(_EXPORTS)).replace("</script", "<\\/script")


def words_of(value: Any) -> str:
    """All text in a value, however deep."""
    if isinstance(value, dict):
        return "".join(words_of(item) for item in value.values())
    return "".join(map(words_of, value)) if isinstance(value, list | tuple) else value if isinstance(value, str) else ""


def style_of(accent: str, shown: str = "") -> str:
    """The style sheet: fonts inside, both themes as variables, and the exchange of chart colours in the dark.

    `shown` is what the page says: of other scripts than Inter's it brings the letters used.
    """
    faces = "".join(_face(name, weight) for name, weight in FONT_FACES)
    faces += typefaces.embedded_faces(shown, "Reserve")
    shades = theme.accents(accent)
    light = _variables({**theme.LIGHT, "accent": shades["accent_light"]})
    dark = _variables({**theme.DARK, "accent": shades["accent_dark"]})
    cover = _variables({name: shade for name, shade in shades.items() if name.startswith("cover")})
    exchange = "".join(
        f"& .drawing [{attribute}='{old}']{{{attribute}:{new}}}"
        for old, new in theme.dark_of().items()
        for attribute in ("fill", "stroke")
    )
    nested = f"{dark}color-scheme:dark;{exchange}"
    themes = (
        f":root{{{light}{cover}color-scheme:light}}\n"
        f"@media screen{{:root[data-theme=dark]{{{nested}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{nested}}}}}}}\n"
    )
    return faces + themes + (TEMPLATES / "report.css").read_text("utf-8")


def _face(name: str, weight: str) -> str:
    data = base64.b64encode((typefaces.FONT_DIR / name).read_bytes()).decode()
    source = f"url(data:font/woff2;base64,{data}) format('woff2')"
    return f"@font-face{{font-family:Inter;font-weight:{weight};font-display:swap;src:{source}}}\n"


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name.replace('_', '-')}:{value};" for name, value in colours.items())


def _policy(style: str, scripts: list[str]) -> str:
    """A content security policy that names our own scripts and style sheet by hash and allows nothing else."""
    hashes = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src {_hash(style)}; "
        "img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode()}'"


def embedded(value: Any) -> Markup:
    """JSON for a data block inside HTML: nothing in it can end the block or begin a comment.

    >>> "<" in embedded({"title": "</script><b>"})
    False
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - escaped above


def _prepare(block: dict[str, Any], name: str, language: str, *, interactive: bool) -> None:
    """Add what the template needs: a chart's drawing and its packed specification."""
    if "spec" in block:
        block["svg"] = Markup(_labelled(svg.chart_svg(block["spec"], prefix=name, language=language), block["alt"]))  # noqa: S704 - drawn by us
        block["packed"] = packed(block["spec"]) if interactive else None


def _labelled(drawing: str, alt: str) -> str:
    return drawing.replace("<svg ", f'<svg role="img" aria-label="{Markup.escape(alt)}" ', 1)


def packed(spec: dict[str, Any]) -> str:
    """A chart's specification with its data by columns, deflated, in base64: about a sixth of its JSON."""
    spec = with_columns(spec, {name: _stepped(columns) for name, columns in columns_of(spec).items()})
    text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode()


def _stepped(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Whole numbers as steps from one to the next, which for times deflate far better; other columns as they are."""
    found: dict[str, list[Any]] = {}
    for name, values in columns.items():
        if len(values) > 2 and all(type(value) is int for value in values):
            found["+" + name] = [values[0], *(after - before for before, after in pairwise(values))]
        else:
            found[name] = values
    return found


def _contents(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Headings of the first two levels, the second below the first."""
    found: list[dict[str, Any]] = []
    for block in blocks:
        if block["type"] == "heading" and block["level"] == 2:
            found.append({"id": block["id"], "text": block["plain"], "inner": []})
        elif block["type"] == "heading" and block["level"] == 3 and found:
            found[-1]["inner"].append({"id": block["id"], "text": block["plain"]})
    return found
