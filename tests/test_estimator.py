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
