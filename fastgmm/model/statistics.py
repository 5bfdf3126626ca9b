"""What one pass over the rows yields; additive, because that is all that a pass in pieces needs.

EM is a fixed point of two small objects,

    parameters --(one pass over the rows)--> sufficient statistics --(maximise)--> parameters.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from .._checks import as_numbers, check_integer, own_error_state
from ..kernels.work import State
from .check import as_finite, check_feature_names, check_symmetric
from .parameters import Array, Parameters
from .rounds.state import GIVEN, MAXIMIZE, PHASE
from .structures import STRUCTURES, check_structure


class PassSums(NamedTuple):
    """Sums over rows of responsibilities (..., K), and first and second moments about `centers` (..., K, D).

    Of a run, whose `State` has them too, as compiled code holds them.
    """

    centers: Array
    sums: Array
    first: Array
    second: Array

    @classmethod
    def of(cls, state: State) -> PassSums:
        """Return a copy of those of the last pass of a run."""
        return cls(state.centers.copy(), state.sums.copy(), state.first.copy(), state.second.copy())

    def put(self, state: State) -> None:
        """Let them be those of the last pass of a run."""
        state.centers[:], state.sums[:], state.first[:], state.second[:] = self

    def begin(self, state: State) -> None:
        """Let a run begin with its M step: they are of rows whose components were given."""
        self.put(state)
        state.counts[GIVEN], state.counts[PHASE] = 1, MAXIMIZE


@dataclass(frozen=True, eq=False)
class SufficientStatistics:
    """What one pass over rows x_i under given parameters leaves behind; additive over rows.

    With r_ik the responsibilities, times the weight of the row where rows are weighted, and z_ik = x_i - centers_k:

    Attributes
    ----------
    covariance_type : str
        The structure the moments belong to.
    centers : (K, D) float64
        The means the moments are taken about: those of the parameters of the pass, as the kernels hold them.
        Moments about the current means do not cancel, however far from the origin the data are.
    n_samples : int
        Number of rows.
    log_likelihood : float
        Total log-likelihood of the rows, in nats.
    responsibility_sums : (K,) float64
        N_k = sum_i r_ik.
    first_moments : (K, D) float64
        sum_i r_ik z_ik.
    second_moments : float64
        sum_i r_ik z_ik z_ik^T, whose shape the structure decides: symmetric (K, D, D) for "full" and those with
        orientations, summed over components (D, D) for "tied", the diagonals (K, D) for "diag", "EEI", "VEI" and
        "EVI", and their sums (K,) for "spherical" and "EII".
    total_weight : float
        Sum of the weights of the rows, their number where they have none; NaN inside a fit, whose source knows it.
    fingerprint : str
        What tells whether two sets of statistics were taken under the same parameters, see `fingerprint_of`; ""
        inside a fit.
    feature_names : tuple of str, or None
        Names of the D columns, where the mixture or the rows had names.
    """

    covariance_type: str
    centers: Array
    n_samples: int
    log_likelihood: float
    responsibility_sums: Array
    first_moments: Array
    second_moments: Array
    total_weight: float = math.nan
    fingerprint: str = ""
    feature_names: tuple[str, ...] | None = None

    @own_error_state
    def __add__(self, other: SufficientStatistics) -> SufficientStatistics:
        """Statistics of both sets of rows; both must come from the same parameters."""
        if not isinstance(other, SufficientStatistics):
            return NotImplemented
        if self.covariance_type != other.covariance_type:
            raise ValueError(
                f"statistics of covariance_type {self.covariance_type!r} and {other.covariance_type!r} do "
                "not add up; both must be of one structure"
            )
        if not np.array_equal(self.centers, other.centers):
            raise ValueError(
                "statistics centred on different means do not add up; both must be accumulated under the "
                "same parameters"
            )
        if self.fingerprint != other.fingerprint:
            raise ValueError(
                "statistics under different weights, covariances or dtypes do not add up; both must be accumulated "
                "under the same parameters"
            )
        names = self.feature_names or other.feature_names
        if other.feature_names not in (None, names):
            raise ValueError(
                f"statistics of the features {names} and {other.feature_names} do not add up; both must be of the "
                "same columns"
            )
        return replace(
            self,
            feature_names=names,
            n_samples=self.n_samples + other.n_samples,
            log_likelihood=self.log_likelihood + other.log_likelihood,
            responsibility_sums=self.responsibility_sums + other.responsibility_sums,
            first_moments=self.first_moments + other.first_moments,
            second_moments=self.second_moments + other.second_moments,
            total_weight=self.total_weight + other.total_weight,
        )

    def __radd__(self, other: object) -> SufficientStatistics:
        """Return itself for the 0 that `sum` begins with."""
        return self if isinstance(other, int) and other == 0 else NotImplemented


def fingerprint_of(parameters: Parameters, dtype: Any) -> str:
    """Return a hash of all the parameters, and of the dtype that rows are computed in."""
    digest = hashlib.blake2b(f"{parameters.covariance_type} {np.dtype(dtype).name}".encode(), digest_size=16)
    for array in (parameters.weights, parameters.means, parameters.covariances):
        # Adding zero makes -0.0 the 0.0 that it equals.
        digest.update(f"{array.shape}".encode())
        digest.update((array + 0.0).tobytes())
    return digest.hexdigest()


def check_statistics(statistics: Any) -> SufficientStatistics:
    """Return `statistics` as compiled code takes them: arrays in C order, of shapes that agree.

    A power of two is divided out of all sums, so that neither tiny nor huge weights underflow or overflow in the M
    step; nothing is rounded. The log-likelihood and the total weight, which the M step does not ask for, are kept.

    Raises
    ------
    TypeError, ValueError
        If the statistics cannot come from a pass.
    """
    if not isinstance(statistics, SufficientStatistics):
        raise TypeError(f"statistics must be SufficientStatistics, got {type(statistics).__name__}")
    name = check_structure("covariance_type", statistics.covariance_type)
    structure = STRUCTURES[name]
    centers = as_finite("centers", statistics.centers)
    if centers.ndim != 2 or centers.size == 0:
        raise ValueError(f"centers must be of shape (n_components, n_features), got {centers.shape}")
    k, d = centers.shape
    check_feature_names(statistics.feature_names, d)
    n_samples = check_integer("n_samples", statistics.n_samples, 1)
    sums = {}
    expected = {"responsibility_sums": (k,), "first_moments": (k, d), "second_moments": structure.moments_shape(k, d)}
    for field, shape in expected.items():
        sums[field] = as_finite(field, getattr(statistics, field))
        if sums[field].shape != shape:
            raise ValueError(
                f"{field} must be of shape {shape} for covariance_type {name!r} and centers of shape "
                f"{centers.shape}, got {sums[field].shape}"
            )
    counts = sums["responsibility_sums"]
    if (counts < 0.0).any() or not 0.0 < float(counts.sum()) < math.inf:
        raise ValueError("responsibility_sums must be non-negative, with a positive and finite total")
    # Below the normal numbers each product of a row and component is rounded to a multiple of 2^-1074.
    total, unit = float(as_numbers("total_weight", statistics.total_weight).sum()), math.ldexp(1.0, -1074)
    if not math.isnan(total) and not math.isclose(
        float(counts.sum()), total, rel_tol=1e-6, abs_tol=k * n_samples * unit
    ):
        raise ValueError(
            f"responsibility_sums must add up to total_weight, {total:g}, got {counts.sum():g}: some rows may have "
            "no density under any component"
        )
    if structure.has_matrices:
        check_symmetric("second_moments", sums["second_moments"])
    moments = sums["second_moments"]
    if ((np.diagonal(moments, axis1=-2, axis2=-1) if structure.has_matrices else moments) < 0.0).any():
        raise ValueError("second_moments of variances must not be negative")
    exponent = math.frexp(float(counts.max()))[1]
    scaled = {field: np.ldexp(each, -exponent) for field, each in sums.items()}
    return replace(statistics, covariance_type=name, centers=centers, **scaled)
