"""The operator table: every list of operators in the package is computed from it.

An operator's opcode is its position here. The law weights are the defaults of the Series-Symbol
papers' sampler; an operator of weight 0 is evaluated, printed and parsed but drawn only on demand.
One of weight None is not even named in their table of weights: it costs a sampler nothing until a
table names it; `lag` no table can name.
The reference implementation has two more words. `diff`, a smoothed forward difference along time,
is left out: with it, y is no pointwise function of x. `rand` is left out: it always evaluates to 0.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from s2jax.core import fastmath

__all__ = ("OPCODE", "TABLE", "Operator")


def __dir__() -> tuple[str, ...]:
    return __all__


@dataclasses.dataclass(frozen=True)
class Operator:
    """One row of the table.

    Attributes:
        name: The word used in text and tokens.
        arity: Number of operands.
        function: JAX function of `arity` arrays; a number if `arity` is 0. Outside its domain it
            returns NaN, and every operator passes NaN on.
        symbol: The SymPy form: a name in SymPy, or a function of SymPy expressions.
        weight: Default weight among the operators of the same arity; None for 0 that is not spelt
            out.
        domain: Where the function is defined.
        protects: Whether the first operand is replaced by its absolute value in protected mode.
        commutative: Whether the operands may be swapped.
    """

    name: str
    arity: int
    function: Callable[..., jax.Array] | float
    symbol: str | Callable[..., Any]
    weight: float | None = 0.0
    domain: str = "all reals"
    protects: bool = False
    commutative: bool = False


def _nan_where(outside: jax.Array, value: jax.Array) -> jax.Array:
    return jnp.where(outside, jnp.asarray(np.nan, value.dtype), value)


def _div(a: jax.Array, b: jax.Array) -> jax.Array:
    return _nan_where(b == 0, a / b)


def _inv(a: jax.Array) -> jax.Array:
    return _nan_where(a == 0, 1 / a)


def _arctanh(a: jax.Array) -> jax.Array:
    return _nan_where(jnp.abs(a) >= 1, fastmath.arctanh(a))


def _log(a: jax.Array) -> jax.Array:
    return _nan_where(a <= 0, jnp.log(a))


def _pow(a: jax.Array, b: jax.Array) -> jax.Array:
    # beyond 1 / eps every float is a whole number, and none is known to be one
    integral = (b == jnp.round(b)) & (jnp.abs(b) < 1 / jnp.finfo(b.dtype).eps)
    odd = integral & (jnp.abs(b) % 2 == 1)
    value = fastmath.power(a, b) * jnp.where((a < 0) & odd, -1, 1).astype(a.dtype)
    return _nan_where(((a < 0) & ~integral) | ((a == 0) & (b < 0)), value)


def _gate(c: jax.Array, a: jax.Array) -> jax.Array:
    # not a product, because what is shut out may be infinite or NaN
    return jnp.where(c > 0, a, jnp.where(jnp.isnan(c), c, 0))


def _gate_symbol(c: Any, a: Any) -> Any:
    import sympy
    from sympy.functions.elementary.piecewise import ExprCondPair

    is_open = sympy.StrictGreaterThan(c, 0, evaluate=False)
    if c.is_Add and len(c.args) == 2:
        signs = [term for term in c.args if isinstance(term, sympy.sign)]
        if signs and c.xreplace({signs[0]: sympy.Integer(0)}) == 0.5:  # so `>=` is a program
            is_open = sympy.GreaterThan(signs[0].args[0], 0, evaluate=False)
    # made without their constructors, which rewrite conditions that hold pieces themselves
    pair = lambda *parts: sympy.Basic.__new__(ExprCondPair, *parts)
    pieces = pair(a, is_open), pair(sympy.Integer(0), sympy.true)
    return sympy.Basic.__new__(sympy.Piecewise, *pieces)


def _lag(a: jax.Array, b: jax.Array) -> jax.Array:
    return jnp.full_like(a, np.nan)  # what a state was before, no value of now tells


def _lag_symbol(a: Any, b: Any) -> Any:
    import sympy

    if not a.is_Symbol:  # from tokens that nobody wrote
        return sympy.Function("lag", real=True)(a, b)
    time = sympy.Symbol("t", real=True)
    return sympy.Function(a.name, real=True)(sympy.Add(time, -b, evaluate=False))


TABLE = (
    Operator("const", 0, 1.0, lambda: 1),
    Operator("e", 0, float(np.e), "E"),
    Operator("pi", 0, float(np.pi), "pi"),
    Operator("euler_gamma", 0, float(np.euler_gamma), "EulerGamma"),
    Operator("id", 1, lambda a: a, lambda a: a),
    Operator("add", 2, jnp.add, lambda a, b: a + b, 1.0, commutative=True),
    Operator("sub", 2, jnp.subtract, lambda a, b: a - b, 1.0),
    Operator("mul", 2, jnp.multiply, lambda a, b: a * b, 1.0, commutative=True),
    Operator("div", 2, _div, lambda a, b: a / b, domain="divisor != 0"),
    Operator("pow", 2, _pow, "Pow", domain="base > 0, or an integer exponent", protects=True),
    Operator("abs", 1, jnp.abs, "Abs", 1.0),
    Operator("inv", 1, _inv, lambda a: 1 / a, 3.0, domain="operand != 0"),
    Operator("sqrt", 1, jnp.sqrt, "sqrt", 5.0, domain="operand >= 0", protects=True),
    Operator("log", 1, _log, "log", 1.0, domain="operand > 0", protects=True),
    Operator("exp", 1, jnp.exp, "exp", 1.0),
    Operator("sin", 1, fastmath.sin, "sin", 1.0),
    Operator("cos", 1, fastmath.cos, "cos", 1.0),
    Operator("arcsin", 1, fastmath.arcsin, "asin", domain="-1 <= operand <= 1"),
    Operator("arccos", 1, fastmath.arccos, "acos", domain="-1 <= operand <= 1"),
    Operator("tan", 1, fastmath.tan, "tan", 0.2),
    Operator("arctan", 1, fastmath.arctan, "atan", 0.2),
    Operator("pow2", 1, lambda a: a * a, lambda a: a**2, 3.0),
    Operator("pow3", 1, lambda a: a * a * a, lambda a: a**3, 1.0),
    Operator("neg", 1, jnp.negative, lambda a: -a),
    Operator("tanh", 1, jnp.tanh, "tanh"),
    Operator("max", 2, jnp.maximum, "Max", None, commutative=True),
    Operator("min", 2, jnp.minimum, "Min", None, commutative=True),
    Operator("sign", 1, jnp.sign, "sign", None),
    Operator("sinh", 1, fastmath.sinh, "sinh", None),
    Operator("cosh", 1, fastmath.cosh, "cosh", None),
    Operator("arcsinh", 1, fastmath.arcsinh, "asinh", None),
    Operator("arccosh", 1, fastmath.arccosh, "acosh", None, domain="operand >= 1"),
    Operator("arctanh", 1, _arctanh, "atanh", None, domain="-1 < operand < 1"),
    Operator("gate", 2, _gate, _gate_symbol, None),
    Operator("lag", 2, _lag, _lag_symbol, None, domain="a state, and a number > 0"),
)

OPCODE: Mapping[str, int] = {operator.name: code for code, operator in enumerate(TABLE)}
CONST, ID = OPCODE["const"], OPCODE["id"]
LAG = OPCODE["lag"]
"""`lag(y_0, 2.5)` is y_0(t - 2.5), an operand of right-hand sides that no engine computes: systems
with delays read it from what they have solved before, and it is NaN everywhere else."""
ARITY = np.array([operator.arity for operator in TABLE], np.int8)
NUM_LEAVES = sum(operator.arity == 0 for operator in TABLE)  # they come first


_NOT_DRAWN = ("const", "id", "lag")


def drawable(arity: int) -> tuple[str, ...]:
    """Names of the operators that a law may draw for a node of this arity, in table order."""
    return tuple(op.name for op in TABLE if op.arity == arity and op.name not in _NOT_DRAWN)


def default_weights(arity: int) -> dict[str, float]:
    """Weight of each operator of this arity that the law of the papers names."""
    weights = {name: TABLE[OPCODE[name]].weight for name in drawable(arity)}
    return {name: weight for name, weight in weights.items() if weight is not None}
