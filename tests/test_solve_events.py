"""Events of `System.solve`: which root ends a solution, when, and in which state."""

from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import sympy

from s2jax.ode import Event, Solution, SolveStatus, System

h, v, g, c, t, level, drive = sympy.symbols("h v g c t level drive")
BALL = System.from_sympy([v, -g], [h, v], parameters={g: 9.81})
OSCILLATOR = System.from_sympy([v, -h - c * v], [h, v], parameters={c: 0.2})
SECOND = np.linspace(0.0, 1.0, 5, dtype=np.float32)
TIMES = np.linspace(0.0, 6.0, 13)
FALLEN = np.sqrt(2 * 2 / 9.81)  # seconds from 2 m


def scipy_events(damping: float, events: list[tuple[Callable[..., Any], int]]) -> tuple[int, float]:
    """The first event, and its time, by DOP853 at its least tolerance."""
    for event, direction in events:
        event.direction, event.terminal = direction, True  # type: ignore[attr-defined]
    slope = lambda _, s: [s[1], -s[0] - damping * s[1]]
    found = scipy.integrate.solve_ivp(
        slope, (0, 6), [1, 0], "DOP853", events=[f for f, _ in events], rtol=1e-12, atol=1e-13
    )
    times = [(float(when[0]), k) for k, when in enumerate(found.t_events) if len(when)]
    return (min(times)[1], min(times)[0]) if times else (-1, np.nan)


def test_a_ball_falls_for_as_long_as_it_does() -> None:
    fall = BALL.solve([[2.0, 0.0], [20.0, 0.0]], SECOND, events=h)
    assert fall.status.tolist() == [SolveStatus.EVENT, SolveStatus.OK]
    assert fall.event is not None
    assert fall.event.tolist() == [0, -1]
    assert fall.event_time is not None
    assert fall.event_state is not None
    np.testing.assert_allclose(fall.event_time, [FALLEN, np.nan], rtol=1e-6)
    np.testing.assert_allclose(fall.event_state[0], [0.0, -9.81 * FALLEN], rtol=1e-6, atol=1e-6)
    assert np.isnan(fall.event_state[1]).all()
    np.testing.assert_allclose(fall.y[0, 0, :3], 2 - 9.81 / 2 * SECOND[:3] ** 2, rtol=1e-6)
    assert np.isnan(fall.y[0, :, 3:]).all()
    assert np.isfinite(fall.y[1]).all()


def test_events_are_those_of_scipy_in_a_batch_of_parameters() -> None:
    dampings = np.array([0.0, 0.1, 0.2, 0.5, 1.0, 3.0])
    kinds = [(lambda _, s: s[1], 1), (lambda _, s: s[0] + 0.3, -1), (lambda _, s: s[0] - 0.2, 1)]
    wanted = [scipy_events(damping, kinds) for damping in dampings]
    events = [Event(v, 1), Event(h + 0.3, -1), Event(h - 0.2, 1)]
    with jax.enable_x64(True):
        found = OSCILLATOR.solve(
            [1.0, 0.0], TIMES, {c: dampings}, events=events, rtol=1e-10, atol=1e-12
        )
    assert found.event is not None
    assert found.event_time is not None
    assert found.event.tolist() == [event for event, _ in wanted]
    assert set(found.event.tolist()) == {0, 1, -1}
    np.testing.assert_allclose(found.event_time, [time for _, time in wanted], rtol=1e-9)


def test_the_first_event_of_a_long_step_ends_it_in_any_order() -> None:
    # the solution is a polynomial, so that one step of Tsit5 holds it all
    events = [Event(h - level, -1) for level in (0.5, 1.9, 1.0)]
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        fall = BALL.solve([2.0, 0.0], SECOND, events=[events[k] for k in order], rtol=1e-2)
        assert fall.event is not None
        assert order[int(fall.event)] == 1
        np.testing.assert_allclose(fall.event_time, np.sqrt(0.2 / 9.81), rtol=1e-6)


def test_only_roots_of_the_direction_count_and_none_at_the_start() -> None:
    line = np.linspace(0.0, 2.0, 5, dtype=np.float32)
    up = np.float32(9.81) / 2  # comes back after a second
    for direction in (0, -1):
        thrown = BALL.solve([0.0, up], line, events=Event(h, direction))
        np.testing.assert_allclose(thrown.event_time, 1.0, rtol=1e-5)
    assert int(BALL.solve([0.0, up], line, events=Event(h, 1)).status) == SolveStatus.OK
    # down, and up again
    swing = OSCILLATOR.solve([1.0, 0.0], TIMES, {c: 0.0}, events=Event(h, 1))
    np.testing.assert_allclose(swing.event_time, 1.5 * np.pi, rtol=1e-6)


def test_a_level_may_be_a_number_of_each_row_and_an_event_may_read_time_and_inputs() -> None:
    levels = np.array([0.0, 0.5, 1.0, 3.0], np.float32)
    fall = BALL.solve([2.0, 0.0], SECOND, {level: levels}, events=Event(h - level))
    wanted = np.sqrt(2 * (2 - levels[:3]) / 9.81)
    assert fall.event_time is not None
    np.testing.assert_allclose(fall.event_time[:3], wanted, rtol=1e-6)
    assert np.isnan(fall.event_time[3])
    pushed = System.from_sympy([drive], [h], [drive])
    push = np.array([[1.0, 1.0, 1.0, 0.0, -3.0]], np.float32)
    late = pushed.solve([0.0], SECOND, inputs=push, events=[drive - t, h - 0.3])
    assert late.event is not None
    assert late.event.tolist() == 1
    np.testing.assert_allclose(late.event_time, 0.3, rtol=1e-6)
    late = pushed.solve([0.0], SECOND, inputs=push, events=drive - t)
    np.testing.assert_allclose(late.event_time, 0.6, rtol=1e-6)  # 3 - 4 t = t


def test_a_jump_is_found_too() -> None:
    jump = BALL.solve([2.0, 0.0], SECOND, events=sympy.sign(h - 1))
    np.testing.assert_allclose(jump.event_time, np.sqrt(2 / 9.81), rtol=1e-5)


def test_implicit_solvers_have_events() -> None:
    slow = System.from_sympy([-h], [h])
    found = slow.solve(
        [[1.0], [0.6]], SECOND, solver=diffrax.ImplicitEuler(), events=h - 0.5, rtol=1e-3
    )
    np.testing.assert_allclose(found.event_time, np.log([2.0, 1.2]), rtol=3e-2)


def test_time_and_state_can_be_differentiated() -> None:
    def ends(damping: Any) -> Solution:
        return OSCILLATOR.solve(
            [1.0, 0.0], TIMES, {c: damping}, events=Event(h, -1), rtol=1e-10, atol=1e-12
        )

    with jax.enable_x64(True):
        both = lambda damping: jnp.append(ends(damping).event_state, ends(damping).event_time)
        slopes = jax.jacrev(both)(jnp.asarray(0.2))
        differences = (both(0.2 + 1e-4) - both(0.2 - 1e-4)) / 2e-4
    np.testing.assert_allclose(slopes, differences, atol=1e-7)
    assert float(differences[2]) > 0.5


def test_what_fails_before_an_event_says_so() -> None:
    pole = System.from_sympy([1 + h**2], [h])
    found = pole.solve([[0.0], [0.0]], np.linspace(0, 3, 4), events=[h - level], parameters={
        level: np.array([1.0, np.inf])})  # fmt: skip
    assert int(found.status[0]) == SolveStatus.EVENT
    assert int(found.status[1]) in (SolveStatus.STEP_TOO_SMALL, SolveStatus.NOT_FINITE)
    np.testing.assert_allclose(found.event_time, [np.pi / 4, np.nan], rtol=1e-6)
    nothing = BALL.solve(np.zeros((0, 2)), SECOND, events=h)
    assert nothing.event_state is not None
    assert nothing.event_state.shape == (0, 2)
    assert BALL.solve(np.zeros((0, 2)), SECOND).event is None


@pytest.mark.parametrize(
    "event, kind, message",
    [
        (lambda: h < 2, TypeError, r"Event\(h < 2\).*not a condition. Pass the difference h - 2"),
        (lambda: "h", TypeError, "SymPy expression, not of type str. Build it from sympy.symbols"),
        (lambda: 3.0, TypeError, "not of type float"),
        (lambda: sympy.Integer(3), ValueError, "must vary, because a constant"),
        (lambda: h - level, ValueError, r"expression with level.*h, v, g, t.*parameters="),
        (lambda: sympy.besselj(3, h), ValueError, "excludes besselj"),
        (lambda: h - sympy.zoo, ValueError, "excludes|must vary"),
        (lambda: Event(h, direction=2), ValueError, r"direction=2\): must be 1 for roots"),
        (lambda: Event(h, direction=True), ValueError, r"direction=True"),
        (lambda: [h, sympy.Eq(h, v)], TypeError, "Pass the difference h - v"),
    ],
)
def test_what_is_no_event_is_refused(event: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        BALL.solve([2.0, 0.0], SECOND, events=event())
