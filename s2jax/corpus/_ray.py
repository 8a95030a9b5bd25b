"""Shards as tasks of a Ray cluster; the promises rest on the files, not on Ray."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from s2jax.config.registry import addresses_of, register_from
from s2jax.core.optional import require
from s2jax.corpus.places import Place
from s2jax.corpus.plan import Plan
from s2jax.corpus.remote import Sent, recall, remember
from s2jax.corpus.shards import write_shard

_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
_RETRIES = 3
_GRACE = 10.0  # seconds for tasks to remove what they have begun


def ray_engine(address: str | None = None) -> Callable[..., None]:
    """An engine for `write_corpus` that writes each file in a Ray task.

    The folder must be on a file system that all machines of the cluster share, or an address. A
    task that dies is tried again up to three times; whoever writes a file, it is the same.

    Args:
        address: Of a running cluster, as `ray.init` takes it, "auto" for the one of this machine.
            None starts Ray on this machine for the time of the call; it listens on the loopback
            interface only.

    Raises:
        ImportError: If Ray is not installed.
        RuntimeError: If Ray has been imported before and would listen on all interfaces.

    Example:
        >>> engine = ray_engine()  # doctest: +SKIP
        >>> write_corpus("corpus", config, 10**6, shard_rows=8192, engine=engine)  # doctest: +SKIP
    """
    if address is None:
        _stay_at_home()
    ray = require("ray", "Clusters of Ray")

    def engine(folder: Place, plan: Plan, todo: list[int], report: Callable[[int], object]) -> None:
        quiet: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False}
        started = not ray.is_initialized()
        if started:
            handler = signal.getsignal(signal.SIGTERM)
            ray.init(address, **(quiet if address is None else {}))
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)  # Ray sets one of its own, and leaves it
        try:
            _run(ray, folder.resolve(), plan, todo, report)
        finally:
            if started:
                ray.shutdown()

    return engine


def _stay_at_home() -> None:
    """Let Ray listen on the loopback interface only; it reads the setting when it is imported."""
    ray = sys.modules.get("ray")
    if ray is None:
        os.environ[_LOOPBACK] = "0"
    elif os.environ.get(_LOOPBACK) != "0" and not ray.is_initialized():
        raise RuntimeError(
            f"ray_engine(): must be called before Ray is imported, or with {_LOOPBACK}=0 set by "
            "then, or Ray would listen on all interfaces. Import Ray later, or start it yourself."
        )


def _run(
    ray: Any, folder: Place, plan: Plan, todo: list[int], report: Callable[[int], object]
) -> None:
    task = ray.remote(max_retries=_RETRIES, num_cpus=1)(_write)
    own = addresses_of(plan.head["config"]), sys.path
    waiting = {task.remote(folder, plan.head, shard, *own): shard for shard in todo}
    try:
        while waiting:
            done, _ = ray.wait(list(waiting), num_returns=1)
            for reference in done:
                sent = ray.get(reference)  # raises what the task raised
                shard = waiting.pop(reference)
                remember(folder / plan.name(shard), sent)
                report(len(plan.ids(shard)))
    except BaseException:
        for reference in waiting:
            ray.cancel(reference)
        if waiting:
            ray.wait(list(waiting), num_returns=len(waiting), timeout=_GRACE)
        raise


def _write(
    folder: Place, head: dict[str, Any], shard: int, own: list[list[str]], path: list[str]
) -> Sent | None:
    """One task, in a process of Ray's."""
    register_from(own, path)
    plan = Plan.joined(head)
    write_shard(folder, plan, shard)
    return recall(folder / plan.name(shard))
