"""Shared problems. The suite runs compiled, with ``NUMBA_DISABLE_JIT=1`` and with ``NUMBA_BOUNDSCHECK=1``."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastgmm
from fastgmm import Mixture
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.rows.array import ArraySource
from fastgmm.rows.launch.pieces import in_place
from fastgmm.rows.launch.work import UNWEIGHTED
from fastgmm.rows.start.k_means import KMeans

# Processes that tests start from other directories get the same copy of the package, and so what is in its compile
# cache: an installed copy beside it would be compiled from the beginning, which takes minutes.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, (str(Path(fastgmm.__file__).parent.parent), os.environ.get("PYTHONPATH")))
)
# Both cores are at work already.
os.environ["FASTGMM_COMPILERS"] = "1"


def run(program, **environment):
    """Return what a Python program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pytest_collection_modifyitems(items):
    if not JIT_ENABLED:
        for item in items:
            if item.get_closest_marker("compiled"):
                item.add_marker(pytest.mark.skip(reason="a property of compiled code; the JIT is off"))


def random_covariances(generator, n_components, n_features):
    """Well-conditioned symmetric positive definite matrices, (K, D, D)."""
    half = generator.normal(size=(n_components, n_features, n_features)) / np.sqrt(n_features)
    return half @ half.transpose(0, 2, 1) + 0.5 * np.eye(n_features)


def make_problem(n_samples, n_features, n_components, seed=0):
    """Rows drawn around overlapping components, and parameters near, but not at, the ones they came from."""
    generator = np.random.default_rng(seed)
    means = 2.0 * generator.normal(size=(n_components, n_features))
    X = means[generator.integers(n_components, size=n_samples)] + generator.normal(size=(n_samples, n_features))
    weights = generator.dirichlet(np.full(n_components, 5.0))
    start = Mixture(
        weights,
        means + 0.3 * generator.normal(size=means.shape),
        random_covariances(generator, n_components, n_features),
    )
    return X, start


def clouds(n_samples, n_features, n_clusters, spread, seed=0):
    """Rows (N, D) of clusters of unit scale around means of N(0, spread^2 I)."""
    generator = np.random.default_rng(seed)
    means = spread * generator.normal(size=(n_clusters, n_features))
    return means[generator.integers(n_clusters, size=n_samples)] + generator.normal(size=(n_samples, n_features))


def k_means_of(X, n_components, weights=UNWEIGHTED, n_threads=None):
    """k-means as a start does it, on all rows."""
    deviations = ArraySource(X, n_threads, weights).moments().deviations
    return KMeans(in_place(X), n_components, n_threads, weights, deviations)


def assert_same_parameters(a, b, rtol=1e-9, atol=1e-12):
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=rtol, atol=atol, err_msg=name)


def assert_same_bits(a, b):
    for name in ("weights", "means", "covariances"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
