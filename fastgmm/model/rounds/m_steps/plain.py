"""The M steps in closed form that go component by component, and that of one matrix for all."""

from ...._numba.options import exact_task
from ...._numba.pointers import view
from ....kernels.work import OK, STATE, ZERO
from .common import inverse, maximize_means, moments_of, total_of


@exact_task
def maximize_full(context, worker, first, end):
    """Task: a matrix for each component."""
    state = view(context, STATE)
    maximize_means(context, first, end)
    for k in range(first, end):
        moments_of(context, k, state.covariances[k])
    return OK


@exact_task
def maximize_diagonal(context, worker, first, end):
    """Task: a variance for each component and feature."""
    state = view(context, STATE)
    maximize_means(context, first, end)
    for k in range(first, end):
        scale = inverse(state.sums[k])
        for d in range(state.means.shape[1]):
            value = state.second[k, 0, d] * scale - (state.first[k, d] * scale) ** 2 + state.added[d]
            state.covariances[k, 0, d] = value
    return OK


@exact_task
def maximize_spherical(context, worker, first, end):
    """Task: a variance for each component, the mean over features of the diagonal."""
    state = view(context, STATE)
    maximize_means(context, first, end)
    n_features = state.means.shape[1]
    for k in range(first, end):
        scale = inverse(state.sums[k])
        value = state.second[k, 0, 0] * scale
        for d in range(n_features):
            value += state.added[d] - (state.first[k, d] * scale) ** 2
        state.covariances[k, 0, 0] = value / n_features
    return OK


@exact_task
def maximize_tied(context, worker, first, end):
    """Task of one item: one matrix, weighted by N_k."""
    state = view(context, STATE)
    n_components, n_features = state.means.shape
    maximize_means(context, ZERO, n_components)
    total = total_of(state.sums)
    covariance, second = state.covariances[0], state.second[0]
    first_moments, means, centers = state.first, state.means, state.centers
    for i in range(n_features):
        for j in range(i + 1):
            covariance[i, j] = second[i, j]
    if n_features % 2 == 1:
        for k in range(n_components):
            covariance[0, 0] -= first_moments[k, 0] * (means[k, 0] - centers[k, 0])
    # Rows by pairs, which read a component once: 24 us at K = 64, D = 64, and 41 one by one.
    for i in range(n_features % 2, n_features, 2):
        row, next_row = covariance[i], covariance[i + 1]
        for k in range(n_components):
            shift, next_shift, mean, center = first_moments[k, i], first_moments[k, i + 1], means[k], centers[k]
            for j in range(i + 2):  # one more than there is of the first, which is mirrored below
                moved = mean[j] - center[j]
                row[j] -= shift * moved
                next_row[j] -= next_shift * moved
    for i in range(n_features):
        row = covariance[i]
        for j in range(i + 1):
            row[j] /= total
            covariance[j, i] = row[j]
        row[i] += state.added[i]
    return OK
