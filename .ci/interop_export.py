"""Two small corpora, their values, and exports of them: `python interop_export.py FOLDER`."""

import sys
from pathlib import Path

import numpy as np
from interop import LENGTH, ROWS

import s2jax
from s2jax.exporters import export


def export_all(folder: Path) -> None:
    """Two corpora, their values, and exports of them that need no further library."""
    folder.mkdir(parents=True, exist_ok=True)
    configs = {
        "flat": s2jax.presets.s2(length=LENGTH),
        "wide": s2jax.presets.s2(length=LENGTH, num_inputs=2, num_outputs=2, min_outputs=1),
    }
    expected = {}
    for name, config in configs.items():
        s2jax.write_corpus(folder / name, config, ROWS, shard_rows=20, block_size=20)
        batch = s2jax.read_corpus(folder / name)[:]
        kept = np.flatnonzero(np.asarray(batch.status) == 0)
        for field in ("x", "y", "x_mask", "y_mask"):
            expected[f"{name}_{field}"] = np.asarray(getattr(batch, field))[kept]
        expected[f"{name}_symbol"] = np.array(s2jax.to_text(batch.program))[kept]
        for format in ("hf", "time-moe", "toto"):
            export(folder / name, folder / f"{name}-{format}", format)
        export(folder / name, folder / f"{name}-chronos2", "chronos2", covariates="future")
        export(folder / name, folder / f"{name}-series", "hf", univariate=True)
        export(folder / name, folder / f"{name}-utsd", "utsd", context_length=768, columns=16)
    np.savez(folder / "expected.npz", **expected)


if __name__ == "__main__":
    export_all(Path(sys.argv[1]))
