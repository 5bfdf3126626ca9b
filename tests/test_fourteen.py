"""The fourteen covariance structures: mclust's values, certificates of the M steps, and every way to run."""

import csv
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_same_bits, assert_same_parameters, make_problem

import fastgmm
from fastgmm import Mixture, SufficientStatistics, primitives
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.outcome import FitFailure, Interrupted
from fastgmm.kernels.slots import N_ITER, SWEEPS
from fastgmm.model.plan import plan_of
from fastgmm.model.regulariser import Regulariser, ridge
from fastgmm.model.rounds.m_steps import shared_axes
from fastgmm.model.statistics import check_statistics
from fastgmm.model.structures import ALIASES, STRUCTURES
from fastgmm.rows import maximize
from fastgmm.rows.launch.work import launched
from fastgmm.rows.maximize import _Maximization
from fastgmm.rows.run import Run

DATA = Path(__file__).parent / "data"
MODELS = [structure.model for structure in STRUCTURES.values()]
NEW = [name for name in STRUCTURES if name not in ALIASES.values()]
TURNED = [name for name in NEW if STRUCTURES[name].has_matrices]
K, D = 3, 4


def table(name):
    with (DATA / f"mclust_{name}.csv").open() as file:
        return list(csv.DictReader(file))


DATASETS = {}
for name in ("iris", "faithful", "diabetes"):
    lines = table(name)
    rows = np.array([[float(value) for column, value in line.items() if column[0] == "x"] for line in lines])
    DATASETS[name] = rows, {k: np.array([int(line[f"start{k}"]) for line in lines]) for k in (2, 3, 4)}


@pytest.mark.compiled
@pytest.mark.parametrize("model", MODELS)
def test_values_of_mclust(model):
    """From the same partitions, and stopped like mclust, which has no regulariser."""
    for line in table("values"):
        if line["model"] != model:
            continue
        X, starts = DATASETS[line["dataset"]]
        k, expected = int(line["G"]), float(line["loglik"])
        options = {"covariance_type": model, "init": starts[k], "reg_covar": 0.0}
        tol = 1e-12 * (1.0 + abs(expected)) / len(X)
        n_iter = fastgmm.fit(X, k, tol=tol, max_iter=10_000, **options).n_iter
        # It does no M step after the round that finds the change small: the ICL is of the first order in that.
        fitted = fastgmm.fit(X, k, tol=0.0, max_iter=n_iter - 1, **options)
        assert fitted.mixture.n_free == int(line["df"])
        if model == "VVE":
            # mclust's M step stops early, and so its fits elsewhere, in one case on a higher hill.
            assert (fitted.log_likelihood < expected) == ((line["dataset"], k) == ("diabetes", 4))
            continue
        assert np.isclose(fitted.log_likelihood, expected, rtol=1e-10, atol=0.0)
        assert np.isclose(fitted.mixture.icl(X), -float(line["icl"]), atol=1e-4, rtol=0.0)


def test_iris_of_four_components_collapses():
    X, starts = DATASETS["iris"]
    with pytest.raises(FitFailure, match=r"the covariance of component \d is not positive definite"):
        fastgmm.fit(X, 4, covariance_type="VVV", init=starts[4], reg_covar=0.0, tol=1e-13, max_iter=10_000)


def random_statistics(covariance_type, seed=0, k=K, d=D):
    """Statistics that rows might leave: moments of different sizes and shapes."""
    generator = np.random.default_rng(seed)
    half = generator.normal(size=(k, d, d)) * generator.uniform(0.3, 2.0, size=(k, 1, d))
    counts = generator.uniform(20.0, 200.0, size=k)
    moments = counts[:, np.newaxis, np.newaxis] * (half @ half.transpose(0, 2, 1) + 0.05 * np.eye(d))
    first = 0.1 * counts[:, np.newaxis] * generator.normal(size=(k, d))
    second = moments + first[:, :, np.newaxis] * first[:, np.newaxis] / counts[:, np.newaxis, np.newaxis]
    structure = STRUCTURES[covariance_type]
    if structure.pooled:
        second = second.sum(axis=0)
    elif not structure.has_matrices:
        second = np.diagonal(second, axis1=1, axis2=2)
        second = second if structure.n_axes else second.sum(axis=1)
    means = generator.normal(size=(k, d))
    statistics = SufficientStatistics(covariance_type, means, 1000, 0.0, counts, first, second)
    return statistics, counts, moments / counts[:, np.newaxis, np.newaxis]


def loss(counts, moments, covariances):
    """Twice the negative expected log-likelihood, less a constant."""
    traces = np.trace(np.linalg.solve(covariances, moments), axis1=1, axis2=2)
    return counts @ (np.linalg.slogdet(covariances)[1] + traces)


def slopes(model, counts, moments, covariances):
    """Derivatives of `loss` along the manifold of a structure, by volume, shape and rotation, a share of N each."""
    d = covariances.shape[-1]
    mixed = sum((2.0 + index) * each / np.trace(each) for index, each in enumerate(covariances))
    vectors = np.linalg.eigh(mixed)[1]
    residual = np.linalg.solve(covariances, np.linalg.solve(covariances, moments).transpose(0, 2, 1))
    slope = counts[:, np.newaxis, np.newaxis] * (np.linalg.inv(covariances) - residual)
    found = []

    def along(letter, directions):
        each = np.einsum("kij,kij->k", slope, directions) / counts.sum()
        found.extend([each.sum()] if letter == "E" else each)

    volume, shape, axes = model
    along(volume, covariances)
    # Eigenvectors come by increasing eigenvalues, so that those of equal shapes are in one order.
    bases = [np.eye(d) if axes == "I" else vectors.T if axes == "E" else np.linalg.eigh(c)[1].T for c in covariances]
    pairs = list(zip(bases, covariances, strict=True))
    if shape != "I":
        for i in range(d - 1):
            unit = np.array([np.outer(b[i], b[i]) * (b[i] @ c @ b[i]) for b, c in pairs])
            last = np.array([np.outer(b[-1], b[-1]) * (b[-1] @ c @ b[-1]) for b, c in pairs])
            along(shape, unit - last)
    if axes != "I":
        for i, j in itertools.combinations(range(d), 2):
            turns = [(np.outer(b[i], b[j]) - np.outer(b[j], b[i]), c) for b, c in pairs]
            along(axes, np.array([turn @ c - c @ turn for turn, c in turns]))
    return np.array(found)


def is_of(model, covariances, within=1e-9):
    """Whether covariances have what the structure makes equal."""
    values = np.linalg.eigvalsh(covariances) if model[2] != "I" else np.diagonal(covariances, axis1=1, axis2=2)
    volumes = np.exp(np.log(values).mean(axis=1))
    shapes = values / volumes[:, np.newaxis]
    same = [model[0] == "V" or np.ptp(np.log(volumes)) < within]
    same.append(model[1] == "V" or np.ptp(np.log(shapes), axis=0).max() < within)
    same.append(model[1] != "I" or np.abs(np.log(shapes)).max() < within)
    if model[2] == "E":
        products = covariances[0] @ covariances[1:]
        same.append(np.allclose(products, products.transpose(0, 2, 1), atol=1e-9 * np.abs(products).max()))
    elif model[2] == "I":
        same.append(np.array_equal(covariances, covariances * np.eye(covariances.shape[1])))
    return all(same)


@pytest.mark.parametrize("model", MODELS)
def test_m_steps_are_stationary(model):
    for seed in range(5 if JIT_ENABLED else 1):
        statistics, counts, moments = random_statistics(ALIASES.get(model, model), seed)
        fitted = fastgmm.maximize(statistics, reg_covar=0.0)
        covariances = fitted.full_covariances()
        assert is_of(model, covariances)
        assert np.abs(slopes(model, counts, moments, covariances)).max() < 1e-8
        # A ridge is added to the moments, so that it does not lead out of the structure.
        ridged = fastgmm.maximize(statistics, reg_covar=0.5).full_covariances()
        assert is_of(model, ridged)
        assert np.abs(slopes(model, counts, moments + 0.5 * np.eye(D), ridged)).max() < 1e-8


def m_step_from(covariances, statistics, regulariser=None):
    """Return the covariances of an M step that goes on from others."""
    run = _Maximization(plan_of(statistics.covariance_type, *statistics.centers.shape), 1, most=1)
    run.state.covariances[:] = covariances
    with np.errstate(over="ignore"):  # interpreted, NumPy would tell that 64 bits of random numbers overflow
        return run.maximize(check_statistics(statistics), regulariser or ridge(0.0, run.plan.n_features)).covariances


@pytest.mark.parametrize("model", ["VEE", "EVE", "VVE"])
def test_shared_axes_are_not_worse_than_those_of_random_starts(model):
    cases = [(seed, K, D) for seed in range(10 if JIT_ENABLED else 1)]
    # The best of EVE and VVE are near one in a dozen random starts; of ten features few sweeps do not lead there.
    cases += [(130, 4, 6), (44, 2, 6), (175, 4, 6), (0, 3, 10), (0, 6, 10), (5, 10, 10)] * JIT_ENABLED
    for seed, k, d in cases:
        statistics, counts, moments = random_statistics(model, seed, k, d)
        found = loss(counts, moments, fastgmm.maximize(statistics, reg_covar=0.0).covariances)
        generator, losses = np.random.default_rng(seed + 10**6), []
        for _ in range(20 if JIT_ENABLED else 2):
            turned, _ = np.linalg.qr(generator.normal(size=(d, d)))
            covariances = turned * generator.uniform(1.0, 2.0, size=(k, 1, d)) @ turned.T
            for _ in range(10 if JIT_ENABLED else 2):  # of so many sweeps each
                covariances = m_step_from(covariances, statistics)
            losses.append(loss(counts, moments, covariances))
        assert found <= min(losses) + 1e-8 * counts.sum()


@pytest.mark.compiled
def test_a_long_m_step_of_shared_axes_is_launched_again_and_again(monkeypatch):
    statistics, counts, moments = random_statistics("VVE", k=4, d=128)
    launches = []
    monkeypatch.setattr(maximize, "launched", lambda *what: launches.append(1) or launched(*what))
    first = fastgmm.maximize(statistics, reg_covar=0.0).covariances
    assert len(launches) > 2
    assert is_of("VVE", first)
    # A round goes on from there, and does fewer sweeps.
    launches.clear()
    after = m_step_from(first, statistics)
    assert 1 <= len(launches) <= 2
    assert loss(counts, moments, after) <= loss(counts, moments, first) + 1e-10 * counts.sum()


@pytest.mark.compiled
def test_a_fit_goes_on_after_such_an_m_step(monkeypatch):
    d = 80
    X = np.random.default_rng(0).normal(size=(4 * d, d)) * np.linspace(1.0, 3.0, d)
    labels = np.arange(4 * d) % 2
    n_left, launches = [], Run.launches

    def noting(run, *arguments):
        unfinished = launches(run, *arguments)
        n_left.append(int(run.state.counts[SWEEPS]))
        return unfinished

    monkeypatch.setattr(Run, "launches", noting)
    covariances = fastgmm.fit(X, 2, covariance_type="VVE", init=labels, max_iter=1, reg_covar=0.0).mixture.covariances
    assert any(n_left)
    assert is_of("VVE", covariances)


@pytest.mark.skipif(JIT_ENABLED, reason="compiled code has the constants that it was compiled with")
def test_m_steps_of_many_launches_change_nothing(monkeypatch):
    X, _ = make_problem(60, 3, 2)
    labels = np.arange(60) % 2
    options = {"covariance_type": "VVE", "init": labels, "max_iter": 3, "tol": 0.0}
    expected = fastgmm.fit(X, 2, **options)
    problems = fastgmm.fit_many(X[None], 2, covariance_type="VVE", max_iter=3, tol=0.0)
    launches = Run.launches
    monkeypatch.setattr(shared_axes, "LAUNCH_TURNED", 1)
    assert_same_parameters(fastgmm.fit(X, 2, **options).mixture, expected.mixture, 1e-9)
    monkeypatch.setattr("fastgmm.many.fit.fit_rows", None)  # no problem is fitted by itself
    again = fastgmm.fit_many(X[None], 2, covariance_type="VVE", max_iter=3, tol=0.0)
    np.testing.assert_allclose(again.covariances, problems.covariances, rtol=1e-9)

    def interrupting(run, *arguments):
        unfinished = launches(run, *arguments)
        if run.state.counts[SWEEPS] > 0 and run.state.counts[N_ITER] == 3:
            monkeypatch.undo()
            raise KeyboardInterrupt
        return unfinished

    # The M step under way is done when the outcome is asked for.
    monkeypatch.setattr(Run, "launches", interrupting)
    with pytest.raises(Interrupted) as caught:
        fastgmm.fit(X, 2, **options)
    assert_same_parameters(Mixture(*caught.value.outcome.parameters), expected.mixture, 1e-9)


LEAST = 1.0
FLOOR = Regulariser(np.zeros(D), np.full(D, LEAST))


@pytest.mark.parametrize("name", [name for name in NEW if name not in ("EII", "EEI")])
def test_the_floor_keeps_the_structure_and_the_loss_never_rises(name):
    structure, met = STRUCTURES[name], 0
    for seed in range(8 if JIT_ENABLED else 2):
        statistics, counts, moments = random_statistics(name, seed)
        covariances = m_step_from(0.0, statistics, FLOOR)
        met += np.linalg.eigvalsh(structure.complete(covariances, K, D)).min() < LEAST
        # From there to the moments of another round, whose M step goes on from what the last one left.
        statistics, counts, moments = random_statistics(name, seed + 100)
        before = loss(counts, moments, structure.complete(covariances, K, D))
        for _ in range(3):
            covariances = m_step_from(covariances.reshape(structure.core(K, D)), statistics, FLOOR)
            matrices = structure.complete(covariances, K, D)
            assert np.linalg.eigvalsh(matrices).min() >= 0.999 * LEAST * (1.0 - 1e-12)
            assert is_of(structure.model, matrices)
            after = loss(counts, moments, matrices)
            assert after <= before + 1e-10 * abs(before)
            before = after
    assert met > 0


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["EVI", "EVV"])
def test_equal_volumes_above_the_floor_are_the_constrained_maximum(name):
    optimize = pytest.importorskip("scipy.optimize")
    for seed in range(4):
        statistics, counts, moments = random_statistics(name, seed)
        values = np.linalg.eigvalsh(moments) if name == "EVV" else np.diagonal(moments, axis1=1, axis2=2)
        shares = counts[:, np.newaxis] / counts.sum()

        def objective(logs, shares=shares, values=values):
            logs = logs.reshape(K, D)
            return (shares * (logs + values * np.exp(-logs))).sum()

        equal = {"type": "eq", "fun": lambda logs: np.diff(logs.reshape(K, D).sum(axis=1))}
        least = np.log(0.999 * LEAST)
        start = np.full(K * D, np.log(values.mean()))
        bounds, options = [(least, None)] * (K * D), {"ftol": 1e-14, "maxiter": 500}
        expected = optimize.minimize(objective, start, bounds=bounds, constraints=equal, options=options)
        found = fastgmm.maximize(statistics, reg_covar=FLOOR).full_covariances()
        assert loss(counts, moments, found) / counts.sum() <= expected.fun + 1e-7


def flat_rows(seed=0):
    """Rows of three clouds, one of which is flat, and some equal rows."""
    X, _ = make_problem(200, D, 3, seed)
    X[:50, -1] = X[:50, :-1].sum(axis=1)
    X[-12:] = X[-1]
    return X


@pytest.mark.parametrize("name", NEW)
def test_the_likelihood_rises_and_what_is_held_up_is_said(name):
    options = {"covariance_type": name, "init": np.repeat([0, 1, 2, 3], [50, 90, 48, 12]), "tol": 0.0, "max_iter": 30}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = fastgmm.fit(flat_rows(), 4, **options)
    # A flat component of the volume of the others is so wide that its floor is what rounding hides of it.
    volume, shape, axes = STRUCTURES[name].model
    fall = 1e-12 if axes == "I" else 5e-2 if (volume, shape) == ("E", "V") else 1e-3
    assert np.diff(result.trace).min() >= -fall * abs(result.trace[-1])
    matrices = result.mixture.full_covariances()
    assert is_of(STRUCTURES[name].model, matrices, fall)
    floors = result.regulariser.floor + result.regulariser.rounding * np.diagonal(matrices, axis1=1, axis2=2)
    floors = np.sqrt(floors[:, :, np.newaxis] * floors[:, np.newaxis])
    least = np.linalg.eigvalsh(matrices / floors)[:, 0] < 1.01
    assert result.degenerate_components == tuple(np.flatnonzero(least))
    assert len(caught) == least.any()
    assert least.any() or name in ("EII", "VEI", "EEI", "EVI", "EEV", "VEV")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TURNED)
def test_a_feature_without_spread_is_said_whatever_rounding_hides_of_others(name, dtype):
    X, start = make_problem(300, D, 2, seed=4)
    labels = start.predict(X)
    X[:, 1] = 3.0 * labels
    with pytest.warns(fastgmm.FitWarning, match="components 0 and 1 have no spread in x1;"):
        result = fastgmm.fit(X.astype(dtype), 2, covariance_type=name, init=labels, max_iter=5)
    assert result.degenerate_components == (0, 1)
    least = np.linalg.eigvalsh(result.mixture.full_covariances().astype(np.float64))[:, 0]
    np.testing.assert_allclose(least, result.regulariser.floor[1], rtol=1e-2)


@pytest.mark.parametrize("name", NEW)
def test_components_without_any_spread_have_the_floor(name):
    X = np.arange(4.0)[:, np.newaxis] * [1.0, -2.0, 3.0, 5.0]
    with pytest.warns(fastgmm.FitWarning, match="no spread"):
        result = fastgmm.fit(X, 4, covariance_type=name, init=np.arange(4))
    # Of one variance, and of turned axes, the mean is the floor.
    floor = result.regulariser.floor
    own = STRUCTURES[name].n_axes == 1
    variances = np.diagonal(result.mixture.full_covariances(), axis1=1, axis2=2)
    np.testing.assert_allclose(variances, np.full((4, D), floor if own else floor.mean()), rtol=1e-2)


@pytest.mark.parametrize("name", TURNED)
def test_features_that_vary_little_keep_their_variance_in_single_precision(name):
    X, start = make_problem(300, D, 2, seed=4)
    labels, X = start.predict(X), (X * [1.0, 1e-4, 1.0, 1.0]).astype(np.float32)
    options = {"covariance_type": name, "init": labels, "max_iter": 5, "tol": 0.0}
    single, double = (fastgmm.fit(rows, 2, **options) for rows in (X, X.astype(np.float64)))
    assert single.log_likelihood == pytest.approx(double.log_likelihood, rel=1e-4)


@pytest.mark.parametrize("name", ["VEE", "EVV", "tied", "full"])
def test_no_floor_undoes_that_units_do_not_matter(name):
    X, start = make_problem(300, D, 2, seed=4)
    options = {"covariance_type": name, "init": start.predict(X), "max_iter": 5, "tol": 0.0}
    one = fastgmm.fit(X, 2, **options).mixture
    for units in ([1.0, 1e-4, 1.0, 2.0], [1e-8, 1.0, 1.0, 1e8], [1e100, 1.0, 1e-100, 1.0]):
        other = fastgmm.fit(X * units, 2, **options).mixture
        np.testing.assert_allclose(other.means / units, one.means, rtol=1e-9)
        covariances = other.full_covariances() / np.array(units)[:, np.newaxis] / units
        np.testing.assert_allclose(covariances, one.full_covariances(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", NEW)
def test_every_way_to_run_has_the_same_bits(name):
    X, _ = make_problem(300, D, 2, seed=4)
    whole = fastgmm.fit(X, 2, covariance_type=name, random_state=0)
    assert np.diff(whole.trace).min() >= -1e-13 * abs(whole.trace[-1])
    assert whole.mixture.covariances.shape == STRUCTURES[name].shape(2, D)
    assert_same_bits(fastgmm.fit(X, 2, covariance_type=name, random_state=0, reg_covar=0.0).mixture, whole.mixture)
    looped = fastgmm.fit(X, 2, covariance_type=name, random_state=0, callback=lambda state: None)
    chunked = fastgmm.fit([X[:130], X[130:]], 2, covariance_type=name, random_state=0, n_threads=1)
    scaled = fastgmm.fit(X * 2.0**-20, 2, covariance_type=name, random_state=0)
    np.testing.assert_array_equal(scaled.mixture.covariances, whole.mixture.covariances * 2.0**-40)
    many = fastgmm.fit_many([X, X[50:]], 2, covariance_type=name, init=whole.mixture)
    again = fastgmm.fit_many([X, X[50:]], 2, covariance_type=name, init=many)
    assert again.covariances.shape == (2, *STRUCTURES[name].shape(2, D))
    assert_same_bits(many[0].mixture, fastgmm.fit(X, 2, covariance_type=name, init=whole.mixture).mixture)
    for other in (looped, chunked):
        assert_same_bits(other.mixture, whole.mixture)
        np.testing.assert_array_equal(other.trace, whole.trace)
    selected = fastgmm.select(X, 2, [name, "full"], random_state=0)
    assert name in [candidate.covariance_type for candidate in selected.candidates]
    single = fastgmm.fit(X.astype(np.float32), 2, covariance_type=name, init=whole.mixture, max_iter=1).mixture
    assert_same_parameters(single, whole.mixture, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("name", NEW)
def test_features_and_components_have_no_order(name):
    X, start = make_problem(300, D, 2, seed=4)
    labels = start.predict(X)
    options = {"covariance_type": name, "max_iter": 5, "tol": 0.0}
    one = fastgmm.fit(X, 2, init=labels, **options).mixture
    other = fastgmm.fit(X[:, ::-1], 2, init=1 - labels, **options).mixture
    np.testing.assert_allclose(other.means[::-1, ::-1], one.means, rtol=1e-6, atol=1e-9)
    expected = other.full_covariances()[::-1, ::-1, ::-1]
    np.testing.assert_allclose(expected, one.full_covariances(), rtol=1e-6, atol=1e-7)


def free_of_mclust(model, k, d):
    """The formulas of mclust's nMclustParams, for the covariances."""
    turned = d * (d - 1) // 2
    return {
        "EII": 1,
        "VII": k,
        "EEI": d,
        "VEI": k + d - 1,
        "EVI": 1 + k * (d - 1),
        "VVI": k * d,
        "EEE": d * (d + 1) // 2,
        "VEE": k + d - 1 + turned,
        "EVE": 1 + k * (d - 1) + turned,
        "VVE": k + k * (d - 1) + turned,
        "EEV": 1 + d - 1 + k * turned,
        "VEV": k + d - 1 + k * turned,
        "EVV": 1 + k * (d - 1) + k * turned,
        "VVV": k * d * (d + 1) // 2,
    }[model]


@pytest.mark.parametrize("model", MODELS)
def test_free_parameters_are_mclusts(model):
    structure = STRUCTURES[ALIASES.get(model, model)]
    for k, d in itertools.product((1, 2, 3, 7), (1, 2, 3, 10)):
        assert structure.n_free_covariances(k, d) == free_of_mclust(model, k, d)
        assert structure.n_free(k, d) == k - 1 + k * d + free_of_mclust(model, k, d)


@pytest.mark.parametrize("alias", ALIASES)
def test_names_of_mclust_are_names_at_every_door(alias):
    X, _ = make_problem(300, D, 2, seed=4)
    name = ALIASES[alias]
    one, other = (fastgmm.fit(X, 2, covariance_type=each, random_state=0).mixture for each in (name, alias))
    assert_same_bits(one, other)
    assert other.covariance_type == name
    assert Mixture(one.weights, one.means, one.covariances, alias).covariance_type == name
    (candidate,) = fastgmm.select(X, 2, alias, random_state=0).candidates
    assert candidate.covariance_type == name
    assert fastgmm.fit_many([X], 2, covariance_type=alias)[0].mixture.covariance_type == name
    with pytest.raises(ValueError, match="twice"):
        fastgmm.select(X, 2, [alias, name])
    estimator = fastgmm.GaussianMixture(2, covariance_type=alias, random_state=0).fit(X)
    assert estimator.covariance_type == alias
    np.testing.assert_array_equal(estimator.predict(X), estimator.set_params(covariance_type=name).predict(X))
    given = fastgmm.GaussianMixture(2, covariance_type=alias)
    given.weights_, given.means_, given.precisions_cholesky_ = one.weights, one.means, estimator.precisions_cholesky_
    np.testing.assert_array_equal(given.predict(X), one.predict(X))


def test_an_unknown_structure_is_one_sentence():
    X, said = (
        np.zeros((4, 2)),
        r"covariance_types? must be one of 'full', .*, or of mclust's VVV, .*, or E or V of one feature, got ",
    )
    for wrong in ("VIV", "vev", "XXX", None, 3):
        with pytest.raises(ValueError, match=said):
            fastgmm.fit(X, 2, covariance_type=wrong)
        with pytest.raises(ValueError, match=said):
            fastgmm.select(X, 2, [wrong])
        with pytest.raises(ValueError, match=said):
            fastgmm.fit_many([X], 2, covariance_type=wrong)
        with pytest.raises(ValueError, match=said):
            Mixture([1.0], [[0.0]], [[[1.0]]], wrong)


@pytest.mark.parametrize("name", NEW)
def test_one_component_has_the_structures_that_coincide(name):
    """It has no others to differ from."""
    X, _ = make_problem(300, D, 2, seed=4)
    _, shape, axes = STRUCTURES[name].model
    alone = fastgmm.fit(X, 1, covariance_type=name, reg_covar=0.0).mixture
    same = "spherical" if shape == "I" else "diag" if axes == "I" else "full"
    expected = fastgmm.fit(X, 1, covariance_type=same, reg_covar=0.0).mixture
    np.testing.assert_allclose(alone.full_covariances(), expected.full_covariances(), rtol=1e-10, atol=1e-12)
    assert alone.n_free == STRUCTURES["tied" if same == "full" else same].n_free(1, D)


@pytest.mark.parametrize(("name", "own", "same"), [("E", "EII", "tied"), ("V", "spherical", "full")])
def test_one_feature_has_two_structures(name, own, same):
    X, _ = make_problem(300, D, 2, seed=4)
    x = X[:, 0]
    options = {"init": (x > x.mean()).astype(int), "reg_covar": 0.0, "max_iter": 3, "tol": 0.0}
    one = fastgmm.fit(x, 2, covariance_type=name, **options).mixture
    expected = fastgmm.fit(x, 2, covariance_type=same, **options).mixture
    assert one.covariance_type == own
    np.testing.assert_allclose(one.full_covariances(), expected.full_covariances(), rtol=1e-9)
    assert one.n_free == expected.n_free
    assert_same_bits(fastgmm.fit(x, 2, covariance_type=own, **options).mixture, one)
    assert_same_bits(Mixture(*one.parameters[:3], name), one)
    options = {"random_state": 0, "reg_covar": 1e-6}
    estimator = fastgmm.GaussianMixture(2, covariance_type=name, **options).fit(x[:, np.newaxis])
    alone = fastgmm.fit(x, 2, covariance_type=name, **options).mixture
    np.testing.assert_array_equal(estimator.covariances_, alone.covariances)
    assert estimator.score(x[:, np.newaxis]) == alone.score(x)
    selection = fastgmm.select(x, 2, ("E", "V"), **options)
    assert {each.covariance_type for each in selection.candidates} == {"EII", "spherical"}
    assert fastgmm.fit_many([x], 2, covariance_type=name, **options).covariance_type == own


@pytest.mark.parametrize("name", [name for name in NEW if name != "EII"])
def test_a_structure_that_one_feature_does_not_have_is_one_sentence(name):
    x = np.arange(8.0)
    said = f"covariance_types? '{name}' is for several features; of one there are 'E', equal variances, and 'V'"
    with pytest.raises(ValueError, match=said):
        fastgmm.fit(x, 2, covariance_type=name)
    with pytest.raises(ValueError, match=said):
        fastgmm.select(x, 2, ["full", name])
    with pytest.raises(ValueError, match=said):
        fastgmm.fit_many([x], 2, covariance_type=name)
    with pytest.raises(ValueError, match=said):
        fastgmm.GaussianMixture(2, covariance_type=name).fit(x[:, np.newaxis])
    with pytest.raises(ValueError, match=said):
        primitives.allocate(name, 2, 1)


@pytest.mark.parametrize(("name", "other"), [("E", "EII"), ("V", "spherical")])
def test_a_structure_of_one_feature_is_none_of_several(name, other):
    X = np.arange(8.0).reshape(4, 2)
    said = f"covariance_types? '{name}' is for one feature, got 2; of several there is '{other}'"
    with pytest.raises(ValueError, match=said):
        fastgmm.fit(X, 2, covariance_type=name)
    with pytest.raises(ValueError, match=said):
        fastgmm.select(X, 2, name)
    with pytest.raises(ValueError, match=said):
        fastgmm.GaussianMixture(2, covariance_type=name).fit(X)
    with pytest.raises(ValueError, match=said):
        Mixture([1.0], [[0.0, 0.0]], 1.0 if name == "E" else [1.0], name)


@pytest.mark.parametrize("name", NEW)
def test_whoever_holds_a_fit_can_use_it(name, tmp_path):
    X, _ = make_problem(300, D, 2, seed=4)
    estimator = fastgmm.GaussianMixture(2, covariance_type=name, random_state=0).fit(X)
    fitted = Mixture.from_sklearn(estimator)
    fitted.save(tmp_path / "model.json")
    assert_same_bits(Mixture.load(tmp_path / "model.json"), fitted)
    assert name in str(fitted.summary())
    assert fitted.plot(X, features=[0, 1]).axes
    matrices = fitted.full_covariances()
    rows, labels = fitted.sample(20_000, random_state=0)
    for k in range(2):
        np.testing.assert_allclose(np.cov(rows[labels == k].T), matrices[k], atol=0.1)
    for k, precision in enumerate(np.broadcast_to(complete(estimator.precisions_), (2, D, D))):
        np.testing.assert_allclose(precision @ matrices[k], np.eye(D), atol=1e-9)
    moved = Mixture.from_sklearn(estimator.partial_fit(X))
    assert is_of(STRUCTURES[name].model, moved.full_covariances())
    mixture = pytest.importorskip("sklearn.mixture")
    theirs = fitted.to_sklearn()
    assert isinstance(theirs, mixture.GaussianMixture)
    np.testing.assert_allclose(theirs.score_samples(X), fitted.log_density(X), rtol=1e-10)


def complete(precisions):
    """Matrices of one variance, of variances for each feature, or of matrices."""
    if precisions.ndim == 0 or precisions.shape[-1] != D:
        precisions = precisions[..., np.newaxis]
    return precisions if precisions.shape[-2:] == (D, D) else precisions[..., np.newaxis] * np.eye(D)
