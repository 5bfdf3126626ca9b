"""Where EM starts: k-means, k-means++, random, random rows, a tree of rows, or what the user gives.

The first four mean what scikit-learn's `init_params` mean. All but explicit parameters end in an M step
on responsibilities, which no start ever stores as a whole: they are made for a few thousand rows at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import check_choice, refuse_masked
from ..model.parameters import Parameters
from ..model.plan import Plan
from ..model.regulariser import Regulariser
from ..rows.array import ArraySource
from ..rows.check import check_labels, check_responsibilities
from ..rows.launch.pieces import in_place
from ..rows.source import Centers, Memberships, Partition, Responsibilities, Sample, Source, Start
from ..rows.start.k_means import KMeans, Nearest
from ..rows.start.tree import Tree, n_leaves
from .options import Options
from .regulariser import of_single_rows

Array = NDArray[np.float64]

METHODS = ("kmeans", "k-means++", "random", "random_from_data", "tree")


def start(source: Source, plan: Plan, options: Options, regulariser: Regulariser) -> Start:
    """Return what EM starts from: one of the `METHODS`, parameters, labels (N,) int64 or responsibilities (N, K)."""
    init = options.init
    if isinstance(init, Parameters):
        return init
    if isinstance(init, np.ndarray):
        return Partition(init) if init.ndim == 1 else Responsibilities(init)
    if init == "random":
        return _random(options.generator, plan.n_components)
    sample, found = _found(source, plan, options)
    if isinstance(found, np.ndarray):
        return _of_single_rows(found, source, plan, regulariser)
    if sample.whole or isinstance(found, Centers):
        return found
    return _first_m_step(ArraySource(sample.rows, options.n_threads, sample.weights), plan, found, regulariser)


def _found(source: Source, plan: Plan, options: Options) -> tuple[Sample, NDArray[Any] | Partition | Centers]:
    """Return the rows that a start looks at, and what it finds there; no structure of covariances matters to it.

    A row for each component, (K, D), or of k-means the clusters, or their centres where these are those of all rows.
    """
    return options.once((plan.n_components,), lambda: _find(source, plan, options))


def _find(source: Source, plan: Plan, options: Options) -> tuple[Sample, NDArray[Any] | Partition | Centers]:
    generator, k = options.generator, plan.n_components
    if options.init == "tree":
        sample, tree = _tree(source, plan, options)
        labels = tree.partition(k)
        return sample, tree.centers(labels, k) if sample.filled else Partition(labels)
    sample = _sample(source, plan, generator)
    if options.init == "random_from_data":
        chances = sample.weights / sample.weights.sum() if len(sample.weights) else None
        return sample, sample.rows[generator.choice(len(sample.rows), size=k, replace=False, p=chances)]
    x, deviations = in_place(sample.rows), source.moments().deviations
    k_means = KMeans(x, k, options.n_threads, sample.weights, deviations, options.watch)
    if options.init == "k-means++":
        return sample, x[k_means.seed(generator)]
    clusters = k_means.fit(generator)
    if clusters.means is not None and not sample.whole:
        # Hardly ever has the last step of k-means left a cluster without a row, but then the start would have none.
        centers = Centers(clusters.means)
        labels = Nearest(centers, plan.dtype, deviations, options.n_threads).labels(x)
        if np.bincount(labels, minlength=k).all():
            return sample, centers
    return sample, clusters


def _sample(source: Source, plan: Plan, generator: np.random.Generator) -> Sample:
    """Return the rows that a start looks at; where these are all, no random number has been drawn."""
    before = generator.bit_generator.state
    sample = source.sample(n_looked_at(plan, source.n_samples), int(generator.integers(2**63)))
    if sample.whole:
        generator.bit_generator.state = before
    return sample


def _tree(source: Source, plan: Plan, options: Options) -> tuple[Sample, Tree]:
    """Return the rows that a start looks at, and their tree: the same for all K that ask for as many rows."""
    generator, most = options.generator, n_leaves(plan.n_components)

    def grow() -> tuple[Sample, Tree]:
        sample = _sample(source, plan, generator)
        return sample, Tree(sample, source.moments(), most, generator)

    return options.once((0, n_looked_at(plan, source.n_samples), most), grow)


def is_the_same(source: Source, options: Options) -> bool:
    """Whether every start is the same: what is given, or a tree of all rows."""
    tree_of_all = source.n_counted <= n_leaves(options.n_components)
    return not isinstance(options.init, str) or (options.init == "tree" and tree_of_all)


def sample_size(plan: Plan) -> int:
    """Return how many of many rows a start looks at: 32 for each of K (D + 4), and 2^15 at least.

    How far k-means on m rows is from that on all is bounded uniformly by O(sqrt(K (D + 4) log K / m)): Bachem, Lucic,
    Hassani & Krause (2017), Uniform deviation bounds for k-means clustering, ICML, 283-291. So it does not depend on
    N. What is reached from so many, ``docs/speed.md`` has.
    """
    return max(1 << 15, 32 * plan.n_components * (plan.n_features + 4))


def n_looked_at(plan: Plan, n_samples: int) -> int:
    """Return how many of so many rows a start looks at: all up to `most_rows`, else `sample_size`."""
    size = sample_size(plan)
    return n_samples if size < n_samples <= most_rows(plan) else size


def most_rows(plan: Plan) -> int:
    """Return up to how many rows a start looks at all, because to choose some takes longer.

    Twice `sample_size`, and four times for K D <= 8, where k-means takes little more than to load the rows. Starts of
    full covariances take 5 rounds of EM at 70000 x 2, K = 2 on all rows and 11 on a sample, at 100000 x 2, K = 4 4.3
    and 5.8 (AMD Zen 4, two threads).
    """
    return (4 if plan.n_components * plan.n_features <= 8 else 2) * sample_size(plan)


def _of_single_rows(rows: NDArray[Any], source: Source, plan: Plan, regulariser: Regulariser) -> Parameters:
    """Return components on these rows, (K, D).

    One row a component has no spread of its own. Its covariance is reg_covar I, as in scikit-learn, or the share of
    the variances of all rows that scikit-learn's default is of standardised features.
    """
    clusters = Partition(np.arange(len(rows)))
    return _first_m_step(ArraySource(rows), plan, clusters, of_single_rows(regulariser, source))


def _first_m_step(rows: ArraySource, plan: Plan, clusters: Partition, regulariser: Regulariser) -> Parameters:
    """Return the parameters that an M step makes of clusters of few rows."""
    run = rows.begin(plan, clusters, regulariser)
    run.advance(0)
    parameters = run.parameters()
    run.close()
    return parameters


def check_parameters(init: Parameters, n_components: int, n_features: int, covariance_type: str) -> Parameters:
    """Return parameters that are to be started from; ValueError if they are of another structure or shape."""
    if init.covariance_type != covariance_type:
        raise ValueError(
            f"init has covariance_type {init.covariance_type!r}, but the fit asks for {covariance_type!r}"
        )
    if (init.n_components, init.n_features) != (n_components, n_features):
        raise ValueError(
            f"init has {init.n_components} components and {init.n_features} features, but the fit "
            f"asks for {n_components} and X has {n_features}"
        )
    return init


def check_init(init: Any, source: Source, n_components: int, covariance_type: str) -> str | Parameters | NDArray[Any]:
    """Return `init`, parameters in place of a mixture, as `start` takes it; TypeError or ValueError otherwise."""
    if isinstance(init, str):
        return check_choice("init", init, METHODS)
    if isinstance(init, Parameters):
        return check_parameters(init, n_components, source.n_features, covariance_type)
    return check_given(init, source, n_components, f"init must be one of {', '.join(map(repr, METHODS))}, Mixture,")


def check_given(init: Any, source: Source, n_components: int, allowed: str = "init must have") -> NDArray[Any]:
    """Return labels (N,) or responsibilities (N, K); `allowed` is what the sentence of a TypeError begins with."""
    refuse_masked("init", init)
    n_samples, weights = source.n_samples, source.weights
    array = np.asarray(init)
    if array.ndim == 1 and array.dtype.kind in "iu":
        return check_labels(array, n_samples, n_components, weights)
    if array.ndim == 2 and array.dtype.kind == "f":
        return check_responsibilities(array, n_samples, n_components, weights)
    raise TypeError(
        f"{allowed} integer labels (N,) or floating-point responsibilities (N, K), got {type(init).__name__}"
    )


def _random(generator: np.random.Generator, n_components: int) -> Memberships:
    """Uniform random numbers normalised per row, the same for a row whenever and wherever it is asked for."""
    seed = int(generator.integers(2**63))

    def rows(a: int, b: int) -> Array:
        # PCG64 spends one 64-bit draw on a uniform float64, so a row's numbers have a known place.
        draws = np.random.Generator(np.random.PCG64(seed).advance(a * n_components)).random((b - a, n_components))
        draws /= draws.sum(axis=1, keepdims=True)
        return draws

    return rows
