"""P1: two classes in two columns of a text file, and the maker of such a file.

The original scales each column to [0, 1] by its minimum and maximum, starts from means drawn uniformly from there
with identity covariances, does 100 rounds whatever happens, and draws the rows with a colour for each class. As
printed it cannot run: its M step loses the list of covariances. And even if it did: a variance of 1 is so much wider
than data in [0, 1] that both components begin as nearly the same, wherever their means are. The log-likelihood then
hardly moves until they have parted, which takes dozens of rounds. That 100 are enough is luck, and a rule that looks
at the change, as fastgmm's, stops before they part.

Here that start and those rounds are held against the same start with fastgmm's rule, and against fastgmm's default,
a start by k-means, which is done in a few rounds. The scaling stays: EM does not depend on the units of a column,
and neither does fastgmm's regulariser, but k-means does.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray

import fastgmm
from bench import studies
from fastgmm import FitResult, Mixture
from fastgmm.pictures import drawing, plot
from fastgmm.shell import files
from fastgmm.shell.tables.columns import Reading, Table
from fastgmm.shell.tables.read import read_example, read_table

N_ROUNDS = 100
N_SEEDS = 100
ORIGINAL = f"its start, {N_ROUNDS} rounds"


def make_sample(seed: int) -> NDArray:
    """Draw 30 rows of N((0, 1), diag(0.3, 0.1)), then 70 of N((2, 1), diag(0.2, 0.3)); diagonals are variances."""
    generator = np.random.default_rng(seed)
    classes = (30, [0.0, 1.0], [0.3, 0.1]), (70, [2.0, 1.0], [0.2, 0.3])
    return np.concatenate([generator.normal(mean, np.sqrt(variances), (n, 2)) for n, mean, variances in classes])


def min_max_scaled(X: NDArray) -> NDArray:
    """Scale each column to [0, 1]; ValueError for one without a range."""
    low, high = X.min(axis=0), X.max(axis=0)
    if not np.all(high > low):
        column = np.flatnonzero(~(high > low))[0]
        raise ValueError(f"column {column} (counted from 0) cannot be scaled to [0, 1]: it has no range of numbers")
    return (X - low) / (high - low)


def random_start(n_features: int, seed: int) -> Mixture:
    """Draw means in [0, 1), with identity covariances."""
    means = np.random.default_rng(seed).random((2, n_features))
    return Mixture(np.full(2, 0.5), means, np.array([np.eye(n_features)] * 2))


def n_apart(labels: NDArray, others: NDArray) -> int:
    """Count the rows that two partitions into two classes tell apart; the classes may have changed names."""
    differing = int(np.count_nonzero(labels != others))
    return min(differing, len(labels) - differing)


def fit_in_three_ways(scaled: NDArray, first_seed: int) -> dict[str, list[FitResult]]:
    """Fit from `N_SEEDS` starts: as the original, from its starts with fastgmm's rule, and by fastgmm's default."""
    seeds = range(first_seed, first_seed + N_SEEDS)
    starts = [random_start(scaled.shape[1], seed) for seed in seeds]
    return {
        # tol=0: no change is below it, so that the number of rounds is fixed.
        ORIGINAL: [fastgmm.fit(scaled, 2, init=start, tol=0.0, max_iter=N_ROUNDS) for start in starts],
        "its start, fastgmm's rule": [fastgmm.fit(scaled, 2, init=start) for start in starts],
        "fastgmm's default": [fastgmm.fit(scaled, 2, random_state=seed) for seed in seeds],
    }


def figures_of(name: str, table: Table, scaled: NDArray, result: FitResult) -> dict[str, Figure]:
    columns = table.feature_names or [f"column {i}" for i in range(scaled.shape[1])]
    classes = replace(result.mixture, feature_names=[f"{column}, scaled" for column in columns])
    return {
        f"{name}_rows": plot.plot_data(table.X, feature_names=columns),
        f"{name}_classes": classes.plot(scaled),
        f"{name}_log_likelihood": result.plot(),
    }


def summary(results: list[FitResult], n_rows: int) -> tuple[str, str, str]:
    """Write ranges over the seeds: of the rounds, of those until the total settles to 0.01 nats, and of the total."""
    totals = [each.log_likelihood for each in results]
    settled = [int(np.sum(np.abs(n_rows * each.trace - each.log_likelihood) > 0.01)) for each in results]
    return spread([each.n_iter for each in results]), spread(settled), spread(totals)


def spread(values: list) -> str:
    return f"{min(values):.6g} to {max(values):.6g}"


def main(
    out: studies.Out,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Numbers in text; by default Old Faithful's eruptions."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="First seed of the random means; seed of the sample.")] = 0,
) -> None:
    with files.new_directory(out) as directory:
        np.savetxt(directory / "sample.txt", make_sample(seed))
        data = {
            "file" if file else "geyser": read_table(file, Reading()) if file else read_example("geyser", Reading()),
            # The same bits: savetxt writes enough digits.
            "sample": read_table(directory / "sample.txt", Reading()),
        }
        scaled = {name: min_max_scaled(table.X) for name, table in data.items()}
        fits = {name: fit_in_three_ways(X, seed) for name, X in scaled.items()}
        for name, table in data.items():
            result = fits[name][ORIGINAL][0]
            files.write_labels(directory / f"{name}_labels.csv", result.mixture.responsibilities(scaled[name]))
            drawing.save(directory, **figures_of(name, table, scaled[name], result))
    for name, ways in fits.items():
        studies.print_table(
            f"{name}: {len(scaled[name])} rows, {N_SEEDS} seeds",
            ("", "rounds", "before it settles", "log-likelihood"),
            [(way, *summary(results, len(scaled[name]))) for way, results in ways.items()],
        )
    labels = fits["sample"][ORIGINAL][0].mixture.predict(scaled["sample"])
    print(f"rows of the sample in the other class: {n_apart(labels, np.repeat([0, 1], [30, 70]))} of {len(labels)}")


if __name__ == "__main__":
    sys.exit(studies.run(main))
