"""A published version of a report, as its manifest says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

MANIFEST = "version.json"
ORDER = ("html", "pdf", "xlsx", "csv", "json", "parquet", "ipynb", "provenance")


@dataclass(frozen=True)
class Version:
    """One version of a report, as its manifest says.

    `files` maps a format to a file name in the version's folder; `headline` are the first sentences of its summary;
    `changed` says what differs from the version before, '' for the first; `seal` names its files by their bytes,
    `made_with` the program and the params.
    """

    name: str
    period: str
    version: int
    title: str
    label: str
    published_at: str
    files: Mapping[str, str]
    sizes: Mapping[str, int]
    platforms: tuple[str, ...]
    headline: tuple[str, ...]
    parameters: Mapping[str, Any]
    rerun: str
    seal: str
    snapshot: str = ""
    status: str = "final"
    changed: str = ""
    made_with: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where it lies below the site."""
        return f"{self.name}/{self.period}/v{self.version}"

    def address(self, kind: str) -> str:
        """Link to one of its files, from the site's root."""
        return f"{self.folder}/{quote(self.files[kind])}"

    def stable(self, kind: str) -> str:
        """Link that always leads to the newest version of this period."""
        return f"{self.name}/{self.period}/{quote(self.files[kind])}"
