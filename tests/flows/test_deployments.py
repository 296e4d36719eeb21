"""Deployments, limits and forms follow params."""

from importlib import import_module
from uuid import uuid4

import pytest
from prefect import Task
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule

from analytics.params.files import Params
from flows.shared import is_transient

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


def test_no_flow_is_tried_again_by_its_server(made):
    """A run that waits to be started anew while its process has ended counts as crashed; tasks do the retrying."""
    flows = {name.split("/")[0]: d.entrypoint for name, d in made.items()}

    for name, entrypoint in flows.items():
        module, _, attribute = entrypoint.rpartition(".")
        assert getattr(import_module(module), attribute).retries == 0, name


def test_upkeep_tries_again_only_what_may_heal():
    """A slip in params heals by itself neither in ten seconds nor in ninety."""
    from flows import upkeep

    tasks = [value for value in vars(upkeep).values() if isinstance(value, Task)]

    assert len(tasks) == 5
    assert {task.retry_condition_fn for task in tasks} == {is_transient}


@pytest.mark.parametrize("name", ["report/traffic-monthly", "watch/newest", "collect/github"])
def test_forms_name_the_platforms_there_are(made, name):
    """A platform that is none ended green, with nothing looked at."""
    assert "Platform" in made[name]._parameter_openapi_schema.definitions


def test_a_paused_deployment_stays_so_unless_params_have_changed(made):
    """Paused by a person: kept. Paused by params for want of accounts: begins once there are some."""
    from flows.register import keep_switches

    by_person = existing("collect/github", paused=True)
    by_params = existing("collect/github", paused=True, tags=["nothing to ask"])
    switched_off = existing("collect/github", active=False)

    kept, begun, off = (fresh("collect/github") for _ in range(3))
    keep_switches(kept, by_person)
    keep_switches(begun, by_params)
    keep_switches(off, switched_off)

    assert (kept.paused, begun.paused) == (True, False)
    assert [schedule.active for schedule in off.schedules] == [False]
    moved = existing("collect/github", active=False, cron="0 * * * *")
    keep_switches(begun, moved)
    assert [schedule.active for schedule in begun.schedules] != [False]


def fresh(name: str):
    from flows.deployments import deployments

    return next(d for d in deployments(PARAMS) if f"{d.flow_name}/{d.name}" == name)


def existing(name: str, *, paused=False, active=True, cron="*/5 * * * *", tags=()) -> DeploymentResponse:
    """As a server gives it back."""
    schedule = DeploymentSchedule(schedule=CronSchedule(cron=cron, timezone="UTC"), active=active)
    return DeploymentResponse(
        name=name.split("/")[1], flow_id=uuid4(), paused=paused, tags=list(tags), schedules=[schedule]
    )


def test_watch_and_health_have_places_of_their_own(made):
    """Platforms that are down once held all four places, and looks came two minutes late."""
    from flows.deployments import OWN_PLACE
    from flows.serve import OWN_PLACES

    own = {name.split("/")[0] for name, deployment in made.items() if OWN_PLACE in deployment.tags}

    assert own == {"watch", "health"}
    assert len(own) == OWN_PLACES
