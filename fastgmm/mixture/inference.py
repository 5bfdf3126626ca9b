"""What a mixture says about rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import own_error_state
from ..model.parameters import Array, Parameters
from ..rows.check import as_rows
from ..rows.criteria import criterion_of, mean_of, total_of
from ..rows.dask.collection import is_dask
from ..rows.dask.inference import evaluated
from ..rows.evaluate import refuse_chunks
from ..rows.missing.evaluate import evaluate, impute_rows
from ..rows.missing.options import allows_gaps, refuse_gaps_of


class Inference:
    """The methods of a mixture that take rows: an array, or a table, whose columns are found by their names.

    What they return for each row of a Dask array, frame or series is computed when it is asked for, in the same
    partitions: an array, or a series or frame with the index of the rows.

    With ``missing="marginal"`` NaN is a missing value: a row then has the density of the features that are observed,
    its responsibilities are those given these, and a row without any has density 1. With "error" it is refused.
    """

    means: Array
    feature_names: tuple[str, ...] | None

    @property
    def parameters(self) -> Parameters:
        """The parameters as plain data in float64."""
        raise NotImplementedError

    def log_density(self, X: ArrayLike, *, n_threads: int | None = None, missing: str = "error") -> Array:
        """Log-density of the mixture at each row, (N,), in nats."""
        densities: Array = self._evaluate(X, n_threads, missing, "log_density")
        return densities

    def responsibilities(self, X: ArrayLike, *, n_threads: int | None = None, missing: str = "error") -> Array:
        """Posterior probability of each component for each row, (N, K); rows sum to one."""
        probabilities: Array = self._evaluate(X, n_threads, missing, "responsibilities")
        return probabilities

    def predict(self, X: ArrayLike, *, n_threads: int | None = None, missing: str = "error") -> NDArray[np.int64]:
        """Return the component with the largest responsibility for each row, (N,)."""
        labels: NDArray[np.int64] = self._evaluate(X, n_threads, missing, "labels")
        return labels

    def uncertainty(self, X: ArrayLike, *, n_threads: int | None = None, missing: str = "error") -> Array:
        """Probability that the label of each row is wrong, (N,): 1 less the largest responsibility, exact if tiny.

        At most 1 - 1 / K. Below about 1e-260 (of float32 rows 1e-23) it is 0.
        """
        numbers: Array = self._evaluate(X, n_threads, missing, "uncertainty")
        return numbers

    def component_log_density(self, X: ArrayLike, *, n_threads: int | None = None, missing: str = "error") -> Array:
        """Log-density of each component at each row, (N, K), in nats, without the component's weight.

        With ``+ np.log(mixture.weights)`` it is that of row and component together.
        """
        densities: Array = self._evaluate(X, n_threads, missing, "component_log_density")
        return densities

    def score(
        self,
        X: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        n_threads: int | None = None,
        missing: str = "error",
    ) -> float:
        """Mean log-likelihood per row, in nats, weighted by `sample_weight` (N,) if there is one."""
        return mean_of(self.log_density(X, n_threads=n_threads, missing=missing), sample_weight)

    def bic(
        self,
        X: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        n_threads: int | None = None,
        missing: str = "error",
    ) -> float:
        """Bayesian information criterion, -2 LL + p ln N; lower is better.

        With `sample_weight` (N,) LL is weighted and N is the sum of the weights, as if rows had been repeated: unlike
        in a fit their unit matters, and they must sum to at least K. So it is in `aic` and `icl`.
        """
        densities = self.log_density(X, n_threads=n_threads, missing=missing)
        return criterion_of("bic", densities, sample_weight, self.parameters)

    def aic(
        self,
        X: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        n_threads: int | None = None,
        missing: str = "error",
    ) -> float:
        """Akaike information criterion, -2 LL + 2 p; lower is better."""
        densities = self.log_density(X, n_threads=n_threads, missing=missing)
        return criterion_of("aic", densities, sample_weight, self.parameters)

    def icl(
        self,
        X: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        n_threads: int | None = None,
        missing: str = "error",
    ) -> float:
        """Integrated completed likelihood, BIC - 2 sum_i ln max_k r_ik; lower is better.

        The BIC of the rows together with their labels (Biernacki, Celeux and Govaert, 2000), as in R's mclust, whose
        sign is the other: higher is better.
        """
        bic = self.bic(X, sample_weight=sample_weight, n_threads=n_threads, missing=missing)
        return bic + 2.0 * total_of(self._evaluate(X, n_threads, missing, "surprisal"), sample_weight)

    def entropy(
        self,
        X: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        n_threads: int | None = None,
        missing: str = "error",
    ) -> float:
        """Entropy of the classification of the rows, -sum_ik r_ik ln r_ik, in nats, weighted like LL in `bic`.

        0 where each row surely belongs to one component, N ln K where nothing is known.
        """
        return total_of(self._evaluate(X, n_threads, missing, "entropy"), sample_weight)

    @own_error_state
    def impute(self, X: ArrayLike, *, n_threads: int | None = None) -> Array:
        """Return rows (N, D) with each missing value, NaN, replaced by its expectation, given what is observed.

        That is the mean of the components' regressions on the observed features, weighted by responsibilities.
        What is observed is not changed.
        """
        if is_dask(X):
            raise TypeError("rows must be in memory to be imputed, got a Dask collection; impute its partitions")
        return np.asarray(impute_rows(self._rows(X, gaps=True), self.parameters, n_threads))

    def _rows(self, X: Any, gaps: bool = False) -> Array:
        """Return the rows of `X` as an array whose columns are the features of the mixture, with NaN if `gaps`."""
        refuse_chunks(X)
        return as_rows(X, feature_names=self.feature_names, n_features=self.means.shape[1], gaps=gaps)[0]

    @own_error_state
    def _evaluate(self, X: Any, n_threads: int | None, missing: str, wanted: str) -> Any:
        gaps = allows_gaps(missing)
        if is_dask(X):
            refuse_gaps_of(X, gaps)
            return evaluated(X, self.parameters, self.feature_names, wanted)
        return evaluate(self._rows(X, gaps), self.parameters, n_threads, wanted, gaps)
