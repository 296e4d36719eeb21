"""Runs that cannot do what they should: they end at once, say why, and stand in nobody's way."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analytics.model import Month
from tests.flows.conftest import until, with_stars
from tests.flows.test_up import parent, pids_of

pytestmark = pytest.mark.slow


@pytest.fixture
def half_saved(up) -> Iterator[None]:
    """A file of params in the middle of being written."""
    path = Path(up.env["ANALYTICS_PARAMS_DIR"]) / "reports" / "half.yaml"
    path.write_text("titel: x\n", "utf-8")
    yield
    path.unlink(missing_ok=True)


def test_a_slip_in_a_reports_file_stops_no_platform(up, half_saved):
    """Every run ended as crashed, under a name like `collect Platform.github`, until the file was mended."""
    run = up.finished(up.start("collect/github").raise_for_status().json()["id"])

    assert (run["state_type"], run["name"]) == ("COMPLETED", "collect github")


def test_a_run_that_needs_the_file_fails_at_once_and_says_so(up, half_saved):
    """It is tried again neither now nor in half a minute, its process does not crash, and its slot is free."""
    run, after = (up.finished(up.start("lifecycle/tiers").raise_for_status().json()["id"]) for _ in range(2))

    for ended in (run, after):
        assert (ended["state_type"], ended["run_count"]) == ("FAILED", 1), ended["state"]["message"]
        assert "half.yaml" in ended["state"]["message"]


def test_a_report_that_cannot_be_sent_gives_its_place_back(up):
    """Four that waited ten minutes for a mail server held all places, and nothing was collected meanwhile."""
    with_stars(up, Month(2026, 6))

    run = up.finished(up.start("report/mailed-monthly", parameters={"name": "mailed", "month": "2026-06"}).json()["id"])

    later = [run for run in up.runs(limit=200) if run["parameters"].get("tries") == 1]
    assert run["state_type"] == "FAILED"
    assert "2 of 2 not delivered: not set up: ANALYTICS_SMTP_URL" in run["state"]["message"]
    assert run["state"]["message"].count("mailed 2026-06: http") == 1
    assert [again["state_type"] for again in later] == ["SCHEDULED"]
    due = datetime.fromisoformat(later[0]["expected_start_time"]) - datetime.now(UTC)
    assert timedelta(minutes=8) < due < timedelta(minutes=10)
    assert run["total_run_time"] < 90


def test_reports_are_made_two_at_a_time_and_one_report_never_twice_at_once(up):
    """Of four places two are left to collect, whatever the reports do."""
    all_of_them = up.api.post("/deployments/filter", json={"limit": 200}).raise_for_status().json()
    lanes = {d["name"]: d["global_concurrency_limit"] for d in all_of_them if "report" in d["tags"]}

    assert {lane["limit"] for lane in lanes.values()} == {1}
    assert {name: lane["name"] for name, lane in lanes.items()} == {
        f"{report}-{kind}": lane
        for report, lane in (("mailed", "reports-1"), ("traffic", "reports-2"))
        for kind in ("monthly", "settled", "provisional")
    }


def test_what_a_person_has_paused_stays_paused_when_the_runner_starts_again(up):
    """The switch in the UI, and that of one schedule; the runner makes all deployments anew."""
    paused, switched, lane = (up.deployment(n) for n in ("budget/spent", "health/everything", "report/traffic-monthly"))
    up.api.post(f"/deployments/{paused}/pause_deployment").raise_for_status()
    (schedule,) = up.api.get(f"/deployments/{switched}").json()["schedules"]
    up.api.patch(f"/deployments/{switched}/schedules/{schedule['id']}", json={"active": False}).raise_for_status()
    (pid,) = [pid for pid in pids_of(b"flows.serve\0") if parent(pid) == up.process.pid]
    registered = up.api.get(f"/deployments/{lane}").json()["updated"]

    os.kill(pid, signal.SIGKILL)

    until(lambda: up.api.get(f"/deployments/{lane}").json()["updated"] > registered)
    until(lambda: all(up.api.get(f"/deployments/{d}").json()["status"] == "READY" for d in (switched, lane)))
    try:
        assert up.api.get(f"/deployments/{paused}").json()["paused"] is True
        assert [s["active"] for s in up.api.get(f"/deployments/{switched}").json()["schedules"]] == [False]
        assert up.api.get(f"/deployments/{lane}").json()["paused"] is False
        assert up.api.get(f"/deployments/{lane}").json()["global_concurrency_limit"]["name"] == "reports-2"
    finally:
        up.api.post(f"/deployments/{paused}/resume_deployment").raise_for_status()


def test_a_month_that_failed_is_asked_for_again_and_sent_to_nobody(up):
    """`Completed`, said the second backfill, and showed the failed run of the first; old months went to everybody."""
    asked = {"parameters": {"months": {"first": "2019-03", "last": "2019-03"}, "name": "traffic"}}

    def made() -> list[dict]:
        up.finished(up.start("backfill/months", **asked).raise_for_status().json()["id"])
        found = [run for run in up.runs(limit=200) if run["parameters"].get("month") == "2019-03"]
        return [up.finished(run["id"]) for run in found]

    first, both = made(), made()

    assert [run["state_type"] for run in first] == ["FAILED"]
    assert [run["state_type"] for run in both] == ["FAILED", "FAILED"]
    assert {run["parameters"]["deliver"] for run in both} == {False}
