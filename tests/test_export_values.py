"""Exports: readers written here find the values that the corpus holds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from s2jax.exporters import ArrayRecords, Chronos2Inputs, export
from s2jax.exporters._wordpiece import WordPiece
from tests.corpora import CONFIGS, LENGTH, OPTIONS, SAVED, WORDS, Stored, fake_libraries


@pytest.fixture(scope="session", params=CONFIGS)
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """A corpus of every shape."""
    return Stored(tmp_path_factory.mktemp("corpora") / request.param, CONFIGS[request.param])


@pytest.fixture(scope="session")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """One input and one output."""
    return Stored(tmp_path_factory.mktemp("corpora") / "flat", CONFIGS["flat"])


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_libraries(monkeypatch)


def streams(folder: Path) -> pa.Table:
    """All rows of a Hugging Face folder, by its own index."""
    names = [
        entry["filename"]
        for entry in json.loads((folder / "state.json").read_text())["_data_files"]
    ]
    assert names == sorted(file.name for file in folder.glob("*.arrow"))
    return pa.concat_tables(
        pa.ipc.open_stream((folder / name).read_bytes()).read_all() for name in names
    )


def test_hf(stored: Stored, tmp_path: Path):
    done = export(stored.path, tmp_path / "hf", "hf")
    table = streams(tmp_path / "hf")
    assert (done.rows, done.series) == (6, len(stored.series))
    assert len(done.files) == 6 + 2
    assert table["symbol"].to_pylist() == stored.table["expression"].to_pylist()
    assert table["item_id"].to_pylist() == [str(id) for id in stored.table["id"].to_pylist()]
    for row, target in enumerate(table["target"].to_pylist()):
        expected = stored.y[row][stored.y_mask[row]]
        np.testing.assert_array_equal(
            np.float32(target), expected if stored.y.shape[1] > 1 else expected[0]
        )
    if stored.x.size:
        expected = np.where(stored.x_mask[..., None], stored.x, np.nan)
        np.testing.assert_array_equal(
            np.float32(table["past_feat_dynamic_real"].to_pylist()), expected
        )


def test_hf_types(stored: Stored, tmp_path: Path):
    export(stored.path, tmp_path / "hf", "hf")
    schema = streams(tmp_path / "hf").schema
    info = json.loads((tmp_path / "hf" / "dataset_info.json").read_text())
    assert json.loads(schema.metadata[b"huggingface"])["info"]["features"] == info["features"]
    value = {"dtype": "float32", "_type": "Value"}
    inner = {"feature": value, "_type": "Sequence"}
    channels = stored.y.shape[1]
    size = {"length": -1 if "y_mask" in stored.table.column_names else channels}
    size = {} if size["length"] == -1 else size
    expected = inner if channels == 1 else {"feature": inner, **size, "_type": "Sequence"}
    assert info["features"]["target"] == expected
    assert info["features"]["start"] == {"dtype": "timestamp[s]", "_type": "Value"}
    assert schema.field("start").type == pa.timestamp("s")


def test_hf_series_by_series(stored: Stored, tmp_path: Path):
    export(stored.path, tmp_path / "hf", "hf", univariate=True, covariates="none", files=2)
    table = streams(tmp_path / "hf")
    np.testing.assert_array_equal(np.float32(table["target"].to_pylist()), stored.series)
    assert table["symbol"].to_pylist() == stored.symbols
    assert len(set(table["item_id"].to_pylist())) == len(stored.series)
    assert "past_feat_dynamic_real" not in table.column_names


@pytest.mark.usefixtures("libraries")
def test_chronos2(stored: Stored, tmp_path: Path):
    export(stored.path, tmp_path / "c", "chronos2", covariates="future")
    inputs = Chronos2Inputs(tmp_path / "c")
    assert len(inputs) == 6
    for row in range(6):
        target, covariates = stored.y[row][stored.y_mask[row]], stored.x[row][stored.x_mask[row]]
        item = inputs[row]
        np.testing.assert_array_equal(item["context"], np.concatenate([target, covariates]))
        assert item["future_covariates"].shape == (len(item["context"]), 0)
        assert item["n_targets"] == len(target)
        assert item["n_covariates"] == item["n_future_covariates"] == len(covariates)
    with pytest.raises(IndexError, match="< 6"):
        inputs[6]
    with pytest.raises(FileNotFoundError, match="chronos2"):
        Chronos2Inputs(stored.path)


def test_time_moe(stored: Stored, tmp_path: Path):
    done = export(stored.path, tmp_path / "m", "time-moe", context_length=LENGTH - 1)
    meta = json.loads((tmp_path / "m" / "meta.json").read_text())
    names = sorted(meta["files"], key=lambda name: int(name.split("-")[1]))
    values = np.concatenate([np.fromfile(tmp_path / "m" / name, "<f4") for name in names])
    assert [(tmp_path / "m" / name).stat().st_size // 4 for name in names] == [
        meta["files"][n] for n in names
    ]
    assert meta["num_sequences"] == len(stored.series)
    found = [values[entry["offset"] :][: entry["length"]] for entry in meta["scales"]]
    np.testing.assert_array_equal(found, stored.series)
    assert not [text for text in done.warnings if "Time-MoE" in text]


def test_utsd(stored: Stored, tmp_path: Path):
    export(stored.path, tmp_path / "u", "utsd", **OPTIONS["utsd"])
    found = [np.load(file, allow_pickle=False) for file in sorted((tmp_path / "u").iterdir())]
    assert {array.shape[1] for array in found[:-1]} == {3}
    assert all(array.flags.c_contiguous and array.dtype == np.float32 for array in found)
    np.testing.assert_array_equal(np.concatenate(found, 1), stored.series.T)


def test_toto(stored: Stored, tmp_path: Path):
    export(stored.path, tmp_path / "t", "toto")
    table = streams(tmp_path / "t")
    np.testing.assert_array_equal(np.float32(table["target"].to_pylist()), stored.series)
    times = np.array(table["timestamp"].to_pylist(), "datetime64[h]")
    assert (np.diff(times, axis=1) == np.timedelta64(1, "h")).all()
    row, _ = np.nonzero(stored.y_mask)
    x = stored.x[row] if stored.x.size else np.zeros_like(stored.series)[:, None]
    for channel in range(x.shape[1]):
        name = f"feat_dynamic_real_{channel}" if channel else "feat_dynamic_real"
        np.testing.assert_array_equal(np.float32(table[name].to_pylist()), x[:, channel])


@pytest.mark.usefixtures("libraries")
def test_array_record(stored: Stored, tmp_path: Path):
    export(stored.path, tmp_path / "a", "array-record")
    records = ArrayRecords(tmp_path / "a")
    assert len(records) == 6
    for number, expected in enumerate(stored.table.to_pylist()):
        row = records[number]
        assert set(row) == set(expected)
        for name, value in expected.items():
            np.testing.assert_array_equal(row[name], value)
    with pytest.raises(IndexError, match="< 6"):
        records[6]
    with pytest.raises(FileNotFoundError, match="schema"):
        ArrayRecords(stored.path)


def test_npz(stored: Stored, tmp_path: Path):
    export(stored.path, tmp_path / "n", "npz", rows_per_file=3)
    files = sorted((tmp_path / "n").glob("*.npz"))
    shards = [dict(np.load(file, allow_pickle=False)) for file in files]
    assert len({shard["tokens"].shape[1] for shard in shards}) == 1
    arrays = {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0]}
    for name in ("x", "y", "x_mask", "y_mask"):
        np.testing.assert_array_equal(arrays.pop(name), getattr(stored, name))
    for tokens, expected in zip(
        arrays.pop("tokens"), stored.table["tokens"].to_pylist(), strict=True
    ):
        assert tokens[tokens != 0].tolist() == expected
    arrays.pop("diffusion_tokens", None)
    assert not arrays["status"].any()
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, stored.table[name].to_pylist())


def test_csv(stored: Stored, tmp_path: Path):
    done = export(stored.path, tmp_path / "c", "csv", rows_per_file=4)
    assert [file.name for file in done.files] == [
        "expressions.csv", "series-00000.csv", "series-00001.csv",
    ]  # fmt: skip
    found = pd.concat([pd.read_csv(file, dtype=np.float32) for file in done.files[1:]])
    ids = np.asarray(stored.table["id"])
    np.testing.assert_array_equal(found["id"], np.repeat(ids, LENGTH))
    np.testing.assert_array_equal(found["step"], np.tile(np.arange(LENGTH), len(ids)))
    assert ("t" in found) == ("t" in stored.table.column_names)
    if "t" in found:
        np.testing.assert_array_equal(found["t"], np.ravel(stored.table["t"].to_pylist()))
    for name, values, has in (("x", stored.x, stored.x_mask), ("y", stored.y, stored.y_mask)):
        for channel in range(values.shape[1]):
            want = np.where(has[:, channel, None], values[:, channel], np.nan)
            np.testing.assert_array_equal(found[f"{name}_{channel}"], want.ravel())
    symbols = pd.read_csv(done.files[0], index_col="id")["expression"]
    assert symbols.to_dict() == dict(zip(ids, stored.table["expression"].to_pylist(), strict=True))


def test_lines_of_json(stored: Stored, tmp_path: Path):
    done = export(stored.path, tmp_path / "j", "jsonl", rows_per_file=4)
    assert [file.name for file in done.files] == ["data-00000.jsonl", "data-00001.jsonl"]
    rows = [json.loads(line) for file in done.files for line in file.read_text().splitlines()]
    for number, (row, want) in enumerate(zip(rows, stored.table.to_pylist(), strict=True)):
        assert row["id"] == want["id"]
        assert row["expression"] == want["expression"]
        assert ("t" in row) == ("t" in want)
        np.testing.assert_array_equal(*(np.float32(one.get("t", [])) for one in (row, want)))
        for name, values, has in (("x", stored.x, stored.x_mask), ("y", stored.y, stored.y_mask)):
            assert [channel is not None for channel in row[name]] == has[number].tolist()
            given = [channel for channel in row[name] if channel is not None]
            want_values = values[number][has[number]]
            np.testing.assert_array_equal(np.array(given, np.float32).ravel(), want_values.ravel())


@pytest.mark.usefixtures("libraries")
def test_symtime(stored: Stored, tmp_path: Path):
    done = export(stored.path, tmp_path / "s", "symtime", num_patches=48, series_per_file=4)
    shards = [tensors for _, tensors in sorted(SAVED.items())]
    assert len(shards[0]["time"]) == 4
    time, ids = (np.concatenate([shard[n] for shard in shards]) for n in ("time", "sym_ids"))
    assert time.shape == (len(stored.series), 48, 16)
    assert (time.dtype, ids.dtype) == (np.float32, np.int64)
    flat = time.reshape(len(time), -1)
    series = stored.series.astype(np.float64)
    expected = (series - series.mean(1, keepdims=True)) / series.std(1, keepdims=True)
    np.testing.assert_allclose(flat[:, :LENGTH], expected, atol=1e-5)
    assert not flat[:, LENGTH:].any()
    mask = shards[0]["time_mask"]
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, np.tile(np.arange(48) < 41, (4, 1)))
    sin = 1000 + WORDS.id_of("sin")
    assert all(row[:2].tolist() == [101, sin] and row[3] == 102 for row in ids)
    assert not ids[:, 4:].any()
    np.testing.assert_array_equal(shards[0]["sym_mask"], shards[0]["sym_ids"] != 0)
    assert any("15 zeros" in text for text in done.warnings)


VOCAB = tuple("[PAD] [UNK] [CLS] [SEP] [MASK] x _ 0 1 ( ) si ##n co ##s - . 09 ##2".split())  # noqa: SIM905


@pytest.mark.usefixtures("libraries")
def test_symtime_with_words_of_bert(flat: Stored, tmp_path: Path):
    (tmp_path / "vocab.txt").write_text("\n".join(VOCAB))
    export(flat.path, tmp_path / "s", "symtime", vocab=tmp_path / "vocab.txt", max_tokens=12)
    (shard,) = SAVED.values()
    words = [VOCAB[id] for id in shard["sym_ids"][0]]
    assert " ".join(words) == "[CLS] si ##n ( x _ 0 ) [SEP] [PAD] [PAD] [PAD]"
    words = [VOCAB[id] for id in WordPiece(tmp_path / "vocab.txt")("-0.092 Cos tan")]
    assert " ".join(words) == "[CLS] - 0 . 09 ##2 co ##s [UNK] [SEP]"
    (tmp_path / "vocab.txt").write_text("x\n_")
    with pytest.raises(ValueError, match=r"\[PAD\]"):
        WordPiece(tmp_path / "vocab.txt")


@pytest.mark.usefixtures("libraries")
def test_symtime_leaves_out_long_expressions(tmp_path: Path):
    stored = Stored(tmp_path / "corpus", CONFIGS["flat"])
    with pytest.raises(ValueError, match="max_tokens=3.*all 6 are longer"):
        export(stored.path, tmp_path / "s", "symtime", max_tokens=3)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["corpus"]
    with pytest.raises(ValueError, match="num_patches=40.*>= 41"):
        export(stored.path, tmp_path / "s", "symtime", num_patches=40)
    done = export(stored.path, tmp_path / "even", "symtime", series_per_file=3)
    assert not any("max_tokens" in text or "last file" in text for text in done.warnings)
    done = export(stored.path, tmp_path / "rest", "symtime", series_per_file=4)
    assert any(text.startswith("The last file has 2 series") for text in done.warnings)
