"""The cost model of launches held against the clock: ``python -m bench.costs``.

A launch of compiled code is cut by `fastgmm.model.plan.Plan`'s estimate of what a row takes on one core; it shall be
right to a factor of two. Prints measured over estimated nanoseconds of a row, in one thread.
"""

import sys
import time

import numpy as np

from fastgmm import Mixture
from fastgmm.model.plan import plan_of
from fastgmm.model.rounds.state import set_rule
from fastgmm.model.structures import STRUCTURES
from fastgmm.rows.array import ArraySource

FEATURES = (1, 2, 3, 4, 8, 16, 32, 64, 128, 256)
COMPONENTS = (2, 8, 64)


def measured(covariance_type: str, n_components: int, n_features: int, dtype: type) -> float:
    """Return nanoseconds of a row, the least of three."""
    plan = plan_of(covariance_type, n_components, n_features, np.dtype(dtype))
    # Long enough for the clock, and a few superblocks.
    n_samples = max(2 * plan.rows, min(200_000, int(2e7 / plan.row_nanoseconds)))
    generator = np.random.default_rng(0)
    means = 0.5 * generator.normal(size=(n_components, n_features))
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
        core.reshape(structure.shape(n_components, n_features)),
        covariance_type,
    )
    run = ArraySource(X, n_threads=1).begin(plan, start.parameters, np.zeros(n_features))
    set_rule(run.state, tol=0.0, aitken=False, max_iter=1000, previous=-np.inf, total_weight=n_samples)
    run.advance(1)
    times = []
    for n_rounds in range(2, 5):
        began = time.perf_counter()
        run.advance(n_rounds)
        times.append(time.perf_counter() - began)
    return min(times) / n_samples * 1e9


def main() -> None:
    """Print a table for each structure and dtype; exit with 1 if an estimate is off by more than a factor of two."""
    off = 0
    for dtype in (np.float64, np.float32):
        for covariance_type in STRUCTURES:
            print(f"{covariance_type}, {np.dtype(dtype).name}: measured / estimated, D down, K = {COMPONENTS} across")
            for d in FEATURES:
                ratios = []
                for k in COMPONENTS:
                    plan = plan_of(covariance_type, k, d, np.dtype(dtype))
                    ratios.append(measured(covariance_type, k, d, dtype) / plan.row_nanoseconds)
                off += sum(not 0.5 <= ratio <= 2.0 for ratio in ratios)
                print(f"{d:5d} " + " ".join(f"{ratio:6.2f}" for ratio in ratios), flush=True)
    print(f"{off} estimates off by more than a factor of two")
    sys.exit(1 if off else 0)


if __name__ == "__main__":
    main()
