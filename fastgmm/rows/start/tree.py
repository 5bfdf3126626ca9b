"""A tree of rows as EM's start: for every number of clusters a partition, in which those of fewer are split."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.agglomeration import MERGED, agglomerate
from ..source import Centers, Columns, Sample

Array = NDArray[np.float64]

# Coordinates of distances between two looks for Ctrl-C, about 0.1 s; rows that are labelled together.
_LAUNCH, _CHUNK = 1 << 26, 1 << 12
_LEAST = 1e-100  # of the mean weight of a row: one without any could never be merged


def n_leaves(n_components: int) -> int:
    """Return how many rows at most make a tree, which takes time with the square of them."""
    return max(2000, 4 * n_components)


class Tree:
    """Nested partitions of the rows of a sample: Ward's, of at most `n_leaves` of them, in half-whitened coordinates.

    Those are the principal components of standardised features, each divided by the square root of its standard
    deviation: no unit matters, and long clusters hold together better than they do in features. So starts R's mclust,
    too: Scrucca & Raftery (2015), Improved initialisation of model-based clustering using Gaussian hierarchical
    partitions, Advances in Data Analysis and Classification 9, 447-460. All other rows belong to the nearest mean, in
    these coordinates.
    """

    def __init__(self, sample: Sample, columns: Columns, n_leaves: int, generator: np.random.Generator) -> None:
        weights = sample.weights if len(sample.weights) else np.ones(len(sample.rows))
        self._sample, self._weights = sample, weights
        self._points = _coordinates(np.asarray(sample.rows, np.float64), weights, columns)
        (leaves,) = np.nonzero(weights)
        if len(leaves) > n_leaves:
            leaves = np.sort(generator.choice(leaves, n_leaves, replace=False))
        self._leaves = leaves
        self._mergers = _mergers(self._points[leaves], weights[leaves])

    def partition(self, n_components: int) -> NDArray[np.int64]:
        """Return the cluster of each row of the sample, (M,), in the order in which they first occur in the tree."""
        of_leaves = np.arange(len(self._leaves))
        for a, b in self._mergers[: len(self._leaves) - n_components]:
            one, other = sorted((of_leaves[a], of_leaves[b]))
            of_leaves[of_leaves == other] = one
        of_leaves = np.unique(of_leaves, return_inverse=True)[1]
        means = _means(self._points[self._leaves], self._weights[self._leaves], of_leaves, n_components)
        labels = np.empty(len(self._points), np.int64)
        for a in range(0, len(labels), _CHUNK):
            products = self._points[a : a + _CHUNK] @ means.T
            labels[a : a + _CHUNK] = (0.5 * (means * means).sum(axis=1) - products).argmin(axis=1)
        labels[self._leaves] = of_leaves
        return labels

    def centers(self, labels: NDArray[np.int64], n_components: int) -> Centers:
        """Return the means of the rows of the sample with these labels."""
        rows = np.asarray(self._sample.rows, np.float64)
        return Centers(_means(rows, self._weights, labels, n_components))


def _coordinates(rows: Array, weights: Array, columns: Columns) -> Array:
    """Return half-whitened coordinates (M, at most D) of rows (M, D)."""
    # Halves, as differences of the largest numbers overflow.
    units = np.where(columns.deviations > 0.0, columns.deviations, 1.0)
    standardised = (0.5 * rows - 0.5 * columns.means) / (0.5 * units)
    shares = weights / weights.sum()
    variances, axes = np.linalg.eigh((standardised * shares[:, np.newaxis]).T @ standardised)
    spread = variances > len(variances) * np.finfo(np.float64).eps * variances[-1]
    return np.asarray(standardised @ (axes[:, spread] / variances[spread] ** 0.25))


def _mergers(points: Array, weights: Array) -> NDArray[np.int64]:
    """Return pairs of points (n - 1, 2) whose clusters are merged, what adds least to the sum of squares first."""
    n, d = points.shape
    means, weights = np.ascontiguousarray(points.T), np.maximum(weights / weights.mean(), _LEAST)
    merged, added, counts = np.empty((n - 1, 2), np.int64), np.empty(n - 1), np.zeros(2, np.int64)
    scratch: Any = np.zeros(n), np.empty(n), np.empty(n, np.int64)
    while counts[MERGED] < n - 1:
        agglomerate(means, weights, merged, added, *scratch, counts, 1 + _LAUNCH // (n * (d + 1)))
    return np.asarray(merged[np.argsort(added, kind="stable")])


def _means(rows: Array, weights: Array, labels: NDArray[np.int64], n_components: int) -> Array:
    """Return the weighted mean of the rows of each label, (K, D); each has a row with weight."""
    shares = weights / np.bincount(labels, weights, n_components)[labels]
    columns = (np.bincount(labels, shares * column, n_components) for column in rows.T)
    return np.stack(list(columns), axis=1) if rows.shape[1] else np.empty((n_components, 0))
