"""The search for usable trajectories: a table of jobs inside jit.

A job is one try of one row: equations with initial values and a time span. Each round either deals
new tries and follows them in pilot runs of few steps, which find the spans, or takes jobs that need
the same number of steps from the table and follows those. So all lanes of a round take the same
steps, however different their equations are. Try t of a row is a function of its key and t alone
and the first usable try wins, so the result does not depend on the order of the work.
"""

import abc
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax._types import Words
from s2jax.acceptance import REASONS, Acceptance, Status
from s2jax.expressions import Program, Split
from s2jax.expressions._program import pack, packed_width, unpack
from s2jax.ode._forms import DRIVEN, FORCED, SECOND_ORDER, Layout
from s2jax.ode._integrate import Trajectories
from s2jax.ode._judge import Limits, judge, next_span

MAX_TRIES = 64
PILOT_STEPS = 32  # of a try's last pilot run
_TRIAL_STEPS = 16  # of those before, which only find the span
_PILOT_RUNS = 3
_TRIES_PER_ROUND = 16
_ORDER = 4  # of the sum of the estimated local errors of a method of order 5
_FREE = _PENDING = -1


class Tries(NamedTuple):
    """Equations of some lanes and where their solutions start; flat programs are (states, lanes).

    Attributes:
        program, diffusion: The equations.
        y0: Initial values.
        span: Length of the time span.
        parameters: Of a given system, else none.
    """

    program: Program
    diffusion: Program
    y0: Float[Array, "states lanes"]
    span: Float[Array, " lanes"]
    parameters: Float[Array, "parameters lanes"]


class Sizes(NamedTuple):
    """Static numbers: points of a series, states, and lanes."""

    length: int
    num_states: int
    num_lanes: int


class Engine(NamedTuple):
    """How to solve the equations of some lanes, each over its span.

    Attributes:
        steps: Of spans, a number of steps, and whether there is noise.
        integral: Of spans; None where no equation is an integral.
        poles: Whether equations have poles on the way, of spans and solutions; None if not known.
    """

    steps: Callable[[Array, Array, Array], Trajectories]
    integral: Callable[[Array], Trajectories] | None
    poles: Callable[[Array, Array], Array] | None


class AbstractSource(eqx.Module):
    """Where equations come from."""

    protected: eqx.AbstractVar[bool]
    fixed_span: eqx.AbstractVar[bool]
    max_substeps: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def capacity(self) -> int:
        """How many instructions the equations of all lanes may have at a time."""

    @abc.abstractmethod
    def draw(self, words: Words, number: Int[Array, " lanes"], layout: Layout) -> Tries:
        """Draw try `number` of each lane."""

    @abc.abstractmethod
    def engine(
        self, tries: Tries, x: Float[Array, "time inputs lanes"], words: Words,
        number: Int[Array, " lanes"], bound: Float[Array, ""],
    ) -> Engine:  # fmt: skip
        """The engine for these tries."""


class Task(NamedTuple):
    """What is searched for.

    Attributes:
        source: What is drawn and how it is solved.
        words: One raw key per row.
        x: The inputs of each row, time first.
        layout: Forms and sizes of the rows.
        may_be_monotone: Which rows may be.
        acceptance, limits, split: What is usable.
        sizes: Static numbers.
    """

    source: AbstractSource
    words: Words
    x: Float[Array, "time inputs rows"]
    layout: Layout
    may_be_monotone: Bool[Array, " rows"]
    acceptance: Acceptance
    limits: Limits
    split: Split | None
    sizes: Sizes


class Found(NamedTuple):
    """What the search finds for each row; zero where it found nothing.

    Attributes:
        series: The solutions, scaled.
        scale, shift: How they are scaled.
        equations: Right-hand sides and diffusion, packed.
        form: Which form they have.
        facts: Span, error relative to the tolerance, number of steps, and 1 where usable.
        rejections: How many tries before were rejected, by reason.
    """

    series: Float[Array, "rows states time"]
    scale: Float[Array, "rows states"]
    shift: Float[Array, "rows states"]
    equations: Int[Array, "rows numbers"]
    form: Int[Array, " rows"]
    facts: Float[Array, "rows 4"]
    rejections: Int[Array, "rows reasons"]

    @property
    def usable(self) -> Bool[Array, " rows"]:
        """Whether a usable solution was found."""
        return self.facts[:, 3] > 0


class _Jobs(NamedTuple):
    """Tries that wait for a run.

    Attributes:
        bucket: Which run; `_FREE` where there is no job.
        whole: Row, number of the try, packed equations.
        real: Initial values, span, parameters.
    """

    bucket: Int[Array, " jobs"]
    whole: Int[Array, "jobs numbers"]
    real: Float[Array, "jobs numbers"]


class _State(NamedTuple):
    """The search; outcomes are 0 for a usable try, else the number of a reason, from 1."""

    found: Found
    outcome: Int[Array, "rows tries"]
    dealt: Int[Array, " rows"]
    jobs: _Jobs


class _Lanes(NamedTuple):
    """What a round works on; lanes that are not live repeat some job or row."""

    live: Bool[Array, " lanes"]
    whole: Int[Array, "lanes numbers"]
    real: Float[Array, "lanes numbers"]

    row = property(lambda self: self.whole[:, 0])
    number = property(lambda self: self.whole[:, 1])
    equations = property(lambda self: self.whole[:, 2:])


class _Buckets(NamedTuple):
    """Kinds of runs by number: those of `steps`, fewest first, then noise, integral and pilot."""

    steps: list[int]
    full: int
    noise: int
    integral: int
    pilot: int
    pilot_steps: int

    def num_steps(self, bucket) -> Int[Array, ""]:
        """Steps of a run; of an integral, the intervals that are known."""
        noise, integral = 2 * self.steps[self.full], self.steps[self.full]
        return jnp.asarray([*self.steps, noise, integral, self.pilot_steps], jnp.int32)[bucket]

    @staticmethod
    def of(task: "Task") -> "_Buckets":
        full, max_substeps = task.sizes.length - 1, task.source.max_substeps
        halves = [-(-full // 2**k) for k in range(12, 0, -1)]
        coarse = [steps for steps in halves if steps >= 2 * PILOT_STEPS]
        fine = [full * factor for factor in (1, 2, 4) if factor <= max_substeps]
        steps, last = [*coarse, *fine], len(coarse) + len(fine)
        # of a given span, there is nothing to find
        pilot_steps = full if task.source.fixed_span else PILOT_STEPS
        return _Buckets(steps, len(coarse), last, last + 1, last + 2, pilot_steps)


def search(task: Task, found: Found, wanted: Bool[Array, " rows"]) -> Found:
    """Draw equations for every wanted row until one has a usable solution."""
    buckets = _Buckets.of(task)
    limit = jnp.minimum(jnp.asarray(task.acceptance.max_tries, jnp.int32), MAX_TRIES)

    def is_open(state):
        waits = state.dealt > (state.outcome != _PENDING).sum(1, dtype=jnp.int32)
        return wanted & ~waits & ~(state.outcome == 0).any(1) & (state.dealt < limit)

    def one_round(state):
        kinds = jnp.arange(buckets.pilot, dtype=jnp.int32)
        count = (state.jobs.bucket == kinds[:, None]).sum(1, dtype=jnp.int32)
        fullest = jnp.argmax(count).astype(jnp.int32)
        num_free = state.jobs.bucket.shape[0] - count.sum(dtype=jnp.int32)
        num_open = is_open(state).sum(dtype=jnp.int32)
        can_deal = (num_open > 0) & (num_free >= task.sizes.num_lanes)
        many = jnp.minimum(task.sizes.num_lanes, wanted.shape[0]) // 2
        is_pilot = can_deal & ((num_open >= many) | (count[fullest] == 0))
        state, lanes = jax.lax.cond(
            is_pilot,
            lambda state: _deal(task, state, is_open(state), limit),
            lambda state: _load(task, state, fullest),
            state,
        )
        bucket = jnp.where(is_pilot, buckets.pilot, fullest)
        lanes, solution = _follow(task, buckets, bucket, lanes)
        return _sort_out(task, buckets, state, bucket, lanes, solution)

    def unfinished(state):
        return (state.jobs.bucket != _FREE).any() | is_open(state).any()

    state = jax.lax.while_loop(unfinished, one_round, _start(task, found, buckets))
    before = jnp.arange(MAX_TRIES, dtype=jnp.int32) < _first_usable(state.outcome)[:, None]
    reasons = jnp.arange(1, len(REASONS) + 1, dtype=jnp.int32)
    counts = ((state.outcome[..., None] == reasons) & before[..., None]).sum(1, dtype=jnp.int32)
    return state.found._replace(rejections=jnp.where(wanted[:, None], counts, found.rejections))


def _start(task: Task, found: Found, buckets: _Buckets) -> _State:
    """The search before its first round, with room for a full round of new jobs at any time."""
    num_jobs = (buckets.pilot + 1) * task.sizes.num_lanes
    row = jnp.zeros(task.sizes.num_lanes, jnp.int32)
    numbers = jax.eval_shape(lambda: _drawn(task, row, row))
    whole, real = (jnp.zeros((num_jobs, leaf.shape[1]), leaf.dtype) for leaf in numbers)
    return _State(
        found=found,
        outcome=jnp.full((found.usable.shape[0], MAX_TRIES), _PENDING, jnp.int32),
        dealt=jnp.zeros(found.usable.shape, jnp.int32),
        jobs=_Jobs(jnp.full(num_jobs, _FREE, jnp.int32), whole, real),
    )


def _first_usable(outcome: Int[Array, "rows tries"]) -> Int[Array, " rows"]:
    """Number of the first usable try of each row, or `MAX_TRIES`."""
    number = jnp.arange(MAX_TRIES, dtype=jnp.int32)
    return jnp.where(outcome == 0, number, MAX_TRIES).min(1)


def _drawn(task: Task, row, number) -> tuple[Int[Array, "lanes n"], Float[Array, "lanes m"]]:
    """Tries as one row of integers and one of reals for each lane."""
    layout = jax.tree.map(lambda leaf: leaf[row], task.layout)
    tries = task.source.draw(task.words[row], number, layout)
    by_lane = lambda p: pack(p).reshape(-1, row.size, packed_width(p.num_nodes)).swapaxes(0, 1)
    flat = [by_lane(p).reshape(row.size, -1) for p in (tries.program, tries.diffusion)]
    real = jnp.concatenate([tries.y0, tries.span[None], tries.parameters])
    return jnp.concatenate([row[:, None], number[:, None], *flat], axis=1), real.T


def _deal(task: Task, state: _State, is_open, limit) -> tuple[_State, _Lanes]:
    """Deal new tries to open rows in turn, a few to each."""
    num_rows = is_open.shape[0]
    queue = _positions(is_open, num_rows)
    count = jnp.maximum(is_open.sum(dtype=jnp.int32), 1)
    lane = jnp.arange(task.sizes.num_lanes, dtype=jnp.int32)
    row, turn = queue[lane % count] % num_rows, lane // count
    number = jnp.minimum(state.dealt[row] + turn, MAX_TRIES - 1)
    live = is_open[row] & (turn < _TRIES_PER_ROUND) & (state.dealt[row] + turn < limit)
    lanes = _fitting(task, _Lanes(live, *_drawn(task, row, number)))
    dealt = state.dealt.at[jnp.where(lanes.live, row, num_rows)].add(1, mode="drop")
    return state._replace(dealt=dealt), lanes


def _load(task: Task, state: _State, bucket) -> tuple[_State, _Lanes]:
    """Take jobs of one bucket off the table."""
    jobs, num_jobs = state.jobs, state.jobs.bucket.shape[0]
    source = _positions(jobs.bucket == bucket, task.sizes.num_lanes)
    taken = source % num_jobs
    lanes = _fitting(task, _Lanes(source < num_jobs, jobs.whole[taken], jobs.real[taken]))
    free = jobs.bucket.at[jnp.where(lanes.live, source, num_jobs)].set(_FREE, mode="drop")
    return state._replace(jobs=jobs._replace(bucket=free)), lanes


def _positions(chosen: Bool[Array, " items"], count: int) -> Int[Array, " count"]:
    """Where the first `count` chosen items are; the number of items where there are no more."""
    size = chosen.shape[0]
    rank = jnp.cumsum(chosen, dtype=jnp.int32) - 1
    place = jnp.where(chosen, rank, count)
    items = jnp.arange(size, dtype=jnp.int32)
    return jnp.full(count, size, jnp.int32).at[place].set(items, mode="drop")


def _fitting(task: Task, lanes: _Lanes) -> _Lanes:
    """Only the first live lanes whose instructions together fit one schedule."""
    count = task.sizes.num_states
    width = lanes.equations.shape[1] // count - packed_width(1)
    length = lanes.equations[:, width - 1 : count * width : width].sum(1, dtype=jnp.int32)
    total = jnp.cumsum(jnp.where(lanes.live, length, 0), dtype=jnp.int32)
    return lanes._replace(live=lanes.live & (total <= task.source.capacity))


def _tries(task: Task, lanes: _Lanes) -> Tries:
    """Equations and numbers of the live lanes; others have no equations, which costs nothing."""
    count = task.sizes.num_states
    programs = unpack_equations(lanes.equations, count, task.source.protected)
    flat = lambda leaf: leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:])
    live = jnp.tile(lanes.live, count)

    def silence(program: Program) -> Program:
        program = jax.tree.map(flat, program)
        return eqx.tree_at(lambda p: p.length, program, jnp.where(live, program.length, 0))

    y0, span, parameters = jnp.split(lanes.real.T, [count, count + 1])
    return Tries(silence(programs[0]), silence(programs[1]), y0, span[0], parameters)


def unpack_equations(
    packed: Int[Array, "rows numbers"], num_states: int, protected: bool
) -> tuple[Program, Program]:
    """Right-hand sides and diffusion of shape `(rows, states)`."""
    first = packed.shape[1] - num_states * packed_width(1)
    parts = (packed[:, :first], packed[:, first:])
    program, diffusion = (
        unpack(part.reshape(part.shape[0], num_states, -1), protected) for part in parts
    )
    return program, diffusion


def _follow(task: Task, buckets: _Buckets, bucket, lanes: _Lanes) -> tuple[_Lanes, Trajectories]:
    """Solutions of the live lanes, whose spans all pilot runs but the last correct."""
    tries = _tries(task, lanes)
    bound = jnp.asarray(task.acceptance.bound, task.x.dtype)
    words, x = task.words[lanes.row], task.x[:, :, lanes.row]
    engine = task.source.engine(tries, x, words, lanes.number, bound)
    steps = buckets.num_steps(bucket)
    is_pilot = bucket == buckets.pilot
    num_runs = jnp.where(is_pilot & (not task.source.fixed_span), _PILOT_RUNS, 1)
    part = (lanes.number.astype(tries.span.dtype) * 0.618034) % 1

    def run(i, carry):
        span, solution = carry
        excess = _needed(task, solution, _TRIAL_STEPS) / buckets.steps[buckets.full]
        corrected = next_span(span, part, solution, _used(task, lanes), excess)
        span = jnp.where(i > 0, corrected, span)
        number = jnp.where(i < num_runs - 1, _TRIAL_STEPS, steps)
        by_steps = lambda span: engine.steps(span, number, bucket == buckets.noise)
        if engine.integral is None:
            return span, by_steps(span)
        return span, jax.lax.cond(bucket == buckets.integral, engine.integral, by_steps, span)

    shapes = jax.eval_shape(engine.steps, tries.span, steps, is_pilot)
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    span, solution = jax.lax.fori_loop(jnp.int32(0), num_runs, run, (tries.span, nothing))
    if engine.poles is not None:
        solution = solution._replace(singular=engine.poles(span, solution.y))
    real = lanes.real.at[:, task.sizes.num_states].set(span)
    return lanes._replace(real=real), solution


def _used(task: Task, lanes: _Lanes) -> Bool[Array, "states lanes"]:
    state = jnp.arange(task.sizes.num_states, dtype=jnp.int32)[:, None]
    return state < task.layout.num_states[lanes.row]


def _sort_out(
    task: Task, buckets: _Buckets, state: _State, bucket, lanes: _Lanes, solution: Trajectories
) -> _State:
    """Keep what is usable, write down what is not, and put back what needs more steps."""
    allowed = task.may_be_monotone[lanes.row]
    status = judge(solution, _used(task, lanes), allowed, task.acceptance, task.limits)
    following, goes_on = _next(task, buckets, bucket, lanes, solution, status)
    if task.split is not None:
        sizes = task.sizes.num_states, task.source.protected
        elsewhere = ~task.split.keeps_system(unpack_equations(lanes.equations, *sizes)[0])
        status = jnp.where(elsewhere, Status.OTHER_SPLIT.value, status)
        goes_on = goes_on & ~elsewhere
    done = lanes.live & ~goes_on
    values = jnp.array([reason.value for reason in REASONS], jnp.int32)
    code = jnp.where(status == 0, 0, jnp.argmax(status[:, None] == values, axis=1) + 1)
    row = jnp.where(done, lanes.row, state.dealt.shape[0])
    outcome = state.outcome.at[row, lanes.number].set(code.astype(jnp.int32), mode="drop")
    best = _first_usable(outcome)
    won = done & (status == 0) & (lanes.number == best[lanes.row])
    row = jnp.where(won, lanes.row, best.shape[0])
    found = _keep(task, state.found, row, lanes, solution, buckets.num_steps(bucket))
    jobs = _store(state.jobs, lanes, lanes.live & goes_on, following)
    is_moot = jobs.whole[:, 1] > best[jobs.whole[:, 0]]
    jobs = jobs._replace(bucket=jnp.where(is_moot, _FREE, jobs.bucket))
    return state._replace(found=found, outcome=outcome, jobs=jobs)


def _next(task: Task, buckets: _Buckets, bucket, lanes: _Lanes, solution: Trajectories, status):
    """Which bucket each lane goes to next, and whether it goes on at all."""
    layout = jax.tree.map(lambda leaf: leaf[lanes.row], task.layout)
    is_pilot, last = bucket == buckets.pilot, len(buckets.steps)
    steps = jnp.asarray(buckets.steps, solution.error.dtype)
    needed = _needed(task, solution, buckets.pilot_steps)
    predicted = (steps[:, None] < needed).sum(0, dtype=jnp.int32)
    inaccurate = (status == Status.INACCURATE.value) | (status == Status.STIFF.value)
    ended = (status == Status.ESCAPED.value) | (status == Status.NOT_FINITE.value)
    if task.source.fixed_span:
        predicted = jnp.maximum(predicted, buckets.full + 1)
        inaccurate = inaccurate | ended  # steps too long may have thrown it out
    following = jnp.where(is_pilot, predicted, bucket + 1)
    goes_on = inaccurate & (following < last) & (is_pilot | (bucket < last))
    # pilot runs step over the kinks of inputs and know no noise
    reads_x = (layout.num_inputs > 0) & (layout.form == FORCED)
    reads_x = reads_x | ((layout.num_inputs > 0) & (layout.form == SECOND_ORDER))
    is_integral = layout.form == DRIVEN
    special = jnp.where(reads_x, buckets.full, _FREE)
    special = jnp.where(is_integral, buckets.integral, special)
    special = jnp.where(layout.is_stochastic, buckets.noise, special)
    must = is_pilot & (special != _FREE) & (not task.source.fixed_span)
    return jnp.where(must, special, following), jnp.where(must, ~ended, goes_on)


def _needed(task: Task, solution: Trajectories, num_steps: int) -> Float[Array, " lanes"]:
    """How many steps would be accurate, after a run of a few."""
    excess = solution.error / (0.5 * task.limits.tolerance)
    return num_steps * jnp.clip(excess, 1, 1e12) ** (1 / _ORDER)


def _keep(task: Task, found: Found, row, lanes: _Lanes, solution: Trajectories, steps) -> Found:
    """Write what was found into its rows; rows beyond the last are dropped."""
    put = lambda old, new: old.at[row].set(new, mode="drop")
    error, one = solution.error / task.limits.tolerance, jnp.ones_like(solution.error)
    span = lanes.real[:, task.sizes.num_states]
    facts = jnp.stack([span, error, steps.astype(one.dtype) * one, one], axis=1)
    return found._replace(
        series=put(found.series, solution.y.transpose(2, 1, 0)),
        equations=put(found.equations, lanes.equations),
        facts=put(found.facts, facts),
    )


def _store(jobs: _Jobs, lanes: _Lanes, waiting, bucket) -> _Jobs:
    """Put lanes that wait for another run on the table."""
    num_jobs, num_lanes = jobs.bucket.shape[0], waiting.shape[0]
    free = _positions(jobs.bucket == _FREE, num_lanes)
    rank = jnp.cumsum(waiting, dtype=jnp.int32) - 1
    place = jnp.where(waiting, free[jnp.maximum(rank, 0)], num_jobs)
    put = lambda old, new: old.at[place].set(new, mode="drop")
    return _Jobs(put(jobs.bucket, bucket), put(jobs.whole, lanes.whole), put(jobs.real, lanes.real))
