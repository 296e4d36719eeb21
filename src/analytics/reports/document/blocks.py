"""What a notebook's output is made of: MIME types, and blocks that carry data under them."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from analytics.wording import formats

VEGALITE = "application/vnd.vegalite.v5+json"
TABLE = "application/vnd.report.table+json"
TILES = "application/vnd.report.tiles+json"
PROSE = "application/vnd.report.prose+json"
CALLOUT = "application/vnd.report.callout+json"
DEFINITIONS = "application/vnd.report.definitions+json"
COVER = "application/vnd.report.cover+json"
DATA = "application/vnd.report.data+json"  # figures for the data files; pages do not show them

Tone = Literal["good", "bad", "warn", "neutral"]
Provenance = Mapping[str, Any]
COVER_DEFAULTS: dict[str, Any] = {
    "title": "", "subtitle": "", "period": "", "brand": "", "accent": "", "language": "en", "logo": None,
    "issued": "", "dated": "", "status": "final", "version": "", "facts": [], "sources": True,
}  # fmt: skip
ARROWS = {"up": "▲", "down": "▼"}


@dataclass(frozen=True)
class Block:
    """One displayed thing: MIME types with their data, and metadata for the exporters."""

    data: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        del include, exclude
        return self.data, self.metadata


@dataclass(frozen=True)
class Blocks:
    """Several things shown one after another by one call of a notebook."""

    items: tuple[Block | Blocks, ...]

    def __iter__(self) -> Iterator[Block | Blocks]:
        return iter(self.items)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for item in self.items:
            display(item)  # type: ignore[no-untyped-call]


def blocks(*items: Block | Blocks | None) -> Blocks:
    """Group what one call shows; None is left out."""
    return Blocks(tuple(item for item in items if item is not None))


def make_block(
    mime: str, payload: dict[str, Any], plain: str, shown: str, provenance: Provenance | None = None
) -> Block:
    """A payload under its own MIME type, with words and HTML for other viewers."""
    report = {"provenance": dict(provenance)} if provenance else {}
    return Block({mime: payload, "text/html": shown, "text/plain": plain}, {"report": report} if report else {})


def finite(values: Sequence[Any]) -> list[float | None]:
    """Numbers, with None for what is unknown."""
    return [None if formats.is_missing(value) else float(value) for value in values]


def escaped(text: Any) -> str:
    """Text for use inside HTML."""
    return html.escape(str(text), quote=True)
