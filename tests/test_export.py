"""Exports: whole or not there, streamed, and loud about what their readers would drop."""

import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import s2jax
from s2jax.corpus import Corpus
from s2jax.exporters import FORMATS, export, options_of
from s2jax.exporters import _source as source_module
from tests.corpora import CONFIGS, LENGTH, OPTIONS, UNUSABLE, Stored, fake_libraries, store

IN_MEMORY = ("npz", "csv", "jsonl")
"""Formats of which a file is made in memory."""


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


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.usefixtures("libraries")
def test_says_how_many_rows_are_left_out(flat: Stored, tmp_path: Path, format: str):
    done = export(flat.path, tmp_path / "out", format, **OPTIONS.get(format, {}))
    assert done.warnings[0].startswith("1 of 7 rows were left out, because their status is not 0.")
    assert (done.format, done.rows, done.series) == (format, 6, 6)
    assert done.files == tuple(sorted((tmp_path / "out").iterdir()))
    assert UNUSABLE not in flat.table["id"].to_pylist()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.usefixtures("libraries")
def test_interrupted_export_leaves_nothing(
    flat: Stored, tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
):
    dest, tables = tmp_path / "out", Corpus.tables

    def interrupted(self: Corpus, size: int, start: int = 0, columns: Any = None) -> Any:
        for number, table in enumerate(tables(self, size, start, columns)):
            yield table
            if size < 7 and number:
                assert not dest.exists()
                raise KeyboardInterrupt

    monkeypatch.setattr(source_module, "CHUNK_BYTES", 1)
    monkeypatch.setattr(Corpus, "tables", interrupted)
    options = {"rows_per_file": 1} if format in IN_MEMORY else OPTIONS.get(format, {})
    with pytest.raises(KeyboardInterrupt):
        export(flat.path, dest, format, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.usefixtures("libraries")
def test_memory_is_bounded(
    stored: Stored, tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
):
    """Small chunks give the same bytes as large ones, and no table outlives the next."""
    options = {"rows_per_file": 1} if format in IN_MEMORY else OPTIONS.get(format, {})
    whole = export(stored.path, tmp_path / "whole", format, **options)
    alive: list[weakref.ref] = []
    tables = Corpus.tables

    def counted(self: Corpus, size: int, start: int = 0, columns: Any = None) -> Any:
        assert size == source_module.SURVEY_ROWS or size * 4 * LENGTH <= 6000
        for table in tables(self, size, start, columns):
            alive.append(weakref.ref(table))
            assert sum(reference() is not None for reference in alive) <= 2
            yield table

    monkeypatch.setattr(source_module, "CHUNK_BYTES", 6000)
    monkeypatch.setattr(Corpus, "tables", counted)
    chunked = export(stored.path, tmp_path / "chunked", format, **options)
    assert len(alive) > 6
    assert [file.name for file in chunked.files] == [file.name for file in whole.files]
    for one, other in zip(whole.files, chunked.files, strict=True):
        if one.suffix not in (".arrow", ".array_record"):  # Arrow pads slices of tables otherwise
            assert one.read_bytes() == other.read_bytes()


def test_refuses_what_is_there(flat: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileExistsError, match="must be a folder"):
        export(flat.path, tmp_path / "file", "npz")
    with pytest.raises(FileExistsError, match="'notes'.*another folder"):
        export(tmp_path / "no corpus", tmp_path / "full", "npz")
    monkeypatch.setattr("os.path.ismount", lambda path: path.name == "disk")
    (tmp_path / "disk").mkdir()
    with pytest.raises(FileExistsError, match="mounted"):
        export(flat.path, tmp_path / "disk", "npz")
    export(flat.path, tmp_path / "empty", "npz")
    export(flat.path, tmp_path / "new" / "folder", "npz")


@pytest.mark.usefixtures("unchecked")
def test_refuses_wrong_arguments(flat: Stored, tmp_path: Path):
    dest = tmp_path / "out"
    with pytest.raises(ValueError, match=r"format='time_moe'.*Did you mean 'time-moe'\?"):
        export(flat.path, dest, "time_moe")
    with pytest.raises(ValueError, match=r"univariat=.*Did you mean 'univariate'\?"):
        export(flat.path, dest, "hf", univariat=True)
    with pytest.raises(ValueError, match="files=7.*<= 6"):
        export(flat.path, dest, "hf", files=7)
    with pytest.raises(TypeError, match="context_length='a'"):
        export(flat.path, dest, "time-moe", context_length="a")
    with pytest.raises(ValueError, match="rows_per_file=0"):
        export(flat.path, dest, "npz", rows_per_file=0)
    with pytest.raises(FileNotFoundError, match="s2jax generate"):
        export(tmp_path, dest, "npz")
    assert not dest.exists()


TOO_SHORT = [
    ("hf", 63, {}, "two patches.*length >= 64"),
    ("chronos2", 127, {}, "length >= 128, or pass prediction_length <= 63"),
    ("toto", 630, {}, "length >= 631, or pass prediction_length <= 63"),
    ("utsd", 3306, {"context_length": 2976}, "length >= 3307.*<= 2975"),
    ("utsd", 77, {"context_length": 70}, "length >= 78.*<= 69"),
]


@pytest.mark.parametrize("format, length, options, message", TOO_SHORT)
def test_series_that_the_reader_drops(
    tmp_path: Path, format: str, length: int, options: dict[str, Any], message: str
):
    store(tmp_path / "short", s2jax.presets.s2(length=length))
    with pytest.raises(ValueError, match=f"have {length}.*{message}.*allow_short=True"):
        export(tmp_path / "short", tmp_path / "out", format, **options)
    assert not (tmp_path / "out").exists()
    done = export(tmp_path / "short", tmp_path / "out", format, allow_short=True, **options)
    assert any(text.startswith("All 6 series are shorter") for text in done.warnings)
    store(tmp_path / "long", s2jax.presets.s2(length=length + 1))
    done = export(tmp_path / "long", tmp_path / "out2", format, **options)
    assert not any(
        text.startswith(f"All 6 series are shorter than {length + 1}") for text in done.warnings
    )


def test_what_is_advised_for_short_series_works(tmp_path: Path):
    """Of the length that the presets have: the formats as they are, or with what they say."""
    store(tmp_path / "corpus", s2jax.presets.s2())
    done = export(tmp_path / "corpus", tmp_path / "utsd", "utsd")
    assert "Train with seq_len + output_token_len <= 230" in done.warnings[1]
    assert export(tmp_path / "corpus", tmp_path / "m", "utsd", context_length=230).series == 6
    with pytest.raises(ValueError, match="context_length = 231"):
        export(tmp_path / "corpus", tmp_path / "n", "utsd", context_length=231)
    with pytest.raises(ValueError, match="or pass prediction_length <= 26"):
        export(tmp_path / "corpus", tmp_path / "n", "toto")
    assert export(tmp_path / "corpus", tmp_path / "toto", "toto", prediction_length=26).series == 6


def test_chronos_t5_needs_more_than_moirai(tmp_path: Path):
    store(tmp_path / "corpus", s2jax.presets.s2(length=123))
    done = export(tmp_path / "corpus", tmp_path / "out", "hf")
    assert "Chronos-T5 drops" in done.warnings[1]


WINDOWS = [
    (1025, 1024, None),
    (2049, 1024, None),
    (2048, 1024, "reads 1 windows of 1025.*the last 1023 steps.*for example 1025"),
    (1024, 1024, "pads each with 1 zeros.*for example 1025"),
    (11, 4, "reads 2 windows of 5.*the last 2 steps.*for example 9"),
]


@pytest.mark.parametrize("length, context, message", WINDOWS)
def test_windows_of_time_moe(tmp_path: Path, length: int, context: int, message: str | None):
    store(tmp_path / "corpus", s2jax.presets.s2(length=length), unusable=False)
    done = export(tmp_path / "corpus", tmp_path / "out", "time-moe", context_length=context)
    starts = [0, *range(context, length - context, context)]  # as its reader counts them
    read = min(starts[-1] + context + 1, length)
    assert (read == length and starts[-1] + context < length) == (message is None)
    if message is None:
        assert not done.warnings
    else:
        with pytest.raises(ValueError, match=message):
            raise ValueError(done.warnings[0])


def test_corpus_without_usable_rows(tmp_path: Path):
    store(tmp_path / "corpus", s2jax.presets.s2(length=64), rows=7)
    for file in (tmp_path / "corpus" / "data").iterdir():
        table = pq.read_table(file)
        place = table.column_names.index("status")
        wrong = np.ones(len(table), np.int32)
        pq.write_table(table.set_column(place, table.schema.field(place), [wrong]), file)
    with pytest.raises(ValueError, match="none of 7 has.*max_tries"):
        export(tmp_path / "corpus", tmp_path / "out", "npz")


def test_values_that_are_no_numbers(tmp_path: Path):
    store(tmp_path / "corpus", s2jax.presets.s2(length=64), rows=3, unusable=False)
    (file,) = (tmp_path / "corpus" / "data").iterdir()
    table = pq.read_table(file)
    series = table["y_0"].to_pylist()
    series[1][5] = float("inf")
    place = table.column_names.index("y_0")
    broken = pa.array(series, table.schema.field(place).type)
    pq.write_table(table.set_column(place, table.schema.field(place), [broken]), file)
    with pytest.raises(ValueError, match="row 1 must be finite"):
        export(tmp_path / "corpus", tmp_path / "out", "hf")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "format, name",
    [("symtime", "torch"), ("array-record", "array_record.python.array_record_module")],
)
def test_missing_library(
    flat: Stored, tmp_path: Path, format: str, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="pip install"):
        export(flat.path, tmp_path / "out", format)


def test_every_format_is_documented():
    page = (Path(__file__).parent.parent / "docs" / "exporting.md").read_text()
    for format in FORMATS:
        assert f"## `{format}`" in page
        assert all(f"`{option}" in page for option in options_of(format))


def test_few_files_are_open(flat: Stored, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("s2jax.corpus._groups.MAX_OPEN", 1)
    corpus = Corpus(flat.path)
    for row in (0, 6, 0):  # in two files
        assert corpus.row(row)["id"] == row
        assert len(corpus._groups._open.files) == 1
