"""What Dask runs where the rows are: tasks for a partition, in one thread, and what joins their results."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._checks import as_numbers, own_error_state
from ...kernels.work import Model
from ...model.parameters import Parameters
from ...model.plan import Plan, plan_of
from ...model.rounds.state import GIVEN, PHASE, SWEEP
from ..array import column_moments_of
from ..check import as_columns, first_fault
from ..evaluate import evaluate_rows
from ..launch.pieces import COPY_BYTES, in_place
from ..run import Run
from ..source import Centers, Columns, Memberships
from ..start.k_means import Nearest
from ..start.sample import Sampling

Array = NDArray[np.float64]


class Part(NamedTuple):
    """The rows `x` (n, D) of a partition in C order, and their `weights` (n,) or (0,); or what is wrong with them."""

    x: NDArray[Any]
    weights: Array
    fault: Exception | None = None


class Facts(NamedTuple):
    """What a fit wants to know of a partition: how many rows it has, weights, moments.

    All weights are below ``2 ** exponent``, the unit of `total_weight`. A partition without weight has no moments.
    """

    n_samples: int
    exponent: int
    total_weight: float
    columns: Columns | None
    fault: Exception | None


class Sweep(NamedTuple):
    """A pass: a `model` that has been prepared, whether components are given instead (``counts[GIVEN]``).

    Moments that are `apart` are about other centres than the means of the density.
    """

    covariance_type: str
    model: Model
    given: int
    apart: bool


class Nearby(NamedTuple):
    """Rows belong to the nearest of `centers`; `deviations` (D,) are those of the columns."""

    centers: Centers
    deviations: Array


# What is given for the rows of a partition: labels (n,), centres, or responsibilities by numbers of rows.
Given = NDArray[np.int64] | Nearby | Memberships | None


@own_error_state
def part_of(block: Any, weights: Any, number: int, n_features: int, dtype: Any) -> Part:
    """Return the rows of partition `number`, checked, and their weights."""
    try:
        rows = rows_of_block(block, n_features, dtype)
        return Part(rows, np.empty(0) if weights is None else _weights_of(weights, len(rows)))
    except (TypeError, ValueError) as error:
        # Not raised here: of several the scheduler would tell of any, and workers of each in their logs.
        kind = TypeError if isinstance(error, TypeError) else ValueError
        fault = kind(f"partition {number} of X (counted from 0): {error}")
        return Part(np.empty((0, n_features), dtype), np.empty(0), fault)


def rows_of_block(block: Any, n_features: int, dtype: Any) -> NDArray[Any]:
    """Return the rows of a partition, (n, D) in C order; TypeError or ValueError if they are not what they may be."""
    rows, names = as_columns(block)
    if len(rows) and rows.shape[1] != n_features:
        raise ValueError(f"{rows.shape[1]} columns, not {n_features}")
    wrong = first_fault(rows, names)
    if wrong is not None:
        values = f"{wrong[0]} NaN or infinite value{'s' * (wrong[0] > 1)}"
        raise ValueError(f"{values}, the first in {wrong[1]}; drop or impute these rows first")
    return np.ascontiguousarray(rows.reshape(len(rows), n_features), dtype)


def _weights_of(values: Any, n_samples: int) -> Array:
    weights = as_numbers("sample_weight", values)
    if weights.shape != (n_samples,):
        raise ValueError(f"sample_weight must be of shape ({n_samples},), got {weights.shape}")
    if not (np.isfinite(weights) & (weights >= 0.0)).all():
        raise ValueError("sample_weight must be finite and not negative")
    return weights


@own_error_state
def facts_of(part: Part) -> Facts:
    """Return what a fit wants to know of a partition."""
    x, weights = in_place(part.x), part.weights
    exponent = math.frexp(float(weights.max()))[1] if len(weights) else 0
    weights = np.ldexp(weights, -exponent)
    total_weight = float(weights.sum()) if len(weights) else float(len(x))
    columns = column_moments_of(x, weights, total_weight, 1) if total_weight > 0.0 else None
    return Facts(len(x), exponent, total_weight, columns, part.fault)


def scaled(part: Part, exponent: int) -> Part:
    """Return a partition with weights in units of ``2 ** exponent``."""
    return part._replace(weights=np.ldexp(part.weights, -exponent))


@own_error_state
def counted_of(part: Part, first: int, n_samples: int) -> int:
    """Return how many rows of a partition count among `n_samples`, with weights in the common unit.

    That is `check.count_rows` of all rows, whichever partitions they are in.
    """
    return int(np.count_nonzero(part.weights / n_samples))


@own_error_state
def sums_of(part: Part, first: int, given: Given, sweep: Sweep) -> Array:
    """Return what a pass over a partition, which begins with row `first` of all, leaves in its accumulator."""
    k, d = len(sweep.model.means), len(sweep.model.scales)
    run = _Pass(plan_of(sweep.covariance_type, k, d, part.x.dtype), len(part.x), sweep)
    sums = run.over(in_place(part.x), part.weights, first, given)
    run.close()
    return sums


class _Pass(Run):
    """A pass under a model that another run, elsewhere, has prepared."""

    def __init__(self, plan: Plan, n_samples: int, sweep: Sweep) -> None:
        # Buffers for so few superblocks are kept from one partition to the next.
        super().__init__(plan, 1, most=min(n_samples, 64 * plan.rows))
        kernels = plan.kernels
        self.use(kernels._replace(sweep=kernels.apart) if sweep.apart else kernels)
        self.hold()
        for own, prepared in zip(self._work.model, sweep.model, strict=True):
            own[...] = prepared
        self.state.counts[GIVEN], self.state.counts[PHASE] = sweep.given, SWEEP

    def over(self, x: NDArray[Any], weights: Array, first: int, given: Given) -> Array:
        """Return the sums over rows `x` (n, D), in superblocks counted from the first of them."""
        n_samples, k, unit = len(x), self.plan.n_components, self.plan.rows
        rows = n_samples if given is None else self.rows_a_launch
        nearest = Nearest(given.centers, x.dtype, given.deviations, 1) if isinstance(given, Nearby) else None
        if callable(given):
            rows = min(rows, max(1, COPY_BYTES // (8 * k * unit)) * unit)
        for a in range(0, n_samples, rows):
            b = min(a + rows, n_samples)
            beside: dict[str, Any] = {}
            if nearest is not None:
                beside = {"labels": nearest.labels(x[a:b])}
            elif callable(given):
                beside = {"responsibilities": np.array(given(first + a, first + b), x.dtype, order="C")}
            elif given is not None:
                beside = {"labels": np.array(given[a:b])}  # a copy, because a view that is read-only is a signature
            self.add(x[a:b], weights[a:b], **beside)
        return np.array(self._work.sums.accumulator)


def each_of(task: Callable[..., Any], *columns: Sequence[Any]) -> list[Any]:
    """Return what a task makes of each of several partitions."""
    return list(map(task, *columns))


def added(sums: Sequence[Array]) -> Array:
    """Return the sum of sums, one after the other."""
    return sum(sums[1:], sums[0])


@own_error_state
def surprisal_of(part: Part, first: int, parameters: Parameters) -> float:
    """Return the sum of -ln of the largest responsibilities of a partition, weighted."""
    numbers = evaluate_rows(part.x, parameters, 1, "surprisal").astype(np.float64)
    return float((part.weights * numbers if len(part.weights) else numbers).sum())


@own_error_state
def sampling_of(part: Part, first: int, size: int, seed: int) -> Sampling:
    """Return what a sample of all rows may want of a partition, which begins with row `first`."""
    sampling = Sampling(size, seed, part.x.shape[1], part.x.dtype, first)
    sampling.add(part.x, part.weights, 1)
    return sampling


def merged(samplings: Sequence[Sampling]) -> Sampling:
    """Return what a sample wants of the rows of all these."""
    whole = copy.deepcopy(samplings[0])  # what a task was given may be given to others
    for sampling in samplings[1:]:
        whole.merge(sampling)
    return whole
