"""Rows in partitions of Dask: the fit of the same rows in memory, and the same bits whoever computes them."""

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_same_bits, assert_same_parameters, make_problem

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.outcome import Interrupted

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

N = 2000 if JIT_ENABLED else 300
RULE = {"tol": 0.0, "max_iter": 5}
STRUCTURES = ("full", "tied", "diag", "spherical") if JIT_ENABLED else ("full",)


@pytest.fixture(scope="module")
def problem():
    return make_problem(N, 2, 3)


def in_partitions(X, n=7):
    return da.from_array(X, chunks=(-(-len(X) // n), *X.shape[1:]))


def started(start, covariance_type):
    kept = {"full": 3, "tied": 2, "diag": 1, "spherical": 0}[covariance_type]
    shape = {3: start.covariances, 2: np.eye(2), 1: np.ones((3, 2)), 0: np.ones(3)}[kept]
    return fastgmm.Mixture(start.weights, start.means, shape, covariance_type)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("reg_covar", ["auto", 1e-3])
def test_a_fit_is_that_of_the_same_rows_in_memory(problem, covariance_type, reg_covar):
    X, start = problem
    rule = {**RULE, "covariance_type": covariance_type, "reg_covar": reg_covar}
    rule["init"] = started(start, covariance_type)
    expected, result = fastgmm.fit(X, 3, **rule), fastgmm.fit(in_partitions(X), 3, **rule)
    assert_same_parameters(result.mixture, expected.mixture, rtol=1e-10, atol=1e-10)
    assert (result.n_iter, result.status, result.n_samples) == (expected.n_iter, expected.status, N)
    assert result.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)
    assert result.bic == pytest.approx(expected.bic, rel=1e-12)
    np.testing.assert_allclose(result.regulariser.floor, expected.regulariser.floor, rtol=1e-10)


@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random", "random_from_data", "tree"])
@pytest.mark.parametrize("weighted", [False, True])
def test_named_starts_are_those_of_the_same_rows_in_memory(problem, init, weighted):
    X, _ = problem
    weights = None
    if weighted:
        weights = 100.0 * np.random.default_rng(0).random(len(X))
        weights[::5] = 0.0
        weights[: len(X) // 7 + 1] = 0.0  # a partition without any
    rule = {**RULE, "init": init}
    expected = fastgmm.fit(X, 3, sample_weight=weights, **rule)
    given = None if weights is None else in_partitions(weights)
    result = fastgmm.fit(in_partitions(X), 3, sample_weight=given, **rule)
    assert_same_parameters(result.mixture, expected.mixture, rtol=1e-10, atol=1e-10)
    assert result.total_weight == pytest.approx(expected.total_weight, rel=1e-14)
    assert result.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)


@pytest.mark.compiled
@pytest.mark.parametrize("weighted", [False, True])
def test_a_start_on_a_sample_is_that_of_the_same_rows_in_memory(weighted):
    X, _ = make_problem(50_000, 2, 3)
    weights = np.random.default_rng(0).random(len(X)) if weighted else None
    expected = fastgmm.fit(X, 3, sample_weight=weights, **RULE)
    result = fastgmm.fit(
        in_partitions(X, 4), 3, sample_weight=None if weights is None else in_partitions(weights, 4), **RULE
    )
    assert_same_parameters(result.mixture, expected.mixture, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kept", ["labels", "responsibilities"])
def test_a_partition_is_sent_what_is_given_of_its_own_rows(problem, monkeypatch, kept):
    X, start = problem
    from fastgmm.rows.dask.partitions import Partitions

    init = start.responsibilities(X)
    if kept == "labels":
        init = init.argmax(axis=1)
    joined, sent = Partitions.joined, []

    def watched(self, name, task, join, *beside, **how):
        sent.extend(len(pickle.dumps(each)) for column in beside for each in column if each is not None)
        return joined(self, name, task, join, *beside, **how)

    pickle = pytest.importorskip("cloudpickle")
    monkeypatch.setattr(Partitions, "joined", watched)
    result = fastgmm.fit(in_partitions(X), 3, init=init, **RULE)
    assert_same_parameters(result.mixture, fastgmm.fit(X, 3, init=init, **RULE).mixture, rtol=1e-10, atol=1e-10)
    n_passes = len(sent) // 7
    assert init.nbytes * n_passes < sum(sent) < init.nbytes * n_passes + 1000 * len(sent)


def test_weights_that_vanish_beside_those_of_other_partitions_do_not_count(problem):
    X, _ = problem
    weights = np.full(len(X), 1e-320)
    weights[:3] = 1e300
    for rows, given in ((X, weights), (in_partitions(X), in_partitions(weights))):
        with pytest.raises(ValueError, match=r"at most the number of rows.*, 3") as caught:
            fastgmm.fit(rows, 5, sample_weight=given, **RULE)
        assert not isinstance(caught.value, fastgmm.FitFailure)


def test_a_partition_whose_weights_vanish_has_no_part_in_the_moments(problem):
    """Were its mean the unit, the squares of all other deviations would be 0."""
    X, start = problem
    weights = np.ones(len(X))
    far = X.copy()
    far[-100:], weights[-100:] = 1e200, 1e-320
    weights[:-100] = 1e300
    near = fastgmm.fit(in_partitions(X), 3, sample_weight=in_partitions(weights), init=start, **RULE)
    cut = da.concatenate([in_partitions(far[:-100]), in_partitions(far[-100:], 1)])
    given = da.concatenate([in_partitions(weights[:-100]), in_partitions(weights[-100:], 1)])
    result = fastgmm.fit(cut, 3, sample_weight=given, init=start, **RULE)
    np.testing.assert_allclose(result.regulariser.floor, near.regulariser.floor, rtol=1e-6)


def test_more_partitions_than_are_joined_at_once(problem):
    X, start = problem
    result = fastgmm.fit(in_partitions(X, 40), 3, init=start, **RULE)
    assert_same_parameters(result.mixture, fastgmm.fit(X, 3, init=start, **RULE).mixture, rtol=1e-10, atol=1e-10)


def test_the_scheduler_changes_no_bit(problem):
    X, _ = problem
    results = []
    for options in ({"scheduler": "synchronous"}, {"scheduler": "threads", "num_workers": 3}, {}):
        with dask.config.set(options):
            results.append(fastgmm.fit(in_partitions(X, 20), 3, **RULE))
    for result in results[1:]:
        assert_same_bits(result.mixture, results[0].mixture)
        np.testing.assert_array_equal(result.trace, results[0].trace)


@pytest.mark.parametrize("covariance_type", ["full", "spherical"])
def test_a_mean_far_from_the_rows_loses_no_digits(problem, covariance_type):
    """Where the sums would cancel the pass is repeated about the new means, by another task if need be."""
    X, start = problem
    covariances = {"full": np.eye(2)[np.newaxis], "spherical": [1.0]}[covariance_type]
    far = fastgmm.Mixture([1.0], start.means[:1] + 1e6, covariances, covariance_type)
    rule = {"tol": 0.0, "max_iter": 1, "init": far, "covariance_type": covariance_type}
    result, expected = fastgmm.fit(in_partitions(X), 1, **rule), fastgmm.fit(X, 1, **rule)
    np.testing.assert_allclose(result.mixture.means, expected.mixture.means, atol=1e-9)
    np.testing.assert_allclose(result.mixture.covariances, expected.mixture.covariances, rtol=1e-12, atol=1e-12)


def test_single_precision_stays_single(problem):
    X, start = problem
    single = X.astype(np.float32)
    result = fastgmm.fit(in_partitions(single), 3, init=start, **RULE)
    expected = fastgmm.fit(single, 3, init=start, **RULE)
    assert_same_parameters(result.mixture, expected.mixture, rtol=1e-5, atol=1e-5)
    assert fastgmm.GaussianMixture(3, tol=0.1).fit(in_partitions(single)).means_.dtype == np.float32


def test_a_frame_with_names_an_empty_partition_and_a_column_of_weights(problem):
    X, start = problem
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(w=np.arange(len(X)) % 3)
    cut = dd.concat([dd.from_pandas(frame[:100], npartitions=2), dd.from_pandas(frame[100:], npartitions=3)])
    cut = cut.map_partitions(lambda part: part[(part.index < 50) | (part.index >= 100)])
    assert 0 in cut.map_partitions(len).compute().tolist()
    kept = frame[(frame.index < 50) | (frame.index >= 100)]
    named = fastgmm.Mixture(*start.parameters, feature_names=("a", "b"))
    result = fastgmm.fit(cut, 3, init=named, sample_weight="w", **RULE)
    expected = fastgmm.fit(kept[["a", "b"]], 3, init=named, sample_weight=kept["w"], **RULE)
    assert result.mixture.feature_names == ("a", "b")
    assert result.n_samples == len(kept)
    assert_same_parameters(result.mixture, expected.mixture, rtol=1e-10, atol=1e-10)
    without_init = fastgmm.fit(cut, 3, sample_weight=cut["w"], columns=["b", "a"], **RULE)
    assert without_init.mixture.feature_names == ("b", "a")
    model = fastgmm.GaussianMixture(3, random_state=0, tol=0.1).fit(cut[["a", "b"]])
    assert model.feature_names_in_.tolist() == ["a", "b"]


def test_arrays_cut_along_columns_of_one_feature_or_of_unknown_length(problem):
    X, start = problem
    expected = fastgmm.fit(X, 3, init=start, **RULE).mixture
    both_ways = da.from_array(X, chunks=(500, 1))
    assert_same_parameters(fastgmm.fit(both_ways, 3, init=start, **RULE).mixture, expected, rtol=1e-10, atol=1e-10)
    unknown = dd.from_pandas(pd.DataFrame(X), npartitions=4).values
    assert np.isnan(unknown.shape[0])
    assert_same_parameters(fastgmm.fit(unknown, 3, init=start, **RULE).mixture, expected, rtol=1e-10, atol=1e-10)
    one = fastgmm.fit(in_partitions(X[:, 0].copy()), 2, **RULE)
    assert_same_parameters(one.mixture, fastgmm.fit(X[:, 0], 2, **RULE).mixture, rtol=1e-10, atol=1e-10)


def test_what_is_said_of_rows_is_computed_when_it_is_asked_for(problem):
    X, start = problem
    cut, frame = in_partitions(X), pd.DataFrame(X, columns=["a", "b"], index=np.arange(len(X)) + 7)
    model = fastgmm.GaussianMixture(3, random_state=0, tol=0.1).fit(X)
    for name, other in (
        ("predict", "predict"),
        ("responsibilities", "predict_proba"),
        ("log_density", "score_samples"),
        ("component_log_density", None),
        ("uncertainty", None),
    ):
        lazy, expected = getattr(start, name)(cut), getattr(start, name)(X)
        assert isinstance(lazy, da.Array)
        assert (lazy.chunks[0], lazy.dtype) == (cut.chunks[0], expected.dtype)
        np.testing.assert_array_equal(lazy.compute(), expected)
        of_frame = getattr(start, name)(dd.from_pandas(frame, npartitions=3))
        assert of_frame.npartitions == 3
        computed = of_frame.compute()
        np.testing.assert_array_equal(computed, expected)
        np.testing.assert_array_equal(computed.index, frame.index)
        if other is not None:
            np.testing.assert_array_equal(getattr(model, other)(cut).compute(), getattr(model, other)(X))
    assert start.score(cut) == pytest.approx(start.score(X), rel=1e-14)
    for name in ("bic", "icl", "entropy"):
        assert getattr(start, name)(cut) == pytest.approx(getattr(start, name)(X), rel=1e-14)
    for weights in (None, np.linspace(1e5, 3e5, len(X))):
        given = None if weights is None else in_partitions(weights)
        selection = fastgmm.select(cut, 2, criterion="icl", sample_weight=given, **RULE)
        assert selection.candidates[0].icl == pytest.approx(selection.best.mixture.icl(X, sample_weight=weights))
    assert model.score(cut) == pytest.approx(model.score(X), rel=1e-14)
    np.testing.assert_array_equal(model.fit_predict(cut).compute(), model.predict(X))
    one = fastgmm.fit(X[:, 0], 2, **RULE).mixture
    np.testing.assert_array_equal(one.responsibilities(cut[:, 0]).compute(), one.responsibilities(X[:, 0]))
    np.testing.assert_array_equal(one.predict(cut[:, 0]).compute(), one.predict(X[:, 0]))


def bad(X, row, value):
    X = X.copy()
    X[row] = value
    return X


def test_bad_input_is_one_sentence(problem):
    X, start = problem
    cut = in_partitions(X)
    frame = dd.from_pandas(pd.DataFrame(X, columns=["a", "b"]).assign(c="x"), npartitions=2)
    length = cut.chunks[0][0]
    cases = [
        (
            in_partitions(bad(X, (2 * length + 3, 0), np.nan)),
            {},
            ValueError,
            r"partition 2 of X .*: 1 NaN .* row 3 .* of column 0",
        ),
        (cut.astype(object), {}, TypeError, "numeric columns only, got dtype object"),
        (frame, {}, TypeError, r"numeric columns only, got 'c'"),
        (da.ones((4, 4, 4)), {}, ValueError, "3 dimensions"),
        (dask.delayed(X), {}, TypeError, "Dask array, frame or series, got Delayed"),
        (cut[:0], {}, ValueError, "at least one row"),
        (cut, {"sample_weight": np.ones(len(X))}, TypeError, "sample_weight must be a Dask array or series"),
        (cut, {"sample_weight": "w"}, ValueError, "no names of columns"),
        (frame, {"sample_weight": "w"}, ValueError, "one column of X, got 'w'"),
        (cut, {"sample_weight": da.ones(len(X), chunks=-1)}, ValueError, "1 partitions and X has 7"),
        (cut, {"sample_weight": da.zeros(len(X), chunks=length)}, ValueError, "zero for every row"),
        (cut, {"sample_weight": -da.ones(len(X), chunks=length)}, ValueError, "partition 0 .* not negative"),
        (cut, {"columns": ["a"]}, ValueError, "has none"),
        (cut[:2], {}, ValueError, "at most the number of rows, 2"),
    ]
    for rows, options, error, message in cases:
        with pytest.raises(error, match=message) as caught:
            fastgmm.fit(rows, 3, **options, **RULE)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"partition of X: 1 NaN .* row 3"):
        start.predict(cases[0][0]).compute()
    with pytest.raises(ValueError, match="has 1 features, but the model has 2"):
        start.predict(cut[:, :1])


def test_progress_is_told(problem):
    X, start = problem
    told = []
    fastgmm.fit(in_partitions(X), 3, init=start, progress=told.append, **RULE)
    assert [each.number for each in told if each.stage == "EM"] == [1, 2, 3, 4, 5, 6]
    assert {each.n_seen for each in told} == {N}


def test_an_interrupt_carries_the_last_whole_round(problem, monkeypatch):
    X, start = problem
    from fastgmm.rows.dask.partitions import Partitions

    joined, calls = Partitions.joined, []

    def interrupted(*arguments, **how):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return joined(*arguments, **how)

    monkeypatch.setattr(Partitions, "joined", interrupted)
    with pytest.raises(Interrupted) as caught:
        fastgmm.fit(in_partitions(X), 3, init=start, **RULE)
    expected = fastgmm.fit(X, 3, init=start, tol=0.0, max_iter=3)
    assert_same_parameters(caught.value.outcome.parameters, expected.mixture, rtol=1e-10, atol=1e-10)


@pytest.mark.compiled
def test_the_example_of_the_documents_runs(capsys):
    page = Path(__file__).parent.parent / "docs" / "scaling.md"
    if not page.is_file():
        pytest.skip("the documents are not part of an installed package")
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    (example,) = [block for block in blocks if "dask.array" in block]
    exec(example.replace("1_000_000", "10_000").replace("100_000", "1_000"), {})
    assert "3 components, 4 features" in capsys.readouterr().out


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.compiled
def test_a_cluster_gives_the_bits_of_the_local_scheduler(problem, client):
    X, _ = problem
    result = fastgmm.fit(in_partitions(X, 20), 3, **RULE)
    with dask.config.set(scheduler="synchronous"):
        assert_same_bits(result.mixture, fastgmm.fit(in_partitions(X, 20), 3, **RULE).mixture)
    weights = in_partitions(np.random.default_rng(0).random(len(X)) * 100.0, 20)
    weighted = fastgmm.fit(in_partitions(X, 20), 3, sample_weight=weights, **RULE)
    with dask.config.set(scheduler="synchronous"):
        expected = fastgmm.fit(in_partitions(X, 20), 3, sample_weight=weights, **RULE)
    assert_same_bits(weighted.mixture, expected.mixture)
    names = client.run_on_scheduler(lambda dask_scheduler: set(dask_scheduler.task_prefixes))
    assert {"fastgmm-rows", "fastgmm-sample", "fastgmm-pass", "fastgmm-add"} <= names


@pytest.mark.compiled
def test_partitions_of_a_worker_share_tasks_unless_their_sums_are_large(problem, client, monkeypatch):
    X, start = problem
    from fastgmm.rows.dask import run
    from fastgmm.rows.dask.partitions import Partitions

    tasks, results, passes = Partitions._tasks, [], []

    def counted(self, name, function, *columns):
        passes[-1].extend([len(columns[0])] * (name == "pass"))
        return tasks(self, name, function, *columns)

    monkeypatch.setattr(Partitions, "_tasks", counted)
    for little in (run.LITTLE, 0):
        monkeypatch.setattr(run, "LITTLE", little)
        passes.append([])
        results.append(fastgmm.fit(in_partitions(X, 20), 3, init=start, **RULE))
    assert max(passes[0]) <= 2  # one for each worker
    assert set(passes[1]) == {20}
    assert_same_bits(results[0].mixture, results[1].mixture)


@pytest.mark.compiled
def test_nothing_is_left_on_the_cluster(problem, client):
    X, start = problem
    fastgmm.fit(in_partitions(X), 3, init=start, **RULE)
    client.run_on_scheduler(_until_it_forgets)


@pytest.mark.compiled
@pytest.mark.parametrize("fault", ["NaN", "weights", "no rows", "raised", "raised in a pass"])
def test_nothing_is_left_of_a_fit_that_fails(problem, client, monkeypatch, fault):
    X, start = problem
    from fastgmm.rows.dask import run

    def fail(*_, **__):
        raise OSError("no such block")

    rows, weights = in_partitions(X, 20), None
    if fault == "NaN":
        rows = in_partitions(bad(X, (500, 0), np.nan), 20)
    elif fault == "weights":
        weights = da.zeros(len(X), chunks=rows.chunks[0])
    elif fault == "no rows":
        rows = rows[:0]
    elif fault == "raised":
        rows = rows.map_blocks(fail, dtype=X.dtype, meta=X[:0])
    else:
        monkeypatch.setattr(run, "sums_of", fail)
    with pytest.raises(OSError if "raised" in fault else ValueError) as caught:
        fastgmm.fit(rows, 3, init=start, sample_weight=weights, **RULE)
    assert caught.value.__traceback__ is not None  # which holds what the fit held
    client.run_on_scheduler(_until_it_forgets)


async def _until_it_forgets(dask_scheduler):
    import asyncio

    for _ in range(100):
        if not dask_scheduler.tasks:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(list(dask_scheduler.tasks))


@pytest.mark.compiled
def test_a_worker_that_ends_in_the_middle_loses_no_answer(problem, client):
    X, start = problem
    expected = fastgmm.fit(in_partitions(X), 3, init=start, **RULE)
    ended = []

    def end_a_worker(state):
        if state.iteration == 2 and not ended:
            ended.extend(client.run(os.getpid).values())
            os.kill(ended[0], signal.SIGKILL)

    result = fastgmm.fit(in_partitions(X), 3, init=start, callback=end_a_worker, **RULE)
    assert ended
    assert_same_bits(result.mixture, expected.mixture)
    np.testing.assert_array_equal(result.trace, expected.trace)


@pytest.mark.compiled
def test_an_interrupt_cancels_what_is_under_way(problem, client, monkeypatch):
    X, start = problem
    import distributed

    wait, waited = distributed.wait, []

    def interrupted(tasks):
        waited.append(tasks)
        if len(waited) == 4:
            raise KeyboardInterrupt
        return wait(tasks)

    monkeypatch.setattr(distributed, "wait", interrupted)
    with pytest.raises(Interrupted) as caught:
        fastgmm.fit(in_partitions(X), 3, init=start, **RULE)
    assert caught.value.outcome.n_iter == 2  # one waited for the facts
    assert {task.status for task in waited[-1]} == {"cancelled"}
