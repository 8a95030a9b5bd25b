"""Chronos-2: targets with past or known covariates, read lazily."""

import bisect
import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from s2jax.core import checks
from s2jax.core.optional import require
from s2jax.corpus.places import local_of
from s2jax.corpus.shards import pyarrow
from s2jax.exporters._arrow import nested, write_arrow
from s2jax.exporters._base import AbstractCovariateExporter, Written, longer
from s2jax.exporters._folder import naming
from s2jax.exporters._rows import Rows, num_files
from s2jax.exporters._source import Source


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chronos2(AbstractCovariateExporter):
    """Arrow files that `Chronos2Inputs` hands to Chronos-2 one row at a time.

    Columns are `item_id`, `target` and `covariates`, the outputs and inputs that a row has,
    `num_known`, how many covariates, the last ones, are known over the horizon, and `symbol`.

    Attributes:
        prediction_length: That of the training. `Chronos2Pipeline.fit` leaves out series shorter
            than twice of it.
    """

    name: ClassVar[str] = "chronos2"
    about: ClassVar[str] = (
        "Arrow files for Chronos-2, x as covariates; s2jax.exporters.Chronos2Inputs reads them."
    )

    prediction_length: int = 64

    def check(self, source: Source) -> list[str]:
        checks.check_static_integer("export", "prediction_length", self.prediction_length, 1)
        needed = 2 * self.prediction_length
        rule = "Chronos2Pipeline.fit leaves out series shorter than min_past + prediction_length"
        fix = f"{longer(needed)[:-1]}, or pass prediction_length <= {source.length // 2}."
        return self.refuse_short(source, needed, rule, fix)

    def write(self, source: Source, folder: Path) -> Written:
        pa = pyarrow()
        channels = pa.list_(pa.list_(pa.float32()))
        columns = {"item_id": pa.string(), "target": channels, "covariates": channels}
        schema = pa.schema(columns | {"num_known": pa.int32(), "symbol": pa.string()})
        files = num_files(source.rows, source.row_bytes)
        tables = (_table(rows) for rows in source.chunks())
        write_arrow(folder, schema, tables, source.rows, files, pa.ipc.new_file)
        return Written(source.series)


def _table(rows: Rows) -> Any:
    order = np.argsort(rows.future, axis=1, kind="stable")  # those that are known come last
    used = np.take_along_axis(rows.past | rows.future, order, 1)
    columns = {
        "item_id": rows.id.astype(str).tolist(),
        "target": nested(rows.y[rows.y_mask], rows.y_mask.sum(1)),
        "covariates": nested(np.take_along_axis(rows.x, order[..., None], 1)[used], used.sum(1)),
        "num_known": rows.future.sum(1).astype(np.int32),
    }
    return pyarrow().table(columns | {"symbol": rows.symbol})


class Chronos2Inputs(Sequence):
    """Rows of an export as `inputs` of `chronos.chronos2.dataset.Chronos2Dataset`.

    In training mode Chronos-2 (2.3.2 and later) reads them one at a time; files are mapped into
    memory, not loaded. Needs torch, which Chronos-2 has.

    Args:
        path: What `export(..., format="chronos2")` wrote.

    Raises:
        FileNotFoundError: If there is no such export.
        DamagedError: If a file of it is cut off or damaged.

    Example:
        >>> import pathlib, tempfile, s2jax
        >>> from s2jax.exporters import export
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> config = s2jax.presets.s2(length=64)
        >>> manifest = s2jax.write_corpus(folder / "corpus", config, 4, block_size=4)
        >>> done = export(folder / "corpus", folder / "out", "chronos2", prediction_length=16)
        >>> inputs = Chronos2Inputs(folder / "out")
        >>> len(inputs), [array.shape for array in inputs.arrays(0)]
        (4, [(1, 64), (1, 64)])
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = local_of(path, "Chronos2Inputs", "an export")
        names = sorted(self.path.glob("data-*.arrow"))
        if not names:
            raise FileNotFoundError(
                f"Chronos2Inputs(path={str(path)!r}): the folder must hold data-*.arrow files, but "
                'holds none. Write them with s2jax.exporters.export(..., format="chronos2").'
            )
        self._batches = [batch for name in names for batch in _batches(name)]
        self._ends = np.cumsum([len(batch) for batch in self._batches]).tolist()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}  # workers map files anew

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"])

    def __len__(self) -> int:
        return self._ends[-1]

    def arrays(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Targets and covariates of a row, (channels, time) each, without torch."""
        return _arrays(*self._place(index))

    def _place(self, index: int) -> tuple[Any, int]:
        """The batch of records that holds a row, and where in it."""
        if not 0 <= index < len(self):
            raise IndexError(f"Chronos2Inputs[{index}]: must be >= 0 and < {len(self)}.")
        number = bisect.bisect_right(self._ends, index)
        batch = self._batches[number]
        return batch, index - self._ends[number] + len(batch)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """A row as a `PreparedInput`."""
        torch = require("torch", "Inputs of Chronos-2")
        batch, row = self._place(index)
        target, covariates = _arrays(batch, row)
        return {
            "context": torch.from_numpy(np.concatenate([target, covariates])),
            # read in training from `context`, where the horizon is a part of the series
            "future_covariates": torch.full((len(target) + len(covariates), 0), torch.nan),
            "n_targets": len(target),
            "n_covariates": len(covariates),
            "n_future_covariates": batch.column("num_known")[row].as_py(),
        }


def _batches(file: Path) -> Iterator[Any]:
    pa = pyarrow()
    with naming(file):
        reader = pa.ipc.open_file(pa.memory_map(str(file)))
        batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    yield from batches


def _arrays(batch: Any, row: int) -> tuple[np.ndarray, np.ndarray]:
    target = _channels(batch, "target", row)
    return target, _channels(batch, "covariates", row).reshape(-1, target.shape[1])


def _channels(batch: Any, name: str, row: int) -> np.ndarray:
    inner = batch.column(name).slice(row, 1).flatten()
    return inner.flatten().to_numpy().reshape(max(len(inner), 1), -1)
