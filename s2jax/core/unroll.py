"""Loops laid out for machines on which each iteration is launched from a host.

On a GPU every operation that XLA cannot fuse is a kernel of its own, and a launch takes longer than
the kernel: a loop of 14 steps over the nodes of trees is 42 launches, and the same steps written
one after another are a handful. On a CPU a loop costs next to nothing, and its results are stored
where a fused expression would be computed again by each reader; on a TPU the loop is in the program
and never leaves the device. So code is written with loops, and they are laid out here, in what was
traced, for GPUs alone.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from s2jax.core.rows import by_rows, is_rows, join, split

_MOST_EQUATIONS = 1500  # of a loop that is laid out whole: so many take XLA some seconds
_MOST_WHOLE = 128  # steps: XLA cuts what is longer into as many kernels as a loop launches
_MOST_STEPS = 128  # of a longer loop that are written one after another, where they fuse
_STEPS_APART = 8  # where they read or write at places that are computed, which XLA does not fuse
_LEAST_STEPS = 4  # fewer at a time save no launches
_MOST_OF_BRANCHES = 300  # equations of two branches that are both computed
_MOST_STORED = 4  # times what a loop reads and returns: what may be computed before it


def laid_out(function: Callable[..., Any], backend: str) -> Callable[..., Any]:
    """The function as it is compiled for a platform: on GPUs with its loops unrolled."""
    return unroll_loops(function) if backend == "gpu" else function


def unroll_loops(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with loops of known length written out: short ones whole, long ones many
    steps at a time, and what does not depend on earlier steps before them.

    The values are those of the loops, up to how XLA rounds what it fuses.

    Args:
        function: Of pytrees of arrays. It is traced once for each call.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> count = lambda x: jax.lax.fori_loop(0, 3, lambda i, x: x + i, x)
        >>> "scan" in str(jax.make_jaxpr(unroll_loops(count))(jnp.int32(0)))
        False
    """

    def unrolled(*arguments: Any) -> Any:
        traced, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
        out = _run(traced, *jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shape), out)

    return unrolled


def _run(traced: ClosedJaxpr, *arguments: Any, rules: Any = None) -> list[Any]:
    """The results of what was traced, loop by loop."""
    jaxpr = traced.jaxpr
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*traced.consts, *arguments], strict=True))
    _run_equations(jaxpr.eqns, values, rules)
    return [_read(values, atom) for atom in jaxpr.outvars]


def _run_equations(
    equations: Iterable[Any], values: dict[Any, Any], rules: Any = None, in_rows: bool = False
) -> None:
    """Add to the values of variables what the equations say; `in_rows`, as rows where few."""
    rules = _RULES if rules is None else rules
    for equation in equations:
        arguments = [_read(values, atom) for atom in equation.invars]
        if equation.primitive.name in rules:
            out = rules[equation.primitive.name](equation, *map(join, arguments))
        elif in_rows:
            out = by_rows(equation, functools.partial(_as_it_is, equation), arguments)
        else:
            out = _as_it_is(equation, *arguments)
        values |= zip(equation.outvars, out, strict=True)


def _read(values: dict[Any, Any], atom: Any) -> Any:
    return atom.val if isinstance(atom, Literal) else values[atom]


def _as_it_is(equation: Any, *arguments: Any, **changes: Any) -> list[Any]:
    found = equation.primitive.get_bind_params(equation.params | changes)
    functions, params = found if isinstance(found, tuple) else ((), found)  # by version of JAX
    out = equation.primitive.bind(*functions, *arguments, **params)
    return out if equation.primitive.multiple_results else [out]


def _inline(equation: Any, *arguments: Any) -> list[Any]:
    return _run(equation.params["jaxpr"], *arguments)


def _branches(equation: Any, *arguments: Any) -> list[Any]:
    platforms = equation.params.get("branches_platforms")
    if platforms is not None:  # of `platform_dependent`: that of a GPU
        place = next(k for k, names in enumerate(platforms) if names is None or "cuda" in names)
        return _run(equation.params["branches"][place], *arguments[1:])
    branches = tuple(map(_retraced, equation.params["branches"]))
    if len(branches) == 2 and _is_short(branches):  # computed, rather than to ask which
        both = [_run(branch, *arguments[1:]) for branch in branches]
        chosen = jnp.asarray(arguments[0], bool)
        return [
            jax.lax.select_n(jnp.broadcast_to(chosen, jnp.shape(no)), no, yes)
            for no, yes in zip(*both, strict=True)
        ]
    return _as_it_is(equation, *arguments, branches=branches)


def _is_short(branches: Iterable[ClosedJaxpr]) -> bool:
    """Whether they have no loops whose end is not known, and cost little if all of them are run."""
    loops = lambda jaxpr: any(
        one.primitive.name == "while" or any(loops(inner) for _, inner in _inner([one]))
        for one in jaxpr.eqns
    )
    sizes = [_size(branch.jaxpr) for branch in branches]
    return sum(sizes) <= _MOST_OF_BRANCHES and not any(loops(one.jaxpr) for one in branches)


def _while(equation: Any, *arguments: Any) -> list[Any]:
    params, body = equation.params, equation.params["body_jaxpr"]
    ends = _ends(equation)
    if ends is None or _size(body.jaxpr) * (ends[1] - ends[0]) > _MOST_EQUATIONS:
        return _as_it_is(equation, *arguments, body_jaxpr=_retraced(body))
    consts, carry = _split(arguments[params["cond_nconsts"] :], params["body_nconsts"])
    for step in range(*ends):
        # the number as a constant, so that what is read at it is a slice
        carry = _run(body, *consts, np.int32(step), *carry[1:])
    return [jnp.int32(max(ends)), *carry[1:]]


def _ends(equation: Any) -> tuple[int, int] | None:
    """The first number of a loop that counts up by one, and the one that ends it; else None."""
    params = equation.params
    condition, body = params["cond_jaxpr"].jaxpr, params["body_jaxpr"].jaxpr
    if params["cond_nconsts"] or len(condition.eqns) != 1 or len(condition.invars) < 2:
        return None
    (test,), carry = condition.eqns, equation.invars[params["body_nconsts"] :]
    if test.primitive.name != "lt" or list(test.invars) != condition.invars[:2]:
        return None
    if condition.outvars != test.outvars or not all(isinstance(end, Literal) for end in carry[:2]):
        return None
    count, end = body.invars[params["body_nconsts"] :][:2]
    counted = [one for one in body.eqns if one.outvars[0] is body.outvars[0]]
    if body.outvars[1] is not end or len(counted) != 1 or counted[0].primitive.name != "add":
        return None
    by = counted[0].invars
    if by[0] is not count or not isinstance(by[1], Literal) or int(by[1].val) != 1:
        return None
    return int(carry[0].val), int(carry[1].val)


def _numbers(params: dict[str, Any]) -> tuple[int, int] | None:
    """How many constants and carried values a scan has; None where this JAX does not say."""
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    parts = getattr(params.get("ft_in"), "unpack", tuple)()  # from JAX 0.11 on
    sizes = [len(part) for part in parts]
    is_known = len(sizes) == 3 and sum(sizes) == len(params["jaxpr"].jaxpr.invars)
    return (sizes[0], sizes[1]) if is_known else None


def _scan(equation: Any, *arguments: Any) -> list[Any]:
    params, length = equation.params, equation.params["length"]
    numbers = _numbers(params)
    if numbers is None:
        return _as_it_is(equation, *arguments)
    body = _retraced(params["jaxpr"], _INLINING)  # loops in it are laid out once, where it runs
    consts, rest = _split(arguments, numbers[0])
    carry, given = _split(rest, numbers[1])
    size, order = max(_size(body.jaxpr), 1), slice(None, None, -1 if params["reverse"] else 1)
    if length == 1 or (length <= _MOST_WHOLE and size * length <= _MOST_EQUATIONS):
        step = _without_hoisted(body, consts, carry, given, hoist=False)[0]
        carry, stacked = _write_out(step, carry, given, range(length)[order])
        return [*carry, *(leaf[order] for leaf in stacked)]
    given = [leaf[order] for leaf in given]
    step, given, late = _without_hoisted(body, consts, carry, given)
    fuses = not any(one.primitive.name in _APART or any(_inner([one])) for one in late)
    most = _MOST_STEPS if fuses else _STEPS_APART
    most = min(most, _MOST_EQUATIONS // max(len(late), 1))
    if most < _LEAST_STEPS:
        dense = lambda carry, now: jax.tree.map(join, step(carry, now), is_leaf=is_rows)
        carry, stacked = jax.lax.scan(dense, carry, given, length)
        return [*carry, *(leaf[order] for leaf in stacked)]
    count = -(-length // most)
    steps = length // count
    whole = [leaf[: count * steps].reshape(count, steps, *leaf.shape[1:]) for leaf in given]
    chunk = lambda carry, now: _write_out(step, list(map(split, carry)), now, range(steps))
    carry, stacked = jax.lax.scan(chunk, carry, whole, count)
    stacked = [leaf.reshape(-1, *leaf.shape[2:]) for leaf in stacked]
    if count * steps < length:
        last = [leaf[count * steps :] for leaf in given]
        carry, more = _write_out(step, list(map(split, carry)), last, range(length - count * steps))
        more = jax.lax.optimization_barrier(more)  # else each reader would take these steps anew
        stacked = [jnp.concatenate(pair) for pair in zip(stacked, more, strict=True)]
    return [*carry, *(leaf[order] for leaf in stacked)]


def _write_out(step: Any, carry: list[Any], given: list[Any], places: Iterable[int]):
    """The steps of a scan one after another."""
    rows: list[Any] = []
    for place in places:
        carry, row = step(carry, [_at(leaf, place) for leaf in given])
        rows.append(map(join, row))
    return list(map(join, carry)), [jnp.stack(leaves) for leaves in zip(*rows, strict=True)]


def _without_hoisted(
    body: ClosedJaxpr, consts: list[Any], carry: list[Any], given: list[Any], hoist: bool = True
):
    """The step of a scan without what needs nothing of earlier steps, which is computed for all
    steps at once; with what it reads instead, and its equations."""
    jaxpr = body.jaxpr
    first, states = _split(jaxpr.invars, len(consts))
    states, nows = _split(states, len(carry))
    values = dict(zip([*jaxpr.constvars, *first], [*body.consts, *consts], strict=True))
    later, moving, early, late = set(states), set(nows), [], []
    for one in jaxpr.eqns:
        read = {atom for atom in one.invars if not isinstance(atom, Literal)}
        if read & later or (read & moving and any(_inner([one]))):
            late.append(one)
            later |= set(one.outvars)
        elif read & moving:
            early.append(one)
            moving |= set(one.outvars)
        else:
            _run_equations([one], values)
    asked = [atom for one in late for atom in one.invars] + list(jaxpr.outvars)
    asked = [atom for atom in dict.fromkeys(a for a in asked if not isinstance(a, Literal))]
    stored = [atom for atom in asked if atom in moving]
    room = sum(map(_bytes, nows)) + sum(map(_bytes, jaxpr.outvars[len(carry) :]))
    if not hoist or sum(map(_bytes, stored)) > _MOST_STORED * room:
        early, late, stored = [], [*early, *late], list(nows)

    def prepare(*now):
        found = values | dict(zip(nows, now, strict=True))
        _run_equations(early, found)
        return [found[atom] for atom in stored]

    def step(carry, now):
        found = values | dict(zip([*states, *stored], [*carry, *now], strict=True))
        _run_equations(late, found, in_rows=hoist)
        return _split([_read(found, atom) for atom in jaxpr.outvars], len(carry))

    return step, jax.vmap(prepare)(*given) if early else given, late


def _at(array: Any, place: int) -> Any:
    return jax.lax.index_in_dim(array, place, keepdims=False)


def _split(items: Any, count: int) -> tuple[list[Any], list[Any]]:
    return list(items[:count]), list(items[count:])


def _bytes(atom: Any) -> int:
    return int(np.prod(atom.aval.shape)) * atom.aval.dtype.itemsize


def _retraced(traced: ClosedJaxpr, rules: Any = None) -> ClosedJaxpr:
    """The body of a loop that stays, or a branch, with the loops in it laid out."""
    shapes = [
        jax.ShapeDtypeStruct(one.aval.shape, one.aval.dtype, weak_type=one.aval.weak_type)
        for one in traced.jaxpr.invars
    ]
    return jax.make_jaxpr(lambda *arguments: _run(traced, *arguments, rules=rules))(*shapes)


def _inner(equations: Iterable[Any]) -> Iterator[tuple[int, Jaxpr]]:
    """What the equations run, and how often."""
    is_traced = lambda value: isinstance(value, (Jaxpr, ClosedJaxpr))
    for equation in equations:
        times = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        for value in jax.tree.leaves(list(equation.params.values()), is_leaf=is_traced):
            if is_traced(value):
                yield times, getattr(value, "jaxpr", value)


def _size(jaxpr: Jaxpr) -> int:
    """How many equations there are, those of loops once for each step."""
    return len(jaxpr.eqns) + sum(times * _size(inner) for times, inner in _inner(jaxpr.eqns))


_APART = {
    "gather", "scatter", "scatter_add", "dynamic_slice", "dynamic_update_slice", "sort", "cumsum",
}  # fmt: skip
_RULES: dict[str, Callable[..., list[Any]]] = {
    "jit": _inline,
    "pjit": _inline,
    "cond": _branches,
    "scan": _scan,
    "while": _while,
}
_INLINING: dict[str, Callable[..., list[Any]]] = dict.fromkeys(
    ("jit", "pjit"),
    lambda equation, *arguments: _run(equation.params["jaxpr"], *arguments, rules=_INLINING),
)
