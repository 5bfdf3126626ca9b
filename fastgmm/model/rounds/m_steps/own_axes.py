"""M steps of matrices with axes of their own: EEV, VEV, EVV. One item for all components."""

import numpy as np

from ...._numba.options import exact_task, part
from ...._numba.pointers import view
from ....kernels.primitives.jacobi import diagonalise
from ....kernels.work import OK, SCRATCH, STATE, ZERO
from .common import goes_on, maximize_means
from .matrices import bound, fit_along, hide, rescale, scaled_moments_of, set_units, take_volumes
from .rotations import compose
from .values import begin_volumes, empty_fit


@exact_task
def maximize_eev(context, worker, first, end):
    """Task of EEV."""
    maximize_own_axes(context, worker, True, True)
    return OK


@exact_task
def maximize_vev(context, worker, first, end):
    """Task of VEV."""
    maximize_own_axes(context, worker, False, True)
    return OK


@exact_task
def maximize_evv(context, worker, first, end):
    """Task of EVV."""
    maximize_own_axes(context, worker, True, False)
    return OK


@part
def maximize_own_axes(context, worker, equal_volume, equal_shape):
    """Write the parameters of components that have the eigenvectors of their moments for axes."""
    state, matrix = view(context, STATE), view(context, SCRATCH).matrices[worker, 0]
    n_components, n_features = state.means.shape
    maximize_means(context, ZERO, n_components)
    units, share = np.empty(n_features), np.empty(n_features)
    set_units(context, not equal_shape, units)
    fit = empty_fit(n_components, n_features)
    moments, _, _, values, volumes = fit
    has_volumes = goes_on(context)
    if has_volumes:
        take_volumes(context, volumes)
    for k in range(n_components):
        scaled_moments_of(context, k, units, matrix)
        diagonalise(matrix, state.covariances[k])
        for i in range(n_features):
            moments[k, i] = matrix[i, i]
        hide(context, k, units, share)
        bound(context, k, state.covariances[k], share, fit)
    if not has_volumes:
        begin_volumes(state.sums, moments, volumes, values)
    fit_along(context, fit, equal_volume, equal_shape)
    for k in range(n_components):
        compose(values[k], state.covariances[k], matrix)
        rescale(matrix, units, False)
        state.covariances[k] = matrix
