"""The example data sets that ship with the package.

``geyser`` has two well-separated clusters, ``fourclusters`` four that overlap, and ``timeseries`` one
column in which a component can collapse onto a repeated value. README.md in this folder gives the source
and the licence of each.
"""

from __future__ import annotations

from importlib import resources

import numpy as np
from numpy.typing import NDArray

EXAMPLES: tuple[str, ...] = ("geyser", "fourclusters", "timeseries")


def load_example(name: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Load one of the example data sets.

    Parameters
    ----------
    name : str
        ``"geyser"`` (272 rows, 2 columns), ``"fourclusters"`` (5000 rows, 2 columns) or ``"timeseries"``
        (50 rows, 1 column); ``EXAMPLES`` lists them.

    Returns
    -------
    X : (N, D) float64
        The rows, C-contiguous; a new array at each call.
    feature_names : tuple of str
        Names of the D columns, with units where they have any.

    Raises
    ------
    ValueError
        If no example has this name.
    """
    if name not in EXAMPLES:
        raise ValueError(f"no example data set is called {name!r}; choose one of {', '.join(EXAMPLES)}")
    with resources.files(__name__).joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        feature_names = tuple(file.readline().rstrip("\n").split(","))
        X = np.loadtxt(file, delimiter=",", ndmin=2)
    return X, feature_names
