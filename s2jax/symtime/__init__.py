"""SymTime: a model that learns from series-symbol pairs, trained on the stream.

A series encoder and a symbol encoder guess what is masked, and learn which series belongs to which
expression. Data are drawn inside the jitted step. The paper's parts have its numbers; the defects
of the code released with it are mended, and those worth a comparison are switches.

References:
    Wang et al. 2025, "SymTime: a series-symbol foundation model", NeurIPS.
"""

from s2jax.symtime._config import Config
from s2jax.symtime._evaluate import (
    Guesses,
    Reconstruction,
    Retrieval,
    evaluate_patches,
    evaluate_retrieval,
    evaluate_words,
)
from s2jax.symtime._fine_tune import Tuned, fine_tune
from s2jax.symtime._heads import Classifier, Forecaster, Imputer
from s2jax.symtime._judge import Evaluation, Neighbours, evaluate_run, nearest_expressions
from s2jax.symtime._losses import Aside, Losses, Queues, loss
from s2jax.symtime._masks import Masks, sample_masks
from s2jax.symtime._model import Encoded, SymTime, encode_series, encode_symbols
from s2jax.symtime._pairs import Pairs, sample_pairs
from s2jax.symtime._pretrain import Run, pretrain, read_run
from s2jax.symtime._probe import Probe, probe_operators
from s2jax.symtime._state import State, init, optimizer, schedule
from s2jax.symtime._torch_names import export_torch, import_torch
from s2jax.symtime._train import train_step
from s2jax.symtime._views import Inputs, check_tokens, to_inputs

__all__ = (
    "Aside",
    "Classifier",
    "Config",
    "Encoded",
    "Evaluation",
    "Forecaster",
    "Guesses",
    "Imputer",
    "Inputs",
    "Losses",
    "Masks",
    "Neighbours",
    "Pairs",
    "Probe",
    "Queues",
    "Reconstruction",
    "Retrieval",
    "Run",
    "State",
    "SymTime",
    "Tuned",
    "check_tokens",
    "encode_series",
    "encode_symbols",
    "evaluate_patches",
    "evaluate_retrieval",
    "evaluate_run",
    "evaluate_words",
    "export_torch",
    "fine_tune",
    "import_torch",
    "init",
    "loss",
    "nearest_expressions",
    "optimizer",
    "pretrain",
    "probe_operators",
    "read_run",
    "sample_masks",
    "sample_pairs",
    "schedule",
    "to_inputs",
    "train_step",
)


def __dir__() -> tuple[str, ...]:
    return __all__
