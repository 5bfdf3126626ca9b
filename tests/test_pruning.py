"""Pruned rounds: the same answers as dense ones, bounds that hold, and when they are given up."""

import contextlib
import itertools
import tracemalloc

import hypothesis
import numpy as np
import pytest
from conftest import assert_same_bits
from hypothesis import strategies as st

import fastgmm
from fastgmm import Mixture
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.outcome import Interrupted
from fastgmm.kernels.pruning.blocks import mark_of
from fastgmm.kernels.pruning.moves import order_by_label
from fastgmm.model import plan
from fastgmm.model.parameters import Parameters
from fastgmm.model.plan import plan_of
from fastgmm.model.regulariser import ridge
from fastgmm.model.rounds.state import FINISHED, set_rule, take_trace
from fastgmm.model.structures import STRUCTURES
from fastgmm.rows.array import ArraySource
from fastgmm.rows.pruning import passes as passes_of_rows
from fastgmm.rows.pruning import policy, run
from fastgmm.rows.pruning.passes import PrunedPass
from fastgmm.rows.pruning.policy import PAUSE, SHORT_PAUSE, Policy, Shares

pytestmark = pytest.mark.filterwarnings("ignore::fastgmm.FitWarning")

NAMES = ("full", "tied", "diag", "spherical")
EXAMPLES, MOST_ROWS, MOST_COMPONENTS = (40, 2000, 40) if JIT_ENABLED else (8, 300, 5)


@pytest.fixture(autouse=True)
def _second_moments_from_the_total_scatter(monkeypatch):
    """As in all rounds that are long enough to be pruned."""
    monkeypatch.setattr(plan, "SMALL_ROUND_WORK", 0)


@contextlib.contextmanager
def pruned(always=True, guessed=False):
    """Prune every round, or with `always` off as long as that is worth it; the passes that do so are yielded.

    With `guessed` rows are in order from the first on, where covariances are full.
    """
    passes = []
    finish = PrunedPass.finish

    def noted(self, *arguments):
        is_good = finish(self, *arguments)
        passes.append((self, self.shares, is_good))
        return is_good

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PrunedPass, "finish", noted)
        patch.setattr(plan, "LONG_ROUND_WORK", 0)
        patch.setattr(plan, "LONG_ROW_WORK", 0)
        patch.setattr(plan, "LONG_COMPONENTS", 2)
        patch.setattr(run, "are_worth_it", lambda plan, _: guessed and plan.kernels.density.name == "full")
        patch.setattr(policy, "FIRST", 0)
        patch.setattr(policy, "ROW_WORK", 0)
        if always:
            patch.setattr(policy, "MOST", 2.0)
            patch.setattr(policy, "MOST_SEEN", 2.0)
        yield passes


def problem(n_samples, n_features, n_components, spread, covariance_type="full", seed=0):
    """Rows of clusters of unit scale, means `spread` apart, in no order, and a start near what they came from."""
    generator = np.random.default_rng(seed)
    means = spread * generator.normal(size=(n_components, n_features))
    X = means[generator.integers(n_components, size=n_samples)] + generator.normal(size=(n_samples, n_features))
    covariances = {
        "full": np.tile(2.0 * np.eye(n_features), (n_components, 1, 1)),
        "tied": 2.0 * np.eye(n_features),
        "diag": np.full((n_components, n_features), 2.0),
        "spherical": np.full(n_components, 2.0),
    }[covariance_type]
    weights = generator.dirichlet(np.full(n_components, 5.0))
    moved = means + 0.5 * generator.normal(size=means.shape)
    return X, Mixture(weights, moved, covariances, covariance_type)


def fit(X, start, max_iter=8, **options):
    options = {"tol": 0.0, "reg_covar": 1e-3, "acceleration": "none", **options}
    return fastgmm.fit(
        X, start.n_components, covariance_type=start.covariance_type, init=start, max_iter=max_iter, **options
    )


def assert_same_fit(ours, dense, rtol=1e-12):
    """Log-likelihoods to 1e-12, and parameters to what rounding may grow to in some rounds."""
    np.testing.assert_allclose(ours.trace, dense.trace, rtol=rtol, atol=rtol)
    assert ours.log_likelihood == pytest.approx(dense.log_likelihood, rel=rtol)
    for name in ("weights", "means", "covariances"):
        a, b = getattr(ours.mixture, name), getattr(dense.mixture, name)
        np.testing.assert_allclose(a, b, rtol=1e3 * rtol, atol=1e3 * rtol * np.abs(b).max(), err_msg=name)


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    seed=st.integers(0, 2**32 - 1),
    covariance_type=st.sampled_from(NAMES),
    n_samples=st.integers(40, MOST_ROWS),
    n_features=st.integers(4, 9),
    n_components=st.integers(2, MOST_COMPONENTS),
    spread=st.floats(0.5, 8.0),
    weighted=st.booleans(),
    guessed=st.booleans(),
)
def test_a_pruned_fit_is_the_dense_one(
    seed, covariance_type, n_samples, n_features, n_components, spread, weighted, guessed
):
    X, start = problem(n_samples, n_features, n_components, spread, covariance_type, seed)
    options = {"sample_weight": np.random.default_rng(seed).integers(0, 4, n_samples) + 0.5} if weighted else {}
    dense = fit(X, start, **options)
    with pruned(guessed=guessed) as passes:
        ours = fit(X, start, **options)
    assert passes
    assert_same_fit(ours, dense)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("covariance_type", "dtype"), [*((name, np.float64) for name in NAMES), ("spherical", np.float32)]
)
def test_few_pairs_of_separated_clusters_are_evaluated(covariance_type, dtype):
    X, start = problem(20000, 8, 32, 6.0, covariance_type)
    X = X.astype(dtype)
    dense = fit(X, start)
    with pruned(always=False) as passes:
        ours = fit(X, start)
    assert_same_fit(ours, dense, 1e-12 if dtype is np.float64 else 1e-6)
    shares = [shares for _, shares, _ in passes]
    assert shares[0].evaluated == 1.0
    # Matrices have bounds by where rows lie once these are in order.
    assert shares[1].evaluated < 0.2 if covariance_type == "full" else shares[1].evaluated == 1.0
    assert all(each.evaluated < 0.2 for each in shares[2:])
    assert all(each.counted <= each.evaluated for each in shares)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_few_pairs_are_evaluated_in_the_first_round_where_labels_are_guessed(dtype):
    X, start = problem(20000, 8, 32, 6.0)
    units = np.geomspace(1e-3, 1e3, 8)  # on which nothing depends
    X = (X * units).astype(dtype)
    start = Mixture(start.weights, start.means * units, start.covariances * np.multiply.outer(units, units))
    dense = fit(X, start, reg_covar=0.0)
    with pruned(always=False, guessed=True) as passes:
        ours = fit(X, start, reg_covar=0.0)
    assert_same_fit(ours, dense, 1e-12 if dtype is np.float64 else 1e-6)
    assert len(passes) == 9
    # A block of single precision is nearly all the rows of a cluster, and most have those of two.
    most = 0.2 if dtype is np.float64 else 0.3
    assert all(shares.evaluated < most for _, shares, _ in passes)
    assert passes[0][1].moved < 0.01


@pytest.mark.compiled
def test_labels_of_overlapping_components_are_not_guessed():
    """By the model, before any row is looked at; of rows unlike it by the first of them."""
    X, near = problem(40000, 4, 32, 0.3)
    _, apart = problem(100, 4, 32, 20.0)
    for start, look in ((near, None), (apart, passes_of_rows.Guesser)):
        X *= 1.0 if look is None else 100.0
        dense = fit(X, start, max_iter=2)
        with pruned(always=False, guessed=True) as passes, pytest.MonkeyPatch.context() as patch:
            patch.setattr(passes_of_rows, "Guesser", look)
            patch.setattr(policy, "FIRST", 9)
            ours = fit(X, start, max_iter=2)
        assert not passes
        assert_same_bits(ours.mixture, dense.mixture)


@pytest.mark.compiled
@pytest.mark.parametrize(("covariance_type", "guessed"), [*((name, False) for name in NAMES), ("full", True)])
def test_bounds_are_below_all_distances_however_parameters_move(covariance_type, guessed):
    X, start = problem(3000, 5, 12, 3.0, covariance_type)
    bounds = []

    def look(seen):
        going = passes[-1][0]
        kept, lanes = going._pruned.bounds, going._plan.lanes
        # Bounds are under the parameters of the pass, before the M step that followed it.
        before.append(seen.parameters)
        parameters = before[-2]
        if not going._is_known:  # rows have been put in order
            return
        structure = STRUCTURES[covariance_type]
        precisions = np.linalg.inv(structure.complete(parameters.covariances, 12, 5))
        z = X[kept.order][:, np.newaxis] - parameters.means
        distances = 0.5 * np.sqrt(np.einsum("nki,kij,nkj->nk", z, precisions, z))
        for b, lengths in enumerate(kept.lengths):
            least = distances[b * lanes : (b + 1) * lanes].min(axis=0)
            bounds.append((lengths / least).max())
            assert (lengths <= least * (1.0 + 1e-6)).all()

    before = [start]
    with pruned(guessed=guessed) as passes:
        fit(X, start, callback=look)
    assert len(passes) == 9
    assert max(bounds) > 0.99


@pytest.mark.compiled
@pytest.mark.parametrize(("covariance_type", "guessed"), [*((name, False) for name in NAMES), ("full", True)])
def test_threads_give_the_same_bits(covariance_type, guessed):
    X, start = problem(70000, 6, 8, 3.0, covariance_type)
    with pruned(guessed=guessed) as passes:
        one, two = (fit(X, start, max_iter=4, n_threads=n) for n in (1, 2))
    assert len(passes) == 10
    assert_same_bits(one.mixture, two.mixture)
    assert one.log_likelihood == two.log_likelihood


@pytest.mark.compiled
def test_layouts_give_the_same_bits():
    X, start = problem(70000, 8, 8, 3.0, "diag")  # large enough to be taken as it is
    with pruned() as passes:
        one, other = (fit(each, start, max_iter=4) for each in (X, np.asfortranarray(X)))
    assert len(passes) == 10
    assert_same_bits(one.mixture, other.mixture)


@pytest.mark.compiled
@pytest.mark.parametrize("covariance_type", NAMES)
@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_give_the_same_bits(covariance_type, weighted, monkeypatch):
    """With weights labels are guessed, too, where they can be."""
    pandas = pytest.importorskip("pandas")
    X, start = problem(30000, 6, 8, 3.0, covariance_type)
    weights = np.random.default_rng(1).integers(0, 3, len(X)) + 0.5
    monkeypatch.setattr(passes_of_rows, "WINDOW_BYTES", 10**6)  # windows of 16384 rows, and what is left
    with pruned(guessed=weighted) as passes:
        whole = fit(X, start, max_iter=4, sample_weight=weights if weighted else None)
        assert passes[-1][1].evaluated < 1.0
        for cuts in ([5, 4096, 20001], np.arange(1000, 30000, 1000)):
            chunks, options = np.split(X, cuts), {}
            if weighted:
                frame = pandas.DataFrame(X).rename(columns=str).assign(w=weights)
                edges = [0, *cuts, len(X)]
                chunks = [frame[a:b] for a, b in itertools.pairwise(edges)]
                options = {"sample_weight": "w"}
            ours = fit(chunks, start, max_iter=4, n_threads=1, **options)
            assert_same_bits(ours.mixture, whole.mixture)
            assert list(ours.trace) == list(whole.trace)
            assert ours.log_likelihood == whole.log_likelihood
    assert len(passes) == 15


@pytest.mark.compiled
def test_chunks_that_come_in_another_order_have_no_bounds():
    """A source need not yield its rows in the same order in each pass.

    Rows around a wide component are far from a narrow one in its units; rows of this are near both.
    """
    generator = np.random.default_rng(0)
    chunks = [spread * generator.normal(size=(4096, 6)) for spread in (10.0, 0.1)]
    start = Mixture([0.4, 0.6], np.zeros((2, 6)), np.repeat([[50.0], [0.02]], 6, axis=1), "diag")

    def read():
        chunks.reverse()
        return list(chunks)

    dense = fit(np.concatenate(chunks), start)
    with pruned() as passes:
        ours = fit(read, start)
    assert len(passes) == 9
    assert_same_fit(ours, dense)


@pytest.mark.parametrize(("n_now", "message"), [(299, "and now 299"), (301, "and now more"), (513, "and now more")])
def test_rows_that_are_added_or_lost_between_rounds_are_refused(n_now, message):
    """Before a block of them is looked at: there are no labels and no bounds for more."""
    X, start = problem(513, 4, 5, 4.0)
    n_rows = [300]

    def change(seen):
        n_rows[0] = n_now if seen.iteration == 3 else 300

    def read():
        return np.array_split(X[: n_rows[0]], 3)

    with pruned() as passes, pytest.raises(ValueError, match=f"X had 300 rows .*{message}"):
        fit(read, start, callback=change)
    assert len(passes) == 3


def test_a_mark_tells_rows_from_others_and_from_another_order():
    rows = np.eye(64)  # few bits that are set, and low ones never
    marks = set()
    for shift in range(64):
        marks.add(int(mark_of(np.roll(rows, shift, axis=0).reshape(-1).view(np.int64))))
    assert len(marks) == 64


def degenerate(case):
    X, start = problem(min(1500, MOST_ROWS), 4, 20, 4.0, seed=3)
    options = {}
    generator = np.random.default_rng(1)
    weights, means, covariances = (np.array(each) for each in (start.weights, start.means, start.covariances))
    if case == "few rows":
        X = X[:100]
    elif case == "few rows of each component":
        X = X[:35]
    elif case == "identical components":
        means[5:12] = means[5]
        weights[:] = 0.05
    elif case == "a component far from all rows":
        means[3] = 1e5
    elif case == "a component without weight":
        weights[4] = 0.0
        weights /= weights.sum()
    elif case == "a collapsing component":
        means[7], covariances[7] = X[0], 1e-6 * np.eye(4)
    elif case == "identical rows":
        X[:700] = X[0]
    elif case == "weights of zero":
        options["sample_weight"] = generator.integers(0, 2, len(X)).astype(float)
        X[options["sample_weight"] == 0.0] = 1e12
    elif case == "weights far apart":
        options["sample_weight"] = np.where(generator.random(len(X)) < 0.5, 1e200, 1e-200)
    elif case == "weights of zero, rows beyond all":
        options["sample_weight"] = generator.integers(0, 2, len(X)).astype(float)
        X[options["sample_weight"] == 0.0] = 1e300
    elif case == "components far too wide":
        covariances[:] = 1e100 * np.eye(4)
    elif case == "a feature far from zero":
        X[:, 1] += 1e7
        means[:, 1] += 1e7
    return X, Mixture(weights, means, covariances), options


@pytest.mark.parametrize(
    "case",
    [
        "few rows",
        "few rows of each component",
        "identical components",
        "a component far from all rows",
        "a component without weight",
        "a collapsing component",
        "identical rows",
        "weights of zero",
        "weights of zero, rows beyond all",
        "weights far apart",
        "components far too wide",
        "a feature far from zero",
    ],
)
def test_degenerate_problems_end_as_dense_ones(case):
    X, start, options = degenerate(case)
    dense = fit(X, start, **options)
    for guessed in (False, True):
        with pruned(guessed=guessed) as passes:
            ours = fit(X, start, **options)
        assert passes
        assert_same_fit(ours, dense, 1e-8 if case == "a feature far from zero" else 1e-12)


@pytest.mark.parametrize("covariance_type", ["diag", "spherical"])
def test_variances_that_fall_by_more_than_single_precision_holds(covariance_type):
    X, start = problem(300, 4, 5, 4.0, covariance_type)
    start = Mixture(start.weights, start.means, np.full_like(start.covariances, 1e100), covariance_type)
    dense = fit(X, start)
    with pruned() as passes:
        ours = fit(X, start)
    assert passes
    assert_same_fit(ours, dense)


@pytest.mark.compiled
def test_a_pass_in_which_a_component_loses_its_rows_is_repeated_in_full():
    X, start = problem(2000, 4, 10, 4.0)
    weights, means = np.full(10, 0.5 / 9), np.array(start.means)
    weights[2], means[2] = 0.5, 50.0
    start = Mixture(weights, means, start.covariances)
    dense = fit(X, start)
    with pruned() as passes:
        ours = fit(X, start)
    assert not passes[0][2]
    assert_same_fit(ours, dense)


@pytest.mark.compiled
def test_overlapping_components_are_left_to_dense_passes():
    X, start = problem(4000, 4, 32, 0.3)
    dense = fit(X, start, max_iter=PAUSE)
    with pruned(always=False) as passes:
        ours = fit(X, start, max_iter=PAUSE)
    assert [shares.evaluated for _, shares, _ in passes] == [1.0]
    assert_same_fit(ours, dense)


@pytest.mark.compiled
def test_overlapping_components_are_left_to_dense_passes_after_a_look_at_some_rows():
    X, start = problem(40000, 4, 32, 0.3)
    dense = fit(X, start)
    with pruned(always=False) as passes:
        ours, in_chunks = fit(X, start), fit(np.array_split(X, 7), start)
    assert not passes
    for each in (ours, in_chunks):
        assert_same_bits(each.mixture, dense.mixture)
        assert list(each.trace) == list(dense.trace)


@pytest.mark.compiled
def test_few_components_and_short_rounds_are_never_pruned():
    X, start = problem(4000, 4, 40, 5.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PrunedPass, "begin", None)
        fit(X, start)
        patch.setattr(plan, "LONG_ROUND_WORK", 0)
        assert plan_of("full", 40, 4).work(1) < plan.LONG_ROW_WORK
        fit(X, start)
        patch.setattr(plan, "LONG_ROW_WORK", 0)
        X, start = problem(4000, 4, plan.LONG_COMPONENTS - 1, 5.0)
        fit(X, start)


@pytest.mark.compiled
def test_a_fit_from_k_means_with_steps_between_rounds_ends_at_the_same_height():
    X, _ = problem(20000, 8, 32, 5.0)
    options = {"acceleration": "quasi-newton", "random_state": 0, "n_init": 2, "max_iter": 300}
    dense = fastgmm.fit(X, 32, **options)
    with pruned(always=False) as passes:
        ours = fastgmm.fit(X, 32, **options)
    assert passes[-1][1].evaluated < 0.5
    assert ours.log_likelihood == pytest.approx(dense.log_likelihood, rel=1e-9)


@pytest.mark.compiled
def test_a_pass_that_is_broken_off_leaves_the_parameters_of_the_last_round(monkeypatch):
    X, start = problem(70001, 4, 8, 4.0)
    told = []

    def watch(underway):
        if underway.stage == "EM":
            told.append(underway)
            if underway.number == 5 and 0 < underway.n_seen < len(X):
                raise RuntimeError("enough")

    monkeypatch.setattr(plan, "SLAB_BYTES", 0)  # a launch for each superblock
    with pruned() as passes, pytest.raises(RuntimeError, match="enough") as caught:
        fit(X, start, n_threads=1, progress=watch)
    assert len(passes) == 4
    assert all(0 <= each.n_seen <= each.n_samples == len(X) for each in told)
    broken, whole = caught.value.outcome, fit(X, start, max_iter=4)
    np.testing.assert_allclose(broken.trace, whole.trace, rtol=1e-12)
    np.testing.assert_allclose(broken.parameters.means, whole.mixture.means, rtol=1e-12)


@pytest.mark.compiled
def test_an_interrupt_of_a_pass_over_chunks_keeps_the_last_whole_round():
    X, start = problem(30000, 6, 8, 3.0)

    def interrupt(underway):
        if underway.stage == "EM" and underway.number == 4 and underway.n_seen:
            raise KeyboardInterrupt

    with pruned() as passes:
        expected = fit(np.array_split(X, 7), start, max_iter=3)
        n_passes = len(passes)
        with pytest.raises(Interrupted) as caught:
            fit(np.array_split(X, 7), start, progress=interrupt)
    outcome = caught.value.outcome
    assert len(passes) - n_passes == 3
    assert_same_bits(outcome.parameters, expected.mixture)
    np.testing.assert_array_equal(outcome.trace, expected.trace)


@pytest.mark.compiled
@pytest.mark.parametrize(("number", "times", "guessed"), [(5, 1, False), (5, 2, False), (1, 1, True)])
def test_a_run_goes_on_after_a_pass_that_was_broken_off(number, times, guessed, monkeypatch):
    """Bounds of which some are under the new model and some under the old one are not used again."""
    monkeypatch.setattr(plan, "SLAB_BYTES", 0)
    X, start = problem(70002, 4, 8, 4.0)
    options = {"tol": 0.0, "aitken": False, "max_iter": 8}
    broken = []

    def watch(underway):
        if underway.number == number and len(broken) < times and 0 < underway.n_seen < len(X):
            broken.append(underway)
            raise RuntimeError("enough")

    traces, shares = [], []
    for watched in (None, watch):
        source = ArraySource(X, 1, watch=watched)
        with pruned(guessed=guessed) as passes:
            going = source.begin(
                plan_of("full", 8, 4),
                Parameters(start.weights, start.means, start.covariances, "full"),
                ridge(1e-3, 4),
            )
            set_rule(going.state, **options, previous=-np.inf, total_weight=source.total_weight)
            while going.phase != FINISHED:
                with contextlib.suppress(RuntimeError):
                    going.advance(9)
        traces.append(take_trace(going.state))
        shares.append([each for _, each, _ in passes])
    assert len(broken) == times
    # What was begun with guesses is begun anew; a later pass has bounds by where rows lie.
    assert (shares[0] == shares[1]) is guessed
    assert [each.evaluated for each in shares[1]].count(1.0) == 1
    np.testing.assert_allclose(traces[1], traces[0], rtol=1e-13)


@pytest.mark.compiled
def test_pruned_passes_take_no_more_memory_than_documented():
    """Beyond the rows 64 MB, 4 bytes for each block and component, 12 for each row."""
    k, d = 1024, 16
    start = Parameters(np.full(k, 1.0 / k), np.zeros((k, d)), np.tile(np.eye(d), (k, 1, 1)), "full")

    def prepared(n_samples):
        source = ArraySource(np.broadcast_to(np.zeros(d), (n_samples, d)), 2)
        tracemalloc.start()
        going = source.begin(plan_of("full", k, d), start, ridge(1e-3, d))
        before = tracemalloc.get_traced_memory()[0]
        pruned_pass = PrunedPass(going.plan, going._kernels, going._work, going._cut, n_samples)
        pruned_pass._pruned.bounds.labels.fill(0)
        pruned_pass._put_in_order(pruned_pass._pruned.bounds.order, pruned_pass._pruned.bounds.labels)
        return before, going, pruned_pass

    n_samples = 10**6
    try:
        prepared(1000)  # which compiles
        tracemalloc.stop()
        before, *_ = prepared(n_samples)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    by_rows = 4 * n_samples * k // 256 + 12 * n_samples
    assert peak - before <= by_rows
    assert peak <= by_rows + (64 << 20)


def test_rows_are_put_in_order_by_label_and_number():
    generator = np.random.default_rng(0)
    by_row = generator.integers(0, 7, 500).astype(np.int32)
    order = generator.permutation(500).astype(np.int32)
    labels = by_row[order]
    order_by_label(order, labels, 7, np.empty(500, np.int32), np.empty(8, np.int64))
    np.testing.assert_array_equal(order, np.argsort(by_row, kind="stable"))
    np.testing.assert_array_equal(labels, np.sort(by_row))


GOOD = Shares(evaluated=0.1, counted=0.05, seen=0.01, moved=0.0)


def test_rows_of_little_work_are_worth_it_where_fewer_pairs_are_evaluated():
    given_up = {}
    for row_work in (5000, 10**6):
        rule = Policy(row_work)
        rule.judge(1, GOOD._replace(evaluated=1.0, moved=1.0))
        rule.judge(2, GOOD._replace(evaluated=1.0))
        rule.judge(3, GOOD._replace(evaluated=0.4))
        given_up[row_work] = rule.first > 3
    assert given_up == {5000: True, 10**6: False}


def test_rows_are_put_in_order_once_their_labels_are_known():
    rule = Policy()
    assert rule.judge(1, GOOD._replace(evaluated=1.0, counted=0.9, moved=1.0))
    assert not rule.judge(2, GOOD._replace(evaluated=1.0))
    assert not any(rule.judge(n_iter, GOOD) for n_iter in range(3, 100))
    assert rule.first == policy.FIRST


def test_rows_are_put_in_order_again_when_passes_have_lost_a_pass_by_it():
    rule = Policy()
    rule.judge(1, GOOD._replace(moved=1.0))
    shares = [GOOD, GOOD, *[GOOD._replace(evaluated=0.5, moved=0.01)] * 10]
    assert [rule.judge(n_iter, each) for n_iter, each in enumerate(shares, 2)].index(True) == 4
    # Not where labels are as they were.
    rule = Policy()
    rule.judge(1, GOOD._replace(moved=1.0))
    assert not any(rule.judge(2, each._replace(moved=0.0)) for each in shares)


def test_what_was_not_worth_it_is_tried_again_later_and_later():
    rule = Policy()
    n_iter, pauses = 0, []
    for _ in range(4):
        rule.judge(n_iter, GOOD._replace(evaluated=1.0, seen=0.99, moved=1.0))
        pauses.append(rule.first - n_iter)
        n_iter = rule.first
    assert pauses == [PAUSE, 2 * PAUSE, 4 * PAUSE, 8 * PAUSE]


def test_after_a_look_at_some_rows_the_next_one_comes_sooner():
    rule = Policy()
    assert rule.goes_on(2, policy.MOST_SEEN, 1.0)
    assert rule.first == policy.FIRST
    pauses = []
    for n_iter in (2, 10, 20):
        assert not rule.goes_on(n_iter, 0.9, 1.0)
        pauses.append(rule.first - n_iter)
    assert pauses == [SHORT_PAUSE, 2 * SHORT_PAUSE, 4 * SHORT_PAUSE]


@pytest.mark.parametrize(
    "go_on",
    [
        lambda rule: rule.is_apart(0.7),
        lambda rule: rule.goes_on(1, 0.1, 0.7),
        lambda rule: rule.goes_on(1, 0.3, 0.5),
        lambda rule: rule.judge(1, GOOD._replace(counted=0.7)),
    ],
)
def test_guesses_that_are_of_no_use_leave_what_would_be_without(go_on):
    rule = Policy(is_guessed=True)
    assert rule.first == 0
    assert rule.guesses
    assert rule.is_apart(0.5)
    assert rule.goes_on(1, 0.2, 0.5)
    assert not go_on(rule)
    assert rule.first == policy.FIRST
    assert not rule.guesses
    assert rule.judge(3, GOOD._replace(evaluated=1.0, moved=1.0))


def test_rows_that_are_in_the_order_of_guesses_are_not_put_in_order_by_labels():
    rule = Policy(is_guessed=True)
    assert not any(rule.judge(n_iter, GOOD._replace(moved=0.01)) for n_iter in range(1, 9))
    assert not rule.guesses
    assert rule.first == 0


def test_bounds_that_a_pause_has_made_loose_are_no_reason_for_another():
    rule = Policy()
    rule.judge(1, GOOD._replace(moved=1.0))
    rule.judge(2, GOOD._replace(evaluated=1.0, counted=0.9))
    first = rule.first
    assert first > 2
    assert not any(rule.judge(first + i, each) for i, each in enumerate((GOOD._replace(evaluated=1.0), GOOD, GOOD)))
    assert rule.first == first


def test_repeated_passes_leave_more_and_more_rounds_dense():
    rule = Policy()
    pauses = []
    for _ in range(4):
        rule.repeated(10)
        pauses.append(rule.first - 10)
    assert pauses == [0, 1, 3, 7]
