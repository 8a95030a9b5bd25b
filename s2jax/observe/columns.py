"""Columns of a corpus that hold what was measured, and what was done to it."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from s2jax.inputs.columns import LawColumn
from s2jax.observe._groups import kinds_of, width_of
from s2jax.observe._observation import Observation
from s2jax.observe._record import Record

_TEXT = "observation"


class ObservationColumns:
    """Columns for rows that are measured: `y_clean_0`, `y_observed_0` and so on for each output,
    the effects of all with their keys and laws, and `observation`, which says the same as text.

    Attributes:
        columns: Those of numbers, by name, in order.
        texts: Names of those of text.
    """

    def __init__(self, observation: Observation | None, outputs: int, length: int) -> None:
        self.columns: dict[str, LawColumn] = {}
        self.texts: tuple[str, ...] = ()
        if observation is None:
            return
        self._kinds, self._length = kinds_of(observation.effects, length), length
        real, most = np.dtype(jnp.result_type(float)), observation.most
        width = width_of(self._kinds)
        words = np.dtype(np.uint32)
        for name, dtype in (("clean", real), ("observed", np.dtype(bool))):
            for output in range(outputs):
                self.columns[f"y_{name}_{output}"] = LawColumn(dtype, (length,))
        self._record = {
            "effect": LawColumn(np.dtype(np.int32), (outputs, most)),
            "words": LawColumn(words, (outputs, 2)),
            "laws": LawColumn(words, (outputs, most, width)),
        }
        self.columns |= {f"y_effect_{name}": column for name, column in self._record.items()}
        self.texts = (_TEXT,)

    def values(self, batch: Any) -> dict[str, Any]:
        """The values of these columns for a batch on the host."""
        if not self.columns:
            return {}
        found: dict[str, Any] = {}
        for name, column in self.columns.items():
            kind, _, rest = name.removeprefix("y_").partition("_")
            if kind == "effect":
                array = getattr(batch.observation, rest)
            else:
                array = getattr(batch, f"y_{kind}")[:, int(rest)]
            found[name] = column.to_column(array)
        outputs = batch.y.shape[1]
        texts = batch.observation.texts()
        rows = [texts[row * outputs : (row + 1) * outputs] for row in range(len(batch.y))]
        return found | {_TEXT: [" | ".join(row) for row in rows]}

    def fields(self, values: Mapping[str, Any], outputs: int) -> dict[str, Any]:
        """The fields of a batch that these columns hold."""
        if not self.columns:
            return {}
        array = lambda name: self.columns[name].to_array(values[name])
        series = lambda kind: jnp.stack([array(f"y_{kind}_{k}") for k in range(outputs)], 1)
        record = {name: array(f"y_effect_{name}") for name in self._record}
        return {
            "y_clean": series("clean"),
            "y_observed": series("observed"),
            "observation": Record(**record, kinds=self._kinds, length=self._length),
        }
