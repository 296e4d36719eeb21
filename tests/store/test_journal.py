"""What the product concluded and did is on record once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from analytics.store import Store, journal

AT = datetime(2026, 10, 1, 12, tzinfo=UTC)


def test_a_baseline_is_kept_once_an_algorithm_and_time(store: Store):
    row = {
        "time": AT,
        "platform": "reddit",
        "metric_type": "posts",
        "baseline_value": 10.0,
        "upper_bound": 12.0,
        "lower_bound": 8.0,
        "algorithm": "ewma",
    }
    with store.begin() as connection:
        assert journal.save_baselines(connection, [row, row | {"algorithm": "stl"}]) == 2
        assert journal.save_baselines(connection, [row]) == 0
        assert journal.save_baselines(connection, [row | {"baseline_value": 11.0}]) == 1


def test_an_alert_is_told_once_a_channel(store: Store):
    alert = {"rule_name": "drop", "incident_key": "reddit/1", "channel": "mail", "status": "sent", "triggered_at": AT}
    with store.begin() as connection:
        assert journal.record_alert(connection, alert)
        assert not journal.record_alert(connection, alert | {"triggered_at": AT + timedelta(minutes=5)})
        assert journal.record_alert(connection, alert | {"channel": "chat"})


def test_reports_contents_and_spending_are_kept(store: Store):
    report = {"report_type": "traffic", "period_start": AT, "period_end": AT, "platforms": ["reddit"]}
    with store.begin() as connection:
        assert journal.record_report(connection, report) != journal.record_report(connection, report)
        assert journal.save_contents(connection, [{"platform": "youtube", "content_id": "v1", "title": "One"}]) == 1
        assert journal.save_contents(connection, [{"platform": "youtube", "content_id": "v1", "title": "One"}]) == 0
        for hours in (0, 30):
            journal.spend(connection, "youtube", at=AT + timedelta(hours=hours), units=100, usd=0.5)

        assert journal.spent(connection, "youtube", AT) == (200.0, 1.0)
        assert journal.spent(connection, "youtube", AT + timedelta(hours=1)) == (100.0, 0.5)
        assert journal.spent(connection, "reddit", AT) == (0.0, 0.0)
