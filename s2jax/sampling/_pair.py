"""Rows as they are, and as they would have been had something been done to one channel."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from s2jax.config import Config
from s2jax.core import checks
from s2jax.core.part import Part, check_part
from s2jax.core.random import below, fold_in, random_bits, words_of
from s2jax.core.streams import ROW_INPUT, named
from s2jax.core.types import PRNGKey, Words
from s2jax.distributions import AbstractDistribution, Uniform, check_draws, distribution
from s2jax.inputs import CausalGraph, Intervention
from s2jax.observe.times import draw_ticks
from s2jax.programs import evaluate
from s2jax.sampling.batch import MAX_ROWS, Batch, read_at, sample


class Do(Part):
    """What is done to a row: one channel is set to a number from a time on.

    Attributes:
        channel: Which; None draws one for each row, each as likely.
        start: The first time, as a share of the series.
        value: The number, in the units of x before it is scaled, which are standard deviations of
            a root.

    Raises:
        ValueError: If `channel` is negative, `start` not between 0 and 1, or `value` not within
            1000.

    Example:
        >>> Do(channel=0, value=2.0).value.value
        2.0
    """

    noun = "an s2jax.Do"
    example = "s2jax.Do(channel=0, value=2.0)"

    channel: int | None = None
    start: AbstractDistribution = distribution(Uniform(0.25, 0.75))
    value: AbstractDistribution = distribution(Uniform(-3.0, 3.0))

    def __check_init__(self):
        if self.channel is not None:
            checks.check_number("Do", "channel", self.channel, 0, 2**15, integer=True)
        check_draws("Do", "start", self.start, 0, 1, "it is a share of the series")
        check_draws("Do", "value", self.value, -1000, 1000, "no channel is farther from its mean")


class Pair(NamedTuple):
    """A batch, and what it would have been under interventions, of the same noise.

    Attributes:
        observed: The batch.
        x, y: Inputs and outputs under the intervention; before it begins, exactly those observed.
        y_clean: The outputs before they were measured, as in `Batch`, by the same effects.
        channel: Which input it was done to.
        start: The first time at which it was.
        values: What the input was set to, as it stands in x.
        finite: Whether all outputs under the intervention are finite.
    """

    observed: Batch
    x: Float[Array, "batch inputs time"]
    y: Float[Array, "batch outputs time"]
    y_clean: Float[Array, "batch outputs time"] | None
    channel: Int[Array, " batch"]
    start: Int[Array, " batch"]
    values: Float[Array, "batch time"]
    finite: Bool[Array, " batch"]


@checks.suggest_names()
def sample_pair(key: PRNGKey, config: Config, n: int, do: Do | Intervention | None = None) -> Pair:
    """Rows of a causal graph twice: as they are, and with one cause changed.

    Everything else is the same: graph, mechanisms, noise, expressions, scales, and what instruments
    do. Pure and jittable.

    Args:
        key: Not consumed. The rows are those of `sample(key, config, n)`.
        config: Its inputs are a `CausalGraph`, its target is a function of them.
        n: Number of rows. Static.
        do: What is drawn of the interventions, `Do()` by default; or an `Intervention`, which says
            for each row what is done, as a series; at all ticks, where `config.times` has any.

    Raises:
        TypeError: If the inputs are no causal graph, or the target solves differential equations.
        ValueError: If there is no such channel.

    Example:
        >>> import jax, s2jax
        >>> graph = s2jax.inputs.CausalGraph(roots=s2jax.inputs.ARMA())
        >>> config = s2jax.Config(64, 3, inputs=graph, target=s2jax.Identity())
        >>> pair = sample_pair(jax.random.key(0), config, 4, s2jax.Do(channel=1, value=2.0))
        >>> pair.x.shape, pair.channel.tolist()
        ((4, 3, 64), [1, 1, 1, 1])
    """
    do = Do() if do is None else do
    checks.check_key("sample_pair", key)
    check_part("sample_pair", "config", config, Config)
    if not isinstance(config.inputs, CausalGraph):
        raise TypeError(
            f"sample_pair(config with {type(config.inputs).__name__} as inputs): must be a causal "
            "graph, because only there is one channel the cause of another. Pass "
            "s2jax.Config(inputs=s2jax.inputs.CausalGraph(), ...)."
        )
    if not config.target.is_pointwise:
        raise TypeError(
            "sample_pair(config whose outputs solve differential equations): the target must be a "
            "function of the inputs, because solutions are not integrated anew. Pass "
            "s2jax.Algebraic() or s2jax.Identity()."
        )
    checks.check_static_integer("sample_pair", "n", n, 1, MAX_ROWS)
    if isinstance(do, Intervention):
        do = _check_intervention(do, n, config)
    else:
        check_part("sample_pair", "do", do, Do)
        if do.channel is not None:
            last = config.num_inputs - 1
            checks.check_number("Do", "channel", do.channel, 0, last, integer=True)
    return _sample_pair(key, config, n, do)


def _check_intervention(done: Intervention, n: int, config: Config) -> Intervention:
    """What is done, as arrays, refused if they are of another number of rows or times."""
    shapes = {"channel": (n,), "start": (n,), "values": (n, config.num_ticks)}
    found: dict[str, Array] = {}
    for name, shape in shapes.items():
        given = jnp.asarray(getattr(done, name))
        if name != "values" and not jnp.issubdtype(given.dtype, jnp.integer):
            raise TypeError(
                f"Intervention({name} of {given.dtype}): must be integers, because it is a number "
                "of a channel or of a time. Pass jnp.full(n, 0)."
            )
        if given.shape != shape:
            raise ValueError(
                f"Intervention({name} of shape {given.shape}): must be of shape {shape}, because "
                "each row has one. Give one for each row and, of values, for each time."
            )
        found[name] = given.astype(jnp.float32 if name == "values" else jnp.int32)
    channel = found["channel"]
    if checks.is_concrete(channel) and not ((channel >= 0) & (channel < config.num_inputs)).all():
        raise ValueError(
            f"Intervention(channel={checks.shown(channel)}): must be >= 0 and < "
            f"{config.num_inputs}, the number of inputs. Choose one of them for each row."
        )
    start = found["start"]
    if checks.is_concrete(start) and not ((start >= 0) & (start < config.num_ticks)).all():
        raise ValueError(
            f"Intervention(start={checks.shown(start)}): must be >= 0 and < {config.num_ticks}, "
            "the points at which series are drawn, because it is one of them. Choose one per row."
        )
    checks.check_finite("Intervention", "values", found["values"])
    return Intervention(**found)


@partial(jax.jit, static_argnums=2)
def _sample_pair(key: PRNGKey, config: Config, n: int, do: Do | Intervention) -> Pair:
    batch, graph = sample(key, config, n), config.inputs
    assert isinstance(graph, CausalGraph)
    assert batch.x_source is not None
    words = fold_in(jnp.broadcast_to(words_of(key), (n, 2)), batch.index)
    done = do if isinstance(do, Intervention) else _draw(words, config, do)
    laws, own = batch.x_source.laws[0], fold_in(words, jnp.full(n, ROW_INPUT, jnp.uint32))
    as_it_is, changed = graph.intervene(laws, own, config.num_ticks, done)
    tick, read = jnp.arange(config.length, dtype=jnp.int32), lambda series: series
    if config.times is not None:
        tick = draw_ticks(config.times, words, config.length, n, jax.default_backend())
        read = lambda series: read_at(tick, series)
    scale, shift = batch.x_scale[..., None], batch.x_shift[..., None]
    # not scaled anew: where nothing has changed, not a bit has
    x = batch.x + scale * read(changed - as_it_is).astype(batch.x.dtype)
    is_done = jnp.arange(config.num_inputs, dtype=jnp.int32) == done.channel[:, None]
    at = lambda leaf: jnp.where(is_done, leaf[..., 0], 0).sum(1)[:, None]
    values = at(scale) * read(done.values).astype(batch.x.dtype) + at(shift)
    is_set = tick >= done.start[:, None]
    x = jnp.where(is_done[..., None] & is_set[:, None], values[:, None], x)
    clean = batch.y if batch.y_clean is None else batch.y_clean
    before, after = (evaluate(batch.program, series) for series in (batch.x, x))
    y = clean + batch.y_scale[..., None] * jnp.where(before == after, 0, after - before)
    y_clean = None
    if config.observation is not None:
        assert batch.observation is not None
        y, y_clean = config.observation.replay(batch.observation, y)[0], y
    finite = jnp.isfinite(after).all((1, 2))
    start = (~is_set).sum(1, dtype=jnp.int32)
    return Pair(batch, x, y, y_clean, done.channel, start, values, finite)


def _draw(words: Words, config: Config, do: Do) -> Intervention:
    """What is done to each row."""
    bits = random_bits(words, 3, named("pair", "do"))
    rows, length = len(words), config.num_ticks
    channel = below(bits[0], config.num_inputs)
    if do.channel is not None:
        channel = jnp.full(rows, do.channel, jnp.int32)
    start = jnp.clip(do.start.from_bits(bits[1]) * length, 0, length - 1).astype(jnp.int32)
    values = do.value.from_bits(bits[2])[:, None]
    return Intervention(channel, start, jnp.broadcast_to(values, (rows, length)))
