"""A mixture of one feature: probabilities, quantiles and crossings."""

import numpy as np
import pytest
from scipy.stats import norm

from fastgmm import Mixture
from fastgmm.mixture.crossings import neighbours_of
from fastgmm.model.structures import STRUCTURES, UNIVARIATE

MIXTURE = Mixture([0.3, 0.5, 0.2], [[0.0], [3.0], [4.0]], [1.0, 0.25, 4.0], "spherical")


def random_mixture(generator, largest=6):
    k, size = generator.integers(1, largest + 1), 10.0 ** generator.uniform(-3.0, 3.0)
    variances = (10.0 ** generator.uniform(-3.0, 3.0, size=k)) ** 2
    return Mixture(generator.dirichlet(np.ones(k)), size * generator.normal(size=(k, 1)), variances, "spherical")


def density(mixture, x):
    """Weights times densities of the components, (N, K)."""
    deviations = np.sqrt(mixture.full_covariances()[:, 0, 0])
    return mixture.weights * norm.pdf(np.reshape(x, (-1, 1)), mixture.means[:, 0], deviations)


def test_probabilities_are_those_of_the_components():
    x = np.linspace(-20.0, 30.0, 101)
    deviations = np.sqrt(MIXTURE.covariances)
    z = (x[:, np.newaxis] - MIXTURE.means[:, 0]) / deviations
    np.testing.assert_allclose(MIXTURE.cdf(x), norm.cdf(z) @ MIXTURE.weights, rtol=1e-13)
    np.testing.assert_allclose(MIXTURE.sf(x), norm.sf(z) @ MIXTURE.weights, rtol=1e-13)
    np.testing.assert_allclose(MIXTURE.cdf(x) + MIXTURE.sf(x), 1.0, rtol=1e-15)
    assert norm.sf(25.0) < MIXTURE.sf(54.0) / MIXTURE.weights[2] < norm.sf(24.9)


@pytest.mark.parametrize("covariance_type", sorted(UNIVARIATE))
def test_any_structure_has_quantiles(covariance_type):
    structure = STRUCTURES[covariance_type]
    mixture = Mixture([0.5, 0.5], [[0.0], [2.0]], np.ones(structure.shape(2, 1)), covariance_type)
    assert mixture.quantile(0.5) == pytest.approx(1.0, rel=1e-15)
    np.testing.assert_allclose(mixture.crossings(), [1.0], rtol=1e-15)
    assert mixture.cdf(1.0) == pytest.approx(0.5, rel=1e-15)


def test_shapes_are_kept_and_a_number_gives_a_number():
    for ask in (MIXTURE.cdf, MIXTURE.sf, MIXTURE.quantile, MIXTURE.isf):
        one = ask(0.25)
        assert isinstance(one, float)
        assert ask([[0.25, 0.25]]).tolist() == [[one, one]]
        assert ask(np.float32([0.25])).dtype == np.float64
        assert ask([]).shape == (0,)
    np.testing.assert_array_equal(MIXTURE.cdf([-np.inf, np.inf, np.nan]), [0.0, 1.0, np.nan])
    np.testing.assert_array_equal(MIXTURE.sf([-np.inf, np.inf, np.nan]), [1.0, 0.0, np.nan])


@pytest.mark.parametrize("ask", ["quantile", "isf"])
def test_a_quantile_has_its_probability(ask):
    """To 1e-14, or to what a rounding of the number, or of its distance to a mean, makes of the probability."""
    generator = np.random.default_rng(0)
    for _ in range(200):
        mixture = random_mixture(generator)
        p = np.concatenate(
            [10.0 ** generator.uniform(-300.0, -1.0, 20), generator.uniform(size=20), [1.0 - 2.0**-53]]
        )
        x = getattr(mixture, ask)(p)
        reached = {"quantile": mixture.cdf, "isf": mixture.sf}[ask](x)
        lengths = np.abs(x[:, np.newaxis]) + np.abs(mixture.means[:, 0])
        rounding = np.sum(density(mixture, x) * 3.0 * np.spacing(lengths), axis=1)
        assert (np.abs(reached - p) <= 1e-14 * p + rounding).all()


def test_quantiles_of_a_standard_normal():
    normal = Mixture([1.0], [[0.0]], [1.0], "spherical")
    p = np.array([1e-300, 1e-100, 1e-10, 0.025, 0.5, 0.975, 1.0 - 1e-10])
    np.testing.assert_allclose(normal.quantile(p), norm.ppf(p), rtol=1e-14)
    np.testing.assert_array_equal(normal.isf(p), -normal.quantile(p))
    np.testing.assert_allclose(normal.cdf(normal.quantile(p[2:])), p[2:], rtol=1e-14)
    assert normal.quantile(5e-324) == pytest.approx(-38.4674, abs=1e-2)  # where numbers are subnormal


def test_a_rare_component_far_away_has_its_quantiles():
    mixture = Mixture([1.0 - 1e-9, 1e-9], [[0.0], [1e6]], [1.0, 1e-6], "spherical")
    assert mixture.isf(5e-10) == pytest.approx(1e6, rel=1e-15)
    assert mixture.sf(mixture.isf(1e-12)) == pytest.approx(1e-12, rel=1e-5)  # its numbers are 1e-10 apart
    assert mixture.quantile(0.5) == pytest.approx(0.0, abs=1e-8)


def test_weights_that_sum_to_one_but_for_rounding_are_probabilities():
    mixture = Mixture([0.5, 0.5 - 5e-7], [[0.0], [1.0]], [1.0, 1.0], "spherical")
    assert mixture.cdf(100.0) == mixture.sf(-100.0) == 1.0
    assert mixture.quantile(1.0 - 1e-12) < 10.0


def test_no_probability_exceeds_one():
    """The three weights sum to 1 + 2e-16, as rounding leaves them."""
    mixture = Mixture([4 / 9, 1 / 3, 2 / 9 + 2e-16], [[0.0], [1.0], [2.0]], [1.0, 1.0, 1.0], "spherical")
    assert mixture.cdf([100.0, np.inf]).tolist() == mixture.sf([-100.0, -np.inf]).tolist() == [1.0, 1.0]
    assert np.isnan(mixture.cdf(np.nan))


def labels_change(mixture, low, high):
    """The cells of a dense grid in which the label changes."""
    x = np.linspace(low, high, 100_001)
    (places,) = np.nonzero(np.diff(density(mixture, x).argmax(axis=1)))
    return x[places], x[places + 1]


@pytest.mark.parametrize("kind", ["any", "equal variances", "equal components", "equal means"])
def test_crossings_are_where_a_dense_scan_finds_them(kind):
    generator, n_found, n_idle = np.random.default_rng(3), 0, 0
    for _ in range(40):
        k = int(generator.integers(2, 7))
        weights, means = generator.dirichlet(np.full(k, 0.5)), 3.0 * generator.normal(size=(k, 1))
        variances = 10.0 ** generator.uniform(-1.0, 1.0, size=k)
        if kind == "equal variances":
            variances[:] = variances[0]
        elif kind == "equal means":
            means[:] = means[0]
        elif kind == "equal components":
            weights[-1], means[-1], variances[-1] = weights[0], means[0], variances[0]
        mixture = Mixture(weights / weights.sum(), means, variances, "spherical")
        crossings = mixture.crossings()
        # Where the scan's densities do not underflow.
        widest = np.sqrt(variances.max())
        low, high = means.min() - 8.0 * widest, means.max() + 8.0 * widest
        inside = crossings[(low < crossings) & (crossings < high)]
        below, above = labels_change(mixture, low, high)
        if len(inside) > 1 and np.diff(inside).min() < (high - low) / 1e5:
            continue  # two in a cell of the scan
        assert len(inside) == len(below)
        assert ((below - 1e-12 <= inside) & (inside <= above + 1e-12)).all()
        n_found += len(crossings)
        n_idle += len(crossings) == 0
    assert n_found > 20
    assert kind != "equal components" or n_idle > 0


def test_crossings_are_thresholds_of_predict():
    crossings = MIXTURE.crossings()
    np.testing.assert_allclose(crossings, [-4.50204662, 1.80850541, 4.0731388], rtol=1e-8)
    assert MIXTURE.predict(crossings - 1e-6).tolist() == [2, 0, 1]
    assert MIXTURE.predict(crossings + 1e-6).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("weights", "means", "variances", "expected"),
    [
        ([1.0], [0.0], [1.0], []),
        ([0.5, 0.5], [0.0, 0.0], [1.0, 1.0], []),
        ([0.7, 0.3], [0.0, 0.0], [1.0, 1.0], []),
        ([0.5, 0.5, 0.0], [0.0, 1.0, 0.5], [1.0, 1.0, 0.01], [0.5]),
        ([0.5, 0.5], [1e8, 1e8 + 3.0], [1.0, 1.0], [1e8 + 1.5]),
        # At their mean both are as high: they touch there, and one is lower everywhere else.
        ([1.0 / 3.0, 2.0 / 3.0], [0.0, 0.0], [1.0, 4.0], []),
        ([1.0 / 3.0, 2.0 / 3.0], [7.0, 7.0], [1e-4, 4e-4], []),
        # Three curves through one point, of which the middle one touches it.
        ([0.4, 0.2, 0.4], [-1.0, 0.0, 1.0], [1.0, 0.25 * np.exp(1.0), 1.0], [0.0]),
        # Variances that almost agree: the roots of the quadratic have all their digits.
        ([0.5, 0.5], [0.0, 0.0], [1.0, 1.0 + 1e-10], [-1.0, 1.0]),
        # Very different ones: z^2 = 2 ln(deviation / deviation), but for the slope of the wider.
        ([0.5, 0.5], [0.0, 0.0], [1.0, 1e-24], 1e-12 * np.sqrt(2.0 * np.log(1e12)) * np.array([-1.0, 1.0])),
        ([1e-20, 1.0 - 1e-20], [0.0, 3.0], [1.0, 1.0], [1.5 - np.log(1e20) / 3.0]),
    ],
)
def test_crossings_in_special_cases(weights, means, variances, expected):
    mixture = Mixture(weights, np.transpose([means]), variances, "spherical")
    np.testing.assert_allclose(mixture.crossings(), expected, rtol=1e-9, atol=1e-12)


def test_crossings_of_many_are_those_of_one():
    """Where the components are neighbours that take over from each other and no third is above both."""
    generator = np.random.default_rng(0)
    weights, means = generator.dirichlet([5.0, 5.0], size=50), np.sort(5.0 * generator.normal(size=(50, 2)), axis=1)
    variances = 10.0 ** generator.uniform(-0.5, 0.5, size=(50, 2))
    for b, crossing in enumerate(neighbours_of(weights, means, variances)[:, 0]):
        crossings = Mixture(weights[b], means[b][:, np.newaxis], variances[b], "spherical").crossings()
        assert np.isclose(crossings, crossing, rtol=1e-12, atol=0.0).any() == np.isfinite(crossing)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, 1.5, np.nan, [0.5, 2.0]])
@pytest.mark.parametrize("ask", ["quantile", "isf"])
def test_what_is_no_probability_is_refused(ask, p):
    shown = np.atleast_1d(p)[-1]
    with pytest.raises(ValueError, match=f"^p must be above 0 and below 1, got {shown}$"):
        getattr(MIXTURE, ask)(p)


@pytest.mark.parametrize("ask", ["cdf", "sf", "quantile", "isf", "crossings"])
def test_only_a_mixture_of_one_feature_has_these(ask):
    plane = Mixture([1.0], [[0.0, 0.0]], [1.0], "spherical")
    with pytest.raises(
        ValueError, match=rf"^{ask} is of one feature, this mixture has 2; mixture.marginal\(feature\)"
    ):
        getattr(plane, ask)(*([] if ask == "crossings" else [0.5]))
    if ask != "crossings":
        with pytest.raises(TypeError, match=r"^[xp] must be an array of numbers, got str"):
            getattr(MIXTURE, ask)("0.5")
