"""More than one machine: `prefect.yaml` deployed to a work pool as documented, and a run done by a worker of it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.flows.conftest import end

pytestmark = pytest.mark.slow
PREFECT = Path(sys.executable).with_name("prefect")
POOL = "elsewhere"


@pytest.fixture
def deployed(up, tmp_path: Path) -> Iterator[dict[str, dict]]:
    """What the generated file holds, deployed beside what the runner serves, hence under other names."""
    made = subprocess.run(
        [sys.executable, "-m", "flows.register", "--yaml", "--pool", POOL], env=up.env, capture_output=True, check=True
    )
    content = yaml.safe_load(made.stdout)
    for entry in content["deployments"]:
        entry["name"] += "-pooled"
    (tmp_path / "prefect.yaml").write_text(yaml.safe_dump(content), "utf-8")
    up.api.post("/work_pools/", json={"name": POOL, "type": "process"}).raise_for_status()

    command = [PREFECT, "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, env=up.env, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    yield {entry["name"]: entry for entry in content["deployments"]}
    in_pool = {"work_pools": {"name": {"any_": [POOL]}}}
    for entry in up.api.post("/deployments/filter", json=in_pool).raise_for_status().json():
        up.api.delete(f"/deployments/{entry['id']}").raise_for_status()
    up.api.delete(f"/work_pools/{POOL}").raise_for_status()


def test_a_worker_does_what_prefect_yaml_deploys(up, deployed, tmp_path):
    """Every deployment arrives as params ask for it, and carries no folder of the machine it was deployed from."""
    there = {d["name"]: d for d in up.api.post("/deployments/filter", json={"limit": 200}).json()}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [PREFECT, "worker", "start", "--pool", POOL, "--type", "process", "--limit", "2"]
    with (tmp_path / "worker.log").open("w") as log:
        worker = subprocess.Popen(command, env=up.env, cwd=elsewhere, stdout=log, stderr=log)
    try:
        run = up.finished(up.start("collect/github-pooled").raise_for_status().json()["id"])
        workers = up.api.post(f"/work_pools/{POOL}/workers/filter", json={}).raise_for_status().json()
    finally:
        end(worker)

    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert (run["work_pool_name"], run["name"]) == (POOL, "collect github")
    assert len(workers) == 1
    for name, asked in deployed.items():
        made = there[name]
        crons = [(s["schedule"]["cron"], s["schedule"]["timezone"], s["active"]) for s in made["schedules"]]
        assert crons == [(s["cron"], s["timezone"], s["active"]) for s in asked["schedules"]], name
        assert made["global_concurrency_limit"]["limit"] == asked["concurrency_limit"]["limit"] == 1
        assert made["concurrency_options"]["collision_strategy"] == asked["concurrency_limit"]["collision_strategy"]
        assert {key: made[key] for key in ("entrypoint", "tags", "parameters", "description")} == {
            key: asked[key] for key in ("entrypoint", "tags", "parameters", "description")
        }
        assert made["pull_steps"] == []
        assert made["job_variables"] == {"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}}
