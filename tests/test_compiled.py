"""Compiled programs are kept between runs, and do not grow without bound."""

import os
from pathlib import Path

import jax

from tests.compiled import QUICKLY, forget_oldest, name_processor, prepare_folder
from tests.conftest import LONGEST


def test_quickly_is_known_to_xla() -> None:
    """Options that a newer one lacks have to go: here it says which."""
    assert jax.jit(lambda: 1, compiler_options=QUICKLY)() == 1


def test_the_longest_files_are_there() -> None:
    assert all(Path(__file__).with_name(name).exists() for name in LONGEST)


def test_those_not_read_for_longest_go_first(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "older", "oldest")):
        file = tmp_path / name
        file.write_bytes(b"1234567890")
        os.utime(file, (1e9 - age, 1e9))
    forget_oldest(tmp_path, 30)
    assert len(list(tmp_path.iterdir())) == 3
    forget_oldest(tmp_path, 29)
    assert {file.name for file in tmp_path.iterdir()} == {"new", "older"}
    forget_oldest(tmp_path / "absent", 0)


def test_processors_have_folders_of_their_own(tmp_path: Path, monkeypatch) -> None:
    own = prepare_folder(tmp_path)
    assert own.parent == tmp_path
    assert own == prepare_folder(tmp_path)
    monkeypatch.setattr("platform.machine", lambda: "another")
    assert prepare_folder(tmp_path) != own
    assert name_processor() == name_processor()


def test_what_cannot_be_written_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    other = prepare_folder(tmp_path / "file")
    assert other.is_dir()
    other.rmdir()
