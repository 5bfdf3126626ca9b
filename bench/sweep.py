"""Fourteen structures of one to nine components, beside mclust's ``me()``: ``python -m bench.sweep [N [K ...]]``.

Of each number of components all fourteen go through the same iterations from the same partition, here by `select` and
in R, and scikit-learn's four from its parameters. A turn is the whole sweep, one K after the other. Log-likelihoods
must agree before anything is said of time. The table goes into ``docs/structures.md``, what was measured into
``bench/sweep.json``. Sweeps of some K alone take the places of theirs in what has been measured of as many rows with
the same versions.
"""

import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastgmm
from bench import markdown, report
from bench.compare.peer import output_of
from bench.environment import version_of
from fastgmm.model.structures import NAMES
from fastgmm.model.structures import STRUCTURES as TABLE

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Fits = tuple[float, dict[str, float]]  # seconds, and log-likelihoods by model

MODELS = tuple(row.model for row in TABLE.values())
N, D = 100_000, 4
MOST_COMPONENTS = 9
N_ROUNDS = 10
TURNS = 3
PAUSE = 0.3  # seconds in which the threads of whoever had the last turn stop spinning
# Of scikit-learn's names those of mclust. Its M steps are closed.
SCIKIT_LEARN = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}
# By how much log-likelihoods may differ, as a share. mclust's M steps in turn end at 1e-5; for the shared axes of EVE
# and VVE, which have several local maxima, it looks in another way, and the iterations lead to other hills.
CLOSED = 1e-10
ITERATED = {"VEI": 1e-3, "VEV": 1e-3, "VEE": 1e-3, "EVE": 0.1, "VVE": 0.1}
BARS = {"mclust": 50.0, "scikit-learn": 15.0}
TIMED = ("fastgmm", "mclust", "four", "scikit-learn")  # who does all fourteen, and who the four
OUT = Path(__file__).with_suffix(".json")
STRUCTURES = Path(__file__).parent.parent / "docs" / "structures.md"


def problem(n_samples: int) -> Array:
    """Return rows of five clusters."""
    generator = np.random.default_rng(0)
    labels = generator.integers(5, size=n_samples)
    means = 3.0 * generator.normal(size=(5, D))
    roots = np.eye(D) + 0.6 * generator.normal(size=(5, D, D))
    return np.asarray(np.einsum("nij,nj->ni", roots[labels], generator.normal(size=(n_samples, D))) + means[labels])


def partition(X: Array, n_components: int) -> Labels:
    """Return the nearest of so many rows, drawn at random, for each row."""
    centers = np.random.default_rng(n_components).choice(X, n_components, replace=False)
    return np.square(X[:, np.newaxis] - centers).sum(axis=2).argmin(axis=1)


def versions() -> dict[str, str]:
    """Of everything that is timed; SystemExit with a sentence if R or mclust is missing."""
    script = "cat(as.character(getRversion()), format(packageVersion('mclust')))"
    try:
        found = zip(("R", "mclust"), output_of("Rscript", "-e", script).split(), strict=True)
    except ImportError as error:
        print(f"Skipped, because mclust is not installed (apt-get install r-cran-mclust): {error}", file=sys.stderr)
        raise SystemExit(0) from None
    return {name: version_of(name) for name in ("numba", "numpy", "scikit-learn")} | dict(found)


@contextmanager
def mclust(X: Array) -> Iterator[Any]:
    """Yield a function of a partition that returns seconds and log-likelihoods of all structures in R."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        X.tofile(scratch / "rows")
        command = ["Rscript", str(Path(__file__).with_suffix(".R")), directory, *map(str, X.shape), str(N_ROUNDS)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as R:
            assert R.stdout is not None
            R.stdout.readline()  # the rows are read

            def fits(labels: Labels) -> Fits:
                (labels + 1).astype(np.int32).tofile(scratch / "labels")
                print(labels.max() + 1, file=R.stdin, flush=True)
                names, seconds, values = zip(*(R.stdout.readline().split() for _ in MODELS), strict=True)
                return sum(map(float, seconds)), dict(zip(names, map(float, values), strict=True))

            yield fits


def here(X: Array, labels: Labels, models: Sequence[str]) -> Fits:
    """Return seconds and log-likelihoods of structures; those that coincide are fitted once."""
    k = int(labels.max()) + 1
    began = time.perf_counter()
    selection = fastgmm.select(X, k, models, init={k: labels}, tol=0.0, max_iter=N_ROUNDS, reg_covar=0.0)
    seconds = time.perf_counter() - began
    found = {}
    for candidate in selection.candidates:
        assert candidate.result is not None
        value = float(candidate.result.trace[-1]) * len(X)
        found[TABLE[candidate.covariance_type].distinct(k, D)] = value
    return seconds, {model: found[TABLE[NAMES[model]].distinct(k, D)] for model in models}


def scikit_learn(X: Array, labels: Labels) -> Fits:
    """Return those of scikit-learn's, from the moments of the partition."""
    from sklearn.mixture import GaussianMixture

    parts = [X[labels == k] for k in range(labels.max() + 1)]
    weights, means = np.array([len(part) / len(X) for part in parts]), np.array([part.mean(axis=0) for part in parts])
    covariances = np.array([np.cov(part.T, bias=True) for part in parts])
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    precisions = {
        "full": np.linalg.inv(covariances),
        "tied": np.linalg.inv(np.tensordot(weights, covariances, 1)),
        "diag": 1.0 / variances,
        "spherical": 1.0 / variances.mean(axis=1),
    }
    known = {"weights_init": weights, "means_init": means, "tol": 0.0, "max_iter": N_ROUNDS, "reg_covar": 0.0}
    fits, began = {}, time.perf_counter()
    for name, model in SCIKIT_LEARN.items():
        fit = GaussianMixture(len(parts), covariance_type=name, precisions_init=precisions[name], **known).fit(X)
        fits[model] = float(fit.lower_bound_) * len(X)
    return time.perf_counter() - began, fits


def verify(n_components: int, own: dict[str, float], theirs: dict[str, float], who: str) -> dict[str, float]:
    """Return the differences of log-likelihoods as shares; SystemExit if they are not what they may be."""
    differences = {model: abs(own[model] / value - 1.0) for model, value in theirs.items()}
    for model, difference in differences.items():
        if not difference <= ITERATED.get(model, CLOSED):
            raise SystemExit(f"K = {n_components}, {model}: {who}'s log-likelihood differs by {difference:.1e}")
    return differences


def measure(X: Array, numbers: Iterable[int], turns: int) -> dict[str, dict[str, Any]]:
    """Verify and time sweeps of these numbers of components; seconds are those of each turn."""
    partitions = {k: partition(X, k) for k in numbers}
    sweeps: dict[str, dict[str, Any]] = {str(k): {name: [] for name in TIMED} for k in partitions}
    own = {k: here(X, labels, MODELS)[1] for k, labels in partitions.items()}  # which compiles
    with mclust(X) as in_R:
        takes_turns: dict[str, Callable[[Labels], Fits]] = {
            "fastgmm": lambda labels: here(X, labels, MODELS),
            "mclust": in_R,
            "four": lambda labels: here(X, labels, tuple(SCIKIT_LEARN.values())),
            "scikit-learn": lambda labels: scikit_learn(X, labels),
        }
        for turn in range(turns):
            for name, fits in takes_turns.items():
                print(f"turn {turn + 1} of {turns}: {name}", file=sys.stderr)
                time.sleep(PAUSE)
                for k, labels in partitions.items():
                    seconds, values = fits(labels)
                    sweeps[str(k)][name].append(seconds)
                    differences = verify(k, own[k], values, name)
                    if name == "mclust":
                        sweeps[str(k)]["differences"] = differences
    return sweeps


def earlier(n_samples: int, known: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the sweeps that have been measured of so many rows with these versions."""
    measured = json.loads(OUT.read_text())["measured"]
    return measured["sweeps"] if (measured["n_samples"], measured["versions"]) == (n_samples, known) else {}


def spread(own: list[float], theirs: list[float]) -> tuple[float, float, float]:
    """Return least, median and most of the ratios of turns."""
    ratios = [b / a for a, b in zip(own, theirs, strict=True)]
    return min(ratios), median(ratios), max(ratios)


def totals(sweeps: dict[str, dict[str, Any]]) -> dict[str, list[float]]:
    """Return the seconds of each turn for all numbers of components."""
    return {name: np.sum([each[name] for each in sweeps.values()], axis=0).tolist() for name in TIMED}


def table(sweeps: dict[str, dict[str, Any]]) -> str:
    """Return a line for each number of components, and one for all."""
    rows = []
    for k, each in {**sweeps, "all": totals(sweeps)}.items():
        cells = [k]
        for own, theirs in (("fastgmm", "mclust"), ("four", "scikit-learn")):
            cells += [f"{median(each[name]):.3g}" for name in (own, theirs)]
            cells.append(markdown.with_spread(spread(each[own], each[theirs])))
        rows.append(cells)
    header = ("K", "fourteen, s", "mclust, s", "times (least–most)", "four, s", "scikit-learn, s")
    return markdown.table((*header, "times (least–most)"), rows)


def main(arguments: list[str]) -> int:
    """Measure, write what was found, and say which bars were missed."""
    every = range(1, MOST_COMPONENTS + 1)
    try:
        n_samples, *numbers = map(int, arguments or [str(N)])
        if not set(numbers) <= set(every):
            raise ValueError
    except ValueError:
        print(
            f"Error: N, a number of rows, and some K in 1..{MOST_COMPONENTS} are all that may be given",
            file=sys.stderr,
        )
        return 2
    known = versions()
    warnings.simplefilter("ignore")  # scikit-learn's, of fits that have not converged
    sweeps = earlier(n_samples, known) if numbers else {}
    sweeps |= measure(problem(n_samples), numbers or every, TURNS)
    sweeps = dict(sorted(sweeps.items()))
    named = ", ".join(f"{name} {version}" for name, version in known.items())
    worst = {model: max(each["differences"][model] for each in sweeps.values()) for model in MODELS}
    closed = max(worst[model] for model in MODELS if model not in ITERATED)
    others = ", ".join(f"{model} {worst[model]:.0e}" for model in ITERATED)
    before = f"Largest differences of log-likelihoods: {others}, others {closed:.0e}. {n_samples} x {D} rows, "
    before += f"{N_ROUNDS} iterations each, medians of {TURNS} turns. {named}; "
    measured = {"n_samples": n_samples, "versions": known, "sweeps": sweeps}
    report.keep(OUT, STRUCTURES, "measured", measured, table(sweeps), before)
    everything = totals(sweeps)
    for own, theirs in (("fastgmm", "mclust"), ("four", "scikit-learn")):
        _, ratio, _ = spread(everything[own], everything[theirs])
        missed = "" if ratio >= BARS[theirs] else f", which misses the bar of {BARS[theirs]:.0f}"
        print(f"{theirs}: {ratio:.0f} times as long{missed}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
