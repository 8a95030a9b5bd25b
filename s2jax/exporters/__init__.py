"""Corpora in the files of other trainers, one file of this folder per format."""

from s2jax.exporters._array_record import ArrayRecords as ArrayRecords
from s2jax.exporters._chronos2 import Chronos2Inputs as Chronos2Inputs
from s2jax.exporters.registry import FORMATS as FORMATS
from s2jax.exporters.registry import Exported as Exported
from s2jax.exporters.registry import export as export
from s2jax.exporters.registry import options_of as options_of
