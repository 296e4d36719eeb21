"""Per-series work: the same result wherever it runs, in the order of the items."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analytics.compute.engines import map_items, split
from analytics.errors import SettingsError
from analytics.settings import Settings

ITEMS = [0.1 * i for i in range(50)]


def wave(x: float) -> float:
    """Something whose last bit would show a difference."""
    return math.sin(x) / 3.0


def refuse(x: float) -> float:
    raise ValueError(f"no {x}")


def settings(**fields):
    return Settings(_env_file=None, **fields)


def test_workers_give_what_the_loop_gives_to_the_last_bit():
    """Otherwise a report would depend on the machine it was made on."""
    here = map_items(settings(jobs=1), wave, ITEMS)

    there = map_items(settings(jobs=2), wave, ITEMS, worth=1)

    assert there == here == [wave(x) for x in ITEMS]


def test_few_items_are_not_worth_starting_workers():
    """A lambda cannot be sent to one, so this ran here."""
    assert map_items(settings(jobs=2), lambda x: x + 1, [1, 2]) == [2, 3]


def test_an_error_in_a_worker_is_the_callers_error():
    """Not an empty result."""
    with pytest.raises(ValueError, match=r"no 0\.0"):
        map_items(settings(jobs=2), refuse, [0.0] * 8, worth=1)


@pytest.mark.filterwarnings("ignore:Spark local mode", "ignore:Spark session is not", "ignore:`apply_async` is dep")
@pytest.mark.parametrize("engine", ["dask", "ray", "spark"])
def test_an_engine_that_is_not_installed_says_how_to_get_it(engine):
    """It is an extra; with it installed, it gives the same."""
    try:
        done = map_items(settings(engine=engine, jobs=2), wave, ITEMS)
    except SettingsError as exc:
        assert f"analytics[{engine}]" in str(exc)  # noqa: PT017 - one of two right outcomes
    else:
        assert done == [wave(x) for x in ITEMS]


@pytest.mark.parametrize("parts", [1, 3, 7, 50, 80])
def test_parts_are_even_and_whole(parts):
    """No item twice, none lost, sizes within one."""
    made = split(ITEMS, parts)

    assert [x for part in made for x in part] == ITEMS
    assert max(map(len, made)) - min(map(len, made)) <= 1


HELD = """
import sys, time
from analytics.compute.engines import map_items
from analytics.settings import Settings
from tests.compute.test_engines import pid_of
print(*set(map_items(Settings(_env_file=None, jobs=2), pid_of, [0.0] * 8, worth=1)), flush=True)
time.sleep(600)
"""


def pid_of(_: float) -> int:
    return os.getpid()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the table of processes from /proc")
def test_workers_of_a_process_that_is_killed_leave():
    """They waited five minutes for more work, with the memory of the last."""
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", HELD], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    workers = [int(pid) for pid in process.stdout.readline().split()]

    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}/exe").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert workers
    assert [pid for pid in workers if Path(f"/proc/{pid}/exe").exists()] == []
