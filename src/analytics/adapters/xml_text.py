"""XML as publishers send it: bytes in any encoding, with odd characters, to text that a strict parser takes.

One character that XML does not allow costs itself and not the document. What is not whole stays so: nothing is closed,
cut or moved.
"""

from __future__ import annotations

import codecs
import re
from html.entities import html5

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
# what publishers mean by these names is the larger set (WHATWG Encoding Standard, names and labels)
MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
}
NOT_FOR_TEXT = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined", "oem", "mbcs")
_DECLARATION = re.compile(rb"\s{0,100}<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")
_HEAD = re.compile(r"\s*<\?xml\b[^>]{0,400}\?>")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LITERAL = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z))", re.DOTALL)
_AMPERSAND = re.compile(r"&(?:#([0-9]{1,7});|#x([0-9A-Fa-f]{1,6});|([A-Za-z][A-Za-z0-9]{0,31};))?")
_XML_NAMES = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})


def parseable(raw: bytes) -> bytes:
    """The document in UTF-8, with its declaration, without what no XML may hold.

    Characters that XML forbids are dropped, written out or as references. An ampersand that begins no reference stands
    for itself, and a name that HTML knows for its character. CDATA, comments and instructions keep their ampersands.

    >>> parseable("<a>R&D &eacute;&#11;\\x0b</a>".encode()).decode()
    '<?xml version="1.0" encoding="utf-8"?><a>R&amp;D é</a>'
    """
    text = decoded(raw)
    head = _HEAD.match(text)
    text = _NOT_XML.sub("", text[head.end() :] if head else text)
    parts = _LITERAL.split(text)
    parts[::2] = [_AMPERSAND.sub(_reference, part) for part in parts[::2]]
    return b'<?xml version="1.0" encoding="utf-8"?>' + "".join(parts).lstrip().encode()


def decoded(raw: bytes) -> str:
    """The text of a document: by its mark, as it declares, as UTF-8, and last with what cannot be read as U+FFFD."""
    for mark, encoding in BOMS:
        if raw.startswith(mark):
            return raw.decode(encoding, "replace").lstrip("\ufeff")
    declared = _codec(match[1].decode()) if (match := _DECLARATION.match(raw[:400])) else "utf-8"
    for encoding in dict.fromkeys(filter(None, (declared, "utf-8"))):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode(declared or "cp1252", "replace")


def _codec(label: str) -> str | None:
    """Python's name of a declared encoding; None for one that is unknown or holds no plain text."""
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return _codec(label[2:]) if label.lower().startswith("x-") else None
    name = MEANT.get(name, name)
    if name.replace("_", "-") in NOT_FOR_TEXT or not _is_text(name) or name.startswith(("utf-16", "utf-32")):
        return None  # a document in UTF-16 without its mark would not have been read up to its declaration
    return name


def _is_text(name: str) -> bool:
    try:
        return b"<".decode(name) == "<"
    except (LookupError, ValueError, TypeError):  # codecs from bytes to bytes are refused with LookupError
        return False


def _reference(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if decimal or hexadecimal:
        number = int(decimal) if decimal else int(hexadecimal, 16)
        is_character = number <= 0x10FFFF and not _NOT_XML.match(chr(number))
        return found[0] if is_character else ""
    if name in _XML_NAMES:
        return found[0]
    if name in html5:
        return html5[name].replace("&", "&amp;").replace("<", "&lt;")
    return "&amp;" + found[0][1:]
