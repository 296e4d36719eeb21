"""What comes out of a compressed body is bounded while it comes out, whatever the body says of itself."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib
from datetime import UTC, datetime

import httpx
import pytest

from analytics.adapters import bounded
from analytics.adapters.exports import Reading, read_export, sheets
from analytics.errors import DataFileError
from analytics.ingest import csvfile
from analytics.ingest.bodies import decoded
from analytics.ingest.files import read_frames
from analytics.ingest.spec import ImportSpec
from analytics.unpacking import PIECE_BYTES, TooLarge, unpacked

MB = 1024 * 1024


@pytest.fixture(scope="module")
def bomb() -> bytes:
    return gzip.compress(bytes(200 * MB), 9)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, raw_deflate], ids=["gzip", "deflate", "bare deflate"])
@pytest.mark.parametrize("cut", [1, 7, 10**6])
def test_a_body_comes_out_whole_however_it_is_cut(pack, cut):
    data = bytes(range(256)) * 999
    packed = pack(data)
    parts = [packed[i : i + cut] for i in range(0, len(packed), cut)]
    name = "gzip" if pack is gzip.compress else "deflate"

    assert b"".join(unpacked(parts, name, limit=len(data))) == data
    with pytest.raises(TooLarge):
        list(unpacked(parts, name, limit=len(data) - 1))
    with pytest.raises(DataFileError, match=r"cut off|is no"):
        list(unpacked([packed[: len(packed) // 2]], name, limit=len(data)))


def test_several_gzip_members_are_one_body():
    assert decoded(gzip.compress(b"a") + gzip.compress(b"b"), "gzip") == b"ab"


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "gzip;q=1"])
def test_one_known_encoding_and_no_other(encoding):
    with pytest.raises(DataFileError, match="content encoding"):
        list(unpacked([b"x"], encoding, limit=9))


def test_a_bomb_takes_no_memory(bomb):
    """200 MB from 200 kB; the limit is one megabyte."""
    tracemalloc.start()
    with pytest.raises(TooLarge):
        for _ in unpacked([bomb], "gzip", limit=MB):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < MB + 8 * PIECE_BYTES


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
def test_an_answer_is_bounded_as_it_comes_out(bomb, encoding):
    """httpx unpacks a whole chunk before anybody can look at its size."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(bomb))

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        request = client.build_request("GET", "https://vendor.example/x")
        with pytest.raises(DataFileError):
            bounded.fetch(client, request, max_bytes=MB, max_s=20)


def test_a_gzipped_file_that_holds_far_more_than_readings_do_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(csvfile, "FEWEST_UNPACKED_BYTES", MB)
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress(b"timestamp,value\n" + b"2026-10-01,1\n" * 300_000, 9))

    with pytest.raises(DataFileError, match="bytes come out of it"):
        for _ in read_frames(path, ImportSpec("youtube", "views", chunk_rows=20_000)):
            pass


def test_a_header_of_a_million_columns_is_refused(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("timestamp,value" + ",x" * 5000 + "\n")

    with pytest.raises(DataFileError, match="has 5002 columns"):
        list(read_frames(path, ImportSpec("youtube", "views")))


def test_a_long_word_repeated_in_every_row_of_a_parquet_file_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "in.parquet"
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * MB]))
    pq.write_table(pa.table({"timestamp": pa.array(["2026-10-01"] * 100_000), "value": words}), path)
    assert path.stat().st_size < 3 * MB

    with pytest.raises(DataFileError, match="holds a text of 1048576 bytes"):
        list(read_frames(path, ImportSpec("youtube", "views")))


def test_a_workbook_is_bounded_in_bytes_and_cells(monkeypatch):
    import zipfile

    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["Date", "Views"])
    for _ in range(50):
        book.active.append(["2026-10-01", 1])
    raw = io.BytesIO()
    book.save(raw)
    said = Reading(datetime(2026, 11, 1, tzinfo=UTC), "acme", "youtube")

    monkeypatch.setattr(sheets, "MAX_CELLS", 60)
    monkeypatch.setattr(sheets._Budget.__init__, "__defaults__", (sheets.MAX_UNPACKED_BYTES, 60))
    with pytest.raises(DataFileError, match="more than 60 cells"):
        read_export(raw.getvalue(), "a.xlsx", said)

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", bytes(300 * MB))
    with pytest.raises(DataFileError, match="would unpack to more than"):
        read_export(packed.getvalue(), "b.xlsx", said)
