"""Every error the product raises on purpose, in one tree.

The command line prints the message on one line and exits with `exit_status`. Under
`SourceError` the question is "may I try again?": `TransientSourceError` or not. A message
names the platform, the call and the value that offended, never a token.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AnalyticsError(Exception):
    """Root of the tree."""

    exit_status = 1


class InputError(AnalyticsError):
    """Something the user gave cannot be used: a file, a value, a parameter."""

    exit_status = 2


class SettingsError(InputError):
    """An environment variable or `.env` entry is unknown, missing or ill-typed."""


class ParamsError(InputError):
    """A file below `params/` has an unknown key, a bad value or a name used twice."""


class DataFileError(InputError):
    """An imported file cannot be read as asked; the message names file, line and value."""


class NoDataError(InputError):
    """The store holds nothing for what was asked, so no figure may be shown."""


class SourceError(AnalyticsError):
    """A platform did not give what was asked.

    >>> str(SourceError("github", "GET /repos/a/b", "answered 404"))
    'github GET /repos/a/b: answered 404'
    """

    def __init__(self, platform: str, call: str, problem: str) -> None:
        super().__init__(f"{platform} {call}: {problem}")
        self.platform = platform
        self.call = call
        self.problem = problem


class TransientSourceError(SourceError):
    """Transport failure, 429 or 5xx: the same call may succeed later.

    `retry_after_s` is the wait the platform asked for in seconds; None where it named none. `is_throttled`: it
    answered, and asks for patience.
    """

    is_throttled = False

    def __init__(self, platform: str, call: str, problem: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(platform, call, problem)
        self.retry_after_s = retry_after_s


class QuotaExhausted(SourceError):
    """The day's or month's quota is spent: not to be retried before it is renewed."""


class AccessDenied(SourceError):
    """401 or 403: the credential is missing, revoked or lacks a permission.

    `refuses_token`: the platform does not take the token itself, which may have ended before its time.
    """

    refuses_token = False


class SourceNotFound(SourceError):
    """404 or 410: the account or content does not exist, or no longer."""


class MalformedResponse(SourceError):
    """The body is not what the vendor's description says: truncated, HTML, wrong types."""


class WebhookRefused(AnalyticsError):
    """A call from outside whose signature, secret, address or time does not hold, or which was made before."""


class StoreError(AnalyticsError):
    """The database refused or is not there."""


class ValueRefused(StoreError):
    """The database refused what it was given, and would again: the batch is at fault, not the database."""


class ServerError(StoreError):
    """The embedded PostgreSQL could not be started, stopped or reached."""


class StatisticsError(AnalyticsError):
    """A figure cannot be estimated from what was given."""


class InsufficientHistory(StatisticsError):
    """Fewer observations than the estimate needs."""


class ReportError(AnalyticsError):
    """A report could not be made; nothing was published."""


MOST_NAMED = 50


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """What to write after "unknown": the known name most like it, or what there is.

    >>> nearest("gihtub", ["github", "reddit"]), nearest("x", ["github", "reddit"]), nearest("x", [])
    ("did you mean 'github'?", 'expected one of github, reddit', 'there is none yet')

    More than fifty are not all written.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=cutoff)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"expected one of {', '.join(names[:MOST_NAMED])}{more}" if names else "there is none yet"
