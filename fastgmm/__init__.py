"""Gaussian mixture models fitted by EM on CPUs, from explicit Python loops compiled with Numba."""

from ._sklearn.estimator import GaussianMixture
from .api import accumulate, fit, maximize, warmup
from .em import FitFailure
from .model_selection import select
from .parameters import Mixture, SufficientStatistics
from .results import FitResult, IterationState, Status
from .selection import Candidate, Selection

__version__ = "0.1.0"

__all__ = [
    "Candidate",
    "FitFailure",
    "FitResult",
    "GaussianMixture",
    "IterationState",
    "Mixture",
    "Selection",
    "Status",
    "SufficientStatistics",
    "accumulate",
    "fit",
    "maximize",
    "select",
    "warmup",
]
