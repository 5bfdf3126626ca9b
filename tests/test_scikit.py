"""The estimator against scikit-learn: its own test suite, its estimator checks, and its answers."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from conftest import assert_same_bits, run
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.mixture import GaussianMixture as ScikitGaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from fastgmm import GaussianMixture, Mixture
from fastgmm._numba.options import JIT_ENABLED

STRUCTURES = ("full", "tied", "diag", "spherical")

# Tests of scikit-learn's suite that are left out, and why.
LEFT_OUT = {
    "test_suffstat_sk_full": "private helpers of scikit-learn's module",
    "test_suffstat_sk_tied": "private helpers of scikit-learn's module",
    "test_suffstat_sk_diag": "private helpers of scikit-learn's module",
    "test_gaussian_suffstat_sk_spherical": "private helpers of scikit-learn's module",
    "test_compute_log_det_cholesky": "private helpers of scikit-learn's module",
    "test_gaussian_mixture_log_probabilities": "private helpers of scikit-learn's module",
    "test_gaussian_mixture_precisions_init": "private methods _initialize and _set_parameters",
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": "mocks a private helper",
    "test_gaussian_mixture_array_api_compliance": "array API",
    "test_gaussian_mixture_raises_where_array_api_not_implemented": "array API",
}


@pytest.mark.compiled
def test_scikit_learns_own_suite_passes(tmp_path):
    (tmp_path / "test_theirs.py").write_text(
        "from sklearn.mixture.tests.test_gaussian_mixture import *\n"
        "import sklearn.mixture.tests.test_gaussian_mixture as theirs\n"
        "from fastgmm import GaussianMixture\n"
        "theirs.GaussianMixture = GaussianMixture\n"
        f"for name in {sorted(LEFT_OUT)!r}:\n"
        "    del globals()[name]\n"
    )
    (tmp_path / "conftest.py").write_text("from sklearn.conftest import *\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "test_theirs.py"],
        cwd=tmp_path,
        env={**os.environ, "SKLEARN_RUN_FLOAT32_TESTS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    # All of them ran: those of one structure each, and none was skipped.
    assert "skipped" not in done.stdout.splitlines()[-1]


@pytest.mark.filterwarnings("ignore:Estimator GaussianMixture does not inherit")
def test_estimator_checks_report_no_failure():
    results = check_estimator(GaussianMixture(), on_fail=None, on_skip=None)
    assert not [(each["check_name"], each["exception"]) for each in results if each["status"] == "failed"]
    assert len(results) > 30


def overlapping_rows(n_features=3, n_samples=400, seed=0):
    """Rows with |mean|/sd below 10, and no component near empty."""
    n_samples = n_samples if JIT_ENABLED else min(n_samples, 200)
    generator = np.random.default_rng(seed)
    means = 2.5 * generator.normal(size=(3, n_features))
    return means[generator.integers(3, size=n_samples)] + generator.normal(size=(n_samples, n_features))


# Interpreted loops are slow, and options do not concern them.
OPTIONS = [{}, {"tol": 0.0, "max_iter": 7}, {"reg_covar": 0.1}, {"max_iter": 0}][: None if JIT_ENABLED else 1]
# The largest groups, so they come first, one to a worker: neither compiles what the other does.
DTYPES = [pytest.param(dtype, marks=pytest.mark.xdist_group(dtype.__name__)) for dtype in (np.float64, np.float32)]


def initial(covariance_type, n_features):
    generator = np.random.default_rng(1)
    precisions = {
        "full": np.array([np.eye(n_features) * value for value in (0.5, 1.0, 0.7)]),
        "tied": 0.6 * np.eye(n_features),
        "diag": generator.uniform(0.5, 1.5, size=(3, n_features)),
        "spherical": np.array([0.5, 1.0, 0.7]),
    }[covariance_type]
    return {
        "weights_init": np.array([0.3, 0.3, 0.4]),
        "means_init": 2.0 * generator.normal(size=(3, n_features)),
        "precisions_init": precisions,
    }


ATTRIBUTES = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "lower_bound_")


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("n_features", [1, 2, 3, 5])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.filterwarnings("ignore:Best performing initialization did not converge")
def test_parity(covariance_type, n_features, options, dtype):
    X = overlapping_rows(n_features).astype(dtype)
    arguments = {"covariance_type": covariance_type, **initial(covariance_type, n_features), **options}
    ours = GaussianMixture(3, **arguments).fit(X)
    # Its own float32 is further from its float64 than ours.
    theirs = ScikitGaussianMixture(3, **arguments)
    if not options.get("max_iter", 1):
        theirs.set_params(max_iter=1)
    theirs.fit(X.astype(np.float64))
    if options.get("max_iter", 1):
        tolerance = {"rtol": 1e-8, "atol": 1e-8} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-4}
        for name in ATTRIBUTES:
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), err_msg=name, **tolerance)
        assert (ours.n_iter_, ours.converged_) == (theirs.n_iter_, theirs.converged_)
        # Single precision is held to 1e-5 all the way; at the end it is far better.
        np.testing.assert_allclose(
            ours.lower_bounds_, theirs.lower_bounds_, rtol=1e-8 if dtype == np.float64 else 1e-5
        )
        if dtype == np.float64:
            np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
            np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-8)
            np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-8)
            for method in ("score", "bic", "aic"):
                assert getattr(ours, method)(X) == pytest.approx(getattr(theirs, method)(X), rel=1e-9)
    for name in ATTRIBUTES[:-1]:
        assert getattr(ours, name).shape == getattr(theirs, name).shape
        assert getattr(ours, name).dtype == dtype
    assert ours.n_features_in_ == theirs.n_features_in_


def test_every_constructor_argument_and_default_is_theirs():
    ours = GaussianMixture().get_params()
    assert ours.pop("n_threads") is ours.pop("short_iter") is None
    assert ours.pop("acceleration") == "none"
    assert ours.pop("missing") == "error"
    assert ours == ScikitGaussianMixture().get_params()


@pytest.mark.compiled
@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.filterwarnings("ignore:Best performing initialization did not converge")
def test_a_default_fit_is_not_worse_over_ten_seeds(covariance_type):
    X = overlapping_rows(4, 3000)
    ours, theirs = (
        np.median([kind(3, covariance_type=covariance_type, random_state=seed).fit(X).score(X) for seed in range(10)])
        for kind in (GaussianMixture, ScikitGaussianMixture)
    )
    assert ours > theirs - 1e-3


@pytest.mark.compiled
def test_clone_pipeline_grid_search_and_pickle():
    X = overlapping_rows()
    model = GaussianMixture(2, random_state=0, tol=1e-2)
    assert clone(model).get_params() == model.get_params()
    pipeline = make_pipeline(StandardScaler(), model).fit(X)
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict(X), pipeline.predict(X))
    search = GridSearchCV(model, {"n_components": [1, 3]}, cv=3).fit(X)
    assert search.best_params_ == {"n_components": 3}


@pytest.mark.compiled
def test_a_model_with_more_threads_than_there_are_is_of_use(tmp_path):
    """A worker of joblib has one: each fit of a grid search failed, and no pickled model could predict."""
    X = overlapping_rows()
    model = GaussianMixture(2, random_state=0, n_threads=2).fit(X)
    np.save(tmp_path / "X.npy", X)
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model))
    program = f"""
import numpy as np, pickle, pathlib
from sklearn.model_selection import GridSearchCV
X = np.load({str(tmp_path / "X.npy")!r})
model = pickle.loads(pathlib.Path({str(tmp_path / "model.pickle")!r}).read_bytes())
np.save({str(tmp_path / "labels.npy")!r}, model.predict(X))
print(GridSearchCV(model, {{"n_components": [1, 3]}}, cv=2, error_score="raise").fit(X).best_params_)
"""
    assert run(program, NUMBA_NUM_THREADS="1") == "{'n_components': 3}\n"
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), model.predict(X))


class Extended(GaussianMixture):
    """A constructor with an argument of its own, and everything of the class that it extends."""

    def __init__(self, n_components=3, *, flavour="plain", **options):
        super().__init__(n_components, **options)
        self.flavour = flavour


class Narrow(GaussianMixture):
    """A constructor that names what it takes."""

    def __init__(self, n_components=1, flavour="plain"):
        super().__init__(n_components, random_state=0)
        self.flavour = flavour


class Renamed(Extended):
    """No constructor of its own."""


@pytest.mark.parametrize("kind", [Extended, Narrow, Renamed])
def test_subclasses(kind):
    X = overlapping_rows()
    model = kind(2, flavour="hot")
    if kind is Narrow:
        assert model.get_params() == {"n_components": 2, "flavour": "hot"}
    else:
        model.set_params(random_state=0)
        assert set(model.get_params()) == {*GaussianMixture().get_params(), "flavour"}
        assert kind().n_components == 3
    again = clone(model)
    assert (type(again), again.get_params()) == (kind, model.get_params())
    np.testing.assert_array_equal(model.fit(X).predict(X), GaussianMixture(2, random_state=0).fit(X).predict(X))
    shown = f"{kind.__name__}(n_components=2, {'' if kind is Narrow else 'random_state=0, '}flavour='hot')"
    assert repr(model) == repr(pickle.loads(pickle.dumps(model))) == shown
    assert GridSearchCV(model, {"flavour": ["a", "b"]}, cv=2).fit(X).best_params_["flavour"] == "a"
    with pytest.raises(ValueError, match=rf"'taste' is not a parameter of {kind.__name__}; known: .*flavour"):
        model.set_params(taste=1)
    with pytest.raises(ValueError, match=f"'n_components' parameter of {kind.__name__} must be an int"):
        kind(0).fit(X)


def test_repr_shows_what_is_not_the_default():
    assert repr(GaussianMixture(tol=float("0.001"))) == "GaussianMixture()"
    assert repr(GaussianMixture(2, means_init=[[0.0], [1.0]])) == (
        "GaussianMixture(n_components=2, means_init=[[0.0], [1.0]])"
    )


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_a_model_is_made_of_three_attributes(covariance_type):
    """The recipe of scikit-learn's users, whose factor is often a lower one."""
    X = overlapping_rows()
    fitted = ScikitGaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(X)
    for lower in (False, True):
        factors = fitted.precisions_cholesky_
        if lower and factors.ndim > 1 and covariance_type != "diag":
            factors = np.linalg.cholesky(fitted.precisions_)
        # From nothing, and over what a fit has left.
        for model in (GaussianMixture(3, covariance_type=covariance_type, random_state=0) for _ in range(2)):
            if lower:
                model.fit(X[:50])
            model.weights_, model.means_, model.precisions_cholesky_ = fitted.weights_, fitted.means_, factors
            np.testing.assert_array_equal(model.predict(X), fitted.predict(X))
            np.testing.assert_allclose(model.score_samples(X), fitted.score_samples(X), rtol=1e-9)
            assert model.bic(X) == pytest.approx(fitted.bic(X), rel=1e-10)
            assert model._n_parameters() == fitted._n_parameters()
            assert model.sample(5)[0].shape == (5, 3)
            assert_same_bits(Mixture.from_sklearn(model), model._mixture())


def test_an_edited_factor_counts_and_an_edited_covariance():
    X = overlapping_rows()
    model = GaussianMixture(3, random_state=0).fit(X)
    before = model.score(X)
    again = pickle.loads(pickle.dumps(model))
    assert again.score(X) == before
    again.precisions_cholesky_[:] *= 0.5
    theirs = ScikitGaussianMixture(3)
    for name in ("weights_", "means_", "precisions_cholesky_"):
        setattr(theirs, name, getattr(again, name))
    assert again.score(X) == pytest.approx(theirs.score(X), rel=1e-10)
    model.covariances_ = 4.0 * model.covariances_
    assert model.score(X) == pytest.approx(theirs.score(X), rel=1e-10)


def test_a_mixture_is_what_was_fitted_whatever_is_fitted_next():
    ours = GaussianMixture(3, random_state=0).fit(overlapping_rows())
    parameters = Mixture.from_sklearn(ours)
    for other in ("EEV", "diag"):
        assert_same_bits(Mixture.from_sklearn(ours.set_params(covariance_type=other)), parameters)


def test_attributes_that_are_not_enough_or_no_mixture():
    X = overlapping_rows()
    model = GaussianMixture(1)
    model.weights_, model.means_ = np.ones(1), np.zeros((1, 3))
    with pytest.raises(NotFittedError):
        model.predict(X)
    for factor, message in (
        (np.zeros((1, 3, 3)), "must be square matrices that have inverses"),
        (np.zeros((1, 3, 2)), "must be square matrices that have inverses"),
        (np.full((1, 3, 3), np.nan), "precisions_cholesky_ must be finite"),
        (np.eye(3), "covariances of type 'full' must be of shape"),
    ):
        model.precisions_cholesky_ = factor
        with pytest.raises(ValueError, match=message):
            model.predict(X)
    model.set_params(covariance_type="diag").precisions_cholesky_ = np.zeros((1, 3))
    with pytest.raises(ValueError, match="covariances must be finite"):
        model.predict(X)


def test_metadata_routing_of_weights():
    import sklearn

    X = overlapping_rows()
    weights = np.random.default_rng(0).random(len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        model = GaussianMixture(1).set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        pipeline = make_pipeline(StandardScaler(), clone(model))
        pipeline[0].set_fit_request(sample_weight=False)
        pipeline.fit(X, sample_weight=weights)
        expected = GaussianMixture(1).fit(StandardScaler().fit_transform(X), sample_weight=weights)
    np.testing.assert_allclose(pipeline[-1].means_, expected.means_)


def test_tables_and_their_names():
    pandas = pytest.importorskip("pandas")
    X = overlapping_rows()
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    model = GaussianMixture(2, random_state=0).fit(frame)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(model.predict(frame), GaussianMixture(2, random_state=0).fit(X).predict(X))
    with pytest.warns(UserWarning, match="X does not have valid feature names, but GaussianMixture was fitted with"):
        model.predict(X)
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(frame[["b", "a", "c"]])
    assert not hasattr(model.fit(X), "feature_names_in_")
    with pytest.warns(UserWarning, match="X has feature names, but GaussianMixture was fitted without"):
        model.predict(frame)


def test_a_failed_fit_leaves_the_estimator_as_it_was():
    X = overlapping_rows()
    model = GaussianMixture(2, random_state=0).fit(X)
    before = pickle.dumps(vars(model))
    for bad in (np.full((5, 3), np.nan), X[:1], X[:, 0]):
        with pytest.raises(ValueError, match=r"Input X|Found array|Expected 2D"):
            model.fit(bad)
    with pytest.raises(ValueError, match="ill-defined empirical covariance"):
        model.set_params(reg_covar=0).fit(np.zeros((9, 3)))
    model.set_params(reg_covar=1e-6)
    assert pickle.dumps(vars(model)) == before


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_conversion_both_ways(covariance_type):
    X = overlapping_rows()
    ours = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(X)
    parameters = Mixture.from_sklearn(ours)
    theirs = parameters.to_sklearn()
    assert isinstance(theirs, ScikitGaussianMixture)
    np.testing.assert_allclose(theirs.score_samples(X), ours.score_samples(X), rtol=1e-9)
    assert_same_bits(Mixture.from_sklearn(theirs), parameters)
    with pytest.raises(TypeError, match=r"must be a fitted mixture .* got GaussianMixture without weights_"):
        Mixture.from_sklearn(ScikitGaussianMixture())


WITHOUT = """
import sys
sys.modules["sklearn"] = None
import numpy as np, pytest, warnings
from fastgmm import GaussianMixture
X = np.random.default_rng(0).normal(size=(50, 2))
with pytest.raises(ValueError, match="not fitted yet") as caught:
    GaussianMixture().predict(X)
assert isinstance(caught.value, AttributeError)
with pytest.raises(TypeError, match="must be an int in the range"):
    GaussianMixture(0).fit(X)
with pytest.warns(UserWarning, match="did not converge"):
    GaussianMixture(2, max_iter=1, random_state=0).fit(X)
print(GaussianMixture(2).fit(X).predict(X).shape)
"""


@pytest.mark.compiled
def test_it_works_without_scikit_learn_and_does_not_import_it():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert done.stdout == "(50,)\n", done.stderr
    program = (
        "import sys, numpy, fastgmm\n"
        "X = numpy.random.default_rng(0).normal(size=(50, 2))\n"
        "fastgmm.GaussianMixture(2).fit(X).predict(X)\n"
        "print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_not_fitted_and_not_converged_are_their_classes():
    X = overlapping_rows()
    with pytest.raises(NotFittedError):
        GaussianMixture().predict(X)
    with pytest.warns(ConvergenceWarning):
        GaussianMixture(3, max_iter=1, random_state=0).fit(X)
