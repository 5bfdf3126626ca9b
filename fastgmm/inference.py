"""What given parameters say about rows: densities, responsibilities, labels, scores, samples.

Rows stream through the kernels piece by piece; nothing of size N x K is made unless it is the result.
Log-likelihoods are natural logarithms: `score` is a mean per row, everything else a total.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _checks, _threads
from ._address import by_address
from .kernels import passes
from .loading import pieces

if TYPE_CHECKING:
    from .parameters import Mixture

Array = NDArray[np.float64]

# What a free parameter costs, by the number of rows.
CRITERIA: dict[str, Callable[[float], float]] = {"bic": math.log, "aic": lambda n_samples: 2.0}


def log_density(X: Any, parameters: Mixture, *, n_threads: int | None = None) -> Array:
    """Log-density of the mixture at each row of `X`, (N,), in nats."""
    densities: Array = _evaluate(X, parameters, n_threads, "log_density")
    return densities


def responsibilities(X: Any, parameters: Mixture, *, n_threads: int | None = None) -> Array:
    """Posterior probability of each component for each row of `X`, (N, K)."""
    probabilities: Array = _evaluate(X, parameters, n_threads, "responsibilities")
    return probabilities


def predict(X: Any, parameters: Mixture, *, n_threads: int | None = None) -> NDArray[np.int64]:
    """Return the most probable component of each row of `X`, (N,); the first of equals."""
    labels: NDArray[np.int64] = _evaluate(X, parameters, n_threads, "labels")
    return labels


def score(X: Any, parameters: Mixture, *, sample_weight: Any = None, n_threads: int | None = None) -> float:
    """Mean log-likelihood per row of `X`, in nats, rows weighted by `sample_weight` (N,) if there is one."""
    densities = log_density(X, parameters, n_threads=n_threads)
    return mean_of(densities, sample_weight)


def mean_of(densities: NDArray[Any], sample_weight: Any) -> float:
    """Mean of log-densities (N,), weighted by `sample_weight` (N,) unless that is None."""
    weights = _checks.check_sample_weight(sample_weight, len(densities))
    if not len(weights):
        return float(np.mean(densities, dtype=np.float64))
    counted = weights > 0.0  # a weight of zero times a log-density of -inf would be NaN
    return float(np.average(densities[counted], weights=weights[counted]))


def bic(X: Any, parameters: Mixture, *, n_threads: int | None = None) -> float:
    """Bayesian information criterion, -2 LL + p ln N; lower is better."""
    return criterion_of("bic", log_density(X, parameters, n_threads=n_threads), parameters)


def aic(X: Any, parameters: Mixture, *, n_threads: int | None = None) -> float:
    """Akaike information criterion, -2 LL + 2 p; lower is better."""
    return criterion_of("aic", log_density(X, parameters, n_threads=n_threads), parameters)


def criterion_of(name: str, densities: NDArray[Any], parameters: Mixture) -> float:
    """Return the named criterion of rows whose log-densities under `parameters` are `densities` (N,)."""
    return criterion_value(name, float(densities.sum(dtype=np.float64)), parameters.n_free, len(densities))


def criterion_value(name: str, log_likelihood: float, n_free: int, n_samples: float) -> float:
    """Return -2 LL and a penalty for each free parameter; `n_samples` may be a sum of weights."""
    return -2.0 * log_likelihood + CRITERIA[name](n_samples) * n_free


def sample(parameters: Mixture, n_samples: int, *, random_state: Any = None) -> tuple[Array, NDArray[np.int64]]:
    """Draw `n_samples` rows (n, D), and the component of each (n,), in random order."""
    parameters = _checks.check_parameters(parameters)
    n_samples = _checks.check_integer("n_samples", n_samples, 1)
    generator = _checks.check_random_state(random_state)
    weights = parameters.weights / parameters.weights.sum()
    labels = generator.choice(parameters.n_components, size=n_samples, p=weights)
    rows = generator.standard_normal((n_samples, parameters.n_features))
    covariances = parameters.full_covariances()
    for k in range(parameters.n_components):
        chosen = labels == k
        factor = np.linalg.cholesky(covariances[k])
        rows[chosen] = parameters.means[k] + rows[chosen] @ factor.T
    return rows, labels


def _evaluate(X: Any, parameters: Mixture, n_threads: int | None, wanted: str) -> Any:
    parameters = _checks.check_parameters(parameters)
    X = _checks.as_rows(X, n_features=parameters.n_features)
    return evaluate_rows(X, parameters, n_threads, wanted)


def evaluate_rows(X: NDArray[Any], parameters: Mixture, n_threads: int | None, wanted: str) -> Any:
    """Run the evaluation kernel on checked rows for one output: "log_density", "responsibilities" or "labels"."""
    from .steps import prepare  # steps builds on parameters, whose methods call this module

    n_threads = _threads.check_n_threads(n_threads)
    prepared = prepare(parameters, X.dtype)
    plan = prepared.plan
    n_samples = len(X)
    outputs: dict[str, Any] = {
        "log_density": np.empty(n_samples if wanted == "log_density" else 0, X.dtype),
        "responsibilities": np.empty((n_samples if wanted == "responsibilities" else 0, plan.n_components), X.dtype),
        "labels": np.empty(n_samples if wanted == "labels" else 0, dtype=np.int64),
    }
    launch_rows = plan.launch_rows(_threads.available(n_threads))
    for start, x in pieces(X, launch_rows, plan.rows, X.dtype):
        end = start + len(x)
        work = len(x) * plan.row_nanoseconds if len(x) > plan.rows else 0.0
        with _threads.team(n_threads, work) as parallel:
            pieces_of_outputs = [outputs[name][start:end] for name in ("log_density", "responsibilities", "labels")]
            if parallel:
                run = by_address(passes.evaluate_superblock, prepared.model, x, *pieces_of_outputs)
                passes.evaluate_parallel(run, prepared.model, x, plan.rows, *pieces_of_outputs)
                continue
            for a, b in plan.superblocks(len(x)):
                passes.evaluate_superblock(prepared.model, x[a:b], *(piece[a:b] for piece in pieces_of_outputs))
    return outputs[wanted]
