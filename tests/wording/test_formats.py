"""How figures are written, and that text from outside stays text."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.reports.exporters import markdown
from analytics.wording import formats


@given(st.text(max_size=200))
def test_literal_text_shows_exactly_as_it_is(text: str):
    """Whatever a post is called, Markdown makes one paragraph of the same words of it."""
    blocks = markdown.parse("x " + formats.literal(text))

    shown = "".join(markdown.plain(block["inlines"]) for block in blocks)
    assert len(blocks) == 1
    assert shown == f"x {formats.clean(text)}".strip()


@given(st.text(max_size=200))
def test_clean_text_is_one_line_and_stays_clean(text: str):
    """Cleaning twice changes nothing more."""
    cleaned = formats.clean(text)

    assert "\n" not in cleaned
    assert "\u202e" not in cleaned
    assert formats.clean(cleaned) == cleaned


@pytest.mark.parametrize("value", [None, float("nan")])
def test_an_unknown_value_is_never_zero(value: float | None):
    """Every format writes a dash."""
    written = {f(value) for f in (formats.number, formats.compact, formats.percent, formats.duration, formats.day)}

    assert written == {"–"}


def test_what_rounds_to_zero_has_no_sign():
    """−0.0 % would claim a fall."""
    assert formats.percent(-0.0001, signed=True) == "0.0\u00a0%"
    assert formats.percent(0.0001, signed=True) == "0.0\u00a0%"


def test_a_magnitude_never_reads_thousand():
    """999,960 rounds into the next magnitude."""
    assert formats.compact(999_960) == "1.00\u00a0M"
    assert formats.compact(9_999) == "9,999"


@pytest.mark.parametrize(
    ("lang", "amount", "when"),
    [
        ("en", "1,234.50", "2 Mar 2026"),
        ("de", "1.234,50", "2. März 2026"),
        ("fr", "1\u202f234,50", "2 mars 2026"),
        ("es", "1.234,50", "2 mar 2026"),
    ],
)
def test_each_language_writes_numbers_and_dates_its_way(lang: str, amount: str, when: str):
    """A brand names its language once."""
    assert formats.number(1234.5, decimals=2, lang=lang) == amount
    assert formats.day(date(2026, 3, 2), lang=lang).replace("\u00a0", " ") == when
