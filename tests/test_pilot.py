"""Pilots: what they see of systems that are known, and the spans that follow from it."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s2jax.ode._equations import draw_wish
from s2jax.ode._pilot import Flight, Plan, Wish, fly, plan
from tests.statistics import assert_ks

BOUND = jnp.float32(100.0)
# speeds and damping of oscillators; a rate of growth; Lorenz; a pole; one that stands still
OMEGA, DAMPING = 3.0, 0.1


def derivative(t: jax.Array, y: jax.Array) -> jax.Array:
    """Six systems of three states, a lane each."""
    del t
    a, b, c = y
    zero = jnp.zeros_like(a[0])
    rows = [
        (b[0], -(OMEGA**2) * a[0], zero),
        (b[1], -(OMEGA**2) * a[1] - 2 * DAMPING * b[1], zero),
        (2 * a[2], zero, zero),
        (10 * (b[3] - a[3]), a[3] * (28 - c[3]) - b[3], a[3] * b[3] - 8 / 3 * c[3]),
        (1 + a[4] ** 2, zero, zero),
        (-5 * a[5], zero, zero),
    ]
    return jnp.stack([jnp.stack(column) for column in zip(*rows, strict=True)])


Y0 = jnp.asarray([[1, 1, 1, -6, 0, 1], [0, 0, 0, -6, 0, 0], [0, 0, 0, 25, 0, 0]], jnp.float32)
USED = jnp.asarray([[1] * 6, [1, 1, 0, 1, 0, 0], [0, 0, 0, 1, 0, 0]], bool)
OSCILLATOR, DAMPED, GROWING, LORENZ, POLE, DECAYING = range(6)


@pytest.fixture(scope="module")
def flight() -> Flight:
    return jax.jit(lambda: fly(derivative, Y0, BOUND))()


def planned(
    flight: Flight, turns: float = 10.0, late: bool = False, span: float = 0.0,
    most_steps: int = 510, tolerance: float = 5e-5, growth: float = 4.5,
) -> Plan:  # fmt: skip
    full = lambda value: jnp.full(6, value, jnp.float32)
    wish = Wish(full(span), full(turns), jnp.full(6, late), full(0.75))
    numbers = jnp.float32(tolerance), jnp.float32(growth)
    return jax.device_get(plan(flight, wish, USED, most_steps, *numbers))


def test_pilots_follow_their_systems(flight: Flight) -> None:
    t, y = np.asarray(flight.t, float), np.asarray(flight.y, float)
    assert (np.diff(t, axis=0) >= 0).all()
    np.testing.assert_allclose(y[:, 0, OSCILLATOR], np.cos(OMEGA * t[:, OSCILLATOR]), atol=0.02)
    rate = np.sqrt(OMEGA**2 - DAMPING**2)
    damped = np.exp(-DAMPING * t[:, DAMPED]) * np.cos(
        rate * t[:, DAMPED] - np.arctan(DAMPING / rate)
    )
    np.testing.assert_allclose(
        y[:, 0, DAMPED], damped / np.cos(np.arctan(DAMPING / rate)), atol=0.02
    )
    lost = np.asarray(flight.lost).tolist()
    assert lost == [False, False, True, False, True, False]
    # where e**(2 t) is 100, and short of the pole at pi / 2
    assert t[-1, GROWING] == pytest.approx(np.log(100) / 2, rel=0.1)
    assert 1.3 < t[-1, POLE] < np.pi / 2
    assert np.isfinite(y).all()


@pytest.mark.floats
def test_a_flight_does_not_depend_on_how_many_others_there_are() -> None:
    """To the bit: steps follow errors, which are differences of what is nearly equal."""
    y0 = jax.random.normal(jax.random.key(0), (3, 128))
    lorenz = lambda _, y: jnp.stack(
        [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]
    )
    few, many = (jax.jit(lambda y0: fly(lorenz, y0, BOUND))(y0[:, :n]) for n in (64, 128))
    for one, other in zip(few, many, strict=True):
        assert (np.asarray(one) == np.asarray(other)[..., :64]).all()


def test_companions_show_how_errors_grow(flight: Flight) -> None:
    late = np.asarray(flight.t[-1] - flight.t[32])
    with np.errstate(invalid="ignore"):  # of what was lost before
        rate = np.asarray(flight.growth) / late
    assert abs(rate[OSCILLATOR]) < 0.05
    assert -0.15 < rate[DAMPED] < 0.02
    assert rate[DECAYING] <= 0
    assert 0.1 < rate[LORENZ] < 3, "0.9 over a long time"


def test_spans_hold_the_turns_that_are_wished(flight: Flight) -> None:
    for turns in (8.0, 12.0, 30.0):
        found = planned(flight, turns)
        half_period = np.pi / OMEGA
        assert found.span[OSCILLATOR] == pytest.approx(turns * half_period, rel=0.15)
        assert found.turns[OSCILLATOR] == pytest.approx(turns, abs=1.5)
        np.testing.assert_array_equal(found.y0[:, OSCILLATOR], Y0[:, OSCILLATOR])
    late = planned(flight, 12.0, late=True)
    np.testing.assert_array_equal(late.y0[:, OSCILLATOR], flight.y[32, :, OSCILLATOR])
    np.testing.assert_array_equal(late.y0[:, GROWING], Y0[:, GROWING])
    assert late.span[OSCILLATOR] == pytest.approx(12 * np.pi / OMEGA, rel=0.15)


def test_spans_end_before_escapes_and_soon_after_rest(flight: Flight) -> None:
    found = planned(flight)
    ends = np.asarray(flight.t[-1])
    assert found.span[GROWING] == pytest.approx(0.75 * ends[GROWING], rel=1e-5)
    assert 0.3 < found.span[POLE] <= 0.7501 * ends[POLE], "near a pole, steps are short"
    assert not found.turns[[GROWING, POLE]].any()
    # e**(-5 t) is 0.01 at 0.92
    assert 0.8 < found.span[DECAYING] < 1.6


def test_spans_are_bounded_by_steps_growth_and_what_is_given(flight: Flight) -> None:
    wide = planned(flight, 1000.0)
    assert (wide.num_steps <= 510.5).all()
    few = planned(flight, 1000.0, most_steps=51)
    ratio = few.span[OSCILLATOR] / wide.span[OSCILLATOR]
    assert ratio == pytest.approx(10 ** (-4 / 5), rel=1e-3)
    assert planned(flight, 1000.0, most_steps=51).num_steps[OSCILLATOR] == pytest.approx(
        51, rel=0.01
    )
    assert wide.growth[LORENZ] <= 4.501
    short = planned(flight, 1000.0, growth=1.0)
    assert short.growth[LORENZ] == pytest.approx(min(1.0, wide.growth[LORENZ]), rel=1e-3)
    given = planned(flight, span=0.7)
    np.testing.assert_allclose(given.span[[OSCILLATOR, DAMPED, DECAYING]], 0.7)
    assert (planned(flight, span=9.0).span[[GROWING, POLE]] < 3).all(), "they escape"


def test_steps_are_predicted(flight: Flight) -> None:
    """By the sum of the local errors of equal steps, of a system where it is known."""
    steps = planned(flight, 8.0).num_steps[OSCILLATOR]
    twice = planned(flight, 16.0).num_steps[OSCILLATOR]
    assert twice / steps == pytest.approx(2 ** (5 / 4), rel=0.15)
    exact = planned(flight, 8.0, tolerance=5e-5 / 16).num_steps[OSCILLATOR]
    assert exact / steps == pytest.approx(2.0, rel=1e-3)
    # the same by steps of equal length: the embedded error of one is c * (omega h)**5
    span, count = 8 * np.pi / OMEGA, 200
    h, y = span / count, np.array([1.0, 0.0])
    matrix = np.array([[0, 1], [-(OMEGA**2), 0]])
    total, scale = 0.0, np.array([1.0, OMEGA])
    tableau = diffrax.Tsit5.tableau
    for _ in range(count):
        k = [matrix @ y]
        for weights in tableau.a_lower:
            k.append(matrix @ (y + h * np.tensordot(weights, k, 1)))
        total += (np.abs(h * np.tensordot(tableau.b_error, k, 1)) / scale).max()
        y = y + h * np.tensordot(tableau.a_lower[-1], k[:-1], 1)
    assert steps == pytest.approx(count * (total / 5e-5) ** (1 / 4), rel=0.25)


def test_wishes_follow_their_laws() -> None:
    rng = np.random.default_rng(0)
    bits = jnp.asarray(rng.integers(0, 2**32, (3, 20_000), np.uint64).astype(np.uint32))
    wish = jax.device_get(draw_wish(bits, jnp.zeros(20_000, jnp.float32), 256))
    most = 2 * 256 / 13
    part = np.log(wish.turns / 7) / np.log(most / 7)
    assert_ks(part, lambda x: np.clip(x, 0, 1), what="turns")
    assert_ks((wish.part - 0.5) / 0.45, lambda x: np.clip(x, 0, 1), what="parts")
    assert abs(wish.starts_late.mean() - 0.7) < 0.015
    few = jax.device_get(draw_wish(bits, jnp.zeros(20_000, jnp.float32), 16))
    assert (few.turns == 7).all(), "too short for more"
