"""The table of known systems: what its rows hold, and that systems do what it says."""

import pathlib
import re
from collections.abc import Callable
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import sympy

import s2jax
from s2jax import cli
from s2jax.cli._commands import Kind
from s2jax.ode import KINDS, NAMES, SOURCES, named
from s2jax.ode.catalogue import name_of
from s2jax.ode.known import MEANINGS, SUBJECTS, SYSTEMS
from tests.facts import EXPONENTS

SOLVED_IN_BULK = [name for name, known in SYSTEMS.items() if not known.is_stiff]
QUICK = ("lorenz", "rossler", "sprott_b", "burke_shaw", "rayleigh_duffing", "double_scroll")


# ---- rows -----------------------------------------------------------------------------------


def test_names_are_in_the_order_of_their_subjects() -> None:
    assert [name for table in SUBJECTS.values() for name in table] == list(NAMES)
    assert len(set(NAMES)) == len(NAMES) == sum(map(len, SUBJECTS.values()))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in NAMES)
    assert list(SOURCES) == list(KINDS) == list(NAMES)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_rows_hold_what_they_should(subject: str) -> None:
    for name, known in SUBJECTS[subject].items():
        system = named(name, 0.0)
        used = {symbol.name for f in system.equations for symbol in f.free_symbols}
        assert known.parameters, name
        assert set(known.parameters) <= used <= {*known.states, *known.parameters, "t"}, name
        assert system.states == known.states, name
        assert len(known.initial) == len(known.states) == len(known.right_hand_sides), name
        assert all(low < high for low, high in known.initial), name
        assert known.duration > 0, name
        assert known.kind in MEANINGS, name
        assert re.search(r"\b(1[6-9]|20)\d\d\b", known.source), name


def test_no_two_systems_are_the_same() -> None:
    systems = {name: named(name) for name in NAMES}
    assert len({(s.states, s.expressions, s.delays) for s in systems.values()}) == len(NAMES)
    for name in ("logistic", "arneodo", NAMES[-1]):
        system = systems[name]
        assert name_of(system.states, system.expressions, system.delays) == name


def test_pages_say_how_many_there_are() -> None:
    for page in ("README.md", "CHANGELOG.md"):
        text = (pathlib.Path(__file__).parent.parent / page).read_text()
        assert re.findall(r"(\d+) (?:well-known )?systems (?:of the l|\()", text) == [
            str(len(NAMES))
        ]


def test_kinds_are_those_of_the_command_line() -> None:
    assert get_args(Kind) == tuple(MEANINGS)
    assert set(KINDS.values()) == set(MEANINGS)


def test_the_command_lists_them(capsys: Any) -> None:
    assert cli.main(["list", "systems"]) == cli.OK
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(NAMES)
    assert cli.main(["list", "systems", "--kind", "chaotic"]) == cli.OK
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [n for n in NAMES if KINDS[n] == "chaotic"]
    shown = next(line for line in lines if line.startswith("lorenz96 "))
    assert shown.split(maxsplit=3)[1:] == ["5", "chaotic", SOURCES["lorenz96"]]


# ---- what they do ---------------------------------------------------------------------------


def right_hand_side(name: str, where: dict[str, float], tangent: bool) -> Callable[..., Any]:
    """The equations as a function `f(t, *y)` of arrays; with the derivative along a direction,
    `f(t, *y, *direction)`."""
    system, values = named(name, 0.0), SYSTEMS[name].parameters | where
    real = {word: sympy.Symbol(word, real=True) for word in (*system.states, "t")}
    numbers = {sympy.Symbol(word): value for word, value in (real | dict(values)).items()}
    exprs = [f.xreplace(numbers) for f in system.equations]
    states, time = [real[state] for state in system.states], real["t"]
    if not tangent:
        return sympy.lambdify([time, *states], exprs, "numpy", cse=True)
    along = sympy.symbols(f"along_:{len(states)}", real=True)
    pairs = list(zip(states, along, strict=True))
    slopes = [sum(sympy.diff(f, state) * a for state, a in pairs) for f in exprs]
    return sympy.lambdify([time, *states, *along], [*exprs, *slopes], "numpy", cse=True)


def largest_exponents(
    name: str,
    seed: int,
    *,
    where: dict[str, float] | None = None,
    spans: int = 8,
    lanes: int = 64,
) -> np.ndarray:
    """The largest Lyapunov exponent along solutions from different starts.

    By Runge and Kutta's method, with a vector that is carried along and made of length 1 again
    after each step; three durations are left out, and `spans` of them averaged.
    """
    known, random = SYSTEMS[name], np.random.default_rng(seed)
    function, count = right_hand_side(name, where or {}, True), len(known.states)

    def field(time: float, both: np.ndarray) -> np.ndarray:
        return np.stack([np.broadcast_to(f, lanes) for f in function(time, *both)])

    box = np.asarray(known.initial)
    y = random.uniform(box[:, :1], box[:, 1:], (count, lanes))
    both = np.concatenate([y, np.ones((count, lanes))])
    num_steps, skipped, grown = 1500, 3, np.zeros(lanes)
    h = known.duration / num_steps
    for step in range(num_steps * (skipped + spans)):
        time = step * h
        a = field(time, both)
        b = field(time + h / 2, both + h / 2 * a)
        c = field(time + h / 2, both + h / 2 * b)
        d = field(time + h, both + h * c)
        both = both + h / 6 * (a + 2 * b + 2 * c + d)
        length = np.sqrt((both[count:] ** 2).sum(0))
        both[count:] /= length
        if step >= num_steps * skipped:
            grown += np.log(length)
    return grown / (spans * known.duration)


def check_exponent(name: str, seed: int, tolerance: float, **options: Any) -> None:
    fact = EXPONENTS[name]
    own = {key: fact[key] for key in ("where", "spans") if key in fact}
    found = largest_exponents(name, seed, **(options | own))
    assert np.isfinite(found).mean() >= 0.9, name
    assert abs(np.nanmean(found) / fact["value"] - 1) < tolerance, (name, np.nanmean(found))


@pytest.mark.parametrize("name", QUICK)
def test_exponents_are_the_published_ones(name: str, seed: int) -> None:
    check_exponent(name, seed, 0.15, spans=4)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of solutions that escape
@pytest.mark.parametrize("name", [name for name in EXPONENTS if name not in QUICK])
def test_all_exponents_are_the_published_ones(name: str, seed: int) -> None:
    check_exponent(name, seed, 0.15, spans=16, lanes=128)


def test_a_wrong_exponent_is_seen(seed: int) -> None:
    with pytest.raises(AssertionError, match="lorenz"):
        check_exponent("lorenz", seed, 0.15, spans=1, lanes=16, where={"rho": 15.0})


def motions(name: str, seed: int, num_starts: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of some solutions over 10 durations, each of shape (starts, states): where they end; how far
    they move in the last tenth of time, relative to all their way; and in the last fifth.
    """
    known, random = SYSTEMS[name], np.random.default_rng(seed)
    function = right_hand_side(name, {}, False)
    ts = np.linspace(0.0, 10 * known.duration, 4001)
    found = []
    for _ in range(num_starts):
        y0 = [random.uniform(low, high) for low, high in known.initial]
        run = scipy.integrate.solve_ivp(
            lambda t, y: function(t, *y), ts[[0, -1]], y0, "LSODA", ts, rtol=1e-8, atol=1e-10
        )
        assert run.status == 0, name
        assert np.isfinite(run.y).all(), name
        found.append(run.y)
    y = np.stack(found)
    extent = np.ptp(y, axis=(0, 2))[:, None]
    moves = np.ptp(y[:, :, -400:], axis=2) / np.ptp(y, axis=2)
    return (y / extent)[:, :, -1], moves, np.ptp((y / extent)[:, :, -800:], axis=2)


def does_what_it_is_said_to(kind: str, name: str, seed: int) -> bool:
    """Whether solutions move as those of a kind that is not chaotic do."""
    ends, moves, ranges = motions(name, seed)
    rests = moves.max(1) < 0.06  # Robertson's reactions slow down for ever
    apart = np.ptp(ends, axis=0).max() > 0.05
    alike = np.ptp(ranges, axis=0).max() < 0.15 * ranges.max()
    match kind:
        case "settling":
            return rests.all()
        case "bistable":
            return apart if rests.all() else rests.any()
        case "oscillating":
            return not rests.any() and alike
        case _:
            return not rests.any() and not alike


# those with delays are looked at in test_delays.py
REGULAR = [n for n, kind in KINDS.items() if kind != "chaotic" and n not in SUBJECTS["delays"]]
CYCLE_BY_CYCLE_SLOWER = {"may_leonard"}


@pytest.mark.parametrize("name", ["sir", "griffith", "brusselator", "lotka_volterra"])
def test_kinds_are_told_apart(name: str, seed: int) -> None:
    does = [kind for kind in MEANINGS if kind != "chaotic"
            and does_what_it_is_said_to(kind, name, seed)]  # fmt: skip
    assert KINDS[name] in does
    assert len(does) == 1 or {*does} == {"settling", "bistable"}


@pytest.mark.long
@pytest.mark.parametrize("name", [n for n in REGULAR if n not in CYCLE_BY_CYCLE_SLOWER])
def test_regular_systems_do_what_is_said(name: str, seed: int) -> None:
    assert does_what_it_is_said_to(KINDS[name], name, seed)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of solutions that escape
@pytest.mark.parametrize(
    "name", [n for n in NAMES if KINDS[n] == "chaotic" and n not in SUBJECTS["delays"]]
)
def test_chaotic_systems_have_positive_exponents(name: str, seed: int) -> None:
    found = largest_exponents(name, seed, spans=30)
    kept = found[np.isfinite(found)]
    assert len(kept) >= 0.9 * len(found)
    # what lies beside a solution that is not chaotic departs as time grows, not as its exponential
    assert kept.mean() * 30 * SYSTEMS[name].duration > 10
    assert kept.mean() > 5 * kept.std() / np.sqrt(len(kept))


# ---- as targets -----------------------------------------------------------------------------

POINTS = {"hindmarsh_rose": 256}  # of series in which its spikes are resolved


@pytest.mark.long
@pytest.mark.parametrize("name", SOLVED_IN_BULK)
def test_systems_are_targets(name: str, key: jax.Array) -> None:
    system = named(name)
    config = s2jax.Config(
        length=POINTS.get(name, 64), num_inputs=0, num_outputs=len(system.states), target=system
    )
    status = s2jax.candidates(key, config, jnp.arange(32)).status
    assert (status == 0).mean() >= 0.5
    jax.clear_caches()  # a process cannot hold as many programs as there are systems
