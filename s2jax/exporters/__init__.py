"""Corpora in the files of other trainers, one file of this folder per format."""

from s2jax.exporters._array_record import ArrayRecords
from s2jax.exporters._chronos2 import Chronos2Inputs
from s2jax.exporters.registry import FORMATS, Exported, export, options_of

__all__ = (
    "FORMATS",
    "ArrayRecords",
    "Chronos2Inputs",
    "Exported",
    "export",
    "options_of",
)


def __dir__() -> tuple[str, ...]:
    return __all__
