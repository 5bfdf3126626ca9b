"""What a fit asks of rows, wherever they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..kernels.work import State
from ..model.parameters import Parameters
from ..model.plan import Plan
from ..model.regulariser import Regulariser
from ..model.statistics import PassSums

Array = NDArray[np.float64]
# Responsibilities of rows a to b, (b - a, K), the same whenever and wherever they are asked for.
Memberships = Callable[[int, int], Array]


class Columns(NamedTuple):
    """Means and standard deviations of the features over all rows, (D,)."""

    means: Array
    deviations: Array


class Scatter(NamedTuple):
    """Sum z z^T of all rows, (D, D), z = x - mean, and that mean (D,)."""

    total: Array
    mean: Array


class Partition(NamedTuple):
    """A component for each row, `labels` (N,), and the means that this implies, (K, D), where they are known."""

    labels: NDArray[np.int64]
    means: Array | None = None


class Centers(NamedTuple):
    """Each row belongs to the nearest of these `means` (K, D), in the unit that k-means uses (`start.k_means`)."""

    means: Array


class Responsibilities(NamedTuple):
    """`Memberships` that a user gives: `values` (n, K) of rows from `first` on."""

    values: NDArray[Any]
    first: int = 0

    def __call__(self, a: int, b: int) -> NDArray[Any]:
        """Return those of rows a to b, (b - a, K)."""
        return self.values[a - self.first : b - self.first]


Start = Parameters | Partition | Centers | Responsibilities | Memberships | PassSums


# The stages of a fit; k-means has two names of its own.
READING, VARIANCES, SAMPLE, ASSIGN, SCATTER, EM = "reading", "variances", "sample", "assign", "scatter", "EM"
ICL = "ICL"  # what a selection by it wants beyond a fit


class Underway(NamedTuple):
    """What a long call is at: pass `number` of a stage, from 1 on, which has seen so many of the `n_samples`.

    Of many fits `unit` is "problems", and `n_samples` their number.
    """

    stage: str
    number: int
    n_seen: int
    n_samples: int
    unit: str = "rows"


Watch = Callable[[Underway], None]


class Sample(NamedTuple):
    """`rows` (M, D) in their order; `weights` (M,), or of length 0 where each counts once; whether they are all.

    Of rows with missing values a sample is never all that there is; where they have been `filled`, it says nothing of
    how far rows are spread.
    """

    rows: NDArray[Any]
    weights: Array
    whole: bool
    filled: bool = False


class Rounds(Protocol):
    """A run: what one restart keeps between rounds. Labels of rows, and buffers, never leave it."""

    state: State

    @property
    def phase(self) -> int:
        """Where the run is, see ``kernels/slots.py``."""
        ...

    def regulariser(self) -> Regulariser:
        """Return a copy of what every M step does to covariances."""
        ...

    def put(self, parameters: Parameters) -> None:
        """Go on from these parameters."""
        ...

    def parameters(self) -> Parameters:
        """Return a copy of the parameters, as the next pass takes them."""
        ...

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done, the trace is full, or the run is over."""
        ...

    def close(self) -> None:
        """Give back what the run works on: it ends here, and so does its state."""
        ...


class Source(Protocol):
    """Rows that can be passed over again and again."""

    @property
    def n_features(self) -> int:
        """Number of features, D."""
        ...

    @property
    def dtype(self) -> Any:
        """What the rows are computed in, float32 or float64."""
        ...

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Names of the features, (D,), where they have any."""
        ...

    @property
    def n_samples(self) -> int:
        """Number of rows, N."""
        ...

    @property
    def n_counted(self) -> int:
        """Number of rows with weight."""
        ...

    @property
    def total_weight(self) -> float:
        """Number of rows, or the sum of their weights as the kernels see them."""
        ...

    @property
    def weights(self) -> Array:
        """Weights of the rows as the kernels see them, (N,), or of length 0 for none."""
        ...

    @property
    def weight_exponent(self) -> int:
        """The kernels see weights times two to minus this, so that they are around 1, whatever their unit."""
        ...

    def moments(self) -> Columns:
        """Return the moments of the columns; rows without weight do not count."""
        ...

    def sample(self, size: int, seed: int) -> Sample:
        """Return all rows if there are no more than `size`, else so many that count, see `start.sample.Sampling`."""
        ...

    def begin_whole(
        self, plan: Plan, reg_covar: float | str, generator: np.random.Generator, only_few: bool
    ) -> Rounds | None:
        """Return a run that begins with k-means on all rows and does all at once; None where nothing is done so.

        That is so where rounds are long, and with `only_few` where rows are too many for one worker.
        """
        ...

    def begin(self, plan: Plan, start: Start, regulariser: Regulariser) -> Rounds:
        """Return a run that begins from `start`, with `regulariser` in every M step."""
        ...

    def total_surprisal(self, parameters: Parameters) -> float:
        """Return the sum of -ln of each row's largest responsibility, with weights in the unit they were given in."""
        ...
