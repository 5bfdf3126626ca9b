"""`partial_fit`: the estimator learns from rows that come once."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._checks import own_error_state, shown
from ..em import stepwise
from ..em.fitting import fit_source
from ..em.outcome import FitFailure, Outcome, Status
from ..model.parameters import Parameters
from ..model.regulariser import ridge
from ..model.sklearn_model import checksum_of, precisions_of
from ..rows import tables
from ..rows.accumulation import IllDefinedCovariance
from ..rows.array import ArraySource
from ..rows.check import check_sample_weight, count_rows
from ..rows.launch.threads import check_n_threads
from . import checks, constraints
from .inference import Inference
from .start import options_of


class StepwiseFit(Inference):
    """The methods of an estimator that set its attributes step by step."""

    n_components: int
    reg_covar: float
    n_iter_: int
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    _n_steps = 0  # of stepwise EM, since the last fit
    _n_seen = 0  # rows with weight that the parameters come from: those of the last fit, and of these steps

    @own_error_state
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Go on with rows (n, D) that are not seen again, weighted by `sample_weight` (n,); `y` is ignored.

        Stepwise EM: `X` is cut into steps of equal length, 4096 rows at most; each replaces the share
        n / 4096 (t + 2)**-0.7 of the sufficient statistics, n its rows and 4096 t those before it, and an M step
        follows. The first call starts as `fit` does, from its rows, of which there must be as many as components;
        better more, and in random order. After `fit` it goes on from there, and the rows of the fit are among those
        before. Rows without weight are none. `n_iter_` counts the steps since, and `lower_bound_` is the mean
        log-likelihood of the rows of the last one before it; `converged_` is False. Attributes are float64.

        Raises
        ------
        TypeError, ValueError
            If an argument is not what it may be, or `n_components` has been changed since. The estimator is as it was
            before, and after a FitFailure.
        FitFailure
            If there is no start, or a covariance is not positive definite; a ValueError, too.
        """
        constraints.check_constructor_arguments(self)
        X = tables.collected(X)
        rows = checks.as_rows(X, type(self).__name__, 1)
        weights = check_sample_weight(sample_weight, len(rows))
        names = checks.feature_names(X)
        goes_on = hasattr(self, "weights_")
        if goes_on:
            checks.check_feature_names(self, names)
            mixture = self._mixture()
            if rows.shape[1] != mixture.n_features:
                raise ValueError(
                    f"X has {rows.shape[1]} features, but {type(self).__name__} is expecting {mixture.n_features} "
                    "features as input."
                )
            if mixture.n_components != self.n_components:
                raise ValueError(
                    f"{type(self).__name__} has {mixture.n_components} components, but now has n_components = "
                    f"{shown(self.n_components)}; set it back, or fit anew"
                )
            parameters = mixture.parameters
            names = getattr(self, "feature_names_in_", None)
        else:
            parameters = self._started(rows, weights)
        n_steps, n_seen = (self._n_steps, self._n_seen) if goes_on else (0, 0)
        bound, regulariser = math.nan, ridge(float(self.reg_covar), rows.shape[1])
        n_threads = check_n_threads(self.n_threads)
        if not weights.all():
            rows, weights = rows[weights > 0.0], weights[weights > 0.0]
        edges = np.linspace(0, len(rows), -(-len(rows) // stepwise.STEP_ROWS) + 1).astype(int)
        for part in map(slice, edges[:-1], edges[1:]):
            x = rows[part]
            try:
                parameters, bound = stepwise.step(parameters, n_seen, x, weights[part], regulariser, n_threads)
            except IllDefinedCovariance as error:
                raise FitFailure(f"step {n_steps + 1} cannot be taken: {error}; increase reg_covar") from None
            n_steps, n_seen = n_steps + 1, n_seen + len(x)
        run = Outcome(parameters, math.nan, np.array([bound]), Status.MAX_ITER, regulariser)
        fitted = attributes_of(run, names, n_seen)
        # In one step, so that Ctrl-C never leaves a part of a fit.
        vars(self).update(fitted | {"n_iter_": n_steps, "_n_steps": n_steps})
        if names is None:
            del self.feature_names_in_
        return self

    def _started(self, rows: NDArray[Any], weights: NDArray[np.float64]) -> Parameters:
        """Return where `fit` would start from these rows."""
        n_counted = count_rows(rows, weights)
        if n_counted < self.n_components:
            raise ValueError(
                f"Expected n_samples >= n_components in the first call of partial_fit but got n_components = "
                f"{shown(self.n_components)}, n_samples = {n_counted}"
            )
        options = options_of(self, None, rows.shape[1], None)._replace(max_iter=0, n_init=1, callback=None)
        return fit_source(ArraySource(rows, options.n_threads, weights), options).parameters


def attributes_of(run: Outcome, names: NDArray[Any] | None, n_seen: int) -> dict[str, Any]:
    """Return what a run on `n_seen` rows leaves in an estimator; FitFailure where its attributes do not exist."""
    parameters = run.parameters
    try:
        cholesky, precisions = precisions_of(parameters)
    except ValueError as error:
        raise FitFailure(f"the fit ended where scikit-learn's attributes do not exist: {error}") from None
    return {
        "weights_": parameters.weights,
        "means_": parameters.means,
        "covariances_": parameters.covariances,
        "precisions_cholesky_": cholesky,
        "precisions_": precisions,
        "converged_": run.status is Status.CONVERGED,
        "n_iter_": run.n_iter,
        "lower_bound_": float(run.trace[-1]) if run.n_iter else -math.inf,
        "lower_bounds_": run.trace.tolist(),
        "n_features_in_": parameters.n_features,
        "feature_names_in_": names,
        "_fitted_covariance_type": parameters.covariance_type,
        "_checksum": checksum_of(cholesky),
        "_n_steps": 0,
        "_n_seen": n_seen,
    }
