"""Questions to a mixture: certainty, densities of components, and the mixtures that are made of one."""

import numpy as np
import pytest
from conftest import make_problem, random_covariances
from scipy.stats import multivariate_normal

from fastgmm import Mixture
from fastgmm.model.structures import STRUCTURES
from fastgmm.rows import evaluate

X, START = make_problem(200, 2, 3)
NAMED = Mixture(*START.parameters, ("a", "b"))
EDGES = np.linspace(-30.0, 30.0, 2001)  # the trapezoidal rule is exact to rounding for densities that vanish there


def mixture_of(covariance_type, n_features=2):
    """Three components, which share what the structure lets them differ in least."""
    structure, generator = STRUCTURES[covariance_type], np.random.default_rng(0)
    if covariance_type == "full":
        covariances = random_covariances(generator, 3, n_features)
    else:
        covariances = np.full(structure.shape(3, n_features), 0.25)
        covariances = covariances + np.eye(n_features) if structure.has_matrices else covariances
    return Mixture([0.2, 0.3, 0.5], 2.0 * generator.normal(size=(3, n_features)), covariances, covariance_type)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_densities_of_components(covariance_type, dtype):
    mixture = mixture_of(covariance_type)
    densities = mixture.component_log_density(X.astype(dtype))
    assert (densities.shape, densities.dtype, densities.flags.c_contiguous) == ((200, 3), dtype, True)
    expected = [
        multivariate_normal(*each).logpdf(X) for each in zip(mixture.means, mixture.full_covariances(), strict=True)
    ]
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(densities, np.transpose(expected), rtol=tolerance)
    joint = np.logaddexp.reduce(densities + np.log(mixture.weights), axis=1)
    np.testing.assert_allclose(joint, mixture.log_density(X), rtol=tolerance)


def test_densities_of_components_do_not_depend_on_weights():
    without = Mixture([0.0, 0.5, 0.5], START.means, START.covariances)
    np.testing.assert_array_equal(without.component_log_density(X), START.component_log_density(X))
    assert (START.component_log_density([[1e200, 0.0]]) == -np.inf).all()


def test_uncertainty_is_what_the_others_have():
    expected = 1.0 - START.responsibilities(X).max(axis=1)
    np.testing.assert_allclose(START.uncertainty(X), expected, rtol=1e-10, atol=1e-15)
    single = START.uncertainty(X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-3, atol=1e-5)
    assert (Mixture([1.0], [[0.0, 0.0]], [np.eye(2)]).uncertainty(X) == 0.0).all()
    assert (Mixture([0.25] * 4, np.zeros((4, 2)), [np.eye(2)] * 4).uncertainty(X) == 0.75).all()


def test_a_tiny_uncertainty_has_all_its_digits():
    """Of two unit normals at 0 and 10 the second has exp(10 x - 50) times what the first has; 1 - max would be 0."""
    mixture = Mixture([0.5, 0.5], [[0.0], [10.0]], [1.0, 1.0], "spherical")
    x = np.linspace(-50.0, 1.0, 52)
    ratio = np.exp(10.0 * x - 50.0)
    np.testing.assert_allclose(mixture.uncertainty(x), ratio / (1.0 + ratio), rtol=1e-12)


def test_certainty_is_found_a_few_rows_at_a_time(monkeypatch):
    whole = START.uncertainty(X), START.entropy(X), START.icl(X)
    monkeypatch.setattr(evaluate, "_CHUNK", 7)
    np.testing.assert_array_equal(START.uncertainty(X), whole[0])
    assert (START.entropy(X), START.icl(X)) == whole[1:]


def test_entropy_is_that_of_the_responsibilities():
    shares = START.responsibilities(X)
    assert START.entropy(X) == pytest.approx(-np.sum(shares * np.log(shares)), rel=1e-12)
    assert START.entropy(X) > 1.0
    alike = Mixture([0.25] * 4, np.zeros((4, 2)), [np.eye(2)] * 4)
    assert alike.entropy(X) == pytest.approx(200 * np.log(4.0), rel=1e-14)
    apart = Mixture([0.5, 0.5], [[0.0, 0.0], [1e3, 1e3]], [np.eye(2)] * 2)
    assert str(apart.entropy(X)) == "0.0"
    counts = np.random.default_rng(0).integers(0, 4, size=200)
    repeated = START.entropy(np.repeat(X, counts, axis=0))
    assert START.entropy(X, sample_weight=counts) == pytest.approx(repeated, rel=1e-12)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_a_marginal_is_the_integral_over_the_other_feature(covariance_type):
    mixture = mixture_of(covariance_type)
    x = np.array([-3.0, 0.0, 0.7, 4.0])
    plane = np.stack(np.meshgrid(x, EDGES, indexing="ij"), axis=-1)
    densities = np.exp(mixture.log_density(plane.reshape(-1, 2))).reshape(4, -1)
    integrals = np.trapezoid(densities, EDGES, axis=1)
    np.testing.assert_allclose(np.exp(mixture.marginal(0).log_density(x)), integrals, rtol=1e-10)
    turned = mixture.marginal([1, 0])
    np.testing.assert_allclose(turned.log_density(X[:, ::-1]), mixture.log_density(X), rtol=1e-12)
    # What is known of a feature leaves the density along the line.
    given = mixture.conditional({0: 0.7})
    assert np.trapezoid(np.exp(given.log_density(EDGES)), EDGES) == pytest.approx(1.0, rel=1e-10)
    np.testing.assert_allclose(np.exp(given.log_density(EDGES)), densities[2] / integrals[2], rtol=1e-10, atol=1e-30)


@pytest.mark.parametrize("order", [(0, 1), (2, 0), (1, 2)])
def test_a_conditional_divides_the_density_by_that_of_what_is_given(order):
    mixture = mixture_of("full", 3)
    rest = ({0, 1, 2} - set(order)).pop()
    rows = np.random.default_rng(1).normal(size=(50, 3))
    known = mixture.marginal(order).log_density(rows[:, order])
    for row, joint, of_known in zip(rows, mixture.log_density(rows), known, strict=True):
        given = mixture.conditional({position: row[position] for position in order})
        assert given.log_density(row[[rest]])[0] == pytest.approx(joint - of_known, abs=1e-11)
    # One after the other is both at once.
    step = mixture.conditional({order[0]: 1.5}).conditional({sorted({order[1], rest}).index(order[1]): -0.5})
    both = mixture.conditional(dict(zip(order, (1.5, -0.5), strict=True)))
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(step, name), getattr(both, name), rtol=1e-11)


def test_a_conditional_far_from_zero_and_far_from_every_component():
    moved = Mixture(START.weights, START.means + 1e8, START.covariances).conditional({0: 1e8 + 0.5})
    near = START.conditional({0: 0.5})
    np.testing.assert_allclose(moved.weights, near.weights, rtol=1e-6)
    np.testing.assert_allclose(moved.means - 1e8, near.means, atol=1e-6)
    np.testing.assert_array_equal(moved.covariances, near.covariances)
    far = START.conditional({0: 1e200})  # where all densities underflow
    np.testing.assert_array_equal(np.sort(far.weights), [0.0, 0.0, 1.0])


def test_mixtures_of_mixtures_have_names():
    three = Mixture(*mixture_of("full", 3).parameters, ("a", "b", "c"))
    assert three.marginal(["c", 0]).feature_names == ("c", "a")
    assert three.conditional({"b": 0.5}).feature_names == ("a", "c")
    assert three.conditional(given={"b": 0.5, 2: np.float32(1.0)}).feature_names == ("a",)
    np.testing.assert_array_equal(three.marginal("b").means, three.means[:, [1]])
    assert three.merge(0, 1).feature_names == three.sort("b").feature_names == ("a", "b", "c")


def moments(mixture):
    mean = mixture.weights @ mixture.means
    apart = mixture.means - mean
    return mean, np.tensordot(mixture.weights, mixture.full_covariances(), 1) + (mixture.weights * apart.T) @ apart


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_merging_keeps_the_moments(covariance_type):
    mixture = mixture_of(covariance_type)
    merged = mixture.merge(2, 0)
    assert (merged.n_components, merged.covariance_type) == (2, "full")
    np.testing.assert_allclose(merged.weights, [0.7, 0.3])
    np.testing.assert_array_equal(merged.means[1], mixture.means[1])
    alone = merged.merge(0, 1)
    for each in (merged, alone):
        for one, other in zip(moments(each), moments(mixture), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(alone.covariances[0], moments(mixture)[1], rtol=1e-13)


def test_merging_components_without_weight():
    mixture = Mixture([1.0, 0.0, 0.0], START.means, START.covariances)
    np.testing.assert_allclose(mixture.merge(1, 2).means[1], START.means[1:].mean(axis=0))
    np.testing.assert_array_equal(mixture.merge(0, 2).means[0], START.means[0])
    np.testing.assert_array_equal(mixture.merge(0, 2).covariances[0], START.covariances[0])


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_sorting_changes_the_numbers_of_components_alone(covariance_type):
    mixture = Mixture(*mixture_of(covariance_type).parameters, ("a", "b"))
    heaviest = mixture.sort(by="weights")
    assert heaviest.covariance_type == covariance_type
    np.testing.assert_array_equal(heaviest.weights, [0.5, 0.3, 0.2])
    np.testing.assert_array_equal(heaviest.predict(X), 2 - mixture.predict(X))
    np.testing.assert_array_equal(mixture.sort("b").means[:, 1], np.sort(mixture.means[:, 1]))
    np.testing.assert_array_equal(mixture.sort(1).means, mixture.sort("b").means)
    np.testing.assert_array_equal(mixture.sort([3, 1, 2]).weights, [0.3, 0.5, 0.2])
    np.testing.assert_array_equal(mixture.sort(by=np.zeros(3)).means, mixture.means)


def test_weights_may_be_the_name_of_a_feature():
    mixture = Mixture(*START.parameters, ("weights", "b"))
    with pytest.raises(ValueError, match="by is 'weights', which is the name of a feature, too"):
        mixture.sort("weights")
    np.testing.assert_array_equal(mixture.sort(-mixture.weights).weights, START.sort("weights").weights)


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (
            lambda m: m.marginal("c"),
            ValueError,
            r"^features must be among those of the mixture, \['a', 'b'\], got 'c'$",
        ),
        (lambda m: m.marginal(2), ValueError, "^features must be less than the number of features, 2, got 2$"),
        (lambda m: m.marginal(-1), ValueError, "^features must be at least 0, got -1$"),
        (lambda m: m.marginal([0, "a"]), ValueError, "^features must not have a value twice, got 0 twice$"),
        (lambda m: m.marginal([]), ValueError, "^features must have at least one value, got none$"),
        (lambda m: m.marginal(None), TypeError, "^features must be an integer, got None$"),
        (lambda m: m.conditional({}), ValueError, "^features of given must have at least one value, got none$"),
        (
            lambda m: m.conditional({"a": 1.0, "b": 2.0}),
            ValueError,
            "^given must leave a feature free, got values of all 2$",
        ),
        (
            lambda m: m.conditional({"c": 1.0}),
            ValueError,
            r"^features of given must be among those of the mixture, \['a', 'b'\], got 'c'$",
        ),
        (
            lambda m: m.conditional({"a": 1.0, 0: 1.0}),
            ValueError,
            "^features of given must not have a value twice, got 0 twice$",
        ),
        (lambda m: m.conditional({"a": np.nan}), ValueError, r"^given\['a'\] must be finite, got nan$"),
        (lambda m: m.conditional({0: 10**400}), ValueError, r"^given\[0\] must be finite, got inf$"),
        (lambda m: m.conditional({"a": "1"}), TypeError, r"^given\['a'\] must be a number, got '1'$"),
        (
            lambda m: m.conditional([1.0]),
            TypeError,
            r"^given must be a dict of features and their values, got \[1.0\]$",
        ),
        (lambda m: m.merge(1, 1), ValueError, "^i and j must be two components, got 1 twice$"),
        (lambda m: m.merge(0, 3), ValueError, "^j must be less than the number of components, 3, got 3$"),
        (lambda m: m.merge(-1, 0), ValueError, "^i must be at least 0, got -1$"),
        (lambda m: m.merge(0.0, 1), TypeError, "^i must be an integer, got 0.0$"),
        (
            lambda m: m.sort("c"),
            ValueError,
            r"^by must be 'weights' or a feature of the mixture, \['a', 'b'\], got 'c'$",
        ),
        (lambda m: m.sort(None), TypeError, "^by must be an integer, got None$"),
        (lambda m: m.sort([1.0]), ValueError, r"^by must have a number for each of 3 components, got .*\(1,\)$"),
        (lambda m: m.sort([1.0, np.nan, 2.0]), ValueError, "^by must be finite, got NaN or infinity$"),
        (lambda m: m.uncertainty([[np.nan, 0.0]]), ValueError, "^X has 1 NaN or infinite value, the first in row 0"),
        (lambda m: m.component_log_density(X[:, :1]), ValueError, "^X has 1 features, but the model has 2$"),
        (lambda m: m.entropy(X, sample_weight=[1.0]), ValueError, r"^sample_weight must be of shape \(200,\), got"),
    ],
)
def test_questions_that_have_no_answer(ask, error, message):
    with pytest.raises(error, match=message):
        ask(NAMED)


@pytest.mark.parametrize(
    "ask",
    [
        lambda m: m.conditional({1: 0.0}),
        lambda m: m.impute([[np.nan, 0.0, np.nan]]),
        lambda m: m.sample(2),
    ],
)
def test_a_covariance_without_a_factor_is_named(ask):
    """What a fit has come to is not checked again, and features in another order are rounded otherwise."""
    parameters = Mixture([0.5, 0.5], np.zeros((2, 3)), [np.eye(3)] * 2).parameters
    mixture = Mixture._trusted(parameters._replace(covariances=np.array([np.eye(3), np.ones((3, 3))])))
    with pytest.raises(ValueError, match=r"^the covariance of component 1 is not positive definite$") as caught:
        ask(mixture)
    assert caught.type is not np.linalg.LinAlgError
