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
from ..rows.evaluate import evaluate_rows, refuse_chunks


class Inference:
    """The methods of a mixture that take rows: an array, or a table, whose columns are found by their names.

    What they return for each row of a Dask array, frame or series is computed when it is asked for, in the same
    partitions: an array, or a series or frame with the index of the rows.
    """

    means: Array
    feature_names: tuple[str, ...] | None

    @property
    def parameters(self) -> Parameters:
        """The parameters as plain data in float64."""
        raise NotImplementedError

    def log_density(self, X: ArrayLike, *, n_threads: int | None = None) -> Array:
        """Log-density of the mixture at each row, (N,), in nats."""
        densities: Array = self._evaluate(X, n_threads, "log_density")
        return densities

    def responsibilities(self, X: ArrayLike, *, n_threads: int | None = None) -> Array:
        """Posterior probability of each component for each row, (N, K); rows sum to one."""
        probabilities: Array = self._evaluate(X, n_threads, "responsibilities")
        return probabilities

    def predict(self, X: ArrayLike, *, n_threads: int | None = None) -> NDArray[np.int64]:
        """Return the component with the largest responsibility for each row, (N,)."""
        labels: NDArray[np.int64] = self._evaluate(X, n_threads, "labels")
        return labels

    def uncertainty(self, X: ArrayLike, *, n_threads: int | None = None) -> Array:
        """Probability that the label of each row is wrong, (N,): 1 less the largest responsibility, exact if tiny.

        At most 1 - 1 / K. Below about 1e-260 (of float32 rows 1e-23) it is 0.
        """
        numbers: Array = self._evaluate(X, n_threads, "uncertainty")
        return numbers

    def component_log_density(self, X: ArrayLike, *, n_threads: int | None = None) -> Array:
        """Log-density of each component at each row, (N, K), in nats, without the component's weight.

        With ``+ np.log(mixture.weights)`` it is that of row and component together.
        """
        densities: Array = self._evaluate(X, n_threads, "component_log_density")
        return densities

    def score(self, X: ArrayLike, *, sample_weight: ArrayLike | None = None, n_threads: int | None = None) -> float:
        """Mean log-likelihood per row, in nats, weighted by `sample_weight` (N,) if there is one."""
        return mean_of(self.log_density(X, n_threads=n_threads), sample_weight)

    def bic(self, X: ArrayLike, *, sample_weight: ArrayLike | None = None, n_threads: int | None = None) -> float:
        """Bayesian information criterion, -2 LL + p ln N; lower is better.

        With `sample_weight` (N,) LL is weighted and N is the sum of the weights, as if rows had been repeated: unlike
        in a fit their unit matters, and they must sum to at least K. So it is in `aic` and `icl`.
        """
        return criterion_of("bic", self.log_density(X, n_threads=n_threads), sample_weight, self.parameters)

    def aic(self, X: ArrayLike, *, sample_weight: ArrayLike | None = None, n_threads: int | None = None) -> float:
        """Akaike information criterion, -2 LL + 2 p; lower is better."""
        return criterion_of("aic", self.log_density(X, n_threads=n_threads), sample_weight, self.parameters)

    def icl(self, X: ArrayLike, *, sample_weight: ArrayLike | None = None, n_threads: int | None = None) -> float:
        """Integrated completed likelihood, BIC - 2 sum_i ln max_k r_ik; lower is better.

        The BIC of the rows together with their labels (Biernacki, Celeux and Govaert, 2000), as in R's mclust, whose
        sign is the other: higher is better.
        """
        bic = self.bic(X, sample_weight=sample_weight, n_threads=n_threads)
        return bic + 2.0 * total_of(self._evaluate(X, n_threads, "surprisal"), sample_weight)

    def entropy(self, X: ArrayLike, *, sample_weight: ArrayLike | None = None, n_threads: int | None = None) -> float:
        """Entropy of the classification of the rows, -sum_ik r_ik ln r_ik, in nats, weighted like LL in `bic`.

        0 where each row surely belongs to one component, N ln K where nothing is known.
        """
        return total_of(self._evaluate(X, n_threads, "entropy"), sample_weight)

    def _rows(self, X: Any) -> Array:
        """Return the rows of `X` as an array whose columns are the features of the mixture."""
        refuse_chunks(X)
        return as_rows(X, feature_names=self.feature_names, n_features=self.means.shape[1])[0]

    @own_error_state
    def _evaluate(self, X: Any, n_threads: int | None, wanted: str) -> Any:
        if is_dask(X):
            return evaluated(X, self.parameters, self.feature_names, wanted)
        return evaluate_rows(self._rows(X), self.parameters, n_threads, wanted)
