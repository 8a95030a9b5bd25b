"""Loops as they are laid out for GPUs, and how many are left: each step is launched by a host."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax import inputs, presets
from s2jax.core import unroll
from s2jax.core.random import words_of
from s2jax.core.unroll import _ends, _numbers, unroll_loops
from s2jax.distributions import Choices
from s2jax.inputs import ARMA, AbstractInput
from s2jax.inputs._recursions import _double_seasons, _follow_seasons
from s2jax.laws import S2Law
from s2jax.programs._skeleton import _hash_all
from s2jax.sampling.batch import _sample
from s2jax.text.tokens import _write
from s2jax.text.vocabulary import DEFAULT

KEY = jax.random.key(0)
WORDS = words_of(KEY)


class Loops(NamedTuple):
    """What is left for a host to do.

    Attributes:
        waits: Loops that end by what the device computes, each taken as one iteration.
        steps: Iterations of all loops of known length.
    """

    waits: int = 0
    steps: int = 0


def loops_of(jaxpr: Any, times: int = 1) -> Loops:
    """The loops of what was traced; of code for several platforms, those not for CPUs."""
    waits = steps = 0
    for equation in jaxpr.eqns:
        params, each = equation.params, times
        if equation.primitive.name == "scan":
            each = times * params["length"]
            steps += each
        if equation.primitive.name == "while":
            ends = _ends(equation)
            each = times * (ends[1] - ends[0]) if ends else times
            waits, steps = waits + (0 if ends else times), steps + (each if ends else 0)
        inner = [params] if "branches" not in params else list(params["branches"])
        platforms = params.get("branches_platforms") or [None] * len(inner)
        for branch, names in zip(inner, platforms, strict=True):
            if names is None or "cpu" not in names:
                for one in inner_of(branch):
                    found = loops_of(one, each)
                    waits, steps = waits + found.waits, steps + found.steps
    return Loops(waits, steps)


def inner_of(params: Any) -> list[Any]:
    is_traced = lambda value: hasattr(value, "eqns") or hasattr(value, "jaxpr")
    leaves = jax.tree.leaves(params, is_leaf=is_traced)
    return [getattr(value, "jaxpr", value) for value in leaves if is_traced(value)]


def loops_in(function: Callable[..., Any], *arguments: Any) -> Loops:
    return loops_of(jax.make_jaxpr(function)(*arguments).jaxpr)


def drawing(config: s2jax.Config, backend: str = "gpu") -> Loops:
    return loops_in(lambda words: _sample(words, config, 64, backend), WORDS)


class Restless(AbstractInput):
    """A family that computes until its values say that it is enough."""

    def law(self, draws, length):
        return draws.uniform("rate")

    def series(self, law, draws, length):
        noise = draws.normal("noise", (length,))
        return jax.lax.while_loop(lambda x: jnp.abs(x).max() > 2, lambda x: x * law, noise)


@pytest.mark.floats
def test_drawing_leaves_few_loops() -> None:
    """Rows are found in two searches, of which each ends when all are; and time is cut in chunks
    of 128 steps."""
    found = drawing(presets.s2(512))
    assert found.waits <= 2, found
    assert found.steps <= 16, found
    found = drawing(presets.mix(512))  # KernelSynth has two more: lines of spectra, for some series
    assert found.waits <= 4, found
    assert found.steps <= 64, found


@pytest.mark.floats
def test_the_count_of_loops_bites() -> None:
    config = presets.s2(64, inputs=Restless())
    assert drawing(config).waits == drawing(presets.s2(64, inputs=ARMA())).waits + 1
    assert drawing(presets.s2(512), "tpu").steps > 100


@pytest.mark.floats
def test_what_is_made_of_programs_leaves_no_loops() -> None:
    batch = jax.eval_shape(lambda words: _sample(words, presets.s2(64), 4096, "gpu"), WORDS)
    tokens = loops_in(lambda program: _write(program, DEFAULT, 64, "gpu"), batch.program)
    assert tokens == Loops()
    words = loops_in(lambda program: _hash_all(program, False, False, "gpu"), batch.program)
    assert words.waits == 0
    assert words.steps <= 14  # one for each instruction: so much is computed in it
    values = loops_in(lambda batch: s2jax.evaluate(batch.program, batch.x), batch)
    assert values.waits == 0
    assert values.steps <= 48


def test_tokens_and_hashes_are_those_of_a_cpu() -> None:
    config = presets.s2(32, num_inputs=2, num_outputs=2)
    program = s2jax.sample(KEY, config, 40).program
    on_cpu, on_gpu = (_write(program, DEFAULT, 37, name) for name in ("cpu", "gpu"))
    for one, other in zip(on_cpu, on_gpu, strict=True):
        np.testing.assert_array_equal(one, other)
    on_cpu, on_gpu = (_hash_all(program, False, False, name) for name in ("cpu", "gpu"))
    np.testing.assert_array_equal(on_cpu, on_gpu)


@pytest.mark.floats
def test_rows_are_those_of_a_cpu() -> None:
    """All integers, and floats up to rounding, in batches of any size."""
    law = S2Law(binary_offset=2, max_unary=1, max_binary_per_input=0)
    family = ARMA(max_ar_order=2, max_ma_order=1)
    config = presets.s2(80, inputs=family, target=s2jax.Algebraic(law))
    draw = lambda n, name: jax.tree.leaves(jax.device_get(_sample(WORDS, config, n, name)))
    for one, other in zip(draw(20, "cpu"), draw(20, "gpu"), strict=True):
        if one.dtype.kind == "f":
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(one).max())
        else:
            np.testing.assert_array_equal(one, other)


@pytest.mark.floats
@pytest.mark.parametrize(
    "family",
    [
        inputs.SARIMA(max_season=16, season=Choices([0, 1, 7, 16])),
        inputs.StateSpace(season=Choices([2, 12])),
        inputs.KernelSynth(),
        inputs.RandomWalk(),
        inputs.Held(),
    ],
    ids=lambda family: type(family).__name__,
)
def test_series_are_those_of_a_cpu(family: AbstractInput) -> None:
    """Where there is code for GPUs alone; differences add up along a series."""
    words = words_of(jax.random.split(KEY, 40))
    laws = jax.jit(lambda words: family.draw_laws(words, 72))(words)
    draw = lambda laws, words: family.draw_series(laws, words, 72)
    expected, found = jax.jit(draw)(laws, words), jax.jit(unroll_loops(draw))(laws, words)
    scale = np.abs(expected).max(0) + 1e-3
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=2e-4)


@pytest.mark.parametrize("steps, longest", [(64, 32), (17, 8), (150, 149)])
def test_seasons_are_added_alike(steps: int, longest: int) -> None:
    keys = jax.random.split(KEY, 5)
    earlier = jax.random.normal(keys[0], (longest, 60))
    values = jax.random.normal(keys[1], (steps, 60))
    season = jax.random.randint(keys[2], (60,), 0, longest + 1)
    coefficient, weight = jax.random.uniform(keys[3], (2, 60), minval=-1, maxval=1)
    coefficient = jnp.where(season == 0, 0, jnp.where(coefficient > 0.7, 1.0, coefficient))
    weight = jnp.where(season == 0, 0, weight)
    given = earlier, values, season, coefficient, weight, jnp.zeros_like(values)
    expected = _follow_seasons(*given)
    np.testing.assert_allclose(_double_seasons(*given), expected, atol=1e-5 * steps)
    with jax.enable_x64(True):
        rows = np.concatenate([earlier, values]).astype(float)
        for step in range(longest, len(rows)):
            before = rows[step - np.asarray(season), np.arange(60)]
            rows[step] += np.asarray(coefficient) * np.where(season == 0, 0, before)
    own = rows[np.arange(longest, len(rows))[:, None] - np.asarray(season), np.arange(60)]
    known = np.asarray(values) + np.asarray(weight) * own
    np.testing.assert_allclose(expected, known, atol=1e-5 * steps)


def lagged(x):
    """Three lags as one state, with what does not depend on it."""

    def step(past, now):
        value = jnp.sin(now) + (jnp.array([0.5, 0.2, 0.1])[:, None] * past).sum(0)
        return jnp.concatenate([value[None], past[:-1]]), (past[0], now * 2)

    return jax.lax.scan(step, jnp.zeros((3, x.shape[1])), x)


def backwards(x):
    step = lambda total, now: (total + now, total)
    return jax.lax.scan(step, jnp.zeros(x.shape[1]), x, reverse=True)


def nested(x):
    def step(carry, now):
        inner = jax.lax.fori_loop(jnp.int32(0), jnp.int32(3), lambda j, c: c * now + j, carry)
        chosen = jax.lax.cond(inner[0] > 0, lambda v: v + 1, lambda v: v - 1, inner)
        return jnp.tanh(chosen), chosen.max()

    return jax.lax.scan(step, jnp.ones(x.shape[1]), x)


def without_values(x):
    return jax.lax.scan(lambda carry, _: (carry * 0.5, None), x, None, length=200)[0]


def until_enough(x):
    body = lambda state: (state[0] + 1, jax.lax.fori_loop(0, 5, lambda i, v: v * 0.9 + i, state[1]))
    return jax.lax.while_loop(lambda state: state[0] < state[1].max().astype(int) % 4, body, (0, x))


@pytest.mark.parametrize("length", [3, 150])
@pytest.mark.parametrize("function", [lagged, backwards, nested, without_values, until_enough])
def test_what_is_laid_out_says_the_same(function: Callable[..., Any], length: int) -> None:
    x = jax.random.uniform(KEY, (length, 4))
    with jax.numpy_dtype_promotion("standard"):
        expected = jax.jit(function)(x)
        found = jax.jit(unroll_loops(function))(x)
    for one, other in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-6)


def test_a_scan_of_a_jax_that_is_not_known_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many values a scan carries is told otherwise from JAX 0.11 on, and may be again."""
    count = lambda x: jax.lax.scan(lambda total, one: (total + one, total), x[0], x)
    x = jnp.arange(5.0)
    monkeypatch.setattr(unroll, "_numbers", lambda params: None)
    assert "scan" in str(jax.make_jaxpr(unroll_loops(count))(x))
    jax.tree.map(np.testing.assert_array_equal, unroll_loops(count)(x), count(x))
    assert _numbers({}) is None
