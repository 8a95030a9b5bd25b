"""Corpora survive killed processes, failing disks and flipped bits; `benchmarks/reliability.py`."""

import subprocess
from pathlib import Path

import pytest

from s2jax.corpus import write_corpus
from tests import faults


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


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC", "die"])
def test_every_call_that_fails_once(tmp_path, wanted, kind):
    folders = (tmp_path / str(number) for number in range(10_000))
    assert faults.fail_everywhere(lambda: next(folders), kind, wanted) > 40


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
