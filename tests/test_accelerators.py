"""What is compiled for GPUs and TPUs, looked at without one."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.export
import jax.extend
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import s2jax
from s2jax import ODE, Config, presets
from s2jax.core.random import words_of
from s2jax.laws import S2Law
from s2jax.ode import System, named
from s2jax.ode._differential import num_lanes
from s2jax.programs.engines import grouped as grouped
from s2jax.sampling._rows import tile_size
from s2jax.sampling.batch import _candidates, _sample
from s2jax.targets import Sizes

pytestmark = pytest.mark.floats

KEY = jax.random.key(0)
WORDS = words_of(KEY)
ROWS = 64
LONG = pytest.mark.long
ACCELERATORS = ("gpu", "tpu")
LARGEST = 512  # size of one array on the way, relative to the result


def given(name: str) -> Config:
    system = named(name)
    return Config(num_inputs=0, num_outputs=len(system.states), target=system, y_scaling=None)


def driven_pendulum() -> Config:
    angle, rate, force = sympy.symbols("angle rate force")
    system = System.from_sympy([rate, force - sympy.sin(angle)], [angle, rate], [force])
    return Config(length=1024, num_inputs=1, num_outputs=2, target=system, y_scaling=None)


PRESETS = [
    pytest.param(presets.s2, id="s2"),
    pytest.param(presets.mix, id="mix"),
    pytest.param(lambda: presets.s2(1024, num_inputs=3, num_outputs=2), id="s2, many channels"),
    pytest.param(presets.reference, id="reference"),
    pytest.param(presets.ode, id="ode"),
    pytest.param(lambda: presets.ode(1024, 0, 1), id="ode, long"),
    pytest.param(lambda: presets.ode(32, dimension=16), id="ode, short, many states"),
    *(
        pytest.param(lambda d=d, i=i: presets.ode(256, i, d), id=f"ode {d}, {i}", marks=LONG)
        for d in (1, 2, 3, 4, 5, 6)
        for i in (0, 1)
    ),
    pytest.param(lambda: given("lorenz"), id="named"),
    pytest.param(driven_pendulum, id="from_sympy"),
]


def arrays_of(jaxpr: Any) -> Iterator[Any]:
    """Types of all arrays that a traced function computes, loops and branches included."""
    for eqn in jaxpr.eqns:
        yield from (var.aval for var in eqn.outvars)
        for value in jax.tree.leaves(list(eqn.params.values()), is_leaf=is_jaxpr):
            if is_jaxpr(value):
                yield from arrays_of(getattr(value, "jaxpr", value))


def is_jaxpr(value: Any) -> bool:
    return isinstance(value, (jax.extend.core.Jaxpr, jax.extend.core.ClosedJaxpr))


def largest_array(config: Config, n: int, backend: str) -> float:
    """Of the arrays that a batch needs on the way; their size relative to that of its series."""
    traced = jax.make_jaxpr(lambda words: _sample(words, config, n, backend))(WORDS)
    sizes = [math.prod(aval.shape) for aval in arrays_of(traced.jaxpr)]
    return max(sizes) / (n * config.num_outputs * config.length)


@pytest.mark.parametrize("make", PRESETS)
def test_every_preset_is_traced_for_accelerators(make: Callable[[], Config]) -> None:
    config = make()
    assert largest_array(config, ROWS, "gpu") <= LARGEST
    batch = jax.eval_shape(lambda words: _sample(words, config, ROWS, "tpu"), WORDS)
    assert batch.y.shape == (ROWS, config.num_outputs, config.length)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(presets.s2(), id="s2"),
        pytest.param(given("lorenz"), id="named"),
        pytest.param(presets.ode(32), id="ode", marks=LONG),
    ],
)
def test_presets_are_lowered_for_accelerators(config: Config) -> None:
    """Down to what XLA is handed there; `platform_dependent` code has only that form in it."""
    call = jax.jit(lambda words: _sample(words, config, ROWS, "gpu"))
    exported = jax.export.export(call, platforms=("cuda", "tpu"))(WORDS)
    assert exported.platforms == ("cuda", "tpu")


def test_memory_follows_the_rows() -> None:
    for config in (presets.s2(), presets.ode(), given("lorenz")):
        few, many = (largest_array(config, n, "gpu") * n for n in (5, 4096))
        assert few <= many / 16


def test_tiles_are_powers_of_two_and_those_of_a_cpu_stay() -> None:
    for n in (1, 5, 64, 1000, 2**20):
        assert tile_size(presets.s2(), n, "cpu") == 256
        for config in (presets.s2(), presets.ode()):
            tile = tile_size(config, n, "gpu")
            assert tile & (tile - 1) == 0
            assert 256 <= tile <= 2**16
        lanes = num_lanes(ODE(), Sizes(256, 1, 2), n, "gpu")
        assert lanes & (lanes - 1) == 0
        assert 256 <= lanes <= 8192
        assert num_lanes(ODE(), Sizes(256, 1, 2), n, "cpu") == min(
            512, max(64, 1 << (n - 1).bit_length())
        )


SMALL = dict(length=32, x_scaling=None, y_scaling=None, num_inputs=0)
SHORT = S2Law(binary_offset=2, max_unary=1, max_binary_per_input=0)  # laid out, it is compiled soon
SAME_ROWS = [
    pytest.param(
        presets.s2(32, inputs=s2jax.inputs.ARMA(), target=s2jax.Algebraic(SHORT)), id="s2"
    ),
    pytest.param(Config(num_outputs=1, target=named("logistic"), **SMALL), id="named"),
    pytest.param(presets.ode(32, dimension=1), id="ode", marks=LONG),
]


@pytest.mark.parametrize("config", SAME_ROWS)
def test_rows_do_not_depend_on_how_many_are_drawn(config: Config) -> None:
    few, many = (jax.device_get(_sample(WORDS, config, n, "gpu")) for n in (5, ROWS))
    for one, other in zip(jax.tree.leaves(few), jax.tree.leaves(many), strict=True):
        np.testing.assert_array_equal(one, other[:5])


def test_many_states_of_short_series_are_traced_for_a_cpu() -> None:
    batch = jax.eval_shape(
        lambda words: _sample(words, presets.ode(32, dimension=16), ROWS, "cpu"), WORDS
    )
    assert batch.y.shape == (ROWS, 16, 32)


def test_candidates_are_traced_for_accelerators() -> None:
    for config in (presets.s2(), given("lorenz")):
        traced = lambda i, config=config: _candidates(WORDS, config, i, "gpu")
        assert jax.eval_shape(traced, jnp.arange(3)).status.shape == (3,)


@pytest.mark.parametrize("rows, variables", [(40_000, 4), (8, 66)])
def test_any_number_of_right_hand_sides_is_scheduled(rows: int, variables: int) -> None:
    """More than one packed integer has room for, in rows or in instructions of a program."""
    law = S2Law()
    words = jax.ShapeDtypeStruct((2 * rows, 2), jnp.uint32)
    used = jax.ShapeDtypeStruct((2 * rows,), jnp.int32)
    program = jax.eval_shape(
        lambda words, used: law.draw(words, used, variables, True), words, used
    )
    assert program.num_nodes * 2 * rows > 2**20 or program.num_nodes > 127
    plan = lambda program: grouped.schedule(program, variables, rows, jnp.dtype(jnp.float32))
    assert jax.eval_shape(plan, program).result.shape == (2 * rows,)
