"""Feeds: a batch is a function of its number, whoever draws it and wherever one resumes."""

import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pickle
import re
import socket
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from jax.sharding import AxisType, Mesh, PartitionSpec

import s2jax
from s2jax.feeds import Batches, batches, corpus_source, grain_source, stack_rows
from s2jax.stream import Stream
from tests import distributed

pytestmark = pytest.mark.floats

ROOT = Path(__file__).parents[1]
CONFIG = s2jax.presets.s2(length=64)
SEED, BATCH, BLOCK = 3, 8, 4
# compiles faster, and each process compiles it
CHEAP = s2jax.presets.s2(length=64, inputs=s2jax.inputs.ARMA(), target=s2jax.Identity())


def digest(batch: Any) -> str:
    """A hash of all leaves."""
    leaves = [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(batch)]
    return hashlib.sha256(b"".join(leaves)).hexdigest()


def blocks_of(config: s2jax.Config, first: int, count: int, seed: int = SEED) -> s2jax.Batch:
    """Blocks of the stream one after another."""
    stream = Stream(config, seed, BLOCK)
    parts = [jax.device_get(stream[block]) for block in range(first, first + count)]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def mesh_of(*shape: int, kind: AxisType = AxisType.Auto) -> Mesh:
    names = ("data", "model")[: len(shape)]
    count = int(np.prod(shape))
    return jax.make_mesh(shape, names, (kind,) * len(shape), devices=jax.devices()[:count])


def feed(mesh: Mesh | None = None, start: int = 0, **options: Any) -> Batches:
    usual = {"config": CONFIG, "seed": SEED, "batch": BATCH, "block_size": BLOCK, "ahead": 1}
    options = usual | options
    return batches(mesh=mesh, start=start, **options)


# ---- batches on meshes ----------------------------------------------------------------------


def test_batches_are_blocks_of_the_stream() -> None:
    ours = feed(start=2)
    for step in (2, 3):
        assert digest(next(ours)) == digest(blocks_of(CONFIG, 2 * step, 2))
    whole = batches(CONFIG, SEED, BLOCK, block_size=BLOCK, ahead=1)
    assert digest(next(whole)) == digest(blocks_of(CONFIG, 0, 1))


def test_eight_devices_share_a_batch_by_default() -> None:
    sizes = {rows: batches(CONFIG, SEED, rows).get_state()["block_size"] for rows in (4096, 12, 5)}
    assert sizes == {4096: 512, 12: 3, 5: 5}


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit])
@pytest.mark.parametrize("devices", [1, 2])
def test_devices_do_not_change_the_bits(devices: int, kind: AxisType) -> None:
    batch = next(feed(mesh_of(devices, kind=kind), 1))
    assert digest(batch) == digest(blocks_of(CONFIG, 2, 2))
    assert batch.y.sharding.spec == PartitionSpec("data")
    assert len(batch.y.sharding.device_set) == devices


@pytest.fixture
def numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are the numbers of their blocks; nothing is compiled for any device."""

    block = jax.eval_shape(lambda: s2jax.sample(jax.random.key(0), CONFIG, BLOCK))

    def draw(config: Any, key: Any, blocks: Any, size: int) -> s2jax.Batch:
        return jax.tree.map(lambda leaf: jnp.asarray(np.repeat(blocks, size)), block)

    monkeypatch.setattr("s2jax.feeds._shares.draw", draw)


@pytest.mark.parametrize(
    "shape, axes, blocks, own",
    [
        ((4,), None, 4, 1),
        ((2, 2), "data", 2, 1),
        ((2, 2), "data", 4, 2),
        ((2, 2), ("model", "data"), 4, 1),
    ],
)
def test_meshes(numbered: None, shape: tuple[int, ...], axes: Any, blocks: int, own: int) -> None:
    """Some blocks for each device, or for each two that repeat each other."""
    mesh = mesh_of(*shape)
    batch = next(feed(mesh, 1, batch=blocks * BLOCK, axes=axes))
    for leaf in jax.tree.leaves(batch):
        np.testing.assert_array_equal(leaf, np.repeat(blocks + np.arange(blocks), BLOCK))
        assert {shard.data.shape for shard in leaf.addressable_shards} == {(own * BLOCK,)}
        assert {shard.device for shard in leaf.addressable_shards} == set(mesh.devices.flat)


@pytest.mark.parametrize("devices", [None, 2])
def test_batches_drawn_ahead_have_the_same_bits(devices: int | None) -> None:
    mesh = mesh_of(devices) if devices else None
    ours, one_by_one = feed(mesh, 1, ahead=3), feed(mesh, 1)
    for _ in range(4):
        assert digest(next(ours)) == digest(next(one_by_one))
    state = ours.get_state()
    assert state == one_by_one.get_state()
    want = digest(next(ours))
    ours.set_state(state | {"step": 0})  # before what is held
    assert digest(next(ours)) == digest(next(feed(mesh)))
    ours.set_state(state)
    assert digest(next(ours)) == want


@pytest.mark.parametrize("length, rows", [(64, 4096), (2**20, 8)])
def test_small_batches_are_drawn_by_the_thousand(
    monkeypatch: pytest.MonkeyPatch, length: int, rows: int
) -> None:
    """And fewer of long series."""
    drawn = []

    def draw(config: Any, key: Any, blocks: Any, size: int) -> s2jax.Batch:
        drawn.append(len(blocks) * size)
        raise RuntimeError("enough is known")

    monkeypatch.setattr("s2jax.feeds._shares.draw", draw)
    with pytest.raises(RuntimeError, match="enough"):
        next(feed(config=s2jax.presets.s2(length=length), ahead=None))
    assert drawn == [rows]


def test_the_end_of_a_stream_is_drawn_ahead(numbered: None) -> None:
    """Blocks behind the last one are never handed out."""
    ours = feed(start=2**31 - 2, ahead=3)
    assert [int(batch.status[0]) for batch in ours] == [2**32 - 4, 2**32 - 2]


def test_a_jitted_step_takes_the_batch() -> None:
    for kind in (AxisType.Auto, AxisType.Explicit):
        batch = next(feed(mesh_of(2, kind=kind)))
        loss = jax.jit(lambda batch: (batch.y**2).mean())(batch)
        np.testing.assert_allclose(loss, (blocks_of(CONFIG, 0, 2).y ** 2).mean(), rtol=1e-5)


def test_the_second_batch_compiles_nothing(caplog: pytest.LogCaptureFixture) -> None:
    ours = feed(mesh_of(2))
    next(ours)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        next(ours)
    assert not [record for record in caplog.records if "ompil" in record.getMessage()]


@pytest.fixture
def zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs are zeros of the precision that is set; nothing is compiled."""
    block = jax.device_get(Stream(CONFIG, SEED, BLOCK)[0])

    def draw(config: Any, key: Any, blocks: Any, size: int) -> s2jax.Batch:
        parts = jax.tree.map(lambda leaf: jnp.concatenate([leaf] * len(blocks)), block)
        return dataclasses.replace(parts, y=jnp.zeros((len(blocks) * size, 1, 64)))

    monkeypatch.setattr("s2jax.feeds._shares.draw", draw)


def test_precision_is_that_of_the_beginning(zeros: None) -> None:
    with jax.enable_x64(True):
        ours = feed()
    assert next(ours).y.dtype == np.float64
    assert next(feed()).y.dtype == np.float32
    assert ours.get_state()["dtype"] != feed().get_state()["dtype"]


def test_default_device_is_that_of_the_beginning(zeros: None) -> None:
    with jax.default_device(jax.devices()[1]):
        ours = feed()
    assert next(ours).y.devices() == {jax.devices()[1]}
    with jax.default_device(jax.devices()[1]):
        assert next(feed(mesh_of(1))).y.devices() == {jax.devices()[0]}


@pytest.mark.slow
def test_processes_do_not_change_the_bits() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XLA_FLAGS": ""}
    command = [sys.executable, str(ROOT / "tests/distributed.py")]
    started = [
        subprocess.Popen(
            [*command, str(rank), "2", "1", str(port)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        with concurrent.futures.ThreadPoolExecutor() as threads:
            ends = list(threads.map(lambda process: process.communicate(timeout=300), started))
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], ends
    told = [json.loads(out.splitlines()[-1]) for out, _ in ends]
    assert told[0]["hashes"].keys() == {"0", "1"}
    assert told[0]["total"] == told[1]["total"]
    hashes = told[0]["hashes"] | told[1]["hashes"]
    stream = Stream(CHEAP, distributed.SEED, distributed.BLOCK)
    count = distributed.BATCH // distributed.BLOCK
    for block in range(count):
        assert hashes[str(block)] == digest(stream[distributed.STEP * count + block])


# ---- resuming -------------------------------------------------------------------------------


class Resuming(RuleBasedStateMachine):
    """Any mixture of next, save, restore and change of mesh gives batch after batch."""

    states = Bundle("states")
    meshes = st.sampled_from([None, 1, 2])
    hashes: dict[int, str] = {}  # noqa: RUF012  # of the model, computed once

    @initialize(start=st.integers(0, 3), devices=meshes)
    def begin(self, start: int, devices: int | None) -> None:
        self.step = start
        self.ours = feed(devices and mesh_of(devices), start)

    @rule()
    def draw(self) -> None:
        if self.step not in self.hashes:
            self.hashes[self.step] = digest(blocks_of(CONFIG, 2 * self.step, 2))
        assert digest(next(self.ours)) == self.hashes[self.step]
        self.step += 1

    @rule(target=states)
    def save(self) -> tuple[str, int]:
        return json.dumps(self.ours.get_state()), self.step

    @rule(state=states)
    def restore(self, state: tuple[str, int]) -> None:
        self.ours.set_state(json.loads(state[0]))
        self.step = state[1]

    @rule(devices=meshes)
    def move(self, devices: int | None) -> None:
        state = self.ours.get_state()
        self.ours = feed(devices and mesh_of(devices))
        self.ours.set_state(state)

    @invariant()
    def state_is_integers(self) -> None:
        if hasattr(self, "ours"):
            values = self.ours.get_state().values()
            assert all(type(value) is int and 0 <= value < 2**31 for value in values)


TestResuming = Resuming.TestCase
TestResuming.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, derandomize=True, database=None
)


@pytest.mark.parametrize(
    "name, options, told",
    [
        ("seed", {"seed": 4}, "3, not 4"),
        ("batch", {"batch": 12}, "8, not 12"),
        ("block_size", {"block_size": 8}, "4, not 8"),
        ("config", {"config": CHEAP}, "another one"),
    ],
)
def test_state_of_another_stream_is_refused(name: str, options: Any, told: str) -> None:
    other = feed(**options)
    with pytest.raises(ValueError, match=rf"set_state\({name}: {told}\).*with the same {name}"):
        other.set_state(feed(start=5).get_state())
    assert other.get_state()["step"] == 0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"schema": 2}, "schema: 2, not 1.*same version of s2jax"),
        ({"s2jax": 1}, "s2jax: another one.*same version of s2jax"),
        ({"dtype": 1}, "same jax_enable_x64"),
        ({"more": 1}, r"state of .*more\): must hold step"),
        ({"step": -1}, r"set_state\(step=-1\): must be an integer >= 0"),
    ],
)
def test_broken_states_are_refused(change: dict[str, int], message: str) -> None:
    ours = feed()
    with pytest.raises(ValueError, match=message):
        ours.set_state(ours.get_state() | change)


def test_orbax_keeps_the_state(tmp_path: Path) -> None:
    ocp = pytest.importorskip("orbax.checkpoint")
    ours = feed(start=6)
    state = ours.get_state()
    with ocp.CheckpointManager(tmp_path) as manager:
        manager.save(0, args=ocp.args.Composite(feed=ocp.args.StandardSave(state)))
        manager.wait_until_finished()
        restore = ocp.args.Composite(feed=ocp.args.StandardRestore(state))
        restored = manager.restore(0, args=restore).feed
    other = feed(mesh_of(2))
    other.set_state(restored)
    assert digest(next(other)) == digest(next(ours))


@pytest.mark.parametrize(
    "convert",
    [
        jnp.asarray,
        lambda value: np.asarray([value]),
        lambda value: np.asarray(value).astype(np.int32),
        lambda value: np.uint32(value),
        lambda value: np.asarray(value + 2**40 * 3).astype(np.int32),
    ],
    ids=["jax", "numpy of one", "int32", "uint32", "higher bits are lost"],
)
def test_states_may_come_back_as_arrays(convert: Any) -> None:
    """As Orbax restores them where a template of arrays asks for it."""
    ours = feed(start=6)
    state = jax.tree.map(convert, ours.get_state())
    other = feed()
    other.set_state(state)
    assert other.get_state() == ours.get_state()


def test_the_largest_numbers_of_a_state_survive_int32() -> None:
    last = {"seed": 2**32 - 1, "batch": BLOCK}
    ours = feed(start=2**32 - 2, **last)
    state = {name: np.asarray(value).astype(np.int32) for name, value in ours.get_state().items()}
    assert state["seed"] == -1
    other = feed(**last)
    other.set_state(state)
    assert other.get_state() == ours.get_state()
    with pytest.raises(ValueError, match=r"set_state\(seed: 4294967295, not 4294967294\)"):
        feed(**(last | {"seed": 2**32 - 2})).set_state(state)


@pytest.mark.parametrize("value", [1.5, np.float32(1), "1", None, [1, 2], True])
def test_what_is_no_integer_is_no_state(value: Any) -> None:
    ours = feed()
    with pytest.raises(
        TypeError, match=r"set_state\(step=.*must be an integer, or an array of one"
    ):
        ours.set_state(ours.get_state() | {"step": value})


def test_orbax_restores_int32_arrays(tmp_path: Path) -> None:
    ocp = pytest.importorskip("orbax.checkpoint")
    ours = feed(start=6)
    arrays = jax.tree.map(jnp.asarray, ours.get_state())
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", arrays)
        checkpointer.wait_until_finished()
        template = jax.tree.map(lambda _: jax.ShapeDtypeStruct((), jnp.int32), arrays)
        restored = checkpointer.restore(tmp_path / "state", template)
    assert {leaf.dtype for leaf in restored.values()} == {jnp.dtype(jnp.int32)}
    other = feed()
    other.set_state(restored)
    assert other.get_state() == ours.get_state()


def test_the_stream_ends_after_its_last_block() -> None:
    ours = feed(start=2**31 - 1)
    next(ours)
    assert next(ours, None) is None
    ours.set_state(ours.get_state())
    with pytest.raises(ValueError, match=r"batches\(start=2147483648\)"):
        feed(start=2**31)


@pytest.mark.parametrize(
    "options, kind, message",
    [
        ({"batch": 0}, ValueError, r"batches\(batch=0\): must be an integer >= 1"),
        ({"batch": 10}, ValueError, r"block_size=4\): block_size must divide batch.*Choose 2"),
        ({"start": -1}, ValueError, r"batches\(start=-1\)"),
        ({"mesh": 4}, TypeError, r"batches\(mesh=4\): must be a jax.sharding.Mesh"),
        ({"mesh": mesh_of(4)}, ValueError, r"on 4 devices: .* blocks, 2,.*block_size=2, which"),
        ({"mesh": mesh_of(3)}, ValueError, r"Choose a batch that is a multiple of 3"),
        ({"mesh": mesh_of(2), "axes": "dat"}, ValueError, r"axes='dat'\): .*Did you mean 'data'"),
        ({"config": None}, TypeError, r"config=None\): must be an s2jax.Config"),
    ],
)
def test_wrong_arguments(options: Any, kind: Any, message: str, unchecked: None) -> None:
    with pytest.raises(kind, match=message):
        feed(**options)


# ---- Grain ----------------------------------------------------------------------------------


@pytest.fixture
def grain() -> Any:
    return pytest.importorskip("grain")


def arrays(batch: s2jax.Batch) -> dict[str, np.ndarray]:
    """What Grain's own tools compare: dicts of NumPy arrays."""
    return {"x": np.asarray(batch.x), "y": np.asarray(batch.y)}


def test_elements_are_batches(grain: Any) -> None:
    data = grain_source(CONFIG, SEED, BATCH, block_size=BLOCK)
    assert digest(data[3]) == digest(blocks_of(CONFIG, 6, 2))
    assert len(data) == 2**30
    shards = [
        grain_source(CONFIG, SEED, BATCH, block_size=BLOCK, shard_index=i, shard_count=2)[3]
        for i in range(2)
    ]
    assert digest(jax.tree.map(lambda *a: np.concatenate(a), *shards)) == digest(data[3])


def test_grain_resumes(grain: Any) -> None:
    data = grain_source(CONFIG, SEED, BATCH, block_size=BLOCK).map(arrays)
    few = data.slice(slice(0, 4)).to_iter_dataset()
    grain.experimental.assert_equal_output_after_checkpoint(few)
    ours = iter(data.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)))
    next(ours)
    state = json.loads(json.dumps(ours.get_state()))
    want = next(ours)
    ours.set_state(state)
    jax.tree.map(np.testing.assert_array_equal, next(ours), want)


def test_grain_mixes_and_shuffles(grain: Any) -> None:
    own = grain_source(CONFIG, SEED, BATCH, block_size=BLOCK).map(lambda batch: batch.y[0, 0, 0])
    given = grain.MapDataset.source([-100.0]).repeat(1000)
    mixed = grain.MapDataset.mix([own, given], weights=[0.5, 0.5])
    values = [float(mixed[i]) for i in range(6)]
    assert values[1::2] == [-100.0] * 3
    assert values[::2] == [float(own[i]) for i in range(3)]
    assert np.isfinite(float(own.shuffle(seed=1)[0]))


def test_threads_of_grain_keep_the_precision(grain: Any, zeros: None) -> None:
    with jax.enable_x64(True):
        data = grain_source(CONFIG, SEED, BATCH, block_size=BLOCK)
    element = next(iter(data.to_iter_dataset(grain.ReadOptions(num_threads=2))))
    assert element.y.dtype == np.float64


def test_without_grain_there_is_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grain", None)
    with pytest.raises(ImportError, match=r'pip install "grain>=.*s2jax.batches'):
        grain_source(CONFIG)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"shard_count": 3}, r"shard_count=3\): must divide the number of blocks, 2"),
        ({"shard_count": 0}, r"grain_source\(shard_count=0\)"),
        ({"shard_index": 2, "shard_count": 2}, r"grain_source\(shard_index=2\): .* <= 1"),
        ({"block_size": 3}, r"grain_source\(batch=8, block_size=3\): block_size must divide"),
    ],
)
def test_wrong_shards(grain: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        grain_source(CONFIG, SEED, BATCH, **({"block_size": BLOCK} | options))


# ---- stored corpora -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpora") / "few"
    s2jax.write_corpus(path, CONFIG, 10, SEED, shard_rows=8, block_size=BLOCK)
    return path


def test_rows_of_a_corpus(corpus: Path) -> None:
    rows = corpus_source(corpus)
    want = blocks_of(CONFIG, 0, 3)
    assert len(rows) == 10
    for source in (rows, pickle.loads(pickle.dumps(rows))):
        for index in (9, 0):
            np.testing.assert_array_equal(source[index]["y_0"], want.y[index, 0])
            assert isinstance(source[index]["expression"], str)
    with pytest.raises(IndexError):
        rows[10]


def test_some_columns_of_a_corpus(corpus: Path) -> None:
    rows = corpus_source(corpus, ["y_0", "tokens"], cache_bytes=0)
    for source in (rows, pickle.loads(pickle.dumps(rows))):
        assert list(source[3]) == ["y_0", "tokens"]
        several = source.__getitems__([9, 0])
        for row, one in zip(several, (source[9], source[0]), strict=True):
            jax.tree.map(np.testing.assert_array_equal, row, one)
    with pytest.raises(ValueError, match="Did you mean 'tokens'"):
        corpus_source(corpus, ["token"])


def test_rows_are_stacked(corpus: Path) -> None:
    rows = [corpus_source(corpus)[row] for row in range(10)]
    stacked, want = stack_rows(rows), blocks_of(CONFIG, 0, 3)
    assert list(stacked) == list(rows[0])
    np.testing.assert_array_equal(stacked["y_0"], want.y[:10, 0])
    np.testing.assert_array_equal(stacked["id"], np.arange(10))
    assert stacked["expression"] == s2jax.to_text(want.program)[:10]
    longest = max(len(row["tokens"]) for row in rows)
    assert stacked["tokens"].shape == (10, longest) > (10, min(len(row["tokens"]) for row in rows))
    for row, ids in zip(rows, stacked["tokens"], strict=True):
        np.testing.assert_array_equal(np.trim_zeros(ids, "b"), row["tokens"])
    for name, values in stacked.items():
        if name != "expression":  # kinds that torch has, in arrays that it may write to
            assert values.dtype.kind in "bif"
            assert values.flags.writeable
    assert list(stack_rows(rows, ["id", "tokens"])) == ["id", "tokens"]
    with pytest.raises(ValueError, match="stack_rows.*Did you mean 'tokens'"):
        stack_rows(rows, ["token"])
    with pytest.raises(ValueError, match="at least one row"):
        stack_rows([])


def test_threads_read_a_corpus_at_once(corpus: Path) -> None:
    """A reader of Parquet that is shared by threads fails now and then."""
    rows = corpus_source(corpus)
    numbers = [row % 10 for row in range(400)]
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        assert [int(row["id"]) for row in threads.map(rows.__getitem__, numbers)] == numbers


def test_grain_reads_a_corpus(grain: Any, corpus: Path) -> None:
    rows = grain.MapDataset.source(corpus_source(corpus)).shuffle(seed=0)
    data = rows.map(lambda row: {"y": row["y_0"]}).to_iter_dataset().batch(5)
    assert {batch["y"].shape for batch in data} == {(5, 64)}
    grain.experimental.assert_equal_output_after_checkpoint(data)
    loader = grain.DataLoader(
        data_source=corpus_source(corpus),
        sampler=grain.samplers.IndexSampler(10, num_epochs=1, seed=0),
        worker_count=0,
    )
    assert len({int(row["id"]) for row in loader}) == 10


def test_reading_a_corpus_starts_no_backend(corpus: Path) -> None:
    code = (
        "import sys, jax\n"
        "from s2jax.feeds import corpus_source\n"
        "rows = corpus_source(sys.argv[1])\n"
        "assert rows[3]['y_0'].shape == (64,) and repr(rows)\n"
        "jax.distributed.initialize('127.0.0.1:' + sys.argv[2], 1, 0)  # refused after a backend\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ends = subprocess.run(
        [sys.executable, "-c", code, str(corpus), str(port)],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ends.returncode == 0, ends.stderr


# ---- recipes --------------------------------------------------------------------------------


def test_recipes_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's code, with stand-ins for libraries that are no dependency."""

    def loader(data: Any, batch_size: int | None, shuffle: bool = False, collate_fn: Any = None):
        return [collate_fn([data[i] for i in range(batch_size)])] if batch_size else data

    data = types.SimpleNamespace(
        IterableDataset=object, DataLoader=loader, default_convert=lambda values: values
    )
    torch = types.SimpleNamespace(utils=types.SimpleNamespace(data=data), from_numpy=np.asarray)
    monkeypatch.setitem(sys.modules, "torch", torch)
    kind = types.SimpleNamespace(from_generator=lambda f, gen_kwargs: f(**gen_kwargs))
    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(IterableDataset=kind))
    text = (ROOT / "docs/feeds.md").read_text()
    recipes = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(recipes) == 4
    for recipe in recipes:
        exec(compile(recipe, "docs/feeds.md", "exec"), {"__name__": "recipe"})
