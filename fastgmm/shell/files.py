"""Output that appears whole or not at all, and the labels file.

Files are first written into a scratch directory on the file system of their destination, then renamed.
A run that fails or is interrupted leaves the destination as it was, and no scratch directory. Entering
either context manager proves that the destination can be written, so that no long fit is lost to a typo.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@contextmanager
def new_directory(destination: Path) -> Iterator[Path]:
    """Yield an empty directory whose files become those of `destination`.

    If `destination` exists, files of the same names are replaced and all others stay.

    Raises
    ------
    OSError
        If `destination` is a file, or cannot be written.
    """
    if destination.exists() and not destination.is_dir():
        raise NotADirectoryError(f"--out {destination} is a file; it must be a directory, or not exist yet")
    given, destination = destination, destination.resolve()  # a symbolic link stays one
    with _scratch_directory(given, destination) as scratch:
        # A directory inside the scratch one, because the scratch one is private to its owner (mode 700).
        files = scratch / "files"
        files.mkdir()
        yield files
        if not destination.exists():
            destination.parent.mkdir(parents=True, exist_ok=True)
            files.rename(destination)
            return
        targets = {path: destination / path.name for path in files.iterdir()}
        for target in targets.values():
            if target.is_dir():
                raise IsADirectoryError(f"--out {given / target.name} is a directory; it must be a file")
        for path, target in targets.items():
            path.replace(target)


@contextmanager
def new_file(destination: Path) -> Iterator[Path]:
    """Yield the path of a file, to be written, that becomes `destination`.

    Raises
    ------
    OSError
        If `destination` is not a regular file, or cannot be written.
    """
    if destination.exists() and not destination.is_file():
        raise IsADirectoryError(f"--out {destination} is not a regular file; it must be one, or not exist yet")
    given, destination = destination, destination.resolve()  # a symbolic link stays one
    with _scratch_directory(given, destination.parent) as scratch:
        yield scratch / destination.name
        destination.parent.mkdir(parents=True, exist_ok=True)
        (scratch / destination.name).replace(destination)


@contextmanager
def _scratch_directory(given: Path, directory: Path) -> Iterator[Path]:
    """Yield a new directory inside `directory`, or inside the nearest one above it that exists."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    try:
        scratch = tempfile.TemporaryDirectory(prefix=".fastgmm-", dir=existing)
    except OSError as error:
        raise OSError(f"--out {given} cannot be written ({error.strerror})") from None
    with scratch as name:
        yield Path(name)


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
