"""Rounds of the search: jobs on their lanes, pilots of new tries, and runs of equal steps."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.ode._integrate import Trajectories
from s2jax.ode._judge import Limits, Traits, error_of, judge, most_growth, most_turns
from s2jax.ode._pilot import Wish, fly, plan
from s2jax.ode._tries import AbstractSource, Tries, pack_equations, unpack_equations
from s2jax.programs import Program
from s2jax.targets import Task
from s2jax.targets.acceptance import Status

LEAST_STEPS = 64  # of a run
FREE = -1
_CAUTION = 0.5  # of the tolerance is what steps are planned for


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


class Job(NamedTuple):
    """Tries as they are moved about: one row per try.

    Attributes:
        row, number: Which try of which row.
        num_instructions: Of all right-hand sides together.
        equations: As `pack_equations` packs them, because moving one wide array costs less than
            sixteen narrow ones.
        y0, parameters: As in `Tries`.
        wish: As in `Tries`, its arrays side by side.
        span: Length of the time span; 0 before it is planned.
        growth: As in `Traits`.
    """

    row: Int[Array, " jobs"]
    number: Int[Array, " jobs"]
    num_instructions: Int[Array, " jobs"]
    equations: Int[Array, "jobs numbers"]
    y0: Float[Array, "jobs states"]
    parameters: Float[Array, "jobs parameters"]
    wish: Float[Array, "jobs 4"]
    span: Float[Array, " jobs"]
    growth: Float[Array, " jobs"]


class Lanes(NamedTuple):
    """The jobs of a round; lanes that are not live repeat some job or row."""

    live: Bool[Array, " lanes"]
    job: Job


class Verdict(NamedTuple):
    """What a round says of its lanes.

    Attributes:
        lanes: With spans and initial values as they are planned.
        status: 0 for what is usable, else why it is not.
        following: The bucket of the next run.
        goes_on: Whether there is one.
        y, turns, error: The solutions, how often they turn round, and their estimated errors
            relative to the tolerance; zeros of pilots.
    """

    lanes: Lanes
    status: Int[Array, " lanes"]
    following: Int[Array, " lanes"]
    goes_on: Bool[Array, " lanes"]
    y: Float[Array, "time states lanes"]
    turns: Int[Array, " lanes"]
    error: Float[Array, " lanes"]


class Buckets(NamedTuple):
    """Kinds of runs by number: those of `steps`, fewest first, then of noise, then the integral."""

    steps: list[int]
    full: int
    noise: int
    integral: int

    def is_noisy(self, bucket) -> Bool[Array, "*lanes"]:
        """Whether a run has noise."""
        bucket = jnp.asarray(bucket)
        return (bucket >= self.noise) & (bucket < self.integral)

    @property
    def count(self) -> int:
        return self.integral + 1

    def num_steps(self, bucket) -> Int[Array, ""]:
        """Steps of a run; of an integral, the intervals that are known."""
        full = self.steps[self.full]
        noisy = [2 * full, 4 * full][: self.integral - self.noise]
        return jnp.asarray([*self.steps, *noisy, full], jnp.int32)[bucket]

    @staticmethod
    def of(work: Work) -> "Buckets":
        full, max_substeps = work.task.sizes.length - 1, work.source.max_substeps
        halves = [-(-full // 2**k) for k in range(12, 0, -1)]
        coarse = [steps for steps in halves if steps >= LEAST_STEPS]
        fine = [full * factor for factor in (1, 2, 4) if factor <= max_substeps]
        steps, last = [*coarse, *fine], len(coarse) + len(fine)
        return Buckets(steps, len(coarse), last, last + (2 if max_substeps == 4 else 1))


def gather(tree: Any, index: Int[Array, " lanes"]) -> Any:
    """The rows with these numbers of every array of a pytree."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def draw(work: Work, row: Int[Array, " lanes"], number: Int[Array, " lanes"]) -> Job:
    """Draw these tries of these rows."""
    tries = work.source.draw(work.task.words[row], number, gather(work.task.layout, row))
    dtype = tries.y0.dtype
    zero = jnp.zeros(row.shape, dtype)
    return Job(
        row=row,
        number=number,
        num_instructions=tries.program.length.reshape(-1, row.size).sum(0, dtype=jnp.int32),
        equations=pack_equations(tries.program, tries.diffusion, row.size),
        y0=tries.y0.T,
        parameters=tries.parameters.T,
        wish=jnp.stack([leaf.astype(dtype) for leaf in tries.wish], axis=-1),
        span=zero,
        growth=zero,
    )


def fitting(work: Work, lanes: Lanes) -> Lanes:
    """Only the first live lanes whose instructions together fit one schedule."""
    length = jnp.where(lanes.live, lanes.job.num_instructions, 0)
    total = jnp.cumsum(length, dtype=jnp.int32)
    return lanes._replace(live=lanes.live & (total <= work.source.capacity))


def _tries(work: Work, lanes: Lanes) -> Tries:
    """Equations and numbers of the live lanes; others have no equations, which costs nothing."""
    count, job = work.task.sizes.num_outputs, lanes.job
    flat = lambda leaf: leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:])
    live = jnp.tile(lanes.live, count)

    def silence(program: Program) -> Program:
        program = jax.tree.map(flat, program)
        return eqx.tree_at(lambda p: p.length, program, jnp.where(live, program.length, 0))

    programs = map(silence, unpack_equations(job.equations, count, work.source.protected))
    span, turns, late, part = job.wish.T
    wish = Wish(span, turns, late > 0, part)
    return Tries(*programs, y0=job.y0.T, wish=wish, parameters=job.parameters.T)


def _engine(work: Work, lanes: Lanes, tries: Tries):
    row, number = lanes.job.row, lanes.job.number
    bound = jnp.asarray(work.task.acceptance.bound, work.x.dtype)
    words = work.task.words[row]
    return work.source.engine(tries, work.x[:, :, row], words, number, bound), bound


def _used(work: Work, lanes: Lanes) -> Bool[Array, "states lanes"]:
    """Which states the rows of the lanes have."""
    state = jnp.arange(work.task.sizes.num_outputs, dtype=jnp.int32)[:, None]
    return state < work.task.layout.num_outputs[lanes.job.row]


def scout(work: Work, buckets: Buckets, lanes: Lanes) -> Verdict:
    """Plan the spans of new tries, and say which runs they need."""
    layout = gather(work.task.layout, lanes.job.row)
    reads_x = (layout.num_inputs > 0) & ~layout.is_integral
    is_free = ~reads_x & ~layout.is_integral & ~layout.is_stochastic
    tries = _tries(work, lanes)
    dtype, job = tries.y0.dtype, lanes.job
    status = jnp.zeros(lanes.live.shape, jnp.int32)
    if work.source.fixed_span:  # there is nothing to find
        job = job._replace(span=tries.wish.span)
        following = jnp.where(layout.is_stochastic, buckets.noise, buckets.full).astype(jnp.int32)
    else:
        engine, bound = _engine(work, lanes, tries)
        flight = fly(engine.derivative, tries.y0, bound)
        tolerance = jnp.asarray(_CAUTION * work.limits.tolerance, dtype)
        most = jnp.asarray(most_growth(work.limits), dtype)
        steps = buckets.steps[-1]
        planned = plan(flight, tries.wish, _used(work, lanes), steps, tolerance, most)
        span = jnp.where(layout.is_integral, tries.wish.span, planned.span)
        growth = jnp.where(layout.is_integral, 0, planned.growth)
        job = job._replace(y0=planned.y0.T, span=span, growth=growth)
        dull = is_free & ~layout.may_be_dull & (planned.turns < work.limits.min_turns)
        status = jnp.where(dull, Status.DULL.value, status)
        needs = jnp.asarray(buckets.steps, dtype)[:-1, None] < planned.num_steps
        # pilots step over the kinks of inputs and know no noise
        following = needs.sum(0, dtype=jnp.int32)
        following = jnp.where(reads_x, buckets.full, following)
        if work.source.is_switched:
            following = jnp.maximum(following, buckets.full)
        following = jnp.where(layout.is_integral, buckets.integral, following)
        following = jnp.where(layout.is_stochastic, buckets.noise, following)
    shape = (work.task.sizes.length, *tries.y0.shape)
    nothing = jnp.zeros(shape, dtype)
    zero = jnp.zeros(lanes.live.shape, dtype)
    lanes = lanes._replace(job=job)
    return Verdict(lanes, status, following, status == 0, nothing, jnp.zeros_like(status), zero)


def follow(work: Work, buckets: Buckets, bucket, lanes: Lanes) -> Verdict:
    """Solve the equations of the lanes in steps of equal length, and judge the solutions."""
    tries, job = _tries(work, lanes), lanes.job
    engine, _ = _engine(work, lanes, tries)
    by_steps = lambda: engine.steps(
        job.span, tries.y0, buckets.num_steps(bucket), buckets.is_noisy(bucket)
    )
    integral = engine.integral
    if integral is None:
        solution = by_steps()
    else:
        is_integral = bucket == buckets.integral
        solution = jax.lax.cond(is_integral, lambda: integral(job.span), by_steps)
    if engine.poles is not None:
        solution = solution._replace(singular=engine.poles(job.span, solution.y))
    layout = gather(work.task.layout, job.row)
    is_smooth = ~layout.is_stochastic & (layout.num_inputs == 0)
    traits = Traits(layout.may_be_dull, is_smooth, job.growth)
    used = _used(work, lanes)
    turns = most_turns(solution.y, used)
    status = judge(solution, used, turns, traits, work.task.acceptance, work.limits)
    following, goes_on = _next(work, buckets, bucket, solution, status)
    error = error_of(solution, work.limits)
    return Verdict(lanes, status, following, goes_on, solution.y, turns, error)


def _next(work: Work, buckets: Buckets, bucket, solution: Trajectories, status):
    """Which bucket each lane goes to next, and whether it goes on at all."""
    last = len(buckets.steps)
    inaccurate = (status == Status.INACCURATE.value) | (status == Status.STIFF.value)
    if work.source.fixed_span:
        # steps too long may have thrown it out
        ended = (status == Status.ESCAPED.value) | (status == Status.NOT_FINITE.value)
        inaccurate = inaccurate | ended
    following = jnp.broadcast_to(bucket + 1, status.shape).astype(jnp.int32)
    finer = buckets.is_noisy(bucket) & buckets.is_noisy(following)
    return following, inaccurate & ((following < last) | finer)
