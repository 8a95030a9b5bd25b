"""Checks of a caller's values: every message names the argument, the rule and the way out."""

import difflib
import functools
import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

MAX_MAGNITUDE = 1e100
"""Every number of a program is 0 or of magnitude 1e-100 to 1e100, in whatever way it came in."""
_LARGEST = 2**63 - 1
_NOTHING: Mapping[str, str] = types.MappingProxyType({})
P = ParamSpec("P")
R = TypeVar("R")


def is_concrete(value: Any) -> bool:
    """Whether a leaf holds plain numbers: inside a transformation it does not."""
    return isinstance(value, (bool, int, float, np.ndarray, np.generic)) or (
        isinstance(value, jax.Array) and not isinstance(value, Tracer)
    )


def is_here(tree: Any) -> bool:
    """Whether all leaves are concrete and none of their parts is on another process."""
    leaves = jax.tree.leaves(tree)
    return all(is_concrete(leaf) and getattr(leaf, "is_fully_addressable", True) for leaf in leaves)


def check_number(
    owner: str, name: str, value: Any, low: float = -np.inf, high: float = np.inf,
    integer: bool = False, strict: bool = False,
) -> None:  # fmt: skip
    """Refuse a number outside [low, high], or (low, high] if `strict`."""
    if not is_concrete(value) and hasattr(value, "dtype"):  # traced
        return
    if not _is_real(value) or np.ndim(value) != 0:
        rule = _rule(low, high, integer, strict)
        raise TypeError(f"{owner}({name}={shown(value)}): must be {rule}.")
    number = _as_float(value)
    if integer and np.isinf(number):
        high = min(high, _LARGEST)
    if (
        not np.isfinite(number) or number < low or number > high or (strict and number == low)
        or (integer and not number.is_integer())
    ):  # fmt: skip
        rule = _rule(low, high, integer, strict)
        raise ValueError(f"{owner}({name}={shown(value)}): must be {rule}.")


def _is_real(value: Any) -> bool:
    """Whether it is made of integers or floats."""
    if isinstance(value, (bool, str)):
        return False
    dtype = getattr(value, "dtype", None)
    kinds = (np.integer, np.floating)
    if dtype is None:
        return isinstance(value, (int, float))
    return any(jnp.issubdtype(dtype, kind) for kind in kinds)


def _as_float(value: Any) -> float:
    """The nearest float, infinite beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _rule(low: float, high: float, integer: bool, strict: bool) -> str:
    """Which numbers are meant."""
    parts = [f"{'>' if strict else '>='} {_digits(low)}"] * bool(np.isfinite(low))
    parts += [f"<= {_digits(high)}"] * bool(np.isfinite(high))
    if integer or np.isfinite(high):
        return f"{'an integer' if integer else 'a number'} {' and '.join(parts)}".strip()
    return f"a number {parts[0]}, and finite" if parts else "a finite number"


def _digits(number: float) -> str:
    """A bound as it would be typed."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e16 else f"{number:g}"


def shown(value: Any, letters: int = 60) -> str:
    """A value as it stands in a call, on one line, cut if it is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python prints no integers of thousands of digits
        return f"an integer of {value.bit_length()} bits"
    if len(text) > letters and isinstance(value, eqx.Module):
        return f"{type(value).__name__}(...)"
    return cut(text, letters)


def cut(text: str, letters: int = 60) -> str:
    """A text, or its beginning if it is long."""
    return text if len(text) <= letters else f"{text[:letters]}..."


def check_static_integer(owner: str, name: str, value: Any, low: int, high: float = np.inf) -> None:
    """Refuse what is no integer of Python or NumPy in [low, high]; programs depend on it."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(
            f"{owner}({name}={shown(value)}): must be a Python integer, because it must be known "
            f"before anything is compiled. Pass an int; this is of type {type(value).__name__}. "
            "Inside jit, mark it static."
        )
    check_number(owner, name, value, low, high, integer=True)


def check_word(call: str, word: Any, words: Sequence[str], more: str = "") -> None:
    """Raise a `ValueError` that begins with what was called if a word is none of these.

    `more` is said after the words.
    """
    if word not in words:
        raise ValueError(
            f"{call}: must be one of {', '.join(map(repr, words))}{more}. Pass one of these words."
        )


def check_flag(owner: str, name: str, value: Any) -> None:
    """Refuse what is neither True nor False; programs depend on it."""
    if not isinstance(value, bool):
        raise TypeError(f"{owner}({name}={shown(value)}): must be True or False.")


def as_shape(owner: str, name: str, shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of integers of Python; a single integer is that of one axis.

    Raises:
        TypeError, ValueError: If it is none.
    """
    sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
    for index, size in enumerate(sizes):
        place = f"{name}[{index}]" if isinstance(shape, (tuple, list)) else name
        check_static_integer(owner, place, size, 0)
    return tuple(map(int, sizes))


def check_key(owner: str, key: Any) -> None:
    """Refuse what is not one typed key.

    Raises:
        TypeError: If it is not.
    """
    if not (isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)):
        raise TypeError(
            f"{owner}(key={shown(key)}): must be a typed key. Pass jax.random.key(seed)."
        )
    if key.shape != ():
        raise TypeError(
            f"{owner}(key of shape {key.shape}): must be one key. Use jax.vmap for several."
        )


def check_held(
    owner: str, name: str, values: Any, dtype: Any, widest: float = MAX_MAGNITUDE, reason: str = ""
) -> None:
    """Refuse numbers beyond 1/widest to widest or those of the dtype; NaN and infinity pass."""
    if not is_here(values):
        return
    low, high = limits_of(dtype, widest)
    numbers = np.asarray(values, np.float64)
    size = np.abs(numbers)
    bad = np.isfinite(numbers) & (size != 0) & ((size < low) | (size > high))
    if bad.any():
        fix, reason = "Choose other units.", reason or f"numbers in {np.dtype(dtype)} are"
        if high < widest:
            fix = (
                "Choose other units, or compute in float64: "
                "jax.config.update('jax_enable_x64', True) at the start."
            )
        raise ValueError(
            f"{owner}({name}={numbers[bad].reshape(-1)[0]:.9g}): must be 0 or of magnitude "
            f"{low:.2g} to {high:.2g}, because {reason}. {fix}"
        )


def check_finite(owner: str, name: str, values: Any) -> None:
    """Refuse NaN and infinity in numbers that are not traced."""
    if is_here(values) and not np.isfinite(values).all():
        wrong = np.asarray(values)[~np.isfinite(values)].reshape(-1)[0]
        raise ValueError(
            f"{owner}({name} with {wrong}): must be finite, because they are computed with. "
            "Leave such values out."
        )


def limits_of(dtype: Any, widest: float = MAX_MAGNITUDE) -> tuple[float, float]:
    """Smallest and largest magnitude of numbers other than 0 that programs hold in this dtype.

    Subnormal numbers are none, because XLA computes with them as if they were 0.
    """
    info = jnp.finfo(dtype)
    return max(float(info.tiny), 1 / widest), min(float(info.max), widest)


def as_floats(
    owner: str, name: str, values: Any, half: bool = False, dtype: Any = None, held: bool = False
) -> Any:
    """Numbers as an array of float32 or float64; integers and booleans become the default type.

    Args:
        owner, name: The call and its argument, for messages.
        values: The numbers.
        half: Whether floats of half size stay as they are.
        dtype: What they become; their own type by default.
        held: Whether to refuse numbers that this type cannot hold, as `check_held` does.

    Raises:
        TypeError: If they are no numbers, complex, or floats of another size.
        ValueError: If a number is larger than any float, or one is not held.
    """
    numbers = read_numbers(owner, name, values, half)
    dtype = type_of(numbers) if dtype is None else dtype
    if held:
        check_held(owner, name, numbers, dtype)
    if isinstance(numbers, jax.Array):
        return numbers if numbers.dtype == dtype else numbers.astype(dtype)
    return jnp.asarray(numbers.astype(dtype))


def read_numbers(owner: str, name: str, values: Any, half: bool = False) -> Any:
    """An array of floats that are not rounded yet: of JAX as given, anything else in NumPy.

    Raises:
        TypeError, ValueError: As `as_floats`.
    """
    array = values if isinstance(values, jax.Array) else _as_array(owner, name, values)
    if array.dtype in (np.float32, np.float64) or (
        half and array.dtype.itemsize <= 2 and jnp.issubdtype(array.dtype, jnp.floating)
    ):
        return array
    if jnp.issubdtype(array.dtype, jnp.integer) or array.dtype == bool:
        return array.astype(jnp.result_type(float))
    if not jnp.issubdtype(array.dtype, jnp.inexact):
        is_array = isinstance(values, (np.ndarray, jax.Array))
        kind = f"dtype {array.dtype}" if is_array else f"type {type(values).__name__}"
        raise _no_numbers(owner, f"{name} of {kind}")
    fix = f"Pass {name}.astype('float32'), and cast the result."
    if array.dtype.itemsize > 8:
        fix = f"Pass {name}.astype('float64')."
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        fix = "Pass the real and the imaginary part as two series."
    raise TypeError(
        f"{owner}({name} of dtype {array.dtype}): must be real numbers in float32 or float64, or "
        f"integers, because these are computed with. {fix}"
    )


def type_of(numbers: Any) -> Any:
    """The type that JAX gives to an array: float64 of NumPy may become float32."""
    is_double = isinstance(numbers, np.ndarray) and numbers.dtype == np.float64
    return jnp.result_type(float) if is_double else numbers.dtype


def _as_array(owner: str, name: str, values: Any) -> Any:
    """An array of NumPy; of JAX if a part of it is traced."""
    try:
        if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(values)):
            return jnp.asarray(values)
        array = np.asarray(values)
        # integers that no type of NumPy holds
        is_object = array.dtype == object and not isinstance(values, np.ndarray)
        is_plain = is_object and all(type(number) in (int, float) for number in array.flat)
        return array.astype(np.float64) if is_plain else array
    except OverflowError:
        raise ValueError(
            f"{owner}({name} with an integer beyond 1.8e308): must be of magnitude <= 1.8e308, "
            "because no float is larger. Choose other units."
        ) from None
    except (TypeError, ValueError):
        raise _no_numbers(owner, f"{name} of type {type(values).__name__}") from None


def _no_numbers(owner: str, given: str) -> TypeError:
    return TypeError(
        f"{owner}({given}): must be an array of numbers. Pass one of JAX or NumPy, or a list."
    )


def check_weights(
    owner: str, name: str, weights: Mapping[str, Any], allowed: Iterable[str]
) -> None:
    """Refuse unknown names, negative weights and weights that are all zero."""
    allowed = tuple(allowed)
    for key, value in weights.items():
        if key not in allowed:
            raise ValueError(f"{owner}({name}={{{key!r}: ...}}): {unknown(key, allowed)}")
        check_number(owner, f"{name}[{key!r}]", value, low=0)
    values = list(weights.values())
    if all(is_concrete(value) for value in values) and not sum(float(v) for v in values) > 0:
        raise ValueError(
            f"{owner}({name}={dict(weights)!r}): at least one weight must be > 0, because one of "
            "them is always drawn. Raise a weight."
        )


SYNONYMS = (
    "length seq_length seq_len sequence_length series_length time_steps timesteps num_steps T",
    "num_inputs n_inputs input_dimension input_dim in_channels num_variables n_vars channels",
    "num_outputs n_outputs output_dimension output_dim out_channels channels dimension dim dims "
    "ndim num_dims n_dims num_states n_states state_dim",
    "n num num_samples n_samples size batch_size num_rows n_rows rows count",
    "batch batch_size rows n num_rows n_rows",
    "rows n n_rows nrows num_rows num_samples n_samples size",
    "block_size block blocksize batch_size",
    "seed random_state random_seed rng key",
    "key rng rng_key prng_key seed random_state",
    "max_tries max_trials tries retries",
    "low min minimum lower lo",
    "high max maximum upper hi",
    "bound max_value max_abs limit",
    "workers num_workers n_workers jobs n_jobs",
)
"""What an argument is called here, first, and what others call it."""


def unknown(name: str, allowed: Iterable[str]) -> str:
    """The sentence about a name that is not in the list, with the nearest one that is."""
    allowed = tuple(dict.fromkeys(map(str, allowed)))
    word = str(name).replace("-", "_")
    groups = [group.split() for group in SYNONYMS]
    # a slip in what others call it: the nearest of all words, if it is none of those allowed
    words = [*allowed, *(option for group in groups for option in group)]
    word = next(iter(difflib.get_close_matches(word, words, n=1, cutoff=0.85)), word)
    found = [group for group in groups if word in group or word.lower() in group]
    meant = [group[0] for group in found] + [option for group in found for option in group]
    plain = {option.replace("-", "_"): option for option in allowed}
    near = [plain[option] for option in meant if option in plain]
    near += [word] if word in allowed else []
    near += [plain[option] for option in plain if option.startswith(word) and len(word) > 2]
    near += difflib.get_close_matches(str(name), allowed, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Choose among: {', '.join(allowed)}."
    return f"unknown name {shown(name)}. {hint}"


def check_names(
    owner: str,
    given: Mapping[str, Any],
    call: Any,
    *more: str,
    inside: Mapping[str, str] = _NOTHING,
) -> None:
    """Refuse keywords that `call` does not take, with the name that was meant.

    Args:
        owner: What was called.
        given: Its keywords.
        call: Has the signature; one that takes any keyword takes those of `more`.
        inside: By name, how else to give what belongs to a part of the configuration.

    Raises:
        TypeError: If one is unknown.
    """
    if not given:
        return
    parameters = inspect.signature(call).parameters.values()
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    if takes_any and not more:
        return
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    allowed = [parameter.name for parameter in parameters if parameter.kind not in variadic]
    for name, value in given.items():
        if name not in allowed and name not in more:
            fix = unknown(name, [*allowed, *more])
            if name in inside:
                fix = f"belongs to a part. Pass {inside[name]}."
            raise TypeError(f"{owner}({name}={shown(value)}): {fix}")


def suggest_names(
    *more: str, inside: Mapping[str, str] = _NOTHING
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: an unknown keyword of the function gets a suggestion.

    Args:
        more: Keywords that the function hands on.
        inside: As in `check_names`.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **keywords: P.kwargs) -> R:
            check_names(function.__name__, keywords, function, *more, inside=inside)
            return function(*args, **keywords)

        return call

    return decorate
