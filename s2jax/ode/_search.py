"""The search for usable trajectories: a table of jobs inside jit.

A job is one try of one row: equations with initial values and a time span. Each round either deals
new tries and follows them in pilot runs of few steps, which find the spans, or takes jobs that need
the same number of steps from the table and follows those. So all lanes of a round take the same
steps, however different their equations are. Try t of a row is a function of its key and t alone
and the first usable try wins, so the result does not depend on the order of the work.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.ode._forms import DRIVEN, FORCED, SECOND_ORDER
from s2jax.ode._integrate import Trajectories
from s2jax.ode._judge import Limits, judge, next_span
from s2jax.ode._tries import AbstractSource, Found, Tries, pack_equations, unpack_equations
from s2jax.programs import Program
from s2jax.targets import Task
from s2jax.targets.acceptance import REASONS, Status
from s2jax.targets.queue import deal, positions

MAX_TRIES = 64
PILOT_STEPS = 32  # of a try's last pilot run
_TRIAL_STEPS = 16  # of those before, which only find the span
_PILOT_RUNS = 3
_TRIES_PER_ROUND = 16
_ORDER = 4  # of the sum of the estimated local errors of a method of order 5
_FREE = _PENDING = -1


class Work(NamedTuple):
    """A task and how it is done.

    Attributes:
        task: What is searched for; its layout is a `Layout` of `s2jax.ode._forms`.
        source: What is drawn and how it is solved.
        limits: What is refused beside what the acceptance refuses.
        x: The inputs of each row, time first.
        num_lanes: Trajectories that are followed at a time. Static.
    """

    task: Task
    source: AbstractSource
    limits: Limits
    x: Float[Array, "time inputs rows"]
    num_lanes: int


class _Job(NamedTuple):
    """Tries as they are moved about: one row per try.

    Attributes:
        row, number: Which try of which row.
        num_instructions: Of all right-hand sides together.
        equations: As `pack_equations` packs them, because moving one wide array costs less than
            sixteen narrow ones.
        y0, span, parameters: As in `Tries`.
    """

    row: Int[Array, " jobs"]
    number: Int[Array, " jobs"]
    num_instructions: Int[Array, " jobs"]
    equations: Int[Array, "jobs numbers"]
    y0: Float[Array, "jobs states"]
    span: Float[Array, " jobs"]
    parameters: Float[Array, "jobs parameters"]


class _Table(NamedTuple):
    """Jobs that wait for a run, and for which: `_FREE` where there is no job."""

    bucket: Int[Array, " jobs"]
    job: _Job


class _Lanes(NamedTuple):
    """The jobs of a round; lanes that are not live repeat some job or row."""

    live: Bool[Array, " lanes"]
    job: _Job


class _State(NamedTuple):
    """The search; outcomes are 0 for a usable try, else the number of a reason, from 1."""

    found: Found
    outcome: Int[Array, "rows tries"]
    dealt: Int[Array, " rows"]
    table: _Table


def _gather(tree: Any, index: Int[Array, " lanes"]) -> Any:
    """The rows with these numbers of every array of a pytree."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def _scatter(tree: Any, index: Int[Array, " lanes"], new: Any) -> Any:
    """The inverse of `_gather`; what goes to a row beyond the last is dropped."""
    return jax.tree.map(lambda old, new: old.at[index].set(new, mode="drop"), tree, new)


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
    def of(work: Work) -> "_Buckets":
        full, max_substeps = work.task.sizes.length - 1, work.source.max_substeps
        halves = [-(-full // 2**k) for k in range(12, 0, -1)]
        coarse = [steps for steps in halves if steps >= 2 * PILOT_STEPS]
        fine = [full * factor for factor in (1, 2, 4) if factor <= max_substeps]
        steps, last = [*coarse, *fine], len(coarse) + len(fine)
        # of a given span, there is nothing to find
        pilot_steps = full if work.source.fixed_span else PILOT_STEPS
        return _Buckets(steps, len(coarse), last, last + 1, last + 2, pilot_steps)


def search(work: Work, found: Found) -> Found:
    """Draw equations for every wanted row until one has a usable solution."""
    buckets, wanted, num_lanes = _Buckets.of(work), work.task.wanted, work.num_lanes
    limit = jnp.minimum(jnp.asarray(work.task.acceptance.max_tries, jnp.int32), MAX_TRIES)

    def is_open(state):
        waits = state.dealt > (state.outcome != _PENDING).sum(1, dtype=jnp.int32)
        return wanted & ~waits & ~(state.outcome == 0).any(1) & (state.dealt < limit)

    def one_round(state):
        # A round costs the same however few of its lanes are used. So new tries are dealt while
        # many rows are open, and else that kind of run takes place for which most jobs wait.
        kinds = jnp.arange(buckets.pilot, dtype=jnp.int32)
        count = (state.table.bucket == kinds[:, None]).sum(1, dtype=jnp.int32)
        fullest = jnp.argmax(count).astype(jnp.int32)
        num_free = state.table.bucket.shape[0] - count.sum(dtype=jnp.int32)
        num_open = is_open(state).sum(dtype=jnp.int32)
        can_deal = (num_open > 0) & (num_free >= num_lanes)
        many = jnp.minimum(num_lanes, wanted.shape[0]) // 2
        is_pilot = can_deal & ((num_open >= many) | (count[fullest] == 0))
        state, lanes = jax.lax.cond(
            is_pilot,
            lambda state: _deal(work, state, is_open(state), limit),
            lambda state: _load(work, state, fullest),
            state,
        )
        bucket = jnp.where(is_pilot, buckets.pilot, fullest)
        lanes, solution = _follow(work, buckets, bucket, lanes)
        return _sort_out(work, buckets, state, bucket, lanes, solution)

    def unfinished(state):
        return (state.table.bucket != _FREE).any() | is_open(state).any()

    state = jax.lax.while_loop(unfinished, one_round, _start(work, found, buckets))
    before = jnp.arange(MAX_TRIES, dtype=jnp.int32) < _first_usable(state.outcome)[:, None]
    reasons = jnp.arange(1, len(REASONS) + 1, dtype=jnp.int32)
    counts = ((state.outcome[..., None] == reasons) & before[..., None]).sum(1, dtype=jnp.int32)
    return state.found._replace(rejections=jnp.where(wanted[:, None], counts, found.rejections))


def _start(work: Work, found: Found, buckets: _Buckets) -> _State:
    """The search before its first round, with room for a full round of new jobs at any time."""
    num_jobs = (buckets.pilot + 1) * work.num_lanes
    row = jnp.zeros(work.num_lanes, jnp.int32)
    shapes = jax.eval_shape(lambda: _draw(work, row, row))
    nothing = lambda leaf: jnp.zeros((num_jobs, *leaf.shape[1:]), leaf.dtype)
    return _State(
        found=found,
        outcome=jnp.full((found.usable.shape[0], MAX_TRIES), _PENDING, jnp.int32),
        dealt=jnp.zeros(found.usable.shape, jnp.int32),
        table=_Table(jnp.full(num_jobs, _FREE, jnp.int32), jax.tree.map(nothing, shapes)),
    )


def _first_usable(outcome: Int[Array, "rows tries"]) -> Int[Array, " rows"]:
    """Number of the first usable try of each row, or `MAX_TRIES`."""
    number = jnp.arange(MAX_TRIES, dtype=jnp.int32)
    return jnp.where(outcome == 0, number, MAX_TRIES).min(1)


def _draw(work: Work, row: Int[Array, " lanes"], number: Int[Array, " lanes"]) -> _Job:
    """Draw these tries of these rows."""
    tries = work.source.draw(work.task.words[row], number, _gather(work.task.layout, row))
    return _Job(
        row=row,
        number=number,
        num_instructions=tries.program.length.reshape(-1, row.size).sum(0, dtype=jnp.int32),
        equations=pack_equations(tries.program, tries.diffusion, row.size),
        y0=tries.y0.T,
        span=tries.span,
        parameters=tries.parameters.T,
    )


def _deal(work: Work, state: _State, is_open, limit) -> tuple[_State, _Lanes]:
    """Deal new tries to open rows in turn, a few to each."""
    row, turn = deal(is_open, work.num_lanes)
    number = jnp.minimum(state.dealt[row] + turn, MAX_TRIES - 1)
    live = is_open[row] & (turn < _TRIES_PER_ROUND) & (state.dealt[row] + turn < limit)
    lanes = _fitting(work, _Lanes(live, _draw(work, row, number)))
    dealt = state.dealt.at[jnp.where(lanes.live, row, is_open.shape[0])].add(1, mode="drop")
    return state._replace(dealt=dealt), lanes


def _load(work: Work, state: _State, bucket) -> tuple[_State, _Lanes]:
    """Take jobs of one bucket off the table."""
    table, num_jobs = state.table, state.table.bucket.shape[0]
    source = positions(table.bucket == bucket, work.num_lanes)
    lanes = _Lanes(source < num_jobs, _gather(table.job, source % num_jobs))
    lanes = _fitting(work, lanes)
    free = table.bucket.at[jnp.where(lanes.live, source, num_jobs)].set(_FREE, mode="drop")
    return state._replace(table=table._replace(bucket=free)), lanes


def _fitting(work: Work, lanes: _Lanes) -> _Lanes:
    """Only the first live lanes whose instructions together fit one schedule."""
    length = jnp.where(lanes.live, lanes.job.num_instructions, 0)
    total = jnp.cumsum(length, dtype=jnp.int32)
    return lanes._replace(live=lanes.live & (total <= work.source.capacity))


def _tries(work: Work, lanes: _Lanes) -> Tries:
    """Equations and numbers of the live lanes; others have no equations, which costs nothing."""
    count, job = work.task.sizes.num_outputs, lanes.job
    flat = lambda leaf: leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:])
    live = jnp.tile(lanes.live, count)

    def silence(program: Program) -> Program:
        program = jax.tree.map(flat, program)
        return eqx.tree_at(lambda p: p.length, program, jnp.where(live, program.length, 0))

    programs = map(silence, unpack_equations(job.equations, count, work.source.protected))
    return Tries(*programs, y0=job.y0.T, span=job.span, parameters=job.parameters.T)


def _follow(work: Work, buckets: _Buckets, bucket, lanes: _Lanes) -> tuple[_Lanes, Trajectories]:
    """Solutions of the live lanes, whose spans all pilot runs but the last correct."""
    tries, row, number = _tries(work, lanes), lanes.job.row, lanes.job.number
    bound = jnp.asarray(work.task.acceptance.bound, work.x.dtype)
    engine = work.source.engine(tries, work.x[:, :, row], work.task.words[row], number, bound)
    steps = buckets.num_steps(bucket)
    is_pilot = bucket == buckets.pilot
    num_runs = jnp.where(is_pilot & (not work.source.fixed_span), _PILOT_RUNS, 1)
    # golden ratio: parts of a row's tries are spread evenly
    part = (number.astype(tries.span.dtype) * 0.618034) % 1

    def run(i, carry):
        span, solution = carry
        excess = _needed(work, solution, _TRIAL_STEPS) / buckets.steps[buckets.full]
        corrected = next_span(span, part, solution, _used(work, lanes), excess)
        span = jnp.where(i > 0, corrected, span)
        num_steps = jnp.where(i < num_runs - 1, _TRIAL_STEPS, steps)
        by_steps = lambda span: engine.steps(span, num_steps, bucket == buckets.noise)
        if engine.integral is None:
            return span, by_steps(span)
        return span, jax.lax.cond(bucket == buckets.integral, engine.integral, by_steps, span)

    shapes = jax.eval_shape(engine.steps, tries.span, steps, is_pilot)
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    span, solution = jax.lax.fori_loop(jnp.int32(0), num_runs, run, (tries.span, nothing))
    if engine.poles is not None:
        solution = solution._replace(singular=engine.poles(span, solution.y))
    return lanes._replace(job=lanes.job._replace(span=span)), solution


def _used(work: Work, lanes: _Lanes) -> Bool[Array, "states lanes"]:
    """Which states the rows of the lanes have."""
    state = jnp.arange(work.task.sizes.num_outputs, dtype=jnp.int32)[:, None]
    return state < work.task.layout.num_outputs[lanes.job.row]


def _sort_out(
    work: Work, buckets: _Buckets, state: _State, bucket, lanes: _Lanes, solution: Trajectories
) -> _State:
    """Keep what is usable, write down what is not, and put back what needs more steps."""
    task, job = work.task, lanes.job
    allowed = task.layout.may_be_monotone[job.row]
    status = judge(solution, _used(work, lanes), allowed, task.acceptance, work.limits)
    following, goes_on = _next(work, buckets, bucket, lanes, solution, status)
    if task.split is not None:
        protected = work.source.protected
        program, _ = unpack_equations(job.equations, task.sizes.num_outputs, protected)
        elsewhere = ~task.split.keeps_system(program)
        status = jnp.where(elsewhere, Status.OTHER_SPLIT.value, status)
        goes_on = goes_on & ~elsewhere
    done, num_rows = lanes.live & ~goes_on, state.dealt.shape[0]
    values = jnp.array([reason.value for reason in REASONS], jnp.int32)
    code = jnp.where(status == 0, 0, jnp.argmax(status[:, None] == values, axis=1) + 1)
    row = jnp.where(done, job.row, num_rows)
    outcome = state.outcome.at[row, job.number].set(code.astype(jnp.int32), mode="drop")
    best = _first_usable(outcome)
    won = done & (status == 0) & (job.number == best[job.row])
    row = jnp.where(won, job.row, num_rows)
    found = _keep(work, state.found, row, lanes, solution, buckets.num_steps(bucket))
    table = _store(state.table, lanes, lanes.live & goes_on, following)
    is_moot = table.job.number > best[table.job.row]
    table = table._replace(bucket=jnp.where(is_moot, _FREE, table.bucket))
    return state._replace(found=found, outcome=outcome, table=table)


def _next(work: Work, buckets: _Buckets, bucket, lanes: _Lanes, solution: Trajectories, status):
    """Which bucket each lane goes to next, and whether it goes on at all."""
    layout = _gather(work.task.layout, lanes.job.row)
    is_pilot, last = bucket == buckets.pilot, len(buckets.steps)
    steps = jnp.asarray(buckets.steps, solution.error.dtype)
    needed = _needed(work, solution, buckets.pilot_steps)
    predicted = (steps[:, None] < needed).sum(0, dtype=jnp.int32)
    inaccurate = (status == Status.INACCURATE.value) | (status == Status.STIFF.value)
    ended = (status == Status.ESCAPED.value) | (status == Status.NOT_FINITE.value)
    if work.source.fixed_span:
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
    must = is_pilot & (special != _FREE) & (not work.source.fixed_span)
    return jnp.where(must, special, following), jnp.where(must, ~ended, goes_on)


def _needed(work: Work, solution: Trajectories, num_steps: int) -> Float[Array, " lanes"]:
    """How many steps would be accurate, after a run of a few."""
    excess = solution.error / (0.5 * work.limits.tolerance)
    return num_steps * jnp.clip(excess, 1, 1e12) ** (1 / _ORDER)


def _keep(work: Work, found: Found, row, lanes: _Lanes, solution: Trajectories, steps) -> Found:
    """Write what was found into its rows; rows beyond the last are dropped."""
    new = {
        "series": solution.y.transpose(2, 1, 0),
        "equations": lanes.job.equations,
        "span": lanes.job.span,
        "error": solution.error / work.limits.tolerance,
        "num_steps": jnp.broadcast_to(steps, row.shape),
        "usable": jnp.ones(row.shape, bool),
    }
    return found._replace(**_scatter({name: getattr(found, name) for name in new}, row, new))


def _store(table: _Table, lanes: _Lanes, waiting, bucket) -> _Table:
    """Put lanes that wait for another run on the table."""
    num_jobs, num_lanes = table.bucket.shape[0], waiting.shape[0]
    free = positions(table.bucket == _FREE, num_lanes)
    rank = jnp.cumsum(waiting, dtype=jnp.int32) - 1
    place = jnp.where(waiting, free[jnp.maximum(rank, 0)], num_jobs)
    return _scatter(table, place, _Table(bucket, lanes.job))
