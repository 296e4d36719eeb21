"""A letter is in its report's language: subject, sentences, button, and the charts' axes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from analytics.reports.exporters import svg
from analytics.reports.exporters.common import document
from analytics.reports.publishing import mail
from tests.reports.publishing.test_site import DRAFT
from tests.reports.sample import cover, figure, notebook_of, shown


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["Open the report", "The whole report: https", "(version 2: newer)", 'lang="en"']),
        ("de", ["Bericht öffnen", "Der ganze Bericht: https", "(Fassung 2: newer)", 'lang="de"']),
        ("fr", ["Ouvrir le rapport", "Le rapport complet\u00a0: https", "(version 2\u00a0: newer)", 'lang="fr"']),
        ("es", ["Abrir el informe", "El informe completo: https", "(versión 2: newer)", 'lang="es"']),
    ],
)
def test_a_letter_speaks_the_language_of_its_report(tmp_path: Path, language, said):
    """Who reads a French report gets no English letter around it."""
    path = tmp_path / "r.ipynb"
    nbformat.write(notebook_of(shown(cover(language=language)), figure()), path)
    version = replace(DRAFT, version=2, changed="newer")

    letter = mail.letter(
        version, path, None, sender="a@b.example", recipient="c@d.example", named="<1@b.example>", brand="Acme",
        accent="#1c5fb0", link="https://reports.example",
    )  # fmt: skip

    bodies = [letter.get_body((kind,)).get_content() for kind in ("plain", "html")]
    assert [words for words in said if words not in f"{letter['Subject']} {' '.join(bodies)}"] == []


def test_a_letters_charts_write_dates_as_its_language_does():
    """The picture is drawn with the locale of the page's own charts."""
    block = next(b for b in document(notebook_of(figure()), "html").blocks if b["type"] == "figure")

    english, german = (svg.chart_png(block["spec"], scale=1, language=code) for code in ("en", "de"))

    assert english.startswith(b"\x89PNG")
    assert english != german
