"""What the model of a run has learnt, and what a real series looks like to it."""

import dataclasses
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from s2jax.config import Config as DataConfig
from s2jax.core import checks
from s2jax.programs import Split
from s2jax.symtime._evaluate import (
    Guesses,
    Reconstruction,
    Retrieval,
    evaluate_patches,
    evaluate_retrieval,
    evaluate_words,
)
from s2jax.symtime._model import SymTime, encode_series
from s2jax.symtime._pairs import Pairs, embed, sample_pairs
from s2jax.symtime._pretrain import Run
from s2jax.symtime._views import to_inputs
from s2jax.text import from_tokens, to_text

_BATCHES = (64, 256)
_FIRST_KEY = 2**32 - 1  # of data to judge by; those of training begin with the seed


class Evaluation(NamedTuple):
    """What a model has learnt.

    Attributes:
        pairs: Non-linear ones that it was judged by.
        features: [CLS] of their series.
        series, symbols: Unit vectors of both where they are compared.
        is_unseen: Whether their expressions are of a part that training did not draw.
        retrieval: By "all" or "nonlinear", and by the number of rows among which partners are
            looked for.
        patches: Of hidden patches.
        words: Of hidden words.
    """

    pairs: Pairs
    features: Float[np.ndarray, "batch width"]
    series: Float[np.ndarray, "batch projection"]
    symbols: Float[np.ndarray, "batch projection"]
    is_unseen: bool
    retrieval: dict[tuple[str, int], Retrieval]
    patches: Reconstruction
    words: Guesses

    def table(self) -> dict[str, str]:
        """The numbers, each with what it is beside."""
        lines = {
            "forms": "not seen in training"
            if self.is_unseen
            else "may have been seen in training: the data have no split that leaves others"
        }
        for (which, batch), one in self.retrieval.items():
            lines[f"{which}, among {batch}"] = (
                f"first {one.series_to_symbols_1:.3f} and {one.symbols_to_series_1:.3f}, "
                f"first five {one.series_to_symbols_5:.3f} and {one.symbols_to_series_5:.3f} "
                f"(chance {one.chance_1:.3f}, {one.chance_5:.3f}; ceiling {one.ceiling:.2f}; "
                f"{one.rows} rows)"
            )
        lines["hidden patches"] = (
            f"error {self.patches.model:.3f} (zeros {self.patches.zeros:.3f}, straight lines "
            f"{self.patches.interpolation:.3f})"
        )
        lines["hidden words"] = (
            f"right {self.words.model:.3f} (without the series {self.words.without_series:.3f}, "
            f"with a wrong one {self.words.wrong_series:.3f}, the most frequent word "
            f"{self.words.unigram:.3f})"
        )
        return lines


def evaluate_run(run: Run, rows: int = 1024, seed: int = 0) -> Evaluation:
    """Judge the slow copy of a run's weights by pairs of expressions that it has not seen.

    Where training drew `Split(0, 0.9)`, these are of `Split(0.9, 1)`, and so for any split that
    leaves a part; without one they are other pairs of the same expressions.

    Args:
        run: What `read_run` returned.
        rows: How many pairs; partners are looked for among 64 of them, and 256 if there are.
        seed: Which pairs.

    Raises:
        ValueError: If there are fewer than 64 rows, or hardly a pair can be had.

    Example:
        >>> import tempfile, s2jax
        >>> from s2jax import symtime
        >>> sizes = {"length": 64, "width": 8, "symbol_width": 8, "batch": 16, "projection": 8}
        >>> config = symtime.Config.tiny(**sizes, hidden_width=8, symbol_hidden_width=8)
        >>> data = s2jax.presets.s2(length=64, split=s2jax.Split(0, 0.9))
        >>> folder = tempfile.mkdtemp()
        >>> state = symtime.pretrain(folder, config, data, num_steps=6)
        >>> found = symtime.evaluate_run(symtime.read_run(folder), rows=64)
        >>> sorted(found.retrieval), found.is_unseen
        ([('all', 64), ('nonlinear', 64)], True)
    """
    checks.check_static_integer("evaluate_run", "rows", rows, _BATCHES[0], 2**20)
    checks.check_static_integer("evaluate_run", "seed", seed, 0, 2**63 - 1)
    if not isinstance(run, Run):
        raise TypeError(
            f"evaluate_run(run={checks.shown(run)}): must be a Run. Pass what read_run returned."
        )
    model, (data, is_unseen) = run.state.slow, held_out(run.data)
    key = jax.random.fold_in(jax.random.key(np.uint64(seed)), np.uint32(_FIRST_KEY))
    keys = dict(zip(("pairs", "patches", "words"), jax.random.split(key, 3), strict=True))
    pairs, retrieval = {}, {}
    for which in ("all", "nonlinear"):
        pairs[which] = sample_pairs(keys["pairs"], run.config, data, rows, which=which)
        for batch in _BATCHES:
            if batch <= rows:
                retrieval[which, batch] = evaluate_retrieval(model, pairs[which], batch)
    judged = pairs["nonlinear"]
    return Evaluation(
        judged,
        *embed(model, judged),
        is_unseen,
        retrieval,
        evaluate_patches(keys["patches"], model, judged),
        evaluate_words(keys["words"], model, judged),
    )


def held_out(data: DataConfig) -> tuple[DataConfig, bool]:
    """Data of expressions that training does not draw, and whether there are any."""
    split = data.split
    if split is None:
        return data, False
    low, high = float(split.low), float(split.high)
    if low <= 0 and high >= 1:
        return data, False
    rest = (high, 1.0) if high < 1 else (0.0, low)
    rest = Split(*rest, exclude=split.exclude, normal=split.normal)
    return dataclasses.replace(data, split=rest), True


class Neighbours(NamedTuple):
    """Expressions that are nearest to a series.

    Attributes:
        texts: As `s2jax.to_text` prints them, with the numbers that they have in the bank.
        similarity: Cosines, the largest first.
        rows: Numbers of their rows in the bank.
        curves: Series of these rows as the model reads them, z-scored and in its order.
        series: The series asked for, likewise.
    """

    texts: tuple[str, ...]
    similarity: Float[np.ndarray, " count"]
    rows: Int[np.ndarray, " count"]
    curves: Float[np.ndarray, "count channels time"]
    series: Float[np.ndarray, "channels time"]


def nearest_expressions(
    model: SymTime, bank: Pairs, y: Any, x: Any = None, count: int = 5
) -> Neighbours:
    """Which expressions of a bank a series of your own looks like, to a model.

    Of expressions that share a normal form, only the nearest is named.

    Args:
        model: The weights, such as `read_run(path).state.slow`.
        bank: What `sample_pairs` drew; some thousands.
        y: The series, of as many steps as the model reads: (time,), or (outputs, time).
        x: What it is thought to be a function of, such as its own past: (time,) or (inputs, time).
            Only models that read outputs alone do without.
        count: How many expressions.

    Raises:
        TypeError, ValueError: If a series is no array of finite numbers of a length that the model
            reads, or x is missing.

    Example:
        >>> import jax, numpy as np, s2jax
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64)
        >>> bank = symtime.sample_pairs(jax.random.key(0), config, s2jax.presets.s2(length=64), 64)
        >>> model = symtime.SymTime(jax.random.key(1), config)
        >>> x = np.linspace(-3, 3, 64)
        >>> found = nearest_expressions(model, bank, np.sin(x), x, count=2)
        >>> len(found.texts), found.curves.shape
        (2, (2, 2, 64))
    """
    call, config = "nearest_expressions", model.config
    checks.check_static_integer(call, "count", count, 1, 10_000)
    series = {"y": _channels(call, "y", y, config.length, config.num_outputs)}
    if config.channels != "y":
        if x is None:
            raise ValueError(
                f"{call}(x=None): must be a series, because the model reads inputs too. Pass what "
                "y may be a function of, for example its past; or train a model with channels='y'."
            )
        series["x"] = _channels(call, "x", x, config.length, config.num_inputs)
    inputs = to_inputs(config, _rows_of(series))
    asked = np.asarray(_project(model, inputs))[0]
    near = embed(model, bank)[2] @ asked
    order = np.argsort(-near)
    _, first = np.unique(np.asarray(bank.groups)[order], axis=0, return_index=True)
    rows = order[np.sort(first)][:count]
    ids = np.asarray(bank.inputs.ids)[rows]
    programs = from_tokens(ids, config.vocabulary, config.num_outputs).program
    flat = lambda patches: np.asarray(patches).reshape(*patches.shape[:-2], -1)
    return Neighbours(
        tuple(to_text(programs)), near[rows].astype(np.float32), rows,
        flat(bank.inputs.patches[rows]), flat(inputs.patches[0]),
    )  # fmt: skip


@jax.jit
def _project(model: SymTime, inputs: Any) -> Array:
    return encode_series(model, inputs).projected


def _channels(call: str, name: str, series: Any, length: int, number: int) -> np.ndarray:
    """A series as (channels, time)."""
    found = np.asarray(checks.read_numbers(call, name, series), np.float32)
    found = found[None] if found.ndim == 1 else found
    if found.shape != (number, length):
        raise ValueError(
            f"{call}({name} of shape {np.shape(series)}): must be {number} x {length} numbers, "
            "because the model was made for these. Cut or resample the series, or train a model "
            f"with length={np.shape(series)[-1] if np.ndim(series) else 1}."
        )
    checks.check_finite(call, name, found)
    return found


def _rows_of(series: dict[str, np.ndarray]) -> dict[str, Any]:
    """As rows of a corpus; two that are the same, because one alone is compiled otherwise."""
    twice = lambda array: np.stack([array, array])
    rows = {f"{name}_{k}": twice(one) for name, c in series.items() for k, one in enumerate(c)}
    number = len(series["y"])
    scale = {"y_scale": np.ones((2, number)), "y_shift": np.zeros((2, number))}
    return rows | scale | {"tokens": np.zeros((2, 1), np.int32)}
