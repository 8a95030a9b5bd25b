"""Systems with delays: solutions against the method of steps, labels, and what is refused."""

import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import sympy

import s2jax
from s2jax.config.serialize import from_json, to_json
from s2jax.corpus import read_corpus, write_corpus
from s2jax.corpus.info import known_name
from s2jax.distributions import LogUniform, Normal, Uniform
from s2jax.laws import GivenLaw
from s2jax.ode import KINDS, Event, System, _delayed, named
from s2jax.ode._delayed import Past, in_steps, integrate_delayed
from s2jax.ode.known import SUBJECTS, SYSTEMS
from s2jax.stream import Stream
from s2jax.targets import REASONS, Status

t, tau, rate = sympy.symbols("t tau rate")
y, z = sympy.Function("y"), sympy.Function("z")
NAMED = list(SUBJECTS["delays"])

Slopes = Callable[[float, np.ndarray, Callable[[float], np.ndarray]], Any]


def method_of_steps(
    slopes: Slopes, y0: Any, breaks: Sequence[float], ts: np.ndarray,
    before: Callable[[float], Any] | None = None,
) -> np.ndarray:  # fmt: skip
    """By SciPy, from break to break; `slopes` take the time, states, and the past as a function."""
    y0 = np.asarray(y0, float)
    ends, pieces = [*[b for b in breaks if 0 < b < ts[-1]], ts[-1]], []

    def past(time: float) -> np.ndarray:
        if time <= 0 or not pieces:
            return y0 if before is None else np.asarray(before(time), float)
        index = min(np.searchsorted(ends, time), len(pieces) - 1)
        return pieces[index](time)

    found, start, state = np.empty((len(y0), len(ts))), 0.0, y0
    for end in ends:
        # slightly inside, so that the past is that of one side of a break
        run = scipy.integrate.solve_ivp(
            lambda time, own: slopes(time, own, past), (start, end), state, "DOP853",
            rtol=1e-11, atol=1e-12, dense_output=True,
        )  # fmt: skip
        pieces.append(run.sol)
        here = (ts >= start) & (ts <= end)
        found[:, here] = run.sol(ts[here])
        start, state = end, run.y[:, -1]
    return found


def polynomials(times: Any, slope: float = -1.0, delay: float = 1.0) -> np.ndarray:
    """The solution of y' = slope y(t - delay) that was 1 before."""
    times = np.asarray(times, float)
    terms = [
        slope**k * np.where(times >= (k - 1) * delay, times - (k - 1) * delay, 0.0) ** k
        / math.factorial(k)
        for k in range(1, 2 + int(times.max() / delay))
    ]  # fmt: skip
    return 1 + np.sum(terms, axis=0)


def mackey_glass(**options: Any) -> System:
    return System.from_sympy(
        [rate * y(t - tau) / (1 + y(t - tau) ** 10) - 0.1 * y(t)], [y(t)],
        parameters={tau: LogUniform(14.0, 18.0), rate: LogUniform(0.18, 0.22)},
        **({"initial": [Uniform(0.5, 1.3)], "duration": 150.0} | options),
    )  # fmt: skip


def _config(system: System, length: int = 64) -> s2jax.Config:
    return s2jax.presets.ode(length, num_inputs=0, dimension=len(system.states), target=system)


# ---- solutions ------------------------------------------------------------------------------


@pytest.mark.parametrize("is_double", [False, True])
def test_linear_equations_are_polynomials_piece_by_piece(is_double: bool) -> None:
    ts = np.linspace(2.0, 12.3, 40)  # from another time than 0
    system = System.from_sympy([rate * y(t - tau)], [y], parameters={rate: -1.0, tau: 1.0})
    with jax.enable_x64(is_double):
        tolerances = {"rtol": 1e-10, "atol": 1e-12} if is_double else {}
        own = {rate: np.array([-1.0, -0.7, 0.3]), tau: np.array([1.0, 1.0, 2.5])}
        found = system.solve(np.array([[1.0], [-2.0], [0.5]]), ts, own, **tolerances)
        assert found.y.dtype == (np.float64 if is_double else np.float32)
    assert (found.status == 0).all()
    for row, (start, *numbers) in enumerate(((1.0, -1.0, 1.0), (-2.0, -0.7, 1.0), (0.5, 0.3, 2.5))):
        wanted = start * polynomials(ts - 2, *numbers)
        atol = 1e-11 if is_double else 2e-5
        np.testing.assert_allclose(found.y[row, 0], wanted, rtol=10 * atol, atol=atol)


def _errors(counts: Sequence[int], delays: Sequence[float], span: float) -> np.ndarray:
    """Of y' = - sum of y(t - delay) and y = cos t before, in so many equal steps."""

    def run(count: int) -> float:
        past = Past(
            (0,) * len(delays), tuple(range(len(delays))),
            jnp.asarray(np.array(delays)[:, None] / span), lambda part: jnp.cos(part * span)[None],
        )  # fmt: skip
        each = jnp.full(1, count, jnp.int32)
        slopes = lambda part, own, delayed: -span * delayed.sum(0, keepdims=True)
        solver, bound = diffrax.Tsit5(scan_kind="lax"), jnp.asarray(1e9)
        stored = integrate_delayed(solver, slopes, jnp.ones((1, 1)), past, each, count, bound)
        at = lambda part: stored.at(in_steps(part[None], each))[0, 0]
        found = jax.lax.map(at, jnp.asarray(ts[1:] / span))
        return np.abs(found - wanted[1:]).max()

    ts = np.linspace(0.0, span, 60)
    sums = {round(sum(n * d for n, d in zip(k, delays, strict=True)), 12)
            for k in np.ndindex(*(9,) * len(delays)) if sum(k)}  # fmt: skip
    slopes = lambda time, own, past: [-sum(past(time - delay)[0] for delay in delays)]
    wanted = method_of_steps(slopes, [1.0], sorted(sums), ts, lambda time: [math.cos(time)])[0]
    with jax.enable_x64(True):
        return np.array([run(count) for count in counts])


@pytest.mark.parametrize("delays", [(1.0,), (0.8, 1.1)])
def test_steps_are_of_order_five(delays: tuple[float, ...]) -> None:
    errors = _errors((20, 40, 80), delays, 6.3)
    assert (np.log2(errors[:-1] / errors[1:]) > 4.5).all(), errors
    assert errors[-1] < 1e-7


def test_steps_that_pass_over_breaks_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_delayed, "levels_of", lambda count: np.full((1, count), 100))
    assert _errors((80,), (1.0,), 6.3)[0] > 1e-6


def test_ends_are_those_of_equal_steps_and_breaks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for count in (1, 2, 3, 5, 8):
        delays = rng.uniform(0.01, 0.4, (count, 50)).astype(np.float32)
        delays[:, :10] = 2 * delays[:1, :10]  # breaks at one time
        num = rng.integers(5, 100, 50).astype(np.int32)
        steps = _delayed.plan_steps(jnp.asarray(delays), jnp.asarray(num), 128)
        ends, breaks = (np.asarray(one.whole) + np.asarray(one.part, float)
                        for one in (steps.ends, steps.breaks))  # fmt: skip
        for row, last in enumerate(np.asarray(steps.count)):
            own = breaks[:, row][breaks[:, row] < 2**30]
            wanted = np.sort(np.concatenate([np.arange(num[row] + 1), own]))
            np.testing.assert_allclose(ends[: last + 1, row], wanted)
            assert (ends[last + 1 :, row] >= 2**30).all()


def test_two_states_two_delays_and_a_history() -> None:
    system = System.from_sympy(
        [z(t) - y(t - tau) * z(t - 1), sympy.cos(t) - y(t - 1) - z(t) / 2], [y(t), z(t)],
        parameters={tau: 1.7}, history={z: z(t) * (1 + t / 4), "y": sympy.exp(t)},
        initial=[1.0, 0.5],
    )  # fmt: skip
    assert system.delays == ("y_0(t - p_0)", "y_1(t - 1)", "y_0(t - 1)")
    assert [str(past) for past in system.histories] == ["exp(t)", "z*(t/4 + 1)"]
    ts = np.linspace(0.0, 8.0, 33)
    breaks = sorted({round(i + 1.7 * j, 12) for i in range(9) for j in range(6) if i + j})
    slopes = lambda s, own, past: [
        own[1] - past(s - 1.7)[0] * past(s - 1)[1], math.cos(s) - past(s - 1)[0] - own[1] / 2
    ]  # fmt: skip
    before = lambda s: [math.exp(s), 0.5 * (1 + s / 4)]
    wanted = method_of_steps(slopes, [1.0, 0.5], breaks, ts, before)
    with jax.enable_x64(True):
        found = system.solve([1.0, 0.5], ts, rtol=1e-9, atol=1e-11)
        assert found.status == 0
        np.testing.assert_allclose(found.y, wanted, atol=1e-8)
        other = system.solve([[1.0, 0.5], [2.0, 0.5]], ts, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(other.y[0], found.y, atol=1e-12)  # rows are on their own
        assert np.abs(other.y[1, 0, 1] - wanted[0, 1]) > 0.5  # y begins with a jump


def test_solve_in_batches_under_jit_and_vmap() -> None:
    system = mackey_glass()
    ts, starts = jnp.linspace(0.0, 60.0, 5), jnp.linspace(0.5, 1.2, 70)[:, None]
    own = {"tau": 15.0, "rate": 0.2}
    found = system.solve(starts, ts, own)
    assert found.y.shape == (70, 1, 5)
    assert (found.status == 0).all()
    one = jax.jit(lambda start: system.solve(start, ts, own).y)(starts[66])
    np.testing.assert_allclose(one, found.y[66], rtol=1e-5)
    some = jax.vmap(lambda start: system.solve(start, ts, own).y)(starts[:3])
    np.testing.assert_allclose(some, found.y[:3], rtol=1e-5)


def test_failures_are_values() -> None:
    ts = np.linspace(0.0, 3.0, 31)
    grows = System.from_sympy([y(t - 1) * y(t) ** 2], [y])  # 1 / (1 - t)
    found = grows.solve([[1.0], [np.nan], [0.1]], ts)
    names = [s2jax.ode.SolveStatus(int(status)).name for status in found.status]
    assert names == ["NOT_FINITE", "NOT_FINITE", "OK"]
    np.testing.assert_allclose(found.y[0, 0, :9], 1 / (1 - ts[:9]), rtol=1e-3)
    assert np.isnan(found.y[0, 0, 11:]).all()
    assert np.isnan(found.y[1, 0]).all()
    system = mackey_glass()
    found = system.solve([1.0], ts, {"tau": [15.0, -1.0, 1e-3], "rate": 0.2}, max_steps=500)
    names = [s2jax.ode.SolveStatus(int(status)).name for status in found.status]
    assert names == ["OK", "NOT_FINITE", "MAX_STEPS"]


# ---- rows of batches ------------------------------------------------------------------------


def _again(batch: Any, row: int) -> float:
    """The error of a row, relative to the largest values of its states, by its label alone."""
    exprs = s2jax.to_sympy(batch.program)[row]
    time, *own = sympy.symbols(f"t y_:{len(exprs)}", real=True)
    (node,) = set().union(*(expr.atoms(sympy.core.function.AppliedUndef) for expr in exprs))
    delay, state = float(time - node.args[0]), int(node.func.__name__.removeprefix("y_"))
    before = sympy.Symbol("before")
    replaced = [expr.xreplace({node: before}) for expr in exprs]
    f = sympy.lambdify([time, own, before], replaced, "math")
    ts, series = np.asarray(batch.t[row], float), np.asarray(batch.y[row], float)
    slopes = lambda s, now, past: f(s, now, past(s - delay)[state])
    breaks = [k * delay for k in range(1, 1 + int(ts[-1] / delay))]
    wanted = method_of_steps(slopes, series[:, 0], breaks, ts)
    return (np.abs(wanted - series).max(1) / np.abs(wanted).max(1)).max()


@pytest.mark.floats
@pytest.mark.parametrize("is_double", [False, True])
def test_rows_solve_their_labels(is_double: bool, key: jax.Array) -> None:
    with jax.enable_x64(is_double):
        config = _config(mackey_glass())
        batch = jax.device_get(s2jax.sample(key, config, 16))
        assert (batch.status == 0).all()
        assert ((batch.dynamics.error > 0) & (batch.dynamics.error <= 1)).all()
        errors = [_again(batch, row) for row in range(6)]
        few = jax.device_get(s2jax.sample(key, config, 3))
    assert max(errors) < 5e-5, errors
    np.testing.assert_array_equal(few.y, batch.y[:3])


def test_inputs_are_linear_between_points(key: jax.Array) -> None:
    push = sympy.Symbol("push")
    system = System.from_sympy(
        [push - y(t - 1.3) * (1 + y(t) ** 2) / 2], [y], [push], initial=[Uniform(-1.0, 1.0)],
        duration=12.0,
    )  # fmt: skip
    config = s2jax.presets.ode(64, num_inputs=1, dimension=1, target=system)
    batch = jax.device_get(s2jax.sample(key, config, 4))
    assert (batch.status == 0).all()
    for row in range(2):
        ts, x = np.asarray(batch.t[row], float), np.asarray(batch.x[row, 0], float)
        slopes = lambda s, own, past, ts=ts, x=x: [
            np.interp(s, ts, x) - past(s - 1.3)[0] * (1 + own[0] ** 2) / 2
        ]
        breaks = sorted({*ts[1:].tolist(), *(round(1.3 * k, 9) for k in range(1, 10))})
        wanted = method_of_steps(slopes, batch.y[row, :, 0], breaks, ts)
        largest = np.abs(wanted).max()
        np.testing.assert_allclose(batch.y[row], wanted, atol=1e-4 * largest)
        found = system.solve(batch.y[row, :, 0], batch.t[row], inputs=batch.x[row])
        assert found.status == 0
        np.testing.assert_allclose(found.y, wanted, atol=5e-5 * largest)
        uneven = system.solve(batch.y[row, :, 0], batch.t[row, [0, 7, 63]],
                              inputs=np.array([[0.5, 0.5, 0.5]]))  # fmt: skip
        assert uneven.status == 0


@pytest.mark.long
@pytest.mark.parametrize("name", ["mackey_glass", "hutchinson", "delayed_oscillator", "hes1"])
def test_rows_of_named_systems_are_accurate(name: str, key: jax.Array) -> None:
    batch = jax.device_get(s2jax.sample(key, _config(named(name), 256), 64))
    assert (batch.status == 0).all()
    assert max(_again(batch, row) for row in range(64)) < 2e-4


def test_labels_say_what_was_before(key: jax.Array) -> None:
    system = mackey_glass()
    program = system.draw(s2jax.core.random.words_of(key[None])).program
    number = r"[0-9.]+"
    (text,) = s2jax.to_text(program)
    before = rf"y_0\(t - {number}\)"
    assert len(re.findall(before, text)) == 2
    (words,) = s2jax.text.to_prefix(program)[0]
    assert words[words.index("lag") + 1] == "y_0"
    (latex,) = s2jax.to_latex(program)[0]
    assert rf"y_{{0}}\left(t - {words[words.index('lag') + 2]}\right)" in latex
    (expr,) = s2jax.to_sympy(program)[0]
    again = System.from_sympy([expr], [sympy.Symbol("y_0")])
    assert again.delays == (f"y_0(t - {words[words.index('lag') + 2]})",)
    tokens = s2jax.to_tokens(program, length=64)
    assert (tokens.status == 0).all()
    for other in (
        s2jax.from_text([text]),
        s2jax.from_tokens(tokens.ids, num_nodes=program.num_nodes, protected=False)[0],
    ):
        assert s2jax.to_text(other) == [text]
    by_sympy = s2jax.to_text(s2jax.from_sympy([(expr,)]))[0]
    assert re.findall(before, by_sympy) == re.findall(before, text)


@pytest.mark.parametrize(
    "text, again",
    [
        ("y_0(t - 2.5)", "y_0(t - 2.5)"),
        ("-y_1(t-3)**2 + 1", "(1 add neg((y_1(t - 3))**2))"),
        ("lag,y_0,17", "y_0(t - 17)"),
        ("2*lag(y_15, 0.25)", "(2 mul y_15(t - 0.25))"),
    ],
)
def test_text_is_read(text: str, again: str) -> None:
    program = s2jax.from_text(text)
    assert s2jax.to_text(program) == again
    assert s2jax.to_text(s2jax.from_text(again)) == again


@pytest.mark.parametrize(
    "text, message",
    [
        ("x_0(t - 1)", "missing operator"), ("y_0(t + 1)", "a positive number"),
        ("y_0(t)", "t minus a number"), ("y_0(3)", "a product has a"),
        ("y_0(t - y_1)", "a positive number"), ("y_0(t - 1, 2)", "3 operands"),
        ("lag,x_0,3", "only states"), ("lag(y_0, -1)", "a positive number"),
        ("y_0(t - 1", "never closed"), ("y_0()", "missing operand"),
    ],
)  # fmt: skip
def test_other_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        s2jax.from_text(text)


def test_lags_have_no_values_elsewhere(key: jax.Array) -> None:
    program = s2jax.from_text(["x_0 + y_0(t - 1)"])
    with pytest.raises(ValueError, match="reads y_0"):
        s2jax.evaluate(program, jnp.ones((1, 1, 4)))
    value = jax.jit(lambda p: s2jax.evaluate(p, jnp.ones((1, 1, 4))))(program)
    assert np.isnan(value).all()
    with pytest.raises(ValueError, match="states at the time t only"):
        s2jax.ode.solve(s2jax.from_text("-y_0(t - 1)"), jnp.ones(1), jnp.linspace(0.0, 1.0, 3))
    with pytest.raises(ValueError, match="must have no delays"):
        GivenLaw(["x_0 + y_0(t - 1)"])
    batch = s2jax.sample(key, _config(mackey_glass()), 8)
    census = s2jax.ode.census(batch)
    assert not census.rows.is_audited.any()


def test_a_corpus_keeps_delays(tmp_path: Path) -> None:
    config = _config(named("hutchinson"))
    again = from_json(to_json(config))
    assert again.target.delays == config.target.delays == ("y_0(t - p_2)",)
    assert known_name(json.loads(to_json(config))) == "hutchinson"
    manifest = write_corpus(tmp_path / "corpus", config, 8, 5, 8, 4)
    assert manifest is not None
    assert known_name(manifest["config"]) == "hutchinson"
    stored, want = read_corpus(tmp_path / "corpus")[4:8], Stream(config, 5, 4)[1]
    np.testing.assert_array_equal(stored.y, want.y)
    assert s2jax.to_text(stored.program) == s2jax.to_text(want.program)


def test_delays_shorter_than_steps_are_inaccurate(key: jax.Array) -> None:
    system = System.from_sympy([-y(t - 0.01)], [y], duration=10.0, initial=[1.0])
    candidates = s2jax.candidates(key, _config(system), jnp.arange(2))
    counts = candidates.rejections.sum((0, 1))
    assert counts[REASONS.index(Status.INACCURATE)] == counts.sum() > 0


# ---- the catalogue --------------------------------------------------------------------------


def _long_runs(name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Eight solutions over ten durations, and eight that start beside them."""
    system, known = named(name, 0.0), SYSTEMS[name]
    rng = np.random.default_rng(seed)
    y0 = np.stack([rng.uniform(low, high, 8) for low, high in known.initial], axis=-1)
    ts = np.linspace(0.0, 10 * known.duration, 2001)
    with jax.enable_x64(True):
        both = np.concatenate([y0, y0 * (1 + 1e-7)])
        found = system.solve(both, ts, rtol=1e-7, atol=1e-8, max_steps=2**15)
    assert (found.status == 0).all(), name
    return np.asarray(found.y[:8]), np.asarray(found.y[8:])


@pytest.mark.parametrize("name", ["mackey_glass", "hutchinson", "vector_disease"])
def test_named_systems_do_what_is_said(name: str, seed: int) -> None:
    series, beside = _long_runs(name, seed)
    extent = np.ptp(series, axis=(0, 2))[:, None]
    apart = (np.abs(series - beside) / extent).max(1)[:, -500:].max(1)
    ranges = np.ptp((series / extent)[:, :, -400:], axis=2)
    kind = KINDS[name]
    assert (kind == "chaotic") == (np.median(apart) > 1e-3), apart
    assert (kind == "settling") == (ranges.max() < 0.01), ranges
    if kind == "oscillating":
        assert np.ptp(ranges, axis=0).max() < 0.15 * ranges.max()


@pytest.mark.long
@pytest.mark.parametrize("name", NAMED)
def test_all_named_systems_do_what_is_said(name: str, seed: int) -> None:
    test_named_systems_do_what_is_said(name, seed)


EQUILIBRIA = {
    "mackey_glass": "(beta/gamma - 1)**(1/10)", "ikeda_delay": "0", "sprott_delay": "pi",
    "hutchinson": "k", "wright": "0", "blowflies": "scale*log(p/delta)",
    "delayed_oscillator": "sqrt(1 - alpha)", "delayed_van_der_pol": "0", "hes1": "0",
    "vector_disease": "1 - c/b",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_equilibria_are_those_of_the_literature(name: str) -> None:
    system, values = named(name, 0.0), SYSTEMS[name].parameters
    here = float(sympy.sympify(EQUILIBRIA[name], locals=dict(values)))
    state = np.full((len(system.states), 1), here)
    before = np.full((len(system.delays), 1), here)
    own = np.array(list(values.values()))[:, None]
    order = [list(values).index(parameter) for parameter in system.parameters]
    with jax.enable_x64(True):
        slope = system.field(0.0, jnp.asarray(state), jnp.asarray(before), jnp.asarray(own[order]))
    if name == "hes1":  # of nothing, m is made at the full rate
        np.testing.assert_allclose(slope[:, 0], [values["alpha"], 0])
    else:
        np.testing.assert_allclose(slope, 0, atol=1e-12)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMED)
def test_half_of_the_rows_are_usable(name: str, key: jax.Array) -> None:
    system = named(name)
    config = s2jax.Config(64, num_inputs=0, num_outputs=len(system.states), target=system)
    assert (s2jax.candidates(key, config, jnp.arange(32)).status == 0).mean() >= 0.5


# ---- what is refused ------------------------------------------------------------------------


def _make(*expressions: Any, **options: Any) -> System:
    states = [y, z][: len(expressions)]
    return System.from_sympy(list(expressions), states, **options)


SIMPLE = System.from_sympy([-y(t - 1)], [y])
SHORT = System.from_sympy([y(t - 9)], [y], history=[sympy.sqrt(t + 4)], initial=[2.0], duration=5.0)
LINE = np.linspace(0.0, 1.0, 4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: _make(y(t + 1)), r"y\(t \+ 1\).*must have a delay > 0.*-1"),
        (lambda: _make(y(t - y(t))), "must be a state at the time t minus a number"),
        (lambda: _make(y(t - z(t)), z(t)), "must be a state at the time t minus a number"),
        (lambda: _make(y(t - sympy.Symbol("z")), z(t)), "at the time t minus a number"),
        (lambda: _make(y(t / 2)), "at the time t minus a number"),
        (lambda: _make(y(t - 1, 2)), "at one time"),
        (lambda: _make(y(rate - 1), time=t), "another name is named by time="),
        (lambda: _make(sympy.Function("q")(t - 1) + y(t - 1)), "excludes q"),
        (lambda: _make(y(t - tau)), "tau is none of them"),
        (lambda: _make(y(t - tau), parameters={tau: 0.0}), r"parameters\[tau\].*> 0"),
        (lambda: _make(y(t - tau), parameters={tau: Normal()}), r"parameters\[tau\].*> 0"),
        (lambda: _make(sum(y(t - k) for k in range(1, 10))), "9 states at delayed.*at most 8"),
        (lambda: _make(y(t - 1), noise=[0.1], duration=1.0), "noise=.*with delays"),
        (lambda: System.from_sympy([y(t - 1) + rate], [y], [rate], history=[y(t) * rate]),
         r"history=.*with rate.*must not read inputs"),
        (lambda: _make(sympy.Max(y(t - 1), 0)), "delays and max.*tanh"),
        (lambda: _make(y(t - 1), history=[1 + t]), r"history\[y\].*initial"),
        (lambda: _make(y(t - 1), history={"q": t}), "unknown name 'q'"),
        (lambda: _make(y(t - 1), history=[y(t - 2)]), r"history=.*y\(t - 2\).*Write it out"),
        (lambda: _make(y(t - 1), history=t), "must be a list of 1 expressions"),
        (lambda: SHORT.solve([2.0], LINE), r"history\[y\]=sqrt.*delay, 9.*none at t=-4\.\d"),
        (lambda: _config(SHORT), r"history\[y\]=sqrt.*longest delay, 9.*none at t=-4\.\d"),
        (lambda: _make(y(t), history=[t], initial=[1.0]), "history=.*must come with a delay"),
        (lambda: System(("x_0",), ("y",), initial=(Normal(),), delays=("y_3(t - 1)",)),
         "must name a state"),
        (lambda: System(("x_0",), ("y",), initial=(Normal(),), delays=("y_0",)),
         "state at a delayed time"),
        (lambda: _config(SIMPLE), "must have a duration"),
        (lambda: _config(_make(y(t - 1) * (1 - y(t)), initial=[1.0], duration=9.0)), "at rest"),
        (lambda: SIMPLE.solve([1.0], LINE, events=Event(sympy.Symbol("y"))), "events=.*must have"),
        (lambda: SIMPLE.solve([1.0], LINE, solver=diffrax.Kvaerno5()), "Kvaerno5.*explicit"),
        (lambda: jax.grad(lambda v: SIMPLE.solve(v, LINE).y.sum())(jnp.ones(1)), "differentiated"),
    ],
)  # fmt: skip
def test_errors(call: Callable[[], Any], message: str, unchecked: None) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_history_is_as_long_as_it_is_read() -> None:
    assert SHORT.solve([3.0], LINE + 5).status == 0  # from t = -4 on
    drawn = System.from_sympy(
        [y(t - 9)], [y], parameters={rate: Uniform(1.0, 2.0)}, history=[sympy.sqrt(t + rate)],
        initial=[2.0], duration=5.0,
    )  # fmt: skip
    found = drawn.solve([2.0], LINE, {rate: [9.5, 2.0]})
    assert found.status.tolist() == [0, s2jax.ode.SolveStatus.NOT_FINITE.value]


def test_times_have_names_of_their_own() -> None:
    s = sympy.Symbol("s")
    system = System.from_sympy([-y(s - 2) + y(s - 2.0) * y(s)], [y(s)], time=s)
    assert system.delays in (("y_0(t - 2)",), ("y_0(t - 2.0)",))
    assert str(system) == "y' = y*y(s - 2) - y(s - 2)"


def test_other_delays_do_not_compile_anew() -> None:
    for one, other in ((named("hes1", 0.1), named("hes1", 0.2)), (mackey_glass(), mackey_glass())):
        assert jax.tree.structure(one) == jax.tree.structure(other)
    laws = jax.tree.leaves(named("mackey_glass", 0.1)), jax.tree.leaves(named("mackey_glass", 0.2))
    assert laws[0] != laws[1]  # the delay among them
