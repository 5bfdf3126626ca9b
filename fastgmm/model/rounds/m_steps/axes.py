"""M steps of variances along the features: EII, EEI, VEI, EVI. One item for all components."""

from ...._numba.options import exact_task, part
from ...._numba.pointers import view
from ....kernels.work import OK, STATE, ZERO
from .common import goes_on, inverse, maximize_means, total_of
from .held import ALMOST
from .values import begin_volumes, empty_fit, fit_values


@exact_task
def maximize_pooled_variances(context, worker, first, end):
    """Task of EII and EEI: the variances of all components together, one for all features or one for each."""
    state = view(context, STATE)
    n_components, n_features = state.means.shape
    maximize_means(context, ZERO, n_components)
    n_variances, total = state.covariances.shape[2], total_of(state.sums)
    n_alike = n_features // n_variances
    for i in range(n_variances):
        value = added = 0.0
        for k in range(n_components):
            value += state.second[k, 0, i]
        for d in range(i * n_alike, (i + 1) * n_alike):
            added += state.added[d]
            for k in range(n_components):
                value -= state.first[k, d] * (state.first[k, d] * inverse(state.sums[k]))
        for k in range(n_components):
            state.covariances[k, 0, i] = value / (total * n_alike) + added / n_alike
    return OK


@exact_task
def maximize_vei(context, worker, first, end):
    """Task of VEI: volumes and one shape in turn, from the volumes of the round before."""
    maximize_variances(context, False, True)
    return OK


@exact_task
def maximize_evi(context, worker, first, end):
    """Task of EVI: a shape each, of one volume."""
    maximize_variances(context, True, False)
    return OK


@part
def maximize_variances(context, equal_volume, equal_shape):
    """Write the parameters of components that have the features for axes."""
    state = view(context, STATE)
    n_components, n_features = state.means.shape
    maximize_means(context, ZERO, n_components)
    moments, least, hidden, values, volumes = empty_fit(n_components, n_features)
    for k in range(n_components):
        scale = inverse(state.sums[k])
        for d in range(n_features):
            shift = state.first[k, d] * scale
            moments[k, d] = max(state.second[k, 0, d] * scale - shift * shift, 0.0) + state.added[d]
            least[k, d] = ALMOST * state.floor[d]
    if goes_on(context):
        for k in range(n_components):
            volumes[k] = state.covariances[k, 0, 0] / state.covariances[0, 0, 0]
    else:
        begin_volumes(state.sums, moments, volumes, values)
    fit_values(state.sums, moments, least, hidden, equal_volume, equal_shape, volumes, values)
    state.covariances[:, 0] = values
