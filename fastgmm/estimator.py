"""scikit-learn's `GaussianMixture` interface over `fastgmm.fit`; scikit-learn itself is not needed."""

from __future__ import annotations

import inspect
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from . import api
from .parameters import MixtureParameters, Seed

Array = NDArray[np.float64]


class GaussianMixture:
    """Gaussian mixture with the constructor, methods and attributes of scikit-learn's.

    Parameters
    ----------
    n_components, covariance_type, tol, reg_covar, max_iter, n_init, init_params, random_state
        As in scikit-learn. Integer seeds go to `numpy.random.default_rng`, so the
        random numbers are not scikit-learn's.
    n_threads : int, optional
        Threads of `fit` and of inference; by default Numba's current number.

    Attributes
    ----------
    weights_ : (K,) float32 or float64
        In the dtype of X, like the other parameters.
    means_ : (K, D)
    covariances_, precisions_, precisions_cholesky_ : array
        (K, D, D) for "full", (D, D) for "tied", (K, D) for "diag", (K,) for "spherical".
        ``precisions_cholesky_[k] @ precisions_cholesky_[k].T`` is the precision, the factor upper triangular; for
        "diag" and "spherical" its entries are 1/sd and the precisions their squares.
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
        random_state: Seed = None,
        n_threads: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.random_state = random_state
        self.n_threads = n_threads

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments; `deep` is for scikit-learn's sake."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names}

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments; ValueError for a name that is not one."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"{name!r} is not a parameter of GaussianMixture; known: {', '.join(known)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        changed = (f"{n}={v!r}" for n, v in self.get_params().items() if v is not defaults[n].default)
        return f"GaussianMixture({', '.join(changed)})"

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit to the rows of `X` (N, D); `y` is ignored. See `fastgmm.fit` for errors."""
        _check_two_dimensional(X)
        result = api.fit(
            X,
            self.n_components,
            covariance_type=self.covariance_type,
            init=self.init_params,
            tol=self.tol,
            reg_covar=self.reg_covar,
            max_iter=self.max_iter,
            n_init=self.n_init,
            random_state=self.random_state,
            n_threads=self.n_threads,
        )
        parameters = result.parameters
        self.weights_ = parameters.weights
        self.means_ = parameters.means
        self.covariances_ = parameters.covariances
        self.precisions_cholesky_, self.precisions_ = _precisions(parameters)
        self.converged_ = result.converged
        self.n_iter_ = result.n_iter
        self.lower_bound_ = float(result.trace[-1]) if result.n_iter else -np.inf
        self.lower_bounds_ = result.trace.tolist()
        self.n_features_in_ = parameters.n_features
        if parameters.feature_names is not None:
            self.feature_names_in_ = np.array(parameters.feature_names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return self

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]:
        """Fit, then return the component of each row, (N,)."""
        return self.fit(X).predict(X)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Most probable component of each row, (N,)."""
        return self._parameters(X).predict(X, n_threads=self.n_threads)

    def predict_proba(self, X: Any) -> Array:
        """Responsibilities, (N, K)."""
        return self._parameters(X).responsibilities(X, n_threads=self.n_threads)

    def score_samples(self, X: Any) -> Array:
        """Log-density of each row, (N,), in nats."""
        return self._parameters(X).log_density(X, n_threads=self.n_threads)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-likelihood per row, in nats."""
        return self._parameters(X).score(X, n_threads=self.n_threads)

    def bic(self, X: Any) -> float:
        """Bayesian information criterion; lower is better."""
        return self._parameters(X).bic(X, n_threads=self.n_threads)

    def aic(self, X: Any) -> float:
        """Akaike information criterion; lower is better."""
        return self._parameters(X).aic(X, n_threads=self.n_threads)

    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows (n, D) and their components (n,)."""
        return self._parameters().sample(n_samples, random_state=self.random_state)

    def _parameters(self, X: Any = None) -> MixtureParameters:
        """Return the parameters as the attributes have them now, so that edits to attributes count."""
        if not hasattr(self, "weights_"):
            raise AttributeError("this GaussianMixture is not fitted yet; call fit first")
        if X is not None:
            _check_two_dimensional(X)
        return MixtureParameters(self.weights_, self.means_, self.covariances_, self.covariance_type)


def _precisions(parameters: MixtureParameters) -> tuple[Array, Array]:
    """Return scikit-learn's ``precisions_cholesky_`` and ``precisions_``."""
    if parameters.covariance_type in ("diag", "spherical"):
        deviations = 1.0 / np.sqrt(parameters.covariances)
        return deviations, deviations**2
    factors = np.linalg.cholesky(parameters.covariances)
    identity = np.broadcast_to(np.eye(parameters.n_features, dtype=factors.dtype), factors.shape)
    cholesky = np.triu(np.swapaxes(np.linalg.solve(factors, identity), -1, -2))
    return cholesky, cholesky @ np.swapaxes(cholesky, -1, -2)


def _check_two_dimensional(X: Any) -> None:
    """Refuse one-dimensional X as scikit-learn does: it cannot know whether that is a row or a column."""
    if np.ndim(X) != 2:
        raise ValueError(
            f"Expected 2D array, got {np.ndim(X)}D array instead; reshape X with X.reshape(-1, 1) if it has a "
            "single feature or X.reshape(1, -1) if it is a single sample"
        )
