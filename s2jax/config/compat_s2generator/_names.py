"""The parameters of s2generator 0.0.23, and what becomes of each.

`SYMBOL` and `SERIES` are the arguments of its `SymbolParams` and `SeriesParams`, `RUN` those of its
`run`. A name is either mapped to a field of ours, or accepted only at values that mean here what
they mean there.
"""

from typing import Any, NamedTuple

import numpy as np

from s2jax.core import checks

WORDS = {
    1: (
        "abs", "inv", "sqrt", "log", "exp", "sin", "arcsin", "cos", "arccos", "tan", "arctan",
        "pow2", "pow3",
    ),
    2: ("add", "sub", "mul", "div"),
}  # fmt: skip
"""Operators that the reference draws, by arity, without `diff`, which is not there here."""

WEIGHTS = "div_0,arcsin_0,arccos_0,tan_0.2,arctan_0.2,sqrt_5,pow2_3,inv_3"


class Parameter(NamedTuple):
    """A parameter of the reference.

    Attributes:
        default: Its default there.
        ours: The field it becomes, or "" if it is not mapped.
        rule: Of a mapped number, `"static"`, `"whole"` or `"number"`; `"flag"`; `"text"`; "" for
            what a class of ours checks.
        low, high: Bounds of a number.
        also: Further values of an unmapped parameter that mean here what the default does.
        instead: Why an unmapped one can have no other value, and what to do.
    """

    default: Any
    ours: str = ""
    rule: str = ""
    low: float = -np.inf
    high: float = np.inf
    also: tuple[Any, ...] = ()
    instead: str = ""

    def check(self, name: str, value: Any) -> None:
        """Refuse a value that cannot be had."""
        if self.instead:
            self._check_same(name, value)
        elif self.rule == "flag":
            if not isinstance(value, bool | np.bool_):
                raise TypeError(f"reference({name}={value!r}): must be True or False.")
        elif self.rule == "text":
            if not isinstance(value, str) and value is not self.default:
                raise TypeError(
                    f'reference({name}={value!r}): must be text. Write for example "sin,cos".'
                )
        elif self.rule == "static":
            checks.check_static_integer("reference", name, value, int(self.low), self.high)
        elif self.rule:
            is_whole = self.rule == "whole"
            checks.check_number("reference", name, value, self.low, self.high, integer=is_whole)

    def _check_same(self, name: str, value: Any) -> None:
        allowed = (self.default, *self.also)
        if not any(_is_same(value, one) for one in allowed):
            values = " or ".join(map(repr, allowed[:3]))
            raise ValueError(
                f"reference({name}={value!r}): must be {values}, because {self.instead}"
            )


def _is_same(a: Any, b: Any) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
    return a is b or ((numbers or type(a) is type(b)) and bool(a == b))


def _static(default: int, ours: str, low: float, high: float) -> Parameter:
    return Parameter(default, ours, "static", low, high)


def _only(default: Any, instead: str, *also: Any) -> Parameter:
    return Parameter(default, instead=instead, also=also)


_PLAIN_WALK = (
    "its walk of steps +-1 is a family of its own here. Pass for example "
    "inputs=s2jax.inputs.FractionalBrownian(hurst=s2jax.distributions.Constant(0.5))."
)
_WORDS_OF_TOKENS = (
    "it only decides how the reference makes tokens. Set `digits` of s2jax.laws.Decimals, "
    "from which the vocabulary of a corpus follows."
)
_SHARES = (
    "the reference rescales them to 1 and 0, or fails. Set gaussian and uniform, or pass "
    "inputs=s2jax.inputs.Mixture(uniform_probability=...)."
)
_NORMALIZE = (
    "in the reference every other choice is multiplied by U(0, max_scale) as well. Pass "
    "{0}=None for a series as it is, or {0}=s2jax.Standardize(low, high)."
)
_SCALING_IS = "standardised to mean 0. Add the offset to batch.x and call s2jax.evaluate."

SYMBOL = {
    "max_trials": Parameter(64, "Acceptance.max_tries", "whole", 1, 2**20),
    "prob_rand": _only(
        0.25,
        "`rand` always evaluates to 0 in the reference and is not there, whatever its probability. "
        "Leave it out, or pass 0.0.",
        0.0,
    ),
    "prob_const": Parameter(0.25, "S2Law.constant_probability", "number", 0, 1),
    "min_binary_ops_per_dim": _static(0, "S2Law.min_binary_per_input", 0, 8),
    "max_binary_ops_per_dim": _static(1, "S2Law.max_binary_per_input", 0, 8),
    "max_binary_ops_offset": _static(4, "S2Law.binary_offset", 1, 32),
    "min_unary_ops": Parameter(0, "S2Law.min_unary", "whole", 0, 32),
    "max_unary_ops": _static(5, "S2Law.max_unary", 0, 32),
    "float_precision": _static(3, "Decimals.digits", 1, 4),
    "mantissa_len": _only(1, _WORDS_OF_TOKENS),
    "max_int": Parameter(10, "S2Law.max_integer", "whole", 1, 500),
    "max_exponent": Parameter(3, "Acceptance.bound", "number", -30, 38),
    "max_exponent_prefactor": _static(1, "Decimals.min_exponent, max_exponent", 0, 8),
    "use_abs": Parameter(True, "Algebraic.protected", "flag"),
    "operators_to_downsample": Parameter(None, "S2Law.unary_weights, binary_weights", "text"),
    "max_unary_depth": Parameter(6, "S2Law.unary_subtree_limit", "whole", 0),
    "required_operators": _only(
        "",
        "expressions are not drawn again for their operators. Raise the operator's weight in "
        "operators_to_downsample, and keep the rows whose s2jax.text.to_prefix has it.",
    ),
    "extra_unary_operators": Parameter("", "S2Law.unary_weights", "text"),
    "extra_binary_operators": Parameter("", "S2Law.binary_weights", "text"),
    "extra_constants": _only(
        "",
        "leaf constants are integers, e, pi and Euler's gamma. Raise max_int or prob_const.",
        None,
    ),
    "use_sympy": _only(False, _WORDS_OF_TOKENS),
    "reduce_num_constants": Parameter(True, "S2Law.affine", "flag"),
    "solve_diff": _only(
        0,
        "the target here is y = f(x). Integrate batch.y along x yourself.",
    ),
    "decimals": Parameter(6, "Decimals: never rounded", "static", 0, 64),
    "min_input_dimension": _static(1, "Config.num_inputs: a bound", 1, 64),
    "max_input_dimension": _static(6, "Config.num_inputs: a bound", 1, 64),
    "min_output_dimension": _static(1, "Config.num_outputs: a bound", 1, 2047),
    "max_output_dimension": _static(12, "Config.num_outputs: a bound", 1, 2047),
}

SERIES = {
    "mixed_distribution": Parameter(0.10, "Choice.weights", "number", 0),
    "autoregressive_moving_average": Parameter(0.20, "Choice.weights", "number", 0),
    "forecast_pfn": Parameter(0.35, "Choice.weights", "number", 0),
    "kernel_synth": Parameter(0.25, "Choice.weights", "number", 0),
    "intrinsic_mode_function": Parameter(0.10, "Choice.weights", "number", 0),
    "min_centroids": Parameter(3, "Mixture.min_components", "whole", 1, 64),
    "max_centroids": _static(8, "Mixture.max_components + 1", 2, 65),
    "rotate": _only(False, "channels are drawn one by one: it does nothing there.", True),
    "gaussian": Parameter(True, "Mixture.uniform_probability", "flag"),
    "uniform": Parameter(True, "Mixture.uniform_probability", "flag"),
    "mixed_distribution_dict": _only(None, _SHARES),
    "mixed_distribution_list": _only(None, _SHARES),
    "p_min": Parameter(1, "ARMA.min_ar_order", "whole", 1, 32),
    "p_max": _static(3, "ARMA.max_ar_order + 1", 2, 33),
    "q_min": Parameter(1, "ARMA.min_ma_order", "whole", 1, 32),
    "q_max": _static(5, "ARMA.max_ma_order + 1", 2, 33),
    "upper_bound": _only(
        512,
        "ARMA models are stationary here and their series never redrawn or clipped. Leave it out.",
        float("inf"),
    ),
    "is_sub_day": Parameter(True, "TrendSeason.frequencies", "flag"),
    "transition": Parameter(True, "TrendSeason.transition", "flag"),
    "start_time": Parameter("1885-01-01", "TrendSeason.first_day"),
    "end_time": Parameter(None, "TrendSeason.last_day"),
    "random_walk": _only(False, _PLAIN_WALK),
    "min_kernels": Parameter(1, "KernelSynth.min_kernels", "whole", 1, 5),
    "max_kernels": _static(5, "KernelSynth.max_kernels", 1, 5),
    "exp_sine_squared": Parameter(True, "KernelSynth.bank", "flag"),
    "dot_product": Parameter(True, "KernelSynth.bank", "flag"),
    "rbf": Parameter(True, "KernelSynth.bank", "flag"),
    "rational_quadratic": Parameter(True, "KernelSynth.bank", "flag"),
    "white_kernel": Parameter(True, "KernelSynth.bank", "flag"),
    "constant_kernel": Parameter(True, "KernelSynth.bank", "flag"),
    "min_base_imfs": Parameter(1, "IMF.min_base_imfs", "whole", 0, 16),
    "max_base_imfs": _static(3, "IMF.max_base_imfs", 0, 16),
    "min_choice_imfs": Parameter(2, "IMF.min_choice_imfs", "whole", 0, 16),
    "max_choice_imfs": _static(5, "IMF.max_choice_imfs", 0, 16),
    "imfs_dict": Parameter(None, "IMF.weights"),
    "imfs_list": Parameter(None, "IMF.weights"),
    "min_duration": Parameter(0.5, "IMF.min_duration", "number", 0.01, 1e4),
    "max_duration": Parameter(10.0, "IMF.max_duration", "number", 0.01, 1e4),
    "min_amplitude": Parameter(0.01, "IMF.min_amplitude", "number", 1e-6, 1e4),
    "max_amplitude": Parameter(10.0, "IMF.max_amplitude", "number", 1e-6, 1e4),
    "min_frequency": Parameter(0.01, "IMF.min_frequency", "number", 1e-6, 1e4),
    "max_frequency": Parameter(8.0, "IMF.max_frequency", "number", 1e-6, 1e4),
    "noise_level": Parameter(0.01, "IMF.noise_level", "number", 0, 1e3),
    "dtype": _only(
        np.float64,
        "series have JAX's float type: float32, or float64 after "
        'jax.config.update("jax_enable_x64", True).',
        np.float32,
    ),
}

RUN = {
    "rng": _only(None, "randomness comes from a key. Pass jax.random.key(seed) to s2jax.sample."),
    "seq_length": Parameter(None, "Config.length"),
    "input_dimension": Parameter(None, "Config.num_inputs"),
    "output_dimension": Parameter(None, "Config.num_outputs"),
    "max_trials": SYMBOL["max_trials"],
    "input_normalize": _only("z-score", _NORMALIZE.format("x_scaling")),
    "output_normalize": _only("z-score", _NORMALIZE.format("y_scaling")),
    "input_max_scale": Parameter(16.0, "Config.x_scaling", "number", 0),
    "output_max_scale": Parameter(16.0, "Config.y_scaling", "number", 0),
    "offset": _only(None, "inputs are " + _SCALING_IS),
    "save_path": _only(None, "nothing is written. Call s2jax.corpus.write_reference."),
}

PARAMETERS = {**SYMBOL, **SERIES, **RUN}
