"""Every preset and every family of inputs alone gives the same rows by every way out."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import s2jax
from s2jax import corpus, exporters, inputs, presets
from s2jax.feeds import batches, corpus_source, grain_source, stack_rows
from s2jax.stream import Stream

pytestmark = pytest.mark.floats

SEED, BLOCK = 3, 4
SERIES = np.random.default_rng(0).standard_normal((2, 100))
SAME = s2jax.Identity()  # compiles faster than expressions
ZOO = [
    inputs.KernelSynth(), inputs.SARIMA(), inputs.StateSpace(), inputs.OrnsteinUhlenbeck(),
    inputs.GARCH(), inputs.RandomWalk(), inputs.FractionalNoise(), inputs.FractionalBrownian(),
    inputs.TrendSeason(), inputs.IMF(), inputs.Held(), inputs.Waveforms(), inputs.Spikes(),
    inputs.Counts(), inputs.TSMixup(inputs.Mixture(max_components=2), 2),
    inputs.SARIMA2(), inputs.RateNoise(),
    inputs.Add([inputs.Mixture(), inputs.Held()]),
    inputs.Multiply([inputs.Mixture(), inputs.Held()]),
]  # fmt: skip
EFFECTS = [
    s2jax.observe.AdditiveNoise(), s2jax.observe.Clip(), s2jax.observe.Hold(),
    s2jax.observe.MissingBlocks(), s2jax.observe.PoissonCounts(),
]  # fmt: skip
CONFIGS: dict[str, s2jax.Config] = {
    "mixture": presets.s2(64, inputs=inputs.Mixture(), target=SAME),
    "arma": presets.s2(64, inputs=inputs.ARMA(), target=SAME),
    "given, unscaled, fewer channels": presets.s2(
        64, 2, 3, min_inputs=1, min_outputs=1, inputs=inputs.Given(SERIES), target=SAME,
        x_scaling=None, y_scaling=None,
    ),
    "s2": presets.s2(length=64),  # a choice of two families
    "zoo": s2jax.Config(64, inputs=inputs.Choice(ZOO), target=SAME),
    "mix": presets.mix(length=64),
    "lorenz": presets.ode(64, 0, 3, target=s2jax.ode.named("lorenz")),
    "reference": presets.reference(length=64),
    "sarsim": presets.sarsim(length=64),
    "measured": presets.s2(
        64, inputs=inputs.ARMA(), target=SAME, observation=s2jax.observe.Observation(EFFECTS)
    ),
    "causal graph": s2jax.Config(
        64, 3, inputs=inputs.CausalGraph(inputs.ARMA(), s2jax.laws.S2Law()), target=SAME
    ),
    "multivariate": presets.multivariate(length=64),
    "ode": presets.ode(length=64),
    "ode without inputs": presets.ode(length=64, num_inputs=0),
}  # fmt: skip
LONG = (
    "zoo",
    "mix",
    "reference",
    "sarsim",
    "causal graph",
    "multivariate",
    "ode",
    "ode without inputs",
)  # each compiles for a minute


def all_configs() -> list[Any]:
    marks = {name: [pytest.mark.long] if name in LONG else [] for name in CONFIGS}
    return [pytest.param(name, marks=marks[name]) for name in CONFIGS]


def check_equal(one: Any, other: Any) -> None:
    """Bit for bit, leaf by leaf."""
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(one), jax.device_get(other))


def stored(batch: s2jax.Batch) -> dict[str, Any]:
    """What a corpus keeps of a batch; of programs no slots that are not used."""
    kept = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    kept |= {"program": read_out(batch.program)}
    if batch.dynamics is not None:
        kept["dynamics"] = [
            *(batch.dynamics.form, batch.dynamics.error, batch.dynamics.num_steps),
            read_out(batch.dynamics.diffusion),
        ]
    return kept


def read_out(program: s2jax.programs.Program) -> np.ndarray:
    return np.array(s2jax.to_text(jax.device_get(program)))


@pytest.mark.parametrize("name", all_configs())
def test_every_way_gives_the_same_rows(name: str, tmp_path: Path) -> None:
    config = CONFIGS[name]
    stream = Stream(config, SEED, BLOCK)
    blocks = [jax.device_get(stream[block]) for block in range(4)]
    first, second = (
        jax.tree.map(lambda *leaves: np.concatenate(leaves), *blocks[start : start + 2])
        for start in (0, 2)
    )
    check_equal(
        s2jax.sample(jax.random.fold_in(stream.key, np.uint32(1)), config, BLOCK), blocks[1]
    )

    feed, other = (batches(config, SEED, 2 * BLOCK, block_size=BLOCK, ahead=1) for _ in range(2))
    check_equal(next(feed), first)
    other.set_state(feed.get_state())
    check_equal(next(other), second)
    check_equal(grain_source(config, SEED, 2 * BLOCK, block_size=BLOCK)[1], second)

    folder = tmp_path / "corpus"
    corpus.write_corpus(folder, config, 2 * BLOCK, SEED, BLOCK, BLOCK)
    assert corpus.verify_corpus(folder) == []
    check_equal(stored(s2jax.read_corpus(folder)[:]), stored(first))
    rows = corpus_source(folder)
    stacked = stack_rows([rows[row] for row in range(len(rows))])
    for channel in range(config.num_outputs):
        np.testing.assert_array_equal(stacked[f"y_{channel}"], first.y[:, channel])

    usable = int((first.status == 0).sum())
    for format in ("npz", "hf", "chronos2", "time-moe", "utsd"):
        options = {"prediction_length": 8} if format == "chronos2" else {}
        done = exporters.export(folder, tmp_path / format, format, **options)
        assert done.rows == usable > 0


def test_every_preset_is_there() -> None:
    assert set(presets.__all__) <= CONFIGS.keys()


def test_every_family_is_there() -> None:
    kinds = [k for k in vars(inputs).values() if isinstance(k, type)]
    families = {k for k in kinds if issubclass(k, inputs.AbstractFamily)}
    families = {k for k in families if not k.__name__.startswith("Abstract")}
    alone = {type(config.inputs) for config in CONFIGS.values()}
    coupled = CONFIGS["multivariate"].inputs.families
    assert families == alone | {type(family) for family in (*ZOO, *coupled)}


def test_devices_share_rows_without_values() -> None:
    """Mixtures alone have no parameters of which one is chosen by time."""
    config = CONFIGS["mixture"]
    assert any(leaf.size == 0 for leaf in jax.tree.leaves(Stream(config, SEED, BLOCK)[0]))
    mesh = jax.make_mesh((2,), ("data",), devices=jax.devices()[:2])
    shared = next(batches(config, SEED, 2 * BLOCK, mesh, block_size=BLOCK, ahead=1))
    check_equal(shared, next(batches(config, SEED, 2 * BLOCK, block_size=BLOCK, ahead=1)))
