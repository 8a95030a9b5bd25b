"""What rows of a corpus are like, in a few lines of Markdown."""

import numpy as np

from s2jax import ode, statistics
from s2jax.corpus.info import outcomes
from s2jax.corpus.rows import Corpus
from s2jax.programs import skeleton_hash
from s2jax.sampling import Batch

SHOWN = {
    "skill_1": "one step ahead, an autoregression explains (1: all, 0: nothing)",
    "skill_many": "the same for 48 steps at once",
    "spectral_entropy": "0: a line spectrum, 1: white noise",
    "permutation_entropy": "of the order of values, 1: white noise",
    "acf_1": "autocorrelation at one step",
    "season_peak": "highest later peak of the autocorrelation",
    "turning_points": "per 100 steps; white noise 67, a line 0",
    "trend_strength": "of a trend beside what is left",
    "tail_index": "Hill's: small is heavy",
}
"""Features that people are shown, and what they say."""
_SHARES = {
    "unforecastable": "cannot be forecast by an autoregression",
    "constant": "are constant",
    "affine": "are affine in an input",
    "monotone": "are monotone",
    "counts": "are counts",
}
_CHUNK, _FEWEST_CHUNKS = 128, 8
_MOST_STEPS = 4096  # that `statistics.describe` takes


def figures_of(corpus: Corpus, rows: int) -> str:
    """How many programs were accepted, and what rows show that are spread over the corpus."""
    accepted, rejected = outcomes(corpus.manifest)
    parts = [f"Accepted: {accepted.replace(' accepted', '')}."]
    if rejected:
        parts[0] += f" Rejected: {rejected}."
    batch = corpus[_spread(len(corpus), rows)]
    usable = np.asarray(batch.status) == 0
    if not usable.any():
        return "\n\n".join([*parts, f"None of {len(usable):,} rows that were measured is usable."])
    parts += _on_series(outputs_of(batch)[usable], np.asarray(batch.x)[usable])
    parts += _on_programs(batch, usable)
    return "\n\n".join(parts)


def outputs_of(batch: Batch) -> np.ndarray:
    """The outputs of a batch in their own units, NaN where a row has none."""
    scale, shift = (np.asarray(one)[..., None] for one in (batch.y_scale, batch.y_shift))
    y = (np.asarray(batch.y) - shift) / scale
    return np.where(np.asarray(batch.y_mask)[..., None], y, np.nan)


def shares_of(y: np.ndarray, x: np.ndarray | None) -> statistics.Shares:
    """What share of outputs is of which kind; those without any value are none.

    Args:
        y: Outputs, `(rows, outputs, time)`, NaN where a row has none.
        x: Inputs, `(rows, inputs, time)`, or None.
    """
    row, output = np.nonzero(np.isfinite(y).any(-1))
    return statistics.shares(y[row, output][:, None], None if x is None else x[row])


def _spread(number: int, rows: int) -> list[int]:
    """Up to so many row numbers, in chunks that are spread, so that few row groups are read."""
    if rows >= number:
        return list(range(number))
    size = max(1, min(_CHUNK, rows // _FEWEST_CHUNKS))
    starts = np.linspace(0, number - size, rows // size).astype(int)
    return np.unique(starts[:, None] + np.arange(size)).tolist()


def _on_series(y: np.ndarray, x: np.ndarray) -> list[str]:
    """Features of outputs, and what share of them is of which kind."""
    steps = min(y.shape[-1], _MOST_STEPS)
    y, x = y[..., :steps], x[..., :steps]
    found = statistics.describe(y.reshape(-1, steps))._asdict()
    kinds = shares_of(y, x if x.shape[1] else None)._asdict()
    lines = []
    for name, meaning in SHOWN.items():
        values = np.asarray(found[name])
        if np.isfinite(values).any():
            quartiles = np.nanpercentile(values, [25, 50, 75])
            low, middle, high = (f"{round(one, 2) + 0.0:.2f}" for one in quartiles)
            lines.append(f"| `{name}` | {middle} | {low} to {high} | {meaning} |")
    heads = f"| of {len(y):,} rows, {steps:,} steps | median | middle half | |\n|---|---|---|---|"
    known = {name: float(kinds[name]) for name in _SHARES}
    said = [f"{100 * known[name]:.0f} % {verb}" for name, verb in _SHARES.items()
            if np.isfinite(known[name])]  # fmt: skip
    return ["\n".join([heads, *lines]), f"Of these outputs {', '.join(said)}."]


def _on_programs(batch: Batch, usable: np.ndarray) -> list[str]:
    """How many expressions differ, and what solutions do."""
    length = np.asarray(batch.program.length)
    is_there = usable.reshape(-1, *[1] * (length.ndim - 1)) & (length > 0)
    if not is_there.any():
        return []
    words = np.asarray(skeleton_hash(batch.program, normal=True))[is_there]
    different = len(np.unique(words, axis=0))
    said = f"Expressions that differ in more than their constants: {different:,} of {len(words):,}."
    if batch.dynamics is None:
        return [said]
    found = ode.census(batch, audit=0).total
    kinds = ", ".join(f"{100 * found[name].value:.0f} % {name}" for name in ode.CLASSES)
    return [said, f"Of the solutions, as `s2jax.ode.census` tells them, {kinds}."]
