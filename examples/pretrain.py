"""Pre-train a small SymTime model on pairs drawn inside its step, stop, and go on bit for bit.

python -m pip install ".[all,train]"
python examples/pretrain.py
"""

import tempfile

import s2jax
from s2jax import symtime

SIZES = {"width": 16, "hidden_width": 32, "symbol_width": 16, "symbol_hidden_width": 32}
CONFIG = symtime.Config.tiny(length=64, batch=64, **SIZES)
DATA = s2jax.presets.s2(length=64, inputs=s2jax.inputs.ARMA(), split=s2jax.Split(0, 0.9))


def stop(pairs: int) -> None:
    """As Ctrl-C does."""
    if pairs >= 20 * CONFIG.batch:
        raise KeyboardInterrupt


def main() -> None:
    folder = tempfile.mkdtemp()
    try:
        symtime.pretrain(folder, CONFIG, DATA, num_steps=60, progress=stop)
    except KeyboardInterrupt as error:
        print("stopped:", *error.__notes__)
    state = symtime.pretrain(folder, CONFIG, DATA, num_steps=60)  # the rest, bit for bit

    losses = symtime.read_run(folder).losses
    first, last = losses["total"][:10].mean(), losses["total"][-10:].mean()
    found, chance = losses["series_found"][-10:].mean(), 1 / CONFIG.batch
    print(f"after {int(state.step)} steps: loss {first:.2f} at first, {last:.2f} at last")
    print(f"series found first among {CONFIG.batch}: {found:.3f} (chance {chance:.3f})")


if __name__ == "__main__":
    main()
