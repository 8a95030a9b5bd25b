"""Programs: expressions as fixed-size arrays."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax.core import checks
from s2jax.programs.operators import CONST, ID, NUM_LEAVES, TABLE

MAX_INPUTS, MAX_STATES = 64, 16
FIRST_STATE = MAX_INPUTS
TIME = FIRST_STATE + MAX_STATES
VARIABLE_NAMES = (
    *(f"x_{index}" for index in range(MAX_INPUTS)),
    *(f"y_{index}" for index in range(MAX_STATES)),
    "t",
)
"""Inputs, states of a differential equation, and time, by the number of the variable."""


class Constants(eqx.Module):
    """The constants of programs as floats, to differentiate by and to fit.

    Attributes:
        scale, bias: Of each instruction; a constant leaf has the scale 0 and its value as bias.
            Booleans say something of each constant, as in `free_constants`.
    """

    scale: Float[Array, "*batch nodes"] | Bool[Array, "*batch nodes"]
    bias: Float[Array, "*batch nodes"] | Bool[Array, "*batch nodes"]


class Program(eqx.Module):
    """A batch of expressions; instruction k computes `scale * op(a, b) + bias`.

    Instructions stand in order of evaluation and the last one is the result. An operand >= 0 is
    the result of that instruction; an operand < 0 is the variable `-1 - operand`, named in
    `VARIABLE_NAMES`. Constants are `mantissa * 10**exponent`, so that numbers, text and tokens
    agree; a scale of (1, 0) and a bias mantissa of 0 mean that none is there. The operator `const`
    is the number `a * 10**b`. A number of exponent >= 0 is written as a whole number, any other
    with a decimal point.

    Each instruction is read once, and they stand in reversed prefix order: an instruction follows
    those of its first operand, which follow those of its second.

    Attributes:
        op: Opcode, position in `s2jax.programs.operators.TABLE`.
        a, b: Operands; of an operator without a second one, b = a.
        scale_mantissa, scale_exponent, bias_mantissa, bias_exponent: The affine constants.
        length: Number of instructions used; 0 for an unused output, whose value is 0.
        protected: Whether `log`, `sqrt` and `pow` take the absolute value of their first operand.
            Static.

    Example:
        >>> import s2jax
        >>> program = s2jax.from_text(["2.5*sin(x_0)", "x_0 + 1"])
        >>> program.shape, program.num_nodes, program[0].length.tolist()
        ((2, 1), 1, [1])
        >>> program.constants.scale[:, 0, 0].tolist()
        [2.5, 1.0]
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
    def constants(self) -> "Constants":
        """The constants as floats of the default type."""
        return Constants(*_join(*_parts_at_once(self, jnp.result_type(float))))

    def __getitem__(self, index) -> "Program":
        """The programs at `index` of the batch axes."""
        return jax.tree.map(lambda leaf: leaf[index], self)


def check_kind(name: str, program: Any) -> None:
    """Refuse what is no program.

    Raises:
        TypeError: If it is not.
    """
    if not isinstance(program, Program):
        raise TypeError(
            f"{name}(program={checks.shown(program)}): must be a Program, not of type "
            f"{type(program).__name__}. Pass batch.program; read text with s2jax.from_text and "
            "SymPy with s2jax.from_sympy; or compile SymPy to a JAX function with s2jax.lambdify."
        )


_FIELDS = ("op", "a", "b", "scale_mantissa", "scale_exponent", "bias_mantissa", "bias_exponent")
UNUSED = (ID, -1, -1, 1, 0, 0, 0)
"""What an instruction that is not used holds, field by field."""
DTYPES = (jnp.int8, jnp.int32, jnp.int16, jnp.int32, jnp.int8, jnp.int32, jnp.int8)


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
    arrays = [field.astype(dtype) for field, dtype in zip(fields, DTYPES, strict=True)]
    return Program(*arrays, length=packed[..., -1], protected=protected)


MAX_DIGITS = 9
NAN = np.int32(-(2**31)), np.int32(127)
"""The mantissa and exponent of a number that is none, because it was NaN or out of range."""


def decimal(
    mantissa: Int[Array, "*shape"], exponent: Int[Array, "*shape"], dtype=None
) -> Float[Array, "*shape"]:
    """`mantissa * 10**exponent`; NaN if the dtype cannot hold it as a normal number.

    Correctly rounded in float32 for |mantissa| < 2**24 and |exponent| <= 10, in float64 for
    |exponent| <= 22, and within 4 ulps over the whole range.
    """
    dtype = dtype or jnp.result_type(float)
    exponent = exponent.astype(jnp.int32)
    size, is_below = jnp.abs(exponent), exponent < 0
    low, high = jnp.ones(size.shape, dtype), jnp.ones(size.shape, dtype)
    has_bit = lambda bit: (size >> bit) & 1 == 1
    for bit in range(5):
        low = low * jnp.where(has_bit(bit), np.array(10.0 ** (1 << bit), dtype), 1)
    # no float32 is 1e64 times a mantissa, or 1e-64 times; nor is any power of ten beyond 1e32 one
    bits = 6 if dtype == jnp.float32 else 8
    for bit in range(5, bits):
        large, small = (_power_of_ten(sign * (1 << bit), dtype) for sign in (1, -1))
        high = high * jnp.where(has_bit(bit), jnp.where(is_below, small, large), 1)
    value = mantissa.astype(dtype)
    value = jnp.where(is_below, value / low, value * low) * high
    info = jnp.finfo(dtype)
    is_held = (jnp.abs(value) >= info.tiny) & (jnp.abs(value) <= info.max)
    is_held = is_held & (size < 1 << bits) & (mantissa != NAN[0])
    return jnp.where(mantissa == 0, 0, jnp.where(is_held, value, np.array(np.nan, dtype)))


def _power_of_ten(exponent: int, dtype) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        return np.array(float(f"1e{exponent}")).astype(dtype)


def numbers_of(program: Any) -> tuple[Any, Any, Any]:
    """The numbers of programs on the host, in float64: scales, biases, and those of leaves."""

    def value(mantissa, exponent):
        known = np.where(np.asarray(mantissa) == NAN[0], np.nan, np.asarray(mantissa, float))
        return known * 10.0 ** np.asarray(exponent, float)

    scale = value(program.scale_mantissa, program.scale_exponent)
    leaf = value(program.a, np.where(program.op == CONST, program.b, 0))
    return (
        scale,
        value(program.bias_mantissa, program.bias_exponent),
        np.where(program.op == CONST, scale * leaf, 0),
    )


def constants_of(
    program: Program, dtype
) -> tuple[Float[Array, "*batch nodes"], Float[Array, "*batch nodes"]]:
    """Scales and biases; those of a constant leaf are 0 and its value."""
    return _join(*_parts_of(program, dtype))


def _parts_of(program: Program, dtype) -> tuple[Any, ...]:
    """Scales, biases, values of constant leaves without their bias, and which are such."""
    scale = decimal(program.scale_mantissa, program.scale_exponent, dtype)
    bias = decimal(program.bias_mantissa, program.bias_exponent, dtype)
    op = program.op.astype(jnp.int32)
    # an integer's product is rounded once, and no compiler can fuse it into a multiply-add
    integers = program.scale_mantissa * program.a.astype(jnp.int32)
    exponent = program.scale_exponent.astype(jnp.int32) + program.b.astype(jnp.int32)
    is_none = (program.scale_mantissa == NAN[0]) | ((op == CONST) & (program.a == NAN[0]))
    integers = jnp.where(is_none, NAN[0], integers)  # an even multiple of the marker wraps to 0
    value = decimal(integers, jnp.where(op == CONST, exponent, 0), dtype)
    for code, operator in enumerate(TABLE[:NUM_LEAVES]):
        if code != CONST:
            value = jnp.where(op == code, scale * np.array(operator.function, dtype), value)
    return scale, bias, value, op < NUM_LEAVES


def _join(scale, bias, value, is_leaf) -> tuple[Array, Array]:
    return jnp.where(is_leaf, 0, scale), jnp.where(is_leaf, value + bias, bias)


# op by op, the two hundred operations take longer than evaluation; a product and a sum in one call
# could be fused to other bits than those of `scale * op + bias`
_parts_at_once = jax.jit(_parts_of, static_argnums=1)


_LOWEST, _HIGHEST = -101, 107  # decades that are compared with, and shifts by powers of ten
_POWERS = np.array([float(f"1e{k}") for k in range(_LOWEST, _HIGHEST + 1)])
_LOG_TEN_TWO = round(np.log10(2) * 2**18)
_SHIFT = 30  # a float32 has no larger powers of ten than 1e38


def to_decimal(
    value: Float[Array, "*shape"], digits: int
) -> tuple[Int[Array, "*shape"], Int[Array, "*shape"]]:
    """Mantissa and exponent of the nearest decimals of so many significant digits, at most 9.

    Without trailing zeros, but with one digit after the decimal point where there is room for it,
    because a number of exponent >= 0 is a whole number. Every normal float32 has decimals. What is
    NaN, infinite or beyond 1e-100 to 1e100 has none, and `decimal` makes it NaN again.
    """
    value = jnp.asarray(value)  # before its type is asked for: float64 of NumPy may become float32
    with np.errstate(over="ignore", under="ignore"):
        powers = jnp.asarray(_POWERS.astype(value.dtype))
    ten_to = lambda k: powers.at[k - _LOWEST].get(mode="promise_in_bounds")
    low, high = checks.limits_of(value.dtype)
    size = jnp.abs(value)
    is_zero = size == 0
    is_held = (size >= low) & (size <= high)
    size = jnp.where(is_held, size, 1)
    # the decade follows from the binary exponent, up to one comparison
    decade = ((jnp.frexp(size)[1] - 1) * _LOG_TEN_TWO) >> 18
    decade = decade + (size >= ten_to(decade + 1)).astype(jnp.int32)
    shift = digits - 1 - decade
    first = jnp.clip(shift, -_SHIFT, _SHIFT)
    power, rest = ten_to(jnp.abs(first)), ten_to(jnp.abs(shift - first))
    scaled = jnp.where(shift >= 0, size * power * rest, size / power / rest)
    mantissa = jnp.where(is_held, jnp.rint(scaled), 0).astype(jnp.int32)
    exponent = -shift
    for _ in range(digits):
        is_round = mantissa % 10 == 0
        mantissa = jnp.where(is_round, mantissa // 10, mantissa)
        exponent = jnp.where(is_round, exponent + 1, exponent)
    room = MAX_DIGITS - sum((mantissa >= 10**k).astype(jnp.int32) for k in range(digits))
    to_point = (exponent >= 0) & (exponent < room)
    tens = jnp.asarray([10**k for k in range(MAX_DIGITS + 1)], jnp.int32)
    mantissa = jnp.where(to_point, mantissa * tens[jnp.clip(exponent + 1, 0, MAX_DIGITS)], mantissa)
    exponent = jnp.where(mantissa == 0, 0, jnp.where(to_point, -1, exponent))
    mantissa = jnp.where(value < 0, -mantissa, mantissa)
    has_none = ~is_held & ~is_zero
    return jnp.where(has_none, NAN[0], mantissa), jnp.where(has_none, NAN[1], exponent)


def read_constants(owner: str, name: str, constants: Any, program: Program) -> tuple[Any, Any]:
    """Scales and biases for a program as arrays that are not rounded yet, of its shape.

    Raises:
        TypeError: If they are no `Constants`, or one holds no real numbers.
        ValueError: If a shape is another one.
    """
    if not isinstance(constants, Constants):
        raise TypeError(
            f"{owner}({name} of type {type(constants).__name__}): must be Constants. Start from "
            "program.constants."
        )
    scale = checks.read_numbers(owner, f"{name}.scale", constants.scale)
    bias = checks.read_numbers(owner, f"{name}.bias", constants.bias)
    for field, numbers in (("scale", scale), ("bias", bias)):
        if numbers.shape != program.op.shape:
            raise ValueError(
                f"{owner}({name} with {field} of shape {numbers.shape}): must have the shape "
                f"of program.op, {program.op.shape}. Start from program.constants."
            )
    return scale, bias


def _check_new(owner: str, name: str, new: Any, own: Any) -> None:
    """Refuse numbers that programs cannot write, and that are not the program's own."""
    if not checks.is_here(new):
        return
    numbers = np.asarray(new)
    low, high = checks.limits_of(checks.type_of(new))
    size = np.abs(numbers)
    bad = ~((size == 0) | ((size >= low) & (size <= high)))
    if checks.is_here(own):
        bad &= (np.asarray(own) != numbers) & ~(np.isnan(numbers) & np.isnan(own))
    else:  # what is no number becomes NaN, as if it were traced
        bad &= np.isfinite(numbers)
    if bad.any():
        place = [int(k) for k in np.argwhere(bad)[0]]
        raise ValueError(
            f"{owner}(constants with {name}{place}={numbers[tuple(place)]}): must be 0 or "
            f"of magnitude {low:.2g} to {high:.2g}, because programs write numbers as decimals of "
            "this range. Clip them, or keep the program's own where a fit failed."
        )


def with_constants(program: Program, constants: Constants, digits: int = 6) -> Program:
    """The programs with other constants, rounded to decimals.

    Args:
        program: Of any batch shape.
        constants: In the shape of `program.constants`. A scale or bias that the program does not
            have, and a constant that is equal to the program's own, stay as they are.
        digits: Significant digits kept, 1 to 9; float32 holds about 7.

    Returns:
        Programs of the same structure.

    Raises:
        TypeError: If `constants` are no `Constants` of real numbers.
        ValueError: If `constants` are not of the shape of `program.constants`, `digits` is out of
            range, or a number is not finite, beyond 1e-100 to 1e100, or none that the default float
            type holds. In constants that are traced such a number is NaN.

    Example:
        >>> import s2jax
        >>> program = s2jax.from_text("2.0*sin(x_0)")
        >>> larger = jax.tree.map(lambda leaf: 2.5 * leaf, program.constants)
        >>> s2jax.to_text(with_constants(program, larger))
        '(5.0 mul sin(x_0))'
    """
    checks.check_static_integer("with_constants", "digits", digits, 1, MAX_DIGITS)
    own = program.constants
    new_scale, new_bias = read_constants("with_constants", "constants", constants, program)
    _check_new("with_constants", "scale", new_scale, own.scale)
    _check_new("with_constants", "bias", new_bias, own.bias)
    constants = Constants(jnp.asarray(new_scale), jnp.asarray(new_bias))
    is_leaf = program.op < NUM_LEAVES
    new_scale = (constants.scale != own.scale) & ~is_leaf
    new_scale &= (program.scale_mantissa != 1) | (program.scale_exponent != 0)
    new_bias = (constants.bias != own.bias) & (is_leaf | (program.bias_mantissa != 0))
    new_leaf = new_bias & is_leaf  # a leaf that changes becomes a plain number
    new_bias = new_bias & ~is_leaf

    def pick(is_new, new, old, at_leaf=None):
        picked = jnp.where(is_new, new, old.astype(jnp.int32))
        picked = picked if at_leaf is None else jnp.where(new_leaf, at_leaf, picked)
        return picked.astype(old.dtype)

    scale, bias = (to_decimal(value, digits) for value in (constants.scale, constants.bias))
    return Program(
        op=pick(new_leaf, CONST, program.op),
        a=pick(new_leaf, bias[0], program.a),
        b=pick(new_leaf, bias[1], program.b),
        scale_mantissa=pick(new_scale, scale[0], program.scale_mantissa, 1),
        scale_exponent=pick(new_scale, scale[1], program.scale_exponent, 0),
        bias_mantissa=pick(new_bias, bias[0], program.bias_mantissa, 0),
        bias_exponent=pick(new_bias, bias[1], program.bias_exponent, 0),
        length=program.length,
        protected=program.protected,
    )
