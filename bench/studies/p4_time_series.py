"""P4: three means and three variances of one column.

The author of the original got zeros where three means and variances should be. Its E step has two faults. It divides
the densities by their sum over the samples, not over the components: the weights then cancel, no component knows of
another, and each shrinks onto one of the values until its variance is 0. And it passes the square root of the
variance to a density that expects the variance: of a variance below 1 that is larger, so the shrinking ends, and the
first fault is hidden. The means start at random rows, 13 of which hold the same value: components that start equal
stay equal. Starting from k-means seemed to be the cure: the means then look right, but variances and weights are not.

Here the faults are taken out one at a time, over 100 seeds, from both starts. Without them the loop is EM, and from
k-means it gives the same answer on every run; so does fastgmm, with a smaller tol than its default, which ends some
seeds on the way. A component can still collapse onto the equal values, and the likelihood of that is higher, so that
a search for the highest would prefer it: fastgmm ends the collapse at a millionth of the column's variance, and names
the component.
"""

import sys
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import fastgmm
from bench import studies
from bench.studies.p4_faults import N_ROUNDS, N_SEEDS, by_faults
from fastgmm import FitResult, Mixture
from fastgmm.data import load_example
from fastgmm.pictures import drawing
from fastgmm.shell import files, report

DEFAULT_TOL, TOL = 1e-3, 1e-8
REPEATED = 44.44571429  # 13 times among the 50 values


def by_fastgmm(x: NDArray, tol: float) -> tuple[NDArray, NDArray, NDArray]:
    """Return weights, means and variances (S, 3) of fits from fastgmm's default start, k-means."""
    fits = [fastgmm.fit(x, 3, tol=tol, max_iter=N_ROUNDS, random_state=seed).mixture for seed in range(N_SEEDS)]
    return tuple(np.array([getattr(p, name).ravel() for p in fits]) for name in ("weights", "means", "covariances"))


def summary(weights: NDArray, means: NDArray, variances: NDArray) -> tuple:
    """Count collapses and the distinct answers of the other runs, and write the most frequent answer."""
    # NaN comes from 0/0; the other variances are what rounding keeps from 0.
    sound = variances.min(axis=1) > 1e-9
    order = np.argsort(means[sound], axis=1)
    columns = [np.take_along_axis(values[sound], order, axis=1) for values in (means, variances, weights)]
    answers = Counter(zip(*([written(row) for row in values] for values in columns), strict=True))
    (answer, times), *_ = answers.most_common(1) or [(("", "", ""), 0)]
    return int(np.count_nonzero(~sound)), len(answers), times, *answer


def written(values: NDArray) -> str:
    return "  ".join(f"{value:.3g}" for value in values)


def plot_means(runs: dict[str, tuple[NDArray, NDArray, NDArray]], right: NDArray) -> Figure:
    """Draw the three means of every seed, a line for each seed within the band of its way to fit."""
    figure = Figure(figsize=(7.6, 5.2), layout="constrained")
    axes = drawing.despine(figure.add_subplot())
    for position, (_, means, _) in enumerate(runs.values()):
        heights = position + np.linspace(-0.35, 0.35, N_SEEDS)
        for k, values in enumerate(np.sort(means, axis=1).T):
            axes.plot(values, heights, drawing.MARKERS[k], color=drawing.COLORS[k], markersize=3)
    for value in right:
        axes.axvline(value, color=drawing.MIXTURE_COLOR, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(runs)), list(runs))
    axes.invert_yaxis()
    axes.set_xlabel("means after the last round; lines: the answer")
    return figure


def collapse(x: NDArray, answer: Mixture, reg_covar: float | str) -> tuple[FitResult | None, str]:
    """Fit from the answer, but with a narrow component about the equal values; return the result and what is said."""
    means, covariances = answer.means.copy(), answer.covariances.copy()
    narrowed = np.argmax(means)
    means[narrowed], covariances[narrowed] = REPEATED, 1e-3
    start = replace(answer, means=means, covariances=covariances)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = fastgmm.fit(x, 3, init=start, tol=TOL, max_iter=N_ROUNDS, reg_covar=reg_covar)
        except fastgmm.FitFailure as failure:
            return None, str(failure)
    return result, str(caught[0].message)


def main(out: studies.Out) -> None:
    with files.new_directory(out) as directory:
        X, names = load_example("timeseries")
        x = X[:, 0]  # (50,): one feature needs no second dimension
        runs = by_faults(x) | {f"fastgmm, tol={tol:g}": by_fastgmm(x, tol) for tol in (DEFAULT_TOL, TOL)}
        result = fastgmm.fit(x, 3, tol=TOL, max_iter=N_ROUNDS, random_state=0)
        answer = replace(result.mixture, feature_names=names)
        _, failure = collapse(x, answer, reg_covar=0.0)
        collapsed, warning = collapse(x, answer, reg_covar="auto")
        drawing.save(
            directory,
            answer=answer.plot(x),
            collapse=replace(collapsed.mixture, feature_names=names).plot(x),
            means=plot_means(runs, answer.means.ravel()),
        )
    studies.print_table(
        f"{N_SEEDS} seeds each",
        ("", "collapsed", "other answers", "most frequent", "means", "variances", "weights"),
        [(name, *summary(*run)) for name, run in runs.items()],
    )
    report.print_tables(report.parameters_table(answer))
    print(f"A collapse with reg_covar=0: {failure}\n")
    print(f"A collapse with the default, 'auto': {warning}.")
    print(f"Its variances: {written(collapsed.mixture.covariances.ravel())}")
    print(f"Its log-likelihood: {collapsed.log_likelihood:.2f}; that of the answer: {result.log_likelihood:.2f}")


if __name__ == "__main__":
    sys.exit(studies.run(main))
