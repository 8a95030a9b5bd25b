"""A batch of solutions of differential equations, made by hand."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import s2jax
from s2jax.inputs import Source
from s2jax.ode import FORMS as ALL_FORMS
from s2jax.programs import Program
from s2jax.sampling.batch import Dynamics
from s2jax.targets.acceptance import REASONS

FORMS = ("driven", "autonomous", "stochastic")
LENGTH = 50
RIGHT_HAND_SIDES = (
    "(0.5 mul sin(x_0))",
    "y_1 | (-4 mul y_0)",
    "(y_0 mul (1.5 sub y_1)) | (t sub (2.5 mul y_1)) | inv(y_2)",
)
NOISE = ("", " | ", "0.1 | (0.25 mul y_1) | ")


def batch_of_equations(num_inputs: int = 1) -> s2jax.Batch:
    """Rows with one, two and three states; the first is driven if there is an input.

    The trajectories are no solutions: only their shapes and masks are.
    """
    texts = RIGHT_HAND_SIDES if num_inputs else ("(0.5 mul sin(t))", *RIGHT_HAND_SIDES[1:])
    rows, states = len(texts), 3
    t = np.linspace(0, [1.0, 2.0, 30.0], LENGTH).T.astype(np.float32)
    y_mask = np.arange(states) < np.array([[1], [2], [3]])
    phase = np.arange(states, dtype=np.float32)[:, None]
    y = np.where(y_mask[..., None], np.cos(3 * t[:, None] + phase), 0).astype(np.float32)
    x_mask = np.zeros((rows, num_inputs), bool)
    x_mask[:1] = True
    x = np.where(x_mask[..., None], np.sin(t)[:, None], 0).astype(np.float32)
    ones = lambda *shape: jnp.ones(shape, jnp.float32)
    zero = jnp.zeros(rows, jnp.int32)
    choice = s2jax.presets.ode().choice
    shapes = choice.law_shapes(num_inputs, LENGTH)
    laws = jax.tree.map(lambda leaf: jnp.zeros((rows, *leaf.shape), leaf.dtype), shapes)
    family = jnp.zeros((rows, num_inputs), jnp.int32)
    source = Source.of(family, laws, choice.kinds(num_inputs, LENGTH))
    dynamics = Dynamics(
        form=jnp.array([ALL_FORMS.index(name) for name in FORMS], jnp.int32),
        diffusion=_noise(),
        error=0.5 * ones(rows),
        growth=0.25 * ones(rows),
        turns=zero + 6,
        num_steps=zero + 200,
    )
    return s2jax.Batch(
        x=jnp.asarray(x),
        y=jnp.asarray(2 * y + 1),
        program=s2jax.from_text(list(texts)),
        status=zero,
        index=jnp.arange(rows, dtype=jnp.int32),
        x_scale=ones(rows, num_inputs),
        x_shift=0 * ones(rows, num_inputs),
        y_scale=2 * ones(rows, states),
        y_shift=ones(rows, states),
        x_mask=jnp.asarray(x_mask),
        y_mask=jnp.asarray(y_mask),
        x_source=source,
        tries=jnp.full((rows, states), 3, jnp.int32),
        rejections=jnp.zeros((rows, states, len(REASONS)), jnp.int32).at[..., -1].set(2),
        t=jnp.asarray(t),
        dynamics=dynamics,
    )


def _noise() -> Program:
    """Programs of one instruction; those of no noise have length 0."""
    texts = [[part or "0" for part in row.split(" | ")] for row in NOISE]
    padded = [" | ".join([*row, "0", "0"][:3]) for row in texts]
    programs = s2jax.from_text(padded)
    used = np.array([[bool(k < len(row) and row[k] != "0") for k in range(3)] for row in texts])
    return dataclasses.replace(programs, length=jnp.where(used, programs.length, 0))
