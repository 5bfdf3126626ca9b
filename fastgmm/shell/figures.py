"""From what a fit returns to the plain arrays that pictures are drawn from. Loads matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ..mixture import Mixture
from ..model.structures import STRUCTURES
from ..pictures import drawing, plot, plot_fit
from ..results import FitResult
from ..selection import Selection


def save_pictures(
    directory: Path,
    X: NDArray[Any],
    result: FitResult,
    responsibilities: NDArray[Any],
    selection: Selection | None = None,
) -> list[Path]:
    """Write the pictures of a fit as PNG.

    Parameters
    ----------
    directory : Path
        An existing directory; ``data.png``, ``clusters.png``, ``log_likelihood.png`` and
        ``responsibilities.png`` are written there.
    X : (N, D)
        The rows.
    result : FitResult
        The fit.
    responsibilities : (N, K)
        Posterior probability of each component for each row; the label is the first largest.
    selection : Selection, optional
        What the fit is the best of; ``bic.png`` or ``aic.png``, by its criterion, is written too.

    Returns
    -------
    list of Path
        The files written.
    """
    figures = {
        "data": plot.plot_data(X, feature_names=result.mixture.feature_names),
        "clusters": clusters(X, result.mixture, labels=responsibilities.argmax(axis=1)),
        "log_likelihood": log_likelihood(result),
        "responsibilities": plot_fit.plot_responsibilities(responsibilities),
    }
    if selection is not None:
        figures[selection.criterion] = criterion(selection)
    return drawing.save(directory, **figures)


def clusters(
    X: ArrayLike,
    mixture: Mixture,
    *,
    labels: ArrayLike | None = None,
    feature_names: Sequence[str] | None = None,
) -> Figure:
    """Draw rows by cluster; labels are the mixture's predictions, and names the mixture's, if not given."""
    return plot.plot_clusters(
        X,
        mixture.weights,
        mixture.means,
        mixture.full_covariances(),
        mixture.predict(X) if labels is None else labels,
        feature_names=mixture.feature_names if feature_names is None else feature_names,
    )


def log_likelihood(result: FitResult) -> Figure:
    """Draw the climb of the log-likelihood."""
    return plot_fit.plot_log_likelihood(result.trace, result.log_likelihood, result.status)


def criterion(selection: Selection) -> Figure:
    """Draw the criterion over the grid."""
    table = selection.table()
    return plot_fit.plot_selection(
        selection.criterion,
        table["n_components"],
        table["covariance_type"].tolist(),
        table[selection.criterion],
        degenerate=table["n_degenerate"] > 0,
        structures=tuple(STRUCTURES),
    )
