"""Colours, type and the Altair theme every report shares, in light and dark.

A chart is drawn with the light colours only. Because every mark takes its colour from `LIGHT`, the
dark theme is a plain exchange of one hex value for another, done by the page's style sheet: nothing
is drawn twice. The nine series colours and the ramps are told apart with the common colour-vision
deficiencies, and no meaning rests on colour alone: severities differ by shape as well.
"""

from __future__ import annotations

import re
from typing import Any

FONT = "Inter, sans-serif"
CHART_WIDTH = 700
MANY_LINES = 10
ACCENT = "#1c5fb0"

LIGHT: dict[str, str] = {
    "ground": "#ffffff",
    "panel": "#f5f7fb",
    "ink": "#17202e",
    "muted": "#566173",
    "grid": "#e4e8ef",
    "axis": "#aab4c3",
    "data": "#1f5fae",
    "expected": "#76839a",
    "band": "#c9dcf3",
    "span": "#fbeeda",
    "low": "#5d697c",
    "medium": "#b26e08",
    "high": "#cf4520",
    "critical": "#8a1740",
    "good": "#14734f",
    "bad": "#b3261d",
    "warn": "#8a5a06",
    "series_1": "#2166b5",
    "series_2": "#d55e02",
    "series_3": "#0e8a6b",
    "series_4": "#a34f8a",
    "series_5": "#b8860a",
    "series_6": "#2b9fd1",
    "series_7": "#6b4c9b",
    "series_8": "#7a8a35",
    "series_9": "#c24468",
    "ramp_1": "#edf3fb",
    "ramp_2": "#cbdef4",
    "ramp_3": "#9cc0e8",
    "ramp_4": "#5f97d3",
    "ramp_5": "#2b6bb7",
    "ramp_6": "#123e79",
    "diverging_1": "#a3410a",
    "diverging_2": "#e07b34",
    "diverging_3": "#f6cba2",
    "diverging_4": "#f1f3f6",
    "diverging_5": "#abcbe9",
    "diverging_6": "#4b8bc8",
    "diverging_7": "#114a8d",
}

DARK: dict[str, str] = {
    "ground": "#10151d",
    "panel": "#181f2a",
    "ink": "#e7ebf2",
    "muted": "#a0acbd",
    "grid": "#283141",
    "axis": "#566276",
    "data": "#6fadf5",
    "expected": "#93a1b6",
    "band": "#24436a",
    "span": "#3a2f1c",
    "low": "#a9b5c7",
    "medium": "#e8b04b",
    "high": "#ff8b62",
    "critical": "#ff79a6",
    "good": "#4fc795",
    "bad": "#ff8f86",
    "warn": "#e8b95a",
    "series_1": "#6dacf3",
    "series_2": "#ff9a4d",
    "series_3": "#3fc79f",
    "series_4": "#dd8fc6",
    "series_5": "#e3b93f",
    "series_6": "#72cdf6",
    "series_7": "#ab8fe0",
    "series_8": "#b5c566",
    "series_9": "#f5849f",
    "ramp_1": "#1a2330",
    "ramp_2": "#1c3552",
    "ramp_3": "#22507f",
    "ramp_4": "#2a69a8",
    "ramp_5": "#609fe0",
    "ramp_6": "#b4d6fc",
    "diverging_1": "#ffb27d",
    "diverging_2": "#a4531f",
    "diverging_3": "#5f3a20",
    "diverging_4": "#222b38",
    "diverging_5": "#1f456d",
    "diverging_6": "#2b66a1",
    "diverging_7": "#a5cdf8",
}

SERIES = [LIGHT[f"series_{n}"] for n in range(1, 10)]
RAMP = [LIGHT[f"ramp_{n}"] for n in range(1, 7)]
DIVERGING = [LIGHT[f"diverging_{n}"] for n in range(1, 8)]
SEVERITY_COLOURS = [LIGHT[name] for name in ("low", "medium", "high", "critical")]
SEVERITY_SHAPES = ["circle", "square", "triangle-up", "diamond"]
SEVERITY_SIZES = [34, 52, 76, 100]


def line_height(count: int) -> int:
    """Pixels a line of a grid or of bars gets; less where there are many, so that the picture stays on a page.

    >>> line_height(5), line_height(20)
    (22, 15)
    """
    return 22 if count <= MANY_LINES else 15


def dark_of() -> dict[str, str]:
    """Every light chart colour with its dark one, for the style sheet's exchange."""
    return {LIGHT[name]: DARK[name] for name in LIGHT}


def config() -> dict[str, Any]:
    """The Vega-Lite configuration of every chart."""
    small = {"labelFontSize": 11, "titleFontSize": 11, "labelColor": LIGHT["muted"], "titleColor": LIGHT["muted"]}
    return {
        "background": "transparent",
        "font": FONT,
        "aria": False,
        "padding": 2,
        "view": {"stroke": None, "continuousWidth": CHART_WIDTH, "continuousHeight": 200},
        "axis": small
        | {
            "titleFontWeight": 400,
            "domainColor": LIGHT["axis"],
            "tickColor": LIGHT["axis"],
            "gridColor": LIGHT["grid"],
            "tickSize": 4,
            "labelPadding": 5,
        },
        "axisX": {"grid": False, "titlePadding": 8},
        "axisY": {"domain": False, "ticks": False, "titlePadding": 10},
        "axisBand": {"domain": False, "ticks": False, "grid": False},
        "legend": small
        | {
            "orient": "top",
            "direction": "horizontal",
            "offset": 8,
            "symbolSize": 70,
            "symbolStrokeWidth": 2,
            "columnPadding": 14,
            "gradientLength": 220,
            "gradientStrokeColor": LIGHT["grid"],
            "title": None,
            "padding": 0,
        },
        "header": small | {"labelFontWeight": 600, "labelColor": LIGHT["ink"], "title": None},
        "title": {"fontSize": 13, "fontWeight": 600, "color": LIGHT["ink"], "anchor": "start", "offset": 10},
        "range": {"category": SERIES, "ordinal": RAMP, "ramp": RAMP, "heatmap": RAMP, "diverging": DIVERGING},
        "mark": {"color": LIGHT["data"]},
        "line": {"strokeWidth": 1.4, "strokeJoin": "round", "invalid": "break-paths-show-path-domains"},
        "bar": {"cornerRadiusEnd": 2},
        "text": {"fontSize": 11, "color": LIGHT["ink"]},
        "rule": {"color": LIGHT["muted"]},
    }


def _channels(colour: str) -> tuple[int, int, int]:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise ValueError(f"colour {colour!r}: expected #rrggbb")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (0 black, 1 white), by WCAG 2.2.

    >>> luminance("#ffffff"), luminance("#000000")
    (1.0, 0.0)
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _channels(colour))]
    return round(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2], 6)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21, by WCAG 2.2; body text needs 4.5.

    >>> contrast("#ffffff", "#000000")
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return round((high + 0.05) / (low + 0.05), 3)


def mix(colour: str, towards: str, share: float) -> str:
    """`colour` moved by `share` (0 to 1) towards another.

    >>> mix("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = zip(_channels(colour), _channels(towards), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def readable(colour: str, ground: str, *, ratio: float = 4.5) -> str:
    """`colour`, moved towards black or white until text in it can be read on `ground`.

    A brand's accent is anybody's choice: bright yellow on white would pass no reader.

    >>> contrast(readable("#ffe000", "#ffffff"), "#ffffff") >= 4.5
    True
    """
    end = "#000000" if luminance(ground) > 0.18 else "#ffffff"
    for step in range(21):
        shade = mix(colour, end, step / 20)
        if contrast(shade, ground) >= ratio:
            return shade
    return end


def accents(accent: str) -> dict[str, str]:
    """The shades a report derives from its brand's accent.

    `accent_light` and `accent_dark` are for text on the two grounds; the cover runs from `cover_from` to
    `cover_to`, both dark enough for white text. Of a pale accent that would leave only mud, so its cover is
    neutral and shows the accent itself as `cover_line`.
    """
    pale = contrast(accent, "#ffffff") < 2.5
    cover = LIGHT["ink"] if pale else readable(accent, "#ffffff", ratio=6.0)
    return {
        "accent_light": readable(accent, LIGHT["panel"], ratio=4.6),
        "accent_dark": readable(accent, DARK["panel"], ratio=6.5),
        "cover_from": mix(cover, "#05101f", 0.62),
        "cover_to": mix(cover, "#ffffff", 0.12) if pale else mix(cover, "#05101f", 0.12),
        "cover_line": accent if pale else "#ffffff",
    }
