"""scikit-learn's `GaussianMixture` interface over `fastgmm.fit`; scikit-learn itself is not needed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import Seed, own_error_state, shown
from ..em.fitting import fit_source, in_single, warn_of
from ..em.outcome import Status
from ..em.sources import check_columns, chosen, source_in_memory, source_outside
from ..model.parameters import Array
from ..rows import tables
from ..rows.check import check_sample_weight
from ..rows.evaluate import refuse_chunks
from ..rows.launch.threads import check_n_threads
from ..rows.missing.options import allows_gaps
from ..rows.source import Source, Watch
from . import checks, classes, constraints
from .start import options_of, watch_of
from .stepwise import StepwiseFit, attributes_of


class GaussianMixture(StepwiseFit):
    """Gaussian mixture with the constructor, methods and attributes of scikit-learn's.

    Parameters
    ----------
    n_components, covariance_type, tol, reg_covar, max_iter, n_init, init_params, weights_init, means_init, \
precisions_init, random_state, warm_start, verbose, verbose_interval
        As in scikit-learn 1.9. Integer seeds go to `numpy.random.default_rng`, so the random numbers are not
        scikit-learn's; a `Generator` or `SeedSequence` is also allowed. `init_params` may also be "tree", and
        `covariance_type` one of mclust's names, see `fit`.
    short_iter : int, optional
        Of `n_init` starts each does so many iterations at first, and only the highest goes on to the end, see `fit`.
    acceleration : {"none", "quasi-newton"}
        Steps between iterations, see `fit`.
    n_threads : int, optional
        Threads of `fit` and of inference, as far as there are so many; by default Numba's current number.
    missing : {"error", "marginal"}
        With "marginal" NaN is a missing value for `fit` and for inference, see `fastgmm.fit`.

    Attributes
    ----------
    weights_ : (K,) float32 or float64
        In the dtype of X, like the other parameters.
    means_ : (K, D)
    covariances_, precisions_, precisions_cholesky_ : array
        (K, D, D) for "full", (D, D) for "tied", (K, D) for "diag", (K,) for "spherical"; see `fastgmm.Mixture`.
        ``precisions_cholesky_[k] @ precisions_cholesky_[k].T`` is the precision, the factor upper triangular; for
        variances its entries are 1/sd and the precisions their squares.
    converged_ : bool
    n_iter_ : int
    lower_bound_ : float
        Mean log-likelihood per row, in nats, that the last E step saw.
    lower_bounds_ : list of float
        The same after every round.
    n_features_in_ : int
    feature_names_in_ : (D,) object array
        Only where X had column names.
    """

    weights_: Array
    means_: Array
    covariances_: Array
    precisions_cholesky_: Array
    precisions_: Array
    converged_: bool
    n_iter_: int
    lower_bound_: float
    lower_bounds_: list[float]
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weights_init: ArrayLike | None = None,
        means_init: ArrayLike | None = None,
        precisions_init: ArrayLike | None = None,
        random_state: Seed = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
        short_iter: int | None = None,
        acceleration: str = "none",
        n_threads: int | None = None,
        missing: str = "error",
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.short_iter = short_iter
        self.acceleration = acceleration
        self.n_threads = n_threads
        self.missing = missing

    @own_error_state
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, columns: Sequence[str] | None = None) -> Self:
        """Fit to the rows of `X` (N, D), N >= 2, weighted by `sample_weight` (N,) if there is one; `y` is ignored.

        Of rows that are not in memory, see `fastgmm.fit`, `sample_weight` is the name of a column. Of what has names
        `columns` are the features, in this order; without it all but the weights. Other methods take these only.

        Raises
        ------
        TypeError, ValueError
            If an argument is not what it may be, or a warm start meets other features or another covariance
            structure. The estimator is as it was before, and after a FitFailure.
        FitFailure
            If every start failed, or ended where `precisions_` exceed what the dtype of X holds; a ValueError, too.

        Warns
        -----
        ConvergenceWarning
            If EM ran into `max_iter`.
        FitWarning
            If some but not all starts failed, or components are degenerate.
        """
        constraints.check_constructor_arguments(self)
        watch = watch_of(self)
        with nullcontext() if watch is None else watch.of_compiling():
            source = self._source_of(X, sample_weight, columns, watch)
            if source.n_counted < self.n_components:
                raise ValueError(
                    f"Expected n_samples >= n_components but got n_components = {shown(self.n_components)}, "
                    f"n_samples = {source.n_counted}"
                )
            before = self._mixture() if self.warm_start and hasattr(self, "converged_") else None
            run = fit_source(source, options_of(self, before, source.n_features, watch))
        if source.dtype == np.float32:  # what scikit-learn's attributes are of such rows
            run = in_single(run)
        names = None if source.feature_names is None else np.array(source.feature_names, dtype=object)
        fitted = attributes_of(run, names, source.n_counted)
        warn_of(run, self.n_init)
        if run.status is not Status.CONVERGED and self.max_iter > 0:
            warnings.warn(
                "Best performing initialization did not converge. Try different init parameters, or increase "
                "max_iter, tol, or check for degenerate data.",
                classes.scikit_class(classes.ConvergenceWarning),
                stacklevel=3,
            )
        # In one step, so that Ctrl-C never leaves a part of a fit.
        vars(self).update(fitted)
        if names is None:
            del self.feature_names_in_
        return self

    def _source_of(self, X: Any, sample_weight: Any, columns: Any, watch: Watch | None) -> Source:
        """Return the source of the rows of `X`, checked."""
        n_threads = check_n_threads(self.n_threads)
        wanted = None if columns is None else check_columns(columns)
        gaps = allows_gaps(self.missing)
        source = source_outside(X, sample_weight, columns=wanted, n_threads=n_threads, watch=watch, gaps=gaps)
        if source is not None:
            checks.check_shape((source.n_samples, source.n_features), type(self).__name__, 2)
            return source
        X = tables.collected(X) if wanted is None else chosen(X, wanted)
        rows = checks.as_rows(X, type(self).__name__, 2, gaps)
        weights = check_sample_weight(sample_weight, len(rows))
        names = tables.feature_names_of(tables.column_names_of(X))
        return source_in_memory(rows, n_threads, weights, watch, names, gaps)

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> NDArray[np.int64]:
        """Fit, then return the component of each row, (N,); raises and warns as `fit` does.

        Rows must be in memory, or a collection of Dask: TypeError otherwise, before the fit.
        """
        X = tables.collected(X)
        refuse_chunks(X)
        return self.fit(X, sample_weight=sample_weight).predict(X)
