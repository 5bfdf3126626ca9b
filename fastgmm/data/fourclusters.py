"""What the course assignment behind ``fourclusters.csv`` published: its start, its result and its course.

The data that it fitted were never public; the rows of the example are drawn from `RESULT`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Published(NamedTuple):
    """Weights (4,), means (4, 2) and covariances (4, 2, 2); ``fastgmm.Mixture(*published)`` has methods."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]


START = Published(
    weights=np.full(4, 0.25),
    means=np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]),
    covariances=np.array([np.eye(2)] * 4),
)

RESULT = Published(
    weights=np.array([0.23048224536932024, 0.22999999854996792, 0.272826418924052, 0.2666913371566595]),
    means=np.array([[-0.40658, 0.32248], [1.20354, -1.19686], [0.14435, 0.14614], [-0.44149, -0.45088]]),
    covariances=np.array(
        [
            [[0.03446, -0.01299], [-0.01299, 0.03458]],
            [[0.02259, -0.00761], [-0.00761, 0.02361]],
            [[0.00886, 0.00187], [0.00187, 0.00881]],
            [[0.07024, 0.03731], [0.03731, 0.06498]],
        ]
    ),
)

# Total log-likelihood in nats after some rounds of the published run, counted from 1; it stopped after the last.
TRACE: dict[int, float] = {
    1: -9672.165,
    2: -7516.917,
    5: -5031.472,
    10: -2905.028,
    20: -2756.983,
    30: -2570.725,
    40: -1947.959,
    49: -1946.228,
}
