"""Strict settings for the whole suite, and keys that depend on nothing but the test's name."""

import contextlib
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.compiled import compiling_quickly, prepare_folder

os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
).strip()

# what one worker has compiled, the others, their subprocesses and later runs load
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(prepare_folder())
    # tests compute step by step: tens of thousands of tiny programs, of 50 CPU ms each
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

import jax
import jaxtyping
import numpy as np
import pytest

from tests.peers import need

collect_ignore = ["reference"]  # writes the tables that tests read; imports the reference itself

jax.config.update("jax_numpy_dtype_promotion", "strict")
# "allow": (batch,) against (nodes, batch) is how node-major code reads a per-row number
jax.config.update("jax_numpy_rank_promotion", "allow")

# From here on every annotation in the package is checked at each call; an int is a float, as in
# PEP 484.
_CHECKER = "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
jaxtyping.install_import_hook("s2jax", _CHECKER)


# workers take file after file; begun with what takes longest, they end together
LONGEST = (
    "test_ode.py", "test_generate.py", "test_gradient.py", "test_feeds.py",
    "test_every_configuration.py",
    "test_sizes.py", "test_operators.py", "test_laws.py", "test_systems.py", "test_readme.py",
    "test_cli.py", "test_corpus.py", "test_tokens.py", "test_accelerators.py", "test_solve.py",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take the fixture `peer` are marked `peers`; the longest files come first.

    Before all others come files marked `floats`: each change of the way forgets all programs.
    """
    for item in items:
        if "peer" in getattr(item, "fixturenames", ()):
            item.add_marker("peers")
    place = {name: number for number, name in enumerate(LONGEST)}
    first = lambda item: (not _is_of_floats(item), place.get(item.path.name, len(place)))
    items.sort(key=first)


def _is_of_floats(item: pytest.Item) -> bool:
    """Whether the item's file is marked `floats`."""
    module = item.getparent(pytest.Module)
    return module is not None and any(mark.name == "floats" for mark in module.own_markers)


_way = contextlib.ExitStack()  # how programs are compiled at the moment: at first as for users
_is_quick = False


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Programs of tests marked `floats` are compiled as for users, those of all others quickly.

    What has been compiled in one way is not called in the other.
    """
    global _is_quick
    if _is_quick != (item.get_closest_marker("floats") is None):
        _is_quick = not _is_quick
        _way.close()
        jax.clear_caches()
        if _is_quick:
            _way.enter_context(compiling_quickly())


@pytest.fixture
def peer() -> Callable[[str], Any]:
    """Imports a module of a peer, or skips the test."""
    return need


@pytest.fixture(autouse=True, scope="module")
def bounded_memory() -> Iterator[None]:
    """Programs are forgotten before there are too many: they are read again from their folder.

    Linux lets a process map 65530 areas, and two workers share the machine's memory.
    """
    yield
    process = Path("/proc/self")
    if (process / "maps").exists():
        areas = len((process / "maps").read_bytes().splitlines())
        resident = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        if areas > 25_000 or resident > 3 << 30:
            jax.clear_caches()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number that depends on the test's id only: adding a test moves no other."""
    return zlib.crc32(request.node.nodeid.encode())


@pytest.fixture
def key(seed: int) -> jax.Array:
    """The root key folded with the test's id."""
    return jax.random.fold_in(jax.random.key(0), np.uint32(seed))


@pytest.fixture
def unchecked() -> Iterator[None]:
    """The package as its users have it, without checks of annotations: for its own messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
