"""Labels of many rows and components: most components are left out, by bounds of their densities."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.launch import launch_items
from ...kernels.pruning.bounds import ROUNDED_DOWN, ROUNDED_UP
from ...kernels.pruning.guess import BLOCKS, guess_labels
from ...kernels.pruning.labels import LABELS
from ...kernels.pruning.moves import order_by_label
from ...kernels.pruning.nearby import FIRST, Nearby, NearbyWork
from ...kernels.work import FAR_ROWS, OK, Work
from ...model.plan import LAUNCH_NANOSECONDS, LONG_ROUND_WORK, Cut, Plan
from ..launch.work import address_of, check, entry_of, example, launched, layout_of, packed_work

Array = NDArray[np.float64]

# Rounds of EM that are this long are pruned; a pass that there is one of must be worth what is compiled for it.
ROUNDS = 4
# Of the pairs of blocks and components: with more than `MOST` evaluated, labels are hardly found sooner. Rows of
# `ASKED` components are asked for, as the model has them, then the first `LOOK` blocks.
MOST, ASKED, LOOK = 0.5, 16, 64
# Numbers of the matrices that are dealt with at once.
NUMBERS = 1 << 20


def are_worth_it(plan: Plan, n_samples: int) -> bool:
    """Whether labels of so many rows may be found sooner so: in a long pass, in blocks of one component each."""
    is_long = plan.is_long(n_samples) and plan.work(n_samples) >= ROUNDS * LONG_ROUND_WORK
    return is_long and plan.kernels.density.name in LABELS and plan.n_components * plan.lanes <= n_samples


@functools.cache
def nearby_example(dtype: Any, layout: str) -> NearbyWork:
    """Return what a task that finds labels works on, of a dtype and a layout of x."""
    integers, single, double = np.zeros(1, np.int64), np.zeros((1, 1, 1), np.float32), np.zeros((1, 1))
    short = np.zeros(1, np.int32)
    nearby = Nearby(
        leads=single[0],
        starts=single[0, 0],
        guesses=short,
        order=short,
        places=integers,
        ends=integers,
        owners=integers,
        widths=double[0],
        least=double[0],
        sizes=double[0],
        counts=integers,
        tile=np.zeros((1, 1, 1), dtype),
        single=single,
        slopes=single,
        lengths=double,
        components=np.zeros((1, 1), np.int64),
    )
    return NearbyWork(*example(dtype, layout), nearby)


def label(
    plan: Plan, work: Work, cut: Cut, n_threads: int | None, x: NDArray[Any], labels: NDArray[np.int64]
) -> int | None:
    """Write the `labels` of rows `x` (N, D), as the kernels take them, under the model of `work`, which is prepared.

    Returns OK or FAR_ROWS, or None where that is not worth it: components overlap, or rows are unlike them.
    """
    widths, least, share = _bounds(work)
    if share > MOST:
        return None
    k, n_samples, places = plan.n_components, len(x), len(work.scratch.block)
    padded = -(-plan.n_features // 4) * 4
    leads, starts = _guess(work, padded)
    short, nothing = np.empty(0, np.int32), np.empty(0, np.int64)
    nearby = Nearby(
        leads=leads,
        starts=starts,
        guesses=np.empty(n_samples, np.int32),
        order=short,
        places=nothing,
        ends=nothing,
        owners=nothing,
        widths=widths,
        least=least,
        sizes=np.linalg.norm(work.model.offsets.astype(np.float64), axis=1),
        counts=nothing,
        tile=np.empty((places, plan.lanes, plan.n_features), plan.dtype),
        single=np.zeros((places, FIRST + padded, plan.lanes), np.float32),
        slopes=np.zeros((places, k, padded), np.float32),
        lengths=np.empty((places, k)),
        components=np.empty((places, k), np.int64),
    )

    def launch(task: Any, nearby: Nearby, begin: int, end: int, nanoseconds: float) -> int:
        rows = work.rows._replace(labels=labels)
        context = packed_work(NearbyWork(*work._replace(x=x, rows=rows), nearby), nearby_example)
        tasks = (address_of(task, x.dtype, layout_of(x), nearby_example),)
        items = begin, end - begin, nanoseconds
        code = launched(launch_items, tasks, context, x, cut, n_threads, *items, like=nearby_example)
        if code != FAR_ROWS:
            check(code)
        return int(code)

    # The guess takes about a tenth of a dense pass, and so do bounds.
    block_nanoseconds = 0.1 * plan.lanes * plan.row_nanoseconds
    step = max(1, int(cut.n_workers * LAUNCH_NANOSECONDS / (BLOCKS * block_nanoseconds)))
    n_items = -(-n_samples // (BLOCKS * plan.lanes))
    for begin in range(0, n_items, step):
        launch(guess_labels, nearby, begin, min(begin + step, n_items), BLOCKS * block_nanoseconds)
    nearby = _in_order(nearby, k, plan.lanes)
    code, n_blocks, begin = int(OK), len(nearby.places), 0
    while begin < n_blocks:
        end = min(n_blocks, begin + (BLOCKS * step if begin else LOOK))
        code = max(code, launch(LABELS[plan.kernels.density.name], nearby, begin, end, block_nanoseconds))
        begin = end
        if nearby.counts[:begin].sum() > MOST * k * begin:
            return None
    return code


def _in_order(nearby: Nearby, n_components: int, lanes: int) -> Nearby:
    """Put rows in the order of the guesses, in blocks of one each."""
    guesses, n_samples = nearby.guesses, len(nearby.guesses)
    order = np.arange(n_samples, dtype=np.int32)
    arguments = order, guesses, n_components, np.empty_like(order), np.empty(n_components + 1, np.int64)
    entry_of(order_by_label, ("int32", "C"), *arguments)(*arguments)
    counts = np.bincount(guesses, minlength=n_components)
    n_blocks = -(-counts // lanes)
    owners = np.repeat(np.arange(n_components), n_blocks)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(n_blocks) - n_blocks, n_blocks)
    ends = np.cumsum(counts)
    places = (ends - counts)[owners] + lanes * within
    return nearby._replace(
        order=order,
        places=places,
        ends=np.minimum(places + lanes, ends[owners]),
        owners=owners,
        counts=np.zeros(len(owners), np.int64),
    )


def _guess(work: Work, padded: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return leads and starts, of components with the covariance that they have on average."""
    model, state = work.model, work.state
    scales, n_components = model.scales.astype(np.float64), len(model.constants)
    means = model.means[:, : len(scales)].astype(np.float64)
    shared = np.einsum("k,kij->ij", state.weights, state.covariances) * np.outer(scales, scales)
    slopes = 0.25 * means @ np.linalg.pinv(shared, hermitian=True)
    leads = np.zeros((-(-n_components // 8) * 8, padded), np.float32)
    starts = np.full(len(leads), np.inf, np.float32)
    with np.errstate(all="ignore"):  # what is no number is never the nearest
        leads[:n_components, : len(scales)] = -2.0 * slopes
        starts[:n_components] = (slopes * means).sum(axis=1) - model.constants
    return leads, starts


def _bounds(work: Work) -> tuple[Array, Array, float]:
    """Return widths and least eigenvalues of components, and which share of the pairs seems to be near.

    That is estimated for rows of some components, as the model has them: a pair is near where the bound of the second
    component exceeds the density of the first by what three standard deviations of its slope are.
    """
    model, state = work.model, work.state
    d, n_components = len(model.scales), len(model.constants)
    scales = np.outer(*[model.scales.astype(np.float64)] * 2)
    cumulated = np.cumsum(state.weights)
    asked = np.searchsorted(cumulated, cumulated[-1] * (np.arange(ASKED) + 0.5) / ASKED)
    means, covariances = model.means[asked, :d].astype(np.float64), state.covariances[asked] * scales
    widths, least = np.empty(n_components), np.empty(n_components)
    n_near = 0
    step = max(1, NUMBERS // (d * d))
    with np.errstate(all="ignore"):
        for first in range(0, n_components, step):
            some = slice(first, first + step)
            factors = model.factors[some, :d, :d].astype(np.float64)
            constants, offsets = (each[some].astype(np.float64) for each in (model.constants, model.offsets[:, :d]))
            transposed = factors.transpose(0, 2, 1)
            widths[some] = np.sqrt(_norms(transposed @ factors)) * ROUNDED_UP
            least[some] = ROUNDED_DOWN / _norms(4.0 * scales * state.covariances[some])
            white = factors @ means.T + offsets[:, :, np.newaxis]
            slopes = 2.0 * transposed @ white
            rest = constants[:, np.newaxis] - np.square(white).sum(axis=1) - model.constants[asked] + 0.25 * d
            rest -= least[some, np.newaxis] * np.trace(covariances, axis1=1, axis2=2)
            for a in range(ASKED):
                spread = np.einsum("ki,ij,kj->k", slopes[:, :, a], covariances[a], slopes[:, :, a], optimize=True)
                n_near += int(np.count_nonzero(~(rest[:, a] + 3.0 * np.sqrt(spread) < 0.0)))
    return widths, least, n_near / (ASKED * n_components)


def _norms(matrices: Array) -> Array:
    """Return bounds of the norms of symmetric matrices (K, D, D), at most a tenth above these for D up to 20.

    The largest eigenvalue of M^16 is at most its Frobenius norm, and that at most sqrt(D) times as much.
    """
    traces = np.trace(matrices, axis1=1, axis2=2)
    powers = matrices / traces[:, np.newaxis, np.newaxis]
    for _ in range(4):
        powers = powers @ powers
    norms: Array = traces * np.sqrt(np.square(powers).sum(axis=(1, 2))) ** (1.0 / 16.0)
    return norms
