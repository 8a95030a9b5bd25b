# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Bring your own equation
#
# One expression by hand, its series and its gradient; then the constants of a thousand different
# expressions, fitted to noisy data at once.

# %%
import os

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import sympy

import s2jax

ROWS = int(os.environ.get("S2JAX_NOTEBOOK_ROWS", "1000"))

# %% [markdown]
# ## One expression
#
# A damped oscillation, as text. The same program comes from SymPy; both are arrays, and
# `evaluate` runs any number of them, different in every row, on different series.

# %%
program = s2jax.from_text("2.5*exp(-0.4*x_0)*sin(3.1*x_0 + 0.2) + 0.5")
time = jnp.linspace(0, 6, 200)[None]
y = s2jax.evaluate(program, time)
print(s2jax.to_text(program))
print(s2jax.to_latex(program)[0])

x = sympy.Symbol("x_0")
formula = 2.5 * sympy.exp(-0.4 * x) * sympy.sin(3.1 * x + 0.2) + 0.5
same = s2jax.from_sympy(formula)
print("largest difference:", float(jnp.abs(s2jax.evaluate(same, time) - y).max()))

# %% [markdown]
# Its derivative along time, beside the one that SymPy finds.

# %%
slope = jax.grad(lambda x: s2jax.evaluate(program, x).sum())(time)
exact = s2jax.lambdify(formula.diff(x), [x])(time)
print("largest difference:", float(jnp.abs(slope - exact).max()))
figure, (top, below) = plt.subplots(2, 1, sharex=True)
top.plot(time[0], y[0])
top.set_title(f"${s2jax.to_latex(program)[0]}$")
below.plot(time[0], slope[0])
below.set_ylabel("derivative")

# %% [markdown]
# ## A thousand expressions
#
# Random expressions with their constants multiplied by random factors, and noise of 5 % on the
# series. `fit_constants` runs Levenberg-Marquardt on all of them together. A function counts as
# recovered when it is nearer to the truth than the noise.

# %%
config = s2jax.presets.s2(length=128, x_scaling=s2jax.Standardize(1.0, 1.0), y_scaling=None)
batch = s2jax.sample(jax.random.key(0), config, ROWS)
key_noise, key_guess, key_starts = jax.random.split(jax.random.key(1), 3)
spread = batch.y.std(-1, keepdims=True)
noisy = batch.y + 0.05 * spread * jax.random.normal(key_noise, batch.y.shape)

factor = lambda leaf: leaf * jnp.exp(0.5 * jax.random.normal(key_guess, leaf.shape))
guess = s2jax.with_constants(batch.program, jax.tree.map(factor, batch.program.constants))


def recovered(constants: s2jax.programs.Constants | None = None) -> float:
    error = s2jax.evaluate(guess, batch.x, constants) - batch.y
    return float((((error / spread) ** 2).mean(-1) < 0.05**2).mean())


print(f"before: {recovered():.1%}")
for starts in (1, 4):
    fit = s2jax.fit_constants(guess, batch.x, noisy, key=key_starts, starts=starts)
    print(f"{starts} starts: {recovered(fit.constants):.1%}")

# %%
found = s2jax.with_constants(guess, fit.constants, digits=3)
loss = np.asarray(fit.loss / (0.05 * spread[..., 0]) ** 2)[:, 0]
for row in np.argsort(np.abs(loss - 1))[:3]:
    print("truth:", s2jax.to_text(batch.program)[row])
    print("found:", s2jax.to_text(found)[row])
