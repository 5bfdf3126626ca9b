"""`Mixture`: what a user holds."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import Seed, own_error_state
from ..model import sklearn_model
from ..model.check import check_feature_names, check_parameters
from ..model.parameters import Array, Parameters
from ..model.structures import STRUCTURES
from ..summary.contents import summary_of_mixture
from ..summary.layout import Summarised, Summary
from .derived import Derived
from .drawn import Drawn
from .model_file import read, write
from .sample import draw


@dataclass(frozen=True, eq=False, repr=False)
class Mixture(Summarised, Derived, Drawn):
    """A Gaussian mixture, checked when it is built: whatever is a Mixture can be used.

    Attributes
    ----------
    weights : (K,) float32 or float64
        Mixing proportions; non-negative, summing to one. float32 if all three arrays were given as such, as after a
        fit to float32 rows. Like the others a copy in C order that cannot be written to.
    means : (K, D)
        Component means, in the units of the data.
    covariances : array
        In the squared units of the data: ``(K, D, D)`` for ``covariance_type="full"``, ``(D, D)`` for "tied",
        the variances ``(K, D)`` for "diag" and ``(K,)`` for "spherical"; ``docs/structures.md`` has the others.
    covariance_type : str
        The covariance structure, see `fit`; of two names that of scikit-learn.
    feature_names : tuple of str, or None
        Names of the D columns the model was fitted on, where the data had names. Of a table with names every
        method takes these columns, whatever their order and whatever else is there; ValueError if some are missing.
        Arrays, and mixtures without names, go by position.

    Raises
    ------
    TypeError, ValueError
        If shapes do not agree, numbers are not finite, weights are not probabilities, or a covariance is not
        symmetric and positive definite.
    """

    weights: Array
    means: Array
    covariances: Array
    covariance_type: str = "full"
    feature_names: tuple[str, ...] | None = None

    @own_error_state
    def __post_init__(self) -> None:
        parameters = check_parameters(self.weights, self.means, self.covariances, self.covariance_type)
        self._hold(parameters, check_feature_names(self.feature_names, parameters.n_features))

    @classmethod
    def _trusted(cls, parameters: Parameters, feature_names: tuple[str, ...] | None = None) -> Mixture:
        """Return a mixture of the package's own results, whose arrays become read-only.

        Unchecked, because a check takes a sixth of the time of a small fit.
        """
        mixture = object.__new__(cls)
        mixture._hold(parameters, feature_names)
        return mixture

    def _hold(self, parameters: Parameters, feature_names: tuple[str, ...] | None) -> None:
        for array in parameters[:3]:
            array.flags.writeable = False
        vars(self).update(parameters._asdict(), feature_names=feature_names)

    def __reduce__(self) -> Any:
        # The default would restore arrays that can be written to.
        return Mixture._trusted, (Parameters(*self._fields()), self.feature_names)

    def _fields(self) -> tuple[Array, Array, Array, str]:
        return self.weights, self.means, self.covariances, self.covariance_type

    @property
    def parameters(self) -> Parameters:
        """The parameters as plain data in float64, copies; ``Mixture(*parameters)`` is the way back."""
        *arrays, covariance_type = self._fields()
        weights, means, covariances = (np.array(array, np.float64) for array in arrays)
        return Parameters(weights, means, covariances, covariance_type)

    @property
    def n_components(self) -> int:
        """Number of components, K."""
        return len(self.means)

    @property
    def n_features(self) -> int:
        """Number of features, D."""
        return int(self.means.shape[1])

    @property
    def n_free(self) -> int:
        """Number of free parameters: K - 1 weights, K D means, and the covariances' own."""
        return STRUCTURES[self.covariance_type].n_free(self.n_components, self.n_features)

    def full_covariances(self) -> Array:
        """Covariance matrices (K, D, D), whatever the structure."""
        return STRUCTURES[self.covariance_type].complete(self.covariances, self.n_components, self.n_features)

    def sample(self, n_samples: int, *, random_state: Seed = None) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows, (n_samples, D), and the component each was drawn from, (n_samples,), in random order.

        ValueError for more rows than this machine's memory can hold.
        """
        return draw(self.parameters, n_samples, random_state)

    def summary(self) -> Summary:
        """Return weights, means and standard deviations; what `print` shows."""
        return summary_of_mixture(Parameters(*self._fields()), self.feature_names)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as JSON; `load` returns the same numbers to the last bit, in float64.

        ValueError if there is a name that is no text, ``OSError`` if the file cannot be written.
        """
        # Built once more, which checks a fitted mixture too: what is saved can be loaded.
        write(path, replace(self).parameters, self.feature_names)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Mixture:
        """Read a model that `save` wrote; ``ValueError`` if the file is not one, ``OSError`` if it cannot be read."""
        entries = read(path)
        try:
            return Mixture(**entries)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{os.fspath(path)} is not a valid fastgmm model: {error}") from None

    @own_error_state
    def to_sklearn(self) -> Any:
        """Return a `sklearn.mixture.GaussianMixture` that is fitted with these parameters, in float64."""
        return sklearn_model.model_of(self.parameters, self.feature_names)

    @staticmethod
    def from_sklearn(model: Any) -> Mixture:
        """Return the parameters of a fitted mixture of scikit-learn's, or of `fastgmm.GaussianMixture`.

        TypeError if `model` is not one, ValueError if its parameters are not valid.
        """
        return Mixture(**sklearn_model.entries_of(model))
