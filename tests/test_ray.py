"""Shards written by Ray are those of one process, and Ray listens to nobody else."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest

from s2jax.corpus import ray_engine, write_corpus
from tests import faults

psutil = pytest.importorskip("psutil")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def listening() -> set[str]:
    """Addresses at which descendants of this process listen, other than loopback ones."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        try:
            connections = process.net_connections("inet")
        except psutil.Error:
            continue
        found |= {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    return found


@pytest.mark.floats
def test_a_local_cluster(tmp_path: Path) -> None:
    """With a worker killed on the way."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is an extra")
    whole = tmp_path / "whole"
    faults.write(whole)
    heard: set[str] = set()
    killed: list[int] = []
    finished = threading.Event()

    def watch() -> None:
        while not finished.is_set():
            heard.update(listening())
            for process in psutil.Process().children(recursive=True):
                if not killed and process.name().startswith("ray::_write"):
                    killed.append(process.pid)
                    os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    seen: list[int] = []
    try:
        write_corpus(
            tmp_path / "ray", faults.CONFIG, faults.ROWS, faults.SEED, faults.SHARD, faults.BLOCK,
            seen.append, engine=ray_engine(),
        )  # fmt: skip
    finally:
        finished.set()
        watcher.join()
    faults.check_finished(tmp_path / "ray", faults.content(whole))
    assert seen[-1] == faults.ROWS
    assert killed
    assert heard
    assert heard <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@pytest.mark.long
def test_sigterm_interrupts_its_tasks(tmp_path: Path) -> None:
    """Ray's own handler would end the process with another code, and leave what was begun."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is an extra")
    code = (
        "import os, sys\n"
        "from s2jax import cli\n"
        "from s2jax.cli._progress import Progress\n"
        "Progress.__call__ = lambda self, rows: rows >= 16 and os.kill(os.getpid(), 15)\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    options = "--rows 64 --shard-rows 8 --block-size 4 --length 64 --inputs ARMA --target Identity"
    folder = tmp_path / "new"
    ends = subprocess.run(
        [sys.executable, "-c", code, "generate", str(folder), *options.split(), "--engine", "ray"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "XLA_FLAGS": ""},
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert ends.returncode == 3, ends.stderr
    assert "s2jax: interrupted. To go on: s2jax generate" in ends.stderr
    assert list(folder.glob("data/train-*"))
    assert not list(folder.rglob("_tmp-*"))


def test_ray_that_would_listen_everywhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", raising=False)
    imported = types.SimpleNamespace(is_initialized=lambda: False)
    monkeypatch.setitem(sys.modules, "ray", imported)
    with pytest.raises(RuntimeError, match="before Ray is imported, or with RAY_ENABLE"):
        ray_engine()
