"""Pairs in the files of the reference implementation: one `.npz` per pair."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from s2jax.config.compat_s2generator import WORDS
from s2jax.core import checks
from s2jax.corpus._npz import Pair, Unreadable, read_pair, write_pair
from s2jax.corpus.places import local_of
from s2jax.programs import Program
from s2jax.sampling import Batch
from s2jax.targets.acceptance import Status
from s2jax.text import from_text, to_prefix, to_text

_KNOWN = {*WORDS[1], *WORDS[2], "pow", "e", "pi", "euler_gamma"}


class ReferencePairs(eqx.Module):
    """Pairs read from files of the reference, a row per file.

    There, y is `scale * (f(x) - mean) / deviation` of factors that were not stored, the time axis
    may be spliced of several series, and a series that does not vary may be NaN.

    Attributes:
        x: The inputs; channels that a row does not have are zero.
        y: The outputs; those that a row does not have are zero.
        program: One program per row and output, protected.
        x_mask, y_mask: Which inputs and outputs a row has.
        text: The symbol as it stands in each file.
        files: The files, in order.
        skipped: Files that could not be read, with the reason.
    """

    x: Float[Array, "batch inputs time"]
    y: Float[Array, "batch outputs time"]
    program: Program
    x_mask: Bool[Array, "batch inputs"]
    y_mask: Bool[Array, "batch outputs"]
    text: tuple[str, ...] = eqx.field(static=True)
    files: tuple[str, ...] = eqx.field(static=True)
    skipped: tuple[tuple[str, str], ...] = eqx.field(static=True, default=())


def read_reference(path: str | os.PathLike[str], errors: str = "raise") -> ReferencePairs:
    """Pairs that the reference wrote with `save_s2data`, or `write_reference` did.

    Nothing is unpickled. Rows are in the order of file names and may differ in their numbers of
    channels, but not in length.

    Args:
        path: An `.npz` file, or a folder of them.
        errors: `"raise"`, or `"skip"` to leave out files that cannot be read and to list them in
            `skipped`.

    Returns:
        The pairs, in JAX's float type; `program` evaluated on `x` is f(x).

    Raises:
        FileNotFoundError: If there is no such file, or none in the folder.
        ValueError: If a file cannot be read, with its name and the reason: it is a `.npy` file,
            which is a pickle; it lacks an array; its symbol holds `rand` or `diff`; the arrays do
            not fit the symbol or each other.

    Example:
        >>> import tempfile, jax, s2jax
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.reference(length=64), 4)
        >>> folder = tempfile.mkdtemp()
        >>> files = write_reference(batch, folder)
        >>> pairs = read_reference(folder)
        >>> pairs.x.shape, pairs.text[0] == s2jax.to_text(batch.program)[0]
        ((4, 1, 64), True)
    """
    call = f"read_reference({str(path)!r})"
    if errors not in ("raise", "skip"):
        near = checks.unknown(errors, ("raise", "skip"))
        raise ValueError(f"read_reference(errors={errors!r}): {near}")
    pairs: list[Pair] = []
    skipped: list[tuple[str, str]] = []
    for file in _files(local_of(path, "read_reference", "a file of pairs"), call):
        try:
            pair = read_pair(file)
            _check_length(pair, pairs)
            pairs.append(pair)
        except Unreadable as reason:
            _refuse(file, reason, errors, skipped)
    program, pairs = _programs(pairs, errors, skipped)
    if not pairs:
        reasons = "; ".join(f"{name}: {why}" for name, why in skipped[:3])
        raise ValueError(f"{call}: no file could be read. {reasons}")
    x, x_mask = _stack([pair.x for pair in pairs])
    y, y_mask = _stack([pair.y for pair in pairs])
    text, files = tuple(pair.text for pair in pairs), tuple(str(pair.file) for pair in pairs)
    return ReferencePairs(x, y, program, x_mask, y_mask, text, files, tuple(skipped))


def write_reference(batch: Batch, path: str | os.PathLike[str], first: int = 0) -> tuple[Path, ...]:
    """Write each usable row as a file that the reference's `load_s2data` reads.

    Row i becomes `pair-00000.npz`, counted from `first`, with the symbol as text, the used inputs
    as `excitation (time, inputs)` and the used outputs as `response (time, outputs)`. Rows whose
    status is not 0 are left out. A file gets its name when it is complete. Scales and shifts of y
    are not part of the format.

    Args:
        batch: What `sample` returned.
        path: A folder; made if it is not there.
        first: Number of the first row; for several batches in one folder.

    Returns:
        The files written.

    Raises:
        TypeError: If `batch` is no batch of numbers.
        FileExistsError: If one of the files is there already.
        ValueError: If the batch holds solutions of differential equations, or irregular times; or
            if a symbol means something else there: the reference has no `neg`, `tanh`, `max` and
            the like, and its `pow` does not take the absolute value of the base.

    Example:
        >>> import tempfile, jax, s2jax
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.reference(length=64), 4)
        >>> [file.name for file in write_reference(batch, tempfile.mkdtemp())][:2]
        ['pair-00000.npz', 'pair-00001.npz']
    """
    if not isinstance(batch, Batch):
        raise TypeError(
            f"write_reference(batch of type {type(batch).__name__}): must be a Batch. Pass what "
            "s2jax.sample returned."
        )
    if batch.t is not None:
        raise ValueError(
            "write_reference(batch with times t): must hold y = f(x) at regular times, because "
            "these files have no place for others. Use s2jax.corpus.write_corpus."
        )
    checks.check_static_integer("write_reference", "first", first, 0)
    texts = to_text(batch.program)
    rows = np.flatnonzero(np.asarray(batch.status) == Status.OK.value).tolist()
    _check_words(batch.program, rows)
    folder = local_of(path, "write_reference", "a file of pairs")
    folder.mkdir(parents=True, exist_ok=True)
    files = {row: folder / f"pair-{first + row:05d}.npz" for row in rows}
    for file in files.values():
        if file.exists():
            raise FileExistsError(
                f"write_reference(path={str(path)!r}): {file.name} must not exist already. "
                "Choose another folder, or raise `first`."
            )
    x, y = _columns(batch.x, batch.x_mask), _columns(batch.y, batch.y_mask)
    for row, file in files.items():
        write_pair(Pair(file, texts[row], x(row), y(row)))
    return tuple(files.values())


def _columns(series: Any, mask: Any) -> Callable[[int], np.ndarray]:
    """A function from a row to its used channels as columns."""
    series, mask = np.asarray(series, np.float64), np.asarray(mask)
    return lambda row: np.ascontiguousarray(series[row][mask[row]].T)


def _check_words(program: Program, rows: list[int]) -> None:
    """Refuse programs that the reference would not read, or read as another function."""
    prefix = to_prefix(program)
    for row in rows:
        words = {word for output in prefix[row] for word in output if word[0].isalpha()}
        unknown = sorted(w for w in words if w not in _KNOWN and not w.startswith("x_"))
        if unknown:
            raise ValueError(
                f"write_reference(batch): the operators of row {row} must be among the "
                f"reference's, which has no `{unknown[0]}`. Give it the weight 0."
            )
        if "pow" in words and program.protected:
            raise ValueError(
                f"write_reference(batch): row {row} must not hold `pow`, because the reference "
                "does not take the absolute value of its base. Draw with protected=False."
            )


def _files(path: Path, call: str) -> Iterator[Path]:
    if not path.exists():
        raise FileNotFoundError(f"{call}: must be a file or a folder, but nothing is there.")
    if not path.is_dir():
        yield path
        return
    files = sorted(file for file in path.iterdir() if file.suffix in (".npz", ".npy"))
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        raise FileNotFoundError(f"{call}: the folder must hold .npz files, but holds none.")
    yield from files


def _refuse(
    file: Path, reason: Exception | str, errors: str, skipped: list[tuple[str, str]]
) -> None:
    if errors == "raise":
        raise ValueError(
            f'read_reference: {file}: {reason}. Pass errors="skip" to leave such files out.'
        ) from None
    skipped.append((str(file), str(reason)))


def _check_length(pair: Pair, before: list[Pair]) -> None:
    if before and len(pair.x) != len(before[0].x):
        raise Unreadable(
            f"has {len(pair.x)} time steps, but {before[0].file.name} has {len(before[0].x)}; all "
            "must have as many. Move it to another folder"
        )


def _programs(
    pairs: list[Pair], errors: str, skipped: list[tuple[str, str]]
) -> tuple[Program, list[Pair]]:
    """Programs of all pairs; if one cannot be read, of those that can."""
    try:
        return from_text([pair.text for pair in pairs], protected=True), pairs
    except ValueError:
        good = []
        for pair in pairs:
            try:
                from_text(pair.text, protected=True)
                good.append(pair)
            except ValueError as reason:
                _refuse(pair.file, f"the symbol cannot be read: {reason}", errors, skipped)
        return from_text([pair.text for pair in good], protected=True), good


def _stack(series: list[np.ndarray]) -> tuple[Float[Array, "b c t"], Bool[Array, "b c"]]:
    """Series `(time, channels)` as one array, and which channels each row has."""
    counts = np.array([one.shape[1] for one in series])
    out = np.zeros((len(series), counts.max(), len(series[0])))
    for row, one in zip(out, series, strict=True):
        row[: one.shape[1]] = one.T
    mask = np.arange(out.shape[1]) < counts[:, None]
    return jnp.asarray(out, jnp.result_type(float)), jnp.asarray(mask)
