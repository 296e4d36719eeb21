"""The same function over many series, on this machine's cores or on a cluster: joblib, its backend from settings.

`loky` (processes here) is the default; `dask`, `ray` and `spark` are extras and take the address of a cluster from
`ANALYTICS_ENGINE_ADDRESS`. The function and its result are the same on all of them: it is given an item, plain data,
and returns plain data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from analytics.compute.processes import end_with
from analytics.errors import SettingsError

if TYPE_CHECKING:
    from analytics.settings import Settings

T = TypeVar("T")
R = TypeVar("R")
CHUNKS_PER_WORKER = 4  # evens out series that take longer, without a message a series
LOOPBACK = "127.0.0.1"  # Spark's own choice is the machine's outer address, and Dask's page has a fixed port
EXTRAS = {"dask": "dask", "ray": "ray", "spark": "spark"}


def map_items(settings: Settings, function: Callable[[T], R], items: Sequence[T], *, worth: int = 2000) -> list[R]:
    """`function` of every item, in their order, on the engine the settings name.

    Args:
        function: at a module's top level, so that a worker can import it; the same input gives the same output.
        items: plain data, small enough to be sent.
        worth: fewest items for which starting workers pays (a series takes 5 ms, two workers 4 to 16 s to start);
            below, the loop runs here.
    Raises:
        SettingsError: the engine's extra is not installed.
    """
    if len(items) < worth and settings.engine == "loky":
        return [function(item) for item in items]
    workers = settings.jobs or os.cpu_count() or 1
    if workers == 1 and settings.engine == "loky":
        return [function(item) for item in items]
    import joblib

    parts = split(items, workers * CHUNKS_PER_WORKER)
    with engine(settings, workers):
        done = joblib.Parallel()(joblib.delayed(_each)(function, part) for part in parts)
    return [result for part in done for result in part]


def split(items: Sequence[T], parts: int) -> list[Sequence[T]]:
    """`items` in order, in at most `parts` runs of nearly the same length.

    >>> split([1, 2, 3, 4, 5], 2), split([], 4)
    ([[1, 2, 3], [4, 5]], [])
    """
    size, more = divmod(len(items), max(1, parts))
    cuts = [0]
    for part in range(min(parts, len(items))):
        cuts.append(cuts[-1] + size + (part < more))
    return [items[first:last] for first, last in pairwise(cuts)]


def _each(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    return [function(item) for item in items]


@contextmanager
def engine(settings: Settings, workers: int) -> Iterator[None]:
    """joblib's backend for the block, connected to the cluster the settings name; local workers without one."""
    import joblib

    name, address = settings.engine, settings.engine_address
    try:
        started = _CONNECT[name](address, workers)
    except ImportError as exc:
        raise SettingsError(f"ANALYTICS_ENGINE={name}: not installed; pip install 'analytics[{EXTRAS[name]}]'") from exc
    try:
        own = {"initializer": end_with, "initargs": (os.getpid(),)} if name == "loky" else {}
        with joblib.parallel_config(backend=name, n_jobs=workers, **own):
            yield
    finally:
        if started is not None:
            started()


def _loky(_address: str | None, _workers: int) -> None:
    return None


def _dask(address: str | None, workers: int) -> Callable[[], Any]:
    from distributed import Client  # type: ignore[import-not-found,unused-ignore]

    here: dict[str, Any] = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": f"{LOOPBACK}:0"}
    client = Client(address) if address else Client(**here)
    return client.close if address else client.shutdown  # type: ignore[no-any-return]


def _ray(address: str | None, workers: int) -> Callable[[], Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # unset, a local cluster reports to its makers
    import ray  # type: ignore[import-not-found,unused-ignore]
    from ray.util.joblib import register_ray  # type: ignore[import-not-found,unused-ignore]

    ray.init(address=address, num_cpus=None if address else workers, include_dashboard=False, log_to_driver=False)
    register_ray()
    return ray.shutdown  # type: ignore[no-any-return]


def _spark(address: str | None, workers: int) -> Callable[[], Any]:
    import sys

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # unset, workers pick another Python without pandas
    from joblibspark import register_spark  # type: ignore[import-not-found,unused-ignore]
    from pyspark.sql import SparkSession  # type: ignore[import-not-found,unused-ignore]

    builder = SparkSession.builder.master(address or f"local[{workers}]").config("spark.ui.enabled", "false")
    if not address:
        builder = builder.config("spark.driver.bindAddress", LOOPBACK).config("spark.driver.host", LOOPBACK)
    session = builder.appName("analytics").getOrCreate()
    register_spark()
    return session.stop  # type: ignore[no-any-return]


_CONNECT: dict[str, Callable[[str | None, int], Callable[[], Any] | None]] = {
    "loky": _loky,
    "dask": _dask,
    "ray": _ray,
    "spark": _spark,
}
