"""What given parameters say about each row: log-densities, responsibilities, labels, and how sure these are.

Rows stream through the kernels piece by piece; nothing of size N x K is made unless it is the result. Sums over all
rows are in ``criteria.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import shown
from ..kernels.launch import launch_items
from ..kernels.primitives.cholesky import cholesky
from ..kernels.work import FAR_ROWS
from ..model.parameters import Parameters
from ..model.plan import plan_of
from ..model.rounds.state import COMPONENT
from .accumulation import IllDefinedCovariance
from .chunked.opening import chunks_of
from .launch import threads
from .launch.pieces import in_place, pieces
from .launch.work import address_of, check, launched, layout_of, packed_work
from .run import Run

Array = NDArray[np.float64]

# Responsibilities that are held at a time where a number for each row is all that is wanted.
_CHUNK = 1 << 20
# What kernels call an output (``kernels/work.py``).
_FIELDS = {"log_density": "values", "responsibilities": "responsibilities", "labels": "labels"}


def refuse_chunks(X: Any) -> None:
    """Raise TypeError for rows that are not in memory, where there is something to return for each.

    Raises
    ------
    OSError, ValueError
        If `X` names files that there are not, or files without columns of numbers.
    """
    if isinstance(X, np.ndarray):
        return
    if hasattr(type(X), "__next__") or chunks_of(X, None, None, None) is not None:
        raise TypeError(
            f"rows must be in memory to be evaluated, got {shown(X)}; evaluate chunks one by one, and files by the "
            "command `fastgmm predict`"
        )


def evaluate_rows(X: NDArray[Any], parameters: Parameters, n_threads: int | None, wanted: str) -> Any:
    """Return one output for checked rows.

    Parameters
    ----------
    X : (N, D) float32 or float64
        Finite rows.
    parameters : Parameters
        In float64.
    n_threads : int or None
        Threads; checked here.
    wanted : str
        The output, in the dtype of the rows but for labels. "log_density": (N,) in nats, -inf where the dtype holds
        no such number; "component_log_density": (N, K) likewise, of each component without its weight;
        "responsibilities": (N, K), rows sum to one; "labels": (N,) int64, the most probable component and the first
        of equals; and (N,) of responsibilities "uncertainty", "entropy" and "surprisal". A row so far from every
        component that all densities underflow belongs to the nearest.

    Raises
    ------
    IllDefinedCovariance
        If a covariance is not positive definite.
    """
    if wanted == "component_log_density":
        # Each as a mixture of its own: a kernel more would be compiled with the first prediction.
        densities = np.empty((len(X), parameters.n_components), X.dtype)
        for k in range(parameters.n_components):
            densities[:, k] = _evaluated(X, parameters.components([k], np.ones(1)), n_threads, "log_density")
        return densities
    if wanted in _FIELDS:
        return _evaluated(X, parameters, n_threads, wanted)
    numbers = np.empty(len(X), X.dtype)
    step = max(1, _CHUNK // parameters.n_components)
    for start in range(0, len(X), step):
        shares = _evaluated(X[start : start + step], parameters, n_threads, "responsibilities")
        numbers[start : start + step] = of_responsibilities(shares, wanted)
    return numbers


def of_responsibilities(responsibilities: NDArray[Any], wanted: str) -> Array:
    """Return a number for each row of responsibilities (N, K), (N,): "uncertainty", "entropy" or "surprisal"."""
    numbers: Array = _OF_RESPONSIBILITIES[wanted](responsibilities)
    return numbers


def uncertainties(responsibilities: NDArray[Any]) -> Array:
    """Return one less the largest responsibility of each row (N, K), (N,): the sum of the others, exact if tiny."""
    largest, others = np.zeros((2, len(responsibilities)))
    for shares in responsibilities.T:
        others += np.minimum(largest, shares)
        np.maximum(largest, shares, out=largest)
    return np.asarray(others)


def _entropies(responsibilities: NDArray[Any]) -> Array:
    """Return -sum_k r_k ln r_k of each row (N, K), (N,), in nats."""
    shares = np.asarray(responsibilities, np.float64)
    return np.asarray(0.0 - np.sum(shares * np.log(np.where(shares > 0.0, shares, 1.0)), axis=1))  # not -0


_OF_RESPONSIBILITIES = {
    "uncertainty": uncertainties,
    "entropy": _entropies,
    # -ln of the largest.
    "surprisal": lambda responsibilities: -np.log1p(-uncertainties(responsibilities)),
}


def _evaluated(X: NDArray[Any], parameters: Parameters, n_threads: int | None, wanted: str) -> Any:
    """Run the evaluation kernel on checked rows for one of its own outputs."""
    plan = plan_of(parameters.covariance_type, *parameters.means.shape, X.dtype)
    shape = (len(X), plan.n_components) if wanted == "responsibilities" else (len(X),)
    output = np.empty(shape, np.int64 if wanted == "labels" else X.dtype)
    evaluation = _Evaluation(plan, threads.check_n_threads(n_threads), most=len(X))
    evaluation.put(parameters)
    if not evaluation.advance(1):
        raise IllDefinedCovariance(int(evaluation.state.counts[COMPONENT]))
    if not (wanted == "labels" and evaluation.label(X, parameters, output)):
        for start, x in pieces(X, evaluation.rows_a_launch, plan.rows, X.dtype):
            piece = output[start : start + len(x)]
            if evaluation.evaluate(x, _FIELDS[wanted], piece) and wanted != "log_density":
                _settle_far_rows(x, parameters, piece)
    evaluation.close()
    return output


class _Evaluation(Run):
    """Parameters, prepared, whose rows are told of and not summed."""

    def label(self, X: NDArray[Any], parameters: Parameters, labels: NDArray[np.int64]) -> bool:
        """Write the labels of rows `X` (N, D) by near components alone; return False if that is not worth it."""
        if not (self.plan.is_long(len(X)) and X.flags.aligned):  # what is not aligned is copied piece by piece
            return False
        # When it is wanted, as in ``array.py``.
        from .pruning.guess import are_worth_it

        if not are_worth_it(self.plan, len(X)):
            return False
        from .pruning.labels import label

        x = in_place(X)
        code = label(self.plan, self._work, self._cut, self._n_threads, x, labels)
        if code == FAR_ROWS:
            _settle_far_rows(x, parameters, labels)
        return code is not None

    def evaluate(self, x: NDArray[Any], field: str, output: NDArray[Any]) -> bool:
        """Write an output for rows `x` (n, D), a launch at most; return whether the densities of some underflow."""
        work = self._work._replace(x=x, rows=self._work.rows._replace(**{field: output}))
        n_items = -(-len(x) // self.plan.rows)
        task = address_of(self._kernels.density.evaluate, x.dtype, layout_of(x))
        cut = self._cut if n_items > 1 else self._cut._replace(n_workers=1)
        items = 0, n_items, cut.superblock_nanoseconds
        code = launched(launch_items, (task,), packed_work(work), x, cut, self._n_threads, *items)
        if code != FAR_ROWS:
            check(code)
        return bool(code == FAR_ROWS)


def _settle_far_rows(x: NDArray[Any], parameters: Parameters, output: NDArray[Any]) -> None:
    """Give rows whose densities all underflow, left at -1 or 0, to the component that is nearest in its own units."""
    far = np.flatnonzero(output < 0) if output.ndim == 1 else np.flatnonzero(~output.any(axis=1))
    covariances = parameters.structure.complete(parameters.covariances, *parameters.means.shape)
    factors = np.zeros(covariances.shape)
    for covariance, factor in zip(np.array(covariances, np.float64), factors, strict=True):
        cholesky(covariance, factor)
    factors /= np.abs(factors).max()
    # A few rows at a time, because each is held against every component.
    for chosen in np.array_split(far, -(-len(far) // 1024)):
        # Halves, because a difference may exceed what float64 holds; of each row in units of the longest.
        offsets = 0.5 * x[chosen, np.newaxis].astype(np.float64) - 0.5 * parameters.means
        offsets /= np.abs(offsets).max(axis=(1, 2), keepdims=True)
        white = np.linalg.solve(factors, offsets.transpose(1, 2, 0))
        distances = np.square(white).sum(axis=1)
        distances[parameters.weights == 0.0] = np.inf
        nearest = distances.argmin(axis=0)
        if output.ndim == 1:
            output[chosen] = nearest
        else:
            output[chosen, nearest] = 1.0
