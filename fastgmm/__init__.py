"""Gaussian mixture models fitted by EM on CPUs, from explicit Python loops compiled with Numba."""

from ._numba.config import show_config
from ._sklearn.estimator import GaussianMixture
from ._version import __version__ as __version__
from .api import fit
from .by_hand import accumulate, maximize
from .em.outcome import FitFailure, FitWarning, IterationState, Status
from .many import FitManyResult, fit_many, stream
from .mixture import Mixture
from .model.regulariser import Regulariser
from .model.statistics import SufficientStatistics
from .results import FitResult
from .rows.source import Underway
from .selection import Candidate, Selection, select
from .warm_up import warmup

__all__ = [
    "Candidate",
    "FitFailure",
    "FitManyResult",
    "FitResult",
    "FitWarning",
    "GaussianMixture",
    "IterationState",
    "Mixture",
    "Regulariser",
    "Selection",
    "Status",
    "SufficientStatistics",
    "Underway",
    "accumulate",
    "fit",
    "fit_many",
    "maximize",
    "select",
    "show_config",
    "stream",
    "warmup",
]


def __dir__() -> list[str]:
    # What users use, and not the modules that it comes from.
    return sorted([*__all__, "__version__"])
