"""Values of programs, or of SymPy expressions by the quicker of two ways."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from s2jax import programs
from s2jax.core import checks
from s2jax.programs import Constants, Program
from s2jax.text.lambdas import lambdify
from s2jax.text.read_sympy import from_sympy, shorten

# CPU time for 60 000 series of 512 steps on one core, 2026-11-22, the evaluator compiled before:
# 4, 17 and 46 instructions take 0.37, 0.89 and 2.2 s as programs, 0.87, 1.05 and 2.8 s by lambdify,
# of which compiling is 0.2 s. Beyond, the copies of the program take more than 100 MB.
COMPILE_FROM = 60_000
CACHE_SIZE = 256
# programs are padded to few sizes, because each compiles the evaluator anew
_SIZES = (16, 32, 64, 128, 256)


@checks.suggest_names()
def evaluate(
    program: Program | Any,
    x: Num[Array | np.ndarray, "*batch inputs time"],
    constants: Constants | None = None,
) -> Float[Array, "*batch outputs time"]:
    """Values of every program on its own input series, or of one SymPy expression on all of them.

    Works on the whole batch at once; under `jax.vmap` the mapped axis joins the batch. A value
    outside an operator's domain is NaN. Differentiable in reverse mode in `x` and `constants`; a
    time step whose cotangent is 0 contributes nothing even where its derivative is not finite, so
    that a loss may leave such steps out. Many different programs share one compiled function.

    A SymPy expression, or a list of them, one per output, in x_0, x_1, ... is read by
    `s2jax.from_sympy`, which compiles nothing new; or, if there are so many series that compiling
    pays, or if programs lack a function of it, compiled by `s2jax.lambdify`.

    Args:
        program: Of batch shape `(*batch, outputs)`, as in `Batch.program`; or SymPy.
        x: The variables x_0, x_1, ... as channels, in float32 or float64; integers become floats.
        constants: Other constants than the program's own, for example `program.constants` times 2;
            only with a `Program`.

    Returns:
        One series per program, in the dtype of `x`.

    Raises:
        TypeError: If `program` is neither a program nor SymPy, `constants` come with SymPy, or `x`
            is complex or of another floating type.
        ValueError: If shapes do not agree; if a program or an expression reads what is no channel
            of `x`; or if it or `constants` hold a number that the dtype of `x` cannot, such as 1e50
            in float32. Programs that are traced by a JAX transformation are NaN then.

    Example:
        >>> import jax, s2jax, sympy
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> s2jax.evaluate(batch.program, batch.x).shape
        (4, 1, 64)
        >>> loss = lambda c: s2jax.evaluate(batch.program, batch.x, c).var()
        >>> jax.grad(loss)(batch.program.constants).scale.shape == batch.program.op.shape
        True
        >>> x_0 = sympy.Symbol("x_0")
        >>> s2jax.evaluate([sympy.sin(x_0), 2 * x_0 + 1], batch.x).shape
        (4, 2, 64)
    """
    if isinstance(program, Program):
        return programs.evaluate(program, x, constants)
    if constants is not None:
        raise TypeError(
            "evaluate(SymPy, constants=...): must be left out, because an expression has its "
            "constants in it. Pass s2jax.from_sympy(...) instead of the expression."
        )
    x = checks.as_floats("evaluate", "x", x)
    exprs = _expressions(program, x.shape[-2])
    if math.prod(x.shape[:-2]) < COMPILE_FROM:
        read = _read(exprs)
        if read is not None:
            return _on_all(read, x)
    compiled = _compile(exprs)
    values = compiled(*jnp.moveaxis(x, -2, 0))
    shape = *x.shape[:-2], x.shape[-1]  # of no inputs there are no arrays to take it from
    return jnp.stack([jnp.broadcast_to(value, shape).astype(x.dtype) for value in values], axis=-2)


def _expressions(exprs: Any, num_inputs: int) -> tuple[Any, ...]:
    """SymPy expressions in the channels of x, checked."""
    import sympy

    outputs = tuple(exprs) if isinstance(exprs, (list, tuple, sympy.Tuple)) else (exprs,)
    for expr in outputs:
        if not isinstance(expr, sympy.Expr):
            fix = "Read text with s2jax.from_text." if isinstance(expr, str) else "Nest no lists."
            raise TypeError(
                f"evaluate({shorten(expr)}): must be a Program, a SymPy expression or a list of "
                f"expressions, not of type {type(expr).__name__}. {fix}"
            )
        known = {f"x_{index}" for index in range(num_inputs)}
        unknown = sorted({str(symbol) for symbol in expr.free_symbols} - known)
        if unknown:
            raise ValueError(
                f"evaluate({shorten(expr)}, x of {num_inputs} inputs): must read "
                f"{f'x_0 to x_{num_inputs - 1} only' if num_inputs else 'no variable'}, and reads "
                f"{', '.join(unknown)}. Rename symbols with expr.subs(...), or give x more "
                "channels."
            )
    if not outputs:
        raise ValueError("evaluate([]): must hold an expression, one per output. Pass one.")
    return outputs


@functools.lru_cache(maxsize=CACHE_SIZE)
def _read(exprs: tuple[Any, ...]) -> Program | None:
    """The expressions as programs; None if they cannot be."""
    for num_nodes in _SIZES:
        try:
            return from_sympy(list(exprs), num_nodes=num_nodes)
        except ValueError:
            continue
    return None


@functools.lru_cache(maxsize=CACHE_SIZE)
def _compile(exprs: tuple[Any, ...]) -> Callable[..., tuple[Array, ...]]:
    import sympy

    renamed = {symbol: sympy.Symbol(symbol.name) for expr in exprs for symbol in expr.free_symbols}
    last = max((int(symbol.name[2:]) for symbol in renamed.values()), default=0)
    variables = [sympy.Symbol(f"x_{index}") for index in range(last + 1)]
    function = lambdify([expr.xreplace(renamed) for expr in exprs], variables)
    return lambda *arrays: function(*arrays[: last + 1])


def _on_all(program: Program, x: Any) -> Array:
    batch = x.shape[:-2]
    spread = lambda leaf: jnp.broadcast_to(leaf, (*batch, *leaf.shape))
    return programs.evaluate(jax.tree.map(spread, program), x)
