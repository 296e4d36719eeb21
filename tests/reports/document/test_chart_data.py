"""Rows inside a chart's specification: nothing is lost, and the drawing is the one rows would give."""

import altair as alt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.errors import ReportError
from analytics.reports.document import charts, display
from analytics.reports.document.chart_data import columns_of, with_columns
from analytics.reports.exporters.svg import chart_svg
from tests.reports.sample import series

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1, max_size=8)


def spec_of(frame: pd.DataFrame):
    chart = alt.Chart(frame).mark_point().encode(x="x:Q")
    return display.figure(chart, caption="c", alt="a").data[display.VEGALITE]


@given(
    rows=st.lists(
        st.tuples(
            st.integers(-(2**53), 2**53),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.none() | WORDS,
            st.booleans(),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_what_is_written_is_read_back(rows):
    """Commas, quotes and line ends in a title are part of it; a missing number stays missing and is not zero."""
    frame = pd.DataFrame(rows, columns=["x", "y", "who, what", "is"])

    (columns,) = columns_of(spec_of(frame)).values()

    assert list(zip(*columns.values(), strict=True)) == rows


def test_a_chart_of_csv_is_drawn_as_one_of_rows_would_be():
    """Vega-Lite reads the text itself: numbers as numbers, gaps as gaps."""
    frame, events = series()
    frame.loc[200:260, "observed"] = np.nan

    spec = display.figure(charts.series_chart(frame, events), caption="c", alt="a").data[display.VEGALITE]

    plain = {
        name: [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for name, columns in columns_of(spec).items()
    }
    assert all(isinstance(text, str) for text in spec["datasets"].values())
    as_rows = with_columns(spec, plain)
    assert chart_svg(spec, prefix="c") == chart_svg(as_rows, prefix="c")


def test_dates_are_drawn_where_they_belong():
    """An analyst's own chart of dates and names."""
    frame = pd.DataFrame(
        {"day": pd.date_range("2026-10-01", periods=3), "views": [3, 1, 2], "who": ["a", 'b "c"', "d, e"]}
    )
    chart = alt.Chart(frame).mark_bar().encode(x="day:T", y="views:Q", color="who:N")

    drawn = chart_svg(display.figure(chart, caption="c", alt="a").data[display.VEGALITE], prefix="c")

    assert drawn == chart_svg(
        display._merged(display.theme.config(), chart.to_dict()) | {"description": "a"}, prefix="c"
    )
    assert "d, e" in drawn


def test_what_csv_has_no_word_for_stays_rows():
    """A list in a cell."""
    spec = spec_of(pd.DataFrame({"x": [1], "tags": [["a", "b"]]}))

    assert list(spec["datasets"].values()) == [[{"x": 1, "tags": ["a", "b"]}]]
    assert list(columns_of(spec).values()) == [{"x": [1], "tags": [["a", "b"]]}]


def test_more_rows_than_a_chart_should_draw_are_refused():
    """The limit is Altair's; what to do about it is said."""
    with pytest.raises(ReportError, match="more than 5000 rows"):
        spec_of(pd.DataFrame({"x": range(5001)}))
