"""What a round's outcome means for its run: tried again, failed, or done."""

from dataclasses import dataclass

import pytest

from analytics.errors import AccessDenied, MalformedResponse, SourceError, StoreError, TransientSourceError
from flows.collect import first_error
from flows.shared import is_transient


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
