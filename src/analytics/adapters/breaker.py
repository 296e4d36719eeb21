"""When a platform that does not answer is asked no more in a round: its other accounts would wait for nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES = 5  # in a row: one more than the tries of one call
LASTING_S = 20.0  # a burst of errors over within seconds is what retries are for


@dataclass
class Breaker:
    """Shared by a platform's clients; open once so many tries in a row have failed over so long a time.

    A call that was refused by a rate limit, or answered with any other error, shows a platform that is there.
    """

    failures: int = FAILURES
    lasting_s: float = LASTING_S
    clock: Callable[[], float] = time.monotonic
    _row: int = 0
    _since: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether to ask no more."""
        with self._lock:
            return self._row >= self.failures and self.clock() - self._since >= self.lasting_s

    def failed(self, begun: float) -> None:
        """A try that began then, by `clock`, got no answer or a 5xx."""
        with self._lock:
            self._since = begun if self._row == 0 else min(self._since, begun)
            self._row += 1

    def answered(self) -> None:
        """The platform is there."""
        with self._lock:
            self._row = 0

    @property
    def reason(self) -> str:
        """Why a call was not made."""
        return f"not asked: {self._row} tries in a row failed in this round"
