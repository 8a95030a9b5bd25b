"""Arrays of a law as columns of a corpus: one column for each, in a type that holds it exactly."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from s2jax.core.words import is_held

_PREFIX = "x_law"


class LawColumn(NamedTuple):
    """A column of a corpus with one array of a law.

    Attributes:
        dtype: Of the array, as it was drawn and comes back.
        shape: Of the array in one row.
    """

    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def stored(self) -> np.dtype:
        """The dtype on disk. What files do not know is stored in the next wider one that they do:
        bfloat16 as float32, complex64 as pairs of float32."""
        if jnp.issubdtype(self.dtype, jnp.complexfloating):
            return np.dtype(f"f{self.dtype.itemsize // 2}")
        if jnp.issubdtype(self.dtype, jnp.floating) and self.dtype.itemsize < 4:
            return np.dtype(np.float32)
        if self.dtype.kind in "biuf":
            return self.dtype
        return np.dtype(np.int8 if jnp.issubdtype(self.dtype, jnp.signedinteger) else np.uint8)

    @property
    def size(self) -> int:
        """Numbers per row."""
        return math.prod(self.shape) * self._parts

    @property
    def is_list(self) -> bool:
        """Whether a row has a list of numbers rather than one."""
        return bool(self.shape) or self._parts > 1

    @property
    def _parts(self) -> int:
        return 2 if jnp.issubdtype(self.dtype, jnp.complexfloating) else 1

    def to_column(self, array: Any) -> np.ndarray:
        """The array of many rows as numbers of the column: `(rows, size)`, or `(rows,)`."""
        array = np.ascontiguousarray(array)
        stored = array.view(self.stored) if self._parts > 1 else array.astype(self.stored)
        return stored.reshape(len(array), self.size) if self.is_list else stored

    def to_array(self, numbers: np.ndarray) -> Any:
        """The inverse of `to_column`; in NumPy where JAX holds no such dtype without x64."""
        numbers = np.ascontiguousarray(numbers, self.stored)
        array = numbers.view(self.dtype) if self._parts > 1 else numbers.astype(self.dtype)
        array = array.reshape(len(numbers), *self.shape)
        return jnp.asarray(array) if is_held(self.dtype) else array

    def __str__(self) -> str:
        return f"{self.dtype.name}{list(self.shape) if self.shape else ''}"


class SourceColumns:
    """Columns of a corpus that hold where inputs come from: one for each array of a source.

    `x_family` is the family of each channel. Each array of a law has a column of its own, by which
    the channels of other families are 0; one without elements has none.

    Attributes:
        columns: The columns by name, in order.
    """

    def __init__(self, channels: int, labels: Sequence[str], laws: tuple[Any, ...]) -> None:
        """Name the arrays.

        Args:
            channels: Number of inputs.
            labels: What each law is called.
            laws: The laws, whose leaves tell shapes and dtypes of one row.
        """
        family = LawColumn(np.dtype(np.int32), (channels,))
        self._structure = jax.tree.structure(laws)
        self._named = [("x_family", family), *_name_laws(labels, laws)]
        self.columns = {name: column for name, column in self._named if column.size}

    def values(self, source: Any) -> dict[str, np.ndarray]:
        """The values of these columns for a source on the host."""
        leaves = [source.family, *jax.tree.leaves(source.laws)]
        filled = zip(self._named, leaves, strict=True)
        return {name: column.to_column(leaf) for (name, column), leaf in filled if column.size}

    def arrays(self, values: Mapping[str, np.ndarray], rows: int) -> tuple[Any, Any]:
        """The families and laws that these columns hold for so many rows."""
        nothing = lambda column: np.zeros((rows, column.size), column.stored)
        family, *leaves = [
            column.to_array(values[name] if column.size else nothing(column))
            for name, column in self._named
        ]
        return family, jax.tree.unflatten(self._structure, leaves)


def _name_laws(labels: Sequence[str], laws: Sequence[Any]) -> list[tuple[str, LawColumn]]:
    """Name and column of every array of these laws."""
    named: list[tuple[str, LawColumn]] = []
    taken = set()
    for label, law in zip(labels, laws, strict=True):
        prefix = f"{_PREFIX}_{label}"
        for path, leaf in jax.tree_util.tree_leaves_with_path(law):
            field = jax.tree_util.keystr(path, simple=True, separator="_")
            field = re.sub(r"\W+", "_", field).strip("_")
            name = plain = f"{prefix}_{field}" if field else prefix
            count = 1
            while name.lower() in taken:  # SQL does not tell capitals from small letters
                count += 1
                name = f"{plain}_{count}"
            taken.add(name.lower())
            named.append((name, LawColumn(np.dtype(leaf.dtype), tuple(leaf.shape))))
    return named


def label_of(kind: type) -> str:
    """The name of a class as it stands in names of columns: `RandomWalk` is `random_walk`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).lower()
