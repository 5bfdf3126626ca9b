"""The pictures of a fit as files. Loads matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pictures import drawing, plot, plot_fit
from ..results import FitResult
from ..selection import Selection
from .application import note


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
        The rows; of those with missing values, NaN, no picture shows where they lie.
    result : FitResult
        The fit.
    responsibilities : (N, K)
        Posterior probability of each component for each row; the label is the first largest.
    selection : Selection, optional
        What the fit is the best of; ``bic.png``, ``aic.png`` or ``icl.png``, by its criterion, is written too.

    Returns
    -------
    list of Path
        The files written.
    """
    figures, labels = {}, responsibilities.argmax(axis=1)
    whole = ~np.isnan(X).any(axis=1)
    if not whole.all():
        note(f"data.png and clusters.png show the {whole.sum()} rows of {len(X)} in which no value is missing")
        X, labels = X[whole], labels[whole]
    if len(X):
        figures["data"] = plot.plot_data(X, feature_names=result.mixture.feature_names)
        figures["clusters"] = result.mixture.plot(X, labels=labels)
    figures["log_likelihood"] = result.plot()
    figures["responsibilities"] = plot_fit.plot_responsibilities(responsibilities)
    if selection is not None:
        figures[selection.criterion] = selection.plot()
    return drawing.save(directory, **figures)
