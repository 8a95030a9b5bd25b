"""Skeleton hashes: equal exactly where a canonical form in plain Python is."""

import dataclasses
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import s2jax
from s2jax.laws import AbstractLaw, S2Law, UniformLaw
from s2jax.programs import Program, operators
from s2jax.programs._skeleton import Split, skeleton_hash
from s2jax.programs.operators import OPCODE
from s2jax.targets.acceptance import REASONS, Status
from s2jax.text import tree
from s2jax.text.tree import Number, Operation, Variable
from tests.programs import Node, decode, draw_programs

BINARY = dict.fromkeys(operators.drawable(2), 1.0)
UNARY = dict.fromkeys(operators.drawable(1), 1.0)
LAWS: dict[str, AbstractLaw] = {
    "s2": S2Law(),
    **{
        f"{law.__name__}-{affine}": law(BINARY, UNARY, affine=affine, constant_probability=0.4)
        for law in (S2Law, UniformLaw)
        for affine in ("reduced", "full", "none")
    },
    "small": UniformLaw(BINARY, {"sin": 1.0, "neg": 1.0}, max_operators=3, max_integer=3),
    "small-none": UniformLaw(
        BINARY, {"sin": 1.0, "neg": 1.0}, max_operators=4, max_integer=3, affine="none"
    ),
}
X, Y, Z = Variable(0), Variable(1), Variable(2)


def draw(law: AbstractLaw, rows: int, seed: int, num_inputs: int = 2) -> Program:
    return draw_programs(law, rows, seed, num_inputs)


hash_rows = jax.jit(skeleton_hash)


def hashes(program: Program) -> np.ndarray:
    """One 64-bit number per program."""
    words = np.asarray(hash_rows(program)).astype(np.uint64)
    return words[..., 0] << np.uint64(32) | words[..., 1]


# The canonical form in plain Python: "N", a variable, or a tuple that starts with the operator.


def canonical(node: Node) -> Any:
    form = operated(node)
    form = scaled(form) if node.scale else form
    return shifted(form) if node.bias else form


def operated(node: Node) -> Any:
    word, parts = node.word, [canonical(child) for child in node.children]
    if not parts:
        return word if node.is_variable else "N"
    if word == "pow" and is_integer(node.children[1]) and parts[0] != "N":
        return ("pow", parts[0], int(node.children[1].word))
    if all(part == "N" for part in parts):
        return "N"
    if word in ("add", "sub"):
        second = terms(parts[1]) if word == "add" else [negated(one) for one in terms(parts[1])]
        return total([*terms(parts[0]), *second])
    if word == "mul":
        return product([*factors(parts[0]), *factors(parts[1])])
    if word in ("max", "min"):
        return (word, *sorted(parts, key=repr))
    return scaled(parts[0]) if word == "neg" else (word, *parts)


def is_integer(node: Node) -> bool:
    bare = node.scale is None and node.bias is None
    return bare and not node.children and node.word.lstrip("-").isdigit()


def terms(form: Any) -> list[Any]:
    return list(form[1:]) if form[0] == "sum" else [form]


def factors(form: Any) -> list[Any]:
    return list(form[1:]) if form[0] == "product" else [form]


def total(parts: list[Any]) -> Any:
    return ("sum", *sorted((p for p in parts if p != "N"), key=repr), *["N"] * ("N" in parts))


def product(parts: list[Any]) -> Any:
    return ("product", *sorted((p for p in parts if p != "N"), key=repr), *["N"] * ("N" in parts))


def negated(term: Any) -> Any:
    if term == "N" or (term[0] == "product" and term[-1] == "N"):
        return term
    return term[1] if term[0] == "minus" else ("minus", term)


def scaled(form: Any) -> Any:
    return form if form == "N" else product([*factors(form), "N"])


def shifted(form: Any) -> Any:
    return form if form == "N" else total([*terms(form), "N"])


@pytest.mark.parametrize("name", LAWS)
def test_hashes_are_equal_exactly_where_skeletons_are(name: str) -> None:
    program = draw(LAWS[name], 3000, list(LAWS).index(name))
    forms = [repr(canonical(node)) for node in decode(program)]
    numbers = hashes(program).tolist()
    pairs = set(zip(forms, numbers, strict=True))
    assert len(pairs) == len(set(forms)) == len(set(numbers))
    if name.startswith("small"):
        assert len(pairs) < 2900, "no two programs share a skeleton: nothing is tested"


# What counts and what does not.


def words_of(*trees: tree.Tree) -> list[int]:
    return hashes(tree.to_programs([trees], protected=False, num_nodes=8))[0].tolist()


def op(name: str, *operands: tree.Tree) -> Operation:
    return Operation(name, operands)


def number(mantissa: int = 25, exponent: int = -1) -> Number:
    return Number(mantissa, exponent)


SINE, TWO = op("sin", X), op("mul", number(), Y)
SAME = {
    "constants": (op("add", number(), TWO), op("add", number(-7), op("mul", number(3, 2), Y))),
    "terms in any order": (op("add", X, Y), op("add", Y, X)),
    "sums merge": (op("add", X, op("add", Y, Z)), op("add", op("add", Z, X), Y)),
    "biases merge": (op("add", op("add", number(), X), Y), op("add", number(3), op("add", X, Y))),
    "products merge": (op("mul", X, op("mul", Y, Z)), op("mul", op("mul", Z, X), Y)),
    "scales merge": (op("mul", op("mul", number(), X), Y), op("mul", number(3), op("mul", X, Y))),
    "a number is a bias": (op("add", X, number(3, 0)), op("add", number(), X)),
    "a number is a scale": (op("mul", X, number(3, 0)), op("mul", number(), X)),
    "minus a scaled term": (op("sub", X, TWO), op("add", X, TWO)),
    "minus a number": (op("sub", X, number()), op("add", number(), X)),
    "minus a sum": (op("sub", X, op("add", Y, Z)), op("sub", op("sub", X, Y), Z)),
    "minus minus": (op("sub", X, op("sub", Y, Z)), op("add", X, op("sub", Z, Y))),
    "neg is a scale": (op("neg", SINE), op("mul", number(), SINE)),
    "numbers are one": (op("add", X, op("sin", number())), op("add", X, op("pi"))),
    "named constants": (op("mul", op("e"), X), op("mul", number(), X)),
    "equal integers": (op("pow", X, number(10, 0)), op("pow", X, number(1, 1))),
    "masked exponents": (op("pow", X, number(15, -1)), op("pow", X, op("pi"))),
}  # fmt: skip
OTHER = {
    "variables": (X, Y),
    "operators": (op("sin", X), op("cos", X)),
    "operands of div": (op("div", X, Y), op("div", Y, X)),
    "operands of pow": (op("pow", X, Y), op("pow", Y, X)),
    "sub and add": (op("sub", X, Y), op("add", X, Y)),
    "operands of sub": (op("sub", X, Y), op("sub", Y, X)),
    "a bias counts": (X, op("add", number(), X)),
    "a scale counts": (X, op("mul", number(), X)),
    "scale and bias": (op("add", number(), X), op("mul", number(), X)),
    "scaled sum": (op("mul", number(), op("add", number(), Y)), op("add", number(), TWO)),
    "integers": (op("pow", X, number(2, 0)), op("pow", X, number(3, 0))),
    "signs of integers": (op("pow", X, number(2, 0)), op("pow", X, number(-2, 0))),
    "integer or not": (op("pow", X, number(2, 0)), op("pow", X, number(20, -1))),
    "depth": (op("sin", X), op("sin", op("sin", X))),
    "sum or product": (op("add", X, Y), op("mul", X, Y)),
    "how often": (op("add", X, op("add", X, Y)), op("add", Y, op("add", X, Y))),
    "which term is scaled": (op("add", TWO, X), op("add", op("mul", number(), X), Y)),
    "brackets": (op("mul", X, op("add", Y, Z)), op("add", op("mul", X, Y), Z)),
    "unary and binary": (op("sin", op("div", X, Y)), op("div", op("sin", X), Y)),
    "number alone": (number(), X),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_does_not_count(name: str) -> None:
    one, other = words_of(*SAME[name])
    assert one == other != 0


@pytest.mark.parametrize("name", OTHER)
def test_what_counts(name: str) -> None:
    one, other = words_of(*OTHER[name])
    assert one != other


def test_only_the_expression_counts() -> None:
    program = draw(LAWS["s2"], 3000, seed=7)
    expected = np.asarray(skeleton_hash(program))
    np.testing.assert_array_equal(hash_rows(program), expected)
    wider = jax.tree.map(
        lambda leaf: jnp.pad(leaf, ((0, 0), (0, 3))) if leaf.ndim == 2 else leaf, program
    )
    np.testing.assert_array_equal(skeleton_hash(wider), expected)
    np.testing.assert_array_equal(skeleton_hash(program[3:5]), expected[3:5])
    np.testing.assert_array_equal(skeleton_hash(program[8]), expected[8])
    np.testing.assert_array_equal(jax.jit(jax.vmap(skeleton_hash))(program), expected)
    nested = jax.tree.map(lambda leaf: leaf.reshape(30, 100, *leaf.shape[1:]), program)
    np.testing.assert_array_equal(skeleton_hash(nested).reshape(-1, 2), expected)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(skeleton_hash(program), expected)
    bare = dataclasses.replace(program, protected=False)
    assert (np.asarray(skeleton_hash(bare)) != expected).any(-1).all()


def test_other_constants_give_the_same_hash(seed: int) -> None:
    """All but the mantissas and exponents of the affine constants are kept."""
    rng = np.random.default_rng(seed)
    program = draw(S2Law(BINARY, UNARY, affine="full"), 3000, seed=1)
    drawn = lambda: jnp.asarray(rng.integers(2, 10**6, program.op.shape), jnp.int32)
    has_scale = (program.scale_mantissa != 1) | (program.scale_exponent != 0)
    changed = dataclasses.replace(
        program,
        scale_mantissa=jnp.where(has_scale, -drawn(), program.scale_mantissa),
        bias_mantissa=jnp.where(program.bias_mantissa != 0, drawn(), 0),
    )
    np.testing.assert_array_equal(skeleton_hash(changed), skeleton_hash(program))


def test_an_unused_output_has_hash_zero() -> None:
    assert words_of(X, op("sin", X)) != [0, 0]
    program = tree.to_programs([[None, X]], protected=False)
    assert np.asarray(skeleton_hash(program))[0].any(-1).tolist() == [False, True]


def random_skeletons(rng: np.random.Generator, count: int) -> Program:
    """Distinct chains x_i, op(x_i, x_j), ...: every program has another skeleton."""
    names = [name for name in operators.drawable(1) if name != "neg"]
    digits = rng.permutation(len(names) ** 4 * 64)[:count]
    fields = np.zeros((7, count, 4), np.int64)
    fields[3] = 1
    for place in range(4):
        fields[0, :, place] = np.array([OPCODE[name] for name in names])[digits % len(names)]
        fields[1:3, :, place] = place - 1
        digits = digits // len(names)
    fields[1:3, :, 0] = -1 - digits
    arrays = [jnp.asarray(field, jnp.int32) for field in fields]
    return Program(*arrays, length=jnp.full(count, 4, jnp.int32))


def test_hashes_are_spread_like_random_numbers(seed: int) -> None:
    count = 100_000
    words = np.asarray(skeleton_hash(random_skeletons(np.random.default_rng(seed), count)))
    assert len(np.unique(words, axis=0)) == count
    expected = count**2 / 2**33  # pairs of equal 32-bit words
    for lane in words.T:
        collisions = count - len(np.unique(lane))
        assert 1e-5 < stats.poisson.cdf(collisions, expected) < 1 - 1e-5
        for bits in (lane & 255, lane >> 24):
            assert stats.chisquare(np.bincount(bits, minlength=256)).pvalue > 1e-5
    both = np.bincount((words[:, 0] >> 28) * 16 + (words[:, 1] >> 28), minlength=256)
    assert stats.chisquare(both).pvalue > 1e-5


# Parts.


def test_parts_are_complementary() -> None:
    program = draw(LAWS["s2"], 5000, seed=3)
    for bounds in ((0, 0.9, 1), (0.0, 0.1, 0.3, 0.30000001, 1.0), (0, 0, 1, 1)):
        parts = [Split(*pair, normal=False).keeps(program) for pair in itertools.pairwise(bounds)]
        np.testing.assert_array_equal(np.sum(parts, axis=0), 1)
    distinct = np.unique(hashes(program), return_index=True)[1]
    kept = np.asarray(Split(0, 0.9, normal=False).keeps(program))[distinct].mean()
    assert abs(kept - 0.9) < 4.3 * np.sqrt(0.09 / len(distinct))
    assert Split().keeps(program).all()
    assert Split(0, 0.5).keeps(program.__class__(*jax.tree.leaves(program)))[0].shape == ()


def test_excluded_skeletons_are_in_no_part() -> None:
    program = draw(LAWS["small"], 3000, seed=4)
    words = skeleton_hash(program)
    kept = np.asarray(Split(exclude=words[:5], normal=False).keeps(program))
    listed = np.isin(hashes(program), hashes(program)[:5])
    np.testing.assert_array_equal(kept, ~listed)
    assert listed.sum() > 5
    half = words.at[:, 1].add(1)[:5]
    assert Split(exclude=half, normal=False).keeps(program).all()


def test_turning_a_bound_does_not_recompile() -> None:
    program = draw(LAWS["s2"], 3000, seed=5)
    keeps = jax.jit(lambda split, program: split.keeps(program))
    keeps(Split(0, 0.5), program)
    keeps(Split(0.25, 1), program)
    assert keeps._cache_size() == 1
    with jax.enable_x64(True):
        traced = Split(jnp.asarray(0.0), jnp.asarray(0.5))
        np.testing.assert_array_equal(traced.keeps(program), Split(0, 0.5).keeps(program))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "arguments, rule",
    [
        ({"low": -0.1}, "Split.low=-0.1.: must be a number >= 0 and <= 1"),
        ({"high": 1.5}, "high=1.5"),
        ({"low": 0.6, "high": 0.5}, "low must be <= high"),
        (
            {"exclude": np.zeros(2, np.uint32)},
            r"exclude of shape \(2,\).: must have shape \(k, 2\)",
        ),
    ],
)
def test_wrong_parts_are_refused(arguments: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Split(**arguments)


@pytest.mark.long
def test_sampled_parts_share_no_skeleton(key: jax.Array) -> None:
    """A part is drawn from alone, and what it refuses has a reason of its own."""
    draw = lambda split: s2jax.sample(key, s2jax.presets.s2(length=32, split=split), 300)
    train, test = draw(Split(0.0, 0.7)), draw(Split(0.7, 1.0))
    words = [
        np.asarray(skeleton_hash(batch.program, normal=True, stripped=True)).reshape(-1, 2)
        for batch in (train, test)
    ]
    skeletons = [{tuple(word) for word in part.tolist()} for part in words]
    assert not skeletons[0] & skeletons[1]
    for batch in (train, test):
        assert not batch.status.any()
        assert int(batch.rejections[..., REASONS.index(Status.OTHER_SPLIT)].sum()) > 0
    everything = s2jax.sample(key, s2jax.presets.s2(length=32), 300)
    assert int(everything.rejections[..., REASONS.index(Status.OTHER_SPLIT)].sum()) == 0
    # the first rows of the whole that are in the part at their first try are the part's too
    kept = np.asarray(Split(0.0, 0.7).keeps(everything.program))[:, 0]
    same = np.equal(everything.program.op, train.program.op).all((1, 2))
    assert np.all(same[kept])  # pyright: ignore[reportIndexIssue]


def test_excluded_skeletons_are_never_drawn(key: jax.Array) -> None:
    """Hashes of one draw are excluded from the next; one compilation, as hashes are leaves."""
    sample = jax.jit(
        lambda hashes: skeleton_hash(
            s2jax.sample(
                key, s2jax.presets.s2(length=32, split=Split(exclude=hashes)), 300
            ).program,
            normal=True,
            stripped=True,
        ).reshape(-1, 2),
    )
    no_hashes = np.zeros((300, 2), np.uint32)
    common = np.asarray(sample(no_hashes))
    drawn, excluded = (
        {tuple(word) for word in w.tolist()} for w in (np.asarray(sample(common)), common)
    )
    assert len(excluded) > 100
    assert not drawn & excluded


def test_a_split_must_be_one(unchecked: None) -> None:
    with pytest.raises(TypeError, match=r"Config\(split=0.9\): must be a Split or None"):
        s2jax.Config(split=0.9)  # pyright: ignore
