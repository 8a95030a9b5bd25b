"""Compiles the library for a GPU or a TPU that is not there, and counts what came out.

XLA compiles ahead of time for a description of a device. The program says how much memory it takes
and how many kernels it launches (`hlo.py` has the definitions); how fast it is, it does not say.

    .ci/accelerators WORK --out benchmarks/results/today.jsonl

`--jobs` names what is compiled, as `s2` or `evaluate:4096`, with a number of rows.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["TPU_SKIP_MDS_QUERY"] = "1"
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(Path(__file__).parent)]

import _record  # noqa: E402
import equinox as eqx  # noqa: E402
import hlo  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax.experimental import topologies  # noqa: E402
from jax.sharding import Mesh, NamedSharding, PartitionSpec  # noqa: E402

import s2jax  # noqa: E402
from s2jax import observe, presets, symtime  # noqa: E402
from s2jax.sampling.batch import _sample  # noqa: E402

H100 = """gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152
  shared_memory_per_core: 233472 threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  memory_bandwidth: 3352320000000 l2_cache_size: 52428800 clock_rate_ghz: 1.98
  device_memory_size: 84978434048 shared_memory_per_block_optin: 232448
  cuda_compute_capability { major: 9 } registers_per_core_limit: 65536
  registers_per_block_limit: 65536 driver_version: "12.9.0" runtime_version: "12.9.0"
  compile_time_toolkit_version: "12.9.0"
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 8 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""
WORDS = jax.ShapeDtypeStruct((2,), jnp.uint32)
ROOM = 64 * 2**20  # bytes that any program may take
Job = Callable[[int, int], tuple[Callable[..., Any], tuple[Any, ...]]]


def devices_of(backend: str) -> tuple[str, Any]:
    """What XLA calls the platform, and a description of its devices."""
    if backend == "gpu":
        described = topologies.get_topology_desc("", "cuda", target_config=H100, topology="1x1x1")
        return "cuda", described.devices
    described = topologies.get_topology_desc("v5e:2x2", "tpu", chips_per_host_bounds=[2, 2, 1])
    return "tpu", described.devices


def drawing(config_of: Callable[[int], s2jax.Config]) -> Job:
    """A batch of a configuration of some length."""

    def job(rows: int, length: int):
        config, backend = config_of(length), jax.default_backend()
        return lambda words: _sample(words, config, rows, backend), (WORDS,)

    return job


def of_programs(function: Callable[[s2jax.Batch], Any]) -> Job:
    """Something that is done with a batch of `presets.s2`."""

    def job(rows: int, length: int):
        draw, arguments = drawing(presets.s2)(rows, length)
        return function, (jax.eval_shape(draw, *arguments),)

    return job


def gradient(batch: s2jax.Batch):
    loss = lambda constants, x: s2jax.evaluate(batch.program, x, constants).sum()
    return jax.grad(loss, argnums=(0, 1))(batch.program.constants, batch.x)


def prepare(batch: s2jax.Batch):
    """What a trainer does to series before a model sees them."""
    key = jax.random.key(0)
    series, observed = s2jax.transforms.drop_values(key, batch.y, 0.2)
    scaled = s2jax.transforms.z_score(series, observed)
    return s2jax.transforms.patchify(scaled.series, 16), s2jax.transforms.mean_abs(batch.y).series


def train(rows: int, length: int):
    """A training step of SymTime that draws its batch itself."""
    config = symtime.Config.small(length=length, batch=rows)
    optimizer = symtime.optimizer(config, num_steps=100)
    start = lambda key: symtime.init(key, config, optimizer)
    key = jax.eval_shape(lambda: jax.random.key(0))
    state = eqx.filter_eval_shape(start, key)
    data = presets.mix(length)
    arrays, rest = eqx.partition(state, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))

    def step(arrays):
        new, losses = symtime.train_step(config, optimizer, data, eqx.combine(arrays, rest))
        return eqx.filter(new, eqx.is_array), losses

    return step, (arrays,)


def observed(length: int) -> s2jax.Config:
    return presets.s2(length, observation=observe.Observation(share=1.0))


JOBS: dict[str, Job] = {
    "s2": drawing(presets.s2),
    "mix": drawing(presets.mix),
    "reference": drawing(presets.reference),
    "multivariate": drawing(presets.multivariate),
    "sarsim": drawing(presets.sarsim),
    "ode": drawing(presets.ode),
    "observation": drawing(observed),
    "evaluate": of_programs(lambda batch: s2jax.evaluate(batch.program, batch.x)),
    "gradient": of_programs(gradient),
    "tokens": of_programs(lambda batch: s2jax.to_tokens(batch.program, length=64)),
    "hash": of_programs(lambda batch: s2jax.skeleton_hash(batch.program)),
    "normal_hash": of_programs(lambda batch: s2jax.skeleton_hash(batch.program, normal=True)),
    "transforms": of_programs(prepare),
    "symtime": train,
}


def measure(job: Job, rows: int, length: int, backend: str, text: str | None) -> dict[str, Any]:
    """What the compiled program is like."""
    platform, devices = devices_of(backend)
    place = NamedSharding(Mesh(np.array(devices[:1]), ("device",)), PartitionSpec())
    with mock.patch("jax.default_backend", return_value=backend):
        function, arguments = job(rows, length)
        start = time.process_time()
        jitted = jax.jit(function, in_shardings=place, out_shardings=place)
        lowered = jitted.trace(*arguments).lower(lowering_platforms=(platform,))
    traced = time.process_time()
    compiled = lowered.compile()
    seconds = {"trace_s": traced - start, "compile_s": time.process_time() - traced}
    memory = compiled.memory_analysis()
    result, temporary = memory.output_size_in_bytes, memory.temp_size_in_bytes
    found: dict[str, Any] = {name: round(value, 1) for name, value in seconds.items()} | {
        "result_MB": round(result / 1e6, 2),
        "temporary_MB": round(temporary / 1e6, 2),
        "memory_kept": temporary <= 4 * result + ROOM,
    }
    if backend == "gpu":
        program = hlo.Program(compiled.as_text())
        cost = program.cost()
        terms = {name: round(value / 1e3, 3) for name, value in cost.microseconds.items()}
        found |= {"launches": cost.launches, "waits": cost.waits, "MB": round(cost.bytes / 1e6)}
        found |= {"modelled_ms": round(sum(terms.values()), 3), "terms_ms": terms}
        if text:
            Path(text).write_text(compiled.as_text())
            print(*program.loops(), sep="\n", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--jobs", nargs="*", default=[f"{name}:256" for name in JOBS])
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--backend", choices=("gpu", "tpu"), default="gpu")
    parser.add_argument("--text", help="write the optimised program here, and print its loops")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_compilation_cache", False)
    for one in arguments.jobs:
        name, _, rows = one.partition(":")
        rows = int(rows or 256)
        found = measure(JOBS[name], rows, arguments.length, arguments.backend, arguments.text)
        _record.write(
            arguments.out,
            "accelerators",
            config={"job": name, "rows": rows, "length": arguments.length},
            target={"gpu": "sm_90, H100", "tpu": "TPU v5e"}[arguments.backend],
            unit="compiled and counted, not run; CPU seconds; milliseconds of a model",
            **found,
        )


if __name__ == "__main__":
    main()
