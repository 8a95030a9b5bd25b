"""Hugging Face and GluonTS: `datasets.load_from_disk`, uni2ts (MOIRAI), Chronos-T5."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from s2jax.core import checks
from s2jax.corpus.shards import pyarrow
from s2jax.exporters._arrow import FIRST_TIME, fixed, lists, nested, write_dataset
from s2jax.exporters._base import AbstractCovariateExporter, Written, longer
from s2jax.exporters._rows import Rows, Series, num_files
from s2jax.exporters._source import Source

FREQUENCY = "H"
"""Makes uni2ts choose patches of 32 or 64 steps."""
MOIRAI_STEPS = 64
"""Two of its smallest patches."""
CHRONOS_STEPS = 60 + 64
"""`min_past` and `prediction_length` of its training configurations."""
MAX_VARIATES = 128


@dataclasses.dataclass(frozen=True, kw_only=True)
class HuggingFace(AbstractCovariateExporter):
    """A folder of Arrow streams with `item_id`, `start`, `freq`, `target` and `symbol`.

    Inputs are `past_feat_dynamic_real`, or where they are known ahead `feat_dynamic_real`. Channels
    that a row does not have are left out of `target`, and NaN in these two.

    Attributes:
        univariate: One record per output, with a one-dimensional target, as GluonTS and the
            training script of Chronos-T5 need it; a row of several outputs is else one record.
        files: Number of files; by default about 256 MB each and at least 8.
    """

    name: ClassVar[str] = "hf"
    about: ClassVar[str] = (
        "Hugging Face folder of Arrow streams, for uni2ts (MOIRAI) and GluonTS (Chronos-T5)."
    )

    univariate: bool = False
    files: int | None = None

    def check_view(self, source: Source) -> list[str]:
        found = super().check_view(source)
        if source.counts.future:
            found.append(
                f"uni2ts trains without the {source.counts.future} inputs that are known ahead, "
                "because it reads no feat_dynamic_real. Pass covariates='past' to have it read all."
            )
        return found

    def check(self, source: Source) -> list[str]:
        if self.files is not None:
            checks.check_static_integer("export", "files", self.files, 1, self._records(source))
        rule = "uni2ts needs two patches of 32 steps, and Chronos-T5 more"
        found = self.refuse_short(source, MOIRAI_STEPS, rule, longer(MOIRAI_STEPS))
        flat = self.univariate or source.outputs == 1
        if not found and flat and source.length < CHRONOS_STEPS:
            found.append(
                f"All {source.series} series are shorter than {CHRONOS_STEPS} steps: the training "
                f"script of Chronos-T5 drops such series. {longer(CHRONOS_STEPS)}"
            )
        if not self.univariate and source.outputs > MAX_VARIATES:
            found.append(
                f"All {source.rows} rows may have more than {MAX_VARIATES} outputs: uni2ts draws "
                f"{MAX_VARIATES} of them. Pass univariate=True."
            )
        return found

    def write(self, source: Source, folder: Path) -> Written:
        record = source.row_bytes * source.rows // self._records(source)
        files = self.files or num_files(self._records(source), record)
        write_dataset(
            folder, self._schema(source), self._tables(source), self._records(source), files,
            source.corpus.path.name,
        )  # fmt: skip
        return Written(source.series)

    def _records(self, source: Source) -> int:
        return source.series if self.univariate else source.rows

    @property
    def _features(self) -> dict[str, str]:
        """The role of the inputs in each column of them."""
        names = {"past": "past_feat_dynamic_real", "future": "feat_dynamic_real"}
        return {name: role for role, name in names.items() if self.covariates in (role, "graph")}

    def _schema(self, source: Source) -> Any:
        pa = pyarrow()
        series = pa.list_(pa.float32())
        target = series
        if not self.univariate and source.outputs > 1:
            target = pa.list_(series, source.outputs if source.all_outputs else -1)
        columns = {"item_id": pa.string(), "start": pa.timestamp("s"), "freq": pa.string()}
        columns |= {"target": target}
        if source.inputs:
            columns |= dict.fromkeys(self._features, pa.list_(series, source.inputs))
        return pa.schema(columns | {"symbol": pa.string()})

    def _tables(self, source: Source) -> Iterator[Any]:
        for rows in source.chunks():
            if self.univariate:
                series = rows.series()
                yield self._table(series.name, lists(series.values), rows, series)
            elif source.outputs == 1:
                yield self._table(rows.id.astype(str).tolist(), lists(rows.y[:, 0]), rows)
            elif source.all_outputs:
                yield self._table(rows.id.astype(str).tolist(), fixed(rows.y), rows)
            else:
                target = nested(rows.y[rows.y_mask], rows.y_mask.sum(1))
                yield self._table(rows.id.astype(str).tolist(), target, rows)

    def _table(self, ids: list[str], target: Any, rows: Rows, series: Series | None = None) -> Any:
        columns = {
            "item_id": ids,
            "start": np.full(len(ids), FIRST_TIME),
            "freq": [FREQUENCY] * len(ids),
            "target": target,
        }
        for name, role in self._features.items() if rows.x.shape[1] else ():
            x = np.where(getattr(rows, role)[..., None], rows.x, np.float32(np.nan))
            columns[name] = fixed(x if series is None else x[series.row])
        symbol = rows.symbol if series is None else series.symbol
        return pyarrow().table(columns | {"symbol": symbol})
