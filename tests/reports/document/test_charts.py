"""Chart builders: nothing that matters is thinned away, and every colour can be exchanged for the dark."""

import re

import numpy as np
import pandas as pd
import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from analytics.errors import ReportError
from analytics.reports.document import charts, display, theme
from analytics.reports.document.chart_data import columns_of
from analytics.reports.exporters.svg import chart_svg
from tests.reports.sample import series

CELLS = pd.DataFrame(
    [(p, f"{d:02d}", d * (1 if p == "a" else -1)) for p in "ab" for d in range(1, 8)], columns=["p", "d", "n"]
)
BUILT = {
    "series": lambda: charts.series_chart(*series()),
    "marked": lambda: charts.series_chart(
        series()[0], marks=pd.DataFrame({"time": pd.to_datetime(["2026-10-02T00:00Z"]), "label": ["Launch"]})
    ),
    "heatmap": lambda: charts.heatmap(CELLS[CELLS["n"] > 0], x="d", y="p", value="n", title="Anomalies"),
    "diverging": lambda: charts.heatmap(CELLS, x="d", y="p", value="n", diverging=True, text_format="+d"),
    "bars": lambda: charts.bars(CELLS.iloc[:7], category="d", value="n", reference=3.0),
    "negative bars": lambda: charts.bars(CELLS.iloc[7:], category="d", value="n"),
    "multiples": lambda: charts.small_multiples(
        CELLS.assign(t=pd.to_datetime("2026-10-" + CELLS["d"]), hi=CELLS["n"] + 1),
        x="t", y="n", panel="p", band=("n", "hi"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BUILT)
def test_every_colour_drawn_is_one_of_the_palette(name: str):
    """Any other would stay as it is when the page turns dark."""
    spec = display.figure(BUILT[name](), caption="c", alt="a").data[display.VEGALITE]

    drawn = chart_svg(spec, prefix="c1")

    used = set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawn)) - {"none", "transparent"}
    assert used
    assert used <= set(theme.LIGHT.values())


def test_a_heat_maps_legend_ends_where_its_counts_do():
    """One incident a day at most stood beside a legend up to five."""
    chart = charts.heatmap(CELLS.assign(n=CELLS["n"].clip(0, 1)), x="d", y="p", value="n")

    colour = chart.to_dict()["encoding"]["color"]
    assert colour["scale"]["domain"] == [1]
    assert colour["scale"]["range"] == [theme.RAMP[0], theme.RAMP[-1]]


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), min_size=1, max_size=400),
    st.integers(2, 60),
    st.data(),
)
def test_thinning_keeps_extremes_anomalies_and_gaps(values: list[float], points: int, data: st.DataObject):
    """A picture may show fewer points; it may not hide a peak, an anomaly or an outage."""
    array = np.array(values)
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))

    kept = charts.thin(np.arange(len(values)), array, keep=keep, points=points)

    assert set(np.flatnonzero(keep)) <= set(kept)
    assert list(kept) == sorted(set(kept))
    assert len(kept) <= max(points * 1.5 + 4, 4) + keep.sum() or len(values) <= points
    assert np.isnan(array).any() == np.isnan(array[kept]).any()
    if np.isfinite(array).any():
        assert (np.nanmin(array[kept]), np.nanmax(array[kept])) == (np.nanmin(array), np.nanmax(array))


def test_a_gap_breaks_the_line():
    """A line drawn across an outage would be an invention."""
    frame, _ = series()
    frame.loc[200:400, "observed"] = np.nan

    spec = display.figure(charts.series_chart(frame), caption="c", alt="a").data[display.VEGALITE]

    columns = next(columns for columns in columns_of(spec).values() if "observed" in columns)
    drawn = chart_svg(spec, prefix="c1")
    line = re.search(rf'<path d="([^"]+)" stroke="{theme.LIGHT["data"]}"', drawn)
    assert None in columns["observed"]
    assert line is not None
    assert line.group(1).count("M") == 2


@pytest.mark.parametrize("values", [[np.nan] * 3, [0.0] * 3, [1.0]])
def test_a_chart_with_little_or_nothing_to_draw_is_a_whole_drawing(values: list[float]):
    """As on the first day of an account; a drawing that does not close would take the PDF with it."""
    times = pd.date_range("2026-10-01", periods=len(values), freq="5min", tz="UTC")
    frame = pd.DataFrame({"time": times, "observed": values, "expected": np.nan, "lower": np.nan, "upper": np.nan})

    spec = display.figure(charts.series_chart(frame), caption="c", alt="a").data[display.VEGALITE]

    assert ElementTree.fromstring(chart_svg(spec, prefix="c")).tag.endswith("svg")


def test_times_are_the_report_zones_wall_clock():
    """The reader's browser and the machine that draws have zones of their own; neither may show."""
    frame, _ = series(days=1)

    spec = charts.series_chart(frame, timezone="Europe/Berlin").to_dict()

    first = min(row["time"] for rows in spec["datasets"].values() for row in rows)
    assert pd.Timestamp(first, unit="ms") == pd.Timestamp("2026-10-01T02:00")


def test_an_unknown_severity_is_refused():
    """It would be drawn without shape and colour."""
    frame, events = series()

    with pytest.raises(ReportError, match="'huge'"):
        charts.series_chart(frame, events.assign(severity="huge"))


def test_a_series_without_rows_is_refused():
    """An empty picture says nothing is wrong."""
    with pytest.raises(ReportError, match="no rows"):
        charts.series_chart(pd.DataFrame({"time": [], "observed": []}))


def test_the_same_chart_gives_the_same_drawing_every_time():
    """The drawing library numbers gradients and clips for the life of its process."""
    frame, events = series()
    specs = [
        display.figure(charts.series_chart(frame, events), caption="c", alt=a).data[display.VEGALITE] for a in "ab"
    ]

    first, second = (chart_svg(spec, prefix="c1") for spec in specs)

    assert first == second


def test_a_drawing_keeps_the_words_of_its_figures():
    """Places are rounded to a tenth of a pixel, what is written is not: 1.07 is not 1.1."""
    frame = pd.DataFrame({"day": ["a", "b"], "series": ["x", "x"], "index": [1.07, 0.256]})
    chart = charts.heatmap(frame, x="day", y="series", value="index", text_format=".2f")

    drawing = chart_svg(chart.to_dict(), prefix="c")

    assert ">1.07<" in drawing
    assert ">0.26<" in drawing
