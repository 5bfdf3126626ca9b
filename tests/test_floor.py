"""The default regulariser: a floor under covariances that healthy fits never meet, with an exact M step."""

import dataclasses
import warnings

import numpy as np
import pytest
from conftest import assert_same_bits, make_problem

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.outcome import Interrupted
from fastgmm.kernels.primitives.jacobi import CONVERGED, UNFINISHED, diagonalise, orthogonalise_rows
from fastgmm.kernels.work import NARROW
from fastgmm.model.regulariser import Regulariser
from fastgmm.rows.launch import floor as raising

STRUCTURES = ("full", "tied", "diag", "spherical")
ROWS = 300 if JIT_ENABLED else 60


def two_clusters(distance, deviations=(1.0, 1.0), n_features=2):
    generator = np.random.default_rng(0)
    first = generator.normal(size=(ROWS, n_features)) * deviations[0]
    return np.concatenate([first, distance + generator.normal(size=(ROWS, n_features)) * deviations[1]])


HEALTHY = {
    "1000 apart": two_clusters(1e3),
    "1500 apart": two_clusters(1.5e3),
    "1e5 apart": two_clusters(1e5),
    "as in a flow cytometer": two_clusters(1e5, (30.0, 1e4)),
    "correlated, 1e5 apart": two_clusters(1e5) @ np.array([[1.0, 0.9], [0.0, np.sqrt(1.0 - 0.9**2)]]),
}


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_held_up_where_nothing_degenerates(name, dtype, covariance_type):
    """The default is then the fit without a regulariser, to the bit, and says nothing."""
    X = HEALTHY[name].astype(dtype)
    options = {"covariance_type": covariance_type, "random_state": 0, "max_iter": 5, "tol": 0.0}
    fitted, free = fastgmm.fit(X, 2, **options), fastgmm.fit(X, 2, reg_covar=0.0, **options)
    assert_same_bits(fitted.mixture, free.mixture)
    assert fitted.degenerate_components == ()
    if covariance_type == "full":
        labels = np.arange(len(X)) >= ROWS
        for cluster in (X[labels], X[~labels]):
            deviations = np.sqrt(np.diagonal(fitted.mixture.covariances, axis1=1, axis2=2))
            assert np.isclose(deviations, cluster.astype(np.float64).std(axis=0), rtol=1e-2).all(axis=1).any()


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize(("n_equal", "value"), [(1, 1e6), (ROWS // 20, 9999.0)], ids=["outlier", "sentinel"])
def test_rows_far_away_bend_no_variance(n_equal, value, covariance_type):
    X = np.random.default_rng(0).normal(size=(2 * ROWS, 2))
    X[:n_equal] = value
    with pytest.warns(RuntimeWarning, match="component . has no spread at all; only the floor"):
        result = fastgmm.fit(X, 2, covariance_type=covariance_type, random_state=0)
    (held_up,) = result.degenerate_components
    healthy = result.mixture.full_covariances()[1 - held_up]
    np.testing.assert_allclose(np.sqrt(np.diagonal(healthy)), X[n_equal:].std(axis=0), rtol=1e-9)


def floored(moments, floor):
    """The maximum of the expected log-likelihood with Sigma - diag(floor) positive semidefinite."""
    roots = np.sqrt(floor)
    values, vectors = np.linalg.eigh(moments / np.outer(roots, roots))
    return np.outer(roots, roots) * (vectors * np.maximum(values, 1.0) @ vectors.T)


@pytest.mark.parametrize("n_features", [1, 2, 3, 5, 33, pytest.param(257, marks=pytest.mark.compiled)])
@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_the_m_step_is_exact(covariance_type, n_features):
    generator = np.random.default_rng(n_features)
    # Three components: one wide, one flat in directions of its own, one on a single point.
    flat = (
        generator.normal(size=(40, max(1, n_features // 2)))
        @ generator.normal(size=(n_features, n_features))[: max(1, n_features // 2)]
    )
    X = np.concatenate(
        [generator.normal(size=(n_features + 40, n_features)), 5.0 + flat, np.full((9, n_features), 9.0)]
    )
    labels = np.repeat([0, 1, 2], [n_features + 40, 40, 9])
    floor = 10.0 ** generator.uniform(-3, -1, size=n_features)
    fitted = fastgmm.fit(X, 3, covariance_type=covariance_type, init=labels, max_iter=0, reg_covar=1.0).mixture
    start = fastgmm.Mixture(fitted.weights, fitted.means, fitted.covariances, covariance_type)
    statistics = fastgmm.accumulate(X, start)
    raised = fastgmm.maximize(statistics, reg_covar=Regulariser(np.zeros(n_features), floor))
    free = fastgmm.maximize(statistics, reg_covar=1e-9)
    moments = free.full_covariances() - 1e-9 * np.eye(n_features)
    if covariance_type in ("full", "tied"):
        expected = np.array([floored(each, floor) for each in moments])
    else:
        least = floor if covariance_type == "diag" else np.full(n_features, floor.mean())
        expected = np.array([np.diag(np.maximum(np.diagonal(each), least)) for each in moments])
    np.testing.assert_array_equal(raised.means, free.means)
    np.testing.assert_allclose(raised.full_covariances(), expected, rtol=1e-9, atol=1e-11)


def degenerate_rows(n_features, seed=0):
    """A cloud, rows in a hyperplane and a row repeated."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(40, n_features))
    X[:15, -1] = X[:15, :-1].sum(axis=1)
    X[-5:] = X[-1]
    return X


@pytest.mark.parametrize("n_features", [2, 3, 5])
@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_the_likelihood_rises_although_components_are_held_up(covariance_type, n_features):
    n_held_up = 0
    for seed in range(4 if JIT_ENABLED else 1):
        X = degenerate_rows(n_features, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = fastgmm.fit(
                X, 4, covariance_type=covariance_type, init="random", random_state=seed, tol=0.0, max_iter=40
            )
        n_held_up += len(result.degenerate_components)
        # A covariance at its floor in a direction between the features is stored to 1e-16 of its largest entry, which
        # is 1e-4 of the floor: that much of a nat its log-density may go up and down.
        matrices = covariance_type in ("full", "tied")
        assert np.diff(result.trace).min() >= (-1e-4 if matrices else -1e-13) * abs(result.trace[-1])
    assert n_held_up or covariance_type in ("tied", "spherical") or not JIT_ENABLED


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_every_way_to_run_raises_alike(covariance_type):
    X = degenerate_rows(2)
    seen = []
    options = {"covariance_type": covariance_type, "init": np.repeat([0, 1], [35, 5]), "max_iter": 4, "tol": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = fastgmm.fit(X, 2, **options)
        watched = fastgmm.fit(X, 2, callback=lambda state: seen.append(state.parameters), **options)
        shifted = fastgmm.fit(X * 2.0**-30, 2, **options)
    assert_same_bits(whole.mixture, watched.mixture)
    np.testing.assert_array_equal(whole.trace, watched.trace)
    np.testing.assert_array_equal(shifted.mixture.covariances, whole.mixture.covariances * 2.0**-60)
    # A callback never sees a covariance below the floor: each can be used.
    for parameters in seen:
        assert np.isfinite(fastgmm.Mixture(*parameters).log_density(X)).all()


def test_a_restart_that_holds_nothing_up_is_preferred():
    # From the repeated row a component ends on it, far higher than any fit of the cloud.
    X = np.concatenate([np.random.default_rng(0).normal(size=(ROWS, 2)), np.full((30, 2), 1.0)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        singles = [fastgmm.fit(X, 3, init="random_from_data", random_state=seed, max_iter=20) for seed in range(8)]
    held_up = [bool(result.degenerate_components) for result in singles]
    assert len(caught) == sum(held_up) > 0
    generator = np.random.default_rng(1)
    best = fastgmm.fit(X, 3, init="random_from_data", random_state=generator, n_init=8, max_iter=20)
    assert best.degenerate_components == ()
    assert best.n_passed_over > 0


def test_a_direction_is_described():
    generator = np.random.default_rng(0)
    rows = np.concatenate(
        [generator.normal(size=(ROWS, 2)), 10.0 + np.outer(generator.normal(size=ROWS), [1.0, 1.0])]
    )
    labels = np.repeat([0, 1], ROWS)
    with pytest.warns(RuntimeWarning, match="component 1 has no spread along 0.7. x0 - 0.7. x1; only the floor"):
        result = fastgmm.fit(rows, 2, init=labels, max_iter=2)
    assert result.degenerate_components == (1,)
    rows[ROWS:, 1] = 3.0
    with pytest.warns(RuntimeWarning, match="component 1 has no spread in x1; only the floor"):
        result = fastgmm.fit(rows, 2, init=labels, max_iter=2)
    assert "no spread in x1" in result.degeneracy
    wide = np.concatenate([generator.normal(size=(30, 33)), np.zeros((4, 33))])
    with pytest.warns(RuntimeWarning, match="has no spread in 26 directions of x0, .*, x5 and 27 more"):
        fastgmm.fit(wide[:8], 1)


def test_statistics_tell_no_floor_but_take_that_of_a_fit():
    X, _ = make_problem(100, 2, 2)
    result = fastgmm.fit(X, 2, random_state=0)
    statistics = fastgmm.accumulate(X, result.mixture)
    assert_same_bits(
        fastgmm.maximize(statistics, reg_covar=result.regulariser),
        fastgmm.maximize(statistics, reg_covar=0.0),
    )
    with pytest.raises(ValueError, match="a number or the regulariser of a FitResult here, got 'auto'"):
        fastgmm.maximize(statistics, reg_covar="auto")
    for wrong in (np.ones(3), np.array([1.0, -1.0]), np.array([np.nan, 1.0]), np.array([1.0, 0.0])):
        with pytest.raises(ValueError, match=r"reg_covar\.floor must be"):
            fastgmm.maximize(statistics, reg_covar=Regulariser(np.zeros(2), wrong))


@pytest.mark.parametrize("n", [1, 2, 3, 8, 33])
def test_rotations_find_the_eigenvectors(n):
    generator = np.random.default_rng(n)
    vectors = np.linalg.qr(generator.normal(size=(n, n)))[0]
    values = 10.0 ** np.linspace(12, 1, n)
    matrix = vectors * values @ vectors.T
    rows, place = (matrix + matrix.T) / 2.0, np.zeros(3, np.int64)
    expected = rows.copy()
    while (status := orthogonalise_rows(rows, 1.0, place, 2)) == UNFINISHED:
        pass
    assert status == CONVERGED
    lengths = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(np.sort(lengths)[::-1], values, rtol=1e-4)
    unit = rows / lengths[:, np.newaxis]
    np.testing.assert_allclose(unit @ unit.T, np.eye(n), atol=1e-11)
    np.testing.assert_allclose(unit.T * lengths @ unit, expected, atol=1e-3)


@pytest.mark.parametrize(("n", "rank"), [(1, 1), (3, 3), (8, 5), (33, 33), (33, 0)])
def test_axes_of_graded_and_of_singular_matrices_are_found(n, rank):
    generator = np.random.default_rng(n)
    units = 2.0 ** np.arange(0, -3 * n, -3.0)[generator.permutation(n)]
    factor = generator.normal(size=(n, rank)) * 0.1 + np.eye(n, rank)
    matrix = factor @ factor.T * units * units[:, np.newaxis]
    axes, left = np.empty((n, n)), matrix.copy()
    diagonalise(left, axes)
    values = np.diagonal(left)
    assert (np.diff(values) <= 0.0).all()
    assert np.count_nonzero(values) >= rank
    np.testing.assert_allclose(axes @ axes.T, np.eye(n), atol=1e-12)
    np.testing.assert_allclose(axes.T * values @ axes / units / units[:, np.newaxis], factor @ factor.T, atol=1e-11)


@pytest.mark.parametrize("n", [3, 8, 33])
def test_axes_of_a_matrix_indefinite_by_rounding_are_near_those_of_it(n):
    for seed in range(40 if JIT_ENABLED else 2):
        generator = np.random.default_rng(seed)
        direction, noise = generator.normal(size=n), 1e-7 * generator.normal(size=(n, n))
        matrix = np.outer(direction, direction) + noise + noise.T
        axes, left = np.empty((n, n)), matrix.copy()
        diagonalise(left, axes)
        values = np.diagonal(left)
        expected = np.linalg.eigvalsh(matrix)[::-1]
        np.testing.assert_allclose(values, np.maximum(expected, 0.0), rtol=1e-6, atol=1e-6 * n)
        np.testing.assert_allclose(axes @ axes.T, np.eye(n), atol=1e-12)


@pytest.mark.parametrize(("dtype", "far"), [(np.float32, 7.0), (np.float64, 500.0)])
def test_moments_with_negative_eigenvalues_are_raised_too(dtype, far):
    """A start far from rows in a plane leaves second moments that are indefinite by rounding."""
    for seed in range(5 if JIT_ENABLED else 1):
        Z = np.random.default_rng(seed).normal(size=(400 if JIT_ENABLED else 60, 2))
        X = np.column_stack([Z, Z.sum(axis=1)]).astype(dtype)
        start = fastgmm.Mixture([1.0], [np.full(3, far)], [np.eye(3) * far**2])
        with pytest.warns(fastgmm.FitWarning, match="component 0 has no spread"):
            fitted = fastgmm.fit(X, 1, init=start).mixture
        values = np.linalg.eigvalsh(fitted.covariances[0])
        expected = np.linalg.eigvalsh(np.cov(X.T.astype(np.float64), bias=True))
        assert values[0] > 0.0
        np.testing.assert_allclose(values[1:], expected[1:], rtol=1e-5)


def test_an_indefinite_matrix_is_raised_by_its_signed_eigenvalues():
    statistics = fastgmm.accumulate(np.eye(3), fastgmm.Mixture([1.0], [np.zeros(3)], [np.eye(3)]))
    second = np.array([[[3.0, 9.0, 0.0], [9.0, 3.0, 0.0], [0.0, 0.0, 3e-9]]])  # of eigenvalues 12, -6 and 3e-9
    statistics = dataclasses.replace(statistics, first_moments=np.zeros((1, 3)), second_moments=second)
    floor = np.full(3, 1e-3)
    raised = fastgmm.maximize(statistics, reg_covar=Regulariser(np.zeros(3), floor)).covariances[0]
    np.testing.assert_allclose(raised, floored(second[0] / 3.0, floor), rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match="second_moments of variances must not be negative"):
        fastgmm.maximize(dataclasses.replace(statistics, second_moments=-second))


@pytest.mark.compiled
def test_an_interrupt_while_a_matrix_is_raised_mixes_up_nothing(monkeypatch):
    """Large matrices are raised in slices; the parameters that are handed out begin anew."""
    generator = np.random.default_rng(0)
    d = 260
    X = np.concatenate([generator.normal(size=(d - 20, d)), 3.0 * generator.normal(size=(d - 20, d))])
    options = {"init": np.repeat([0, 1], d - 20), "max_iter": 1, "tol": 0.0}
    with pytest.warns(fastgmm.FitWarning, match="no spread in"):
        expected = fastgmm.fit(X, 2, **options).mixture
    original, calls = raising.launched, []

    def interrupting(*arguments):
        code = original(*arguments)
        calls.append(code)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return code

    monkeypatch.setattr(raising, "launched", interrupting)
    with pytest.raises(Interrupted) as interrupt:
        fastgmm.fit(X, 2, **options)
    assert NARROW in calls[:3]
    reached = interrupt.value.outcome.parameters
    wide = reached.covariances[:, range(d), range(d)].mean(axis=1)
    np.testing.assert_allclose(wide, expected.covariances[:, range(d), range(d)].mean(axis=1), rtol=0.2)


def test_what_is_said_is_true():
    X = np.random.default_rng(0).normal(size=(ROWS, 2))
    start = ([0.4, 0.3, 0.3], [[0, 0], [1e4, 0], [0, 1e4]])
    for covariances, name in ((np.eye(2), "tied"), ([np.eye(2)] * 3, "full"), (np.ones(3), "spherical")):
        with pytest.warns(fastgmm.FitWarning, match="^components 1 and 2 have lost all rows$"):
            fastgmm.fit(X, 3, covariance_type=name, init=fastgmm.Mixture(*start, covariances, name))
    with pytest.warns(fastgmm.FitWarning, match="component 0 has half or more of the variance in x1 from reg_covar"):
        fastgmm.fit(X * [1.0, 1e-4], 1, reg_covar=1e-6)
    flat = fastgmm.Mixture([1.0], [[0.0, 0.0]], [np.diag([1.0, 1e-16])])
    with pytest.warns(fastgmm.FitWarning, match="component 0 has no spread in x1"):
        fastgmm.fit(X, 1, init=flat, max_iter=0)
    narrow = np.column_stack([X[:, 0], X[:, 0] + 3e-4 * X[:, 1]]).astype(np.float32)
    with pytest.warns(fastgmm.FitWarning, match="or the thousandth of its own that float32 resolves"):
        fastgmm.fit(narrow, 1)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e15])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_likelihoods_of_what_is_raised_are_those_of_its_parameters(dtype, scale, covariance_type):
    """Whichever column or component it is, and whatever the unit: a pass begins anew after covariances are raised."""
    X = np.random.default_rng(0).normal(size=(ROWS, 3)) * scale
    X[:, 0] = scale
    labels = np.repeat([0, 1], [5, ROWS - 5])
    X[labels == 0] = 2.0 * scale
    X = X.astype(dtype)
    totals = []
    for columns in ([0, 1, 2], [1, 2, 0]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fastgmm.FitWarning)
            result = fastgmm.fit(X[:, columns], 2, covariance_type=covariance_type, init=labels, max_iter=3, tol=0.0)
        densities = result.mixture.log_density(X[:, columns].astype(np.float64))
        within = {"rel": 1e-4, "abs": 1e-3 * len(X)} if dtype == np.float32 else {"rel": 1e-9, "abs": 1e-8 * len(X)}
        assert result.log_likelihood == pytest.approx(densities.sum(), **within)
        totals.append(result.log_likelihood)
    assert totals[0] == pytest.approx(totals[1], **within)


@pytest.mark.parametrize("shift", [0.0, 1e8, 1e12])
def test_far_from_zero_the_floor_is_what_rounding_leaves(shift):
    rows = np.random.default_rng(0).normal(size=(10, 16)) + shift
    with pytest.warns(fastgmm.FitWarning, match="no spread"):
        result = fastgmm.fit(rows, 2, init=np.arange(10) % 2, tol=0.0, max_iter=3)
    assert np.diff(result.trace).min() > -1.0
    # Each component has five rows for sixteen features.
    assert result.trace[-1] > 16.0
