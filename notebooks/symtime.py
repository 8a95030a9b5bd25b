# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # A model that learns which series belongs to which expression
#
# SymTime is trained on series-symbol pairs that are drawn inside its own step. This notebook trains
# a small one for a minute, looks at what it has learnt, and asks it about sunspots. It needs
# `python -m pip install ".[all,train]" "statsmodels>=0.14.4"`.

# %%
import os
import tempfile

import jax
import numpy as np
from statsmodels.datasets import sunspots

import s2jax
from s2jax import symtime
from s2jax.plotting import plot_neighbours, plot_run

ROWS = int(os.environ.get("S2JAX_NOTEBOOK_ROWS", "1024"))

# %% [markdown]
# ## Training
#
# The folder holds checkpoints, a line per step, and what was asked for. Called again after it was
# stopped, `pretrain` continues it, bit for bit.

# %%
config = symtime.Config.tiny(length=64, batch=64, width=32, hidden_width=64)
law = s2jax.laws.S2Law(min_binary_per_input=1)
data = s2jax.presets.s2(
    length=64,
    target=s2jax.Algebraic(law),
    acceptance=s2jax.Acceptance(max_correlation=0.99),  # y = a x + b says nothing
    split=s2jax.Split(0, 0.9),
)
folder = tempfile.mkdtemp()
state = symtime.pretrain(folder, config, data, num_steps=ROWS // 2)

# %% [markdown]
# ## What it has learnt
#
# Judged by expressions of the part that training does not draw. The ceiling is that of who knows
# every form of an expression and no number.

# %%
run = symtime.read_run(folder)
evaluation = symtime.evaluate_run(run, rows=max(ROWS, 64))
for name, value in evaluation.table().items():
    print(f"{name:24s} {value}")
plot_run(run, evaluation)

# %% [markdown]
# ## Sunspots look like ...
#
# Is the number of sunspots a function of that of the year before? The model reads both, sorted by
# the second, and names the nearest expressions of a bank. In grey are the sunspots.

# %%
spots = sunspots.load().data["SUNACTIVITY"].to_numpy(np.float64)
spots = (spots - spots.mean()) / spots.std()
bank = symtime.sample_pairs(jax.random.key(1), config, data, ROWS, which="nonlinear")
found = symtime.nearest_expressions(state.slow, bank, y=spots[-64:], x=spots[-65:-1])
for text, near in zip(found.texts, found.similarity, strict=True):
    print(f"{near:.2f}  {text}")
plot_neighbours(found)
