"""A command that runs: how it says how far it is, and how it ends when it is asked to."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from s2jax import cli
from s2jax.cli import _progress
from s2jax.cli._progress import Progress
from tests.faults import content

pytestmark = pytest.mark.floats

ROOT = Path(__file__).parent.parent
# 8 files of 8 rows, of a configuration that compiles fast
OPTIONS = "--rows 64 --shard-rows 8 --block-size 4 --length 64 --inputs ARMA --target Identity"
ARGUMENTS = [*OPTIONS.split(), "--card-rows", "0"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the corpus holds that is interrupted below."""
    out = tmp_path_factory.mktemp("running") / "whole"
    assert cli.main(["generate", str(out), *ARGUMENTS]) == cli.OK
    return content(out)


# ---- ends -----------------------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def interrupt_after(rows: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process signalled when so many rows are written."""
    sent: list[int] = []

    def call(self: Progress, done: int) -> None:
        if done >= rows and not sent:
            sent.append(done)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Progress, "__call__", call)


@pytest.mark.skipif(os.name != "posix", reason="these signals are of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_interrupts(
    name: str, whole: list[str], tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a file, whose beginning is not left behind."""
    number = getattr(signal, name)
    before = signal.getsignal(number)
    arguments = ["generate", str(tmp_path / "new"), *ARGUMENTS]
    with monkeypatch.context() as patch:
        interrupt_after(20, number, patch)
        assert cli.main(arguments) == cli.INTERRUPTED
    assert signal.getsignal(number) == before
    assert f"s2jax: interrupted. To go on: s2jax {' '.join(arguments)}" in capsys.readouterr().err
    left = names(tmp_path / "new")
    assert left[:2] == ["README.md", "_plan.json"]
    assert 0 < len(left[2:]) < 8
    assert all(file.startswith("train-") for file in left[2:])
    assert cli.main(arguments) == cli.OK
    assert content(tmp_path / "new") == whole


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has none")
def test_what_nohup_ignores_stays_ignored(
    whole: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interrupt_after(20, signal.SIGHUP, monkeypatch)
        assert cli.main(["generate", str(tmp_path / "new"), *ARGUMENTS]) == cli.OK
    finally:
        signal.signal(signal.SIGHUP, before)
    assert content(tmp_path / "new") == whole


@pytest.mark.skipif(os.name != "posix", reason="process groups are of POSIX")
@pytest.mark.parametrize(
    "send",
    ["os.killpg(0, 15)", pytest.param("os.kill(os.getpid(), 15)", marks=pytest.mark.long)],
)
def test_workers_end_with_it(send: str, whole: list[str], tmp_path: Path) -> None:
    """Schedulers signal the process, or all of its group."""
    code = (
        "import os, sys\n"
        "from s2jax import cli\n"
        "from s2jax.cli._progress import Progress\n"
        f"Progress.__call__ = lambda self, rows: rows >= 20 and {send}\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    arguments = ["generate", str(tmp_path / "new"), *ARGUMENTS, "--workers", "2"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XLA_FLAGS": ""}
    ends = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, start_new_session=True,
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert ends.returncode == cli.INTERRUPTED, ends.stderr
    assert "To go on: s2jax generate" in ends.stderr
    assert "Traceback" not in ends.stderr
    assert not [name for name in names(tmp_path / "new") if name.startswith("_tmp-")]
    assert cli.main(arguments[:-2]) == cli.OK
    assert content(tmp_path / "new") == whole


@pytest.mark.parametrize("code, clears_up", [(0, True), (3, False)])
def test_what_did_not_end_well_leaves_at_once(code: int, clears_up: bool) -> None:
    """Python's clearing up crashes while XLA's threads work; what was said is said still."""
    script = (
        "import atexit\n"
        "from s2jax import cli\n"
        "atexit.register(lambda: print('cleared up'))\n"
        f"cli.main = lambda: print('said') or {code}\n"
        "cli.run()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ends = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ends.returncode == code, ends.stderr
    assert ends.stdout.split("\n") == ["said", *["cleared up"] * clears_up, ""]


@pytest.mark.long  # compiles for some seconds
@pytest.mark.skipif(os.name != "posix", reason="these signals are of POSIX")
@pytest.mark.parametrize("name, seconds", [("SIGTERM", 2), ("SIGTERM", 12), ("SIGINT", 12)])
def test_a_signal_interrupts_compilation(name: str, seconds: float, tmp_path: Path) -> None:
    if signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        pytest.skip("what started the tests ignores the signal, and so do its children")
    command = [sys.executable, "-m", "s2jax.cli", "generate", str(tmp_path / "new")]
    options = ["--length", "64", "--rows", "65536", "--block-size", "1024", "--num-outputs", "2"]
    cache = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache")}
    with subprocess.Popen(
        [*command, *options], env=os.environ | {"PYTHONPATH": str(ROOT)} | cache,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline().startswith("compiling: ")
        time.sleep(seconds)
        process.send_signal(getattr(signal, name))
        said = process.stderr.read()
        assert process.wait(240) == cli.INTERRUPTED, said
    assert "s2jax: interrupted. To go on: s2jax generate" in said
    assert "Traceback" not in said
    assert not (tmp_path / "new").exists()


def test_a_thread_may_run_a_command(tmp_path: Path) -> None:
    """Handlers of signals can be set by the main thread only."""
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(cli.main(["info", str(tmp_path)])))
    thread.start()
    thread.join()
    assert codes == [cli.USAGE]


# ---- progress -------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines_of(calls: list[tuple[float, int]], total: int, monkeypatch: Any, stream: Any) -> str:
    """What is written when so many rows are done after so many seconds."""
    times = iter(when for when, _ in calls)
    monkeypatch.setattr(_progress.time, "perf_counter", lambda: next(times))
    monkeypatch.setattr(sys, "stderr", stream)
    progress = Progress(total)
    for _, rows in calls:
        progress(rows)
    progress.close()
    return stream.getvalue()


def test_lines_without_a_terminal_are_whole_and_few(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [(float(second), 10 * second) for second in range(3601)]
    text = lines_of(calls, 36_000, monkeypatch, io.StringIO())
    assert "\r" not in text
    lines = text.splitlines()
    assert len(lines) == 12  # after 10, 20, 40, ... seconds, then every 10 minutes, and at the end
    assert lines[0] == "100 of 36,000 rows (0%), 10 rows/s, 3,590 s left"
    assert lines[-1] == "36,000 of 36,000 rows (100%), 10 rows/s, 0 s left"


def test_rows_of_earlier_runs_are_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [(0.0, 500), (20.0, 600), (30.0, 560), (40.0, 1000)]  # a worker died at 30 seconds
    lines = lines_of(calls, 1000, monkeypatch, io.StringIO()).splitlines()
    assert lines == [
        "600 of 1,000 rows (60%), time left unknown",
        "560 of 1,000 rows (56%), time left unknown",
        "1,000 of 1,000 rows (100%), 44 rows/s, 0 s left",
    ]


def test_compiling_is_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [(0.0, 0), (30.0, 10), (31.0, 20), (50.0, 210), (120.0, 910), (121.0, 1000)]
    lines = lines_of(calls, 1000, monkeypatch, io.StringIO()).splitlines()
    assert lines == [
        "10 of 1,000 rows (1%), time left unknown",
        "210 of 1,000 rows (21%), 10 rows/s, 79 s left",
        "910 of 1,000 rows (91%), 10 rows/s, 9 s left",
        "1,000 of 1,000 rows (100%), 90 rows/s, 0 s left",
    ]
    all_at_once = lines_of([(0.0, 0), (20.0, 100)], 100, monkeypatch, io.StringIO())
    assert all_at_once == "100 of 100 rows (100%), 5 rows/s, 0 s left\n"


def test_nothing_to_do_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (io.StringIO(), Terminal()):
        assert lines_of([(0.0, 70)], 70, monkeypatch, stream) == ""


def test_a_terminal_has_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    text = lines_of([(0.0, 0), (0.1, 10), (1.0, 50), (2.0, 100)], 100, monkeypatch, Terminal())
    assert text == (  # each carriage return begins it again
        "\r50 of 100 rows (50%), 44 rows/s, 1 s left "
        "\r100 of 100 rows (100%), 50 rows/s, 0 s left \n"
    )


def test_a_terminal_has_the_bar_of_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm", reason="needs tqdm, which the extra `cli` installs")
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    progress = Progress(100)
    for rows in (20, 60, 100):
        progress(rows)
    progress.close()
    assert "100/100" in stream.getvalue()
    assert stream.getvalue().startswith("\r")


def test_parts_end_at_all_of_their_rows(whole: list[str], tmp_path: Path, capsys: Any) -> None:
    arguments = ["generate", str(tmp_path / "new"), *ARGUMENTS, "--shards"]
    for part, rows in (("0/3", 24), ("2/3", 16)):
        assert cli.main([*arguments, part]) == cli.OK
        told = capsys.readouterr()
        assert f"{rows} of {rows} rows (100%), " in told.err
        assert re.search(rf"part {part} is done, \d+ rows/s .*; others are missing", told.out)
    assert cli.main([*arguments, "0/3"]) == cli.OK
    told = capsys.readouterr()
    assert "rows/s" not in told.out + told.err
    assert cli.main([*arguments, "11/12"]) == cli.OK
    assert "part 11/12 has nothing to do, as there are fewer files" in capsys.readouterr().out
    assert cli.main([*arguments, "1/3"]) == cli.OK
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'new'}: 64 rows, ")
    assert content(tmp_path / "new") == whole
    assert cli.main(arguments[:-1]) == cli.OK
    told = capsys.readouterr()
    assert "there was nothing left to draw" in told.out
    assert "rows/s" not in told.out + told.err
