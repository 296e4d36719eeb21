"""What is not normal: rules that name events, one score for every reading, incidents."""

from analytics.anomalies.detection import Settings, detect, detect_matrix
from analytics.anomalies.episodes import Levels
from analytics.anomalies.events import Direction, Event, Rule, severity_of

__all__ = ["Direction", "Event", "Levels", "Rule", "Settings", "detect", "detect_matrix", "severity_of"]
