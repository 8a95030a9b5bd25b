"""The families of inputs that the reference mixes, from its parameters."""

from collections.abc import Mapping
from typing import Any

from s2jax.core import checks
from s2jax.inputs import ARMA, IMF, Choice, KernelSynth, Mixture, TrendSeason
from s2jax.inputs.kernels import (
    PUBLISHED,
    ConstantKernel,
    LinearKernel,
    PeriodicKernel,
    RationalQuadraticKernel,
    RBFKernel,
    WhiteKernel,
)

Values = Mapping[str, Any]

_KERNELS = {
    "exp_sine_squared": PeriodicKernel,
    "dot_product": LinearKernel,
    "rbf": RBFKernel,
    "rational_quadratic": RationalQuadraticKernel,
    "white_kernel": WhiteKernel,
    "constant_kernel": ConstantKernel,
}
_BANK = (*PUBLISHED, WhiteKernel(2.0))
"""The bank of the reference: that of Chronos, and stronger noise."""

_WAVES: tuple[str, ...] = (
    "generate_sin_signal", "generate_cos_signal", "generate_am_signal", "generate_sawtooth_wave",
)  # fmt: skip


def make_inputs(values: Values) -> Choice:
    """Its families by their weights; one of weight 0 is left out, because it need not compile."""
    weights = {name: values[name] for name in _FAMILIES}
    if all(map(checks.is_concrete, weights.values())) and not any(weights.values()):
        names = ", ".join(f"{name}=0" for name in weights)
        raise ValueError(
            f"reference({names}): at least one must be > 0, because an input is always drawn. "
            "Raise one, or pass inputs=s2jax.inputs.Given(series)."
        )
    is_left_out = lambda name: checks.is_concrete(weights[name]) and weights[name] == 0
    left_out = {name for name in weights if is_left_out(name)}
    if not left_out.issuperset(_PROCESSES):
        left_out.difference_update(_PROCESSES)  # these two compile as one
    kept = [name for name in weights if name not in left_out]
    families = [_FAMILIES[name](values) for name in kept]
    return Choice(families, weights=[weights[name] for name in kept])


def check_order(values: Values, low: str, high: str, least: int = 0) -> None:
    """Refuse an upper end below the lower one plus `least`."""
    if checks.is_concrete(values[low]) and values[high] < values[low] + least:
        word = "the reference never draws the upper end" if least else "it is the upper end"
        raise ValueError(
            f"reference({low}={values[low]!r}, {high}={values[high]!r}): {high} must be "
            f"{'>' if least else '>='} {low}, because {word}. Raise {high}."
        )


def _mixture(values: Values) -> Mixture:
    check_order(values, "min_centroids", "max_centroids", least=1)
    if not (values["gaussian"] or values["uniform"]):
        raise ValueError(
            "reference(gaussian=False, uniform=False): at least one must be True, because a "
            "mixture has no other components. Set one, or mixed_distribution=0.0."
        )
    shares = {(True, True): 0.5, (True, False): 0.0, (False, True): 1.0}
    return Mixture(
        min_components=values["min_centroids"],
        max_components=values["max_centroids"] - 1,
        uniform_probability=shares[bool(values["gaussian"]), bool(values["uniform"])],
    )


def _arma(values: Values) -> ARMA:
    for low, high in (("p_min", "p_max"), ("q_min", "q_max")):
        check_order(values, low, high, least=1)
    return ARMA(
        min_ar_order=values["p_min"],
        max_ar_order=values["p_max"] - 1,
        min_ma_order=values["q_min"],
        max_ma_order=values["q_max"] - 1,
    )


def _trend_season(values: Values) -> TrendSeason:
    below_day = float(bool(values["is_sub_day"]))
    end = {} if values["end_time"] is None else {"last_day": values["end_time"]}
    return TrendSeason(
        frequencies=(below_day, below_day, 1.0, 1.0, 1.0),
        transition=bool(values["transition"]),
        first_day=values["start_time"],
        **end,
    )


def _kernel_synth(values: Values) -> KernelSynth:
    check_order(values, "min_kernels", "max_kernels")
    kinds = tuple(kind for name, kind in _KERNELS.items() if values[name])
    if not kinds:
        names = ", ".join(f"{name}=False" for name in _KERNELS)
        raise ValueError(
            f"reference({names}): at least one must be True, because there are no other kernels. "
            "Set one, or kernel_synth=0.0."
        )
    bank = tuple(kernel for kernel in _BANK if isinstance(kernel, kinds))
    return KernelSynth(bank, max_kernels=values["max_kernels"], min_kernels=values["min_kernels"])


def _imf(values: Values) -> IMF:
    ranges = ("base_imfs", "choice_imfs", "duration", "amplitude", "frequency")
    for name in ranges:
        check_order(values, f"min_{name}", f"max_{name}")
    taken = [f"{end}_{name}" for name in ranges for end in ("min", "max")]
    return IMF(
        weights=_weights_of_waves(values),
        noise_level=values["noise_level"],
        **{name: values[name] for name in taken},
    )


def _weights_of_waves(values: Values) -> tuple[float, float, float]:
    """Of tones, modulated waves and sawteeth: a sine and a cosine of random phase are one law."""
    by_name, listed = values["imfs_dict"], values["imfs_list"]
    if by_name is None and listed is None:
        return 0.6, 0.2, 0.2
    name, given = ("imfs_dict", by_name) if by_name is not None else ("imfs_list", listed)
    if not isinstance(given, dict if name == "imfs_dict" else (list, tuple)):
        raise TypeError(
            f"reference({name}={checks.shown(given)}): must be "
            f"{'a dict of' if name == 'imfs_dict' else 'a list of at most four'} weights. Pass for "
            "example imfs_dict={'generate_sin_signal': 1.0}."
        )
    if len(given) > len(_WAVES):
        raise ValueError(
            f"reference({name} of {len(given)} weights): must be of at most four, because there "
            f"are four waves: {', '.join(_WAVES)}. Leave some out."
        )
    pairs = given.items() if isinstance(given, dict) else zip(_WAVES, given, strict=False)
    weights: dict[str, Any] = dict(pairs)
    checks.check_weights("reference", name, weights, _WAVES)
    sine, cosine, modulated, sawtooth = (float(weights.get(wave, 0.0)) for wave in _WAVES)
    return sine + cosine, modulated, sawtooth


_PROCESSES = ("mixed_distribution", "autoregressive_moving_average")
_FAMILIES = {
    "mixed_distribution": _mixture,
    "autoregressive_moving_average": _arma,
    "forecast_pfn": _trend_season,
    "kernel_synth": _kernel_synth,
    "intrinsic_mode_function": _imf,
}
