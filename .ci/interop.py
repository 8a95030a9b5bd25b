"""Reads exports of `interop_export.py` back with a real package; prints a JSON line, or fails.

    python interop.py READER FOLDER

`.ci/interop` builds the environments and runs both.
"""

import datetime
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

LENGTH, ROWS = 1025, 40
VOCAB = "[PAD] [UNK] [CLS] [SEP] [MASK] ( ) + - . | _ x y 0 1 2 3 4 5 6 7 8 9"


class Expected:
    """What a reader must find of one corpus."""

    def __init__(self, folder: Path, name: str) -> None:
        held = np.load(folder / "expected.npz", allow_pickle=False)
        self.x, self.y = held[f"{name}_x"], held[f"{name}_y"]
        self.x_mask, self.y_mask = held[f"{name}_x_mask"], held[f"{name}_y_mask"]
        self.symbol = held[f"{name}_symbol"].tolist()
        self.series = self.y[self.y_mask]
        self.x_of_series = self.x[np.nonzero(self.y_mask)[0]]

    def target(self, row: int) -> np.ndarray:
        used = self.y[row][self.y_mask[row]]
        return used if self.y.shape[1] > 1 else used[0]


def both(folder: Path) -> Iterator[tuple[str, Expected]]:
    """The two corpora."""
    for name in ("flat", "wide"):
        yield name, Expected(folder, name)


def equal(found: Any, wanted: Any) -> None:
    np.testing.assert_array_equal(np.asarray(found, np.float32), wanted)


def check_window(window: np.ndarray, series: np.ndarray) -> None:
    """A window must be a piece of one of the series."""
    views = np.lib.stride_tricks.sliding_window_view(series, len(window), axis=-1)
    assert (views == window).all(-1).any(), "a window that no series holds"


def datasets(folder: Path) -> dict[str, Any]:
    """`datasets.load_from_disk`."""
    import datasets

    for name, wanted in both(folder):
        data = datasets.load_from_disk(str(folder / f"{name}-hf"))
        assert data["symbol"][:] == wanted.symbol
        for row, record in enumerate(data):
            equal(record["target"], wanted.target(row))
            equal(record["past_feat_dynamic_real"], wanted.x[row])
            assert record["start"] == datetime.datetime(2000, 1, 1)
        toto = datasets.load_from_disk(str(folder / f"{name}-toto"))
        equal(toto["target"][:], wanted.series)
        equal(toto["feat_dynamic_real"][:], wanted.x_of_series[:, 0])
    return {"formats": ["hf", "toto"], "packages": ["datasets", "pyarrow", "numpy"]}


def chronos(folder: Path) -> dict[str, Any]:
    """GluonTS' `FileDataset`, as the script of Chronos-T5 uses it, and `Chronos2Dataset`."""
    import torch
    from chronos.chronos2.dataset import Chronos2Dataset
    from gluonts.dataset.common import FileDataset

    from s2jax.exporters import Chronos2Inputs

    np.random.seed(0)  # noqa: NPY002, the seed of its slices
    for name, wanted in both(folder):
        records = [
            record
            for file in sorted((folder / f"{name}-series").glob("*.arrow"))
            for record in FileDataset(path=file, freq="h")
        ]
        equal([record["target"] for record in records], wanted.series)
        assert all(record["target"].ndim == 1 for record in records)
        inputs = Chronos2Inputs(folder / f"{name}-chronos2")
        for row, item in enumerate(inputs):
            used = [wanted.y[row][wanted.y_mask[row]], wanted.x[row][wanted.x_mask[row]]]
            equal(item["context"], np.concatenate(used))
        data = Chronos2Dataset(inputs, 256, 64, 16, 16, min_past=64, mode="train")
        assert data.inputs is inputs, "Chronos-2 must read them lazily"
        channels = np.concatenate([wanted.y, wanted.x], 1).reshape(-1, LENGTH)
        for _, batch in zip(range(4), iter(data), strict=False):
            known = torch.isfinite(batch["future_covariates"]).all(1)
            assert known.any()
            future = torch.where(known[:, None], batch["future_covariates"], batch["future_target"])
            for window in torch.cat([batch["context"], future], 1).numpy():
                check_window(window[np.isfinite(window)], channels)
    packages = ["chronos-forecasting", "gluonts", "torch", "pyarrow", "numpy"]
    return {"formats": ["hf (univariate)", "chronos2"], "packages": packages}


def uni2ts(folder: Path) -> dict[str, Any]:
    """Values by the indexer, and training steps of a tiny MOIRAI."""
    from torch.utils.data import DataLoader
    from uni2ts.data.builder.simple import SimpleDatasetBuilder
    from uni2ts.data.loader import PackCollate
    from uni2ts.distribution import MixtureOutput, StudentTOutput
    from uni2ts.model.moirai import MoiraiPretrain

    model = MoiraiPretrain(
        module_kwargs=dict(
            distr_output=MixtureOutput([StudentTOutput()]), d_model=128, num_layers=1,
            patch_sizes=(8, 16, 32, 64, 128), max_seq_len=512, attn_dropout_p=0.0, dropout_p=0.0,
        ),
        min_patches=2, min_mask_ratio=0.15, max_mask_ratio=0.5, max_dim=128,
        num_training_steps=10, num_warmup_steps=1,
    )  # fmt: skip
    for name, wanted in both(folder):
        builder = SimpleDatasetBuilder(dataset=f"{name}-hf", weight=1, storage_path=folder)
        data = builder.load_dataset(model.train_transform_map)
        for row in range(len(wanted.y)):
            equal(data.indexer[row]["target"], wanted.target(row))
            equal(data.indexer[row]["past_feat_dynamic_real"], wanted.x[row])
        collate = PackCollate(512, model.seq_fields, model.pad_func_map)
        batch = next(iter(DataLoader(data, batch_size=8, collate_fn=collate)))
        assert np.isfinite(model.training_step(batch, 0).item())
    packages = ["uni2ts", "datasets", "gluonts", "torch", "pyarrow", "numpy"]
    return {"formats": ["hf"], "packages": packages}


def toto(folder: Path) -> dict[str, Any]:
    """Batches of `FinetuneDataModule`, with the first input as exogenous."""
    import datasets
    from toto.data.datamodule.finetune_datamodule import FinetuneDataModule

    for name, wanted in both(folder):
        data = datasets.load_from_disk(str(folder / f"{name}-toto")).with_format("numpy")
        module = FinetuneDataModule(
            dataset=data, max_context_length=256, prediction_horizon=64, train_batch_size=8,
            add_exogenous_features=True,
        )  # fmt: skip
        module.setup()
        batch = next(iter(module.train_dataloader()))
        for target, _ in batch.series.numpy():
            check_window(target[target != 0], wanted.series)
    packages = ["toto-ts", "datasets", "gluonts", "torch", "pyarrow", "numpy"]
    return {"formats": ["toto"], "packages": packages}


def grain(folder: Path) -> dict[str, Any]:
    """A shuffled `grain.MapDataset` of records, and in workers."""
    import absl.flags
    import grain

    from s2jax.exporters import ArrayRecords, export

    for name, wanted in both(folder):
        dest = fresh(folder / f"{name}-array-record")
        export(folder / name, dest, "array-record")
        source = ArrayRecords(dest)
        names = [f"y_{channel}" for channel in range(wanted.y.shape[1])]
        data = grain.MapDataset.source(source).shuffle(seed=0)
        rows = sorted(data.to_iter_dataset(), key=lambda row: int(row["id"]))
        equal([[row[name] for name in names] for row in rows], wanted.y)
        assert [row["expression"] for row in rows] == wanted.symbol
        absl.flags.FLAGS(sys.argv[:1])  # workers look at flags
        options = grain.MultiprocessingOptions(num_workers=2)
        worked = list(data.to_iter_dataset().mp_prefetch(options))
        assert sorted(int(row["id"]) for row in worked) == [int(row["id"]) for row in rows]
    return {"formats": ["array-record"], "packages": ["grain", "array-record", "pyarrow", "numpy"]}


def checkouts(folder: Path) -> dict[str, Any]:
    """Time-MoE, OpenLTM and SymTime, which are no packages, from checkouts."""
    named = {variable: os.environ[variable] for variable in CHECKOUTS if variable in os.environ}
    assert named, f"name a checkout in one of {', '.join(CHECKOUTS)}"
    for variable, checkout in named.items():
        sys.path.insert(0, str(Path(checkout).resolve()))
        CHECKOUTS[variable][1](folder)
        sys.path.pop(0)
        for module in [name for name in sys.modules if name.startswith("data_provider")]:
            del sys.modules[module]  # two of them call their package so
    names = {CHECKOUTS[variable][0]: Path(checkout).name for variable, checkout in named.items()}
    packages = ["torch", "transformers", "numpy"]
    return {"formats": list(names), "checkouts": names, "packages": packages}


def time_moe(folder: Path) -> None:
    """Series, and windows of 1024 steps, of which 1025 values make one."""
    from time_moe.datasets.time_moe_dataset import TimeMoEDataset
    from time_moe.datasets.time_moe_window_dataset import TimeMoEWindowDataset

    for name, wanted in both(folder):
        data = TimeMoEDataset(str(folder / f"{name}-time-moe"))
        equal([data[row] for row in range(len(data))], wanted.series)
        windows = TimeMoEWindowDataset(data, context_length=1024)
        assert len(windows) == len(wanted.series)
        for window, series in zip(windows, wanted.series, strict=True):
            equal(window["input_ids"], series[:-1])
            equal(window["labels"], series[1:])
            assert window["loss_masks"].all()
        assert np.isfinite(TimeMoEDataset(data.data_folder, "zero")[0]).all()


def openltm(folder: Path) -> None:
    """All windows of the first nine tenths, unscaled."""
    from data_provider.data_loader import UTSD_Npy

    for name, wanted in both(folder):
        data = UTSD_Npy(str(folder / f"{name}-utsd"), size=[672, 96, 96], scale=False, stride=16)
        train = wanted.series[:, : int(0.9 * LENGTH)]
        starts = range(0, train.shape[1] - 768 + 1, 16)
        assert len(data) == len(starts) * len(train)
        found = {data[i][0][:, 0].tobytes() for i in range(len(data))}
        assert found == {row[start : start + 672].tobytes() for row in train for start in starts}


def symtime(folder: Path) -> None:
    """Its loader, and word pieces as `transformers` makes them."""
    import torch
    from data_provider.pretrain_dataloader import PreTrainDataLoader
    from transformers import BertTokenizer

    from s2jax.exporters import export

    vocab = folder / "vocab.txt"
    vocab.write_text("\n".join([*VOCAB.split(), *"abcdefghijklmnopqrstuvw", "##d", "##dd", "si"]))
    tokenizer = BertTokenizer(str(vocab))
    for name, wanted in both(folder):
        dest = fresh(folder / f"{name}-symtime")
        export(folder / name, dest, "symtime", vocab=vocab, max_tokens=512, series_per_file=24)
        options = types.SimpleNamespace(
            data_path=str(dest), number=50, batch_size=8, shuffle=False, num_workers=0
        )
        batches = list(PreTrainDataLoader(options).get_dataloader())
        time, mask, ids, id_mask = (
            torch.cat(parts).numpy() for parts in zip(*batches, strict=True)
        )
        series = wanted.series.astype(np.float64)
        series = (series - series.mean(1, keepdims=True)) / series.std(1, keepdims=True)
        values = time.reshape(len(time), -1)[:, :LENGTH]
        # the loader takes files in any order
        place = [int(np.abs(series - one).max(1).argmin()) for one in values]
        assert sorted(place) == list(range(len(series)))
        np.testing.assert_allclose(values, series[place], atol=1e-5)
        texts = [part for text in wanted.symbol for part in text.split(" | ")]
        for row, used, one in zip(ids, id_mask, place, strict=True):
            assert row[used != 0].tolist() == tokenizer(texts[one])["input_ids"]
        assert mask.all()


CHECKOUTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "TIME_MOE": ("time-moe", time_moe), "OPENLTM": ("utsd", openltm),
    "SYMTIME": ("symtime", symtime),
}  # fmt: skip
READERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "datasets": datasets, "chronos": chronos, "uni2ts": uni2ts, "toto": toto, "grain": grain,
    "checkouts": checkouts,
}  # fmt: skip


def fresh(folder: Path) -> Path:
    """A folder that is not there."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def main() -> None:
    command, folder = sys.argv[1], Path(sys.argv[2])
    found = READERS[command](folder)
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    found["commit"] = subprocess.check_output(git, text=True).strip()
    versions = {name: importlib.metadata.version(name) for name in found.pop("packages")}
    date = datetime.datetime.now(datetime.UTC).isoformat("T", "seconds")
    line = {"check": "interop", "reader": command, **found, "equal": True, "rows": ROWS}
    line |= {"length": LENGTH, "date": date}
    print(json.dumps(line | {"versions": {"python": platform.python_version()} | versions}))


if __name__ == "__main__":
    main()
