"""Pre-train a small SymTime model on pairs drawn inside its step, stop, go on, and ask it.

python -m pip install ".[all,train]"
python examples/pretrain.py
"""

import tempfile

import jax

import s2jax
from s2jax import symtime

SIZES = {"width": 16, "hidden_width": 32, "symbol_width": 16, "symbol_hidden_width": 32}
CONFIG = symtime.Config.tiny(length=64, batch=64, **SIZES)
DATA = s2jax.presets.s2(length=64, split=s2jax.Split(0, 0.9))


def stop(pairs: int) -> None:
    """As Ctrl-C does."""
    if pairs >= 40 * CONFIG.batch:
        raise KeyboardInterrupt


def main() -> None:
    folder = tempfile.mkdtemp()
    try:
        symtime.pretrain(folder, CONFIG, DATA, num_steps=100, progress=stop)
    except KeyboardInterrupt as error:
        print("stopped:", *error.__notes__)
    state = symtime.pretrain(folder, CONFIG, DATA, num_steps=100)  # the rest, bit for bit

    losses = symtime.read_run(folder).losses["total"]
    print(
        f"loss of the first steps {losses[:10].mean():.2f}, of the last {losses[-10:].mean():.2f}"
    )
    unseen = s2jax.presets.s2(length=64, split=s2jax.Split(0.9, 1))
    pairs = symtime.sample_pairs(jax.random.key(1), CONFIG, unseen, 256)
    found = symtime.evaluate_retrieval(state.slow, pairs)
    print(f"found first among 64: {found.series_to_symbols_1:.3f} (chance {found.chance_1:.3f})")


if __name__ == "__main__":
    main()
