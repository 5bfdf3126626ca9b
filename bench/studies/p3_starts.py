"""What the start of P3 does to its end; `p3_four_clusters` runs it and says what comes out.

The starts differ in their means alone: weights and covariances are those of the published start.
"""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import fastgmm
from bench import studies
from fastgmm import FitResult, Mixture
from fastgmm.data import fourclusters
from fastgmm.pictures import drawing

N_STARTS = 200
TOLERANCE = 0.01  # of the total log-likelihood, in nats
SAME = 1.0  # nats; log-likelihoods that are closer are of one plateau


def fit(X: NDArray, start: Mixture) -> FitResult:
    """Fit with the original's tolerance; fastgmm's is per row."""
    return fastgmm.fit(X, 4, init=start, tol=TOLERANCE / len(X), max_iter=1000)


def random_starts(seed: int) -> dict[str, NDArray]:
    """Draw the means of starts, (N_STARTS, 4, 2): with coordinates 0 and 1, and uniform in between."""
    generator = np.random.default_rng(seed)
    return {
        "integer": generator.integers(0, 2, (N_STARTS, 4, 2)).astype(np.float64),
        "real": generator.random((N_STARTS, 4, 2)),
    }


def components_of(X: NDArray, parameters: Mixture) -> str:
    """Name the true clusters that make up a tenth or more of each distinct component: ``0+2 | 1 | 3``."""
    _, distinct = np.unique(parameters.means.round(6), axis=0, return_index=True)
    responsibilities = parameters.responsibilities(X)[:, distinct]
    true = Mixture(*fourclusters.RESULT).predict(X)
    sums = np.array([responsibilities[true == c].sum(axis=0) for c in range(4)])  # [cluster, component]
    return " | ".join(sorted("+".join(map(str, np.flatnonzero(column > 0.1 * column.sum()))) for column in sums.T))


def fit_all(X: NDArray, starts: dict[str, NDArray]) -> list[FitResult]:
    """Fit from every start, one kind after the other."""
    return [
        fit(X, Mixture(*fourclusters.START._replace(means=means))) for means in np.concatenate(list(starts.values()))
    ]


def print_ends(X: NDArray, starts: dict[str, NDArray], ends: list[FitResult]) -> None:
    """Print a line for each plateau: how many starts of each kind end there, and what is found there."""
    totals = np.array([end.log_likelihood for end in ends])
    studies.print_table(
        f"Where {len(ends)} starts end",
        ("log-likelihood", *starts, "rounds", "clusters of each distinct component"),
        [
            (
                f"{totals[group].max():.2f}",
                *np.bincount(group // N_STARTS, minlength=len(starts)),
                f"{min(ends[i].n_iter for i in group)} to {max(ends[i].n_iter for i in group)}",
                components_of(X, ends[group[0]].mixture),
            )
            for group in studies.plateaus(totals, SAME)
        ],
    )


def plot_ends(starts: dict[str, NDArray], ends: list[FitResult]) -> Figure:
    """Draw a histogram of the final log-likelihoods for each kind of start."""
    totals = np.array([end.log_likelihood for end in ends])
    figure = Figure(figsize=(6.8, 4.4), layout="constrained")
    panels = figure.subplots(len(starts), sharex=True)
    edges = np.linspace(totals.min() - 1.0, totals.max() + 1.0, 61)
    for kind, (name, axes) in enumerate(zip(starts, panels, strict=True)):
        counts = np.histogram(totals[kind * N_STARTS : (kind + 1) * N_STARTS], edges)[0]
        drawing.despine(axes).stairs(counts, edges, fill=True, color=drawing.COLORS[kind])
        axes.set_yscale("log")
        axes.set_ylim(0.7, 1.5 * N_STARTS)
        axes.set_title(f"{N_STARTS} starts with {name} coordinates", fontsize=10)
    panels[-1].set_xlabel("final log-likelihood (nats)")
    figure.supylabel("starts (logarithmic)", fontsize=10)
    return figure


def most_frequent_wrong_end(ends: list[FitResult]) -> Mixture:
    """Return an end on the plateau, other than the best, that most starts reach."""
    groups = studies.plateaus(np.array([end.log_likelihood for end in ends]), SAME)
    return ends[max(groups[1:], key=len)[0]].mixture
