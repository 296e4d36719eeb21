"""Feeds as publishers send them: what one character is wrong in costs that character."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from analytics.adapters.feeds import feed_of
from analytics.adapters.xml_text import decoded, parseable

SHARED = Path(__file__).parents[3] / "shared" / "data" / "hunt"


def feed(title: str, *, encoding: str = "UTF-8", link: str = "https://a.example/p/one") -> str:
    return (
        f'<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel><title>Orchard</title>'
        f"<item><title>{title}</title><link>{link}</link><guid>https://a.example/p/one</guid></item>"
        "<item><title>Two</title><guid>https://a.example/p/two</guid></item></channel></rss>"
    )


def titles(raw: bytes) -> list[str]:
    payload, fault = feed_of(raw)
    assert fault is None
    return [entry["title"] for entry in payload["entries"]]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("pressed\x0bfresh", "pressedfresh"),
        ("a\x00b\ufffe\x1f", "ab"),
        ("a&#11;b&#x0;&#xD800;&#xFFFF;&#9999999;", "ab"),
        ("R&D", "R&D"),
        ("R&amp;D &#38; &#x26;", "R&D & &"),
        ("a & b &", "a & b &"),
        ("caf&eacute;&nbsp;&hellip;", "café\xa0…"),
        ("&copy 2026 &unknown; &Uuml;ber", "&copy 2026 &unknown; Über"),
        ("<![CDATA[R&D &amp; caf&eacute; \x0b]]>", "R&D &amp; caf&eacute;"),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
    ],
)
def test_an_odd_character_costs_itself(written, read):
    payload, fault = feed_of(feed(written).encode("utf-8", "surrogatepass"))

    assert fault is None
    assert len(payload["entries"]) == 2
    assert payload["entries"][0]["title"] in {read, read.replace("&amp;", "&").replace("&eacute;", "é")}


def test_a_bare_ampersand_in_an_address_stays_in_it():
    payload, _ = feed_of(feed("One", link="https://a.example/p/one?a=1&copy=80").encode())

    assert payload["entries"][0]["link"] == "https://a.example/p/one?a=1&copy=80"


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("Shift_JIS", "cp932", "果樹園の手紙①"),
        ("x-sjis", "shift_jis", "果樹園"),
        ("EUC-JP", "euc_jp", "果樹園"),
        ("ISO-2022-JP", "iso2022_jp", "果樹園"),
        ("GB2312", "gb18030", "苹果园"),
        ("Big5", "big5", "蘋果園"),
        ("EUC-KR", "cp949", "과수원"),
        ("windows-1251", "cp1251", "Яблоня"),
        ("KOI8-R", "koi8_r", "Яблоня"),
        ("iso-8859-1", "cp1252", "“café”"),
        ("windows-1252", "utf-8", "cafe"),
        ("x-orchard", "utf-8", "café 果樹園"),
        ("x-orchard", "cp1252", "café"),
        ("utf-8", "utf-16", "café"),
        ("UTF-16", "utf-8", "café"),
        ("utf-7", "utf-8", "+AGE-"),
        ("punycode", "utf-8", "café"),
        ("rot13", "utf-8", "café"),
        ("hex", "utf-8", "café"),
        ("unicode_escape", "utf-8", "\\u0041"),
    ],
)
def test_every_encoding_is_read_and_an_unknown_one_is_found(label, codec, text):
    assert titles(feed(text, encoding=label).encode(codec)) == [text, "Two"]


def test_bytes_that_are_not_what_is_declared_cost_themselves():
    raw = feed("caf\u00e9 XX 果樹園").encode().replace(b"XX", b"\xff")

    assert titles(raw) == ["café \ufffd 果樹園", "Two"]


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_the_declaration_is_ours(version):
    assert parseable(f'\n <?xml version="{version}" standalone="yes"?>\n<a/>'.encode()).count(b"<?xml") == 1


@pytest.mark.parametrize("piece", ["<!--", "<![CDATA[", "<?", "&#1", "&a", "<?xml encoding="])
def test_hostile_repetition_takes_no_time_that_grows_faster_than_it(piece):
    """Unclosed constructs end the search; each once made it begin anew."""
    started = time.process_time()

    parseable(piece.encode() * 200_000)

    assert time.process_time() - started < 5


def test_text_is_found_by_its_mark():
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert decoded("<a>é</a>".encode(encoding)) == "<a>é</a>"


@pytest.mark.skipif(not SHARED.exists(), reason="material beside the project")
@pytest.mark.parametrize("name", ["feed_bare_ampersand.xml", "feed_control_character.xml"])
def test_every_post_of_such_a_feed_is_read(name):
    payload, fault = feed_of((SHARED / name).read_bytes())

    assert fault is None
    assert [entry["id"].rpartition("/")[2] for entry in payload["entries"]] == ["one", "two"]
