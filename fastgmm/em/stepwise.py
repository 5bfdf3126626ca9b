"""Stepwise EM, for streams that cannot be read twice: parameters move on with each few rows.

References: Cappé & Moulines (2009), On-line expectation-maximization algorithm for latent data models, J. R. Stat.
Soc. B 71, 593-613; Liang & Klein (2009), Online EM for unsupervised models, NAACL, 611-619.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.parameters import Parameters
from ..model.regulariser import Regulariser
from ..model.statistics import SufficientStatistics
from ..rows.accumulation import Accumulation
from ..rows.maximize import maximize_statistics

Array = NDArray[np.float64]

# After t STEP_ROWS rows a step of so many replaces the share (t + 2)**-DECAY of the statistics: Liang & Klein's
# schedule. As is needed for convergence, the sum of the shares is infinite and that of their squares is not; these
# are so from 1/2 to 1, and the smaller the exponent, the sooner a start is forgotten.
DECAY = 0.7
# Rows of a step at most.
STEP_ROWS = 4096


def step(
    parameters: Parameters,
    n_seen: int,
    rows: NDArray[Any],
    weights: Array,
    regulariser: Regulariser,
    n_threads: int | None,
) -> tuple[Parameters, float]:
    """Return the parameters after a step on rows (n, D), and the rows' log-likelihood before it.

    They have weights (n,) or (0,), n is STEP_ROWS at most, and `n_seen` rows came before. The statistics become
    (1 - eta) s + eta s', with s' those per row of these rows under the parameters, and s those that the parameters
    stand for: the M step of sums w_k, first moments of zero and second moments w_k (covariance_k - what was added to
    it), about the means, are the parameters themselves. All are about the current means, so that nothing has to be
    centred anew and nothing cancels. With t = n_seen / STEP_ROWS, eta = n / STEP_ROWS (t + 2)**-0.7: few rows are
    noisy, and weigh less in proportion.
    """
    accumulation = Accumulation(parameters, n_threads, rows.dtype)
    accumulation.add(rows, weights)
    seen = accumulation.finish()
    eta = len(rows) / STEP_ROWS * (n_seen / STEP_ROWS + 2.0) ** -DECAY
    share, structure = eta / seen.total_weight, parameters.structure
    held = structure.add_variances(parameters.covariances, -regulariser.added)
    if structure.n_axes == 0:
        held = held * parameters.n_features
    if not structure.pooled:
        held = parameters.weights.reshape(-1, *(1,) * structure.n_axes) * held
    mixed: SufficientStatistics = replace(
        seen,
        responsibility_sums=(1.0 - eta) * parameters.weights + share * seen.responsibility_sums,
        first_moments=share * seen.first_moments,
        second_moments=(1.0 - eta) * held + share * seen.second_moments,
    )
    return maximize_statistics(mixed, regulariser), seen.log_likelihood / seen.total_weight
