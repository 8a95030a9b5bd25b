"""Two seasonal models in one series: a base that an envelope is added to, or modulates."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.contract import explaining_traced
from s2jax.core.part import check_part
from s2jax.core.random import below
from s2jax.core.types import Number, number
from s2jax.distributions import (
    AbstractDistribution,
    Constant,
    Uniform,
    check_draws,
    check_list,
    distribution,
    floats,
    stack,
)
from s2jax.inputs._base import AbstractFamily
from s2jax.inputs._combined import to_share
from s2jax.inputs._draws import Draws, words_within
from s2jax.inputs._events import AbstractEvents, law_words, select
from s2jax.inputs._laws import store_laws
from s2jax.inputs._sarima import SARIMA, SARIMALaw

_KINDS = ("single", "additive", "multiplicative")
_SINGLE, _ADDITIVE, _MULTIPLICATIVE = range(3)
_PARTS = ("base", "envelope")

_PUBLISHED = SARIMA(
    max_ar_order=6,
    max_ma_order=3,
    rule="disk",
    radius=Constant(0.9),
    season=Uniform(0.0, 52.0),
    max_season=52,
    seasonal_ar_probability=2 / 3,
    seasonal_ma_probability=2 / 3,
    seasonal_ar=Uniform(-0.1, 0.1),
    seasonal_ma=Uniform(-0.1, 0.1),
    differences=Constant(0.0),
    fraction=Uniform(0.0, 1.0),
    seasonal_difference_probability=1.0,
    drift=Constant(0.0),
    normal_probability=1.0,
)


class SARIMA2Law(eqx.Module):
    """What two seasonal models and their composition are drawn from.

    Attributes:
        kind: 0 the base alone, 1 base plus envelope, 2 the base times 1 + depth * envelope, of
            which the envelope is brought to [-1, 1].
        depth: Of the modulation, where there is one; else 0.
        base, envelope: The models; of kind 0 that of the envelope is drawn and not used.
    """

    kind: Int[Array, "*channels"]
    depth: Float[Array, "*channels"]
    base: SARIMALaw
    envelope: SARIMALaw


class SARIMA2(AbstractEvents):
    """A seasonal model with an envelope of another season, as a week of days.

    Both are series of `SARIMA`. With b the base and e the envelope, y = b + e, or y = (1 + w u) b
    with w the depth and u = 2 (e - min e) / (max e - min e) - 1; or b alone. The two seasons are
    drawn as a pair. Defaults are the published law of SarSim0 but for this: p is at most 6 instead
    of 10, and P and Q at most 1 instead of 2, with coefficients within 0.1; in place of a burn-in
    of 200 steps models start in their stationary law, seasons from a first one of deviation
    `pattern`, and levels from 0.

    Given the parameters, the law of the future given the past is tractable for sums, where it is
    that of a sum of two normal series; for products it is not.

    Attributes:
        single, additive, multiplicative: Weights of b alone, of sums and of products.
        model: The family of both. Its `season` is that of a base alone.
        base_seasons, envelope_seasons: The pairs, in steps, each as likely: one number for each in
            both. 0 means none; at most `max_season` of the model, and half of the length.
        depth: w; >= 0 and <= 1.

    Raises:
        TypeError, ValueError: If a field is of another kind or out of range.

    Example:
        >>> SARIMA2(base_seasons=[24, 12], envelope_seasons=[48, 36]).base_seasons
        (24.0, 12.0)

    References:
        Oreshkin et al. (2026), Zero-shot Forecasting by Simulation Alone, sections 4.1 and 4.2, and
        table 9.
    """

    single: Number = number(0.0)
    additive: Number = number(1.0)
    multiplicative: Number = number(1.0)
    model: SARIMA = _PUBLISHED
    base_seasons: Sequence[Number] = eqx.field(
        converter=floats, default=(24.0, 7.0, 0.0, 0.0, 0.0, 0.0)
    )
    envelope_seasons: Sequence[Number] = eqx.field(
        converter=floats, default=(7.0, 52.0, 7.0, 4.0, 24.0, 52.0)
    )
    depth: AbstractDistribution = distribution(Uniform(0.0, 1.0))

    def __check_init__(self):
        self._check_kinds(*_KINDS)
        if isinstance(self.model, AbstractFamily) and not isinstance(self.model, SARIMA):
            raise TypeError(
                f"SARIMA2(model={checks.shown(self.model)}): must be a SARIMA, because the seasons "
                "of the pairs are given to it. Join other families by s2jax.inputs.Add or Multiply."
            )
        check_part("SARIMA2", "model", self.model, SARIMA)
        self._check_seasons()
        check_draws("SARIMA2", "depth", self.depth, 0, 1, "deeper envelopes turn the base over")

    def _check_seasons(self) -> None:
        names = ("base_seasons", "envelope_seasons")
        for name in names:
            seasons = getattr(self, name)
            check_list("SARIMA2", name, seasons)
            for index, season in enumerate(seasons):
                which, longest = f"{name}[{index}]", self.model.max_season
                checks.check_number("SARIMA2", which, season, 0, longest, integer=True)
        base, envelope = (len(getattr(self, name)) for name in names)
        if base != envelope or not base:
            raise ValueError(
                f"SARIMA2({base} base_seasons, {envelope} envelope_seasons): there must be at "
                "least one pair, and as many of both, because they are drawn together. Give one "
                "season of the envelope for each of the base."
            )

    def check_length(self, length: int) -> None:
        self.model.check_length(length)

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> SARIMA2Law:
        bits = law_words(words, 3)
        kind = self._draw_kinds(next(bits), *_KINDS)
        pair = below(next(bits), len(self.base_seasons)).astype(jnp.int32)
        pick = lambda values: jnp.round(select(pair, stack(values))).astype(jnp.int32)
        base = jnp.where(kind == _SINGLE, -1, pick(self.base_seasons))
        seasons = jnp.concatenate([base, pick(self.envelope_seasons)])

        def draw(words, season):
            return self.model.law_of_season(Draws(words, "law"), length, season)

        with explaining_traced(self.model):
            both = store_laws(jax.vmap(draw)(_words_of_parts(words, "law"), seasons))
        parts = [jax.tree.map(lambda leaf, i=i: jnp.split(leaf, 2)[i], both) for i in range(2)]
        depth = jnp.clip(self.depth.from_bits(next(bits)), 0, 1)
        return SARIMA2Law(kind, jnp.where(kind == _MULTIPLICATIVE, depth, 0), *parts)

    def draw_series(
        self, laws: SARIMA2Law, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        # as channels of one family: one computation, compiled once
        both: Any = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), laws.base, laws.envelope)
        series = self.model.draw_series(both, _words_of_parts(words, "series"), length)
        base, envelope = jnp.split(series, 2, axis=1)
        factor = 1 + laws.depth * (2 * to_share(envelope) - 1)
        added = base + jnp.where(laws.kind == _ADDITIVE, envelope, 0)
        return jnp.where(laws.kind == _MULTIPLICATIVE, factor * base, added)


def _words_of_parts(words: UInt32[Array, "channels 2"], scope: str) -> UInt32[Array, "_ 2"]:
    return jnp.concatenate([words_within(words, scope, part) for part in _PARTS])
