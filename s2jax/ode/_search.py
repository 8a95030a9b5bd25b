"""The search for usable trajectories: a table of jobs inside jit.

A job is one try of one row: equations with initial values. Each round either deals new tries, whose
pilots find their time spans, or takes jobs that need the same number of steps from the table and
follows those. So all lanes of a round take the same steps, however different their equations are.
Try t of a row is a function of its key and t alone and the first usable try wins, so the result
does not depend on the order of the work.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from s2jax.ode._round import (
    FREE,
    Buckets,
    Job,
    Lanes,
    Verdict,
    Work,
    draw,
    fitting,
    follow,
    gather,
    scout,
)
from s2jax.ode._tries import Found, unpack_equations
from s2jax.targets.acceptance import REASONS, Status
from s2jax.targets.queue import deal, positions

MAX_TRIES = 64
_TRIES_PER_ROUND = 16
_PENDING = -1


class _Table(NamedTuple):
    """Jobs that wait for a run, and for which: `FREE` where there is no job."""

    bucket: Int[Array, " jobs"]
    job: Job


class _State(NamedTuple):
    """The search; outcomes are 0 for a usable try, else the number of a reason, from 1."""

    found: Found
    outcome: Int[Array, "rows tries"]
    dealt: Int[Array, " rows"]
    table: _Table


def search(work: Work, found: Found) -> Found:
    """Draw equations for every wanted row until one has a usable solution."""
    buckets, wanted, num_lanes = Buckets.of(work), work.task.wanted, work.num_lanes
    limit = jnp.minimum(jnp.asarray(work.task.acceptance.max_tries, jnp.int32), MAX_TRIES)

    def is_open(state):
        waits = state.dealt > (state.outcome != _PENDING).sum(1, dtype=jnp.int32)
        return wanted & ~waits & ~(state.outcome == 0).any(1) & (state.dealt < limit)

    def one_round(state):
        # A round costs the same however few of its lanes are used. So new tries are dealt while
        # many rows are open, and else that kind of run takes place for which most jobs wait.
        kinds = jnp.arange(buckets.count, dtype=jnp.int32)
        count = (state.table.bucket == kinds[:, None]).sum(1, dtype=jnp.int32)
        fullest = jnp.argmax(count).astype(jnp.int32)
        num_free = state.table.bucket.shape[0] - count.sum(dtype=jnp.int32)
        num_open = is_open(state).sum(dtype=jnp.int32)
        can_deal = (num_open > 0) & (num_free >= num_lanes)
        many = jnp.minimum(num_lanes, wanted.shape[0]) // 2
        is_pilot = can_deal & ((num_open >= many) | (count[fullest] == 0))
        dealt, table = state.dealt, state.table
        lanes, dealt, free = jax.lax.cond(
            is_pilot,
            lambda: (*_deal(work, dealt, is_open(state), limit), table.bucket),
            lambda: _load(work, dealt, table, fullest),
        )
        verdict = jax.lax.cond(
            is_pilot,
            lambda: scout(work, buckets, lanes),
            lambda: follow(work, buckets, fullest, lanes),
        )
        state = state._replace(dealt=dealt, table=table._replace(bucket=free))
        return _sort_out(work, buckets, state, fullest, verdict)

    def unfinished(state):
        return (state.table.bucket != FREE).any() | is_open(state).any()

    state = jax.lax.while_loop(unfinished, one_round, _start(work, found, buckets))
    before = jnp.arange(MAX_TRIES, dtype=jnp.int32) < _first_usable(state.outcome)[:, None]
    reasons = jnp.arange(1, len(REASONS) + 1, dtype=jnp.int32)
    counts = ((state.outcome[..., None] == reasons) & before[..., None]).sum(1, dtype=jnp.int32)
    return state.found._replace(rejections=jnp.where(wanted[:, None], counts, found.rejections))


def _start(work: Work, found: Found, buckets: Buckets) -> _State:
    """The search before its first round, with room for a full round of new jobs at any time."""
    num_jobs = (buckets.count + 1) * work.num_lanes
    row = jnp.zeros(work.num_lanes, jnp.int32)
    shapes = jax.eval_shape(lambda: draw(work, row, row))
    nothing = lambda leaf: jnp.zeros((num_jobs, *leaf.shape[1:]), leaf.dtype)
    return _State(
        found=found,
        outcome=jnp.full((found.usable.shape[0], MAX_TRIES), _PENDING, jnp.int32),
        dealt=jnp.zeros(found.usable.shape, jnp.int32),
        table=_Table(jnp.full(num_jobs, FREE, jnp.int32), jax.tree.map(nothing, shapes)),
    )


def _first_usable(outcome: Int[Array, "rows tries"]) -> Int[Array, " rows"]:
    """Number of the first usable try of each row, or `MAX_TRIES`."""
    number = jnp.arange(MAX_TRIES, dtype=jnp.int32)
    return jnp.where(outcome == 0, number, MAX_TRIES).min(1)


def _deal(work: Work, dealt, is_open, limit) -> tuple[Lanes, Int[Array, " rows"]]:
    """Deal new tries to open rows in turn, a few to each."""
    row, turn = deal(is_open, work.num_lanes)
    number = jnp.minimum(dealt[row] + turn, MAX_TRIES - 1)
    live = is_open[row] & (turn < _TRIES_PER_ROUND) & (dealt[row] + turn < limit)
    lanes = fitting(work, Lanes(live, draw(work, row, number)))
    return lanes, dealt.at[jnp.where(lanes.live, row, is_open.shape[0])].add(1, mode="drop")


def _load(work: Work, dealt, table: _Table, bucket) -> tuple[Lanes, Any, Int[Array, " jobs"]]:
    """Take jobs of one bucket off the table."""
    num_jobs = table.bucket.shape[0]
    source = positions(table.bucket == bucket, work.num_lanes)
    lanes = Lanes(source < num_jobs, gather(table.job, source % num_jobs))
    lanes = fitting(work, lanes)
    free = table.bucket.at[jnp.where(lanes.live, source, num_jobs)].set(FREE, mode="drop")
    return lanes, dealt, free


def _sort_out(work: Work, buckets: Buckets, state: _State, bucket, verdict: Verdict) -> _State:
    """Keep what is usable, write down what is not, and put back what needs another run."""
    task, lanes, status = work.task, verdict.lanes, verdict.status
    job, goes_on = lanes.job, verdict.goes_on
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
    found = _keep(work, state.found, row, verdict, buckets.num_steps(bucket))
    table = _store(state.table, lanes, lanes.live & goes_on, verdict.following)
    is_moot = table.job.number > best[table.job.row]
    table = table._replace(bucket=jnp.where(is_moot, FREE, table.bucket))
    return state._replace(found=found, outcome=outcome, table=table)


def _keep(work: Work, found: Found, row, verdict: Verdict, steps) -> Found:
    """Write what was found into its rows; rows beyond the last are dropped."""
    job = verdict.lanes.job
    new = {
        "series": verdict.y.transpose(2, 1, 0),
        "equations": job.equations,
        "span": job.span,
        "error": verdict.error,
        "growth": job.growth,
        "turns": verdict.turns,
        "num_steps": jnp.broadcast_to(steps, row.shape),
        "usable": jnp.ones(row.shape, bool),
    }
    return found._replace(**_scatter({name: getattr(found, name) for name in new}, row, new))


def _store(table: _Table, lanes: Lanes, waiting, bucket) -> _Table:
    """Put lanes that wait for another run on the table."""
    num_jobs, num_lanes = table.bucket.shape[0], waiting.shape[0]
    free = positions(table.bucket == FREE, num_lanes)
    rank = jnp.cumsum(waiting, dtype=jnp.int32) - 1
    place = jnp.where(waiting, free[jnp.maximum(rank, 0)], num_jobs)
    return _scatter(table, place, _Table(bucket, lanes.job))


def _scatter(tree: Any, index: Int[Array, " lanes"], new: Any) -> Any:
    """The inverse of `gather`; what goes to a row beyond the last is dropped."""
    return jax.tree.map(lambda old, new: old.at[index].set(new, mode="drop"), tree, new)
