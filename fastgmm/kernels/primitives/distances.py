"""Squared Euclidean distances over the rows of a block, four features at a time.

Shared by spherical and whitened densities, their moments, and k-means. Always by differences: |x|^2 - 2 x c + |c|^2
would be a matrix product, but it cancels where the centres are far from each other.
"""

from ..._numba.options import entry, kernel
from ..._numba.width import WIDE, tile_vectors
from ..sizes import lanes

# Centres in a call of `squared_distances` whose distances are used right after it: 8 at once took a block of 256 x 8
# 300 ns on one Zen 5 core, two at a time 400.
GROUP = 8


@entry
def squared_distances(block, centers, n_features, out):
    """Write |x - center|^2 over the first `n_features` rows of `block` (P, B) into `out` (K, B).

    Two of the `centers` (K, P) at once, which share what is loaded of x: 17 % faster than one at D = 8, 25 % at
    D = 32, on one AVX2 core. Not put in line: k-means would compile it twice, for 1.5 seconds, and a call a block
    costs nothing that could be measured.
    """
    tile_vectors()
    rest, odd = n_features % 4, centers.shape[0] % 2
    for k in range(centers.shape[0]):
        first_distances(block, centers[k], rest, out[k])
    if odd:
        distances_of_one(block, centers[0], rest, n_features, out[0])
    for k in range(odd, centers.shape[0], 2):
        if WIDE and n_features == 8:
            distances_of_two_8(block, centers[k], centers[k + 1], out[k], out[k + 1])
        else:
            distances_of_two(block, centers[k], centers[k + 1], rest, n_features, out[k], out[k + 1])


@kernel
def distances_of_group(block, centers, n_features, out):
    """Do what `squared_distances` does, to the same bits, by fours where that is faster.

    Two centres at a time wait for the second-level cache once a block has left the first; with 32 vector registers
    four share what is loaded. Not in `squared_distances`, which every k-means compiles.
    """
    fours = centers.shape[0] - centers.shape[0] % 4 if WIDE and n_features >= 16 else 0
    if fours > 0:
        distances_by_fours(block, centers[:fours], n_features, out)
    if fours < centers.shape[0]:
        squared_distances(block, centers[fours:], n_features, out[fours:])


@entry
def distances_by_fours(block, centers, n_features, out):
    """Do what `squared_distances` does for a multiple of four centres."""
    tile_vectors()
    if block.shape[1] != lanes(block) or out.shape[1] != lanes(block):  # as in ``moments/full.py``
        return
    rest = n_features % 4
    for k in range(0, centers.shape[0], 4):
        for j in range(k, k + 4):
            first_distances(block, centers[j], rest, out[j])
        distances_of_four(block, centers[k:], rest, n_features, out[k:])


@kernel
def first_distances(block, center, n_features, out):
    """Write |x - center|^2 over 1, 2 or 3 features; over 0 nothing."""
    if n_features == 1:
        m0 = center[0]
        for b in range(lanes(block)):
            z0 = block[0, b] - m0
            out[b] = z0 * z0
    elif n_features == 2:
        m0, m1 = center[0], center[1]
        for b in range(lanes(block)):
            z0, z1 = block[0, b] - m0, block[1, b] - m1
            out[b] = z0 * z0 + z1 * z1
    elif n_features == 3:
        m0, m1, m2 = center[0], center[1], center[2]
        for b in range(lanes(block)):
            z0, z1, z2 = block[0, b] - m0, block[1, b] - m1, block[2, b] - m2
            out[b] = z0 * z0 + z1 * z1 + z2 * z2


@kernel
def distances_of_one(block, center, start, n_features, out):
    """Add |x - center|^2 over the features from `start`, four at a time; those from 0 are written."""
    for d in range(start, n_features, 4):
        m0, m1, m2, m3 = center[d], center[d + 1], center[d + 2], center[d + 3]
        if d == 0:
            for b in range(lanes(block)):
                z0, z1, z2, z3 = block[d, b] - m0, block[d + 1, b] - m1, block[d + 2, b] - m2, block[d + 3, b] - m3
                out[b] = (z0 * z0 + z1 * z1) + (z2 * z2 + z3 * z3)
        else:
            for b in range(lanes(block)):
                z0, z1, z2, z3 = block[d, b] - m0, block[d + 1, b] - m1, block[d + 2, b] - m2, block[d + 3, b] - m3
                out[b] += (z0 * z0 + z1 * z1) + (z2 * z2 + z3 * z3)


@kernel
def distances_of_two(block, center, other, start, n_features, out, other_out):
    """Do what `distances_of_one` does, for two centres."""
    for d in range(start, n_features, 4):
        m0, m1, m2, m3 = center[d], center[d + 1], center[d + 2], center[d + 3]
        n0, n1, n2, n3 = other[d], other[d + 1], other[d + 2], other[d + 3]
        if d == 0:
            for b in range(lanes(block)):
                x0, x1, x2, x3 = block[d, b], block[d + 1, b], block[d + 2, b], block[d + 3, b]
                z0, z1, z2, z3 = x0 - m0, x1 - m1, x2 - m2, x3 - m3
                y0, y1, y2, y3 = x0 - n0, x1 - n1, x2 - n2, x3 - n3
                out[b] = (z0 * z0 + z1 * z1) + (z2 * z2 + z3 * z3)
                other_out[b] = (y0 * y0 + y1 * y1) + (y2 * y2 + y3 * y3)
        else:
            for b in range(lanes(block)):
                x0, x1, x2, x3 = block[d, b], block[d + 1, b], block[d + 2, b], block[d + 3, b]
                z0, z1, z2, z3 = x0 - m0, x1 - m1, x2 - m2, x3 - m3
                y0, y1, y2, y3 = x0 - n0, x1 - n1, x2 - n2, x3 - n3
                out[b] += (z0 * z0 + z1 * z1) + (z2 * z2 + z3 * z3)
                other_out[b] += (y0 * y0 + y1 * y1) + (y2 * y2 + y3 * y3)


@kernel
def distances_of_four(block, centers, start, n_features, out):
    """Do what `distances_of_one` does, for the first four `centers`, into ``out[:4]``."""
    if start == 0:
        for k in range(4):
            for b in range(lanes(block)):
                out[k, b] = block.dtype.type(0.0)
    for d in range(start, n_features, 4):
        k0, k1, k2, k3 = centers[0, d], centers[0, d + 1], centers[0, d + 2], centers[0, d + 3]
        m0, m1, m2, m3 = centers[1, d], centers[1, d + 1], centers[1, d + 2], centers[1, d + 3]
        n0, n1, n2, n3 = centers[2, d], centers[2, d + 1], centers[2, d + 2], centers[2, d + 3]
        p0, p1, p2, p3 = centers[3, d], centers[3, d + 1], centers[3, d + 2], centers[3, d + 3]
        for b in range(lanes(block)):
            x0, x1, x2, x3 = block[d, b], block[d + 1, b], block[d + 2, b], block[d + 3, b]
            w0, w1, w2, w3 = x0 - k0, x1 - k1, x2 - k2, x3 - k3
            out[0, b] += (w0 * w0 + w1 * w1) + (w2 * w2 + w3 * w3)
            w0, w1, w2, w3 = x0 - m0, x1 - m1, x2 - m2, x3 - m3
            out[1, b] += (w0 * w0 + w1 * w1) + (w2 * w2 + w3 * w3)
            w0, w1, w2, w3 = x0 - n0, x1 - n1, x2 - n2, x3 - n3
            out[2, b] += (w0 * w0 + w1 * w1) + (w2 * w2 + w3 * w3)
            w0, w1, w2, w3 = x0 - p0, x1 - p1, x2 - p2, x3 - p3
            out[3, b] += (w0 * w0 + w1 * w1) + (w2 * w2 + w3 * w3)


@kernel
def distances_of_two_8(block, center, other, out, other_out):
    """Do what `distances_of_two` does for eight features, which then need not be added up in memory.

    With 32 vector registers the means of two centres fit beside the rest.
    """
    m0, m1, m2, m3 = center[0], center[1], center[2], center[3]
    m4, m5, m6, m7 = center[4], center[5], center[6], center[7]
    n0, n1, n2, n3 = other[0], other[1], other[2], other[3]
    n4, n5, n6, n7 = other[4], other[5], other[6], other[7]
    for b in range(lanes(block)):
        x0, x1, x2, x3 = block[0, b], block[1, b], block[2, b], block[3, b]
        x4, x5, x6, x7 = block[4, b], block[5, b], block[6, b], block[7, b]
        y0, y1, y2, y3 = x0 - m0, x1 - m1, x2 - m2, x3 - m3
        y4, y5, y6, y7 = x4 - m4, x5 - m5, x6 - m6, x7 - m7
        z0, z1, z2, z3 = x0 - n0, x1 - n1, x2 - n2, x3 - n3
        z4, z5, z6, z7 = x4 - n4, x5 - n5, x6 - n6, x7 - n7
        out[b] = ((y0 * y0 + y1 * y1) + (y2 * y2 + y3 * y3)) + ((y4 * y4 + y5 * y5) + (y6 * y6 + y7 * y7))
        other_out[b] = ((z0 * z0 + z1 * z1) + (z2 * z2 + z3 * z3)) + ((z4 * z4 + z5 * z5) + (z6 * z6 + z7 * z7))
