"""The series encoder by the names of the released code, and back."""

import re
from typing import Any

import jax
import numpy as np
import pytest

from s2jax import symtime

FIELDS: dict[str, Any] = {
    "length": 64, "channels": "y", "width": 24, "num_heads": 3, "hidden_width": 40, "num_layers": 2,
    "symbol_width": 24, "symbol_heads": 2, "symbol_hidden_width": 24, "symbol_layers": 1,
    "projection": 8,
}  # fmt: skip
LAYER = {
    "self_attn.W_Q.weight": (24, 24), "self_attn.W_Q.bias": (24,), "self_attn.W_K.weight": (24, 24),
    "self_attn.W_K.bias": (24,), "self_attn.W_V.weight": (24, 24), "self_attn.W_V.bias": (24,),
    "self_attn.sdp_attn.scale": (), "self_attn.to_out.0.weight": (24, 24),
    "self_attn.to_out.0.bias": (24,), "ff.0.weight": (40, 24), "ff.0.bias": (40,),
    "ff.3.weight": (24, 40), "ff.3.bias": (24,),
}  # fmt: skip
AROUND = {
    "W_P.weight": (24, 16), "W_P.bias": (24,), "cls_token": (1, 1, 24), "cls_mask": (1, 1),
    "pe.pe": (1, 5000, 24),
}  # fmt: skip
OF_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def model_of(seed: int = 0, **fields: Any) -> symtime.SymTime:
    return symtime.SymTime(jax.random.key(seed), symtime.Config(**FIELDS | fields))


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_names_and_shapes_are_those_of_the_released_encoder(norm: str) -> None:
    found = symtime.export_torch(model_of(norm=norm), prefix="time_encoder.")
    wanted = dict(AROUND)
    for layer in range(2):
        wanted |= {f"layers.{layer}.{name}": shape for name, shape in LAYER.items()}
        for place in ("norm_attn", "norm_ffn"):
            if norm == "batch":
                names = {f"{place}.1.{name}": (24,) for name in OF_NORM}
                names[f"{place}.1.num_batches_tracked"] = ()
            else:
                names = {f"{place}.{name}": (24,) for name in OF_NORM[:2]}
            wanted |= {f"layers.{layer}.{name}": shape for name, shape in names.items()}
    shapes = {name.removeprefix("time_encoder."): leaf.shape for name, leaf in found.items()}
    assert shapes == wanted
    assert all(leaf.flags.c_contiguous for leaf in found.values())
    assert found["time_encoder.layers.0.self_attn.sdp_attn.scale"] == np.float32(8**-0.5)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_there_and_back(norm: str) -> None:
    one, other = model_of(0, norm=norm), model_of(1, norm=norm)
    weights = symtime.export_torch(one, "time_encoder.")
    again = symtime.import_torch(other, weights | {"temp": np.ones(())}, "time_encoder.")
    for a, b in zip(jax.tree.leaves(again.series), jax.tree.leaves(one.series), strict=True):
        assert (a == b).all()
    for a, b in zip(jax.tree.leaves(again.symbols), jax.tree.leaves(other.symbols), strict=True):
        assert (a == b).all()


def test_what_does_not_fit() -> None:
    model = model_of()
    weights = symtime.export_torch(model)
    missing = {name: leaf for name, leaf in weights.items() if name != "W_P.bias"}
    with pytest.raises(ValueError, match=re.escape("'W_P.bias'") + ".*prefix"):
        symtime.import_torch(model, missing)
    with pytest.raises(ValueError, match=r"W_P.bias.*must be \(24,\)"):
        symtime.import_torch(model, weights | {"W_P.bias": np.zeros(3)})
    with pytest.raises(ValueError, match=r"channels='xyf'.*Config\(channels='y'"):
        symtime.export_torch(model_of(channels="xyf"))
    with pytest.raises(ValueError, match="point_width=8"):
        symtime.import_torch(model_of(point_width=8), weights)
