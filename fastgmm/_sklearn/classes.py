"""What the estimator shares with scikit-learn: exceptions, printed progress, tags and metadata routing.

scikit-learn is never imported before one of its classes is needed: to raise or warn with it, or because it asks.
Without it, classes of the same name and bases stand in.
"""

from __future__ import annotations

import copy
import importlib
import time
from typing import Any, Self

from ..em.outcome import IterationState


class ConvergenceWarning(UserWarning):
    """EM did not converge; stands in for `sklearn.exceptions.ConvergenceWarning`."""


class NotFittedError(ValueError, AttributeError):
    """The estimator is not fitted; stands in for `sklearn.exceptions.NotFittedError`."""


class InvalidParameterError(ValueError, TypeError):
    """A constructor argument is not what it may be; stands in for scikit-learn's class of this name."""


_HOMES: dict[type, str] = {InvalidParameterError: "sklearn.utils._param_validation"}


def scikit_class(stand_in: type) -> Any:
    """Return scikit-learn's class of the same name, or `stand_in` where it is not installed."""
    try:
        return getattr(importlib.import_module(_HOMES.get(stand_in, "sklearn.exceptions")), stand_in.__name__)
    except (ImportError, AttributeError):
        return stand_in


def not_fitted(estimator: Any) -> Exception:
    """Return the error of a method that needs `fit` first."""
    error: Exception = scikit_class(NotFittedError)(
        f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
        "using this estimator."
    )
    return error


class Progress:
    """A callback that prints what scikit-learn prints at `verbose` 1 and 2.

    `tol` and `max_iter` are those of the fit: which iteration is the last of its start, nobody tells a callback.
    """

    def __init__(self, verbose: int, interval: int, tol: float, max_iter: int) -> None:
        self._verbose = verbose
        self._interval = interval
        self._tol = tol
        self._max_iter = max_iter
        self._start = -1
        self._start_time = self._time = time.perf_counter()

    def __call__(self, state: IterationState) -> None:
        """Print a line where a start begins and one where it ends, and one for every so many iterations."""
        if state.start != self._start:
            self._start = state.start
            print(f"Initialization {state.start}")
        if state.iteration % self._interval == 0:
            self._say(f"  Iteration {state.iteration}", "\t", self._time, f"ll change {state.change:.5f}")
            self._time = time.perf_counter()
        converged = abs(state.change) < self._tol
        if converged or state.iteration == self._max_iter:
            outcome = "Initialization converged." if converged else "Initialization did not converge."
            self._say(outcome, "", self._start_time, f"lower bound {state.mean_log_likelihood:.5f}.")
            self._start_time = self._time = time.perf_counter()

    def _say(self, text: str, gap: str, since: float, detail: str) -> None:
        details = f"{gap} time lapse {time.perf_counter() - since:.5f}s\t {detail}"
        print(f"{text}{details if self._verbose > 1 else ''}")


def tags(*, allow_nan: bool) -> Any:
    """Return scikit-learn's description of a dense density estimator that takes no target."""
    utils = importlib.import_module("sklearn.utils")
    return utils.Tags(
        estimator_type="density_estimator",
        target_tags=utils.TargetTags(required=False),
        input_tags=utils.InputTags(allow_nan=allow_nan),
    )


class SampleWeightRouting:
    """Metadata routing of `sample_weight` to `fit`, `partial_fit` and `score`, as scikit-learn asks for it."""

    def get_metadata_routing(self) -> Any:
        """Return which metadata the methods want, a `sklearn.utils.metadata_routing.MetadataRequest`."""
        if hasattr(self, "_metadata_request"):
            return copy.deepcopy(self._metadata_request)
        routing = importlib.import_module("sklearn.utils.metadata_routing")
        request = routing.MetadataRequest(owner=self)
        for method in (request.fit, request.partial_fit, request.score):
            method.add_request(param="sample_weight", alias=None)
        return request

    def set_fit_request(self, *, sample_weight: bool | str | None = None) -> Self:
        """Ask meta-estimators to pass `sample_weight` to `fit`: yes, no, raise if there is one, or by an alias."""
        return self._request("fit", sample_weight)

    def set_partial_fit_request(self, *, sample_weight: bool | str | None = None) -> Self:
        """Ask meta-estimators to pass `sample_weight` to `partial_fit`, see `set_fit_request`."""
        return self._request("partial_fit", sample_weight)

    def set_score_request(self, *, sample_weight: bool | str | None = None) -> Self:
        """Ask meta-estimators to pass `sample_weight` to `score`, see `set_fit_request`."""
        return self._request("score", sample_weight)

    def _request(self, method: str, alias: bool | str | None) -> Self:
        request = self.get_metadata_routing()
        getattr(request, method).add_request(param="sample_weight", alias=alias)
        # scikit-learn's `clone` copies the attribute of this name.
        self._metadata_request = request
        return self
