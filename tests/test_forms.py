"""Forms of random equations: each row is its text, with its numbers and its expression in place."""

import functools
import re
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
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

KEY = jax.random.key(15)
LAW = ODE().law
G = re.compile(r"\bg\(([^()]*)\)")


EACH = 24  # rows of a variant
MOST = 4


class Drawn(NamedTuple):
    """Rows of one way to write a form: its texts, and the equations of each row."""

    texts: list[str]
    equations: list[list[str]]


@functools.cache
def all_drawn() -> dict[tuple[str, int], list[Drawn]]:
    """Rows of every variant of every known form, by its name and number of states."""
    templates = make_templates(tuple(KNOWN.values()), MOST, 1)
    rows = [
        (f, size, k)
        for f, form in enumerate(KNOWN.values())
        for size in range(1, MOST + 1)
        if size in form.dimensions
        for k in range(templates.count[f, size])
    ]
    form, size, place = np.repeat(rows, EACH, axis=0).T.astype(np.int32)
    variant = jnp.asarray(templates.order[templates.first[form, size] + place])
    one = jnp.ones(len(form), jnp.int32)
    layout = Layout(one, jnp.asarray(size), 0 * one, variant, one < 0, one < 0, one < 0)
    number = jnp.arange(len(form), dtype=jnp.int32)
    words = fold_in(jnp.broadcast_to(words_of(KEY), (len(form), 2)), number)
    drawn = jax.jit(
        lambda: draw_equations(words, 3 * one, layout, LAW, templates, MOST + 2, True)
    )()
    by_row = jax.tree.map(
        lambda leaf: np.asarray(leaf).reshape(MOST, -1, *leaf.shape[1:]).swapaxes(0, 1),
        drawn.program,
    )
    texts = [text.split(" | ") for text in s2jax.to_text(by_row)]
    forms = list(KNOWN.values())
    out: dict[tuple[str, int], list[Drawn]] = {}
    for i, (f, d, k) in enumerate(rows):
        own = [row[:d] for row in texts[EACH * i : EACH * (i + 1)]]
        own_texts = list(forms[f].equations(d)[k])
        out.setdefault((forms[f].name, d), []).append(Drawn(own_texts, own))
    return out


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


def matched(form: AbstractForm, drawn: Drawn, row: int) -> _Match:
    """What a row of a variant agrees on with its texts."""
    match = _Match(form)
    for text, found in zip(drawn.texts, drawn.equations[row], strict=True):
        plain = G.sub("x_63", text)
        match(read_expression(plain, names_in(form, plain)), read_expression(found, []))
    return match


@pytest.mark.parametrize("name", KNOWN)
def test_rows_are_the_texts_of_their_form(name: str) -> None:
    form = KNOWN[name]
    for (own, size), variants in all_drawn().items():
        for drawn in variants if own == name else ():
            reads = [found[1] for text in drawn.texts if (found := G.search(text))]
            allowed = {"t": {"v80"}, "x": {"v0"}, "y": {f"v{64 + i}" for i in range(size)}}
            allowed |= {f"y_{i}": {f"v{64 + i}"} for i in range(size)}
            for row in range(0, EACH, 5):
                expressions = matched(form, drawn, row).expressions
                for read, expression in zip(reads, expressions, strict=True):
                    may = set().union(*(allowed[word.strip()] for word in read.split(",")))
                    assert variables_in(expression) <= may


def test_numbers_follow_their_laws() -> None:
    form = KNOWN["tuned"]
    found: dict[str, list[float]] = {}
    for drawn in all_drawn()["tuned", 2]:
        for row in range(EACH):
            numbers = matched(form, drawn, row).numbers
            for name, value in numbers.items():
                law = form.numbers[name]
                base = numbers[law.of] ** law.power if law.of else 1.0
                found.setdefault(name, []).append(value / base)
    assert set(found) == set(form.numbers)
    assert 0.4 < (np.array(found["b"]) > 0).mean() < 0.6
    for name, values in found.items():
        law, size = form.numbers[name], np.abs(values)
        ends = law.low, law.high, size
        low, high, size = map(np.log, ends) if law.is_log else ends
        # rounded to three digits
        spread = np.random.default_rng(0).uniform(-1, 1, len(size)) * 2e-3 * (high - low)
        assert_ks((size + spread - low) / (high - low), stats.uniform.cdf, what=name)


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
    assert all(s2jax.to_text(batch.program)[i].startswith("y_1 | ") for i in own)


def test_conservative_forms_have_a_potential() -> None:
    """Forces are functions of the place, and where there are two, their cross derivatives agree."""
    q, p, r, s = sympy.symbols("y_0 y_1 y_2 y_3", real=True)
    springs = [d for d in all_drawn()["oscillator", 2] if "y_1" not in d.texts[1]]
    pairs = all_drawn()["two_degrees", 4]
    assert springs
    for drawn in springs + pairs:
        exprs = s2jax.to_sympy(s2jax.from_text([" | ".join(drawn.equations[0])]))[0]
        assert exprs[0] == p
        assert not exprs[1].has(p, s)
        if len(exprs) == 4:
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
        (lambda: own(form_with([["y_1", "e"]], numbers={"e": log(1, 2)})), ValueError,
         r"Mine.numbers\['e'\].*no function, variable or constant"),
        (lambda: own(form_with([["y_1", "a"]], numbers={"a b": log(1, 2)})), ValueError, "letters"),
        (lambda: own(form_with([["y_1", "a"]], numbers={"a": 2.0})), TypeError, "a range, not of"),
        (lambda: own(form_with([["y_1", "a"]], numbers={"a": log(0, 2)})), ValueError, "positive"),
        (lambda: own(form_with([["y_1", "a"]], numbers={"a": flat(2, 1)})), ValueError, "lower"),
        (lambda: own(form_with([["y_1", "a"]], numbers={"a": log(1, 2, of="b")})), ValueError,
         "'b', which must be a number of the form"),
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
