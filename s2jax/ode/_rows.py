"""Solutions for rows of a batch."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from s2jax._tiles import at_a_time
from s2jax._types import Words
from s2jax.acceptance import REASONS, Acceptance
from s2jax.expressions import Split
from s2jax.expressions._program import packed_width
from s2jax.ode._forms import STOCHASTIC, Layout
from s2jax.ode._search import Found, Sizes, Task, search
from s2jax.ode._target import AbstractDifferential

_CPU_LANES, _CPU_VALUES = 2048, 2**22  # of the series of all lanes: what caches hold
_MAX_LANES, _MAX_BYTES = 8192, 2**31  # elsewhere; more lanes do not fill an accelerator better
_TRIES_AT_ONCE = 4  # there; the few rows that need more take a second round


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
    found: Found, wanted: Bool[Array, " rows"], n: int, backend: str,
) -> Found:  # fmt: skip
    """Find equations and solutions for the rows that are wanted; others stay as they are.

    Each key has `n` rows.
    """
    num_states, length = found.series.shape[1:]
    sizes = x.shape[1], num_states, length
    lanes = num_lanes(target, sizes, n, backend)
    blank = no_solutions(target, found.usable.shape[0], *sizes)
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


def num_lanes(
    target: AbstractDifferential, sizes: tuple[int, int, int], n: int, backend: str
) -> int:
    """Trajectories followed at a time: what caches hold or, on an accelerator, what fills it.

    `sizes` are the numbers of inputs, states and points, `n` is the number of rows of each key.
    """
    num_inputs, num_states, length = sizes
    if backend == "cpu":
        most, room = _CPU_LANES, _CPU_VALUES // (num_states * length)
    else:
        # an integral stores what every instruction of every state is at four times the points
        width = num_inputs + target.num_nodes(num_inputs, num_states)
        most = min(at_a_time(n, _TRIES_AT_ONCE), _MAX_LANES)
        room = _MAX_BYTES // (4 * 4 * length * width * num_states)
    return max(64, min(most, 2 ** room.bit_length() // 2))


def times(span: Float[Array, " rows"], length: int) -> Float[Array, "rows time"]:
    """The times of the points of each row, from 0 to its span."""
    return span[:, None] * (jnp.arange(length, dtype=span.dtype) / (length - 1))
