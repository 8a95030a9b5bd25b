"""Programs: expressions as fixed-size arrays."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from s2jax.operators import CONST, NUM_LEAVES, TABLE


class Program(eqx.Module):
    """A batch of expressions; instruction k computes `scale * op(a, b) + bias`.

    Instructions stand in order of evaluation and the last one is the result. An operand >= 0 is
    the result of that instruction; an operand < 0 is the variable `-1 - operand`. Constants are
    `mantissa * 10**exponent`, so that numbers, text and tokens agree; a scale of (1, 0) and a bias
    mantissa of 0 mean that none is there. The operator `const` is the number `a * 10**b`. A number
    of exponent >= 0 is written as a whole number, any other with a decimal point.

    Each instruction is read once, and they stand in reversed prefix order: an instruction follows
    those of its first operand, which follow those of its second.

    Attributes:
        op: Opcode, position in `s2jax.operators.TABLE`.
        a, b: Operands; of an operator without a second one, b = a.
        scale_mantissa, scale_exponent, bias_mantissa, bias_exponent: The affine constants.
        length: Number of instructions used; 0 for an unused output, whose value is 0.
        protected: Whether `log`, `sqrt` and `pow` take the absolute value of their first operand.
            Static.
    """

    op: Int[Array, "*batch nodes"]
    a: Int[Array, "*batch nodes"]
    b: Int[Array, "*batch nodes"]
    scale_mantissa: Int[Array, "*batch nodes"]
    scale_exponent: Int[Array, "*batch nodes"]
    bias_mantissa: Int[Array, "*batch nodes"]
    bias_exponent: Int[Array, "*batch nodes"]
    length: Int[Array, "*batch"]
    protected: bool = eqx.field(static=True, default=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the batch."""
        return self.op.shape[:-1]

    @property
    def num_nodes(self) -> int:
        """Static number of instruction slots."""
        return self.op.shape[-1]

    @property
    def scale(self) -> Float[Array, "*batch nodes"]:
        """Scales as floats."""
        return decimal(self.scale_mantissa, self.scale_exponent)

    @property
    def bias(self) -> Float[Array, "*batch nodes"]:
        """Biases as floats."""
        return decimal(self.bias_mantissa, self.bias_exponent)

    def __getitem__(self, index) -> "Program":
        """The programs at `index` of the batch axes."""
        return jax.tree.map(lambda leaf: leaf[index], self)


_FIELDS = ("op", "a", "b", "scale_mantissa", "scale_exponent", "bias_mantissa", "bias_exponent")
_DTYPES = (jnp.int8, jnp.int32, jnp.int16, jnp.int32, jnp.int8, jnp.int32, jnp.int8)


def pack(program: Program) -> Int[Array, "*batch fields"]:
    """All arrays of a program as one, so that programs move in one pass."""
    fields = [getattr(program, name).astype(jnp.int32) for name in _FIELDS]
    return jnp.concatenate([*fields, program.length[..., None]], axis=-1)


def packed_width(num_nodes: int) -> int:
    """Width of packed programs with this many instruction slots."""
    return len(_FIELDS) * num_nodes + 1


def unpack(packed: Int[Array, "*batch fields"], protected: bool) -> Program:
    """Inverse of `pack`."""
    fields = jnp.split(packed[..., :-1], len(_FIELDS), axis=-1)
    arrays = [field.astype(dtype) for field, dtype in zip(fields, _DTYPES, strict=True)]
    return Program(*arrays, length=packed[..., -1], protected=protected)


def decimal(
    mantissa: Int[Array, "*shape"], exponent: Int[Array, "*shape"], dtype=None
) -> Float[Array, "*shape"]:
    """`mantissa * 10**exponent`, correctly rounded for |mantissa| < 2**24 and |exponent| <= 10."""
    dtype = dtype or jnp.result_type(float)
    size = jnp.abs(exponent.astype(jnp.int32))
    power = jnp.ones(size.shape, dtype)
    for bit in range(6):
        power = power * jnp.where((size >> bit) & 1 == 1, np.array(10.0 ** (1 << bit), dtype), 1)
    value = mantissa.astype(dtype)
    return jnp.where(exponent < 0, value / power, value * power)


def numeric_form(
    program: Program, dtype
) -> tuple[Int[Array, "*batch nodes"], Float[Array, "*batch nodes"], Float[Array, "*batch nodes"]]:
    """Opcodes, scales and biases in which every constant leaf is `const` with its value as bias."""
    scale = decimal(program.scale_mantissa, program.scale_exponent, dtype)
    bias = decimal(program.bias_mantissa, program.bias_exponent, dtype)
    op = program.op.astype(jnp.int32)
    # an integer's product is rounded once, and no compiler can fuse it into a multiply-add
    integers = program.scale_mantissa * program.a.astype(jnp.int32)
    exponent = program.scale_exponent.astype(jnp.int32) + program.b.astype(jnp.int32)
    value = decimal(integers, jnp.where(op == CONST, exponent, 0), dtype)
    for code, operator in enumerate(TABLE[:NUM_LEAVES]):
        if code != CONST:
            value = jnp.where(op == code, scale * np.array(operator.function, dtype), value)
    is_leaf = op < NUM_LEAVES
    return (
        jnp.where(is_leaf, CONST, op),
        jnp.where(is_leaf, 0, scale),
        jnp.where(is_leaf, value + bias, bias),
    )
