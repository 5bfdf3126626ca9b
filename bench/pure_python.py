"""One round of EM on plain Python floats: the loops of `fastgmm.naive` without NumPy inside.

The other baseline. NumPy calls on two or three numbers cost microseconds each, so a loop without them is several
times faster than the original, and it is this loop that a compiler starts from.
"""

import math


def em_round(X, weights, means, covariances):
    """Return weights, means and covariances after one E and M step; all arguments are nested lists."""
    n_components, n_features = len(means), len(means[0])
    responsibilities = e_step(X, weights, means, [precision_and_constant(c) for c in covariances])
    features = range(n_features)
    new_weights, new_means, new_covariances = [], [], []
    for k in range(n_components):
        total = 0.0
        mean = [0.0] * n_features
        for x, r in zip(X, responsibilities, strict=True):
            total += r[k]
            for d in features:
                mean[d] += r[k] * x[d]
        mean = [value / total for value in mean]
        covariance = [[0.0] * n_features for _ in features]
        for x, r in zip(X, responsibilities, strict=True):
            z = [x[d] - mean[d] for d in features]
            for i in features:
                for j in features:
                    covariance[i][j] += r[k] * z[i] * z[j]
        new_weights.append(total / len(X))
        new_means.append(mean)
        new_covariances.append([[value / total for value in row] for row in covariance])
    return new_weights, new_means, new_covariances


def e_step(X, weights, means, prepared):
    """Responsibilities, one list a row; `prepared` holds a precision matrix and a constant per component."""
    features = range(len(means[0]))
    responsibilities = []
    for x in X:
        densities = []
        for weight, mean, (precision, constant) in zip(weights, means, prepared, strict=True):
            z = [x[d] - mean[d] for d in features]
            distance = 0.0
            for i in features:
                for j in features:
                    distance += z[i] * precision[i][j] * z[j]
            densities.append(weight * constant * math.exp(-0.5 * distance))
        total = sum(densities)
        responsibilities.append([density / total for density in densities])
    return responsibilities


def precision_and_constant(covariance):
    """Inverse of a covariance and (2 pi)^(-D/2) det^(-1/2), by Gauss-Jordan elimination."""
    n = len(covariance)
    rows = [list(covariance[i]) + [float(i == j) for j in range(n)] for i in range(n)]
    determinant = 1.0
    for i in range(n):
        pivot = rows[i][i]
        determinant *= pivot
        rows[i] = [value / pivot for value in rows[i]]
        for j in range(n):
            if j != i:
                factor = rows[j][i]
                rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[n:] for row in rows], 1.0 / math.sqrt((2.0 * math.pi) ** n * determinant)
