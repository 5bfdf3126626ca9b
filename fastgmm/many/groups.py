"""Rows by their group: labels in order of first appearance, and where the rows of each are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import refuse_masked, shown

Indices = NDArray[np.int64]


def groups_of(groups: Any, n_rows: int) -> tuple[NDArray[Any], Indices | None, Indices]:
    """Return the labels (B,) in order of first appearance, an order of the rows by group, and how many each has.

    The order keeps that of the rows of a group; it is None where the rows of each lie together.

    Raises
    ------
    TypeError, ValueError
        If there is no label for each row, or one is missing or cannot be hashed.
    """
    labels = _labels_of(groups)
    if labels.shape != (n_rows,):
        raise ValueError(f"groups must be of shape ({n_rows},), one label for each row of X, got {labels.shape}")
    if n_rows == 0:
        raise ValueError("X must have at least one row, got none")
    heads = np.concatenate([[0], np.flatnonzero(labels[1:] != labels[:-1]) + 1])
    numbers: dict[Any, int] = {}
    try:
        of_head = np.array([numbers.setdefault(label, len(numbers)) for label in labels[heads].tolist()], np.int64)
    except TypeError:
        wrong = next(label for label in labels[heads].tolist() if type(label).__hash__ is None)
        raise TypeError(f"groups must be labels that can be hashed, got {shown(wrong)}") from None
    first = np.zeros(len(numbers), np.int64)
    first[of_head[::-1]] = heads[::-1]
    lengths = np.diff(np.append(heads, n_rows))
    if len(numbers) == len(heads):
        return labels[first], None, lengths
    number_of_row = np.repeat(of_head, lengths)
    order = np.argsort(number_of_row, kind="stable")
    return labels[first], order, np.bincount(number_of_row, minlength=len(numbers))


def _labels_of(groups: Any) -> NDArray[Any]:
    """Return labels as an array; ValueError if any is missing."""
    refuse_masked("groups", groups)
    if isinstance(groups, list | tuple) and groups:
        # NumPy would make strings of numbers among strings, and a table of tuples.
        if len(set(map(type, groups))) > 1 or isinstance(groups[0], tuple):
            labels = np.empty(len(groups), object)
            labels[:] = groups
        else:
            labels = np.asarray(groups)
    else:
        labels = np.asarray(groups)
    if labels.ndim != 1:
        raise ValueError(f"groups must be of shape (n_samples,), got {labels.ndim} dimensions")
    kind = labels.dtype.kind
    if kind == "O":
        missing = np.array([label is None or label != label or type(label).__name__ == "NAType" for label in labels])
    elif kind in "fc":
        missing = np.isnan(labels)
    elif kind in "mM":
        missing = np.isnat(labels)
    else:
        return labels
    n_missing, first = int(np.count_nonzero(missing)), int(np.argmax(missing)) if len(missing) else 0
    if n_missing:
        raise ValueError(
            f"groups has {n_missing} missing label{'s' * (n_missing > 1)}, the first in row {first} (counted from "
            "0); drop these rows first"
        )
    return labels


def gathered(values: NDArray[Any], order: Indices | None) -> NDArray[Any]:
    """Return rows in an order, or as they are."""
    return values if order is None else values[order]
