"""What a fit is asked for, checked."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model.parameters import Parameters
from ..rows.source import Watch
from .outcome import Callback


class Options(NamedTuple):
    """What to fit and how; `fastgmm.fit` and scikit-learn's `GaussianMixture` describe the fields.

    `aitken` says what is compared to `tol`, see `model.rounds.convergence`; `previous` is the mean log-likelihood
    that the first iteration is compared to, -inf for none. `short_iter` is None where every start goes on to its end.
    `replaced` are parameters that take the place of those of a named start, by their names in `Parameters`. `watch`
    is told what goes on. `accelerated` is True for quasi-Newton steps between M steps.
    """

    n_components: int
    covariance_type: str
    init: str | Parameters | NDArray[Any]
    tol: float
    reg_covar: float | str
    max_iter: int
    n_init: int
    generator: np.random.Generator
    n_threads: int | None
    callback: Callback | None = None
    aitken: bool = False
    previous: float = -math.inf
    short_iter: int | None = None
    replaced: tuple[tuple[str, Any], ...] = ()
    watch: Watch | None = None
    accelerated: bool = False
