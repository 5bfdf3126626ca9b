"""Fits a grid of numbers of components and covariance structures, and orders them by a criterion."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._checks import Seed, check_callback, check_choice, check_random_state, own_error_state
from ..em.fitting import fit_source
from ..em.options import Options, checked_options
from ..em.outcome import Callback, FitFailure, FitWarning
from ..em.progress import telling
from ..em.sources import source_of
from ..model.criteria import ORDERS
from ..model.structures import STRUCTURES
from ..results import result_of
from ..rows.check import check_total_weight
from ..rows.criteria import weight_given
from ..rows.launch.threads import check_n_threads
from ..rows.source import Source, Watch
from .arguments import Stopping, grid_of, seed_of, starts_of
from .candidates import Candidate, Selection, rank


@own_error_state
def select(
    X: Any,
    n_components: int | Iterable[int] = range(1, 9),
    covariance_types: str | Iterable[str] = "full",
    *,
    criterion: str = "bic",
    init: str | Mapping[int, Any] = "kmeans",
    tol: float = 1e-3,
    stopping: str = "change",
    acceleration: str = "none",
    reg_covar: float | str = "auto",
    max_iter: int = 100,
    n_init: int = 1,
    short_iter: int | None = None,
    random_state: Seed = 0,
    n_threads: int | None = None,
    callback: Callback | None = None,
    sample_weight: Any = None,
    progress: bool | Watch = False,
    columns: Sequence[str] | None = None,
    missing: str = "error",
) -> Selection:
    """Fit mixtures of several numbers of components and covariance structures, and order them by a criterion.

    Parameters
    ----------
    X : array-like of shape (N, D) or (N,), path, dataset, function or iterable of chunks
        As for `fit`; checked and converted once.
    n_components : int or iterable of int
        Numbers of components, each at most N, none twice.
    covariance_types : str or iterable of str
        Covariance structures, see `fit`; every one is fitted with every number of components, and with "all" each of
        the fourteen. Of those that coincide, as full and tied with one component, the simplest is fitted alone.
    criterion : {"bic", "aic", "icl"}
        What decides. They are of the total log-likelihood after the last M step, so that without weights `bic` of a
        candidate is, to rounding, ``result.mixture.bic(X)``, and so are the others. With "icl" each
        candidate takes a pass more over the rows.
    init : {"kmeans", "k-means++", "random", "random_from_data", "tree"} or mapping
        As for `fit`; one tree serves all. Or by number of components labels (N,), or responsibilities (N, K).
    tol, stopping, acceleration, reg_covar, max_iter, n_init, short_iter, n_threads, progress, columns, missing
        As for `fit`, the same in every fit.
    random_state : int, None or NumPy random generator
        Every fit starts from the same integer seed: the one given, or one that is drawn first. A fit therefore does
        not depend on the rest of the grid, and with an integer it is that of `fit` with this `random_state`. What a
        start finds in the rows is found once for all structures.
    callback : callable, optional
        As for `fit`, in every fit; the parameters of the state tell which. A true result stops the selection: the
        fit under way is kept as it is, and the rest of the grid is listed as not fitted.
    sample_weight : array-like of shape (N,) or str, optional
        How often each row counts. Unlike in `fit` their unit matters: log-likelihoods are weighted, and N is the sum
        of the weights, as if rows had been repeated. It must not be less than the largest number of components.

    Returns
    -------
    Selection
        All candidates, those included that could not be fitted.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it may be, before anything is fitted.
    FitFailure
        If every fit failed.

    Warns
    -----
    FitWarning
        If some but not all fits failed, or components of the best one are degenerate: a component on equal rows has
        as high a likelihood as `reg_covar` allows, which a criterion takes for a good fit.
    """
    candidates = []
    with telling(progress) as told:
        known: Any = {"columns": columns, "n_threads": check_n_threads(n_threads), "missing": missing}
        source = source_of(X, sample_weight, watch=told, **known)
        grid = grid_of(n_components, covariance_types, source.n_counted, source.n_features)
        total_weight = weight_given(source)
        check_total_weight(total_weight, max(k for k, _ in grid))
        criterion = check_choice("criterion", criterion, ORDERS)
        seed = seed_of(random_state)
        starts = starts_of(init, grid, source)
        watch = None if callback is None else Stopping(check_callback(callback))
        options = checked_options(
            n_components=grid[0][0],
            covariance_type=grid[0][1],
            init=starts[grid[0][0]],
            tol=tol,
            stopping=stopping,
            acceleration=acceleration,
            reg_covar=reg_covar,
            max_iter=max_iter,
            n_init=n_init,
            short_iter=short_iter,
            random_state=seed,
            n_threads=n_threads,
            callback=watch,
        )._replace(watch=told)
        shared: dict[tuple[Any, ...], Any] = {}
        for k, covariance_type in grid:
            generator = check_random_state(seed)
            point: Any = {"n_components": k, "covariance_type": covariance_type, "init": starts[k]}
            options = options._replace(**point, generator=generator, shared=shared)
            if watch is not None and watch.stopped:
                error = "not fitted: the callback stopped the selection before"
                candidates.append(_without_fit(options, source, error=error))
            else:
                candidates.append(_fitted(options, source, total_weight, criterion))
    candidates.sort(key=lambda candidate: rank(candidate, criterion))
    _report(candidates)
    return Selection(criterion, tuple(candidates))


def _fitted(point: Options, source: Source, total_weight: float, criterion: str) -> Candidate:
    """Fit a point of the grid, and pass over the rows once more for "icl"; a failure is a candidate, too."""
    began = time.perf_counter()
    try:
        run = fit_source(source, point)
    except FitFailure as failure:
        return _without_fit(point, source, error=str(failure), n_failed=point.n_init)
    seconds = time.perf_counter() - began
    known: Any = {"n_samples": source.n_samples, "total_weight": total_weight, "seconds": seconds}
    result = result_of(run, source.feature_names, **known)
    icl = result.bic + 2.0 * source.total_surprisal(run.parameters) if criterion == "icl" else math.nan
    return Candidate(
        point.n_components,
        point.covariance_type,
        result.mixture.n_free,
        result.log_likelihood,
        bic=result.bic,
        aic=result.aic,
        icl=icl,
        status=result.status,
        n_iter=result.n_iter,
        n_failed=result.n_failed,
        degenerate_components=result.degenerate_components,
        result=result,
    )


def _without_fit(point: Options, source: Source, *, error: str, n_failed: int = 0) -> Candidate:
    n_free = STRUCTURES[point.covariance_type].n_free(point.n_components, source.n_features)
    return Candidate(point.n_components, point.covariance_type, n_free, n_failed=n_failed, error=error)


def _report(candidates: list[Candidate]) -> None:
    """Raise if there is no fit; warn, in the line that called `select`, of failed ones and of a degenerate best."""
    failed = [candidate for candidate in candidates if candidate.result is None and candidate.n_failed]
    best = candidates[0]
    if best.result is None:
        prefix = "" if len(failed) == 1 else f"all {len(failed)} fits failed; the last: "
        raise FitFailure(f"{prefix}{_described(failed[-1])}: {failed[-1].error}")
    if failed:
        warnings.warn(
            f"{len(failed)} of {len(candidates)} fits failed and were set aside; the last: {_described(failed[-1])}: "
            f"{failed[-1].error}",
            FitWarning,
            stacklevel=4,
        )
    if best.degenerate_components:
        said = f"in the best fit, {_described(best)}, {best.result.degeneracy}"
        warnings.warn(said, FitWarning, stacklevel=4)


def _described(candidate: Candidate) -> str:
    return f"n_components={candidate.n_components}, covariance_type={candidate.covariance_type!r}"
