"""P2: the customers of a mall, by income and spending.

The original reads two columns of a CSV, starts from K = 3 distinct random rows with identity covariances, adds 1e-6
to the variances in every round, and stops when the log-likelihood changes by less than 1e-6 or after 100 rounds. In
thousands of dollars and points of a score, a variance of 1 is a dot: the density of a row more than 39 units from
all three means underflows to 0. The original puts 1e-10 in its place, so that in the first round such a row belongs
to nobody, and a fit begins with what lies around three random customers. Its M step builds a diagonal matrix of
N x N, and its log-likelihood is a loop over the rows that builds every density again. And K = 3 is a guess.

Here densities are logarithms, so that every row counts from the first round on. 100 of the original's starts and 100
of fastgmm's show how many ends there are, and that one start, of either kind, is a lottery where K is wrong: the
best of the original's 100 is drawn. Four pictures are the original's; a fifth is the BIC for K from 1 to 8, which
says how many groups the data support, and a sixth shows these groups.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

import fastgmm
from bench import studies
from fastgmm import FitResult, Mixture
from fastgmm.pictures import drawing
from fastgmm.shell import figures, files, report
from fastgmm.shell.tables.columns import Reading
from fastgmm.shell.tables.read import read_table

COLUMNS = ["Annual Income (k$)", "Spending Score (1-100)"]
N_COMPONENTS = 3
N_SEEDS = 100
CANDIDATES = range(1, 9)
SAME = 0.1  # nats; log-likelihoods that are closer are the same end


def random_row_start(X: NDArray, seed: int) -> Mixture:
    """Take distinct rows as means, with identity covariances."""
    n_features = X.shape[1]
    means = X[np.random.default_rng(seed).choice(len(X), N_COMPONENTS, replace=False)]
    covariances = np.array([np.eye(n_features)] * N_COMPONENTS)
    return Mixture(np.full(N_COMPONENTS, 1.0 / N_COMPONENTS), means, covariances)


def fit_original(X: NDArray, start: Mixture) -> FitResult:
    """Fit with the original's settings; fastgmm's tolerance is per row."""
    return fastgmm.fit(X, N_COMPONENTS, init=start, tol=1e-6 / len(X), max_iter=100, reg_covar=1e-6)


def n_underflowing(X: NDArray, start: Mixture) -> int:
    """Count the rows whose density under the start is too small for float64."""
    return int(np.count_nonzero(np.exp(start.log_density(X)) == 0.0))


def summary(name: str, results: list[FitResult]) -> tuple[str, str, int, int]:
    """Say where the seeds end: the range of log-likelihoods, the number of ends, and of seeds at the best."""
    ends = np.array([each.log_likelihood for each in results])
    groups = studies.plateaus(ends, SAME)
    return name, f"{ends.min():.2f} to {ends.max():.2f}", len(groups), len(groups[0])


def main(
    file: Annotated[Path, typer.Argument(metavar="CSV", help="Customers, with a header.")],
    out: studies.Out,
    columns: Annotated[
        list[str], typer.Option("--columns", metavar="NAME", help="A column to use; repeat it for more.")
    ] = COLUMNS,
    seed: Annotated[int, typer.Option(min=0, help="First of the seeds.")] = 0,
) -> None:
    table = read_table(file, Reading(columns))
    with files.new_directory(out) as directory:
        X, names = np.asarray(table.X), table.feature_names
        seeds = range(seed, seed + N_SEEDS)
        by_k_means = [fastgmm.fit(X, N_COMPONENTS, random_state=each) for each in seeds]
        starts = [random_row_start(X, each) for each in seeds]
        by_rows = [fit_original(X, start) for start in starts]
        selection = fastgmm.select(X, CANDIDATES, n_init=10, random_state=seed)

        result = max(by_rows, key=lambda each: each.log_likelihood)
        result = replace(result, mixture=replace(result.mixture, feature_names=names))
        responsibilities = result.mixture.responsibilities(X)
        figures.save_pictures(directory, X, result, responsibilities, selection)
        best = replace(selection.best.mixture, feature_names=names)
        drawing.save(directory, groups=best.plot(X))
    zeros = [n_underflowing(X, start) for start in starts]
    print(f"rows of density 0, in float64, under the original's start: {min(zeros)} to {max(zeros)} of {len(X)}\n")
    studies.print_table(
        f"K = {N_COMPONENTS}, {N_SEEDS} seeds",
        ("", "log-likelihood", "different ends", "seeds at the best"),
        [summary("the original's start", by_rows), summary("fastgmm's default", by_k_means)],
    )
    report.print_tables(report.parameters_table(result.mixture), report.selection_table(selection))


if __name__ == "__main__":
    sys.exit(studies.run(main))
