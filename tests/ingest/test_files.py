"""Import files as people have them: what is read, and the one line said about what cannot be."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics.errors import DataFileError
from analytics.ingest import ImportSpec, read_frames
from analytics.ingest.columns import TimeReading

SPEC = ImportSpec("twitter", "mentions", account="AAPL")
GOOD = b"timestamp,value\n2015-02-26 21:42:53,104\n2015-02-26 21:47:53,100\n"


def read(path: Path, spec: ImportSpec = SPEC) -> pd.DataFrame:
    return pd.concat(list(read_frames(path, spec)), ignore_index=True)


def written(folder: Path, content: bytes, name: str = "in.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"timestamp,value\n", "no rows"),
        (b"\n\n", "line 1: is blank"),
        (b"timestamp,value\n2015-02-30,1\n", "line 2: time '2015-02-30' is unreadable"),
        (b"timestamp,value\n2015-02-26,1\n26.2.2015,2\n", "line 3: time '26.2.2015' is unreadable"),
        (b"timestamp,value\n1424986973,1\n", "line 2: time '1424986973' is unreadable (expected iso; unix"),
        (b"timestamp,value\n,1\n", "line 2: time '' is unreadable"),
        (GOOD + b"2015-02-26T21:52:53Z,1\n", "line 4: time '2015-02-26T21:52:53Z' has UTC offset, but line 2 has none"),
        (
            b"timestamp,value\n2015-02-26T21:52:53+01:00,1\n2015-02-26T21:57:53,2\n",
            "line 3: time '2015-02-26T21:57:53' has no UTC offset, but line 2 has one: mixed time zones",
        ),
        (GOOD + b'"2015-02-26 21:52:53","12 apples"\n', "line 4: value '12 apples' is not a number"),
        (GOOD + b'2015-02-26 21:52:53,"1,234"\n', "line 4: value '1,234' can be read two ways"),
        (b"timestamp,value\n2015-02-26,0x10\n", "value '0x10' is not a number"),
        (b"timestamp,value\n2015-02-26,1_000\n", "value '1_000' is not a number"),
        (b"timestamp,value,value\n2015-02-26,1,2\n", "line 1: the header names 'value' twice (columns 2 and 3)"),
        (b"timestamp,values\n2015-02-26,1\n", "no column 'value'; found 'timestamp', 'values'; did you mean 'values'?"),
        (GOOD + b"2015-02-26 21:52:53\n", "line 4: expected 2 fields, found 1"),
        (GOOD + b"2015-02-26 21:52:53,1,2\n", "line 4: expected 2 fields, found 3"),
        (GOOD + b'2015-02-26 21:52:53,"1\n', "line 4: unexpected end of data"),
        (GOOD + b"2015-02-26 21:52:53,\xff\xfe1\n", "line 4: value"),
        (b"PK\x03\x04rest", "is a zip or Excel file"),
        (b"\xff\xfet\x00i\x00", "is UTF-16"),
        (b"\x7fELF\x00\x00", "is binary"),
        (gzip.compress(GOOD * 2000, mtime=0)[:-20], "gzip data is damaged or cut short"),
        (gzip.compress(GOOD, mtime=0)[:8] + b"junk" * 9, "gzip data is damaged"),
        (b"PAR1junk", "no readable Parquet file"),
    ],
)
def test_a_bad_file_is_refused_naming_file_line_and_value(content: bytes, said: str, tmp_path: Path):
    path = written(tmp_path, content)

    with pytest.raises(DataFileError) as caught:
        read(path)

    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_a_missing_file_and_a_folder_are_named_with_the_nearest(tmp_path: Path):
    written(tmp_path, GOOD, "mentions.csv")

    with pytest.raises(DataFileError, match=r"mention.csv: no such file; did you mean mentions.csv\?"):
        read(tmp_path / "mention.csv")
    with pytest.raises(DataFileError, match="is a folder"):
        read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + GOOD,
        gzip.compress(GOOD, mtime=0),
        GOOD.replace(b"\n", b"\n\n"),
        b'value,note,timestamp\n104,"a, b",2015-02-26 21:42:53\n100,"two\nlines",2015-02-26 21:47:53\n',
        b" timestamp , value \n2015-02-26T21:42:53 , 104\n2015-02-26 21:47:53,1e2\n",
        b"timestamp,value\n2015-02-26T22:42:53+01:00,104\n2015-02-26T21:47:53Z,100\n",
    ],
)
def test_a_good_file_is_read_whatever_its_dialect(content: bytes, tmp_path: Path):
    frame = read(written(tmp_path, content))

    assert frame["value"].tolist() == [104.0, 100.0]
    assert frame["time"].tolist() == [
        pd.Timestamp("2015-02-26 21:42:53", tz="UTC"),
        pd.Timestamp("2015-02-26 21:47:53", tz="UTC"),
    ]


def test_lines_are_the_files_own_even_after_a_quoted_line_break(tmp_path: Path):
    content = b'timestamp,value,note\n2015-02-26,1,"two\nlines"\n\n2015-02-27,x,\n'

    with pytest.raises(DataFileError, match="line 5: value 'x'"):
        read(written(tmp_path, content))


def test_the_chunks_of_a_file_say_the_same_as_the_whole(tmp_path: Path):
    rows = "".join(f"2015-02-{1 + i // 1440:02d} {i // 60 % 24:02d}:{i % 60:02d},{i}\n" for i in range(5000))
    path = written(tmp_path, b"timestamp,value\n" + rows.encode())
    seen: list[int] = []

    chunked = pd.concat(
        list(read_frames(path, ImportSpec("twitter", "mentions", "AAPL", chunk_rows=700), on_bytes=seen.append)),
        ignore_index=True,
    )

    pd.testing.assert_frame_equal(chunked, read(path))
    assert sum(seen) == path.stat().st_size


def test_a_fault_in_a_later_chunk_is_found_there(tmp_path: Path):
    rows = "".join(f"2015-02-26 {i // 60:02d}:{i % 60:02d},{i}\n" for i in range(1000))
    path = written(tmp_path, b"timestamp,value\n" + rows.encode() + b"2015-02-27 00:00Z,1\n")

    with pytest.raises(DataFileError, match=r"line 1002: .* but line 2 has none"):
        read(path, ImportSpec("twitter", "mentions", chunk_rows=100))


@pytest.mark.parametrize("cell", ["", "NA", "NaN", "null", "None", "-", "n/a"])
def test_an_absent_value_is_unknown_not_a_fault(cell: str, tmp_path: Path):
    frame = read(written(tmp_path, GOOD + f"2015-02-26 21:52:53,{cell}\n".encode()))

    assert frame["value"].isna().tolist() == [False, False, True]


def test_bad_rows_can_be_set_aside_each_with_its_fault(tmp_path: Path):
    """The good row stays good, and what could be read of a bad one is kept as it was read."""
    content = GOOD + b"26.2.2015,1\n2015-02-26 21:52:53,many\n2015-02-26\n2015-02-26T21:57:53Z,7\n"

    frame = read(written(tmp_path, content), ImportSpec("twitter", "mentions", quarantine_bad_rows=True))

    faults = frame.set_index("line")["fault"].dropna()
    assert faults.index.tolist() == [4, 5, 7, 6]
    assert [word in fault for word, fault in zip(["unreadable", "number", "mixed", "fields"], faults, strict=True)]
    assert frame[frame["fault"].isna()]["value"].tolist() == [104.0, 100.0]


def test_wall_clock_times_are_read_in_their_zone(tmp_path: Path):
    path = written(tmp_path, b"timestamp,value\n2015-03-29 01:59:59,1\n2015-03-29 03:00:00,2\n")

    frame = read(path, ImportSpec("twitter", "mentions", times=TimeReading("Europe/Berlin")))

    assert (frame["time"].iloc[1] - frame["time"].iloc[0]).total_seconds() == 1


def test_a_time_that_never_was_is_refused(tmp_path: Path):
    path = written(tmp_path, b"timestamp,value\n2015-03-29 02:30:00,1\n")

    with pytest.raises(DataFileError, match="2015-03-29 02:30:00 does not exist in Europe/Berlin"):
        read(path, ImportSpec("twitter", "mentions", times=TimeReading("Europe/Berlin")))


def test_a_time_that_was_twice_needs_a_choice(tmp_path: Path):
    path = written(tmp_path, b"timestamp,value\n2015-10-25 02:30:00,1\n")

    with pytest.raises(DataFileError, match=r"happens twice in Europe/Berlin .* first or second"):
        read(path, ImportSpec("twitter", "mentions", times=TimeReading("Europe/Berlin")))
    first = read(path, ImportSpec("twitter", "mentions", times=TimeReading("Europe/Berlin", ambiguous="first")))
    second = read(path, ImportSpec("twitter", "mentions", times=TimeReading("Europe/Berlin", ambiguous="second")))

    assert (second["time"] - first["time"]).item() == pd.Timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "time_format"),
    [("1424986973", "unix"), ("1424986973000", "unix_ms"), ("26/02/2015 21:42:53", "%d/%m/%Y %H:%M:%S")],
)
def test_other_ways_to_write_a_time(text: str, time_format: str, tmp_path: Path):
    path = written(tmp_path, f"timestamp,value\n{text},104\n".encode())

    frame = read(path, ImportSpec("twitter", "mentions", times=TimeReading(time_format=time_format)))

    assert frame["time"].item() == pd.Timestamp("2015-02-26 21:42:53", tz="UTC")


@pytest.mark.parametrize(
    "times",
    [
        pa.array(["2015-02-26 21:42:53", "2015-02-26 21:47:53"]),
        pa.array([1424986973, 1424987273], type=pa.int64()).cast(pa.timestamp("s")),
        pa.array([1424986973000, 1424987273000], type=pa.int64()).cast(pa.timestamp("ms", tz="Europe/Berlin")),
        pa.array(["2015-02-26 21:42:53", "2015-02-26 21:47:53"]).dictionary_encode(),
    ],
)
@pytest.mark.parametrize("values", [pa.array([104, 100]), pa.array([104.0, 100.0]), pa.array(["104", "100"])])
def test_parquet_is_read_whatever_its_types(times: pa.Array, values: pa.Array, tmp_path: Path):
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"timestamp": times, "value": values}), path)

    frame = read(path)

    assert frame["value"].tolist() == [104.0, 100.0]
    assert frame["time"].iloc[0] == pd.Timestamp("2015-02-26 21:42:53", tz="UTC")


def test_a_parquet_fault_names_its_row(tmp_path: Path):
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"timestamp": ["2015-02-26", None], "value": [1.0, 2.0]}), path)

    with pytest.raises(DataFileError, match="line 2: time ''"):
        read(path)
    with pytest.raises(DataFileError, match="no column 'time'; found 'timestamp', 'value'; did you mean 'timestamp'"):
        read(path, ImportSpec("twitter", "mentions", time_column="time"))


def test_the_real_series_are_read_whole():
    """Five public series of five-minute counts; their times name no zone."""
    folder = Path(__file__).parents[2] / "../shared/data/nab/realTweets"
    if not folder.is_dir():
        pytest.skip("the public series are not beside the checkout")

    rows = {path.stem: len(read(path)) for path in sorted(folder.glob("*.csv"))}

    assert sum(rows.values()) == 79_301


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("timestamp;value\n2026-10-01;1.234,5\n2026-10-02;7\n", [1234.5, 7]),
        ("timestamp;value\n2026-10-01;0,5\n2026-10-02;12,25\n", [0.5, 12.25]),
        ('timestamp,value\n2026-10-01,"1,234,567"\n2026-10-02,"2,000"\n', [1234567, 2000]),
        ('timestamp,value\n2026-10-01,"1,234.5"\n', [1234.5]),
        ("timestamp\tvalue\n2026-10-01\t1.234.567\n", [1234567]),
        ("timestamp|value\n2026-10-01|1\u202f234,5\n", [1234.5]),
        ("timestamp;value\n2026-10-01;1\u2019234\n2026-10-02;12.5\n", [1234, 12.5]),
        ("timestamp,value\n2026-10-01,1e3\n2026-10-02,-2.5\n", [1000, -2.5]),
    ],
)
def test_numbers_are_read_as_the_file_writes_them(tmp_path, content, expected):
    """Decimal commas, and points, commas, blanks or apostrophes between thousands; columns parted by any usual mark."""
    path = tmp_path / "in.csv"
    path.write_text(content)

    frames = list(read_frames(path, ImportSpec("youtube", "views")))

    assert pd.concat(frames)["value"].tolist() == expected


def test_a_number_that_two_styles_read_is_told_by_the_option(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text('timestamp,value\n2026-10-01,"1,234"\n')

    values = [next(read_frames(path, ImportSpec("youtube", "views", decimal=mark)))["value"][0] for mark in ",."]

    assert values == [1.234, 1234]


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        ("account", ["a", "b"], "column 'account' names several accounts ('a', 'b')"),
        ("Channel name", ["b", "b"], "column 'Channel name' says 'b', but --account says 'a'"),
        ("country", ["DE", "US"], "column 'country' splits the figures ('DE', 'US'"),
        ("device type", ["phone", "desktop"], "column 'device type' splits the figures"),
    ],
)
def test_a_column_of_words_is_never_passed_over_silently(tmp_path, header, rows, said):
    """Another account's figures were stored as this one's, and parts as the total."""
    path = tmp_path / "in.csv"
    path.write_text(f"timestamp,value,{header}\n" + "".join(f"2026-10-01,{i},{row}\n" for i, row in enumerate(rows)))

    with pytest.raises(DataFileError) as refused:
        list(read_frames(path, ImportSpec("youtube", "views", account="a")))

    assert said in str(refused.value)


def test_remarks_beside_the_figures_are_no_parts(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("timestamp,value,note\n2026-10-01,1,launch\n2026-10-02,2,\n2026-10-03,3,sale\n")

    assert len(next(read_frames(path, ImportSpec("youtube", "views", account="a")))) == 3


def test_a_column_gives_each_rows_account(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("timestamp,value,channel\n2026-10-01,1,a\n2026-10-01,2,b\n")

    frame = next(read_frames(path, ImportSpec("youtube", "views", account_column="channel")))

    assert frame["author_id"].tolist() == ["a", "b"]


def test_a_point_beside_semicolons_may_part_thousands(tmp_path):
    """German files write 1.234 for what was read as 1.234 views."""
    path = tmp_path / "in.csv"
    path.write_text("timestamp;value\n2026-10-01;1.234\n2026-10-02;12\n")

    with pytest.raises(DataFileError, match=r"line 2: value '1\.234' can be read two ways; say --decimal"):
        list(read_frames(path, ImportSpec("youtube", "views")))

    values = [next(read_frames(path, ImportSpec("youtube", "views", decimal=mark)))["value"][0] for mark in ",."]
    assert values == [1234, 1.234]
