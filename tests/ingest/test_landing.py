"""Raw answers on disk: all of them come back, whatever happened to the file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from analytics.errors import InputError
from analytics.ingest.landing import Landed, Landing

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def answer(number: int, raw: bytes = b'{"a": 1}', at: datetime = AT) -> Landed:
    return Landed("github", "a/b", at, f"GET /x?n={number}", "parse_repository", "2022-11-28", 4999, raw)


@pytest.fixture
def landing(tmp_path):
    return Landing(tmp_path)


@pytest.mark.parametrize("raw", [b'{"title": "\xc3\xa4pfel \xf0\x9f\x8d\x8e"}', b"", b"\xff\xfe not utf-8"])
def test_an_answer_comes_back_byte_for_byte(landing, raw):
    landing.append([answer(1, raw)])

    assert list(landing.read("github", since=AT.date())) == [answer(1, raw)]


def test_answers_keep_their_order_over_days_and_writes(landing):
    landing.append([answer(1), answer(2)])
    landing.append([answer(3, at=AT + timedelta(days=1))])
    landing.append([answer(4)])

    calls = [a.call[-1] for a in landing.read("github", since=AT.date())]
    later = [a.call[-1] for a in landing.read("github", since=date(2026, 11, 21))]

    assert (calls, later) == (["1", "2", "4", "3"], ["3"])


def test_a_write_cut_short_costs_one_answer(landing):
    """Power fails in the middle of a write; the next collector appends behind the torn piece."""
    landing.append([answer(1)])
    path = landing.files("github")[0]
    whole = path.read_bytes()
    landing.append([answer(2)])
    path.write_bytes(path.read_bytes()[: len(whole) + 40])
    landing.append([answer(3)])

    assert [a.call[-1] for a in landing.read("github", since=AT.date())] == ["1", "3"]


def test_old_days_are_purged_and_counted(landing):
    for days in range(4):
        landing.append([answer(days, at=AT + timedelta(days=days))])

    removed = landing.purge("github", before=date(2026, 11, 22))

    assert removed == 2
    assert [a.call[-1] for a in landing.read("github", since=date(2026, 1, 1))] == ["2", "3"]


def test_a_platform_is_no_path(landing):
    with pytest.raises(InputError, match="expected a name"):
        landing.files("../secrets")


def test_tags_come_back_by_account(landing):
    landing.keep_tags("github", "a/b", {"GET /x": ('W/"1"', b"{}")})

    assert landing.tags("github", "a/b") == {"GET /x": ('W/"1"', b"{}")}
    assert landing.tags("github", "a/c") == {}
    assert landing.files("github") == []


def test_damaged_tags_are_asked_for_again(landing):
    landing.keep_tags("github", "a/b", {"GET /x": ('W/"1"', b"{}")})
    (path,) = landing.folder.rglob("tags-*")

    for damaged in (b"", b"rubbish", path.read_bytes()[:-9]):
        path.write_bytes(damaged)
        assert landing.tags("github", "a/b") == {}


def test_answers_that_name_what_is_deleted_go_and_the_others_stay(landing):
    """The name must stand alone: a request about `a12` says nothing about `a123`."""
    landing.append([answer(1, b'{"id": "a12"}'), answer(2, b'{"id": "a123"}'), answer(3, b'{"ids": ["a12", "b"]}')])
    landing.keep_tags("github", "a/b", {"GET /x": ('W/"1"', b'{"id": "a12"}')})

    gone = landing.forget("github", account=None, content_id="a12")

    assert gone == 2
    assert [a.call[-1] for a in landing.read("github", since=AT.date())] == ["2"]
    assert landing.tags("github", "a/b") == {}


def test_an_account_is_forgotten_whatever_its_answers_say(landing):
    other = Landed("github", "c/d", AT, "GET /y", "parse_repository", "2022-11-28", 4999, b"{}")
    landing.append([answer(1), other])

    assert landing.forget("github", account="a/b", content_id=None) == 1
    assert landing.forget("reddit", account="a/b", content_id=None) == 0
    assert list(landing.read("github", since=AT.date())) == [other]


def test_what_is_landed_is_this_accounts_alone(tmp_path):
    """Also in a folder that an earlier release left open to every account of the machine."""
    folder = tmp_path / "landing"
    folder.mkdir(mode=0o755)
    landing = Landing(folder)

    landing.append([answer(1)])
    landing.keep_tags("github", "acme", {"call": ("tag", b"body")})

    assert folder.stat().st_mode & 0o007 == 0
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*.gz")} == {0}
