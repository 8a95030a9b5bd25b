"""Ready configurations."""

import dataclasses
from typing import Any

from s2jax import inputs
from s2jax.config import Config, Standardize
from s2jax.config.compat_s2generator import config_fields
from s2jax.core import checks
from s2jax.core.part import inside
from s2jax.laws import S2Law
from s2jax.ode import ODE
from s2jax.ode.forms import KNOWN
from s2jax.programs.program import MAX_INPUTS, MAX_STATES
from s2jax.targets import Algebraic, Identity
from s2jax.targets.acceptance import Acceptance

__all__ = ("mix", "multivariate", "ode", "reference", "s2", "sarsim")


def __dir__() -> tuple[str, ...]:
    return __all__


_FIELDS = tuple(field.name for field in dataclasses.fields(Config))
_INSIDE_SOLUTIONS = inside(Config) | {
    field.name: f"target=s2jax.ODE({field.name}=...)" for field in dataclasses.fields(ODE)
}
_WITH_OPERATORS = (*_FIELDS, "operators")
_FIELDS_OF_SOLUTIONS = tuple(name for name in _WITH_OPERATORS if name != "num_outputs")


def _config(length: int, num_inputs: int, num_outputs: int, fields: dict[str, Any]) -> Config:
    """The configuration, with the operators that are among the fields."""
    operators = fields.pop("operators", None)
    config = Config(length=length, num_inputs=num_inputs, num_outputs=num_outputs, **fields)
    return config if operators is None else config.with_operators(operators)


_GROUPS = (
    (inputs.KernelSynth(),),
    (inputs.SARIMA(), inputs.StateSpace()),
    (inputs.TrendSeason(),),
    (inputs.RandomWalk(), inputs.FractionalBrownian()),
    (inputs.Held(), inputs.Waveforms()),
)


@checks.suggest_names(*_WITH_OPERATORS, inside=inside(Config))
def mix(length: int = 256, num_inputs: int = 1, num_outputs: int = 1, **fields) -> Config:
    """What to pre-train on: f of inputs worth learning from, and such inputs themselves.

    Inputs are of five groups with equal probability, and of the families of a group alike: Gaussian
    processes (`KernelSynth`); linear models (`SARIMA`, `StateSpace`); calendar seasons
    (`TrendSeason`); paths (`RandomWalk`, `FractionalBrownian`); levels and waves (`Held`,
    `Waveforms`). They are standardised and multiplied by U(0.25, 1). f is drawn as in `s2`, with at
    least one binary operator for each input and |f(x)| <= 100, and refused where an output is an
    input but for scale and shift (|correlation| > 0.999); in half of the rows the outputs are
    inputs themselves, which is what a forecaster learns most from. docs/worth.md has the figures.

    Args:
        length: Time steps.
        num_inputs, num_outputs: Channels.
        **fields: Any other field of `Config`; or `operators`, for `Config.with_operators`.

    Example:
        >>> mix(num_inputs=2).target.input_share
        0.5
    """
    families = [family for group in _GROUPS for family in group]
    weights = [1 / len(group) for group in _GROUPS for _ in group]
    fields.setdefault("inputs", inputs.Choice(families, weights))
    fields.setdefault("target", Algebraic(S2Law(min_binary_per_input=1), input_share=0.5))
    fields.setdefault("acceptance", Acceptance(bound=100.0, max_correlation=0.999))
    fields.setdefault("x_scaling", Standardize(0.25, 1.0))
    return _config(length, num_inputs, num_outputs, fields)


@checks.suggest_names(*_WITH_OPERATORS, inside=inside(Config))
def multivariate(length: int = 256, channels: int = 4, **fields) -> Config:
    """Rows whose channels depend on each other: causes, shared series, lags, levels and seasons.

    Half of the rows are causal graphs, of random expressions; the other half are the simpler
    couplings, each as likely. In half of the rows the outputs are the inputs, in the others each is
    f(x) of all of them.

    Args:
        length: Time steps.
        channels: Inputs, and outputs; 2 to 16.
        **fields: Any other field of `Config`; or `operators`, for `Config.with_operators`.

    Example:
        >>> config = multivariate(128, channels=3)
        >>> config.num_inputs, config.num_outputs, len(config.inputs.families)
        (3, 3, 6)
    """
    checks.check_static_integer("multivariate", "channels", channels, 2, 16)
    couplings = [
        inputs.LinearMix(family=inputs.TrendSeason()),
        inputs.LeadLag(family=inputs.RandomWalk()),
        inputs.Cointegration(),
        inputs.SharedSeasonality(family=inputs.ARMA()),
        inputs.RegimeCoupling(family=inputs.Waveforms()),
    ]
    choice = inputs.Choice([inputs.CausalGraph(), *couplings], [5.0, *[1.0] * len(couplings)])
    fields.setdefault("inputs", choice)
    fields.setdefault("target", Algebraic(S2Law(min_binary_per_input=1), input_share=0.5))
    fields.setdefault("acceptance", Acceptance(bound=100.0, max_correlation=0.999))
    fields.setdefault("x_scaling", Standardize(0.25, 1.0))
    return _config(length, channels, channels, fields)


@checks.suggest_names(*_WITH_OPERATORS, inside=inside(Config))
def s2(length: int = 256, num_inputs: int = 1, num_outputs: int = 1, **fields) -> Config:
    """The Series-Symbol papers' configuration, with the defects of its rules mended.

    Each input channel is a mixture or an ARMA process with equal probability; |f(x)| <= 1e4; inputs
    and outputs are standardised and multiplied by U(0, 16). ARMA models are stationary.

    For comparison with the papers, and for symbolic regression. Not for forecasters: its inputs are
    all but white noise, and half of its outputs are an input but for scale and shift, so that a
    forecaster trained on it learns nothing; `mix` is for these.

    Args:
        length: Time steps.
        num_inputs, num_outputs: Channels.
        **fields: Any other field of `Config`; or `operators`, for `Config.with_operators`.

    Example:
        >>> s2(length=512, num_inputs=3, num_outputs=2).acceptance.bound
        10000.0

    References:
        Wang et al. (2025), Synthetic Series-Symbol Data Generation for Time Series Foundation
        Models (SymTime), section 3.
    """
    return _config(length, num_inputs, num_outputs, fields)


@checks.suggest_names(*_FIELDS, inside=inside(Config))
def sarsim(length: int = 256, num_inputs: int = 1, num_outputs: int = 1, **fields) -> Config:
    """Seasonal models with noise of their own level, the pipeline of SarSim0; y = x.

    Half of the series are `SARIMA` models, half two of them in one, `SARIMA2`, as a sum or a
    product. A quarter each are Poisson counts, generalised gamma or lognormal noise about such a
    series, or the series itself (`RateNoise`). Series are not scaled, so that counts are whole
    numbers. Rows keep models, seasons, composition and noise, and `RateNoise.path` has the series
    without noise. The docstring of `SARIMA2` says in what its law differs from the published one.

    Args:
        length: Time steps.
        num_inputs, num_outputs: Channels; output k is input k.
        **fields: Any other field of `Config`.

    Example:
        >>> sarsim(512).inputs.intensity.envelope_seasons
        (7.0, 52.0, 7.0, 4.0, 24.0, 52.0)

    References:
        Oreshkin et al. (2026), Zero-shot Forecasting by Simulation Alone, section 4 and table 9.
    """
    signal = inputs.SARIMA2(single=2.0, additive=1.0, multiplicative=1.0)
    fields.setdefault("inputs", inputs.RateNoise(intensity=signal))
    fields.setdefault("target", Identity())
    fields.setdefault("acceptance", Acceptance(bound=1e12))  # sums of sums grow large
    fields.setdefault("x_scaling", None)
    fields.setdefault("y_scaling", None)
    return Config(length=length, num_inputs=num_inputs, num_outputs=num_outputs, **fields)


@checks.suggest_names(*_FIELDS_OF_SOLUTIONS, inside=_INSIDE_SOLUTIONS)
def ode(
    length: int = 256, num_inputs: int = 1, dimension: int | tuple[int, int] = (2, 4), **fields
) -> Config:
    """Solutions of random differential equations, all forms of `s2jax.ODE` that fit.

    Solutions stay within +-100 and are not scaled. Inputs are standardised and multiplied by
    U(0.5, 2).

    Args:
        length: Time steps.
        num_inputs: Inputs of driven and forced equations; with 0, these forms are left out.
        dimension: The number of states, or the least and the largest of them, at most 16. Forms
            that cannot have any of them are left out.
        **fields: Any other field of `Config`; or `operators`, for `Config.with_operators`.

    Example:
        >>> ode(length=128, num_inputs=0).num_outputs
        4
        >>> sorted(set(ode(dimension=3).target.weights) - set(ode(dimension=2).target.weights))
        ['flow', 'jerk', 'skew_product', 'thomas']

    References:
        d'Ascoli et al. (2024), ODEFormer: Symbolic regression of dynamical systems with
        transformers, for the random right-hand sides.
    """
    low, high = _dimensions(dimension)
    checks.check_static_integer("ode", "num_inputs", num_inputs, 0, MAX_INPUTS)
    sizes = set(range(low, high + 1))
    weights = {
        name: weight
        for name, weight in ODE().weights.items()
        if name not in KNOWN or sizes & set(KNOWN[name].dimensions)
    }
    if num_inputs == 0:
        del weights["driven"], weights["forced"]
    fields.setdefault("target", ODE(weights=weights))
    fields.setdefault("acceptance", Acceptance(bound=100.0))
    fields.setdefault("x_scaling", Standardize(0.5, 2.0))
    fields.setdefault("y_scaling", None)
    if low < high:
        fields.setdefault("min_outputs", low)
    return _config(length, num_inputs, high, fields)


def _dimensions(dimension: int | tuple[int, int]) -> tuple[int, int]:
    """The least and the largest number of states."""
    ends = dimension if isinstance(dimension, (tuple, list)) else (dimension, dimension)
    if len(ends) != 2:
        raise ValueError(
            f"ode(dimension={dimension!r}): must be a number of states or a pair, the least and "
            "the largest. Pass for example 3 or (2, 4)."
        )
    low, high = ends
    checks.check_static_integer("ode", "dimension", low, 1, MAX_STATES)
    checks.check_static_integer("ode", "dimension", high, low, MAX_STATES)
    return low, high


def reference(length: int = 256, num_inputs: int = 1, num_outputs: int = 1, **settings) -> Config:
    """The configuration of s2generator 0.0.23, by the names of its parameters.

    Without settings: its defaults. Inputs are mixtures (weight 0.10), ARMA models (0.20), trends
    and seasons by ForecastPFN's law (0.35), KernelSynth (0.25) and intrinsic modes (0.10), and
    |f(x)| <= 1000. `diff` and `rand` are not there; docs/differences.md lists what else differs,
    docs/coming-from-s2generator.md what becomes of each parameter. A family of weight 0 is not
    compiled: `forecast_pfn=0, kernel_synth=0, intrinsic_mode_function=0` are the papers' inputs.

    Args:
        length: Time steps; there, `seq_length`.
        num_inputs, num_outputs: Channels; there, `input_dimension` and `output_dimension`.
        **settings: Any argument of the reference's `SymbolParams`, `SeriesParams` and `run`, and
            any other field of `Config`. Upper ends that the reference never draws, as
            `max_centroids`, `p_max` and `q_max`, are not drawn here either.

    Raises:
        TypeError: If a value is of the wrong kind.
        ValueError: If a name is unknown, or its value asks for what is not there.

    Example:
        >>> reference().acceptance.bound
        1000.0
        >>> reference(p_max=4).inputs.families[1].max_ar_order
        3
    """
    sizes = {"length": length, "num_inputs": num_inputs, "num_outputs": num_outputs}
    return Config(**config_fields(sizes, settings))
