"""Sizes of 0 and types of series, in every public function: they work, or are refused."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import s2jax
from s2jax import transforms
from tests.corpora import CONFIGS, store

TWO = s2jax.from_text(["2.5*x_0 + 1.5", "x_0"])
NUMBERS = s2jax.from_text(["2.5", "1"])
KEY = jax.random.key(0)
zeros = lambda *shape: jnp.zeros(shape)
EMPTY = {
    "no rows": (TWO[:0], zeros(0, 1, 8)),
    "no time": (TWO, zeros(2, 1, 0)),
    "no inputs": (NUMBERS, zeros(2, 0, 8)),
    "no outputs": (TWO[:, :0], zeros(2, 1, 8)),
    "nothing": (TWO[:0, :0], zeros(0, 0, 0)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_values_and_gradients_have_the_shapes_of_their_arguments(name: str) -> None:
    program, x = EMPTY[name]
    shape = *program.shape, x.shape[-1]
    assert s2jax.evaluate(program, x).shape == shape
    assert [leaf.shape for leaf in s2jax.evaluate_jvp(program, x, x)] == [shape, shape]
    slope = jax.grad(lambda x, c: s2jax.evaluate(program, x, c).sum(), argnums=(0, 1))
    by_x, by_constants = slope(x, program.constants)
    assert by_x.shape == x.shape
    assert by_constants.scale.shape == program.op.shape
    if name == "no inputs":
        np.testing.assert_array_equal(s2jax.evaluate(program, x)[:, 0, 0], [2.5, 1])


@pytest.mark.parametrize("name", EMPTY)
def test_fits_of_nothing(name: str) -> None:
    program, x = EMPTY[name]
    y = zeros(*program.shape, x.shape[-1])
    if x.shape[-1] == 0:
        with pytest.raises(ValueError, match="must have a time step"):
            s2jax.fit_constants(program, x, y)
    else:
        assert s2jax.fit_constants(program, x, y).loss.shape == program.shape


@pytest.mark.parametrize("name", EMPTY)
def test_symbols_of_nothing(name: str) -> None:
    program, _ = EMPTY[name]
    rows, outputs = program.shape
    for function in (s2jax.to_sympy, s2jax.to_latex, s2jax.text.to_prefix):
        assert np.shape(np.array(function(program), object))[:2] == (rows, outputs)[: rows + 1]
    assert s2jax.skeleton_hash(program).shape == (rows, outputs, 2)
    assert s2jax.free_constants(program).scale.shape == program.op.shape
    assert s2jax.with_constants(program, program.constants).shape == program.shape
    assert s2jax.Split(0.0, 0.5).keeps(program).shape == program.shape
    assert s2jax.Split(0.0, 0.5).keeps_system(program).shape == (rows,)
    if outputs:
        assert len(s2jax.to_text(program)) == rows
        assert s2jax.to_tokens(program).ids.shape[0] == rows
    else:
        with pytest.raises(ValueError, match="must have an output"):
            s2jax.to_tokens(program)
    if rows and not outputs:
        with pytest.raises(ValueError, match="must have an output"):
            s2jax.to_text(program)


def test_reading_nothing() -> None:
    assert s2jax.from_text([]).shape == (0, 0)
    assert s2jax.from_text([[], []]).shape == (2, 0, 0)
    assert s2jax.from_sympy([[], []]).shape == (2, 0, 0)
    program, status = s2jax.from_tokens(np.zeros((0, 5), np.int32))
    assert (program.shape, status.shape) == ((0, 1), (0,))
    program, status = s2jax.from_tokens(np.zeros((3, 0), np.int32), num_outputs=2)
    assert (program.shape, status.tolist()) == ((3, 2), [0, 0, 0])
    assert s2jax.lambdify(sympy.Symbol("x"), [sympy.Symbol("x")])(zeros(0)).shape == (0,)
    for text in ("", " ", "x_0 |"):
        with pytest.raises(ValueError, match="empty expression"):
            s2jax.from_text(text)


@pytest.mark.parametrize("shape", [(0, 8), (2, 0), (0, 0)])
def test_transforms_of_nothing(shape: tuple[int, int]) -> None:
    series = zeros(*shape)
    assert transforms.patchify(series, 2).shape == (shape[0], shape[1] // 2, 2)
    for scaled in (transforms.z_score(series), transforms.mean_abs(series)):
        assert (scaled.series.shape, scaled.scale.tolist()) == (shape, [1.0] * shape[0])
    assert transforms.drop_values(KEY, series).observed.shape == shape


def test_equations_of_nothing() -> None:
    decay, ts = s2jax.from_text(["-1.0*y_0"]), jnp.linspace(0.0, 1.0, 5)
    system = s2jax.ode.named("logistic", jitter=0.0)
    for solution, shape in (
        (s2jax.ode.solve(decay[:0], zeros(0, 1), zeros(0, 5)), (0, 1, 5)),
        (s2jax.ode.solve(decay[:, :0], zeros(1, 0), ts[None]), (1, 0, 5)),
        (system.solve(zeros(3, 0, 1), ts), (3, 0, 1, 5)),
    ):
        assert solution.y.shape == shape
        assert solution.status.shape == solution.num_steps.shape == shape[:-2]
    for call in (
        lambda: s2jax.ode.solve(decay, zeros(1, 1), zeros(1, 0)),
        lambda: system.solve([1.0], []),
    ):
        with pytest.raises(ValueError, match=r"solve\(ts of shape .*must .*linspace"):
            call()


def test_rows_of_a_corpus_that_are_none(tmp_path: Any) -> None:
    store(tmp_path / "corpus", CONFIGS["flat"])
    corpus = s2jax.read_corpus(tmp_path / "corpus")
    for rows in ([], slice(3, 3), slice(5, 2)):
        batch = corpus[rows]
        assert (batch.y.shape[0], batch.program.shape) == (0, (0, 1))
        assert len(corpus.table(rows, ["status"])) == 0


# Types. Of the shapes in the examples of each function, so that the same programs serve both.

SINE = s2jax.from_text(["2.0*sin(1.0*x_0) + 0.1"])
PAIRS: dict[str, Callable[[Any], Any]] = {
    "evaluate": lambda x: s2jax.evaluate(TWO, x),
    "evaluate_jvp": lambda x: s2jax.evaluate_jvp(TWO, x, x),
    "fit_constants": lambda x: s2jax.fit_constants(SINE, *[np.tile(x[:1], 8)] * 2),
    "z_score": transforms.z_score,
    "mean_abs": transforms.mean_abs,
    "drop_values": lambda x: transforms.drop_values(KEY, x),
    "solve": lambda x: s2jax.ode.solve(s2jax.from_text("-0.5*y_0"), x[1, :, 0], np.arange(3.0)),
    "System.solve": lambda x: s2jax.ode.named("logistic", jitter=0.0).solve(
        x[:, :, 0], np.linspace(0.0, 10.0, 50), {"r": 2.0}
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_integers_are_floats(name: str) -> None:
    x = np.arange(16, dtype=np.int64).reshape(2, 1, 8) % 3
    got, expected = PAIRS[name](x), PAIRS[name](x.astype(np.float32))
    for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.mark.parametrize("name", PAIRS)
def test_complex_numbers_are_refused_by_name(name: str, unchecked: None) -> None:
    x = jnp.ones((2, 1, 8), jnp.complex64)
    with pytest.raises(TypeError, match=r"of dtype complex64\): must be real"):
        PAIRS[name](x)


@pytest.mark.parametrize("name", ["evaluate", "evaluate_jvp", "fit_constants", "solve"])
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_is_refused_where_programs_are_computed(name: str, dtype: Any) -> None:
    with pytest.raises(TypeError, match=r"must be .*float32.*astype\('float32'\)"):
        PAIRS[name](jnp.ones((2, 1, 8), dtype))
    assert transforms.z_score(jnp.ones((2, 8), dtype)).series.dtype == dtype


NOT_NUMBERS = {
    "objects": np.full((2, 1, 8), None),
    "words": "ab",
    "nothing": None,
    "long doubles": np.ones((2, 1, 8), np.longdouble),
    "dates": np.zeros((2, 1, 8), "datetime64[s]"),
    "ragged": [[[1.0], [1.0, 2.0]]],
}


@pytest.mark.parametrize("name", NOT_NUMBERS)
def test_what_is_no_number_is_refused_by_name(name: str, unchecked: None) -> None:
    system = s2jax.ode.named("logistic", jitter=0.0)
    calls: dict[str, Callable[[Any], Any]] = {
        r"evaluate\(x": lambda x: s2jax.evaluate(TWO, x),
        r"solve\(y0": lambda x: system.solve(x, [0.0, 1.0]),
        r"solve\(ts": lambda x: system.solve([1.0], x),
        r"solve\(parameters\[r\]": lambda x: system.solve([1.0], [0.0, 1.0], {"r": x}),
    }
    for named, call in calls.items():
        with pytest.raises(TypeError, match=rf"{named} of (type|dtype) .*\): must be"):
            call(NOT_NUMBERS[name])


def test_what_a_solver_would_misread_is_refused(unchecked: None) -> None:
    system, ts = s2jax.ode.named("logistic", jitter=0.0), [0.0, 1.0]
    fed = s2jax.ode.System.from_sympy(
        [sympy.Symbol("u") - sympy.Symbol("y")], [sympy.Symbol("y")], inputs=[sympy.Symbol("u")]
    )
    wrong: list[tuple[type[Exception], str, Callable[[], Any]]] = [
        (TypeError, r"parameters\[r\] .*real", lambda: system.solve([1.0], ts, {"r": 1j})),
        (TypeError, "ts .*real", lambda: system.solve([1.0], np.array([0, 1j]))),
        (TypeError, "inputs .*real", lambda: fed.solve([1.0], ts, inputs=np.ones((1, 2)) * 1j)),
        (ValueError, r"y0=1e\+39", lambda: system.solve([1e39], ts)),
        (ValueError, "y0=1e-45", lambda: system.solve([1e-45], ts)),
        (ValueError, r"ts=1e\+39", lambda: system.solve([1.0], [0.0, 1e39])),
        (ValueError, "ts with inf", lambda: system.solve([1.0], [0.0, np.inf])),
        (ValueError, "y0 with an integer", lambda: system.solve([10**400], ts)),
        (ValueError, "ts with an integer", lambda: system.solve([1.0], [0, 10**400])),
        (ValueError, "with an integer", lambda: system.solve([1.0], ts, {"r": 10**400})),
        (ValueError, r"values\[1\]", lambda: s2jax.distributions.Choices([1, 10**400])),
        (TypeError, "values=1.*list", lambda: s2jax.distributions.Choices(1, 2)),
    ]
    for kind, named, call in wrong:
        with pytest.raises(kind, match=named):
            call()


@pytest.mark.parametrize("number", [2**40, 2**70])
def test_integers_larger_than_those_of_jax_are_floats(number: int, unchecked: None) -> None:
    for x in ([[[number]]] * 2, np.full((2, 1, 1), float(number))):
        np.testing.assert_allclose(s2jax.evaluate(TWO, x)[1], float(number), rtol=1e-6)
    if number < 2**63:
        values = s2jax.evaluate(TWO, np.full((2, 1, 1), number))
        np.testing.assert_allclose(values[1], number, rtol=1e-6)


def test_whole_numbers_and_blocks(unchecked: None) -> None:
    assert type(s2jax.Acceptance(max_tries=64.0).max_tries) is int  # pyright: ignore
    config = s2jax.presets.s2(length=32, acceptance=s2jax.Acceptance(max_tries=64.0))  # pyright: ignore
    stream = s2jax.Stream(config, 0, 32)
    assert stream.fingerprint == s2jax.Stream(s2jax.presets.s2(length=32), 0, 32).fingerprint
    for block in (None, [2.0], 1j, "64", True, 2.0, np.array(True), slice(3)):
        with pytest.raises(TypeError, match=r"Stream\[.*must be an integer"):
            stream[block]  # pyright: ignore
