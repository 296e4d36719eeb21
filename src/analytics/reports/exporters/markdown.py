"""Markdown to a small tree of plain data that both exporters set; raw HTML stays text, images give their words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

Node = dict[str, Any]
SAFE_SCHEMES = frozenset({"http", "https", "mailto"})

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def parse(text: str, *, inside: bool = False) -> list[Node]:
    """The blocks of a Markdown text; `inside` another block, a heading is only a strong line.

    >>> parse("Up *9 %* <b>now</b>")
    [{'type': 'paragraph', 'inlines': [{'t': 'text', 'v': 'Up '}, {'t': 'em', 'c': [{'t': 'text', 'v': '9 %'}]},
      {'t': 'text', 'v': ' <b>now</b>'}]}]
    """
    return _blocks(SyntaxTreeNode(_PARSER.parse(text)), inside=inside)


def plain(inlines: list[Node]) -> str:
    """The words of inline nodes, unformatted."""
    return "".join(node["v"] if "v" in node else "\n" if node["t"] == "br" else plain(node["c"]) for node in inlines)


def _blocks(node: SyntaxTreeNode, *, inside: bool) -> list[Node]:
    return [made for child in node.children if (made := _block(child, inside=inside)) is not None]


def _block(node: SyntaxTreeNode, *, inside: bool) -> Node | None:
    match node.type:
        case "paragraph":
            return {"type": "paragraph", "inlines": _inlines(node)}
        case "heading":
            inlines = _inlines(node)
            if not plain(inlines).strip():
                return None
            if inside:
                return {"type": "paragraph", "inlines": [{"t": "strong", "c": inlines}]}
            return {"type": "heading", "level": int(node.tag[1]), "inlines": inlines, "plain": plain(inlines)}
        case "bullet_list" | "ordered_list":
            start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
            return {
                "type": "list",
                "ordered": node.type == "ordered_list",
                "start": start,
                "items": [_blocks(item, inside=True) for item in node.children],
            }
        case "blockquote":
            return {"type": "callout", "kind": "note", "title": "", "blocks": _blocks(node, inside=True)}
        case "fence" | "code_block":
            return {"type": "code", "text": node.content.rstrip("\n")}
        case "hr":
            return {"type": "rule"}
        case "table":
            return _table(node)
        case _:
            return {"type": "paragraph", "inlines": [{"t": "text", "v": node.content}]} if node.content else None


def _table(node: SyntaxTreeNode) -> Node:
    rows = [row for part in node.children for row in part.children]
    aligned = {"text-align:right": "end", "text-align:center": "center"}
    aligns = [aligned.get(str(cell.attrs.get("style", "")), "start") for cell in rows[0].children]
    cells = [[_inlines(cell) for cell in row.children] for row in rows]
    return {"type": "grid", "aligns": aligns, "head": cells[0], "rows": cells[1:]}


def _inlines(node: SyntaxTreeNode) -> list[Node]:
    found: list[Node] = []
    for child in node.children:
        if child.type == "inline":
            return _inlines(child)
        found += _inline(child)
    return _joined(found)


def _inline(node: SyntaxTreeNode) -> list[Node]:
    match node.type:
        case "text" | "html_inline":
            return [{"t": "text", "v": node.content}]
        case "softbreak":
            return [{"t": "text", "v": " "}]
        case "hardbreak":
            return [{"t": "br"}]
        case "strong" | "em" | "s":
            return [{"t": node.type, "c": _inlines(node)}]
        case "code_inline":
            return [{"t": "code", "v": node.content}]
        case "link":
            address = str(node.attrs.get("href", ""))
            inner = _inlines(node)
            return [{"t": "link", "href": address, "c": inner}] if is_safe(address) else inner
        case "image":
            return [{"t": "text", "v": node.content}]
        case _:
            return [{"t": "text", "v": node.content}] if node.content else []


def is_safe(address: str) -> bool:
    """Whether a link may be followed from a report: a place in it, a web page or a mail address.

    >>> is_safe("#figure-1"), is_safe("https://example.org"), is_safe("javascript:alert(1)"), is_safe("file:///etc")
    (True, True, False, False)
    """
    return address.startswith("#") or urlsplit(address).scheme in SAFE_SCHEMES


def _joined(nodes: list[Node]) -> list[Node]:
    joined: list[Node] = []
    for node in nodes:
        if node["t"] == "text" and joined and joined[-1]["t"] == "text":
            joined[-1] = {"t": "text", "v": joined[-1]["v"] + node["v"]}
        else:
            joined.append(node)
    return joined
