"""Steps of SymTime's training: pure, resumable, and the same on any number of devices."""

import dataclasses
import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh

import s2jax
from s2jax import symtime
from s2jax.symtime._state import enqueue, one_cycle
from s2jax.symtime._train import pack
from tests.test_symtime_model import small

DATA = s2jax.presets.s2(length=64)
PAPER = {
    "norm": "batch", "pre_norm": False, "dropout": 0.1, "queue": 40, "cycles_beta": True,
    "words_see_series": False, "masked_every": 1,
}  # fmt: skip
VARIANTS = {
    "tiny": {"min_temperature": 0.069, "max_temperature": 0.071, "distillation_ramp": 3},
    "paper": PAPER,
    "all switches": PAPER | {
        "contrast_on": "masked", "double_softmax": True, "channels": "y", "point_width": 4,
        "precision": "bfloat16",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def inputs() -> symtime.Inputs:
    """Rows whose series are noise and whose words are the same few, drawn without a generator."""
    keys = jax.random.split(jax.random.key(0), 3)
    ids = jax.random.randint(keys[2], (16, 40), 7, 60, jnp.int32)
    ids = jnp.where(jnp.arange(40) < 5 + jnp.arange(16)[:, None], ids, 0)
    return symtime.Inputs(
        patches=jax.random.normal(keys[0], (16, 2, 4, 16)),
        is_there=jnp.ones((16, 4), bool),
        scales=jax.random.normal(keys[1], (16, 3)),
        ids=ids.at[:, 0].set(s2jax.Vocabulary().bos),
        has_series=jnp.ones(16, bool),
        has_symbols=jnp.arange(16) != 5,
    )


def suited(config: symtime.Config, inputs: symtime.Inputs) -> symtime.Inputs:
    """Inputs as the model reads them."""
    patches = inputs.patches[:, -config.num_channels :]
    scales = inputs.scales if config.num_scales else None
    return dataclasses.replace(inputs, patches=patches, scales=scales)


def start(config: symtime.Config, seed: int = 0) -> tuple[Any, symtime.State]:
    """The optimiser and the first state."""
    optimizer = symtime.optimizer(config, num_steps=20)
    return optimizer, symtime.init(jax.random.key(seed), config, optimizer)


@functools.cache
def step_of(name: str) -> Any:
    """A variant's step, compiled once for all tests."""
    config = small(**VARIANTS[name])
    optimizer, _ = start(config)
    traces = []

    def step(inputs: symtime.Inputs, state: symtime.State) -> Any:
        traces.append(1)
        return symtime.train_step(config, optimizer, inputs, state)

    return jax.jit(step), traces


@pytest.mark.parametrize(
    "name", ["tiny", "paper", pytest.param("all switches", marks=pytest.mark.long)]
)
def test_every_variant_learns_without_compiling_anew(name: str, inputs: symtime.Inputs) -> None:
    config = small(**VARIANTS[name])
    step, traces = step_of(name)
    _, state = start(config)
    given, totals = suited(config, inputs), []
    for _ in range(12):
        state, metrics = step(given, state)
        totals.append(float(metrics["total"]))
        assert all(np.isfinite(value) for value in metrics.values())
    assert len(traces) == 1
    assert np.mean(totals[-3:]) < np.mean(totals[:3])
    assert metrics["rows_too_long"] == pytest.approx(1 / 16)
    assert int(state.step) == 12


def test_a_saved_state_goes_on_bit_for_bit(inputs: symtime.Inputs, tmp_path: Any) -> None:
    config = small(**PAPER)
    step, _ = step_of("paper")
    optimizer, state = start(config)
    for _ in range(2):
        state, _ = step(inputs, state)
    path = tmp_path / "state.eqx"
    as_words = lambda state: eqx.tree_at(
        lambda state: state.key, state, jax.random.key_data(state.key)
    )
    eqx.tree_serialise_leaves(path, as_words(state))
    like = as_words(symtime.init(jax.random.key(9), config, optimizer))
    read = eqx.tree_deserialise_leaves(path, like)
    read = eqx.tree_at(lambda state: state.key, read, jax.random.wrap_key_data(read.key))
    for _ in range(2):
        (state, one), (read, other) = step(inputs, state), step(inputs, read)
    assert one == other
    for mine, theirs in zip(*map(jax.tree.leaves, (as_words(state), as_words(read))), strict=True):
        assert np.array_equal(mine, theirs)


def test_orbax_keeps_the_state_as_it_is(inputs: symtime.Inputs, tmp_path: Any) -> None:
    """Key, queues and running statistics included; it is read by the shapes of a first state."""
    ocp = pytest.importorskip("orbax.checkpoint")
    step, _ = step_of("paper")
    _, first = start(small(**PAPER))
    state, _ = step(inputs, first)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        like = jax.tree.map(ocp.utils.to_shape_dtype_struct, first)
        read = checkpointer.restore(tmp_path / "state", like)
    _, known = step(inputs, state)
    _, found = step(inputs, read)
    assert known == found


def test_the_slow_copy_and_the_queue_follow(inputs: symtime.Inputs) -> None:
    config = small(**PAPER)
    step, _ = step_of("paper")
    _, state = start(config)
    state, _ = step(inputs, state)
    after, _ = step(inputs, state)
    for slow, old, new in zip(
        *(jax.tree.leaves(one) for one in (after.slow, state.slow, state.model)), strict=True
    ):
        np.testing.assert_allclose(slow, 0.995 * old + 0.005 * new, rtol=1e-5, atol=1e-7)
    assert after.queues is not None
    assert int(after.queues.place) == 30  # a row of each step has no words
    assert np.array_equal(after.queues.series[:15], state.queues.series[:15])
    assert np.array_equal(after.queues.series[30:], state.queues.series[30:])
    norms = after.model.series.layers.norms[0]
    assert np.abs(norms.running_mean).max() > 0
    assert norms.running_mean.shape == (config.num_layers, config.width)


def test_the_queue_is_written_in_a_circle() -> None:
    queues = symtime.Queues(jnp.zeros((5, 1)), jnp.zeros((5, 1)), jnp.int32(0))
    rows = jnp.arange(1.0, 5.0)[:, None]
    counts = jnp.array([True, False, True, True])
    for _ in range(2):
        queues = jax.jit(enqueue)(queues, rows, 10 * rows, counts)
    assert queues.series[:, 0].tolist() == [4, 3, 4, 1, 3]
    assert queues.symbols[:, 0].tolist() == [40, 30, 40, 10, 30]
    assert int(queues.place) == 1


def test_the_schedule_is_one_cycle() -> None:
    config = symtime.Config.small()
    rate = np.asarray(jax.vmap(symtime.schedule(config, 256))(jnp.arange(300)))
    top = 0.125 * 256 - 1
    steps = np.arange(256.0)
    cosine = lambda a, b, part: b + (a - b) / 2 * (1 + np.cos(np.pi * part))
    known = np.where(
        steps <= top, cosine(4e-7, 1e-5, steps / top),
        cosine(1e-5, 4e-11, (steps - top) / (255 - top)),
    )  # fmt: skip
    np.testing.assert_allclose(rate[:256], known, rtol=1e-4, atol=1e-11)
    assert np.argmax(rate) == top
    assert np.allclose(rate[255:], rate[255])
    beta = one_cycle(256, 0.125, 0.95, 0.85, 0.95)
    assert [round(float(beta(step)), 6) for step in (0, 31, 255)] == [0.95, 0.85, 0.95]


def test_temperature_and_distillation_are_bounded(inputs: symtime.Inputs) -> None:
    step, _ = step_of("tiny")
    _, state = start(small(**VARIANTS["tiny"]))
    found = []
    for _ in range(5):
        state, metrics = step(inputs, state)
        found.append(float(metrics["distillation"]))
        assert 0.0689 < float(metrics["temperature"]) < 0.0711
    np.testing.assert_allclose(found, 0.4 * np.minimum(np.arange(5) / 3, 1), rtol=1e-5)


class TestDrawing:
    config = small(masked_every=2)

    def run(self, devices: int, steps: int = 3) -> tuple[Any, ...]:
        """The same steps on so many devices."""
        optimizer, state = start(self.config)
        mesh = None
        if devices:
            mesh = Mesh(np.array(jax.devices()[:devices]), ("data",))

        @jax.jit
        def some(state: symtime.State) -> Any:
            body = lambda state, _: symtime.train_step(self.config, optimizer, DATA, state, mesh)
            return jax.lax.scan(body, state, None, length=steps)

        return some(state)

    def test_data_are_drawn_inside_a_scan(self) -> None:
        state, metrics = self.run(0, steps=2)
        assert metrics["total"].shape == (2,)
        assert metrics["total"][0] != metrics["total"][1]
        assert int(state.step) == 2
        assert (metrics["rows_unusable"] == 0).all()

    @pytest.mark.long
    def test_devices_change_nothing(self) -> None:
        """Rows, masks and negatives are the same; sums are taken in another order."""
        assert len(jax.devices()) == 4, "conftest forces four CPU devices"
        (_, known), *others = (self.run(devices) for devices in (1, 2, 4))
        for _, metrics in others:
            for name, values in metrics.items():
                np.testing.assert_allclose(values, known[name], rtol=2e-3, atol=1e-4, err_msg=name)
            np.testing.assert_allclose(metrics["total"][0], known["total"][0], rtol=1e-5)


def test_bad_calls(unchecked: None, inputs: symtime.Inputs) -> None:
    config = small()
    optimizer, state = start(config)
    with pytest.raises(TypeError, match="init.config=.*must be a symtime.Config"):
        symtime.init(jax.random.key(0), DATA, optimizer)
    with pytest.raises(TypeError, match="must be a typed key"):
        symtime.init(0, config, optimizer)
    with pytest.raises(ValueError, match="num_steps=1.*must be"):
        symtime.optimizer(config, 1)
    mesh = Mesh(np.array(jax.devices()[:3]), ("data",))
    with pytest.raises(ValueError, match="mesh of 3 devices, batch=16.*must divide"):
        symtime.train_step(config, optimizer, inputs, state, mesh)
    with pytest.raises(ValueError, match="config with queue=40, not 0.*must be the config"):
        symtime.train_step(small(queue=40), optimizer, inputs, state)
    with pytest.raises(ValueError, match="axis='rows'"):
        symtime.train_step(config, optimizer, inputs, state, mesh, axis="rows")


def test_rows_that_fit_are_taken_first(inputs: symtime.Inputs) -> None:
    fits = jnp.array([0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1], bool)
    numbered = dataclasses.replace(inputs, has_symbols=fits, ids=jnp.arange(16)[:, None])
    packed = pack(numbered, 2, 4)
    assert packed.ids[:, 0].tolist() == [1, 2, 4, 5, 11, 14, 15, 8]
    assert packed.has_symbols.tolist() == [True] * 7 + [False]
    assert pack(numbered, 2, 8) is numbered
