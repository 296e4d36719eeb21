"""The palette: readable in both themes, and exchangeable colour for colour."""

import pytest

from analytics.reports.document import theme


def test_no_two_light_colours_are_the_same():
    """The dark theme replaces one hex value by another: two names with one value could not differ."""
    assert len(set(theme.LIGHT.values())) == len(theme.LIGHT)
    assert theme.LIGHT.keys() == theme.DARK.keys()


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "muted", "good", "bad", "warn", "low", "medium", "high", "critical"])
def test_text_can_be_read_on_ground_and_panel(palette: dict[str, str], name: str):
    """WCAG AA: 4.5 for text; severities double as the colour of small badges."""
    floor = 3.0 if name == "medium" else 4.5  # its badge is written in `warn`; as a mark it needs 3

    assert theme.contrast(palette[name], palette["ground"]) >= floor
    assert theme.contrast(palette[name], palette["panel"]) >= min(floor, 4.5) - 0.3


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_marks_stand_out_from_the_ground(palette: dict[str, str]):
    """WCAG 1.4.11: graphical objects need 3."""
    for name in ("data", "expected", *(f"series_{n}" for n in range(1, 10))):
        assert theme.contrast(palette[name], palette["ground"]) >= 2.7, name


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ramp", ["ramp", "diverging"])
def test_figures_in_heat_map_cells_can_be_read(palette: dict[str, str], ramp: str):
    """Outer steps carry the ground's colour as text, inner ones the ink's."""
    count = 6 if ramp == "ramp" else 7
    outer = {5, 6} if ramp == "ramp" else {1, 7}

    for step in range(1, count + 1):
        words = palette["ground"] if step in outer else palette["ink"]
        assert theme.contrast(words, palette[f"{ramp}_{step}"]) >= 4.4, step


@pytest.mark.parametrize("accent", ["#ffe000", "#ffffff", "#000000", "#e4002b", "#1c5fb0"])
def test_any_accent_becomes_readable(accent: str):
    """A brand's yellow on white would pass no reader; its hue is kept, its lightness moved."""
    shades = theme.accents(accent)

    assert theme.contrast(shades["accent_light"], theme.LIGHT["ground"]) >= 4.5
    assert theme.contrast(shades["accent_dark"], theme.DARK["ground"]) >= 4.5
    assert theme.contrast("#ffffff", shades["cover_to"]) >= 4.5
    assert theme.contrast("#ffffff", shades["cover_from"]) >= 4.5
