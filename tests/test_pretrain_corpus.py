"""Runs of SymTime on rows of a corpus: in which order, gone on with, and what is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import s2jax
from s2jax import cli, symtime
from s2jax.corpus._heads import MANIFEST
from s2jax.corpus._manifest import finish
from s2jax.corpus.plan import Plan
from s2jax.stream import Stream
from s2jax.symtime import _stored
from tests import test_pretrain as drawn
from tests.corpora import UNUSABLE, store, store_file
from tests.test_pretrain import SIZES, STEPS, content, listing, stop_after

DATA = s2jax.presets.s2(length=64, split=s2jax.Split(0, 0.9))
CONFIG = symtime.Config.tiny(length=64, **SIZES)
ROWS = 40  # which six steps of 16 rows read more than twice
WORDS = [word for word in drawn.WORDS if word not in ("--preset", "s2", "--length", "64")]


def train(path: Path, corpus: Any, **options: Any) -> symtime.State:
    return symtime.pretrain(path, CONFIG, corpus, STEPS, save_every=2, **options)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "pairs"
    s2jax.write_corpus(folder, DATA, ROWS, block_size=8, shard_rows=16)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """A run that was never stopped."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(folder, corpus)
    return folder


# ---- in which order -------------------------------------------------------------------------


class TestOrder:
    @pytest.fixture(autouse=True)
    def small_windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_stored, "_CHUNK", 5)  # 16, 16 and 8 rows make 4 + 4 + 2 chunks
        monkeypatch.setattr(_stored, "_CHUNKS", 3)

    def rows_of(self, corpus: Path, seed: int = 0, config: symtime.Config = CONFIG) -> Any:
        return _stored.StoredRows(s2jax.read_corpus(corpus), config, seed)

    def numbers_of(self, corpus: Path, taken: dict[str, np.ndarray]) -> list[int]:
        """Which rows of the corpus were taken."""
        first = [float(row) for row in s2jax.read_corpus(corpus)[:].y[:, 0, 7]]
        assert len(set(first)) == ROWS
        return [first.index(value) for value in taken["y_0"][:, 7].tolist()]

    def test_a_round_has_every_row_once(self, corpus: Path) -> None:
        rows = self.rows_of(corpus)
        rounds = [self.numbers_of(corpus, rows.take(turn * ROWS, ROWS)) for turn in range(2)]
        assert [sorted(one) for one in rounds] == [list(range(ROWS))] * 2
        assert rounds[0] != rounds[1]
        other = self.numbers_of(corpus, self.rows_of(corpus, seed=1).take(0, ROWS))
        assert other != rounds[0]
        assert min(abs(np.diff(rounds[0]))) < max(abs(np.diff(rounds[0])))
        assert len({row // 16 for row in rounds[0][:15]}) > 1, "a window is of several files"

    def test_a_place_has_its_row_however_it_is_come_to(self, corpus: Path) -> None:
        at_once = self.rows_of(corpus).take(0, 3 * ROWS)
        rows = self.rows_of(corpus)
        for first, number in ((50, 30), (7, 1), (0, 0), (39, 2), (13, 60)):
            part = rows.take(first, number)
            for name, column in at_once.items():
                assert np.array_equal(part[name], column[first : first + number]), name

    def test_columns_are_those_that_are_read(self, corpus: Path) -> None:
        taken = self.rows_of(corpus).take(0, 4)
        assert set(taken) == {"x_0", "y_0", "y_scale", "y_shift", "tokens", "status"}
        assert taken["tokens"].shape == (4, CONFIG.max_tokens + 1)
        alone = symtime.Config.tiny(length=64, channels="y", order="time")
        assert set(self.rows_of(corpus, config=alone).take(0, 4)) == {"y_0", "tokens", "status"}


# ---- going on -------------------------------------------------------------------------------


def test_a_run_says_what_it_read(whole: Path, corpus: Path) -> None:
    run = symtime.read_run(whole)
    assert run.losses["step"].tolist() == list(range(1, STEPS + 1))
    assert np.isfinite(run.losses["total"]).all()
    assert run.data == DATA
    assert run.corpus is not None
    assert run.corpus["rows"] == ROWS
    assert run.corpus["fingerprint"] == s2jax.read_corpus(corpus).manifest["fingerprint"]
    assert 0 < run.speeds[0]["drawing_share"] <= 1
    plain = json.loads((whole / "_run.json").read_text())
    assert plain["corpus"] == run.corpus


def test_steps_are_those_of_train_step(whole: Path, corpus: Path) -> None:
    """The first batch, given to the pure step by hand."""
    moves = symtime.optimizer(CONFIG, STEPS)
    state = symtime.init(drawn.jax.random.key(np.uint64(0)), CONFIG, moves)
    rows = _stored.StoredRows(s2jax.read_corpus(corpus), CONFIG, 0).take(0, CONFIG.batch)
    step = drawn.jax.jit(lambda state: symtime.train_step(CONFIG, moves, rows, state))
    _, metrics = step(state)
    run = symtime.read_run(whole)
    for name, value in metrics.items():
        np.testing.assert_allclose(run.losses[name][0], value, rtol=2e-3, err_msg=name)


@pytest.mark.parametrize("steps", [1, 3])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    steps: int, whole: Path, corpus: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(folder, corpus, progress=stop_after(steps))
    assert steps <= int(symtime.read_run(folder).state.step) < STEPS
    moved = shutil.copytree(corpus, tmp_path / "elsewhere")
    train(folder, s2jax.read_corpus(moved))
    assert content(folder) == content(whole)


@pytest.mark.long
def test_a_mesh_reads_the_same(whole: Path, corpus: Path, tmp_path: Path) -> None:
    mesh = drawn.jax.make_mesh((2,), ("data",), devices=drawn.jax.devices()[:2])
    train(tmp_path / "run", corpus, mesh=mesh)
    losses = symtime.read_run(tmp_path / "run").losses
    expected = symtime.read_run(whole).losses["total"]
    np.testing.assert_allclose(losses["total"], expected, rtol=2e-3)


def test_forms_that_may_have_been_seen_are_said_to_be(whole: Path) -> None:
    """A corpus without a split leaves no forms to ask for."""
    run = symtime.read_run(whole)
    told = symtime.evaluate_run(run, rows=64).table()["forms"]
    assert told == "not seen in training"
    found = symtime.evaluate_run(run._replace(data=DATA.replace(split=None)), rows=64)
    assert not found.is_unseen
    assert found.table()["forms"].startswith("may have been seen in training: the data have no")


# ---- what is refused ------------------------------------------------------------------------


def without_tokens(folder: Path) -> Path:
    """A corpus whose files lack the column of tokens."""
    config = s2jax.presets.s2(length=64)
    store(folder, config)
    plan = Plan(Stream(config, 0, 4), 7, 4)
    for shard in range(plan.num_shards):
        file = folder / plan.name(shard)
        store_file(file, pq.read_table(file).drop_columns(["tokens"]))
    (folder / MANIFEST).unlink()
    assert finish(folder, plan, range(plan.num_shards)) is not None
    return folder


def test_a_corpus_without_tokens_is_refused(tmp_path: Path) -> None:
    folder = without_tokens(tmp_path / "pairs")
    before = listing(tmp_path)
    with pytest.raises(ValueError, match="must have a column `tokens` with words, because.*Write"):
        train(tmp_path / "run", folder)
    assert listing(tmp_path) == before


def test_rows_without_words_are_refused(tmp_path: Path) -> None:
    store(tmp_path / "pairs", s2jax.presets.s2(length=64), tokens=[[]] * 7)
    with pytest.raises(ValueError, match="without words in it.: must have a column `tokens`"):
        train(tmp_path / "run", tmp_path / "pairs")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"length": 128}, "config with length=64, data with length=128.: must be the same"),
        ({"num_inputs": 2}, "num_inputs=1, data with num_inputs=2.*Pass num_inputs=2"),
        ({"num_outputs": 2}, "num_outputs=1, data with num_outputs=2"),
    ],
)
def test_rows_of_other_sizes_are_refused(
    fields: dict[str, int], message: str, tmp_path: Path
) -> None:
    store(tmp_path / "pairs", s2jax.presets.s2(**{"length": 64} | fields))
    with pytest.raises(ValueError, match=message):
        train(tmp_path / "run", tmp_path / "pairs")
    assert not (tmp_path / "run").exists()


def test_other_words_are_refused(corpus: Path, tmp_path: Path) -> None:
    config = symtime.Config.tiny(length=64, **SIZES, vocabulary=s2jax.Vocabulary(2))
    with pytest.raises(ValueError, match=r"vocabulary of 4\d\d.: must be the same.*read_corpus"):
        symtime.pretrain(tmp_path / "run", config, corpus, STEPS)
    assert not listing(tmp_path)


def test_what_is_no_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="must be a corpus with its _manifest.json"):
        train(tmp_path / "run", tmp_path / "pairs")
    assert not listing(tmp_path)


def test_another_corpus_is_refused(whole: Path, corpus: Path, tmp_path: Path) -> None:
    before = content(whole)
    s2jax.write_corpus(tmp_path / "pairs", DATA, ROWS, seed=1, block_size=8)
    with pytest.raises(ValueError, match="the checkpoint in it is of another: corpus.fingerprint"):
        train(whole, tmp_path / "pairs")
    with pytest.raises(ValueError, match=f"corpus.rows is {ROWS} there"):
        train(whole, DATA)
    assert content(whole) == before


def test_unusable_rows_are_left_out(tmp_path: Path) -> None:
    store(tmp_path / "pairs", s2jax.presets.s2(length=64))
    rows = _stored.StoredRows(s2jax.read_corpus(tmp_path / "pairs"), CONFIG, 0).take(0, 7)
    inputs = symtime.to_inputs(CONFIG, rows)
    assert np.array_equal(inputs.has_series, rows["y_0"][:, 0] != UNUSABLE)


# ---- commands -------------------------------------------------------------------------------


def test_the_command_does_the_same(whole: Path, corpus: Path, tmp_path: Path, capsys: Any) -> None:
    folder, words = tmp_path / "run", ["--corpus", str(corpus), *WORDS]
    assert cli.main(["pretrain", str(folder), *words]) == cli.OK
    assert content(folder) == content(whole)
    assert cli.main(["pretrain", "report", str(folder), "--rows", "64"]) == cli.OK
    told = capsys.readouterr().out
    assert f"{ROWS} rows, 2.4 rounds of all" in told
    assert "not seen in training" in told


@pytest.mark.parametrize(
    "words, message",
    [
        (["--length", "64"], "--length with --corpus"),
        (["--preset", "ode"], "--preset with --corpus"),
        (["--split", "none"], "must be left out, because rows of a corpus are read as they are"),
    ],
)
def test_what_a_corpus_decides_cannot_be_typed(
    words: list[str], message: str, corpus: Path, tmp_path: Path, capsys: Any
) -> None:
    command = ["pretrain", str(tmp_path / "run"), "--corpus", str(corpus), *words]
    assert cli.main(command) == cli.USAGE
    assert message in capsys.readouterr().err
    command[3] = str(tmp_path / "none")
    assert cli.main(command[:4]) == cli.USAGE
    assert "must be a corpus with its _manifest.json" in capsys.readouterr().err
    assert not listing(tmp_path)
