"""Gaussian mixture models fitted by EM on CPUs, from explicit Python loops compiled with Numba."""

from .api import accumulate, fit, maximize, warmup
from .em import FitFailure
from .estimator import GaussianMixture
from .parameters import FitResult, IterationState, MixtureParameters, Status, SufficientStatistics

__version__ = "0.1.0"

__all__ = [
    "FitFailure",
    "FitResult",
    "GaussianMixture",
    "IterationState",
    "MixtureParameters",
    "Status",
    "SufficientStatistics",
    "accumulate",
    "fit",
    "maximize",
    "warmup",
]
