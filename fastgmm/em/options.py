"""What a fit is asked for, checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import _checks
from .._checks import Seed
from ..model.parameters import Parameters
from ..rows.launch.threads import check_n_threads
from ..rows.source import Watch
from .outcome import Callback

# How rounds follow each other: by M steps, or by quasi-Newton steps between them, see `acceleration`.
ACCELERATIONS = ("none", "quasi-newton")


Found = TypeVar("Found")


class Options(NamedTuple):
    """What to fit and how; `fastgmm.fit` and scikit-learn's `GaussianMixture` describe the fields.

    `aitken` says what is compared to `tol`, see `model.rounds.convergence`; `previous` is the mean log-likelihood
    that the first iteration is compared to, -inf for none. `short_iter` is None where every start goes on to its end.
    `replaced` are parameters that take the place of those of a named start, by their names in `Parameters`. `watch`
    is told what goes on. `accelerated` is True for quasi-Newton steps between M steps.
    `shared` has what starts found in these rows, and what the first pass summed of it, for fits of the same K and
    other structures, and under 0 for any K.
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
    shared: dict[tuple[Any, ...], Any] | None = None

    def once(self, key: tuple[Any, ...], find: Callable[[], Found]) -> Found:
        """Return what `find` finds by the random numbers, which it does once for all who share.

        `key` is what that depends on: K first, or 0, and then it is kept for all K.
        """
        if self.shared is None:
            return find()
        place = *key, repr(self.generator.bit_generator.state)
        if place not in self.shared:
            for other in [other for other in self.shared if other[0] not in (0, self.n_components)]:
                del self.shared[other]
            self.shared[place] = find(), self.generator.bit_generator.state
        found: Found
        found, self.generator.bit_generator.state = self.shared[place]
        return found


def checked_options(
    *,
    n_components: int,
    covariance_type: str,
    init: Any,
    tol: float,
    stopping: str,
    reg_covar: float | str,
    max_iter: int,
    n_init: int,
    random_state: Seed,
    n_threads: int | None,
    callback: Callback | None,
    short_iter: int | None = None,
    acceleration: str = "none",
) -> Options:
    """Return the arguments of `fit` that do not depend on the rows, checked, beside three that have been."""
    return Options(
        n_components=n_components,
        covariance_type=covariance_type,
        init=init,
        tol=_checks.check_nonnegative("tol", tol),
        reg_covar=_checks.check_reg_covar(reg_covar),
        max_iter=min(_checks.check_integer("max_iter", max_iter, 0), _checks.MOST_ROUNDS),
        n_init=_checks.check_integer("n_init", n_init, 1),
        generator=_checks.check_random_state(random_state),
        n_threads=check_n_threads(n_threads),
        callback=_checks.check_callback(callback),
        short_iter=None if short_iter is None else _checks.check_integer("short_iter", short_iter, 1),
        accelerated=_checks.check_choice("acceleration", acceleration, ACCELERATIONS) != ACCELERATIONS[0],
        aitken=_checks.check_choice("stopping", stopping, ("change", "aitken")) == "aitken",
    )
