"""Random differential equations as a target, and given systems as targets.

Compiling costs half a minute, so all tests of `ODE` turn leaves of one `CONFIG` with all forms, and
all batches have `NUM_ROWS` rows.
"""

# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false, reportReturnType=false

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import s2jax
from s2jax import ODE, Acceptance, Batch, Config, Status, candidates, presets, sample
from s2jax.config.serialize import from_json, to_json
from s2jax.core.random import fold_in, random_bits, words_of
from s2jax.core.streams import of_equations
from s2jax.distributions import Constant, Normal, Uniform
from s2jax.ode import FORMS, System, named
from s2jax.ode._equations import START
from s2jax.ode.forms import KNOWN
from s2jax.programs.operators import ARITY
from s2jax.programs.program import FIRST_STATE, TIME
from s2jax.targets import Sizes
from s2jax.targets.acceptance import REASONS
from tests.statistics import assert_counts_match
from tests.trajectories import reference, relative_error

pytestmark = pytest.mark.floats

NUM_ROWS = 256
LENGTH = 128
KEY = jax.random.fold_in(jax.random.key(0), np.uint32(20261122))
CONFIG = presets.ode(length=LENGTH, dimension=(1, 4), num_inputs=1)
DETERMINISTIC = FORMS[:-1]
READ_T = ("forced", "forced_saturated", "forced_oscillator", "tuned", "lienard")
ALL = slice(None)


def with_target(config: Config = CONFIG, **fields: Any) -> Config:
    """Return the configuration with other fields of its target; the same structure."""
    return dataclasses.replace(config, target=dataclasses.replace(config.target, **fields))


def with_weights(**weights: float) -> Config:
    """Return `CONFIG` with these weights of forms and no others; all stay compiled."""
    return with_target(weights={name: float(weights.get(name, 0.0)) for name in FORMS})


@contextmanager
def compilations() -> Iterator[list[str]]:
    """Collect the names of compilations that happen inside."""
    events: list[str] = []
    active = True

    def listen(name: str, duration: float, **_: Any) -> None:
        if active and name.startswith("/jax/core/compile/backend_compile"):
            events.append(name)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield events
    finally:
        active = False


@pytest.fixture(scope="session")
def batch() -> Batch:
    """All forms, with the weights of the preset."""
    return jax.device_get(sample(KEY, CONFIG, NUM_ROWS))


@pytest.fixture(scope="session")
def deterministic(batch: Batch) -> Batch:
    """As many rows of each form without noise."""
    config = with_weights(**dict.fromkeys(DETERMINISTIC, 1.0))
    return jax.device_get(sample(jax.random.fold_in(KEY, 1), config, NUM_ROWS))


@pytest.fixture(scope="session")
def turned(batch: Batch) -> tuple[Batch, list[str]]:
    """Two forms, no dull rows and other bounds; and what was compiled for them."""
    key = jax.random.fold_in(KEY, 2)
    config = with_weights(autonomous=0.5, saturated=2.0)
    config = with_target(config, max_dull=0.0, tolerance=2e-4, min_tail=0.02, max_jump=0.2)
    config = dataclasses.replace(config, acceptance=Acceptance(bound=20.0, max_tries=50))
    with compilations() as events:
        out = sample(key, config, NUM_ROWS)
        jax.block_until_ready(out)
    return jax.device_get(out), events


# ---- accuracy -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def errors(deterministic: Batch) -> np.ndarray:
    equations = s2jax.to_sympy(deterministic.program)
    return np.array([relative_error(deterministic, i, equations[i]) for i in range(NUM_ROWS)])


@pytest.mark.slow
def test_trajectories_are_those_of_scipy(errors: np.ndarray, deterministic: Batch) -> None:
    assert np.isfinite(errors).all(), "accepted, and there is no solution"
    assert np.quantile(errors, 0.95) < 1e-4
    assert errors.max() < 1e-2
    dynamics = deterministic.dynamics
    assert set(dynamics.form.tolist()) == set(range(len(DETERMINISTIC)))
    bound = 10 * (1e-4 * dynamics.error + 1e-6) * np.exp(dynamics.growth)
    assert (errors <= bound).mean() >= 0.97


def test_a_reference_ends_at_a_pole() -> None:
    grid, start = np.linspace(0, 3, 20), np.zeros(1)
    pole = lambda t, y, x: [1 + y[0] ** 2]
    assert reference(pole, grid, start, None) is None
    assert reference(pole, grid, start, grid) is None
    assert reference(lambda t, y, x: [1 / (t - 1)], grid, start, None) is None
    short = grid / 3
    np.testing.assert_allclose(reference(pole, short, start, None)[0], np.tan(short), rtol=1e-10)
    squares = reference(lambda t, y, x: [2 * x], grid, start, grid)
    np.testing.assert_allclose(squares[0], grid**2, rtol=1e-10, atol=1e-14)


# ---- rows -----------------------------------------------------------------------------------


def assert_same_rows(first: Batch, second: Batch) -> None:
    """Fail unless integers agree, and floats to rounding."""
    pairs = zip(jax.tree.leaves_with_path(first), jax.tree.leaves_with_path(second), strict=True)
    for (path, a), (_, b) in pairs:
        name = jax.tree_util.keystr(path)
        if a.dtype == np.float32:
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5, err_msg=name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=name)


def rows_of(batch: Batch, index: Any) -> Batch:
    return jax.tree.map(lambda leaf: leaf[index], batch)


@pytest.fixture(scope="session")
def by_hand() -> Batch:
    """The first candidates of the key in another order, and at the end some far ones."""
    index = np.random.default_rng(0).permutation(NUM_ROWS)
    index[-10:] += 10**6
    return jax.device_get(candidates(KEY, CONFIG, jnp.asarray(index)))


@pytest.mark.long
def test_candidates_do_not_depend_on_their_batch(by_hand: Batch, batch: Batch) -> None:
    place = {int(index): i for i, index in enumerate(batch.index)}
    usable = np.flatnonzero((by_hand.status == 0) & (by_hand.index < NUM_ROWS))
    assert len(usable) > 0.8 * NUM_ROWS
    assert all(int(by_hand.index[i]) in place for i in usable)
    there = np.array([place[int(by_hand.index[i])] for i in usable])
    assert_same_rows(rows_of(by_hand, usable), rows_of(batch, there))
    assert np.all(by_hand.status[~np.isin(by_hand.index, batch.index) & (by_hand.index < NUM_ROWS)])


@pytest.mark.slow
def test_few_candidates_are_the_first_of_many(by_hand: Batch, batch: Batch) -> None:
    """Five among others that are far from them."""
    index = np.concatenate([batch.index[:5], 10**5 + np.arange(NUM_ROWS - 5)])
    few = jax.device_get(candidates(KEY, CONFIG, jnp.asarray(index)))
    assert_same_rows(rows_of(few, slice(5)), rows_of(batch, slice(5)))


@pytest.mark.long
@pytest.mark.parametrize("num_inputs", [0, 1])
def test_few_rows_are_the_first_of_many(num_inputs: int) -> None:
    """To the bit, however many are followed at a time."""
    config = s2jax.presets.ode(length=64, num_inputs=num_inputs)
    few, many = (jax.device_get(s2jax.sample(KEY, config, n)) for n in (64, 600))
    for (path, a), b in zip(
        jax.tree.leaves_with_path(few), jax.tree.leaves(rows_of(many, slice(64))), strict=True
    ):
        np.testing.assert_array_equal(a, b, err_msg=jax.tree_util.keystr(path))


def test_samples_are_the_usable_candidates_in_order(batch: Batch) -> None:
    assert not batch.status.any()
    assert (np.diff(batch.index) > 0).all()
    assert batch.index[-1] < 1.2 * NUM_ROWS


@pytest.mark.slow
def test_unusable_candidates_say_why(by_hand: Batch) -> None:
    failed = by_hand.status != 0
    happened = (by_hand.rejections.sum(1) > 0) @ np.array([reason.value for reason in REASONS])
    wanted = Status.SEARCH_EXHAUSTED | happened
    assert np.array_equal(by_hand.status[failed], wanted[failed])
    assert not by_hand.y[failed].any()
    assert not by_hand.program.length[failed].any()
    assert np.isfinite(by_hand.y).all()


def test_turning_leaves_compiles_nothing(turned: tuple[Batch, list[str]]) -> None:
    out, events = turned
    assert events == []
    assert not out.status.any()


# ---- laws -----------------------------------------------------------------------------------

MANY = 50_000


def laid_out(max_states: int, **fields: Any) -> Any:
    """Forms and sizes of many rows, of which all numbers of states are as likely."""
    target = dataclasses.replace(CONFIG.target, **fields)
    row = jnp.arange(MANY, dtype=jnp.int32)
    words = fold_in(jnp.broadcast_to(words_of(KEY), (MANY, 2)), row)
    one = jnp.ones(MANY, jnp.int32)
    return jax.device_get(target.lay_out(words, one, 1 + row % max_states, Sizes(2, 1, max_states)))


def form_number(*names: str) -> list[int]:
    return [FORMS.index(name) for name in names]


def test_forms_follow_their_weights() -> None:
    weights = {"driven": 1.0, "forced": 2.0, "autonomous": 3.0, "forced_saturated": 2.0,
               "saturated": 0.0, "stochastic": 2.0}  # fmt: skip
    layout = laid_out(3, weights=weights)
    shares = np.array(list(weights.values())) / 10
    numbers = form_number(*weights)
    count = lambda forms: np.bincount(forms, minlength=len(FORMS))[numbers]
    plain = count(layout.form[~layout.is_stochastic])
    assert_counts_match([*plain[:-1], layout.is_stochastic.sum()], shares, what="forms")
    drift = count(layout.form[layout.is_stochastic])
    assert_counts_match(drift, [*(shares[:-1] / 0.8), 0], what="forms of drifts")
    only = laid_out(3, weights={"stochastic": 1.0})
    assert (only.form == FORMS.index("autonomous")).all()
    assert only.is_stochastic.all()


def test_numbers_of_states_follow_their_law() -> None:
    weights = {"driven": 1.0, "forced": 1.0, "saturated": 1.0, "autonomous": 1.0}
    layout = laid_out(3, weights=weights)
    form = {name: layout.form == number for number, name in enumerate(FORMS)}
    sizes = lambda name: np.bincount(layout.num_outputs[form[name]], minlength=4)
    for name in ("driven", "forced"):
        assert_counts_match(sizes(name), [0, 1 / 3, 1 / 3, 1 / 3], what=name)
    # one in ten of those of one state that nothing moves stays
    for name in ("autonomous", "saturated"):
        assert_counts_match(sizes(name), np.array([0, 0.1, 1.9, 1]) / 3, what=name)
    layout = laid_out(4, weights={"second_order": 1.0, "jerk": 1.0, "two_degrees": 2.0})
    counts = lambda name: np.bincount(
        layout.num_outputs[layout.form == FORMS.index(name)], minlength=5
    )
    # of one state, no form has any: all are drawn, and have the nearest number that they can have
    assert_counts_match(
        [counts("second_order")[2], counts("second_order")[4], counts("jerk")[3],
         counts("two_degrees")[4]],
        np.array([1 / 4 + 1, 1 / 3, 1 / 4 + 1, 2 / 4 + 2 / 3]) / 4, what="nearest",
    )  # fmt: skip
    alone = laid_out(1, weights={"autonomous": 1.0})
    assert (alone.num_outputs == 1).all()


def test_numbers_of_inputs_follow_their_law() -> None:
    layout = laid_out(3)
    reads = np.isin(layout.form, form_number("driven", "forced"))
    second = layout.form == FORMS.index("second_order")
    assert (layout.num_inputs[reads] == 1).all()
    assert not layout.num_inputs[~reads & ~second].any()
    assert_counts_match(np.bincount(layout.num_inputs[second]), [0.5, 0.5], what="second order")


def test_dull_rows_have_their_share() -> None:
    layout = laid_out(3)
    allowed = layout.may_be_dull
    still = np.isin(layout.form, form_number("autonomous", "saturated")) & (layout.num_outputs == 1)
    assert allowed[still].all()
    assert_counts_match(np.bincount(allowed[~still].astype(int)), [0.9, 0.1], what="may be dull")
    for share in (0.0, 1.0):
        allowed = laid_out(3, max_dull=share).may_be_dull
        assert (allowed[~still] == share).all()


def num_turns(batch: Batch) -> np.ndarray:
    """Of the busiest state of each row, turns of any size."""
    step = np.diff(batch.y, axis=-1)
    turns = (step[..., 1:] * step[..., :-1] < 0).sum(-1)
    return np.where(batch.y_mask, turns, 0).max(1)


def alone(batch: Batch) -> np.ndarray:
    """Rows that are always monotone."""
    still = np.isin(batch.dynamics.form, form_number("autonomous", "saturated"))
    return still & (batch.y_mask.sum(1) == 1)


def test_no_row_is_dull_where_none_may_be(
    turned: tuple[Batch, list[str]], batch: Batch, deterministic: Batch
) -> None:
    out, _ = turned
    assert (num_turns(out)[~alone(out)] >= 2).all()
    assert not num_turns(out)[alone(out)].any()
    assert np.isin(out.dynamics.form, form_number("autonomous", "saturated")).all()
    dull = np.concatenate([(num_turns(b) < 2)[~alone(b)] for b in (batch, deterministic)])
    assert 0 < dull.mean() < 0.1 + 5 * math.sqrt(0.1 * 0.9 / len(dull))
    assert (num_turns(batch) >= 4).mean() > 0.6


every_batch = pytest.mark.parametrize("name", ["batch", "deterministic"])


@every_batch
def test_masks_are_respected(name: str, request: pytest.FixtureRequest) -> None:
    rows: Batch = request.getfixturevalue(name)
    states = rows.y_mask.sum(1)
    assert np.array_equal(rows.y_mask, np.arange(4) < states[:, None])
    assert np.array_equal(rows.program.length > 0, rows.y_mask)
    assert not rows.y[~rows.y_mask].any()
    assert not rows.x[~rows.x_mask].any()
    assert (rows.x[rows.x_mask].std(-1) > 0.4).all()
    assert (rows.x[rows.x_mask].std(-1) < 2.1).all()
    program, form = rows.program, rows.dynamics.form[:, None, None]
    live = np.arange(program.num_nodes) < program.length[..., None]
    for operand, arity in ((program.a, 1), (program.b, 2)):
        variable = np.where(live & (ARITY[program.op] >= arity) & (operand < 0), -1 - operand, -1)
        is_x = (variable >= 0) & (variable < FIRST_STATE)
        is_y = (variable >= FIRST_STATE) & (variable < TIME)
        assert (~is_x | (variable < rows.x_mask.sum(1)[:, None, None])).all()
        assert (~is_y | (variable - FIRST_STATE < states[:, None, None])).all()
        assert not (is_y & (form == FORMS.index("driven"))).any()
        may_read_t = np.isin(form, form_number(*READ_T, "stochastic"))
        assert not ((variable == TIME) & ~may_read_t).any()


@every_batch
def test_times_run_from_zero_to_the_end_of_the_span(
    name: str, request: pytest.FixtureRequest
) -> None:
    rows: Batch = request.getfixturevalue(name)
    assert rows.t.shape == (NUM_ROWS, LENGTH)
    assert (rows.t[:, 0] == 0).all()
    assert (np.diff(rows.t) > 0).all()
    line = np.linspace(0, 1, LENGTH) * rows.t[:, -1:]
    np.testing.assert_allclose(rows.t, line, rtol=1e-5)


def test_some_of_the_rows_start_at_their_initial_values(batch: Batch) -> None:
    words = fold_in(jnp.broadcast_to(words_of(KEY), (NUM_ROWS, 2)), jnp.asarray(batch.index))
    number = jnp.asarray(batch.tries[:, 0] - 1)
    bits = random_bits(words, 8, of_equations(number, START))[:4]
    start = np.asarray(CONFIG.target.initial.from_bits(bits)).T
    wanted = np.where(batch.y_mask, start, 0)
    starts_there: np.ndarray = np.all(np.isclose(batch.y[..., 0], wanted, rtol=1e-6), axis=1)
    assert starts_there[batch.x_mask.any(1)].all(), "inputs begin where rows do"
    assert 0.3 < starts_there[~batch.x_mask.any(1)].mean() < 0.7
    assert CONFIG.target.initial == Normal()


@every_batch
def test_dynamics_are_what_was_accepted(name: str, request: pytest.FixtureRequest) -> None:
    rows: Batch = request.getfixturevalue(name)
    dynamics, full = rows.dynamics, LENGTH - 1
    assert (dynamics.error >= 0).all()
    assert (dynamics.error <= 1).all()
    assert (dynamics.growth >= 0).all()
    turns = num_turns(rows)
    assert (dynamics.turns <= turns).all(), "small ones are not counted"
    smooth = ~rows.x_mask.any(1) & (dynamics.form != FORMS.index("stochastic"))
    assert (dynamics.turns == turns)[smooth].mean() > 0.5
    noisy = dynamics.form == FORMS.index("stochastic")
    grown = 10 * (1e-4 * dynamics.error + 1e-6) * np.exp(dynamics.growth)
    assert (grown <= 1.001e-2)[~noisy].all()
    is_form = {name: dynamics.form == number for number, name in enumerate(FORMS)}
    steps = dynamics.num_steps
    assert set(np.unique(steps)) <= {64, full, 2 * full}
    assert (steps[is_form["driven"]] == full).all()
    assert (steps[is_form["stochastic"]] == 2 * full).all()
    assert (steps[is_form["forced"]] >= full).all(), "steps end at the kinks of x"
    assert (steps[rows.x_mask.any(1)] >= full).all()
    assert np.array_equal(
        dynamics.diffusion.length > 0, rows.y_mask & is_form["stochastic"][:, None]
    )
    largest, extent = np.abs(rows.y).max((1, 2)), np.ptp(rows.y, axis=-1)
    assert (largest <= 100).all()
    jump = np.abs(np.diff(rows.y)).max(-1)
    assert (jump <= 0.2501 * extent)[rows.y_mask].all()
    tail = np.ptp(rows.y[..., 3 * LENGTH // 4 :], axis=-1)
    assert (tail >= 0.0099 * extent)[rows.y_mask].reshape(-1).any()
    assert ((tail >= 0.0099 * extent) & rows.y_mask).any(1).all()
    assert (rows.y_scale == 1).all()
    assert not rows.y_shift.any()


@every_batch
def test_rejections_have_reasons_of_solutions(name: str, request: pytest.FixtureRequest) -> None:
    rows: Batch = request.getfixturevalue(name)
    assert np.array_equal(rows.tries, (rows.rejections.sum(-1) + 1) * rows.y_mask)
    first = rows.rejections[:, :1]
    assert np.array_equal(rows.rejections, first * rows.y_mask[..., None])
    names = {reason.name for reason, n in zip(REASONS, first.sum((0, 1)), strict=True) if n}
    possible = {"NOT_FINITE", "CONSTANT", "ESCAPED", "INACCURATE", "STIFF", "SETTLED", "JUMP",
                "DULL", "POLE"}  # fmt: skip
    assert names <= possible
    assert {"ESCAPED", "INACCURATE", "DULL", "JUMP"} <= names


# ---- given systems as targets ---------------------------------------------------------------

FEW = 16


@pytest.fixture(scope="session")
def predators() -> tuple[Config, Batch]:
    system = dataclasses.replace(named("lotka_volterra"), duration=Constant(20.0))
    config = Config(
        length=64, num_inputs=0, num_outputs=2, target=system, y_scaling=None,
        acceptance=Acceptance(bound=1e4),
    )  # fmt: skip
    return config, jax.device_get(sample(KEY, config, FEW))


def emitted(batch: Batch, row: int) -> dict[str, float]:
    """Parameters of a row, read from its equations."""
    y0, y1 = (sympy.Symbol(name, real=True) for name in ("y_0", "y_1"))
    exprs = [
        sympy.expand(e.subs({s: {"y_0": y0, "y_1": y1}[s.name] for s in e.free_symbols}))
        for e in s2jax.to_sympy(batch.program)[row]
    ]
    return {
        "alpha": float(exprs[0].coeff(y0, 1).coeff(y1, 0)),
        "beta": -float(exprs[0].coeff(y0, 1).coeff(y1, 1)),
        "delta": float(exprs[1].coeff(y0, 1).coeff(y1, 1)),
        "gamma": -float(exprs[1].coeff(y0, 0).coeff(y1, 1)),
    }


@pytest.mark.long
def test_a_named_system_is_a_target(predators: tuple[Config, Batch]) -> None:
    config, batch = predators
    assert not batch.status.any()
    assert batch.y_mask.all()
    assert (batch.t[:, -1] == 20).all()
    assert batch.x.shape == (FEW, 0, 64)
    own = [emitted(batch, row) for row in range(FEW)]
    for name, law in zip(config.target.parameters, config.target.laws, strict=True):
        values = np.array([row[name] for row in own])
        assert ((values >= float(law.low) * 0.999) & (values <= float(law.high) * 1.001)).all(), (
            name
        )
        assert len(set(values)) > 10
    stacked = {name: np.array([row[name] for row in own], np.float32) for name in own[0]}
    solved = np.asarray(config.target.solve(batch.y[..., 0], batch.t[0], stacked).y)
    scale = np.abs(solved).max((1, 2), keepdims=True)
    np.testing.assert_allclose(batch.y / scale, solved / scale, atol=2e-4)


@pytest.mark.slow
def test_trajectories_of_a_named_system_are_those_of_scipy(predators: tuple[Config, Batch]) -> None:
    _, batch = predators
    equations = s2jax.to_sympy(batch.program)
    errors = [relative_error(batch, row, equations[row]) for row in range(FEW)]
    assert max(errors) < 1e-4


@pytest.mark.slow
def test_the_invariant_of_lotka_and_volterra_stays(predators: tuple[Config, Batch]) -> None:
    _, batch = predators
    for row in range(FEW):
        p, (prey, predator) = emitted(batch, row), batch.y[row].astype(float)
        terms = [p["delta"] * prey, -p["gamma"] * np.log(prey), p["beta"] * predator,
                 -p["alpha"] * np.log(predator)]  # fmt: skip
        size = sum(np.abs(term).max() for term in terms)
        assert np.ptp(sum(terms)) < 1e-4 * size


def test_energy_stays_constant_in_solve() -> None:
    x, v = sympy.symbols("x v")
    ts = np.linspace(0, 20, 60)
    harmonic = System.from_sympy([v, -4 * x], [x, v])
    position, velocity = harmonic.solve([1.0, 0.5], ts).y
    energy = np.asarray(velocity**2 + 4 * position**2)
    np.testing.assert_allclose(energy, 4.25, rtol=1e-4)
    np.testing.assert_allclose(position, np.cos(2 * ts) + 0.25 * np.sin(2 * ts), atol=2e-4)
    pendulum = System.from_sympy([v, -sympy.sin(x)], [x, v])
    angle, rate = pendulum.solve([2.5, 0.0], ts).y
    np.testing.assert_allclose(rate**2 / 2 - jnp.cos(angle), -np.cos(2.5), atol=2e-4)
    assert np.ptp(angle) > 4


# ---- files and mistakes ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        with_target(max_substeps=4, protected=False, initial=Uniform(-1.0, 2.0), tolerance=1e-4),
        with_target(weights={"autonomous": 2.0}),
        Config(num_inputs=0, num_outputs=2, target=named("lotka_volterra"), y_scaling=None),
        Config(num_inputs=0, num_outputs=1, target=System.from_sympy(
            [-sympy.Symbol("k") * sympy.Symbol("u")], [sympy.Symbol("u")],
            parameters={"k": Uniform(0.5, 1.0)}, duration=3.0,
        )),
    ],
    ids=["preset", "options", "one form", "named", "from_sympy"],
)  # fmt: skip
def test_configurations_come_back_from_json(config: Config) -> None:
    text = to_json(config)
    read = from_json(text)
    assert jax.tree.structure(read) == jax.tree.structure(config)
    assert to_json(read) == text
    assert jax.tree.leaves(read) == jax.tree.leaves(config)


def config_of(num_inputs: int = 1, num_outputs: int = 2, **fields: Any) -> Config:
    return Config(num_inputs=num_inputs, num_outputs=num_outputs, target=ODE(**fields))


LINE = System.from_sympy([-sympy.Symbol("u")], [sympy.Symbol("u")])


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: ODE(law="s2"), TypeError, "ODE\\(law='s2'\\): must be a law of expressions"),
        (lambda: ODE(initial=1.0), TypeError, "initial=1.0.*must be a distribution.*Constant"),
        (lambda: ODE(duration=10.0), TypeError, "duration=10.0.*Constant"),
        (lambda: ODE(weights={"chaotic": 1.0}), ValueError, "chaotic"),
        (lambda: ODE(weights={"autonomus": 1.0}), ValueError, "autonomous"),
        (lambda: ODE(weights={}), ValueError, "weights"),
        (lambda: ODE(weights={"driven": 0.0}), ValueError, "weights"),
        (lambda: ODE(weights={"driven": -1.0, "forced": 2.0}), ValueError, "weights"),
        (lambda: ODE(tolerance=0.0), ValueError, "tolerance=0.0.*> 0"),
        (lambda: ODE(tolerance=2.0), ValueError, "tolerance=2.0"),
        (lambda: ODE(min_tail=-0.1), ValueError, "min_tail=-0.1"),
        (lambda: ODE(max_jump=0.0), ValueError, "max_jump=0.0"),
        (lambda: ODE(max_dull=1.5), ValueError, "max_dull=1.5"),
        (lambda: ODE(max_dull=math.nan), ValueError, "max_dull=nan"),
        (lambda: ODE(min_turns=-1), ValueError, "min_turns=-1"),
        (lambda: ODE(max_error=0.0), ValueError, "max_error=0.0.*> 0"),
        (lambda: ODE(protected="no"), TypeError, "protected='no'.*True or False"),
        (lambda: ODE(max_substeps=3), ValueError, "max_substeps=3.*1, 2 or 4"),
        (lambda: ODE(max_substeps=0), ValueError, "max_substeps=0.*1, 2 or 4"),
        (lambda: ODE(solver=diffrax.Kvaerno5()), ValueError,
         "explicit Runge-Kutta method of diffrax.*diffrax.Tsit5.*solve"),
        (lambda: ODE(solver="Tsit5"), ValueError, "explicit Runge-Kutta method"),
        (lambda: ODE(solver=diffrax.Tsit5), ValueError, "explicit Runge-Kutta method"),
        (lambda: ODE(duration=Constant(-5.0)), ValueError, "duration"),
        (lambda: config_of(num_inputs=0, weights={"driven": 1.0}), ValueError,
         "'driven'.*num_inputs=0.*leave 'driven' out"),
        (lambda: config_of(num_inputs=0, weights={"forced": 1.0}), ValueError, "'forced'"),
        (lambda: config_of(num_outputs=1, weights={"jerk": 1.0}), ValueError,
         "jerk.*num_outputs=1.*3 states at least"),
        (lambda: config_of(num_outputs=17), ValueError, "num_outputs=17.*16"),
        (lambda: presets.ode(dimension=17), ValueError, "ode.dimension=17.: .* <= 16"),
        (lambda: presets.ode(dimension=0), ValueError, "ode.dimension=0"),
        (lambda: presets.ode(num_inputs=-1), ValueError, "num_inputs=-1"),
        (lambda: presets.ode(min_outputs=5), ValueError, "min_outputs=5"),
        (lambda: Config(num_inputs=0), ValueError, "num_inputs=0"),
        (lambda: Config(num_inputs=0, num_outputs=2, target=LINE), ValueError, "=2.*1 states"),
        (lambda: Config(num_inputs=1, num_outputs=1, target=LINE), ValueError, "=1.*0 inputs"),
        (lambda: Config(num_inputs=0, target=dataclasses.replace(LINE, solver=diffrax.Kvaerno5())),
         ValueError, "explicit Runge-Kutta"),
        (lambda: Config(num_inputs=0, target=dataclasses.replace(LINE, max_substeps=3)),
         ValueError, "max_substeps=3"),
        (lambda: Config(num_inputs=0, target=dataclasses.replace(LINE, tolerance=-1.0)),
         ValueError, "tolerance=-1.0"),
        (lambda: named("lorentz"), ValueError, "lorenz"),
    ],
)  # fmt: skip
def test_mistakes_are_named(
    call: Callable[[], Any], kind: type, message: str, unchecked: None
) -> None:
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize("num_inputs", [0, 1])
@pytest.mark.parametrize("dimension", [1, 2, 3, (2, 4)])
def test_the_preset_leaves_out_what_cannot_be(num_inputs: int, dimension: Any) -> None:
    target = presets.ode(num_inputs=num_inputs, dimension=dimension).target
    missing = {"driven", "forced"} if num_inputs == 0 else set()
    low, high = dimension if isinstance(dimension, tuple) else (dimension, dimension)
    sizes = set(range(low, high + 1))
    missing |= {name for name, form in KNOWN.items() if not sizes & set(form.dimensions)}
    assert set(FORMS) - set(target.weights) == missing


def test_explicit_solvers_are_taken() -> None:
    for solver in (diffrax.Tsit5(), diffrax.Dopri5(), diffrax.Bosh3()):
        assert config_of(solver=solver).target.solver is solver
    assert isinstance(named("lorenz"), System)
