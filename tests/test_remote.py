"""Corpora behind an address: what is promised of a folder holds where nothing can be renamed."""

import errno
import json
import os
import pickle
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import upath.registry
from upath import UPath

import s2jax
from s2jax import cli
from s2jax.config.registry import addresses_of
from s2jax.corpus import (
    DamagedError,
    describe_corpus,
    estimate_corpus,
    read_corpus,
    read_manifest,
    read_reference,
    repair_corpus,
    verify_corpus,
    write_corpus,
)
from s2jax.corpus import _ray as rays
from s2jax.corpus._spans import spans_of
from s2jax.corpus.files import replacing
from s2jax.corpus.plan import Plan
from s2jax.corpus.remote import Remote, recall
from s2jax.exporters import ArrayRecords, Chronos2Inputs, export
from s2jax.feeds import corpus_source
from s2jax.plotting import plot_corpus
from s2jax.stream import Stream
from tests import corpora
from tests.buckets import SERVICE, Bucket, Fault, Killed

CONFIG = s2jax.Config(length=32, target=s2jax.Identity())
ROWS, SHARD, BLOCK = 20, 8, 4
URL = "bucket://shop/corpus"
MANIFEST, PLAN, CARD = "_manifest.json", "_plan.json", "README.md"
Objects = dict[str, bytes]


class BucketPath(UPath):
    """A path of the bucket; of protocols that it does not know, UPath warns."""


class KeyedPath(UPath):
    """The same with a key."""


upath.registry.register_implementation("bucket", BucketPath)
upath.registry.register_implementation("keyed", KeyedPath)


def write(path: Any, **how: Any) -> Any:
    """Write the corpus of all tests, or go on with it."""
    how = {"rows": ROWS, "seed": 0, "shard_rows": SHARD, "block_size": BLOCK} | how
    return write_corpus(path, CONFIG, **how)


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    """Services with nothing in them that do what they are asked."""
    stores = [Bucket, fsspec.filesystem("memory")]
    for store in stores:
        store.store.clear()
        store.pseudo_dirs[:] = [""]
    SERVICE.reset()
    yield
    SERVICE.reset()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same corpus in a folder."""
    folder = tmp_path_factory.mktemp("local") / "corpus"
    write(folder)
    return folder


@pytest.fixture
def url(local: Path) -> str:
    """The same corpus behind an address."""
    for name, content in objects_of(local).items():
        Bucket().pipe_file(f"/shop/corpus/{name}", content)
    return URL


def objects_of(folder: Path) -> Objects:
    """Files below a folder."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def objects_in(prefix: str = "/shop/corpus/") -> Objects:
    """Objects of the bucket."""
    store = Bucket.store.items()
    return {k.removeprefix(prefix): v.getvalue() for k, v in store if k.startswith(prefix)}


def check_whole(there: Objects, *wanted: Objects) -> None:
    """Nothing partial has a name, and a manifest, of one size or the other, has all its files."""
    for name, content in there.items():
        if name == PLAN:
            assert json.loads(content)["rows"] == ROWS
        else:
            assert content in [one[name] for one in wanted if name in one], name
    if MANIFEST in there:
        (own,) = (one for one in wanted if one[MANIFEST] == there[MANIFEST])
        assert {*own} - {CARD} <= {*there}


@pytest.mark.parametrize("protocol", ["bucket", "memory", "shelf", "file"])
def test_it_is_the_corpus_of_a_folder(protocol: str, local: Path, tmp_path: Path) -> None:
    place = f"{protocol}://{tmp_path}/corpus" if protocol in ("shelf", "file") else URL
    place = place.replace("bucket:", f"{protocol}:")
    manifest = write(place)
    assert manifest == read_manifest(local) == read_manifest(place)
    fs, path = fsspec.core.url_to_fs(place)
    there = {name[len(path) + 1 :]: fs.cat_file(name) for name in fs.find(path)}
    assert there == objects_of(local)
    assert verify_corpus(place) == []
    assert write(place) == manifest  # and nothing is left to do


def test_the_plan_comes_first_and_the_manifest_last() -> None:
    puts: list[str] = []

    def before(path: str) -> None:
        puts.append(path.removeprefix("/shop/corpus/"))
        if puts[-1] == MANIFEST:
            assert sum(name.startswith("data/") for name in objects_in()) == 3

    SERVICE.before_put = before
    write(URL)
    shards = [f"data/train-00000{shard}.parquet" for shard in range(3)]
    assert puts == [PLAN, CARD, *shards, MANIFEST]
    assert PLAN not in objects_in()


class Address(NamedTuple):
    """Where a corpus goes, what is there, and how all of it is thrown away."""

    url: str
    objects: Callable[[], Objects]
    clear: Callable[[], object]


@pytest.fixture(params=["bucket", "shelf"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    """One in memory, one of this machine's files."""
    if request.param == "bucket":
        return Address(URL, objects_in, Bucket.store.clear)
    folder = tmp_path / "corpus"
    clear = lambda: shutil.rmtree(folder, ignore_errors=True)
    return Address(f"shelf://{folder}", lambda: objects_of(folder), clear)


def fill(address: Address, objects: Objects) -> None:
    """Put these there, and nothing else."""
    address.clear()
    fs, path = fsspec.core.url_to_fs(address.url)
    for name, content in objects.items():
        fs.makedirs(f"{path}/{name}".rpartition("/")[0], exist_ok=True)
        fs.pipe_file(f"{path}/{name}", content)


def trace(address: Address, before: Objects) -> list[str]:
    """The method of each call of a whole run."""
    fill(address, before)
    methods: list[str] = []
    count = SERVICE.call

    def call(method: str, path: str) -> Any:
        methods.append(method)
        return count(method, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SERVICE, "call", call)
        write(address.url)
    address.clear()
    return methods


def interrupt_everywhere(
    fault: Fault, wanted: Objects, address: Address, before: Objects | None = None
) -> int:
    """Let each call of a run fail in turn; what is left must be whole, and go on to the same."""
    failed = 0
    for at, method in enumerate(trace(address, before or {})):
        if fault in ("torn", "quiet") and method != "put_file":
            continue
        fill(address, before or {})
        SERVICE.reset()
        SERVICE.at, SERVICE.fault = at, fault
        try:
            write(address.url)
        except (OSError, Killed):
            failed += 1
        SERVICE.reset()
        check_whole(address.objects(), wanted, *([before] if before else []))
        write(address.url)
        there = address.objects()
        if before and CARD not in there:  # it was torn, and might have been removed by its author
            there[CARD] = wanted[CARD]
        assert there == wanted, (at, method)
    return failed


def test_what_is_in_a_folder_of_the_same_name() -> None:
    write("memory://shop/corpus/corpus")
    with pytest.raises(FileExistsError, match="holds 'corpus', which is no part"):
        write("memory://shop/corpus")


@pytest.mark.parametrize("fault", ["refused", "lost", "torn", "quiet", "dead"])
def test_interrupted_anywhere_it_goes_on(fault: Fault, local: Path, address: Address) -> None:
    assert interrupt_everywhere(fault, objects_of(local), address) >= 5


@pytest.mark.parametrize("fault", ["lost", "torn", "dead"])
def test_interrupted_anywhere_it_grows(
    fault: Fault, local: Path, address: Address, tmp_path: Path
) -> None:
    """From two full files to three: the old corpus is whole until the new one is."""
    write(tmp_path / "small", rows=2 * SHARD)
    before = objects_of(tmp_path / "small")
    assert interrupt_everywhere(fault, objects_of(local), address, before) >= 3


def test_the_check_of_interruptions_bites(
    local: Path, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    careless = lambda place, file, sha256="": place._put(file)  # asks for no size afterwards
    monkeypatch.setattr(Remote, "send", careless)
    with pytest.raises((AssertionError, DamagedError, ValueError)):
        interrupt_everywhere("quiet", objects_of(local), address)


def test_another_writer_is_not_taken_for_this_one() -> None:
    write(URL)
    place = read_corpus(URL).path / "data/train-000001.parquet"
    assert recall(place) is not None
    write("bucket://shop/corpus2")
    assert recall(place) is not None
    write(URL)
    assert recall(place) is None


def test_a_service_that_fails_for_long_leaves_what_is_complete(local: Path) -> None:
    SERVICE.before_put = lambda path: fail_at(path, "000001")
    with pytest.raises(OSError, match="ConnectionError: gone") as found:
        write(URL)
    assert found.value.errno == errno.EIO
    assert "it goes on where this stopped" in found.value.__notes__[0]
    assert "free" not in found.value.__notes__[0]
    assert {*objects_in()} == {PLAN, CARD, "data/train-000000.parquet"}
    SERVICE.reset()
    assert write(URL) == read_manifest(local)
    assert SERVICE.calls["put_file"] == 3


def fail_at(path: str, part: str) -> None:
    """Fail where a path holds some text."""
    if part in path:
        raise ConnectionError("gone")


def test_rows_are_those_of_a_folder(url: str, local: Path) -> None:
    ours, wanted = read_corpus(url), read_corpus(local)
    assert repr(ours) == repr(wanted).replace(str(local), url)
    for corpus in (ours, pickle.loads(pickle.dumps(ours)), read_corpus(UPath(url))):
        assert corpus.path.path == "/shop/corpus"
        assert corpus.table([19, 0, 8]).equals(wanted.table([19, 0, 8]))
        np.testing.assert_equal(corpus.row(13), wanted.row(13))
    for a, b in zip(ours.tables(6, start=3), wanted.tables(6, start=3), strict=True):
        assert a.combine_chunks().equals(b.combine_chunks())
    np.testing.assert_equal(np.asarray(ours[7:9].y), np.asarray(wanted[7:9].y))
    np.testing.assert_equal(corpus_source(UPath(url), ["id", "y_0"])[9]["id"], np.uint64(9))


@pytest.mark.parametrize("most, reads", [(2**24, 1), (1, 3)])
@pytest.mark.parametrize("columns", [None, ["y_0"], ["id"]])
def test_whole_files_take_few_requests(
    most: int, reads: int, columns: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s2jax.corpus._spans.REQUEST_BYTES", most)
    monkeypatch.setattr("s2jax.corpus.shards.ROW_GROUP", 4)
    for place in (tmp_path / "corpus", URL):
        write(place, rows=10, shard_rows=12)
    corpus, wanted = read_corpus(URL), read_corpus(tmp_path / "corpus")
    corpus.row(0)
    SERVICE.reset()
    found, expected = (list(one.tables(3, columns=columns)) for one in (corpus, wanted))
    assert [a.combine_chunks() for a in found] == [b.combine_chunks() for b in expected]
    footer = pq.read_metadata(next((tmp_path / "corpus" / "data").iterdir()))
    if columns is None:
        assert dict(SERVICE.calls) == {"cat_file": reads}
        spans = spans_of(footer, None)
        assert [group for span in spans for group in span.groups] == [0, 1, 2]
        assert sum(span.wanted for span in spans) == sum(span.end - span.start for span in spans)
    if columns == ["id"]:
        span = spans_of(footer, columns)[0]
        stream = corpus.path.opened(0)
        span.fetch(stream)  # asks for nothing, as little of it is wanted
        assert (span.wanted < 0.5 * (span.end - span.start), stream._held) == (True, b"")


def test_a_row_costs_a_footer_and_a_row_group(url: str) -> None:
    SERVICE.reset()
    corpus = read_corpus(url, cache_bytes=0)
    assert dict(SERVICE.calls) == {"cat_file": 1, "find": 1}  # the manifest, and strangers
    corpus.row(0)
    assert SERVICE.calls["cat_file"] == 3
    SERVICE.reset()
    corpus.row(1)
    assert dict(SERVICE.calls) == {"cat_file": 1}
    size = corpus.manifest["files"][0]["bytes"]
    assert SERVICE.moved < size


def test_footers_are_read_once_for_all_threads(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2jax.corpus._groups.MAX_OPEN", 1)
    corpus = read_corpus(url, cache_bytes=0)
    for row in (0, 10, 19):
        corpus.row(row)
    SERVICE.reset()
    for row in (0, 10, 19):
        corpus.row(row)
    assert dict(SERVICE.calls) == {"cat_file": 3}


def test_a_forked_process_has_connections_of_its_own(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = read_corpus(url)
    expected, before = corpus.row(3), corpus.path.fs
    assert corpus.path.fs is before
    process = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: process + 1)
    Bucket.clear_instance_cache()
    assert corpus.path.fs is not before
    np.testing.assert_equal(corpus.row(3), expected)


@pytest.mark.parametrize("at", range(5))
def test_a_service_that_does_not_answer_is_no_damage(url: str, at: int) -> None:
    SERVICE.at = at
    with pytest.raises(OSError, match=f"{url}.*no answer to") as found:
        read_corpus(url).row(3)
    assert not isinstance(found.value, DamagedError)
    SERVICE.reset()
    SERVICE.at = at
    with pytest.raises(OSError, match="no answer"):
        verify_corpus(url)


@pytest.mark.parametrize("kind", ["cut", "changed", "gone"])
def test_damage_is_found_and_mended(url: str, local: Path, kind: str) -> None:
    name = "data/train-000001.parquet"
    content = bytearray(objects_in()[name])
    content[100] ^= 1
    if kind == "gone":
        Bucket().rm_file(f"/shop/corpus/{name}")
    else:
        Bucket().pipe_file(f"/shop/corpus/{name}", bytes(content[: 99 if kind == "cut" else None]))
    reasons = {"cut": "99 bytes", "changed": "other bytes", "gone": "is not there"}
    (found,) = verify_corpus(url)
    assert (found.shard, found.name) == (1, name)
    assert reasons[kind] in found.reason
    if kind == "cut":
        with pytest.raises(DamagedError, match=f"s2jax repair {url}"):
            read_corpus(url).row(9)
        assert "is cut off or damaged" in describe_corpus(url)["damaged"]
    assert repair_corpus(url) == [found]
    assert objects_in() == objects_of(local)
    assert verify_corpus(url) == repair_corpus(url) == []


def test_what_comes_out_otherwise_does_not_replace(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "data/train-000001.parquet"
    Bucket().pipe_file(f"/shop/corpus/{name}", b"damaged")
    monkeypatch.setattr("s2jax.corpus._verify.describe", lambda *a, **k: ({"values_sha256": ""}, 0))
    with pytest.raises(RuntimeError, match="must draw the values"):
        repair_corpus(url)
    assert objects_in()[name] == b"damaged"


def test_what_was_sent_is_not_read_back(local: Path) -> None:
    write(URL)
    footers = 3 * 65536
    assert SERVICE.moved < footers
    place = Remote(Bucket(), "/shop/corpus/data/train-000001.parquet", f"{URL}/data/")
    assert recall(place / "nothing") is None
    place = read_corpus(URL).path / "data/train-000001.parquet"
    known = recall(place)
    assert known is not None
    assert known.size == place.stat().st_size
    Bucket().pipe_file(place.path, b"another")
    assert recall(place) is None


def test_parts_and_processes_share_an_address(local: Path, tmp_path: Path) -> None:
    assert write(URL, part=(1, 2)) is None
    assert MANIFEST not in objects_in()
    assert "unfinished; 2 of 3 files are missing" in describe_corpus(URL)["state"]
    assert write(URL, part=(0, 2)) == read_manifest(local)
    place = f"shelf://{tmp_path}/new/corpus"
    if corpora_are_drawn_alike():
        write(place, workers=2)
        assert verify_corpus(place) == []
        assert [file["rows"] for file in read_manifest(place)["files"]] == [8, 8, 4]


def corpora_are_drawn_alike() -> bool:
    """Whether a process that is started computes as this one does, which has four devices."""
    return sys.platform != "win32"


def test_tasks_of_a_cluster_write_to_an_address() -> None:
    plan = Plan(Stream(CONFIG, 0, BLOCK), ROWS, SHARD)
    place = Remote(Bucket(), "/shop/corpus", URL)
    sent = rays._write(place, plan.head, 1, addresses_of(plan.head["config"]), sys.path)
    assert sent is not None
    assert sent.size == len(objects_in()["data/train-000001.parquet"])


@pytest.mark.parametrize("keep", [True, False])
def test_a_first_writer_keeps_its_file(keep: bool) -> None:
    place = Remote(Bucket(), "/shop/file", "bucket://shop/file")
    with replacing(place, keep=keep) as file:
        file.write(b"second")
        Bucket().pipe_file("/shop/file", b"first")
    assert place.read_bytes() == (b"first" if keep else b"second")


def test_another_corpus_is_refused(url: str) -> None:
    before = objects_in()
    with pytest.raises(FileExistsError, match=f"{url}.*seed"):
        write(url, seed=1)
    with pytest.raises(FileExistsError, match="holds 'corpus'"):
        write("bucket://shop")
    with pytest.raises(FileExistsError, match="a file is there"):
        write(f"{url}/{MANIFEST}")
    assert objects_in() == before


def test_another_corpus_begun_at_the_same_time_is_noticed_before_the_manifest() -> None:
    write("bucket://other/corpus", seed=1)
    name = "data/train-000001.parquet"
    foreign = objects_in("/other/corpus/")[name]

    def another(path: str) -> None:
        if path.startswith("/shop/corpus/data/train-000002"):
            Bucket().pipe_file(f"/shop/corpus/{name}", foreign)

    SERVICE.before_put = another
    with pytest.raises(FileExistsError, match=f"{name}.*is of another corpus: seed"):
        write(URL)
    assert MANIFEST not in objects_in()
    assert objects_in()[name] == foreign


def test_strangers_are_reported(url: str) -> None:
    Bucket().pipe_file("/shop/corpus/data/sub/other.parquet", b"x")
    Bucket().pipe_file("/shop/corpus/data/.hidden/other.parquet", b"x")
    with pytest.warns(UserWarning, match="data/sub/other.parquet is no file of this corpus"):
        read_corpus(url)
    assert [damage.shard for damage in verify_corpus(url)] == [-1]


def test_nothing_is_compiled_for_a_bucket_that_may_not_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("s2jax.corpus._write.measure", None)  # would fail if it were called
    rule = "must be an address that can be written to.*Access Denied.*credentials"
    with pytest.raises(ValueError, match=rule):
        write("closed://shop/corpus", announce=print)
    assert not Bucket.store


def test_a_file_needs_room_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ValueError, match=r"a file takes about .*Lower shard_rows, or set TMPDIR"):
        write(URL)
    assert not Bucket.store
    with pytest.raises(ValueError, match="TMPDIR"):
        estimate_corpus(URL, CONFIG, ROWS, shard_rows=SHARD, block_size=BLOCK)


def test_an_estimate_names_no_free_space() -> None:
    found = estimate_corpus(URL, CONFIG, ROWS, shard_rows=SHARD, block_size=BLOCK)
    assert found.free is None
    assert "free" not in str(found)
    assert not Bucket.store


def test_a_memory_is_of_one_process() -> None:
    for how in ({"workers": 2}, {"engine": lambda *arguments: None}):
        with pytest.raises(ValueError, match=r"by this process alone.*Use workers=1"):
            write("memory://corpus", **how)


def test_addresses_that_lead_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"read_corpus\(path='buckets3://x'\).*unknown name"):
        read_corpus("buckets3://x")
    with pytest.raises(ValueError, match="Did you mean 'https'"):
        read_corpus("htps://x/y")
    for kind in (Path, str):
        with pytest.raises(ValueError, match=r"must keep both slashes.*'s3://bucket/corpus'"):
            write(kind("s3:/bucket/corpus"))
    assert not [*tmp_path.iterdir()]
    with pytest.raises(FileNotFoundError, match="is no folder"):
        read_corpus("bucket://shop/nothing")
    write(URL, part=(0, 2))
    with pytest.raises(FileNotFoundError, match="holds an unfinished one"):
        read_corpus(URL)
    write(tmp_path / "my:" / "corpus")  # somebody's folder of such a name


@pytest.mark.parametrize("wrap", [str, UPath])
def test_a_missing_package_is_asked_for(wrap: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ImportError, match=r"write_corpus\(path='s3://b/c'\).*pip install s3fs"):
        write(wrap("s3://b/c"))
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ImportError, match="Addresses .* need fsspec.*pip install"):
        read_corpus("s3://b/c")


def test_options_go_with_a_path() -> None:
    given = UPath("keyed:///shop/corpus", key="secret")
    write(given)
    corpus = pickle.loads(pickle.dumps(read_corpus(given)))
    assert corpus.path.fs.key == "secret"
    assert corpus.path.path == "/shop/corpus"


def test_exports_from_and_to_an_address(url: str, local: Path, tmp_path: Path) -> None:
    wanted = export(local, tmp_path / "arrays", "npz", rows_per_file=7)
    puts: list[str] = []
    SERVICE.before_put = lambda path: puts.append(path.rpartition("/")[2])
    done = export(url, "bucket://shop/arrays", "npz", rows_per_file=7)
    assert objects_in("/shop/arrays/") == objects_of(tmp_path / "arrays")
    assert [file.name for file in done.files] == [file.name for file in wanted.files]
    assert puts[-1] == "vocabulary.json"
    with pytest.raises(FileExistsError, match="must be new or empty"):
        export(url, "bucket://shop/arrays", "npz")
    export(url, tmp_path / "again", "csv")
    assert (tmp_path / "again" / "expressions.csv").is_file()


@pytest.mark.parametrize("fault", ["refused", "lost", "torn", "quiet"])
def test_an_export_that_fails_leaves_nothing(url: str, fault: Fault) -> None:
    SERVICE.reset()
    export(url, "bucket://shop/arrays", "npz", rows_per_file=7)
    total, number = SERVICE.number, len(objects_in("/shop/arrays/"))
    for at in range(total):
        for key in [key for key in Bucket.store if key.startswith("/shop/arrays/")]:
            Bucket.store.pop(key)
        SERVICE.reset()
        SERVICE.at, SERVICE.fault = at, fault
        notes = None
        try:
            export(url, "bucket://shop/arrays", "npz", rows_per_file=7)
        except OSError as error:
            notes = getattr(error, "__notes__", [])
        assert len(objects_in("/shop/arrays/")) == (number if notes is None else 0), at
        assert not notes or "nothing is left" in notes[0]


def test_an_export_says_what_it_could_not_remove(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    SERVICE.before_put = lambda path: fail_at(path, "vocabulary")
    monkeypatch.setattr(Bucket, "rm_file", lambda self, path: fail_at(path, "data-00000"))
    with pytest.raises(OSError, match="gone") as found:
        export(url, "bucket://shop/arrays", "npz")
    note = found.value.__notes__[0]
    assert "could not be removed: bucket://shop/arrays/data-00000.npz" in note


def test_what_must_be_on_this_machine(local: Path) -> None:
    from s2jax import symtime

    for read in (ArrayRecords, Chronos2Inputs, read_reference, symtime.read_run):
        with pytest.raises(ValueError, match=r"bucket://x'\): must be on this machine"):
            read("bucket://x")


def test_pictures_are_drawn_from_an_address(url: str, tmp_path: Path) -> None:
    plot_corpus(UPath(url), tmp_path / "pairs.png", count=2)
    assert (tmp_path / "pairs.png").is_file()


def test_the_commands_take_addresses(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--rows", "8", "--length", "32", "--block-size", "4", "--shard-rows", "4"]
    words += ["--preset", "s2"]
    assert cli.main(["generate", URL, *words, "--dry-run"]) == cli.OK
    assert "Nothing was written" in capsys.readouterr().out
    assert cli.main(["generate", URL, *words]) == cli.OK
    assert f"{URL}: 8 rows" in capsys.readouterr().out
    assert cli.main(["info", URL]) == cli.OK
    assert re.search(rf"corpus +{URL}\nstate +whole", capsys.readouterr().out)
    Bucket().pipe_file("/shop/corpus/data/train-000001.parquet", b"damaged")
    assert cli.main(["verify", URL]) == cli.FAILED
    assert f"s2jax repair {URL}" in capsys.readouterr().err
    assert cli.main(["repair", URL]) == cli.OK
    assert cli.main(["verify", URL]) == cli.OK
    assert cli.main(["show", URL, "--pairs", "2"]) == cli.OK
    assert (tmp_path / "corpus.png").is_file()
    assert cli.main(["export", URL, "bucket://shop/out", "--format", "npz"]) == cli.OK
    assert "bucket://shop/out: 8 series of 8 rows as npz" in capsys.readouterr().out
    assert cli.main(["export", URL, "bucket://shop/out", "--format", "npz"]) == cli.USAGE
    assert cli.main(["stats", URL, "--rows", "4"]) == cli.OK
    assert cli.main(["census", URL]) == cli.USAGE  # it is none of differential equations
    assert "must be of solutions of differential equations" in capsys.readouterr().err
    assert cli.main(["info", "bucket://shop/nothing"]) == cli.USAGE
    assert cli.main(["info", "buckets3://shop/nothing"]) == cli.FAILED
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_model_may_learn_from_an_address(tmp_path: Path) -> None:
    from s2jax.symtime._stored import open_rows

    corpora.store(tmp_path / "corpus", s2jax.presets.s2(length=32))
    for name, content in objects_of(tmp_path / "corpus").items():
        Bucket().pipe_file(f"/shop/corpus/{name}", content)
    for given in (URL, UPath(URL)):
        corpus = open_rows(given)
        assert corpus is not None
        assert len(corpus) == 7
