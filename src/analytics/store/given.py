"""What a store has given out: a name for the readings that were read, whatever else it holds."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

HOW_KEPT = ("series_id", "tier", "quality", "late")  # moves of a day between tiers are no other readings


class Given:
    """Notes what was read; the same readings give the same name, in any order and any database."""

    def __init__(self) -> None:
        self._keys: dict[int, str] = {}
        self._parts: set[bytes] = set()

    def called(self, series: pd.DataFrame) -> None:
        """Remember what series are called, so that names do not depend on their numbers."""
        columns = ["series_id", "platform", "metric_type", "author_id", "content_id"]
        for number, *key in series[columns].to_numpy(object).tolist():
            self._keys[number] = "\0".join(key)

    def add(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Note a frame sorted by series and give it back."""
        shown = frame.drop(columns=[name for name in HOW_KEPT if name in frame])
        hashes = pd.util.hash_pandas_object(shown, index=False).to_numpy()
        numbers, starts = np.unique(frame["series_id"].to_numpy(), return_index=True)
        for number, part in zip(numbers.tolist(), np.split(hashes, starts[1:]), strict=False):
            key = self._keys.get(number, str(number))
            self._parts.add(hashlib.sha256(key.encode() + b"\0" + part.tobytes()).digest())
        return frame

    @property
    def name(self) -> str:
        """Of all that was noted."""
        return hashlib.sha256(b"".join(sorted(self._parts))).hexdigest()[:16]
