"""`fit`: checks what the user passed, then hands it on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

from ._checks import Seed, own_error_state
from .em.fitting import fit_source, warn_of
from .em.options import checked_options
from .em.outcome import Callback
from .em.progress import telling
from .em.sources import source_of
from .em.start import check_init
from .mixture import Mixture
from .model.parameters import Parameters
from .model.structures import check_structure
from .results import FitResult, result_of
from .rows.check import check_n_components
from .rows.criteria import weight_given
from .rows.launch.threads import check_n_threads
from .rows.source import Watch

# A context takes a microsecond to be made, a small fit a hundred.
_SILENCE = contextlib.nullcontext()


@own_error_state
def fit(
    X: Any,
    n_components: int,
    *,
    covariance_type: str = "full",
    init: Any = "kmeans",
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
) -> FitResult:
    """Fit a Gaussian mixture by expectation-maximisation.

    Parameters
    ----------
    X : array-like of shape (N, D) or (N,), path, dataset, function or iterable of chunks
        Rows of finite real numbers: an array of any layout, read-only or memory-mapped, a table of pandas, polars
        (a lazy one is collected) or Arrow with numeric columns, or anything `np.asarray` understands. float32 is
        computed in single precision, with sums in double; other dtypes become float64. Parameters are float64. (N,)
        is N samples of one feature. Names of columns, or of a series, go into the result if they are strings; if none
        is, as with years, there are no names, and some that are with others that are not are refused.

        Rows that do not fit into memory are read anew in each round: a path of a file, of a directory or a pattern of
        Parquet, Feather or CSV files; a `pyarrow.dataset.Dataset`; an object that can be iterated over and over and
        holds two-dimensional arrays or tables, such as a list of them; or a function that returns an iterable of
        these, such as a `pyarrow.RecordBatchReader`, anew at each call (arrays that can be written into are copied,
        so that it may use its memory again); or an array, frame or series of Dask, whose partitions stay where they
        are. See ``docs/scaling.md``.
    n_components : int
        Number of components, K; at most N.
    covariance_type : {"full", "tied", "diag", "spherical"}, or one of mclust's names, such as "VEV"
        Covariance structure: a matrix for each component, one matrix for all, a variance for each component and
        feature, a variance for each component; the others are in ``docs/structures.md``.
    init : str, Mixture or array
        "kmeans", "k-means++", "random" or "random_from_data", with scikit-learn's meaning; "tree", a partition from
        a tree of rows, nested for different K, as R's mclust starts, see ``docs/mclust.md``; or explicit
        parameters, whose features are found in a table by their names; or integer labels (N,); or responsibilities
        (N, K).
    tol : float
        EM stops when the mean log-likelihood per row, in nats, changes by less than this.
    stopping : {"change", "aitken"}
        With "aitken" EM goes on until the estimated distance to the limit of the mean log-likelihood, `remaining` of
        the result, is less than `tol` too: a change that is small because convergence is slow is not enough.
    acceleration : {"none", "quasi-newton"}
        With "quasi-newton" passes may be under parameters farther along than those of the last M step, and EM that
        takes thousands of iterations takes tens. Every pass is an iteration, also one that is taken back because the
        likelihood fell; the trace repeats what the fit had come to. EM goes on until the change and `remaining` are
        less than `tol` in two iterations running, whatever `stopping`. Where a number for `reg_covar` is more than a
        thousandth of a component's variance nothing is tried. See ``docs/speed.md``.
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
        Threads of this call, as far as there are so many; by default Numba's current number. No result depends on it.
    callback : callable, optional
        Called as ``callback(state)`` with an `IterationState` after each iteration, under the caller's `np.seterr`; a
        true result stops the fit and keeps the best start so far.
    sample_weight : array-like of shape (N,) or str, optional
        How often each row counts; non-negative, not all zero, in any unit. Of chunks it is the name of a column,
        which is no feature then; so it may be of a table and of Dask, or an array or series with the partitions of X.
    progress : bool or callable
        With True it is told on `sys.stderr` what goes on: on a terminal a line that changes, elsewhere a line for
        each stage. A function is called with an `Underway` instead, about ten times a second.
    columns : sequence of str, optional
        Names of the features, where X names its columns; by default all that are not weights.
    missing : {"error", "marginal"}
        Whether NaN is refused, or a value that is missing at random: exact EM, see ``docs/missing.md``.

    Returns
    -------
    FitResult

    Raises
    ------
    TypeError, ValueError, OSError
        If an argument is not what it may be, chunks disagree, or there is no such file.
    FitFailure
        If every start failed; a ValueError, too.

    Warns
    -----
    FitWarning
        If some but not all starts failed, or components are degenerate.
    """
    began = time.perf_counter()
    names = init.feature_names if isinstance(init, Mixture) else None
    known: Any = {"columns": columns, "feature_names": names, "n_threads": check_n_threads(n_threads)}
    with _SILENCE if progress is False else telling(progress) as watch:
        source = source_of(X, sample_weight, watch=watch, missing=missing, **known)
        n_components = check_n_components(n_components, source.n_counted)
        covariance_type = check_structure("covariance_type", covariance_type, source.n_features)
        options = checked_options(
            n_components=n_components,
            covariance_type=covariance_type,
            init=check_init(start_of(init), source, n_components, covariance_type),
            tol=tol,
            stopping=stopping,
            acceleration=acceleration,
            reg_covar=reg_covar,
            max_iter=max_iter,
            n_init=n_init,
            short_iter=short_iter,
            random_state=random_state,
            n_threads=n_threads,
            callback=callback,
        )
        run = fit_source(source, options if watch is None else options._replace(watch=watch))
    warn_of(run, options.n_init, source.feature_names)
    return result_of(
        run,
        source.feature_names,
        n_samples=source.n_samples,
        total_weight=weight_given(source),
        seconds=time.perf_counter() - began,
    )


def start_of(init: Any) -> Any:
    """Return `init` as the rooms below take it: a mixture as plain parameters."""
    if isinstance(init, str):
        return init
    if isinstance(init, Mixture):
        return init.parameters
    if isinstance(init, Parameters):
        raise TypeError("init must be a Mixture, got Parameters, which nobody has checked; use Mixture(*parameters)")
    return init
