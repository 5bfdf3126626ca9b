"""The pictures of a mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from ..model.parameters import Array, names_or_numbers
from .distribution import Distribution
from .features import positions_of
from .inference import Inference

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Drawn(Inference, Distribution):
    """The methods of a mixture that draw.

    ``figure.savefig("clusters.png")`` writes what they return, a `matplotlib.figure.Figure`. A notebook shows it
    where a cell ends in it; a script has no window for it, since pyplot is not used.
    """

    weights: Array

    def full_covariances(self) -> Array:
        """Covariance matrices (K, D, D), whatever the structure."""
        raise NotImplementedError

    def plot(self, X: ArrayLike, *, labels: ArrayLike | None = None, features: Any = None) -> Figure:
        """Draw rows by cluster, and each component's centre and spread; of one feature the crossings, too.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,)
            The rows.
        labels : array-like of int of shape (N,), optional
            The component of each row; predicted if not given.
        features : str, int, or sequence of these, optional
            Names or numbers, from 0, of the features to draw, at most four; the first four if not given.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from ..pictures import plot

        rows, matrices, means = self._rows(X), self.full_covariances(), self.means
        labels = self.predict(rows) if labels is None else labels
        names = names_or_numbers(self.feature_names, means.shape[1])
        crossings = self.crossings() if len(names) == 1 else ()
        if features is not None:
            chosen, most = positions_of("features", features, names), plot.drawing.MAX_FEATURES
            if len(chosen) > most:
                raise ValueError(f"features must be at most {most}, as many as a picture shows, got {len(chosen)}")
            rows, means, matrices = rows[:, chosen], means[:, chosen], matrices[:, chosen][:, :, chosen]
            names = tuple(names[position] for position in chosen)
        return plot.plot_clusters(
            rows, self.weights, means, matrices, labels, feature_names=names, crossings=crossings
        )

    def plot_uncertainty(self, X: ArrayLike) -> Figure:
        """Draw how uncertain the label of a row is, over the plane of two features and at each row.

        ValueError for another number of features; ``mixture.marginal([one, other])`` has two.

        Parameters
        ----------
        X : array-like of shape (N, 2)
            The rows.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from ..pictures import plot_uncertainty

        names = names_or_numbers(self.feature_names, self.means.shape[1])
        if len(names) != 2:
            raise ValueError(
                f"a picture of uncertainty is of two features, this mixture has {len(names)}; "
                "mixture.marginal([one, other]) chooses among more"
            )
        rows = self._rows(X)
        plane = plot_uncertainty.points_of_plane(rows)
        return plot_uncertainty.plot_uncertainty(
            rows, self.predict(rows), self.uncertainty(rows), plane, self.uncertainty(plane), feature_names=names
        )
