"""Which K: the right one is found, a fit does not depend on the rest of the grid, failures stay apart."""

import inspect

import numpy as np
import pandas as pd
import pytest
from conftest import assert_same_bits

import fastgmm
from fastgmm import Status
from fastgmm.data import load_example
from fastgmm.em import sources, start
from fastgmm.model import structures
from fastgmm.rows import array, array_run
from fastgmm.selection import arguments, search
from fastgmm.selection.candidates import rank
from fastgmm.shell import fit as shell_fit

STRUCTURES = ("full", "tied", "diag", "spherical")
COLUMNS = [
    *("n_components", "covariance_type", "n_free", "log_likelihood", "bic", "aic", "icl"),
    *("converged", "n_iter", "n_failed", "n_degenerate", "error"),
]


def clouds(n_each=40, dtype=np.float64):
    """Three round clouds, far apart."""
    generator = np.random.default_rng(1)
    centers = np.repeat([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]], n_each, axis=0)
    return (centers + generator.normal(size=centers.shape)).astype(dtype)


def collapsing_rows():
    """A cloud and one row repeated: without a regulariser more than one component end in an error."""
    return np.concatenate([np.random.default_rng(0).normal(size=(60, 2)), np.full((20, 2), 9.0)])


def keys(selection):
    return [(candidate.n_components, candidate.covariance_type) for candidate in selection.candidates]


@pytest.mark.parametrize("criterion", ["bic", "aic"])
def test_the_number_of_clouds_is_found(criterion):
    X = clouds()
    selection = fastgmm.select(X, range(1, 6), ("spherical", "full"), criterion=criterion, random_state=0)
    assert selection.criterion == criterion
    assert len(selection.candidates) == 10
    best = selection.candidates[0]
    assert best.n_components == 3
    assert selection.best is best.result
    if criterion == "bic":
        assert best.covariance_type == "spherical"
    values = [getattr(candidate, criterion) for candidate in selection.candidates]
    assert values == sorted(values)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_criteria_are_those_of_the_parameters(dtype, rtol):
    X = clouds(20, dtype)
    for candidate in fastgmm.select(X, (1, 2, 3), STRUCTURES, random_state=0).candidates:
        parameters = candidate.result.mixture
        assert candidate.bic == pytest.approx(parameters.bic(X), rel=rtol)
        assert candidate.aic == pytest.approx(parameters.aic(X), rel=rtol)
        assert candidate.n_free == parameters.n_free
        assert candidate.log_likelihood == candidate.result.log_likelihood
        assert candidate.n_iter == candidate.result.n_iter
        assert candidate.status is candidate.result.status
        assert (candidate.n_components, candidate.covariance_type) == (
            parameters.n_components,
            parameters.covariance_type,
        )


@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random", "random_from_data", "tree"])
def test_a_fit_does_not_depend_on_the_rest_of_the_grid(init):
    X = clouds(20)
    options = {"init": init, "n_init": 2, "random_state": 7, "max_iter": 15, "tol": 1e-4, "stopping": "aitken"}
    options |= {"reg_covar": 0.01, "sample_weight": np.arange(1, 61)}
    selection = fastgmm.select(X, (1, 2, 3, 4), ("full", "tied"), **options)
    reverse = fastgmm.select(X, (4, 3, 2, 1), ("tied", "full"), **options)
    assert keys(selection) == keys(reverse)
    for ours, theirs in zip(selection.candidates, reverse.candidates, strict=True):
        assert_same_bits(ours.result.mixture, theirs.result.mixture)
        alone = fastgmm.fit(X, ours.n_components, covariance_type=ours.covariance_type, **options)
        assert_same_bits(ours.result.mixture, alone.mixture)
        assert ours.log_likelihood == alone.log_likelihood


def test_of_structures_that_coincide_the_simplest_is_fitted():
    X = clouds(20)
    assert arguments.grid_of((1, 2), "all", 60, 2) == [
        *((1, name) for name in ("tied", "EII", "EEI")),
        *((2, name) for name in structures.STRUCTURES),
    ]
    assert arguments.grid_of((1, 2), "all", 60, 1) == [(1, "EII"), (2, "spherical"), (2, "EII")]
    assert arguments.grid_of((1, 2), ("full", "VEV", "diag"), 60, 2) == [
        *((1, "VEV"), (1, "diag")),
        *((2, "full"), (2, "VEV"), (2, "diag")),
    ]
    alone = fastgmm.select(X, 1, ("full", "tied"))
    assert keys(alone) == [(1, "tied")]
    assert alone.candidates[0].bic == pytest.approx(fastgmm.select(X, 1).candidates[0].bic, rel=1e-12)


@pytest.mark.parametrize("n_each", [20, 12_000])  # the start sees all rows, or a sample
def test_structures_share_what_a_start_finds(n_each, monkeypatch):
    X = clouds(n_each)
    options = {"n_init": 2, "max_iter": 3, "tol": 0.0, "progress": lambda underway: None}
    calls = []
    fitted = start.KMeans.fit
    monkeypatch.setattr(start.KMeans, "fit", lambda *given: calls.append(1) or fitted(*given))
    selection = fastgmm.select(X, (2, 3), ("full", "tied"), **options)
    assert len(calls) == 2 * 2
    for candidate in selection.candidates:
        alone = fastgmm.fit(X, candidate.n_components, covariance_type=candidate.covariance_type, **options)
        assert_same_bits(candidate.result.mixture, alone.mixture)
    assert len(calls) == 2 * 2 + 2 * 4


@pytest.mark.parametrize("cut", [lambda X: X, lambda X: [X[:20_000], X[20_000:]]], ids=["whole", "chunks"])
def test_given_partitions_are_summed_once_for_all_structures_with_the_same_moments(cut, monkeypatch):
    X = clouds(12_000)
    labels = (X[:, 0] > 4.0).astype(int)
    three = np.random.default_rng(0).dirichlet(np.ones(3), len(X))
    options = {"max_iter": 2, "tol": 0.0}
    given = []
    give = array_run.ArrayRun.give
    monkeypatch.setattr(array_run.ArrayRun, "give", lambda run, *passes: given.append(1) or give(run, *passes))
    models = ("diag", "EVI", "spherical", "EII", "full", "VVE")
    selection = fastgmm.select(cut(X), (2, 3), models, init={2: labels, 3: three}, **options)
    assert len(given) == 2 * 3
    assert len(selection.candidates) == 2 * len(models)
    for candidate in selection.candidates:
        k, model = candidate.n_components, candidate.covariance_type
        alone = fastgmm.fit(X, k, covariance_type=model, init=labels if k == 2 else three, **options)
        assert_same_bits(candidate.result.mixture, alone.mixture)
        assert candidate.result.trace.tolist() == alone.trace.tolist()


@pytest.mark.parametrize("weighted", [False, True])
def test_icl_is_that_of_the_mixture_and_decides(weighted, monkeypatch):
    monkeypatch.setattr(array, "EVALUATED_AT_ONCE", 50)
    X = clouds(40)
    X[::2] *= 0.7  # clouds that overlap
    weights = {"sample_weight": np.arange(1.0, 121.0)} if weighted else {}
    selection = fastgmm.select(X, (1, 2, 3, 4), criterion="icl", **weights)
    for candidate in selection.candidates:
        assert candidate.icl == pytest.approx(candidate.result.mixture.icl(X, **weights), rel=1e-12)
        assert candidate.icl >= candidate.bic
    values = [candidate.icl for candidate in selection.candidates]
    assert values == sorted(values)
    assert values != [candidate.bic for candidate in selection.candidates]
    assert np.isnan(fastgmm.select(X, 2, **weights).candidates[0].icl)


@pytest.mark.parametrize("weighted", [False, True])
def test_icl_of_chunks_has_the_bits_of_rows_in_memory(weighted):
    X = np.tile(clouds(40), (100, 1)) * np.linspace(0.2, 1.0, 12_000)[:, np.newaxis]
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(w=np.linspace(1e5, 3e5, len(X)))
    stages = []
    options = {"criterion": "icl", "max_iter": 2, "tol": 0.0, "progress": lambda at: stages.append(at.stage)}
    options |= {"sample_weight": "w"} if weighted else {"columns": ["a", "b"]}
    whole = fastgmm.select(frame, (2, 3), **options)
    assert stages.count("ICL") == 2 * 2
    chunked = fastgmm.select([frame[:11], frame[11:9000], frame[9000:]], (2, 3), **options)
    assert [each.icl for each in chunked.candidates] == [each.icl for each in whole.candidates]
    assert all(each.icl > each.bic + 1.0 for each in whole.candidates)


def test_one_number_and_one_structure_are_a_grid():
    X = clouds(20)
    selection = fastgmm.select(X, 2, "diag")
    assert keys(selection) == [(2, "diag")]
    assert_same_bits(selection.best.mixture, fastgmm.fit(X, 2, covariance_type="diag").mixture)


def test_defaults_are_the_same_at_every_door():
    """The same data give the same mixture from `fit`, `select` and the command line."""
    at_fit, at_select, at_shell = (
        {name: each.default for name, each in inspect.signature(door).parameters.items()}
        for door in (fastgmm.fit, fastgmm.select, shell_fit.fit)
    )
    for name in ("init", "tol", "stopping", "acceleration", "reg_covar", "max_iter", "n_init", "random_state"):
        assert at_fit[name] == at_select[name] == at_shell[name], name
    assert at_shell["criterion"] == at_select["criterion"]
    X = clouds(20)
    assert_same_bits(fastgmm.fit(X, 4, init="random").mixture, fastgmm.fit(X, 4, init="random").mixture)
    unseeded = (fastgmm.fit(X, 4, init="random", max_iter=1, random_state=None).mixture.means for _ in range(2))
    assert not np.array_equal(*unseeded)


def test_a_generator_gives_one_seed():
    X = clouds(20)
    options = {"init": "random", "max_iter": 3}
    a = fastgmm.select(X, (2, 3), random_state=np.random.default_rng(5), **options)
    b = fastgmm.select(X, (3,), random_state=np.random.default_rng(5), **options)
    generator = np.random.default_rng(6)
    c, d = (fastgmm.select(X, (3,), random_state=generator, **options) for _ in range(2))
    (three,) = [candidate for candidate in a.candidates if candidate.n_components == 3]
    assert_same_bits(three.result.mixture, b.best.mixture)
    for other in (c, d):
        assert not np.array_equal(other.best.mixture.means, b.best.mixture.means)
    assert not np.array_equal(c.best.mixture.means, d.best.mixture.means)


def test_equal_values_prefer_fewer_parameters_then_the_more_general_structure():
    fitted = fastgmm.fit(clouds(4), 1)
    candidates = [
        fastgmm.Candidate(1, "full", 5, error="failed"),
        fastgmm.Candidate(1, "tied", 5, bic=5.0, result=fitted),
        fastgmm.Candidate(4, "diag", 19, bic=5.0, result=fitted),
        fastgmm.Candidate(1, "full", 5, bic=5.0, result=fitted),
        fastgmm.Candidate(9, "full", 53, bic=4.0, result=fitted),
    ]
    for order in (candidates, candidates[::-1]):
        ranked = sorted(order, key=lambda candidate: rank(candidate, "bic"))
        assert ranked == [candidates[i] for i in (4, 3, 1, 2, 0)]


def test_a_failed_fit_does_not_take_the_others_with_it():
    X = collapsing_rows()
    options = {"reg_covar": 0.0, "n_init": 2, "random_state": 0}
    message = r"1 of 2 fits failed and were set aside; the last: n_components=2, covariance_type='full': all 2 starts"
    with pytest.warns(RuntimeWarning, match=message) as caught:
        selection = fastgmm.select(X, (2, 1), **options)
    assert [warning.filename for warning in caught] == [__file__]
    good, failed = selection.candidates
    assert (good.n_components, good.error) == (1, None)
    assert_same_bits(good.result.mixture, fastgmm.fit(X, 1, **options).mixture)
    assert (failed.n_components, failed.n_free, failed.n_failed, failed.result) == (2, 11, 2, None)
    assert "covariance of component" in failed.error
    assert np.isnan([failed.log_likelihood, failed.bic, failed.aic]).all()
    assert not failed.converged

    with pytest.raises(fastgmm.FitFailure, match=r"all 2 fits failed; the last: n_components=3, .* all 2 starts"):
        fastgmm.select(X, (2, 3), **options)
    with pytest.raises(fastgmm.FitFailure, match=r"^n_components=2, covariance_type='full': all 2 starts failed"):
        fastgmm.select(X, (2,), **options)


def test_failed_restarts_and_degenerate_components_are_reported():
    # From some random starts a component collapses onto the repeated value.
    X = np.array([0.0] * 8 + [0.1, 5.0, 9.0])
    selection = fastgmm.select(X, (3,), init="random", n_init=20, reg_covar=0, random_state=0)
    assert 0 < selection.candidates[0].n_failed < 20

    X = collapsing_rows()
    with pytest.warns(
        RuntimeWarning, match="in the best fit, n_components=2, .* component . has no spread"
    ) as caught:
        selection = fastgmm.select(X, (1, 2), random_state=0)
    assert [warning.filename for warning in caught] == [__file__]
    best, other = selection.candidates
    assert best.degenerate_components == best.result.degenerate_components
    assert len(best.degenerate_components) == 1
    assert other.degenerate_components == ()
    np.testing.assert_array_equal(selection.table()["n_degenerate"], [1, 0])


@pytest.mark.compiled
def test_reg_covar_bounds_what_a_collapse_gains():
    values = load_example("timeseries")[0]
    with pytest.warns(RuntimeWarning, match="in the best fit"):
        collapsed = fastgmm.select(values, n_init=1, random_state=0).candidates[0]
    assert collapsed.degenerate_components
    bounded = fastgmm.select(values, n_init=5, random_state=0, reg_covar=0.1).candidates[0]
    assert (bounded.n_components, bounded.degenerate_components) == (3, ())


def test_integer_weights_are_repeated_rows():
    X = clouds(20)
    counts = np.random.default_rng(0).integers(1, 4, size=len(X))
    repeated = np.repeat(X, counts, axis=0)
    selection = fastgmm.select(X, (1, 2, 3, 4), random_state=0, sample_weight=counts)
    assert selection.candidates[0].n_components == 3
    for candidate in selection.candidates:
        assert candidate.bic == pytest.approx(candidate.result.mixture.bic(repeated), rel=1e-10)
        assert candidate.aic == pytest.approx(candidate.result.mixture.aic(repeated), rel=1e-10)


def test_the_callback_tells_the_fits_apart_and_may_stop_them():
    X = clouds(20)
    seen = []

    def watch(state):
        seen.append((state.parameters.n_components, state.start, state.iteration))
        return state.parameters.n_components == 2 and state.iteration == 2

    selection = fastgmm.select(X, (1, 2, 3, 4), n_init=3, tol=0.0, max_iter=3, random_state=0, callback=watch)
    assert seen == [*((1, restart, i) for restart in range(3) for i in (1, 2, 3)), (2, 0, 1), (2, 0, 2)]
    fitted = {candidate.n_components: candidate for candidate in selection.candidates}
    assert [c.n_components for c in selection.candidates] == [2, 1, 3, 4]
    assert fitted[2].status is Status.STOPPED
    assert fitted[1].status is Status.MAX_ITER
    for k in (3, 4):
        assert (fitted[k].error, fitted[k].n_failed) == ("not fitted: the callback stopped the selection before", 0)


def test_the_table_makes_a_data_frame():
    X = pd.DataFrame(clouds(20), columns=["a", "b"])
    selection = fastgmm.select(X, (1, 2), ("full", "diag"), random_state=0)
    frame = pd.DataFrame(selection.table())
    assert list(frame.columns) == COLUMNS
    assert list(zip(frame.n_components, frame.covariance_type, strict=True)) == keys(selection)
    assert frame.bic.is_monotonic_increasing
    assert frame.converged.dtype == bool
    assert (frame.error == "").all()
    assert selection.best.mixture.feature_names == ("a", "b")


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda X: X.tolist(), lambda X: X.astype(">f8")])
def test_any_rows_are_converted_once(layout, monkeypatch):
    X = clouds(10)
    expected = fastgmm.select(X, (1, 2), random_state=0)
    calls = []
    as_rows = sources.as_rows
    monkeypatch.setattr(sources, "as_rows", lambda X, **names: calls.append(1) or as_rows(X, **names))
    selection = fastgmm.select(layout(X), (1, 2), random_state=0)
    assert calls == [1]
    assert_same_bits(selection.best.mixture, expected.best.mixture)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"n_components": ()}, ValueError, "n_components must have at least one value, got none"),
        ({"n_components": 13}, ValueError, "n_components must be at most the number of rows, 12, got 13"),
        ({"n_components": "123"}, TypeError, "n_components must be an integer, got '123'"),
        ({"n_components": np.array(3)}, TypeError, r"n_components must be an integer, got array\(3\)"),
        ({"n_components": None}, TypeError, "n_components must be an integer, got None"),
        ({"n_components": (1, 2.0)}, TypeError, "n_components must be an integer, got 2.0"),
        ({"n_components": (2, 0)}, ValueError, "n_components must be at least 1, got 0"),
        ({"n_components": (2, 2)}, ValueError, "n_components must not have a value twice, got 2 twice"),
        ({"n_components": range(1, 10**12)}, ValueError, "must be at most the number of rows, 12, got 13"),
        ({"n_components": (1, 12), "sample_weight": [0] + [9] * 11}, ValueError, "at most the number of rows, 11"),
        ({"sample_weight": np.full(12, 1 / 12)}, ValueError, "sample_weight must sum to at least .*, 2, .*; got 1$"),
        ({"covariance_types": ()}, ValueError, "covariance_types must have at least one value, got none"),
        ({"covariance_types": "round"}, ValueError, "covariance_types must be one of 'full', .*'round'"),
        ({"covariance_types": np.array(3)}, ValueError, r"covariance_types must be one of 'full', .*array\(3\)"),
        ({"covariance_types": [["full"]]}, ValueError, r"covariance_types must be one of 'full', .*\['full'\]"),
        ({"callback": 3}, TypeError, "callback must be a function or None, got 3"),
        ({"covariance_types": ("full", "round")}, ValueError, "covariance_types must be one of 'full', .*'round'"),
        ({"covariance_types": ("full", "full")}, ValueError, "must not have a value twice, got 'full' twice"),
        ({"criterion": "hic"}, ValueError, "criterion must be one of 'bic', 'aic', 'icl', got 'hic'"),
        ({"covariance_types": ("all",)}, ValueError, "covariance_types must be one of 'full', .*'all'"),
        ({"init": np.zeros(12, int)}, ValueError, "init must be one of 'kmeans', .*, or a mapping from "),
        ({"init": {1: np.zeros(12, int)}}, ValueError, "init must have labels .*, got none for 2"),
        ({"n_components": 1, "init": {1: "kmeans"}}, TypeError, "init must have integer labels .*, got str"),
        ({"n_components": 1, "init": {1: [0, 2] * 6}}, ValueError, r"init labels must lie in 0\.\.0, got"),
        ({"random_state": -1}, ValueError, "random_state must be None, a non-negative integer"),
        ({"random_state": "x"}, ValueError, "random_state must be None, a non-negative integer"),
        ({"tol": -1}, ValueError, "tol must be finite and not negative"),
        ({"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
        ({"X": [[np.nan]]}, ValueError, "X has 1 NaN"),
    ],
)
def test_bad_arguments_are_one_error_before_anything_is_fitted(given, error, message, monkeypatch):
    monkeypatch.setattr(search, "fit_source", lambda *_: pytest.fail("something was fitted"))
    with pytest.raises(error, match=message):
        fastgmm.select(**{"X": clouds(4), "n_components": (1, 2), "random_state": 0} | given)
