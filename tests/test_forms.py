"""Forms of random equations: each row is its text, with its numbers and its expression in place."""

import itertools
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import s2jax
from s2jax import ODE, presets
from s2jax.core.random import fold_in, words_of
from s2jax.laws.given import fold_tree
from s2jax.ode._forms import FORMS, Layout, draw_equations
from s2jax.ode._templates import FIXED, make_templates
from s2jax.ode.forms import KNOWN, AbstractForm, flat, log
from s2jax.text.read_text import read_expression
from s2jax.text.tree import Number, Operation, Parameter, Tree, Variable
from tests.statistics import assert_ks

ROWS = 512
KEY = jax.random.key(15)
LAW = ODE().law


def equations_of(
    form: AbstractForm, size: int, num_inputs: int = 1
) -> tuple[list[list[str]], np.ndarray, list[list[str]]]:
    """Equations of many rows as text, which of the form's texts each has, and these texts."""
    templates = make_templates((form,), size, num_inputs)
    first, count = templates.first[0, size], templates.count[0, size]
    chosen = templates.order[first + np.arange(ROWS) % count]
    rows = jnp.ones(ROWS, jnp.int32)
    layout = Layout(
        num_inputs * rows, size * rows, 0 * rows, jnp.asarray(chosen), rows < 0, rows < 0, rows < 0
    )
    words = fold_in(jnp.broadcast_to(words_of(KEY), (ROWS, 2)), jnp.arange(ROWS, dtype=jnp.int32))
    drawn = draw_equations(words, 3 * rows, layout, LAW, templates, size + num_inputs + 1, True)
    by_row = jax.tree.map(
        lambda leaf: leaf.reshape(size, ROWS, *leaf.shape[1:]).swapaxes(0, 1), drawn.program
    )
    texts = [list(texts) for texts in form.equations(size)]
    if num_inputs == 0:
        texts = [own for own in texts if not any("x" in text for text in own)]
    return s2jax.to_text(by_row), np.arange(ROWS) % count, texts


class _Match:
    """Numbers and expressions of a row, which a text and an equation agree on."""

    def __init__(self, form: AbstractForm) -> None:
        self.form = form
        self.numbers: dict[str, float] = {}
        self.expressions: list[Tree] = []

    def __call__(self, text: Tree, found: Tree) -> None:
        if isinstance(text, Variable) and text.index == 63:
            self.expressions.append(found)
        elif isinstance(text, Parameter):
            assert isinstance(found, Number)
            value = found.mantissa * 10.0**found.exponent
            assert self.numbers.setdefault(text.name, value) == value, "one name, one number"
        elif isinstance(text, Operation):
            assert isinstance(found, Operation)
            assert text.name == found.name
            for one, other in zip(text.operands, found.operands, strict=True):
                self(one, other)
        else:
            assert text == found


def variables_in(tree: Tree) -> set[str]:
    seen: set[str] = set()
    leaf = lambda word: seen.add(f"v{word.index}") if isinstance(word, Variable) else None
    fold_tree(tree, leaf, lambda name, operands: None)
    return seen


def names_in(form: AbstractForm, text: str) -> list[str]:
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    return [w for w in words if re.sub(r"_\d+$", "", w) in form.numbers or w in form.numbers]


CASES = [
    (name, size)
    for name, form in KNOWN.items()
    for size in (1, 2, 3, 4, 6)
    if size in form.dimensions
]


@pytest.mark.parametrize("name, size", CASES)
def test_rows_are_the_texts_of_their_form(name: str, size: int) -> None:
    form = KNOWN[name]
    equations, which, texts = equations_of(form, size)
    for row in range(0, ROWS, 4):
        match = _Match(form)
        for text, found in zip(texts[which[row]], equations[row], strict=True):
            reads = re.search(r"\bg\(([^()]*)\)", text)
            plain = re.sub(r"\bg\([^()]*\)", "x_63", text)
            before = len(match.expressions)
            match(read_expression(plain, names_in(form, plain)), read_expression(found, []))
            assert len(match.expressions) - before == (reads is not None)
            if reads is not None:
                allowed = {"t": {"v80"}, "x": {"v0"}, "y": {f"v{64 + i}" for i in range(size)}}
                allowed |= {f"y_{i}": {f"v{64 + i}"} for i in range(size)}
                may = set().union(*(allowed[word.strip()] for word in reads[1].split(",")))
                assert variables_in(match.expressions[-1]) <= may


def test_numbers_follow_their_laws() -> None:
    form = KNOWN["tuned"]
    equations, which, texts = equations_of(form, 2)
    kind = texts.index(["y_1", "b*tanh(g(y_0)) + k*y_0 - s*y_0**3 - c*y_1 + d*sin(w*t + p)"])
    found: dict[str, list[float]] = {}
    for row in np.flatnonzero(which % len(texts) == kind):
        match = _Match(form)
        plain = re.sub(r"\bg\([^()]*\)", "x_63", texts[kind][1])
        match(read_expression(plain, names_in(form, plain)), read_expression(equations[row][1], []))
        for name, value in match.numbers.items():
            found.setdefault(name, []).append(value)
    part = {name: np.asarray(values) for name, values in found.items()}
    part["w"] = part["w"] / np.sqrt(part["k"])
    part["d"] = part["d"] / part["k"]
    signs = np.sign(part["b"])
    assert 0.2 < (signs > 0).mean() < 0.8
    for name, values in part.items():
        law = form.numbers[name]
        size = np.abs(values)
        ends = (law.low, law.high, size) if not law.is_log else map(np.log, (law.low, law.high, size))
        low, high, size = ends
        assert_ks((size - low) / (high - low), stats.uniform.cdf, what=name)


class Spring(AbstractForm):
    name = "spring"
    dimensions = (2,)
    numbers = {"k": log(0.5, 5.0), "p": flat(0.0, 1.0)}  # noqa: RUF012

    def equations(self, num_states: int) -> list[list[str]]:
        return [["y_1", "tanh(g(y_0)) - k*y_0"]]


def test_a_form_of_ones_own_is_drawn_beside_others() -> None:
    target = ODE(forms=(Spring(),), weights={"spring": 3.0, "hopf": 1.0})
    batch = s2jax.sample(KEY, presets.ode(64, num_inputs=0, dimension=2, target=target), 32)
    assert batch.dynamics.forms == (*FORMS, "spring")
    names = s2jax.ode.dynamics.name_forms(batch.dynamics)
    assert set(names) == {"spring", "hopf"}
    own = [i for i, name in enumerate(names) if name == "spring"]
    assert len(own) > 10
    assert all(s2jax.to_text(batch.program)[i][0] == "y_1" for i in own)


def test_conservative_forms_keep_their_energy() -> None:
    """Forces are functions of the place, and where there are two, their cross derivatives agree."""
    import sympy

    q, p, r, s = sympy.symbols("y_0 y_1 y_2 y_3", real=True)
    for name, size in (("oscillator", 2), ("two_degrees", 4)):
        equations, which, texts = equations_of(KNOWN[name], size, num_inputs=0)
        for row in range(0, ROWS, 37):
            if name == "oscillator" and "y_1" in texts[which[row]][1]:
                continue  # damped
            exprs = s2jax.to_sympy(s2jax.from_text([" | ".join(equations[row])]))[0]
            assert exprs[0] == p
            assert not exprs[1].has(p, s)
            if size == 4:
                assert exprs[2] == s
                assert not exprs[3].has(p, s)
                crossed = sympy.diff(exprs[1], r) - sympy.diff(exprs[3], q)
                assert abs(sympy.N(crossed.subs({q: 0.3, r: -0.7}))) < 1e-9


def test_energy_of_a_conservative_row_is_held() -> None:
    """By quadrature of the emitted force along the trajectory, as it was drawn."""
    target = ODE(weights={"oscillator": 1.0}, max_dull=0.0)
    config = presets.ode(256, num_inputs=0, dimension=2, target=target)
    batch = jax.device_get(s2jax.sample(jax.random.fold_in(KEY, np.uint32(3)), config, 48))
    checked = 0
    for row, (_, force) in enumerate(s2jax.to_sympy(batch.program)):
        if "y_1" in {symbol.name for symbol in force.free_symbols}:
            continue
        import sympy

        place, speed = batch.y[row].astype(float)
        symbol = next(iter(force.free_symbols))
        grid = np.linspace(place.min(), place.max(), 20001)
        values = np.broadcast_to(sympy.lambdify(symbol, force, "numpy")(grid), grid.shape)
        steps = np.diff(grid) * (values[1:] + values[:-1]) / 2
        potential = -np.interp(place, grid, np.append(0, np.cumsum(steps)))
        energy = speed**2 / 2 + potential
        size = np.ptp(speed**2 / 2) + np.ptp(potential)
        assert np.ptp(energy) < 1e-3 * size, row
        checked += 1
    assert checked > 10


def form_with(texts: Any, **fields: Any) -> AbstractForm:
    own = {"name": "mine", "dimensions": (2,), "numbers": {"a": log(1.0, 2.0)}} | fields
    own["equations"] = lambda self, num_states: texts
    return type("Mine", (AbstractForm,), own)()


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: ODE(forms=[Spring()]), TypeError, "forms=.*must be a tuple"),
        (lambda: ODE(forms=(Spring,)), TypeError, "not its class.*Call it"),
        (lambda: ODE(forms=("hopf",)), TypeError, "forms='hopf'.*must be a form"),
        (lambda: ODE(forms=(Spring(), Spring())), ValueError, "'spring'.*no other form"),
        (lambda: own(form_with([["y_1", "a"]], name="hopf")), ValueError, "'hopf'.*no other form"),
        (lambda: own(form_with([["y_1", "a"]], name="a b")), ValueError, "'a b'.*letters"),
        (lambda: own(form_with([["y_1", "a"]], dimensions=(0,))), ValueError, "1 to 16"),
        (lambda: own(form_with([["y_1"]])), ValueError, "lists of 2 texts.*'y_1'"),
        (lambda: own(form_with(["y_1", "a"])), ValueError, "lists of 2 texts"),
        (lambda: own(form_with([["y_1", 3]])), TypeError, "a text for each state, and 3"),
        (lambda: own(form_with([["y_1", "b*y_0"]])), ValueError, "Mine.equations.2.*`b`"),
        (lambda: own(form_with([["y_1", "a*y_2"]])), ValueError, "2 states alone.*y_2"),
        (lambda: own(form_with([["y_1", "g(y)*g(y)"]])), ValueError, "one random expression"),
        (lambda: own(form_with([["y_1", "g(z)"]])), ValueError, "g.z..*'z' is none"),
        (lambda: own(form_with([["y_1", "__import__('os')"]])), ValueError, "Mine.equations.2"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call: Any, kind: type, message: str, unchecked: None) -> None:
    with pytest.raises(kind, match=message):
        call()


def own(form: AbstractForm) -> ODE:
    return ODE(forms=(form,), weights={"mine": 1.0, "hopf": 1.0})


def test_texts_cost_nodes_once() -> None:
    templates = make_templates(tuple(KNOWN.values()), 4, 0)
    assert templates.num_nodes < 20
    assert (templates.hole != FIXED).any(1).all(), "each form has a random expression"
    assert templates.count[list(KNOWN).index("driven")].max() == 0, "there is no input"
    for f, form in enumerate(KNOWN.values()):
        for size in range(1, 5):
            possible = size in form.dimensions and form.name not in ("driven", "forced")
            assert (templates.count[f, size] > 0) == possible, (form.name, size)


def test_all_known_forms_say_what_their_texts_name() -> None:
    for form, size in itertools.product(KNOWN.values(), range(1, 7)):
        for texts in form.equations(size) if size in form.dimensions else ():
            assert not any(text.startswith("-") for text in texts)
