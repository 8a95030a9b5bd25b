"""What can be typed after `s2jax`: one class per command, one field per option."""

import dataclasses
from pathlib import Path
from typing import Literal

Preset = Literal["mix", "multivariate", "s2", "reference", "ode", "sarsim"]
Size = Literal["tiny", "small", "base", "large"]
Kind = Literal["settling", "bistable", "oscillating", "conservative", "chaotic"]


@dataclasses.dataclass(frozen=True)
class Generate:
    """Write a corpus of Parquet files, go on where an interrupted command stopped, or add rows.

    Every field of the configuration can be set by its dotted name, for example
    --length 512 --num-inputs 3 --acceptance.bound 1000 --target.law.max-unary 3
    --x-scaling.high 8 --inputs Mixture ARMA --inputs.weights 0.3 0.7 --operators add mul=2 sin.
    With none, a part or a weight is left out: --y-scaling none --target.weights.driven none.
    `s2jax fields` lists them all. Options win over the file, the file over the preset.
    With --import MODULE, classes of your own that the module registers can be named too.
    """

    path: str
    """The folder: new, empty, or with a part of the same corpus; or an address, s3://bucket/name."""
    preset: Preset = "mix"
    """Where fields that are not set come from."""
    rows: int = 20000
    """Number of pairs in all: with more than there are, the corpus grows."""
    seed: int = 0
    """The same seed, configuration and block size give the same pairs."""
    config: Path | None = None
    """TOML file with fields of the configuration, tables nested like dotted names."""
    shard_rows: int = 8192
    """Pairs per file, a multiple of block_size."""
    block_size: int = 1024
    """Pairs drawn at a time."""
    workers: int = 1
    """Processes that write files, each on CPU; at most one per file."""
    shards: str = "0/1"
    """I/N writes every N-th file from number I on: one of N commands that share a file system."""
    engine: Literal["local", "ray"] = "local"
    """Where files are written: on this machine, or as tasks of a Ray cluster."""
    address: str | None = None
    """Address of the Ray cluster; none starts one on this machine alone."""
    card_rows: int = 1024
    """Rows that are measured for the dataset card, README.md in the folder; 0 for none."""
    dry_run: bool = False
    """Only say how many rows are missing, how large they are and how long they take."""
    quiet: bool = False
    """Say nothing but warnings and errors."""


@dataclasses.dataclass(frozen=True)
class Show:
    """Plot random pairs of a corpus with their formulas, and print what it holds.

    Solutions of differential equations are plotted over time and as paths in the plane. Without a
    corpus, `s2jax show --family NAME` plots series of an input family.
    """

    path: str
    """The folder of a corpus, or its address."""
    png: Path | None = None
    """Where the picture goes; by default PATH.png beside the folder, or here."""
    pairs: int = 6
    """Number of pairs in the picture."""
    seed: int = 0
    """Which pairs."""


@dataclasses.dataclass(frozen=True)
class Stats:
    """Say what a forecaster could learn from the series of a corpus: features, and shares by kind.

    Medians with quartiles over its outputs, and of a corpus what its expressions are. With
    --against, beside those of other corpora or of your own series, and how far it is from them.
    Without a corpus, `s2jax stats --preset NAME` draws rows of a preset.
    """

    path: str
    """The folder of a corpus, its address, or a .npy file of series: (series, steps)."""
    against: tuple[str, ...] = ()
    """Others to compare with, such as real series: corpora or .npy files."""
    rows: int = 2000
    """Rows of each that are looked at, chosen at random."""
    period: int | None = None
    """Steps of a season, for the features of seasons."""
    seed: int = 0
    """Which rows."""
    json: bool = False
    """Print all features as JSON."""
    html: Path | None = None
    """Write a page too: the tables, maps of features, and series that say most."""


@dataclasses.dataclass(frozen=True)
class StatsPreset(Stats):
    """Say what a forecaster could learn from the series of a preset, as of a corpus."""

    path: str = dataclasses.field(init=False, default="")
    preset: Preset = "mix"
    """What to draw from."""
    length: int = 512
    """Time steps."""


@dataclasses.dataclass(frozen=True)
class Census:
    """Say what solutions of differential equations do: settle, oscillate, repeat, are chaotic.

    Shares of rows with 95 % intervals, in all, for every form of equation, and for every number of
    states. Of a TOML file, rows are drawn by its configuration, whose other fields are those of the
    preset ode. Without either, `s2jax census --preset NAME` draws rows of a preset, and every
    field of the configuration can be set as in `generate`, for example --num-outputs 3.
    """

    path: str
    """The folder of a corpus, its address, or a TOML file with fields of a configuration."""
    rows: int = 4096
    """Rows that are looked at; of a corpus, chosen at random."""
    seed: int = 0
    """Which rows."""


@dataclasses.dataclass(frozen=True)
class CensusPreset(Census):
    """Say what solutions of differential equations do that are drawn by a preset."""

    path: str = dataclasses.field(init=False, default="")
    preset: Preset = "ode"
    """Where fields that are not set come from."""
    config: Path | None = None
    """TOML file with fields of the configuration."""


@dataclasses.dataclass(frozen=True)
class ShowFamily:
    """Plot series of an input family, each under what was drawn for it."""

    family: str = ""
    """Its class, as KernelSynth; with --import MODULE, also one of your own."""
    png: Path | None = None
    """Where the picture goes; by default NAME.png in this folder."""
    count: int = 9
    """Number of series."""
    length: int = 256
    """Time steps."""
    seed: int = 0
    """Which series."""


@dataclasses.dataclass(frozen=True)
class Info:
    """Print what a folder holds: rows, configuration, versions, how far it is."""

    path: str
    """The folder of a corpus, or its address, finished or not."""
    json: bool = False
    """Print all that is known of it as JSON: its manifest too."""


@dataclasses.dataclass(frozen=True)
class Verify:
    """Compare every file of a corpus with its manifest; exit code 1 if one is damaged."""

    path: str
    """The folder of a corpus, or its address."""
    json: bool = False
    """Print what was found as JSON."""


@dataclasses.dataclass(frozen=True)
class Repair:
    """Draw damaged or missing files of a corpus again, with the same values."""

    path: str
    """The folder of a corpus, or its address."""


@dataclasses.dataclass(frozen=True)
class Export:
    """Write a corpus in the format of another trainer.

    Each format has options of its own, for example --format hf --univariate.
    """

    path: str
    """The folder of a corpus, or its address."""
    dest: str
    """Where the copy goes: new or empty, or an address."""
    format: str = "hf"
    """One of hf, chronos2, time-moe, utsd, symtime, toto, array-record, npz, csv, jsonl."""


@dataclasses.dataclass(frozen=True)
class Pretrain:
    """Train a SymTime model on pairs that are drawn as it learns, or stored; or go on with a run.

    Stopped or killed, it goes on when the same command is typed again, and ends with the same
    weights, bit for bit. Fields of the configuration of the data are set as in `generate`, for
    example --length 128 or --target.input-share 0; those of the model, s2jax.symtime.Config, begin
    with model, for example --model.max-tokens 64 or --model.channels y. In a TOML file they are the
    table [model]. Expressions of Split(0, 0.9) are drawn unless another --split is given, so that
    `s2jax pretrain report PATH` can ask for others: it draws what was learnt. With --corpus,
    rows of a corpus are read instead, as they are.
    """

    path: Path
    """The folder: new, empty, or with the beginning of the same run."""
    size: Size = "tiny"
    """Of the model: tiny for one core, the others as in the paper."""
    preset: Preset = "mix"
    """What to draw: where fields that are not set come from."""
    corpus: str | None = None
    """The folder of a corpus to read instead, or its address, shuffled anew in every round."""
    steps: int = 10000
    """Of the whole run; the learning rate follows a cycle of that many."""
    batch_size: int = 0
    """Pairs of a step; 0 is what the size has."""
    seed: int = 0
    """Of weights and data."""
    config: Path | None = None
    """TOML file with fields of the data, and of the model in its table [model]."""
    save_every: int = 500
    """Steps between checkpoints, of which the last two are kept."""
    devices: int = 1
    """Over which pairs are spread: 1, 2, 4 or 8."""


@dataclasses.dataclass(frozen=True)
class PretrainReport:
    """Draw and print what a run has learnt so far, on expressions that it has not seen.

    Losses over steps, retrieval beside chance and the ceiling of who knows every form of an
    expression and no number, similarities of series and expressions, and a map of series.
    """

    path: Path
    """The folder of a run, finished or not."""
    rows: int = 1024
    """Pairs to judge it by, at least 64."""
    seed: int = 0
    """Which pairs."""
    png: Path | None = None
    """Where the picture goes; by default PATH.png beside the folder."""


@dataclasses.dataclass(frozen=True)
class Fields:
    """List every field of a configuration with its value; `generate` can set them all.

    Takes the same options as `generate`, so that their effect can be seen.
    """

    preset: Preset = "mix"
    """Which configuration."""
    config: Path | None = None
    """TOML file with fields of the configuration."""


@dataclasses.dataclass(frozen=True)
class List:
    """List what there is by name: known systems, with number of states, kind and source."""

    what: Literal["systems"]
    """Systems of differential equations, which s2jax.ode.named takes."""
    kind: Kind | None = None
    """Only those that do this with the parameters of their source."""


class UsageError(Exception):
    """The caller's mistake, to be told in one sentence."""
