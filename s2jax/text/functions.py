"""SymPy's functions in JAX, by the name of their class: what `lambdify` can translate."""

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy import special
from jaxtyping import Array


def _reduce(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda *operands: functools.reduce(function, operands)


def _logical(function: Callable[..., Array]) -> Callable[..., Array]:
    """For operands of which some may be variables."""
    return lambda *operands: function(*(operand.astype(bool) for operand in operands))


def _power(base: Array, exponent: Any) -> Array:
    if isinstance(exponent, int):
        return jax.lax.integer_pow(base, exponent)
    roots = {0.5: jnp.sqrt, -0.5: lambda x: 1 / jnp.sqrt(x)}
    if isinstance(exponent, float) and exponent in roots:
        return roots[exponent](base)
    return jnp.power(base, exponent)


def _piecewise(*pairs: tuple[Array, Array]) -> Array:
    otherwise = jnp.full_like(pairs[0][0], jnp.nan)
    return functools.reduce(
        lambda rest, pair: jnp.where(pair[1], pair[0], rest), pairs[::-1], otherwise
    )


def _binomial(n: Array, k: Array) -> Array:
    parts = n + 1, k + 1, n - k + 1
    sign = math.prod(map(special.gammasgn, parts))
    above, *below = map(special.gammaln, parts)
    return sign * jnp.exp(above - below[0] - below[1])


def _polygamma(order: int, x: Array) -> Array:
    return special.digamma(x) if order == 0 else special.polygamma(order, x)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    # arithmetic
    "Add": _reduce(operator.add), "Mul": _reduce(operator.mul),
    "Pow": _power,
    "Abs": jnp.abs, "sign": jnp.sign, "floor": jnp.floor, "ceiling": jnp.ceil, "Mod": jnp.mod,
    "frac": lambda x: x - jnp.floor(x), "Max": _reduce(jnp.maximum), "Min": _reduce(jnp.minimum),
    # elementary
    "exp": jnp.exp, "log": jnp.log, "exp2": jnp.exp2, "expm1": jnp.expm1, "log1p": jnp.log1p,
    "log2": jnp.log2, "log10": jnp.log10, "hypot": jnp.hypot,
    "sinc": lambda x: jnp.sinc(x / jnp.pi),
    "sin": jnp.sin, "cos": jnp.cos, "tan": jnp.tan,
    "sec": lambda x: 1 / jnp.cos(x), "csc": lambda x: 1 / jnp.sin(x),
    "cot": lambda x: 1 / jnp.tan(x),
    "asin": jnp.arcsin, "acos": jnp.arccos, "atan": jnp.arctan, "atan2": jnp.arctan2,
    "asec": lambda x: jnp.arccos(1 / x), "acsc": lambda x: jnp.arcsin(1 / x),
    "acot": lambda x: jnp.arctan(1 / x),
    "sinh": jnp.sinh, "cosh": jnp.cosh, "tanh": jnp.tanh,
    "sech": lambda x: 1 / jnp.cosh(x), "csch": lambda x: 1 / jnp.sinh(x),
    "coth": lambda x: 1 / jnp.tanh(x),
    "asinh": jnp.arcsinh, "acosh": jnp.arccosh, "atanh": jnp.arctanh,
    "asech": lambda x: jnp.arccosh(1 / x), "acsch": lambda x: jnp.arcsinh(1 / x),
    "acoth": lambda x: jnp.arctanh(1 / x),
    # special
    "erf": special.erf, "erfc": special.erfc, "erfinv": special.erfinv,
    "erfcinv": lambda x: special.erfinv(1 - x),
    "erf2": lambda x, y: special.erf(y) - special.erf(x),
    "gamma": special.gamma, "loggamma": special.gammaln, "digamma": special.digamma,
    "factorial": lambda n: special.gamma(n + 1), "binomial": _binomial, "polygamma": _polygamma,
    "trigamma": lambda x: _polygamma(1, x), "beta": lambda a, b: special.beta(a, b),
    "uppergamma": lambda s, x: special.gamma(s) * special.gammaincc(s, x),
    "lowergamma": lambda s, x: special.gamma(s) * special.gammainc(s, x),
    "zeta": lambda s, a=None: special.zeta(s, jnp.ones_like(s) if a is None else a),
    "besseli": lambda order, x: (special.i0, special.i1)[order](x),
    "expint": lambda order, x: special.expn(order, x), "Ei": special.expi,
    "li": lambda x: special.expi(jnp.log(x)),
    "Si": lambda x: special.sici(x)[0], "Ci": lambda x: special.sici(x)[1],
    "fresnels": lambda x: special.fresnel(x)[0], "fresnelc": lambda x: special.fresnel(x)[1],
    # conditions
    "Piecewise": _piecewise, "ExprCondPair": lambda value, condition: (value, condition),
    "Heaviside": jnp.heaviside, "ITE": _logical(jnp.where),
    "Equality": jnp.equal, "Unequality": jnp.not_equal,
    "StrictGreaterThan": jnp.greater, "GreaterThan": jnp.greater_equal,
    "StrictLessThan": jnp.less, "LessThan": jnp.less_equal,
    "And": _logical(_reduce(jnp.logical_and)), "Or": _logical(_reduce(jnp.logical_or)),
    "Not": jnp.logical_not, "Xor": _logical(_reduce(jnp.logical_xor)),
}  # fmt: skip
