"""One pair in one `.npz` file of the reference implementation, read without unpickling."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from s2jax.corpus.files import replacing
from s2jax.text.tree import VARIABLES

_KEYS = ("symbol", "excitation", "response")
_LEFT_OUT = {
    "rand": "always evaluates to 0 in the reference. Draw with SymbolParams(prob_rand=0.0)",
    "diff": "is no function of x at a time step. Draw with the weight diff_0 in "
    "SymbolParams(operators_to_downsample=...)",
}


class Pair(NamedTuple):
    """What a file holds."""

    file: Path
    text: str
    x: np.ndarray
    y: np.ndarray


class Unreadable(Exception):
    """Why a file cannot be read."""


def read_pair(file: Path) -> Pair:
    """The pair in a file, or an `Unreadable` that says why not."""
    if file.suffix != ".npz":
        raise Unreadable(
            f"must be an .npz file, but is {file.suffix or 'without suffix'}; a .npy file of the "
            "reference is a pickle, which runs code. Load it with load_s2data and save it as .npz"
        )
    try:
        with open(file, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in _KEYS if key in archive}
            held = ", ".join(archive.files)
    except Exception as error:  # a damaged archive raises anything, from zlib.error to TypeError
        raise Unreadable(f"is no readable .npz file without pickles ({error})") from None
    if len(arrays) < len(_KEYS):
        raise Unreadable(f"must hold {', '.join(_KEYS)}, but holds {held or 'nothing'}")
    symbol = arrays["symbol"]
    if symbol.dtype.kind != "U" or symbol.size != 1:
        raise Unreadable(f"symbol must be text, but is {symbol.dtype} of shape {symbol.shape}")
    pair = Pair(file, str(symbol.reshape(())), *map(arrays.__getitem__, _KEYS[1:]))
    _check_arrays(pair)
    return pair


def _check_arrays(pair: Pair) -> None:
    for name, array in (("excitation", pair.x), ("response", pair.y)):
        if array.ndim != 2 or array.dtype.kind not in "fiu" or 0 in array.shape:
            raise Unreadable(
                f"{name} must be numbers of shape (time, channels), but is {array.dtype} of shape "
                f"{array.shape}"
            )
    if len(pair.x) != len(pair.y):
        raise Unreadable(f"excitation has {len(pair.x)} time steps, but response {len(pair.y)}")
    words = re.findall(r"[A-Za-z]\w*", pair.text)
    for word, reason in _LEFT_OUT.items():
        if word in words:
            raise Unreadable(f"the symbol holds `{word}`, which {reason}")
    for word in words:
        if word in VARIABLES and not word.startswith("x_"):
            raise Unreadable(f"the symbol holds `{word}`, which is no input x_0, x_1, ...")
    used = 1 + max(
        [int(word[2:]) for word in words if re.fullmatch(r"x_\d{1,4}", word)], default=-1
    )
    if used > pair.x.shape[1]:
        raise Unreadable(f"the symbol reads x_{used - 1}, but {pair.x.shape[1]} inputs are there")
    outputs = pair.text.count("|") + 1
    if outputs != pair.y.shape[1]:
        raise Unreadable(f"the symbol has {outputs} outputs, but response {pair.y.shape[1]}")


def write_pair(pair: Pair) -> None:
    """Write the file; it is complete or not there."""
    with replacing(pair.file) as stream:
        np.savez(stream, symbol=np.array(pair.text), excitation=pair.x, response=pair.y)
