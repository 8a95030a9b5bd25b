"""Float32 elementary functions as polynomials, several times faster than XLA's own on CPU.

XLA:CPU calls scalar code for these functions; the polynomials below vectorise. Other dtypes, and
sin, cos and tan on other platforms, go to `jax.numpy`. Inverse hyperbolic functions have the values
of `jax.numpy`, with derivatives that are right wherever the values are. Errors are in units of
eps = 2**-23 and relative to the float64 value unless said otherwise; results below 2**-126 may
flush to zero.
exp, log, tanh and sqrt are missing because XLA already vectorises them.

`round`, not adding and subtracting 1.5 * 2**23, gives multiples of the period: XLA reassociates
the latter. No step relies on a fused or an unfused multiply-add.

References:
    Cody and Waite, Software Manual for the Elementary Functions (1980).
    Payne and Hanek, Radian Reduction for Trigonometric Functions (SIGNUM 1983).
    Moshier, Cephes Mathematical Library (ranges of sin, cos, arcsin, exp2; sin, cos coefficients).
    Muller, Elementary Functions, 3rd ed., ch. 3 and 11 (minimax fits; the other coefficients).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from s2jax.core.fastmath import _functions


@jax.jit
def sin(x: ArrayLike) -> Float[Array, "..."]:
    """Sine, relative error at most 2 eps over all of float32; NaN for infinities.

    Example:
        >>> round(float(sin(1e6)), 6)
        -0.349994
    """
    x = jnp.asarray(x)
    return _functions.sin(x) if x.dtype == np.float32 else jnp.sin(x)


@jax.jit
def cos(x: ArrayLike) -> Float[Array, "..."]:
    """Cosine, relative error at most 2 eps over all of float32; NaN for infinities.

    Example:
        >>> float(cos(0.0))
        1.0
    """
    x = jnp.asarray(x)
    return _functions.cos(x) if x.dtype == np.float32 else jnp.cos(x)


def sin_and_cos_of_turn(x: Float[Array, "..."]) -> tuple[Array, Array]:
    """Sine and cosine for |x| <= 2 pi, as `sin` and `cos`, with less code to compile.

    For angles that are drawn: they have no derivative here.

    Args:
        x: In float32.

    Example:
        >>> [round(float(part), 6) for part in sin_and_cos_of_turn(jnp.float32(0.5))]
        [0.479426, 0.877583]
    """
    return _functions.sin_and_cos_of_turn(x)


@jax.jit
def tan(x: ArrayLike) -> Float[Array, "..."]:
    """Tangent, relative error at most 3 eps over all of float32, poles included.

    Example:
        >>> round(float(tan(1.5)), 3)
        14.101
    """
    x = jnp.asarray(x)
    return _functions.tan(x) if x.dtype == np.float32 else jnp.tan(x)


@jax.jit
def arctan(x: ArrayLike) -> Float[Array, "..."]:
    """Arc tangent, relative error at most 2 eps; +-pi/2 at the infinities.

    Example:
        >>> float(4 * arctan(1.0))
        3.1415927410125732
    """
    x = jnp.asarray(x)
    return _functions.arctan(x) if x.dtype == np.float32 else jnp.arctan(x)


@jax.jit
def arcsin(x: ArrayLike) -> Float[Array, "..."]:
    """Arc sine, relative error at most 3 eps; NaN outside [-1, 1].

    Example:
        >>> float(arcsin(1.0))
        1.5707963705062866
    """
    x = jnp.asarray(x)
    return _functions.arcsin(x) if x.dtype == np.float32 else jnp.arcsin(x)


@jax.jit
def arccos(x: ArrayLike) -> Float[Array, "..."]:
    """Arc cosine, relative error at most 2 eps; NaN outside [-1, 1].

    Example:
        >>> float(arccos(1.0))
        0.0
    """
    x = jnp.asarray(x)
    return _functions.arccos(x) if x.dtype == np.float32 else jnp.arccos(x)


@jax.jit
def sinh(x: ArrayLike) -> Float[Array, "..."]:
    """Hyperbolic sine, relative error at most 6 eps; infinite only where it overflows.

    Example:
        >>> float(sinh(1e-6)) == float(jnp.float32(1e-6))
        True
    """
    x = jnp.asarray(x)
    return _functions.sinh(x) if x.dtype == np.float32 else jnp.sinh(x)


@jax.jit
def cosh(x: ArrayLike) -> Float[Array, "..."]:
    """Hyperbolic cosine, relative error at most 6 eps; infinite only where it overflows.

    Example:
        >>> float(cosh(0.0))
        1.0
    """
    x = jnp.asarray(x)
    return _functions.cosh(x) if x.dtype == np.float32 else jnp.cosh(x)


@jax.jit
def arcsinh(x: ArrayLike) -> Float[Array, "..."]:
    """Inverse hyperbolic sine, relative error at most 2 eps.

    Example:
        >>> round(float(arcsinh(-1e4)), 5)
        -9.90349
    """
    return _functions.arcsinh(jnp.asarray(x))


@jax.jit
def arccosh(x: ArrayLike) -> Float[Array, "..."]:
    """Inverse hyperbolic cosine, relative error at most 3 eps; NaN below 1.

    Example:
        >>> float(arccosh(1.0))
        0.0
    """
    return _functions.arccosh(jnp.asarray(x))


@jax.jit
def arctanh(x: ArrayLike) -> Float[Array, "..."]:
    """Inverse hyperbolic tangent, relative error at most 2 eps; infinite at +-1, NaN beyond.

    Example:
        >>> float(arctanh(0.0))
        0.0
    """
    return _functions.arctanh(jnp.asarray(x))


@jax.jit
def power(a: ArrayLike, b: ArrayLike) -> Float[Array, "..."]:
    """|a| ** b; the sign of `a` is ignored, so the caller handles it and the domain.

    The relative error is at most 4e-6, and 3e-7 for results between 2**-10 and 2**10. A subnormal
    `a` counts as 0, and a subnormal `b` may. 0 ** b is 0, 1 or inf for b > 0, b == 0, b < 0; x ** 0
    and 1 ** b are 1 for every x and b, infinities included; a NaN in either operand gives NaN. The
    derivatives are those of |a| ** b: 0 in `a` at b == 0, that from the right at a == 0, which is
    infinite for 0 < b < 1, and 0 in `b` where the result is 0.

    Example:
        >>> float(power(-4.0, 0.5))
        2.0
    """
    dtype = jnp.result_type(a, b)
    a, b = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
    return _functions.power(a, b) if dtype == np.float32 else _functions.power_elsewhere(a, b)
