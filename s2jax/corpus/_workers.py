"""Worker processes that write shards: whichever dies costs the shard it was at, and no more.

Supervisor and worker send each other lines of JSON: the plan and numbers of shards one way, rows
written and shards finished the other. A worker whose supervisor is gone ends at its next line.
"""

import collections
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

import jax

from s2jax.config.registry import addresses_of, register_from
from s2jax.core.interrupts import heard, sending_again
from s2jax.corpus.files import sweep
from s2jax.corpus.places import Place, place_from_json, place_to_json
from s2jax.corpus.plan import Plan
from s2jax.corpus.remote import recall, remember
from s2jax.corpus.shards import write_shard

_ATTEMPTS = 3
_GRACE = 10.0  # seconds for workers to remove what they have begun; schedulers leave 30


def write_by_workers(
    folder: Place, plan: Plan, todo: list[int], report: Callable[[int], object], workers: int
) -> None:
    """Write shards with up to `workers` processes of this machine's CPU.

    Raises:
        ValueError: If an accelerator draws, which processes cannot share.
        OSError: What a worker met.
        RuntimeError: If a shard killed its worker three times, or a worker met another error.
    """
    platform = plan.head["backend"]["platform"]
    if platform != "cpu":
        raise ValueError(
            f"write_corpus(workers={workers}): must be 1 on {platform}, because each process would "
            "take the device's memory. Use workers=1, or one part per device: part=(i, n)."
        )
    waiting, failures = collections.deque(todo), collections.Counter[int]()
    events: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]] = queue.SimpleQueue()
    start = lambda: _Worker(folder, plan, events)
    crew = {start() for _ in range(min(workers, len(todo)))}
    try:
        for worker in crew:
            worker.take(waiting.popleft())
        while crew:
            worker, event = events.get()
            if worker not in crew:  # it was dismissed
                continue
            if event is None:  # it died
                crew.discard(worker)
                code = worker.wait()
                report(-worker.rows)
                failures[worker.shard] += 1
                if failures[worker.shard] == _ATTEMPTS:
                    raise RuntimeError(
                        f"write_corpus(workers={workers}): {_ATTEMPTS} workers died at "
                        f"{plan.name(worker.shard)}, the last with exit code {code}. Use "
                        "fewer workers if memory is short, or workers=1 to see the error."
                    )
                crew.add(successor := start())
                successor.take(worker.shard)
            elif "error" in event:
                number, text = event["errno"], event["error"]
                raise OSError(number, text) if number else RuntimeError(text)
            elif "rows" in event:
                worker.rows += event["rows"]
                report(event["rows"])
            else:
                remember(folder / plan.name(worker.shard), event["sent"])
                if waiting:
                    worker.take(waiting.popleft())
                else:
                    crew.discard(worker)
                    worker.dismiss()
    finally:
        for worker in crew:
            worker.ask_to_end()
        last = time.monotonic() + _GRACE
        for worker in crew:
            worker.end(max(last - time.monotonic(), 0))
        sweep(folder / "data")  # one that compiles does not hear that it is to end


class _Worker:
    """A process, the shard it is at and the rows it has written of it."""

    def __init__(self, folder: Place, plan: Plan, events: queue.SimpleQueue) -> None:
        command = [sys.executable, "-c", "from s2jax.corpus import _workers; _workers.main()"]
        pipe = subprocess.PIPE
        own = addresses_of(plan.head["config"])
        task = {
            "folder": place_to_json(folder),
            "head": plan.head,
            "own": own,
            "path": [*map(str, sys.path)],
        }
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.shard, self.rows = -1, 0
        self._send(task)
        self._ear = threading.Thread(target=self._listen, args=(events,), daemon=True)
        self._ear.start()

    def take(self, shard: int) -> None:
        """Give it a shard."""
        self.shard, self.rows = shard, 0
        self._send(shard)

    def dismiss(self) -> None:
        """Let it end."""
        with contextlib.suppress(OSError):
            self._input.close()
        self.wait()

    def ask_to_end(self) -> None:
        """Let it remove the file that it has begun, and end."""
        self._process.terminate()

    def end(self, seconds: float) -> None:
        """End it after so many seconds, if it has not ended by then: it may be compiling."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self.wait()

    def wait(self) -> int:
        """Its exit code."""
        code = self._process.wait()
        self._ear.join()
        with contextlib.suppress(OSError):
            self._input.close()
        self._output.close()
        return code

    @property
    def _input(self) -> Any:
        return self._process.stdin

    @property
    def _output(self) -> Any:
        return self._process.stdout

    def _send(self, message: Any) -> None:
        with contextlib.suppress(OSError):  # a dead worker is noticed by who listens
            print(json.dumps(message), file=self._input, flush=True)

    def _listen(self, events: queue.SimpleQueue) -> None:
        """Pass on what it says, and None when it has ended."""
        for line in self._output:
            with contextlib.suppress(ValueError):  # the torn last line of a killed process
                events.put((self, json.loads(line)))
        events.put((self, None))


def main() -> NoReturn:
    """A worker's life. XLA's threads may be at work when it ends, so Python does not clear up."""
    code = 0
    try:
        _work()
    except SystemExit as end:
        code = int(end.code or 0)
    os._exit(code)


def _work() -> None:
    """Write shards until there are no more."""
    for name in ("SIGINT", "SIGHUP"):  # the supervisor hears them too
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, heard(lambda number, frame: sys.exit(128 + number)))
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints, prints elsewhere
    say = lambda **event: print(json.dumps(event), file=lines)
    task = json.loads(sys.stdin.readline())
    jax.config.update("jax_platforms", "cpu")
    try:
        with sending_again():
            register_from(task["own"], task["path"])
            folder, plan = place_from_json(task["folder"]), Plan.joined(task["head"])
            for line in sys.stdin:
                shard = json.loads(line)
                write_shard(folder, plan, shard, lambda rows: say(rows=rows))
                say(done=shard, sent=recall(folder / plan.name(shard)))
    except BrokenPipeError:
        return
    except Exception as error:
        say(error=f"{type(error).__name__}: {error}", errno=getattr(error, "errno", None))
