"""What a batch of solutions has beside the pairs, as words and as columns of a corpus."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from s2jax.ode._forms import FORMS
from s2jax.programs import Program
from s2jax.programs.operators import CONST
from s2jax.targets import Column
from s2jax.text import to_text
from s2jax.text.write_text import UNUSED


class Dynamics(eqx.Module):
    """What a batch of solutions of differential equations has beside the pairs.

    Attributes:
        form: Which form of equation each row is, by its number in `forms`.
        diffusion: Factor of the noise of each state as a program, `dy = f dt + g dW` (Itô); unused
            where the equation has none.
        error: Estimated error of the trajectory, relative to the tolerance: <= 1 where accepted. Of
            rows with noise it is the larger of this and the difference from steps twice as long,
            relative to `noise_tolerance`.
        growth: Logarithm of the growth of a small distance over the time span, as a companion of
            the trajectory showed; 0 where nobody looked. Errors of rows without noise are below
            `10 * (tolerance * error + 1e-6) * exp(growth)`, relative to the largest values.
        turns: How often the state that does so most often turns round by more than 1 % of its
            range: twice the number of its periods.
        num_steps: Steps of the solver.
        forms: Names of forms by number: `s2jax.ode.FORMS`, and those of the user behind them.
            Static.
    """

    form: Int[Array, " batch"]
    diffusion: Program
    error: Float[Array, " batch"]
    growth: Float[Array, " batch"]
    turns: Int[Array, " batch"]
    num_steps: Int[Array, " batch"]
    forms: tuple[str, ...] = eqx.field(static=True, default=FORMS)


COLUMNS: Mapping[str, Column] = {
    "t": Column("series"),
    "form": Column("string"),
    "diffusion": Column("string"),
    "diffusion_tokens": Column("tokens", num_nodes=1),
    "error": Column("real"),
    "growth": Column("real"),
    "turns": Column("int32"),
    "num_steps": Column("int32"),
}


def values_of(batch: Any) -> dict[str, Any]:
    """The values of the columns but for tokens, of a batch on the host."""
    return {
        "t": batch.t,
        "form": name_forms(batch.dynamics),
        "diffusion": write_noise(batch.dynamics, batch.y_mask),
        "error": batch.dynamics.error,
        "growth": batch.dynamics.growth,
        "turns": batch.dynamics.turns,
        "num_steps": batch.dynamics.num_steps,
    }


def fields_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a batch that the columns hold; inverse of `values_of` and `fill_noise`."""
    names = (*FORMS, *sorted(set(values["form"]) - set(FORMS)))
    noise = values["diffusion_tokens"]
    nothing = (noise.op[..., 0] == CONST) & (noise.a[..., 0] == 0)
    length = jnp.where(nothing, 0, noise.length)
    dynamics = Dynamics(
        form=jnp.asarray([names.index(name) for name in values["form"]], jnp.int32),
        diffusion=eqx.tree_at(lambda program: program.length, noise, length),
        error=jnp.asarray(values["error"]),
        growth=jnp.asarray(values["growth"]),
        turns=jnp.asarray(values["turns"]),
        num_steps=jnp.asarray(values["num_steps"]),
        forms=names,
    )
    return {"t": jnp.asarray(values["t"]), "dynamics": dynamics}


def fill_noise(diffusion: Program, used: Any) -> Program:
    """Noise with the constant 0 for states that have none, because tokens leave nothing out."""
    missing = used & (diffusion.length == 0) & (diffusion.length > 0).any(-1, keepdims=True)
    first = missing[..., None] & (jnp.arange(diffusion.num_nodes) == 0)
    zeros = jax.tree.map(jnp.zeros_like, diffusion)
    op = jnp.where(first, jnp.asarray(CONST, diffusion.op.dtype), diffusion.op)
    keep = lambda name: jnp.where(first, getattr(zeros, name), getattr(diffusion, name))
    names = ("a", "b", "scale_mantissa", "scale_exponent", "bias_mantissa", "bias_exponent")
    length = jnp.where(missing, 1, diffusion.length)
    return Program(op, *map(keep, names), length=length, protected=diffusion.protected)


def name_forms(dynamics: Dynamics) -> list[str]:
    """The name of each row's form of equation."""
    return [dynamics.forms[form] for form in np.asarray(dynamics.form).tolist()]


def write_noise(dynamics: Dynamics, y_mask: Any) -> list[str]:
    """The factors of the noise of each row's states, 0 where there is none; "" for no noise."""
    by_state = to_text(dynamics.diffusion[..., None])
    rows = []
    for texts, used in zip(by_state, np.asarray(y_mask).tolist(), strict=True):
        kept = [text for text, is_used in zip(texts, used, strict=True) if is_used]
        rows.append(" | ".join(kept) if set(kept) - {UNUSED} else "")
    return rows
