"""What `sample` and `candidates` promise about rows, checked on one configuration.

Compiling costs seconds, so nearly every test turns leaves of `BASE`, which do not recompile. It has
three channels of 160 steps and twelve outputs: enough for 200 rows to need several tiles of inputs
and several windows of the search.
"""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, PartitionSpec
from scipy import stats

import s2jax
from s2jax import Acceptance, Batch, Config, Status, candidates, evaluate, presets, sample
from s2jax.core.random import fold_in, words_of
from s2jax.core.streams import of_expression
from s2jax.inputs import ARMA, Choice, Mixture
from s2jax.programs.engines import run
from s2jax.programs.lower import functions, lower
from s2jax.programs.operators import ARITY
from s2jax.targets.acceptance import REASONS, judge, moments
from tests.statistics import assert_counts_match, assert_ks

pytestmark = pytest.mark.floats

ROOT = Path(__file__).parents[1]
NUM_ROWS, FEW_ROWS = 200, 5
NUM_BATCHES = 40
TIGHT = 5.0  # a bound that most expressions exceed
KEY = jax.random.fold_in(jax.random.key(0), np.uint32(20261122))

BASE = presets.s2(
    length=160,
    num_inputs=3,
    num_outputs=12,
    min_inputs=1,
    min_outputs=1,
    inputs=Choice([Mixture(), ARMA(), ARMA(max_ar_order=5, rule="paper")], weights=[1.0, 1.0, 0.0]),
)


def replace(config: Config, **fields: Any) -> Config:
    """Return the configuration with other fields; the same arrays, so nothing recompiles."""
    return dataclasses.replace(config, **fields)


def with_weights(*weights: float) -> Config:
    """Return `BASE` with other weights of its three input families."""
    return replace(BASE, inputs=Choice(BASE.choice.families, weights=weights))


CONFIGS = {
    "all usable": BASE,
    "tight bound": replace(BASE, acceptance=Acceptance(bound=TIGHT, max_tries=1024)),
    "expressions fail": replace(BASE, acceptance=Acceptance(max_tries=4)),
    "inputs fail": with_weights(0.0, 0.0, 1.0),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def rows_of(batch: Batch, index: Any) -> Batch:
    """Return some rows of a batch."""
    return jax.tree.map(lambda leaf: leaf[index], batch)


def join(*batches: Batch) -> Batch:
    """Return all rows of several batches, on the host."""
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *jax.device_get(batches))


def assert_same_rows(first: Batch, second: Batch) -> None:
    """Fail unless all leaves agree bit for bit; the message names those that do not."""
    pairs = zip(jax.tree.leaves_with_path(first), jax.tree.leaves_with_path(second), strict=True)
    different = [
        jax.tree_util.keystr(path)
        for (path, a), (_, b) in pairs
        if np.asarray(a).tobytes() != np.asarray(b).tobytes() or a.shape != b.shape
    ]
    assert not different, f"these leaves differ: {', '.join(different)}"


def scaled_once(series: Any, scale: Any, shift: Any) -> np.ndarray:
    """Return `scale * series + shift` rounded to float32 once."""
    wide = [np.asarray(value, np.float64) for value in (series, scale, shift)]
    return (wide[0] * wide[1][..., None] + wide[2][..., None]).astype(np.float32)


@pytest.fixture(scope="module")
def batch() -> Batch:
    return sample(KEY, BASE, NUM_ROWS)


@pytest.fixture(scope="module")
def many() -> Batch:
    """Some thousand rows, for statistics."""
    keys = jax.random.split(KEY, NUM_BATCHES)
    return join(*(sample(key, BASE, NUM_ROWS) for key in keys))


# ---- rows -----------------------------------------------------------------------------------


@every_config
def test_few_rows_are_the_first_of_many(config: Config) -> None:
    many, few = sample(KEY, config, NUM_ROWS), sample(KEY, config, FEW_ROWS)
    assert_same_rows(few, rows_of(many, slice(FEW_ROWS)))


@every_config
def test_candidates_reproduce_rows(config: Config) -> None:
    many = sample(KEY, config, NUM_ROWS)
    assert_same_rows(many, candidates(KEY, config, many.index))


def test_candidate_does_not_depend_on_neighbours(batch: Batch) -> None:
    order = np.random.default_rng(0).permutation(NUM_ROWS)
    assert_same_rows(candidates(KEY, BASE, jnp.asarray(order)), rows_of(batch, order))
    among_others = np.where(np.arange(NUM_ROWS) % 7 == 0, np.arange(NUM_ROWS), 10**6 + order)
    mixed = candidates(KEY, BASE, jnp.asarray(among_others))
    assert_same_rows(rows_of(mixed, slice(None, None, 7)), rows_of(batch, slice(None, None, 7)))


def test_other_keys_give_other_rows(batch: Batch) -> None:
    other = sample(jax.random.fold_in(KEY, 1), BASE, NUM_ROWS)
    assert not np.any(np.asarray(other.x[:, 0, 0]) == np.asarray(batch.x[:, 0, 0]))


def test_output_is_scaled_formula_rounded_once(batch: Batch) -> None:
    formula = evaluate(batch.program, batch.x)
    expected = scaled_once(formula, batch.y_scale, batch.y_shift)
    used = np.asarray(batch.y_mask)
    assert np.array_equal(expected[used], np.asarray(batch.y)[used])


def test_accepted_formulas_keep_the_bounds(batch: Batch) -> None:
    formula = np.asarray(evaluate(batch.program, batch.x))[np.asarray(batch.y_mask)]
    largest = np.abs(formula).max(-1)
    assert np.all(largest <= BASE.acceptance.bound)
    assert np.all(formula.std(-1) > 0.99 * BASE.acceptance.min_variation * largest)


def test_input_is_scaled_series_of_its_source(batch: Batch) -> None:
    """Drawing the series again from `x_source` gives x: the source tells the law of x exactly."""
    words = fold_in(jnp.broadcast_to(words_of(KEY), (NUM_ROWS, 2)), batch.index)
    words = fold_in(jnp.repeat(words, 3, axis=0), jnp.tile(jnp.arange(3), NUM_ROWS))
    source = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch.x_source)
    raw = jax.jit(lambda source, words: BASE.choice.draw_series(source, words, BASE.length))(
        source, words
    )
    raw = np.asarray(raw).T.reshape(batch.x.shape)
    expected = scaled_once(raw, batch.x_scale, batch.x_shift)
    used = np.asarray(batch.x_mask)
    error = np.abs(expected - np.asarray(batch.x)).max(-1)
    assert np.all(error[used] <= 1e-5 * np.abs(expected).max(-1)[used])


# ---- status, tries and rejections -----------------------------------------------------------


def test_all_rows_of_the_preset_are_usable(many: Batch) -> None:
    assert not many.status.any()
    assert np.array_equal(many.index, np.tile(np.arange(NUM_ROWS), NUM_BATCHES))
    leaves = [leaf for leaf in jax.tree.leaves(many) if leaf.dtype == np.float32]
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    assert np.array_equal(many.tries, many.rejections.sum(-1) + many.y_mask)
    assert np.all(many.tries <= BASE.acceptance.max_tries)
    # measured: 31 % of the programs are rejected, most of them by the bound
    shares = many.rejections.sum((0, 1)) / many.tries.sum()
    assert 0.2 < shares[REASONS.index(Status.TOO_LARGE)] < 0.35
    assert 0.02 < shares[REASONS.index(Status.NOT_FINITE)] < 0.1
    assert 0 < shares[REASONS.index(Status.CONSTANT)] < 0.03
    assert shares[REASONS.index(Status.OUTSIDE_DOMAIN)] < 0.01


def test_exhausted_search_says_why() -> None:
    config = replace(BASE, acceptance=Acceptance(bound=1e-12, max_tries=2))
    batch = jax.device_get(sample(KEY, config, NUM_ROWS))
    reasons = np.array([reason.value for reason in REASONS])
    happened = (batch.rejections.sum(1) > 0) @ reasons
    assert np.array_equal(batch.status, Status.SEARCH_EXHAUSTED | happened)
    assert np.any(batch.status & Status.TOO_LARGE)
    assert np.array_equal(batch.tries, 2 * batch.y_mask)
    assert np.array_equal(batch.rejections.sum(-1), batch.tries)
    assert not batch.y.any()
    assert not batch.program.length.any()
    assert np.all(batch.y_scale == 1)
    assert not batch.y_shift.any()
    leaves = [leaf for leaf in jax.tree.leaves(batch) if leaf.dtype == np.float32]
    assert all(np.isfinite(leaf).all() for leaf in leaves)


@pytest.mark.parametrize("name", ["expressions fail", "inputs fail"])
def test_failed_candidates_are_skipped(name: str) -> None:
    config = CONFIGS[name]
    indices = jnp.arange(3 * NUM_ROWS).reshape(3, NUM_ROWS)
    by_hand = join(*(candidates(KEY, config, part) for part in indices))
    failed = by_hand.status != 0
    assert 0.01 < failed.mean() < 0.6
    bit = Status.SEARCH_EXHAUSTED if name == "expressions fail" else Status.INPUT_UNUSABLE
    assert np.any(by_hand.status[failed] & bit)
    batch = jax.device_get(sample(KEY, config, NUM_ROWS))
    assert_same_rows(batch, rows_of(by_hand, np.flatnonzero(~failed)[:NUM_ROWS]))


def test_rows_that_are_missing_come_last() -> None:
    """One try for each of twelve outputs: few candidates are usable, and the search gives up."""
    config = replace(BASE, min_outputs=12, acceptance=Acceptance(max_tries=1))
    batch = jax.device_get(sample(KEY, config, NUM_ROWS))
    num_usable = int((batch.status == 0).sum())
    assert 0 < num_usable < NUM_ROWS
    assert not batch.status[:num_usable].any()
    assert np.all(batch.status[num_usable:] & Status.SEARCH_EXHAUSTED)
    assert np.all(np.diff(batch.index[:num_usable]) > 0)
    by_hand = candidates(KEY, config, jnp.arange(NUM_ROWS))
    usable = np.flatnonzero(np.asarray(by_hand.status) == 0)
    assert np.array_equal(batch.index[: len(usable)], usable)


def test_unusable_inputs_are_reported_and_zero() -> None:
    batch = jax.device_get(candidates(KEY, CONFIGS["inputs fail"], jnp.arange(NUM_ROWS)))
    bad = batch.status == Status.INPUT_UNUSABLE
    assert bad.any()
    assert np.isfinite(batch.x).all()
    assert np.isfinite(batch.y).all()
    assert not batch.tries[bad].any()
    assert not batch.y[bad].any()


def test_usable_inputs_have_the_deviation_that_is_asked_for() -> None:
    """Series near the largest float32 must not pass as inputs: their scale rounds to 0."""
    batch = jax.device_get(candidates(KEY, CONFIGS["inputs fail"], jnp.arange(NUM_ROWS)))
    good = (batch.status & Status.INPUT_UNUSABLE) == 0
    assert np.all(batch.x.std(-1)[good][batch.x_mask[good]] > 0)


@eqx.filter_jit
def judge_try(words: jax.Array, config: Config, batch: Batch, number: jax.Array):
    """Draw and judge try `number` of every output, in the way the search is documented."""
    rows, outputs = batch.y_mask.shape
    output = jnp.tile(jnp.arange(outputs, dtype=jnp.int32), rows)
    keys = fold_in(jnp.broadcast_to(words, (rows, 2)), batch.index)
    used = batch.x_mask.sum(1, dtype=jnp.int32)
    program = config.target.draw(
        jnp.repeat(keys, outputs, axis=0),
        of_expression(output, number),
        jnp.repeat(used, outputs),
        output,
        config.num_inputs,
    )
    series = run.evaluate_rows(program, batch.x, outputs)
    status = judge(moments(series), config.acceptance)
    by_row = lambda leaf: leaf.reshape(rows, outputs, *leaf.shape[1:])
    return jax.tree.map(by_row, (program, status))


def test_rejected_tries_fail_and_the_next_one_is_taken(batch: Batch) -> None:
    host, words, num_tries = jax.device_get(batch), words_of(KEY), 6
    found = np.zeros_like(host.rejections)
    for number in range(num_tries):
        program, status = jax.device_get(judge_try(words, BASE, batch, jnp.int32(number)))
        rejected = host.y_mask & (number < host.tries - 1)
        assert np.all(status[rejected] != 0)
        for position, reason in enumerate(REASONS):
            found[..., position] += rejected & (status == reason)
        accepted = host.y_mask & (number == host.tries - 1)
        assert np.all(status[accepted] == 0)
        assert_same_rows(rows_of(program, accepted), rows_of(host.program, accepted))
    seen = host.tries <= num_tries
    assert seen.mean() > 0.98
    assert np.array_equal(found[seen], host.rejections[seen])


# ---- the law of the rows --------------------------------------------------------------------


def test_acceptance_leaves_the_inputs_alone(batch: Batch) -> None:
    tight = sample(KEY, CONFIGS["tight bound"], NUM_ROWS)
    assert np.asarray(tight.tries).sum() > 1.5 * np.asarray(batch.tries).sum()
    names = ("x", "index", "x_scale", "x_shift", "x_mask", "y_mask", "x_source")
    for name in names:
        jax.tree.map(np.testing.assert_array_equal, getattr(tight, name), getattr(batch, name))


def test_sources_of_accepted_rows_follow_their_law() -> None:
    keys = jax.random.split(jax.random.fold_in(KEY, 2), 10)
    rows = join(*(sample(key, CONFIGS["tight bound"], NUM_ROWS) for key in keys))
    family = rows.x_source.family[rows.x_mask]
    process = rows_of(rows.x_source.process, rows.x_mask)
    assert_counts_match(np.bincount(family, minlength=3), [0.5, 0.5, 0], what="families")
    components = np.bincount(process.num_components[family == 0], minlength=6)
    assert_counts_match(components, [0, 0.2, 0.2, 0.2, 0.2, 0.2], what="mixture components")
    orders = np.bincount(process.ar_order[family == 1], minlength=4)
    assert_counts_match(orders, [0, 1 / 3, 1 / 3, 1 / 3], what="AR orders")


@pytest.mark.parametrize("name", ["x", "y"])
def test_series_have_deviations_uniform_to_16_shared_by_a_row(many: Batch, name: str) -> None:
    series, mask = getattr(many, name).astype(np.float64), getattr(many, f"{name}_mask")
    deviation = series.std(-1)
    # f may vary by 1e-4 of its size only, of which float32 leaves three digits
    assert np.all(np.abs(series.mean(-1)) <= 5e-3 * deviation)
    factor = deviation[:, 0]
    assert np.allclose(deviation, np.where(mask, factor[:, None], 0), rtol=5e-3)
    assert_ks(factor, stats.uniform(0, 16).cdf, what=f"deviation of {name}")


def test_masks_are_uniform_and_respected(many: Batch) -> None:
    for mask, size in ((many.x_mask, 3), (many.y_mask, 12)):
        used = mask.sum(1)
        assert np.array_equal(mask, np.arange(size) < used[:, None])
        assert_counts_match(np.bincount(used - 1, minlength=size), np.full(size, 1 / size))
    assert not many.x[~many.x_mask].any()
    assert np.all(many.x_scale[~many.x_mask] == 1)
    assert not many.y[~many.y_mask].any()
    assert not many.tries[~many.y_mask].any()
    program = many.program
    assert np.array_equal(program.length > 0, many.y_mask)
    used_inputs = many.x_mask.sum(1)[:, None, None]
    live = np.arange(program.num_nodes) < program.length[..., None]
    for operand, arity in ((program.a, 1), (program.b, 2)):
        reads = live & (ARITY[program.op] >= arity) & (operand < 0)
        assert np.all(~reads | (-1 - operand < used_inputs))


def test_least_numbers_of_channels_turn_masks_off() -> None:
    batch = sample(KEY, replace(BASE, min_inputs=3, min_outputs=12), NUM_ROWS)
    assert np.asarray(batch.x_mask).all()
    assert np.asarray(batch.y_mask).all()


def test_each_output_is_searched_by_itself(batch: Batch, many: Batch) -> None:
    """An output does not depend on what the others do, so twelve cost twelve times one."""
    config = replace(BASE, min_outputs=12)
    full = sample(KEY, config, NUM_ROWS)
    used = np.asarray(batch.y_mask) & np.all(np.asarray(full.x_mask) == batch.x_mask, 1)[:, None]
    for name in ("y", "y_scale", "tries", "rejections"):
        assert np.array_equal(getattr(full, name)[used], getattr(batch, name)[used])
    keys = jax.random.split(jax.random.fold_in(KEY, 3), 10)
    of_twelve = np.concatenate([sample(key, config, NUM_ROWS).tries for key in keys]).sum(1)
    of_one = many.tries[many.y_mask.sum(1) == 1].sum(1)
    assert len(of_one) > 500
    assert of_twelve.mean() / of_one.mean() == pytest.approx(12, rel=0.1)


# ---- transformations ------------------------------------------------------------------------

SMALL = Config(length=16, num_inputs=2, num_outputs=2, target=s2jax.Identity(), inputs=Mixture())
every_target = pytest.mark.parametrize(
    "config",
    [SMALL, pytest.param(replace(SMALL, target=s2jax.Algebraic()), marks=pytest.mark.long)],
    ids=["identity", "algebraic"],
)


def by_loop(keys: jax.Array, config: Config) -> Batch:
    """Return one small batch per key, from plain calls."""
    return jax.tree.map(lambda *rows: np.stack(rows), *(sample(k, config, FEW_ROWS) for k in keys))


def scanned(keys: jax.Array, config: Config) -> Batch:
    """Return one small batch per key, from a scan."""
    return jax.lax.scan(lambda _, key: (None, sample(key, config, FEW_ROWS)), None, keys)[1]


@every_target
def test_vmap_over_keys_gives_the_same_rows(config: Config) -> None:
    """Also where candidates fail, so that the rows of each key are put in order by themselves."""
    keys = jax.random.split(KEY, 3)
    strict = replace(config, acceptance=Acceptance(bound=TIGHT, max_tries=4))
    for each in (config, strict):
        mapped = jax.vmap(lambda key: sample(key, each, FEW_ROWS))(keys)  # noqa: B023
        assert_same_rows(by_loop(keys, each), mapped)
    assert (mapped.index != jnp.arange(FEW_ROWS)).any(1).sum() == len(keys)
    assert (jnp.diff(mapped.index) > 0).all()


@pytest.mark.long
def test_vmap_over_leaves_of_the_config() -> None:
    highs = jnp.array([1.0, 4.0])
    scaled = jax.vmap(
        lambda high: sample(KEY, replace(SMALL, x_scaling=s2jax.Standardize(0.0, high)), FEW_ROWS)
    )(highs)
    assert np.allclose(scaled.x[1], 4 * scaled.x[0], rtol=1e-5)


@every_target
def test_scan_and_shard_map_give_the_same_rows(config: Config) -> None:
    """A scan on each of four devices: one program to compile for both transformations."""
    devices = jax.devices()[:4]
    assert len(devices) == 4, "conftest forces four CPU devices"
    keys = jax.random.split(KEY, 8)
    spec = PartitionSpec("device")
    sharded = jax.shard_map(
        lambda keys: scanned(keys, config),
        mesh=Mesh(np.array(devices), ("device",)),
        in_specs=spec,
        out_specs=spec,
        check_vma=False,  # the loops start from constants, which every device has alike
    )
    compiled = jax.jit(sharded).lower(keys).compile()
    talk = "all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter"
    assert not re.search(talk, compiled.as_text())
    assert_same_rows(by_loop(keys, config), compiled(keys))


def test_evaluate_under_vmap_joins_the_batch(batch: Batch) -> None:
    program, x = rows_of((batch.program, batch.x), slice(6))  # pyright: ignore
    flat = np.asarray(evaluate(batch.program, batch.x))[:6]
    nested = jax.tree.map(lambda leaf: leaf.reshape(2, 3, *leaf.shape[1:]), (program, x))
    assert np.array_equal(
        flat.reshape(2, 3, *flat.shape[1:]), jax.vmap(jax.vmap(evaluate))(*nested)
    )


@pytest.mark.long
def test_evaluate_under_vmap_repeats_what_is_not_mapped(batch: Batch) -> None:
    program, x = rows_of((batch.program, batch.x), slice(6))  # pyright: ignore
    flat = np.asarray(evaluate(batch.program, batch.x))[:6]
    one_program = jax.vmap(evaluate, in_axes=(None, 0))(program[0], x)
    assert np.array_equal(one_program[0], flat[0])
    one_input = jax.vmap(evaluate, in_axes=(0, None))(program, x[0])
    assert np.array_equal(one_input[0], flat[0])


def test_evaluators_agree(batch: Batch) -> None:
    """One branch at a time, as on CPU, and all operators with a selection, as elsewhere."""
    program = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch.program)
    operators = functions(program.protected)

    @jax.jit
    def compute(program, x):
        lowered = lower(program, None, x.shape[-2], x.dtype)
        return [
            evaluator(lowered, x, operators, BASE.num_outputs)
            for evaluator in (run.sequential, run.selecting)
        ]

    one, other = (np.asarray(values, np.float64) for values in compute(program, batch.x))
    assert np.array_equal(np.isfinite(one), np.isfinite(other))
    scale = np.abs(one).max(-1, keepdims=True)
    scale[scale == 0] = 1
    error = np.abs(one - other) / (scale * np.finfo(np.float32).eps)
    assert np.quantile(error, 0.99) < 4
    # cancellation and steep functions magnify a difference of rounding
    assert error.max() < 2000


@contextmanager
def compilations() -> Iterator[list[str]]:
    """Collect the names of compilations that happen inside."""
    events: list[str] = []
    active = True

    def listen(name: str, duration: float, **_: Any) -> None:
        if active and name.startswith("/jax/core/compile/backend_compile"):
            events.append(name)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield events
    finally:
        active = False


def test_turning_leaves_compiles_nothing(batch: Batch) -> None:
    keys = list(jax.random.split(KEY, 100))
    sample(keys[0], BASE, FEW_ROWS)
    with compilations() as events:
        for number, key in enumerate(keys):
            config = with_weights(1.0, 0.5 + number, 0.0)
            acceptance = Acceptance(bound=100.0 + number, min_variation=1e-3, max_tries=10 + number)
            scaling = s2jax.Standardize(0.5, 1.0 + number)
            config = replace(config, acceptance=acceptance, x_scaling=scaling, y_scaling=scaling)
            weights = dict(BASE.target.law.unary_weights) | {"tanh": 0.1 * number}
            law = replace_law(config, unary_weights=weights, constant_probability=number / 100)
            jax.block_until_ready(sample(key, law, FEW_ROWS))
    assert events == []


def test_compilations_are_counted() -> None:
    with compilations() as events:
        jax.jit(lambda a: a + 17)(jnp.ones(3))
    assert events


def replace_law(config: Config, **fields: Any) -> Config:
    """Return the configuration with other fields of its law of expressions."""
    law = dataclasses.replace(config.target.law, **fields)
    return replace(config, target=dataclasses.replace(config.target, law=law))


@pytest.mark.long
def test_memory_is_bounded_by_the_result() -> None:
    config = presets.s2(length=256)
    compiled = jax.jit(lambda key: sample(key, config, 4096)).lower(KEY).compile()
    memory = compiled.memory_analysis()
    result = memory.output_size_in_bytes
    assert memory.temp_size_in_bytes + result < 4 * result + 64 * 2**20


# ---- in another process ---------------------------------------------------------------------


def run_python(code: str, **environment: str) -> Any:
    """Run code in a fresh interpreter and return the JSON that it prints last."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


def test_import_touches_nothing() -> None:
    seen = run_python("""
import json, sys, jax
before = dict(jax.config.values)
import s2jax
from jax._src import xla_bridge
changed = [name for name, value in jax.config.values.items() if before.get(name) != value]
heavy = [name for name in ("sympy", "diffrax", "matplotlib", "pandas") if name in sys.modules]
print(json.dumps([list(xla_bridge._backends), changed, heavy]))
""")
    assert seen == [[], [], []]


@pytest.mark.long
def test_evaluate_in_double_precision() -> None:
    """Float64 inputs give float64 values; the worst formulas lose digits by themselves."""
    dtype, quantile, both_finite = run_python(
        """
import json, jax, jax.numpy as jnp, numpy as np
from s2jax.core.random import fold_in, words_of
from s2jax.laws import S2Law
from s2jax.programs import evaluate
from tests.programs import decode
from tests.test_generate import numpy_value
words = fold_in(jnp.broadcast_to(words_of(jax.random.key(0)), (400, 2)), jnp.arange(400))
program = jax.jit(lambda w: S2Law().draw(w, jnp.full(400, 2, jnp.int32), 2, True))(words)
x = jax.random.normal(jax.random.key(1), (400, 2, 32), jnp.float64)
y = np.asarray(evaluate(program[:, None], x))[:, 0]
with np.errstate(all="ignore"):
    true = np.stack([numpy_value(root, row) for root, row in zip(decode(program), np.asarray(x))])
good = np.isfinite(true).all(-1)
error = np.abs(y - true)[good].max(-1) / np.abs(true[good]).max(-1)
both_finite = bool((np.isfinite(y).all(-1) == good).all())
print(json.dumps([str(y.dtype), float(np.quantile(error, 0.98)), both_finite]))
""",
        JAX_ENABLE_X64="1",
    )
    assert dtype == "float64"
    assert quantile < 1e-12
    assert both_finite


@pytest.mark.long
def test_sample_works_where_double_precision_is_on() -> None:
    status, error = run_python(
        """
import json, jax, numpy as np, s2jax
batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=32), 50)
formula = np.asarray(s2jax.evaluate(batch.program, batch.x), np.float64)
expected = formula * np.asarray(batch.y_scale)[..., None] + np.asarray(batch.y_shift)[..., None]
error = np.abs(expected - np.asarray(batch.y)).max(-1) / np.abs(expected).max(-1)
print(json.dumps([int(batch.status.sum()), float(error.max())]))
""",
        JAX_ENABLE_X64="1",
    )
    assert status == 0
    assert error < 1e-6


def numpy_value(node: Any, x: np.ndarray) -> np.ndarray:
    """Return an expression's values in NumPy, in float64."""
    names = {"arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan, "neg": np.negative}
    functions: dict[str, Callable[..., Any]] = names | {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "abs": np.abs,
        "inv": np.reciprocal, "sqrt": lambda a: np.sqrt(np.abs(a)), "sin": np.sin, "cos": np.cos,
        "log": lambda a: np.log(np.abs(a)), "exp": np.exp, "tan": np.tan, "tanh": np.tanh,
        "pow2": np.square, "pow3": lambda a: a**3, "pow": lambda a, b: np.abs(a) ** b,
    }  # fmt: skip
    constants = {"e": np.e, "pi": np.pi, "euler_gamma": np.euler_gamma}
    if node.is_variable:
        value = x[int(node.word[2:])]
    elif node.children:
        value = functions[node.word](*(numpy_value(child, x) for child in node.children))
    else:
        value = np.full(x.shape[-1], constants.get(node.word) or float(node.word))
    for constant, operation in ((node.scale, np.multiply), (node.bias, np.add)):
        if constant is not None:
            value = operation(value, float(f"{constant[0]}e{constant[1]}"))
    return value


MISTAKES = {
    "key=": "s2jax.sample(jax.random.PRNGKey(0), config, 4)",
    "key of": "s2jax.sample(jax.random.split(key, 3), config, 4)",
    "n=0": "s2jax.sample(key, config, 0)",
    "n=2.5": "s2jax.sample(key, config, 2.5)",
    "n=True": "s2jax.sample(key, config, True)",
    "n=JitTracer": "jax.jit(lambda n: s2jax.sample(key, config, n))(4)",
    "config=": "s2jax.sample(key, {'length': 4}, 4)",
    "candidates(key=": "s2jax.candidates(0, config, jnp.arange(3))",
    "candidates(indices of shape ()": "s2jax.candidates(key, config, 3)",
    "candidates(indices of shape (2,), float32": "s2jax.candidates(key, config, jnp.ones(2))",
    "candidates(indices with -1)": "s2jax.candidates(key, config, jnp.array([0, -1]))",
    "length=1": "s2jax.Config(length=1)",
    "length=2.5": "s2jax.Config(length=2.5)",
    "num_inputs=0": "s2jax.Config(num_inputs=0)",
    "min_outputs=2": "s2jax.Config(min_outputs=2)",
    "Config(inputs=": "s2jax.Config(inputs='arma')",
    "Config(target=": "s2jax.Config(target=s2jax.laws.S2Law())",
    "Config(acceptance=": "s2jax.Config(acceptance=1e4)",
    "Config(y_scaling=": "s2jax.Config(y_scaling=16.0)",
    "Config(length=3)": "s2jax.Config(length=3)",
    "Acceptance(bound=0.0)": "s2jax.Acceptance(bound=0)",
    "Acceptance(max_tries=1.5)": "s2jax.Acceptance(max_tries=1.5)",
    "Standardize(high=0.0)": "s2jax.Standardize(high=0.0)",
    "Algebraic(protected='no')": "s2jax.Algebraic(protected='no')",
    "evaluate(program of shape (1,)": "s2jax.evaluate(s2jax.Identity().draw("
    "s2jax.core.random.words_of(key)[None], 0, jnp.ones(1, int), jnp.zeros(1, int), 1), "
    "jnp.ones((3, 1, 4)))",
}  # fmt: skip


@pytest.fixture(scope="module")
def messages() -> dict[str, list[str]]:
    """What each mistake says where no type checker is in front of it."""
    return run_python(f"""
import json, jax, jax.numpy as jnp, s2jax
key, config, out = jax.random.key(0), s2jax.presets.s2(length=16), {{}}
for name, call in {MISTAKES!r}.items():
    try:
        eval(call)
        out[name] = ["nothing", ""]
    except Exception as error:
        out[name] = [type(error).__name__, str(error)]
print(json.dumps(out))
""")


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_named(name: str, messages: dict[str, list[str]]) -> None:
    kind, message = messages[name]
    assert kind in ("TypeError", "ValueError"), message
    assert name in message
