"""Corpora survive killed processes, failing disks and flipped bits; `benchmarks/reliability.py`.

And commands that are started together. Threads stand for their processes: they have one number in
common, as processes in containers do.
"""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import s2jax
from s2jax.corpus import files, read_manifest, verify_corpus, write_corpus
from s2jax.exporters import export
from tests import faults

pytestmark = pytest.mark.floats  # subprocesses compile as for users

KINDS = ["EIO", "ENOSPC", "die"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus written in one go."""
    folder = tmp_path_factory.mktemp("reliability") / "whole"
    faults.write(folder)
    return folder


@pytest.fixture(scope="module")
def wanted(whole: Path) -> list[str]:
    return faults.content(whole)


@pytest.mark.slow
@pytest.mark.parametrize("workers, kills", [pytest.param(1, 3, marks=pytest.mark.long), (2, 3)])
def test_killed_processes_lose_nothing(tmp_path, wanted, workers, kills):
    assert faults.kill_evenly(tmp_path / "new", workers, kills, workers, wanted) >= 1


@pytest.mark.parametrize(
    "kinds",
    [KINDS, *(pytest.param([kind], marks=pytest.mark.long) for kind in KINDS)],
)
def test_every_call_that_fails_once(tmp_path, wanted, kinds):
    folders = (tmp_path / str(number) for number in range(10_000))
    assert faults.fail_everywhere(lambda: next(folders), kinds, wanted) > 40


@pytest.mark.slow
def test_killed_processes_lose_nothing_of_a_corpus_that_grows(tmp_path):
    assert faults.kill_while_growing(tmp_path / "new", 2, 3, 0) >= 1


@pytest.mark.parametrize(
    "kinds",
    [KINDS, *(pytest.param([kind], marks=pytest.mark.long) for kind in KINDS)],
)
@pytest.mark.parametrize("rows", [10, pytest.param(16, marks=pytest.mark.long)])
def test_every_call_that_fails_once_while_a_corpus_grows(tmp_path, rows, kinds):
    """From a last file that is not full, and from full ones; the calls of two more files."""
    small, large = tmp_path / "small", tmp_path / "large"
    faults.write(small, rows=rows)
    shutil.copytree(small, large)
    faults.write(large, rows=24 if rows == 16 else 20)
    folders = (tmp_path / str(number) for number in range(10_000))
    assert faults.fail_while_growing(lambda: next(folders), kinds, small, large) > 25


def test_flipped_bits_are_found(whole, wanted):
    seen = faults.flip_bits(whole, 25, 0, wanted)
    assert seen["raised"] > 5
    assert not seen["silent"]


def test_a_small_file_system_that_is_full(tmp_path, wanted):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting takes rights that are not there")
    try:
        with pytest.raises(OSError, match="No space left") as caught:
            faults.write(disk / "new")
        assert "Free some space" in caught.value.__notes__[0]
        faults.check_finals(disk / "new")
        assert not list((disk / "new" / "data").glob("_tmp-*"))
        larger = ["mount", "-o", "remount,size=4m", str(disk)]
        subprocess.run(larger, check=True)
        faults.write(disk / "new")
        faults.check_finished(disk / "new", wanted)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"rows=\d+\): needs about .* MB free. Draw fewer"):
        write_corpus(tmp_path / "new", faults.CONFIG, 10**10, shard_rows=2**24)
    assert not (tmp_path / "new").exists()


# Commands that are started together.


def test_writers_of_one_file_do_not_meet(tmp_path):
    for keep, wanted in ((False, b"1"), (True, b"2")):
        final = tmp_path / f"file-{keep}"
        one, two = (files.replacing(final, keep=keep) for _ in range(2))
        with one as first:
            first.write(b"1" * 50_000)
            with two as second:
                second.write(b"2" * 100_000)
            assert final.read_bytes() == b"2" * 100_000
            first.write(b"1" * 50_000)
        assert final.read_bytes() == wanted * 100_000
        final.unlink()
    assert not list(tmp_path.iterdir())


def test_temporary_names_are_new(tmp_path, monkeypatch):
    """One that is taken is not opened."""
    taken = iter([tmp_path / "_tmp-taken", tmp_path / "_tmp-taken"])
    (tmp_path / "_tmp-taken").write_text("of another writer")
    monkeypatch.setattr(files, "_temporary", lambda _: next(taken))
    with pytest.raises(FileExistsError), files.replacing(tmp_path / "new"):
        pass
    with pytest.raises(FileExistsError), files.whole_folder(tmp_path / "new"):
        pass
    assert [path.read_text() for path in tmp_path.iterdir()] == ["of another writer"]


def test_parts_that_start_together(tmp_path, wanted):
    folders = (tmp_path / str(number) for number in range(8))
    assert faults.start_parts(folders, wanted) == 24


def test_equal_commands_that_start_together(tmp_path, whole):
    for number in range(4):
        folder = tmp_path / str(number)
        results = faults.together(*[lambda f=folder: faults.write_part(f)] * 3)
        assert results == [read_manifest(whole)] * 3
        assert not verify_corpus(folder)
        faults.check_finished(folder, faults.content(whole))
        file = folder / read_manifest(folder)["files"][3]["name"]
        file.unlink()
        assert (
            faults.together(*[lambda f=folder: faults.write_part(f)] * 2)
            == [read_manifest(whole)] * 2
        )
        faults.check_finished(folder, faults.content(whole))


def test_one_of_two_corpora_that_start_together_is_written(tmp_path):
    for number in range(4):
        folder = tmp_path / str(number)
        results = faults.together(
            *[lambda s=s, f=folder: faults.write_part(f, seed=s) for s in (1, 2)]
        )
        (refused,) = [result for result in results if isinstance(result, Exception)]
        assert isinstance(refused, FileExistsError)
        assert "seed is" in str(refused)
        assert read_manifest(folder)["seed"] == 1 + (results[0] is refused)
        assert not verify_corpus(folder)


def test_one_of_two_exports_that_start_together_is_written(tmp_path, whole):
    for number in range(4):
        dest = tmp_path / str(number)
        results = faults.together(*[lambda d=dest: export(whole, d, "npz")] * 2)
        errors = [result for result in results if isinstance(result, Exception)]
        assert len(errors) == 1
        assert isinstance(errors[0], FileExistsError)
        assert "must be new or empty" in str(errors[0])
        assert len(list(dest.iterdir())) == 2
    assert len(list(tmp_path.iterdir())) == 4


def test_a_writer_that_was_swept_finds_the_work_done(tmp_path):
    final = tmp_path / "file"
    with files.replacing(final, keep=True) as file:
        file.write(b"whole")
        final.write_bytes(b"whole")
        Path(file.name).unlink()
    assert final.read_bytes() == b"whole"
    with pytest.raises(FileNotFoundError), files.replacing(tmp_path / "other") as file:
        Path(file.name).unlink()


def test_file_systems_without_hard_links(tmp_path, monkeypatch):
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    for content in (b"first", b"second"):
        with files.replacing(tmp_path / "file", keep=True) as file:
            file.write(content)
    assert (tmp_path / "file").read_bytes() == b"first"
    assert len(list(tmp_path.iterdir())) == 1


_DIES = """
import os, sys
from pathlib import Path
from s2jax.corpus import files
with files.replacing(Path(sys.argv[1]) / "file") as file:
    file.write(b"begun")
    file.flush()
    os.kill(os.getpid(), 9)
"""


def be_silent(file: Path) -> None:
    """Date a file back until it is taken for abandoned."""
    day_ago = file.stat().st_mtime - files.SILENCE - 60
    os.utime(file, (day_ago, day_ago))


def test_only_what_nobody_writes_is_swept(tmp_path, monkeypatch):
    root = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", _DIES, str(tmp_path)]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": root}, check=False)
    (left,) = tmp_path.iterdir()
    with files.replacing(tmp_path / "file") as file:
        file.write(b"being written")
        with monkeypatch.context() as patch:  # another machine cannot ask for locks
            patch.setattr(files, "_machine", lambda: "elsewhere")
            files.sweep(tmp_path)
            assert len(list(tmp_path.iterdir())) == 2
        files.sweep(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [Path(file.name).name]
        assert not left.exists()
    with monkeypatch.context() as patch:
        patch.setattr(files, "_machine", lambda: "elsewhere")
        abandoned = files._temporary(tmp_path / "file")
    abandoned.write_text("begun")
    files.sweep(tmp_path)
    assert abandoned.exists()
    be_silent(abandoned)
    files.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_writer_that_is_swept_as_it_begins_takes_another_name(tmp_path, monkeypatch):
    lock, seen = files._lock, []

    def be_swept_first(file: Any) -> Any:
        if not seen:
            seen.append(file.name)
            Path(file.name).unlink()
        return lock(file)

    monkeypatch.setattr(files, "_lock", be_swept_first)
    with files.replacing(tmp_path / "file") as file:
        file.write(b"whole")
        assert [file.name] != seen
    assert (tmp_path / "file").read_bytes() == b"whole"


@pytest.mark.parametrize("keep", [False, True])
def test_no_sweep_takes_a_file_before_it_has_its_name(keep, tmp_path, monkeypatch):
    """Another writer that begins or ends sweeps at any moment, also after the last byte."""

    def after_sweep(give: Any) -> Any:
        return lambda old, new: (files.sweep(tmp_path), give(old, new))

    for name in ("link", "replace"):
        monkeypatch.setattr(os, name, after_sweep(getattr(os, name)))
    sweep = lambda temporary: files.sweep(temporary.parent)
    with files.replacing(tmp_path / "file", keep=keep, check=sweep) as file:
        file.write(b"whole")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]


def test_a_plan_that_its_first_writer_has_removed_again_is_no_fault(tmp_path, monkeypatch):
    def fail(*_: Any) -> None:
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", fail)
    with files.replacing(tmp_path / "plan", keep=True) as file:
        file.write(b"plan")
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_locked_only_silence_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)
    left = files._temporary(tmp_path / "file")
    left.write_text("begun")
    files.sweep(tmp_path)
    assert left.exists()
    be_silent(left)
    files.sweep(tmp_path)
    assert not left.exists()


def test_names_are_given_in_one_place():
    """Nothing else in the package renames, and files are opened to write in exporters only."""
    package = Path(s2jax.__file__).parent
    texts = {p.relative_to(package).as_posix(): p.read_text() for p in package.rglob("*.py")}
    words = (
        "os.replace(",
        "os.rename(",
        ".rename(",
        "os.link(",
        "{os.getpid()}",
        "tempfile.NamedTemp",
    )
    writes = ("write_text(", "write_bytes(", '"wb")', '"w")', "savez(folder", "np.save(")
    for name, text in texts.items():
        code = "\n".join(line for line in text.splitlines() if ">>>" not in line)
        is_exporter = name.startswith("exporters/")  # in a folder that gets its name when whole
        forbidden = words if is_exporter else (*words, *writes)
        found = [word for word in forbidden if word in code]
        assert name == "corpus/files.py" or not found, (name, found)
    assert all(word in texts["corpus/files.py"] for word in ("os.replace(", "os.link("))
