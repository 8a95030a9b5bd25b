"""The search for usable expressions: a work queue inside jit.

An item is one output of one row. Each round deals tries to a fixed number of lanes: every pending
item in a window of the queue gets one, and while fewer items are pending than there are lanes,
several consecutive ones. Try t of an item is a function of its key and t alone and the first usable
try wins, so the result does not depend on how tries are dealt.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax._types import Words
from s2jax.acceptance import REASONS, Acceptance, Moments, Status, judge, moments
from s2jax.expressions import Split
from s2jax.expressions._program import pack, packed_width
from s2jax.targets import AbstractPointwise

_TRY_BITS = 20  # tries per item; the streams of outputs follow each other
_FIRST_STREAM = 2  # what comes before is read for the row's inputs


class Outputs(NamedTuple):
    """What the search finds for each item; all zero where it found nothing.

    Attributes:
        program: The first usable program, packed.
        series: Its series, `scale * f(x) + shift`.
        scaling: Scale, shift, and 1 where a usable program was found.
        rejections: How many programs before it were rejected, by reason.
    """

    program: Int[Array, "items fields"]
    series: Float[Array, "items time"]
    scaling: Float[Array, "items 3"]
    rejections: Int[Array, "items reasons"]

    @property
    def usable(self) -> Bool[Array, " items"]:
        """Whether a usable program was found."""
        return self.scaling[:, 2] > 0


class Task(NamedTuple):
    """What is searched for.

    Attributes:
        target, acceptance, split: What is drawn, and what is usable.
        words: One raw key per row.
        x: The inputs of each row; they stay as they are.
        used_inputs: How many inputs the programs of each row may read.
        rescale: `rescale(moments, row)` gives the scale and shift of accepted series.
    """

    target: AbstractPointwise
    acceptance: Acceptance
    split: Split | None
    words: Words
    x: Float[Array, "rows inputs time"]
    used_inputs: Int[Array, " rows"]
    rescale: Callable[[Moments, Array], tuple[Array, Array]]

    def attempt(self, item, number, num_outputs: int):
        """Draw and evaluate try `number` of each item."""
        row, output = item // num_outputs, item % num_outputs
        stream = (output << _TRY_BITS) + number + _FIRST_STREAM
        program = self.target.draw(
            self.words[row], stream, self.used_inputs[row], output, self.x.shape[1]
        )
        series = self.target.series(program, self.x[row])
        stats = moments(series)
        status = judge(stats, self.acceptance)
        if self.split is not None:
            elsewhere = (status == 0) & ~self.split.keeps(program)
            status = jnp.where(elsewhere, Status.OTHER_SPLIT.value, status)
        return program, series, row, stats, status


def no_outputs(
    target: AbstractPointwise, num_inputs: int, shape: tuple[int, int], dtype
) -> Outputs:
    """The outputs before any search, for `shape = (items, time)`."""
    width = packed_width(target.num_nodes(num_inputs))
    return Outputs(
        program=jnp.zeros((shape[0], width), jnp.int32),
        series=jnp.zeros(shape, dtype),
        scaling=jnp.zeros((shape[0], 3), dtype),
        rejections=jnp.zeros((shape[0], len(REASONS)), jnp.int32),
    )


def search(
    task: Task, outputs: Outputs, wanted: Bool[Array, "rows outputs"], num_lanes: int
) -> Outputs:
    """Draw programs for every wanted item until one makes a usable series.

    Args:
        task: What is searched for.
        outputs: What is known so far; wanted items have no outputs yet.
        wanted: Which outputs of which rows to search for.
        num_lanes: Programs drawn and evaluated per round. Static.
    """
    num_items, num_outputs = wanted.size, wanted.shape[1]
    window = min(4 * num_lanes, num_items)
    lane = jnp.arange(num_lanes, dtype=jnp.int32)
    never = jnp.iinfo(jnp.int32).max

    def round_of_tries(state):
        outputs, pending, start = state
        cut = lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, window)
        place, number = _deal(cut(pending), cut(outputs.rejections).sum(1, dtype=jnp.int32), lane)
        item = start + place
        live = pending[item] & (number < task.acceptance.max_tries)
        program, series, row, stats, status = task.attempt(item, number, num_outputs)
        first = jnp.full(window, never, jnp.int32)
        first = first.at[place].min(jnp.where(live & (status == 0), number, never))[place]
        won, lost = live & (number == first), live & (number < first)
        scale, shift = task.rescale(stats, row)
        put = lambda old, new: old.at[jnp.where(won, item, num_items)].set(new, mode="drop")
        reasons = jnp.array([reason.value for reason in REASONS], jnp.int32)
        outputs = Outputs(
            program=put(outputs.program, pack(program)),
            series=put(outputs.series, series * scale[:, None] + shift[:, None]),
            scaling=put(outputs.scaling, jnp.stack([scale, shift, jnp.ones_like(scale)], 1)),
            rejections=outputs.rejections.at[item].add(
                (lost[:, None] & (status[:, None] == reasons)).astype(jnp.int32)
            ),
        )
        open_items = cut(pending) & ~cut(outputs.usable)
        open_items = open_items & (
            cut(outputs.rejections).sum(1, dtype=jnp.int32) < task.acceptance.max_tries
        )
        pending = jax.lax.dynamic_update_slice_in_dim(pending, open_items, start, 0)
        step = jnp.where(open_items.any(), jnp.argmax(open_items), window).astype(jnp.int32)
        return outputs, pending, jnp.minimum(start + step, num_items - window)

    start = (outputs, wanted.reshape(-1), jnp.int32(0))
    # reads two carried values: where it is one, XLA's analysis of trip counts clones the whole body
    unfinished = lambda state: state[1].any() & (state[2] < num_items)
    return jax.lax.while_loop(unfinished, round_of_tries, start)[0]


def _deal(pending, tries, lane):
    """Item and try number of each lane; pending items are dealt to in turn."""
    size = pending.shape[0]
    rank = jnp.cumsum(pending, dtype=jnp.int32)
    queue = jnp.zeros(size, jnp.int32)
    queue = queue.at[jnp.where(pending, rank - 1, size)].set(
        jnp.arange(size, dtype=jnp.int32), mode="drop"
    )
    count = jnp.maximum(rank[-1], 1)
    place = queue[lane % count]
    return place, tries[place] + lane // count
