# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Causes
#
# Channels that cause each other along a random graph, with lags; what becomes of them when one is
# changed; and how much of the graph a correlation sees. The page is docs/causes.md.

# %%
import os

import jax
import matplotlib.pyplot as plt
import numpy as np

import s2jax
from s2jax.plotting import plot_pairs

ROWS = int(os.environ.get("S2JAX_NOTEBOOK_ROWS", "512"))
COLORS = ("#33658a", "#d1495b", "#7a9e3f", "#e28413")

# %% [markdown]
# ## Rows and their graphs
#
# Every row has a graph of its own. Arrows go from cause to effect, with the number of steps between
# them; thick ones are strong. `sample_pair` draws rows as `sample` does, and each once more with
# one cause changed, of which later.

# %%
graph = s2jax.inputs.CausalGraph(roots=s2jax.inputs.TrendSeason())
config = s2jax.Config(
    length=256, num_inputs=4, num_outputs=4, inputs=graph, target=s2jax.Identity()
)
pair = s2jax.sample_pair(jax.random.key(0), config, ROWS, s2jax.Do(value=3.0))
batch = pair.observed
plot_pairs(batch, 3)

# %% [markdown]
# The law of a row as equations, and as numbers: at [effect, cause] the lag, -1 where there is none.

# %%
law = batch.x_source.law_of(s2jax.inputs.CausalLaw)
print("\n".join(law.texts()[0]))
print(law.lag_matrix[0])

# %% [markdown]
# ## One cause changed
#
# The second half of the pair is of the same noise: each row as it would have been had one channel,
# another in each row, been set to a value from a time on. Here the row where most follows from it.

# %%
lags, changed = np.asarray(law.lag_matrix), np.asarray(pair.channel)
reach = lags >= 0
for _ in range(3):  # effects of effects
    reach = reach | (reach[:, :, :, None] & reach[:, None]).any(2)
every = np.arange(ROWS)
is_effect = reach[every, :, changed]
scale = np.asarray(batch.x).std(-1, keepdims=True)
effect = np.abs(np.asarray(pair.x) - np.asarray(batch.x)) / scale
row = int((is_effect * np.minimum(effect.mean(-1), 1)).sum(1).argmax())
figure, axes = plt.subplots(4, 1, figsize=(11, 6), layout="constrained", sharex=True)
for k, axis in enumerate(axes):
    axis.plot(batch.x[row, k], color="#c4c9d0", linewidth=1.2)
    axis.plot(pair.x[row, k], color=COLORS[k], linewidth=0.9)
    axis.axvline(int(pair.start[row]), color="#111827", linewidth=0.8)
    what = "set" if k == changed[row] else "an effect" if is_effect[row, k] else "no effect"
    axis.set_title(f"x_{k}: {what}", fontsize=8, loc="left")

# %% [markdown]
# The effect is exactly 0 in channels that are no effects. In those that are, it comes after the lag
# of the edge, and effects of effects come later.

# %%
start = np.asarray(pair.start)
window = np.arange(40)
direct = lags[every, :, changed] >= 0
is_free = ~is_effect & (np.arange(4) != changed[:, None])
kinds = {"effects": direct, "effects of effects": is_effect & ~direct, "no effects": is_free}
enough = start + len(window) <= 256
figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
for (name, members), color in zip(kinds.items(), COLORS, strict=False):
    rows, channels = np.nonzero(members & enough[:, None])
    after = effect[rows[:, None], channels[:, None], start[rows][:, None] + window]
    axes.plot(window, after.mean(0), color=color, label=f"{name} ({len(rows)})")
axes.set_xlabel("steps since the change")
axes.set_ylabel("mean effect, deviations")
axes.legend(frameon=False)
print("largest where there is none:", float(effect[is_free].max()))

# %% [markdown]
# ## What a correlation sees
#
# For every edge, the lag at which cause and effect are most correlated, on differences of the
# series. It is the true one more often where the cause is strong, and far from always: mechanisms
# bend, and channels have other causes.

# %%
x = np.diff(np.asarray(batch.x), axis=-1)
x = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
coupling, noise = np.asarray(law.edges.coupling), np.asarray(law.edges.noise)
share = coupling**2 / np.maximum(coupling**2 + noise**2, 1e-9)
steps = np.arange(9)
found, strength = [], []
for row, effect_of, cause in np.argwhere(lags >= 0):
    both = [x[row, effect_of, 8:] @ x[row, cause, 8 - lag : x.shape[-1] - lag] for lag in steps]
    found.append(np.abs(both).argmax() == lags[row, effect_of, cause])
    strength.append(share[row, effect_of])
bins = np.linspace(0, 1, 6)
place = np.digitize(strength, bins[1:-1])
hits = [np.mean(np.asarray(found)[place == k]) if (place == k).any() else 0.0 for k in range(5)]
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.bar(bins[:-1] + 0.1, hits, width=0.17, color=COLORS[0])
axes.axhline(1 / 9, color="#111827", linewidth=0.8, linestyle="--", label="by chance")
axes.legend(frameon=False, loc="upper left")
axes.set_ylim(0, 1)
axes.set_xlabel("share of the effect that its causes make")
axes.set_ylabel("lag found")

# %% [markdown]
# ## Roles for a forecaster
#
# Roots come from outside and may be known ahead; what they cause is to be forecast. Exports say so
# in the words of each trainer, by `covariates="graph"`: see docs/exporting.md.

# %%
is_root = ~(lags >= 0).any(2)
print(f"roots: {is_root.mean():.0%} of channels; in a row {is_root.sum(1).mean():.1f} of 4")
