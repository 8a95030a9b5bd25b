# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # From a key to pairs
#
# A key goes in; a batch of input series, random expressions and output series comes out. Every row
# has an expression of its own, and nothing is recompiled from batch to batch.

# %%
import os

import jax
import numpy as np
from matplotlib.cbook import get_sample_data

import s2jax
from s2jax.plotting import plot_pairs

ROWS = int(os.environ.get("S2JAX_NOTEBOOK_ROWS", "1024"))

# %% [markdown]
# The first call compiles; the others do not, whatever the key, the weights or the bounds.

# %%
config = s2jax.presets.s2(length=256)
batch = s2jax.sample(jax.random.key(0), config, ROWS)
print(batch.x.shape, batch.y.shape)

# %% [markdown]
# ## The pair can be verified
#
# `y = y_scale * f(x) + y_shift`, with f the program of the row. As a SymPy expression it is exact.

# %%
f = np.asarray(s2jax.evaluate(batch.program, batch.x), np.float64)
y = f * np.asarray(batch.y_scale)[..., None] + np.asarray(batch.y_shift)[..., None]
print("largest difference:", np.abs(y - np.asarray(batch.y)).max())
for row in range(3):
    print(s2jax.to_sympy(batch.program)[row][0])

# %%
plot_pairs(batch, count=4)

# %% [markdown]
# ## What was refused, and why
#
# A failing expression is redrawn against the same input. The batch says how often and for what
# reason; `status` is zero in every row.

# %%
from s2jax.targets.acceptance import REASONS

tried = int(batch.tries.sum())
for reason, count in zip(REASONS, np.asarray(batch.rejections.sum((0, 1))), strict=True):
    print(f"{reason.name:15s} {count / tried:6.1%}  {reason.sentence}")
print(f"{'usable':15s} {ROWS / tried:6.1%}")

# %% [markdown]
# ## Where an input comes from
#
# `x_source` holds the family of each channel and its parameters: the exact law of every series.

# %%
source = batch.x_source
row = int(np.argmax(np.asarray(source.family[:, 0]) == 1))
print("row", row, "is ARMA with phi", source.process.ar[row, 0], "theta", source.process.ma[row, 0])

# %% [markdown]
# ## Real series as inputs
#
# The same machinery driven by the daily prices of a share that ship with matplotlib, from 2004 to
# 2008: every row takes a window of 128 days and its own expression.

# %%
prices = get_sample_data("goog.npz")["price_data"]["adj_close"]
driven = s2jax.presets.s2(length=128, inputs=s2jax.inputs.Given(prices))
driven_batch = s2jax.sample(jax.random.key(1), driven, ROWS)
print(s2jax.to_text(driven_batch.program)[0])
plot_pairs(driven_batch, count=4)
