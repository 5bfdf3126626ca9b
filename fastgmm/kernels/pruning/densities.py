"""Log-densities of some of the components, for every kind of density."""

from ..._numba.options import entry, generic, implements
from ..._numba.width import tile_vectors
from ..densities.diagonal import DiagonalDensity, less_squares
from ..densities.full import FullDensity
from ..densities.spherical import SphericalDensity
from ..densities.whitened import WhitenedDensity, whiten
from ..primitives.distances import GROUP, distances_of_one, distances_of_two, first_distances
from ..primitives.tiles import less_distance
from ..sizes import lanes


@generic
def log_density_of(density, components, block, spare, half_logs, is_first):
    """Do what `log_density` does for some `components` (n,), into `half_logs` (n, B).

    The first time (`is_first`) of each block, which must leave alone until the last what they share in `spare`.
    """


@entry
def squared_distances_of(block, centers, components, n_features, out):
    """Do what `squared_distances` does for some `components` (n,) of the centres, into `out` (n, B)."""
    tile_vectors()
    rest, n = n_features % 4, out.shape[0]
    for j in range(n):
        first_distances(block, centers[components[j]], rest, out[j])
    if n % 2:
        distances_of_one(block, centers[components[0]], rest, n_features, out[0])
    for j in range(n % 2, n, 2):
        one, other = centers[components[j]], centers[components[j + 1]]
        distances_of_two(block, one, other, rest, n_features, out[j], out[j + 1])


@implements(log_density_of, FullDensity)
def log_density_of_full(density, components, block, spare, half_logs, is_first):
    """See above; four rows of `spare`."""
    tile_vectors()
    for j in range(half_logs.shape[0]):
        k = components[j]
        less_distance(density.constants[k], density.factors[k], density.offsets[k], block, spare, half_logs[j])


@implements(log_density_of, DiagonalDensity)
def log_density_of_diagonal(density, components, block, spare, half_logs, is_first):
    """See above."""
    tile_vectors()
    for j in range(half_logs.shape[0]):
        k = components[j]
        less_squares(density.constants[k], density.factors[k, 0], density.offsets[k], block, half_logs[j])


@implements(log_density_of, SphericalDensity)
def log_density_of_spherical(density, components, block, spare, half_logs, is_first):
    """See above; it leaves nothing behind."""
    tile_vectors()
    for first in range(0, half_logs.shape[0], GROUP):
        last = min(first + GROUP, half_logs.shape[0])
        out = half_logs[first:last]
        squared_distances_of(block, density.offsets, components[first:last], block.shape[0], out)
        for j in range(out.shape[0]):
            k = components[first + j]
            constant, factor = density.constants[k], density.factors[k, 0, 0]
            for b in range(lanes(block)):
                out[j, b] = constant - factor * out[j, b]


@implements(log_density_of, WhitenedDensity)
def log_density_of_whitened(density, components, block, spare, half_logs, is_first):
    """See above."""
    tile_vectors()
    if is_first:
        whiten(density.factors[0], block, spare)
    n_features = density.scales.shape[0]
    for first in range(0, half_logs.shape[0], GROUP):
        last = min(first + GROUP, half_logs.shape[0])
        out = half_logs[first:last]
        squared_distances_of(spare, density.offsets, components[first:last], n_features, out)
        for j in range(out.shape[0]):
            constant = density.constants[components[first + j]]
            for b in range(lanes(block)):
                out[j, b] = constant - out[j, b]
