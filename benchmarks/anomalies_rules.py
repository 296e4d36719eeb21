"""The four rules on simulated months whose truth is known: precision and recall of each, as reports judge.

    python benchmarks/anomalies_rules.py [--seeds 6] [--days 112]

Five metrics of three platforms are read every five minutes as polling reads them; accounts so small that a metric is
judged by the day are left out, for what lasts some hours cannot be seen there. An event is right if it overlaps
something that happened to its account (two hours of slack), false otherwise. What a rule should find: `statistical`
every viral post, launch and outage; `trend` those above the usual for an hour or longer; `pattern` days without their
peak, frozen counts and silences, which are put into stretches where nothing else happens; `cross_platform` the brand's
launches. The simulator's launches and viral posts fade away, so that their tails are the hard part.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from analytics import anomalies
from analytics.definitions import definition_for, definitions_of
from analytics.model import SeriesKey
from analytics.monitoring.judge import MonitoredSeries, judge
from analytics.monitoring.watch import Watch
from analytics.params.files import Params
from analytics.simulator import World, history, world_of
from analytics.simulator.platforms import load

START = datetime(2026, 3, 1, tzinfo=UTC)
WARM_UP = timedelta(days=33)
STEP = timedelta(minutes=5)
SLACK = timedelta(hours=2)
SERIES = (
    ("twitter", "acme", "mentions"),
    ("twitter", "acme", "followers"),
    ("youtube", "@acme", "views"),
    ("substack", "acme", "opens"),
    ("substack", "acme", "clicks"),
)
WANTED = {"statistical": ("viral", "launch", "outage"), "trend": ("viral", "launch"), "cross_platform": ("launch",)}
ABSENCES = {"no peak": 24.0, "frozen": 18.0, "silent": 24.0}  # hours each lasts
KNOWN = definitions_of(Params())


@dataclass(frozen=True)
class Label:
    kind: str
    start: datetime
    end: datetime


@dataclass
class Tally:
    right: int = 0
    wrong: int = 0
    found: int = 0
    wanted: int = 0

    def add(self, spans: Sequence[tuple[datetime, datetime]], labels: Sequence[Label], kinds: Sequence[str]) -> None:
        touched = [[a <= lab.end + SLACK and lab.start - SLACK <= b for lab in labels] for a, b in spans]
        self.right += sum(any(row) for row in touched)
        self.wrong += sum(not any(row) for row in touched)
        for place, label in enumerate(labels):
            if label.kind in kinds:
                self.wanted += 1
                self.found += any(row[place] for row in touched)

    def said(self) -> dict[str, float | int]:
        told = self.right + self.wrong
        return {
            "events": told,
            "precision": round(self.right / told, 3) if told else float("nan"),
            "labels": self.wanted,
            "recall": round(self.found / self.wanted, 3) if self.wanted else float("nan"),
        }


def judged(key: SeriesKey, frame: pd.DataFrame, end: datetime) -> MonitoredSeries:
    definition = definition_for(key, KNOWN, end)
    return judge(0, key, definition, frame, START + WARM_UP, end, Watch())


def labels_of(world: World, key: SeriesKey, end: datetime) -> list[Label]:
    """What happened, purges included: they are right to tell though no rule has to."""
    subject = load(key.platform).subject_of(key.author_id, key.metric_type)
    events = world.events(key.platform, subject, START + WARM_UP, end)
    return [Label(event.kind, event.start, event.end) for event in events if event.kind != "definition"]


def with_absences(
    frame: pd.DataFrame, labels: list[Label], end: datetime, seed: int
) -> tuple[pd.DataFrame, list[Label]]:
    """The same readings with days that lack something, one a fortnight where nothing else happens."""
    random, changed, more = np.random.default_rng(seed), frame.copy(), []
    times = frame["time"].dt.tz_localize(None).to_numpy("datetime64[s]")
    day = START + WARM_UP + timedelta(days=2)
    while day + timedelta(days=3) < end:
        kind = list(ABSENCES)[int(random.integers(3))]
        until = day + timedelta(hours=ABSENCES[kind])
        if any(label.start < until + timedelta(days=1) and day - timedelta(days=1) < label.end for label in labels):
            day += timedelta(days=1)
            continue
        low, high = (np.datetime64(at.replace(tzinfo=None), "s") for at in (day, until))
        inside = np.flatnonzero((times >= low) & (times < high))
        _take_away(changed, inside, kind)
        more.append(Label(kind, day, until))
        day += timedelta(days=14)
    return changed.dropna(subset=["value"]), more


def _take_away(frame: pd.DataFrame, inside: np.ndarray, kind: str) -> None:
    place = frame.columns.get_loc("value")
    values = frame["value"].to_numpy().copy()
    if kind == "silent":
        values[inside] = np.nan
    elif kind == "frozen":  # a counter stands still, a count repeats itself
        values[inside] = values[inside[0]]
    else:  # growth stays at the night's pace, and the counter goes on from there
        steps = np.diff(values, prepend=values[0])
        night = np.quantile(steps[inside], 0.15) if (np.diff(values) >= 0).all() else np.quantile(values[inside], 0.15)
        if (np.diff(values) >= 0).all():
            steps[inside] = np.minimum(steps[inside], np.ceil(night))
            values = values[0] + np.cumsum(steps)
        else:
            values[inside] = np.minimum(values[inside], np.ceil(night))
    frame.isetitem(place, values)


def spans(events: Sequence[anomalies.Event], rule: str) -> list[tuple[datetime, datetime]]:
    return [(event.start, event.end) for event in events if event.rule == rule]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--days", type=int, default=112)
    options = parser.parse_args()
    end = START + timedelta(days=options.days)
    tallies = {rule: Tally() for rule in ("statistical", "trend", "pattern", "cross_platform")}
    for seed in range(1, options.seeds + 1):
        world = world_of(seed)
        by_series: dict[SeriesKey, Sequence[anomalies.Event]] = {}
        launches: list[Label] = []
        everything: list[Label] = []
        for platform, account, metric in SERIES:
            frame = history(platform, account, metric, START, end, STEP, seed=seed)
            key = SeriesKey(platform, metric, "", account)
            labels = labels_of(world, key, end)
            series = judged(key, frame, end)
            if series.step_s > 3600:
                continue
            found = by_series[key] = series.events
            everything += labels
            launches += [label for label in labels if label.kind == "launch" and platform == "twitter"]
            for rule in ("statistical", "trend"):
                tallies[rule].add(spans(found, rule), labels, WANTED[rule])
            lacking, absences = with_absences(frame, labels, end, seed)
            told = judged(key, lacking, end).events
            tallies["pattern"].add(spans(told, "pattern"), [*labels, *absences], tuple(ABSENCES))
        shared = anomalies.cross_platform(by_series)
        once = list(dict.fromkeys(launches))
        others = [label for label in everything if label.kind != "launch"]
        tallies["cross_platform"].add([(e.start, e.end) for e in shared], [*once, *others], ("launch",))
    print(json.dumps({rule: tally.said() for rule, tally in tallies.items()}, indent=1))


if __name__ == "__main__":
    main()
