"""What a notebook's display calls put into its outputs."""

import json

import numpy as np
import pandas as pd
import pytest

from analytics.errors import ReportError
from analytics.reports.document import charts, display
from analytics.reports.document.display import TABLE, TILES, VEGALITE, Column, Tile
from tests.reports.sample import HOSTILE, figure, series, table


def cells(block: display.Block, column: int) -> list[dict[str, object]]:
    return [row[column] for row in block.data[TABLE]["rows"]]


def test_a_figure_carries_its_chart_caption_and_description():
    """The MIME type is the one JupyterLab draws and papermill can store; the words serve readers who see no chart."""
    block = figure("Views")

    data, metadata = block._repr_mimebundle_()
    assert data[VEGALITE]["description"] == data["text/plain"] == "Views: a daily rhythm."
    assert metadata["report"]["caption"] == "Views"
    assert metadata["report"]["provenance"]["query"] == "select 1"


def test_every_output_is_strict_json():
    """NaN is no JSON: a notebook that holds one cannot be opened by everybody."""
    frame, events = series()
    frame.loc[10:20, ["observed", "lower"]] = np.nan

    block = display.figure(charts.series_chart(frame, events), caption="c", alt="a")

    for made in (block, table(), display.tiles([Tile("a", float("nan"), sparkline=[1.0, float("nan")])])):
        json.dumps(made.data, allow_nan=False)


@pytest.mark.parametrize(("caption", "alt"), [("", "words"), ("words", " ")])
def test_a_figure_without_words_is_refused(caption: str, alt: str):
    """A picture nobody describes is lost to part of its readers."""
    with pytest.raises(ReportError, match="must say something"):
        display.figure(charts.series_chart(series()[0]), caption=caption, alt=alt)


def test_a_chart_with_too_many_rows_says_what_to_do():
    """Altair's own message advises to switch its limit off."""
    import altair as alt

    chart = alt.Chart(pd.DataFrame({"x": range(6000)})).mark_point().encode(x="x:Q")

    with pytest.raises(ReportError, match="thin the series"):
        display.figure(chart, caption="c", alt="a")


def test_a_change_has_sign_arrow_and_tone():
    """Colour alone would say nothing to one reader in twelve."""
    frame = pd.DataFrame({"c": [0.062, -0.05, 0.0, np.nan]})

    up, down, flat, unknown = cells(
        display.table(frame, caption="t", columns=[Column("c", format="change", good="up")]), 0
    )

    assert (up["text"], up["way"], up["tone"]) == ("+6.2\u00a0%", "up", "good")
    assert (down["text"], down["way"], down["tone"]) == ("−5.0\u00a0%", "down", "bad")
    assert (flat["way"], flat["tone"]) == ("flat", "neutral")
    assert unknown["text"] == "–"


def test_where_falling_is_welcome_a_fall_is_good():
    """Fewer failed collections is good news."""
    frame = pd.DataFrame({"c": [-3.0]})

    block = display.table(frame, caption="t", columns=[Column("c", format="difference", good="down")])

    assert cells(block, 0)[0]["tone"] == "good"


def test_runs_of_a_group_become_heading_rows():
    """Rows come in the order given; only neighbours are joined."""
    frame = pd.DataFrame({"g": ["x", "x", "y", "x"], "v": [1, 2, 3, 4]})

    payload = display.table(frame, caption="t", group="g").data[TABLE]

    assert payload["groups"] == [{"start": 0, "label": "x"}, {"start": 2, "label": "y"}, {"start": 3, "label": "x"}]
    assert [column["label"] for column in payload["columns"]] == ["v"]


def test_a_missing_column_names_those_there_are():
    """A typo in a report is found at once."""
    with pytest.raises(ReportError, match=r"no column 'viewz'; it has views"):
        display.table(pd.DataFrame({"views": [1]}), caption="t", columns=[Column("viewz")])


def test_a_severity_that_is_none_is_refused():
    """A badge without meaning must not be printed."""
    with pytest.raises(ReportError, match="'huge'"):
        display.table(pd.DataFrame({"s": ["huge"]}), caption="t", columns=[Column("s", format="severity")])


def test_the_form_for_jupyterlab_is_escaped():
    """JupyterLab shows `text/html` of a trusted notebook as it is."""
    shown = table().data["text/html"]

    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;" in shown


def test_third_party_text_is_cleaned_but_kept():
    """The title still says what it said."""
    assert cells(table(), 0)[0]["text"] == HOSTILE


def test_tiles_write_numbers_and_read_the_sign_of_their_comparison():
    """The arrow comes from the words, so the two cannot disagree."""
    tile = Tile("Views", 41_800_000, delta="+6.2 % on September", delta_2="−1.0 % on October 2025", tone="good")

    payload = display.tiles([tile]).data[TILES]["tiles"][0]

    assert payload["value"] == "41.8\u00a0M"
    assert [delta["way"] for delta in payload["deltas"]] == ["up", "down"]


def test_the_covers_language_is_that_of_all_figures_after_it():
    """A brand names its language once, on the cover."""
    display.cover(title="Bericht", period="Oktober 2026", language="de")

    assert display.tiles([Tile("Aufrufe", 1234.5)]).data[TILES]["tiles"][0]["value"] == "1.234"


def test_blocks_show_one_after_another():
    """One call of a section shows several things; what is None is left out."""
    shown = display.blocks(display.prose("a"), None, display.callout("b"))

    assert len(list(shown)) == 2


def test_a_logo_travels_inside_the_report(tmp_path):
    """A link to a file would be broken in the reader's mail."""
    path = tmp_path / "logo.SVG"
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")

    assert display.logo_address(path).startswith("data:image/svg+xml;base64,")


@pytest.mark.parametrize("name", ["missing.svg", "logo.exe", "big.png"])
def test_a_logo_that_cannot_travel_is_refused(tmp_path, name):
    """By its name, before anything is drawn."""
    (tmp_path / "logo.exe").write_bytes(b"MZ")
    (tmp_path / "big.png").write_bytes(b"0" * 300_000)

    with pytest.raises(ReportError, match=name):
        display.logo_address(tmp_path / name)
