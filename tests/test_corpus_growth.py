"""A corpus becomes a larger one: its rows and files stay as they are, and others are added.

What interrupts it is in `test_reliability.py`. To draw is to look up rows that were drawn once.
"""

import dataclasses
import json
import pickle
import random
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import s2jax
from s2jax import cli
from s2jax.corpus import (
    DamagedError,
    describe_corpus,
    estimate_corpus,
    read_corpus,
    read_manifest,
    repair_corpus,
    verify_corpus,
    write_corpus,
)
from s2jax.corpus._manifest import write_manifest
from s2jax.corpus.info import corpus_as_json
from s2jax.corpus.plan import MAX_FILES, Plan, ids_of, name_of, num_files
from s2jax.corpus.shards import write_shard
from s2jax.stream import Stream
from tests import faults
from tests.equations import LENGTH as EQUATION_LENGTH
from tests.equations import batch_of_equations

pytestmark = pytest.mark.floats

SHARD, BLOCK, SEED = faults.SHARD, faults.BLOCK, faults.SEED
HALF, ALL = 2 * SHARD, 4 * SHARD  # rows of full files
write = faults.write


@pytest.fixture(autouse=True, scope="module")
def stream() -> Iterator[dict[int, s2jax.Batch]]:
    """Blocks by their numbers, drawn once; those that were asked for since it was cleared."""
    draw, known, asked = Stream.__getitem__, {}, {}

    def look_up(stream: Stream, block: int) -> s2jax.Batch:
        if stream.seed != SEED:
            return draw(stream, block)
        if block not in known:
            known[block] = draw(stream, block)
        asked[block] = known[block]
        return known[block]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stream, "__getitem__", look_up)
        yield asked


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All rows, written at once."""
    folder = tmp_path_factory.mktemp("growth") / "whole"
    write(folder, rows=ALL)
    return folder


def interrupt(folder: Path, rows: int, shards: int) -> None:
    """Write so many new files of a corpus of so many rows, and no more."""
    left, write_one = shards, write_shard

    def write_some(*arguments: Any) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        write_one(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s2jax.corpus._write.write_shard", write_some)
        with pytest.raises(KeyboardInterrupt):
            write(folder, rows=rows)


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def tries(folder: Path) -> int:
    """How many expressions were tried for the rows of a corpus, by its columns."""
    return int(np.sum(read_corpus(folder)[:].tries))


# Files and rows.


@pytest.mark.parametrize("cuts", [(), (3,), (3, 5, 9), (1, 2, 3), (15, 17)])
def test_files_of_a_corpus_are_its_rows_in_order(cuts):
    for rows in (18, 20, 24):
        edges = sorted({*range(0, rows, 8), *cuts, rows})
        head = {"rows": rows, "shard_rows": 8, "cuts": list(cuts)}
        assert num_files(head) == len(edges) - 1
        for shard in range(num_files(head)):
            assert ids_of(head, shard) == range(edges[shard], edges[shard + 1])


def test_names_are_in_the_order_of_rows():
    numbers = [0, 9, 10, 99_999, 100_000, MAX_FILES - 1]
    assert sorted(map(name_of, numbers)) == [name_of(number) for number in numbers]


def test_a_grown_corpus_of_full_files_is_the_one_written_at_once(whole, tmp_path, stream):
    new = tmp_path / "new"
    write(new, rows=HALF)
    before = faults.stats(new)
    stream.clear()
    said: list[str] = []
    seen: list[int] = []
    manifest = write_corpus(
        new, faults.CONFIG, ALL, SEED, SHARD, BLOCK, seen.append, announce=said.append
    )
    assert manifest == read_manifest(whole)
    assert snapshot(new) == snapshot(whole)
    assert before.items() <= faults.stats(new).items()
    assert set(stream) == {0, *range(HALF // BLOCK, ALL // BLOCK)}  # the first is for the estimate
    assert said[0] == f"{new}: grows from 16 to 32 rows; 2 of 4 files are new"
    assert seen[0] == HALF
    assert seen[-1] == ALL
    stream.clear()
    assert write(new, rows=ALL) == manifest
    assert not stream


def test_a_last_file_that_is_not_full_stays_and_the_rest_becomes_a_file(whole, tmp_path, stream):
    new = tmp_path / "new"
    before, stats, manifest = 0, {}, {}
    for rows in (5, 6, HALF + 1, ALL):
        stream.clear()
        manifest = write(new, rows=rows)
        assert min(stream) == before // BLOCK
        before = rows
        assert stats.items() <= faults.stats(new).items()
        stats = faults.stats(new)
        assert manifest["acceptance"]["accepted"] + sum(
            number for name, number in manifest["acceptance"].items()
            if name not in ("accepted", "unusable_rows")
        ) == tries(new)  # fmt: skip
        assert not verify_corpus(new)
    assert manifest["cuts"] == [5, 6, HALF + 1]
    assert [file["rows"] for file in manifest["files"]] == [5, 1, 2, 8, 1, 7, 8]
    assert manifest["acceptance"] == read_manifest(whole)["acceptance"]
    assert read_corpus(new).table(slice(None)).equals(read_corpus(whole).table(slice(None)))
    assert (new / "README.md").read_text() == (whole / "README.md").read_text()
    jax.tree.map(
        np.testing.assert_array_equal, read_corpus(new)[4:20].x, read_corpus(whole)[4:20].x
    )
    assert [row["id"] for row in read_corpus(new).rows([0, 5, 6, 17])] == [0, 5, 6, 17]


def test_forms_of_equations_add_up(tmp_path, monkeypatch):
    config, drawn = s2jax.presets.ode(EQUATION_LENGTH, 0, (1, 3)), batch_of_equations(0)
    monkeypatch.setattr(Stream, "__getitem__", lambda *_: drawn)
    call: Callable[..., Any] = lambda name, n: write_corpus(tmp_path / name, config, n, 1, 3, 3)
    call("grown", 4)
    grown, whole = call("grown", 8), call("whole", 8)
    assert grown["cuts"] == [4]
    assert grown["forms"] == whole["forms"] == {"driven": 3, "autonomous": 3, "stochastic": 2}
    assert grown["acceptance"] == whole["acceptance"]
    assert not verify_corpus(tmp_path / "grown")


def test_parts_workers_and_engines_make_it_grow(whole, tmp_path):
    wanted = read_manifest(whole)
    for name in ("parts", "workers", "engine"):
        write(tmp_path / name, rows=HALF)
    call = lambda name, **how: write_corpus(
        tmp_path / name, faults.CONFIG, ALL, SEED, SHARD, BLOCK, **how
    )
    assert call("parts", part=(3, 4)) is None
    assert call("parts", part=(0, 4)) is None, "it has an old file and nothing to do"
    assert call("parts", part=(1, 4)) is None
    assert len(read_corpus(tmp_path / "parts")) == HALF
    assert call("parts", part=(2, 4)) == wanted
    assert call("workers", workers=2) == wanted
    taken: list[list[int]] = []

    def engine(folder: Path, plan: Plan, todo: list[int], report: Any) -> None:
        taken.append(todo)
        for shard in todo:
            write_shard(folder, Plan.joined(json.loads(json.dumps(plan.head))), shard, report)

    assert call("engine", engine=engine) == wanted
    assert taken == [[2, 3]]


def test_a_file_that_is_lost_while_it_grows_is_drawn_again_with_its_values(tmp_path, monkeypatch):
    new = tmp_path / "new"
    manifest = write(new, rows=HALF + 1)
    (new / name_of(1)).unlink()
    draw = Stream.__getitem__
    with monkeypatch.context() as patch:
        patch.setattr(Stream, "__getitem__", lambda stream, block: draw(stream, block + 1))
        with pytest.raises(RuntimeError, match="must draw the values of .* again, but they differ"):
            write(new, rows=ALL)
    shutil.rmtree(new / "data")
    grown = write(new, rows=ALL)
    assert grown["files"][:3] == manifest["files"]
    assert not verify_corpus(new)


def test_damage_is_found_where_it_was_before_it_grew(tmp_path):
    new = tmp_path / "new"
    write(new, rows=HALF)
    file = new / name_of(0)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    write(new, rows=ALL)
    assert [damage.name for damage in verify_corpus(new)] == [name_of(0)]
    assert [damage.shard for damage in repair_corpus(new)] == [0]
    assert not verify_corpus(new)
    file.write_bytes(data[:-1])
    with pytest.raises(DamagedError, match=r"bytes instead of .* `s2jax repair"):
        write(new, rows=2 * ALL)


def test_a_grown_corpus_without_its_manifest_is_finished_again(tmp_path):
    """Which file is cut where stands in the files alone then; of two neighbours one will do."""
    new = tmp_path / "new"
    for rows in (5, HALF + 1, ALL - 1):
        manifest = write(new, rows=rows)
    before = faults.stats(new)
    (new / "_manifest.json").unlink()
    assert write(new, rows=ALL - 1) == manifest
    assert faults.stats(new) == before
    for shard in (0, 1, 2, 5):
        (new / "_manifest.json").unlink()
        (new / name_of(shard)).unlink()
        assert write(new, rows=ALL - 1) == manifest
    (new / "_manifest.json").unlink()
    assert write(new, rows=ALL)["cuts"] == [5, HALF + 1, ALL - 1]
    assert not verify_corpus(new)


# Readers.


def test_who_reads_the_corpus_of_fewer_rows_goes_on(tmp_path):
    new = tmp_path / "new"
    write(new, rows=HALF + 1)
    old, truth = read_corpus(new), read_corpus(new).table(slice(None))
    sent = pickle.dumps(old)
    write(new, rows=ALL)
    assert old.table(slice(None)).equals(truth)
    assert [len(batch) for batch in old.batches(10)] == [10, 7]
    arrived = pickle.loads(sent)
    assert len(arrived) == len(old) == HALF + 1
    assert arrived.table(slice(None)).equals(truth)
    assert arrived.manifest["cuts"] == []
    assert repr(arrived) == repr(old)
    with pytest.raises(IndexError):
        arrived.row(HALF + 1)
    assert len(pickle.loads(pickle.dumps(read_corpus(new)))) == ALL


def test_while_it_grows_it_is_the_corpus_of_fewer_rows(tmp_path):
    new = tmp_path / "new"
    manifest = write(new, rows=HALF + 1)
    before = snapshot(new)
    interrupt(new, ALL, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # new files are no strangers
        assert len(read_corpus(new)) == HALF + 1
    assert not verify_corpus(new)
    assert not repair_corpus(new)
    told = describe_corpus(new)
    assert told["state"] == "whole; to grow to 32 rows; 1 of 2 new files is missing"
    assert told["rows"] == "17"
    assert f"s2jax generate {new} --rows 32 " in told["to go on"]
    found = corpus_as_json(new)
    assert found["manifest"] == manifest
    assert found["plan"]["rows"] == ALL
    assert "foreign" not in told
    during = snapshot(new)
    assert write(new, rows=HALF + 1) == manifest  # is harmless
    assert snapshot(new) == during
    assert before.items() <= during.items()
    for rows in (HALF, 1):
        with pytest.raises(FileExistsError, match=f"rows is 17 there and {rows} here, and no rows"):
            write(new, rows=rows)
    with pytest.raises(FileExistsError, match=r"rows is 32 there and 20 here.*that began it again"):
        write(new, rows=20)
    assert snapshot(new) == during
    assert write(new, rows=ALL)["rows"] == ALL
    assert not (new / "_plan.json").exists()
    assert describe_corpus(new)["state"] == "whole"


def test_a_stranger_is_one_while_it_grows_too(tmp_path):
    new = tmp_path / "new"
    write(new, rows=HALF)
    interrupt(new, ALL, 1)
    shutil.copy(new / name_of(0), new / name_of(7))
    with pytest.warns(UserWarning, match=f"{name_of(7)} is no file of this corpus"):
        read_corpus(new)
    for rows in (HALF, ALL):
        with pytest.raises(FileExistsError, match=f"{name_of(7)} is no file of this corpus"):
            write(new, rows=rows)


def test_new_files_without_a_plan_are_taken_over(whole, tmp_path):
    new = tmp_path / "new"
    write(new, rows=HALF)
    interrupt(new, ALL, 1)
    (new / "_plan.json").unlink()
    assert [damage.name for damage in verify_corpus(new)] == [name_of(2)]
    assert write(new, rows=ALL) == read_manifest(whole)
    assert snapshot(new) == snapshot(whole)


@pytest.mark.parametrize("text", ["", "{", '{"format": "s2jax-corpus", "schema_version": 9}'])
def test_a_damaged_plan_is_in_the_way_of_more_rows_only(tmp_path, text):
    new = tmp_path / "new"
    manifest = write(new, rows=HALF)
    (new / "_plan.json").write_text(text)
    assert len(read_corpus(new)) == HALF
    assert not verify_corpus(new)
    with pytest.raises(DamagedError, match=r"_plan\.json must be .* but is damaged.* delete it"):
        write(new, rows=ALL)
    assert write(new, rows=HALF) == manifest
    assert not (new / "_plan.json").exists()


# Others that are there.


def test_an_unfinished_corpus_may_become_a_larger_one(whole, tmp_path):
    """The last file of the smaller plan is one of the larger, because another may be at it."""
    new = tmp_path / "new"
    interrupt(new, HALF, 1)
    before = faults.stats(new)
    assert write(new, rows=ALL) == read_manifest(whole)
    assert before.items() <= faults.stats(new).items()
    assert snapshot(new) == snapshot(whole)
    interrupt(tmp_path / "cut", HALF + 1, 1)
    with pytest.raises(FileExistsError, match="rows is 17 there and 16 here.*that began it again"):
        write(tmp_path / "cut", rows=HALF)
    manifest = write(tmp_path / "cut", rows=ALL)
    assert manifest["cuts"] == [HALF + 1]
    assert not verify_corpus(tmp_path / "cut")


def test_unfinished_growth_may_become_a_larger_one(tmp_path):
    new = tmp_path / "new"
    write(new, rows=5)
    interrupt(new, HALF + 1, 2)
    interrupt(new, ALL - 1, 2)
    assert len(read_corpus(new)) == 5
    manifest = write(new, rows=ALL)
    assert manifest["cuts"] == [5, HALF + 1, ALL - 1]
    assert not verify_corpus(new)
    assert read_corpus(new).table(slice(None))["id"].to_pylist() == list(range(ALL))


@pytest.mark.parametrize(
    "name, value, rule",
    [
        ("versions", {"jax": "0.1"}, 'must grow where it was written.*versions.jax is "0.1" there'),
        ("backend", {"platform": "cpu", "device": "abacus"}, 'backend.device is "abacus" there'),
    ],
)
def test_it_grows_where_it_was_written(tmp_path, name, value, rule):
    new = tmp_path / "new"
    manifest = write(new, rows=HALF) | {name: value}
    (new / "_manifest.json").write_text(json.dumps(manifest))
    before = snapshot(new)
    with pytest.raises(FileExistsError, match=rule):
        write(new, rows=ALL)
    assert snapshot(new) == before
    assert write(new, rows=HALF) == manifest


def test_another_corpus_does_not_grow(tmp_path):
    new = tmp_path / "new"
    write(new, rows=HALF)
    before = snapshot(new)
    other = dataclasses.replace(faults.CONFIG, acceptance=s2jax.Acceptance(bound=7.0))
    for arguments, rule in [
        ((other, ALL, SEED, SHARD, BLOCK), "config.acceptance.bound is"),
        ((faults.CONFIG, ALL, 9, SHARD, BLOCK), "seed is 5 there and 9 here"),
        ((faults.CONFIG, ALL, SEED, 2 * SHARD, BLOCK), "shard_rows is 8 there and 16 here"),
        ((faults.CONFIG, ALL, SEED, SHARD, 2), "block_size is 4 there and 2 here"),
    ]:
        with pytest.raises(FileExistsError, match=f"must be the same corpus to go on, but {rule}"):
            write_corpus(new, *arguments)
    assert snapshot(new) == before


def test_a_card_that_was_changed_stays(tmp_path):
    card = tmp_path / "new" / "README.md"
    write(tmp_path / "new", rows=HALF)
    assert "\n16 rows, drawn by" in card.read_text()
    card.write_text(card.read_text() + "Mine.\n")
    changed = card.read_text()
    write(tmp_path / "new", rows=ALL)
    assert card.read_text() == changed
    card.unlink()
    write(tmp_path / "new", rows=ALL + 1)
    assert not card.exists(), "who has removed it wants none"


def test_calls_that_start_together(whole, tmp_path):
    for number in range(4):
        folder = tmp_path / str(number)
        write(folder, rows=HALF)
        results = faults.together(*[lambda f=folder: write(f, rows=ALL)] * 3)
        assert results == [read_manifest(whole)] * 3
        assert snapshot(folder) == snapshot(whole)


def test_calls_for_different_rows_that_start_together(tmp_path):
    """Whatever comes of it is a whole corpus, and the larger call again finishes it."""
    for number in range(8):
        folder = tmp_path / str(number)
        write(folder, rows=5)
        calls = [lambda f=folder, r=rows: write(f, rows=r) for rows in (HALF + 1, ALL)]
        results = faults.together(*calls)
        for result in results:
            assert isinstance(result, (dict, FileExistsError)), result
        assert isinstance(results[1], dict) or "at the same time" in str(results[1])
        assert not verify_corpus(folder)
        assert write(folder, rows=ALL)["rows"] == ALL
        assert not verify_corpus(folder)
        ids = read_corpus(folder).table(slice(None))["id"].to_pylist()
        assert ids == list(range(ALL))


def test_no_manifest_replaces_one_of_more_rows(tmp_path):
    new = tmp_path / "new"
    old = write(new, rows=HALF)
    manifest = write(new, rows=ALL)
    with pytest.raises(FileExistsError, match=r"16 rows still.*made them 32 meanwhile"):
        write_manifest(new, old)
    assert read_manifest(new) == manifest
    assert len(snapshot(new)) == 6


def test_any_growth_in_any_steps_is_the_same_rows(whole, tmp_path):
    rng, truth = random.Random(0), read_corpus(whole).table(slice(None))
    for number in range(6):
        folder, rows = tmp_path / str(number), 0
        while rows < ALL:
            before, rows = rows, rng.randint(rows + 1, min(rows + 12, ALL))
            if rng.random() < 0.5 and rows - before > SHARD:
                interrupt(folder, rows, 1)
            else:
                write(folder, rows=rows)
        write(folder, rows=ALL)
        assert read_corpus(folder).table(slice(None)).equals(truth)
        assert not verify_corpus(folder)
        assert (folder / "README.md").read_text() == (whole / "README.md").read_text()


# The command line.


def test_the_command_makes_it_grow(tmp_path, capsys):
    new = tmp_path / "new"
    command = ["generate", str(new), "--preset", "s2", "--length", "64", "--seed", str(SEED)]
    command += ["--block-size", str(BLOCK), "--shard-rows", str(SHARD), "--rows"]
    assert cli.main([*command, "10"]) == cli.OK
    capsys.readouterr()
    assert cli.main([*command, "20", "--dry-run"]) == cli.OK
    assert "new: 10 rows in 2 files: about" in capsys.readouterr().out
    assert estimate_corpus(new, faults.CONFIG, 20, SEED, SHARD, BLOCK)[:2] == (10, 2)
    assert cli.main([*command, "20"]) == cli.OK
    told = capsys.readouterr()
    assert told.err.startswith(f"{new}: grows from 10 to 20 rows; 2 of 4 files are new\n")
    assert re.search(r"20 of 20 rows \(100%\)", told.err)
    assert told.out.startswith(f"{new}: 20 rows, ")
    assert cli.main([*command, "22", "--shards", "0/3"]) == cli.OK
    assert "part 0/3 is done; others are missing still" in capsys.readouterr().out
    assert cli.main([*command, "22", "--shards", "1/3"]) == cli.OK
    assert read_manifest(new)["cuts"] == [10, 20]
    assert cli.main([*command, "8"]) == cli.USAGE
    told = capsys.readouterr()
    assert "rows is 22 there and 8 here, and no rows are taken away. Choose another" in told.err
    assert cli.main(["verify", str(new)]) == cli.OK
