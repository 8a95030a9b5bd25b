# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # The zoo
#
# What inputs are drawn from: families of series, each with its own parameters in every row, kept as
# ground truth. This notebook looks at some, reads their labels, and puts them together.

# %%
import jax
import numpy as np

import s2jax
from s2jax import inputs
from s2jax.distributions import LogUniform
from s2jax.plotting import plot_family, plot_pairs

key = jax.random.key(0)

# %% [markdown]
# ## A family and its labels
#
# `RandomWalk` draws walks with drift and jumps. The law says which, and where the jumps are.

# %%
plot_family(inputs.RandomWalk(), key)

# %%
drawn = inputs.RandomWalk().sample(key, n=8, length=256)
jumps = np.asarray(drawn.law.has_jump(256))
for row in np.flatnonzero(jumps.any(1)):
    print(row, "jumps at", np.flatnonzero(jumps[row])[:8])

# %% [markdown]
# Gaussian processes, whose covariance is a random expression of kernels, which is the label.

# %%
plot_family(inputs.KernelSynth(), key)

# %% [markdown]
# ## Families made of others
#
# A sum with drawn gains, and a carrier with an envelope: any family can be a part of these.

# %%
noisy = inputs.Add([inputs.Waveforms(), inputs.RandomWalk()], gains=[1.0, LogUniform(0.1, 1.0)])
plot_family(noisy, key, count=6)

# %%
carrier = inputs.Multiply(
    [inputs.Waveforms(), inputs.RandomWalk()], gains=[1.0, 0.4], offsets=[0, 1]
)
plot_family(carrier, key, count=6)

# %% [markdown]
# ## A configuration of your own mixture
#
# Every channel draws a family by weight, and every row an expression. Outputs that are an input but
# for scale and shift are refused; a fifth of the rows are inputs themselves.

# %%
config = s2jax.Config(
    length=256,
    inputs=inputs.Choice([noisy, carrier, inputs.Held()], weights=[2, 1, 1]),
    target=s2jax.Algebraic(s2jax.laws.S2Law(min_binary_per_input=1), input_share=0.2),
    acceptance=s2jax.Acceptance(max_correlation=0.999),
    x_scaling=s2jax.Standardize(0.25, 1.0),
)
batch = s2jax.sample(key, config, 64)
assert (batch.status == 0).all()
plot_pairs(batch, count=4)

# %% [markdown]
# `presets.mix` is such a configuration, with the families that have most to learn from.
