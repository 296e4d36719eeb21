"""The traffic report; `traffic.month(...)` is what its notebook calls."""

from analytics.reports.traffic.report import TrafficReport, month

__all__ = ["TrafficReport", "month"]
