"""Components that the regulariser alone keeps from vanishing: which, where, and what is said of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..kernels.moments.columns import mark_held_up
from ..model.parameters import Parameters, names_or_numbers
from ..model.regulariser import Regulariser

Array = NDArray[np.float64]

# In units of the floor: directions with less are at it, but for rounding, which is a hundredth of the floor.
AT_FLOOR = 1.5
# Shares of rounding above are those of single precision.
SINGLE = 1e-10
# Descriptions of components that are given; the others are counted.
MOST_DESCRIBED = 3
# Names in a row.
MOST_LISTED = 6
# Loadings of a direction, in standard deviations of all rows, that are not worth a word.
NEGLIGIBLE = 0.05


def degenerate_components(
    parameters: Parameters, held: NDArray[np.int64], regulariser: Regulariser
) -> tuple[int, ...]:
    """Return the components without weight, held up by the floor, or with a variance that is half the ridge.

    `held` (K,) are the directions in which the floor holds each up; of a shared covariance the first.
    """
    structure, added = parameters.structure, regulariser.added
    if regulariser.floor[0] > 0.0:
        if structure.shared:
            held = held[:1]
        # Lists, because reductions of short arrays take microseconds, in a small fit that takes a hundred.
        if not any(held.tolist()) and 0.0 not in parameters.weights.tolist():
            return ()
        return tuple(np.flatnonzero((parameters.weights == 0.0) | (held > 0)).tolist())
    if structure.n_axes == 0:
        added = added.mean(keepdims=True)
    covariances = parameters.covariances[structure.to_core]
    held_up = np.empty(parameters.n_components, np.bool_)
    if not mark_held_up(parameters.weights, parameters.means, covariances, added, held_up):
        return ()
    return tuple(np.flatnonzero(held_up).tolist())


def degeneracy(
    parameters: Parameters,
    components: tuple[int, ...],
    regulariser: Regulariser,
    feature_names: tuple[str, ...] | None = None,
) -> str:
    """Say which components are degenerate, where, and why."""
    names = names_or_numbers(feature_names, parameters.n_features)
    where_of = _where if regulariser.floor[0] > 0.0 else _where_added
    empty = [k for k in components if parameters.weights[k] == 0.0]
    alike: dict[str, list[int]] = {}
    for k in sorted(set(components) - set(empty)):
        alike.setdefault(where_of(parameters, k, regulariser, names), []).append(k)
    said = [f"{_have(empty)} lost all rows"] if empty else []
    for where, ks in list(alike.items())[:MOST_DESCRIBED]:
        said.append(f"{'the shared covariance has' if parameters.structure.shared else _have(ks)} {where}")
    n_more = sum(map(len, list(alike.values())[MOST_DESCRIBED:]))
    text = _listed(said + [f"so {'do' if n_more > 1 else 'does'} {n_more} more elsewhere"] * (n_more > 0))
    if not alike:
        return text
    if where_of is _where_added:
        return f"{text}: that is large for the unit of the feature, or the rows are equal there"
    least = "a millionth of the spread of all rows"
    if regulariser.rounding > SINGLE:
        least += ", or the thousandth of its own that float32 resolves"
    return f"{text}; only the floor of the covariances, {least}, holds that up"


def _have(ks: list[int]) -> str:
    return f"component {ks[0]} has" if len(ks) == 1 else f"components {_listed(list(map(str, ks)))} have"


def _where_added(parameters: Parameters, component: int, regulariser: Regulariser, names: tuple[str, ...]) -> str:
    """Say in which features half or more of a component's variance is what is added to it."""
    variances = parameters.structure.variances(parameters.covariances, *parameters.means.shape)[component]
    added = regulariser.added if parameters.structure.n_axes else regulariser.added.mean()
    rounding = (4.0 * np.finfo(np.float64).eps * parameters.means[component]) ** 2
    owed = np.flatnonzero(~(variances > 2.0 * added + rounding))
    where = _listed([names[d] for d in owed]) if len(owed) < parameters.n_features else "every feature"
    return f"half or more of the variance in {where} from reg_covar"


def _where(parameters: Parameters, component: int, regulariser: Regulariser, names: tuple[str, ...]) -> str:
    """Say in which features, or along which direction, a component has no spread."""
    structure, n_features = parameters.structure, parameters.n_features
    index = () if structure.shared else (component,)
    if not structure.has_matrices:
        variances = structure.variances(parameters.covariances, *parameters.means.shape)[component]
        floor = regulariser.floor if structure.n_axes else regulariser.floor.mean()
        low = np.flatnonzero(variances <= AT_FLOOR * floor)
        return "no spread " + ("in " + _listed([names[d] for d in low]) if len(low) < n_features else "at all")
    covariance = parameters.covariances[index]
    floors = np.sqrt(regulariser.floor + regulariser.rounding * np.diagonal(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(floors, floors))
    vectors = vectors[:, values <= max(AT_FLOOR, values[0])]
    n_low = vectors.shape[1]
    if n_low == n_features:
        return "no spread at all"
    loads = np.abs(vectors).max(axis=1) > NEGLIGIBLE
    if np.count_nonzero(loads) == n_low:
        return "no spread in " + _listed([names[d] for d in np.flatnonzero(loads)])
    if n_low == 1:
        return "no spread along " + _form(vectors[:, 0], names)
    return f"no spread in {n_low} directions of {_listed([names[d] for d in np.flatnonzero(loads)])}"


def _form(vector: Array, names: tuple[str, ...]) -> str:
    """Write a direction as a linear form of the features in standard deviations."""
    terms = [(value, name) for value, name in zip(vector.tolist(), names, strict=True) if abs(value) > NEGLIGIBLE]
    if len(terms) > MOST_LISTED:
        return f"a direction of {_listed([name for _, name in terms])}"
    sign = math.copysign(1.0, terms[0][0])
    text = "".join(f" {'-' if sign * value < 0 else '+'} {abs(value):.2f} {name}" for value, name in terms)
    return text.removeprefix(" + ")


def _listed(words: list[str]) -> str:
    if len(words) > MOST_LISTED + 1:
        words = [*words[:MOST_LISTED], f"{len(words) - MOST_LISTED} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
