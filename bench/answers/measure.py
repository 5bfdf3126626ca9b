"""Make a grid of fits and write their answers. Imports nothing else of the benchmarks, to run beside older versions.

``PYTHONPATH=OLDER python bench/answers/measure.py OLD.npz``; ``--only full --only 300x4`` for a part of the grid.

A process that fills the compile cache does not count: its code was optimised in another context than what later
processes read from there, and its answers differ from theirs by some roundings. It is measured again in a new one.
"""

import argparse
import hashlib
import itertools
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numba.core import event

STRUCTURES = ("full", "tied", "diag", "spherical")
DTYPES = ("float64", "float32")
FEATURES = (1, 2, 3, 4, 5, 8, 16, 33)
# Less than a block, a little more, one compiled call, several superblocks.
SAMPLES = (255, 300, 4097, 20_011)
COMPONENTS = (2, 3, 7)
STARTS = ("kmeans", "k-means++", "random", "random_from_data", "labels", "explicit")
# What is kept of a fit. The last three are of the fitted mixture at every 97th row, and of one more EM step.
ANSWERS = ("weights", "means", "covariances", "trace", "log_likelihood", "log_density", "predict", "step")
MAX_ITER = 8


class Fit(NamedTuple):
    """One cell of the grid; its fields are its name."""

    covariance_type: str
    dtype: str
    n_features: int
    n_samples: int
    n_components: int
    order: str
    weighted: bool
    start: str
    n_threads: int
    callback: bool

    @property
    def name(self) -> str:
        """All that tells it from others, as words."""
        size = f"{self.n_samples}x{self.n_features} K={self.n_components}"
        special = f" {self.order}" + " weighted" * self.weighted + " callback" * self.callback
        return f"{self.covariance_type} {self.dtype} {size}{special} {self.start} threads={self.n_threads}"


def grid() -> Iterator[Fit]:
    """Yield the fits: every start with two threads, some with one, with a callback, and a few large ones."""
    for structure, dtype in itertools.product(STRUCTURES, DTYPES):
        for d, n, k, weighted in itertools.product(FEATURES, SAMPLES, COMPONENTS, (False, True)):
            for start in STARTS:
                yield Fit(structure, dtype, d, n, k, "C", weighted, start, 2, False)
            yield Fit(structure, dtype, d, n, k, "C", weighted, "kmeans", 1, False)
            yield Fit(structure, dtype, d, n, k, "C", weighted, "explicit", 1, False)
            yield Fit(structure, dtype, d, n, k, "C", weighted, "labels", 2, True)
        for d, n, order in ((2, 300_017, "C"), (5, 200_003, "F"), (8, 150_001, "C"), (33, 60_013, "F")):
            for weighted, start in itertools.product((False, True), ("kmeans", "explicit")):
                yield Fit(structure, dtype, d, n, 7, order, weighted, start, 2, False)


def problem(fit: Fit) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return rows (N, D) around overlapping means, weights (N,) or None, and the means (K, D)."""
    generator = np.random.default_rng([fit.n_samples, fit.n_features, fit.n_components])
    means = 2.0 * generator.normal(size=(fit.n_components, fit.n_features))
    X = means[generator.integers(fit.n_components, size=fit.n_samples)]
    X += generator.normal(size=(fit.n_samples, fit.n_features))
    weights = generator.gamma(2.0, size=fit.n_samples) if fit.weighted else None
    return np.asarray(X, dtype=fit.dtype, order=fit.order), weights, means


def start_of(fit: Fit, X: np.ndarray, means: np.ndarray) -> object:
    """Return the `init` of a fit."""
    import fastgmm

    k, d = means.shape
    if fit.start == "labels":
        # Labels of the nearest mean, a tenth of them wrong, and a row of each component for certain.
        distances = ((X[:, np.newaxis] - means) ** 2).sum(axis=2)
        labels = distances.argmin(axis=1)
        labels[::10] = np.arange(len(labels[::10])) % k
        return labels
    if fit.start != "explicit":
        return fit.start
    covariances = {
        "full": np.array([(2.0 + i) * np.eye(d) + 0.25 for i in range(k)]),
        "tied": 2.0 * np.eye(d) + 0.25,
        "diag": np.linspace(1.0, 3.0, k * d).reshape(k, d),
        "spherical": np.linspace(1.0, 3.0, k),
    }[fit.covariance_type]
    mixture = getattr(fastgmm, "Mixture", None) or fastgmm.MixtureParameters
    return mixture(np.full(k, 1.0 / k), means + 0.3, covariances, fit.covariance_type)


def answer(fit: Fit) -> dict[str, np.ndarray]:
    """Make a fit and return its ``ANSWERS``, or the error instead."""
    import fastgmm

    X, weights, means = problem(fit)
    try:
        result = fastgmm.fit(
            X,
            fit.n_components,
            covariance_type=fit.covariance_type,
            init=start_of(fit, X, means),
            sample_weight=weights,
            max_iter=MAX_ITER,
            n_init=2 if fit.start in STARTS[1:4] else 1,
            random_state=fit.n_components,
            n_threads=fit.n_threads,
            callback=(lambda state: False) if fit.callback else None,
        )
        mixture = result.mixture if hasattr(result, "mixture") else result.parameters
        step = fastgmm.maximize(fastgmm.accumulate(X, mixture, sample_weight=weights, n_threads=fit.n_threads))
        values = {name: np.asarray(getattr(mixture, name)) for name in ANSWERS[:3]}
        values["trace"], values["log_likelihood"] = result.trace, np.asarray(result.log_likelihood)
        values["log_density"] = mixture.log_density(X, n_threads=fit.n_threads)
        values["predict"] = mixture.predict(X, n_threads=fit.n_threads)
        values["step"] = np.concatenate([getattr(step, name).ravel() for name in ANSWERS[:3]])
    except (ValueError, TypeError, ArithmeticError, np.linalg.LinAlgError) as error:
        return {"error": np.array([f"{type(error).__name__}: {error}"])}
    return values


def digest(values: dict[str, np.ndarray]) -> str:
    """Return a digest of names, dtypes, shapes and bytes."""
    sha = hashlib.sha256()
    for name, value in values.items():
        sha.update(f"{name} {value.dtype} {value.shape}".encode())
        sha.update(np.ascontiguousarray(value).tobytes())
    return sha.hexdigest()[:16]


def kept(name: str, value: np.ndarray) -> np.ndarray:
    """Return what is written of an answer, as float64: float32 fits in; of one value a row every 97th."""
    return np.asarray(value, np.float64).ravel()[:: 97 if name in ("log_density", "predict") else 1]


def measure(path: str, only: Sequence[str]) -> bool:
    """Write the answers of the fits whose names have every word of `only`; return whether anything was compiled."""
    fits = [fit for fit in grid() if all(f" {word} " in f" {fit.name} " for word in only)]
    names, digests, errors, values, lengths = [], [], [], [], []
    began = time.perf_counter()
    compilations = event.RecordingListener()
    with warnings.catch_warnings(), event.install_listener("numba:compile", compilations):
        warnings.simplefilter("ignore")
        for i, fit in enumerate(fits):
            answers = answer(fit)
            arrays = [kept(name, answers[name]) for name in ANSWERS if name in answers]
            names.append(fit.name)
            digests.append(digest(answers))
            errors.append(str(answers["error"][0]) if "error" in answers else "")
            values.extend(arrays)
            lengths.append([len(array) for array in arrays] or [0] * len(ANSWERS))
            if (i + 1) % 200 == 0 or i + 1 == len(fits):
                print(f"\r{i + 1} of {len(fits)}, {time.perf_counter() - began:.0f} s", end="", file=sys.stderr)
    print(file=sys.stderr)
    np.savez_compressed(
        path,
        names=np.array(names),
        digests=np.array(digests),
        errors=np.array(errors),
        values=np.concatenate([np.empty(0), *values]),
        lengths=np.array(lengths),
    )
    print(f"{len(fits)} fits, {sum(map(bool, errors))} of them errors, written to {path}")
    return bool(compilations.buffer)


def main() -> int:
    """Measure, and once more if that filled the cache."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", help="the .npz to write")
    parser.add_argument(
        "--only", action="append", default=[], help="a word of the fits' names (full, float32, K=7, kmeans, ...)"
    )
    arguments = parser.parse_args()
    if measure(arguments.path, arguments.only):
        print("the compile cache was filled meanwhile; measured again by a process that reads it")
        return subprocess.call(sys.orig_argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
