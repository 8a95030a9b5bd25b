"""The command that says what solutions of differential equations do."""

from pathlib import Path
from typing import Any

import numpy as np

from s2jax.cli._commands import Census, CensusPreset, UsageError
from s2jax.cli._config import config_of
from s2jax.cli._machine import prepare_to_draw
from s2jax.cli._series import draw_batch


def census(command: Census, options: dict[str, list[str]]) -> int:
    """Print a census of drawn rows, or of those of a corpus."""
    if command.rows < 1:
        raise UsageError(f"--rows {command.rows}: must be >= 1.")
    prepare_to_draw()
    from s2jax import ode

    batch = _read(command, options) if _is_corpus(command) else _draw(command, options)
    try:
        found = ode.census(batch)
    except ValueError as error:
        raise UsageError(str(error)) from error
    print(found)
    return 0


def _is_corpus(command: Census) -> bool:
    return not isinstance(command, CensusPreset) and not command.path.endswith(".toml")


def _draw(command: Census, options: dict[str, list[str]]) -> Any:
    if not isinstance(command, CensusPreset):
        command = CensusPreset(command.rows, command.seed, config=Path(command.path))
    config = config_of(command, options)
    source = f"--preset {command.preset}" if command.config is None else str(command.config)
    _check_target(source, config)
    return draw_batch(config, command.rows, command.seed)


def _read(command: Census, options: dict[str, list[str]]) -> Any:
    """Random rows of a corpus."""
    from s2jax.corpus import read_corpus

    if options:
        raise UsageError(
            f"--{next(iter(options))}: is a field of a configuration, and those of a corpus are as "
            "they are. Pass --preset ode in place of the corpus to draw rows."
        )
    try:
        corpus = read_corpus(command.path)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    _check_target(str(command.path), corpus.known_config)
    random = np.random.default_rng(command.seed)
    chosen = np.sort(random.permutation(len(corpus))[: command.rows])
    return corpus.batch_of(corpus.table(chosen))


def _check_target(source: str, config: Any) -> None:
    """Refuse what has no column for the form of an equation, before anything is drawn."""
    if "form" not in config.target.columns():
        raise UsageError(
            f"{source}: must be of solutions of differential equations, because a census says what "
            "these do, and its target is another. Pass for example --preset ode."
        )
