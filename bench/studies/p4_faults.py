"""The original of P4 in NumPy, with its two faults; `p4_time_series` runs it and says what comes out."""

import numpy as np
from numpy.typing import NDArray

import fastgmm

N_SEEDS = 100
N_ROUNDS = 200
# Whether responsibilities are normalised over the samples, and whether the density gets the root of the variance.
FAULTS = {"both": (True, True), "over samples": (True, False), "square root": (False, True), "none": (False, False)}


def original(x: NDArray, means: NDArray, over_samples: bool, root: bool) -> tuple[NDArray, NDArray, NDArray]:
    """Run the original's loop from `means` (S, 3), S starts at once; return weights, means and variances, (S, 3)."""
    weights, variances = np.full(means.shape, 1.0 / 3.0), np.full(means.shape, x.var())
    sample_axis, component_axis = 1, 2  # of the arrays (S, N, 3) in the loop
    with np.errstate(all="ignore"):
        for _ in range(N_ROUNDS):
            squares = (x[:, np.newaxis] - means[:, np.newaxis]) ** 2
            passed = (np.sqrt(variances) if root else variances)[:, np.newaxis]
            densities = weights[:, np.newaxis] * np.exp(-0.5 * squares / passed) / np.sqrt(2.0 * np.pi * passed)
            axis = sample_axis if over_samples else component_axis
            responsibilities = densities / densities.sum(axis=axis, keepdims=True)
            sums = responsibilities.sum(axis=sample_axis)
            weights, means = sums / len(x), (responsibilities * x[:, np.newaxis]).sum(axis=sample_axis) / sums
            squares = (x[:, np.newaxis] - means[:, np.newaxis]) ** 2
            variances = (responsibilities * squares).sum(axis=sample_axis) / sums
    return weights, means, variances


def by_faults(x: NDArray) -> dict[str, tuple[NDArray, NDArray, NDArray]]:
    """Return what `original` makes of every combination of faults and start, with a row for each seed."""
    seeds = range(N_SEEDS)
    starts = {
        "random rows": np.array([np.random.default_rng(seed).choice(x, 3, replace=False) for seed in seeds]),
        # With max_iter=0 a fit returns its start.
        "k-means": np.array([fastgmm.fit(x, 3, max_iter=0, random_state=s).mixture.means.ravel() for s in seeds]),
    }
    return {
        f"faults: {faults}; {start}": original(x, means, *which)
        for start, means in starts.items()
        for faults, which in FAULTS.items()
    }
