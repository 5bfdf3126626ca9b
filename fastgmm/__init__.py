"""Gaussian mixture models fitted by EM on CPUs, from explicit Python loops compiled with Numba."""

from .api import accumulate, fit, maximize, warmup
from .em import FitFailure
from .estimator import GaussianMixture
from .grid import select
from .parameters import MixtureParameters, SufficientStatistics
from .results import FitResult, IterationState, Status
from .selection import Candidate, Selection

__version__ = "0.1.0"

__all__ = [
    "Candidate",
    "FitFailure",
    "FitResult",
    "GaussianMixture",
    "IterationState",
    "MixtureParameters",
    "Selection",
    "Status",
    "SufficientStatistics",
    "accumulate",
    "fit",
    "maximize",
    "select",
    "warmup",
]
