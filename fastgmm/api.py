"""`fit`: checks what the user passed, then hands it on."""

from __future__ import annotations

import time
from typing import Any

from . import _checks
from ._checks import Seed, own_error_state
from .em.fitting import fit_rows, warn_of
from .em.options import Options
from .em.outcome import Callback
from .em.progress import telling
from .em.start import check_init
from .mixture import Mixture
from .model.parameters import Parameters
from .model.structures import STRUCTURES
from .results import FitResult, result_of
from .rows import check
from .rows.launch.threads import check_n_threads
from .rows.source import Watch


@own_error_state
def fit(
    X: Any,
    n_components: int,
    *,
    covariance_type: str = "full",
    init: Any = "kmeans",
    tol: float = 1e-3,
    stopping: str = "change",
    reg_covar: float | str = "auto",
    max_iter: int = 100,
    n_init: int = 1,
    short_iter: int | None = None,
    random_state: Seed = 0,
    n_threads: int | None = None,
    callback: Callback | None = None,
    sample_weight: Any = None,
    progress: bool | Watch = False,
) -> FitResult:
    """Fit a Gaussian mixture by expectation-maximisation.

    Parameters
    ----------
    X : array-like of shape (N, D) or (N,)
        Rows of finite real numbers: an array of any layout, read-only or memory-mapped, a table of pandas, polars
        (a lazy one is collected) or Arrow with numeric columns, or anything `np.asarray` understands. float32 is
        computed in single precision, with sums in double; other dtypes become float64. Parameters are float64. (N,)
        is N samples of one feature. Names of columns, or of a series, go into the result if they are strings; if none
        is, as with years, there are no names, and some that are with others that are not are refused.
    n_components : int
        Number of components, K; at most N.
    covariance_type : {"full", "tied", "diag", "spherical"}
        Covariance structure: a matrix for each component, one matrix for all, a variance for each component and
        feature, a variance for each component.
    init : str, Mixture or array
        "kmeans", "k-means++", "random" or "random_from_data", with scikit-learn's meaning; or explicit
        parameters, whose features are found in a table by their names; or integer labels (N,); or responsibilities
        (N, K).
    tol : float
        EM stops when the mean log-likelihood per row, in nats, changes by less than this.
    stopping : {"change", "aitken"}
        With "aitken" EM goes on until the estimated distance to the limit of the mean log-likelihood, `remaining` of
        the result, is less than `tol` too: a change that is small because convergence is slow is not enough.
    reg_covar : float or "auto"
        A number is added to the diagonal of every covariance, in the squared units of the data. "auto" adds nothing:
        it is a floor, a millionth of the standard deviation of each feature over all rows, that acts only where a
        component degenerates, and is then reported; see ``docs/robustness.md``.
    max_iter : int
        Iterations of EM at most.
    n_init : int
        Number of starts; the one that ends highest is returned. Each looks at other rows, where there are many.
    short_iter : int, optional
        Of several starts each does so many iterations at first, and only the one that is highest then goes on to the
        end: em-EM of Biernacki, Celeux & Govaert (2003). By default all go on to the end.
    random_state : int, None or NumPy random generator
        An integer seeds `numpy.random.default_rng`: the same fit every time. None draws other numbers each time.
    n_threads : int, optional
        Threads of this call, as far as there are so many; by default Numba's current number. The result does not
        depend on it.
    callback : callable, optional
        Called as ``callback(state)`` with an `IterationState` after each iteration, under the caller's `np.seterr`; a
        true result stops the fit and keeps the best start so far.
    sample_weight : array-like of shape (N,), optional
        How often each row counts; non-negative, not all zero. Their unit does not matter.
    progress : bool or callable
        With True it is told on `sys.stderr` what goes on: on a terminal a line that changes, elsewhere a line for
        each stage. A function is called with an `Underway` instead, about ten times a second.

    Returns
    -------
    FitResult

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it may be.
    FitFailure
        If every start failed; a ValueError, too.

    Warns
    -----
    FitWarning
        If some but not all starts failed, or components are degenerate.
    """
    began = time.perf_counter()
    names = init.feature_names if isinstance(init, Mixture) else None
    rows, names = check.as_rows(X, feature_names=names)
    weights = check.check_sample_weight(sample_weight, len(rows))
    n_components = check.check_n_components(n_components, check.count_rows(rows, weights))
    covariance_type = _checks.check_choice("covariance_type", covariance_type, tuple(STRUCTURES))
    options = checked_options(
        n_components=n_components,
        covariance_type=covariance_type,
        init=check_init(start_of(init), rows, n_components, covariance_type, weights),
        tol=tol,
        stopping=stopping,
        reg_covar=reg_covar,
        max_iter=max_iter,
        n_init=n_init,
        short_iter=short_iter,
        random_state=random_state,
        n_threads=n_threads,
        callback=callback,
    )
    if progress is False:  # a context takes a microsecond, a small fit a hundred
        run = fit_rows(rows, weights, options)
    else:
        with telling(progress) as watch:
            run = fit_rows(rows, weights, options._replace(watch=watch))
    n_samples = len(rows)
    warn_of(run, options.n_init, names)
    return result_of(
        run,
        names,
        n_samples=n_samples,
        total_weight=check.total_weight_of(n_samples, weights),
        seconds=time.perf_counter() - began,
    )


def checked_options(
    *,
    n_components: int,
    covariance_type: str,
    init: Any,
    tol: float,
    stopping: str,
    reg_covar: float | str,
    max_iter: int,
    n_init: int,
    random_state: Seed,
    n_threads: int | None,
    callback: Callback | None,
    short_iter: int | None = None,
) -> Options:
    """Return the arguments of `fit` that do not depend on the rows, checked, beside three that have been."""
    return Options(
        n_components=n_components,
        covariance_type=covariance_type,
        init=init,
        tol=_checks.check_nonnegative("tol", tol),
        reg_covar=_checks.check_reg_covar(reg_covar),
        max_iter=min(_checks.check_integer("max_iter", max_iter, 0), _checks.MOST_ROUNDS),
        n_init=_checks.check_integer("n_init", n_init, 1),
        generator=_checks.check_random_state(random_state),
        n_threads=check_n_threads(n_threads),
        callback=_checks.check_callback(callback),
        short_iter=None if short_iter is None else _checks.check_integer("short_iter", short_iter, 1),
        aitken=_checks.check_choice("stopping", stopping, ("change", "aitken")) == "aitken",
    )


def start_of(init: Any) -> Any:
    """Return `init` as the rooms below take it: a mixture as plain parameters."""
    if isinstance(init, str):
        return init
    if isinstance(init, Mixture):
        return init.parameters
    if isinstance(init, Parameters):
        raise TypeError("init must be a Mixture, got Parameters, which nobody has checked; use Mixture(*parameters)")
    _checks.refuse_masked("init", init)
    return init
