"""What channels that cause each other are drawn from, and what is done to them."""

import re
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax.programs import Program
from s2jax.text import to_text


class Edges(NamedTuple):
    """The graph of a row, and how strongly each channel is bound.

    Attributes:
        order: Numbers of the channels, causes before effects.
        parents: Of each channel, the channels that cause it; -1 for none.
        lags: How many steps each cause is ahead.
        scale_free: Whether channels that cause many are chosen more often.
        coupling: What the mechanism is multiplied by; 0 where there is none.
        noise: Standard deviation of the channel's own noise; 0 of a root.
        self_loop: What the channel's own last value is multiplied by.
    """

    order: Int[Array, "*rows channels"]
    parents: Int[Array, "*rows channels parents"]
    lags: Int[Array, "*rows channels parents"]
    scale_free: Bool[Array, "*rows"]
    coupling: Float[Array, "*rows channels"]
    noise: Float[Array, "*rows channels"]
    self_loop: Float[Array, "*rows channels"]


class CausalLaw(eqx.Module):
    """What a row of channels that cause each other is drawn from.

    A root is a series of `roots` with mean 0 and deviation 1. Any other channel is

        x_j(t) = self_loop x_j(t-1) + coupling (scale g(parents) + shift) + noise e(t),

    g its mechanism, whose variable k is parent k at time t minus its lag, and e standard normal.

    Attributes:
        edges: The graph.
        mechanisms: g of each channel; that of a root means nothing.
        scale, shift: They give the mechanism mean 0 and deviation 1 in this row.
        roots: What the family of the roots drew for each channel.
    """

    edges: Edges
    mechanisms: Program
    scale: Float[Array, "*rows channels"]
    shift: Float[Array, "*rows channels"]
    roots: Any

    @property
    def lag_matrix(self) -> Int[Array, "*rows channels channels"]:
        """At [effect, cause] how many steps the cause is ahead; -1 where it is none."""
        channels = self.edges.order.shape[-1]
        is_it = self.edges.parents[..., None] == jnp.arange(channels, dtype=jnp.int32)
        return jnp.where(is_it, self.edges.lags[..., None], -1).max(-2)

    def texts(self) -> list[list[str]]:
        """For each row, with all axes in one, the equation of each channel as text.

        A row that was drawn by another family has none. Numbers have the digits of float32 where it
        matters; `scale` and the others are exact.

        Example:
            >>> import jax, s2jax
            >>> graph = s2jax.inputs.CausalGraph(density=1.0)
            >>> drawn = graph.sample(jax.random.key(1), n=1, channels=2, length=64)
            >>> sorted(text[:8] for text in drawn.law.texts()[0])
            ['x_0[t] =', 'x_1[t] =']
        """
        law = jax.tree.map(np.asarray, self)
        axes, channels = law.edges.order.ndim, law.edges.order.shape[-1]
        flat = lambda leaf: leaf.reshape(law.edges.order.size, *leaf.shape[axes:])
        programs = jax.tree.map(lambda leaf: flat(leaf)[:, None], law.mechanisms)
        edges = law.edges._replace(scale_free=law.edges.order)  # which has no axis of channels
        numbers = jax.tree.map(flat, (edges, law.scale, law.shift))
        written = to_text(programs, style="sympy")
        texts = [_write(k, channels, text, *numbers) for k, text in enumerate(written)]
        rows = [texts[k : k + channels] for k in range(0, len(texts), channels)]
        orders = law.edges.order.reshape(-1, channels)
        return [
            row if channels == 1 or order.any() else []  # of other families all numbers are 0
            for row, order in zip(rows, orders, strict=True)
        ]


def _write(item: int, channels: int, mechanism: str, edges: Edges, scale: Any, shift: Any) -> str:
    """The equation of an item, one of rows times channels."""
    name = f"x_{item % channels}"
    parents, lags = edges.parents[item], edges.lags[item]
    if not (parents >= 0).any():
        return f"{name}[t] = root"
    read = lambda found: _at(f"x_{parents[int(found[1])]}", lags[int(found[1])])
    mechanism = re.sub(r"\bx_(\d+)", read, mechanism)
    loop, noise = edges.self_loop[item], edges.noise[item]
    own = f"{loop:.6g}*{_at(name, 1)} + " if loop else ""
    sign, size = ("-" if shift[item] < 0 else "+"), abs(shift[item])
    bound = f"{edges.coupling[item]:.6g}*({scale[item]:.9g}*({mechanism}) {sign} {size:.9g})"
    return f"{name}[t] = {own}{bound} + {noise:.6g}*e_{name[2:]}[t]"


def _at(name: str, lag: Any) -> str:
    return f"{name}[t-{lag}]" if lag else f"{name}[t]"


class Intervention(NamedTuple):
    """What is done to a row: one channel is set from a time on, whatever its causes say.

    Attributes:
        channel: Which; -1 for none.
        start: The first time.
        values: What it is set to at each time, in the units of the row before it is scaled.
    """

    channel: Int[Array, " rows"]
    start: Int[Array, " rows"]
    values: Float[Array, "rows time"]
