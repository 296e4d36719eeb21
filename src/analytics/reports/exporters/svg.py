"""Charts and sparklines as small, self-contained SVG; the same chart gives the same bytes every time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any
from xml.sax.saxutils import unescape

import numpy as np
from numpy.typing import NDArray

from analytics.errors import ReportError
from analytics.reports.exporters import typefaces
from analytics.wording.formats import UNSHOWN

Places = NDArray[np.int64]

VEGALITE_VERSION = "6.4"
LOCALES: dict[str, Any] = {"de": "de-DE", "fr": "fr-FR", "es": "es-ES"}

_QUOTES = {"&quot;": '"', "&apos;": "'"}
_PLACED = re.compile(
    r"<(?P<tag>/g|g)(?:\s(?P<attributes>[^>]*[^>/]))?>|<text(?:\s(?P<of_text>[^>]*))?>(?P<text>[^<]*)</text>"
)
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_MOVE = re.compile(r"translate\(([-\d.]+),([-\d.]+)\)")
_TURN = re.compile(r"rotate\(([-\d.]+)")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG = re.compile(r"<[^>]+>")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_POLYLINE = re.compile(r'd="(M[-\d.,LMZ]{40,})"')
_ID = re.compile(r'\bid="([^"]+)"')
_GROUND = re.compile(r'<rect width="[\d.]+" height="[\d.]+" fill="(?:transparent|white)"/>')
_SPEECH = re.compile(r' (?:aria-[a-z]+|role|pointer-events|class|xmlns:xlink|version)="[^"]*"')
_EMPTY = re.compile(
    r"<g(?:\s[^>]*)?/>|<g(?:\s(?:[^>]*[^>/])?)?></g>"  # the first is a whole one: what closes after it is its parent
    r"|<path(?=[^>]*\bd=\"(?:M0,0h0v0h0Z)?\")[^>]*/>"
)


@cache
def _fonts_known() -> bool:
    import vl_convert

    vl_convert.register_font_directory(str(typefaces.FONT_DIR))
    return True


def chart_svg(spec: dict[str, Any], *, prefix: str, language: str = "en") -> str:
    """A Vega-Lite chart as SVG, ids renamed in order of appearance to `prefix`-1, `prefix`-2 …

    The drawing library numbers gradients and clips for the life of its process; without renaming, the same
    chart would give other bytes the second time, and two charts of a page could share an id.

    Raises:
        ReportError: the chart cannot be drawn.
    """
    return compacted(_drawn(json.dumps(_as_xml(spec), sort_keys=True), LOCALES.get(language)), prefix=prefix)


def _as_xml(value: Any) -> Any:
    """A copy of a specification without the characters XML cannot hold: one aborts the drawing library's process."""
    if isinstance(value, str):
        return _NOT_XML.sub(UNSHOWN, value)
    if isinstance(value, dict):
        return {_as_xml(key): _as_xml(item) for key, item in value.items()}
    return [_as_xml(item) for item in value] if isinstance(value, list) else value


@lru_cache(maxsize=256)
def _drawn(spec: str, locale: Any) -> str:
    """Drawing takes most of an export's time, and both exporters want the same drawings."""
    import vl_convert

    _fonts_known()
    try:
        return str(
            vl_convert.vegalite_to_svg(
                spec,
                vl_version=VEGALITE_VERSION,
                allowed_base_urls=[],
                format_locale=locale,
                time_format_locale=locale,
            )
        )
    except ValueError as exc:
        title = json.loads(spec).get("description", "")[:80]
        raise ReportError(f"chart {title!r} cannot be drawn: {' '.join(str(exc).split())[:200]}") from exc


def chart_png(spec: dict[str, Any], *, scale: float, language: str = "en") -> bytes:
    """The same chart as a picture of dots, for where no drawing is shown."""
    import vl_convert

    _fonts_known()
    locale = LOCALES.get(language)
    made: bytes = vl_convert.vegalite_to_png(
        _as_xml(spec), scale=scale, vl_version=VEGALITE_VERSION, allowed_base_urls=[], format_locale=locale,
        time_format_locale=locale,
    )  # fmt: skip
    return made


def chart_locale(language: str) -> dict[str, Any] | None:
    """How a chart in the browser writes numbers and dates in that language; None for English, which it speaks."""
    import vl_convert

    name = LOCALES.get(language)
    if name is None:
        return None
    return {
        "formatLocale": vl_convert.get_format_locale(name),
        "timeFormatLocale": vl_convert.get_time_format_locale(name),
    }


def compacted(svg: str, *, prefix: str) -> str:
    """Round places to a tenth of a pixel, drop what only speaks or is empty, and rename ids."""
    svg = _GROUND.sub("", svg, count=1)
    svg = _SPEECH.sub("", svg)
    svg = _TAG.sub(lambda tag: _LONG_NUMBER.sub(_rounded, tag.group()), svg)  # words between tags stay
    svg = _POLYLINE.sub(lambda found: f'd="{_shortened(found.group(1))}"', svg)
    while (shorter := _EMPTY.sub("", svg)) != svg:
        svg = shorter
    for count, name in enumerate(dict.fromkeys(_ID.findall(svg)), start=1):
        svg = re.sub(rf'(id="|#){re.escape(name)}(?=["\)])', rf"\g<1>{prefix}-{count}", svg)
    return svg


def without_foreign(svg: str) -> tuple[str, list[dict[str, Any]]]:
    """A drawing without the words that need another font than the report's own, and these words with their places.

    Letters of many scripts join and change places, which a drawing's text does not survive in a tagged PDF; words the
    page sets itself do. A word has `text`, `x`, `y` (its baseline) and `size` in pixels of the drawing, `turn` in
    degrees, `anchor` (0 start, 0.5 middle, 1 end), `fill` and `weight`.

    >>> without_foreign('<g transform="translate(9,2)"><text transform="translate(1,1)">ไทย</text></g>')
    ('<g transform="translate(9,2)"></g>', [{'text': 'ไทย', 'x': 10.0, 'y': 3.0, ... 'weight': 400}])
    """
    words: list[dict[str, Any]] = []
    places = [(0.0, 0.0)]

    def step(found: re.Match[str]) -> str:
        tag, attributes = found["tag"], found["attributes"] or found["of_text"] or ""
        if tag == "/g":
            places.pop()
            return found.group()
        x, y = (a + b for a, b in zip(places[-1], _moved(attributes), strict=True))
        if tag == "g":
            places.append((x, y))
            return found.group()
        said = unescape(found["text"], _QUOTES)
        if said == typefaces.drawable(said, own_only=True):
            return found.group()
        given = dict(_ATTRIBUTE.findall(attributes))
        turn = _TURN.search(attributes)
        words.append(
            {
                "text": said,
                "x": x,
                "y": y,
                "size": float(given.get("font-size", "11").removesuffix("px")),
                "turn": float(turn[1]) if turn else 0.0,
                "anchor": {"middle": 0.5, "end": 1.0}.get(given.get("text-anchor", ""), 0.0),
                "fill": given.get("fill", "#000000"),
                "weight": 600 if given.get("font-weight") in {"bold", "600"} else 400,
            }
        )
        return ""

    return _PLACED.sub(step, svg), words


def _moved(attributes: str) -> tuple[float, float]:
    found = _MOVE.search(attributes)
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found.group()):.1f}".removesuffix(".0")


def size_of(svg: str) -> tuple[float, float]:
    """Width and height of a drawing.

    >>> size_of('<svg width="700" height="480.5" viewBox="0 0 700 480.5">')
    (700.0, 480.5)
    """
    found = re.search(r'<svg[^>]*\bwidth="([\d.]+)"[^>]*\bheight="([\d.]+)"', svg)
    return (float(found[1]), float(found[2])) if found else (1.0, 1.0)


def _shortened(path: str) -> str:
    """A path of straight lines, without the points nobody could see, in steps instead of places."""
    return "".join(_steps(line) + ("Z" if closed else "") for line, closed in _lines(path))


def _lines(path: str) -> Iterator[tuple[Places, bool]]:
    for part in path.split("M")[1:]:
        numbers = part.removesuffix("Z").replace("L", ",").split(",")
        tenths = np.rint(np.array(numbers, dtype=float) * 10).astype(np.int64).reshape(-1, 2)
        yield tenths[_visible(tenths)], part.endswith("Z")


def _visible(points: Places, *, tolerance: float = 1.2) -> NDArray[np.bool_]:
    """Which points a line needs to stay within `tolerance` tenths of a pixel of itself (Douglas and Peucker 1973)."""
    kept = np.zeros(len(points), dtype=bool)
    kept[[0, -1]] = True
    waiting = [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        start, along = points[first], points[last] - points[first]
        offset = points[first + 1 : last] - start
        length = float(np.hypot(*along))
        away = np.abs(along[0] * offset[:, 1] - along[1] * offset[:, 0]) / length if length else np.hypot(*offset.T)
        farthest = int(away.argmax())
        if away[farthest] > tolerance:
            middle = first + 1 + farthest
            kept[middle] = True
            waiting += [(first, middle), (middle, last)]
    return kept


def _steps(points: Places) -> str:
    """`M x y l dx dy …` in pixels; whole tenths, so that rounding does not add up."""
    moves = np.diff(points, axis=0)
    words = [_tenths(value) for move in moves for value in move]
    start = f"M{_tenths(points[0][0])} {_tenths(points[0][1])}"
    return start + ("l" + " ".join(words).replace(" -", "-") if words else "")


def _tenths(value: int) -> str:
    return f"{value / 10:.1f}".removesuffix(".0").replace("0.", ".", 1) if abs(value) < 10 else f"{value / 10:g}"


def sparkline(values: Sequence[float | None], *, width: int = 96, height: int = 24) -> dict[str, Any]:
    """A sparkline's drawing in pixels: line segments (broken at gaps) and its last point.

    >>> sparkline([1, 2, None, 3, 1], width=8, height=6)
    {'width': 8, 'height': 6, 'lines': ['2,4 3,3'...], 'last': [6.0, 4.0]}
    """
    finite = [value for value in values if value is not None]
    if not finite:
        return {"width": width, "height": height, "lines": [], "last": None}
    low, spread = min(finite), (max(finite) - min(finite)) or 1.0
    pad = 2
    across, upright = (width - 2 * pad) / max(1, len(values) - 1), (height - 2 * pad) / spread
    points = [
        None if value is None else (round(pad + i * across, 1), round(height - pad - (value - low) * upright, 1))
        for i, value in enumerate(values)
    ]
    lines: list[list[str]] = [[]]
    for point in points:
        if point is None:
            lines.append([])
        else:
            lines[-1].append(f"{point[0]:g},{point[1]:g}")
    last = next((point for point in reversed(points) if point is not None), None)
    return {
        "width": width,
        "height": height,
        "lines": [" ".join(line) for line in lines if line],
        "last": list(last) if last else None,
    }
