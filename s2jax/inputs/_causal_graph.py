"""Rows whose channels cause each other, along a random directed acyclic graph with lags."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.core import checks
from s2jax.core.items import choose_items
from s2jax.core.part import check_part
from s2jax.core.random import normal_quantile, random_rows, signed_uniform
from s2jax.core.streams import MECHANISM, named
from s2jax.core.types import Number, Words, number
from s2jax.distributions import (
    AbstractDistribution,
    Uniform,
    check_draws,
    distribution,
)
from s2jax.inputs._arma import ARMA
from s2jax.inputs._base import AbstractBatchedRows, AbstractFamily
from s2jax.inputs._causal_law import CausalLaw, Edges, Intervention
from s2jax.inputs._causal_series import find_first, follow
from s2jax.inputs._combined import standardise
from s2jax.inputs._draws import Draws, words_of_channels
from s2jax.inputs._random_walk import RandomWalk
from s2jax.inputs._trend_season import TrendSeason
from s2jax.inputs._waveforms import Waveforms
from s2jax.inputs.choice import Choice, as_choice, check_single
from s2jax.laws import AbstractLaw, S2Law
from s2jax.programs import Program
from s2jax.programs.reads import reads_missing
from s2jax.text import from_text

MAX_CHANNELS = 16
_ROOTS = Choice([TrendSeason(), RandomWalk(), Waveforms(), ARMA()])
_MECHANISMS = S2Law(min_binary_per_input=1, max_binary_per_input=1, binary_offset=1, max_unary=2)


class CausalGraph(AbstractBatchedRows):
    """Channels that cause each other: a random directed acyclic graph, random mechanisms, lags.

    The channels stand in a random order. Each may have those before it as parents: their number is
    binomial with the density of the row, at most `max_parents`; which ones, each as likely or, in a
    scale-free row, in proportion to 1 + the number of channels that a channel causes already. An
    edge has a lag of 0, ..., `max_lag` steps. A channel without parents is a root, a series of
    `roots`. Any other follows its parents by a mechanism, a random expression of their lagged
    values, brought to mean 0 and deviation 1, its own last value and noise; `CausalLaw` has the
    formula. A mechanism that is not finite, constant, or farther than 12 deviations from its mean
    is replaced by the sum of the parents, and a share of them are sums from the start. A parent
    that the expression does not read is left out.

    Given the past of all channels, the next values are normal, independent but for edges of lag 0:
    the mechanisms and noise levels are in the law.

    Attributes:
        roots: The family of the roots; of a choice, each family draws for every channel.
        mechanisms: The law of the expressions.
        density: Probability of each edge, drawn for a row.
        coupling: Share of a channel's innovations that its mechanism makes, drawn for a channel:
            from none (0) to all (1).
        self_loop: What a channel's own last value is multiplied by, drawn for a channel.
        linear: Share of mechanisms that are sums.
        scale_free: Share of rows that are scale-free.
        max_lag, max_parents: Static.

    Raises:
        ValueError: If a number is out of range, or the series are not longer than the largest lag.

    Example:
        >>> import jax
        >>> drawn = CausalGraph().sample(jax.random.key(0), n=2, channels=4, length=64)
        >>> drawn.series.shape, drawn.law.lag_matrix.shape
        ((2, 4, 64), (2, 4, 4))

    References:
        Xie et al. (2025), CauKer: classification time series foundation models can be pretrained on
        synthetic data only, for graphs of series; Runge et al. (2019), Detecting and quantifying
        causal associations in large nonlinear time series datasets, for the form of the mechanisms.
    """

    roots: AbstractFamily = _ROOTS
    mechanisms: AbstractLaw = _MECHANISMS
    density: AbstractDistribution = distribution(Uniform(0.2, 0.9))
    coupling: AbstractDistribution = distribution(Uniform(0.0, 1.0))
    self_loop: AbstractDistribution = distribution(Uniform(0.0, 0.9))
    linear: Number = number(0.25)
    scale_free: Number = number(0.5)
    max_lag: int = eqx.field(static=True, default=8)
    max_parents: int = eqx.field(static=True, default=3)

    def __check_init__(self):
        check_single("CausalGraph", "roots", self.roots, "families", "roots")
        check_part("CausalGraph", "mechanisms", self.mechanisms, AbstractLaw)
        why = "it is a share"
        check_draws("CausalGraph", "density", self.density, 0, 1, why)
        check_draws("CausalGraph", "coupling", self.coupling, 0, 1, why)
        why = "a channel would not stay where it is"
        check_draws("CausalGraph", "self_loop", self.self_loop, -0.99, 0.99, why)
        checks.check_number("CausalGraph", "linear", self.linear, 0, 1)
        checks.check_number("CausalGraph", "scale_free", self.scale_free, 0, 1)
        checks.check_static_integer("CausalGraph", "max_lag", self.max_lag, 0, 2**16)
        checks.check_static_integer("CausalGraph", "max_parents", self.max_parents, 1, 15)
        self.mechanisms.check_inputs(self.max_parents)

    def check_length(self, length: int) -> None:
        if length <= self.max_lag:
            raise ValueError(
                f"CausalGraph(max_lag={self.max_lag}): must be below the length of the series, "
                f"{length}, because an effect would begin after their end. Lower it."
            )
        self.roots.check_length(length)

    def check_channels(self, channels: int) -> None:
        if channels > MAX_CHANNELS:
            raise ValueError(
                f"CausalGraph(...) for {channels} channels: must be at most {MAX_CHANNELS}. Draw "
                "fewer inputs."
            )

    def draw_laws(self, words, channels, length):
        return self.draw_rows(words, channels, length)[0]

    def draw_rows(self, words, channels, length, store=lambda laws: laws):
        edges = jax.vmap(lambda words: self._draw_edges(Draws(words, "law"), channels))(words)
        own = words_of_channels(words, channels)
        count = jnp.maximum((edges.parents >= 0).sum(-1, dtype=jnp.int32), 1).reshape(-1)
        drawn = self.mechanisms.draw(own, count, self.max_parents, True, MECHANISM)
        is_sum = jax.vmap(lambda words: Draws(words, "graph").bernoulli("linear", self.linear))(own)
        split = lambda leaf: leaf.reshape(len(words), channels, *leaf.shape[1:])
        by_row = lambda items: jax.tree.map(split, items)
        sums = self._sums()
        programs = by_row(choose_items(is_sum, sums[count - 1], drawn))
        roots = by_row(self._roots.draw_laws(own, length + self._before(channels)))
        nothing = jnp.zeros(edges.coupling.shape, jnp.float32)
        sources = self._draw_sources(roots, words, channels, length)
        laws = CausalLaw(edges, programs, nothing, nothing, roots)
        laws, series = follow(laws, sources, length, self.max_lag, sums)
        parents = jnp.where(self._is_read(laws.mechanisms), edges.parents, -1)
        edges = edges._replace(parents=parents, lags=jnp.where(parents >= 0, edges.lags, 0))
        return store(CausalLaw(edges, laws.mechanisms, laws.scale, laws.shift, roots)), series

    def draw_series(self, laws, words, channels, length):
        sources = self._draw_sources(laws.roots, words, channels, length)
        return follow(laws, sources, length, self.max_lag)[1]

    def intervene(
        self, laws: CausalLaw, words: Words, length: int, done: Intervention
    ) -> tuple[Float[Array, "rows channels time"], Int[Array, "rows channels"]]:
        """The series of rows under an intervention, of the same noise, and the first time at which
        each channel can tell it; `length` and more where the graph does not lead there.

        Args:
            laws, words: Of the rows, as in `draw_series`.
            length: Of the series. Static.
            done: What is done to each.
        """
        channels = laws.edges.order.shape[-1]
        sources = self._draw_sources(laws.roots, words, channels, length)
        series = follow(laws, sources, length, self.max_lag, done=done)[1]
        return series, find_first(laws.edges, length, done)

    def _before(self, channels: int) -> int:
        """Steps that are drawn before the series begin, so that every cause has a past."""
        return self.max_lag * max(channels - 1, 1) + 16

    def _draw_edges(self, draws: Draws, channels: int) -> Edges:
        """The graph of one row."""
        most = self.max_parents
        order = jnp.argsort(draws.uniform("order", shape=(channels,))).astype(jnp.int32)
        density = draws.sample("density", self.density)
        scale_free = draws.bernoulli("scale_free", self.scale_free)
        exists = draws.bernoulli("edges", density, (channels, channels))
        gumbel = -jnp.log(draws.exponential("parents", (channels, channels)) + 1e-20)
        place = jnp.arange(channels, dtype=jnp.int32)

        def bind(q, state):
            parents, effects = state
            earlier = place < q
            count = jnp.minimum((exists[q] & earlier).sum(dtype=jnp.int32), most)
            weight = jnp.where(scale_free, jnp.log1p(effects), 0.0)
            score = jnp.where(earlier, weight + gumbel[q], -jnp.inf)
            rank = jnp.argsort(-score).astype(jnp.int32)[: min(most, channels)]
            rank = jnp.pad(rank, (0, most - len(rank)))
            is_one = jnp.arange(most, dtype=jnp.int32) < count
            chosen = jnp.where(is_one, rank, -1)
            hits = (place[:, None] == chosen).any(1)
            found = jnp.where(is_one, order[rank], -1)
            return parents.at[order[q]].set(found), effects + hits.astype(jnp.float32)

        start = jnp.full((channels, most), -1, jnp.int32), jnp.zeros(channels, jnp.float32)
        parents, _ = jax.lax.fori_loop(0, channels, bind, start)
        is_bound = (parents >= 0).any(-1)
        share = jnp.where(is_bound, draws.sample("coupling", self.coupling, (channels,)), 0)
        loop = jnp.where(is_bound, draws.sample("self_loop", self.self_loop, (channels,)), 0)
        left = jnp.sqrt(1 - loop * loop)
        lags = draws.integers("lags", 0, self.max_lag + 1, (channels, most))
        return Edges(
            order, parents, jnp.where(parents >= 0, lags, 0), scale_free,
            left * jnp.sqrt(share), jnp.where(is_bound, left * jnp.sqrt(1 - share), 0), loop,
        )  # fmt: skip

    def _is_read(self, mechanisms: Program) -> Bool[Array, "*batch parents"]:
        """Which parents each mechanism reads: those without which it lacks something."""
        others = lambda k: [number != k for number in range(self.max_parents)]
        read = [reads_missing(mechanisms, others(k)) for k in range(self.max_parents)]
        return jnp.stack(read, axis=-1)

    def _sums(self) -> Program:
        """Sums of one variable, of two, ..."""
        texts = [" + ".join(f"x_{k}" for k in range(n + 1)) for n in range(self.max_parents)]
        room = self.mechanisms.num_nodes(self.max_parents)
        return from_text(texts, protected=True, num_nodes=room)[:, 0]

    @property
    def _roots(self) -> Choice:
        return as_choice(self.roots)

    def _draw_sources(
        self, roots: Any, words: Words, channels: int, length: int
    ) -> tuple[Float[Array, "rows channels steps"], Float[Array, "rows channels steps"]]:
        """Roots and standard normal noise of every channel, from before the series begin."""
        steps = length + self._before(channels)
        own = words_of_channels(words, channels)
        flat = jax.tree.map(lambda leaf: leaf.reshape(len(own), *leaf.shape[2:]), roots)
        root = standardise(self._roots.draw_series(flat, own, steps)).T
        bits = random_rows(own, steps, named("graph", "noise"))
        noise = normal_quantile(signed_uniform(bits))
        by_row = lambda leaf: leaf.reshape(len(words), channels, steps)
        return by_row(root.astype(jnp.float32)), by_row(noise)
