"""The cold tier: Parquet on a local folder or an object store, one file a platform, day and content.

A file is written under a name made of its content, read back and compared before anything relies on it; what is
in the table `archive_log` is in the archive, any other file there is a left-over of an interruption.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from analytics.errors import StoreError
from analytics.settings import private_folder

if TYPE_CHECKING:
    from analytics.settings import Settings

Content = Literal["raw", "daily"]
KEYS = ("metric_type", "content_id", "author_id")
ROWS_PER_GROUP = 65_536
ENCODINGS = {"time": "DELTA_BINARY_PACKED", "series_id": "DELTA_BINARY_PACKED", "value": "BYTE_STREAM_SPLIT"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive, as `archive_log` keeps it; `location` is relative to the archive's root."""

    platform: str
    day: date
    content: Content
    location: str
    rows: int
    bytes: int
    checksum: str


class Archive:
    """Parquet files below a folder or a URL such as `s3://bucket/prefix?region=eu-central-1`.

    Object stores take their keys from the environment (`AWS_ACCESS_KEY_ID`, …); another endpoint than Amazon's is
    named in the URL: `?endpoint_override=http%3A%2F%2Flocalhost%3A5000`.
    """

    def __init__(self, root: str | Path) -> None:
        self.name = str(root)
        try:
            if "://" in self.name:
                self._files, self._root = pafs.FileSystem.from_uri(self.name)
            else:
                self._files, self._root = pafs.LocalFileSystem(), str(Path(root).absolute())
        except (pa.ArrowInvalid, OSError) as exc:
            raise StoreError(f"archive {self.name}: {' '.join(str(exc).split())}") from exc

    def write(self, platform: str, day: date, content: Content, table: pa.Table) -> Entry:
        """Write a table, read it back and compare; an error leaves nothing anyone relies on.

        Raises:
            StoreError: the archive cannot be written, or what is read back differs.
        """
        digest = checksum(table)
        folder = f"{content}/day={day.isoformat()}/platform={quote(platform, safe='')}"
        location = f"{folder}/{digest[:20]}.parquet"
        try:
            if "://" not in self.name:
                private_folder(Path(self._root))
            self._files.create_dir(f"{self._root}/{folder}", recursive=True)
            pq.write_table(
                table,
                f"{self._root}/{location}",
                filesystem=self._files,
                compression="zstd",
                row_group_size=ROWS_PER_GROUP,
                use_dictionary=[n for n in (*KEYS, "collection_id", "quality") if n in table.column_names],
                column_encoding={n: e for n, e in ENCODINGS.items() if n in table.column_names},
            )
            found = checksum(self.read(location))
            size = self._files.get_file_info(f"{self._root}/{location}").size
        except (pa.ArrowException, OSError) as exc:
            raise StoreError(f"archive {self.name}/{location}: {' '.join(str(exc).split())}") from exc
        if found != digest:
            raise StoreError(f"archive {self.name}/{location}: reads back as {found[:12]}, written as {digest[:12]}")
        return Entry(platform, day, content, location, table.num_rows, size, digest)

    def read(self, location: str, *, series_ids: list[int] | None = None) -> pa.Table:
        """A file's table; with `series_ids` only those series' rows.

        Raises:
            StoreError: the file is not there or cannot be read.
        """
        wanted = None if series_ids is None else [("series_id", "in", series_ids)]
        try:
            return pq.read_table(f"{self._root}/{location}", filesystem=self._files, filters=wanted, partitioning=None)
        except (pa.ArrowException, OSError) as exc:
            raise StoreError(f"archive {self.name}/{location}: {' '.join(str(exc).split())}") from exc

    def keep_only(self, entry: Entry) -> None:
        """Remove what an interruption or an older version left beside a file."""
        folder = entry.location.rsplit("/", 1)[0]
        for info in self._files.get_file_info(pafs.FileSelector(f"{self._root}/{folder}")):
            if info.type == pafs.FileType.File and info.base_name != entry.location.rsplit("/", 1)[1]:
                self._files.delete_file(info.path)

    def remove(self, location: str) -> None:
        """Delete a file; one that is not there is fine."""
        if self._files.get_file_info(f"{self._root}/{location}").type == pafs.FileType.File:
            self._files.delete_file(f"{self._root}/{location}")


def archive_of(settings: Settings) -> Archive:
    """The installation's archive: a URL of an object store where one is set, else a folder below its home."""
    return Archive(settings.archive_url or settings.archive_dir)


def checksum(table: pa.Table) -> str:
    """SHA-256 of a table's values, row by row in their order, independent of chunks and encodings."""
    digest = hashlib.sha256()
    for name in sorted(table.column_names):
        digest.update(name.encode())
        digest.update(_bytes(table.column(name)))
    return digest.hexdigest()


def _bytes(column: Any) -> bytes:
    kind = column.type
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        words = "\x00".join(encoded.dictionary.to_pylist()).encode()
        codes: npt.NDArray[np.int32] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
        return words + codes.tobytes()
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    values: npt.NDArray[Any] = column.to_numpy()
    return values.tobytes()
