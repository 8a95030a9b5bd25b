"""The reference's parameters and files, as s2jax understands them."""

import inspect
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax import presets
from s2jax.config.compat_s2generator import PARAMETERS, RUN, SERIES, SYMBOL, WEIGHTS, WORDS
from s2jax.config.compat_s2generator._config import _ratios
from s2jax.core.random import fold_in, words_of
from s2jax.corpus import read_reference, write_reference
from s2jax.inputs import (
    ARMA,
    IMF,
    Choice,
    ConstantKernel,
    Given,
    KernelSynth,
    LinearKernel,
    Mixture,
    PeriodicKernel,
    RationalQuadraticKernel,
    RBFKernel,
    TrendSeason,
    WhiteKernel,
)  # fmt: skip
from s2jax.inputs.kernels import PUBLISHED
from s2jax.programs.operators import default_weights
from s2jax.targets.acceptance import Acceptance
from s2jax.text import to_prefix
from tests.statistics import assert_same_law

NUM_EXPRESSIONS = 3000
DOCS = Path(__file__).parent.parent / "docs/coming-from-s2generator.md"


@pytest.fixture
def theirs(peer: Callable[[str], Any]) -> Iterator[Any]:
    """The module `s2generator.symbol`; its own warnings are its own affair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield peer("s2generator.symbol")


def same(a: Any, b: Any) -> bool:
    """Whether two configs are equal to the last leaf."""
    return jax.tree.structure(a) == jax.tree.structure(b) and jax.tree.leaves(a) == jax.tree.leaves(
        b
    )


class TestNames:
    def test_every_name_and_default_is_in_the_table(self, theirs: Any) -> None:
        def parameters(call: Callable[..., Any]) -> dict[str, Any]:
            items = inspect.signature(call).parameters.items()
            return {name: p.default for name, p in items if name != "self"}

        for own, call in ((SYMBOL, theirs.SymbolParams), (SERIES, theirs.SeriesParams)):
            assert {name: p.default for name, p in own.items()} == parameters(call)
        run = parameters(theirs.SeriesSymbolGenerator.run)
        assert set(run) == set(RUN)
        same_default = ("input_normalize", "output_normalize", "input_max_scale", "offset")
        assert all(run[name] == RUN[name].default for name in same_default)

    def test_every_operator_of_the_reference_is_known(self, theirs: Any) -> None:
        generator = theirs.SeriesSymbolGenerator()
        assert set(generator.unaries) == {*WORDS[1], "diff"}
        assert set(generator.binaries) == set(WORDS[2])
        assert theirs.SymbolParams().operators_to_downsample == WEIGHTS

    def test_default_weights_are_those_of_our_table(self) -> None:
        ratios = _ratios(None)
        for arity, words in WORDS.items():
            weights = {word: ratios.get(word, 1.0) for word in words}
            assert {n: w for n, w in default_weights(arity).items() if n in words} == weights

    @pytest.mark.parametrize("name", PARAMETERS)
    def test_the_default_changes_nothing(self, name: str) -> None:
        given = {name: PARAMETERS[name].default}
        assert same(presets.reference(**given), presets.reference())

    def test_all_defaults_at_once(self) -> None:
        given = {name: parameter.default for name, parameter in PARAMETERS.items()}
        assert same(presets.reference(**given), presets.reference())

    @pytest.mark.parametrize("name", [n for n, p in PARAMETERS.items() if p.instead])
    def test_what_is_not_there_is_refused_by_name(self, name: str) -> None:
        with pytest.raises(ValueError, match=rf"reference\({name}=.*must be .* because .*\.$"):
            presets.reference(**{name: 0.123})

    @pytest.mark.parametrize("name", PARAMETERS)
    def test_the_page_names_every_parameter(self, name: str) -> None:
        assert f"`{name}`" in DOCS.read_text()

    def test_the_defaults(self) -> None:
        expected = s2jax.Config(
            inputs=Choice(
                [
                    Mixture(3, max_components=7),
                    ARMA(max_ar_order=2, max_ma_order=4),
                    TrendSeason(),
                    KernelSynth((*PUBLISHED, WhiteKernel(2.0))),
                    IMF(1, 3, 2, noise_level=0.01),
                ],
                [0.1, 0.2, 0.35, 0.25, 0.1],
            ),
            acceptance=Acceptance(bound=1000.0),
        )
        assert same(presets.reference(), expected)

    def test_the_bank_of_kernels_is_that_of_the_reference(self, theirs: Any) -> None:
        series = theirs.SeriesSymbolGenerator().excitation.create_kernel_synth()
        series.set_length(256)
        numbers = {
            "ExpSineSquared": lambda one: PeriodicKernel(one.periodicity * 256),
            "DotProduct": lambda one: LinearKernel(one.sigma_0),
            "RBF": lambda one: RBFKernel(one.length_scale),
            "RationalQuadratic": lambda one: RationalQuadraticKernel(one.alpha),
            "WhiteKernel": lambda one: WhiteKernel(one.noise_level),
            "ConstantKernel": lambda one: ConstantKernel(one.constant_value),
        }
        bank = [numbers[type(one).__name__](one).text() for one in series.kernel_bank]
        own = presets.reference().inputs.families[3].bank
        assert sorted(bank) == sorted(kernel.text() for kernel in own)

    def test_fields_of_ours_are_kept(self) -> None:
        config = presets.reference(64, 3, 2, min_inputs=1, x_scaling=None, acceptance=Acceptance())
        assert (config.length, config.num_inputs, config.num_outputs) == (64, 3, 2)
        assert config.x_scaling is None
        assert config.acceptance.bound == 1e4


class TestMapping:
    def test_ranges_whose_upper_end_is_never_drawn(self) -> None:
        settings = dict(min_centroids=2, max_centroids=5, p_min=2, p_max=4, q_min=3, q_max=9)
        mixture, arma, *_ = presets.reference(**settings).inputs.families
        assert (mixture.min_components, mixture.max_components) == (2, 4)
        assert (arma.min_ar_order, arma.max_ar_order) == (2, 3)
        assert (arma.min_ma_order, arma.max_ma_order) == (3, 8)

    def test_orders_and_components_are_those_the_reference_draws(self, theirs: Any) -> None:
        settings = dict(min_centroids=2, max_centroids=5, p_min=1, p_max=4, q_min=2, q_max=5)
        excitation = theirs.SeriesSymbolGenerator(theirs.SeriesParams(**settings)).excitation
        mixture, arma = excitation.sampling_object[:2]
        orders, components, rng = set(), set(), np.random.RandomState(0)
        for _ in range(300):
            arma.create_params(rng)
            orders.add((arma.p_order, arma.q_order))
            mixture.generate_once(rng, 8)
            components.add(len(mixture.means))
        config = presets.reference(**settings)
        own_mixture, own_arma, *_ = config.inputs.families
        bits = jax.random.bits(jax.random.key(0), (64, 2000))
        drawn = own_arma.from_bits(bits)
        assert set(zip(drawn.ar_order.tolist(), drawn.ma_order.tolist(), strict=True)) == orders
        count = own_mixture.from_bits(bits).num_components
        assert set(count.tolist()) == components

    def test_scalars(self) -> None:
        config = presets.reference(
            seq_length=100, input_dimension=2, output_dimension=3, max_trials=7, max_exponent=2,
            input_max_scale=4.0, output_max_scale=2, use_abs=False, reduce_num_constants=False,
            max_int=5, prob_const=0.5, max_unary_depth=4, max_unary_ops=2, min_unary_ops=1,
            gaussian=False, mixed_distribution=0.7, autoregressive_moving_average=0.0,
        )  # fmt: skip
        law = config.target.law
        assert (config.length, config.num_inputs, config.num_outputs) == (100, 2, 3)
        assert (config.acceptance.max_tries, config.acceptance.bound) == (7, 100.0)
        assert (config.x_scaling.high, config.y_scaling.high) == (4.0, 2.0)
        assert (config.target.protected, law.affine) == (False, "full")
        assert (law.max_integer, law.constant_probability) == (5, 0.5)
        assert (law.min_unary, law.max_unary, law.unary_subtree_limit) == (1, 2, 4)
        assert config.inputs.weights == (0.7, 0.0, 0.35, 0.25, 0.1)
        assert config.inputs.families[0].uniform_probability == 1.0

    def test_trends_kernels_and_modes(self) -> None:
        config = presets.reference(
            is_sub_day=False, transition=False, start_time="1990-01-01", end_time="2000-02-29",
            min_kernels=2, max_kernels=3, exp_sine_squared=False, rbf=False, white_kernel=False,
            min_base_imfs=0, max_base_imfs=1, min_choice_imfs=1, max_choice_imfs=2,
            imfs_dict={"generate_sin_signal": 1, "generate_am_signal": 3}, min_duration=1,
            max_duration=2, min_amplitude=3, max_amplitude=4, min_frequency=5, max_frequency=6,
            noise_level=0.5,
        )  # fmt: skip
        trends, kernels, modes = config.inputs.families[2:]
        assert trends.frequencies == (0.0, 0.0, 1.0, 1.0, 1.0)
        assert (trends.first_day, trends.last_day, trends.transition) == (7305, 11016, False)
        assert (kernels.min_kernels, kernels.max_kernels, len(kernels.bank)) == (2, 3, 3 + 3 + 1)
        assert modes == IMF(
            0, 1, 1, 2, 0, 3, (1.0, 3.0, 0.0), 3, 4, 5, 6, 1, 2, noise_level=0.5
        )  # fmt: skip
        listed = presets.reference(imfs_list=[0.1, 0.2, 0.3]).inputs.families[4]
        assert listed.weights == pytest.approx((0.3, 0.3, 0.0))

    def test_families_of_weight_zero_are_left_out(self) -> None:
        papers = dict(forecast_pfn=0, kernel_synth=0.0, intrinsic_mode_function=0)
        inputs = presets.reference(**papers).inputs
        assert [type(family) for family in inputs.families] == [Mixture, ARMA]
        others = dict(mixed_distribution=0, autoregressive_moving_average=0, kernel_synth=0)
        inputs = presets.reference(**others).inputs
        assert [type(family) for family in inputs.families] == [TrendSeason, IMF]
        assert inputs.weights == (0.35, 0.1)

    @pytest.mark.parametrize("digits", [1, 2, 3, 4])
    @pytest.mark.parametrize("prefactor", [0, 1, 2])
    def test_constants(self, digits: int, prefactor: int, theirs: Any) -> None:
        settings = dict(float_precision=digits, max_exponent_prefactor=prefactor)
        constants = presets.reference(**settings).target.law.constants
        ranges = []

        class Recorder:
            """Takes the least of everything and remembers the ranges."""

            def choice(self, values: Any) -> Any:
                ranges.append((min(values), max(values)))
                return min(values)

            def randint(self, low: int, high: int) -> int:
                ranges.append((low, high - 1))
                return low

        generator = theirs.SeriesSymbolGenerator(symbol_params=theirs.SymbolParams(**settings))
        generator.generate_float(Recorder())
        exponents = (constants.min_exponent, constants.max_exponent)
        assert ranges == [(-1, 1), (1, 10**constants.digits - 1), exponents]

    def test_weights(self) -> None:
        law = presets.reference(
            operators_to_downsample="sin_2,div_0.5,diff_0,pow_0.1",
            extra_unary_operators="sin,tanh",
            extra_binary_operators="pow",
        ).target.law
        assert {n for n, w in law.unary_weights.items() if w == 1.0} == {
            *WORDS[1], "tanh",
        } - {"sin"}  # fmt: skip
        assert (law.unary_weights["sin"], law.unary_weights["neg"]) == (4.0, 0.0)
        assert law.binary_weights == dict(add=1.0, sub=1.0, mul=1.0, div=0.5, pow=0.1)

    @pytest.mark.parametrize(
        "settings, message",
        [
            (dict(max_trails=3), "Did you mean 'max_trials'"),
            (dict(lenght=3), r"unknown name 'lenght'\. Did you mean 'length'"),
            (dict(prob_rand=0.1), "`rand` always evaluates to 0"),
            (dict(forecast_pfn=-1.0), r"forecast_pfn=-1\.0\): must be a number >= 0"),
            (dict(min_kernels=3, max_kernels=2), "max_kernels must be >= min_kernels"),
            (dict(min_frequency=9.0), "max_frequency must be >= min_frequency"),
            (dict(random_walk=True), "must be False, because its walk"),
            (dict(start_time="1885"), "must be a day, as '1885-01-01'"),
            (dict(imfs_dict={"generate_sin": 1.0}), "Did you mean 'generate_sin_signal'"),
            (dict(imfs_list=[1, 1, 1, 1, 1]), "must be of at most four, because"),
            (
                dict.fromkeys(
                    (
                        "exp_sine_squared",
                        "dot_product",
                        "rbf",
                        "rational_quadratic",
                        "white_kernel",
                        "constant_kernel",
                    ),
                    False,
                ),
                "no other kernels",
            ),
            (dict(required_operators="sin"), "to_prefix"),
            (dict(solve_diff=1), "must be 0"),
            (dict(operators_to_downsample="diff_1"), "`diff` must be 0"),
            (dict(operators_to_downsample="sen_1"), "Did you mean 'sin'"),
            (dict(operators_to_downsample="sin"), "an operator and its weight"),
            (dict(operators_to_downsample="sin_-1"), "must be a number >= 0"),
            (dict(extra_unary_operators="diff"), "unknown name 'diff'"),
            (dict(max_trials=3, acceptance=Acceptance()), "only one of them must be given"),
            (dict(p_max=4, inputs=ARMA()), "only one of them must be given"),
            (dict(seq_length=3, length=4), "must agree"),
            (dict(input_dimension=3, max_input_dimension=2), "max_input_dimension=2"),
            (dict(min_output_dimension=2), "num_outputs=1"),
            (dict(p_min=3), "p_max must be > p_min"),
            (dict(max_centroids=3), "max_centroids must be > min_centroids"),
            (dict(min_unary_ops=6), "max_unary_ops must be >= min_unary_ops"),
            (dict(decimals=2), r"must be >= 3, because constants are multiples of 1e-3"),
            (dict(input_normalize=None), "x_scaling=None"),
            (dict(gaussian=False, uniform=False), "at least one must be True"),
            (
                dict(
                    mixed_distribution=0.0,
                    autoregressive_moving_average=0,
                    forecast_pfn=0,
                    kernel_synth=0,
                    intrinsic_mode_function=0,
                ),
                "at least one",
            ),
        ],
    )
    def test_refused(self, settings: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            presets.reference(**settings)

    @pytest.mark.parametrize(
        "settings",
        [dict(use_abs=1), dict(operators_to_downsample=3), dict(imfs_list=3), dict(rbf=1)],
    )
    def test_wrong_kinds(self, settings: dict[str, Any]) -> None:
        with pytest.raises(TypeError, match=r"reference\("):
            presets.reference(**settings)

    def test_other_inputs_are_a_way_out(self) -> None:
        given = Given(np.sin(np.arange(300.0)))
        assert presets.reference(inputs=given, max_exponent=2).inputs is given


UNARY, BINARY = {*WORDS[1], "tanh"}, {*WORDS[2], "pow"}
SETTINGS: dict[str, dict[str, Any]] = {
    "binary": dict(min_binary_ops_per_dim=1, max_binary_ops_per_dim=2, max_binary_ops_offset=2),
    "unary": dict(min_unary_ops=2, max_unary_ops=3, max_unary_depth=4),
    "leaves": dict(prob_const=0.6, max_int=3, min_binary_ops_per_dim=1),
    "constants": dict(float_precision=2, max_exponent_prefactor=2, max_unary_ops=2),
    "full": dict(reduce_num_constants=False, max_unary_ops=3),
    "weights": dict(
        operators_to_downsample="diff_0,sub_0.2,div_0.5,pow_0.7,sin_4,abs_0,tan_0,inv_2",
        extra_binary_operators="pow",
        extra_unary_operators="sin",
    ),
}


def tables(expressions: list[list[str]]) -> dict[str, Counter[str]]:
    """Count what differs between laws; one count per expression, except for names of unaries."""
    out: dict[str, Counter[str]] = defaultdict(Counter)
    for words in expressions:
        unaries = [word for word in words if word in UNARY]
        binaries = [word for word in words if word in BINARY]
        leaves = [word for word in words if word not in UNARY | BINARY]
        drawn = [word for word in leaves if word.lstrip("-").isdigit() or word[0].isalpha()]
        constants = [word for word in drawn if not word.startswith("x_")]
        out["operators"][f"{len(unaries)},{len(binaries)}"] += 1
        out["leaves"][f"{drawn[0]},{len(constants) > 0}"] += 1
        out["constants"][str(len(constants))] += 1
        out["unaries"].update(unaries)
        out["binaries"][",".join(str(word in binaries) for word in ("sub", "div", "pow"))] += 1
    return out


def their_expressions(theirs: Any, settings: dict[str, Any], inputs: int) -> list[list[str]]:
    """Draw expressions of the reference without `rand`, `diff` and the accidental '' constant."""
    weights = f"{WEIGHTS},diff_0"
    params = dict(prob_rand=0.0, extra_constants=None, operators_to_downsample=weights)
    generator = theirs.SeriesSymbolGenerator(
        symbol_params=theirs.SymbolParams(**(params | settings))
    )
    rng = np.random.RandomState(1)
    draw = lambda: generator.generate_symbolic_expression(rng, inputs, 1)[0].prefix().split(",")
    return [draw() for _ in range(NUM_EXPRESSIONS)]


def our_expressions(
    key: jax.Array, settings: dict[str, Any], inputs: int, size: int = 3 * NUM_EXPRESSIONS
) -> list[list[str]]:
    law = presets.reference(**settings).target.law
    words = fold_in(words_of(key), jnp.arange(size))
    used = jnp.full(size, inputs, jnp.int32)
    draw = jax.jit(lambda words, law: law.draw(words, used, inputs, True))
    return to_prefix(draw(words, law))


@pytest.mark.long
class TestLawOfExpressions:
    @pytest.mark.parametrize("name", SETTINGS)
    def test_is_that_of_the_reference(self, name: str, key: jax.Array, theirs: Any) -> None:
        settings, inputs = SETTINGS[name], 2
        ours = our_expressions(key, settings, inputs)
        expected = their_expressions(theirs, settings, inputs)
        if name == "constants":
            # whole numbers print without a point here, and a factor of 1 does not print
            self.check_constants(ours, expected)
            return
        own = tables(ours)
        for table, counts in tables(expected).items():
            assert_same_law(own[table], counts, what=f"{name}: {table}")

    def check_constants(self, ours: list[list[str]], theirs: list[list[str]]) -> None:
        """The first constant is the shift of the whole."""
        decade = lambda words: str(round(np.floor(np.log10(abs(float(words[1]))) + 1e-9)))
        assert_same_law(Counter(map(decade, ours)), Counter(map(decade, theirs)), what="decades")
        first_digit = lambda words: words[1].lstrip("-0.")[0]
        assert_same_law(Counter(map(first_digit, ours)), Counter(map(first_digit, theirs)))

    def test_one_operator_more_bites(self, key: jax.Array, theirs: Any) -> None:
        settings = SETTINGS["unary"]
        wrong = settings | {"max_unary_ops": 4}
        expected = tables(their_expressions(theirs, settings, 2))["operators"]
        with pytest.raises(AssertionError, match="do not share a law"):
            assert_same_law(tables(our_expressions(key, wrong, 2))["operators"], expected)


def sixteen(seed: int, **settings: Any) -> s2jax.Batch:
    """Candidates, usable or not; compiled once for all settings that are leaves."""
    papers = dict(forecast_pfn=0, kernel_synth=0, intrinsic_mode_function=0)  # compile quickly
    config = presets.reference(
        64, num_inputs=3, num_outputs=2, min_inputs=1, min_outputs=1, **papers, **settings
    )
    return s2jax.candidates(jax.random.key(seed), config, jnp.arange(16))


@pytest.fixture(scope="module")
def batch() -> s2jax.Batch:
    candidates = sixteen(3)
    usable = np.flatnonzero(np.asarray(candidates.status) == 0)[:12]
    assert usable.size == 12
    return jax.tree.map(lambda leaf: leaf[usable], candidates)


class TestFiles:
    def test_round_trip(self, batch: s2jax.Batch, tmp_path: Path) -> None:
        files = write_reference(batch, tmp_path / "new")
        assert [file.name for file in files] == [f"pair-{i:05d}.npz" for i in range(12)]
        assert sorted(files) == sorted((tmp_path / "new").iterdir())
        pairs = read_reference(tmp_path / "new")
        num_inputs, num_outputs = pairs.x.shape[1], pairs.y.shape[1]
        assert np.array_equal(pairs.x, batch.x[:, :num_inputs])
        assert np.array_equal(pairs.y, batch.y[:, :num_outputs])
        assert np.array_equal(pairs.x_mask, batch.x_mask[:, :num_inputs])
        assert np.array_equal(pairs.y_mask, batch.y_mask[:, :num_outputs])
        assert list(pairs.text) == s2jax.to_text(batch.program) == s2jax.to_text(pairs.program)
        assert pairs.program.shape == (12, num_outputs)
        assert pairs.files == tuple(map(str, files))
        value = s2jax.evaluate(pairs.program, pairs.x)
        expected = np.asarray(s2jax.evaluate(batch.program, batch.x))[:, :num_outputs]
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-4)

    def test_ours_are_read_by_the_reference(
        self, batch: s2jax.Batch, tmp_path: Path, theirs: Any
    ) -> None:
        from s2generator.utils import load_s2data

        x, y = np.asarray(batch.x), np.asarray(batch.y)
        close = []
        for row, file in enumerate(write_reference(batch, tmp_path)):
            loaded: Any = load_s2data(str(file))
            symbol, excitation, response = loaded
            assert np.array_equal(excitation.T, x[row][batch.x_mask[row]])
            assert np.array_equal(response.T, y[row][batch.y_mask[row]])
            trees = theirs.parse_symbol(str(symbol))
            assert trees.infix() == s2jax.to_text(batch.program)[row]
            scale, shift = (
                np.asarray(a)[row][batch.y_mask[row]] for a in (batch.y_scale, batch.y_shift)
            )
            value = trees.val(excitation) * scale + shift
            close.append(np.isclose(value, response, rtol=1e-3, atol=1e-3).mean())
        # what float32 makes of the sine of a large number is not what float64 does
        assert np.median(close) == 1
        assert np.mean(close) > 0.95

    def test_the_reference_s_are_read_by_ours(self, tmp_path: Path, theirs: Any) -> None:
        drawn = self.draw(theirs, tmp_path, prob_rand=0.0)
        pairs = read_reference(tmp_path)
        assert list(pairs.text) == [str(trees) for trees, _, _ in drawn]
        assert s2jax.to_text(pairs.program) == list(pairs.text)
        assert pairs.program.protected
        for row, (trees, x, y) in enumerate(drawn):
            np.testing.assert_allclose(pairs.x[row], x.T, rtol=1e-6)
            np.testing.assert_allclose(pairs.y[row], y.T, rtol=1e-6)
            # y is affine in f(x), by factors that are not stored
            with jax.enable_x64(True):
                slots = pairs.program.num_nodes  # the same for all, so that one is compiled
                program = s2jax.from_text(str(trees), protected=True, num_nodes=slots)
                ours = np.asarray(s2jax.evaluate(program, jnp.asarray(x.T)))
            np.testing.assert_allclose(ours.T, trees.val(x), rtol=1e-6)
            slopes = [np.polyfit(f, series, 1) for f, series in zip(ours, y.T, strict=True)]
            fitted = [np.polyval(slope, f) for slope, f in zip(slopes, ours, strict=True)]
            np.testing.assert_allclose(fitted, y.T, atol=1e-6)

    def test_what_the_reference_means_otherwise_is_refused(
        self, tmp_path: Path, theirs: Any
    ) -> None:
        drawn = self.draw(theirs, tmp_path, prob_rand=0.25)
        texts = [str(trees) for trees, _, _ in drawn]
        has_rand = ["rand" in text for text in texts]
        assert set(has_rand) == {True, False}
        with pytest.raises(ValueError, match=r"pair-.*\.npz: the symbol holds `rand`.*prob_rand=0"):
            read_reference(tmp_path)
        pairs = read_reference(tmp_path, errors="skip")
        assert list(pairs.text) == [t for t, r in zip(texts, has_rand, strict=True) if not r]
        assert len(pairs.skipped) == sum(has_rand)
        assert all("`rand`" in reason for _, reason in pairs.skipped)

    def draw(self, theirs: Any, folder: Path, prob_rand: float) -> list[Any]:
        """Write 12 pairs of the reference with `save_s2data`; both sides with two channels."""
        generator = theirs.SeriesSymbolGenerator(
            theirs.SeriesParams(0.5, 0.5, 0.0, 0.0, 0.0),
            theirs.SymbolParams(
                prob_rand=prob_rand, extra_constants=None,
                operators_to_downsample=f"{WEIGHTS},diff_0",
            ),
        )  # fmt: skip
        rng, drawn = np.random.RandomState(0), []
        while len(drawn) < 12:
            file = folder / f"pair-{len(drawn):02d}.npz"
            pair = generator.run(rng, 64, 2, 2, save_path=str(file))
            if pair[0] is not None:
                drawn.append(pair)
        return drawn

    def test_one_file(self, batch: s2jax.Batch, tmp_path: Path) -> None:
        file = write_reference(batch, tmp_path)[4]
        assert read_reference(file).text == (s2jax.to_text(batch.program)[4],)

    def test_several_batches_in_one_folder(self, batch: s2jax.Batch, tmp_path: Path) -> None:
        write_reference(batch, tmp_path)
        with pytest.raises(FileExistsError, match=r"pair-00000\.npz must not exist"):
            write_reference(batch, tmp_path)
        with pytest.raises(FileExistsError, match=r"pair-00011\.npz must not exist"):
            write_reference(batch, tmp_path, first=11)
        assert write_reference(batch, tmp_path, first=12)[0].name == "pair-00012.npz"
        assert len(read_reference(tmp_path).files) == 24

    def test_rows_that_are_not_usable_are_left_out(self, tmp_path: Path) -> None:
        batch = sixteen(3, max_exponent=1.0, max_trials=4)
        usable = np.flatnonzero(np.asarray(batch.status) == 0)
        assert 0 < usable.size < 16
        names = [file.name for file in write_reference(batch, tmp_path)]
        assert names == [f"pair-{row:05d}.npz" for row in usable]

    def test_nothing_is_pickled_and_no_half_file_stays(
        self, batch: s2jax.Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with np.load(write_reference(batch, tmp_path)[0], allow_pickle=False) as archive:
            assert set(archive.files) == {"symbol", "excitation", "response"}
            assert (archive["symbol"].shape, archive["symbol"].dtype.kind) == ((), "U")

        def fail(stream: Any, **arrays: Any) -> None:
            stream.write(b"half")
            raise OSError("disk full")

        monkeypatch.setattr(np, "savez", fail)
        with pytest.raises(OSError, match="disk full"):
            write_reference(batch, tmp_path / "full")
        assert not list((tmp_path / "full").iterdir())

    @pytest.mark.parametrize(
        "name, protected, message",
        [("tanh", True, "no `tanh`"), ("neg", False, "no `neg`"), ("pow", True, "absolute value")],
    )
    def test_symbols_that_mean_something_else_there(
        self, batch: s2jax.Batch, tmp_path: Path, name: str, protected: bool, message: str
    ) -> None:
        text = {"tanh": "tanh(x_0)", "neg": "neg(x_0)", "pow": "(x_0 pow 2.5)"}[name]
        program = s2jax.from_text([[text] * 2] * 12, protected=protected)
        program = jax.tree.map(lambda leaf: leaf[:, :, 0], program)
        wrong = s2jax.Batch(**{**vars(batch), "program": program})
        with pytest.raises(ValueError, match=message):
            write_reference(wrong, tmp_path)
        assert not list(tmp_path.iterdir())


X, Y = np.zeros((8, 2)), np.ones((8, 1))
GOOD: dict[str, Any] = dict(symbol="(x_0 add x_1)", excitation=X, response=Y)
DAMAGED: dict[str, tuple[dict[str, Any], str]] = {
    "rand": (dict(GOOD, symbol="(x_0 add rand)"), "holds `rand`, which always evaluates to 0"),
    "diff": (dict(GOOD, symbol="diff(x_0)"), "holds `diff`, which is no function of x"),
    "word": (dict(GOOD, symbol="sen(x_0)"), "did you mean `sin`"),
    "input": (dict(GOOD, symbol="x_2"), "reads x_2, but 2 inputs are there"),
    "outputs": (dict(GOOD, symbol="x_0 | x_1"), "has 2 outputs, but response 1"),
    "steps": (dict(GOOD, response=Y[:5]), "has 8 time steps, but response 5"),
    "axes": (dict(GOOD, response=Y[:, 0]), r"response must be numbers of shape \(time, channels\)"),
    "kind": (dict(GOOD, response=Y.astype("U")), "response must be numbers"),
    "keys": (dict(symbol="x_0", x=X), "must hold symbol, excitation, response, but holds symbol"),
    "number": (dict(GOOD, symbol=3.0), "symbol must be text, but is float64"),
    "pickle": (dict(GOOD, symbol=np.array(None, object)), "without pickles"),
    "length": (dict(GOOD, excitation=X[:5], response=Y[:5]), r"has 5 time steps, but a\.npz has 8"),
}


class TestDamagedFiles:
    @pytest.mark.parametrize("name", DAMAGED)
    def test_is_refused_by_name_or_skipped(self, name: str, tmp_path: Path) -> None:
        arrays, message = DAMAGED[name]
        np.savez(tmp_path / "a.npz", **GOOD)
        np.savez(tmp_path / "wrong.npz", **arrays)
        self.check(tmp_path, "wrong.npz", message)

    @pytest.mark.parametrize("name", ["wrong.npy", "wrong.npz"])
    def test_no_zip_file(self, name: str, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", **GOOD)
        (tmp_path / name).write_bytes(b"\x80\x04 anything at all")
        message = "is a pickle, which runs code" if name.endswith("npy") else "no readable .npz"
        self.check(tmp_path, name, message)

    def test_cut_off(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", **GOOD)
        (tmp_path / "wrong.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-30])
        self.check(tmp_path, "wrong.npz", "no readable .npz")

    def check(self, folder: Path, name: str, message: str) -> None:
        with pytest.raises(ValueError, match=rf"(?s){name}: .*{message}"):
            read_reference(folder)
        pairs = read_reference(folder, errors="skip")
        assert pairs.x.shape == (1, 2, 8)
        assert [file for file, _ in pairs.skipped] == [str(folder / name)]

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="nothing is there"):
            read_reference(tmp_path / "none")
        with pytest.raises(FileNotFoundError, match="holds none"):
            read_reference(tmp_path)
        np.savez(tmp_path / "a.npz", **dict(GOOD, symbol="rand"))
        with pytest.raises(ValueError, match="no file could be read"):
            read_reference(tmp_path, errors="skip")
        with pytest.raises(ValueError, match="Did you mean 'skip'"):
            read_reference(tmp_path, errors="skp")
