"""Programs drawn quickly, and read back as trees in plain Python: what the laws are tested on."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from s2jax.laws import AbstractLaw
from s2jax.programs import Program
from s2jax.programs.operators import CONST, ID, NUM_LEAVES, TABLE
from tests.compiled import QUICKLY

Decimal: TypeAlias = tuple[int, int]
"""Mantissa and power of ten."""

SUMS = ("add", "sub")
_FIELDS = ("op", "a", "b", "scale_mantissa", "scale_exponent", "bias_mantissa", "bias_exponent")


class Node(NamedTuple):
    """A node of an expression: `scale * word(children) + bias`; None where no constant is."""

    word: str
    children: tuple["Node", ...] = ()
    scale: Decimal | None = None
    bias: Decimal | None = None

    def nodes(self) -> Iterator["Node"]:
        """Yield this node and all below it, in prefix order."""
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    @property
    def is_variable(self) -> bool:
        return self.word.startswith("x_")

    @property
    def num_leaves(self) -> int:
        return sum(child.num_leaves for child in self.children) if self.children else 1

    @property
    def shape(self) -> str:
        """Prefix word of arities."""
        return "".join(str(len(node.children)) for node in self.nodes())

    @property
    def binary_shape(self) -> str:
        """Prefix word of arities, unary nodes skipped."""
        return self.shape.replace("1", "")

    @property
    def constants(self) -> list[Decimal]:
        """The affine constants, in prefix order."""
        pairs = [constant for node in self.nodes() for constant in (node.scale, node.bias)]
        return [constant for constant in pairs if constant is not None]


def draw_programs(
    law: AbstractLaw, rows: int, seed: int, num_inputs: int, protected: bool = True,
    used: int | None = None,
) -> Program:  # fmt: skip
    """Draw programs of shape (rows,) that use all their inputs, or so many of them."""
    words = jax.random.key_data(jax.random.split(jax.random.key(seed), rows))
    inputs = jnp.full(rows, num_inputs if used is None else used, jnp.int32)
    sample = jax.jit(type(law).draw, static_argnums=(3, 4), compiler_options=QUICKLY)
    return sample(law, words, inputs, num_inputs, protected)


def decode(program: Program) -> list[Node]:
    """Return the expression of each program of a batch of one axis.

    Raises:
        AssertionError: If an operand does not come earlier, an instruction is not used exactly
            once, or there are more instructions than slots.
    """
    columns = [np.asarray(getattr(program, name)).tolist() for name in _FIELDS]
    rows = zip(*columns, strict=True)
    lengths = np.asarray(program.length).tolist()
    assert all(0 < length <= program.num_nodes for length in lengths)
    return [_decode_one(row, length) for row, length in zip(rows, lengths, strict=True)]


def _decode_one(fields: tuple[list[int], ...], length: int) -> Node:
    results: list[Any] = []
    instructions = islice(zip(*fields, strict=True), length)
    for op, a, b, scale_mantissa, scale_exponent, bias_mantissa, bias_exponent in instructions:
        has_scale = scale_mantissa != 1 or scale_exponent != 0
        scale = (scale_mantissa, scale_exponent) if has_scale else None
        bias = (bias_mantissa, bias_exponent) if bias_mantissa else None
        word, children = _word(op, a, b, results)
        results.append(Node(word, children, scale, bias))
    root = results.pop()
    assert not any(results), "an instruction is not used"
    return root


def _word(op: int, a: int, b: int, results: list[Any]) -> tuple[str, tuple[Node, ...]]:
    if op == CONST:
        return str(a), ()
    if op < NUM_LEAVES:
        return TABLE[op].name, ()
    if op == ID:
        assert a < 0, "the sampler copies variables only"
        return f"x_{-1 - a}", ()
    operator = TABLE[op]
    if operator.arity == 1:
        return operator.name, (_operand(a, results),)
    return operator.name, (_operand(a, results), _operand(b, results))


def _operand(operand: int, results: list[Any]) -> Node:
    if operand < 0:
        return Node(f"x_{-1 - operand}")
    assert operand < len(results), "an operand comes later"
    node = results[operand]
    assert node is not None, "an instruction is used twice"
    results[operand] = None
    return node


def expected_places(root: Node, affine: str) -> list[tuple[bool, bool]]:
    """Return which nodes, in prefix order, are to have a scale and a bias."""
    if affine == "none":
        return [(False, False) for _ in root.nodes()]
    if affine == "full":
        return [(one, one) for one in (n.is_variable or len(n.children) == 1 for n in root.nodes())]

    def below(node: Node) -> Iterator[tuple[bool, bool]]:
        for child in node.children:
            scale = child.word not in SUMS and (node.word in SUMS or len(node.children) == 1)
            yield scale, scale and len(node.children) == 1
            yield from below(child)

    rest = list(below(root))
    nothing = not any(scale for scale, _ in rest)
    return [(nothing, True), *rest]


def places(root: Node) -> list[tuple[bool, bool]]:
    """Return which nodes, in prefix order, have a scale and a bias."""
    return [(node.scale is not None, node.bias is not None) for node in root.nodes()]


def count_tokens(root: Node) -> int:
    """Return the prefix length, two tokens for each constant: it and its operator."""
    return sum(1 for _ in root.nodes()) + 2 * len(root.constants)
