"""What Dask runs where the rows are: passes over a partition, in one thread, and what joins their results."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._checks import own_error_state
from ...kernels.work import Model
from ...model.parameters import Parameters
from ...model.plan import Plan, plan_of
from ...model.rounds.state import GIVEN, PHASE, SWEEP
from ..evaluate import evaluate_rows
from ..launch.pieces import COPY_BYTES, in_place
from ..run import Run
from ..source import Centers, Memberships
from ..start.k_means import Nearest
from ..start.sample import Sampling
from .parts import Part

Array = NDArray[np.float64]


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
