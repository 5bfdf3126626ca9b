"""Where ``--out`` goes: whole or not at all, and the labels file."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _files

_OPTION = "--out "  # how messages call the destination


def new_directory(out: Path) -> AbstractContextManager[Path]:
    """Yield an empty directory whose files become those of `out`, see `_files.new_directory`."""
    return _files.new_directory(out, _OPTION)


def new_file(out: Path) -> AbstractContextManager[Path]:
    """Yield the path of a file that becomes `out`, see `_files.new_file`; directories above it are made."""
    return _files.new_file(out, _OPTION, parents=True)


def write_labels(path: Path, responsibilities: NDArray[Any]) -> None:
    """Write one line per row of data: its number from 0, its label, and its responsibilities.

    Parameters
    ----------
    path : Path
        The CSV file to write, with the header ``row,label,responsibility_0,...``.
    responsibilities : (N, K) float64
        Posterior probability of each component; the label is the first largest.
    """
    import pyarrow as pa
    from pyarrow import csv

    n_samples, n_components = responsibilities.shape
    columns = {"row": np.arange(n_samples), "label": responsibilities.argmax(axis=1)}
    columns |= {f"responsibility_{k}": responsibilities[:, k] for k in range(n_components)}
    with path.open("wb") as file:
        file.write((",".join(columns) + "\n").encode())  # pyarrow would put quotes around the names
        csv.write_csv(pa.table(columns), file, csv.WriteOptions(include_header=False))
