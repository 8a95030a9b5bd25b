"""Derivatives of programs: against finite differences, nested, and for masked losses."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax.laws import S2Law
from s2jax.programs import Constants, Program
from s2jax.programs.engines import gradient
from s2jax.programs.operators import drawable
from tests.programs import draw_programs

pytestmark = pytest.mark.floats

NAMES = {arity: dict.fromkeys(drawable(arity), 1.0) for arity in (1, 2)}
# tangents of huge numbers, of which exp and the like make many, have no digits that count
UNARY = NAMES[1] | {"tan": 0.2, "sinh": 0.2, "cosh": 0.2}
LAW = S2Law(unary_weights=UNARY, binary_weights=NAMES[2])
ROWS, OUTPUTS, INPUTS, TIME = 150, 2, 2, 33


@pytest.fixture
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def draw(seed: int, protected: bool = True) -> tuple[Program, jax.Array]:
    """Programs of all operators, shape (ROWS, OUTPUTS), and inputs."""
    program = draw_programs(LAW, ROWS * OUTPUTS, seed, INPUTS, protected)
    shape = lambda leaf: leaf.reshape(ROWS, OUTPUTS, *leaf.shape[1:])
    x = jax.random.normal(jax.random.key(seed + 1), (ROWS, INPUTS, TIME), float)
    return jax.tree.map(shape, program), x


def random_like(tree: Any, seed: int) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    pairs = zip(keys, leaves, strict=True)
    new = [jax.random.normal(key, leaf.shape, leaf.dtype) for key, leaf in pairs]
    return jax.tree.unflatten(structure, new)


@pytest.mark.parametrize("protected", [True, False])
def test_derivatives_are_those_of_finite_differences(protected: bool, seed: int, x64: None) -> None:
    """Reverse and forward mode, in x and all constants at once, at each point that is smooth."""
    program, x = draw(seed, protected)
    constants = program.constants
    x_dot, constants_dot = random_like(x, 3), random_like(constants, 4)

    @jax.jit
    def along(step):
        moved = jax.tree.map(lambda c, d: c + step * d, constants, constants_dot)
        return s2jax.evaluate(program, x + step * x_dot, moved)

    y, forward = s2jax.evaluate_jvp(program, x, x_dot, constants_dot)
    np.testing.assert_allclose(y, along(0.0), rtol=1e-12)
    steps = (1e-6, 4e-6)
    slopes = [
        (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h) for h in steps
    ]
    slopes = np.asarray(slopes)
    size = np.abs(slopes[0]) + np.abs(np.asarray(y)) + 1e-3
    # differences that disagree with each other see a kink, a pole or rounding
    with np.errstate(invalid="ignore"):
        smooth = np.isfinite(slopes).all(0) & (np.abs(slopes[0] - slopes[1]) < 1e-6 * size)
    assert smooth.mean() > 0.5
    # as 1 / exp(1000), whose derivative is 0 * inf, or a pole hidden between two steps
    with np.errstate(over="ignore"):
        lost = smooth & ~(np.abs(forward) < 1e8 * size)
    assert lost.mean() < 0.01
    smooth = smooth & ~lost
    error = np.abs(np.asarray(forward) - slopes[0])[smooth] / size[smooth]
    assert error.max() < 1e-5

    weight = jnp.where(smooth, random_like(y, 5), 0)
    _, pull = jax.vjp(lambda x, c: s2jax.evaluate(program, x, c), x, constants)
    x_bar, constants_bar = pull(weight)
    reverse = (x_bar * x_dot).sum((1, 2)) + sum(
        (bar * dot).sum((1, 2))
        for bar, dot in zip(
            jax.tree.leaves(constants_bar), jax.tree.leaves(constants_dot), strict=True
        )
    )
    terms = jnp.where(smooth, weight * forward, 0)
    np.testing.assert_allclose(
        reverse, terms.sum((1, 2)), atol=1e-9 * float(jnp.abs(terms).sum((1, 2)).max())
    )


def masked_loss(program: Program, x: jax.Array, constants: Constants) -> jax.Array:
    """A loss that leaves out what is not finite, or huge."""
    y = s2jax.evaluate(program, x, constants)
    return jnp.where(jnp.abs(y) < 1e3, y, 0).sum()


@pytest.mark.long
def test_every_nesting_gives_the_same(seed: int) -> None:
    program, x = draw(seed)
    constants = program.constants
    gradient = jax.grad(masked_loss, argnums=(1, 2))
    plain = gradient(program, x, constants)
    # jitted, because op by op each nesting would compile dozens of small functions of its own
    mapped = jax.jit(jax.vmap(gradient))(program, x, constants)
    of_mapped = jax.jit(
        jax.grad(lambda x, c: jax.vmap(masked_loss)(program, x, c).sum(), argnums=(0, 1))
    )(x, constants)
    twice = jax.jit(jax.vmap(jax.vmap(gradient)))(
        *jax.tree.map(lambda leaf: leaf.reshape(10, 15, *leaf.shape[1:]), (program, x, constants))
    )
    twice = jax.tree.map(lambda leaf: leaf.reshape(ROWS, *leaf.shape[2:]), twice)
    for other in (mapped, of_mapped, twice):
        for one, two in zip(jax.tree.leaves(plain), jax.tree.leaves(other), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5 * float(jnp.nanmax(abs(one))))
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.jvp(lambda x: s2jax.evaluate(program, x), (x,), (x,))


@pytest.mark.long
def test_an_argument_that_is_not_mapped_is_shared(seed: int) -> None:
    program, x = draw(seed)
    first = program[:1]
    by_constants = jax.jit(jax.grad(masked_loss, argnums=2))
    got = jax.vmap(by_constants, in_axes=(None, 0, None))(first, x[:4, None], first.constants)
    for row in range(4):
        alone = by_constants(first, x[row : row + 1], first.constants)
        np.testing.assert_allclose(got.scale[row], alone.scale, rtol=1e-5)


def test_a_masked_time_step_does_not_spoil_the_gradient() -> None:
    """Where a loss leaves a step out, its infinite derivative does not count."""
    program = s2jax.from_text(["log(2.0*x_0)", "sqrt(x_0 + 1.5)/(x_0 - 1.0)"])
    x = jnp.array([[[-1.0, 0.0, 1.0, 4.0]]] * 2)
    bars = jax.grad(masked_loss, argnums=(1, 2))(program, x, program.constants)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(bars))
    np.testing.assert_allclose(bars[0][0, 0], [0, 0, 1, 0.25], rtol=1e-6)


def test_rows_do_not_disturb_each_other(seed: int) -> None:
    program, x = draw(seed)
    x = x.at[3].set(jnp.nan)
    loss = lambda x, c, program: s2jax.evaluate(program, x, c).sum()
    gradient = jax.jit(jax.grad(loss, argnums=(0, 1)))
    both = gradient(x, program.constants, program)
    rows = slice(5, 9)
    few = gradient(x[rows], jax.tree.map(lambda leaf: leaf[rows], program.constants), program[rows])
    for one, two in zip(jax.tree.leaves(both), jax.tree.leaves(few), strict=True):
        np.testing.assert_array_equal(one[rows], two)


def test_the_forms_for_cpu_and_elsewhere_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program, x = draw(seed)
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), program)
    y_bar = random_like(jnp.zeros((ROWS * OUTPUTS, TIME)), 6)
    arguments = flat, flat.constants, x, y_bar
    in_turn = jax.jit(gradient.pull_rows, static_argnums=4)(*arguments, OUTPUTS)
    default = lambda *operands, cpu, default: default(*operands)
    monkeypatch.setattr(jax.lax, "platform_dependent", default)
    pull = lambda *arguments: gradient.pull_rows(*arguments, OUTPUTS)
    in_step = jax.jit(pull)(*arguments)
    for one, two in zip(jax.tree.leaves(in_turn), jax.tree.leaves(in_step), strict=True):
        one, two = np.asarray(one), np.asarray(two)
        assert np.array_equal(np.isfinite(one), np.isfinite(two))
        ok = np.isfinite(one)
        assert np.quantile(np.abs(one[ok] - two[ok]) / (np.abs(one[ok]) + 1e-6), 0.99) < 1e-3


def test_shapes_that_do_not_agree_are_refused(unchecked: None) -> None:
    program = s2jax.from_text(["2.0*x_0", "x_0 + 1.5"])
    x = jnp.ones((2, 1, 8))
    with pytest.raises(ValueError, match="must have the shape of program.op"):
        s2jax.evaluate(program, x, program[:1].constants)
    with pytest.raises(ValueError, match="evaluate_jvp.*the program must have shape"):
        s2jax.evaluate_jvp(program, x[:1], x[:1])
