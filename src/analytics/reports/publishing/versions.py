"""A published version of a report, as its manifest says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from analytics.errors import InputError
from analytics.model import Month

MANIFEST = "version.json"
ORDER = ("html", "pdf", "xlsx", "csv", "json", "parquet", "ipynb", "provenance", "sources")


@dataclass(frozen=True)
class Version:
    """One version of a report, as its manifest says.

    `files` maps a format to a file name in the version's folder; `headline` are the first sentences of its summary;
    `changed` says what differs from the version before, '' for the first; `seal` names its files by their bytes,
    `made_with` the program and the params; `is_usual` says whether it was made with the params file's own parameters.
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
    is_usual: bool = True

    @property
    def is_regular(self) -> bool:
        """Whether it is what `latest` means and recipients get: a month that was over, made as the params file says."""
        try:
            end = Month.parse(self.period).bounds(str(self.parameters.get("timezone") or "UTC"))[1]
        except InputError:
            return False
        return self.is_usual and datetime.fromisoformat(self.published_at) >= end

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


def standing_of(versions: Iterable[Version]) -> Version:
    """Which of a period's versions stands for it: the newest with the usual parameters; without any, the newest."""
    return max(versions, key=lambda v: (v.is_usual, v.version))
