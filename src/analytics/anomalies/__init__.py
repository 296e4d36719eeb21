"""What is not normal: rules that name events, one score for every reading, incidents."""

from analytics.anomalies.detection import Settings, detect, detect_matrix
from analytics.anomalies.episodes import Levels
from analytics.anomalies.events import Direction, Event, Rule, severity_of
from analytics.anomalies.scoring import FLAG_LEVEL, score

__all__ = [
    "FLAG_LEVEL",
    "Direction",
    "Event",
    "Levels",
    "Rule",
    "Settings",
    "detect",
    "detect_matrix",
    "score",
    "severity_of",
]
