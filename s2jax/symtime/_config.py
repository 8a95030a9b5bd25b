"""What decides a model and its training."""

import dataclasses
from typing import Any

from s2jax.core import checks
from s2jax.text import Vocabulary

CHANNELS = ("y", "xy", "xyf")
ORDERS = ("time", "x")
NORMS = ("batch", "layer")
CONTRASTS = ("clean", "masked")
PRECISIONS = ("float32", "bfloat16")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """A SymTime model and how it is trained; hashable, a static argument of jitted functions.

    The defaults are the paper's *small* model and its training, with the defects of the released
    code mended; `tiny` is for one core of a CPU. Changing a field compiles anew.

    Attributes:
        length: Time steps of a series.
        patch_length: Time steps of a patch; divides `length`.
        num_inputs, num_outputs: Channels of the data, each with weights of its own.
        channels: What the series encoder reads: "y", the outputs alone, as in the paper; "xy",
            inputs and outputs; "xyf", these and the scales that the z-score takes away (logarithm
            of the deviation of x, mean and deviation of f), added to [CLS].
        order: "time", or "x": every row sorted by its first input, so that f is a curve.
        max_tokens: Words of a row of expressions; rows with more are left out of what needs them.
        vocabulary: The words.
        width, num_heads, hidden_width, num_layers: Of the series encoder.
        point_width: Width of a small network on the channels of each single time step, whose mean
            over a patch is added to its embedding; 0 is the paper's linear embedding alone.
        symbol_width, symbol_heads, symbol_hidden_width, symbol_layers: Of the symbol encoder.
        norm: "batch", as the paper's series encoder, or "layer". The symbol encoder has layer
            norms, as DistilBERT.
        pre_norm: Whether layers begin with their norms; the paper's end with them.
        dropout: Probability.
        projection: Width of the space in which series and symbols are compared.
        masked_patches: Share of the patches of a row that are hidden.
        masked_symbols: Probability that a word is to be guessed: of these 80 % are replaced by
            `<mask>`, 10 % by any word, 10 % stay.
        words_see_series: Whether masked words are guessed with [CLS] of the masked series added to
            all of them. The paper's are not: its series teach words nothing.
        masked_every: Each so many rows of a batch are masked; 1 is all. Masked passes cost as much
            as those that the contrast needs.
        momentum: How much of its weights the slow copy keeps in a step (EMA).
        queue: Projections of earlier batches that serve as negatives; 0 is none but the batch.
        temperature, min_temperature, max_temperature: Of the contrast: at first, and its bounds.
        distillation: Weight of the slow copy's own judgement in the targets of the contrast.
        distillation_ramp: Steps over which this weight grows from 0.
        contrast_on: "clean": contrast whole series and expressions, and mask in a pass apart;
            "masked": on what is masked, as the released code does.
        double_softmax: Whether targets of the contrast go through a second softmax, as in the
            released code.
        mtm_weight, mlm_weight, contrast_weight: Of masked patches, masked words and contrast.
        batch: Rows of a step, over all devices.
        draws_per_row: Rows that are drawn for each row of a step, which costs little beside the
            model: those whose words fit are taken first.
        learning_rate: The highest of the OneCycle schedule.
        warm_up: Share of the steps until it is reached.
        start_divisor, end_divisor: How many times lower it starts, and how many times lower than
            its start it ends.
        betas: Of AdamW; the first is cycled as PyTorch does it where `cycles_beta`.
        cycles_beta: Whether the first beta goes 0.95, 0.85, 0.95 while the rate goes up and down.
        weight_decay: Of AdamW, on all weights.
        clip_norm: Largest norm of a gradient; 0 does not clip.
        precision: "float32", or "bfloat16" for the products inside of both encoders; weights,
            norms, softmaxes and losses stay float32.

    Raises:
        TypeError: If a field is of the wrong kind.
        ValueError: If a field is out of range, or two do not go together.

    Example:
        >>> config = Config.tiny(length=64)
        >>> config.num_patches, Config.base().width, Config.large().num_layers
        (4, 512, 6)

    References:
        Wang et al. 2025, "SymTime: a series-symbol foundation model", NeurIPS.
    """

    length: int = 256
    patch_length: int = 16
    num_inputs: int = 1
    num_outputs: int = 1
    channels: str = "xyf"
    order: str = "time"
    max_tokens: int = 96
    vocabulary: Vocabulary = Vocabulary()
    width: int = 384
    num_heads: int = 8
    hidden_width: int = 384
    num_layers: int = 6
    point_width: int = 0
    symbol_width: int = 768
    symbol_heads: int = 12
    symbol_hidden_width: int = 3072
    symbol_layers: int = 6
    norm: str = "batch"
    pre_norm: bool = False
    dropout: float = 0.1
    projection: int = 128
    masked_patches: float = 0.4
    masked_symbols: float = 0.15
    words_see_series: bool = False
    masked_every: int = 1
    momentum: float = 0.995
    queue: int = 60_000
    temperature: float = 0.07
    min_temperature: float = 0.001
    max_temperature: float = 0.5
    distillation: float = 0.4
    distillation_ramp: int = 0
    contrast_on: str = "clean"
    double_softmax: bool = False
    mtm_weight: float = 1.0
    mlm_weight: float = 1.0
    contrast_weight: float = 1.0
    batch: int = 1024
    draws_per_row: int = 2
    learning_rate: float = 1e-5
    warm_up: float = 0.125
    start_divisor: float = 25.0
    end_divisor: float = 1e4
    betas: tuple[float, float] = (0.9, 0.999)
    cycles_beta: bool = True
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    precision: str = "float32"

    def __new__(cls, *args: Any, **fields: Any) -> "Config":
        checks.check_names("symtime.Config", fields, cls.__init__)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name, (low, high) in _WHOLE.items():
            checks.check_static_integer("symtime.Config", name, getattr(self, name), low, high)
        for name, (low, high) in _NUMBERS.items():
            _check_static_number(name, getattr(self, name), low, high)
        for name, words in _WORDS.items():
            value = getattr(self, name)
            checks.check_word(f"symtime.Config({name}={value!r})", value, words)
        for name in ("pre_norm", "double_softmax", "cycles_beta", "words_see_series"):
            checks.check_flag("symtime.Config", name, getattr(self, name))
        if not isinstance(self.vocabulary, Vocabulary):
            raise TypeError(
                f"symtime.Config(vocabulary={checks.shown(self.vocabulary)}): must be a "
                "Vocabulary. Pass s2jax.Vocabulary(), or the vocabulary of your corpus."
            )
        if not (isinstance(self.betas, tuple) and len(self.betas) == 2):
            raise TypeError(
                f"symtime.Config(betas={self.betas!r}): must be two numbers. Pass (0.9, 0.999)."
            )
        for beta in self.betas:
            _check_static_number("betas", beta, 0.0, 1.0)
        _check_together(self)

    @classmethod
    def tiny(cls, **fields: Any) -> "Config":
        """For one core of a CPU: learns in ten minutes what can be learnt in ten minutes.

        Args:
            **fields: Any field, instead of that of this size.

        Example:
            >>> Config.tiny(batch=64).width
            48
        """
        return cls(**_TINY | fields)

    @classmethod
    def small(cls, **fields: Any) -> "Config":
        """The paper's small model, 5.3 million weights in the series encoder.

        Args:
            **fields: Any field, instead of that of this size.

        Example:
            >>> Config.small() == Config()
            True
        """
        return cls(**fields)

    @classmethod
    def base(cls, **fields: Any) -> "Config":
        """The paper's base model, 18.9 million weights in the series encoder.

        Args:
            **fields: Any field, instead of that of this size.

        Example:
            >>> Config.base().hidden_width
            2048
        """
        sizes: dict[str, Any] = {"width": 512, "hidden_width": 2048}
        return cls(**sizes | fields)

    @classmethod
    def large(cls, **fields: Any) -> "Config":
        """The paper's large model, 42.8 million weights in the series encoder.

        Args:
            **fields: Any field, instead of that of this size.

        Example:
            >>> Config.large().num_heads
            12
        """
        sizes: dict[str, Any] = {"width": 768, "num_heads": 12, "hidden_width": 3096}
        return cls(**sizes | fields)

    @property
    def num_patches(self) -> int:
        return self.length // self.patch_length

    @property
    def num_channels(self) -> int:
        """Channels that the series encoder reads: inputs first, if any."""
        return self.num_outputs + (0 if self.channels == "y" else self.num_inputs)

    @property
    def num_scales(self) -> int:
        """Scales that are added to [CLS]."""
        return self.num_inputs + 2 * self.num_outputs if self.channels == "xyf" else 0


_TINY: dict[str, Any] = {
    "max_tokens": 48,
    "width": 48,
    "num_heads": 2,
    "hidden_width": 96,
    "num_layers": 2,
    "symbol_width": 48,
    "symbol_heads": 2,
    "symbol_hidden_width": 96,
    "symbol_layers": 2,
    "norm": "layer",
    "pre_norm": True,
    "dropout": 0.0,
    "words_see_series": True,
    "masked_every": 4,
    "mtm_weight": 4.0,
    "order": "x",
    "queue": 0,
    "min_temperature": 0.02,
    "distillation_ramp": 1000,
    "batch": 256,
    "learning_rate": 2e-3,
    "betas": (0.9, 0.99),
    "cycles_beta": False,
}

_MANY = float("inf")
_WHOLE = {
    "length": (2, 2**20),
    "patch_length": (1, 2**20),
    "num_inputs": (1, 64),
    "num_outputs": (1, 64),
    "max_tokens": (3, 2**15),
    "width": (2, _MANY),
    "num_heads": (1, _MANY),
    "hidden_width": (1, _MANY),
    "num_layers": (1, _MANY),
    "point_width": (0, _MANY),
    "symbol_width": (2, _MANY),
    "symbol_heads": (1, _MANY),
    "symbol_hidden_width": (1, _MANY),
    "symbol_layers": (1, _MANY),
    "projection": (1, _MANY),
    "masked_every": (1, _MANY),
    "queue": (0, 2**24),
    "distillation_ramp": (0, 2**31 - 1),
    "batch": (2, 2**24),
    "draws_per_row": (1, 64),
}
_NUMBERS = {
    "dropout": (0.0, 0.99),
    "masked_patches": (0.0, 1.0),
    "masked_symbols": (0.0, 1.0),
    "momentum": (0.0, 1.0),
    "temperature": (1e-4, 10.0),
    "min_temperature": (1e-4, 10.0),
    "max_temperature": (1e-4, 10.0),
    "distillation": (0.0, 1.0),
    "mtm_weight": (0.0, _MANY),
    "mlm_weight": (0.0, _MANY),
    "contrast_weight": (0.0, _MANY),
    "learning_rate": (0.0, _MANY),
    "warm_up": (0.0, 1.0),
    "start_divisor": (1.0, _MANY),
    "end_divisor": (1.0, _MANY),
    "weight_decay": (0.0, _MANY),
    "clip_norm": (0.0, _MANY),
}
_WORDS = {
    "channels": CHANNELS,
    "order": ORDERS,
    "norm": NORMS,
    "contrast_on": CONTRASTS,
    "precision": PRECISIONS,
}


def _check_static_number(name: str, value: Any, low: float, high: float) -> None:
    """Refuse what is no number of Python in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(
            f"symtime.Config({name}={checks.shown(value)}): must be a number of Python, because "
            "programs are compiled for it. Pass a float."
        )
    checks.check_number("symtime.Config", name, value, low, high)


def _check_together(config: Config) -> None:
    """Refuse fields that do not go together."""

    def refuse(given: str, rule: str) -> None:
        raise ValueError(f"symtime.Config({given}): {rule}")

    length, patch = config.length, config.patch_length
    if length % patch:
        refuse(
            f"length={length}, patch_length={patch}",
            "patch_length must divide length, because a series is cut into whole patches. Take "
            f"length={-(-length // patch) * patch}, or a divisor of {length}.",
        )
    for side in ("", "symbol_"):
        width = getattr(config, f"{side or ''}width")
        heads = getattr(config, "num_heads" if not side else "symbol_heads")
        if width % heads or width % 2:
            refuse(
                f"{side}width={width}, {'symbol' if side else 'num'}_heads={heads}",
                f"{side}width must be even and a multiple of the heads, because each takes an "
                f"equal part of it. Take {side}width={-(-width // (2 * heads)) * 2 * heads}.",
            )
    if not config.min_temperature <= config.temperature <= config.max_temperature:
        refuse(
            f"temperature={config.temperature}, min_temperature={config.min_temperature}, "
            f"max_temperature={config.max_temperature}",
            "the first must be within the other two, because it starts there. Change one of them.",
        )
    if 0 < config.queue < config.batch:
        refuse(
            f"queue={config.queue}, batch={config.batch}",
            "queue must be 0 or >= batch, because a batch enters it as a whole. Take queue=0 for "
            "negatives of the batch alone.",
        )
    if config.batch % config.masked_every:
        refuse(
            f"batch={config.batch}, masked_every={config.masked_every}",
            "masked_every must divide batch. Take 1, 2 or 4.",
        )
    if config.contrast_on == "masked" and config.masked_every > 1:
        refuse(
            f"contrast_on='masked', masked_every={config.masked_every}",
            "masked_every must be 1, because every row is contrasted. Take contrast_on='clean'.",
        )
    if config.order == "x" and config.channels == "y":
        refuse(
            "order='x', channels='y'",
            "channels must hold x where rows are sorted by it. Take channels='xy' or 'xyf'.",
        )
