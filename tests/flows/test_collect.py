"""What a round's outcome means for its run: tried again, failed, or done."""

from dataclasses import dataclass

import pytest

from analytics.errors import AccessDenied, MalformedResponse, SourceError, StoreError, TransientSourceError
from flows.collect import ask_again, collect_platform, first_error
from flows.shared import is_ours, is_transient


@dataclass
class Gave:
    error: SourceError | None
    problem: str = "withheld"
    platform: str = "github"


class Ended:
    """A task's final state."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def result(self):
        raise self.error


BUSY = TransientSourceError("github", "GET /repos", "answered 503")
REVOKED = AccessDenied("github", "GET /repos", "answered 401")


def test_one_account_worth_another_try_makes_the_round_worth_it():
    """The others' answers are stored already, and storing them again changes nothing."""
    assert first_error([Gave(REVOKED), Gave(BUSY)]) is BUSY


def test_without_an_error_the_reason_is_the_metrics():
    """Every metric was withheld: the run says so instead of nothing."""
    assert "withheld" in str(first_error([Gave(None)]))


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (BUSY, True),
        (StoreError("the database refused: the server closed the connection"), True),
        (REVOKED, False),
        (MalformedResponse("github", "GET /repos", "no 'stargazers_count'"), False),
        (ZeroDivisionError(), False),
    ],
)
def test_only_what_may_heal_by_itself_is_tried_again(error, again):
    """A revoked key asked for three more times is three more refusals on the platform's record."""
    assert is_transient(None, None, Ended(error)) is again


@pytest.mark.parametrize(
    ("error", "again"),
    [(BUSY, False), (StoreError("the database refused"), True), (REVOKED, False), (ZeroDivisionError(), False)],
)
def test_only_the_database_is_waited_for_in_a_place(error, again):
    """A platform that is down is left to a later run: its retries once held the places of all others."""
    assert is_ours(None, None, Ended(error)) is again
    assert collect_platform.retry_condition_fn is is_ours
    assert sum(collect_platform.retry_delay_seconds) <= 15


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What was asked of the server; its schedule is hourly."""
    calls = []
    entry = "platforms: {github: {adapter: github, display_name: G, schedule: '%s', accounts: [{id: acme}]}}"
    monkeypatch.setenv("ANALYTICS_PARAMS_DIR", str(tmp_path))
    monkeypatch.setattr("flows.collect.run_deployment", lambda name, **asked: calls.append((name, asked)))

    def schedule(line):
        (tmp_path / "platforms.yaml").write_text(entry % line)
        return calls

    return schedule


def test_a_round_that_gave_nothing_is_asked_for_again_by_a_run_of_its_own(asked):
    calls = asked("0 0 1 1 *")

    said = [ask_again("github", "acme", tries) for tries in range(4)]

    assert said == ["tried again in 2 minutes", "tried again in 10 minutes", "tried again in 45 minutes", said[3]]
    assert said[3] == "the next poll tries again"
    assert [(name, run["parameters"]["tries"], run["timeout"]) for name, run in calls] == [
        ("collect/github", 1, 0),
        ("collect/github", 2, 0),
        ("collect/github", 3, 0),
    ]


def test_where_the_next_poll_comes_first_nothing_is_asked(asked):
    calls = asked("* * * * *")

    assert ask_again("github", None, 0) == "the next poll tries again"
    assert calls == []
