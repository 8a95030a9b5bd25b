"""The table of random streams: who reads which part of a key, so that nothing is read twice.

A key has 2**32 streams (`random_bits`), and by `fold_in` 2**32 keys of its own, which read its
stream 0.

| key of | stream | what is drawn from it |
|---|---|---|
| a row | `FOLDED` | keys: number k is that of channel k, `ROW_INPUT` that of all channels as one |
| a row | `FOLDED` | keys: number `OBSERVED` + k is that of output k where it is measured |
| a row | `ROW` | numbers of channels, scales, and which law makes all channels as one |
| a row | `of_expression(output, number)` | try `number` for an output of a pointwise target |
| a row | `EQUATIONS`, `of_equations(number, part)` | what an ODE draws once; a part of a try |
| a row | `named("choice", "family")` | which family of whole rows draws its channels, if any |
| all channels as one | `FOLDED` | keys: number k is that of channel k of a causal graph |
| a channel of a graph | `MECHANISM` | its mechanism |
| a row | `named("observe", "row")` | whether its outputs are measured |
| a row | `FOLDED` | keys: number `TIMES` is that of the times at which it is read |
| times of a row | `named("observe.times", name)` | which spacing, and its key |
| a measured output | `FOLDED` | keys: number s is that of the effect that comes s-th |
| a measured output | `named("observe", "effects")` | which effects, in which order |
| an effect | `named(scope, name)` | what it draws under this name |
| an augmentation | `FOLDED` | keys: number i is that of row i |
| an augmented row | `FOLDED` | keys: number k is that of channel k, or of part k of a `Compose` |
| an augmented row | `named("augment", name)` | whether it is changed; place, weight in mixtures |
| an augmented row or channel | `named("augment.item", name)` | what it draws under this name |
| a channel | `named(scope, name)` | what a family draws under this name, as the key of a part |

A row has a target of one kind, so the streams of expressions and of equations may overlap.
"""

import hashlib

from jaxtyping import Array, Int

FOLDED = 0
ROW = 1
_TARGET = 2

ROW_INPUT = 2**31
"""Number of the folded key of all channels of a row as one; numbers of channels are below it."""

OBSERVED = ROW_INPUT + 1
"""Number of the folded key with which the first output is measured; those of others follow."""

TIMES = 2**32 - 1
"""Number of the folded key with which the times of a row are drawn."""

MECHANISM = 1
"""The stream, of the key of a channel in a causal graph, that its mechanism is drawn from."""

TRY_BITS = 20  # of the number of a try
EQUATIONS = _TARGET
_PARTS = 32  # streams of a try of equations
_NAMED = 2**31  # the first of the streams that have a name


def of_expression(output: Int[Array, "*#shape"] | int, number: Int[Array, "*#shape"]):
    """The stream of a try for an output; tries are numbered below 2**`TRY_BITS`."""
    return (output << TRY_BITS) + number + _TARGET


def of_equations(number: Int[Array, "*shape"], part: int):
    """The stream of a part of a try of equations, below 32."""
    return EQUATIONS + 1 + number * _PARTS + part


def named(scope: str, name: str) -> int:
    """The stream of a name; two names of one scope may share one, which `Draws` refuses."""
    digest = hashlib.blake2s(f"{scope}.{name}".encode(), digest_size=4).digest()
    return _NAMED | int.from_bytes(digest, "little")
