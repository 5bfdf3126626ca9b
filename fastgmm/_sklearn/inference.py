"""What the estimator says about rows once it is fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import own_error_state
from ..mixture import Mixture
from ..model.criteria import criterion_value
from ..model.parameters import Array
from ..rows.evaluate import evaluate_rows, mean_of
from . import checks, classes
from .base import Estimator


class Inference(Estimator):
    """The methods of a fitted estimator. They read its attributes anew at each call, so that edits to these count."""

    covariance_type: str
    n_threads: int | None
    random_state: Any
    weights_: Array
    means_: Array
    covariances_: Array

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
        return float(densities.mean()) if sample_weight is None else mean_of(densities, sample_weight)

    def bic(self, X: Any) -> float:
        """Bayesian information criterion; lower is better."""
        return self._criterion("bic", X)

    def aic(self, X: Any) -> float:
        """Akaike information criterion; lower is better."""
        return self._criterion("aic", X)

    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows (n, D) and their components (n,), in the order of the components."""
        mixture = self._mixture()
        if n_samples < 1:
            raise ValueError(
                f"Invalid value for 'n_samples': {n_samples} . The sampling requires at least one sample."
            )
        rows, labels = mixture.sample(n_samples, random_state=self.random_state)
        order = np.argsort(labels, kind="stable")
        return rows[order], labels[order]

    def _mixture(self) -> Mixture:
        """Return what the attributes hold now, checked."""
        if not hasattr(self, "weights_"):
            raise classes.not_fitted(self)
        fitted = getattr(self, "_fitted_covariance_type", self.covariance_type)
        if fitted != self.covariance_type:
            raise ValueError(
                f"{type(self).__name__} was fitted with covariance_type {fitted!r}, but now has "
                f"{self.covariance_type!r}; fit it again, without warm_start"
            )
        return Mixture(self.weights_, self.means_, self.covariances_, self.covariance_type)

    def _criterion(self, name: str, X: Any) -> float:
        densities = self.score_samples(X)
        log_likelihood = float(densities.sum(dtype=np.float64))
        return criterion_value(name, log_likelihood, self._mixture().n_free, len(densities))

    @own_error_state
    def _evaluate(self, X: Any, wanted: str) -> Any:
        """Evaluate rows that agree with those fitted to; see `evaluate_rows`."""
        mixture = self._mixture()
        checks.check_feature_names(self, checks.feature_names(X))
        rows = checks.as_rows(X, type(self).__name__, 1)
        if rows.shape[1] != mixture.n_features:
            raise ValueError(
                f"X has {rows.shape[1]} features, but {type(self).__name__} is expecting {mixture.n_features} "
                "features as input."
            )
        return evaluate_rows(rows, mixture.parameters, self.n_threads, wanted)
