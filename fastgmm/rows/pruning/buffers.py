"""What pruned passes keep between rounds, and their scratch."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.pruning.bounds import Bounds, PrunedWork
from ...kernels.pruning.guess import FIRST
from ...kernels.work import Work
from ...model.plan import Plan
from ..launch.work import example


@functools.cache
def pruned_example(dtype: Any, layout: str) -> PrunedWork:
    """Return what a task of a pruned pass works on, of a dtype and a layout of x."""
    integers = np.zeros((1, 1), np.int64)
    single, double, matrices = np.zeros((1, 1), np.float32), np.zeros((1, 1)), np.zeros((1, 1, 1))
    bounds = Bounds(
        window=1,
        order=np.zeros(1, np.int32),
        marks=np.zeros(1, np.int64),
        labels=np.zeros(1, np.int32),
        lengths=single,
        shrink=single[0],
        shift=single[0],
        limits=double[0],
        cuts=double[0],
        scales=np.zeros(1, dtype),
        factors=np.zeros((1, 1, 1), dtype),
        means=double,
        variances=matrices,
        filled=integers[0],
        touched=integers,
        widths=double[0],
        least=double[0],
        sizes=double[0],
        tile=np.zeros((1, 1, 1), dtype),
        row_weights=double,
        components=integers,
        single=np.zeros((1, 1, 1), np.float32),
        slopes=single,
        found=double,
    )
    return PrunedWork(*example(dtype, layout), bounds)


def order_of_rows(n_samples: int, window: int) -> NDArray[np.int32]:
    """Return the order (N,) in which rows come, by windows."""
    order = np.arange(n_samples, dtype=np.int32)
    order %= window
    return order


def new_bounds(plan: Plan, work: Work, n_samples: int, window: int, n_slabs: int) -> Bounds:
    """Return bounds of which nothing is known, for `n_samples` rows in the order they come in."""
    k, d, n, dtype = plan.n_components, plan.n_features, n_samples, plan.dtype
    n_blocks, places = -(-n // plan.lanes), len(work.scratch.block)
    has_matrices, model, nothing = plan.structure.has_matrices, work.model, np.empty(0)
    padded = -(-d // 4) * 4
    return Bounds(
        window=window,
        order=order_of_rows(n, window),
        marks=np.zeros(n_blocks, np.int64),
        labels=np.full(n, -1, np.int32),
        lengths=np.empty((n_blocks, k), np.float32),
        shrink=np.empty(k, np.float32),
        shift=np.empty(k, np.float32),
        limits=np.empty(k),
        cuts=np.empty(k),
        scales=model.scales.copy(),
        factors=model.factors.copy() if has_matrices else np.empty((0, 0, 0), dtype),
        means=np.zeros((k, d)),
        variances=np.empty((0, 0, 0)) if has_matrices else np.ones_like(work.state.covariances),
        filled=np.zeros(2, np.int64),
        touched=np.empty((n_slabs, k), np.int64),
        widths=nothing,
        least=nothing,
        sizes=nothing,
        tile=np.empty((places, plan.lanes, d), dtype),
        row_weights=np.empty((places, plan.lanes)),
        components=np.empty((places, k + 1), np.int64),
        single=np.zeros((places, FIRST + padded, plan.lanes), np.float32),
        slopes=np.zeros((places, padded), np.float32),
        found=np.empty((places, k)),
    )
