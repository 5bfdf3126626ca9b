import math

import numpy as np
import pytest
from conftest import random_covariances

from fastgmm.kernels.primitives.cholesky import (
    NOT_POSITIVE_DEFINITE,
    OK,
    cholesky,
    cholesky_2x2,
    cholesky_3x3,
    invert_lower,
)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 17, 33])
def test_factor_and_inverse(n):
    matrix = random_covariances(np.random.default_rng(n), 1, n)[0]
    factor, inverse = np.zeros((n, n)), np.zeros((n, n))
    assert cholesky(matrix, factor) == OK
    np.testing.assert_allclose(factor, np.linalg.cholesky(matrix), rtol=1e-12, atol=1e-14)
    invert_lower(factor, inverse)
    np.testing.assert_allclose(inverse @ factor, np.eye(n), atol=1e-12)


def test_only_the_lower_triangle_is_read_and_in_place_works():
    matrix = random_covariances(np.random.default_rng(0), 1, 4)[0]
    scribbled = np.tril(matrix) + np.triu(np.full((4, 4), np.nan), 1)
    assert cholesky(scribbled, scribbled) == OK
    np.testing.assert_allclose(np.tril(scribbled), np.linalg.cholesky(matrix), rtol=1e-12)


def test_closed_forms_are_the_general_one():
    status, l00, l10, l11 = cholesky_2x2(4.0, 2.0, 5.0)
    assert (status, l00, l10, l11) == (OK, 2.0, 1.0, 2.0)
    matrix = random_covariances(np.random.default_rng(3), 1, 3)[0]
    factor = np.linalg.cholesky(matrix)
    lower = np.tril_indices(3)
    status, *entries = cholesky_3x3(*matrix[lower])
    assert status == OK
    np.testing.assert_allclose(entries, factor[lower], rtol=1e-12)


@pytest.mark.parametrize(
    "matrix",
    [
        [[1.0, 2.0], [2.0, 1.0]],
        [[1.0, 1.0], [1.0, 1.0]],
        [[0.0, 0.0], [0.0, 1.0]],
        [[-1.0, 0.0], [0.0, 1.0]],
        [[math.nan, 0.0], [0.0, 1.0]],
        [[1.0, math.nan], [math.nan, 1.0]],
    ],
)
def test_not_positive_definite_is_a_status(matrix):
    matrix = np.array(matrix)
    assert cholesky(matrix, np.zeros((2, 2))) == NOT_POSITIVE_DEFINITE
    lower = matrix[0, 0], matrix[1, 0], matrix[1, 1]
    assert cholesky_2x2(*lower)[0] == NOT_POSITIVE_DEFINITE
    assert cholesky_3x3(*lower, 0.0, 0.0, 1.0)[0] == NOT_POSITIVE_DEFINITE
