import numpy as np
import pandas as pd
import pytest
from conftest import make_problem
from sklearn.mixture import GaussianMixture as SklearnMixture

import fastgmm

X, _ = make_problem(120, 3, 2)


def test_attributes_are_scikit_learns():
    ours = fastgmm.GaussianMixture(2, random_state=0).fit(X)
    theirs = SklearnMixture(2, random_state=0).fit(X)
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        a, b = getattr(ours, name), getattr(theirs, name)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
    assert {type(ours.converged_), type(ours.n_iter_), type(ours.lower_bound_)} == {bool, int, float}
    assert ours.n_features_in_ == 3
    assert len(ours.lower_bounds_) == ours.n_iter_
    assert ours.lower_bound_ == ours.lower_bounds_[-1]
    np.testing.assert_allclose(ours.precisions_ @ ours.covariances_, [np.eye(3)] * 2, atol=1e-10)
    np.testing.assert_array_equal(ours.precisions_cholesky_, np.triu(ours.precisions_cholesky_))


def test_inference_is_scikit_learns():
    ours = fastgmm.GaussianMixture(2, random_state=0).fit(X)
    theirs = SklearnMixture(2)
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        setattr(theirs, name, getattr(ours, name))
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-10)
    for name in ("score", "bic", "aic"):
        assert getattr(ours, name)(X) == pytest.approx(getattr(theirs, name)(X), rel=1e-10)
    np.testing.assert_array_equal(fastgmm.GaussianMixture(2, random_state=0).fit_predict(X), ours.predict(X))
    rows, labels = ours.sample(5)
    assert (rows.shape, labels.shape) == ((5, 3), (5,))


def test_parameters_round_trip():
    mixture = fastgmm.GaussianMixture(3, tol=1e-5)
    assert fastgmm.GaussianMixture(**mixture.get_params()).get_params() == mixture.get_params()
    assert mixture.set_params(n_components=2).n_components == 2
    assert repr(mixture) == "GaussianMixture(n_components=2, tol=1e-05)"
    with pytest.raises(ValueError, match="'k' is not a parameter of GaussianMixture"):
        mixture.set_params(k=2)


def test_feature_names():
    mixture = fastgmm.GaussianMixture(1).fit(pd.DataFrame(X, columns=["a", "b", "c"]))
    assert mixture.feature_names_in_.tolist() == ["a", "b", "c"]
    assert not hasattr(mixture.fit(X), "feature_names_in_")


def test_what_it_refuses():
    with pytest.raises(AttributeError, match="not fitted"):
        fastgmm.GaussianMixture().predict(X)
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
        fastgmm.GaussianMixture().fit(X[:, 0])
    with pytest.raises(ValueError, match="must be an int in the range"):
        fastgmm.GaussianMixture(0).fit(X)


ROWS = make_problem(90, 8, 2)[0]
FEATURES_CHANGE = [
    ("full", 2, 3),
    ("full", 8, 2),
    ("full", 2, 8),
    ("diag", 2, 3),
    ("tied", 2, 3),
    ("spherical", 3, 2),
]


@pytest.mark.parametrize(("covariance_type", "before", "after"), FEATURES_CHANGE)
def test_a_warm_start_meets_other_features(covariance_type, before, after):
    """Compiled code indexes the old parameters by the new number of features: the heap was corrupted."""
    model = fastgmm.GaussianMixture(2, covariance_type=covariance_type, warm_start=True, random_state=0)
    model.fit(ROWS[:, :before])
    means = model.means_.copy()
    with pytest.raises(ValueError, match=f"from a fit to {before} features, but X has {after}"):
        model.fit(ROWS[:, :after])
    np.testing.assert_array_equal(model.means_, means)
    assert model.set_params(warm_start=False).fit(ROWS[:, :after]).means_.shape == (2, after)


@pytest.mark.parametrize(("before", "after"), [("tied", "diag"), ("full", "tied"), ("diag", "spherical")])
def test_another_structure_than_that_of_the_fit(before, after):
    """With K = D a tied matrix has the shape of diagonal variances."""
    model = fastgmm.GaussianMixture(2, covariance_type=before, warm_start=True, random_state=0).fit(ROWS[:, :2])
    model.set_params(covariance_type=after)
    for use in (model.fit, model.predict, model.score):
        with pytest.raises(ValueError, match=f"was fitted with covariance_type '{before}', but now has '{after}'"):
            use(ROWS[:, :2])
    model.set_params(warm_start=False).fit(ROWS[:, :2]).predict(ROWS[:, :2])


def test_a_warm_start_with_another_number_of_components_starts_anew():
    model = fastgmm.GaussianMixture(2, warm_start=True, random_state=0).fit(X)
    again = model.set_params(n_components=3).fit(X)
    anew = fastgmm.GaussianMixture(3, random_state=0).fit(X)
    np.testing.assert_array_equal(again.means_, anew.means_)
    assert again.lower_bounds_ == anew.lower_bounds_


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weights_", np.full(3, 1 / 3)),
        ("weights_", None),
        ("means_", np.zeros((2, 2))),
        ("means_", np.zeros(3)),
        ("means_", np.zeros((0, 3))),
        ("covariances_", np.eye(3)),
        ("covariances_", np.zeros((2, 3, 3))),
        ("covariances_", np.full((2, 3, 3), np.nan)),
    ],
)
def test_edited_attributes_that_are_no_mixture(name, value):
    model = fastgmm.GaussianMixture(2, random_state=0, warm_start=True).fit(X)
    setattr(model, name, value)
    for use in (model.predict, model.predict_proba, model.score, model.bic, model.fit):
        with pytest.raises(ValueError, match=r"must be of shape|must be finite|not positive definite"):
            use(X)
    with pytest.raises(ValueError, match=r"must be of shape|must be finite|not positive definite"):
        model.sample(2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_score_is_the_mean_of_score_samples(dtype):
    """To the bit, as scikit-learn's own suite asks: a mean in double of float32 densities agrees by luck alone."""
    for seed in range(5):
        rows = make_problem(500, 2, 2, seed=seed)[0].astype(dtype)
        model = fastgmm.GaussianMixture(2, random_state=0).fit(rows)
        densities = model.score_samples(rows)
        assert densities.dtype == dtype
        assert model.score(rows) == float(densities.mean())


def almost_in_a_plane(seed, dtype):
    generator = np.random.default_rng(seed)
    n_features = 2 + seed % 3
    rows = generator.normal(size=(40, 1)) * generator.normal(size=(1, n_features))
    width = 10.0 ** (generator.uniform(-8.5, -6) if dtype == np.float32 else generator.uniform(-9, -7.5))
    return (rows + width * generator.normal(size=(40, n_features))).astype(dtype)


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore:Best performing initialization did not converge")
@pytest.mark.filterwarnings("ignore::fastgmm.FitWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_a_fit_leaves_has_precisions(dtype):
    """Seeds 280 (single) and 236 (double) once ended in a bare LinAlgError, rows of 1e-20 in infinite precisions."""
    n_failed = 0
    cases = [(X.astype(dtype), "full")]
    cases += [(almost_in_a_plane(seed, dtype), "full") for seed in (*range(0, 40, 4), 236, 280)]
    small = 1e-20 if dtype == np.float32 else 1e-158
    cases += [((small * X).astype(dtype), covariance_type) for covariance_type in ("full", "diag", "spherical")]
    for rows, covariance_type in cases:
        model = fastgmm.GaussianMixture(1, covariance_type=covariance_type, reg_covar=0.0, max_iter=20)
        try:
            model.fit(rows)
        except fastgmm.FitFailure:
            n_failed += 1
            continue
        assert np.isfinite(model.precisions_).all()
        assert np.isfinite(model.precisions_cholesky_).all()
        model.predict(rows)
    assert 0 < n_failed < len(cases)


@pytest.mark.parametrize("covariance_type", ["diag", "spherical"])
def test_precisions_of_variances_are_their_reciprocals(covariance_type):
    """To the last bit of float32, which scikit-learn's suite compares to six decimals whatever their size."""
    rows = 1e-3 * X.astype(np.float32)
    model = fastgmm.GaussianMixture(2, covariance_type=covariance_type, reg_covar=0.0, random_state=0).fit(rows)
    np.testing.assert_array_equal(model.precisions_, 1.0 / model.covariances_)


def test_criteria_of_weighted_rows_are_those_of_repeated_rows():
    counts = np.random.default_rng(0).integers(0, 4, size=len(X))
    model = fastgmm.GaussianMixture(2, random_state=0).fit(X)
    for criterion in (model.bic, model.aic):
        assert criterion(X, sample_weight=counts) == pytest.approx(criterion(np.repeat(X, counts, axis=0)), rel=1e-12)
        assert criterion(X, sample_weight=np.ones(len(X))) == pytest.approx(criterion(X), rel=1e-14)
        with pytest.raises(ValueError, match="sample_weight must sum to at least the largest n_components, 2"):
            criterion(X, sample_weight=np.full(len(X), 1e-3))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"means_init": "x"}, ValueError, "'means_init' parameter of GaussianMixture must be an array-like or None"),
        ({"means_init": b"x"}, TypeError, "The parameter 'means' must be an array of numbers, got bytes"),
        ({"means_init": {}}, TypeError, "The parameter 'means' must be an array of numbers, got dict"),
        ({"means_init": [["1", "2", "3"]] * 2}, TypeError, "The parameter 'means' must be an array of numbers"),
        ({"means_init": [[10**400, 0, 0]] * 2}, ValueError, "The parameter 'means' should be finite"),
        ({"weights_init": np.ma.array([0.5, 0.5], mask=[1, 0])}, ValueError, "'weights' is a masked array"),
        (
            {"weights_init": np.array([0.5, 0.5 + 0j])},
            TypeError,
            "must be an array of numbers, got ndarray of complex128",
        ),
        ({"tol": 10**400}, ValueError, r"'tol' parameter .* must be a float in the range .* Got 10+\.\.\. instead"),
        ({"reg_covar": 10**5000}, ValueError, "'reg_covar' parameter .* Got int too long to print instead"),
        ({"n_components": 10**400}, ValueError, r"got n_components = 10+\.\.\., n_samples = 120"),
        ({"random_state": "x"}, ValueError, "'random_state' parameter of GaussianMixture must be an int"),
        ({"n_threads": "2"}, ValueError, "'n_threads' parameter of GaussianMixture must be an int in the range"),
        ({"n_threads": True}, ValueError, "'n_threads' .* must be an int in the range .* or None. Got True instead"),
        ({"short_iter": True}, ValueError, "'short_iter' .* must be an int in the range .* or None. Got True"),
        ({"verbose": None}, ValueError, "'verbose' parameter of GaussianMixture must be an int"),
    ],
)
def test_unusual_arguments_get_one_sentence(arguments, error, message):
    with pytest.raises(error, match=message):
        fastgmm.GaussianMixture(**{"n_components": 2} | arguments).fit(X)


def test_more_rounds_or_samples_than_there_can_be():
    model = fastgmm.GaussianMixture(2, random_state=0, max_iter=10**400).fit(X)
    assert model.converged_
    for n_samples, error, message in (
        (10**18, ValueError, "n_samples must be at most"),
        (0, ValueError, "Invalid value for 'n_samples': 0"),
        ("x", TypeError, "n_samples must be an integer, got 'x'"),
    ):
        with pytest.raises(error, match=message):
            model.sample(n_samples)


def test_chunks_are_fitted_to_and_not_evaluated(tmp_path):
    chunks = [X[:50], X[50:]]
    frames = [pd.DataFrame(rows, columns=["a", "b", "c"]) for rows in chunks]
    model = fastgmm.GaussianMixture(2, random_state=0).fit(frames)
    mixture = fastgmm.Mixture(model.weights_, model.means_, model.covariances_)
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    new = fastgmm.GaussianMixture(2)
    for given in (chunks, lambda: chunks, iter(chunks), path, str(path)):
        for call in (new.fit_predict, model.predict, model.score, model.bic, mixture.predict, mixture.icl):
            with pytest.raises(TypeError, match=r"rows must be in memory to be evaluated, got .*`fastgmm predict`"):
                call(given)
    assert not hasattr(new, "weights_")


def test_a_single_row_is_refused_wherever_it_is():
    for rows in (X[:1], [X[:1]]):
        with pytest.raises(ValueError, match=r"1 sample\(s\) \(shape=\(1, 3\)\) while a minimum of 2 is required"):
            fastgmm.GaussianMixture(1).fit(rows)


def test_columns_are_chosen_by_name():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    expected = fastgmm.GaussianMixture(2, random_state=0).fit(frame[["c", "a"]])
    for given in (frame, [frame[:50], frame[50:]]):
        model = fastgmm.GaussianMixture(2, random_state=0).fit(given, columns=["c", "a"])
        np.testing.assert_array_equal(model.means_, expected.means_)
        assert model.feature_names_in_.tolist() == ["c", "a"]
    for given, columns, message in (
        (X, ["a"], "columns are chosen by their names, and X, .*, has none"),
        (frame, ["a", "x"], "'x'"),
        (frame, ["a", "a"], "columns must not have a value twice"),
    ):
        with pytest.raises(ValueError, match=message):
            fastgmm.GaussianMixture(2).fit(given, columns=columns)
