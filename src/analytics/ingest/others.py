"""Columns of an import file beside time and value: whose figures they are, and whether rows are parts of a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analytics.errors import DataFileError
from analytics.ingest.check import printable

OWNERS = frozenset(
    {"account", "account_id", "account_name", "author", "author_id", "channel", "channel_id", "channel_name"}
    | {"page", "page_id", "page_name", "profile", "profile_name", "username", "user", "handle", "organization"}
    | {"repository", "repo", "publication", "konto", "kanal", "seite", "compte", "cuenta", "canal", "perfil"}
)
MOST_NAMED = 3


@dataclass(slots=True)
class OtherColumns:
    """What the other columns of one file have said so far.

    Raises, from `look`:
        DataFileError: the file names several accounts, or another than the one asked for; or rows of one time differ
            in a column of words, which makes them parts of a total.
    """

    path: Path
    account: str
    _values: dict[str, dict[str, None]] = field(default_factory=dict)
    _times: set[str] = field(default_factory=set)
    _repeated: str = ""

    def look(self, times: Iterable[str], columns: Mapping[str, Sequence[str]]) -> None:
        """Take in a chunk: its times as text, and each other column's cells."""
        if not columns:
            return
        for name, cells in columns.items():
            known = self._values.setdefault(name, {})
            known.update(dict.fromkeys(cell.strip() for cell in dict.fromkeys(cells)))
            if _key(name) in OWNERS:
                self._one_owner(name, [text for text in known if text])
        if any(len(self._words(name)) > 1 for name in columns):
            for time in times:
                if time in self._times:
                    self._parts(time)
                self._times.add(time)

    def _one_owner(self, name: str, owners: list[str]) -> None:
        named = ", ".join(repr(printable(text)[:40]) for text in owners[:MOST_NAMED])
        if len(owners) > 1:
            raise DataFileError(
                f"{self.path}: column {name!r} names several accounts ({named}); "
                f"--account-column {name!r} takes each row's account from it"
            )
        if owners and owners[0] != self.account:
            said = f"--account says {self.account!r}" if self.account else "no --account is given"
            raise DataFileError(f"{self.path}: column {name!r} says {named}, but {said}")

    def _parts(self, time: str) -> None:
        for name in self._values:
            words = self._words(name)
            if len(words) > 1:
                named = ", ".join(repr(printable(text)[:40]) for text in words[:MOST_NAMED])
                raise DataFileError(
                    f"{self.path}: column {name!r} splits the figures ({named} …): time {printable(time)!r} stands in "
                    "several rows; export the total, or keep the rows of one part"
                )

    def _words(self, name: str) -> list[str]:
        return [text for text in self._values.get(name, ()) if text and not _is_number(text)]


def _key(name: str) -> str:
    return "_".join(name.lower().replace("-", " ").split())


def _is_number(text: str) -> bool:
    return not any(char.isalpha() for char in text.replace("e", "").replace("E", ""))
