"""Noise of given systems: exact laws, labels, and what is refused."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from scipy import stats

import s2jax
from s2jax.config.serialize import from_json, to_json
from s2jax.core.random import words_of
from s2jax.corpus import read_corpus, write_corpus
from s2jax.corpus.info import known_name
from s2jax.distributions import Constant, LogUniform, Uniform
from s2jax.ode import System, named
from s2jax.ode.dynamics import write_noise
from s2jax.plotting import summarize
from s2jax.stream import Stream
from s2jax.targets import REASONS, Status
from tests.statistics import assert_ks

x, v, w, s, d, theta, t, u = sympy.symbols("x v w s d theta t u")
ROWS, SPAN = 4096, 2.0


def _mixed(**options: Any) -> System:
    """Ornstein and Uhlenbeck's process, geometric Brownian motion, and a state without noise."""
    return System.from_sympy(
        [-theta * x, v / 4, x + v],
        [x, v, w],
        parameters={theta: Uniform(1.0, 2.0), d: 0.125, s: LogUniform(0.1, 0.5)},
        initial=[1.0, 1.0, 0.0],
        **({"duration": SPAN, "noise": {x: sympy.sqrt(2 * d), "v": s * v}} | options),
    )


def _config(target: System, length: int = 65) -> s2jax.Config:
    return s2jax.presets.ode(length, num_inputs=0, dimension=len(target.states), target=target)


@pytest.fixture(scope="module")
def batch() -> s2jax.Batch:
    return jax.device_get(s2jax.sample(jax.random.key(20261130), _config(_mixed()), ROWS))


# ---- laws -----------------------------------------------------------------------------------


def _number(names: tuple[str, str], program: Any, state: int) -> np.ndarray:
    """The numbers of this name in the instructions of a state, `(rows, nodes)`, in float64."""
    mantissa, exponent = (np.asarray(getattr(program, name)).astype(float) for name in names)
    return (mantissa * 10.0**exponent)[:, state]


VALUE, SCALE = ("a", "b"), ("scale_mantissa", "scale_exponent")


def _standard_ou(batch: s2jax.Batch, at: int, variance: float = 1.0) -> np.ndarray:
    """The process at a point by its exact law, in every row its own."""
    rate = -_number(SCALE, batch.program, 0).prod(1)
    sigma = _number(VALUE, batch.dynamics.diffusion, 0)[:, 0]
    assert ((rate >= 1) & (rate <= 2) & (sigma == 0.5)).all()
    time = np.asarray(batch.t, float)[:, at]
    deviation = sigma * np.sqrt((1 - np.exp(-2 * rate * time)) / (2 * rate))
    return (batch.y[:, 0, at] - np.exp(-rate * time)) / deviation * np.sqrt(variance)


def _standard_gbm(batch: s2jax.Batch, at: int) -> np.ndarray:
    volatility = _number(SCALE, batch.dynamics.diffusion, 1)[:, 0]
    time = np.asarray(batch.t, float)[:, at]
    mean = (0.25 - volatility**2 / 2) * time
    return (np.log(np.asarray(batch.y, float)[:, 1, at]) - mean) / (volatility * np.sqrt(time))


@pytest.mark.parametrize("at", [8, 64])
def test_rows_follow_the_exact_laws(batch: s2jax.Batch, at: int) -> None:
    assert not batch.rejections.any()  # which would condition the laws
    first, second = _standard_ou(batch, at), _standard_gbm(batch, at)
    assert_ks(first, stats.norm.cdf)
    assert_ks(second, stats.norm.cdf)
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(ROWS)
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 5 / np.sqrt(ROWS)


def test_mean_and_variance_are_the_exact_ones(batch: s2jax.Batch) -> None:
    for at in (16, 32, 64):
        for sample in (_standard_ou(batch, at), _standard_gbm(batch, at)):
            assert abs(sample.mean()) < 5 / np.sqrt(ROWS)
            assert abs(sample.var() - 1) < 5 * np.sqrt(2 / ROWS)


def test_a_wrong_law_is_seen(batch: s2jax.Batch) -> None:
    with pytest.raises(AssertionError):
        assert_ks(_standard_ou(batch, 64, variance=1.5), stats.norm.cdf)


def test_what_has_no_noise_follows_the_equations(batch: s2jax.Batch) -> None:
    y, step = np.asarray(batch.y, float), SPAN / 64
    wanted = np.cumsum(y[:, 0, 1:] + y[:, 1, 1:] + y[:, 0, :-1] + y[:, 1, :-1], 1) * step / 2
    assert np.abs(y[:, 2, 1:] - wanted).max() < 0.1
    assert np.corrcoef(y[:, 2, -1], wanted[:, -1])[0, 1] > 0.999


def test_what_starts_at_rest_is_not_refused(key: jax.Array) -> None:
    system = System.from_sympy([v, -x - v / 2], [x, v], noise=[0, 1], initial=[0, 0], duration=4.0)
    found = s2jax.sample(key, _config(system), 64)
    assert (found.tries == 1).mean() > 0.8
    assert (found.dynamics.error <= 1).all()


def test_noise_is_solved_in_float64(key: jax.Array) -> None:
    with jax.enable_x64(True):
        system = System.from_sympy(
            [v, -x], [x, v], noise={v: s * v}, parameters={s: 0.123456789}, duration=4.0
        )
        found = s2jax.sample(key, _config(system, 33), 4)
        assert found.y.dtype == np.float64
        assert write_noise(found.dynamics, found.y_mask) == ["0 | (0.123456789 mul y_1)"] * 4


def test_rows_take_shorter_steps_along_the_same_path(batch: s2jax.Batch) -> None:
    assert (batch.dynamics.num_steps == 128).all()
    strict = dataclasses.replace(_mixed(), noise_tolerance=0.2 * batch.dynamics.error.max() * 0.05)
    found = jax.device_get(s2jax.sample(jax.random.key(20261130), _config(strict), ROWS))
    assert (found.dynamics.error <= 1).all()
    first = (found.tries == 1).all(1)
    shorter = first & (found.dynamics.num_steps == 256)
    assert shorter.sum() > 20
    assert (found.dynamics.num_steps[~shorter & first] == 128).all()
    np.testing.assert_array_equal(found.y[first & ~shorter], batch.y[first & ~shorter])
    apart = np.abs(found.y - batch.y)[shorter].max((1, 2))
    assert (apart > 0).all()
    assert (apart < 0.1 * np.ptp(batch.y, axis=-1).max(1)[shorter]).all()
    assert found.rejections[..., REASONS.index(Status.INACCURATE)].any()


# ---- labels ---------------------------------------------------------------------------------


def test_rows_say_what_their_noise_is(batch: s2jax.Batch) -> None:
    assert set(np.array(batch.dynamics.forms)[batch.dynamics.form]) == {"stochastic"}
    assert (batch.dynamics.num_steps >= 128).all()
    np.testing.assert_array_equal(batch.dynamics.diffusion.length, np.tile([1, 1, 0], (ROWS, 1)))
    some = jax.tree.map(lambda leaf: leaf[:3], batch)
    texts, values = (
        write_noise(some.dynamics, some.y_mask),
        _number(SCALE, some.dynamics.diffusion, 1),
    )
    for text, value in zip(texts, values[:, 0], strict=True):
        assert text == f"0.5 | ({value:.6g} mul y_1) | 0"


@pytest.mark.parametrize("digits, precise", [(3, False), (6, False), (6, True)])
def test_factors_are_decimals_of_the_parameters(digits: int, precise: bool, key: jax.Array) -> None:
    with jax.enable_x64(precise):
        system = _mixed(digits=digits, noise=[sympy.sqrt(2 * d) / 3, s * v, 2 * s])
        drawn = system.draw(words_of(jax.random.split(key, 64)))
        own = np.asarray(drawn.parameters, float)[:, system.parameters.index("s")]
        doubled, scale = (_number(*pair)[:, 0] for pair in (
            (VALUE, drawn.diffusion, 2), (SCALE, drawn.diffusion, 1)))  # fmt: skip
        np.testing.assert_allclose(scale, own, rtol=1e-7)
        np.testing.assert_allclose(doubled, 2 * own, rtol=0.6 * 10.0 ** (1 - digits))
        fixed = _number(VALUE, drawn.diffusion, 0)[:, 0]
        np.testing.assert_allclose(fixed, 1 / 6, rtol=1e-8 if precise else 1e-5)


def test_noise_of_no_size_is_none() -> None:
    system = System.from_sympy([-x], [x], noise=[s], parameters={s: 0.0}, duration=1)
    drawn = system.draw(jnp.zeros((2, 2), jnp.uint32))
    assert not drawn.diffusion.length.any()
    assert System.from_sympy([-x], [x], noise=[0]).noise == ()
    assert System.from_sympy([-x], [x], noise={}).noise == ()


# ---- the system -----------------------------------------------------------------------------


def test_a_system_with_noise_reads_as_it_was_written() -> None:
    system = _mixed()
    assert str(system) == (
        "dx = -theta*x dt + sqrt(2)*sqrt(d) dW_0\ndv = v/4 dt + s*v dW_1\ndw = (v + x) dt"
    )
    assert system == _mixed(noise=[sympy.sqrt(2 * d), s * v, None])
    assert system.factors == (sympy.sqrt(2) * sympy.sqrt(d), s * v, 0)
    assert str(System.from_sympy([0, -x], [x, v], noise=[0.3, 0], duration=1)) == (
        "dx = 0.3 dW_0\ndv = -x dt"
    )


def test_configurations_with_noise_are_written_and_told_apart() -> None:
    config, plain = _config(_mixed()), _config(named("lorenz"))
    assert from_json(to_json(config)) == config
    other = _config(_mixed(noise={x: sympy.sqrt(2 * d), v: 2 * s * v}))
    assert len({Stream(c).fingerprint for c in (config, other, plain)}) == 3
    old = to_json(plain).replace('"noise": [], ', "")
    assert '"noise"' not in old
    assert from_json(old) == plain  # written before there was noise


def test_a_known_system_with_noise_is_another() -> None:
    config = _config(named("lorenz"))
    stored = json.loads(to_json(config))
    assert known_name(stored) == "lorenz"
    stored["target"]["noise"] = ["0.5", "0", "0"]
    assert known_name(stored) is None


def test_streams_are_what_sample_draws() -> None:
    stream = Stream(_config(_mixed(), 33), 5, 4)
    first, again = stream[1], stream[1]
    np.testing.assert_array_equal(first.y, again.y)
    assert (first.dynamics.diffusion.length.sum(1) == 2).all()
    assert (np.asarray(first.y) != np.asarray(stream[2].y)).any()


def test_corpora_hold_the_noise(tmp_path: Path) -> None:
    config = _config(_mixed(), 33)
    manifest = write_corpus(tmp_path / "corpus", config, 8, 5, 8, 4)
    assert manifest is not None
    assert manifest["forms"] == {"stochastic": 8}
    again, want = read_corpus(tmp_path / "corpus")[4:8], Stream(config, 5, 4)[1]
    np.testing.assert_array_equal(again.y, want.y)
    np.testing.assert_array_equal(again.dynamics.diffusion.length, want.dynamics.diffusion.length)
    texts = write_noise(again.dynamics, again.y_mask)
    assert texts == write_noise(want.dynamics, want.y_mask)
    assert summarize(tmp_path / "corpus")["forms"] == "stochastic 8"


def test_the_part_without_noise_is_a_system() -> None:
    drift = _mixed().drift
    assert drift.noise == ()
    assert drift.parameters == ("theta",)
    assert str(drift) == "x' = -theta*x\nv' = v/4\nw' = v + x"
    assert named("lorenz").drift == named("lorenz")
    last = System.from_sympy([-theta * x], [x], parameters={s: 0.2, theta: 2.0}, noise=[s],
                             duration=1.0).drift  # fmt: skip
    assert last.laws == (Constant(2.0),)
    found = last.solve([1.0], [0.0, 1.0]).y[0, 1]
    np.testing.assert_allclose(found, np.exp(-2.0), rtol=1e-5)


# ---- errors ---------------------------------------------------------------------------------


def _make(noise: Any, **options: Any) -> System:
    return System.from_sympy([-x, -v], [x, v], **({"noise": noise, "duration": 1.0} | options))


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: _make([s * x * v, 0], parameters={s: 1}), ValueError,
         r"noise\[x\]=s\*v\*x\): must be .*exact solution.*reads v.*Ito"),
        (lambda: _make({"v": t}), ValueError, r"noise\[v\]=t\).*reads t"),
        (lambda: _make({v: u}, inputs=[u]), ValueError, r"noise\[v\]=u\).*reads u"),
        (lambda: _make([sympy.sqrt(x), 0]), ValueError, "not proportional to x.*it is sqrt"),
        (lambda: _make([1 + x, 0]), ValueError, "not proportional to x"),
        (lambda: _make([abs(x), 0]), ValueError, "not proportional to x"),
        (lambda: _make([1]), ValueError, "list of 2 factors.*None"),
        (lambda: _make(x), ValueError, "list of 2 factors"),
        (lambda: _make({"vv": 1}), ValueError, r"noise=\{vv: ...\}.*Did you mean 'v'"),
        (lambda: _make([Uniform(), 0]), TypeError, "what is drawn has a name"),
        (lambda: _make(["s", 0]), TypeError, r"noise\[x\]=s\): must be a SymPy expression"),
        (lambda: _make([sympy.oo, 0]), ValueError, r"noise\[x\].*excludes oo"),
        (lambda: _make([s, 0]), ValueError, r"s is none of them.*parameters=\{s: 1.0\}"),
        (lambda: _make([1, 0], duration=None), ValueError, "duration=None.*pilot"),
        (lambda: System(("y_0",), ("x",), initial=(Constant(1.0),), noise=("1", "1")),
         ValueError, "noise of length 2"),
        (lambda: System(("y_0",), ("x",), initial=(Constant(1.0),), noise=("y_1",)),
         ValueError, "unknown name y_1"),
        (lambda: _make([1, 0]).solve([1.0, 1.0], [0.0, 1.0]), ValueError, "system.drift.solve"),
        (lambda: _config(_make([x, v], initial=[0, 0])), ValueError, "start at rest"),
        (lambda: _config(System.from_sympy([0, x], [x, v], noise={v: 1}, duration=1)),
         ValueError, "x' = 0"),
    ],
)  # fmt: skip
def test_errors(call: Callable[[], Any], kind: type, message: str, unchecked: None) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_noise_moves_what_starts_at_rest() -> None:
    _config(_make([1, v], initial=[0, 0]))
    _config(System.from_sympy([0], [x], noise=[1], duration=1, initial=[0]))
