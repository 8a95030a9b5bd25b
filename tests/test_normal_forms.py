"""Normal forms: equal hashes where coefficients can make two expressions one, and only there."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import s2jax
from s2jax.laws import S2Law, UniformLaw
from s2jax.programs import Program, fit_constants
from s2jax.programs._skeleton import Split, skeleton_hash
from tests.programs import draw_programs

NODES, ROWS = 14, 512
hash_rows = jax.jit(partial(skeleton_hash, normal=True), static_argnames="stripped")
keeps = jax.jit(lambda split, program: split.keeps(program))


def hash_normal(program: Program, stripped: bool = False) -> np.ndarray:
    """Words of so many programs at a time that few programs are compiled."""
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[program.op.ndim - 1 :]), program)
    rows = flat.length.size
    more = -rows % ROWS
    flat = jax.tree.map(lambda leaf: np.pad(leaf, ((0, more), *[(0, 0)] * (leaf.ndim - 1))), flat)
    parts = [flat[k : k + ROWS] for k in range(0, rows, ROWS)]
    return np.concatenate([hash_rows(part, stripped=stripped) for part in parts])[:rows]


def numbers(words) -> np.ndarray:
    words = np.asarray(words).reshape(-1, 2).astype(np.uint64)
    return words[:, 0] << np.uint64(32) | words[:, 1]


def hashes(texts: list[str]) -> list[int]:
    """Hashes of expressions in which N is any number."""
    count = itertools.count(11)
    filled = ["".join(f"{next(count)}.5" if c == "N" else c for c in text) for text in texts]
    program = s2jax.from_text(filled, num_nodes=NODES)
    return numbers(hash_normal(program)).tolist()


SAME = [
    ("N*x_0 + N - N*x_0", "N + N*x_0"),
    ("N*x_0 + x_0", "N*x_0"),
    ("x_0 - 2*x_0", "x_0"),
    ("N*(x_0 + N*x_1)", "x_1 + x_0"),
    ("N*x_0*(x_0*N)", "x_0**2"),
    ("x_0*x_1*x_0", "x_1*x_0**2"),
    ("x_0/x_1/x_0", "inv(x_1)"),
    ("x_0/x_0", "N"),
    ("x_0*abs(x_0)*abs(x_0)", "x_0**3"),
    ("sqrt(x_0*x_0)", "abs(x_0)"),
    ("sqrt(N*x_0)*sqrt(x_0)", "abs(x_0)"),
    ("sign(x_0)*abs(x_0)", "x_0"),
    ("inv(inv(x_0))", "x_0"),
    ("x_0*(N + N*x_0)", "N*x_0**2 + N*x_0"),
    ("(N + N*x_0)**2", "N + N*x_0 + N*x_0**2"),
    ("(N + x_0)**3", "(N + x_0)*(N + x_0)*(N + x_0)"),
    ("(x_0 + x_1)*(x_0 - x_1)", "x_0**2 + x_0*x_1 + x_1**2"),
    ("sin(x_0 + N*x_0 + N)", "cos(N*x_0 - N)"),
    ("sin(N*x_0)*x_0 + N", "N + N*x_0*sin(N*x_0)"),
    ("exp(N + x_0)", "N*exp(N*x_0)"),
    ("log(N*x_0*x_1)", "N + log(x_1*x_0)"),
    ("log(N*x_0) + N*log(x_0)", "N*log(x_0) + N"),
    ("inv(x_0*(N + sin(x_0)))", "inv(x_0)*inv(N + sin(N*x_0))"),
    ("x_0*(N + sin(x_0))*(N + exp(x_0))", "(N*x_0 + N*x_0*sin(x_0))*(N + exp(x_0))"),
    ("max(x_0, N + x_1)", "N*min(x_1 - N, x_0)"),
    ("tanh(N*x_0 + N*x_1)", "tanh(x_1 - x_0)"),
    ("sin(N) + x_0", "N + x_0"),
]  # fmt: skip
OTHER = [
    ("x_0", "x_1"),
    ("x_0", "x_0 + N"),
    ("x_0", "x_0*x_0"),
    ("x_0*abs(x_0)", "x_0*x_0"),
    ("abs(x_0)", "x_0"),
    ("sqrt(x_0)", "x_0"),
    ("sin(x_0)", "cos(x_0)"),
    ("sin(N*x_0) + N*sin(N*x_0)", "sin(N*x_0)"),
    ("sin(N*x_0)*sin(N*x_0)", "sin(N*x_0)**2"),
    ("inv(N + sin(x_0))*(N + sin(x_0))", "N"),
    ("x_0/(N + x_0)", "inv(N + x_0)"),
    ("exp(x_0 + x_0*x_0)", "exp(x_0)"),
    ("log(x_0)", "log(N + x_0)"),
    ("x_0 + x_1", "x_0*x_1"),
    ("x_0 + x_1", "x_0 + x_1 + x_0*x_1"),
    ("tan(N + x_0)", "tan(x_0)"),
    ("max(x_0, x_1)", "x_0 + x_1"),
    ("(N + sin(x_0))**2", "N + sin(x_0)**2"),
    ("(N + x_0)**3", "N + x_0 + x_0**3"),
    ("x_0**4", "x_0**3"),
    ("arctan(x_0)*x_1", "arctan(x_1)*x_0"),
    ("x_0*(N + sin(x_0))*(N + exp(x_0))", "(N + x_0*sin(x_0))*(N + exp(x_0))"),
]  # fmt: skip


@pytest.fixture(scope="module")
def pairs() -> np.ndarray:
    return np.reshape(hashes([text for pair in SAME + OTHER for text in pair]), (-1, 2))


def test_identities_are_known(pairs: np.ndarray) -> None:
    for texts, (one, other) in zip(SAME, pairs, strict=False):
        assert one == other != 0, texts


def test_what_differs_gets_another_hash(pairs: np.ndarray) -> None:
    for texts, (one, other) in zip(OTHER, pairs[len(SAME) :], strict=True):
        assert one != other, texts


def draw(rows: int = ROWS) -> Program:
    law = UniformLaw(
        {"add": 2.0, "mul": 1.0, "sub": 1.0}, {"sin": 1.0, "pow2": 2.0, "inv": 1.0},
        max_operators=5, affine="full",
    )  # fmt: skip
    return draw_programs(law, rows, 3, 2)


def test_only_the_expression_counts() -> None:
    program = draw()
    expected = hash_normal(program)
    same = partial(np.testing.assert_array_equal, desired=expected)
    same(skeleton_hash(program, normal=True))  # as XLA compiles it for users
    wider = jax.tree.map(
        lambda leaf: jnp.pad(leaf, ((0, 0), (0, 3))) if leaf.ndim == 2 else leaf, program
    )
    same(hash_normal(wider))
    same(hash_normal(program[5:]), desired=expected[5:])
    hash_each = jax.vmap(partial(skeleton_hash, normal=True))
    same(jax.jit(hash_each)(program))
    # other numbers, and signs, are the same skeleton
    has_scale = (program.scale_mantissa != 1) | (program.scale_exponent != 0)
    changed = program.__class__(
        program.op, program.a, program.b,
        jnp.where(has_scale, -program.scale_mantissa - 7, program.scale_mantissa),
        program.scale_exponent, 3 * program.bias_mantissa, program.bias_exponent, program.length,
    )  # fmt: skip
    same(hash_normal(changed))
    unused = jax.tree.map(lambda leaf: jnp.zeros_like(leaf), program)
    assert not np.asarray(hash_normal(unused)).any()


def test_stripped_forms_have_no_bias() -> None:
    program = s2jax.from_text(["N*x_0 + N".replace("N", "2.5"), "x_0"], num_nodes=NODES)
    one, other = numbers(hash_normal(program, stripped=True))
    assert one == other
    one, other = numbers(hash_normal(program))
    assert one != other
    with pytest.raises(ValueError, match=r"stripped=True\): normal must be True"):
        skeleton_hash(program, stripped=True)


# Against SymPy: polynomials with symbols as coefficients, and a function of each.

X, Y = sympy.symbols("x_0 x_1")


def random_polynomial(rng: np.random.Generator, depth: int) -> tuple[str, sympy.Expr]:
    """Text, and the same with a new symbol for each number."""
    kind = rng.choice(["leaf", "add", "mul", "pow2"], p=[0.1, 0.4, 0.3, 0.2]) if depth else "leaf"
    if kind == "leaf":
        text, leaf = [("x_0", X), ("x_1", Y), ("1.5", sympy.Integer(1))][rng.integers(3)]
        return f"(2.5*{text})", sympy.Dummy() * leaf
    one, one_form = random_polynomial(rng, depth - 1)
    if kind == "pow2":
        return f"({one})**2", one_form**2
    other, other_form = random_polynomial(rng, depth - 1)
    if kind == "add":
        return f"({one} + {other})", one_form + other_form
    return f"({one} * {other})", one_form * other_form


def collect_terms(form: sympy.Expr) -> frozenset:
    """The powers that have a coefficient."""
    return frozenset(sympy.Poly(sympy.expand(form), X, Y).as_dict())


def test_polynomials_are_equal_exactly_where_sympy_finds_the_same_terms() -> None:
    rng = np.random.default_rng(5)
    drawn = [random_polynomial(rng, 2) for _ in range(400)]
    forms = [collect_terms(form) for _, form in drawn]
    # beyond these numbers of terms products are not multiplied out
    small = [k for k, form in enumerate(forms) if len(form) <= 7]
    texts = [drawn[k][0] for k in small]
    found = hashes([*texts, *(f"sin({text})" for text in texts)])
    for part in (found[: len(small)], found[len(small) :]):
        together = set(zip((forms[k] for k in small), part, strict=True))
        assert len(together) == len({forms[k] for k in small}) == len(set(part))
    assert len(small) > 300
    assert 30 < len({forms[k] for k in small}) < 200


# What colliding hashes mean: one family of functions contains the other.


def fits(programs: Program, targets: Program) -> np.ndarray:
    """Whether each program fits the values of its target, standardised; NaN is False."""
    x = np.random.default_rng(0).normal(size=(1, 1, 48)).astype(np.float32)
    x = np.repeat(x, programs.shape[0], 0)
    add_outputs = partial(jax.tree.map, lambda leaf: leaf[:, None])
    y = np.asarray(s2jax.evaluate(add_outputs(targets), x), np.float64)
    finite = np.isfinite(y).all((1, 2)) & (np.abs(y).max((1, 2)) < 1e6)
    y = np.where(finite[:, None, None], y, 0)
    deviation = y.std(-1, keepdims=True)
    usable = finite & (deviation[:, 0, 0] > 1e-3 * np.abs(y).max((1, 2)))
    y = (y - y.mean(-1, keepdims=True)) / np.where(usable, deviation[:, 0, 0], 1)[:, None, None]
    fit = fit_constants(
        add_outputs(programs), x, y.astype(np.float32), key=jax.random.key(1), starts=6
    )
    return np.where(usable, (np.asarray(fit.loss)[:, 0] < 1e-5).astype(float), np.nan)


def pair_up(labels: np.ndarray, names: np.ndarray, count: int) -> np.ndarray:
    """Pairs of equal label and different name, each pair of names once."""
    found = {}
    first: dict[int, list[int]] = {}
    for row, (label, name) in enumerate(zip(labels.tolist(), names.tolist(), strict=True)):
        for other in first.setdefault(label, [])[:3]:
            if names[other] != name:
                found.setdefault((names[other], name), (other, row))
        first[label].append(row)
    return np.array(list(found.values())[:count])


@pytest.mark.long
@pytest.mark.parametrize("law", [S2Law(), S2Law(min_binary_per_input=1)], ids=["s2", "mix"])
def test_colliding_skeletons_fit_each_other(law: S2Law) -> None:
    program = draw_programs(law, 6000, 1, 1)
    labels = numbers(hash_normal(program, stripped=True))
    names = numbers(skeleton_hash(program))
    rows = pair_up(labels, names, 128)
    assert len(rows) == 128
    one, other = program[rows[:, 0]], program[rows[:, 1]]
    there, back = fits(one, other), fits(other, one)
    known = ~(np.isnan(there) | np.isnan(back))
    # fits end in other minima at times
    contained = np.fmax(there, back)[known]
    assert known.sum() > 60
    assert contained.mean() > 0.9
    # of pairs that do not collide few do: the test finds what differs
    one, other = program[rows[:, 0]], program[np.roll(rows[:, 1], 7)]
    there, back = fits(one, other), fits(other, one)
    both = (there * back)[~np.isnan(there * back)]
    assert both.mean() < 0.5


def test_parts_keep_families_together() -> None:
    texts = ["2.5*x_0 + 1.5 - 3.5*x_0", "x_0", "7.5 + 1.5*x_0"]
    program = s2jax.from_text(texts, num_nodes=NODES)
    for place in np.linspace(0, 1, 9):
        assert len(set(np.ravel(keeps(Split(0, place), program)).tolist())) == 1
    words = hash_normal(program, stripped=True)
    assert not keeps(Split(exclude=words[:1]), program).any()
    own = skeleton_hash(program).reshape(-1, 2)
    kept = keeps(Split(exclude=own[:1], normal=False), program)
    assert np.asarray(kept).ravel().tolist() == [False, True, True]


@pytest.mark.usefixtures("unchecked")
def test_a_split_is_told_whether_forms_are_normal() -> None:
    with pytest.raises(TypeError, match="normal"):
        Split(normal=2)  # pyright: ignore
