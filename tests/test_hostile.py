"""Whatever is passed in, and from wherever: a result that satisfies the invariants or a documented exception."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import hypothesis
import numba
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

import fastgmm
from fastgmm import GaussianMixture, Mixture
from fastgmm._numba.options import JIT_ENABLED

STRUCTURES = ("full", "tied", "diag", "spherical")
EXAMPLES = int(os.environ.get("FASTGMM_EXAMPLES", "150")) if JIT_ENABLED else 25

# Ties, scales far apart, and now and then what no row may hold.
ROWS = st_numpy.arrays(
    st.sampled_from([np.float64, np.float32]),
    st.tuples(st.integers(1, 40), st.integers(1, 6)),
    elements=st.one_of(st.floats(-10.0, 10.0, width=32), st.sampled_from([0.0, 1.0, 1e-30, 1e8, 1e30])),
    fill=st.sampled_from([0.0, 1.0, 3.0, float("nan"), 3e38]),
)


def layouts(X):
    """Return the same rows in C order, Fortran order, strided, read-only and unaligned."""
    read_only = X.copy()
    read_only.flags.writeable = False
    raw = np.zeros(X.nbytes + 1, np.uint8)
    unaligned = raw[1:].view(X.dtype).reshape(X.shape)
    unaligned[...] = X
    return [X, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], read_only, unaligned]


def check_invariants(result):
    """Check what holds for every mixture that a fit returns."""
    parameters = result.mixture
    assert parameters.weights.sum() == pytest.approx(1.0, abs=1e-5)
    assert (parameters.weights >= 0.0).all()
    assert np.isfinite(parameters.means).all()
    full = parameters.full_covariances()
    assert np.isfinite(full).all()
    np.testing.assert_allclose(full, np.swapaxes(full, 1, 2), rtol=1e-6)
    assert np.isfinite(result.log_likelihood)
    assert np.isfinite(result.trace).all()


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    X=ROWS,
    n_components=st.integers(1, 5),
    covariance_type=st.sampled_from(STRUCTURES),
    init=st.sampled_from(["kmeans", "k-means++", "random", "random_from_data", "tree"]),
    reg_covar=st.sampled_from(["auto", 0.0, 1e-6, 1.0]),
    layout=st.integers(0, 4),
    weighted=st.booleans(),
    max_iter=st.integers(0, 5),
)
def test_any_rows(X, n_components, covariance_type, init, reg_covar, layout, weighted, max_iter):
    weights = np.arange(len(X), dtype=float) if weighted else None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            result = fastgmm.fit(
                layouts(X)[layout],
                n_components,
                covariance_type=covariance_type,
                init=init,
                reg_covar=reg_covar,
                max_iter=max_iter,
                random_state=0,
                sample_weight=weights,
            )
        except ValueError:
            return
    check_invariants(result)


ARGUMENTS = [
    *("X", "n_components", "covariance_type", "init", "tol", "stopping", "reg_covar", "max_iter", "n_init"),
    *("random_state", "n_threads", "sample_weight", "acceleration"),
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([10**20, 10**400, -(10**5000)]),
    st.floats(),
    st.text(max_size=4),
    st.lists(st.floats(), max_size=4),
    st_numpy.arrays(np.float64, st_numpy.array_shapes(max_dims=3, max_side=4)),
    st.builds(object),
)


def is_endless(n_init):
    """So many restarts are allowed, and take for ever."""
    return isinstance(n_init, int) and n_init > 100


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    name=st.sampled_from(ARGUMENTS),
    value=ODD,
)
def test_any_argument(name, value):
    hypothesis.assume(name != "n_init" or not is_endless(value))
    X = np.random.default_rng(0).normal(size=(20, 2))
    arguments = {"X": X, "n_components": 2, "max_iter": 3} | {name: value}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = fastgmm.fit(**arguments)
        except (TypeError, ValueError, FileNotFoundError):  # a text is the name of a file
            return
    check_invariants(result)


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    name=st.sampled_from(["X", "sample_weight", *GaussianMixture().get_params()]),
    value=ODD,
)
def test_any_argument_of_the_estimator(name, value):
    hypothesis.assume(name != "n_init" or not is_endless(value))
    X = np.random.default_rng(0).normal(size=(20, 2))
    arguments = {"n_components": 2, "max_iter": 3} | ({} if name in ("X", "sample_weight") else {name: value})
    model = GaussianMixture(**arguments)
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        try:
            model.fit(value if name == "X" else X, sample_weight=value if name == "sample_weight" else None)
        except (TypeError, ValueError, FileNotFoundError):  # a text is the name of a file
            return
    assert model.weights_.sum() == pytest.approx(1.0, abs=1e-5)
    repr(model)


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    name=st.sampled_from(["n_components", "covariance_types", "criterion", "init", "random_state", "sample_weight"]),
    value=st.one_of(ODD, st.lists(ODD, max_size=2)),
)
def test_any_argument_of_a_selection(name, value):
    X = np.random.default_rng(0).normal(size=(20, 2))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            selection = fastgmm.select(**{"X": X, "n_components": 2, "max_iter": 3} | {name: value})
        except (TypeError, ValueError):
            return
    check_invariants(selection.best)


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(weights=ODD, means=ODD, covariances=ODD, covariance_type=st.sampled_from(STRUCTURES))
def test_any_parameters(weights, means, covariances, covariance_type):
    X = np.zeros((3, 2))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            density = Mixture(weights, means, covariances, covariance_type).log_density(X)
        except (TypeError, ValueError):
            return
    assert density.shape == (3,)


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    X=st_numpy.arrays(np.float64, (12, 2), elements=st.integers(-40, 40).map(lambda n: n / 8.0)),
    covariance_type=st.sampled_from(STRUCTURES),
)
def test_the_likelihood_never_falls(X, covariance_type):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            result = fastgmm.fit(
                X, 2, covariance_type=covariance_type, reg_covar=0.0, tol=0.0, max_iter=8, random_state=0
            )
        except ValueError:
            return  # collapsed
    if np.linalg.eigvalsh(result.mixture.full_covariances()).min() < 1e-6:
        return  # about to collapse: the likelihood is unbounded, and rounding decides
    climbs = np.diff(result.trace)
    assert (climbs >= -1e-7 * np.maximum(1.0, np.abs(result.trace[1:]))).all()


def rows(n_samples=30_000, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n_samples, 3)) + 5.0 * generator.integers(2, size=(n_samples, 1))


@pytest.mark.compiled
def test_eight_threads_fit_at_once():
    def fit(seed):
        return fastgmm.fit(rows(seed=seed), 2, random_state=0).mixture.means

    before = numba.get_num_threads()
    expected = [fit(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for got, wanted in zip(pool.map(fit, range(8)), expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
    assert numba.get_num_threads() == before


def fitted_means(seed):
    return fastgmm.fit(rows(seed=seed), 2, random_state=0).mixture.means


@pytest.mark.compiled
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_children_fit_too(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    expected = fitted_means(1)
    with multiprocessing.get_context(method).Pool(2) as pool:
        for got in pool.map(fitted_means, [1, 1], chunksize=1):
            np.testing.assert_array_equal(got, expected)


INTERRUPTED = textwrap.dedent(
    """
    import signal, sys, threading, numba, numpy as np, os
    from fastgmm import GaussianMixture
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may have it ignored
    X = np.random.default_rng(0).normal(size=(400_000, 4))
    model = GaussianMixture(3, max_iter=2, tol=10.0).fit(X[:1000])
    GaussianMixture(3, max_iter=2, tol=10.0).fit(X)  # compiled before the clock starts
    means, threads = model.means_.copy(), numba.get_num_threads()
    model.set_params(max_iter=10**6, tol=0.0, n_threads=1)
    threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        model.fit(X)
    except KeyboardInterrupt:
        assert (model.means_ == means).all() and model.predict(X).shape == (len(X),)
        assert numba.get_num_threads() == threads
        GaussianMixture(3, max_iter=2, tol=10.0).fit(X)
        print("interrupted")
    """
)


@pytest.mark.compiled
@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="signals of Unix")
def test_an_interrupted_fit_leaves_everything_usable():
    command = [sys.executable, "-W", "ignore", "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.stdout == "interrupted\n", done.stderr


def test_concurrent_estimators_share_nothing():
    X = rows(500 if JIT_ENABLED else 40)
    models = [GaussianMixture(2, random_state=seed) for seed in range(4)]
    threads = [threading.Thread(target=model.fit, args=(X,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, model in enumerate(models):
        np.testing.assert_array_equal(model.means_, GaussianMixture(2, random_state=seed).fit(X).means_)
