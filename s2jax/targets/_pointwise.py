"""Functions of the inputs at the same time, and the search for usable ones: a queue inside jit.

An item is one output of one row. Each round deals tries to a fixed number of lanes: every pending
item in a window of the queue gets one, and while fewer items are pending than there are lanes,
several consecutive ones. Try t of an item is a function of its key and t alone and the first usable
try wins, so the result does not depend on how tries are dealt.
"""

import abc
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.core.streams import TRY_BITS, of_expression
from s2jax.core.tiles import programs_at_a_time
from s2jax.core.types import Words
from s2jax.programs import Program
from s2jax.programs.program import pack, packed_width, unpack
from s2jax.targets._base import AbstractLayout, AbstractTarget, Sizes, Task
from s2jax.targets.acceptance import REASONS, Status, judge, largest_correlation, moments
from s2jax.targets.queue import deal


class Outputs(NamedTuple):
    """What the search finds for each output of each row; all zero where it found nothing.

    Attributes:
        program: The first usable program, packed.
        series: Its series, `scale * f(x) + shift`.
        scaling: Scale, shift, and 1 where a usable program was found: moved as one, because each
            array is moved by code of its own.
        rejections: How many programs before it were rejected, by reason.
    """

    program: Int[Array, "*items fields"]
    series: Float[Array, "*items time"]
    scaling: Float[Array, "*items 3"]
    rejections: Int[Array, "*items reasons"]

    @property
    def usable(self) -> Bool[Array, "*items"]:
        """Whether a usable program was found."""
        return self.scaling[..., 2] > 0


class Layout(AbstractLayout):
    """Channels as the configuration drew them."""

    num_inputs: Int[Array, " rows"]
    num_outputs: Int[Array, " rows"]


class AbstractPointwise(AbstractTarget):
    """A target whose series are functions of the inputs at the same time."""

    is_pointwise: ClassVar[bool] = True
    most_outputs: ClassVar[int] = 2 ** (31 - TRY_BITS) - 1  # numbers of streams have 31 bits

    @abc.abstractmethod
    def draw(
        self, words: Words, stream: Int[Array, " rows"], used_inputs: Int[Array, " rows"],
        output: Int[Array, " rows"], num_inputs: int,
    ) -> Program:  # fmt: skip
        """Draw one program per row from a stream of its key, for the given output."""

    @abc.abstractmethod
    def series(
        self, program: Program, x: Float[Array, "rows inputs time"]
    ) -> Float[Array, "rows time"]:
        """The series of each program on its own input."""

    def copies(self, words: Words) -> Bool[Array, "#rows"]:
        """Whether the outputs of a row are inputs on purpose."""
        return jnp.zeros(1, bool)

    def lay_out(self, words, num_inputs, num_outputs, sizes):
        return Layout(num_inputs, num_outputs)

    def blank(self, num_rows: int, sizes: Sizes) -> Outputs:
        items, dtype = (num_rows, sizes.num_outputs), jnp.result_type(float)
        width = packed_width(self.num_nodes(sizes.num_inputs, sizes.num_outputs))
        return Outputs(
            program=jnp.zeros((*items, width), jnp.int32),
            series=jnp.zeros((*items, sizes.length), dtype),
            scaling=jnp.zeros((*items, 3), dtype),
            rejections=jnp.zeros((*items, len(REASONS)), jnp.int32),
        )

    def search(self, task: Task, results: Outputs) -> Outputs:
        length, num_inputs, num_outputs = task.sizes[:3]
        width = num_inputs + self.num_nodes(num_inputs, num_outputs)
        lanes = programs_at_a_time(length, width, task.n * num_outputs, task.backend)
        flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), results)
        found = _search(self, task, flat, lanes)
        return jax.tree.map(lambda new, old: new.reshape(old.shape), found, results)

    def missing(self, results, y_mask):
        return y_mask & ~results.usable

    def fields(self, results, y_mask, sizes):
        return {
            "y": results.series,
            "program": unpack(results.program, self.protected),
            "y_scale": jnp.where(results.usable, results.scaling[..., 0], 1),
            "y_shift": results.scaling[..., 1],
            "rejections": results.rejections,
        }


def _search(target: AbstractPointwise, task: Task, outputs: Outputs, num_lanes: int) -> Outputs:
    """Draw programs for every item of a wanted row until one makes a usable series.

    Args:
        target: Draws programs.
        task: What is searched for.
        outputs: What is known so far, by item; items of wanted rows have no outputs yet.
        num_lanes: Programs drawn and evaluated per round. Static.
    """
    num_items, num_outputs = outputs.usable.shape[0], task.sizes.num_outputs
    window = min(4 * num_lanes, num_items)
    never = jnp.iinfo(jnp.int32).max

    def round_of_tries(state):
        outputs, pending, start = state
        cut = lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, window)
        place, turn = deal(cut(pending), num_lanes)
        item, number = start + place, cut(outputs.rejections).sum(1, dtype=jnp.int32)[place] + turn
        live = pending[item] & (number < task.acceptance.max_tries)
        program, series, row, stats, status = _attempt(target, task, item, number)
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

    wanted = task.wanted[:, None] & task.layout.y_mask(num_outputs)
    start = (outputs, wanted.reshape(-1), jnp.int32(0))
    # reads two carried values: where it is one, XLA's analysis of trip counts clones the whole body
    unfinished = lambda state: state[1].any() & (state[2] < num_items)
    return jax.lax.while_loop(unfinished, round_of_tries, start)[0]


def _attempt(target: AbstractPointwise, task: Task, item, number):
    """Draw and evaluate try `number` of each item."""
    num_inputs, num_outputs = task.sizes[1:3]
    row, output = item // num_outputs, item % num_outputs
    stream = of_expression(output, number)
    used = task.layout.num_inputs[row]
    words, x = task.words[row], task.x[row]
    program = target.draw(words, stream, used, output, num_inputs)
    series = target.series(program, x)
    stats = moments(series)
    status = judge(stats, task.acceptance)
    if task.acceptance.max_correlation is not None:
        affine = largest_correlation(x, series) > task.acceptance.max_correlation
        affine = (status == 0) & affine & ~target.copies(words)
        status = jnp.where(affine, Status.AFFINE.value, status)
    if task.split is not None:
        elsewhere = (status == 0) & ~task.split.keeps(program)
        status = jnp.where(elsewhere, Status.OTHER_SPLIT.value, status)
    return program, series, row, stats, status
