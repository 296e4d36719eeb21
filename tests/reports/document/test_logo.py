"""A logo is a picture: whatever else an SVG file holds is refused by name, or left out."""

from __future__ import annotations

import base64

import pytest
from nbformat.v4 import new_notebook

from analytics.errors import ReportError
from analytics.reports.document import display
from analytics.reports.document.logo import MOST_BYTES, checked, drawing, logo_address
from analytics.reports.exporters.common import document
from analytics.reports.exporters.html import ReportHTMLExporter
from tests.reports.sample import cover, notebook_of, shown

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 40 20"'
TINY_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def svg(inner: str, attributes: str = "", before: str = "") -> bytes:
    return f"{before}{HEAD} {attributes}>{inner}</svg>".encode()


HOSTILE = {
    "a script": (svg("<script>alert(1)</script>"), "the element 'script'"),
    "a script of another language": (
        svg('<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>'),
        "the element 'script'",
    ),
    "a script deep inside": (svg("<g><defs><script>1</script></defs></g>"), "the element 'script'"),
    "a handler": (svg("", 'onload="alert(1)"'), "the handler 'onload'"),
    "a handler inside": (svg('<rect onClick="alert(1)"/>'), "the handler 'onClick'"),
    "a page": (svg("<foreignObject><body/></foreignObject>"), "the element 'foreignObject'"),
    "a frame": (svg('<iframe xmlns="http://www.w3.org/1999/xhtml"/>'), "the element 'iframe'"),
    "a link that runs": (svg('<a href="javascript:alert(1)"><rect/></a>'), "the element 'a'"),
    "an animation": (svg('<set attributeName="href" to="javascript:alert(1)"/>'), "the element 'set'"),
    "another host's picture": (svg('<image href="https://evil.example/x.png"/>'), "refers to 'https://evil"),
    "a file of this machine": (svg('<image xlink:href="file:///etc/passwd"/>'), "refers to 'file:///etc/passwd'"),
    "a neighbouring file": (svg('<image href="../report.json"/>'), "refers to '../report.json'"),
    "a picture that is a page": (svg('<image href="data:text/html,x"/>'), "refers to 'data:text/html,x'"),
    "a picture that is an SVG": (svg('<image href="data:image/svg+xml;base64,PHN2Zy8+"/>'), "refers to 'data:image"),
    "another file's part": (svg('<use href="https://evil.example/x.svg#a"/>'), "refers to 'https://evil"),
    "a style from elsewhere": (svg("<style>@import url(https://evil.example/x.css);</style>"), "'@import'"),
    "a fill from elsewhere": (svg("<rect fill=\"url('https://evil.example/x.svg#g')\"/>"), "refers to 'https://evil"),
    "a style with an address": (svg('<rect style="fill: URL( //evil.example/x )"/>'), "refers to '//evil"),
    "a hidden address": (svg(r'<rect style="fill:u\72l(//evil.example)"/>'), "a style with"),
    "a part that uses itself": (svg('<g id="a"><use href="#a"/></g>'), "uses itself"),
    "a long row of uses": (
        svg("".join(f'<g id="a{n}"><use href="#a{n + 1}"/></g>' for n in range(2000))),
        "parts of parts without end",
    ),
    "a deep nest": (svg("<g>" * 9000 + "</g>" * 9000), "more than 100 deep"),
    "an outside entity": (
        svg("<text>&x;</text>", before='<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "declares entities",
    ),
    "entities without end": (
        svg("<text>&b;</text>", before='<!DOCTYPE svg [<!ENTITY a "xxxxxxxx"><!ENTITY b "&a;&a;&a;&a;">]>'),
        "declares entities",
    ),
    "no SVG": (b"<html xmlns='http://www.w3.org/1999/xhtml'><svg/></html>", "its first element is html"),
    "no namespace": (b"<svg><rect/></svg>", "its first element is svg"),
    "no XML": (b"<svg", "no SVG that can be read"),
    "a packed file": (b"\x1f\x8b\x08\x00", "no SVG that can be read"),
    "an odd encoding": (b"<?xml version='1.0' encoding='no-such'?><svg/>", "no SVG that can be read"),
}


@pytest.mark.parametrize(("content", "said"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_more_than_a_picture_is_refused_by_name(tmp_path, content, said):
    """The analyst who brings the file learns what to take out of it."""
    path = tmp_path / "logo.svg"
    path.write_bytes(content)

    with pytest.raises(ReportError, match=r"logo logo\.svg: ") as caught:
        logo_address(path)

    assert said in str(caught.value)


def test_a_few_lines_that_draw_millions_of_parts_are_refused():
    """Ten groups of ten uses each: ten thousand million rectangles, in a kilobyte."""
    uses = [f'<use href="#g{n + 1}"/>' * 10 for n in range(10)]
    groups = "".join(f'<g id="g{n}">{used}</g>' for n, used in enumerate(uses))

    with pytest.raises(ReportError, match="draws more than 20000 parts"):
        drawing(svg(f'{groups}<g id="g10"><rect/></g>'))


def test_what_only_editors_need_is_left_out():
    """Inkscape and Illustrator fill files with it; comments and instructions go too."""
    made = drawing(
        svg(
            '<!-- made by hand --><metadata><rdf xmlns="urn:x"/></metadata><i:pgf xmlns:i="http://ns.adobe.com/i"/>'
            '<g id="a" data-name="Layer 1" inkscape:label="x" xmlns:inkscape="http://www.inkscape.org/i">'
            '<rect width="4" style="fill:url(#g)"/></g>',
            before='<?xml version="1.0"?><?xml-stylesheet href="https://evil.example"?><!DOCTYPE svg>',
        )
    ).decode()

    assert '<g id="a"><rect width="4" style="fill:url(#g)" /></g>' in made
    assert not any(word in made for word in ("metadata", "pgf", "data-name", "inkscape", "evil", "<!", "<?"))


def test_a_picture_keeps_all_it_draws_with():
    """Gradients, clips, parts used again, styles, a picture inside; a second time nothing changes."""
    content = svg(
        '<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient>'
        '<path id="p" d="M0 0h9"/></defs>'
        '<style>.a{fill:url(#g);stroke:#123456}</style><use xlink:href="#p" class="a"/>'
        f'<image href="data:image/png;base64,{TINY_PNG}" width="4"/><text x="1" y="9">A &amp; B</text>'
    )

    made = drawing(content)

    text = made.decode()
    assert all(
        word in text for word in ("url(#g)", 'offset="0"', "#123456", 'href="#p"', TINY_PNG, "A &amp; B", "viewBox")
    )
    assert drawing(made) == made


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/logo.png",
        "javascript:alert(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "data:image/png;base64,AAAA",
        "data:image/png;base64,====",
        'data:image/png;base64,AAAA" onerror="alert(1)',
        "data:image/svg+xml;base64," + base64.b64encode(svg("<script/>")).decode(),
    ],
)
def test_an_address_that_is_no_picture_is_refused_wherever_it_comes_from(address):
    """From a call, or from the file of an executed notebook that somebody has changed."""
    changed = notebook_of(shown(cover()), "text")
    changed.cells[0].outputs[0].data[display.COVER]["logo"] = address
    named = new_notebook(metadata={"report": {"logo": address}})

    for attempt in (lambda: cover(logo=address), lambda: document(changed, "html"), lambda: document(named, "pdf")):
        with pytest.raises(ReportError, match="logo"):
            attempt()


def test_a_logo_is_shown_as_a_picture_and_never_as_part_of_the_page(tmp_path):
    """An `<img>` runs no script and loads nothing, even if something had slipped through."""
    path = tmp_path / "logo.svg"
    path.write_bytes(svg('<rect width="40" height="20"/>', 'width="40"'))
    address = logo_address(path)

    page, _ = ReportHTMLExporter(interactive=False).from_notebook_node(notebook_of(shown(cover(logo=address)), "text"))

    assert f'<img class="logo" alt="Northwind" src="{address}">' in page
    assert checked(address) == address
    assert 'viewBox="0 0 40 20"' not in page


def test_a_logo_too_large_to_send_is_refused(tmp_path):
    """Every page view would pay for it."""
    path = tmp_path / "big.svg"
    path.write_bytes(svg("<rect/>" * (MOST_BYTES // 7)))

    with pytest.raises(ReportError, match=r"big\.svg: .* bytes, expected at most 200000"):
        logo_address(path)
