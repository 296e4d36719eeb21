"""Every sentence of a report exists in every language, with the same places; a German report is German throughout."""

from __future__ import annotations

import re
import string
from functools import cache
from typing import get_args

import numpy as np
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.units import format_unit

from analytics.anomalies.events import RULES
from analytics.baselines.model import Window
from analytics.baselines.outlook import MODELS
from analytics.baselines.rates import to_rate
from analytics.baselines.warn import warnings_of
from analytics.errors import ReportError
from analytics.model import SEVERITIES, Aggregation, DataType, MetricDefinition
from analytics.monitoring.axis import TOO_COARSE
from analytics.reports.sections.method import below
from analytics.store.remarks import Kind
from analytics.wording import formats
from analytics.wording.language import FOLDER, LANGUAGES, say, translated, use_language
from analytics.wording.sentences import WORDS, counted, metric_name
from tests.reports.messages import Message, all_messages

OTHERS = [code for code in LANGUAGES if code != "en"]


@cache
def catalogue(code: str) -> Catalog:
    with (FOLDER / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code)


def known(code: str) -> dict[Message, tuple[str, ...]]:
    """A catalogue's messages with their translations."""
    found: dict[Message, tuple[str, ...]] = {}
    for message in catalogue(code):
        if message.id:
            ids = message.id if isinstance(message.id, tuple) else (message.id, "")
            texts = message.string if isinstance(message.string, tuple) else (message.string,)
            found[message.context or "", *ids] = tuple(map(str, texts))
    return found


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", OTHERS)
def test_every_message_is_translated_and_nothing_else_is_kept(code):
    """A sentence added in English is missed here, not by a reader; one taken out leaves the catalogues too."""
    wanted, there = all_messages(), known(code)

    assert wanted - set(there) == set()
    assert set(there) - wanted == set()
    assert [key for key, texts in there.items() if not all(text.strip() for text in texts)] == []
    assert not any(message.fuzzy for message in catalogue(code))


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_has_the_places_of_its_message(code):
    """One place less would lose a figure; one more would end the report."""
    wrong = [
        (ours, text)
        for (_, one, many), texts in known(code).items()
        for ours, text in zip((one, many), texts, strict=False)
        if places(text) != places(ours)
    ]

    assert wrong == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_begins_and_ends_as_its_message(code):
    """A line that begins large or ends with a stop is joined to others by its form."""
    for (_, one, _), texts in known(code).items():
        for text in texts:
            assert text[0].isspace() == one[0].isspace(), one
            assert text.rstrip()[-1] in ".:" if one[-1] in ".:" else text[-1] not in ".:" or one[-1] == "h", (one, text)


def test_french_keeps_its_signs_to_their_words():
    """A colon, a semicolon or a per cent sign never begins a line."""
    broken = [text for texts in known("fr").values() for text in texts if re.search(r" [:;%»]|« ", text)]

    assert broken == []


def test_words_that_figures_bring_are_all_known():
    """Severities, rules, verdicts, models and kinds of metrics are said by their names."""
    brought = {*SEVERITIES, *(rule.replace("_", "-") for rule in RULES), *get_args(Kind), *MODELS}

    assert brought | set(get_args(Aggregation)) | set(get_args(DataType)) <= set(WORDS)


def test_what_the_maths_says_of_a_series_is_said_in_every_language():
    """It knows English only; its sentences are found again with their figures."""
    times = np.datetime64("2026-10-01T00:00", "ns") + np.arange(24 * 12) * np.timedelta64(1, "h")
    said: set[str] = set(TOO_COARSE)
    for values in (np.arange(288.0) % 7, np.zeros(288), np.where(np.arange(288) % 3, 0.0, 5.0), np.full(288, np.nan)):
        values[:60] = np.nan
        said |= set(warnings_of(Window(times, values[None, :], 3600.0)))
    gone = np.delete(np.arange(288), slice(100, 130))
    said |= set(to_rate(times[gone], np.where(gone < 200, 50.0 + gone, gone - 200.0)).warnings)

    use_language("de")
    german = {below(text) for text in said}

    assert len(said) >= 6
    assert german & said == set()
    assert any("12,0 Tage" in text for text in german)


def test_a_count_takes_the_form_its_language_wants():
    """French counts nought in the singular; every language groups its digits."""
    said = {}
    for code in LANGUAGES:
        use_language(code)
        said[code] = [counted(n, "{n} incident", "{n} incidents") for n in (0, 1, 2)]

    assert said["fr"] == ["0 incident", "1 incident", "2 incidents"]
    assert said["de"] == ["0 Vorfälle", "1 Vorfall", "2 Vorfälle"]
    assert said["es"] == ["0 incidentes", "1 incidente", "2 incidentes"]
    assert counted(12_345, "{n} incident", "{n} incidents", lang="de") == "12.345 Vorfälle"


def test_names_of_metrics_stand_as_the_language_writes_them():
    """German nouns stay large within a line; a daily figure summed up is no longer a day's."""
    views = MetricDefinition("x", "views", "Views per day", "views", "gauge", "sum")
    own = MetricDefinition("x", "own", "Bespoke figure", "things", "gauge", "sum")

    names = {}
    for code in LANGUAGES:
        use_language(code)
        names[code] = (metric_name(views), metric_name(views, total=True))

    assert names["en"] == ("views per day", "views")
    assert names["de"] == ("Aufrufe pro Tag", "Aufrufe")
    assert names["fr"] == ("vues par jour", "vues")
    use_language("de")
    assert metric_name(own) == "Bespoke figure"


@pytest.mark.parametrize("code", ["fr", "es"])
def test_lengths_of_time_are_written_as_cldr_writes_them(code):
    """The day is `j` in French and `d` in Spanish; short forms, from babel."""
    for unit, seconds in (("day", 2 * 86_400), ("hour", 7200), ("minute", 120), ("second", 2)):
        cldr = format_unit(2, f"duration-{unit}", length="short", locale=code)

        assert formats.duration(seconds, lang=code).replace("\u00a0", " ") == re.sub(r"\s", " ", str(cldr))


@pytest.mark.parametrize(
    ("code", "amounts"),
    [
        ("en", "12.3 k|41.8 M|2.50 bn"),
        ("de", "12,3 Tsd.|41,8 Mio.|2,50 Mrd."),
        ("fr", "12,3 k|41,8 M|2,50 Md"),
        ("es", "12,3 mil|41,8 M|2.500 M"),
    ],
)
def test_magnitudes_are_the_languages_own(code, amounts):
    """Spanish has no short word for a thousand million."""
    written = "|".join(formats.compact(amount, lang=code) for amount in (12_345, 4.18e7, 2.5e9))

    assert written.replace("\u00a0", " ") == amounts


def test_an_unknown_language_is_refused_and_unknown_words_stay():
    """An analyst's own words are shown as they are."""
    with pytest.raises(ReportError, match="language 'xx': expected one of en, de, fr, es"):
        use_language("xx")

    assert say("Our own words {here}", lang="de") == "Our own words {here}"
    assert (
        translated("## Outlook\n\nOur own words.\n\n- a list", "fr") == "## Perspectives\n\nOur own words.\n\n- a list"
    )
