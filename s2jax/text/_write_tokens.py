"""The tokens of programs as linked lists, many rows at once.

Every token that an instruction may have owns a slot; the slot holds the token and the slot of the
next one. What follows an instruction's sub-tree is known from the top down, so nothing has to be
counted or moved: walking along the links writes the tokens in order, with one read per token.
Arrays are `(nodes, columns)`, a column for each output of each row, output-major.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from s2jax.programs.operators import CONST, ID, NUM_LEAVES, TABLE
from s2jax.programs.trees import over_nodes
from s2jax.text.vocabulary import Vocabulary

_TOKEN_BITS = 14
_TOKEN_MASK = (1 << _TOKEN_BITS) - 1
MAX_SLOTS = 1 << (31 - _TOKEN_BITS)
_BINARY = [code for code, operator in enumerate(TABLE) if operator.arity == 2]


class Code(NamedTuple):
    """The instructions of programs as int32."""

    op: Int[Array, "nodes columns"]
    a: Int[Array, "nodes columns"]
    b: Int[Array, "nodes columns"]
    scale_mantissa: Int[Array, "nodes columns"]
    scale_exponent: Int[Array, "nodes columns"]
    bias_mantissa: Int[Array, "nodes columns"]
    bias_exponent: Int[Array, "nodes columns"]

    @property
    def has_scale(self) -> Bool[Array, "nodes columns"]:
        return (self.scale_mantissa != 1) | (self.scale_exponent != 0)

    @property
    def has_bias(self) -> Bool[Array, "nodes columns"]:
        return self.bias_mantissa != 0

    @property
    def is_leaf(self) -> Bool[Array, "nodes columns"]:
        return self.op < NUM_LEAVES

    @property
    def is_binary(self) -> Bool[Array, "nodes columns"]:
        return jnp.any(jnp.stack([self.op == code for code in _BINARY]), axis=0)


class _Slots:
    """Where the tokens of instructions stand: bias, scale, operator or number, two variables."""

    def __init__(self, num_nodes: int, outputs: int, rows: int, vocabulary: Vocabulary):
        block = vocabulary.max_groups + 3  # operator, sign, mantissa, power
        self.bias, self.scale, self.core, self.variable_a = (block * k for k in range(4))
        self.variable_b = self.variable_a + 1
        self.num_nodes, self.outputs, self.rows = num_nodes, outputs, rows
        self.separator = (self.variable_b + 1) * num_nodes * outputs
        self.bos = self.separator + outputs
        self.eos, self.pad = self.bos + 1, self.bos + 2
        self.output = jnp.repeat(jnp.arange(outputs, dtype=jnp.int32), rows)[None]
        self.node = jnp.arange(num_nodes, dtype=jnp.int32)[:, None]

    def of(self, kind: int, node=None) -> Int[Array, "..."]:
        """Slot of this kind of every instruction, or of the given ones."""
        node = self.node if node is None else node
        return (kind * self.num_nodes + node) * self.outputs + self.output


def num_slots(num_nodes: int, outputs: int, vocabulary: Vocabulary) -> int:
    """Number of slots of a row."""
    return _Slots(num_nodes, outputs, 1, vocabulary).pad + 1


def write(
    code: Code, lengths: Int[Array, "outputs rows"], length: int, vocabulary: Vocabulary,
    backend: str,
) -> Int[Array, "length rows"]:  # fmt: skip
    """The first `length` tokens of each row."""
    outputs, rows = lengths.shape
    slots = _Slots(code.op.shape[0], outputs, rows, vocabulary)
    entry = _entries(code, slots)
    root = jnp.maximum(lengths.reshape(1, -1) - 1, 0)
    first = jnp.take_along_axis(entry, root, axis=0).reshape(lengths.shape)
    first, start, ends = _chain(first, lengths > 0, slots)
    after, after_first = _continuations(code, entry, lengths.reshape(-1), ends.reshape(-1), slots)
    links = _links(code, entry, after, after_first, slots, vocabulary)
    of_rows = jnp.concatenate(
        [
            _link(jnp.full_like(first, vocabulary.separator), first),
            _link(jnp.full((1, rows), vocabulary.bos, jnp.int32), start[None]),
            _link(jnp.full((1, rows), vocabulary.eos, jnp.int32), slots.pad),
            _link(jnp.full((1, rows), vocabulary.pad, jnp.int32), slots.pad),
        ]
    )
    table = jnp.concatenate([*links, of_rows.reshape(-1, rows)])
    start = jnp.full(rows, slots.bos, jnp.int32)
    if backend == "gpu":
        return _leap(table, start, length)
    return _walk(table, start, length, vocabulary.pad)


def _link(token: Int[Array, "..."], following) -> Int[Array, "..."]:
    """A token and the slot of the next one; the token of a row that is refused may be anything."""
    return (token & _TOKEN_MASK) | (following << _TOKEN_BITS)


def _entries(code: Code, slots: _Slots) -> Int[Array, "nodes columns"]:
    """The slot of the first token of each instruction's sub-tree."""
    core = jnp.where(code.op == CONST, slots.of(slots.core + 1), slots.of(slots.core))
    core = jnp.where(code.op == ID, slots.of(slots.variable_a), core)
    own = jnp.where(code.has_scale, slots.of(slots.scale), core)
    own = jnp.where(code.has_bias, slots.of(slots.bias), own)
    is_copy = (code.op == ID) & (code.a >= 0) & ~code.has_scale & ~code.has_bias

    def update(k, entry):
        before = entry[jnp.maximum(k - 1, 0)]
        return entry.at[k].set(jnp.where(is_copy[k], before, entry[k]))

    return over_nodes(update, own, slots.num_nodes)


def _chain(
    first: Int[Array, "outputs rows"], used: Bool[Array, "outputs rows"], slots: _Slots
) -> tuple[Int[Array, "outputs rows"], Int[Array, " rows"], Int[Array, "outputs rows"]]:
    """The first slot of each output, the slot after the first word of each row, and the slot after
    each output; an unused output before a used one has no words, but a separator."""
    following = jnp.full(first.shape[1], slots.eos, jnp.int32)
    start, starts, ends = following, [], []
    written = jnp.zeros(first.shape[1], bool)
    for output in reversed(range(slots.outputs)):
        written = written | used[output]
        starts.append(jnp.where(used[output], first[output], following))
        ends.append(following)
        following = jnp.where(written, slots.separator + output, following)
        start = jnp.where(written, starts[-1], start)
    return jnp.stack(starts[::-1]), start, jnp.stack(ends[::-1])


def _continuations(
    code: Code, entry: Int[Array, "nodes columns"], length: Int[Array, " columns"],
    ends: Int[Array, " columns"], slots: _Slots,
) -> tuple[Int[Array, "nodes columns"], Int[Array, "nodes columns"]]:  # fmt: skip
    """The slot after each sub-tree, and the slot after each first operand."""
    node, is_binary, is_leaf = slots.node, code.is_binary, code.is_leaf

    def update(k, carry):
        after, after_first = carry
        own = jnp.where(k == length - 1, ends, after[k])
        is_second = (node == code.b[k]) & is_binary[k]
        second = jnp.where(is_second, entry, 0).sum(0, dtype=jnp.int32)
        second = jnp.where(code.b[k] < 0, slots.of(slots.variable_b, k)[0], second)
        first = jnp.where(is_binary[k], second, own)
        is_first = (node == k - 1) & (code.a[k] >= 0) & ~is_leaf[k]
        after = jnp.where(is_second | (node == k), own, jnp.where(is_first, first, after))
        return after, after_first.at[k].set(first)

    start = (jnp.zeros_like(entry), jnp.zeros_like(entry))
    return over_nodes(update, start, slots.num_nodes, reverse=True)


def _links(
    code: Code, entry, after, after_first, slots: _Slots, vocabulary: Vocabulary
) -> list[Int[Array, "slots rows"]]:
    """The links of all instructions, one array per kind of slot."""
    # integers here are small: entry stands one instruction later for a first operand
    operand = jnp.concatenate([entry[:1], entry[:-1]])
    operand = jnp.where(code.a < 0, slots.of(slots.variable_a), operand)
    operand = jnp.where(code.is_leaf, after, operand)
    is_const = code.op == CONST
    core = jnp.where(is_const, slots.of(slots.core + 1), slots.of(slots.core))
    core = jnp.where(code.op == ID, operand, core)
    scaled = jnp.where(code.has_scale, slots.of(slots.scale), core)
    number = functools.partial(_number_links, slots=slots, vocabulary=vocabulary)
    fixed = lambda name: jnp.full_like(entry, vocabulary.id_of(name))
    ids = (
        _link(fixed("add"), slots.of(slots.bias + 1)),
        *number(slots.bias, code.bias_mantissa, code.bias_exponent, scaled),
        _link(fixed("mul"), slots.of(slots.scale + 1)),
        *number(slots.scale, code.scale_mantissa, code.scale_exponent, core),
        _link(operator_ids(code.op, vocabulary), operand),
        *number(slots.core, code.a, code.b, after),
        _link(vocabulary.first_variable - 1 - code.a, after_first),
        _link(vocabulary.first_variable - 1 - code.b, after),
    )
    return [array.reshape(-1, slots.rows) for array in ids]


def operator_ids(op: Int[Array, "..."], vocabulary: Vocabulary) -> Int[Array, "..."]:
    """Ids of operators: opcodes, less the two that are no words."""
    skipped = (op > CONST).astype(jnp.int32) + (op > ID).astype(jnp.int32)
    return vocabulary.first_operator + op - skipped


def _number_links(
    kind: int, mantissa, exponent, following, slots: _Slots, vocabulary: Vocabulary
) -> list[Int[Array, "nodes columns"]]:
    """The links of sign, mantissa and power of ten; `kind` is the slot before the sign."""
    size, groups = jnp.abs(mantissa), vocabulary.max_groups
    last = kind + 1 + groups
    most = slots.of(last)
    for group in range(1, groups):
        most = jnp.where(size >= vocabulary.base**group, slots.of(last - group), most)
    links = [_link(jnp.where(mantissa < 0, vocabulary.minus, vocabulary.plus), most)]
    for group in reversed(range(groups)):
        digits = size // np.int32(vocabulary.base**group)
        digits = digits % vocabulary.base if group < groups - 1 else digits
        links.append(_link(vocabulary.first_mantissa + digits, slots.of(last - group + 1)))
    return [*links, _link(vocabulary.zeroth_power + exponent, following)]


def _walk(
    table: Int[Array, "slots rows"], start: Int[Array, " rows"], length: int, pad: int
) -> Int[Array, "length rows"]:
    # stored: else each step would compute the links it reads
    table = jax.lax.optimization_barrier(table)
    ids = jnp.full((length, start.size), pad, jnp.int16)
    last = table.shape[0] - 1

    def step(state):
        position, slot, ids = state
        link = jnp.take_along_axis(table, slot[None], axis=0, mode="promise_in_bounds")
        token = (link & _TOKEN_MASK).astype(jnp.int16)
        ids = jax.lax.dynamic_update_slice(ids, token, (position, jnp.int32(0)))
        return position + 1, link[0] >> _TOKEN_BITS, ids

    def more(state):
        position, slot, _ = state
        return (position < length) & (slot != last).any()

    return jax.lax.while_loop(more, step, (jnp.int32(0), start, ids))[2]


def _leap(
    table: Int[Array, "slots rows"], start: Int[Array, " rows"], length: int
) -> Int[Array, "length rows"]:
    """What `_walk` finds, in steps that double.

    The slots of the next 1, 2, 4, ... tokens follow from those before and from where every slot
    leads in as many steps: more to compute, but a few kernels for each doubling and no host that
    waits, where a walk has some for each token.
    """
    table = jax.lax.optimization_barrier(table)
    follow = lambda table, slots: jnp.take_along_axis(
        table, slots, axis=0, mode="promise_in_bounds"
    )
    following, slots = table >> _TOKEN_BITS, start[None]
    while len(slots) < length:
        slots = jnp.concatenate([slots, follow(following, slots)])
        following = follow(following, following)
    return (follow(table, slots[:length]) & _TOKEN_MASK).astype(jnp.int16)
