"""Compiled programs that are kept on disk."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = (
    "import sys, jax, s2jax\n"
    "folder = s2jax.cache_compilations(*sys.argv[1:])\n"
    "assert jax.config.jax_compilation_cache_dir == str(folder)\n"
    "assert s2jax.cache_compilations('elsewhere') == folder\n"
    "jax.config.update('jax_persistent_cache_min_compile_time_secs', 0)\n"
    "jax.jit(lambda x: (x @ x).sum())(jax.numpy.ones((4, 4)))\n"
    "print(folder)\n"
)


def run(folder: Path, *arguments: str, **given: str) -> Path:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_COMPILATION")}
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], check=True, capture_output=True, text=True,
        env=environment | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder)} | given,
    )  # fmt: skip
    return Path(found.stdout.strip())


def test_programs_are_kept_for_the_next_process(tmp_path: Path) -> None:
    kept = run(tmp_path)
    assert kept.parent == tmp_path / "s2jax"
    assert list(kept.iterdir())
    other = run(tmp_path, str(tmp_path / "mine"))
    assert other == tmp_path / "mine"
    assert list(other.iterdir())


def test_what_was_set_before_stays(tmp_path: Path) -> None:
    own = tmp_path / "own"
    assert run(tmp_path, JAX_COMPILATION_CACHE_DIR=str(own)) == own
    assert not (tmp_path / "s2jax").exists()
