"""The series encoder by the names of the code released with the paper, as arrays of NumPy."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from s2jax.core import checks
from s2jax.symtime._config import Config
from s2jax.symtime._layers import sinusoids
from s2jax.symtime._model import SymTime

_POSITIONS = 5000  # that the released code tabulates
_LINEAR = {
    "query": "self_attn.W_Q", "key": "self_attn.W_K", "value": "self_attn.W_V",
    "out": "self_attn.to_out.0", "up": "ff.0", "down": "ff.3",
}  # fmt: skip
_NORMS = ("norm_attn", "norm_ffn")
_OF_NORMS = {
    "gain": "weight", "shift": "bias", "running_mean": "running_mean",
    "running_variance": "running_var",
}  # fmt: skip


def export_torch(model: SymTime, prefix: str = "") -> dict[str, np.ndarray]:
    """Weights of the series encoder by the names of the released `TSTEncoder`.

    What `torch.from_numpy` makes of them is a state dict that `load_state_dict` takes, so that the
    released code for fine-tuning begins from them.

    Args:
        model: Of what the paper's encoder reads: `channels="y"`, one output, no `point_width`, and
            norms at the end of layers.
        prefix: Before every name, as "time_encoder." is in the released models.

    Raises:
        ValueError: If the model is another.

    Example:
        >>> import jax
        >>> from s2jax import symtime
        >>> config = symtime.Config(channels="y", width=48, symbol_width=48, num_layers=2)
        >>> model = symtime.SymTime(jax.random.key(0), config)
        >>> export_torch(model)["layers.1.self_attn.W_Q.weight"].shape
        (48, 48)
    """
    _check_model("export_torch", model.config)
    series, config = model.series, model.config
    found = {
        "W_P.weight": series.patches[0].T, "W_P.bias": series.bias,
        "cls_token": series.cls[None, None], "cls_mask": np.ones((1, 1), bool),
        "pe.pe": sinusoids(_POSITIONS, config.width)[None],
    }  # fmt: skip
    for path, leaf in jax.tree_util.tree_leaves_with_path(series.layers):
        for layer, own in enumerate(np.asarray(leaf)):
            found[f"layers.{layer}.{_name_of(path, config)}"] = own.T
    scale = np.float32((config.width // config.num_heads) ** -0.5)
    for layer in range(config.num_layers):
        found[f"layers.{layer}.self_attn.sdp_attn.scale"] = scale
        if config.norm == "batch":
            for norm in _NORMS:
                found[f"layers.{layer}.{norm}.1.num_batches_tracked"] = np.int64(0)
    return {f"{prefix}{name}": np.array(leaf, order="C") for name, leaf in found.items()}


def import_torch(model: SymTime, weights: Mapping[str, Any], prefix: str = "") -> SymTime:
    """The model with the weights of a series encoder of the released code; inverse of
    `export_torch`.

    Args:
        model: As for `export_torch`; its config says the sizes.
        weights: Arrays by name, such as `{k: v.numpy() for k, v in state_dict.items()}`. Other
            names than those of `prefix` are left alone.
        prefix: Before the names of the encoder.

    Raises:
        ValueError: If a weight is missing or of another shape, or the model another.

    Example:
        >>> import jax
        >>> from s2jax import symtime
        >>> config = symtime.Config(channels="y", width=48, symbol_width=48, num_layers=2)
        >>> one, other = (symtime.SymTime(jax.random.key(seed), config) for seed in (0, 1))
        >>> again = import_torch(other, export_torch(one))
        >>> bool((again.series.layers.up.weight == one.series.layers.up.weight).all())
        True
    """
    _check_model("import_torch", model.config)
    expected = export_torch(model)

    def take(name: str) -> np.ndarray:
        full = f"{prefix}{name}"
        if full not in weights:
            raise ValueError(
                f"import_torch(weights): {checks.unknown(full, weights)} It must be there, because "
                "the encoder has it. Pass the state dict of a TSTEncoder, and the `prefix` of its "
                "names."
            )
        array = np.asarray(weights[full], np.float32)
        if array.shape != expected[name].shape:
            raise ValueError(
                f"import_torch(weights[{full!r}] of shape {array.shape}): must be "
                f"{expected[name].shape} for this config. Use the sizes of the model that has it."
            )
        return array

    config, series = model.config, model.series
    stack = lambda path, leaf: jnp.stack(
        [take(f"layers.{layer}.{_name_of(path, config)}").T for layer in range(len(leaf))]
    )
    layers = jax.tree_util.tree_map_with_path(stack, series.layers)
    patches, bias, cls = take("W_P.weight").T[None], take("W_P.bias"), take("cls_token")[0, 0]
    new = (*map(jnp.asarray, (patches, bias, cls)), layers)
    names = ("patches", "bias", "cls", "layers")
    where = lambda model: [getattr(model.series, name) for name in names]
    return eqx.tree_at(where, model, new)


def _name_of(path: Any, config: Config) -> str:
    """The name, in a layer of the released code, of the weight at this place in ours."""
    parts: list[Any] = [getattr(part, "name", getattr(part, "idx", None)) for part in path]
    first, *middle, last = parts
    if first != "norms":
        return f"{_LINEAR[first]}.{last}"
    inner = ".1" if config.norm == "batch" else ""  # between two transpositions
    return f"{_NORMS[middle[0]]}{inner}.{_OF_NORMS[last]}"


def _check_model(call: str, config: Config) -> None:
    """Refuse a model that reads or computes what the released encoder does not."""
    wanted = {"channels": "y", "num_outputs": 1, "point_width": 0, "pre_norm": False}
    other = [name for name, value in wanted.items() if getattr(config, name) != value]
    if other:
        say = lambda values: ", ".join(f"{name}={values(name)!r}" for name in other)
        raise ValueError(
            f"{call}(model with {say(lambda name: getattr(config, name))}): must be as the "
            "released encoder, which has none of it. Train with "
            f"symtime.Config({say(wanted.__getitem__)}, ...)."
        )
