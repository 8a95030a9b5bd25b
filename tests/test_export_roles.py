"""Exports: what was not measured does not enter in silence, and covariates are what graphs say."""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import s2jax
from s2jax import cli
from s2jax.corpus import read_corpus
from s2jax.corpus.cells import values
from s2jax.exporters import Chronos2Inputs, export
from s2jax.exporters._missing import fill_missing
from s2jax.inputs import CausalGraph, CausalLaw
from s2jax.inputs.causes import causes_of_columns, causes_of_laws, parent_columns
from s2jax.observe import MissingAtRandom, Observation
from s2jax.plotting import describe_causes
from tests.corpora import LENGTH, WORDS, fake_libraries, store
from tests.test_export_values import streams

CHANNELS = 3
GRAPH = s2jax.Config(
    length=LENGTH, num_inputs=CHANNELS, num_outputs=CHANNELS, inputs=CausalGraph(),
    target=s2jax.Identity(),
)  # fmt: skip
CHAIN = [[-1, -1, -1], [0, 2, -1], [-1, -1, -1]]
"""The parents of three channels, of which only number 1 has any."""
SERIES_FORMATS = ("hf", "chronos2", "time-moe", "utsd", "symtime", "toto")
OPTIONS: dict[str, dict[str, Any]] = {"utsd": {"context_length": 512}}


@pytest.fixture(autouse=True)
def libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_libraries(monkeypatch)


def store_graphs(folder: Path, copies: bool, parents: dict[int, Any] | None = None) -> pa.Table:
    """Write 7 rows of the chain but for those given; outputs are inputs, or sines of them."""
    (name,) = parent_columns(list(source_columns()))
    every = [np.ravel((parents or {}).get(row, CHAIN)).tolist() for row in range(7)]
    given: dict[str, Any] = {name: every}
    if copies:
        ids = [WORDS.id_of("x_0"), WORDS.separator, WORDS.id_of("x_1"), WORDS.separator]
        given |= {"expression": ["x_0 | x_1 | x_2"] * 7}
        given |= {"tokens": [[*ids, WORDS.id_of("x_2")]] * 7}
    return store(folder, GRAPH, unusable=False, **given)


def source_columns() -> dict[str, Any]:
    return GRAPH.choice.columns(CHANNELS, LENGTH).columns


def channels(table: pa.Table, letter: str) -> np.ndarray:
    """The channels of all rows, (rows, channels, time)."""
    found = [table[f"{letter}_{channel}"].to_pylist() for channel in range(CHANNELS)]
    return np.stack(np.array(found, np.float32), 1)


def test_graph_names_covariates(tmp_path: Path):
    """A root is known ahead, a channel with causes is not; f of them stays the target."""
    table = store_graphs(tmp_path / "corpus", copies=False)
    done = export(tmp_path / "corpus", tmp_path / "c", "chronos2", covariates="graph")
    assert (done.series, done.warnings) == (21, ())
    inputs, x, y = Chronos2Inputs(tmp_path / "c"), channels(table, "x"), channels(table, "y")
    for row, item in enumerate(inputs):
        np.testing.assert_array_equal(item["context"], [*y[row], x[row, 1], x[row, 0], x[row, 2]])
        assert [item[f"n_{name}"] for name in ("targets", "covariates")] == [3, 3]
        assert item["n_future_covariates"] == 2


def test_a_channel_is_a_target_or_a_covariate(tmp_path: Path):
    """Of rows that are their inputs, effects are targets and roots are known ahead.

    Where nothing causes anything, or there is no graph, all are targets.
    """
    parents = {2: np.full((3, 3), -1), 3: np.zeros((3, 3), int)}
    table = store_graphs(tmp_path / "corpus", True, parents)
    done = export(tmp_path / "corpus", tmp_path / "c", "chronos2", covariates="graph")
    (warning,) = done.warnings
    assert warning.startswith("1 of 7 rows are not of CausalGraph")
    assert done.series == 5 + 3 + 3
    inputs, x, y = Chronos2Inputs(tmp_path / "c"), channels(table, "x"), channels(table, "y")
    for row, item in enumerate(inputs):
        alone = row in (2, 3)
        expected = y[row] if alone else [y[row, 1], x[row, 0], x[row, 2]]
        np.testing.assert_array_equal(item["context"], expected)
        assert item["n_future_covariates"] == item["n_covariates"] == (0 if alone else 2)
    done = export(tmp_path / "corpus", tmp_path / "hf", "hf", covariates="graph")
    found = streams(tmp_path / "hf")
    assert found["symbol"].to_pylist() == ["x_1"] * 2 + ["x_0 | x_1 | x_2"] * 2 + ["x_1"] * 3
    assert [len(target) for target in found["target"].to_pylist()] == [1, 1, 3, 3, 1, 1, 1]
    known = np.array(found["feat_dynamic_real"].to_pylist(), np.float32)
    np.testing.assert_array_equal(known[0, [0, 2]], x[0, [0, 2]])
    assert np.isnan(known[:, 1]).all()
    assert np.isnan(known[2:4]).all()
    assert np.isnan(np.array(found["past_feat_dynamic_real"].to_pylist(), float)).all()
    assert done.warnings[1].startswith("uni2ts trains without the 10 inputs that are known ahead")


def test_toto_takes_what_is_known_ahead(tmp_path: Path):
    table = store_graphs(tmp_path / "corpus", copies=False)
    done = export(tmp_path / "corpus", tmp_path / "t", "toto", covariates="graph")
    assert done.warnings[0].startswith("7 inputs that are not known ahead were left out")
    found, x = streams(tmp_path / "t"), channels(table, "x").repeat(CHANNELS, 0)
    for channel, name in enumerate(
        ("feat_dynamic_real", *map("feat_dynamic_real_{}".format, (1, 2)))
    ):
        expected = x[:, channel] * (channel != 1)
        np.testing.assert_array_equal(np.float32(found[name].to_pylist()), expected)
    with pytest.raises(ValueError, match="covariates='past'.*'future', 'none', 'graph'"):
        export(tmp_path / "corpus", tmp_path / "p", "toto", covariates="past")


def test_series_by_series_with_a_graph(tmp_path: Path):
    table = store_graphs(tmp_path / "corpus", copies=True)
    done = export(tmp_path / "corpus", tmp_path / "hf", "hf", covariates="graph", univariate=True)
    found = streams(tmp_path / "hf")
    assert done.series == len(found) == 7
    assert found["item_id"].to_pylist() == [f"{row}-y_1" for row in range(7)]
    np.testing.assert_array_equal(
        np.float32(found["target"].to_pylist()), channels(table, "y")[:, 1]
    )


@pytest.mark.parametrize("format, option", [("hf", "past"), ("chronos2", "future")])
def test_says_where_covariates_are_the_targets(tmp_path: Path, format: str, option: str):
    store_graphs(tmp_path / "corpus", copies=True)
    done = export(tmp_path / "corpus", tmp_path / "out", format, covariates=option)
    what = {"past": "repeat", "future": "give"}[option]
    assert done.warnings[0].startswith("7 of 7 rows have outputs that are inputs themselves")
    assert f"they {what}" in done.warnings[0]
    assert not export(tmp_path / "corpus", tmp_path / "no", format, covariates="none").warnings


@pytest.mark.usefixtures("unchecked")
def test_refuses_graphs_where_there_are_none(tmp_path: Path):
    store(tmp_path / "corpus", s2jax.presets.s2(length=LENGTH))
    with pytest.raises(ValueError, match="must have causal graphs.*covariates='past'"):
        export(tmp_path / "corpus", tmp_path / "out", "hf", covariates="graph")
    with pytest.raises(ValueError, match="covariates=True.*must be one of 'past'"):
        export(tmp_path / "corpus", tmp_path / "out", "hf", covariates=True)


def test_derivatives_are_no_copies(tmp_path: Path):
    """y' = x_0 is not x_0, though its expression is."""
    ids = {"expression": ["x_0"] * 7, "tokens": [[WORDS.id_of("x_0")]] * 7}
    store(tmp_path / "corpus", s2jax.presets.ode(length=LENGTH, dimension=1), **ids)
    assert len(export(tmp_path / "corpus", tmp_path / "out", "hf").warnings) == 1


def test_two_families_of_graphs():
    """Each row has the graph of the one that drew it; by the other all its numbers are 0."""
    first = {"parents": [[-1, 0], [0, 0]], "lags": [[0, 2], [0, 0]]}
    second = {"parents": [[0] * 4, [1, -1, -1, -1]], "lags": [[0] * 4, [3, 0, 0, 0]]}
    strong = [[0.0, 0.6], [0.0, 0.0]], [[0.0, 0.0], [0.6, 0.0]]
    columns = {}
    for number, (one, coupling) in enumerate(zip((first, second), strong, strict=True)):
        one |= {"coupling": coupling, "noise": np.where(np.array(coupling) > 0, 0.8, 0)}
        prefix = f"x_law_causal_graph_{number}_edges_"
        columns |= {prefix + name: np.asarray(values) for name, values in one.items()}
    causes = causes_of_columns(columns.__getitem__, list(columns), 2)
    assert causes is not None
    assert causes.has_graph.all()
    strength = pytest.approx(0.36)
    assert causes.edges(0) == [(0, 1, 2, strength)]
    assert causes.edges(1) == [(1, 0, 3, strength)]
    assert causes.is_root.tolist() == [[True, False], [False, True]]
    assert causes_of_columns(columns.__getitem__, ["x_0", "x_law_arma_ar"], 2) is None
    assert causes_of_laws([]) is None


def test_roots_are_those_of_the_law(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch):
    """As drawn and stored, by the side of the law that a batch has; `s2jax show` writes them."""
    monkeypatch.delitem(sys.modules, "torch")  # matplotlib asks it what its arrays are
    inputs = s2jax.inputs.Choice(
        [CausalGraph(roots=s2jax.inputs.RandomWalk()), s2jax.inputs.LinearMix()]
    )
    config = s2jax.Config(
        length=32, num_inputs=4, num_outputs=4, inputs=inputs, target=s2jax.Identity()
    )
    s2jax.write_corpus(tmp_path / "corpus", config, 16, block_size=16)
    corpus = read_corpus(tmp_path / "corpus")
    batch, table = corpus[:], corpus.table(slice(None))
    found = causes_of_columns(lambda name: values(table[name]), table.column_names, 4)
    assert batch.x_source is not None
    has_graph = np.asarray(batch.x_source.family[:, 0] == 0)
    assert 0 < has_graph.sum() < 16
    described = describe_causes(tmp_path / "corpus", 16)
    assert list(described) == [f"row {row}" for row in np.flatnonzero(has_graph)]
    assert cli.main(["show", str(tmp_path / "corpus"), "--pairs", "16"]) == cli.OK
    told = capsys.readouterr().out
    assert all(text in told for text in described.values())
    law = batch.x_source.law_of(CausalLaw)
    lags = np.where(has_graph[:, None, None], np.asarray(law.lag_matrix), -1)
    for causes in (found, causes_of_laws(batch.x_source.laws)):
        assert causes is not None
        np.testing.assert_array_equal(causes.has_graph, has_graph)
        np.testing.assert_array_equal(causes.is_root, ~(lags >= 0).any(2) & has_graph[:, None])
        for row, is_graph in enumerate(has_graph):
            edges = causes.edges(row)
            assert (edges is not None) == is_graph
            again = np.full((4, 4), -1)
            for edge in edges or ():
                again[edge.effect, edge.cause] = edge.lag
                assert 0 <= edge.strength <= 1
            np.testing.assert_array_equal(again, lags[row])


def store_measured(folder: Path, fill: str) -> tuple[np.ndarray, np.ndarray]:
    """Write 7 rows of one output, all but the first with gaps; its values and where they are."""
    observation = Observation([MissingAtRandom()], share=1.0, fill=fill)
    config = s2jax.presets.s2(length=LENGTH, observation=observation)
    rng = np.random.default_rng(1)
    observed = rng.random((7, LENGTH)) < 0.7
    observed[0] = True
    observed[1, :3] = False
    values = rng.standard_normal((7, LENGTH)).astype(np.float32)
    stands = fill_missing(values[:, None], observed[:, None], fill)[:, 0]  # pyright: ignore
    store(
        folder, config, unusable=False, y_0=stands.tolist(), y_observed_0=observed.tolist(),
        y_clean_0=values.tolist(),
    )  # fmt: skip
    return values, observed


class Measured(NamedTuple):
    """A corpus with gaps.

    Attributes:
        path: Its folder.
        fill: What it has in the gaps.
        values: Its output.
        observed: False in gaps.
    """

    path: Path
    fill: str
    values: np.ndarray
    observed: np.ndarray


@pytest.fixture(scope="module", params=["last", "zero", "nan"])
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """A corpus with gaps for each way to fill them."""
    path = tmp_path_factory.mktemp("measured") / request.param
    return Measured(path, request.param, *store_measured(path, request.param))


@pytest.mark.parametrize("format", SERIES_FORMATS)
def test_missing_values_do_not_enter_in_silence(measured: Measured, tmp_path: Path, format: str):
    fill = measured.fill
    export_it = lambda dest, **options: export(
        measured.path, tmp_path / dest, format, **OPTIONS.get(format, {}), **options
    )
    if fill != "nan":
        first = export_it("out").warnings[0]
        assert first.startswith("6 of 7 series have values that were not measured, 2")
        assert {"last": "the value measured last", "zero": "zeros"}[fill] in first
        assert "fill='nan'" in first
    elif format in ("hf", "chronos2"):
        assert not any("measured" in text for text in export_it("out").warnings)
    else:
        with pytest.raises(
            ValueError, match=rf"format='{format}'\).*Pass fill='last' or fill='zero'"
        ):
            export_it("out")
        assert export_it("filled", fill="last").series == 7


@pytest.mark.parametrize("fill", ["last", "zero", "nan"])
def test_fill_is_that_of_observations(measured: Measured, tmp_path: Path, fill: str):
    """Whatever the corpus has where nothing was measured."""
    values, observed = measured.values, measured.observed
    export(measured.path, tmp_path / "out", "hf", fill=fill)
    found = np.array(streams(tmp_path / "out")["target"].to_pylist(), np.float32)
    np.testing.assert_array_equal(found[observed], values[observed])
    first = values[1, np.flatnonzero(observed[1])[0]]
    assert (found[1, :3] == first).all() == (fill == "last")
    if fill == "last":
        at = np.flatnonzero(~observed[2, 1:])[0] + 1
        assert found[2, at] == found[2, at - 1]
    elif fill == "zero":
        assert not found[~observed].any()
    else:
        assert np.isnan(found[~observed]).all()


def test_what_is_measured_must_be_finite(tmp_path: Path):
    observed = np.ones((7, LENGTH), bool)
    series = np.zeros((7, LENGTH), np.float32)
    series[3, 5] = np.nan
    config = s2jax.presets.s2(length=LENGTH, observation=Observation(fill="nan"))
    store(
        tmp_path / "corpus", config, y_0=series.tolist(), y_observed_0=observed.tolist(),
        y_clean_0=series.tolist(),
    )  # fmt: skip
    with pytest.raises(ValueError, match="row 3 must be finite"):
        export(tmp_path / "corpus", tmp_path / "out", "hf")


def test_text_has_nothing_where_nothing_was_measured(measured: Measured, tmp_path: Path):
    observed = measured.observed
    assert not export(measured.path, tmp_path / "csv", "csv").warnings
    found = pd.read_csv(tmp_path / "csv" / "series-00000.csv")
    np.testing.assert_array_equal(found["y_0"].notna(), observed.ravel())
    export(measured.path, tmp_path / "jsonl", "jsonl")
    lines = (tmp_path / "jsonl" / "data-00000.jsonl").read_text().splitlines()
    there = [[value is not None for value in json.loads(line)["y"][0]] for line in lines]
    np.testing.assert_array_equal(there, observed)


@pytest.mark.parametrize("format", ["npz", "array-record"])
def test_formats_of_all_columns_say_where(measured: Measured, tmp_path: Path, format: str):
    observed = measured.observed
    assert not export(measured.path, tmp_path / "out", format).warnings
    if format == "npz":
        (file,) = (tmp_path / "out").glob("data-*.npz")
        arrays = np.load(file, allow_pickle=False)
        np.testing.assert_array_equal(arrays["y_observed_0"], observed)
        missing = ~observed & (measured.fill == "nan")
        np.testing.assert_array_equal(np.isnan(arrays["y"][:, 0]), missing)
