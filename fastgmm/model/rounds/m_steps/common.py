"""What all M steps have in common: weights and means, and whether the moments have lost their digits."""

from ...._numba.options import part
from ...._numba.pointers import view
from ....kernels.densities.kinds import variance_of
from ....kernels.slots import GIVEN, LEAST
from ....kernels.work import STATE, ZERO

SMALLEST = 2.2250738585072014e-308


@part
def inverse(value):
    """Return 1 / value, or 0 for a component that has lost all its rows."""
    return 1.0 / value if value > SMALLEST else 0.0


@part
def total_of(sums):
    """Return the sum of all N_k."""
    total = 0.0
    for k in range(sums.shape[0]):
        total += sums[k]
    return total


@part
def maximize_means(context, first, end):
    """Write weights and means, which are the same for every structure."""
    state = view(context, STATE)
    total = total_of(state.sums)
    for k in range(first, end):
        scale = inverse(state.sums[k])
        state.weights[k] = state.sums[k] / total if scale > 0.0 else 0.0
        for d in range(state.means.shape[1]):
            state.means[k, d] = state.centers[k, d] + state.first[k, d] * scale


@part
def moments_of(context, k, out):
    """Write S_k into `out` (D, D), see this folder's docstring."""
    state = view(context, STATE)
    scale, moments, shift = inverse(state.sums[k]), state.second[k], state.first[k]
    for i in range(out.shape[0]):
        for j in range(i + 1):
            out[i, j] = moments[i, j] * scale - (shift[i] * scale) * (shift[j] * scale)
            out[j, i] = out[i, j]
        out[i, i] += state.added[i]


@part
def goes_on(context):
    """Whether the state has covariances of the round before."""
    state = view(context, STATE)
    return state.counts[GIVEN] == 0 and state.covariances[0, 0, 0] > 0.0


@part
def cancels(context):
    """Whether a variance is so small beside the square of its delta that less than 1 / LEAST of it is left.

    So it is after the first round from means that are far from their rows: the variances of a sum about a centre a
    thousand standard deviations away have lost six digits.
    """
    state = view(context, STATE)
    least = state.numbers[LEAST]
    n_components, n_features = state.means.shape
    covariances, added = state.covariances, state.added
    shared, averaged = covariances.shape[0] < n_components, covariances.shape[1] < n_features
    averaged = averaged and covariances.shape[2] < n_features
    for k in range(n_components):
        scale, first = inverse(state.sums[k]), state.first[k]
        if averaged:
            total = 0.0
            for d in range(n_features):
                delta = first[d] * scale
                total += delta * delta
            if n_features * (variance_of(covariances, k, ZERO) - added[0]) < least * total:
                return True
        else:
            weight = state.weights[k] if shared else 1.0
            for d in range(n_features):
                delta = first[d] * scale
                if variance_of(covariances, k, d) - added[d] < least * weight * delta * delta:
                    return True
    return False
