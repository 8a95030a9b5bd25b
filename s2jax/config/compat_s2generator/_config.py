"""From parameters of the reference to fields of a `Config`."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from s2jax.config._config import Config, Standardize
from s2jax.config.compat_s2generator._inputs import check_order, make_inputs
from s2jax.config.compat_s2generator._names import PARAMETERS, WEIGHTS, WORDS
from s2jax.core import checks
from s2jax.laws import Decimals, S2Law
from s2jax.programs import operators
from s2jax.targets import Algebraic
from s2jax.targets.acceptance import Acceptance

_FIELDS = tuple(field.name for field in dataclasses.fields(Config))
_ALIASES = {
    "seq_length": "length",
    "input_dimension": "num_inputs",
    "output_dimension": "num_outputs",
}
_SIZES = {"length": 256, "num_inputs": 1, "num_outputs": 1}
_CLASSES = {
    "inputs": ("Choice", "Mixture", "ARMA", "TrendSeason", "KernelSynth", "IMF"),
    "target": ("S2Law", "Decimals", "Algebraic"),
    "acceptance": ("Acceptance",),
    "x_scaling": ("Config.x_scaling",),
    "y_scaling": ("Config.y_scaling",),
}

Values = Mapping[str, Any]


def config_fields(sizes: Mapping[str, int], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the config that means what the reference's parameters mean.

    Args:
        sizes: `length`, `num_inputs` and `num_outputs`.
        settings: Parameters of the reference, and fields of `Config`.

    Raises:
        TypeError: If a value is of the wrong kind.
        ValueError: If a name is unknown, or what it asks for cannot be had, or a parameter and a
            field decide the same.

    Example:
        >>> sizes = dict(length=256, num_inputs=1, num_outputs=1)
        >>> config_fields(sizes, {"max_exponent": 2})["acceptance"].bound
        100.0
    """
    fields = {name: value for name, value in settings.items() if name in _FIELDS}
    given = {name: value for name, value in settings.items() if name not in _FIELDS}
    for name, value in given.items():
        if name not in PARAMETERS:
            near = checks.unknown(name, (*_FIELDS, *PARAMETERS))
            raise ValueError(f"reference({name}={value!r}): {near}")
    if given.get("max_trials", 0) is None:  # of `run`: as in SymbolParams
        del given["max_trials"]
    for name, value in given.items():
        PARAMETERS[name].check(name, value)
    _check_decided_once(given, fields)
    values = {name: parameter.default for name, parameter in PARAMETERS.items()} | given
    sizes = _with_aliases(sizes, given)
    _check_channels(sizes, given, values)
    made = {part: make(values) for part, make in _PARTS.items() if part not in fields}
    return {**made, **sizes, **fields}


def _check_decided_once(given: Values, fields: Values) -> None:
    for name in given:
        ours = PARAMETERS[name].ours
        for part, classes in _CLASSES.items():
            if part in fields and ours.startswith(classes):
                raise ValueError(
                    f"reference({name}=..., {part}=...): only one of them must be given, because "
                    f"{name} is part of {part} ({ours}). Set it there."
                )


def _with_aliases(sizes: Mapping[str, int], given: Values) -> dict[str, int]:
    out = dict(sizes)
    for name, ours in _ALIASES.items():
        value = given.get(name)
        if value is None:
            continue
        if out[ours] not in (_SIZES[ours], value):
            raise ValueError(
                f"reference({name}={value!r}, {ours}={out[ours]!r}): must agree, because they mean "
                "the same. Leave one out."
            )
        out[ours] = value
    return out


def _check_channels(sizes: Values, given: Values, values: Values) -> None:
    """`run` takes its numbers of channels from its own arguments; these only bound them."""
    for kind in ("input", "output"):
        low, high = (f"{bound}_{kind}_dimension" for bound in ("min", "max"))
        number = sizes[f"num_{kind}s"]
        if (low in given or high in given) and not values[low] <= number <= values[high]:
            raise ValueError(
                f"reference(num_{kind}s={number}): must be within {low}={values[low]} and {high}="
                f"{values[high]}, because these only bound it. Set num_{kind}s and, for a random "
                f"number of {kind}s, min_{kind}s."
            )


def _target(values: Values) -> Algebraic:
    check_order(values, "min_binary_ops_per_dim", "max_binary_ops_per_dim")
    check_order(values, "min_unary_ops", "max_unary_ops")
    law = S2Law(
        binary_weights=_weights(values, 2, "extra_binary_operators"),
        unary_weights=_weights(values, 1, "extra_unary_operators"),
        min_binary_per_input=values["min_binary_ops_per_dim"],
        max_binary_per_input=values["max_binary_ops_per_dim"],
        binary_offset=values["max_binary_ops_offset"],
        min_unary=values["min_unary_ops"],
        max_unary=values["max_unary_ops"],
        unary_subtree_limit=values["max_unary_depth"],
        constant_probability=values["prob_const"],
        max_integer=values["max_int"],
        affine="reduced" if values["reduce_num_constants"] else "full",
        constants=_constants(values),
    )
    return Algebraic(law, protected=bool(values["use_abs"]))


def _constants(values: Values) -> Decimals:
    digits, reach = values["float_precision"], values["max_exponent_prefactor"]
    middle = -((digits + 1) // 2)
    if values["decimals"] < reach - middle:
        raise ValueError(
            f"reference(decimals={values['decimals']}): must be >= {reach - middle}, because "
            f"constants are multiples of 1e{middle - reach} and are not rounded here. Raise it, or "
            "lower float_precision or max_exponent_prefactor."
        )
    return Decimals(digits=digits, min_exponent=middle - reach, max_exponent=middle + reach)


def _weights(values: Values, arity: int, extra: str) -> dict[str, float]:
    """Weight of each of our operators; 1 for one of the reference that has no weight."""
    ratios = _ratios(values["operators_to_downsample"])
    names, words = operators.drawable(arity), list(WORDS[arity])
    for word in values[extra].split(",") if values[extra] else ():
        if word not in names:
            near = checks.unknown(word, names)
            raise ValueError(f"reference({extra}={values[extra]!r}): {near}")
        words.append(word)
    weights = dict.fromkeys(operators.default_weights(arity), 0.0)
    for word in words:  # an operator named twice is drawn twice as often
        weights[word] = weights.get(word, 0.0) + ratios.get(word, 1.0)
    return weights


def _ratios(text: Any) -> dict[str, float]:
    """The weights in `"div_0,sqrt_5"`; None is the reference's default."""
    call = f"reference(operators_to_downsample={text!r})"
    text = WEIGHTS if text is None else text
    known = (*operators.drawable(1), *operators.drawable(2), "diff")
    ratios = {}
    for part in text.split(",") if text else ():
        word, _, ratio = part.partition("_")
        if word not in known:
            raise ValueError(f"{call}: {checks.unknown(word, known)}")
        try:
            ratios[word] = float(ratio)
        except ValueError:
            raise ValueError(
                f"{call}: {part!r} must be an operator and its weight. Write for example "
                f'"{word}_0.5".'
            ) from None
        checks.check_number("reference", f"operators_to_downsample: {word}", ratios[word], 0)
    if ratios.get("diff"):
        raise ValueError(
            f"{call}: the weight of `diff` must be 0, because it is no function of x at a time "
            'step and is not there. Write "diff_0" or leave it out.'
        )
    return ratios


def _acceptance(values: Values) -> Acceptance:
    return Acceptance(bound=10.0 ** values["max_exponent"], max_tries=values["max_trials"])


_PARTS: dict[str, Callable[[Values], Any]] = {
    "inputs": make_inputs,
    "target": _target,
    "acceptance": _acceptance,
    "x_scaling": lambda values: Standardize(high=values["input_max_scale"]),
    "y_scaling": lambda values: Standardize(high=values["output_max_scale"]),
}
