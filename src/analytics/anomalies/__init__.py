"""What is not normal: rules that name events, one score for every reading, incidents.

- `detect(times, values, baseline, *, rules, settings, breaks, as_of)` -> `list[Event]` for one series,
  `detect_matrix` for rows that share their times; rules `statistical`, `trend`, `pattern`.
- `without_returns(events, times, values)`: less those that only come back to what was usual before an incident.
- `cross_platform(events_by_series)` -> `list[Event]`: platforms that moved together beyond coincidence.
- `group(events_by_series, shared)` -> `list[Incident]`; `candidate_causes(incident, ...)`;
  `weigh(judgements)` -> `Feedback`: what people's verdicts mask, and by how much they move thresholds.
- `choose_levels(..., alerts_per_week=)` -> `list[Level]`: `Settings.scaled(level.factor)` keeps to a budget.
- `score(timestamps, values)` -> one number in [0, 1] a reading, online; alert at `FLAG_LEVEL`.
- `detect_breakouts(readings)` -> `list[Event]`: content far above its account's earlier content at the same age.
"""

from analytics.anomalies.budget import Level, choose_levels, seen_per_week
from analytics.anomalies.cross import CrossSettings, cross_platform
from analytics.anomalies.detection import Settings, detect, detect_matrix
from analytics.anomalies.episodes import Levels
from analytics.anomalies.events import SINGLE_SERIES_RULES, Direction, Event, Rule, severity_of
from analytics.anomalies.feedback import Feedback, Judgement, Sensitivity, Verdict, learn, weigh
from analytics.anomalies.incidents import Cause, Incident, candidate_causes, group
from analytics.anomalies.pattern import PatternSettings
from analytics.anomalies.returns import without_returns
from analytics.anomalies.scoring import FLAG_LEVEL, score
from analytics.anomalies.trend import TrendSettings
from analytics.anomalies.viral import detect_breakouts

__all__ = [
    "FLAG_LEVEL",
    "SINGLE_SERIES_RULES",
    "Cause",
    "CrossSettings",
    "Direction",
    "Event",
    "Feedback",
    "Incident",
    "Judgement",
    "Level",
    "Levels",
    "PatternSettings",
    "Rule",
    "Sensitivity",
    "Settings",
    "TrendSettings",
    "Verdict",
    "candidate_causes",
    "choose_levels",
    "cross_platform",
    "detect",
    "detect_breakouts",
    "detect_matrix",
    "group",
    "learn",
    "score",
    "seen_per_week",
    "severity_of",
    "weigh",
    "without_returns",
]
