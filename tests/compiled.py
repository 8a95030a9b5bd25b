"""How programs are compiled in tests, and where they are kept between runs."""

import contextlib
import importlib.metadata
import platform
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".pytest_cache" / "compiled"
MAX_BYTES = 1 << 30

# Compiles in a third of the time; floats may differ in their last bits. What a test says of those,
# it says of the product as XLA compiles it for users: tests that do are marked `floats`.
QUICKLY: dict[str, int | bool] = {"xla_backend_optimization_level": 0}
if importlib.metadata.version("jaxlib").startswith("0.10."):
    QUICKLY["xla_cpu_use_fusion_emitters"] = False  # newer ones have no such option


def quick_flags() -> str:
    """The same for a process of its own: what it does is the test, not what its floats are."""
    text = lambda value: str(value).lower() if isinstance(value, bool) else str(value)
    return " ".join(f"--{name}={text(value)}" for name, value in QUICKLY.items())


@contextlib.contextmanager
def compiling_quickly() -> Iterator[None]:
    """Every program is compiled with `QUICKLY`, below what it asks for itself.

    JAX takes such options from the environment only, once for a process: this goes through a
    private function of it, and where that is gone, programs are compiled as for users.
    """
    from jax._src import compiler  # after the settings of conftest.py

    whole = getattr(compiler, "get_compile_options", None)
    if whole is None:
        yield
        return

    def options(*args, env_options_overrides: dict | None = None, **others):
        asked = QUICKLY | (env_options_overrides or {})
        return whole(*args, env_options_overrides=asked, **others)

    compiler.get_compile_options = options
    try:
        yield
    finally:
        compiler.get_compile_options = whole


def prepare_folder(folder: Path = FOLDER, max_bytes: int = MAX_BYTES) -> Path:
    """Return the folder of this processor and this version of jaxlib, and make room in it.

    A program runs on the processor that it was compiled for; flags of XLA are part of JAX's own
    keys. Where nothing can be written, it is a temporary folder.
    """
    own = folder / f"{importlib.metadata.version('jaxlib')}-{name_processor()}"
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="s2jax-compiled-"))
    forget_oldest(folder, max_bytes)
    return own


def name_processor() -> str:
    """Name the processor by its instructions, or as well as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    told = [line for line in lines if line.startswith(("flags", "Features"))][:1]
    told += [platform.machine(), platform.processor()]
    return f"{zlib.crc32(repr(told).encode()):08x}"


def forget_oldest(folder: Path, max_bytes: int) -> None:
    """Delete files, those not read for longest first, until the rest is within bounds.

    What another run deletes at the same time is no error.
    """
    found = []
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if file.is_file():
                facts = file.stat()
                found.append((facts.st_atime, facts.st_size, file))
    left = sum(size for _, size, _ in found)
    for _, size, file in sorted(found):
        if left <= max_bytes:
            return
        with contextlib.suppress(OSError):
            file.unlink()
        left -= size
