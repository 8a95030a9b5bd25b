"""Corpora: what lies on disk is what `sample` drew, or nothing does."""

import dataclasses
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from matplotlib.figure import Figure

import s2jax
from s2jax import inputs, laws
from s2jax.config.serialize import classes, from_json, to_json
from s2jax.corpus import (
    describe_corpus,
    estimate_corpus,
    read_corpus,
    read_manifest,
    read_reference,
    repair_corpus,
    verify_corpus,
    write_card,
    write_corpus,
    write_reference,
)
from s2jax.corpus.figures import _spread
from s2jax.corpus.plan import Plan
from s2jax.corpus.shards import write_shard
from s2jax.corpus.tokens import padded, ragged
from s2jax.inputs.kernels import AbstractKernel
from s2jax.laws import num_tokens
from s2jax.plotting import plot_corpus, plot_pairs, summarize, to_math
from s2jax.stream import Stream
from s2jax.targets.acceptance import REASONS
from s2jax.text import to_text
from s2jax.text.tokens import from_tokens, to_tokens
from s2jax.text.vocabulary import Vocabulary
from tests.equations import FORMS, batch_of_equations
from tests.equations import LENGTH as EQUATION_LENGTH

pytestmark = pytest.mark.floats

ROWS, BLOCK, SHARD, SEED, LENGTH = 700, 512, 512, 3, 64
CONFIG = s2jax.presets.s2(length=LENGTH, num_inputs=2, num_outputs=2, min_outputs=1)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of two files, the second one cut."""
    path = tmp_path_factory.mktemp("corpora") / "first"
    write_corpus(path, CONFIG, ROWS, SEED, SHARD, BLOCK)
    return path


@pytest.fixture(scope="session")
def blocks() -> list[s2jax.Batch]:
    """The same blocks as `sample` gives them."""
    key = jax.random.key(SEED)
    drawn = [s2jax.sample(jax.random.fold_in(key, np.uint32(b)), CONFIG, BLOCK) for b in (0, 1)]
    return [jax.tree.map(np.asarray, batch) for batch in drawn]


def files(path: Path) -> list[str]:
    """Names of all files below a folder."""
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


def rows_of(path: Path) -> pa.Table:
    return ds.dataset(path / "data").to_table()


def matrix(table: pa.Table, name: str) -> np.ndarray:
    column = table[name].combine_chunks()
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(table), -1)


def test_only_finished_files_are_there(corpus):
    assert files(corpus) == [
        "README.md",
        "_manifest.json",
        "data/train-000000.parquet",
        "data/train-000001.parquet",
    ]


def test_schema(corpus):
    of = lambda kind, size: pa.list_(pa.field("element", kind, nullable=False), size)
    series, pair = of(pa.float32(), LENGTH), of(pa.float32(), 2)
    expected = {
        "id": pa.uint64(),
        "x_0": series,
        "x_1": series,
        "y_0": series,
        "y_1": series,
        "expression": pa.string(),
        "tokens": pa.list_(pa.field("element", pa.int16(), nullable=False)),
        "x_scale": pair,
        "x_shift": pair,
        "y_scale": pair,
        "y_shift": pair,
        "x_family": of(pa.int32(), 2),
        "x_law_process_num_components": of(pa.int32(), 2),
        **{
            f"x_law_process_{field}": of(kind, 2 * size)
            for field, kind, size in (
                ("weights", pa.float32(), 5),
                ("means", pa.float32(), 5),
                ("deviations", pa.float32(), 5),
                ("is_uniform", pa.bool_(), 5),
                ("ar_order", pa.int32(), 1),
                ("ma_order", pa.int32(), 1),
                ("ar", pa.float32(), 3),
                ("ma", pa.float32(), 5),
            )
        },
        "y_mask": of(pa.bool_(), 2),
        "status": pa.int32(),
        "tries": of(pa.int32(), 2),
        "rejections": of(pa.int32(), 2 * len(REASONS)),
        "block": pa.uint32(),
        "candidate": pa.int32(),
    }
    schema = pq.read_schema(corpus / "data" / "train-000001.parquet")
    assert {field.name: field.type for field in schema} == expected
    assert not any(field.nullable for field in schema)
    assert not schema.field("x_0").type.value_field.nullable


def test_encodings_and_row_groups(corpus):
    file = pq.ParquetFile(corpus / "data" / "train-000000.parquet")
    groups = [file.metadata.row_group(g) for g in range(file.num_row_groups)]
    assert [group.num_rows for group in groups] == [256, 256]
    for group in groups:
        for index in range(group.num_columns):
            column = group.column(index)
            name = column.path_in_schema
            assert column.compression == "ZSTD"
            is_split = column.physical_type == "FLOAT"
            assert ("BYTE_STREAM_SPLIT" in column.encodings) == is_split, name
            assert column.is_stats_set == (name == "id")
            assert not column.has_dictionary_page


def test_a_flipped_bit_is_found(corpus, tmp_path):
    data = bytearray((corpus / "data" / "train-000000.parquet").read_bytes())
    column = pq.ParquetFile(pa.BufferReader(bytes(data))).metadata.row_group(0).column(1)
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 4
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(data)
    with pytest.raises(OSError, match=r"CRC|crc"):
        pq.read_table(bad, page_checksum_verification=True)
    good = corpus / "data" / "train-000000.parquet"
    assert pq.read_table(good, page_checksum_verification=True).num_rows == SHARD


def test_values_are_those_of_sample(corpus, blocks):
    table = rows_of(corpus)
    batch = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:ROWS], *blocks)
    assert table["id"].to_pylist() == list(range(ROWS))
    for letter in ("x", "y"):
        for channel in range(2):
            stored = matrix(table, f"{letter}_{channel}")
            np.testing.assert_array_equal(stored, getattr(batch, letter)[:, channel])
    for name in ("x_scale", "x_shift", "y_scale", "y_shift", "y_mask", "tries"):
        np.testing.assert_array_equal(matrix(table, name), getattr(batch, name))
    np.testing.assert_array_equal(table["status"].to_numpy(), batch.status)
    np.testing.assert_array_equal(table["candidate"].to_numpy(), batch.index)
    np.testing.assert_array_equal(table["block"].to_numpy(), np.arange(ROWS) // BLOCK)
    assert table["expression"].to_pylist() == to_text(batch.program)


def test_tokens_are_the_program(corpus, blocks):
    table = rows_of(corpus)
    words = Vocabulary.from_json(table.schema.metadata[b"s2jax.vocabulary"].decode())
    column = table["tokens"].combine_chunks()
    ids = padded(column.flatten().to_numpy(), column.offsets.to_numpy())
    assert not np.isin(ids, [words.bos, words.eos, words.mask]).any()
    program = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:ROWS], *blocks).program
    assert ids.shape[1] <= num_tokens(CONFIG.target.law, 2, 2, words) - 2
    again, status = from_tokens(ids, words, 2, program.num_nodes, protected=True)
    assert not status.any()
    np.testing.assert_array_equal(again.length > 0, program.length > 0)
    assert to_text(again) == to_text(program)
    length = ids.shape[1] + 2
    for one, other in zip(to_tokens(again, words, length), to_tokens(program, words, length),
                          strict=True):  # fmt: skip
        np.testing.assert_array_equal(one, other)


def test_rows_of_tokens_are_stripped_and_padded_again(blocks):
    program = blocks[0].program[:20]
    tokens = to_tokens(program)
    ids, offsets = ragged(tokens)
    rows = padded(ids, offsets)
    np.testing.assert_array_equal(np.diff(offsets), np.asarray(tokens.length) - 2)
    for row, stored in zip(np.asarray(tokens.ids), rows, strict=True):
        assert stored[stored > 0].tolist() == row[row > 0][1:-1].tolist()
    part = padded(ids, offsets[5:8])
    np.testing.assert_array_equal(part, rows[5:7, : part.shape[1]])


def test_metadata_and_manifest(corpus):
    manifest = read_manifest(corpus)
    assert manifest["rows"] == ROWS == sum(file["rows"] for file in manifest["files"])
    for file in manifest["files"]:
        content = (corpus / file["name"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["bytes"] == len(content)
        stored = {k.decode(): v.decode() for k, v in pq.read_metadata(corpus / file["name"])
                  .metadata.items()}  # fmt: skip
        assert stored["s2jax.fingerprint"] == manifest["fingerprint"]
        assert from_json(stored["s2jax.config"]) == CONFIG
        assert json.loads(stored["s2jax.versions"])["jax"] == jax.__version__
        assert stored["s2jax.seed"] == str(SEED)
        assert stored["s2jax.schema_version"] == "9"
    table = rows_of(corpus)
    counts = manifest["acceptance"]
    assert counts["accepted"] == matrix(table, "y_mask").sum()
    tries = sum(n for name, n in counts.items() if name != "unusable_rows")
    assert tries == matrix(table, "tries").sum()


def test_opens_in_pandas(corpus):
    frame = pd.read_parquet(corpus / "data", columns=["id", "x_0", "expression"])
    assert frame.shape == (ROWS, 3)
    assert frame["x_0"][0].shape == (LENGTH,)


def test_same_seed_same_files_and_another_seed_others(corpus, tmp_path):
    again = write_corpus(tmp_path / "again", CONFIG, ROWS, SEED, SHARD, BLOCK)
    assert again == read_manifest(corpus)
    write_corpus(tmp_path / "other", CONFIG, 10, SEED + 1, SHARD, BLOCK)
    fingerprints = [read_manifest(path)["fingerprint"] for path in (corpus, tmp_path / "other")]
    assert fingerprints[0] != fingerprints[1]
    assert not rows_of(tmp_path / "other")["x_0"].equals(rows_of(corpus)["x_0"].slice(0, 10))


def test_progress_counts_rows(tmp_path):
    seen: list[int] = []
    write_corpus(tmp_path / "new", CONFIG, ROWS, SEED, SHARD, BLOCK, seen.append)
    assert seen == [0, BLOCK, ROWS]


@pytest.mark.parametrize(
    "arguments, rule",
    [
        ({"rows": 0}, r"rows=0\): must be an integer >= 1"),
        ({"seed": -1}, r"seed=-1\): must be an integer >= 0"),
        ({"seed": 2**32}, "seed=4294967296"),
        ({"shard_rows": 700}, "multiple of block_size, .* Choose 1024"),
    ],
)
def test_numbers_out_of_range_write_nothing(tmp_path, arguments, rule):
    call: dict[str, Any] = {
        "rows": 10,
        "seed": 0,
        "shard_rows": SHARD,
        "block_size": BLOCK,
    } | arguments
    with pytest.raises(ValueError, match=rule):
        write_corpus(tmp_path / "new", CONFIG, **call)
    assert not (tmp_path / "new").exists()


def test_a_folder_with_anything_in_it_is_refused(corpus, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="it holds 'notes.txt', which is no part"):
        write_corpus(tmp_path, CONFIG, 10, SEED, SHARD, BLOCK)
    with pytest.raises(FileExistsError, match="must be a folder, but a file is there"):
        write_corpus(tmp_path / "notes.txt", CONFIG, 10, SEED, SHARD, BLOCK)
    with pytest.raises(FileExistsError, match="the same corpus.*rows is 700 there and 10 here"):
        write_corpus(corpus, CONFIG, 10, SEED, SHARD, BLOCK)
    foreign = tmp_path / "foreign"
    (foreign / "data").mkdir(parents=True)
    (foreign / "data" / "photo.png").write_text("mine")
    with pytest.raises(FileExistsError, match="it holds 'data', which is no part"):
        write_corpus(foreign, CONFIG, 10, SEED, SHARD, BLOCK)
    assert files(tmp_path) == ["foreign/data/photo.png", "notes.txt"]


@pytest.mark.parametrize("place", ["notes.txt/corpus", "/proc/corpus"])
def test_a_place_that_cannot_be_written_is_refused_before_compiling(place, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    folder = tmp_path / place
    if not folder.parent.exists():
        pytest.skip("this system has no /proc")
    said: list[str] = []
    with pytest.raises(ValueError, match=f"{folder}'\\): must be a folder that can be .* Choose"):
        write_corpus(folder, CONFIG, 10, SEED, SHARD, BLOCK, announce=said.append)
    assert said == []
    assert files(tmp_path) == ["notes.txt"]


def test_an_unfinished_corpus_goes_on(corpus, tmp_path, monkeypatch):
    """After a Ctrl-C in the second file, the first one is kept and not drawn again."""
    new, draw = tmp_path / "new", Stream.__getitem__

    def interrupt(stream, block):
        if block == SHARD // BLOCK:
            raise KeyboardInterrupt
        return draw(stream, block)

    with monkeypatch.context() as patch:
        patch.setattr(Stream, "__getitem__", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_corpus(new, CONFIG, ROWS, SEED, SHARD, BLOCK)
    assert files(new) == ["README.md", "_plan.json", "data/train-000000.parquet"]
    told = describe_corpus(new)
    assert told["state"] == "unfinished; 1 of 2 files is missing"
    assert told["rows"] == f"{SHARD} of {ROWS}"
    assert told["size"].endswith(" in 1 of 2 files")
    numbers = f"--rows {ROWS} --seed {SEED} --block-size {BLOCK} --shard-rows {SHARD}"
    assert f"again: s2jax generate {new} {numbers} and" in told["to go on"]
    with pytest.raises(FileNotFoundError, match="unfinished one. Run the command that began it"):
        read_manifest(new)
    drawn: list[int] = []
    monkeypatch.setattr(Stream, "__getitem__", lambda s, b: (drawn.append(b), draw(s, b))[1])
    assert write_corpus(new, CONFIG, ROWS, SEED, SHARD, BLOCK) == read_manifest(corpus)
    assert drawn == [1]
    assert write_corpus(new, CONFIG, ROWS, SEED, SHARD, BLOCK) == read_manifest(corpus)
    assert drawn == [1], "a finished corpus is left alone"


def test_parts_and_workers_write_the_same_corpus(corpus, tmp_path):
    wanted = read_manifest(corpus)
    call = lambda name, **how: write_corpus(
        tmp_path / name, CONFIG, ROWS, SEED, SHARD, BLOCK, **how
    )
    assert call("parts", part=(1, 2)) is None
    assert call("parts", part=(0, 2)) == wanted
    assert call("workers", workers=2) == wanted


def test_more_hands_than_files_have_nothing_to_do(corpus, tmp_path, monkeypatch):
    said: list[str] = []
    crews: list[int] = []

    def write(folder, plan, todo, report, workers):
        crews.append(workers)
        for shard in todo:
            write_shard(folder, plan, shard, report)

    monkeypatch.setattr("s2jax.corpus._write.write_by_workers", write)
    call = lambda **how: write_corpus(
        tmp_path / "new", CONFIG, ROWS, SEED, SHARD, BLOCK, announce=said.append, **how
    )
    assert call(part=(2, 3)) is None
    assert not said
    assert not (tmp_path / "new").exists()
    assert call(workers=3) == read_manifest(corpus)
    assert crews == [2]
    assert said[-1].startswith("2 of 3 workers will be used, because each writes whole files")
    assert call(part=(2, 3)) == read_manifest(corpus)


@pytest.mark.parametrize(
    "how, rule",
    [
        ({"workers": 0}, r"workers=0\): must be an integer >= 1"),
        ({"part": (2, 2)}, r"part=\(2, 2\)\): must be \(i, n\) with 0 <= i < n"),
        ({"part": (0, 0)}, r"part=\(0, 0\)\): must be \(i, n\) with 0 <= i < n"),
    ],
)
def test_hands_that_cannot_be_are_refused(tmp_path, how, rule):
    with pytest.raises(ValueError, match=rule):
        write_corpus(tmp_path / "new", CONFIG, ROWS, SEED, SHARD, BLOCK, **how)
    assert not (tmp_path / "new").exists()


def test_what_differs_is_named(corpus, tmp_path):
    other = dataclasses.replace(CONFIG, acceptance=s2jax.Acceptance(bound=7.0))
    for arguments, rule in [
        (
            (other, ROWS, SEED, SHARD, BLOCK),
            "config.acceptance.bound is 10000.0 there and 7.0 here",
        ),
        ((CONFIG, ROWS, 4, SHARD, BLOCK), "seed is 3 there and 4 here"),
        ((CONFIG, ROWS, SEED, SHARD, 256), "block_size is 512 there and 256 here"),
    ]:
        with pytest.raises(FileExistsError, match=rule):
            write_corpus(corpus, *arguments)
    manifest = read_manifest(corpus)
    for name, value, rule in [
        ("schema_version", 99, "version 99 must be version 9. A later state of s2jax .* update"),
        ("schema_version", 2, "An earlier state of s2jax .* read it with that one"),
        ("schema_version", 10**40, r"damaged: schema_version must be 9, but is 10+\.*\. Restore"),
        (
            "format",
            "other" * 99,
            r"damaged: format must be s2jax-corpus, but is 'other[other]+\.{3}",
        ),
        ("format", None, "damaged: format must be s2jax-corpus, but is None"),
    ]:
        folder = tmp_path / str(value)[:4]
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "_manifest.json").write_text(json.dumps(manifest | {name: value}))
        with pytest.raises((ValueError, FileExistsError), match=rule):
            write_corpus(folder, CONFIG, ROWS, SEED, SHARD, BLOCK)
    for text in ("", "{", "[]", '{"format": 3}', "[" * 100_000):
        (folder / "_manifest.json").write_text(text)
        with pytest.raises(ValueError, match="but is damaged"):
            read_corpus(folder)


@pytest.mark.parametrize(
    "name, value, rule",
    [
        ("versions", {"jax": "0.1"}, 'versions.jax is "0.1" there'),
        ("backend", {"platform": "cpu", "device": "abacus"}, 'backend.device is "abacus" there'),
    ],
)
def test_only_an_unfinished_corpus_needs_its_machine(corpus, tmp_path, name, value, rule):
    manifest = json.dumps(read_manifest(corpus) | {name: value})
    (tmp_path / "_plan.json").write_text(manifest)
    with pytest.raises(FileExistsError, match=rule):
        write_corpus(tmp_path, CONFIG, ROWS, SEED, SHARD, BLOCK)
    (tmp_path / "_manifest.json").write_text(manifest)
    assert write_corpus(tmp_path, CONFIG, ROWS, SEED, SHARD, BLOCK) == json.loads(manifest)


def test_one_thread_is_another_kind_of_device(monkeypatch):
    device = lambda: Plan(Stream(CONFIG, SEED, BLOCK), ROWS, SHARD).head["backend"]["device"]
    monkeypatch.setenv("NPROC", "1")
    assert device().endswith("1 thread")
    for number in "28":
        monkeypatch.setenv("NPROC", number)
        assert device().endswith("several threads")


def test_helpers_draw_the_same_bits_or_not_at_all():
    head = Plan(Stream(CONFIG, SEED, BLOCK), ROWS, SHARD).head
    assert Plan.joined(json.loads(json.dumps(head))).head == head
    with pytest.raises(RuntimeError, match=r'versions.jax is "0.1" there .*machines of one kind'):
        Plan.joined(head | {"versions": {"jax": "0.1"}})


def test_rows_are_read_back(corpus, blocks):
    stored = read_corpus(corpus)
    batch = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:ROWS], *blocks)
    again = stored[:]
    fields = [field.name for field in dataclasses.fields(s2jax.Batch)]
    jax.tree.map(np.testing.assert_array_equal, again.x_source, batch.x_source)
    for name in set(fields) - {"program", "x_source", "t", "dynamics"}:
        got, want = getattr(again, name), getattr(batch, name)
        if want is None:  # nothing was measured
            assert got is None
            continue
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)
    assert to_text(again.program) == to_text(batch.program)
    np.testing.assert_array_equal(again.program.length > 0, batch.program.length > 0)
    mixed = [SHARD + 3, 0, 699, 0, -1]
    np.testing.assert_array_equal(stored[mixed].y, batch.y[mixed])
    assert to_text(stored[mixed].program) == to_text(batch.program[np.array(mixed)])
    np.testing.assert_array_equal(stored[5].x[0], batch.x[5])
    parts = [part.y for part in stored.batches(300, start=100)]
    assert [len(part) for part in parts] == [300, 300]
    np.testing.assert_array_equal(np.concatenate(parts), batch.y[100:])
    row = stored.row(600)
    np.testing.assert_array_equal(row["y_1"], batch.y[600, 1])
    assert row["expression"] == to_text(batch.program)[600]
    assert row["y_mask"].tolist() == batch.y_mask[600].tolist()
    with pytest.raises(IndexError, match="must be below 700"):
        stored[700]
    with pytest.raises(TypeError, match="a row number, a slice or a list"):
        stored["first"]
    for nothing in ([], slice(700, None)):
        assert stored[nothing].y.shape == (0, *batch.y.shape[1:])
        assert to_text(stored[nothing].program) == []
    ids = stored.table(mixed, columns=["id"])["id"].to_pylist()
    assert ids == [SHARD + 3, 0, 699, 0, 699]


def test_some_rows_and_columns(corpus):
    stored = read_corpus(corpus)
    mixed = [SHARD + 3, 0, 699, 0, -1]
    rows = stored.rows(mixed)
    for number, row in zip(mixed, rows, strict=True):
        alone = stored.row(number)
        assert list(alone) == list(row)
        jax.tree.map(np.testing.assert_array_equal, alone, row)
    few = ["y_0", "expression"]
    assert [list(row) for row in stored.rows([3, 600], few)] == [few, few]
    assert list(stored.row(3, few)) == few
    for read in (stored.row, lambda row, columns: stored.rows([row], columns), stored.table):
        with pytest.raises(ValueError, match="Did you mean 'expression'"):
            read(3, ["expresion"])


@pytest.mark.parametrize("cache_bytes", [0, 200_000, 2**26])
def test_what_was_read_is_kept(corpus, cache_bytes, monkeypatch):
    reads = []
    read = pq.ParquetFile.read_row_group
    count = lambda file, group, **options: reads.append(group) or read(file, group, **options)
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", count)
    stored = read_corpus(corpus, cache_bytes=cache_bytes)
    for row in (*range(256), *range(256)):
        assert stored.row(row)["id"] == row
    groups = 512 if cache_bytes == 0 else 1 if cache_bytes == 2**26 else None
    assert groups in (None, len(reads))
    assert stored._groups._kept._bytes <= cache_bytes
    row = stored.row(0)
    assert all(cell.base is None for cell in row.values() if isinstance(cell, np.ndarray))
    row["y_0"][:] = 0  # it is nobody else's
    assert stored.row(0)["y_0"].any()


def test_a_card_is_for_people_and_the_hub(corpus, tmp_path):
    text = (corpus / "README.md").read_text()
    _, header, body = text.split("---\n", 2)
    (pattern,) = re.findall(r"  - split: train\n    path: (\S+)\n", header)
    assert len(list(corpus.glob(pattern))) == 2
    assert "size_categories:\n- n<1K\n" in header
    named = set(re.findall(r"^\| `(\w+)`", body, re.MULTILINE))
    columns = set(rows_of(corpus).column_names)
    assert named == {name for name in columns if not name.startswith("x_law_")}
    (stored,) = re.findall("```json\n(.*?)```", body, re.DOTALL)
    assert json.loads(stored) == read_corpus(corpus).manifest["config"]
    (tmp_path / "README.md").write_text("mine")
    write_corpus(tmp_path, s2jax.presets.s2(length=64), 4, block_size=4)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_card_says_what_rows_are_like(corpus, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(corpus, folder)
    before = (folder / "README.md").read_text()
    assert "Not measured yet" in before
    assert write_card(folder, rows=300)
    text = (folder / "README.md").read_text()
    start, _, rest = before.partition("<!-- figures -->")
    assert text.startswith(start)
    assert text.endswith(rest.partition("<!-- end of figures -->")[2])
    stored = read_corpus(folder)
    drawn, accepted = (sum(stored.manifest["acceptance"].values()), stored.manifest["acceptance"])
    tried = drawn - accepted["unusable_rows"]
    assert f"Accepted: {accepted['accepted']:,} of {tried:,} expressions (" in text
    rows = _spread(700, 300)
    assert (len(rows), rows[0], rows[-1]) == (296, 0, 699)
    assert (np.diff(rows) > 1).sum() == 7  # eight chunks
    batch = stored[rows]
    usable = np.asarray(batch.status) == 0
    found = s2jax.statistics.describe(np.asarray(batch.y)[usable].reshape(-1, 64))
    assert f"| of {usable.sum()} rows, 64 steps | median |" in text
    median = np.nanmedian(np.asarray(found.spectral_entropy))
    assert f"| `spectral_entropy` | {median:.2f} |" in text
    assert "are affine in an input" in text
    assert "differ in more than their constants: " in text
    assert "skill_1" not in text  # too short for it
    there = np.asarray(batch.y_mask)[usable].reshape(-1)  # a row need not have both outputs
    assert not there.all()
    kinds = s2jax.statistics.shares(np.asarray(batch.y)[usable].reshape(-1, 1, 64)[there])
    assert f"{100 * kinds.monotone:.0f} % are monotone" in text
    assert " 0 % are constant" in text
    assert write_card(folder, rows=300)
    assert (folder / "README.md").read_text() == text
    said = "I have changed what is between `<!-- figures -->` and its end.\n\n"
    for mine, is_taken in (
        ("mine", False), (text + text, False), (said + text, True), (text.encode("utf-16"), False),
    ):  # fmt: skip
        mine = mine if isinstance(mine, bytes) else mine.encode()
        (folder / "README.md").write_bytes(mine)
        assert write_card(folder, rows=300) == is_taken
        assert (folder / "README.md").read_bytes() == mine
    (folder / "README.md").unlink()
    assert write_card(folder, rows=300)
    assert (folder / "README.md").read_text() == text
    with pytest.raises(ValueError, match=r"write_card\(rows=0\).*must be"):
        write_card(folder, 0)


def test_what_would_be_written_is_estimated(tmp_path):
    new = tmp_path / "new"
    found = estimate_corpus(new, CONFIG, ROWS, SEED, SHARD, BLOCK)
    assert not new.exists()
    assert (found.rows, found.files) == (ROWS, 2)
    write_corpus(new, CONFIG, ROWS, SEED, SHARD, BLOCK)
    size = sum(file.stat().st_size for file in (new / "data").iterdir())
    assert 0.5 < found.size / size < 1.5
    found = estimate_corpus(new, CONFIG, ROWS, SEED, SHARD, BLOCK)
    assert (found.rows, found.files, found.size) == (0, 0, 0)
    with pytest.raises(FileExistsError, match="seed"):
        estimate_corpus(new, CONFIG, ROWS, SEED + 1, SHARD, BLOCK)


def test_a_corpus_says_what_it_is(corpus):
    said = repr(read_corpus(corpus)).splitlines()
    assert said[0] == f"Corpus of 700 rows in {str(corpus)!r}"
    assert len(said) <= 6
    assert all(len(line) < 200 for line in said[1:])


def test_cache_is_a_number_of_bytes(corpus):
    with pytest.raises(ValueError, match="read_corpus.*cache_bytes.*must be"):
        read_corpus(corpus, cache_bytes=-1)


def test_repair_refuses_other_values(corpus, tmp_path, monkeypatch):
    folder = tmp_path / "copy"
    shutil.copytree(corpus, folder)
    file = folder / "data" / "train-000001.parquet"
    file.unlink()
    (damage,) = verify_corpus(folder)
    assert damage.reason == "is not there"
    draw = Stream.__getitem__
    other = lambda stream, block: draw(stream, block + 1)
    with monkeypatch.context() as patch:
        patch.setattr(Stream, "__getitem__", other)
        with pytest.raises(RuntimeError, match="they differ, although versions .* are those"):
            repair_corpus(folder)
        manifest = json.loads((folder / "_manifest.json").read_text())
        elsewhere = manifest | {"versions": {"jax": "0.1"}}
        (folder / "_manifest.json").write_text(json.dumps(elsewhere, indent=1))
        with pytest.raises(RuntimeError, match='differ. versions.jax is "0.1" there .* Repair it'):
            repair_corpus(folder)
        (folder / "_manifest.json").write_text(json.dumps(manifest, indent=1))
    assert files(folder) == files(corpus)[:-1]
    assert repair_corpus(folder) == [damage]
    assert read_manifest(folder) == read_manifest(corpus)
    assert not verify_corpus(folder)
    file.write_bytes(file.read_bytes()[:-1])
    assert "bytes instead of" in verify_corpus(folder)[0].reason


def test_every_class_of_the_library_makes_the_round_trip():
    given = inputs.Given(np.sin(np.arange(400.0)).reshape(2, 200))
    algebraic: Any = s2jax.Algebraic
    variants: dict[str, Any] = {
        "Given": given,
        "Add": inputs.Add([inputs.Mixture(), given]),
        "ConstantKernel": inputs.ConstantKernel(2.0),
        "LinearKernel": inputs.LinearKernel(1.0),
        "MaternKernel": inputs.MaternKernel(1.5, 0.5),
        "PeriodicKernel": inputs.PeriodicKernel(12.0),
        "RBFKernel": inputs.RBFKernel(0.5),
        "RationalQuadraticKernel": inputs.RationalQuadraticKernel(0.5),
        "WhiteKernel": inputs.WhiteKernel(0.1),
        "TSMixup": inputs.TSMixup(inputs.Mixture(), concentration=2.0),
        "Multiply": inputs.Multiply([inputs.Mixture(), inputs.ARMA()]),
        "Choice": inputs.Choice([inputs.Mixture(), given], [1.0, 2.0]),
        "System": s2jax.ode.named("lorenz"),
    }
    fields: dict[type, Any] = {
        inputs.AbstractInput: lambda part: {"inputs": part},
        inputs.AbstractRowInput: lambda part: {"inputs": part, "num_inputs": 3},
        s2jax.observe.AbstractEffect: lambda part: {
            "observation": s2jax.observe.Observation([part], [2.0])
        },
        s2jax.observe.Observation: lambda part: {"observation": part},
        s2jax.observe.AbstractSpacing: lambda part: {"times": s2jax.observe.Times([part], [2.0])},
        s2jax.observe.Times: lambda part: {"times": part},
        AbstractKernel: lambda part: {"inputs": inputs.KernelSynth(bank=(part,))},
        inputs.AbstractMean: lambda part: {"inputs": inputs.KernelSynth(means=(part,))},
        s2jax.Algebraic: lambda part: {"target": part},
        s2jax.Identity: lambda part: {"target": part},
        s2jax.ode.ODE: lambda part: {"target": part, "num_outputs": 2},
        s2jax.ode.System: lambda part: {"target": part, "num_inputs": 0, "num_outputs": 3},
        laws.AbstractLaw: lambda part: {"target": algebraic(law=part)},
        laws.Decimals: lambda part: {"target": algebraic(law=laws.S2Law(constants=part))},
        s2jax.Acceptance: lambda part: {"acceptance": part},
        s2jax.Standardize: lambda part: {"x_scaling": part, "y_scaling": None},
        s2jax.Config: lambda part: {"length": part.length},
        s2jax.Split: lambda part: {"split": part},
        s2jax.distributions.AbstractDistribution: lambda part: {
            "target": algebraic(law=s2jax.GivenLaw("a*x_0", parameters={"a": part}))
        },
    }
    for name, kind in classes().items():
        make_default: Any = kind
        part = variants[name] if name in variants else make_default()
        (make,) = [make for base, make in fields.items() if issubclass(kind, base)]
        config = s2jax.Config(**({"length": LENGTH} | make(part)))
        again = from_json(to_json(config))
        assert to_json(again) == to_json(config)
        same = jax.tree.map(np.array_equal, again, config)
        assert all(jax.tree.leaves(same)), name


def test_json_refuses_what_it_cannot_hold():
    class Mine(inputs.ARMA):
        pass

    with pytest.raises(TypeError, match=r"config with a Mine.*Call s2jax.register\(Mine\)"):
        to_json(s2jax.Config(inputs=Mine()))
    long = inputs.Given(np.sin(np.arange(120_000.0)).reshape(2, -1))
    with pytest.raises(ValueError, match="at most 100000"):
        to_json(s2jax.Config(inputs=long))
    for text, rule in [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("3", "must start with"),
        ('{"class": "Confg"}', "Did you mean 'Config'"),
        ('{"class": "os.system"}', "unknown name 'os.system'"),
        ('{"class": "Config", "lenght": 3}', "Did you mean 'length'"),
    ]:
        with pytest.raises(ValueError, match=rule):
            from_json(text)


def test_pairs_of_a_batch_are_drawn(blocks):
    figure = plot_pairs(blocks[0], count=2)
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 4
    line = figure.axes[0].lines[0].get_ydata()
    np.testing.assert_array_equal(line, blocks[0].x[0, 0])
    with pytest.raises(ValueError, match="count=0"):
        plot_pairs(blocks[0], count=0)


@pytest.mark.parametrize(
    "text, formula",
    [
        ("(x_0 sub (x_1 add e))", "x_{0} - (x_{1} + e)"),
        ("(x_0 sub (-0.25 mul x_1))", r"x_{0} + 0.25\,x_{1}"),
        ("(3 add (-0.25 mul inv(x_1)))", r"{-}\dfrac{0.25}{x_{1}} + 3"),
        ("(x_0 mul (x_1 sub pi))", r"x_{0} \cdot (x_{1} - \pi)"),
        ("(x_0 add -0.25)**2", "(x_{0} - 0.25)^{2}"),
        ("(neg(x_0))**3", "({-}x_{0})^{3}"),
        ("log(x_0)", r"\log|x_{0}|"),
        ("sin((neg(x_0) sub x_1))", r"\sin({-}x_{0} - x_{1})"),
        ("(x_0 div (x_1 div x_2))", "x_{0} / (x_{1} / x_{2})"),
        ("neg((-0.25 mul x_0))", r"0.25\,x_{0}"),
        ("(y_11 sub (t mul y_0))", r"y_{11} - t \cdot y_{0}"),
        ("(sin(t) add (-0.5 mul W_1))", r"\sin(t) - 0.5\,\dot{W}_{1}"),
    ],
)
def test_formulas(text, formula):
    assert "".join(to_math(text)) == formula


# Solutions of differential equations.


@pytest.fixture(scope="module", params=[1, 0])
def equations(request, tmp_path_factory) -> tuple[Path, s2jax.Batch]:
    """A corpus of hand-made equations with so many inputs, and its block."""
    drawn = batch_of_equations(request.param)
    path = tmp_path_factory.mktemp("equations") / "corpus"
    config = s2jax.presets.ode(EQUATION_LENGTH, request.param, (1, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stream, "__getitem__", lambda *_: drawn)
        write_corpus(path, config, 5, SEED, 3, 3)
    return path, jax.tree.map(np.asarray, drawn)


def test_folders_of_any_name(corpus, tmp_path, monkeypatch):
    """pyarrow takes a relative path that begins with a word and a colon for an address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("run:3", "~/mine"):
        write_corpus(name, CONFIG, 8, SEED, 8, 8)
        assert verify_corpus(name) == []
        assert read_corpus(name).row(7)["id"] == 7
    assert (tmp_path / "run:3" / "data").is_dir()
    assert (tmp_path / "home" / "mine" / "data").is_dir()


def test_a_card_says_what_solutions_do(equations, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(equations[0], folder)
    assert write_card(folder)
    text = (folder / "README.md").read_text()
    census = s2jax.ode.census(read_corpus(folder)[:], audit=0)
    assert f"{100 * census.total['few turns'].value:.0f} % few turns" in text
    assert re.search(r"Accepted: \d+ of [\d,]+ systems", text)


def test_columns_of_equations(equations):
    path, batch = equations
    table, manifest = rows_of(path).slice(0, 3), read_manifest(path)
    inputs = batch.x.shape[1]
    series = pa.list_(pa.field("element", pa.float32(), nullable=False), EQUATION_LENGTH)
    for name in ("t", "y_0", "y_1", "y_2", *[f"x_{c}" for c in range(inputs)]):
        assert table.schema.field(name).type == series
    assert ("x_0" in table.column_names) == ("x_scale" in table.column_names) == (inputs > 0)
    np.testing.assert_array_equal(matrix(table, "t"), batch.t)
    np.testing.assert_array_equal(matrix(table, "y_1"), batch.y[:, 1])
    np.testing.assert_array_equal(matrix(table, "y_mask"), batch.y_mask)
    np.testing.assert_array_equal(table["error"].to_numpy(), batch.dynamics.error)
    np.testing.assert_array_equal(table["num_steps"].to_numpy(), batch.dynamics.num_steps)
    np.testing.assert_array_equal(table["turns"].to_numpy(), batch.dynamics.turns)
    np.testing.assert_array_equal(table["growth"].to_numpy(), batch.dynamics.growth)
    assert table["form"].to_pylist() == list(FORMS)
    assert table["expression"].to_pylist() == to_text(batch.program)
    assert table["diffusion"].to_pylist() == ["", "", "0.1 | (0.25 mul y_1) | 0"]
    assert manifest["acceptance"]["accepted"] == 5  # systems, of three states each
    assert manifest["acceptance"][str(REASONS[-1].name).lower()] == 2 * 5
    assert manifest["forms"] == {"driven": 2, "autonomous": 2, "stochastic": 1}
    assert sorted(summarize(path)["forms"].split(", ")) == [
        "autonomous 2",
        "driven 2",
        "stochastic 1",
    ]


def test_tokens_of_equations_are_right_hand_sides(equations):
    path, _ = equations
    table = rows_of(path).slice(0, 3)
    words = Vocabulary.from_json(table.schema.metadata[b"s2jax.vocabulary"].decode()).words
    stored = [" ".join(words[token] for token in row) for row in table["tokens"].to_pylist()]
    assert stored[1:] == [
        "y_1 | mul - N4 E0 y_0",
        "mul y_0 sub + N15 E-1 y_1 | sub t mul + N25 E-1 y_1 | inv y_2",
    ]


def test_equations_are_read_back(equations):
    path, batch = equations
    again = read_corpus(path)[:3]
    want = jax.tree.map(lambda leaf: leaf, batch)
    for name in ("x", "y", "t", "status", "tries", "rejections", "x_mask", "y_mask", "y_scale"):
        np.testing.assert_array_equal(getattr(again, name), getattr(want, name))
    assert to_text(again.program) == to_text(want.program)
    for name in ("form", "error", "num_steps"):
        np.testing.assert_array_equal(getattr(again.dynamics, name), getattr(want.dynamics, name))
    noise = again.dynamics.diffusion
    np.testing.assert_array_equal(noise.length, want.dynamics.diffusion.length)
    assert to_text(noise[..., None]) == to_text(want.dynamics.diffusion[..., None])


def test_equations_are_drawn(equations, tmp_path):
    path, batch = equations
    plot_corpus(path, tmp_path / "picture.png", 3)
    assert (tmp_path / "picture.png").stat().st_size > 20_000
    figure = plot_pairs(batch, 3)
    driven = batch.x.shape[1]
    assert len(figure.axes) == 1 + driven + 2 + 2
    over_time, portrait = figure.axes[1 + driven : 3 + driven]
    states = (batch.y[1] - 1) / 2  # without the scaling
    for line, state in zip(over_time.lines, states[:2], strict=True):
        np.testing.assert_array_equal(line.get_xdata(), batch.t[1])
        np.testing.assert_allclose(line.get_ydata(), state, atol=1e-6)
    np.testing.assert_allclose(portrait.lines[0].get_ydata(), states[1], atol=1e-6)
    texts = [text.get_text() for text in figure.texts]
    assert texts[1:3] == ["$y_{0}' = y_{1}$", r"$y_{1}' = {-}4\,y_{0}$"]
    assert r"+ 0.1\,\dot{W}_{0}$" in texts[3]
    assert r"0.25\,y_{1} \cdot \dot{W}_{1}$" in texts[4]
    assert "W" not in texts[5]


def test_the_files_of_the_reference_hold_no_equations(tmp_path):
    with pytest.raises(ValueError, match=r"batch with times t\): must hold y = f\(x\)"):
        write_reference(batch_of_equations(), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    for symbol in ("sin(t)", "y_0"):
        series = np.ones((4, 1))
        np.savez(tmp_path / "one.npz", symbol=symbol, excitation=series, response=series)
        with pytest.raises(ValueError, match="which is no input x_0, x_1"):
            read_reference(tmp_path / "one.npz")
