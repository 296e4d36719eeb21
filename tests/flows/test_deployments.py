"""Deployments, limits and forms follow params."""

import pytest

from analytics.params import Params

PARAMS = Params.model_validate(
    {
        "platforms": {
            "github": {
                "adapter": "github",
                "display_name": "GitHub",
                "schedule": "*/5 * * * *",
                "calls_per_second": 2,
                "accounts": [{"id": "acme/orchard"}],
            },
            "medium": {"adapter": "medium", "display_name": "Medium", "schedule": "*/30 * * * *"},
        },
        "reports": {"traffic": {"schedule": "0 6 1 * *", "timezone": "Europe/Berlin", "provisional_schedule": None}},
    }
)


@pytest.fixture(scope="module")
def made():
    from flows.deployments import deployments

    return {f"{d.flow_name}/{d.name}": d for d in deployments(PARAMS)}


def cron_of(deployment) -> tuple[str, str]:
    schedule = deployment.schedules[0].schedule
    return schedule.cron, schedule.timezone


def test_each_platform_is_collected_on_its_own_schedule(made):
    """One platform's trouble is then one red line in the UI, and no other's."""
    assert cron_of(made["collect/github"]) == ("*/5 * * * *", "UTC")
    assert made["collect/github"].parameters == {"platform": "github"}
    assert made["collect/github"].concurrency_options.collision_strategy.value == "CANCEL_NEW"


def test_a_platform_without_accounts_is_shown_and_paused(made):
    """A fresh clone has nothing to ask; a run a minute that fails would teach people to look away."""
    assert made["collect/medium"].paused is True
    assert not made["collect/github"].paused


def test_a_report_keeps_its_own_time_zone_and_a_switched_off_preview_is_absent(made):
    """Months begin at the reader's midnight."""
    assert cron_of(made["report/traffic-monthly"]) == ("0 6 1 * *", "Europe/Berlin")
    assert "report/traffic-settled" in made
    assert "report/traffic-provisional" not in made


def test_forms_offer_lists_and_patterns(made):
    """The form is made of the parameters' schema: choices to click, a pattern for the month."""
    schema = made["report/traffic-monthly"]._parameter_openapi_schema
    properties = schema.properties

    assert properties["month"]["pattern"] == r"^(\d{4}-(0[1-9]|1[0-2]))?$"
    assert "stl" in properties["algorithm"]["enum"]
    assert schema.definitions["Platform"]["enum"]


def test_only_platforms_with_a_rate_get_a_shared_limit():
    """Slots come back at the platform's rate, for all workers together."""
    from flows.limits import wanted

    assert wanted(PARAMS) == {"calls-github": (5, 2.0)}
