"""What the estimator says about rows once it is fitted, or its attributes are set."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import own_error_state
from ..mixture import Mixture
from ..model.parameters import Array
from ..model.sklearn_model import covariances_of
from ..model.structures import check_structure
from ..rows import tables
from ..rows.criteria import criterion_of, mean_of
from ..rows.dask.collection import is_dask
from ..rows.dask.inference import evaluated
from ..rows.evaluate import refuse_chunks
from ..rows.missing.evaluate import evaluate
from ..rows.missing.options import allows_gaps, refuse_gaps_of
from . import checks, classes
from .base import Estimator


class Inference(Estimator):
    """The methods of a fitted estimator: they read its attributes anew at each call, so edits count.

    As in scikit-learn it is enough that somebody has set `weights_`, `means_` and `precisions_cholesky_`.
    """

    covariance_type: str
    n_threads: int | None
    missing: str
    random_state: Any
    weights_: Array
    means_: Array
    covariances_: Array
    precisions_cholesky_: Array
    _checksum = 0  # of the precisions_cholesky_ that a fit left

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Most probable component of each row, (N,)."""
        labels: NDArray[np.int64] = self._evaluate(X, "labels")
        return labels

    def predict_proba(self, X: Any) -> Array:
        """Responsibilities, (N, K)."""
        responsibilities: Array = self._evaluate(X, "responsibilities")
        return responsibilities

    def score_samples(self, X: Any) -> Array:
        """Log-density of each row, (N,), in nats."""
        densities: Array = self._evaluate(X, "log_density")
        return densities

    @own_error_state
    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Mean log-likelihood per row, in nats, weighted by `sample_weight` (N,) if there is one.

        Without weights this is ``score_samples(X).mean()`` to the last bit, as in scikit-learn: of float32 rows a
        mean in single precision.
        """
        densities = self.score_samples(X)
        return float(np.asarray(densities).mean()) if sample_weight is None else mean_of(densities, sample_weight)

    def bic(self, X: Any, sample_weight: Any = None) -> float:
        """Bayesian information criterion; lower is better. `sample_weight` (N,) counts as for `Mixture.bic`."""
        return criterion_of("bic", self.score_samples(X), sample_weight, self._mixture().parameters)

    def aic(self, X: Any, sample_weight: Any = None) -> float:
        """Akaike information criterion; lower is better. `sample_weight` (N,) counts as for `Mixture.bic`."""
        return criterion_of("aic", self.score_samples(X), sample_weight, self._mixture().parameters)

    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows (n, D) and their components (n,), in the order of the components."""
        mixture = self._mixture()
        if isinstance(n_samples, numbers.Integral) and n_samples < 1:
            raise ValueError(
                f"Invalid value for 'n_samples': {n_samples} . The sampling requires at least one sample."
            )
        rows, labels = mixture.sample(n_samples, random_state=self.random_state)
        order = np.argsort(labels, kind="stable")
        return rows[order], labels[order]

    def _mixture(self) -> Mixture:
        """Return what the attributes hold now, checked."""
        has_covariances = hasattr(self, "covariances_") or hasattr(self, "precisions_cholesky_")
        if not (has_covariances and hasattr(self, "weights_") and hasattr(self, "means_")):
            raise classes.not_fitted(self)
        asked = check_structure("covariance_type", self.covariance_type)
        fitted = getattr(self, "_fitted_covariance_type", asked)
        if fitted != asked:
            raise ValueError(
                f"{type(self).__name__} was fitted with covariance_type {fitted!r}, but now has "
                f"{self.covariance_type!r}; fit it again, without warm_start"
            )
        return Mixture(self.weights_, self.means_, covariances_of(self), self.covariance_type)

    def _n_parameters(self) -> int:
        """Return the number of free parameters; scikit-learn's users call it by this name."""
        return self._mixture().n_free

    @own_error_state
    def _evaluate(self, X: Any, wanted: str) -> Any:
        """Evaluate rows that agree with those fitted to; see `evaluate_rows`."""
        mixture = self._mixture()
        X = tables.collected(X)
        refuse_chunks(X)
        checks.check_feature_names(self, checks.feature_names(X))
        gaps = allows_gaps(self.missing)
        if is_dask(X):
            refuse_gaps_of(X, gaps)
            return evaluated(X, mixture.parameters, None, wanted)
        rows = checks.as_rows(X, type(self).__name__, 1, gaps)
        if rows.shape[1] != mixture.n_features:
            raise ValueError(
                f"X has {rows.shape[1]} features, but {type(self).__name__} is expecting {mixture.n_features} "
                "features as input."
            )
        return evaluate(rows, mixture.parameters, self.n_threads, wanted, gaps)
