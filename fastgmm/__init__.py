"""Gaussian mixture models fitted by EM on CPUs, from explicit Python loops compiled with Numba."""

from .api import accumulate, fit, maximize, warmup
from .em import FitFailure
from .estimator import GaussianMixture
from .parameters import MixtureParameters, SufficientStatistics
from .results import FitResult, IterationState, Status

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
