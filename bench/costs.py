"""The cost model of launches held against the clock: ``python -m bench.costs``.

A launch of compiled code is cut by `fastgmm.model.plan.Plan`'s estimates of what a row, and a component that is
prepared, take on one core; they shall be right to a factor of two. Prints measured over estimated time of a round, in
one thread, for rows that all count for every component.
"""

import sys
import time

import numpy as np

from fastgmm import Mixture
from fastgmm.model.plan import plan_of
from fastgmm.model.regulariser import ridge
from fastgmm.model.rounds.state import set_rule
from fastgmm.model.structures import STRUCTURES
from fastgmm.rows.array import ArraySource

# Whose passes all structures share; M steps along turned axes are no launches, and not in the model.
PASSES = ("full", "tied", "diag", "spherical")
FEATURES = (1, 2, 3, 4, 8, 16, 32, 64, 128, 256)
COMPONENTS = (2, 8, 64)


def ratio(covariance_type: str, n_components: int, n_features: int, dtype: type) -> float:
    """Return the time of a round on one core, the least of three, over what launches are cut by."""
    plan = plan_of(covariance_type, n_components, n_features, np.dtype(dtype))
    # Long enough for the clock, and a few superblocks.
    n_samples = max(2 * plan.rows, min(200_000, int(2e7 / plan.row_nanoseconds)))
    generator = np.random.default_rng(0)
    # Overlapping, so that every row counts for every component.
    means = 0.5 / np.sqrt(n_features) * generator.normal(size=(n_components, n_features))
    X = (
        means[generator.integers(n_components, size=n_samples)] + generator.normal(size=(n_samples, n_features))
    ).astype(dtype)
    structure = STRUCTURES[covariance_type]
    core = np.ones(structure.core(n_components, n_features))
    if structure.has_matrices:
        core = core * np.eye(n_features)
    start = Mixture(
        np.full(n_components, 1.0 / n_components),
        means,
        core[structure.from_core],
        covariance_type,
    )
    run = ArraySource(X, n_threads=1).begin(plan, start.parameters, ridge(1.0, n_features))
    set_rule(run.state, tol=0.0, aitken=False, max_iter=1000, previous=-np.inf, total_weight=n_samples)
    run.advance(1)
    times = []
    for n_rounds in range(2, 5):
        run.put(start.parameters)
        began = time.perf_counter()
        run.advance(n_rounds)
        times.append(time.perf_counter() - began)
    estimated = n_samples * plan.row_nanoseconds + structure.n_prepared(n_components) * plan.prepare_nanoseconds
    return min(times) * 1e9 / estimated


def main() -> None:
    """Print a table for each pass and dtype; exit with 1 if an estimate is off by more than a factor of two."""
    off = 0
    for dtype in (np.float64, np.float32):
        for covariance_type in PASSES:
            print(f"{covariance_type}, {np.dtype(dtype).name}: measured / estimated, D down, K = {COMPONENTS} across")
            for d in FEATURES:
                ratios = [ratio(covariance_type, k, d, dtype) for k in COMPONENTS]
                off += sum(not 0.5 <= each <= 2.0 for each in ratios)
                print(f"{d:5d} " + " ".join(f"{each:6.2f}" for each in ratios), flush=True)
    print(f"{off} estimates off by more than a factor of two")
    sys.exit(1 if off else 0)


if __name__ == "__main__":
    main()
