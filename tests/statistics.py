"""Assertions about random code: counts against a law, two samples, a continuous law.

All are made at one level, `LEVEL`: about fifty share the suite's false-alarm budget of 1e-3. (With
every cell at an expected count of 5 the true level of chi-square is up to 5e-5.) What they see:
chi-square, a wrong law p in place of q with `n * sum((p - q)**2 / q)` above about
`40 + 10 * sqrt(cells)`, halved for two samples of n each; KS, a gap between distribution functions
above `2.4 / sqrt(n)`. Choose n for the difference that matters.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

LEVEL = 2e-5
MIN_EXPECTED = 5.0
NUM_WORST = 5

Table: TypeAlias = Mapping[Any, float] | ArrayLike
Floats: TypeAlias = NDArray[np.float64]


def assert_counts_match(
    counts: Table,
    probabilities: Table,
    *,
    what: str = "counts",
    level: float = LEVEL,
    min_expected: float = MIN_EXPECTED,
) -> float:
    """Check counts of independent draws against an exact law; return the p-value.

    Cells are merged, smallest expectation first, until every merged cell expects `min_expected`. A
    draw in a cell of probability zero fails at once.

    Args:
        counts: Cell to count, or an array of counts.
        probabilities: The law, over the same cells; they sum to one. Cells without a probability
            have probability zero.
        what: Names the tested quantity in the message.
        level: Fails if the p-value is below.
        min_expected: Smallest expected count of a merged cell.

    Returns:
        The p-value; 1.0 if the law has one cell only.

    Raises:
        AssertionError: If the counts do not follow the law.
        ValueError: If the arguments are no counts, no law, or too few draws for any test.
    """
    cells, observed, law = _aligned(counts, probabilities)
    _check_counts(observed, "counts")
    if np.any(law < 0) or not np.isclose(law.sum(), 1.0, rtol=0, atol=1e-6):
        raise ValueError(
            f"assert_counts_match: probabilities sum to {law.sum():.9g} with minimum "
            f"{law.min():.3g}: must be a law. Divide by the sum."
        )
    impossible = [cell for cell, o, p in zip(cells, observed, law, strict=True) if o and not p]
    if impossible:
        raise AssertionError(
            f"{what}: draws in cells of probability zero: {impossible[:NUM_WORST]}"
        )

    expected = law * observed.sum()
    groups = _groups(expected, min_expected)
    merged_observed, merged_expected = _merge(observed, groups), _merge(expected, groups)
    deviations = (merged_observed - merged_expected) / np.sqrt(merged_expected)
    p_value = _chi_square_p(deviations)
    if p_value < level:
        worst = _worst(cells, groups, deviations, merged_observed, merged_expected)
        raise AssertionError(
            f"{what}: counts do not follow the law: p = {p_value:.3g} < {level:.3g}, chi-square = "
            f"{np.sum(deviations**2):.1f} on {len(groups) - 1} degrees of freedom, "
            f"n = {observed.sum():.0f}.\n{worst}"
        )
    return p_value


def assert_same_law(
    counts_a: Table,
    counts_b: Table,
    *,
    what: str = "counts",
    level: float = LEVEL,
    min_expected: float = MIN_EXPECTED,
) -> float:
    """Check that two samples of independent draws share one unknown law; return the p-value.

    Chi-square test of homogeneity. Cells are merged by their pooled count, smallest first, until
    both samples expect `min_expected` in every merged cell.

    Args:
        counts_a: Cell to count, or an array of counts. A missing cell counts zero.
        counts_b: The same for the other sample, of any other size.
        what: Names the tested quantity in the message.
        level: Fails if the p-value is below.
        min_expected: Smallest expected count of a merged cell in either sample.

    Returns:
        The p-value; 1.0 if all draws of both samples lie in one cell.

    Raises:
        AssertionError: If the samples do not share a law.
        ValueError: If the arguments are no counts, or too few draws for any test.
    """
    cells, observed_a, observed_b = _aligned(counts_a, counts_b)
    _check_counts(observed_a, "counts_a")
    _check_counts(observed_b, "counts_b")
    size_a, size_b = observed_a.sum(), observed_b.sum()
    share_a = size_a / (size_a + size_b)
    pooled = observed_a + observed_b

    groups = _groups(pooled * min(share_a, 1 - share_a), min_expected)
    merged_a, merged_pooled = _merge(observed_a, groups), _merge(pooled, groups)
    # For two samples the sum over both of (observed - expected)^2 / expected is this one square.
    variance = merged_pooled * share_a * (1 - share_a)
    deviations = (merged_a - merged_pooled * share_a) / np.sqrt(variance)
    p_value = _chi_square_p(deviations)
    if p_value < level:
        worst = _worst(cells, groups, deviations, merged_a, merged_pooled * share_a)
        raise AssertionError(
            f"{what}: the samples do not share a law: p = {p_value:.3g} < {level:.3g}, chi-square "
            f"= {np.sum(deviations**2):.1f} on {len(groups) - 1} degrees of freedom, "
            f"n = {size_a:.0f} and {size_b:.0f}. In the first sample:\n{worst}"
        )
    return p_value


def assert_ks(
    samples: ArrayLike,
    cdf: Callable[[Floats], ArrayLike],
    *,
    what: str = "samples",
    level: float = LEVEL,
) -> float:
    """Check independent draws against a continuous law (Kolmogorov-Smirnov); return the p-value.

    Args:
        samples: Draws, of any shape; all of them finite.
        cdf: Distribution function of the law, as `scipy.stats.norm.cdf`.
        what: Names the tested quantity in the message.
        level: Fails if the p-value is below.

    Returns:
        The p-value.

    Raises:
        AssertionError: If the draws do not follow the law, or one of them is not finite.
        ValueError: If there are no draws.
    """
    draws = np.asarray(samples, dtype=np.float64).ravel()
    if draws.size == 0:
        raise ValueError("assert_ks(samples=[]): no draws to test. Pass at least one.")
    if not np.all(np.isfinite(draws)):
        num_bad = np.sum(~np.isfinite(draws))
        raise AssertionError(f"{what}: {num_bad} of {draws.size} draws are not finite.")
    result: Any = stats.ks_1samp(draws, cdf)
    p_value = float(result.pvalue)
    if p_value < level:
        raise AssertionError(
            f"{what}: draws do not follow the law: p = {p_value:.3g} < {level:.3g}, largest gap "
            f"{result.statistic:.4g} at {result.statistic_location:.4g}, n = {draws.size}."
        )
    return p_value


def _aligned(first: Table, second: Table) -> tuple[list[Hashable], Floats, Floats]:
    """Return the cells of two tables and their values in one order."""
    if isinstance(first, Mapping) != isinstance(second, Mapping):
        raise ValueError("Tables must be both mappings or both arrays. Name the cells of both.")
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        cells: list[Hashable] = list(dict.fromkeys([*first, *second]))
        values = [np.array([t.get(c, 0) for c in cells], np.float64) for t in (first, second)]
        return cells, values[0], values[1]
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"Tables have shapes {a.shape} and {b.shape}: must be equal. Pad with 0.")
    return list(np.ndindex(a.shape)), a.ravel(), b.ravel()


def _check_counts(values: Floats, name: str) -> None:
    """Raise unless the values are counts of at least one draw."""
    if np.any(values < 0) or np.any(values != np.round(values)) or not values.sum() > 0:
        raise ValueError(f"{name}: must be whole numbers >= 0, not all 0. Pass counts, not shares.")


def _groups(expected: Floats, min_expected: float) -> list[list[int]]:
    """Return lists of cells that together expect at least `min_expected` each.

    Cells that expect nothing are left out. The grouping looks at expectations only, never at
    how far the observed counts are from them.
    """
    groups: list[list[int]] = [[]]
    filled = 0.0
    possible = [int(i) for i in np.argsort(expected, kind="stable") if expected[i] > 0]
    for cell in possible:
        if filled >= min_expected:
            groups.append([])
            filled = 0.0
        groups[-1].append(cell)
        filled += expected[cell]
    if filled < min_expected and len(groups) > 1:
        rest = groups.pop()
        groups[-1] += rest
    if len(groups) == 1 and len(possible) > 1:
        raise ValueError(
            f"All {len(possible)} cells merge into one at min_expected={min_expected:g}: the test "
            "would see nothing. Draw more."
        )
    return groups


def _merge(values: Floats, groups: list[list[int]]) -> Floats:
    """Return the sum of the values in each group."""
    return np.array([values[group].sum() for group in groups])


def _chi_square_p(deviations: Floats) -> float:
    """Return the chi-square tail at the sum of squares; 1.0 for a single cell."""
    if len(deviations) == 1:
        return 1.0
    return float(stats.chi2.sf(np.sum(deviations**2), len(deviations) - 1))


def _worst(
    cells: list[Hashable],
    groups: list[list[int]],
    deviations: Floats,
    observed: Floats,
    expected: Floats,
) -> str:
    """Return one line for each of the merged cells that deviate most."""
    lines: list[str] = []
    for i in np.argsort(-np.abs(deviations))[:NUM_WORST]:
        names = ", ".join(repr(cells[cell]) for cell in groups[i][:NUM_WORST])
        more = f" and {len(groups[i]) - NUM_WORST} more" if len(groups[i]) > NUM_WORST else ""
        lines.append(
            f"  {names}{more}: observed {observed[i]:.0f}, expected {expected[i]:.1f}, "
            f"deviation {deviations[i]:+.1f}"
        )
    return "\n".join(lines)
