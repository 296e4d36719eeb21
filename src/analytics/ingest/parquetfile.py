"""Parquet: chunks of the two columns; typed values are read as the text a CSV would hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analytics.errors import DataFileError
from analytics.ingest.others import OtherColumns
from analytics.ingest.spec import Chunk, ImportSpec, OnBytes, column_at

MAX_CELL_BYTES = 65_536


def read_chunks(path: Path, spec: ImportSpec, on_bytes: OnBytes) -> Iterator[Chunk]:
    """Yield chunks of at most `spec.chunk_rows` rows; a row's "line" is its number, from 1."""
    try:
        # words stay in their dictionary until their size is known: one long word could stand in every row
        with pq.ParquetFile(path, read_dictionary=_texts(path)) as file:
            header = [field.name for field in file.schema_arrow]
            names = [header[column_at(path, name, header)] for name in (spec.time_column, spec.value_column)]
            rows = file.metadata.num_rows
            done = 0
            owner = [header[column_at(path, spec.account_column, header)]] if spec.account_column else []
            words = [f.name for f in file.schema_arrow if f.name not in (*names, *owner) and _is_text(f.type)]
            others = OtherColumns(path, spec.account)
            for batch in file.iter_batches(batch_size=spec.chunk_rows, columns=[*names, *owner, *words]):
                on_bytes(int(path.stat().st_size * len(batch) / max(rows, 1)))
                lines = np.arange(done + 1, done + 1 + len(batch))
                done += len(batch)
                times, values = _text(path, batch, names[0]), _text(path, batch, names[1])
                others.look(times.to_pylist() if words else (), {n: _text(path, batch, n).to_pylist() for n in words})
                accounts = _text(path, batch, owner[0]).to_pylist() if owner else ()
                yield Chunk(times, values, lines, accounts=accounts)
    except (pa.ArrowException, OSError) as exc:
        raise DataFileError(f"{path}: is no readable Parquet file ({' '.join(str(exc).split())[:160]})") from exc


def _is_text(kind: Any) -> bool:
    words = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(words) or pa.types.is_large_string(words))


def _texts(path: Path) -> list[str]:
    with pq.ParquetFile(path) as file:
        return [f.name for f in file.schema_arrow if _is_text(f.type)]


def _text(path: Path, batch: Any, name: str) -> pa.Array:
    column = batch.column(batch.schema.get_field_index(name))
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = pc.cast(column, pa.timestamp("us", tz=kind.tz), safe=False)
        text = pc.strftime(pc.cast(column, pa.timestamp("us", tz="UTC")), format="%Y-%m-%dT%H:%M:%S")
        text = pc.binary_join_element_wise(text, pa.scalar("Z" if kind.tz else ""), "")
    elif pa.types.is_dictionary(kind):
        longest = pc.max(pc.binary_length(column.dictionary)).as_py() if len(column.dictionary) else 0
        if (longest or 0) > MAX_CELL_BYTES:
            raise DataFileError(
                f"{path}: column {name!r} holds a text of {longest} bytes; at most {MAX_CELL_BYTES} is read"
            )
        text = pc.cast(pc.cast(column, kind.value_type), pa.string())
    elif pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_boolean(kind):
        raise DataFileError(f"{path}: column {name!r} holds {kind}, expected text, numbers or timestamps")
    else:
        text = pc.cast(column, pa.string())
    return pc.fill_null(text, "")
