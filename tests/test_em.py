"""The loop: invariants, scikit-learn's meaning of convergence, independent reference values, failures."""

import itertools
import pickle
import warnings

import numpy as np
import pytest
from conftest import assert_same_bits, assert_same_parameters, make_problem
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as SklearnMixture

import fastgmm
from fastgmm import Mixture, Status
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.data import load_example
from fastgmm.em import loop
from fastgmm.em.options import Options
from fastgmm.em.outcome import Interrupted
from fastgmm.kernels import passes
from fastgmm.kernels.work import BROKEN, WRONG_SCRATCH
from fastgmm.model.plan import plan_of
from fastgmm.model.regulariser import ridge
from fastgmm.model.rounds import state
from fastgmm.model.rounds.state import FINISHED, PHASE, STATUS
from fastgmm.rows.array import ArraySource
from fastgmm.rows.launch.work import check, tasks_of

GEYSER, _ = load_example("geyser")
LONG_WAIT = (GEYSER[:, 1] > 67).astype(int)
ROUNDS = 20_000 if JIT_ENABLED else 40


def fit_from_labels(X, labels, **options):
    n_components = int(labels.max()) + 1
    return fastgmm.fit(
        X, n_components, **{"init": labels, "tol": 1e-12, "reg_covar": 0.0, "max_iter": ROUNDS, **options}
    )


# R's mclust 6.0.0 at tolerance 1e-12: log-likelihood, weights, free parameters.
@pytest.mark.compiled
@pytest.mark.parametrize(
    ("X", "labels", "log_likelihood", "weights", "n_free"),
    [
        (GEYSER, LONG_WAIT, -1130.26396018, [0.355873, 0.644127], 11),
        (GEYSER[:, 1], LONG_WAIT, -1034.00174983, [0.360887, 0.639113], 5),
        (load_iris().data, (load_iris().target > 0).astype(int), -214.35470437, [0.333329, 0.666671], 29),
        (load_iris().data, load_iris().target, -180.18547713, [0.299193, 0.333333, 0.367473], 44),
    ],
    ids=["geyser", "geyser waiting", "iris 2", "iris 3"],
)
def test_reference_values(X, labels, log_likelihood, weights, n_free):
    result = fit_from_labels(X, labels)
    assert result.converged
    assert result.log_likelihood == pytest.approx(log_likelihood, abs=1e-6)
    np.testing.assert_allclose(np.sort(result.mixture.weights), weights, atol=2e-6)
    assert result.mixture.n_free == n_free
    bic = -2.0 * log_likelihood + n_free * np.log(len(X))
    assert result.mixture.bic(X) == pytest.approx(bic, abs=1e-5)


@pytest.mark.compiled
def test_reference_means_of_the_waiting_times():
    """mixtools stops at a change of 1e-8 in the log-likelihood, which leaves its means short by 3e-5."""
    parameters = fit_from_labels(GEYSER[:, 1], LONG_WAIT).mixture
    np.testing.assert_allclose(parameters.means.ravel(), [54.61489, 80.09109], atol=5e-5)
    np.testing.assert_allclose(np.sqrt(parameters.covariances.ravel()), [5.871241, 5.867718], atol=5e-5)


@pytest.mark.parametrize("n_features", [1, 2, 3, 5])
def test_likelihood_never_falls(n_features):
    X, start = make_problem(400 if JIT_ENABLED else 100, n_features, 3, seed=7)
    trace = fastgmm.fit(X, 3, init=start, reg_covar=0.0, tol=0.0, max_iter=30).trace
    assert len(trace) == 30
    assert (np.diff(trace) > -1e-12).all()
    assert trace[-1] > trace[0]


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_affine_equivariance(n_features):
    """With reg_covar=0, EM commutes with x -> A x + b; the log-likelihood shifts by -N log |det A|."""
    X, start = make_problem(150, n_features, 2)
    generator = np.random.default_rng(3)
    a = generator.normal(size=(n_features, n_features)) + 2.0 * np.eye(n_features)
    b = 10.0 * generator.normal(size=n_features)
    moved_start = Mixture(start.weights, start.means @ a.T + b, a @ start.covariances @ a.T)
    options = {"reg_covar": 0.0, "tol": 0.0, "max_iter": 8}
    plain = fastgmm.fit(X, 2, init=start, **options)
    moved = fastgmm.fit(X @ a.T + b, 2, init=moved_start, **options)
    p = plain.mixture
    expected = Mixture(p.weights, p.means @ a.T + b, a @ p.covariances @ a.T)
    assert_same_parameters(moved.mixture, expected, rtol=1e-8, atol=1e-8)
    shift = len(X) * np.log(abs(np.linalg.det(a)))
    assert moved.log_likelihood == pytest.approx(plain.log_likelihood - shift, rel=1e-10)


def test_permutation_of_components_and_of_rows():
    X, start = make_problem(150, 3, 3)
    order = [2, 0, 1]
    permuted = Mixture(start.weights[order], start.means[order], start.covariances[order])
    options = {"tol": 0.0, "max_iter": 5}
    plain = fastgmm.fit(X, 3, init=start, **options).mixture
    assert_same_parameters(
        fastgmm.fit(X, 3, init=permuted, **options).mixture,
        Mixture(plain.weights[order], plain.means[order], plain.covariances[order]),
    )
    shuffled = np.random.default_rng(0).permutation(X)
    assert_same_parameters(fastgmm.fit(shuffled, 3, init=start, **options).mixture, plain, rtol=1e-8)


@pytest.mark.compiled
def test_a_fixed_point_is_a_fixed_point():
    fixed = fit_from_labels(GEYSER, LONG_WAIT, tol=1e-15).mixture
    again = fastgmm.fit(GEYSER, 2, init=fixed, reg_covar=0.0, tol=0.0, max_iter=3).mixture
    assert_same_parameters(again, fixed, rtol=1e-6)


@pytest.mark.parametrize("offset", [1e4, 1e8])
def test_data_far_from_the_origin(offset):
    """Moments about the current means do not cancel; the data themselves keep about 8 digits at 1e8."""
    X = np.round(GEYSER[:: 1 if JIT_ENABLED else 4], 2)
    labels = LONG_WAIT[:: 1 if JIT_ENABLED else 4]
    options = {"tol": 0.0, "max_iter": 10}
    near = fit_from_labels(X, labels, **options).mixture
    far = fit_from_labels(X + offset, labels, **options).mixture
    np.testing.assert_allclose(far.weights, near.weights, rtol=1e-16 * offset * 1e3)
    np.testing.assert_allclose(far.means - offset, near.means, atol=1e-15 * offset * 1e2)
    np.testing.assert_allclose(far.covariances, near.covariances, rtol=1e-16 * offset * 1e3, atol=1e-6)


@pytest.mark.parametrize("n_features", [1, 2, 4])
@pytest.mark.parametrize("max_iter", [1, 2, 7])
def test_scikit_learn_from_the_same_start(n_features, max_iter):
    X, start = make_problem(300 if JIT_ENABLED else 80, n_features, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = SklearnMixture(
            3,
            weights_init=start.weights,
            means_init=start.means,
            precisions_init=np.linalg.inv(start.covariances),
            tol=0.0,
            max_iter=max_iter,
        ).fit(X)
    ours = fastgmm.fit(X, 3, init=start, tol=0.0, reg_covar=1e-6, max_iter=max_iter)
    expected = Mixture(theirs.weights_, theirs.means_, theirs.covariances_)
    assert_same_parameters(ours.mixture, expected, rtol=1e-8, atol=1e-8)
    assert ours.n_iter == theirs.n_iter_
    assert ours.trace[-1] == pytest.approx(theirs.lower_bound_, rel=1e-10)
    assert ours.log_likelihood == pytest.approx(theirs.score(X) * len(X), rel=1e-10)
    assert ours.mixture.bic(X) == pytest.approx(theirs.bic(X), rel=1e-10)
    assert ours.mixture.aic(X) == pytest.approx(theirs.aic(X), rel=1e-10)


def test_rounds_and_convergence_as_in_scikit_learn():
    X, start = make_problem(300 if JIT_ENABLED else 80, 2, 2)
    theirs = SklearnMixture(
        2,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=np.linalg.inv(start.covariances),
        max_iter=500,
    ).fit(X)
    ours = fastgmm.fit(X, 2, init=start, max_iter=500)
    assert ours.converged
    assert ours.n_iter == theirs.n_iter_ > 2
    assert abs(ours.trace[-1] - ours.trace[-2]) < 1e-3 <= abs(ours.trace[-2] - ours.trace[-3])


def test_log_likelihood_is_that_of_the_returned_parameters():
    X, start = make_problem(100, 2, 2)
    result = fastgmm.fit(X, 2, init=start, max_iter=2)
    assert result.status is Status.MAX_ITER
    assert not result.converged
    assert result.log_likelihood == pytest.approx(result.mixture.log_density(X).sum(), rel=1e-13)
    assert result.log_likelihood > len(X) * result.trace[-1]


def test_no_rounds_returns_the_start():
    X, start = make_problem(100, 2, 2)
    result = fastgmm.fit(X, 2, init=start, max_iter=0)
    assert_same_bits(result.mixture, start)
    assert result.n_iter == 0


def test_callback_sees_every_round_and_may_stop():
    X, start = make_problem(100, 2, 2)
    states = []
    full = fastgmm.fit(X, 2, init=start, tol=0.0, max_iter=6, callback=states.append)
    assert [state.iteration for state in states] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal([state.mean_log_likelihood for state in states], full.trace)
    np.testing.assert_array_equal([state.change for state in states[1:]], np.diff(full.trace))
    assert states[0].change == np.inf
    assert_same_bits(states[-1].parameters, full.mixture)
    stopped = fastgmm.fit(X, 2, init=start, tol=0.0, max_iter=6, callback=lambda state: state.iteration == 3)
    assert stopped.status is Status.STOPPED
    assert stopped.n_iter == 3
    assert_same_bits(stopped.mixture, states[2].parameters)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_a_start_far_from_the_rows_loses_no_digits(covariance_type):
    """Moments about means that are 1e9 standard deviations away would leave nothing of a variance."""
    X, _ = make_problem(60, 2, 1)
    X += 1e9
    plain = Mixture([1.0], X.mean(axis=0, keepdims=True), [np.cov(X.T, bias=True)])
    diagonal = plain.covariances[0].diagonal()
    matrix = covariance_type in ("full", "tied")
    expected = plain.covariances[0] if matrix else diagonal if covariance_type == "diag" else diagonal.mean()
    shape = {"full": (1, 2, 2), "tied": (2, 2), "diag": (1, 2), "spherical": (1,)}[covariance_type]
    far = np.broadcast_to(1e18 * np.eye(2) if matrix else 1e18, shape)
    start = Mixture([1.0], np.zeros((1, 2)), far, covariance_type)
    options = {"covariance_type": covariance_type, "init": start, "max_iter": 1, "reg_covar": 0.0}
    result = fastgmm.fit(X, 1, **options)
    np.testing.assert_allclose(result.mixture.means, plain.means, rtol=1e-15)
    np.testing.assert_allclose(result.mixture.covariances, np.broadcast_to(expected, shape), rtol=1e-6)


def test_an_interrupt_carries_the_last_whole_round(monkeypatch):
    X, start = make_problem(100, 2, 2)
    n_asked, reached = [], loop._reached
    monkeypatch.setattr(loop, "_reached", lambda *run: n_asked.append(1) or reached(*run))

    def interrupt(state):
        if state.iteration == 3:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        fastgmm.fit(X, 2, init=start, tol=0.0, max_iter=6, callback=interrupt)
    expected = fastgmm.fit(X, 2, init=start, tol=0.0, max_iter=3)
    assert not n_asked  # which may take longer than Ctrl-C should
    outcome = caught.value.outcome
    assert caught.value.outcome is outcome
    assert len(n_asked) == 1
    assert outcome.status is Status.INTERRUPTED
    np.testing.assert_array_equal(outcome.trace, expected.trace)
    assert_same_bits(outcome.parameters, expected.mixture)
    # As from one process to another.
    assert_same_bits(pickle.loads(pickle.dumps(caught.value)).outcome.parameters, expected.mixture)


def test_compiled_code_that_breaks_off_is_out_of_memory():
    """Behind an address Numba prints an exception and returns 0, the code `BROKEN`."""
    X, start = make_problem(20, 2, 2)
    going = ArraySource(X).begin(plan_of("full", 2, 2), start.parameters, ridge(0.0, 2))
    going.state.counts[STATUS], going.state.counts[PHASE] = state.BROKEN, FINISHED
    with pytest.raises(MemoryError, match="compiled code ran out of memory"):
        going.advance(1)
    with pytest.raises(MemoryError, match="compiled code ran out of memory"):
        check(BROKEN)
    with pytest.raises(RuntimeError, match="refused its buffers"):
        check(WRONG_SCRATCH)


def test_best_restart_wins():
    X, _ = make_problem(200 if JIT_ENABLED else 60, 2, 4)
    heights = {}

    def record(state):
        heights[state.start] = state.mean_log_likelihood

    result = fastgmm.fit(X, 4, init="random_from_data", n_init=5, random_state=0, max_iter=15, callback=record)
    assert sorted(heights) == [0, 1, 2, 3, 4]
    assert len(set(heights.values())) > 1
    assert result.trace[-1] == max(heights.values())


def test_same_seed_same_bits():
    X, _ = make_problem(120, 2, 3)
    for init in ("kmeans", "k-means++", "random", "random_from_data", "tree"):
        a, b = (fastgmm.fit(X, 3, init=init, random_state=3, max_iter=5).mixture for _ in range(2))
        assert_same_bits(a, b)
    different = fastgmm.fit(X, 3, init="random", random_state=4, max_iter=5).mixture
    assert not np.array_equal(a.means, different.means)


def collapsing_rows():
    """Two clouds and one row repeated: a component that starts on the repeats has no covariance."""
    generator = np.random.default_rng(0)
    return np.concatenate([generator.normal(size=(60, 2)), np.full((20, 2), 9.0)])


def test_a_collapse_is_one_clear_error():
    X = collapsing_rows()
    labels = (X[:, 0] == 9.0).astype(int)
    with pytest.raises(fastgmm.FitFailure, match=r"increase reg_covar.* covariance of component 1 is not positive"):
        fastgmm.fit(X, 2, init=labels, reg_covar=0.0)
    with pytest.warns(
        RuntimeWarning, match="component 1 has half or more of the variance in every feature from reg_covar"
    ) as caught:
        result = fastgmm.fit(X, 2, init=labels, reg_covar=1e-6)
    assert [warning.filename for warning in caught] == [__file__]
    assert result.degenerate_components == (1,)
    np.testing.assert_allclose(result.mixture.covariances[1], 1e-6 * np.eye(2), rtol=1e-6, atol=1e-12)


def test_a_failed_restart_does_not_take_the_others_with_it():
    X = collapsing_rows()
    good = fastgmm.fit(X, 1, max_iter=0, reg_covar=0.0).mixture.parameters
    bad = good._replace(covariances=np.zeros((1, 2, 2)))
    starts = iter([bad, good, bad])
    source, plan = ArraySource(X), plan_of("full", 1, 2)
    options = Options(1, "full", "kmeans", 1e-3, 0.0, 10, 3, np.random.default_rng(0), None)
    result = loop.best_of(source, plan, lambda: source.begin(plan, next(starts), ridge(0.0, 2)), options)
    assert len(result.failures) == 2
    assert all("component 0 is not positive definite" in failure for failure in result.failures)
    assert result.status is Status.CONVERGED
    assert_same_parameters(result.parameters, good)
    options = options._replace(n_init=2)
    with pytest.raises(fastgmm.FitFailure, match="all 2 starts failed"):
        loop.best_of(source, plan, lambda: source.begin(plan, bad, ridge(0.0, 2)), options)


def test_overflow_is_reported_not_returned():
    X = np.array([[0.0, 0.0], [1.0, 1.0], [1e200, 0.0]])
    start = Mixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[np.newaxis])
    with pytest.raises(fastgmm.FitFailure, match="log-likelihood is -inf in iteration 1"):
        fastgmm.fit(X, 1, init=start)


@pytest.mark.compiled
def test_time_series_with_thirteen_equal_values_ends_the_same_way_every_time():
    values = load_example("timeseries")[0].ravel()
    results = [fastgmm.fit(values, 3, random_state=seed, n_init=5, max_iter=500) for seed in range(3)]
    for result in results:
        assert np.isfinite(result.log_likelihood)
        assert (result.mixture.covariances > 0.0).all()
        assert result.mixture.means.shape == (3, 1)
    for a, b in itertools.pairwise(results):
        assert a.log_likelihood == pytest.approx(b.log_likelihood, rel=0.05)


@pytest.mark.compiled
def test_the_published_study_of_the_original():
    """P3's start on rows drawn from its published result, with the total log-likelihood's tolerance."""
    X, _ = load_example("fourclusters")
    start = Mixture(
        np.full(4, 0.25), np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]), np.array([np.eye(2)] * 4)
    )
    result = fastgmm.fit(X, 4, init=start, tol=0.01 / len(X), reg_covar=0.0)
    assert result.converged
    assert 20 <= result.n_iter <= 42
    assert abs(result.log_likelihood + 1946.0) < 150.0


@pytest.mark.parametrize("callback", [None, lambda state: False])
def test_a_collapse_in_the_round_that_converges_is_widened(callback):
    """In compiled code as in the loop."""
    X = np.array([5.0, 5.0, 5.0, 14.0, 15.0, 16.0, 17.0, 18.0])
    start = Mixture(np.array([0.4, 0.6]), np.array([[5.0], [16.0]]), np.full((2, 1, 1), 0.5))
    with pytest.warns(RuntimeWarning, match="component 0 has half or more of the variance in every feature from"):
        result = fastgmm.fit(X, 2, init=start, reg_covar=0.0, tol=1e300, callback=callback)
    assert (result.converged, result.n_iter) == (True, 2)
    assert np.isfinite(result.log_likelihood)


@pytest.mark.skipif(JIT_ENABLED, reason="compiled code does not tell what it calls")
@pytest.mark.parametrize(("covariance_type", "n_more"), [("full", 0), ("diag", 0), ("tied", 0), ("spherical", 2)])
def test_a_pass_does_what_is_read_of_it(covariance_type, n_more, monkeypatch):
    """Two passes over labels, three rounds, and a last log-likelihood; spherical moments read what densities left."""
    calls = []

    def noted(name):
        function = getattr(passes, name)
        monkeypatch.setattr(passes, name, lambda *arguments: (calls.append(name), function(*arguments))[1])

    noted("log_density")
    noted("accumulate")
    X = np.random.default_rng(0).normal(size=(100, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fastgmm.fit(X, 2, init=(X[:, 0] > 0.0).astype(int), covariance_type=covariance_type, max_iter=3, tol=0.0)
    assert (calls.count("log_density"), calls.count("accumulate")) == (4 + n_more, 5)


def test_what_takes_long_begins_a_call():
    """A call is as short as the longest launch: Ctrl-C waits for no two of them."""
    X, start = make_problem(5000, 4, 3)
    plan = plan_of("full", 3, 4)
    run = ArraySource(X, n_threads=1).begin(plan, start.parameters, ridge(0.0, 4))
    tasks = tasks_of(plan.kernels, plan.kernels.sweep, plan.dtype, "C")
    cut = plan.cut(len(X), 1, 2e4, plan.row_nanoseconds)
    prepared = cut.n_prepared * cut.prepare_nanoseconds
    assert cut.superblock_nanoseconds > prepared
    phases = []
    for _ in range(2):
        assert run.launches(tasks, 1, 1.5 * prepared)
        phases.append(run.phase)
    assert phases == [state.SWEEP, state.FOLD]
