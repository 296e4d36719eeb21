"""Months asked for one after the other."""

from types import SimpleNamespace

from flows.backfill import each


def test_a_month_that_cannot_be_asked_for_stops_no_other():
    """Those behind it were never asked for, and nothing said which."""

    def ask(month: str) -> SimpleNamespace:
        if month == "2026-08":
            raise ConnectionError("the server does not answer")
        return SimpleNamespace(name=f"report {month}", state_name="Scheduled", created="now")

    rows, problems = each(["2026-07", "2026-08", "2026-09"], ask)

    assert [row["state"] for row in rows] == ["Scheduled", "not asked for", "Scheduled"]
    assert problems == ["2026-08: ConnectionError: the server does not answer"]
