# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Systems and phase portraits
#
# Random differential equations, a different system in every row, with their solutions; then a
# system of your own, and a famous one. Nearly all of the time goes into compiling.

# %%
import re

import jax
import matplotlib.pyplot as plt
import numpy as np
import sympy

import s2jax
from s2jax.plotting import to_math
from s2jax.targets.acceptance import REASONS

STATES = ("#d1495b", "#33658a", "#e28413")

# %% [markdown]
# ## Twenty-four random systems
#
# One call draws the equations, finds out how long each is worth following, solves them, and
# refuses what is not accurate. `program` holds the whole right-hand sides.

# %%
config = s2jax.presets.ode(length=256, dimension=2)
batch = s2jax.sample(jax.random.key(7), config, 24)
print("t", batch.t.shape, "y", batch.y.shape, "usable", int((batch.status == 0).sum()))
for name, equation in zip(("y_0'", "y_1'"), s2jax.to_sympy(batch.program)[0], strict=True):
    print(name, "=", equation)

# %% [markdown]
# The equations as LaTeX. `stochastic` ones have noise, too: `diffusion` is its factor, one for each
# state.

# %%
forms = [s2jax.ode.FORMS[number] for number in np.asarray(batch.dynamics.form)]


def formulas(batch: s2jax.Batch, row: int, letters: int = 48) -> str:
    """The equations of a row, each in at most three lines."""
    texts = s2jax.to_text(batch.program)[row].split(" | ")
    noise = s2jax.to_text(batch.dynamics.diffusion[..., None])[row]  # one text per state
    out = []
    for state, (text, factor) in enumerate(zip(texts, noise, strict=True)):
        text = f"({text} add ({factor} mul W_{state}))" if factor else text
        out += wrap(f"y_{state}' = ", to_math(text, batch.program.protected), letters)
    return "\n".join(f"${line}$" for line in out)


FRACTION = re.compile(r"\\dfrac{((?:[^{}]|{[^{}]*})*)}{((?:[^{}]|{[^{}]*})*)}")
SPACE_OR_SCRIPT = re.compile(r"\\[,;]|[\\{}_^ ]|cdot|mathrm")


def wrap(start: str, pieces: list[str], letters: int) -> list[str]:
    """Lines of whole pieces; fractions on one line."""
    out, current, width = [], start, 5
    for piece in (FRACTION.sub(r"\1/(\2)", piece) for piece in pieces):
        size = len(SPACE_OR_SCRIPT.sub("", piece))
        if width + size > letters:
            out, current, width = [*out, current], r"\quad ", 2
        current, width = current + piece, width + size
    out = [*out, current]
    return out if len(out) <= 3 else [*out[:2], out[2] + r"\;\ldots"]


# %% [markdown]
# Phase portraits: y_1 over y_0, from the dot on. The solution of a `driven` equation is an integral
# of the input; it is drawn over time.


# %%
def draw(axes: plt.Axes, row: int) -> None:
    t, y = batch.t[row], batch.y[row]
    if forms[row] == "driven":
        for values, color in zip(y, STATES, strict=False):
            axes.plot(t, values, color=color, linewidth=0.9)
    else:
        axes.plot(y[0], y[1], color=STATES[0], linewidth=0.9)
        axes.plot(*y[:, 0], "o", color="#111827", markersize=3)
    axes.set_title(formulas(batch, row), fontsize=7, loc="left", linespacing=1.35)
    axes.text(0.98, 0.02, forms[row].replace("_", " "), transform=axes.transAxes, fontsize=6,
              color="#6b7280", ha="right", va="bottom")  # fmt: skip
    tidy(axes)


def tidy(axes: plt.Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.locator_params(nbins=4)
    axes.tick_params(labelsize=6, length=2, color="#c4c9d0", labelcolor="#4b5563")
    axes.margins(0.08)


figure, grid = plt.subplots(4, 6, figsize=(20, 15), layout="constrained")
for row, axes in enumerate(grid.flat):
    draw(axes, row)

# %% [markdown]
# ## What was refused, and why
#
# A try that fails is drawn again for the same row; all states are counted together.

# %%
tries, refused = int(batch.tries[:, 0].sum()), np.asarray(batch.rejections[:, 0].sum(0))
for reason, count in sorted(zip(REASONS, refused, strict=True), key=lambda pair: -pair[1]):
    if count:
        print(f"{reason.name:12s} {count / tries:5.1%}  {reason.sentence}")
print(f"{'usable':12s} {24 / tries:5.1%}")

# %% [markdown]
# ## A system of your own
#
# A damped pendulum, from SymPy. `solve` takes adaptive steps; rows of `y0` are solved at once.

# %%
angle, speed, gravity, damping = sympy.symbols("theta omega g c")
pendulum = s2jax.ode.System.from_sympy(
    [speed, -gravity * sympy.sin(angle) - damping * speed],
    states=[angle, speed],
    parameters={gravity: 1.0, damping: s2jax.distributions.Uniform(0.05, 0.5)},
    initial=[s2jax.distributions.Uniform(-3.0, 3.0), 0.0],
)
print(pendulum)
starts = [[start, push] for push in (-2.6, 2.6) for start in np.linspace(-6, 6, 13)]
paths = pendulum.solve(starts, np.linspace(0.0, 20.0, 400), {"c": 0.15}).y

# %% [markdown]
# The same system as the target of a configuration: damping and start are drawn in every row, and
# the rows are judged as random systems are.

# %%
own = s2jax.presets.ode(length=256, dimension=2, num_inputs=0, target=pendulum)
swings = s2jax.sample(jax.random.key(1), own, 6)
print(s2jax.to_sympy(swings.program)[0])

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for path in paths:
    left.plot(*path, color=STATES[1], linewidth=0.8, alpha=0.8)
left.set(xlabel="angle", ylabel="angular speed", xlim=(-8, 8), title="solve: 26 starts")
for t, y in zip(swings.t, swings.y, strict=True):
    right.plot(t, y[0], linewidth=1.0)
right.set(xlabel="time", ylabel="angle", title="sample: start and damping drawn")
tidy(left)
tidy(right)

# %% [markdown]
# ## One of the well-known ones
#
# `s2jax.ode.NAMES` lists them. Each parameter is drawn within a factor 1.1 of that of the source,
# and the program of the row has its number.

# %%
print(len(s2jax.ode.NAMES), "systems:", ", ".join(s2jax.ode.NAMES))
lorenz = s2jax.ode.named("lorenz", jitter=0.1)
print(lorenz)
config = s2jax.presets.ode(length=1024, dimension=3, num_inputs=0, target=lorenz)
butterflies = s2jax.sample(jax.random.key(2), config, 3)

figure, grid = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
for row, axes in enumerate(grid):
    x, _, z = butterflies.y[row]
    axes.plot(x, z, color=STATES[0], linewidth=0.6)
    axes.set_title(formulas(butterflies, row), fontsize=8, loc="left")
    tidy(axes)
