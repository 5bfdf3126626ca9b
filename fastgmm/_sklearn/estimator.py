"""scikit-learn's `GaussianMixture` interface over `fastgmm.fit`; scikit-learn itself is not needed."""

from __future__ import annotations

import inspect
import math
import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _checks, _threads, inference
from ..fitting import Options, fit_rows, warn_of
from ..parameters import SHAPES, Mixture, Seed
from ..results import FitResult
from . import checks, classes
from .conversion import precisions_of

Array = NDArray[np.float64]


class GaussianMixture(classes.SampleWeightRouting):
    """Gaussian mixture with the constructor, methods and attributes of scikit-learn's.

    Parameters
    ----------
    n_components, covariance_type, tol, reg_covar, max_iter, n_init, init_params, weights_init, means_init, \
precisions_init, random_state, warm_start, verbose, verbose_interval
        As in scikit-learn 1.9. Integer seeds go to `numpy.random.default_rng`, so the random numbers are not
        scikit-learn's; a `Generator` or `SeedSequence` is also allowed.
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
        n_threads: int | None = None,
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

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's description of the estimator."""
        return classes.tags()

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit to the rows of `X` (N, D), N >= 2, weighted by `sample_weight` (N,) if there is one; `y` is ignored.

        Raises
        ------
        TypeError, ValueError
            If an argument is not what it may be, or if every restart failed. The estimator is as it was before.

        Warns
        -----
        ConvergenceWarning
            If EM ran into `max_iter`.
        RuntimeWarning
            If some but not all restarts failed, or components are degenerate.
        """
        checks.check_constructor_arguments(self)
        rows = checks.as_rows(X, type(self).__name__, 2)
        names = checks.feature_names(X)
        weights = _checks.check_sample_weight(sample_weight, len(rows))
        n_counted = _checks.count_rows(rows, weights)
        if n_counted < self.n_components:
            raise ValueError(
                f"Expected n_samples >= n_components but got n_components = {self.n_components}, n_samples = "
                f"{n_counted}"
            )
        result = fit_rows(rows, weights, self._options(rows))
        warn_of(result, self.n_init)
        if not result.converged and self.max_iter > 0:
            warnings.warn(
                "Best performing initialization did not converge. Try different init parameters, or increase "
                "max_iter, tol, or check for degenerate data.",
                classes.scikit_class(classes.ConvergenceWarning),
                stacklevel=2,
            )
        self._set(result, names)
        return self

    def _options(self, rows: NDArray[Any]) -> Options:
        warm = self.warm_start and hasattr(self, "converged_")
        given = self._given_parameters(rows.shape[1])
        init: Any = self.init_params
        if warm:
            init = self._parameters()
        elif len(given) == 3:
            init = Mixture(**given, covariance_type=self.covariance_type)
        return Options(
            n_components=int(self.n_components),
            covariance_type=self.covariance_type,
            init=init if isinstance(init, str) else _checks.check_parameters(init),
            tol=float(self.tol),
            reg_covar=float(self.reg_covar),
            max_iter=int(self.max_iter),
            n_init=int(self.n_init),
            generator=_checks.check_random_state(self.random_state),
            n_threads=_threads.check_n_threads(self.n_threads),
            callback=classes.Progress(self.verbose, self.verbose_interval) if self.verbose else None,
            previous=self.lower_bound_ if warm else -math.inf,
            replaced=() if warm or len(given) == 3 else tuple(given.items()),
        )

    def _given_parameters(self, n_features: int) -> dict[str, Any]:
        """Return the checked ``*_init`` arguments by their names in `Mixture`."""
        given = {}
        if self.weights_init is not None:
            given["weights"] = checks.check_weights_init(self.weights_init, self.n_components)
        if self.means_init is not None:
            given["means"] = checks.check_initial("means", self.means_init, (self.n_components, n_features))
        if self.precisions_init is not None:
            shape = SHAPES[self.covariance_type].covariances(self.n_components, n_features)
            given["covariances"] = checks.covariances_of(self.precisions_init, self.covariance_type, shape)
        return given

    def _set(self, result: FitResult, names: NDArray[Any] | None) -> None:
        parameters = result.mixture
        cholesky, precisions = precisions_of(parameters)
        fitted = {
            "weights_": parameters.weights,
            "means_": parameters.means,
            "covariances_": parameters.covariances,
            "precisions_cholesky_": cholesky,
            "precisions_": precisions,
            "converged_": result.converged,
            "n_iter_": result.n_iter,
            "lower_bound_": float(result.trace[-1]) if result.n_iter else -math.inf,
            "lower_bounds_": result.trace.tolist(),
            "n_features_in_": parameters.n_features,
            "feature_names_in_": names,
        }
        # In one step, so that Ctrl-C never leaves a part of a fit.
        vars(self).update(fitted)
        if names is None:
            del self.feature_names_in_

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> NDArray[np.int64]:
        """Fit, then return the component of each row, (N,)."""
        return self.fit(X, sample_weight=sample_weight).predict(X)

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

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Mean log-likelihood per row, in nats, weighted by `sample_weight` (N,) if there is one."""
        return inference.mean_of(self.score_samples(X), sample_weight)

    def bic(self, X: Any) -> float:
        """Bayesian information criterion; lower is better."""
        return inference.criterion_of("bic", self.score_samples(X), self._parameters())

    def aic(self, X: Any) -> float:
        """Akaike information criterion; lower is better."""
        return inference.criterion_of("aic", self.score_samples(X), self._parameters())

    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows (n, D) and their components (n,), in the order of the components."""
        parameters = self._parameters()
        if n_samples < 1:
            raise ValueError(
                f"Invalid value for 'n_samples': {n_samples} . The sampling requires at least one sample."
            )
        rows, labels = parameters.sample(n_samples, random_state=self.random_state)
        order = np.argsort(labels, kind="stable")
        return rows[order], labels[order]

    def _parameters(self) -> Mixture:
        """Return the parameters as the attributes have them now, so that edits to attributes count."""
        if not hasattr(self, "weights_"):
            raise classes.not_fitted(self)
        return Mixture(self.weights_, self.means_, self.covariances_, self.covariance_type)

    def _evaluate(self, X: Any, wanted: str) -> Any:
        """Evaluate rows that agree with those fitted to; see `inference.evaluate_rows`."""
        parameters = _checks.check_parameters(self._parameters())
        checks.check_feature_names(self, checks.feature_names(X))
        rows = checks.as_rows(X, type(self).__name__, 1)
        if rows.shape[1] != parameters.n_features:
            raise ValueError(
                f"X has {rows.shape[1]} features, but {type(self).__name__} is expecting {parameters.n_features} "
                "features as input."
            )
        return inference.evaluate_rows(rows, parameters, self.n_threads, wanted)
