"""The page about primitives runs, and what it fits is what `fastgmm.fit` fits."""

from pathlib import Path

import numpy as np
import pytest

import fastgmm
from fastgmm import primitives

PAGE = Path(__file__).parent.parent / "docs" / "primitives.md"


def test_the_page_runs_and_is_right():
    if not PAGE.exists():
        pytest.skip("the documents are not part of an installed package")
    code = PAGE.read_text().split("```python\n")[1].split("```")[0]
    namespace = {}
    exec(code, namespace)
    start = fastgmm.Mixture(np.full(2, 0.5), np.array([[0.0, 0.0], [3.0, 3.0]]), np.array([np.eye(2)] * 2))
    for i in (0, 19):
        expected = fastgmm.fit(namespace["problems"][i], 2, init=start, reg_covar=1e-6)
        assert namespace["log_likelihoods"][i] == pytest.approx(expected.log_likelihood, rel=1e-12)
        np.testing.assert_allclose(namespace["means"][i], expected.mixture.means, rtol=1e-9)


def test_log_density_and_documented_names():
    text = PAGE.read_text() if PAGE.exists() else ""
    for name in ("cholesky", "invert_lower", "exp_nonpositive", "allocate", "prepare", "log_density", "fit_small"):
        assert hasattr(primitives, name)
        assert not text or f"`{name}(" in text
    X = np.random.default_rng(0).normal(size=(300, 3))
    parameters = fastgmm.fit(X, 2, random_state=0).mixture
    model = primitives.allocate("full", 2, 3)
    assert primitives.prepare(model, parameters.weights, parameters.means, parameters.covariances) == -1
    out = np.empty(len(X))
    X.flags.writeable = False
    assert primitives.log_density(model, X, out)
    np.testing.assert_allclose(out, parameters.log_density(X), rtol=1e-13)


def test_sizes_that_do_not_agree_are_refused():
    """A trace shorter than `max_iter` was once written behind its end."""
    X = np.random.default_rng(0).normal(size=(30, 2))
    start = np.full(2, 0.5), X[:2].copy(), np.array([np.eye(2)] * 2)
    model = primitives.allocate("full", 2, 2)

    def fitted(x, weights, means, covariances, n_traced=5):
        return primitives.fit_small(model, x, weights, means, covariances, 1e-6, 0.0, 5, np.empty(n_traced))

    refused = primitives.UNSUITABLE, 0, -1, 0.0
    held = [array.copy() for array in start]
    assert fitted(X, *start, n_traced=4) == refused
    assert fitted(X[:0], *start) == refused
    assert fitted(np.zeros((30, 3)), *start) == refused
    assert fitted(X, np.full(3, 1 / 3), *start[1:]) == refused
    assert fitted(X, start[0], start[1], start[2][:1]) == refused
    for array, before in zip(start, held, strict=True):
        np.testing.assert_array_equal(array, before)
    assert fitted(X, *start)[0] == primitives.MAX_ITER

    assert primitives.prepare(model, start[0], np.zeros((2, 3)), start[2]) == -2
    assert primitives.prepare(model, *start) == -1
    out = np.full(29, 7.0)
    assert not primitives.log_density(model, X, out)
    assert not primitives.log_density(model, np.zeros((29, 3)), out)
    np.testing.assert_array_equal(out, 7.0)
