"""Pruned passes: which density goes with which moments."""

from ..._numba.options import task
from ..._numba.pointers import member
from ..densities.diagonal import DiagonalDensity
from ..densities.full import FullDensity
from ..densities.spherical import SphericalDensity
from ..densities.whitened import WhitenedDensity
from ..moments.diagonal import DiagonalMoments
from ..moments.full import FullMoments
from ..moments.pooled import FirstMoments
from ..moments.spherical import ApartMoments
from ..work import MODEL
from .moves import move_matrices, move_variances
from .passes import sweep_pruned


@task
def sweep_pruned_full(context, worker, first, end):
    """Pruned pass of `FullDensity` and `FullMoments`."""
    model = member(context, MODEL)
    density, moments = FullDensity(model.factors, model.offsets, model.constants), FullMoments(model.means)
    return sweep_pruned(density, moments, context, worker, first, end)


@task
def sweep_pruned_diagonal(context, worker, first, end):
    """Pruned pass of `DiagonalDensity` and `DiagonalMoments`."""
    model = member(context, MODEL)
    density, moments = DiagonalDensity(model.factors, model.offsets, model.constants), DiagonalMoments(model.means)
    return sweep_pruned(density, moments, context, worker, first, end)


@task
def sweep_pruned_spherical(context, worker, first, end):
    """Pruned pass of `SphericalDensity` and `ApartMoments`, as distances are left for those that count only."""
    model = member(context, MODEL)
    density, moments = SphericalDensity(model.offsets, model.factors, model.constants), ApartMoments(model.means)
    return sweep_pruned(density, moments, context, worker, first, end)


@task
def sweep_pruned_first(context, worker, first, end):
    """Pruned pass of `WhitenedDensity` and `FirstMoments`."""
    model = member(context, MODEL)
    density, moments = (
        WhitenedDensity(model.factors, model.offsets, model.constants, model.scales),
        FirstMoments(model.means, model.scales),
    )
    return sweep_pruned(density, moments, context, worker, first, end)


# By the names of density and moments: the pass, and the task that moves its bounds; others are not pruned.
PRUNED = {
    ("full", "full"): (sweep_pruned_full, move_matrices),
    ("diagonal", "diagonal"): (sweep_pruned_diagonal, move_variances),
    ("spherical", "spherical"): (sweep_pruned_spherical, move_variances),
    ("whitened", "first"): (sweep_pruned_first, move_matrices),
}
