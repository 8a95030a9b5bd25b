"""Tokens: what the laws draw comes back exactly, and what is no expression is reported."""

import dataclasses
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s2jax import presets
from s2jax.laws import AbstractLaw, Decimals, S2Law, UniformLaw, num_tokens
from s2jax.programs import Program, evaluate, operators
from s2jax.programs.operators import CONST, OPCODE, TABLE
from s2jax.programs.program import VARIABLE_NAMES
from s2jax.text import to_prefix, tree
from s2jax.text.tokens import Tokens, TokenStatus, from_tokens, to_tokens
from s2jax.text.tree import Number, Operation, Variable
from s2jax.text.vocabulary import SPECIAL, Vocabulary
from tests.programs import draw_programs

WORDS = Vocabulary()
MANY, SOME = 10_000, 1_000
BINARY = dict.fromkeys(operators.drawable(2), 1.0)
UNARY = dict.fromkeys(operators.drawable(1), 1.0)
MOST_INPUTS = 3
# (law, inputs, programs)
LAWS: dict[str, tuple[AbstractLaw, int, int]] = {
    "s2": (presets.s2().target.law, 1, MANY),
    "reference": (presets.reference().target.law, 1, MANY),
    "three inputs": (S2Law(), 3, SOME),
    **{
        f"{law.__name__}-{affine}-{inputs}": (
            law(BINARY, UNARY, affine=affine, constant_probability=0.5, max_integer=500),
            inputs,
            SOME,
        )
        for law, inputs in ((S2Law, 1), (S2Law, 3), (UniformLaw, 2))
        for affine in ("reduced", "full", "none")
    },
    "four digits": (S2Law(constants=Decimals(4, min_exponent=-10, max_exponent=10)), 2, SOME),
}
# tokens are integers, and so are programs; that the product's own compilation gives the same is
# tested below
write = jax.jit(to_tokens, static_argnums=(1, 2), static_argnames="length")
read = jax.jit(
    from_tokens,
    static_argnums=(1, 2, 3),
    static_argnames=("num_outputs", "num_nodes", "protected"),
)
FIELDS = [field.name for field in dataclasses.fields(Program) if field.name != "protected"]


@pytest.fixture(scope="module")
def drawn() -> dict[str, Program]:
    """Of few shapes: both directions compile for seconds."""
    return {
        name: draw_programs(law, rows, seed, MOST_INPUTS, used=inputs)[:, None]
        for seed, (name, (law, inputs, rows)) in enumerate(LAWS.items())
    }


def differences(one: Program, other: Program) -> np.ndarray:
    """Per program, whether any array differs; kinds and shapes must agree."""
    wrong = np.zeros(one.shape, bool)
    for name in FIELDS:
        left, right = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        assert (left.dtype, left.shape) == (right.dtype, right.shape), name
        unequal = left != right
        wrong |= unequal.any(-1) if unequal.ndim > wrong.ndim else unequal
    return wrong


def folds(program: Program) -> np.ndarray:
    """Per program, whether a bare number stands first in a sum or product.

    Read back it is a bias or a scale: the words and values are the same, the instructions not.
    """
    p = jax.tree.map(np.asarray, program)
    before = lambda field: np.concatenate([field[..., :1], field[..., :-1]], axis=-1)
    bare = (p.scale_mantissa == 1) & (p.scale_exponent == 0) & (p.bias_mantissa == 0)
    is_one = (p.a == 1) & (p.b == 0)
    number = lambda wanted: before((p.op == CONST) & bare & wanted) & (p.a >= 0)
    sums = (p.op == OPCODE["add"]) & number(p.a != 0)
    products = (p.op == OPCODE["mul"]) & number(~is_one)
    used = np.arange(p.num_nodes) < p.length[..., None]
    return ((sums | products) & used).any(-1)


# Vocabulary.


def test_words_are_distinct_and_a_small_vocabulary_starts_a_large_one() -> None:
    two, three, four = (Vocabulary(digits) for digits in (2, 3, 4))
    for vocabulary in (two, three, four):
        assert len(set(vocabulary.words)) == len(vocabulary.words) == len(vocabulary) < 2**14
        for word in (
            "sin",
            "x_63",
            "y_0",
            "y_15",
            "t",
            "E-108",
            "E0",
            "E108",
            "N0",
            f"N{10**vocabulary.digits - 1}",
        ):
            assert vocabulary.words[vocabulary.id_of(word)] == word
    assert four.words[: len(two)] == two.words
    assert four.words[: len(three)] == three.words
    specials = (WORDS.pad, WORDS.bos, WORDS.eos, WORDS.mask, WORDS.separator, WORDS.plus)
    assert [WORDS.words[special] for special in (*specials, WORDS.minus)] == list(SPECIAL)
    names = {operator.name for operator in TABLE} - {"const", "id"}
    assert names <= set(two.words)


def test_vocabulary_is_a_static_value() -> None:
    assert Vocabulary(3) == WORDS != Vocabulary(2)
    assert hash(Vocabulary(3)) == hash(WORDS)
    assert jax.jit(len, static_argnums=0)(WORDS) == len(WORDS)


@pytest.mark.parametrize("digits", [2, 3, 4])
def test_vocabulary_makes_the_round_trip_through_json(digits: int) -> None:
    text = Vocabulary(digits).to_json()
    assert json.loads(text) == list(Vocabulary(digits).words)
    assert Vocabulary.from_json(text) == Vocabulary(digits)


@pytest.mark.parametrize(
    "text, rule",
    [
        ("{", "must be a JSON list"),
        ("3", "from_json.3.: must be the words"),
        (json.dumps(WORDS.words[:-1]), f"{len(WORDS) - 1} words"),
        (json.dumps(["<pad>", "<bos>", "<end>"]), "number 2 is '<end>'"),
    ],
)
def test_other_words_are_refused(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Vocabulary.from_json(text)


@pytest.mark.usefixtures("unchecked")
def test_unknown_words_and_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="Did you mean 'arcsin'"):
        WORDS.encode(["arcsn"])
    with pytest.raises(ValueError, match=r"ids with 1338.: must be >= 0 and < 1338"):
        WORDS.decode([0, len(WORDS)])
    with pytest.raises(ValueError, match="digits=5"):
        Vocabulary(5)
    with pytest.raises(TypeError):
        Vocabulary(3.0)  # type: ignore[arg-type]


# Programs of laws.


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("digits", [pytest.param(2, marks=pytest.mark.long), 3])
def test_drawn_programs_come_back_exactly(
    drawn: dict[str, Program], name: str, digits: int
) -> None:
    law, inputs, _ = LAWS[name]
    program, vocabulary = drawn[name], Vocabulary(digits)
    longest = num_tokens(law, inputs, 1, vocabulary)
    width = max(num_tokens(law, MOST_INPUTS, 1, vocabulary) for law, *_ in LAWS.values())
    tokens = write(program, vocabulary, width)
    assert not np.any(tokens.status)
    size = np.asarray(tokens.length)
    assert longest / 3 < size.max() <= longest
    np.testing.assert_array_equal(size, np.sum(tokens.ids != vocabulary.pad, axis=-1))
    again, status = read(tokens.ids, vocabulary, 1, program.num_nodes, protected=True)
    assert not np.any(status)
    folded = folds(program)
    assert not differences(program, again)[~folded].any()
    assert folded.mean() < 0.5
    second = write(again, vocabulary, width)
    np.testing.assert_array_equal(second.ids, tokens.ids)


@pytest.mark.parametrize("inputs", [1, 3])
def test_folded_numbers_leave_values_as_they_are(drawn: dict[str, Program], inputs: int) -> None:
    program = drawn[f"S2Law-none-{inputs}"]
    program = program[np.flatnonzero(folds(program)[:, 0])[:48]]
    assert program.shape == (48, 1)
    again, _ = read(write(program).ids, num_nodes=program.num_nodes, protected=True)
    assert differences(program, again).all()
    time = jnp.linspace(-2.0, 2.0, 50, dtype=jnp.float32)
    x = jnp.stack([time, 1.5 - time, time * time])[:inputs]
    x = jnp.broadcast_to(x, (48, *x.shape))
    np.testing.assert_allclose(evaluate(again, x), evaluate(program, x), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("name", ["s2", "S2Law-full-3", "UniformLaw-reduced-2"])
def test_words_are_those_of_the_prefix_form(drawn: dict[str, Program], name: str) -> None:
    program = drawn[name][:300]
    rows = write(program)
    for ids, [prefix] in zip(np.asarray(rows.ids), to_prefix(program), strict=True):
        shown: list[str] = []
        words = iter(WORDS.decode(ids[ids != WORDS.pad])[1:-1])
        for word in words:
            if word in ("+", "-"):
                mantissa, power = next(words)[1:], next(words)[1:]
                shown.append(repr(float(f"{word}{mantissa}e{power}")))
            else:
                shown.append(word)
        number = lambda word: repr(float(word)) if word[-1].isdigit() and word[0] != "x" else word
        named = {operator.name for operator in TABLE}
        assert shown == [word if word in named else number(word) for word in prefix]


# Programs of random trees: both readers of prefix forms agree.


def random_tree(rng: np.random.Generator, size: int) -> tree.Tree:
    """A tree of about `size` operators, with many nested sums and products of numbers."""
    if size <= 0:
        if rng.random() < 0.4:
            digits = int(rng.integers(0, 10))
            mantissa = int(rng.integers(-(10**digits) + 1, 10**digits))
            return Number(mantissa, int(rng.integers(-20, 21)))
        if rng.random() < 0.2:
            return Operation(str(rng.choice(["e", "pi", "euler_gamma"])))
        return Variable(int(rng.integers(len(VARIABLE_NAMES))))
    if rng.random() < 0.5:
        first = Number(*[(1, 0), (0, 3), (-25, -2), (7, 0)][rng.integers(4)])
        name = str(rng.choice(["add", "mul"]))
        return Operation(name, (first, random_tree(rng, size - 1)))
    if rng.random() < 0.3:
        return Operation(str(rng.choice(operators.drawable(1))), (random_tree(rng, size - 1),))
    left = int(rng.integers(size))
    operands = random_tree(rng, left), random_tree(rng, size - 1 - left)
    return Operation(str(rng.choice(operators.drawable(2))), operands)


def words_of(expression: tree.Tree, vocabulary: Vocabulary = WORDS) -> list[str]:
    words: list[str] = []
    for node in tree.prefix(expression):
        if isinstance(node, Number):
            text, digits = str(abs(node.mantissa)), vocabulary.digits
            first = (len(text) - 1) % digits + 1
            groups = [text[:first]] + [
                text[k : k + digits] for k in range(first, len(text), digits)
            ]
            words += ["-" if node.mantissa < 0 else "+", *(f"N{int(group)}" for group in groups)]
            words.append(f"E{node.exponent}")
        elif isinstance(node, Variable):
            words.append(VARIABLE_NAMES[node.index])
        else:
            assert isinstance(node, Operation)
            words.append(node.name)
    return words


def rows_of(rows: list[list[str]], length: int, vocabulary: Vocabulary = WORDS) -> np.ndarray:
    out = np.full((len(rows), length), vocabulary.pad, np.int16)
    for row, words in zip(out, rows, strict=True):
        row[: len(words)] = vocabulary.encode(words)
    return out


@pytest.mark.long
@pytest.mark.parametrize("digits", [2, 3, 4])
def test_both_readers_make_the_same_programs(seed: int, digits: int) -> None:
    rng, vocabulary = np.random.default_rng(seed), Vocabulary(digits)
    trees = [[random_tree(rng, int(rng.integers(12))) for _ in range(2)] for _ in range(500)]
    expected = tree.to_programs(trees, protected=False)
    texts = [
        ["<bos>", *words_of(one, vocabulary), "|", *words_of(two, vocabulary), "<eos>"]
        for one, two in trees
    ]
    ids = rows_of(texts, max(map(len, texts)) + 3, vocabulary)
    program, status = read(ids, vocabulary, 2, expected.num_nodes)
    assert not np.any(status)
    assert not differences(program, expected).any()
    tokens = write(expected, vocabulary, ids.shape[1])
    assert not np.any(tokens.status)
    np.testing.assert_array_equal(tokens.ids, ids)


@pytest.mark.parametrize(
    "mantissa, exponent, words",
    [
        (314159265, -8, "+ N314 N159 N265 E-8"), (-1000, 0, "- N1 N0 E0"), (0, 3, "+ N0 E3"),
        (999_999_999, 20, "+ N999 N999 N999 E20"), (7, -108, "+ N7 E-108"),
        (1, 100, "+ N1 E100"), (-1005, 1, "- N1 N5 E1"),
    ],
)  # fmt: skip
def test_numbers_are_kept_to_nine_digits(mantissa: int, exponent: int, words: str) -> None:
    program = tree.to_programs([[Operation("sin", (Number(mantissa, exponent),))]], False)
    tokens = write(program)
    assert WORDS.decode(tokens.ids[0, : tokens.length[0]])[2:-1] == words.split()
    again, status = read(tokens.ids, num_nodes=program.num_nodes)
    assert int(status[0]) == 0
    assert not differences(program, again).any()


def test_the_mantissas_of_a_number_are_multiplied_only_if_the_product_fits() -> None:
    rng = np.random.default_rng(0)
    near = [(46340, 46341), (46341, 46341), (4, 2**29 - 1), (4, 2**29), (2147483, 1000)]
    far = [(int(10 ** rng.uniform(0, 9)), int(10 ** rng.uniform(0, 9))) for _ in range(500)]
    pairs = [(a * rng.choice([-1, 1]), b) for a, b in [*near, *far]]
    trees = [[Operation("mul", (Number(int(a), -1), Number(b, 0)))] for a, b in pairs]
    expected = tree.to_programs(trees, False)
    texts = [words_of(tree) for [tree] in trees]
    program, status = read(rows_of(texts, 12), num_nodes=expected.num_nodes)
    assert not np.any(status)
    assert not differences(program, expected).any()
    assert set(np.asarray(expected.length)[:, 0]) == {1, 2}


# Several outputs.


def test_unused_outputs_keep_their_place() -> None:
    x_0, x_1 = Variable(0), Variable(1)
    program = tree.to_programs([[x_0, None, x_1], [None, None, x_1], [None] * 3], False)
    tokens = write(program, length=6)
    shown = [" ".join(WORDS.decode(ids)) for ids in np.asarray(tokens.ids)]
    assert shown == [
        "<bos> x_0 | | x_1 <eos>",
        "<bos> | | x_1 <eos> <pad>",
        "<bos> <eos> <pad> <pad> <pad> <pad>",
    ]
    assert tokens.length.tolist() == [6, 5, 2]
    again, status = read(tokens.ids, num_outputs=3, num_nodes=1)
    assert status.tolist() == [0, 0, 0]
    assert not differences(again, program).any()


@pytest.mark.parametrize("words", ["x_0 |", "|", "| |", "| x_0 |", "x_0 | |"])
def test_a_separator_at_the_end_is_malformed(words: str) -> None:
    program, status = read(WORDS.encode(words.split()), num_outputs=4)
    assert int(status) == TokenStatus.MALFORMED.value
    assert not np.any(program.length)


def test_rows_of_many_outputs_come_back(drawn: dict[str, Program]) -> None:
    one = drawn["three inputs"]
    one = one[np.flatnonzero(~folds(one)[:, 0])[:600]]
    program = jax.tree.map(lambda leaf: leaf.reshape(200, 3, *leaf.shape[2:]), one)
    length = num_tokens(S2Law(), 3, 3)
    tokens = write(program, length=length)
    assert not np.any(tokens.status)
    again, status = read(tokens.ids, num_outputs=3, num_nodes=program.num_nodes)
    assert not np.any(status)
    assert not differences(program, again).any()


# Transformations.


def same_tokens(one: Tokens, other: Tokens) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))


def test_rows_are_the_same_alone_in_jit_and_under_vmap(drawn: dict[str, Program]) -> None:
    program = drawn["s2"][:1100]  # more than two tiles
    to = lambda p: to_tokens(p, length=92)
    back = lambda ids: from_tokens(ids, num_nodes=program.num_nodes)
    tokens = jax.jit(to)(program)
    assert same_tokens(tokens, write(program, length=92)), "quickly compiled it is something else"
    assert same_tokens(tokens, jax.jit(jax.vmap(to))(program))
    assert same_tokens(jax.tree.map(lambda leaf: leaf[:3], tokens), to(program[:3]))
    assert same_tokens(jax.tree.map(lambda leaf: leaf[7], tokens), to(program[7]))
    nested = jax.tree.map(lambda leaf: leaf.reshape(50, 22, *leaf.shape[1:]), program)
    assert to(nested).ids.shape == (50, 22, 92)
    again, status = jax.jit(back)(tokens.ids)
    assert not differences(again, read(tokens.ids, num_nodes=program.num_nodes).program).any()
    mapped, mapped_status = jax.jit(jax.vmap(back))(tokens.ids)
    assert not differences(again, mapped).any()
    assert not np.any(status)
    assert not np.any(mapped_status)
    single, _ = back(tokens.ids[7])
    assert not differences(single, again[7]).any()
    assert to(program[:0]).ids.shape == (0, 92)


def test_tokens_are_the_same_in_float64(drawn: dict[str, Program]) -> None:
    program = drawn["s2"][:100]
    expected = write(program)
    code, _ = read(expected.ids)
    with jax.enable_x64(True):
        assert same_tokens(write(program), expected)
        assert not differences(read(expected.ids).program, code).any()


def test_a_second_call_does_not_recompile(drawn: dict[str, Program]) -> None:
    write = jax.jit(to_tokens, static_argnames=("vocabulary", "length"))
    write(drawn["s2"][:10], vocabulary=Vocabulary(3), length=92)
    write(drawn["s2"][10:20], vocabulary=Vocabulary(3), length=92)
    assert write._cache_size() == 1


# What cannot be written.


def test_a_row_that_does_not_fit_is_padding(drawn: dict[str, Program]) -> None:
    full = write(drawn["s2"][:200])
    cut = write(drawn["s2"][:200], length=30)
    too_long = np.asarray(full.length) > 30
    assert 0.2 < too_long.mean() < 0.8
    np.testing.assert_array_equal(cut.status, np.where(too_long, TokenStatus.TOO_LONG.value, 0))
    np.testing.assert_array_equal(cut.length, full.length)
    np.testing.assert_array_equal(cut.ids[~too_long], full.ids[~too_long, :30])
    assert not np.any(cut.ids[too_long] != WORDS.pad)


def test_what_the_vocabulary_lacks_is_reported() -> None:
    base = tree.to_programs([[Operation("add", (Number(5, -1), Variable(80)))]] * 2, False)
    lacking: list[dict[str, Any]] = [
        {"bias_mantissa": 10**9}, {"bias_mantissa": -(2**31)}, {"scale_mantissa": -(10**9)},
        {"bias_exponent": 109}, {"scale_exponent": -109}, {"a": -82},
        {"op": len(TABLE)}, {"op": -1},
    ]  # fmt: skip
    for change in lacking:
        [(name, value)] = change.items()
        leaf = getattr(base, name)
        wrong = dataclasses.replace(base, **{name: leaf.at[1].set(jnp.asarray(value, leaf.dtype))})
        tokens = to_tokens(wrong)
        assert tokens.status.tolist() == [0, TokenStatus.UNREPRESENTABLE.value], change
        assert not np.any(tokens.ids[1])
    harmless = dataclasses.replace(base, bias_mantissa=base.bias_mantissa * 0 + 10**9 - 1)
    assert not np.any(to_tokens(harmless).status)


@pytest.mark.usefixtures("unchecked")
def test_wrong_calls_are_refused(drawn: dict[str, Program]) -> None:
    program = drawn["s2"]
    with pytest.raises(ValueError, match="must have an axis of outputs"):
        to_tokens(program[0, 0])
    with pytest.raises(ValueError, match=r"length=1\): must be an integer >= 2"):
        to_tokens(program, length=1)
    wide = jax.tree.map(lambda leaf: jnp.repeat(leaf[:1], 600, axis=1), program)
    with pytest.raises(ValueError, match="fewer outputs at a time"):
        to_tokens(wide)
    with pytest.raises(TypeError, match="num_nodes=2.5"):
        from_tokens(np.zeros(4, np.int16), num_nodes=2.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="num_outputs=0"):
        from_tokens(np.zeros(4, np.int16), num_outputs=0)
    with pytest.raises(TypeError, match=r"ids of dtype float32\): must be integers"):
        from_tokens(jnp.zeros(4, jnp.float32))


# What cannot be read.

MALFORMED = [
    "add x_0", "x_0 x_1", "sin", "|", "x_0 |", "| x_0 |", "+ x_0", "+ N3", "N3", "E3",
    "+ E3", "N3 E3", "+ N3 x_0", "sin + N3", "- N0 E0", "+ N0 N5 E0", "+ N1 N2 N3 N4 E0", "<mask>",
    "x_0 <pad> x_1", "<pad> x_0", "<eos> x_0", "x_0 <eos> <eos>", "x_0 <bos>", "<bos> <bos> x_0",
    "add + N3 E0", "mul + N3 E0 |", "e x_0", "+ + N3 E0", "add add + N3 E0 + N3 E0", "+ N3 E0 E0",
    "x_0 <eos> <pad> x_0", "<bos> |", "<bos> + N3",
]  # fmt: skip
WELL_FORMED = [
    "", "<bos>", "<bos> <eos>", "<eos>", "<pad>", "x_0", "<bos> x_0", "x_0 <eos>", "x_0 | x_1",
    "| x_0", "<bos> add + N3 E0 + N3 E0 | e <eos>", "mul + N1 E0 x_0", "add + N0 E2 x_0",
]  # fmt: skip


@pytest.mark.parametrize("padded", [True, False])
def test_malformed_rows_are_reported(padded: bool) -> None:
    for expected, texts in ((TokenStatus.MALFORMED, MALFORMED), (TokenStatus.OK, WELL_FORMED)):
        for text in texts:
            words = text.split()
            if not padded and not words:
                continue
            ids = rows_of([words], 12 if padded else len(words))
            program, status = read(ids, num_outputs=2, num_nodes=4)
            assert TokenStatus(int(status[0])) == expected, text
            if expected:
                assert not np.any(program.length)


def test_ids_out_of_range_are_malformed() -> None:
    ids = jnp.array([[-1], [len(WORDS)], [2**30], [-(2**31)], [WORDS.id_of("x_0")]], jnp.int32)
    _, status = from_tokens(ids)
    assert status.tolist() == [4, 4, 4, 4, 0]


def test_a_program_that_is_too_large_is_reported() -> None:
    ids = rows_of([["sin", "sin", "sin", "x_0"], ["x_0", "|", "x_0"], ["sin", "sin", "x_0"]], 5)
    program, status = read(ids, num_nodes=2)
    assert status.tolist() == [8, 8, 0]
    assert program.length.tolist() == [[0], [0], [2]]
    deep = rows_of([["add"] * 30 + ["x_0"] * 31], 70)
    assert read(deep, num_nodes=5).status.tolist() == [8]
    assert read(deep).status.tolist() == [0]


def stripped(ids: np.ndarray) -> list[int]:
    """The ids of expressions alone."""
    return [int(i) for i in ids if i not in (WORDS.pad, WORDS.bos, WORDS.eos)]


def check_any_ids(ids: np.ndarray) -> float:
    """Rows are refused, or `to_tokens` gives them back; the part that is refused."""
    program, status = read(ids, num_outputs=2, num_nodes=min(ids.shape[1], 14))
    refused = np.asarray(status) != 0
    assert set(np.unique(status)) <= {0, 4, 8}
    assert not np.any(np.asarray(program.length)[refused])
    again = write(program, length=ids.shape[1] + 2)
    assert not np.any(again.status)
    for row in np.flatnonzero(~refused):
        assert stripped(ids[row]) == stripped(np.asarray(again.ids[row]))
    return float(refused.mean())


def test_random_ids_are_refused_or_come_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    common = WORDS.encode(["x_0", "x_1", "sin", "e", "add", "mul", "+", "N1", "E0", "|", "<pad>"])
    ids = rng.choice(common, (20_000, 5)).astype(np.int16)
    assert 0.9 < check_any_ids(ids) < 0.999
    assert check_any_ids(rng.integers(-5, len(WORDS) + 5, (1000, 12)).astype(np.int16)) > 0.9


def test_damaged_rows_are_refused_or_come_back(drawn: dict[str, Program], seed: int) -> None:
    rng = np.random.default_rng(seed)
    tokens = write(drawn["s2"][:2000], length=92)
    ids, size = np.array(tokens.ids)[:, :40], np.asarray(tokens.length)
    cut = np.where(np.arange(40) < rng.integers(1, 40, (2000, 1)), ids, WORDS.pad)
    assert check_any_ids(cut.astype(np.int16)) > 0.5
    place = rng.integers(0, np.minimum(size, 40))
    one = ids.copy()
    one[np.arange(2000), place] = rng.integers(0, len(WORDS), 2000)
    assert check_any_ids(one) > 0.5
    swapped = ids.copy()
    swapped[np.arange(2000), place] = ids[np.arange(2000), rng.permutation(place)]
    check_any_ids(swapped)


def test_every_status_has_a_sentence() -> None:
    assert TokenStatus.OK.sentence == "Converted."
    sentences = {status.sentence for status in TokenStatus if status}
    assert len(sentences) == 4
    assert all(sentence[0].isupper() and sentence[-1] == "." for sentence in sentences)
