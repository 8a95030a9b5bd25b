"""Solutions for rows of a batch."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from s2jax._types import Words
from s2jax.acceptance import REASONS, Acceptance
from s2jax.expressions import Split
from s2jax.expressions._program import packed_width
from s2jax.ode._forms import STOCHASTIC, Layout
from s2jax.ode._search import Found, Sizes, Task, search
from s2jax.ode._target import AbstractDifferential

_MAX_LANES = 2048
_MAX_VALUES = 2**22  # of the series of all lanes


def no_solutions(
    target: AbstractDifferential, num_rows: int, num_inputs: int, num_states: int, length: int
) -> Found:
    """Rows before any search."""
    dtype = jnp.result_type(float)
    width = packed_width(target.num_nodes(num_inputs, num_states)) + packed_width(1)
    return Found(
        series=jnp.zeros((num_rows, num_states, length), dtype),
        scale=jnp.ones((num_rows, num_states), dtype),
        shift=jnp.zeros((num_rows, num_states), dtype),
        equations=jnp.zeros((num_rows, num_states * width), jnp.int32),
        form=jnp.zeros(num_rows, jnp.int32),
        facts=jnp.zeros((num_rows, 4), dtype),
        rejections=jnp.zeros((num_rows, len(REASONS)), jnp.int32),
    )


def solve_rows(
    target: AbstractDifferential, acceptance: Acceptance, split: Split | None, words: Words,
    x: Float[Array, "rows inputs time"], layout: Layout, may_be_monotone: Bool[Array, " rows"],
    found: Found, wanted: Bool[Array, " rows"], backend: str,
) -> Found:  # fmt: skip
    """Find equations and solutions for the rows that are wanted; others stay as they are."""
    num_states, length = found.series.shape[1:]
    lanes = _num_lanes(num_states * length, backend)
    blank = no_solutions(target, found.usable.shape[0], x.shape[1], num_states, length)
    keep = lambda old, new: jnp.where(wanted.reshape(-1, *(1,) * (old.ndim - 1)), new, old)
    found = jax.tree.map(keep, found, blank)
    task = Task(
        source=target.source(length, x.shape[1], num_states, lanes),
        words=words,
        x=x.transpose(2, 1, 0),
        layout=layout,
        may_be_monotone=may_be_monotone,
        acceptance=acceptance,
        limits=target.limits,
        split=split,
        sizes=Sizes(length, num_states, lanes),
    )
    form = jnp.where(layout.is_stochastic, STOCHASTIC, layout.form)
    return search(task, found._replace(form=form), wanted)


def _num_lanes(values: int, backend: str) -> int:
    """Trajectories followed at a time: what caches hold, or what fills an accelerator."""
    most = _MAX_LANES if backend == "cpu" else 32 * _MAX_LANES
    room = _MAX_VALUES if backend == "cpu" else 64 * _MAX_VALUES
    return max(64, min(most, 2 ** (room // values).bit_length() // 2))


def times(span: Float[Array, " rows"], length: int) -> Float[Array, "rows time"]:
    """The times of the points of each row, from 0 to its span."""
    return span[:, None] * (jnp.arange(length, dtype=span.dtype) / (length - 1))
