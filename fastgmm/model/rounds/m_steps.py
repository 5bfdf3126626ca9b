"""M steps: tasks that turn the statistics in a state into parameters, for components ``first`` to ``end``.

With delta = first / N_k,

    w_k = N_k / sum N,    mu_k = centers_k + delta,    Sigma_k = second / N_k - delta delta^T + diag(added).

delta tends to 0 with convergence, so the subtraction does not cancel; where it would, `cancels` says so and the pass
is repeated about the new means. A component without rows keeps its centre and gets weight 0 and covariance
diag(added).
"""

from ..._numba.options import exact_task, part
from ..._numba.pointers import view
from ...kernels.densities.kinds import variance_of
from ...kernels.slots import LEAST
from ...kernels.work import OK, STATE, ZERO

SMALLEST = 2.2250738585072014e-308


@part
def inverse(value):
    """Return 1 / value, or 0 for a component that has lost all its rows."""
    return 1.0 / value if value > SMALLEST else 0.0


@part
def maximize_means(context, first, end):
    """Write weights and means, which are the same for every structure."""
    state = view(context, STATE)
    total = 0.0
    for k in range(state.sums.shape[0]):
        total += state.sums[k]
    for k in range(first, end):
        scale = inverse(state.sums[k])
        state.weights[k] = state.sums[k] / total if scale > 0.0 else 0.0
        for d in range(state.means.shape[1]):
            state.means[k, d] = state.centers[k, d] + state.first[k, d] * scale


@exact_task
def maximize_full(context, worker, first, end):
    """Task: a matrix for each component."""
    state = view(context, STATE)
    maximize_means(context, first, end)
    n_features = state.means.shape[1]
    for k in range(first, end):
        scale = inverse(state.sums[k])
        moments, shift, covariance = state.second[k], state.first[k], state.covariances[k]
        for i in range(n_features):
            for j in range(i + 1):
                value = moments[i, j] * scale - (shift[i] * scale) * (shift[j] * scale)
                covariance[i, j] = value
                covariance[j, i] = value
            covariance[i, i] += state.added[i]
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
    total = 0.0
    for k in range(n_components):
        total += state.sums[k]
    covariance, second = state.covariances[0], state.second[0]
    first_moments, means, centers = state.first, state.means, state.centers
    for i in range(n_features):
        row = covariance[i]
        for j in range(i + 1):
            row[j] = second[i, j]
        for k in range(n_components):
            shift, mean, center = first_moments[k, i], means[k], centers[k]
            for j in range(i + 1):
                row[j] -= shift * (mean[j] - center[j])
        for j in range(i + 1):
            row[j] /= total
            covariance[j, i] = row[j]
        row[i] += state.added[i]
    return OK


@part
def cancels(context):
    """Whether a variance is so small beside the square of its delta that less than 1 / LEAST of it is left.

    So it is after the first round from means that are far from their rows: the variances of a sum about a centre a
    thousand standard deviations away have lost six digits.
    """
    state = view(context, STATE)
    least = state.numbers[LEAST]
    n_components, n_features = state.means.shape
    shared, averaged = state.covariances.shape[0] < n_components, state.covariances.shape[1] < n_features
    averaged = averaged and state.covariances.shape[2] < n_features
    for k in range(n_components):
        scale = inverse(state.sums[k])
        weight = state.weights[k] if shared else 1.0
        total = 0.0
        for d in range(n_features):
            delta = state.first[k, d] * scale
            total += delta * delta
            variance = variance_of(state.covariances, k, d) - state.added[d]
            if not averaged and variance < least * weight * delta * delta:
                return True
        variance = variance_of(state.covariances, k, n_features - 1) - state.added[0]
        if averaged and n_features * variance < least * total:
            return True
    return False
