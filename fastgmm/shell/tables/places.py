"""Where data lie: a file, or a directory or pattern of many, none of which is written over."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from os.path import abspath
from pathlib import Path

from ...rows.chunked.datasets import FORMATS

# What a fit writes, beside pictures.
MODEL, LABELS, CANDIDATES = "model.json", "labels.csv", "candidates.csv"
TABLES = (LABELS, CANDIDATES)


def is_dataset(path: Path) -> bool:
    """Whether a path is a directory, or a pattern and no file."""
    return path.is_dir() or (glob.has_magic(str(path)) and not path.exists())


def refuse_results(files: Iterable[Path]) -> None:
    """Refuse to read tables of a fit as data: they lie beside its model."""
    for file in files:
        if file.name in TABLES and file.with_name(MODEL).exists():
            raise ValueError(
                f"{file} is what a fit has written, beside {MODEL}; give a directory or a pattern of data alone"
            )


def refuse_inside(out: Path, source: Path) -> None:
    """Refuse a file to write that is the data, or that a later reading of many files would take for one of them."""
    if not is_dataset(source):
        if out.exists() and source.exists() and out.samefile(source):
            raise ValueError(f"--out would replace the data, {source}; give another path")
        return
    if source.is_dir():
        is_read = out.suffix.lower() in FORMATS and not out.name.startswith((".", "_"))
        inside = is_read and out.resolve().is_relative_to(source.resolve())
    else:
        inside = _matches(Path(abspath(out)).parts, Path(abspath(source)).parts)
    if inside:
        raise ValueError(f"--out {out} would be one of the files of {source}; give a path that is none of them")


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether ``glob`` would find a path by a pattern."""
    if not pattern:
        return not parts
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        return any(_matches(parts[n:], rest) for n in range(len(parts) + 1))
    return bool(parts) and fnmatch(parts[0], first) and _matches(parts[1:], rest)
