"""KernelSynth beside the published sampler and beside dense Cholesky factors, series per second.

The published sampler is `GaussianProcessRegressor(kernel).sample_y` of scikit-learn, as in Chronos
and in s2generator; the dense one multiplies out the covariance in float64, factors it and draws.
All three draw the same random expressions in turns, one core. Before anything is timed, covariances
of the expressions are those of scikit-learn's kernels, and many series of one expression have, in
the directions in which it varies, the variances that it says, by all three.

    python benchmarks/kernel_synth.py --lengths 256 1024 --out benchmarks/results/today.jsonl
"""

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _record

_record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from sklearn.gaussian_process import GaussianProcessRegressor, kernels  # noqa: E402

import s2jax  # noqa: E402
from s2jax.core.random import fold_in, words_of  # noqa: E402

ROWS = 256
FAMILY = s2jax.inputs.KernelSynth()


def to_sklearn(law: s2jax.inputs.KernelLaw, length: int) -> Any:
    """The expression of one series, of scikit-learn's kernels."""
    made = {
        "PeriodicKernel": lambda k: kernels.ExpSineSquared(k.length_scale, k.period / length),
        "LinearKernel": lambda k: kernels.DotProduct(k.sigma),
        "RBFKernel": lambda k: kernels.RBF(k.length_scale),
        "RationalQuadraticKernel": lambda k: kernels.RationalQuadratic(k.length_scale, k.alpha),
        "WhiteKernel": lambda k: kernels.WhiteKernel(k.variance),
        "ConstantKernel": lambda k: kernels.ConstantKernel(k.value),
    }
    terms = [(made[type(k).__name__](k), multiplies) for k, multiplies in law.terms()]
    total = terms[0][0]
    for other, multiplies in terms[1:]:
        total = total * other if multiplies else total + other
    return total


def draw_dense(law: s2jax.inputs.KernelLaw, length: int, number: int, seed: int) -> np.ndarray:
    """Series by a Cholesky factor, with a little on the diagonal so that there is one."""
    covariance = law.covariance(length)
    covariance[np.diag_indices(length)] += 1e-9 * covariance.max()
    normal = np.random.default_rng(seed).standard_normal((length, number))
    return np.linalg.cholesky(covariance) @ normal


def compile_ours(length: int) -> tuple[Callable[[int], Any], float, float]:
    """Draws of `ROWS` expressions for a seed; CPU seconds of the tables and of compiling."""
    start = time.process_time()
    jax.eval_shape(lambda: FAMILY.sample(jax.random.key(0), n=1, length=length))  # makes tables
    tables = time.process_time() - start

    def draw(words: jax.Array) -> tuple[Any, jax.Array]:
        words = fold_in(words, jnp.arange(ROWS, dtype=jnp.int32))
        laws = FAMILY.draw_laws(words, length)
        return laws, FAMILY.draw_series(laws, words, length)

    start = time.process_time()
    compiled = jax.jit(draw).lower(words_of(jax.random.key(0))).compile()
    seconds = time.process_time() - start
    return lambda seed: compiled(words_of(jax.random.key(seed))), tables, seconds


def check_parity(laws: s2jax.inputs.KernelLaw, length: int) -> float:
    """Check covariances of expressions and variances of series; returns the largest error."""
    times = np.linspace(0, 1, length)[:, None]
    error = 0.0
    for i in range(20):
        other = to_sklearn(laws[i], length)(times)
        error = max(error, float(np.abs(laws[i].covariance(length) - other).max() / other.max()))
    assert error < 1e-12, error
    bank = (s2jax.inputs.PeriodicKernel(24), s2jax.inputs.RBFKernel(0.1))
    family = s2jax.inputs.KernelSynth(bank, max_kernels=2)
    law = s2jax.inputs.KernelLaw(jnp.array([0, 1]), jnp.array([True]), jnp.int32(2), bank)
    many = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (1000, *leaf.shape)), law)
    words = fold_in(words_of(jax.random.key(1)), jnp.arange(1000, dtype=jnp.int32))
    gaussian = GaussianProcessRegressor(kernel=to_sklearn(law, length))
    drawn = {
        "ours": np.asarray(family.draw_series(many, words, length), np.float64),
        "published": gaussian.sample_y(times, 1000, random_state=0),
        "dense": draw_dense(law, length, 1000, seed=0),
    }
    values, vectors = np.linalg.eigh(law.covariance(length))
    leading = vectors[:, -20:] / np.sqrt(values[-20:])
    for name, series in drawn.items():
        size = 20 * series.shape[1]
        variance = np.mean((leading.T @ series) ** 2)
        assert abs(variance - 1) < 5 * np.sqrt(2 / size), (name, variance)
    return error


def compare(arguments: argparse.Namespace, length: int) -> None:
    """Rates at one length."""
    draw, tables, seconds = compile_ours(length)
    laws = jax.device_get(draw(0)[0])
    error = check_parity(laws, length)
    times = np.linspace(0, 1, length)[:, None]
    seeds, rows, others = itertools.count(1), itertools.count(), itertools.count()

    def ours() -> float:
        jax.block_until_ready(draw(next(seeds)))
        return ROWS

    def dense() -> float:
        row = next(rows)
        draw_dense(laws[row % ROWS], length, 1, seed=row)
        return 1

    def published() -> float:
        kernel = to_sklearn(laws[next(others) % ROWS], length)
        GaussianProcessRegressor(kernel=kernel).sample_y(times, random_state=0)
        return 1

    jobs = {"ours": ours, "dense": dense, "published": published}
    rates = _record.paired_rates(jobs, arguments.rounds, arguments.seconds)
    _record.write(
        arguments.out,
        "kernel_synth",
        length=length,
        rows=ROWS,
        unit="series per CPU second, one core",
        **{name: _record.quartiles(rate) for name, rate in rates.items()},
        ratio_to_dense=_record.quartiles(rates["ours"] / rates["dense"]),
        ratio_to_published=_record.quartiles(rates["ours"] / rates["published"]),
        seconds_of_tables=round(tables, 2),
        seconds_of_compiling=round(seconds, 2),
        error_of_covariances=error,
        rounds=arguments.rounds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="per job and round")
    parser.add_argument("--out", help="file to which JSON lines are appended")
    arguments = parser.parse_args()
    for length in arguments.lengths:
        compare(arguments, length)


if __name__ == "__main__":
    main()
