"""What is on disk is not trusted: other corpora, damage and strangers are named, and nothing else.

Most corpora here are written by hand; `DRAWN` is one that is drawn.
"""

import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import s2jax
from s2jax import cli
from s2jax.config.serialize import from_json
from s2jax.corpus import (
    DamagedError,
    describe_corpus,
    read_corpus,
    read_manifest,
    read_reference,
    repair_corpus,
    verify_corpus,
    write_corpus,
)
from s2jax.corpus.plan import Plan
from s2jax.exporters import ArrayRecords, Chronos2Inputs, export
from s2jax.plotting import plot_corpus, summarize
from s2jax.stream import Stream, fingerprint_of
from tests import corpora

CONFIG = s2jax.Config(length=32, target=s2jax.Identity())
ROWS, SHARD, BLOCK = 7, 4, 4
FIRST, SECOND = (f"data/train-00000{shard}.parquet" for shard in (0, 1))


def write(folder: Path, **how: Any) -> Any:
    """Write the corpus of all tests, or go on with it."""
    how = {"rows": ROWS, "seed": 0, "shard_rows": SHARD, "block_size": BLOCK} | how
    return write_corpus(folder, CONFIG, **how)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A finished corpus written by hand."""
    folder = tmp_path / "corpus"
    corpora.store(folder, CONFIG)
    return folder


@pytest.fixture
def begun(stored: Path) -> Path:
    """The same without its manifest: both files are there, and the plan."""
    plan = Plan(Stream(CONFIG, 0, BLOCK), ROWS, SHARD)
    (stored / "_plan.json").write_text(json.dumps(plan.head))
    (stored / "_manifest.json").unlink()
    return stored


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A corpus as it is written; to draw is to look up what was written by hand."""
    path = tmp_path_factory.mktemp("drawn")
    corpora.store(path / "by hand", CONFIG, 8)
    batches = list(read_corpus(path / "by hand").batches(BLOCK))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stream, "__getitem__", lambda _, block: batches[block])
        write(path / "corpus")
        yield path / "corpus"


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    found = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()}
    return {str(path.relative_to(folder)): data for path, data in found.items()}


def restore(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder hold these files and no others."""
    shutil.rmtree(folder)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


# Files of other corpora under the right names.


def rewrite(file: Path, metadata: dict[str, str]) -> None:
    """A file with another footer."""
    table = pq.read_table(file)
    coded = {key.encode(): value.encode() for key, value in metadata.items()}
    corpora.store_file(file, table.replace_schema_metadata(table.schema.metadata | coded))


def other_seed(folder: Path) -> None:
    plan = Plan(Stream(CONFIG, 1, BLOCK), ROWS, SHARD)
    keys = ("seed", "fingerprint")
    rewrite(folder / SECOND, {f"s2jax.{key}": str(plan.head[key]) for key in keys})


def other_division(folder: Path) -> None:
    rewrite(folder / SECOND, {"s2jax.shard_rows": "8"})


def other_config(folder: Path) -> None:
    config = s2jax.Config(length=32, target=s2jax.Identity(), num_outputs=1, min_inputs=1)
    head = Plan(Stream(config, 0, BLOCK), ROWS, SHARD).head
    text = json.dumps(head["config"])
    rewrite(folder / SECOND, {"s2jax.config": text, "s2jax.fingerprint": head["fingerprint"]})


def other_place(folder: Path) -> None:
    shutil.copy(folder / FIRST, folder / SECOND)


def long_words(folder: Path) -> None:
    rewrite(folder / SECOND, {"s2jax.fingerprint": "x" * 10_000, "s2jax.shard_rows": "7" * 4000})


def cut_rows(folder: Path) -> None:
    corpora.store_file(folder / SECOND, pq.read_table(folder / SECOND).slice(0, 2))


def another_writer(folder: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2, 3]}), folder / SECOND)


OTHERS = [
    (other_seed, "is of another corpus: seed is 1 there and 0 here"),
    (
        long_words,
        r"is of another corpus: shard_rows is 7{60}\.\.\. there and 4 here; "
        r"fingerprint is .x{59}\.\.\. ",
    ),
    (other_division, "is of another corpus: shard_rows is 8 there and 4 here"),
    (other_config, "is of another corpus: config.min_inputs is 1 there and null here"),
    (other_place, "holds 4 rows, 0 to 3, and not the 3 rows 4 to 6"),
    (cut_rows, "holds 2 rows, 4 to 5, and not the 3 rows 4 to 6"),
    (another_writer, "is no file that s2jax wrote"),
]


@pytest.mark.parametrize("damage, reason", OTHERS)
def test_files_of_other_corpora_are_not_taken_over(begun, damage, reason):
    damage(begun)
    before = snapshot(begun)
    with pytest.raises(FileExistsError, match=f"{SECOND} must be .* to go on, but it {reason}"):
        write(begun)
    assert snapshot(begun) == before
    assert re.search(reason, describe_corpus(begun)["damaged"])
    (begun / "_plan.json").unlink()  # nor where nothing says what was begun
    if damage is cut_rows:  # which might have been the last file of fewer rows then
        return
    with pytest.raises(FileExistsError, match=reason):
        write(begun)


@pytest.mark.parametrize("damage, reason", OTHERS)
def test_a_manifest_that_vouches_for_another_corpus_does_not_help(stored, damage, reason):
    """Manifests were once written without looking into the files."""
    damage(stored)
    manifest = read_manifest(stored)
    data = (stored / SECOND).read_bytes()
    facts = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest["files"][1] |= facts
    (stored / "_manifest.json").write_text(json.dumps(manifest))
    (found,) = verify_corpus(stored)
    assert (found.shard, found.name) == (1, SECOND)
    assert re.match(reason, found.reason)
    assert re.search(reason, describe_corpus(stored)["damaged"])
    corpus = read_corpus(stored)
    assert corpus.row(3)["x_0"][0] == 3
    with pytest.raises(DamagedError, match=f"{SECOND}: {reason}.*`s2jax repair"):
        corpus.row(4)
    with pytest.raises(DamagedError, match=f"{reason}.* so it was when _manifest.json was written"):
        repair_corpus(stored)


@pytest.mark.parametrize(
    "edit, reason",
    [
        (
            lambda head: head["files"][1].update(values_sha256="0" * 64),
            f"{SECOND}, .* footer and 00",
        ),
        (
            lambda head: head["acceptance"].update(accepted=99),
            "acceptance.accepted must be .* but is 99",
        ),
    ],
)
def test_a_manifest_that_says_otherwise_than_whole_files_is_damaged(drawn, tmp_path, edit, reason):
    folder = tmp_path / "corpus"
    shutil.copytree(drawn, folder)
    manifest = read_manifest(drawn)
    edit(manifest)
    (folder / "_manifest.json").write_text(json.dumps(manifest))
    for call in (verify_corpus, repair_corpus):
        with pytest.raises(DamagedError, match=f"damaged: {reason}.*Restore it, or delete"):
            call(folder)
    (folder / "_manifest.json").unlink()  # the way out
    assert write(folder) == read_manifest(drawn)
    assert snapshot(folder) == snapshot(drawn)


def test_a_file_that_is_cut_off_where_the_manifest_is_wrong_has_a_way_out(drawn, tmp_path):
    folder = tmp_path / "corpus"
    shutil.copytree(drawn, folder)
    manifest = read_manifest(drawn)
    manifest["files"][1]["values_sha256"] = "0" * 64
    (folder / "_manifest.json").write_text(json.dumps(manifest))
    (folder / SECOND).write_bytes((folder / SECOND).read_bytes()[:-9])
    with pytest.raises(RuntimeError, match=r"although .* Delete _manifest.json and data/"):
        repair_corpus(folder)
    (folder / "_manifest.json").unlink()
    (folder / SECOND).unlink()
    assert write(folder) == read_manifest(drawn)


def test_a_corpus_without_manifest_is_finished_again(drawn, tmp_path):
    """The way out of a damaged manifest: delete it, and do the same again."""
    folder = tmp_path / "corpus"
    shutil.copytree(drawn, folder)
    (folder / "_manifest.json").unlink()
    assert write(folder) == read_manifest(drawn)
    assert snapshot(folder) == snapshot(drawn)


# Damaged files.

CUTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "magic only": lambda data: b"PAR1",
    "half": lambda data: data[: len(data) // 2],
    "no end": lambda data: data[:-1],
    "no beginning": lambda data: data[100:],
    "zeros": lambda data: bytes(len(data)),
    "text": lambda data: b"version https://git-lfs.github.com/spec/v1\n",
    "footer of zeros": lambda data: data[:-500] + bytes(492) + data[-8:],
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_a_damaged_file_is_named_wherever_it_is_met(stored, tmp_path, capsys, cut):
    file = stored / SECOND
    file.write_bytes(cut(file.read_bytes()))
    before = snapshot(stored)
    calls: list[Callable[[], Any]] = [
        lambda: read_corpus(stored)[:],
        lambda: read_corpus(stored).row(-1),
        lambda: list(read_corpus(stored).tables(3)),
        lambda: export(stored, tmp_path / "out", "npz"),
        lambda: plot_corpus(stored, tmp_path / "out.png"),
        lambda: summarize(stored),
    ]
    for call in calls:
        with pytest.raises(DamagedError, match=rf"{SECOND}: .*`s2jax verify .*`s2jax repair "):
            call()
    (found,) = verify_corpus(stored)
    assert found.name == SECOND
    assert SECOND in describe_corpus(stored)["damaged"]
    assert "1 of 2 files is damaged" in describe_corpus(stored)["state"]
    out = str(stored)
    if len(before[SECOND]) != read_manifest(stored)["files"][1]["bytes"]:
        with pytest.raises(DamagedError, match=f"{SECOND} has .* bytes instead of .*s2jax repair"):
            write(stored)
    for arguments in (["show", out], ["verify", out], ["export", out, str(tmp_path / "out")]):
        assert cli.main(arguments) == cli.FAILED
        said = capsys.readouterr()
        assert SECOND in said.out + said.err
        assert "s2jax repair" in said.out + said.err
    assert cli.main(["info", out]) == cli.OK
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus"]
    assert snapshot(stored) == before


@pytest.mark.parametrize("cut", [name for name in CUTS if name != "no beginning"])
def test_a_damaged_file_of_an_unfinished_corpus_is_drawn_again(drawn, tmp_path, cut):
    """As far as its end says so: what lies before is not read."""
    folder = tmp_path / "corpus"
    shutil.copytree(drawn, folder)
    plan = Plan(Stream(CONFIG, 0, BLOCK), ROWS, SHARD)
    (folder / "_plan.json").write_text(json.dumps(plan.head))
    (folder / "_manifest.json").unlink()
    file = folder / SECOND
    file.write_bytes(CUTS[cut](file.read_bytes()))
    assert "1 of 2 files is damaged" in describe_corpus(folder)["state"]
    said: list[str] = []
    assert write(folder, announce=said.append) == read_manifest(drawn)
    assert f"{SECOND}: is " in said[0]
    assert said[0].endswith("it is drawn again")
    assert snapshot(folder) == snapshot(drawn)


def test_a_damaged_file_that_nothing_says_is_ours_is_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / SECOND).write_text("of somebody else")
    with pytest.raises(FileExistsError, match=f"{SECOND} must be .* cut off or damaged"):
        write(tmp_path)
    assert snapshot(tmp_path) == {SECOND: b"of somebody else"}


def test_a_deleted_file_is_written_again(drawn, tmp_path, monkeypatch):
    folder = tmp_path / "corpus"
    shutil.copytree(drawn, folder)
    (folder / SECOND).unlink()
    assert describe_corpus(folder)["state"] == "1 of 2 files is missing"
    with pytest.raises(DamagedError, match=f"{SECOND}: is not there.*s2jax repair"):
        read_corpus(folder).row(4)
    assert write(folder) == read_manifest(drawn)
    assert snapshot(folder) == snapshot(drawn)
    shutil.rmtree(folder / "data")
    assert write(folder, workers=1) == read_manifest(drawn)
    assert not verify_corpus(folder)
    (folder / FIRST).unlink()
    draw = Stream.__getitem__
    monkeypatch.setattr(Stream, "__getitem__", lambda stream, block: draw(stream, block + 1))
    with pytest.raises(RuntimeError, match="must draw the values of .* again, but they differ"):
        write(folder)
    assert not (folder / FIRST).exists()


# Strangers and bystanders.


def test_a_parquet_file_that_is_none_of_the_corpus_is_reported(stored, capsys):
    (stored / "data" / "sub").mkdir()
    for name in ("extra.parquet", "train-00000-of-00004.parquet", "Old.PARQUET", "sub/a.parquet"):
        stranger = stored / "data" / name
        shutil.copy(stored / FIRST, stranger)
        (found,) = verify_corpus(stored)
        assert found.name == f"data/{name}"
        assert "is no file of this corpus" in found.reason
        assert f"data/{name}" in describe_corpus(stored)["foreign"]
        with pytest.warns(UserWarning, match=f"data/{name} is no file of this corpus.*Move it"):
            assert len(read_corpus(stored)) == ROWS
        with pytest.raises(FileExistsError, match=f"data/{name} is no file of this corpus"):
            write(stored)
        assert cli.main(["verify", str(stored)]) == cli.FAILED
        assert "Move away" in capsys.readouterr().err
        assert not repair_corpus(stored)
        assert stranger.exists()
        stranger.unlink()


def test_bystanders_do_not_block(tmp_path, drawn):
    folder = tmp_path / "corpus"
    names = (
        "README.md", ".gitattributes", ".DS_Store", "slurm-17_4.out", "Thumbs.db", ".git/HEAD",
        ".cache/huggingface/x.lock", "data/.DS_Store", "data/._train.parquet", "LICENSE",
    )  # fmt: skip
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    assert write(folder) == read_manifest(drawn)  # a new corpus beside them
    (folder / "notes.txt").write_text("mine")
    (folder / "data" / "notes.txt").write_text("mine")
    (folder / SECOND).unlink()
    assert write(folder) == read_manifest(drawn)  # one that goes on, beside anything
    assert not verify_corpus(folder)
    assert len(read_corpus(folder)) == ROWS
    assert "foreign" not in describe_corpus(folder)
    kept = snapshot(folder)
    assert all(kept[name] == b"mine" for name in (*names, "notes.txt", "data/notes.txt"))


def test_a_link_out_of_the_folder_is_not_followed(stored, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (stored / "data").rename(elsewhere)
    (stored / "data").symlink_to(elsewhere)
    (elsewhere / Path(SECOND).name).write_bytes(b"of somebody else")
    before = snapshot(elsewhere)
    with pytest.raises(FileExistsError, match="must be a folder of its own and no link"):
        repair_corpus(stored)
    with pytest.raises(FileExistsError, match="must be a folder of its own and no link"):
        write(stored)
    assert snapshot(elsewhere) == before


# Manifests and plans.


def edited(edit: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        head = json.loads(data)
        edit(head)
        return json.dumps(head).encode()

    return change


def named(name: Any) -> Callable[[bytes], bytes]:
    return edited(lambda head: head["files"][0].update(name=name))


def sized(**numbers: Any) -> Callable[[bytes], bytes]:
    """Other numbers, with the fingerprint that fits them."""
    names = ("schema_version", "config", "seed", "block_size", "dtype", "s2jax")

    def edit(head: dict[str, Any]) -> None:
        head.update(numbers)
        head["fingerprint"] = fingerprint_of({name: head[name] for name in names})

    return edited(edit)


WRONG_NAMES = (
    "../victim.parquet", "/tmp/victim.parquet", "data/../../victim.parquet", "data", "", None, 3,
    FIRST.upper(), SECOND, f"./{FIRST}", FIRST.replace("/", "//"), FIRST + "\0", [FIRST], [],
)  # fmt: skip
WRONG_HEADS: dict[str, Callable[[bytes], bytes]] = {
    **{f"name {name!r}": named(name) for name in WRONG_NAMES},
    "empty": lambda data: b"",
    "cut": lambda data: data[:-2],
    "array": lambda data: b"[1, 2]",
    "number": lambda data: b"3",
    "deep": lambda data: b"[" * 100_000,
    "deep objects": lambda data: b'{"a":' * 100_000,
    "not utf-8": lambda data: data.replace(b"s2jax-corpus", b"s2jax\xff"),
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "no keys": lambda data: b'{"format": "s2jax-corpus", "schema_version": 9}',
    "no cuts": edited(lambda head: head.pop("cuts")),
    "cuts null": edited(lambda head: head.update(cuts=None)),
    "cut text": edited(lambda head: head.update(cuts=["6"])),
    "cut of a full file": sized(cuts=[4]),
    "cut past the end": sized(cuts=[7]),
    "cuts twice": sized(cuts=[5, 5]),
    "cut none": sized(cuts=[0]),
    "a cut more": sized(cuts=[6]),
    "no files": edited(lambda head: head.pop("files")),
    "files empty": edited(lambda head: head.update(files=[])),
    "files null": edited(lambda head: head.update(files=None)),
    "files of numbers": edited(lambda head: head.update(files=[1, 2])),
    "file twice": edited(lambda head: head.update(files=head["files"][:1] * 2)),
    "a file more": edited(lambda head: head.update(files=head["files"] + head["files"][:1])),
    "negative rows": edited(lambda head: head["files"][0].update(rows=-4)),
    "other rows": edited(lambda head: head["files"][0].update(rows=3)),
    "bytes NaN": edited(lambda head: head["files"][0].update(bytes=float("nan"))),
    "bytes true": edited(lambda head: head["files"][0].update(bytes=True)),
    "no hash": edited(lambda head: head["files"][0].pop("sha256")),
    "hash too short": edited(lambda head: head["files"][0].update(values_sha256="ab")),
    "rows huge": edited(lambda head: head.update(rows=10**30)),
    "rows many digits": lambda data: data.replace(b'"rows": 7', b'"rows": 7' + b"0" * 10_000),
    "files without end": sized(rows=2**40, shard_rows=4),
    "rows infinite": edited(lambda head: head.update(rows=float("inf"))),
    "rows text": edited(lambda head: head.update(rows="7")),
    "block of zero": sized(block_size=0),
    "shard of zero": edited(lambda head: head.update(shard_rows=0)),
    "seed of another": edited(lambda head: head.update(seed=5)),
    "version infinite": edited(lambda head: head.update(schema_version=float("inf"))),
    "version text": edited(lambda head: head.update(schema_version="3")),
    "no acceptance": edited(lambda head: head.pop("acceptance")),
    "acceptance of text": edited(lambda head: head["acceptance"].update(accepted="7")),
    "forms of lists": edited(lambda head: head.update(forms=[1])),
    "versions null": edited(lambda head: head.update(versions=None)),
    "backend empty": edited(lambda head: head.update(backend={})),
    "config null": sized(config=None),
    "config without target": sized(config={"class": "Config", "length": 32}),
}


@pytest.mark.parametrize("change", WRONG_HEADS.values(), ids=WRONG_HEADS.keys())
def test_a_damaged_manifest_is_named_and_nothing_is_touched(stored, change, capsys):
    victim = stored.parent / "victim.parquet"
    victim.write_text("mine")
    file = stored / "_manifest.json"
    file.write_bytes(change(file.read_bytes()))
    before = snapshot(stored.parent)
    for call in (
        read_corpus,
        verify_corpus,
        repair_corpus,
        describe_corpus,
        read_manifest,
        summarize,
        write,
    ):
        with pytest.raises(DamagedError, match=r"_manifest\.json .* but is damaged: .* delete it"):
            call(stored)
    for command in ("info", "verify", "repair", "show"):
        assert cli.main([command, str(stored)]) == cli.FAILED
        assert "is damaged" in capsys.readouterr().err
    assert snapshot(stored.parent) == before


def test_a_damaged_plan_is_named(begun):
    for name in ("empty", "array", "deep", "not utf-8", "no keys", "rows huge", "seed of another"):
        file = begun / "_plan.json"
        good = file.read_bytes()
        file.write_bytes(WRONG_HEADS[name](good))
        for call in (describe_corpus, write):
            with pytest.raises(DamagedError, match=r"_plan\.json must be .* but is damaged"):
                call(begun)
        file.write_bytes(good)


@pytest.mark.parametrize(
    "config, rule",
    [
        ({"target": {"class": "os.system"}}, "unknown name 'os.system'"),
        ({"target": {"class": "Identity", "command": 1}}, "unknown name 'command'"),
        ({"inputs": 5}, "inputs"),
        ({"inputs": {"class": "diffrax.Dopri5"}}, "inputs"),
        ({"acceptance": []}, "acceptance"),
    ],
)
def test_a_config_of_other_classes_is_refused(stored, config, rule):
    file = stored / "_manifest.json"
    head = json.loads(file.read_bytes())
    file.write_bytes(sized(config=head["config"] | config)(file.read_bytes()))
    before = snapshot(stored)
    for call in (lambda: read_corpus(stored).config, lambda: repair_corpus(stored)):
        with pytest.raises(DamagedError, match=f"(?s)config of its _manifest.json.*{rule}"):
            call()
    assert snapshot(stored) == before


def test_a_newer_schema_says_what_wrote_it(stored):
    file = stored / "_manifest.json"
    change = edited(lambda head: head.update(schema_version=10, s2jax="0.9", files={"new": 1}))
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(ValueError, match=r"version 10 .* to 0\.9 or newer, which wrote it"):
        read_corpus(stored)


VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 1e308, float("nan"), "", "../x", [], {}, [[]], {"class": "Config"},
)  # fmt: skip


def mutate(rng: random.Random, value: Any) -> Any:
    """A JSON value with one thing in it changed."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        if rng.random() < 0.15:
            return {k: v for k, v in value.items() if k != key}
        return value | {key: mutate(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        if rng.random() < 0.15:
            return value[:place] + value[place + 1 :]
        return [*value[:place], mutate(rng, value[place]), *value[place + 1 :]]
    return rng.choice(VALUES)


def test_mutated_manifests_work_or_fail_with_a_sentence(stored):
    """And touch nothing outside the folder, nor files in it that are whole."""
    (stored.parent / "victim.parquet").write_text("mine")
    before = snapshot(stored.parent)
    good = json.loads((stored / "_manifest.json").read_text())
    rng, refused = random.Random(0), 0
    for _ in range(150):
        text = json.dumps(mutate(rng, good))
        (stored / "_manifest.json").write_text(text)
        for call in (
            describe_corpus,
            verify_corpus,
            lambda path: read_corpus(path)[:].y,
            repair_corpus,
        ):
            try:
                call(stored)
            except ValueError as error:
                refused += bool(str(error))
        after = snapshot(stored.parent)
        names = {*before, *after} - {"corpus/_manifest.json"}
        assert all(after.get(name) == before.get(name) for name in names), text
    assert refused > 300


def test_mutated_configs_are_built_or_refused():
    """Nothing but a `ValueError`, whatever the text says."""
    rng, refused = random.Random(1), 0
    makers: list[Any] = [s2jax.presets.s2, s2jax.presets.ode, s2jax.presets.reference]
    plain = [Stream(make(length=64)).identity["config"] for make in makers]
    for number in range(300):
        text = json.dumps(mutate(rng, plain[number % 3]))
        try:
            from_json(text)
        except ValueError as error:
            refused += bool(str(error))
    assert refused > 100


# Exports, and files of the reference.


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_damaged_exports(stored, tmp_path, monkeypatch, cut):
    corpora.fake_libraries(monkeypatch)
    opens: dict[str, Callable[[Path], Any]] = {
        "chronos2": Chronos2Inputs,
        "array-record": ArrayRecords,
    }
    for name, files in (("chronos2", "data-*"), ("array-record", "schema.arrow")):
        export(stored, tmp_path / name, name, allow_short=True)
        file = next((tmp_path / name).glob(files))
        file.write_bytes(cut(file.read_bytes())[: 10**9 if name == "chronos2" else 40])
        with pytest.raises(DamagedError, match=f"{file.name}: .* Export the corpus again"):
            opens[name](tmp_path / name)


@pytest.mark.parametrize(
    "arrays",
    [
        {"symbol": np.array("x_0", object)},
        {"excitation": np.array([[1, None]], object)},
        {"symbol": "sin(" * 20_000 + "x_0" + ")" * 20_000},
        {"symbol": "x_" + "9" * 5000},
        {"response": np.zeros((4, 0))},
    ],
)
def test_hostile_files_of_the_reference(tmp_path, arrays):
    held = {"symbol": "x_0", "excitation": np.ones((4, 1)), "response": np.ones((4, 1))}
    np.savez(tmp_path / "one.npz", allow_pickle=True, **(held | arrays))
    with pytest.raises(ValueError, match=r"(?s)one\.npz: .* Pass errors=.skip."):
        read_reference(tmp_path / "one.npz")
