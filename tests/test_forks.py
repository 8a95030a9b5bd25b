"""Forked processes: what needs no JAX works in them, and what does is refused rather than stuck."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import s2jax
from s2jax.feeds import batches, corpus_source, stack_rows
from s2jax.stream import Stream

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:os.fork"),  # of JAX, in the process that forks
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),  # of Python 3.12
]
CHEAP = s2jax.presets.s2(length=64, inputs=s2jax.inputs.ARMA(), target=s2jax.Identity())
SEED, BLOCK = 3, 4


def run_forked(work: Callable[[], Any], seconds: float = 60) -> Any:
    """What a forked process made of it; the error's text if it raised."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def report() -> None:
        try:
            there.send(work())
        except BaseException as error:
            there.send(f"{type(error).__name__}: {error}")

    process = context.Process(target=report)
    process.start()
    try:
        assert here.poll(seconds), "the forked process is stuck"
        return here.recv()
    finally:
        process.kill()
        process.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("forks") / "corpus"
    s2jax.corpus.write_corpus(path, CHEAP, 8, SEED, BLOCK, BLOCK)
    return path


def test_rows_of_a_corpus_need_no_jax(folder: Path) -> None:
    rows, corpus = corpus_source(folder), s2jax.read_corpus(folder)
    want = stack_rows([rows[row] for row in (6, 1)])  # opens both files before the fork
    for source in (rows.__getitem__, corpus.row):
        got = run_forked(lambda source=source: stack_rows([source(row) for row in (6, 1)]))
        assert isinstance(got, dict), got
        for name, values in want.items():
            np.testing.assert_array_equal(got[name], values)


@pytest.mark.parametrize("way", ["read", "stream", "batches", "sample", "write"])
def test_what_needs_jax_is_refused(way: str, folder: Path, tmp_path: Path) -> None:
    corpus, stream, key = s2jax.read_corpus(folder), Stream(CHEAP, SEED, BLOCK), jax.random.key(0)
    feed = batches(CHEAP, SEED, BLOCK, block_size=BLOCK, ahead=1)
    ways: dict[str, Callable[[], Any]] = {
        "read": lambda: corpus[[0, 1]],
        "stream": lambda: stream[0],
        "batches": lambda: next(feed),
        "sample": lambda: s2jax.sample(key, CHEAP, BLOCK),
        "write": lambda: s2jax.corpus.write_corpus(tmp_path / "new", CHEAP, 8),
    }
    told = run_forked(ways[way])
    assert isinstance(told, str), told
    assert told.startswith("RuntimeError: ")
    assert "forked after JAX had started" in told
    assert 'multiprocessing_context="spawn"' in told
    assert ("corpus_source" in told) == (way == "read")
    assert not list(tmp_path.iterdir())


def test_a_fork_before_jax_starts_may_draw() -> None:
    """What never was stuck is not refused; and the guard bites in the same process later."""
    code = (
        "import os, sys, jax, s2jax\n"
        "config = s2jax.presets.s2(64, inputs=s2jax.inputs.ARMA(), target=s2jax.Identity())\n"
        "stream = s2jax.Stream(config, 3, 4)\n"
        "for wanted in (0, 1):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        try: stream[0].y.block_until_ready()\n"
        "        except RuntimeError as error: os._exit('forked after' in str(error))\n"
        "        os._exit(0)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == wanted, wanted\n"
        "    stream[0].y.block_until_ready()\n"
    )
    root = str(Path(__file__).parents[1])
    ends = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=os.environ | {"PYTHONPATH": root},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ends.returncode == 0, ends.stderr


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # on one core
def test_workers_of_torch(folder: Path, peer: Callable[[str], Any]) -> None:
    torch = peer("torch")
    loader = torch.utils.data.DataLoader(
        corpus_source(folder), batch_size=4, num_workers=2, collate_fn=stack_rows,
        multiprocessing_context="fork", timeout=60,
    )  # fmt: skip
    ids = np.concatenate([batch["id"] for batch in loader])
    np.testing.assert_array_equal(ids, np.arange(8))
    loader = torch.utils.data.DataLoader(
        s2jax.read_corpus(folder), num_workers=1, multiprocessing_context="fork", timeout=60
    )
    with pytest.raises(RuntimeError, match="forked after JAX had started"):
        next(iter(loader))
