"""`Mixture`: what is built can be used, and what cannot be used is not built."""

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from conftest import assert_same_bits, make_problem

import fastgmm
from fastgmm import Mixture
from fastgmm.model.parameters import Parameters
from fastgmm.model.structures import ALIASES, STRUCTURES

ARRAYS = ("weights", "means", "covariances")


def mixture_of(covariance_type, n_components=3, n_features=2, dtype=np.float64):
    structure = STRUCTURES[covariance_type]
    covariances = np.full(structure.shape(n_components, n_features), 0.25)
    if structure.has_matrices:
        covariances = covariances + np.eye(n_features)
    weights = np.arange(1.0, n_components + 1)
    means = np.arange(float(n_components * n_features)).reshape(n_components, n_features)
    arrays = (weights / weights.sum(), means, covariances)
    return Mixture(*(array.astype(dtype) for array in arrays), covariance_type)


def test_lists_are_converted():
    mixture = Mixture([0.5, 0.5], [[0], [1]], [[[1.0]], [[2.0]]], feature_names=["a"])
    assert mixture.means.dtype == np.float64
    assert mixture.feature_names == ("a",)
    assert np.isfinite(mixture.bic([1.0, 2.0, 3.0]))
    assert (mixture.n_components, mixture.n_features, mixture.n_free) == (2, 1, 5)


def test_arrays_are_copies_in_c_order_that_nobody_writes_to():
    given = {
        "weights": np.ones(1),
        "means": np.zeros((1, 2)),
        "covariances": np.asfortranarray([[[2.0, 1.0], [1.0, 2.0]]]),
    }
    mixture = Mixture(**given)
    for name in ARRAYS:
        array = getattr(mixture, name)
        assert array.flags.c_contiguous
        assert not np.shares_memory(array, given[name])
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0
    with pytest.raises(FrozenInstanceError):
        mixture.weights = np.ones(1)


@pytest.mark.parametrize(("single", "dtype"), [(ARRAYS, np.float32), (ARRAYS[:2], np.float64), ((), np.float64)])
def test_single_precision_where_all_three_have_it(single, dtype):
    _, start = make_problem(1, 2, 2)
    given = {name: getattr(start, name).astype(np.float32 if name in single else np.float64) for name in ARRAYS}
    mixture = Mixture(**given)
    assert {getattr(mixture, name).dtype for name in ARRAYS} == {np.dtype(dtype)}
    assert {array.dtype for array in mixture.parameters[:3]} == {np.dtype(np.float64)}


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.copy, copy.deepcopy, replace])
def test_it_survives_pickle_copy_and_replace(covariance_type, copied):
    mixture = replace(mixture_of(covariance_type, dtype=np.float32), feature_names=("a", "b"))
    again = copied(mixture)
    assert_same_bits(again, mixture)
    assert (again.covariance_type, again.feature_names) == (covariance_type, ("a", "b"))
    assert not any(getattr(again, name).flags.writeable for name in ARRAYS)
    assert {getattr(again, name).dtype for name in ARRAYS} == {np.dtype(np.float32)}


def test_parameters_are_the_way_out_and_back():
    mixture = mixture_of("tied")
    parameters = mixture.parameters
    assert_same_bits(Mixture(*parameters), mixture)
    parameters.weights[:] = 7.0  # a copy
    assert mixture.weights.sum() == 1.0
    assert pickle.loads(pickle.dumps(parameters)).structure is STRUCTURES["tied"]


def test_results_are_mixtures_that_nobody_writes_to():
    X, _ = make_problem(60, 2, 2)
    for rows in (X, X.astype(np.float32)):
        mixture = fastgmm.fit(rows, 2, random_state=0).mixture
        assert mixture.means.dtype == np.float64
        assert not any(getattr(mixture, name).flags.writeable for name in ARRAYS)
        assert_same_bits(replace(mixture), mixture)


GOOD = {"weights": [0.5, 0.5], "means": [[0.0, 0.0], [1.0, 1.0]], "covariances": [np.eye(2)] * 2}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"weights": [0.5, 0.6]}, ValueError, "must be non-negative and sum to 1"),
        ({"weights": [-0.5, 1.5]}, ValueError, "must be non-negative and sum to 1"),
        ({"weights": [1.0]}, ValueError, r"weights must be of shape \(2,\)"),
        ({"weights": None}, ValueError, "weights must be finite"),
        ({"weights": ["0.5", "0.5"]}, TypeError, "weights must be an array of numbers, got list"),
        ({"weights": np.array([0.5, 0.5j])}, TypeError, "weights must be an array of numbers"),
        ({"means": [0.0, 1.0]}, ValueError, "means must be of shape"),
        ({"means": [[10**400, 0], [0, 0]]}, ValueError, "means must be finite"),
        ({"means": np.ma.array(np.eye(2), mask=np.eye(2))}, ValueError, "means is a masked array with masked values"),
        ({"means": [[np.inf, 0.0], [0.0, 0.0]]}, ValueError, "means must be finite"),
        ({"covariances": np.eye(2)}, ValueError, r"of type 'full' must be of shape \(2, 2, 2\)"),
        ({"covariances": [np.eye(2), np.zeros((2, 2))]}, ValueError, "component 1 is not positive definite"),
        ({"covariances": [[[1.0, 2.0], [2.0, 1.0]], np.eye(2)]}, ValueError, "component 0 is not positive definite"),
        ({"covariances": [[[1.0, 0.5], [0.0, 1.0]], np.eye(2)]}, ValueError, "must be symmetric"),
        ({"covariance_type": "tied", "covariances": -np.eye(2)}, ValueError, "component 0 is not positive definite"),
        ({"covariance_type": "diag", "covariances": [[1, 1], [1, 0]]}, ValueError, "component 1 is not positive"),
        ({"covariance_type": "spherical", "covariances": [-1.0, 1.0]}, ValueError, "component 0 is not positive"),
        ({"covariance_type": "round"}, ValueError, "covariance_type must be one of 'full', 'tied', 'diag', 'sph"),
        ({"covariance_type": 3}, ValueError, "covariance_type must be one of"),
        ({"feature_names": ["a"]}, ValueError, "feature_names must name 2 features, got 1"),
        ({"feature_names": "ab"}, TypeError, "feature_names must be a list of strings, got 'ab'"),
        ({"feature_names": [1, 2]}, TypeError, "feature_names must be a list of strings"),
        ({"feature_names": 7}, TypeError, "feature_names must be a list of strings"),
        ({"feature_names": [10**5000, 1]}, TypeError, "feature_names must be a list of strings, got list too long"),
    ],
)
def test_what_is_not_a_mixture(changes, error, message):
    with pytest.raises(error, match=message):
        Mixture(**GOOD | changes)
    with pytest.raises(error, match=message):
        replace(Mixture(**GOOD), **changes)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_structures_agree_with_their_matrices(covariance_type):
    """Shapes, completion, variances and additions to them are told from the completed matrices alone."""
    structure = STRUCTURES[covariance_type]
    mixture = mixture_of(covariance_type, 3, 4)
    matrices = mixture.full_covariances()
    assert matrices.shape == (3, 4, 4)
    variances = structure.variances(mixture.covariances, 3, 4)
    np.testing.assert_array_equal(variances, np.diagonal(matrices, axis1=1, axis2=2))
    for added in (np.full(4, 0.5), np.full((3, 4), 0.5)):
        more = structure.add_variances(mixture.covariances, added)
        assert more.shape == structure.shape(3, 4)
        np.testing.assert_array_equal(structure.complete(more, 3, 4), matrices + 0.5 * np.eye(4))
    if covariance_type not in (*ALIASES.values(), "EII", "EEI"):
        return  # what is equal is not in the shape of the covariances
    # As many covariances as differ under independent changes: the rank of the map from entries to matrices.
    entries = int(np.prod(structure.shape(3, 4)))
    units = np.eye(entries).reshape(entries, *structure.shape(3, 4))
    if structure.has_matrices:
        units = units + np.swapaxes(units, -1, -2)
    rank = np.linalg.matrix_rank(np.array([structure.complete(unit, 3, 4).ravel() for unit in units]))
    assert structure.n_free_covariances(3, 4) == rank
    assert mixture.n_free == 2 + 12 + rank


def test_added_variances_of_one_covariance_for_all_are_the_least():
    added = np.array([[1.0, 2.0], [3.0, 0.5]])
    np.testing.assert_array_equal(STRUCTURES["tied"].add_variances(np.eye(2), added), np.diag([2.0, 1.5]))
    np.testing.assert_array_equal(STRUCTURES["spherical"].add_variances(np.ones(2), added), [2.5, 2.75])


def test_parameters_alone_are_not_checked():
    """Loops pass them around thousands of times a second."""
    assert Parameters(np.ones(1), np.zeros((1, 2)), np.zeros((1, 2, 2)), "full").n_features == 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_icl_is_the_bic_of_rows_and_their_labels(dtype):
    X, mixture = make_problem(200, 2, 3)
    X = X.astype(dtype)
    surprisal = -np.sum(np.log(mixture.responsibilities(X).max(axis=1).astype(np.float64)))
    assert surprisal > 1.0
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    assert mixture.icl(X) == pytest.approx(mixture.bic(X) + 2.0 * surprisal, rel=rtol)
    # Where a component has all of a row there is nothing to be unsure of.
    alone = Mixture([1.0], [[0.0, 0.0]], [np.eye(2)])
    assert alone.icl(X) == alone.bic(X)
    apart = Mixture([0.5, 0.5], [[0.0, 0.0], [1e3, 1e3]], [np.eye(2)] * 2)
    assert apart.icl(X) == pytest.approx(apart.bic(X), rel=1e-12)


@pytest.mark.parametrize("criterion", ["bic", "aic", "icl"])
def test_criteria_of_weighted_rows_are_those_of_repeated_rows(criterion):
    X, mixture = make_problem(60, 2, 2)
    counts = np.random.default_rng(0).integers(0, 4, size=60)
    repeated = getattr(mixture, criterion)(np.repeat(X, counts, axis=0))
    assert getattr(mixture, criterion)(X, sample_weight=counts) == pytest.approx(repeated, rel=1e-12)
    ones = getattr(mixture, criterion)(X, sample_weight=np.ones(60))
    assert ones == pytest.approx(getattr(mixture, criterion)(X), rel=1e-14)
    # A row without weight may have no density at all.
    far = np.concatenate([X, [[1e200, 0.0]]])
    assert getattr(mixture, criterion)(far, sample_weight=[*counts, 0]) == pytest.approx(repeated, rel=1e-12)
    with pytest.raises(ValueError, match="sample_weight must sum to at least the largest n_components, 2, because"):
        getattr(mixture, criterion)(X, sample_weight=np.full(60, 1 / 60))
    with pytest.raises(ValueError, match="sample_weight must be finite"):
        getattr(mixture, criterion)(X, sample_weight=-counts)


@pytest.mark.parametrize("n_samples", [10**12, 10**18, 10**400])
def test_more_samples_than_memory_holds(n_samples):
    with pytest.raises(
        ValueError, match=r"n_samples must be at most [0-9]+, as many as the memory of this machine holds"
    ):
        mixture_of("full").sample(n_samples)
