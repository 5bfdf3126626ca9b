"""Statistics of the observed features, completed: what the missing ones add in expectation.

Given its component and what is observed of it, a row has in its missing features m the conditional mean
mu_m + B (x_o - mu_o) and the covariance C,

    B = Sigma_mo Sigma_oo^-1,    C = Sigma_mm - B Sigma_om,

which depend on its pattern only. So expected sums over the rows of a pattern follow from those of their observed
features: Ghahramani & Jordan (1994), Supervised learning from incomplete data via an EM approach, NIPS 6, 120-127.
With z_o about any centres, z = A z_o + e, A = [1; B], and N, F = A sum r z_o and S the sums over the observed,

    sum r z = F + N e,    sum r z z^T = A S A^T + F e^T + e F^T + N e e^T + N C.

Matrices: as it stands, for each component; of one for all components B and C are the same, and pooled moments are
sums of both sides. Variances: B is 0, and each missing feature adds N (variance + e^2), to its own sum or, of a
spherical component, to the one there is.
"""

from ...._numba.options import entry, part
from ....kernels.densities.kinds import variance_of
from ....kernels.primitives.cholesky import NOT_POSITIVE_DEFINITE, cholesky
from ....kernels.work import COMPONENT, OK


@part
def add_completed(state, under, order, observed, matrices, vectors):
    """Add to the sums in a `state` of all features, about its centres, those of a pattern in the state `observed`.

    `order` (D,) are the features, the observed ones first. Returns OK, or COMPONENT + k for a covariance that is not
    positive definite.
    """
    if under.covariances.shape[1] < state.means.shape[1]:
        for k in range(state.sums.shape[0]):
            add_variances(state, under, order, observed, k)
        return OK
    for c in range(under.covariances.shape[0]):
        if not add_matrices(state, under, order, observed, c, matrices, vectors):
            return COMPONENT + c
    return OK


@part
def add_variances(state, under, order, observed, k):
    """Add the sums of component `k`, whose features are independent."""
    n, n_observed = observed.sums[k], observed.means.shape[1]
    n_sums = state.second.shape[2]
    state.sums[k] += n
    if n_sums == 1:
        state.second[k, 0, 0] += observed.second[k, 0, 0]
    for i in range(order.shape[0]):
        feature = order[i]
        place = min(feature, n_sums - 1)
        center = state.centers[k, feature]
        if i < n_observed:
            first, offset, rest = observed.first[k, i], observed.centers[k, i] - center, 0.0
            if n_sums > 1:
                rest = observed.second[k, 0, i]
        else:
            first, offset = 0.0, under.means[k, feature] - center
            rest = n * variance_of(under.covariances, k, feature)
        state.first[k, feature] += first + n * offset
        state.second[k, 0, place] += rest + (2.0 * first + n * offset) * offset


@part
def add_matrices(state, under, order, observed, c, matrices, vectors):
    """Add the sums of the components with covariance `c`, which may be all; return whether it has a factor."""
    n_components, n_features = state.means.shape
    n_observed = observed.means.shape[1]
    factor, slopes, second = matrices[0], matrices[1], matrices[2]
    firsts, offsets = vectors[0], vectors[1]
    begin, end = (c, c + 1) if under.covariances.shape[0] == n_components else (0, n_components)
    total = 0.0
    for k in range(begin, end):
        total += observed.sums[k]
    if not regress(under.covariances[c], order, n_observed, factor, slopes):
        return False
    complete(observed.second[c], total, factor, slopes, second)
    for k in range(begin, end):
        n = observed.sums[k]
        state.sums[k] += n
        for i in range(n_features):
            center = state.centers[k, order[i]]
            if i < n_observed:
                firsts[i], offsets[i] = observed.first[k, i], observed.centers[k, i] - center
                continue
            first, offset = 0.0, under.means[k, order[i]] - center
            for j in range(n_observed):
                first += slopes[i, j] * observed.first[k, j]
                offset += slopes[i, j] * (observed.centers[k, j] - under.means[k, order[j]])
            firsts[i], offsets[i] = first, offset
        for i in range(n_features):
            state.first[k, order[i]] += firsts[i] + n * offsets[i]
            for j in range(i + 1):
                moved = firsts[i] * offsets[j] + offsets[i] * firsts[j] + n * offsets[i] * offsets[j]
                second[i, j] += moved
    for i in range(n_features):
        a = order[i]
        for j in range(i):
            b = order[j]
            state.second[c, a, b] += second[i, j]
            state.second[c, b, a] += second[i, j]
        state.second[c, a, a] += second[i, i]
    return True


@entry
def regress(covariance, order, n_observed, factor, slopes):
    """Write the factor of a `covariance` (D, D) with its features in an `order`, and B; return whether it has one.

    Row i of B (D - d, d) is row d + i of `slopes` (D, D). From one Cholesky factor, so that C has no negative
    variance, however little is left unexplained.
    """
    n = order.shape[0]
    if n_observed == n:
        return True
    for i in range(n):
        for j in range(i + 1):
            factor[i, j] = covariance[order[i], order[j]]
    if cholesky(factor, factor) == NOT_POSITIVE_DEFINITE:
        return False
    for i in range(n_observed, n):
        row = slopes[i]
        for j in range(n_observed):
            row[j] = factor[i, j]
        for p in range(n_observed - 1, -1, -1):
            row[p] /= factor[p, p]
            for j in range(p):
                row[j] -= row[p] * factor[p, j]
    return True


@entry
def complete(moments, total, factor, slopes, second):
    """Write A S A^T + N C into the lower triangle of `second` (D, D), for `moments` S (d, d) and a `total` N."""
    n, n_observed = second.shape[0], moments.shape[0]
    for i in range(n_observed):
        for j in range(i + 1):
            second[i, j] = moments[i, j]
    for i in range(n_observed, n):
        row = second[i]
        for j in range(n_observed):
            row[j] = 0.0
        for p in range(n_observed):
            for j in range(n_observed):
                row[j] += slopes[i, p] * moments[p, j]
        for q in range(n_observed, i + 1):
            value = 0.0
            for p in range(n_observed):
                value += row[p] * slopes[q, p]
            rest = 0.0
            for p in range(n_observed, q + 1):
                rest += factor[i, p] * factor[q, p]
            row[q] = value + total * rest
