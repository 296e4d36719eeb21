"""The published site: versions stay, links hold, the feed is read by a reader, a hostile title stays text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import feedparser
import pytest

from analytics.errors import InputError
from analytics.jobs.reporting.published import site_brand
from analytics.params.files import Params
from analytics.params.reports import Brand, ReportParams
from analytics.reports.publishing import site
from analytics.reports.publishing.versions import Version

BRAND = {"name": "Acme & Sons", "accent": "#1c5fb0", "language": "en"}
DRAFT = Version(
    name="traffic", period="2026-10", version=0, title="Traffic", label="October 2026",
    published_at="2026-11-01T06:00:00+00:00", files={}, sizes={}, platforms=("X", "GitHub"),
    headline=("First sentence.", "Second."), parameters={"month": "2026-10"}, rerun="analytics report traffic",
    seal="a", snapshot="1",
)  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    made = {}
    for kind in ("html", "pdf", "csv"):
        made[kind] = tmp_path / f"traffic-2026-10.{kind}"
        made[kind].write_text(f"first {kind}", "utf-8")
    return made


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


def test_a_second_version_keeps_the_first_and_says_what_changed(out, files):
    first = site.publish(out, DRAFT, files, brand=BRAND)
    files["html"].write_text("second html", "utf-8")

    second = site.publish(out, replace(DRAFT, seal="b", snapshot="2"), files, brand=BRAND)

    assert (first.version, second.version, second.changed) == (1, 2, "the data have changed since")
    assert (out / first.address("html")).read_text() == "first html"
    assert (out / second.address("html")).read_text() == (out / second.stable("html")).read_text() == "second html"
    assert (out / "traffic" / "latest.html").read_text() == "second html"


def test_the_same_report_again_is_no_new_version(out, files):
    site.publish(out, DRAFT, files, brand=BRAND)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    again = site.publish(out, replace(DRAFT, published_at="2026-12-01T06:00:00+00:00"), files, brand=BRAND)

    assert again.version == 1
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_an_older_month_made_anew_is_not_the_latest(out, files):
    site.publish(out, DRAFT, files, brand=BRAND)
    files["html"].write_text("september", "utf-8")

    site.publish(out, replace(DRAFT, period="2026-09", seal="s"), files, brand=BRAND)

    assert (out / "traffic" / "latest.html").read_text() == "first html"
    page = (out / "index.html").read_text("utf-8")
    assert page.index('<article class="entry" data-words="traffic october') >= 0
    assert page.index("traffic/2026-10/") < page.index("traffic/2026-09/")


def text(path: Path) -> str:
    return path.read_text("utf-8")


def test_a_run_with_other_parameters_is_a_version_and_in_nobodys_way(out, files):
    """A slice for one's own eyes once was what `latest` and every saved link led to."""
    site.publish(out, DRAFT, files, brand=BRAND)
    usual = {kind: text(path) for kind, path in files.items()}
    files["html"].write_text("a slice", "utf-8")
    other = replace(DRAFT, is_usual=False, parameters={"month": "2026-10", "platforms": ["youtube"]}, seal="s")
    days = replace(DRAFT, period="2026-10-05--2026-10-18", label="Two weeks", parameters={"month": "…"}, seal="d")

    first, same = (site.publish(out, other, files, brand=BRAND) for _ in range(2))
    site.publish(out, days, files, brand=BRAND)
    files["html"].write_text(usual["html"], "utf-8")
    again = site.publish(out, DRAFT, files, brand=BRAND)

    assert (first.version, same.version, again.version) == (2, 2, 1)
    assert first.changed == "made with other parameters (platforms)"
    assert text(out / "traffic" / "latest.html") == text(out / again.stable("html")) == usual["html"]
    assert text(out / first.address("html")) == text(out / "traffic" / days.period / files["html"].name) == "a slice"
    page = text(out / "index.html")
    assert page.index("traffic/2026-10/traffic") < page.index("traffic/2026-10-05")


def test_a_month_that_runs_is_not_the_latest_until_it_has_ended(out, files):
    """Its preview may be the same to the byte as the report after its end; only that one is sent and the latest."""
    site.publish(out, DRAFT, files, brand=BRAND)
    files["html"].write_text("november", "utf-8")
    november = replace(DRAFT, period="2026-11", published_at="2026-11-20T06:00:00+00:00", seal="n")

    preview = site.publish(out, november, files, brand=BRAND)
    before = text(out / "traffic" / "latest.html")
    over = site.publish(out, replace(november, published_at="2026-12-01T06:00:00+00:00"), files, brand=BRAND)

    assert (preview.is_regular, before) == (False, "first html")
    assert (over.version, over.is_regular, over.changed) == (2, True, "the month has ended")
    assert text(out / "traffic" / "latest.html") == "november"


def test_some_of_the_same_files_are_no_new_version(out, files):
    """A rerun for its HTML alone says nothing that the version that stands does not."""
    site.publish(out, DRAFT, files, brand=BRAND)

    again = site.publish(out, replace(DRAFT, seal="h"), {"html": files["html"]}, brand=BRAND)

    assert again.version == 1


def test_a_feeds_ids_are_its_sites_own(tmp_path, files):
    """Two sites with reports of the same names are two feeds; a new brand is the same one (RFC 4287, 4.2.6)."""

    def ids(out: Path, **brand: str) -> list[str]:
        site.publish(out, DRAFT, files, brand=BRAND | brand)
        feed = feedparser.parse((out / "feed.xml").read_bytes())
        return [feed.feed.id, *(entry.id for entry in feed.entries)]

    one, other = ids(tmp_path / "one"), ids(tmp_path / "other")

    assert ids(tmp_path / "one", name="Globex") == one
    assert len({*one, *other}) == 4


def test_the_sites_brand_is_the_default_reports_whoever_publishes():
    def named(*names: str) -> Params:
        return Params(reports={name: ReportParams(brand=Brand(name=name.title())) for name in names})

    assert site_brand(named("acme", "traffic"))["name"] == "Traffic"
    assert site_brand(named("globex", "acme"))["name"] == "Acme"
    assert site_brand(Params())["name"] == Brand().name


def test_every_link_of_the_gallery_and_the_feed_leads_to_a_file(out, files):
    import re

    site.publish(out, DRAFT, files, brand=BRAND)
    feed = feedparser.parse((out / "feed.xml").read_bytes())

    links = re.findall(r'href="([^"#]+)"', (out / "index.html").read_text("utf-8"))
    links += [link["href"] for entry in feed.entries for link in entry.links]
    assert not feed.bozo
    assert [entry.title for entry in feed.entries] == ["Traffic, October 2026"]
    assert {kind for kind in files if any(link.endswith(kind) for link in links)} == set(files)
    assert [link for link in links if not (out / link).is_file()] == []


def test_a_hostile_title_stays_text(out, files):
    site.publish(out, replace(DRAFT, title="<img src=x onerror=alert(1)>"), files, brand=BRAND)

    page = (out / "index.html").read_text("utf-8")

    assert "<img" not in page
    assert "&lt;img src=x" in page
    assert "script-src &#39;sha256-" in page
    assert "Acme &amp; Sons" in page


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", ["Bericht suchen", "Neuester", "1 Fassung, und wie man sie wieder macht", "vorläufig", "1. Nov. 2026"]),
        (
            "fr",
            ["Trouver un rapport", "Le plus récent", "1 version, et comment la refaire", "provisoire", "1 nov. 2026"],
        ),
        ("es", ["Buscar un informe", "El más reciente", "1 versión, y cómo volver a hacerla", "1 nov 2026"]),
    ],
)
def test_the_gallery_speaks_the_brands_language(out, files, language, said):
    """Its words, dates and sizes; the reports' own words stay as they are."""
    brand = BRAND | {"language": language}
    site.publish(out, replace(DRAFT, status="provisional"), files, brand=brand)
    files["html"].write_text("second", "utf-8")

    page = (out / "index.html").read_text("utf-8").replace("\u00a0", " ")
    again = site.publish(out, replace(DRAFT, seal="b", snapshot="2"), files, brand=brand)

    assert f'<html lang="{language}">' in page
    assert [words for words in said if words not in page] == []
    assert not any(words in page for words in ("Find a report", "Newest", "published", "how to make", "Copy<"))
    assert again.changed.count(";") == 1
    assert "have changed" not in again.changed


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".."])
def test_a_name_that_is_a_path_is_refused(out, files, name):
    with pytest.raises(InputError, match="expected letters"):
        site.publish(out, replace(DRAFT, name=name), files, brand=BRAND)


def test_half_a_version_is_passed_over(out, files):
    site.publish(out, DRAFT, files, brand=BRAND)
    broken = out / "traffic" / "2026-10" / "v2"
    broken.mkdir()
    (broken / "version.json").write_text("{", "utf-8")

    assert [v.version for v in site.versions(out)] == [1]


def test_a_control_character_in_the_brand_leaves_the_feed_readable(out, files):
    """No reader of feeds could open it any more."""
    bad = "Ac\x00me \x1b[31m\ud800\ufffe\u202e& Sons"
    draft = replace(DRAFT, title=bad, label=bad, headline=(bad,), changed=bad)

    site.publish(out, draft, files, brand=BRAND | {"name": bad})

    root = fromstring((out / "feed.xml").read_bytes())  # noqa: S314 - our own
    names = [name.text for name in root.iter("{http://www.w3.org/2005/Atom}name")]
    assert len(names) == 1
    assert names[0] is not None
    assert names[0].startswith("Acme [31m")
    assert (out / "index.html").read_text("utf-8")
