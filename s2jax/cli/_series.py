"""Where commands have their series from: corpora, configurations, and files of arrays."""

from typing import Any, NamedTuple

import numpy as np

from s2jax.cli._commands import StatsPreset, UsageError

_BLOCK = 1024


class Rows(NamedTuple):
    """Some rows of a source.

    Attributes:
        y: Outputs in their own units, NaN where they are not used.
        x: Inputs; None if there are none.
        batch, config: What y and x are of; None for a file of series.
        numbers: Those of the rows in their source.
        recipe: What has row number N.
    """

    y: np.ndarray
    x: np.ndarray | None = None
    batch: Any = None
    config: Any = None
    numbers: Any = ()
    recipe: str = ""


def read_rows(path: str, rows: int, seed: int) -> Rows:
    """Random rows of a corpus or of a .npy file."""
    random = np.random.default_rng(seed)
    if path.endswith(".npy"):
        return _read_array(path, rows, random)
    from s2jax.corpus import read_corpus

    try:
        corpus = read_corpus(path)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    chosen = np.sort(random.permutation(len(corpus))[:rows])
    found = _rows_of(corpus.batch_of(corpus.table(chosen)), corpus.known_config)
    return found._replace(numbers=chosen, recipe=f"s2jax.read_corpus({str(path)!r}).row(N)")


def _read_array(path: str, rows: int, random: np.random.Generator) -> Rows:
    try:
        series = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: is no file of an array of numbers: {error}") from error
    if series.ndim != 2 or series.dtype.kind not in "iuf":
        raise UsageError(
            f"{path}: must be numbers of shape (series, steps), and has {series.shape} of "
            f"{series.dtype}."
        )
    chosen = np.sort(random.permutation(len(series))[:rows])
    found = series[chosen, None].astype(np.float32)
    return Rows(found, numbers=chosen, recipe=f"numpy.load({str(path)!r})[N]")


def draw_rows(command: StatsPreset) -> Rows:
    """The first rows of the stream of a preset."""
    from s2jax import presets

    try:
        config = getattr(presets, command.preset)(length=command.length)
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error
    batch = draw_batch(config, command.rows, command.seed)
    recipe = (
        f"s2jax.read_corpus(FOLDER).row(N), written by s2jax generate FOLDER --preset "
        f"{command.preset} --length {command.length} --seed {command.seed} --rows {command.rows}"
    )
    return _rows_of(batch, config)._replace(numbers=np.arange(command.rows), recipe=recipe)


def draw_batch(config: Any, rows: int, seed: int) -> Any:
    """The first rows of the stream of a configuration."""
    import jax
    import jax.numpy as jnp

    from s2jax.stream import Stream

    try:
        stream = Stream(config, seed, min(rows, _BLOCK))
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error
    blocks = [stream[block] for block in range(-(-rows // stream.block_size))]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[:rows], *blocks)


def _rows_of(batch: Any, config: Any) -> Rows:
    from s2jax.corpus.figures import outputs_of

    y = outputs_of(batch)
    return Rows(y, np.asarray(batch.x) if batch.x.shape[1] else None, batch, config)
