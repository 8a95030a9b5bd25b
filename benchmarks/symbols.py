"""Symbols: tokens, text, gradients and fits of constants, each beside what it is measured against.

Tokens in jit beside `sample`; text in rows per second; the gradient of a batch in x and in all
constants beside its evaluation; fits of constants beside SciPy's `least_squares` on lambdified
NumPy functions from the same start. Parity is asserted before anything is timed.

    python benchmarks/symbols.py --out benchmarks/results/today.jsonl
"""

import argparse
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

import s2jax  # noqa: E402

UNIT = "per CPU second, one core"
NOISE = 0.05  # of the standard deviation of y


def timed(function: Callable[..., Any], *arguments: Any, units: float) -> Callable[[], float]:
    """A job for `paired_rates`, compiled and run once."""
    jax.block_until_ready(function(*arguments))

    def job() -> float:
        jax.block_until_ready(function(*arguments))
        return units

    return job


def compare(arguments: Any, name: str, jobs: dict[str, Callable[[], float]], **fields: Any) -> None:
    """Rates of two jobs in turns, and their ratio."""
    rates = _record.paired_rates(jobs, arguments.rounds, arguments.seconds)
    first, second = rates.values()
    _record.write(
        arguments.out,
        name,
        unit=UNIT,
        **{key.replace(" ", "_"): _record.quartiles(value) for key, value in rates.items()},
        ratio=_record.quartiles(first / second),
        rounds=arguments.rounds,
        **fields,
    )


def tokens(arguments: Any) -> None:
    """`to_tokens` inside jit beside `sample`, rows of the s2 preset."""
    rows, config, key = 4096, s2jax.presets.s2(length=256), jax.random.key(0)
    law: Any = config.target
    size = s2jax.laws.num_tokens(law.law, config.num_inputs, config.num_outputs)
    sample = jax.jit(lambda key: s2jax.sample(key, config, rows))
    write = jax.jit(lambda program: s2jax.to_tokens(program, length=size))
    program = sample(key).program
    assert not write(program).status.any()
    jobs = {
        "sample": timed(sample, key, units=rows),
        "tokens": timed(write, program, units=rows),
    }
    config_fields = {"preset": "s2", "length": 256, "tokens": size, "rows": rows}
    compare(arguments, "tokens", jobs, config=config_fields)


def text(arguments: Any) -> None:
    """Rows of text per second, written and read on the host."""
    config = s2jax.presets.s2(length=16)
    program = jax.device_get(s2jax.sample(jax.random.key(0), config, 4096).program)
    texts = s2jax.to_text(program)
    assert s2jax.to_text(s2jax.from_text(texts[:512], protected=True)) == texts[:512]

    def job(function: Callable[[], object], units: int) -> Callable[[], float]:
        def run() -> float:
            function()
            return units

        return run

    jobs = {
        "to_text": job(lambda: s2jax.to_text(program), len(texts)),
        "from_text": job(lambda: s2jax.from_text(texts[:512]), 512),
        "to_latex": job(lambda: s2jax.to_latex(program), len(texts)),
    }
    rates = _record.paired_rates(jobs, arguments.rounds, arguments.seconds)
    letters = float(np.mean([len(one) for one in texts]))
    fields = {name: _record.quartiles(rate) for name, rate in rates.items()}
    _record.write(arguments.out, "text", unit=UNIT, letters=round(letters, 1), **fields)


def gradients(arguments: Any) -> None:
    """The gradient in x and in all constants beside the evaluation, and the Jacobian."""
    for length in (256, 512, 1024):
        config = s2jax.presets.s2(length=length)
        batch = s2jax.sample(jax.random.key(0), config, 1024)
        program, x, constants = batch.program, batch.x, batch.program.constants
        evaluate = jax.jit(s2jax.evaluate)
        loss = lambda x, constants, p=program: s2jax.evaluate(p, x, constants).sum()
        gradient = jax.jit(jax.grad(loss, argnums=(0, 1)))
        square = lambda x, constants, p=program: (s2jax.evaluate(p, x, constants) ** 2).sum()
        both = jax.jit(jax.value_and_grad(square, argnums=(0, 1)))
        for name, function in (("gradient", gradient), ("value and gradient of a square", both)):
            jobs = {
                "evaluate": timed(evaluate, program, x, constants, units=1024),
                name: timed(function, x, constants, units=1024),
            }
            config_fields = {"preset": "s2", "length": length, "rows": 1024}
            compare(arguments, name, jobs, config=config_fields)


def fits(arguments: Any) -> None:
    """1000 expressions, constants off by exp(N(0, 1/2)), noisy data; SciPy on some of them."""
    rows, peers = 1000, arguments.peers
    config = s2jax.presets.s2(length=128, x_scaling=s2jax.Standardize(1.0, 1.0), y_scaling=None)
    batch = s2jax.sample(jax.random.key(0), config, rows)
    clean = np.asarray(batch.y)
    spread = clean.std(-1, keepdims=True)
    rng = np.random.default_rng(0)
    y = jnp.asarray(clean + NOISE * spread * rng.normal(size=clean.shape), jnp.float32)
    free = s2jax.free_constants(batch.program)
    off = jax.tree.map(
        lambda leaf: leaf * np.exp(0.5 * rng.normal(size=leaf.shape)).astype(np.float32),
        batch.program.constants,
    )
    guess = s2jax.with_constants(batch.program, off)
    key = jax.random.key(1)

    def error(constants: Any) -> np.ndarray:
        values = np.asarray(s2jax.evaluate(guess, batch.x, constants))
        return np.sqrt(((values - clean) ** 2).mean(-1, keepdims=True)) / spread

    for starts in (1, 8):
        fit = s2jax.fit_constants(guess, batch.x, y, key=key, starts=starts)
        job = timed(
            lambda s=starts: s2jax.fit_constants(guess, batch.x, y, key=key, starts=s).loss,
            units=rows,
        )
        ours = _record.rate(job, arguments.seconds, time.process_time)
        found = error(fit.constants)
        _record.write(
            arguments.out,
            "fit_constants",
            unit="expressions " + UNIT,
            config={"preset": "s2", "length": 128, "noise": NOISE, "starts": starts},
            rate=float(f"{ours:.4g}"),
            recovered=round(float((found < NOISE).mean()), 3),
            recovered_before=round(float((error(guess.constants) < NOISE).mean()), 3),
        )
    one = s2jax.fit_constants(guess[:peers], batch.x[:peers], y[:peers])
    ours = timed(lambda: s2jax.fit_constants(guess, batch.x, y).loss, units=rows)
    theirs, losses = scipy_fits(guess[:peers], batch.x[:peers], y[:peers], free)
    better = np.asarray(one.loss)[:, 0] <= 1.01 * losses
    jobs = {"fit_constants": ours, "least_squares": theirs}
    compare(
        arguments,
        "fits",
        jobs,
        config={"preset": "s2", "length": 128, "starts": 1, "expressions": peers},
        ours_as_good=round(float(better.mean()), 3),
        theirs_as_good=round(float((losses <= 1.01 * np.asarray(one.loss)[:, 0]).mean()), 3),
    )


def scipy_fits(program: Any, x: jax.Array, y: jax.Array, free: Any):
    """A job that fits every expression with SciPy, and the losses it reaches."""
    from scipy.optimize import least_squares

    problems = []
    for row, expression in enumerate(s2jax.to_sympy(program)):
        problems.append(numpy_problem(expression[0], np.asarray(x[row, 0], float)))

    def run() -> np.ndarray:
        losses = []
        for (function, start), target in zip(problems, np.asarray(y[:, 0], float), strict=True):

            def residual(theta, function=function, target=target):
                with np.errstate(all="ignore"):
                    return np.nan_to_num(function(theta) - target, nan=1e6, posinf=1e6, neginf=-1e6)

            if not start.size:
                losses.append(np.mean(residual(start) ** 2))
                continue
            method = "lm" if start.size <= target.size else "trf"
            fit = least_squares(residual, start, method=method, max_nfev=100 * (start.size + 1))
            losses.append(np.mean(fit.fun**2))
        return np.array(losses)

    def job() -> float:
        run()
        return len(problems)

    return job, run()


def numpy_problem(expression: Any, x: np.ndarray) -> tuple[Callable[..., Any], np.ndarray]:
    """The expression as a NumPy function of its constants, and their values."""
    import sympy

    constants = [atom for atom in sympy.preorder_traversal(expression) if atom.is_Float]
    distinct = list(dict.fromkeys(c for c in constants if float(c) != int(float(c))))
    names = sympy.symbols(f"c_:{len(distinct)}")
    skeleton = expression.xreplace(dict(zip(distinct, names, strict=True)))
    function = sympy.lambdify([names, sympy.Symbol("x_0", real=True)], skeleton, "numpy")
    start = np.array([float(c) for c in distinct])
    return lambda theta: function(theta, x) + 0 * x, start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # pyright: ignore
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="per job and round")
    parser.add_argument("--peers", type=int, default=100, help="expressions that SciPy fits")
    parser.add_argument("--only", nargs="*", default=["tokens", "text", "gradients", "fits"])
    arguments: Any = parser.parse_args()
    parts = {"tokens": tokens, "text": text, "gradients": gradients, "fits": fits}
    for name in arguments.only:
        parts[name](arguments)


if __name__ == "__main__":
    main()
