"""Toto: a Hugging Face data set with its times, as `FinetuneDataModule` takes it."""

import dataclasses
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from s2jax.core import checks
from s2jax.corpus.shards import pyarrow
from s2jax.exporters._arrow import FIRST_TIME, lists, write_dataset
from s2jax.exporters._base import AbstractCovariateExporter, Written, longer
from s2jax.exporters._roles import Covariates
from s2jax.exporters._rows import Rows, num_files
from s2jax.exporters._source import Source

PATCH = 64


@dataclasses.dataclass(frozen=True, kw_only=True)
class Toto(AbstractCovariateExporter):
    """A Hugging Face folder with `timestamp`, `target` and `feat_dynamic_real`, hour by hour.

    One record per output. Input i of the row is `feat_dynamic_real` for i = 0, and
    `feat_dynamic_real_i` after it; zeros where there is none, because Toto asks for the column even
    where it does not use it. Toto knows them over the horizon and has no other covariates.

    Attributes:
        prediction_length: That of the training, `prediction_horizon`.
    """

    name: ClassVar[str] = "toto"
    about: ClassVar[str] = (
        "Hugging Face folder with timestamps and feat_dynamic_real, for fine-tuning Toto."
    )
    why_no_nan: ClassVar[str] = "fine-tuning of Toto counts every value as measured"
    roles: ClassVar[tuple[Covariates, ...]] = ("future", "none", "graph")

    covariates: Covariates = "future"
    prediction_length: int = 64

    def check_view(self, source: Source) -> list[str]:
        found = super().check_view(source)
        if source.counts.past:
            found.append(
                f"{source.counts.past} inputs that are not known ahead were left out, because "
                "Toto has no covariates that are known until the present only."
            )
        return found

    def check(self, source: Source) -> list[str]:
        checks.check_static_integer("export", "prediction_length", self.prediction_length, 1)
        needed = next(length for length in range(1, 2**62) if self._is_kept(length))
        rule = (
            "Toto leaves out a series unless its last tenth holds prediction_length = "
            f"{self.prediction_length} steps and the rest three patches of {PATCH}"
        )
        fix, room = longer(needed), ceil(source.length * 0.1)
        if source.length - room >= 3 * PATCH:
            fix = f"{fix[:-1]}, or pass prediction_length <= {room}."
        return self.refuse_short(source, needed, rule, fix)

    def _is_kept(self, length: int) -> bool:
        test = ceil(length * 0.1)
        return length - test >= 3 * PATCH and test >= self.prediction_length

    def write(self, source: Source, folder: Path) -> Written:
        pa = pyarrow()
        columns = {
            "item_id": pa.string(),
            "timestamp": pa.list_(pa.timestamp("ms")),
            "target": pa.list_(pa.float32()),
        }
        columns |= dict.fromkeys(_names(source.inputs), pa.list_(pa.float32()))
        schema = pa.schema(columns | {"symbol": pa.string()})
        record_bytes = source.length * (8 + 4 * (1 + max(source.inputs, 1)))
        files = num_files(source.series, record_bytes)
        tables = self._tables(source)
        write_dataset(folder, schema, tables, source.series, files, source.corpus.path.name)
        return Written(source.series)

    def _tables(self, source: Source) -> Iterator[Any]:
        times = FIRST_TIME + np.arange(source.length) * np.timedelta64(1, "h")
        for rows in source.chunks():
            yield _table(rows, times.astype("datetime64[ms]"))


def _table(rows: Rows, times: np.ndarray) -> Any:
    series = rows.series()
    columns = {
        "item_id": series.name,
        "timestamp": lists(np.broadcast_to(times, series.values.shape)),
        "target": lists(series.values),
    }
    x = np.where(rows.future[..., None], rows.x, np.float32(0))[series.row]
    if not x.shape[1]:
        x = np.zeros_like(series.values)[:, None]
    columns |= {name: lists(x[:, channel]) for channel, name in enumerate(_names(x.shape[1]))}
    return pyarrow().table(columns | {"symbol": series.symbol})


def _names(inputs: int) -> list[str]:
    """Columns of the inputs."""
    first = "feat_dynamic_real"
    return [first, *(f"{first}_{channel}" for channel in range(1, inputs))]
