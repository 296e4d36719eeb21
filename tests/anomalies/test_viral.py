"""Breakouts: far above what the account's earlier content had at the same age."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from analytics.anomalies import detect_breakouts
from analytics.errors import InputError

START = pd.Timestamp("2026-03-02T08:00", tz="UTC")


def account(seed, posts=30, breakouts=(), growth=8.0):
    """Daily posts whose views saturate within days; sizes spread by ratios; polled hourly with jitter."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(posts):
        published = START + timedelta(days=i)
        final = 2000 * np.exp(rng.normal(0, 0.35)) * (growth if i in breakouts else 1.0)
        ages_h = np.sort(rng.uniform(0.1, 170, 160))
        views = np.round(final * (1 - np.exp(-ages_h / 18)))
        rows.append(
            pd.DataFrame(
                {
                    "content_id": f"post{i:02d}",
                    "published_at": published,
                    "observed_at": published + pd.to_timedelta(ages_h, unit="h"),
                    "value": views,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def test_breakouts_are_found_early_and_little_else():
    """Precision at least 0.9 and recall at least 0.8 over twelve accounts, within a day of publication."""
    right = wrong = 0
    for seed in range(12):
        told = detect_breakouts(account(seed, breakouts=(15, 24)))
        names = {e.details["content_id"] for e in told if e.details["age_s"] <= 86400}
        right += len(names & {"post15", "post24"})
        wrong += len({e.details["content_id"] for e in told} - {"post15", "post24"})

    assert right / 24 >= 0.8
    assert right / (right + wrong) >= 0.9


def test_a_breakout_explains_itself():
    told = detect_breakouts(account(3, breakouts=(20,)))

    (event,) = [e for e in told if e.details["content_id"] == "post20"]
    assert event.confirmed_at - event.start == timedelta(seconds=event.details["age_s"])
    assert event.details["posts"] == 20
    assert event.deviation > 3
    assert event.reason.startswith("post20 had ")


def test_only_what_was_known_then_counts():
    """Later posts and readings after the confirming age change nothing; order of rows neither."""
    frame = account(4, breakouts=(20,))
    (event,) = [e for e in detect_breakouts(frame) if e.details["content_id"] == "post20"]

    known = frame[(frame["observed_at"] <= event.confirmed_at + timedelta(hours=6))]
    again = detect_breakouts(known.sample(frac=1, random_state=0))

    assert [e for e in again if e.details["content_id"] == "post20"] == [event]


def test_a_young_account_has_no_usual():
    assert detect_breakouts(account(5, posts=8, breakouts=(6,))) == []


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="'observed_at'"):
        detect_breakouts(account(6).drop(columns="observed_at"))
