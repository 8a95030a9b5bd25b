"""Skeletons: what is left of expressions when their numbers are masked, as hashes in jit."""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

from s2jax.core import checks
from s2jax.core.part import Part
from s2jax.core.types import Number, number
from s2jax.core.unroll import laid_out
from s2jax.programs import trees as trees
from s2jax.programs._mixing import integer, is_one_of, lanes, mix
from s2jax.programs._normal import hash_normal_forms
from s2jax.programs.operators import CONST, ID, NUM_LEAVES, OPCODE, TABLE
from s2jax.programs.program import Program

_ADD, _SUB, _MUL, _NEG, _POW = (OPCODE[name] for name in ("add", "sub", "mul", "neg", "pow"))
# what a value is; an integer is a number whose value counts as an exponent
_INTEGER, _NUMBER, _ATOM, _SUM, _PRODUCT = range(5)
_TILE, _NORMAL_TILE = 1024, 256
_LARGE_TILE = 2**16  # where no cache has to hold it

_BINARY = [code for code, op in enumerate(TABLE) if op.arity == 2]
# neither a sum nor a product, and yet the order of the operands does not count
_SYMMETRIC = [
    code for code, op in enumerate(TABLE) if op.commutative and op.name not in ("add", "mul")
]


class _Value(NamedTuple):
    """A masked sub-expression; both arrays of words have two lanes, hashed independently.

    Attributes:
        form: One of the forms above.
        constant: Whether a sum has a bias, or a product a scale.
        word: Of an atom or integer its hash, of a sum or product the sum of its parts' hashes.
        negated: The same of minus a sum.
    """

    form: Int[Array, "*nodes batch"]
    constant: Bool[Array, "*nodes batch"]
    word: UInt32[Array, "*nodes 2 batch"]
    negated: UInt32[Array, "*nodes 2 batch"]


def skeleton_hash(
    program: Program, normal: bool = False, stripped: bool = False
) -> UInt32[Array, "*batch 2"]:
    """64 bits that depend only on the skeleton of each expression.

    A skeleton is an expression in which every number is the same mask `N`, rewritten so:

    - A sub-expression without variables is `N`, named constants too; but a whole number as second
      operand of `pow`, a bare `const` of exponent >= 0, counts by its value modulo 2**32.
    - `add`, `sub` and biases make sums: nested ones merge, the order of terms does not count, and
      all numbers among the terms are one `N`.
    - `mul`, scales and `neg`, which is the scale -1, make products: nested ones merge, the order of
      factors does not count, and all numbers among the factors are one `N`.
    - `sub` negates each term of its second operand. Minus a product with an `N` is that product,
      because a mask has no sign; minus any other term is another term.
    - Every other operator keeps its name and, but for `max` and `min`, the order of its operands;
      variables count by index.

    Programs of different skeletons get different hashes, but for chance: 2**-64 per pair. Batch,
    slots and order of instructions do not matter; `protected` does.

    `N*x` and `N*x + N*x` are two skeletons of one family of functions. With `normal=True` the hash
    is of a normal form, in which every coefficient is free, one that is not written too:

    - Like terms merge, `N*x + N - N*x` is `N + N*x`; `sin(N*x) + sin(N*x)` is two terms, because
      numbers inside of them differ.
    - Powers of terms are computed: `x*x` is `x**2`, `x/x` is 1, `x*abs(x)` is another term, and
      `sqrt(x**2)` is `abs(x)`. Terms without numbers inside are multiplied out, and so are products
      of two sums of at most three of them, and their squares, and cubes of two:
      `(N + N*x)**2` is `N + N*x + N*x**2`, whose family contains it.
    - `sin` and `cos` of a sum with a number are one; so are `max` and `min`, `exp(N + s)` and
      `exp(s)`, and `log(N*s)` and `N + log(s)`.

    Signs and ranges of numbers do not count, nor that a coefficient may be 0. It does not know
    partial fractions, addition theorems, `exp(x)*exp(x)`, nor like terms with numbers inside, and
    a sum of more than 7 terms besides its number is left as it is.

    Args:
        program: Instructions in reversed prefix order, as laws draw them.
        normal: Whether to hash the normal form. Static.
        stripped: Whether a normal form is without its bias: `x` and `N + N*x` are one. Static.

    Returns:
        Two words per program, both 0 for an unused output.

    Raises:
        ValueError: If `stripped` without `normal`, of which there is no such form.

    Example:
        >>> sine = jnp.array([OPCODE["sin"], -1, -1, 25, -1, 3, 0])[:, None]  # 2.5 * sin(x_0) + 3
        >>> rows = jnp.stack([sine, sine.at[3].set(7), sine.at[1:3].set(-2)], axis=1)
        >>> words = skeleton_hash(Program(*rows, length=jnp.ones(3, jnp.int32)))
        >>> bool((words[0] == words[1]).all()), bool((words[0] == words[2]).all())
        (True, False)
        >>> import s2jax
        >>> words = skeleton_hash(s2jax.from_text(["2.5*x_0 + 1.5 - 3.5*x_0", "x_0"]), True, True)
        >>> bool((words[0] == words[1]).all())
        True
    """
    if stripped and not normal:
        raise ValueError(
            "skeleton_hash(normal=False, stripped=True): normal must be True, because only normal "
            "forms are stripped of scale and bias. Pass normal=True."
        )
    return _hash_all(program, normal, stripped, jax.default_backend())


@partial(jax.jit, static_argnums=(1, 2, 3))
def _hash_all(
    program: Program, normal: bool, stripped: bool, backend: str
) -> UInt32[Array, "*batch 2"]:
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[len(program.shape) :]), program)
    if normal:
        hash_tile = partial(hash_normal_forms, is_stripped=stripped)
        words = trees.by_tiles(hash_tile, _NORMAL_TILE, flat.length.size, flat)
    else:
        tile = _TILE if backend == "cpu" else _LARGE_TILE
        hash_all = lambda flat: trees.by_tiles(_hash, tile, flat.length.size, flat)
        words = laid_out(hash_all, backend)(flat)
    return words.reshape(*program.shape, 2)


def _hash(program: Program) -> UInt32[Array, "batch 2"]:
    fields = (
        program.op, program.a, program.b, program.scale_mantissa, program.scale_exponent,
        program.bias_mantissa,
    )  # fmt: skip
    code = [field.T.astype(jnp.int32) for field in fields]
    num_nodes, rows = code[0].shape
    words = jnp.zeros((num_nodes, 2, rows), jnp.uint32)
    form = jnp.zeros((num_nodes, rows), jnp.int32)
    start = _Value(form, form > 0, words, words)

    def update(k: Int[Array, ""], carry: tuple[_Value, _Value]) -> tuple[_Value, _Value]:
        values, last = carry
        op, a, b, scale_mantissa, scale_exponent, bias_mantissa = (field[k] for field in code)
        operands = _operand(a, last), _operand(b, _pick(values, b))
        # stored: else each array of the value would compute them again
        first, second = jax.lax.optimization_barrier(operands)
        value = _apply(op, first, second, _integer(op, a, b))
        value = _where((scale_mantissa != 1) | (scale_exponent != 0), _scaled(value), value)
        value = _where(bias_mantissa != 0, _shifted(value), value)
        value = jax.lax.optimization_barrier(value)
        return jax.tree.map(lambda leaf, new: leaf.at[k].set(new), values, value), value

    empty = jax.tree.map(lambda leaf: leaf[0], start)
    values, _ = trees.over_nodes(update, (start, empty), num_nodes)
    root = _pick(values, program.length.astype(jnp.int32) - 1)
    word = mix(_argument(root), 10 if program.protected else 11)
    return jnp.where(program.length > 0, word, 0).T


def _where(condition: Bool[Array, " batch"], value: _Value, other: _Value) -> _Value:
    return jax.tree.map(lambda x, y: jnp.where(condition, x, y), value, other)


def _pick(values: _Value, index: Int[Array, " batch"]) -> _Value:
    """The value of one node per program; nodes are few, so that this is faster than a gather."""
    here = jnp.arange(values.form.shape[0], dtype=jnp.int32)[:, None] == index
    add = lambda leaf, here: jnp.where(here, leaf, 0).sum(0, dtype=leaf.dtype)
    return _Value(
        form=add(values.form, here),
        constant=(values.constant & here).any(0),
        word=add(values.word, here[:, None]),
        negated=add(values.negated, here[:, None]),
    )


def _operand(operand: Int[Array, " batch"], result: _Value) -> _Value:
    """A variable, or the given result."""
    word = mix(lanes(-1 - operand), 0)
    is_variable = operand < 0
    return _where(is_variable, _atom(word), result)


def _atom(word: UInt32[Array, "2 batch"]) -> _Value:
    form = jnp.full(word.shape[1:], _ATOM, jnp.int32)
    return _Value(form, form < 0, word, jnp.zeros_like(word))


def _integer(op: Int[Array, " batch"], a: Int[Array, " batch"], b: Int[Array, " batch"]) -> _Value:
    """A leaf; a whole number is kept for `pow`."""
    word = mix(lanes(integer(a, b)), 1)
    form = jnp.where((op == CONST) & (b >= 0), _INTEGER, _NUMBER)
    return _Value(form, form < 0, word, jnp.zeros_like(word))


def _is_number(value: _Value) -> Bool[Array, " batch"]:
    return value.form <= _NUMBER


def _argument(value: _Value) -> UInt32[Array, "2 batch"]:
    """The hash of a value as a whole."""
    sum_or_product = mix(
        value.word + lanes(2 * (value.form - _SUM) + value.constant.astype(jnp.int32)), 2
    )
    word = jnp.where(value.form >= _SUM, sum_or_product, value.word)
    return jnp.where(_is_number(value), np.uint32(0), word)


def _terms(value: _Value) -> _Value:
    """A value as a sum."""
    whole = _argument(value)
    word = mix(whole, 3)
    has_scale = (value.form == _PRODUCT) & value.constant
    negated = jnp.where(has_scale, word, mix(whole, 4))
    term = _Value(jnp.full_like(value.form, _SUM), _is_number(value), word, negated)
    zero = jnp.zeros_like(word)
    term = _where(_is_number(value), term._replace(word=zero, negated=zero), term)
    return _where(value.form == _SUM, value, term)


def _factors(value: _Value) -> _Value:
    """A value as a product."""
    word = jnp.where(_is_number(value), np.uint32(0), mix(_argument(value), 5))
    form = jnp.full_like(value.form, _PRODUCT)
    factor = _Value(form, _is_number(value), word, jnp.zeros_like(word))
    return _where(value.form == _PRODUCT, value, factor)


def _masked(value: _Value, is_number: Bool[Array, " batch"]) -> _Value:
    """The value, or a number where it is made of numbers."""
    return value._replace(form=jnp.where(is_number, _NUMBER, value.form))


def _scaled(value: _Value) -> _Value:
    product = _factors(value)._replace(constant=jnp.ones_like(value.constant))
    return _masked(product, _is_number(value))


def _shifted(value: _Value) -> _Value:
    total = _terms(value)._replace(constant=jnp.ones_like(value.constant))
    return _masked(total, _is_number(value))


def _apply(op: Int[Array, " batch"], first: _Value, second: _Value, leaf: _Value) -> _Value:
    """The value of an operator."""
    is_binary, is_symmetric = is_one_of(op, _BINARY), is_one_of(op, _SYMMETRIC)
    is_number = _is_number(first) & (_is_number(second) | ~is_binary)
    # hashes of terms are added up, so that their order does not matter; `negated` is the hash of
    # the same sum with all signs turned, which a subtraction adds instead
    left, right = _terms(first), _terms(second)
    is_sub = op == _SUB
    total = left._replace(
        constant=left.constant | right.constant,
        word=left.word + jnp.where(is_sub, right.negated, right.word),
        negated=left.negated + jnp.where(is_sub, right.word, right.negated),
    )
    left, right = _factors(first), _factors(second)
    product = left._replace(constant=left.constant | right.constant, word=left.word + right.word)
    # a whole exponent is a part of the skeleton; every other number is masked
    power = (op == _POW) & (second.form == _INTEGER)
    argument = jnp.where(power, second.word, _argument(second))
    own = _argument(first)
    symmetric = mix(own, 8) + mix(argument, 8)
    word = mix(jnp.where(is_symmetric, symmetric, own) ^ lanes(op * 0x10001), 6)
    word = mix(word + jnp.where(is_binary & ~is_symmetric, argument, np.uint32(0)), 7)
    value = _masked(_atom(word), is_number)
    value = _where((op == _ADD) | is_sub, _masked(total, is_number), value)
    value = _where(op == _MUL, _masked(product, is_number), value)
    value = _where(op == _NEG, _scaled(first), value)
    value = _where(op == ID, first, value)
    return _where(op < NUM_LEAVES, leaf, value)


class Split(Part):
    """A part of all skeletons: those whose hash, as a fraction of 2**32, is in [low, high).

    Each skeleton is in exactly one of `Split(0, 0.9)` and `Split(0.9, 1)`, in whichever order,
    batch or process expressions are drawn: a training and a test set that share no skeleton. It is
    the skeleton of the normal form without scale and bias, so that a test set does not hold what
    training has seen written otherwise: without normal forms, half of it is `N*x + N - N*x` and
    the like.

    Attributes:
        low, high: Bounds of the first word of `skeleton_hash`, of which 24 bits count.
        exclude: Hashes that are in no part, for example those of a benchmark's expressions:
            `skeleton_hash(program, normal=True, stripped=True)`.
        normal: Whether skeletons are those of normal forms; without, hashes are `skeleton_hash`'s
            by default, in `exclude` too. Static.

    Raises:
        ValueError: If a bound is outside [0, 1], low > high, or `exclude` is not of shape (k, 2).

    Example:
        >>> Split(low=0.9).high
        1.0
    """

    noun = "a Split"
    example = "s2jax.Split(0, 0.9)"

    low: Number = number(0.0)
    high: Number = number(1.0)
    exclude: UInt32[Array, "hashes 2"] | None = eqx.field(
        default=None,
        converter=lambda words: None if words is None else jnp.asarray(words, "uint32"),
    )

    normal: bool = eqx.field(default=True, static=True)

    def __check_init__(self):
        checks.check_number("Split", "low", self.low, 0, 1)
        checks.check_number("Split", "high", self.high, 0, 1)
        checks.check_flag("Split", "normal", self.normal)
        both = checks.is_concrete(self.low) and checks.is_concrete(self.high)
        if both and float(self.low) > float(self.high):
            raise ValueError(
                f"Split(low={self.low!r}, high={self.high!r}): low must be <= high, because they "
                "bound one part. Swap them."
            )
        if self.exclude is not None and jnp.shape(self.exclude)[1:] != (2,):
            raise ValueError(
                f"Split(exclude of shape {self.exclude.shape}): must have shape (k, 2), two words "
                "per hash. Pass skeleton_hash(program, True, True).reshape(-1, 2)."
            )

    def keeps(self, program: Program) -> Bool[Array, "*batch"]:
        """Whether the skeleton of each program is in this part."""
        return self._keeps(self._hash(program))

    def keeps_system(self, program: Program) -> Bool[Array, "*batch"]:
        """The same of systems, programs of shape `(*batch, states)`.

        A system's hash is the sum of those of its states. It is excluded if one of them is.
        """
        words = self._hash(program)  # 0 for an unused output
        inside = self._keeps(words.sum(-2, dtype=words.dtype), exclude=False)
        return inside if self.exclude is None else inside & ~self._excludes(words).any(-1)

    def _hash(self, program: Program) -> UInt32[Array, "*batch 2"]:
        return skeleton_hash(program, normal=self.normal, stripped=self.normal)

    def _keeps(self, words, exclude: bool = True):
        # 24 bits are exact in float32, and below 1
        place = (words[..., 0] >> np.uint32(8)).astype(jnp.float32) * np.float32(2.0**-24)
        low, high = (jnp.asarray(bound).astype(jnp.float32) for bound in (self.low, self.high))
        inside = (place >= low) & (place < high)
        return inside & ~self._excludes(words) if exclude and self.exclude is not None else inside

    def _excludes(self, words):
        return (words[..., None, :] == self.exclude).all(-1).any(-1)
