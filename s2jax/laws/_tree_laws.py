"""Laws of random expressions, sampled for a whole batch at once."""

import abc
from collections.abc import Mapping, Sequence
from functools import partial
from math import comb
from typing import Any, Literal, TypeVar, cast, get_args

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

from s2jax.core import checks
from s2jax.core.part import Part, check_part
from s2jax.core.random import below, categorical, random_bits, take_below, uniform
from s2jax.core.types import Number, Whole, number, whole
from s2jax.laws import _assemble
from s2jax.laws._base import AbstractLaw
from s2jax.laws._operators import with_operators
from s2jax.programs import operators
from s2jax.programs import trees as trees
from s2jax.programs.operators import CONST, ID, NUM_LEAVES, OPCODE
from s2jax.programs.program import Program

Affine = Literal["reduced", "full", "none"]
_ADD, _SUB = OPCODE["add"], OPCODE["sub"]


class Decimals(Part):
    """Random constants: a random sign, mantissa ~ U{1..10**digits - 1}, exponent ~ U{min..max}.

    At the defaults |value| lies in [0.001, 99.9], as in the reference implementation.

    Attributes:
        digits: Digits of the mantissa. Static.
        min_exponent, max_exponent: Range of the power of ten.

    Raises:
        ValueError: If a field is out of range.

    Example:
        >>> Decimals(digits=2).digits
        2
    """

    noun = "a Decimals"
    example = "s2jax.laws.Decimals(digits=3)"

    digits: int = eqx.field(static=True, default=3)
    min_exponent: Whole = whole(-3)
    max_exponent: Whole = whole(-1)

    def __check_init__(self):
        checks.check_static_integer("Decimals", "digits", self.digits, 1, 4)
        checks.check_number("Decimals", "min_exponent", self.min_exponent, -10, 10, integer=True)
        low = float(self.min_exponent) if checks.is_concrete(self.min_exponent) else -10.0
        checks.check_number("Decimals", "max_exponent", self.max_exponent, low, 10, integer=True)

    def from_bits(
        self, bits: UInt32[Array, "*shape"]
    ) -> tuple[Int[Array, "*shape"], Int[Array, "*shape"]]:
        """Signed mantissas and exponents."""
        negative, bits = take_below(bits, 2)
        exponent, bits = take_below(bits, self.max_exponent - self.min_exponent + 1)
        mantissa = below(bits, 10**self.digits - 1) + 1
        return jnp.where(negative == 1, -mantissa, mantissa), exponent + self.min_exponent


def _weights(arity: int):
    return eqx.field(default_factory=lambda: operators.default_weights(arity))


_Law = TypeVar("_Law")


class AbstractTreeLaw(AbstractLaw):
    """A law that draws a tree, labels its nodes, and places affine constants."""

    binary_weights: eqx.AbstractVar[Mapping[str, Number]]
    unary_weights: eqx.AbstractVar[Mapping[str, Number]]
    constant_probability: eqx.AbstractVar[Number]
    max_integer: eqx.AbstractVar[Whole]
    affine: eqx.AbstractVar[Affine]
    constants: eqx.AbstractVar[Decimals]

    @property
    def num_digits(self) -> int:
        return max(self.constants.digits, 3)  # leaves are integers up to 500

    def with_operators(self: _Law, names: Sequence[str] | Mapping[str, Number]) -> _Law:
        """The law with these operators and no others.

        Args:
            names: Of unary and binary operators; each alike, or with their weights. Without unary
                ones, none are inserted.

        Raises:
            TypeError: If they are no list, and no dict, of names.
            ValueError: If a name is unknown, or no operator has two operands.

        Example:
            >>> law = S2Law().with_operators(["add", "mul", "sin"])
            >>> law.unary_weights, law.max_unary
            ({'sin': 1.0}, 5)
            >>> S2Law().with_operators({"add": 2.0, "mul": 1.0}).max_unary
            0
        """
        return with_operators(cast(Any, self), names)

    @abc.abstractmethod
    def num_shape_bits(self, num_inputs: int) -> int:
        """Number of random words that `sample_shape` reads per expression."""

    @abc.abstractmethod
    def sample_shape(
        self, bits: UInt32[Array, "words batch"], used_inputs: Int[Array, " batch"],
        num_inputs: int,
    ) -> Int[Array, "nodes batch"]:  # fmt: skip
        """Draw trees as words of node kinds in prefix order."""

    @abc.abstractmethod
    def num_forced_variables(self, used_inputs: Int[Array, " batch"]) -> Int[Array, " batch"]:
        """How many leaves, in random order, are variables whatever the probability of constants."""

    def draw(self, words, used_inputs, num_inputs, protected, stream=0) -> Program:
        self.check_inputs(num_inputs)
        size, shape_bits = self.num_nodes(num_inputs), self.num_shape_bits(num_inputs)
        bits = random_bits(words, shape_bits + 5 * size, stream)
        kind = self.sample_shape(bits[:shape_bits], used_inputs, num_inputs)
        label, order, extra, scale_bits, bias_bits = bits[shape_bits:].reshape(5, size, -1)
        rank = trees.rank_among(order, kind == trees.LEAF)
        label_row = partial(self._label, used_inputs=used_inputs)
        op, operand = trees.row_by_row(label_row, kind, label, rank, extra)
        slots = trees.count_open(kind)
        has_scale, has_bias = self._place_constants(kind, op, slots)
        code, length = _assemble.assemble(kind, slots, op, operand, has_scale, has_bias)
        op, a, b, has_scale, has_bias = code
        scale, bias = self.constants.from_bits(scale_bits), self.constants.from_bits(bias_bits)
        return Program(
            op=op.T.astype(jnp.int8),
            a=a.T,
            b=b.T.astype(jnp.int16),
            scale_mantissa=jnp.where(has_scale, scale[0], 1).T,
            scale_exponent=jnp.where(has_scale, scale[1], 0).T.astype(jnp.int8),
            bias_mantissa=jnp.where(has_bias, bias[0], 0).T,
            bias_exponent=jnp.where(has_bias, bias[1], 0).T.astype(jnp.int8),
            length=length,
            protected=protected,
        )

    def _label(self, kind, label, rank, extra, used_inputs):
        """Opcode and immediate operand of nodes: variables have opcode `id`."""
        any_variable = below(extra, used_inputs)
        forced = rank < self.num_forced_variables(used_inputs)
        variable = jnp.where((rank == 0) | ~forced, any_variable, rank)
        is_constant = ~forced & (uniform(label) < self.constant_probability)
        # one of +-1..+-max_integer and the named constants; `extra` is unused by a constant leaf
        choice = below(extra, 2 * self.max_integer + NUM_LEAVES - 1)
        integer = choice - self.max_integer
        integer = jnp.where(integer >= 0, integer + 1, integer)
        named = choice - 2 * self.max_integer
        leaf_op = jnp.where(is_constant, jnp.where(named >= 0, named + 1, CONST), ID)
        operand = jnp.where(is_constant, jnp.where(named >= 0, 0, integer), -1 - variable)
        binary = _draw_operator(label, self.binary_weights, 2)
        unary = _draw_operator(label, self.unary_weights, 1)
        op = jnp.where(kind == trees.BINARY, binary, jnp.where(kind == trees.UNARY, unary, leaf_op))
        return op, operand

    def _place_constants(self, kind, op, slots) -> tuple[Bool[Array, "..."], Bool[Array, "..."]]:
        """Which nodes get a scale and which a bias."""
        here = kind != trees.NONE
        root = here & (jnp.arange(kind.shape[0])[:, None] == 0)
        is_sum = (op == _ADD) | (op == _SUB)
        if self.affine == "none":
            return jnp.zeros(kind.shape, bool), jnp.zeros(kind.shape, bool)
        if self.affine == "full":
            placed = here & ((kind == trees.UNARY) | ((kind == trees.LEAF) & (op == ID)))
            return placed, placed
        role = jnp.where(kind == trees.UNARY, 2, is_sum.astype(jnp.int32))
        above = trees.of_parent(role, kind, slots, at_root=0)
        under_unary = here & ~is_sum & (above == 2)
        has_scale = under_unary | (here & ~is_sum & (above == 1))
        nothing = ~(has_scale | under_unary).any(0, keepdims=True)
        return has_scale | (root & nothing), under_unary | root


class S2Law(AbstractTreeLaw):
    """The Series-Symbol papers' law: a random binary tree, unaries inserted, affine constants.

    The number of binary operators is uniform in {min_binary_per_input * M, ...,
    max_binary_per_input * M + binary_offset - 1} for M used inputs, the shape uniform among the
    binary trees of that size. Unary operators are then inserted above nodes, never the root, whose
    sub-tree has fewer than `unary_subtree_limit` nodes: a uniformly chosen subset of at most
    u ~ U{min_unary..max_unary}. Leaves are labelled in random order: the first takes any variable,
    the next x_1, x_2, ..., and when M variables are placed each is a constant with
    `constant_probability` (one of +-1..+-max_integer, e, pi, Euler's gamma), else any variable.

    Constants are placed as in the reference (`affine="reduced"`): an operand of a sum that is no
    sum itself is scaled, the operand of a unary that is no sum is scaled and shifted, the root is
    shifted, and scaled too if nothing else was. `"full"` scales and shifts every variable and
    every unary; `"none"` leaves the bare tree.

    Attributes:
        binary_weights, unary_weights: Weight per operator name; a missing name has weight 0.
        min_binary_per_input, max_binary_per_input, binary_offset: Range of the number of binary
            operators. Static.
        min_unary: Least number of unary operators to insert.
        max_unary: Largest number of unary operators to insert. Static.
        unary_subtree_limit: Sub-trees of this many nodes and more get no unary above them.
        constant_probability: Probability that a leaf is a constant once all variables are placed.
        max_integer: Largest integer among constant leaves.
        affine: Where constants are placed. Static.
        constants: The law of the affine constants.

    Raises:
        ValueError: If a field is out of range or an operator unknown.

    Example:
        >>> S2Law(unary_weights={"sin": 1.0, "exp": 0.5}).num_nodes(num_inputs=1)
        14

    References:
        Kamienny, d'Ascoli, Lample and Charton (2022), End-to-end symbolic regression with
        transformers, section 3.1 and appendix A; its numbers as in s2generator 0.0.23.
    """

    binary_weights: Mapping[str, Number] = _weights(2)
    unary_weights: Mapping[str, Number] = _weights(1)
    min_binary_per_input: int = eqx.field(static=True, default=0)
    max_binary_per_input: int = eqx.field(static=True, default=1)
    binary_offset: int = eqx.field(static=True, default=4)
    min_unary: Whole = whole(0)
    max_unary: int = eqx.field(static=True, default=5)
    unary_subtree_limit: Whole = whole(6)
    constant_probability: Number = number(0.25)
    max_integer: Whole = whole(10)
    affine: Affine = eqx.field(static=True, default="reduced")
    constants: Decimals = Decimals()

    def __check_init__(self):
        _check_law(self)
        check = lambda name, *bounds: checks.check_static_integer(
            "S2Law", name, getattr(self, name), *bounds
        )
        check("min_binary_per_input", 0)
        check("max_binary_per_input", self.min_binary_per_input, 8)
        check("binary_offset", 1, 32)
        check("max_unary", 0, 32)
        checks.check_number("S2Law", "min_unary", self.min_unary, 0, self.max_unary, integer=True)
        checks.check_number("S2Law", "unary_subtree_limit", self.unary_subtree_limit, 0)

    def _max_binary(self, num_inputs):
        return self.max_binary_per_input * num_inputs + self.binary_offset - 1

    def num_nodes(self, num_inputs: int) -> int:
        return 2 * self._max_binary(num_inputs) + 1 + self.max_unary

    def max_tokens(self, num_inputs: int) -> int:
        return _max_tokens(self.affine, self._max_binary(num_inputs), self.max_unary)

    def num_shape_bits(self, num_inputs: int) -> int:
        return 2 + 2 * (2 * self._max_binary(num_inputs) + 1)

    def num_forced_variables(self, used_inputs):
        return used_inputs

    def sample_shape(self, bits, used_inputs, num_inputs):
        low = self.min_binary_per_input * used_inputs
        high = self._max_binary(used_inputs)
        num_binary = low + below(bits[0], high - low + 1)
        num_unary = self.min_unary + below(bits[1], self.max_unary - self.min_unary + 1)
        shape_bits, order = bits[2:].reshape(2, -1, bits.shape[1])
        kind = trees.sample_shapes(shape_bits, num_binary, jnp.zeros_like(num_binary))
        sizes = trees.subtree_sizes(kind, trees.count_open(kind))
        eligible = (kind != trees.NONE) & (sizes < self.unary_subtree_limit)
        eligible = eligible & (jnp.arange(kind.shape[0])[:, None] > 0)
        above = eligible & (trees.rank_among(order, eligible) < num_unary)
        return trees.insert_unaries(kind, above, self.num_nodes(num_inputs))


class UniformLaw(AbstractTreeLaw):
    """Uniform over unary-binary tree shapes: the law of Lample and Charton.

    The number of operators n is uniform in {min_operators..max_operators}; every unary-binary tree
    with n internal nodes is equally likely. With b binary nodes there are Catalan(b) C(n+b, n-b) of
    them, so b is drawn from that table and the shape uniformly given b. One leaf, uniformly chosen,
    is a variable; each other is a constant with `constant_probability`. Labels and constants are as
    in `S2Law`.

    Attributes:
        binary_weights, unary_weights: Weight per operator name; a missing name has weight 0.
        min_operators: Least number of operators.
        max_operators: Largest number of operators. Static.
        constant_probability: Probability that a leaf is a constant.
        max_integer: Largest integer among constant leaves.
        affine: Where constants are placed; see `S2Law`. Static.
        constants: The law of the affine constants.

    Raises:
        ValueError: If a field is out of range or an operator unknown.

    Example:
        >>> UniformLaw(max_operators=4, affine="none").num_nodes(num_inputs=2)
        9

    References:
        Lample and Charton (2020), Deep learning for symbolic mathematics, appendix C.
    """

    binary_weights: Mapping[str, Number] = _weights(2)
    unary_weights: Mapping[str, Number] = _weights(1)
    min_operators: Whole = whole(1)
    max_operators: int = eqx.field(static=True, default=8)
    constant_probability: Number = number(0.25)
    max_integer: Whole = whole(10)
    affine: Affine = eqx.field(static=True, default="reduced")
    constants: Decimals = Decimals()

    def __check_init__(self):
        _check_law(self)
        checks.check_static_integer("UniformLaw", "max_operators", self.max_operators, 1, 32)
        checks.check_number(
            "UniformLaw", "min_operators", self.min_operators, 0, self.max_operators, integer=True
        )

    def num_nodes(self, num_inputs: int) -> int:
        return 2 * self.max_operators + 1

    def max_tokens(self, num_inputs: int) -> int:
        size = self.max_operators
        return max(_max_tokens(self.affine, b, size - b) for b in range(size + 1))

    def num_shape_bits(self, num_inputs: int) -> int:
        return 2 + self.num_nodes(num_inputs)

    def num_forced_variables(self, used_inputs):
        return jnp.ones_like(used_inputs)

    def sample_shape(self, bits, used_inputs, num_inputs):
        size = self.min_operators + below(bits[0], self.max_operators - self.min_operators + 1)
        edges = jnp.asarray(_binary_count_edges(self.max_operators))[size]
        num_binary = jnp.minimum((bits[1][:, None] >= edges).sum(1, dtype=jnp.int32), size)
        return trees.sample_shapes(bits[2:], num_binary, size - num_binary)


def _check_law(law: AbstractTreeLaw) -> None:
    owner = type(law).__name__
    for arity, name in ((2, "binary_weights"), (1, "unary_weights")):
        checks.check_weights(owner, name, getattr(law, name), operators.drawable(arity))
    checks.check_number(owner, "constant_probability", law.constant_probability, 0, 1)
    checks.check_number(owner, "max_integer", law.max_integer, 1, 500, integer=True)
    check_part(owner, "constants", law.constants, Decimals)
    if law.affine not in get_args(Affine):
        raise ValueError(
            f"{owner}(affine={law.affine!r}): {checks.unknown(law.affine, get_args(Affine))}"
        )


def _max_tokens(affine: Affine, num_binary: int, num_unary: int) -> int:
    """Operators, leaves, and two tokens (an operator and its constant) per constant."""
    constants = {
        "none": 0,
        "reduced": 2 + num_binary + 2 * num_unary,
        "full": 2 * (num_binary + 1 + num_unary),
    }[affine]
    return 2 * num_binary + 1 + num_unary + 2 * constants


def _binary_count_edges(max_operators: int) -> np.ndarray:
    """Row n: 2**32 times the cumulated probabilities of b = 0, ..., n - 1 binary nodes among n."""
    edges = np.full((max_operators + 1, max_operators), 2**32 - 1, np.uint32)
    for n in range(1, max_operators + 1):
        counts = [comb(2 * b, b) // (b + 1) * comb(n + b, n - b) for b in range(n + 1)]
        for b in range(n):
            edges[n, b] = min(sum(counts[: b + 1]) * 2**32 // sum(counts), 2**32 - 1)
    return edges


def _draw_operator(bits, weights: Mapping[str, Number], arity: int):
    """Opcodes drawn by weight among the operators of one arity."""
    names = [name for name in operators.drawable(arity) if name in weights]
    table = jnp.stack([jnp.asarray(weights[name], jnp.float32) for name in names])
    index = categorical(bits, table)
    codes = [OPCODE[name] for name in names]
    assert codes == sorted(codes)
    out = jnp.full(index.shape, codes[0], jnp.int32)
    for position, (code, previous) in enumerate(zip(codes[1:], codes[:-1], strict=True), 1):
        out = out + jnp.where(index >= position, code - previous, 0)
    return out
