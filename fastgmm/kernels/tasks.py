"""Tasks that a launch runs over superblocks: which density goes with which moments.

One task a pair, written out: a compiled function that is passed as an argument or closed over is never found in
Numba's disk cache.
"""

from .._numba.options import task
from .._numba.pointers import member
from .densities.diagonal import DiagonalDensity
from .densities.full import FullDensity
from .densities.full_small import Full1Density, Full2Density, Full3Density
from .densities.spherical import SphericalDensity
from .densities.whitened import WhitenedDensity
from .moments.diagonal import DiagonalMoments
from .moments.full import FullMoments
from .moments.full_small import Full1Moments, Full2Moments, Full3Moments
from .moments.pooled import FirstMoments, PooledMoments
from .moments.spherical import ApartMoments, SphericalMoments
from .passes import evaluate, sweep
from .univariate import are_two, sweep_two
from .work import MODEL


@task
def sweep_full(context, worker, first, end):
    """Pass of `FullDensity` and `FullMoments`."""
    model = member(context, MODEL)
    density, moments = FullDensity(model.factors, model.offsets, model.constants), FullMoments(model.means)
    return sweep(density, moments, context, worker, first, end)


@task
def sweep_full_1(context, worker, first, end):
    """Pass of `Full1Density` and `Full1Moments`."""
    model = member(context, MODEL)
    density, moments = Full1Density(model.factors, model.offsets, model.constants), Full1Moments(model.means)
    if are_two(context):
        return sweep_two(density, moments, context, worker, first, end)
    return sweep(density, moments, context, worker, first, end)


@task
def sweep_full_2(context, worker, first, end):
    """Pass of `Full2Density` and `Full2Moments`."""
    model = member(context, MODEL)
    density, moments = Full2Density(model.factors, model.offsets, model.constants), Full2Moments(model.means)
    return sweep(density, moments, context, worker, first, end)


@task
def sweep_full_3(context, worker, first, end):
    """Pass of `Full3Density` and `Full3Moments`."""
    model = member(context, MODEL)
    density, moments = Full3Density(model.factors, model.offsets, model.constants), Full3Moments(model.means)
    return sweep(density, moments, context, worker, first, end)


@task
def sweep_diagonal(context, worker, first, end):
    """Pass of `DiagonalDensity` and `DiagonalMoments`."""
    model = member(context, MODEL)
    density, moments = DiagonalDensity(model.factors, model.offsets, model.constants), DiagonalMoments(model.means)
    return sweep(density, moments, context, worker, first, end)


@task
def sweep_spherical(context, worker, first, end):
    """Pass of the fused pair `SphericalDensity` and `SphericalMoments`."""
    model = member(context, MODEL)
    density, moments = SphericalDensity(model.offsets, model.factors, model.constants), SphericalMoments(model.means)
    return sweep(density, moments, context, worker, first, end)


@task
def sweep_spherical_apart(context, worker, first, end):
    """Pass of `SphericalDensity` and `ApartMoments`."""
    model = member(context, MODEL)
    density, moments = SphericalDensity(model.offsets, model.factors, model.constants), ApartMoments(model.means)
    return sweep(density, moments, context, worker, first, end)


@task
def sweep_pooled(context, worker, first, end):
    """Pass of `WhitenedDensity` and `PooledMoments`."""
    model = member(context, MODEL)
    density = WhitenedDensity(model.factors, model.offsets, model.constants, model.scales)
    return sweep(density, PooledMoments(model.means), context, worker, first, end)


@task
def sweep_first(context, worker, first, end):
    """Pass of `WhitenedDensity` and `FirstMoments`."""
    model = member(context, MODEL)
    density, moments = (
        WhitenedDensity(model.factors, model.offsets, model.constants, model.scales),
        FirstMoments(model.means, model.scales),
    )
    return sweep(density, moments, context, worker, first, end)


@task
def evaluate_full(context, worker, first, end):
    """Evaluate `FullDensity`."""
    model = member(context, MODEL)
    density = FullDensity(model.factors, model.offsets, model.constants)
    return evaluate(density, context, worker, first, end)


@task
def evaluate_full_1(context, worker, first, end):
    """Evaluate `Full1Density`."""
    model = member(context, MODEL)
    density = Full1Density(model.factors, model.offsets, model.constants)
    return evaluate(density, context, worker, first, end)


@task
def evaluate_full_2(context, worker, first, end):
    """Evaluate `Full2Density`."""
    model = member(context, MODEL)
    density = Full2Density(model.factors, model.offsets, model.constants)
    return evaluate(density, context, worker, first, end)


@task
def evaluate_full_3(context, worker, first, end):
    """Evaluate `Full3Density`."""
    model = member(context, MODEL)
    density = Full3Density(model.factors, model.offsets, model.constants)
    return evaluate(density, context, worker, first, end)


@task
def evaluate_diagonal(context, worker, first, end):
    """Evaluate `DiagonalDensity`."""
    model = member(context, MODEL)
    density = DiagonalDensity(model.factors, model.offsets, model.constants)
    return evaluate(density, context, worker, first, end)


@task
def evaluate_spherical(context, worker, first, end):
    """Evaluate `SphericalDensity`."""
    model = member(context, MODEL)
    density = SphericalDensity(model.offsets, model.factors, model.constants)
    return evaluate(density, context, worker, first, end)


@task
def evaluate_whitened(context, worker, first, end):
    """Evaluate `WhitenedDensity`."""
    model = member(context, MODEL)
    density = WhitenedDensity(model.factors, model.offsets, model.constants, model.scales)
    return evaluate(density, context, worker, first, end)
