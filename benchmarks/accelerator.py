"""What drawing costs on a GPU or a TPU: rows per second, the share of training, memory, equality.

    python benchmarks/accelerator.py --out benchmarks/results/today.jsonl

It takes ten minutes at most: what does not fit into `--minutes` is left out, and says so. With
`--tiny` it runs on a CPU in a minute, to see that it runs; figures of CPUs are in `pairs.py`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import _forecaster  # noqa: E402
import _record  # noqa: E402
import equinox as eqx  # noqa: E402
import jax  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

import s2jax  # noqa: E402
from s2jax import presets, symtime  # noqa: E402

KEY = jax.random.key(0)
UNIT = "seconds of the wall"


def synths(length: int) -> s2jax.Config:
    return s2jax.Config(length, inputs=s2jax.inputs.KernelSynth(), target=s2jax.Identity())


def gradient(batch: s2jax.Batch):
    loss = lambda constants, x: s2jax.evaluate(batch.program, x, constants).sum()
    return jax.grad(loss, argnums=(0, 1))(batch.program.constants, batch.x)


DRAWN: dict[str, Callable[[int], s2jax.Config]] = {
    "s2": presets.s2,
    "mix": presets.mix,
    "ode": presets.ode,
    "kernel_synth": synths,
}
MADE: dict[str, Callable[[s2jax.Batch], Any]] = {
    "evaluate": lambda batch: s2jax.evaluate(batch.program, batch.x),
    "gradient": gradient,
    "tokens": lambda batch: s2jax.to_tokens(batch.program, length=64),
}


def clock(function: Callable[[int], Any], seconds: float) -> dict[str, Any]:
    """Seconds of the first call, and of each of those that follow."""
    start = time.perf_counter()
    jax.block_until_ready(function(0))
    first, times = time.perf_counter() - start, []
    while sum(times) < seconds or len(times) < 3:
        start = time.perf_counter()
        jax.block_until_ready(function(1 + len(times)))
        times.append(time.perf_counter() - start)
    return {"first_s": float(f"{first:.4g}"), "calls": len(times), **_record.quartiles(times)}


def memory() -> dict[str, Any]:
    """Most bytes that were in use, where the device counts them."""
    found = jax.devices()[0].memory_stats() or {}
    return {"peak_MB": round(found["peak_bytes_in_use"] / 1e6)} if found else {}


def time_drawing(name: str, rows: int, arguments: Any) -> None:
    config = DRAWN[name](arguments.length)
    draw = jax.jit(lambda number: s2jax.sample(jax.random.fold_in(KEY, number), config, rows))
    found = clock(draw, arguments.seconds)
    usable = int((draw(0).status == 0).sum())
    rate = float(f"{usable / found['median']:.4g}")
    write(arguments, f"draw {name}", rows, usable=usable, rows_per_s=rate, **found, **memory())


def time_making(name: str, rows: int, arguments: Any) -> None:
    batch = s2jax.sample(KEY, presets.s2(arguments.length), rows)
    made = jax.jit(MADE[name])
    write(arguments, name, rows, **clock(lambda _: made(batch), arguments.seconds), **memory())


def compare(name: str, rows: int, arguments: Any) -> None:
    """The rows of this device with those of the CPU beside it."""
    config, here = DRAWN[name](arguments.length), jax.default_backend()
    own = jax.device_get(s2jax.sample(KEY, config, rows))
    with jax.default_device(jax.devices("cpu")[0]):
        words = s2jax.core.random.words_of(jax.random.key(0))
        other = jax.device_get(s2jax.sampling.batch._sample(words, config, rows, "cpu"))
    same, ulps = True, 0.0
    for one, two in zip(jax.tree.leaves(own), jax.tree.leaves(other), strict=True):
        if one.dtype.kind == "f":
            step = np.spacing(np.maximum(np.abs(two).max(), 1e-30))
            ulps = max(ulps, float(np.nanmax(np.abs(one - two), initial=0) / step))
        else:
            same &= bool((one == two).all())
    write(arguments, f"compare {name}", rows, backend=here, integers_equal=same, ulps=ulps)


def time_compiling(name: str, rows: int, arguments: Any) -> None:
    """The first call without a cache, and with what that call left in one."""
    config, key = DRAWN[name](arguments.length), KEY
    with tempfile.TemporaryDirectory() as folder:
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        for case in ("without cache", "with cache"):
            jax.clear_caches()
            start = time.perf_counter()
            jax.block_until_ready(s2jax.sample(key, config, rows))
            seconds = float(f"{time.perf_counter() - start:.4g}")
            write(arguments, f"first call {name}, {case}", rows, seconds=seconds)
        jax.config.update("jax_compilation_cache_dir", None)


def symtime_step(rows: int, arguments: Any):
    """A step of SymTime, and its state."""
    make = symtime.Config.tiny if arguments.tiny else symtime.Config.small
    config = make(length=arguments.length, batch=rows)
    optimizer = symtime.optimizer(config, num_steps=1000)
    state = symtime.init(KEY, config, optimizer)
    return state, lambda state, batch: symtime.train_step(config, optimizer, batch, state)[0]


def forecaster_step(rows: int, arguments: Any):
    """A step of a plain patch transformer, and its state."""
    model, optimizer = _forecaster.PatchTransformer(KEY), optax.adamw(1e-3)
    size = _forecaster.CONTEXT + _forecaster.HORIZON

    def step(state, batch):
        model, moments = state
        series = jax.numpy.tile(batch.y[:, 0], (1, -(-size // arguments.length)))[:, :size]
        loss = eqx.filter_grad(_forecaster.loss_of)
        slopes = loss(model, *_forecaster.crop(KEY, series))
        updates, moments = optimizer.update(slopes, moments, eqx.filter(model, eqx.is_array))
        return eqx.apply_updates(model, updates), moments

    return (model, optimizer.init(eqx.filter(model, eqx.is_array))), step


def time_training(name: str, rows: int, arguments: Any) -> None:
    """A step on one batch again and again, on one drawn inside, and on one drawn by the step
    before it: the last two differ by what XLA overlaps."""
    make_step = symtime_step if name == "symtime" else forecaster_step
    state, step = make_step(rows, arguments)
    config = presets.s2(arguments.length)
    draw = lambda number: s2jax.sample(jax.random.fold_in(KEY, number), config, rows)
    batch = draw(np.int32(0))
    ways: dict[str, Callable[..., Any]] = {
        "given": lambda state, batch, number: (step(state, batch), batch),
        "drawn": lambda state, batch, number: (step(state, draw(number)), batch),
        "ahead": lambda state, batch, number: (step(state, batch), draw(number)),
    }
    medians = {}
    for way, function in ways.items():
        jitted, carry = eqx.filter_jit(function), [(state, batch)]

        def call(number, jitted=jitted, carry=carry):
            carry[0] = jitted(*carry[0], np.int32(number))
            return eqx.filter(carry[0], eqx.is_array)

        medians[way] = clock(call, arguments.seconds)["median"]
    shares = {
        f"share_{way}": round(1 - medians["given"] / medians[way], 4) for way in ("drawn", "ahead")
    }
    write(arguments, f"train {name}", rows, **medians, **shares, **memory())


def write(arguments: Any, case: str, rows: int, **found: Any) -> None:
    config = {"rows": rows, "length": arguments.length, "tiny": arguments.tiny}
    _record.write(
        arguments.out, "accelerator", case=case, config=config, unit=UNIT,
        backend_used=jax.default_backend(), **found,
    )  # fmt: skip


def jobs(arguments: Any) -> list[tuple[Callable[..., None], str, int]]:
    """What is measured, the most wanted first."""
    if arguments.tiny:
        return [
            (time_drawing, "s2", 8), (time_making, "evaluate", 8), (compare, "s2", 8),
            (time_training, "forecaster", 8),
        ]  # fmt: skip
    sizes = (256, 4096, 65536)
    first = [(time_drawing, "s2", rows) for rows in sizes]
    first += [(compare, "s2", 256), (time_training, "symtime", 256)]
    first += [(time_drawing, name, rows) for name in ("mix", "ode") for rows in (256, 4096)]
    first += [(time_training, "forecaster", rows) for rows in (256, 1024)]
    first += [(time_making, name, rows) for name in MADE for rows in sizes]
    first += [(time_compiling, "s2", 256), (compare, "mix", 256), (time_training, "symtime", 1024)]
    first += [(time_drawing, "kernel_synth", rows) for rows in (256, 4096)]
    return first + [(time_drawing, name, 65536) for name in ("mix", "kernel_synth", "ode")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--minutes", type=float, default=8.0, help="start nothing after so many")
    parser.add_argument("--seconds", type=float, default=1.0, help="of timed calls of each case")
    parser.add_argument("--tiny", action="store_true", help="a few small cases, as on a CPU")
    arguments = parser.parse_args()
    if arguments.tiny:
        arguments.length, arguments.seconds = 32, 0.05
    start = time.perf_counter()
    for measure, name, rows in jobs(arguments):
        if time.perf_counter() - start > 60 * arguments.minutes:
            print(f"left out: {measure.__name__} {name} {rows}", flush=True)
            continue
        try:
            measure(name, rows, arguments)
        except jax.errors.JaxRuntimeError as error:  # one case out of memory leaves the others
            write(arguments, f"{measure.__name__} {name}", rows, failed=str(error)[:200])


if __name__ == "__main__":
    main()
