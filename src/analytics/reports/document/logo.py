"""A brand's logo: a picture and nothing else, whatever stands in the file.

An SVG may hold scripts, handlers, links, and references to other hosts and files. A page shows the logo as an `<img>`,
which runs and loads nothing, but a reader may open the picture by itself, and the PDF is drawn by another program. So
what can act or ask for more is refused by name; what only editors need is left out; the rest is written anew.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, register_namespace, tostring

from analytics.errors import ReportError

MOST_BYTES = 200_000
MOST_DRAWN = 20_000  # elements once every `use` is drawn: a few lines can ask for millions
DEEPEST = 100  # elements within elements
SVG, XLINK, XHTML = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/1999/xhtml"
PNG_START = b"\x89PNG\r\n\x1a\n"
ADDRESS = re.compile(r"data:image/(png|svg\+xml);base64,([A-Za-z0-9+/]+={0,2})")
PICTURE = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=\s]+")
UNSAFE_STYLE = re.compile(r"@import|expression\s*\(|javascript:|behavior\s*:|-moz-binding|image-set|\\", re.IGNORECASE)
STYLE_ADDRESS = re.compile(r"url\s*\(\s*[\"']?\s*([^)\"']*)", re.IGNORECASE)
ELEMENTS = frozenset({
    "svg", "g", "defs", "symbol", "use", "title", "desc", "style", "path", "rect", "circle", "ellipse", "line",
    "polyline", "polygon", "text", "tspan", "textPath", "image", "clipPath", "mask", "marker", "pattern", "stop",
    "linearGradient", "radialGradient", "filter", "feBlend", "feColorMatrix", "feComponentTransfer", "feComposite",
    "feDropShadow", "feFlood", "feFuncA", "feFuncB", "feFuncG", "feFuncR", "feGaussianBlur", "feMerge", "feMergeNode",
    "feMorphology", "feOffset",
})  # fmt: skip


def logo_address(path: Path) -> str:
    """A logo file as the `data:` address `cover` takes, so that the report carries it.

    Raises:
        ReportError: no SVG or PNG file, one that is more than a picture, or larger than 200 kB, which every page view
            would pay for.
    """
    kind = {".svg": "svg+xml", ".png": "png"}.get(path.suffix.lower())
    if kind is None or not path.is_file():
        raise ReportError(f"logo {path.name}: expected an SVG or PNG file below params/")
    return _address(kind, path.read_bytes(), path.name)


def checked(address: str) -> str:
    """A `data:` address as `logo_address` makes it, its picture looked through again.

    Raises:
        ReportError: another kind of address, as one that leads out of the report, or more than a picture.
    """
    found = ADDRESS.fullmatch(address)
    try:
        content = base64.b64decode(found[2], validate=True) if found else None
    except binascii.Error:
        content = None
    if found is None or content is None:
        raise ReportError(f"logo {address[:40]!r}: expected a data: address of an SVG or PNG, in base64")
    return _address(found[1], content, "logo")


def _address(kind: str, content: bytes, name: str) -> str:
    if len(content) > MOST_BYTES:
        raise ReportError(f"logo {name}: {len(content)} bytes, expected at most {MOST_BYTES}")
    if kind == "png" and not content.startswith(PNG_START):
        raise ReportError(f"logo {name}: no PNG picture")
    picture = content if kind == "png" else drawing(content, name)
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def drawing(content: bytes, name: str = "logo") -> bytes:
    """An SVG with its drawing only; the same drawing again is left as it is.

    Raises:
        ReportError: no SVG, or one with scripts, handlers, foreign content, outside references or entities; says which.

    >>> drawing(b'<svg xmlns="http://www.w3.org/2000/svg" data-x="1"><path d="M0 0h1"/></svg>')
    b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h1" /></svg>'
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(content)
    except DefusedXmlException as exc:
        raise ReportError(f"logo {name}: declares entities or outside documents, which a picture needs not") from exc
    except (ParseError, ValueError, LookupError) as exc:
        raise ReportError(f"logo {name}: no SVG that can be read ({exc})") from exc
    if root.tag != f"{{{SVG}}}svg":
        raise ReportError(f"logo {name}: no SVG; its first element is {_short(root.tag)}")
    try:
        _strip(root)
        _bounded(root)
    except _Refused as exc:
        raise ReportError(f"logo {name}: {exc}; save it as plain SVG without it") from None
    register_namespace("", SVG)
    register_namespace("xlink", XLINK)
    made: bytes = tostring(root, encoding="utf-8").replace(b"<?xml version='1.0' encoding='utf-8'?>\n", b"")
    return made


class _Refused(Exception):
    """What a picture must not hold."""


def _short(tag: str) -> str:
    return tag.rpartition("}")[2]


def _strip(element: Element, depth: int = 0) -> None:
    """Refuse what acts or reaches out, take out what only editors need."""
    if depth > DEEPEST:
        raise _Refused(f"holds elements more than {DEEPEST} deep")
    for child in list(element):
        space, _, tag = str(child.tag).rpartition("}")
        if space not in ("{" + SVG, "{" + XHTML, "") or tag == "metadata":
            element.remove(child)
        elif space != "{" + SVG or tag not in ELEMENTS:
            raise _Refused(f"holds the element {tag!r}")
        else:
            _strip(child, depth + 1)
    for name, value in list(element.attrib.items()):
        if name in ("href", f"{{{XLINK}}}href"):
            _check_reference(_short(element.tag), value)
        elif name.lower().startswith("on"):
            raise _Refused(f"holds the handler {name!r}")
        elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name) or name.startswith("data-"):
            del element.attrib[name]
        else:
            _check_style(value)
    if _short(element.tag) == "style":
        _check_style(element.text or "")


def _check_reference(tag: str, value: str) -> None:
    """Only parts of the same file, and pictures that stand in it."""
    inside = re.fullmatch(r"#[\w.:-]+", value.strip())
    if not inside and not (tag == "image" and PICTURE.fullmatch(value.strip())):
        raise _Refused(f"refers to {value.strip()[:60]!r}")


def _check_style(value: str) -> None:
    if found := UNSAFE_STYLE.search(value):
        raise _Refused(f"has a style with {found.group()!r}")
    for address in STYLE_ADDRESS.findall(value):
        if not address.strip().startswith("#"):
            raise _Refused(f"refers to {address.strip()[:60]!r}")


def _bounded(root: Element) -> None:
    """Refuse a drawing that grows without end, or nearly, by using itself."""
    named = {element.get("id", ""): element for element in root.iter()}
    known: dict[Element, int] = {}

    def drawn(element: Element, above: frozenset[Element]) -> int:
        if element in above or len(above) > 2 * DEEPEST:
            raise _Refused("uses itself, or parts of parts without end")
        if element not in known:
            count = 1 + sum(drawn(part, above | {element}) for part in element)
            target = named.get((element.get("href") or element.get(f"{{{XLINK}}}href") or "").removeprefix("#"))
            if target is not None and _short(element.tag) == "use":
                count += drawn(target, above | {element})
            known[element] = min(count, MOST_DRAWN + 1)
        return known[element]

    if drawn(root, frozenset()) > MOST_DRAWN:
        raise _Refused(f"draws more than {MOST_DRAWN} parts")
