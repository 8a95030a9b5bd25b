"""The laws of random expressions: against exact formulas and the reference's own tables."""

import dataclasses
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import cache, partial
from itertools import product
from math import comb
from pathlib import Path
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s2jax.core.random import fold_in, random_bits, words_of
from s2jax.laws import AbstractLaw, Decimals, S2Law, UniformLaw
from s2jax.programs import Program, operators
from s2jax.programs import trees as trees
from tests.programs import Node, count_tokens, decode, expected_places, places
from tests.statistics import assert_counts_match, assert_same_law

NUM_PROGRAMS = 40_000
REFERENCE = json.loads((Path(__file__).parent / "reference/expression_law.json").read_text())
LAWS = {
    "s2": S2Law(),
    "uniform": UniformLaw(max_operators=4),
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


TRACES: list[AbstractLaw] = []


@partial(jax.jit, static_argnames=("size", "num_inputs"))
def sample(
    key: jax.Array, law: AbstractLaw, size: int, used_inputs: int, num_inputs: int
) -> Program:
    """Draw programs, all with the same number of used inputs; compiled once for many tests."""
    TRACES.append(law)
    words = fold_in(words_of(key), jnp.arange(size))
    return law.draw(words, jnp.full(size, used_inputs, jnp.int32), num_inputs, True)


@every_law
def test_quickly_compiled_draws_are_those_of_the_product(key: jax.Array, law: AbstractLaw) -> None:
    """Which is what lets every other test draw programs quickly."""
    words, used = fold_in(words_of(key), jnp.arange(4000)), jnp.full(4000, 2, jnp.int32)
    as_for_users = jax.jit(type(law).draw, static_argnums=(3, 4))(law, words, used, 3, True)
    jax.tree.map(np.testing.assert_array_equal, sample(key, law, 4000, 2, 3), as_for_users)


def expressions(
    key: jax.Array, law: AbstractLaw, used: int = 1, size: int = 4000, inputs: int = 3
) -> list[Node]:
    """Draw programs and read them back as trees."""
    return decode(jax.device_get(sample(key, law, size, used, inputs)))


@dataclasses.dataclass
class Tally:
    """One expression in numbers."""

    root: Node

    def __post_init__(self) -> None:
        nodes = list(self.root.nodes())
        self.num_affine = sum((node.scale is not None) + (node.bias is not None) for node in nodes)
        self.num_tokens = len(nodes) + 2 * self.num_affine
        self.leaves = [node for node in nodes if not node.children]
        self.unaries = [node for node in nodes if len(node.children) == 1]
        self.binaries = [node.word for node in nodes if len(node.children) == 2]
        self.num_constant_leaves = sum(not leaf.is_variable for leaf in self.leaves)
        self.num_variables = len({leaf.word for leaf in self.leaves if leaf.is_variable})
        self.size = (len(self.binaries), len(self.unaries))


@cache
def s2_tallies(used_inputs: int) -> list[Tally]:
    """Programs of the default law; with two used inputs out of three the rest is untouched."""
    key = jax.random.fold_in(jax.random.key(0), zlib.crc32(b"s2_tallies") + used_inputs)
    num_inputs = 1 if used_inputs == 1 else 3
    return [
        Tally(root) for root in expressions(key, S2Law(), used_inputs, NUM_PROGRAMS, num_inputs)
    ]


every_size = pytest.mark.parametrize("used_inputs", [1, 2, 3])


@cache
def words(num_binary: int, num_unary: int) -> tuple[str, ...]:
    """Every tree with so many nodes, as prefix words of arities."""
    if num_binary == num_unary == 0:
        return ("0",)
    out = ["1" + word for word in words(num_binary, num_unary - 1)] if num_unary else []
    for left_binary, left_unary in product(range(num_binary), range(num_unary + 1)):
        left = words(left_binary, left_unary)
        right = words(num_binary - 1 - left_binary, num_unary - left_unary)
        out += ["2" + a + b for a, b in product(left, right)]
    return tuple(out)


def uniform_law(cells: Iterable[Any]) -> dict[Any, float]:
    """Return equal probabilities."""
    cells = list(cells)
    return dict.fromkeys(cells, 1 / len(cells))


def to_words(kind: jax.Array) -> Counter[str]:
    """Count trees sampled as `(nodes, batch)` by prefix word of arities."""
    assert {trees.NONE, trees.LEAF, trees.UNARY, trees.BINARY} == {-1, 0, 1, 2}
    digits = (np.asarray(kind).T + ord("0")).astype(np.uint8)
    rows, counts = np.unique(digits, axis=0, return_counts=True)
    out: Counter[str] = Counter()
    for row, number in zip(rows, counts.tolist(), strict=True):
        out[row.tobytes().decode().rstrip("/")] = number
    return out


def subtree_sizes(word: str) -> list[int]:
    """Return the number of nodes under each node of a prefix word, itself included."""
    out = []
    for start in range(len(word)):
        slots, end = 1, start
        while slots:
            slots += int(word[end]) - 1
            end += 1
        out.append(end - start)
    return out


class TestShapes:
    @pytest.mark.parametrize(("num_binary", "num_unary"), [(3, 0), (4, 0), (2, 2), (3, 3)])
    def test_every_tree_is_equally_likely(
        self, key: jax.Array, num_binary: int, num_unary: int
    ) -> None:
        counts = self.draw(key, num_binary, num_unary)
        possible = words(num_binary, num_unary)
        b, u = num_binary, num_unary
        assert len(set(possible)) == len(possible) == comb(2 * b, b) // (b + 1) * comb(2 * b + u, u)
        assert_counts_match(counts, uniform_law(possible))

    def test_a_slightly_wrong_law_bites(self, key: jax.Array) -> None:
        law = uniform_law(words(3, 0))
        law["2220000"], law["2202000"] = law["2220000"] * 1.02, law["2202000"] * 0.98
        with pytest.raises(AssertionError, match="do not follow the law"):
            assert_counts_match(self.draw(key, 3, 0), law)

    def draw(self, key: jax.Array, num_binary: int, num_unary: int, size: int = 400_000) -> Counter:
        # two slots too many: they stay empty
        bits = random_bits(fold_in(words_of(key), jnp.arange(size)), 2 * num_binary + num_unary + 3)
        full = lambda number: jnp.full(size, number, jnp.int32)
        return to_words(jax.jit(trees.sample_shapes)(bits, full(num_binary), full(num_unary)))

    def test_relations_between_nodes(self, key: jax.Array) -> None:
        """Sub-tree sizes, parents and right children against a plain reading of the words."""
        size = 300
        bits = random_bits(fold_in(words_of(key), jnp.arange(size)), 13)
        kind = trees.sample_shapes(bits, jnp.arange(size) % 5, jnp.arange(size) % 4)
        slots = trees.count_open(kind)
        position = jnp.broadcast_to(jnp.arange(13)[:, None], kind.shape)
        sizes = np.asarray(trees.subtree_sizes(kind, slots))
        parents = np.asarray(trees.of_parent(position, kind, slots, at_root=-7))
        rights = np.asarray(trees.of_right_child(position, slots))
        for column in range(size):
            word = "".join(str(arity) for arity in kind[:, column].tolist() if arity >= 0)
            expected = subtree_sizes(word)
            assert sizes[: len(word), column].tolist() == expected
            assert parents[0, column] == -7
            for node, arity in enumerate(word):
                children = (
                    [node + 1, node + 1 + expected[node + 1]][: int(arity)] if arity > "0" else []
                )
                assert [parents[child, column] for child in children] == [node] * int(arity)
                if arity == "2":
                    assert rights[node, column] == children[1]

    def test_ranks_are_a_random_order(self, key: jax.Array) -> None:
        size = 100_000
        order = random_bits(fold_in(words_of(key), jnp.arange(size)), 6)
        chosen = jnp.broadcast_to(jnp.array([[1], [0], [1], [1], [0], [1]]) == 1, order.shape)
        rank = np.asarray(jax.jit(trees.rank_among)(order, chosen))
        others = rank[[1, 4]]
        assert others.min() >= 4
        ranks = Counter(map(tuple, rank[[0, 2, 3, 5]].T.tolist()))
        assert len(ranks) == 24
        assert_counts_match(ranks, uniform_law(ranks))


class TestUniformLaw:
    def draw(self, key: jax.Array, law: UniformLaw, size: int = 500_000) -> Counter:
        words_ = fold_in(words_of(key), jnp.arange(size))
        bits = random_bits(words_, law.num_shape_bits(1))
        return to_words(eqx.filter_jit(law.sample_shape)(bits, jnp.ones(size, jnp.int32), 1))

    def test_every_tree_of_four_operators(self, key: jax.Array) -> None:
        counts = self.draw(key, UniformLaw(min_operators=4, max_operators=4))
        possible = [word for b in range(5) for word in words(b, 4 - b)]
        assert len(possible) == 90
        assert_counts_match(counts, uniform_law(possible))
        by_binary = Counter()
        for word, number in counts.items():
            by_binary[word.count("2")] += number
        law = {b: len(words(b, 4 - b)) / 90 for b in range(5)}
        assert_counts_match(by_binary, law)

    def test_number_of_operators(self, key: jax.Array) -> None:
        counts = self.draw(key, UniformLaw(min_operators=1, max_operators=3))
        law = {}
        for size in (1, 2, 3):
            possible = [word for b in range(size + 1) for word in words(b, size - b)]
            law |= {word: p / 3 for word, p in uniform_law(possible).items()}
        assert_counts_match(counts, law)

    def test_one_leaf_is_a_variable_whatever_the_probability(self, key: jax.Array) -> None:
        law = UniformLaw(min_operators=4, max_operators=4, constant_probability=1.0)
        places_ = Counter()
        for root in expressions(key, law, used=2):
            leaves = [node.word for node in root.nodes() if not node.children]
            variables = [i for i, word in enumerate(leaves) if word.startswith("x_")]
            assert len(variables) == 1
            places_[len(leaves), variables[0], leaves[variables[0]]] += 1
        by_leaves = {n: len(words(n - 1, 5 - n)) / 90 for n in range(1, 6)}
        exact = {
            (n, place, f"x_{index}"): p / (2 * n)
            for n, p in by_leaves.items()
            for place in range(n)
            for index in range(2)
        }
        assert_counts_match(places_, exact)

    def test_constant_leaves(self, key: jax.Array) -> None:
        law = UniformLaw(min_operators=4, max_operators=4, constant_probability=0.4)
        counts = Counter()
        for tally in map(Tally, expressions(key, law)):
            counts[len(tally.leaves), tally.num_constant_leaves] += 1
        exact = {
            (n, c): len(words(n - 1, 5 - n)) / 90 * comb(n - 1, c) * 0.4**c * 0.6 ** (n - 1 - c)
            for n in range(1, 6)
            for c in range(n)
        }
        assert_counts_match(counts, exact)


@every_size
class TestS2LawIsThatOfTheReference:
    """Two samples, 40 000 expressions of the reference and ours; see tests/reference."""

    TABLES: ClassVar[dict[str, Callable[[Tally], list[str]]]] = {
        "affine_by_operators": lambda t: [f"{t.size[0]},{t.size[1]},{t.num_affine}"],
        "length": lambda t: [str(t.num_tokens)],
        "first_leaf": lambda t: [t.leaves[0].word],
        "last_leaf": lambda t: [t.leaves[-1].word],
        "leaf_constants": lambda t: [str(t.num_constant_leaves)],
        "first_unary_leaves": lambda t: [str(node.num_leaves) for node in t.unaries[:1]],
        "unary_name": lambda t: [node.word for node in t.unaries],
        "binary_name": lambda t: t.binaries,
    }

    @pytest.mark.parametrize("table", TABLES)
    def test_table(self, used_inputs: int, table: str) -> None:
        ours = self.count(used_inputs, table)
        assert_same_law(ours, REFERENCE[f"input_dimension_{used_inputs}"][table], what=table)

    def test_another_number_of_inputs_bites(self, used_inputs: int) -> None:
        other = used_inputs % 3 + 1
        for table in ("affine_by_operators", "length", "first_leaf", "leaf_constants"):
            ours = self.count(used_inputs, table)
            with pytest.raises(AssertionError):
                assert_same_law(ours, REFERENCE[f"input_dimension_{other}"][table])

    def count(self, used_inputs: int, table: str) -> Counter:
        cells = self.TABLES[table]
        return Counter(cell for tally in s2_tallies(used_inputs) for cell in cells(tally))


@every_size
class TestS2LawExactly:
    def test_eligible_and_kept_unaries(self, used_inputs: int) -> None:
        """b ~ U{0..M+3}, u ~ U{0..5}, of which min(u, eligible) are kept."""
        counts: Counter[Any] = Counter()
        for tally in s2_tallies(used_inputs):
            counts[(tally.size[0], self.eligible(tally.root.binary_shape), tally.size[1])] += 1
        exact: dict[Any, float] = defaultdict(float)
        for b in range(used_inputs + 4):
            for word in words(b, 0):
                eligible = self.eligible(word)
                for u in range(6):
                    p = 1 / (used_inputs + 4) / len(words(b, 0)) / 6
                    exact[(b, eligible, min(u, eligible))] += p
        assert_counts_match(counts, exact)

    def eligible(self, word: str) -> int:
        return sum(size < 6 for size in subtree_sizes(word)[1:])

    @pytest.mark.parametrize("size", [(2, 2), (3, 3)])
    def test_unaries_stand_anywhere_with_equal_probability(
        self, used_inputs: int, size: tuple[int, int]
    ) -> None:
        counts = Counter(t.root.shape for t in s2_tallies(used_inputs) if t.size == size)
        possible = [w for w in words(*size) if w[0] == "2" and "11" not in w]
        assert len(possible) == len(words(size[0], 0)) * comb(2 * size[0], size[1])
        assert_counts_match(counts, uniform_law(possible))

    def test_distinct_variables(self, used_inputs: int) -> None:
        counts = Counter((t.size[0], t.num_variables) for t in s2_tallies(used_inputs))
        exact: dict[Any, float] = {}
        m = used_inputs
        for b in range(m + 4):
            forced = min(b + 1, m)
            # x_1, ..., x_{forced-1} and a first one that may be among them
            repeated = (forced - 1) / m
            law = {forced - 1: repeated, forced: 1 - repeated}
            for _ in range(b + 1 - forced):
                grown: dict[int, float] = defaultdict(float)
                for number, p in law.items():
                    new = 0.75 * (m - number) / m
                    grown[number + 1] += p * new
                    grown[number] += p * (1 - new)
                law = grown
            exact.update({(b, number): p / (m + 4) for number, p in law.items()})
        assert_counts_match(counts, exact)

    def test_constant_leaves(self, used_inputs: int) -> None:
        counts = Counter((t.size[0], t.num_constant_leaves) for t in s2_tallies(used_inputs))
        exact = {}
        for b in range(used_inputs + 4):
            free = max(b + 1 - used_inputs, 0)
            for c in range(free + 1):
                exact[b, c] = comb(free, c) * 0.25**c * 0.75 ** (free - c) / (used_inputs + 4)
        assert_counts_match(counts, exact)
        named = Counter(leaf.word for t in s2_tallies(used_inputs) for leaf in t.leaves)
        named = Counter({word: n for word, n in named.items() if not word.startswith("x_")})
        integers = [str(number) for number in range(-10, 11) if number]
        assert_counts_match(named, uniform_law([*integers, "e", "pi", "euler_gamma"]))

    def test_variables_stay_within_the_used_ones(self, used_inputs: int) -> None:
        seen = {leaf.word for t in s2_tallies(used_inputs) for leaf in t.leaves if leaf.is_variable}
        assert seen == {f"x_{index}" for index in range(used_inputs)}


class TestOperators:
    def test_weights(self, key: jax.Array) -> None:
        binary, unary = {"pow": 1.0, "div": 3.0}, {"tanh": 2.0, "abs": 0.5, "sqrt": 0.0}
        law = S2Law(binary_weights=binary, unary_weights=unary)
        counts: dict[int, Counter[str]] = {1: Counter(), 2: Counter()}
        for root in expressions(key, law):
            for node in root.nodes():
                if node.children:
                    counts[len(node.children)][node.word] += 1
        assert_counts_match(counts[2], {"pow": 0.25, "div": 0.75})
        assert_counts_match(counts[1], {"tanh": 0.8, "abs": 0.2})

    def test_every_operator_can_be_drawn(self, key: jax.Array) -> None:
        binary, unary = (dict.fromkeys(operators.drawable(arity), 1.0) for arity in (2, 1))
        law = S2Law(binary_weights=binary, unary_weights=unary)
        seen = {node.word for root in expressions(key, law) for node in root.nodes()}
        assert seen >= {*operators.drawable(1), *operators.drawable(2)}


class TestConstants:
    def draw(self, key: jax.Array, law: Decimals, size: int = 1_000_000) -> tuple[np.ndarray, ...]:
        bits = random_bits(fold_in(words_of(key), jnp.arange(size)), 1)[0]
        mantissa, exponent = jax.jit(law.from_bits)(bits)
        return np.asarray(mantissa), np.asarray(exponent)

    def test_law(self, key: jax.Array) -> None:
        mantissa, exponent = self.draw(key, Decimals())
        size = np.abs(mantissa)
        assert_counts_match(np.bincount(size, minlength=1000)[1:], np.full(999, 1 / 999))
        # sign, exponent and the leading part of the mantissa are independent
        cells = Counter(zip(mantissa > 0, exponent.tolist(), (size - 1) // 37, strict=True))
        law = uniform_law(product([False, True], [-3, -2, -1], range(27)))
        assert_counts_match(cells, law)
        law = uniform_law(product([False, True], [-3, -2, -1, 0], range(27)))
        with pytest.raises(AssertionError):
            assert_counts_match(cells, law)

    def test_other_ranges(self, key: jax.Array) -> None:
        mantissa, exponent = self.draw(
            key, Decimals(digits=1, min_exponent=0, max_exponent=2), 100_000
        )
        law = uniform_law(product([n for n in range(-9, 10) if n], [0, 1, 2]))
        assert_counts_match(Counter(zip(mantissa.tolist(), exponent.tolist(), strict=True)), law)

    def test_in_programs(self, key: jax.Array) -> None:
        """The scale and the bias of one instruction, and those of two, are independent."""
        program = jax.device_get(sample(key, S2Law(), NUM_PROGRAMS, 3, 3))
        scaled, biased = program.scale_exponent != 0, program.bias_mantissa != 0
        both = scaled & biased
        assert np.all((program.scale_mantissa == 1) | scaled)
        assert np.all((program.bias_exponent == 0) | biased)
        law = uniform_law(product([False, True], [-3, -2, -1], range(3), repeat=2))
        rows = [
            (m[both] > 0, e[both], (np.abs(m[both]) - 1) // 333)
            for m, e in (
                (program.scale_mantissa, program.scale_exponent),
                (program.bias_mantissa, program.bias_exponent),
            )
        ]
        columns = [column.tolist() for row in rows for column in row]
        assert_counts_match(Counter(zip(*columns, strict=True)), law)
        pair = scaled[:, :2].all(1)
        first, second = (program.scale_mantissa[pair, i] for i in (0, 1))
        cells = zip(first > 0, second > 0, abs(first) % 9, abs(second) % 9, strict=True)
        law = uniform_law(product([False, True], [False, True], range(9), range(9)))
        assert_counts_match(Counter(cells), law)


class TestPlacement:
    @pytest.mark.parametrize("affine", ["reduced", "full", "none"])
    @every_law
    def test_program_by_program(self, key: jax.Array, law: AbstractLaw, affine: Any) -> None:
        roots = expressions(key, dataclasses.replace(law, affine=affine), used=2)
        wrong = [root for root in roots if places(root) != expected_places(root, affine)]
        assert not wrong, wrong[0]
        arities = {len(root.children) for root in roots}
        assert arities == ({0, 2} if isinstance(law, S2Law) else {1, 2})

    def test_another_rule_bites(self, key: jax.Array) -> None:
        roots = expressions(key, S2Law(affine="full"))
        assert any(places(root) != expected_places(root, "reduced") for root in roots)


@every_law
class TestEveryLaw:
    def test_sizes_are_bounded(self, key: jax.Array, law: AbstractLaw) -> None:
        """`decode` checks that operands come earlier and every instruction is used once."""
        for root in expressions(key, law, used=3):
            assert count_tokens(root) <= law.max_tokens(3)
            assert any(node.is_variable for node in root.nodes())

    def test_no_expression_is_without_a_variable(self, key: jax.Array, law: AbstractLaw) -> None:
        law = dataclasses.replace(law, constant_probability=1.0)
        for root in expressions(key, law, used=1):
            assert sum(node.is_variable for node in root.nodes()) == 1

    def test_the_batch_does_not_matter(self, key: jax.Array, law: AbstractLaw) -> None:
        many, few = sample(key, law, 4000, 2, 3), sample(key, law, 5, 2, 3)
        assert jax.tree.all(jax.tree.map(lambda a, b: bool(jnp.all(a[:5] == b)), many, few))

    @pytest.mark.long
    def test_jit_equals_eager(self, key: jax.Array, law: AbstractLaw) -> None:
        keys, used = fold_in(words_of(key), jnp.arange(16)), jnp.full(16, 2, jnp.int32)
        eager = law.draw(keys, used, 3, True)
        jitted = eqx.filter_jit(law.draw)(keys, used, 3, True)
        assert jax.tree.all(jax.tree.map(lambda a, b: bool(jnp.all(a == b)), eager, jitted))

    def test_no_leaf_recompiles(self, key: jax.Array, law: AbstractLaw) -> None:
        before = sample(key, law, 4000, 2, 3)
        traces = len(TRACES)
        leaves, structure = jax.tree.flatten(law)
        changed = 0
        for index, leaf in enumerate(leaves):
            other = leaf + 1 if isinstance(leaf, int) else leaf * 0.3 + 0.2
            changed_law = structure.unflatten([*leaves[:index], other, *leaves[index + 1 :]])
            after = sample(key, changed_law, 4000, 2, 3)
            changed += any(
                bool(jnp.any(a != b))
                for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
            )
        assert len(leaves) > 20
        assert len(TRACES) == traces
        # every leaf matters but perhaps the constants, where none are placed
        assert changed >= len(leaves) - 3

    def test_the_fields_are_stored_narrow(self, key: jax.Array, law: AbstractLaw) -> None:
        program = sample(key, law, 4000, 1, 3)
        assert program.shape == (4000,)
        assert program.num_nodes == law.num_nodes(3)
        assert program.op.dtype == jnp.int8
        assert program.b.dtype == jnp.int16


class TestEdges:
    @pytest.mark.parametrize(
        "law",
        [
            S2Law(max_binary_per_input=0, binary_offset=1, max_unary=0),
            UniformLaw(min_operators=0, max_operators=1, constant_probability=1.0),
            S2Law(unary_subtree_limit=0, max_binary_per_input=3, min_binary_per_input=1),
        ],
    )
    def test_extreme_laws_decode(self, key: jax.Array, law: AbstractLaw) -> None:
        for root in expressions(key, law, 2, 200, 2):
            assert places(root) == expected_places(root, law.affine)
            if isinstance(law, S2Law) and not (law.unary_subtree_limit and law.max_unary):
                assert "1" not in root.shape

    @pytest.mark.slow
    def test_large_trees(self, key: jax.Array) -> None:
        """As many nodes as sampling without collisions of position allows."""
        law = S2Law(
            min_binary_per_input=8,
            max_binary_per_input=8,
            binary_offset=1,
            min_unary=32,
            max_unary=32,
            unary_subtree_limit=100,
        )
        roots = expressions(key, law, 8, 200, 8)
        assert {Tally(root).size for root in roots} == {(64, 32)}
        assert all(places(root) == expected_places(root, "reduced") for root in roots)


class TestBadArguments:
    CASES: ClassVar = [
        (S2Law, "affine", "half", ValueError),
        (S2Law, "min_binary_per_input", -1, ValueError),
        (S2Law, "max_binary_per_input", 9, ValueError),
        (S2Law, "binary_offset", 0, ValueError),
        (S2Law, "max_unary", 33, ValueError),
        (S2Law, "max_unary", True, TypeError),
        (S2Law, "min_unary", 6, ValueError),
        (S2Law, "unary_subtree_limit", -1, ValueError),
        (S2Law, "constant_probability", 1.5, ValueError),
        (S2Law, "constant_probability", float("nan"), ValueError),
        (S2Law, "max_integer", 0, ValueError),
        (S2Law, "max_integer", 501, ValueError),
        (S2Law, "binary_weights", {"ad": 1.0}, ValueError),
        (S2Law, "binary_weights", {"sin": 1.0}, ValueError),
        (S2Law, "binary_weights", {"add": -1.0}, ValueError),
        (S2Law, "unary_weights", {}, ValueError),
        (S2Law, "unary_weights", {"sin": 0.0}, ValueError),
        (UniformLaw, "max_operators", 0, ValueError),
        (UniformLaw, "max_operators", 33, ValueError),
        (UniformLaw, "min_operators", 9, ValueError),
        (UniformLaw, "unary_weights", {"id": 1.0}, ValueError),
        (UniformLaw, "affine", "Full", ValueError),
        (Decimals, "digits", 5, ValueError),
        (Decimals, "digits", True, TypeError),
        (Decimals, "min_exponent", -11, ValueError),
        (Decimals, "max_exponent", -4, ValueError),
    ]

    @pytest.mark.usefixtures("unchecked")
    @pytest.mark.parametrize(("kind", "name", "value", "error"), CASES)
    def test_the_message_names_the_argument(
        self, kind: type, name: str, value: Any, error: type[Exception]
    ) -> None:
        with pytest.raises(error, match=rf"{kind.__name__}\({name}"):
            kind(**{name: value})

    def test_a_misspelled_operator_gets_a_hint(self) -> None:
        with pytest.raises(ValueError, match="Did you mean 'sqrt'"):
            S2Law(unary_weights={"sqr": 1.0, "sin": 1.0})
