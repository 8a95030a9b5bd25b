"""Whether features of a series tell which operators made it, by small classifiers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from s2jax.core.types import PRNGKey
from s2jax.symtime._model import SymTime
from s2jax.symtime._pairs import Pairs, embed, has_words

OPERATORS = ("sub", "inv", "sqrt", "log", "abs", "sin", "cos", "pow2")
_RIDGE = 1e-2  # in units of the variance of features
_NEIGHBOURS = 25
_RARE = 20  # rows that must have an operator, and as many that must not


class Probe(NamedTuple):
    """Areas under the ROC curve, means over operators; 0.5 is chance.

    Attributes:
        model: A linear classifier on [CLS] of the model.
        neighbours: The nearest neighbours by [CLS] of the model.
        untrained: A linear classifier on [CLS] of a model with its first weights.
        features: A linear classifier on quantiles, curve and scales of the series.
        operators: Which operators there were enough rows of.
    """

    model: float
    neighbours: float
    untrained: float
    features: float
    operators: tuple[str, ...]


def probe_operators(
    key: PRNGKey, model: SymTime, train: Pairs, test: Pairs, operators: Sequence[str] = OPERATORS
) -> Probe:
    """How well operators are told from series, beside what needs no pre-training.

    Args:
        key: Of the untrained model.
        model: The weights.
        train: Pairs that classifiers are fitted to; some thousands.
        test: Pairs that judge them, of other expressions.
        operators: Words of the vocabulary; those that few rows have, or few have not, are left out.

    Raises:
        ValueError: If all are left out, or one is no word.

    Example:
        >>> import jax, s2jax
        >>> from s2jax import symtime
        >>> config = symtime.Config.tiny(length=64)
        >>> data = s2jax.presets.s2(length=64)
        >>> train, test = (
        ...     symtime.sample_pairs(jax.random.key(k), config, data, 256) for k in range(2)
        ... )
        >>> model = symtime.SymTime(jax.random.key(2), config)
        >>> probe = probe_operators(jax.random.key(3), model, train, test, ["sub", "inv"])
        >>> probe.operators, 0 <= probe.features <= 1
        (('sub', 'inv'), True)
    """
    ids = model.config.vocabulary.encode(operators)
    labels = [has_words(pairs, ids) for pairs in (train, test)]
    counts = np.stack([count for one in labels for count in (one.sum(0), (~one).sum(0))])
    kept = counts.min(0) >= _RARE
    if not kept.any():
        raise ValueError(
            f"probe_operators(operators={tuple(operators)}): {_RARE} rows at least must have one "
            "of them, and as many not, or nothing can be said. Draw more pairs."
        )
    known, asked = labels[0][:, kept], labels[1][:, kept]
    fresh = SymTime(key, model.config)
    features = {
        "model": [embed(model, pairs)[0] for pairs in (train, test)],
        "untrained": [embed(fresh, pairs)[0] for pairs in (train, test)],
        "features": [simple_features(pairs) for pairs in (train, test)],
    }
    scores = {name: _score(_ridge(*both, labels=known), asked) for name, both in features.items()}
    neighbours = _score(_vote(*features["model"], labels=known), asked)
    names = tuple(name for name, is_kept in zip(operators, kept, strict=True) if is_kept)
    return Probe(scores["model"], neighbours, scores["untrained"], scores["features"], names)


def simple_features(pairs: Pairs, bins: int = 32) -> Float[np.ndarray, "batch features"]:
    """Quantiles of every channel, means of the last by order of the first, and scales."""
    patches = np.asarray(pairs.inputs.patches)
    series = patches.reshape(*patches.shape[:2], -1)
    at = np.linspace(0, series.shape[-1] - 1, min(bins, series.shape[-1])).astype(int)
    parts = [np.sort(series, axis=-1)[..., at].reshape(len(series), -1)]
    order = np.argsort(series[:, 0], axis=-1)
    curve = np.take_along_axis(series[:, -1], order, axis=-1)
    parts.append(np.stack([one.mean(1) for one in np.array_split(curve, len(at), axis=1)], axis=1))
    if pairs.inputs.scales is not None:
        parts.append(np.asarray(pairs.inputs.scales))
    return np.clip(np.concatenate(parts, axis=1), -10, 10)


def _standard(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features with mean 0 and variance 1 over those of `train`."""
    mean, deviation = train.mean(0), train.std(0) + 1e-6
    return (train - mean) / deviation, (test - mean) / deviation


def _ridge(
    train: np.ndarray, test: np.ndarray, labels: Bool[np.ndarray, "rows operators"]
) -> np.ndarray:
    """Scores of linear classifiers with least squared error."""
    known, asked = _standard(train.astype(np.float64), test.astype(np.float64))
    goal = labels - labels.mean(0)
    penalty = _RIDGE * len(known) * np.eye(known.shape[1])
    return asked @ np.linalg.solve(known.T @ known + penalty, known.T @ goal)


def _vote(
    train: np.ndarray, test: np.ndarray, labels: Bool[np.ndarray, "rows operators"]
) -> np.ndarray:
    """Share of the nearest rows that have an operator."""
    known, asked = _standard(train, test)
    unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
    near = unit(asked) @ unit(known).T
    number = min(_NEIGHBOURS, len(known) - 1)
    return labels[np.argpartition(-near, number, axis=1)[:, :number]].mean(1)


def _score(scores: np.ndarray, labels: Bool[np.ndarray, "rows operators"]) -> float:
    """Mean over operators of the probability that a row with it scores higher than one without."""
    areas = []
    for score, label in zip(scores.T, labels.T, strict=True):
        _, place, count = np.unique(score, return_inverse=True, return_counts=True)
        rank = (np.cumsum(count) - (count - 1) / 2)[place]
        have = int(label.sum())
        areas.append((rank[label].sum() - have * (have + 1) / 2) / (have * (len(label) - have)))
    return float(np.mean(areas))
