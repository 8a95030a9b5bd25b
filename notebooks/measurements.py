# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Measurements
#
# What instruments do to series, drawn for every series and kept as ground truth. The page
# docs/measurements.md has the list of effects.

# %%
import os

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import s2jax
from s2jax import observe
from s2jax.plotting import plot_pairs

ROWS = int(os.environ.get("S2JAX_NOTEBOOK_ROWS", "512"))
INK, CLEAN, GAP = "#d1495b", "#c4c9d0", "#fdf0f1"

# %% [markdown]
# ## A batch of measured series
#
# Pairs as ever, y = f(x), of which a share was measured: one to `most` effects in a drawn order.
# The series as it was made stands in grey under what was measured.

# %%
observation = observe.Observation(share=0.8, most=3)
seasons = s2jax.inputs.TrendSeason()
config = s2jax.presets.s2(length=256, inputs=seasons, observation=observation)
batch = s2jax.sample(jax.random.key(1), config, ROWS)
plot_pairs(batch, 4)

# %% [markdown]
# The record has the effects and their numbers, as text or as names and numbers. Replayed on the
# clean series, it makes the measured ones again.

# %%
for text in batch.observation.texts()[:6]:
    print(text or "as it is")
again, observed = observation.replay(batch.observation, batch.y_clean)
print("largest difference:", float(abs(again - batch.y).max()))
print(f"not measured: {1 - float(batch.y_observed.mean()):.1%} of all values")

# %% [markdown]
# ## One series, many instruments
#
# `measure` takes series of one's own. Here it measures copies of one series, each by one effect;
# the first of each kind is shown.

# %%
time = jnp.linspace(0, 6 * jnp.pi, 256)
series = jnp.sin(time) + 0.5 * jnp.sin(2.7 * time) + 0.08 * time
copies = jnp.tile(series, (512, 1))
one = observe.Observation(share=1.0, most=1)
measured = one.measure(jax.random.key(0), copies)
first = {}
for row, text in enumerate(measured.record.texts()):
    first.setdefault(text.partition("(")[0], row)
first.pop("", None)  # effects that would have left nothing of the series
figure, grid = plt.subplots(5, 5, figsize=(15, 9), layout="constrained", sharex=True)
for axes, name in zip(grid.flat, sorted(first), strict=False):
    row = first[name]
    seen = np.where(measured.observed[row], measured.series[row], np.nan)
    axes.plot(series, color=CLEAN, linewidth=1)
    axes.plot(seen, color=INK, linewidth=0.9)
    axes.set_title(name.replace("_", " "), fontsize=8, loc="left")
for axes in grid.flat:
    axes.set_axis_off()

# %% [markdown]
# ## A forecast from what was measured
#
# `forecast` cuts a batch at the present, the masks with it. A loss counts the values of the target
# that were measured; or all of the clean ones, where the model is to see through its instrument.

# %%
gaps = observe.Observation([observe.MissingBlocks(), observe.AdditiveNoise()], share=1.0, least=2)
config = s2jax.Config(length=256, inputs=seasons, target=s2jax.Identity(), observation=gaps)
batch = s2jax.sample(jax.random.key(2), config, ROWS)
cut = s2jax.transforms.forecast(batch, horizon=64)
figure, rows = plt.subplots(3, 1, figsize=(11, 5), layout="constrained", sharex=True)
for row, axes in enumerate(rows):
    now = cut.context.shape[-1]
    for values, seen, start in (
        (cut.context, cut.context_observed, 0),
        (cut.target, cut.target_observed, now),
    ):
        times = start + np.arange(values.shape[-1])
        axes.plot(times, np.where(seen[row, 0], values[row, 0], np.nan), color=INK, linewidth=0.9)
    axes.plot(batch.y_clean[row, 0], color=CLEAN, linewidth=1, zorder=0)
    axes.fill_between(
        np.arange(256), 0, 1, where=~batch.y_observed[row, 0], color=GAP,
        transform=axes.get_xaxis_transform(), zorder=-1,
    )  # fmt: skip
    axes.axvline(now, color="#111827", linewidth=0.8)
    axes.set_title(batch.observation.texts()[row], fontsize=8, loc="left")

# %% [markdown]
# How far two forecasts are off that say one value of the past for all of the future: the last one
# measured, and the mean of those measured. What fills the gaps counts in neither.

# %%
seen = cut.context_observed
last = jnp.take_along_axis(
    cut.context, (seen * jnp.arange(seen.shape[-1])).argmax(-1, keepdims=True), -1
)
mean = jnp.where(seen, cut.context, 0).sum(-1, keepdims=True) / seen.sum(-1, keepdims=True)
for name, guess in (("last", last), ("mean", mean)):
    error = jnp.where(cut.target_observed, abs(cut.target - guess), 0).sum((1, 2))
    size = jnp.where(cut.target_observed, abs(cut.target), 0).sum((1, 2))
    print(f"{name}: {float(jnp.median(error / size)):.2f} of the size of the target")

# %% [markdown]
# ## Irregular times
#
# A solution of van der Pol's equation, read at times of three laws. It is drawn at the ticks of a
# clock (grey), and does not depend on which of them are read.

# %%
oscillator = s2jax.ode.named("van_der_pol", jitter=0.0)


def solve(length: int, times: observe.Times | None = None) -> s2jax.Batch:
    config = s2jax.Config(length, 0, 2, target=oscillator, y_scaling=None, times=times)
    return s2jax.sample(jax.random.key(3), config, 2)


spacings = (observe.Jitter(size=1.0), observe.Gaps(rate=0.1), observe.Thinning(size=1.0))
every = solve(4 * 95 + 1)  # all ticks of 96 readings
figure, rows = plt.subplots(3, 1, figsize=(11, 5), layout="constrained", sharex=True)
for axes, spacing in zip(rows, spacings, strict=True):
    batch = solve(96, observe.Times([spacing], ticks=4))
    axes.plot(every.t[0], every.y[0, 0], color=CLEAN, linewidth=1)
    axes.plot(batch.t[0], batch.y[0, 0], ".", color=INK, markersize=4)
    axes.set_title(type(spacing).__name__, fontsize=8, loc="left")
