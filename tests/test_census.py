"""What solutions do: classes of made signals, chaos of known systems, shares, and the command."""

import math
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

import s2jax
from s2jax import cli
from s2jax.ode import CLASSES, Census, _companion, census
from s2jax.ode._census import share_of
from s2jax.ode._classify import MIN_LENGTH, WIGGLE, classify, find_turns
from s2jax.ode.dynamics import Dynamics, name_forms
from s2jax.targets.acceptance import REASONS
from tests.corpora import UNUSABLE, store

LENGTH, STATES = 256, 3
# right-hand sides, span, and what they are known to do
KNOWN = {
    "lorenz": (
        "10*(y_1 - y_0) | y_0*(28 - y_2) - y_1 | y_0*y_1 - 2.667*y_2", 12.0, "modulated", True,
    ),
    "ueda": ("y_1 | -0.05*y_1 - y_0**3 + 7.5*cos(t)", 50.0, "modulated", True),
    "duffing": ("y_1 | y_0 - y_0**3", 60.0, "periodic", False),
    "harmonic": ("y_1 | -4.0*y_0", 20.0, "periodic", False),
    "damped": ("y_1 | -4.0*y_0 - 0.2*y_1", 20.0, "transient", False),
    "two frequencies": ("y_1 | -2.0*y_0 + cos(t)", 60.0, "modulated", False),
    "predator and prey": ("y_0*(1 - y_1) | y_1*(y_0 - 1)", 40.0, "periodic", False),
    "decay": ("-0.2*y_0 | -1.0*y_1 | -0.5*y_2", 10.0, "monotone", False),
    "rest": ("-3.0*y_0", 10.0, "settled", False),
}  # fmt: skip
NAMES = list(KNOWN)


def signals(length: int) -> dict[str, np.ndarray]:
    """Series and, before the colon, what they do."""
    t = np.linspace(0, 1, length)
    waves = np.sin(2 * np.pi * max(3, length / 40) * t)
    other = np.sin(2 * np.pi * max(3, length / 40) * 0.618 * t)
    return {
        "periodic: a sine": waves,
        "periodic: with a harmonic": waves + waves**2,
        "periodic: and wiggles": waves + 0.002 * np.cos(900 * t),
        "transient: damped": np.exp(-1.5 * t) * waves,
        "transient: growing": np.exp(1.5 * t) * waves,
        "modulated: two frequencies": waves + other,
        "modulated: of the logistic map": logistic_map(length),
        "settled: a fast decay": np.exp(-30 * t),
        "settled: at rest": np.ones(length),
        "settled: after waves": np.exp(-30 * t) * waves,
        "monotone: a decay": np.exp(-3 * t),
        "monotone: a line with wiggles": t + 0.002 * np.sin(50 * t),
        "monotone: one turn": (t - 0.3) ** 2,
        "few turns: two": np.sin(2 * np.pi * 1.2 * t),
    }


def logistic_map(length: int) -> np.ndarray:
    values = [0.4]
    while len(values) < length:
        values.append(3.9 * values[-1] * (1 - values[-1]))
    return np.array(values)


@pytest.mark.parametrize("length", [64, LENGTH, 641])
def test_classes_of_made_signals(length: int) -> None:
    found = signals(length)
    series = np.stack(list(found.values())).astype(np.float32)
    # an unused state is noise that must not count, a still one has no swing
    noise = np.random.default_rng(0).normal(size=series.shape)
    y = jnp.asarray(np.stack([series, noise, 0 * noise], axis=1), jnp.float32)
    used = jnp.tile(jnp.array([True, False, True]), (len(found), 1))
    kinds = [CLASSES[kind] for kind in classify(y, used).kind]
    assert dict(zip(found, kinds, strict=True)) == {name: name.split(":")[0] for name in found}


def test_classes_know_no_units() -> None:
    y = jnp.asarray(np.stack([*signals(LENGTH).values()])[:, None], jnp.float32)
    used = jnp.ones(y.shape[:2], bool)
    np.testing.assert_array_equal(classify(y, used).kind, classify(1e4 * y - 3e4, used).kind)


def count_turns(series: np.ndarray, threshold: float) -> int:
    """One at a time: a turn is where it has come back from its extreme."""
    turns, direction, extreme = 0, 0, [series[0], series[0]]
    for value in series:
        extreme = [min(extreme[0], value), max(extreme[1], value)]
        for sign, back in ((-1, extreme[1] - value), (1, value - extreme[0])):
            if back > threshold and direction != sign:
                turns += direction == -sign
                direction, extreme = sign, [value, value]
                break
    return turns


def test_turns_are_counted_as_by_hand(seed: int) -> None:
    random = np.random.default_rng(seed)
    walks = random.normal(size=(40, 200)).cumsum(1).astype(np.float32)
    thresholds = (WIGGLE + random.uniform(size=40) * 3).astype(np.float32)
    found = find_turns(jnp.asarray(walks), jnp.asarray(thresholds)).sum(1)
    expected = [count_turns(*pair) for pair in zip(walks, thresholds, strict=True)]
    assert found.tolist() == expected
    assert len(set(expected)) > 5


def known_batch() -> s2jax.Batch:
    """A row of each known system, scaled; then Lorenz's with noise, with an input, and unusable."""
    texts = [text for text, *_ in KNOWN.values()]
    series = [solution_of(*KNOWN[name][:2]) for name in NAMES]
    texts += 3 * texts[:1]
    series += 3 * series[:1]
    rows = len(texts)
    t = np.stack([one.t for one in series])
    y = np.zeros((rows, STATES, LENGTH))
    for row, one in enumerate(series):
        y[row, : len(one.y)] = one.y
    sizes = np.array([len(one.y) for one in series])
    y_mask = np.arange(STATES) < sizes[:, None]
    program = s2jax.from_text([" | ".join([*text.split(" | "), "0", "0"][:3]) for text in texts])
    program = eqx.tree_at(lambda p: p.length, program, jnp.where(y_mask, program.length, 0))
    noise = s2jax.from_text(rows * ["0.1 | 0.1 | 0.1"])
    is_noisy = (np.arange(rows) == len(NAMES))[:, None]
    noise = eqx.tree_at(lambda p: p.length, noise, jnp.where(is_noisy, noise.length, 0))
    number = jnp.arange(rows, dtype=jnp.int32)
    ones = lambda *shape: jnp.ones(shape, jnp.float32)
    return s2jax.Batch(
        x=0 * ones(rows, 1, LENGTH),
        y=jnp.asarray(np.where(y_mask[..., None], 3 * y + 1, 0), jnp.float32),
        program=program,
        status=jnp.where(number == rows - 1, 1, 0),
        index=number,
        x_scale=ones(rows, 1),
        x_shift=0 * ones(rows, 1),
        y_scale=3 * ones(rows, STATES),
        y_shift=ones(rows, STATES),
        x_mask=(number == len(NAMES) + 1)[:, None],
        y_mask=jnp.asarray(y_mask),
        x_source=None,
        tries=jnp.ones((rows, STATES), jnp.int32),
        rejections=jnp.zeros((rows, STATES, len(REASONS)), jnp.int32),
        t=jnp.asarray(t, jnp.float32),
        dynamics=Dynamics(
            form=number % 2,
            diffusion=noise,
            error=ones(rows),
            growth=0 * ones(rows),
            turns=0 * number,
            num_steps=32 + 0 * number,
        ),
    )


def solution_of(text: str, span: float) -> Any:
    """The samples of a system, from the values 1, 0.5, 20 on; an attractor is reached before."""
    import sympy

    names = sympy.symbols("t y_0 y_1 y_2", real=True)
    equations = list(s2jax.to_sympy(s2jax.from_text(text)))
    f = sympy.lambdify(names, equations)
    states = len(equations)
    slope = lambda t, y: f(t, *y, *np.zeros(3 - states))
    start = np.array([1.0, 0.5, 20.0])[:states]
    times = np.linspace(0, span, LENGTH)
    if "cos" in text or "28" in text:
        start = scipy.integrate.solve_ivp(slope, (-50, 0), start, "DOP853").y[:, -1]
    return scipy.integrate.solve_ivp(slope, (0, span), start, "DOP853", times, rtol=1e-8, atol=1e-8)


@pytest.fixture(scope="module")
def batch() -> s2jax.Batch:
    return known_batch()


@pytest.fixture(scope="module")
def counted(batch: s2jax.Batch) -> Census:
    return census(batch)


def test_known_systems_do_what_they_are_known_for(counted: Census) -> None:
    rows, own = counted.rows, slice(len(NAMES))
    expected = {name: (kind, is_chaotic) for name, (*_, kind, is_chaotic) in KNOWN.items()}
    found = zip(rows.kind[own].tolist(), rows.is_chaotic[own].tolist(), strict=True)
    assert dict(zip(NAMES, found, strict=True)) == expected
    # the largest exponent of Lorenz's system is 0.906; three spans of 12
    assert rows.growth[0] == pytest.approx(0.906 * 36, rel=0.2)
    assert rows.is_audited.tolist() == [True] * len(NAMES) + [False, False]  # noise, an input
    assert not rows.is_chaotic[len(NAMES) :].any()
    is_followed = np.isfinite(rows.growth)
    np.testing.assert_array_equal(
        is_followed, rows.is_audited & np.isin(rows.kind, ("transient", "modulated"))
    )


def test_only_the_first_rows_are_audited(batch: s2jax.Batch, counted: Census) -> None:
    few = census(batch, audit=3)
    assert few.rows.is_audited.tolist() == [True] * 3 + [False] * (len(few.rows.turns) - 3)
    np.testing.assert_array_equal(few.rows.kind, counted.rows.kind)
    assert few.total["chaotic"][:2] == (2, 3)
    assert census(batch, audit=0).total["chaotic"].number == 0


def test_what_looks_chaotic_is_verified(batch: s2jax.Batch, monkeypatch: Any) -> None:
    place = NAMES.index("two frequencies")
    rows = np.array([0, place])
    y = (batch.y - batch.y_shift[..., None]) / batch.y_scale[..., None]
    arguments = (batch.program, y, batch.t, batch.dynamics.num_steps, batch.y_mask)
    run = lambda: _companion.follow(*jax.tree.map(lambda leaf: leaf[rows], arguments))
    anything = _companion.Rule(1, -np.inf, -np.inf, 0)
    monkeypatch.setattr(_companion, "LOOKS_CHAOTIC", anything)
    assert run().is_chaotic.tolist() == [True, False]
    with monkeypatch.context() as patch:
        patch.setattr(_companion, "IS_CHAOTIC", anything)
        assert run().is_chaotic.tolist() == [True, True]
    monkeypatch.setattr(_companion, "_TOLERANCE", 0.0)
    found = run()
    assert found.is_known.tolist() == found.is_chaotic.tolist() == [False, False]


def test_shares_count_rows(batch: s2jax.Batch, counted: Census) -> None:
    rows, number = counted.rows, len(NAMES) + 2
    assert rows.index.tolist() == list(range(number))  # the last is not usable
    assert [counted.total[name].count for name in CLASSES] == [
        (rows.kind == name).sum() for name in CLASSES
    ]
    assert counted.total["at most one turn"][:2] == ((rows.turns <= 1).sum(), number)
    assert counted.total["at least 4 turns"].value == (rows.turns >= 4).mean()
    assert rows.form.tolist() == name_forms(batch.dynamics)[:-1]
    for groups, group in (
        (counted.by_form, rows.form), (counted.by_dimension, rows.dimension),
    ):  # fmt: skip
        assert set(groups) == set(group.tolist())
        for name, shares in groups.items():
            own = rows.kind[group == name]
            assert shares["periodic"][:2] == ((own == "periodic").sum(), own.size)
            is_chaotic = rows.is_chaotic[(group == name) & rows.is_audited]
            assert shares["chaotic"][:2] == (is_chaotic.sum(), is_chaotic.size)
    assert counted.num_systems == len(NAMES)  # Lorenz's is there three times
    assert len(np.unique(rows.system[[0, len(NAMES), len(NAMES) + 1]])) == 1


def test_the_order_of_states_makes_no_other_system(batch: s2jax.Batch) -> None:
    swapped = eqx.tree_at(
        lambda b: b.program, batch, jax.tree.map(lambda leaf: leaf[:, ::-1], batch.program)
    )
    same = census(swapped, audit=0).rows.system == census(batch, audit=0).rows.system
    assert same.all()


@pytest.mark.parametrize("count, number", [(0, 10), (3, 10), (10, 10), (500, 4096), (1, 1)])
def test_intervals_are_wilsons(count: int, number: int) -> None:
    share = share_of(count, number)
    exact = scipy.stats.binomtest(count, number).proportion_ci(method="wilson")
    assert share[:3] == (count, number, count / number)
    assert share[3:] == pytest.approx((exact.low, exact.high), abs=1e-6)


def test_no_rows_have_no_share() -> None:
    share = share_of(0, 0)
    assert math.isnan(share.value)
    assert share[3:] == (0, 1)


def test_tables(counted: Census) -> None:
    text, number = str(counted), len(NAMES) + 2
    assert text.startswith(f"{number} rows of {LENGTH} points\n")
    assert f"of {len(NAMES)} audited rows" in text
    assert f"of {number}\n\nform " in text
    for name in (*counted.by_form, *CLASSES, "chaotic", "states"):
        assert name in text
    lines = counted.to_markdown().splitlines()
    assert len(lines) == 3 + len(counted.by_form)
    assert len({line.count("|") for line in lines}) == 1
    share = counted.total["chaotic"]
    assert lines[2].endswith(f" {100 * share.value:.0f} ({100 * share.low:.1f} to "
                             f"{100 * share.high:.0f}) |")  # fmt: skip
    assert repr(counted) == f"<Census of {number} rows>"


def test_what_is_refused(batch: s2jax.Batch, unchecked: None) -> None:
    algebraic = eqx.tree_at(lambda b: b.dynamics, batch, None)
    with pytest.raises(
        ValueError, match=r"census\(batch without `dynamics`\): must hold solutions"
    ):
        census(algebraic)
    with pytest.raises(ValueError, match="without `dynamics`"):
        census(3)
    short = eqx.tree_at(lambda b: b.y, batch, batch.y[..., :15])
    with pytest.raises(ValueError, match=f"15 points.*at least {MIN_LENGTH}"):
        census(short)
    nothing = eqx.tree_at(lambda b: b.status, batch, 1 + 0 * batch.status)
    with pytest.raises(ValueError, match="must have a usable row"):
        census(nothing)
    with pytest.raises(ValueError, match=r"audit=-1\): must be"):
        census(batch, audit=-1)
    with pytest.raises(TypeError, match=r"audit=1.5\): must be"):
        census(batch, audit=1.5)
    with pytest.raises(TypeError, match="audit"):
        census(batch, audits=1)


# ---- the command ----------------------------------------------------------------------------


def test_command_on_a_corpus(
    tmp_path: Path, capsys: Any, monkeypatch: Any, counted: Census
) -> None:
    folder, read = tmp_path / "corpus", []
    store(folder, s2jax.presets.ode(length=64, num_inputs=0), rows=7)
    monkeypatch.setattr("s2jax.ode.census", lambda batch: read.append(batch) or counted)
    assert cli.main(["census", str(folder), "--seed", "3"]) == cli.OK
    assert capsys.readouterr().out == f"{counted}\n"
    assert read[0].y.shape == (7, 4, 64)
    assert np.flatnonzero(read[0].status).tolist() == [UNUSABLE]
    assert cli.main(["census", str(folder), "--num-outputs", "3"]) == cli.USAGE
    assert "--num-outputs: is a field of a configuration" in capsys.readouterr().err


def test_command_on_configurations(
    tmp_path: Path, capsys: Any, monkeypatch: Any, batch: s2jax.Batch, counted: Census
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(
        "s2jax.cli._census.draw_batch", lambda *arguments: drawn.append(arguments) or batch
    )
    monkeypatch.setattr("s2jax.ode.census", lambda batch: counted)
    assert cli.main(["census", "--preset", "ode", "--length", "48", "--rows", "1e2"]) == cli.OK
    assert capsys.readouterr().out == f"{counted}\n"
    file = tmp_path / "some.toml"
    file.write_text("length = 96\nnum_outputs = 3\n")
    assert cli.main(["census", str(file), "--seed", "3"]) == cli.OK
    assert cli.main(["census", "--config", str(file)]) == cli.OK
    configs, rows, seeds = zip(*drawn, strict=True)
    assert [(one.length, one.num_outputs) for one in configs] == [(48, 4), (96, 3), (96, 3)]
    assert (rows, seeds) == ((100, 4096, 4096), (0, 3, 0))


def test_command_refuses_what_has_no_solutions(tmp_path: Path, capsys: Any) -> None:
    folder, file = tmp_path / "corpus", tmp_path / "some.toml"
    store(folder, s2jax.presets.s2(length=64), unusable=False)
    file.write_text('target = "Identity"\n')
    for words, said in (
        ([str(folder)], f"{folder}: must be of solutions of differential equations"),
        ([str(file)], f"{file}: must be of solutions"),
        (["--preset", "mix"], "--preset mix: must be of solutions"),
        (["--preset", "ode", "--rows", "0"], "--rows 0: must be >= 1"),
        (["--preset", "ode", "--lenght", "9"], "Did you mean 'length'?"),
        ([str(tmp_path / "none")], "must be a corpus with its _manifest.json"),
        ([str(tmp_path / "none.toml")], "cannot be read as TOML"),
    ):
        assert cli.main(["census", *words]) == cli.USAGE
        assert said in capsys.readouterr().err
