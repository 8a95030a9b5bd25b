"""TrendSeason: calendars against pandas, series against the formula and the reference, laws."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from s2jax.inputs import TrendSeason, TrendSeasonLaw
from s2jax.inputs import _calendar as calendar
from tests.drawn import (
    check_batch_does_not_matter,
    check_batched_is_one_by_one,
    check_fields_are_traced,
    draw,
    sample_rows,
)
from tests.statistics import assert_counts_match, assert_ks

NAMES = ("min", "h", "D", "W", "MS")
PERIODS = (60, 24, 7, 30.5, 12)
HARMONICS = (10, 10, 4, 10, 6)
LENGTH = 40
# as the reference draws: compiled once, as are the other families that several tests draw
OWN = TrendSeason(noise=0, shared_calendar=False, whole_days=True)


def at(day: Any) -> Any:
    return pd.Timestamp("1970-01-01") + pd.Timedelta(days=int(day))


def values_of(dates: pd.DatetimeIndex) -> tuple[Any, ...]:
    """By kind, in the order of the law."""
    return dates.minute, dates.hour, dates.day_of_week, dates.day, dates.month


@pytest.fixture(scope="module")
def drawn() -> Any:
    """5000 series of one part each, in float64; long enough to see months and years."""
    family = TrendSeason(transition=False, frequencies=(1, 2, 3, 4, 5))
    return draw(jax.random.key(11), family, 5000, LENGTH)


class TestCalendar:
    def test_days_are_those_of_pandas(self) -> None:
        days = np.random.default_rng(0).integers(-100_000, 100_000, 3000).astype(np.int32)
        leap = [
            pd.Timestamp(f"{year}-{d}") for year in (1900, 2000, 2024) for d in ("02-28", "12-31")
        ]
        days = np.append(days, [(d - at(0)).days + i for d in leap for i in (0, 1)]).astype(
            np.int32
        )
        dates = pd.DatetimeIndex([at(day) for day in days])
        year, month, day = jax.jit(calendar.month_and_day)(jnp.asarray(days))
        np.testing.assert_array_equal(year, dates.year)
        np.testing.assert_array_equal(month, dates.month)
        np.testing.assert_array_equal(day, dates.day)
        np.testing.assert_array_equal(calendar.weekday(jnp.asarray(days)), dates.day_of_week)
        months = np.asarray(12 * dates.year + dates.month - 1, np.int32)
        firsts = (dates.to_period("M").to_timestamp() - at(0)).days
        np.testing.assert_array_equal(calendar.first_of_month(jnp.asarray(months)), firsts)

    @pytest.mark.parametrize("frequency", range(5))
    def test_steps_are_those_of_pandas(self, frequency: int) -> None:
        days = np.random.default_rng(frequency).integers(-40_000, 20_000, 6).astype(np.int32)
        kind = np.full(6, frequency, np.int32)
        start = calendar.roll_back(jnp.asarray(days), jnp.asarray(kind))
        steps = jax.jit(calendar.steps_of, static_argnums=2)(start, jnp.asarray(kind), 1600)
        for index, day in enumerate(days):
            offset = pd.tseries.frequencies.to_offset(NAMES[frequency])
            dates = pd.date_range(offset.rollback(at(day)), periods=1600, freq=offset)
            assert at(start[index]) == dates[0]
            for slot, season in enumerate(calendar.SEASONS[frequency]):
                wanted = values_of(dates)[season]
                np.testing.assert_array_equal(steps.values[slot][:, index], wanted)
            elapsed = (dates - dates[0]) / pd.Timedelta(days=1)
            np.testing.assert_allclose(steps.elapsed[:, index], elapsed, rtol=1e-6)

    def test_far_days(self) -> None:
        """After 16 million weeks: the calendar repeats after 400 years, and has no leap seconds."""
        far = 100 + 146_097 * 800
        year, month, day = calendar.month_and_day(jnp.int32(far))
        assert (int(year), int(month), int(day)) == (1970 + 400 * 800, 4, 11)


def clean_series(
    law: Any, row: int, part: int, length: int, whole_days: bool = False
) -> np.ndarray:
    """The formula of the docstring, in float64 and by pandas."""
    one = jax.tree.map(lambda leaf: leaf[row], law)
    frequency = int(one.frequency[min(part, len(one.frequency) - 1)])
    day = one.start_day[min(part, len(one.start_day) - 1)]
    dates = pd.date_range(at(day), periods=length, freq=NAMES[frequency])
    elapsed = np.asarray((dates - dates[0]) / pd.Timedelta(days=1))
    d = np.floor(elapsed) if whole_days else elapsed
    out = 1 + one.slope[part] * (d - one.slope_shift[part] * d[-1])
    out = out * np.exp(one.growth[part] * (d - one.growth_shift[part] * d[-1]))
    for slot, season in enumerate(calendar.SEASONS[frequency]):
        h = np.arange(1, 11)[:, None]
        angle = 2 * np.pi * h * np.asarray(values_of(dates)[season]) / PERIODS[season]
        wave = one.sines[part, slot] @ np.sin(angle) + one.cosines[part, slot] @ np.cos(angle)
        out = out * (1 + one.strengths[part, slot] * wave)
    return out


@pytest.mark.parametrize("own", [False, True])
def test_series_without_noise_are_the_formula(key: jax.Array, own: bool) -> None:
    """A blend of two by shares that are 0.1 at a fifth and 0.9 at four fifths."""
    drawn = draw(key, OWN if own else TrendSeason(noise=0), 300 if own else 16, LENGTH)
    assert drawn.law.frequency.shape[1:] == ((2,) if own else (1,))
    share = 1 / (1 + 9 ** (-(np.arange(1, LENGTH + 1) - LENGTH / 2) / (0.3 * LENGTH)))
    assert share[[7, 31]] == pytest.approx([0.1, 0.9])
    for row in range(16):
        first, second = (clean_series(drawn.law, row, part, LENGTH, own) for part in (0, 1))
        wanted = (1 - share) * first + share * second
        np.testing.assert_allclose(drawn.series[row], wanted, atol=3e-5 * np.abs(wanted).max())


def test_the_clean_series_is_in_the_law(key: jax.Array) -> None:
    """In any shape, as of rows and channels; x is it times noise of mean 1."""
    batch = sample_rows(key, TrendSeason())
    law = batch.x_source.law_of(TrendSeasonLaw)
    assert (batch.status == 0).all()
    clean = law.clean(64)
    assert clean.shape == batch.x.shape
    raw = (np.asarray(batch.x) - batch.x_shift[..., None]) / batch.x_scale[..., None]
    z = (raw / clean - 1) / law.noise_scale[..., None]
    # -1 is about the smallest that Weibull's law leaves: w > 0
    mean = special.gamma(1 + 1 / law.noise_shape) / np.log(2) ** (1 / law.noise_shape)
    usual = np.abs(clean) > 0.1 * np.abs(raw).max(-1, keepdims=True)
    assert (z > -mean[..., None] - 1e-2 / law.noise_scale[..., None])[usual].all()


def test_noise_is_weibulls_about_its_mean(drawn: Any) -> None:
    law = drawn.law
    clean = np.stack([clean_series(law, row, 0, LENGTH) for row in range(500)])
    size = law.noise_scale[:500, None]
    use = (size > 0.02) & (np.abs(clean) > 1e-2)
    shape = law.noise_shape[:500, None]
    scale = np.log(2) ** (-1 / shape)
    w = (drawn.series[:500] / clean - 1) / size + scale * special.gamma(1 + 1 / shape)
    p = stats.weibull_min.cdf(w, shape, scale=scale)
    assert_ks(p[use], stats.uniform.cdf, what="noise")
    about_median = (drawn.series[:500] / clean - 1) / size + 1  # as the reference has it
    p = stats.weibull_min.cdf(about_median, shape, scale=scale)
    with pytest.raises(AssertionError, match="do not follow"):
        assert_ks(p[use], stats.uniform.cdf)


class TestLaw:
    def test_frequencies(self, drawn: Any) -> None:
        assert_counts_match(
            np.bincount(drawn.law.frequency[:, 0], minlength=5), np.arange(1, 6) / 15
        )
        np.testing.assert_array_equal(
            drawn.law.season, np.array(calendar.SEASONS)[drawn.law.frequency]
        )

    def test_trends(self, drawn: Any) -> None:
        law, per_step = drawn.law, np.array(calendar.DAYS_PER_STEP)[drawn.law.frequency]
        normal = stats.norm.cdf
        assert_ks(law.slope / 0.01, normal, what="slope")
        assert_ks(law.growth * per_step / 0.001, normal, what="growth")
        assert_ks((law.slope_shift + 0.1) / 0.5, normal, what="shift of the line")
        shift = (law.growth_shift + 0.1) / 0.5 * np.maximum(per_step, 1)
        assert_ks(shift, normal, what="shift of the exponential")

    def test_starts(self, drawn: Any) -> None:
        """Weeks and months move a start back by up to 31 days of 51 135."""
        first, last = (calendar.as_day(day) for day in ("1885-01-01", "2025-01-01"))
        part = (last - drawn.law.start_day) / (last - first)
        assert part.min() > 0
        assert part.max() < 1 + 31 / 51_135
        days = drawn.law.frequency == 2
        assert_ks(part[days], stats.beta(5, 1).cdf, what="starts")

    @pytest.mark.parametrize("frequency", range(5))
    def test_strengths(self, drawn: Any, frequency: int) -> None:
        highest = ((1, 0.2), (0.2, 1), (1, 0.2), (0.3, 0.3), (0.1, 0.5))[frequency]
        strengths = drawn.law.strengths[drawn.law.frequency[:, 0] == frequency, 0]
        for slot in (0, 1):
            assert_ks(strengths[:, slot], stats.uniform(0, highest[slot]).cdf, what=f"{slot}")

    def test_harmonics(self, drawn: Any) -> None:
        """Ratios of normals are Cauchy, whatever they are divided by."""
        law = drawn.law
        power = (law.sines**2 + law.cosines**2).sum(-1)
        np.testing.assert_allclose(power, 1, rtol=1e-5)
        used = np.array(HARMONICS)[law.season][..., None] >= np.arange(1, 11)
        np.testing.assert_array_equal(law.sines != 0, used[:, 0][:, None])
        for h in (2, 4):
            ratio = law.cosines[..., h - 1] / law.sines[..., 0]
            assert_ks(ratio, stats.cauchy(0, 1 / h).cdf, what=f"harmonic {h}")

    def test_noise(self, drawn: Any) -> None:
        edges = np.array([0, 0.1, 0.2, 0.4, 0.6, 0.8])
        counts = np.histogram(drawn.law.noise_scale, edges)[0]
        assert_counts_match(counts, [0.6, 0, 0.3, 0, 0.1], what="tiers")
        low = drawn.law.noise_scale[drawn.law.noise_scale < 0.1]
        assert_ks(low, stats.uniform(0, 0.1).cdf, what="scales of little noise")
        assert_ks(drawn.law.noise_shape, stats.uniform(1, 4).cdf, what="shapes")


def test_batched_is_one_by_one(key: jax.Array) -> None:
    check_batched_is_one_by_one(key, TrendSeason(), LENGTH, 1e-5)


def test_the_batch_does_not_matter(key: jax.Array) -> None:
    check_batch_does_not_matter(key, TrendSeason(), LENGTH)
    other = TrendSeason((1, 0, 0, 0, 0), 0.1, 0.1, 0.0, "1990-01-01", "1991-01-01")
    check_fields_are_traced(TrendSeason(), other)


class Given:
    """Hands out numbers where the reference draws its harmonics and its noise."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = iter(numbers)

    def normal(self, scale: float) -> float:
        return next(self.numbers)

    def weibull(self, k: float, length: int) -> np.ndarray:
        return np.zeros(length)


@pytest.mark.filterwarnings("ignore")
def test_the_formula_is_that_of_the_reference(peer: Any, drawn: Any) -> None:
    """Its own code on our parameters, before it blends; that ours are the formula is seen above."""
    pfn = peer("s2generator.excitation.forecast_pfn")
    fields = ("minute", "h", "w", "m", "a")
    for row in range(30):
        law = jax.tree.map(lambda leaf, row=row: leaf[row], drawn.law)
        season = law.season[0]
        numbers = []
        for kind in (0, 1, 4, 3, 2):  # the order in which it draws them
            for slot in np.flatnonzero(season == kind):
                waves = np.stack([law.sines[0, slot], law.cosines[0, slot]], -1)
                numbers += waves[: HARMONICS[kind]].ravel().tolist()
        scales = {fields[kind]: law.strengths[0, slot] for slot, kind in enumerate(season)}
        config = pfn.SeriesConfig(
            pfn.ComponentScale(1.0, law.slope[0], np.exp(law.growth[0]), **scales),
            pfn.ComponentScale(0.0, law.slope_shift[0], law.growth_shift[0]),
            pfn.ComponentNoise(1.0, 1.0, 0.0),
        )
        offset = pd.tseries.frequencies.to_offset(NAMES[law.frequency[0]])
        start = at(law.start_day[0])
        there = pfn.make_series(Given(numbers), config, offset, 40, start, {}, False)
        formula = clean_series(drawn.law, row, 0, LENGTH, whole_days=True)
        np.testing.assert_allclose(formula, there["values"], rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_descriptors_are_those_of_the_reference(peer: Any, key: jax.Array, seed: int) -> None:
    """Of its own draws, without the noise that it forgets; two-sample KS sees gaps of 0.3."""
    pfn = peer("s2generator.excitation.forecast_pfn").ForecastPFN(end_time="2025-01-01")
    np.random.seed(seed)  # noqa: NPY002 - it draws starts from NumPy's global numbers
    rng = np.random.RandomState(seed)
    theirs = np.stack([pfn.generate(rng, LENGTH)[:, 0] for _ in range(80)])
    ours = draw(key, OWN, 300, LENGTH).series
    for describe in (_roughness, _lean, _swing):
        p = stats.ks_2samp(describe(ours), describe(theirs)).pvalue
        assert p > 2e-5, (describe, p)
    fast = draw(key, eqx.tree_at(lambda one: one.growth, OWN, 0.3), 300, LENGTH).series
    assert stats.ks_2samp(_swing(fast), _swing(theirs)).pvalue < 2e-5


def _roughness(series: np.ndarray) -> np.ndarray:
    x = series - series.mean(-1, keepdims=True)
    return (np.diff(x) ** 2).sum(-1) / (x**2).sum(-1)


def _lean(series: np.ndarray) -> np.ndarray:
    """Share of the variance that a line explains."""
    x = series - series.mean(-1, keepdims=True)
    line = np.linspace(-1, 1, series.shape[-1])
    return (x @ line) ** 2 / (x**2).sum(-1) / (line @ line)


def _swing(series: np.ndarray) -> np.ndarray:
    return series.std(-1) / np.abs(series).mean(-1)


def test_the_steepest_trends_do_not_overflow(key: jax.Array) -> None:
    """Growth of exp(+-20) over the series at most, and as it was drawn below."""
    numbers = lambda one: (one.growth, one.slope)
    steep = draw(key, eqx.tree_at(numbers, OWN, (1.0, 1000.0)), 300, LENGTH)
    assert np.all(np.isfinite(np.float32(steep.series) ** 2))
    law = steep.law
    per_step = np.array(calendar.DAYS_PER_STEP)[law.frequency]
    reach = np.maximum(np.abs(law.growth_shift), np.abs(1 - law.growth_shift)) * LENGTH
    exponents = np.abs(law.growth) * per_step * reach
    assert np.max(exponents) == pytest.approx(20, rel=1e-4)
    gentle = draw(key, eqx.tree_at(numbers, OWN, (0.1, 1000.0)), 300, LENGTH).law
    is_free = exponents < 19.9
    assert 0.1 < np.mean(is_free) < 0.9
    np.testing.assert_allclose(law.growth[is_free], 10 * gentle.growth[is_free], rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"frequencies": (1.0,)},
            r"must be 5 weights, of minutes, hours, days, weeks, months\. Give",
        ),
        ({"frequencies": (0, 0, 0, 0, 0)}, r"\(frequencies=.*at least one weight must be > 0"),
        ({"first_day": "1885-13-01"}, r"must be a day, as '1885-01-01', or a number of days"),
        ({"last_day": "1885-12-31", "first_day": "1886-01-01"}, r"last_day must not be before"),
        ({"noise": -1.0}, r"noise=-1\.0\): must be a number >= 0 and <= 1000"),
        ({"growth": 2.0}, r"growth=2\.0\): must be a number >= 0 and <= 1"),
    ],
)
def test_messages(unchecked: None, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrendSeason(**fields)
