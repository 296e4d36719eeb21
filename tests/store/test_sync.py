"""Params are the truth: the tables follow them, and every change is named."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from analytics.model import MetricDefinition
from analytics.params.files import Params
from analytics.store import Collection, Store
from analytics.store.sync import load_definitions

DEFINED = [MetricDefinition("github", "stars", "Stars", "count", "gauge", "last")]


def params(**platform: object) -> Params:
    return Params.model_validate(
        {
            "platforms": {
                "github": {
                    "adapter": "github",
                    "display_name": "GitHub",
                    "metrics": ["stars", "forks"],
                    "accounts": [{"id": "acme/orchard", "credential": "GITHUB_TOKEN"}],
                    "definitions": [
                        {"metric": "forks", "display_name": "Forks", "unit": "count", "valid_from": "2026-03-01"}
                    ],
                    **platform,
                }
            },
            "alerts": {
                "channels": {"team": "TEAM"},
                "rules": {"drop": {"condition": "anomaly", "platform": "github", "channels": ["team"]}},
            },
        }
    )


def rows(store: Store, query: str) -> list[tuple[object, ...]]:
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def test_an_empty_store_is_filled_and_a_second_run_changes_nothing(store: Store):
    first = store.sync(params(), DEFINED)
    again = store.sync(params(), DEFINED)

    assert {change.table for change in first} == {
        "platforms",
        "accounts",
        "baseline_configs",
        "metric_definitions",
        "alert_rules",
    }
    assert {change.action for change in first} == {"added"}
    assert again == []


def test_a_change_names_the_field_its_old_and_its_new_value(store: Store):
    store.sync(params(), DEFINED)

    changes = store.sync(params(display_name="GitHub.com", priority=3), DEFINED)

    assert [str(change) for change in changes] == [
        "platforms github changed (display_name: 'GitHub' → 'GitHub.com'; priority: 1 → 3)"
    ]
    assert rows(store, "SELECT display_name, updated_at > created_at FROM platforms") == [("GitHub.com", True)]


@pytest.mark.parametrize("rest", [Params(), params(accounts=[])])
def test_what_is_no_longer_named_is_switched_off_not_deleted(store: Store, rest: Params):
    store.sync(params(), DEFINED)

    changes = store.sync(rest, DEFINED)
    back = store.sync(params(), DEFINED)

    assert [change.action for change in changes if change.table == "accounts"] == ["switched off"]
    assert ("is_active", (False, True)) in [field for change in back for field in change.fields.items()]
    assert rows(store, "SELECT is_active FROM accounts") == [(True,)]


def test_no_secret_is_in_the_platforms_row(store: Store):
    """Only the names of the variables that hold keys."""
    store.sync(params(), DEFINED)

    assert rows(store, "SELECT credentials FROM platforms") == [({"names": ["GITHUB_TOKEN"]},)]


def test_dated_meanings_stand_beside_each_other_and_the_newest_is_loaded(store: Store):
    dated = MetricDefinition("github", "stars", "Stars", "users", "gauge", "last", valid_from=None)
    later = MetricDefinition("github", "stars", "Stars", "accounts", "gauge", "last", valid_from=date(2026, 8, 1))

    store.sync(Params(), [later, dated])

    with store.engine.connect() as connection:
        assert load_definitions(connection) == {("github", "stars"): later}
    assert len(rows(store, "SELECT 1 FROM metric_definitions")) == 2


def test_a_reading_carries_the_definition_in_force(store: Store):
    """In SQL too: a change of meaning is dated, and readings before it keep the old one."""
    dated = [
        *DEFINED,
        MetricDefinition("github", "stars", "Stars", "count", "gauge", "mean", valid_from=date(2026, 3, 1)),
    ]
    store.sync(params(), dated)
    times = pd.to_datetime(["2026-02-28T23:59Z", "2026-03-01T00:00Z"])
    frame = pd.DataFrame({"platform": "github", "metric_type": "stars", "time": times, "value": [1.0, 2.0]})
    other = frame.assign(metric_type="unheard_of")
    store.write([frame, other], Collection("github", "api", api_version="2022-11-28", rate_limit_remaining=7))

    found = rows(store, "SELECT definition_id, metadata ->> 'api_version', metadata -> 'rate_limit_remaining'"
                        " FROM platform_metrics ORDER BY metric_type, time")  # fmt: skip

    assert found == [
        ("github.stars", "2022-11-28", 7),
        ("github.stars@2026-03-01", "2022-11-28", 7),
        (None, "2022-11-28", 7),
        (None, "2022-11-28", 7),
    ]
