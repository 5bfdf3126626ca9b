"""P3: four clusters in 5000 rows, the course assignment.

The original is a double loop over samples and components, with the determinant and the inverse of a covariance inside
the density (fastgmm/naive.py is that program). It starts from equal weights, identity covariances and means with
coordinates 0 and 1, and stops when the log-likelihood changes by less than 0.01. Its course was published, its data
were not; here the rows are drawn from the published result, and take fewer rounds. That is not the rows: the original
takes its covariances about the means of *before* the M step, which is not the maximum, and climbs more slowly. The
second moments of fastgmm.accumulate are about those means, so its M step is one line here, and meets the published
course on the drawn rows.

What the start does to the end: of random starts with coordinates 0 and 1, nine in ten hold a point twice. Components
that start equal stay equal, so that fewer than four clusters are found: this is where such runs stall. Of the starts
with real coordinates nine in ten reach the best value; the others end with one component on two clusters, and two
components on another. The cure is a start that looks at the data, or n_init, which keeps the best of several.
"""

import sys
from dataclasses import replace
from typing import Annotated

import numpy as np
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray

import fastgmm
from bench import studies
from bench.studies import p3_starts
from bench.studies.p3_starts import TOLERANCE, fit
from fastgmm import FitResult, Mixture, SufficientStatistics
from fastgmm.data import fourclusters, load_example
from fastgmm.pictures import drawing
from fastgmm.shell import files, report

N_DRAWN = 500


def original_m_step(statistics: SufficientStatistics) -> Mixture:
    """Return new weights and means, but covariances about the old means, as the original does."""
    sums = statistics.responsibility_sums
    means = statistics.centers + statistics.first_moments / sums[:, np.newaxis]
    return Mixture(sums / sums.sum(), means, statistics.second_moments / sums[:, np.newaxis, np.newaxis])


def original_course(X: NDArray) -> NDArray:
    """Return the total log-likelihood after each round of the original, from the published start."""
    statistics, totals = fastgmm.accumulate(X, Mixture(*fourclusters.START)), []
    while len(totals) < 6 or abs(totals[-1] - totals[-2]) >= TOLERANCE:
        statistics = fastgmm.accumulate(X, original_m_step(statistics))  # the E step sees what the M step has left
        totals.append(statistics.log_likelihood)
    return np.array(totals)


def totals_of(result: FitResult, n_rows: int) -> NDArray:
    """Return the total log-likelihood after each round: a trace holds what the round's E step saw, that of before."""
    return np.append(n_rows * result.trace[1:], result.log_likelihood)


def plot_courses(own: NDArray, original: NDArray) -> Figure:
    figure = Figure(figsize=(6.8, 4.4), layout="constrained")
    axes = drawing.despine(figure.add_subplot())
    published = fourclusters.TRACE
    courses = {"fastgmm": own, "the original's M step, on the same rows": original}
    for (name, values), style, color in zip(courses.items(), ("-", "--"), drawing.COLORS, strict=False):
        rounds = np.arange(1, len(values) + 1)
        axes.plot(rounds, values, style, color=color, label=f"{name}: {len(values)} rounds")
    axes.plot(list(published), list(published.values()), "ko", label=f"published: {max(published)} rounds")
    axes.set_xlabel("round of EM")
    axes.set_ylabel("log-likelihood after the round (nats)")
    axes.legend(loc="lower right")
    return figure


def formula(parameters: Mixture) -> str:
    """Write the density of the mixture in LaTeX."""

    def matrix(rows: NDArray) -> str:
        return r"\begin{pmatrix}" + r"\\".join(" & ".join(f"{v:.5f}" for v in row) for row in rows) + r"\end{pmatrix}"

    terms = (
        rf"{weight:.5f}\,\mathcal{{N}}\!\left(x;\,{matrix(mean[:, np.newaxis])},\,{matrix(covariance)}\right)"
        for weight, mean, covariance in zip(
            parameters.weights, parameters.means, parameters.full_covariances(), strict=True
        )
    )
    return "p(x) = " + "\n  + ".join(terms)


def main(
    out: studies.Out,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random starts and of the rows drawn.")] = 0,
) -> None:
    with files.new_directory(out) as directory:
        X, names = load_example("fourclusters")
        result = fit(X, Mixture(*fourclusters.START))
        mixture = replace(result.mixture, feature_names=names)
        original = original_course(X)
        starts = p3_starts.random_starts(seed)
        ends = p3_starts.fit_all(X, starts)
        drawn = X[np.random.default_rng(seed).choice(len(X), N_DRAWN, replace=False)]
        (directory / "formula.tex").write_text(formula(mixture) + "\n")
        drawing.save(
            directory,
            log_likelihood=plot_courses(totals_of(result, len(X)), original),
            rows=mixture.plot(drawn),
            starts=p3_starts.plot_ends(starts, ends),
            stalled=replace(p3_starts.most_frequent_wrong_end(ends), feature_names=names).plot(X),
        )
    report.print_tables(report.parameters_table(mixture))
    print(f"{formula(mixture)}\n")
    print(f"log-likelihood {result.log_likelihood:.3f} after {result.n_iter} rounds")
    print(f"with the original's M step {original[-1]:.3f} after {len(original)}\n")
    studies.print_table(
        "Log-likelihood after the round",
        ("round", "published", "the original's M step on these rows"),
        [(i, value, f"{original[i - 1]:.3f}") for i, value in fourclusters.TRACE.items()],
    )
    p3_starts.print_ends(X, starts, ends)


if __name__ == "__main__":
    sys.exit(studies.run(main))
