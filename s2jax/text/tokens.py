"""Programs as rows of token ids and back, inside jit."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from s2jax.core import checks
from s2jax.core.status import StatusFlag
from s2jax.core.unroll import laid_out
from s2jax.programs import Program
from s2jax.programs.operators import CONST, ID, TABLE
from s2jax.programs.program import MAX_DIGITS, VARIABLE_NAMES, unpack
from s2jax.programs.trees import MAX_NODES, by_tiles
from s2jax.text import _read_tokens, _write_tokens
from s2jax.text.vocabulary import DEFAULT, MAX_POWER, Vocabulary

_TILE = 256  # rows whose links stay in a core's cache
_MOST_LINKS = 2**26  # of the rows converted at a time where there is no such cache


class TokenStatus(StatusFlag):
    """Why a row has no tokens or no programs; 0 means that it has. Bits add up.

    Example:
        >>> TokenStatus(3)
        <TokenStatus.TOO_LONG|UNREPRESENTABLE: 3>
        >>> TokenStatus.MALFORMED.sentence
        'The tokens are no expressions.'
    """

    OK = 0, "Converted."
    TOO_LONG = 1, "There are more tokens than the row has places."
    UNREPRESENTABLE = 2, "A number or a variable is none of the vocabulary's."
    MALFORMED = 4, "The tokens are no expressions."
    TOO_LARGE = 8, "There are more instructions or outputs than there may be."


class Tokens(NamedTuple):
    """Rows of tokens.

    Attributes:
        ids: `<bos>`, the expressions in prefix form with `|` between them, `<eos>`, and `<pad>`. An
            unused output before a used one has no words: `<bos> | x_1 <eos>`. A row with a nonzero
            status is all `<pad>`.
        status: See `TokenStatus`; 0, TOO_LONG, UNREPRESENTABLE or both.
        length: Number of tokens with `<bos>` and `<eos>`, also where they do not fit.
    """

    ids: Int[Array, "*batch length"]
    status: Int[Array, "*batch"]
    length: Int[Array, "*batch"]


class Parsed(NamedTuple):
    """Programs of rows of tokens.

    Attributes:
        program: Those of a row with a nonzero status have length 0.
        status: See `TokenStatus`; 0, MALFORMED or TOO_LARGE.
    """

    program: Program
    status: Int[Array, "*batch"]


def to_tokens(
    program: Program, vocabulary: Vocabulary = DEFAULT, length: int | None = None
) -> Tokens:
    """Token ids of programs, one row for all outputs; works inside jit and vmap.

    An instruction is `add <bias> mul <scale> operator operands`, as in `to_prefix`, and every
    number is a sign, a mantissa and a power of ten. Unused outputs keep their place, and those at
    the end of a row are left out. `from_tokens` gives back the program.

    Args:
        program: Of batch shape `(*batch, outputs)`, instructions in reversed prefix order as laws
            draw them.
        vocabulary: Static.
        length: Tokens per row. Static. None is enough for every program of this size, and much
            more than most take; `num_tokens` is enough for those of a law.

    Returns:
        Ids as int16, status and number of tokens per row.

    Raises:
        TypeError: If `length` is no Python integer.
        ValueError: If `program` has no axis of outputs, `length` is < 2, or a row is too large.

    Example:
        >>> from s2jax.programs.operators import OPCODE
        >>> fields = jnp.array([OPCODE["sin"], -1, -1, -244, -3, 0, 0]).reshape(7, 1, 1)
        >>> tokens = to_tokens(Program(*fields, length=jnp.array([1])), length=10)
        >>> " ".join(Vocabulary().decode(tokens.ids))
        '<bos> mul - N244 E-3 sin x_0 <eos> <pad> <pad>'
        >>> int(tokens.status), int(tokens.length)
        (0, 8)
    """
    if not program.shape:
        raise ValueError(
            "to_tokens(program of batch shape ()): must have an axis of outputs, because a row of "
            "tokens holds all of them. Pass batch.program, or program[..., None]."
        )
    outputs = program.shape[-1]
    if outputs == 0:
        raise ValueError(
            f"to_tokens(program of shape {program.shape}): must have an output, because a row of "
            "tokens holds one at least. Leave these rows out."
        )
    slots = _write_tokens.num_slots(program.num_nodes, outputs, vocabulary)
    if slots > _write_tokens.MAX_SLOTS:
        raise ValueError(
            f"to_tokens(program of {outputs} outputs and {program.num_nodes} nodes): takes "
            f"{slots} slots and must take <= {_write_tokens.MAX_SLOTS}. Convert fewer outputs at "
            "a time."
        )
    if length is None:
        length = _most_tokens(program.num_nodes, outputs, vocabulary)
    checks.check_static_integer("to_tokens", "length", length, 2)

    return _write(program, vocabulary, int(length), jax.default_backend())


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def _write(program: Program, vocabulary: Vocabulary, length: int, backend: str) -> Tokens:
    *batch, outputs = program.shape

    def convert(lengths: Array, *fields: Array) -> Tokens:
        nodes = [jnp.transpose(field, (2, 1, 0)).reshape(field.shape[2], -1) for field in fields]
        code = _write_tokens.Code(*(field.astype(jnp.int32) for field in nodes))
        lengths = lengths.astype(jnp.int32).T
        ids = _write_tokens.write(code, lengths, length, vocabulary, backend)
        status, size = _judge(code, lengths, length, vocabulary)
        return Tokens(jnp.where(status == 0, ids, vocabulary.pad).T, status, size)

    rows = int(np.prod(batch))
    shape = rows, outputs, program.num_nodes
    fields = [getattr(program, name).reshape(shape) for name in _write_tokens.Code._fields]
    arguments = program.length.reshape(rows, outputs), *fields
    slots = _write_tokens.num_slots(program.num_nodes, outputs, vocabulary)
    tile = _TILE if backend == "cpu" else max(_TILE, _MOST_LINKS // slots)
    convert_all = lambda parts: by_tiles(lambda part: convert(*part), tile, rows, parts)
    tokens = laid_out(convert_all, backend)(arguments)
    return Tokens(*(leaf.reshape(*batch, *leaf.shape[1:]) for leaf in tokens))


def _judge(
    code: _write_tokens.Code,
    lengths: Int[Array, "outputs rows"],
    length: int,
    vocabulary: Vocabulary,
) -> tuple[Int[Array, " rows"], Int[Array, " rows"]]:
    """Status and number of tokens of each row."""
    bad, count = (code.op < 0) | (code.op >= len(TABLE)), 0
    is_const, is_id = code.op == CONST, code.op == ID
    for present, mantissa, exponent, words in (
        (code.has_bias, code.bias_mantissa, code.bias_exponent, 3),
        (code.has_scale, code.scale_mantissa, code.scale_exponent, 3),
        (is_const, code.a, code.b, 2),
    ):
        size = jnp.abs(mantissa)
        groups = 1 + sum(
            (size >= vocabulary.base**group).astype(jnp.int32)
            for group in range(1, vocabulary.max_groups)
        )
        lacks = (mantissa >= 10**MAX_DIGITS) | (mantissa <= -(10**MAX_DIGITS))
        lacks = lacks | (jnp.abs(exponent) > MAX_POWER)
        count = count + jnp.where(present, groups + words, 0)
        bad = bad | (present & lacks)
    reads_a, is_binary = ~code.is_leaf, code.is_binary
    variables = jnp.stack([reads_a & (code.a < 0), is_binary & (code.b < 0)]).astype(jnp.int32)
    count = count + variables.sum(0, dtype=jnp.int32) + (~is_const & ~is_id).astype(jnp.int32)
    lowest = -len(VARIABLE_NAMES)
    bad = bad | (reads_a & (code.a < lowest)) | (is_binary & (code.b < lowest))
    used = jnp.arange(code.op.shape[0], dtype=jnp.int32)[:, None] < lengths.reshape(1, -1)

    def per_row(values: Int[Array, "nodes columns"]) -> Int[Array, " rows"]:
        values = jnp.where(used, values, 0).reshape(-1, *lengths.shape)
        return values.sum((0, 1), dtype=jnp.int32)

    place = jnp.arange(1, lengths.shape[0] + 1, dtype=jnp.int32)[:, None]
    outputs = jnp.where(lengths > 0, place, 0).max(0, initial=0)  # up to the last used one
    size = per_row(count) + jnp.maximum(outputs - 1, 0) + 2
    status = jnp.where(size > length, TokenStatus.TOO_LONG.value, 0)
    lacks = per_row(bad.astype(jnp.int32)) > 0
    status = status | jnp.where(lacks, TokenStatus.UNREPRESENTABLE.value, 0)
    return status.astype(jnp.int32), size


def _most_tokens(num_nodes: int, outputs: int, vocabulary: Vocabulary) -> int:
    """Tokens of the longest row of programs of this size.

    With c constants and b binary operators there are at most b + 1 - c variables and b + c <= n
    instructions; each has two more numbers, with their operators, at most.
    """
    groups = vocabulary.max_groups
    leaves = 2 * num_nodes + 1 + (num_nodes + 1) // 2 * groups
    return outputs * (leaves + 2 * num_nodes * (groups + 3) + 1) + 1


def from_tokens(
    ids: Int[Array, "*batch length"] | Int[np.ndarray, "*batch length"],
    vocabulary: Vocabulary = DEFAULT,
    num_outputs: int = 1,
    num_nodes: int | None = None,
    protected: bool = False,
) -> Parsed:
    """Programs of rows of token ids, and a status per row; works inside jit and vmap.

    A number that stands first in `add` or `mul` becomes the bias or scale of the instruction it is
    applied to, as in the prefix style of `s2jax.from_text`, so that `to_tokens` gives back the ids.

    Args:
        ids: Any integers. `<bos>`, `<eos>` and what follows it may be left out.
        vocabulary: The one the ids were made with. Static.
        num_outputs: Outputs of the programs; those that a row lacks, or that have no words before
            a later one that has, are unused. Static.
        num_nodes: Instruction slots. Static. None is enough for every row of this length.
        protected: Carried over to the programs. Static.

    Returns:
        Programs of batch shape `(*batch, num_outputs)`, and per row 0, or MALFORMED or TOO_LARGE of
        `TokenStatus`; the programs of such a row have length 0.

    Raises:
        TypeError: If ids are no integers, or `num_outputs` or `num_nodes` is no Python integer.
        ValueError: If one of them is out of range.

    Example:
        >>> ids = Vocabulary().encode(["mul", "-", "N244", "E-3", "sin", "x_0", "|", "x_1"])
        >>> program, status = from_tokens(ids, num_outputs=2)
        >>> int(status), program.length.tolist(), int(program.scale_mantissa[0, 0])
        (0, [1, 1], -244)
        >>> TokenStatus(int(from_tokens(ids[:5]).status))
        <TokenStatus.MALFORMED: 4>
    """
    ids = jnp.asarray(ids)
    if not jnp.issubdtype(ids.dtype, jnp.integer):
        raise TypeError(
            f"from_tokens(ids of dtype {ids.dtype}): must be integers, because they are places in "
            "the vocabulary. Convert them with astype(int)."
        )
    length = ids.shape[-1]
    num_nodes = min(max(length, 1), MAX_NODES) if num_nodes is None else num_nodes
    checks.check_static_integer("from_tokens", "num_outputs", num_outputs, 1)
    checks.check_static_integer("from_tokens", "num_nodes", num_nodes, 1, MAX_NODES)

    return Parsed(*_read(ids, vocabulary, int(num_outputs), int(num_nodes), protected))


@functools.partial(jax.jit, static_argnums=(1, 2, 3, 4))
def _read(
    ids: Int[Array, "*batch length"], vocabulary: Vocabulary, num_outputs: int, num_nodes: int,
    protected: bool,
) -> tuple[Program, Int[Array, "*batch"]]:  # fmt: skip
    *batch, length = ids.shape

    def convert(ids: Int[Array, "rows length"]) -> tuple[Program, Int[Array, " rows"]]:
        read = _read_tokens.read(ids.T, vocabulary, num_outputs, num_nodes)
        fields = [field.reshape(num_outputs, num_nodes, -1) for field in read.code]
        packed = jnp.concatenate([*fields, read.length[:, None]], axis=1)
        program = unpack(jnp.moveaxis(packed, -1, 0), protected)
        status = jnp.where(read.too_large, TokenStatus.TOO_LARGE.value, 0)
        status = jnp.where(read.malformed, TokenStatus.MALFORMED.value, status)
        return program, status.astype(jnp.int32)

    rows = int(np.prod(batch))
    converted = by_tiles(convert, _TILE, rows, ids.reshape(rows, length).astype(jnp.int32))
    return jax.tree.map(lambda leaf: leaf.reshape(*batch, *leaf.shape[1:]), converted)
