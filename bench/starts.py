"""What the start costs in likelihood, against k-means to its end on all rows: ``python -m bench.starts``.

Every data set is fitted from many seeds by both, until the mean log-likelihood settles. The table goes into
``docs/speed.md``, the log-likelihoods into ``bench/starts.json``; names of data sets measure these anew and keep the
others.
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

import fastgmm
from bench import markdown, report
from fastgmm.em import start
from fastgmm.kernels.k_means import lloyd

Array = NDArray[np.float64]

# More than a start looks at all of.
N = 200_000
N_SEEDS = 20
# Beyond this a round changes no picture of the data: the mean log-likelihood grows by less.
RULE = {"tol": 1e-5, "max_iter": 300}
# Of Lloyd's on all rows: scikit-learn's, which end for another reason before.
MOST_ROUNDS = 300
OUT = Path(__file__).with_suffix(".json")
SPEED = Path(__file__).parent.parent / "docs" / "speed.md"


class DataSet(NamedTuple):
    """Rows of `n_components` clusters, means `apart` standard deviations, drawn with Dirichlet(`evenness`) weights.

    With `tails` they are of Student's t with so many degrees of freedom; `weighted` rows have weights of Gamma(1/2);
    feature d is `stretch` to the power of d wide; the fit is of `fitted` components, by default as many as there are.
    """

    n_features: int
    n_components: int
    apart: float
    evenness: float = 100.0
    tails: float = np.inf
    weighted: bool = False
    stretch: float = 1.0
    fitted: int = 0


DATA_SETS = {
    "overlapping 1": DataSet(1, 3, 1.5),
    "overlapping 2": DataSet(2, 4, 1.5),
    "overlapping 4": DataSet(4, 8, 1.0),
    "overlapping 8": DataSet(8, 8, 0.7),
    "overlapping 16": DataSet(16, 8, 0.5),
    "separated 2": DataSet(2, 16, 15.0),
    "separated 4": DataSet(4, 8, 5.0),
    "separated 8": DataSet(8, 32, 4.0),
    "separated 16": DataSet(16, 16, 3.0),
    "unbalanced 2": DataSet(2, 8, 5.0, evenness=0.3),
    "unbalanced 4": DataSet(4, 16, 3.0, evenness=0.3),
    "unbalanced 8": DataSet(8, 8, 2.0, evenness=0.1),
    "heavy tails 1": DataSet(1, 2, 3.0, tails=3.0),
    "heavy tails 2": DataSet(2, 4, 5.0, tails=3.0),
    "heavy tails 4": DataSet(4, 8, 3.0, tails=2.0),
    "weighted 2": DataSet(2, 4, 2.0, weighted=True),
    "weighted 4": DataSet(4, 8, 2.0, evenness=1.0, weighted=True),
    "stretched 3": DataSet(3, 4, 3.0, stretch=30.0),
    "too few 4": DataSet(4, 32, 3.0, fitted=8),
    "too many 2": DataSet(2, 4, 3.0, fitted=32),
}


def rows_of(data: DataSet, seed: int) -> tuple[NDArray[Any], Array | None]:
    """Return rows and weights."""
    generator = np.random.default_rng(seed)
    k, d = data.n_components, data.n_features
    means = data.apart * generator.normal(size=(k, d))
    roots = np.eye(d) + 0.3 * generator.normal(size=(k, d, d))
    labels = generator.choice(k, size=N, p=generator.dirichlet(np.full(k, data.evenness)))
    noise = generator.normal(size=(N, d))
    if np.isfinite(data.tails):
        noise /= np.sqrt(generator.chisquare(data.tails, size=(N, 1)) / data.tails)
    X = np.empty((N, d))
    for component in range(k):
        own = labels == component
        X[own] = means[component] + noise[own] @ roots[component].T
    X *= data.stretch ** np.arange(d)
    return X, generator.gamma(0.5, size=N) if data.weighted else None


def heights(X: NDArray[Any], weights: Array | None, n_components: int) -> list[float]:
    """Return the mean log-likelihoods that fits from `N_SEEDS` seeds reach."""
    total = len(X) if weights is None else weights.sum()
    return [
        fastgmm.fit(X, n_components, sample_weight=weights, random_state=seed, **RULE).log_likelihood / total
        for seed in range(N_SEEDS)
    ]


def measure(name: str) -> dict[str, list[float]]:
    """Return what is reached from the default start, and from all rows with as many rounds as these take."""
    data = DATA_SETS[name]
    X, weights = rows_of(data, sorted(DATA_SETS).index(name))
    n_components = data.fitted or data.n_components
    sampled = heights(X, weights, n_components)
    every_row = mock.patch.object(start, "sample_size", return_value=N)
    with every_row, mock.patch.object(lloyd, "MOST_ROUNDS", MOST_ROUNDS):
        every = heights(X, weights, n_components)
    return {"sample": sampled, "all": every}


def low(values: Array) -> Array:
    """Return the 5 % quantile along the last axis."""
    return np.asarray(np.quantile(values, 0.05, axis=-1))


def bootstrap(of: Callable[[Array, Array], Array], a: Array, b: Array) -> float:
    """Return the standard error of a statistic of pairs, by 2000 bootstrap samples."""
    drawn = np.random.default_rng(0).integers(len(a), size=(2000, len(a)))
    return float(np.std(of(a[drawn], b[drawn])))


def mean_difference(a: Array, b: Array) -> Array:
    """Of pairs along the last axis."""
    return np.asarray(np.mean(a - b, axis=-1))


def low_difference(a: Array, b: Array) -> Array:
    """Of the 5 % quantiles along the last axis."""
    return low(a) - low(b)


def cell(difference: float, error: float) -> str:
    """Return a difference and its standard error, in thousandths of a nat."""
    return f"{round(1e3 * difference, 2) + 0.0:+.2f} ± {1e3 * error:.2f}"  # + 0.0: no minus before a zero


def table(sets: dict[str, dict[str, list[float]]]) -> str:
    """Return a line for each data set, and one for all of them: differences with standard errors."""
    rows, means, lows = [], [], []
    for name, reached in sets.items():
        a, b = np.array(reached["sample"]), np.array(reached["all"])
        means.append(float(mean_difference(a, b)))
        lows.append(float(low_difference(a, b)))
        data = DATA_SETS[name]
        rows.append(
            [
                f"{name.rstrip(' 0123456789')}, D = {data.n_features}, K = {data.fitted or data.n_components}",
                f"{np.mean(b):.3f}",
                f"{1e3 * np.ptp(b):.1f}",
                cell(means[-1], bootstrap(mean_difference, a, b)),
                cell(lows[-1], bootstrap(low_difference, a, b)),
            ]
        )
    errors = [float(np.std(each, ddof=1) / np.sqrt(len(each))) for each in (means, lows)]
    total = [cell(float(np.mean(each)), error) for each, error in zip((means, lows), errors, strict=True)]
    rows.append(["**all**", "", "", *total])
    header = ("data", "all rows: nats", "best less worst, 1e-3", "sample less all: mean, 1e-3", "5 % quantile, 1e-3")
    return markdown.table(header, rows)


def write(sets: dict[str, dict[str, list[float]]]) -> None:
    """Write the JSON, and the table between its markers."""
    sets = {name: sets[name] for name in DATA_SETS if name in sets}
    report.keep(OUT, SPEED, "sets", sets, table(sets), f"{N} rows, {N_SEEDS} seeds. ")


def main(names: list[str]) -> int:
    """Measure the data sets of these names, or all, and write what there is."""
    unknown = set(names) - set(DATA_SETS)
    if unknown:
        print(f"Error: {min(unknown)!r} is not one of {', '.join(map(repr, DATA_SETS))}", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")  # of components that outliers hold up
    sets = json.loads(OUT.read_text())["sets"] if names else {}
    for name in names or DATA_SETS:
        print(name, file=sys.stderr)
        sets[name] = measure(name)
    write(sets)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
