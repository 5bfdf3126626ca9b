"""Compare the answers of two versions: a table of structure x dtype x size, then the fits that differ most."""

import itertools
from typing import NamedTuple

import numpy as np

from bench.answers.measure import ANSWERS, DTYPES, STRUCTURES


class Answers(NamedTuple):
    """Of one fit: the digest, the error if it failed, and the arrays as they were kept."""

    digest: str
    error: str
    arrays: list[np.ndarray]


def load(path: str) -> dict[str, Answers]:
    """Return the answers of a file by the name of the fit."""
    with np.load(path) as file:
        names, digests, errors, values, lengths = (
            file[name] for name in ("names", "digests", "errors", "values", "lengths")
        )
    ends = np.cumsum(lengths)
    arrays = iter(np.split(values, ends[:-1]))
    return {
        str(name): Answers(str(sha), str(error), list(itertools.islice(arrays, len(ANSWERS))))
        for name, sha, error in zip(names, digests, errors, strict=True)
    }


def difference(old: Answers, new: Answers) -> tuple[float, str]:
    """Return the largest difference relative to the largest entry of its array, and whose it is; 0 for equal bits.

    Infinite if one failed alone, or arrays have other shapes (another number of rounds).
    """
    if old.digest == new.digest:
        return 0.0, ""
    if old.error or new.error:
        return (1e-300, "the message") if old.error and new.error else (np.inf, old.error or new.error)
    worst, where = 1e-300, "a dtype, a shape, or a row that was not kept"
    for name, a, b in zip(ANSWERS, old.arrays, new.arrays, strict=True):
        if a.shape != b.shape:
            return np.inf, f"{name} has {len(a)} and {len(b)} entries"
        with np.errstate(all="ignore"):
            relative = np.abs(a - b).max(initial=0.0) / np.abs(a).max(initial=0.0)
        if not np.array_equal(a, b, equal_nan=True) and not relative <= worst:
            worst, where = float(relative), name
    return worst, where


def compare(old_path: str, new_path: str) -> int:
    """Print the table and the fits that differ most; return 1 if any bit differs."""
    old, new = load(old_path), load(new_path)
    common = [name for name in old if name in new]
    differences = {name: difference(old[name], new[name]) for name in common}
    columns = [f"{structure} {dtype}" for structure, dtype in itertools.product(STRUCTURES, DTYPES)]
    cells: dict[str, dict[str, list[float]]] = {}
    for name, (relative, _) in differences.items():
        structure, dtype, size = name.split()[:3]
        n, d = size.split("x")
        cells.setdefault(f"D = {d}, N = {n}", {}).setdefault(f"{structure} {dtype}", []).append(relative)
    print("| rows | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for size, row in cells.items():
        print(f"| {size} | " + " | ".join(shown(row.get(column, [])) for column in columns) + " |")
    different = sorted((name for name in common if differences[name][0] > 0), key=lambda name: -differences[name][0])
    print(
        f"\n`=`: the same to the bit in all fits of the cell; else how many are not, and the largest relative "
        f"difference.\n{len(common)} fits compared, {len(different)} differ; {len(old) - len(common)} are only in "
        f"{old_path}, {len(new) - len(common)} only in {new_path}."
    )
    for word, count in shares(different, common).items():
        print(f"  {word}: {count}")
    for name in different[:40]:
        relative, where = differences[name]
        print(f"{relative:8.1e}  {name}  ({where})")
    return 1 if different else 0


def shown(relative: list[float]) -> str:
    """Return a cell of the table."""
    if not relative:
        return ""
    differ = [each for each in relative if each > 0]
    return f"{len(differ)}/{len(relative)} {max(differ):.0e}" if differ else "="


def shares(different: list[str], common: list[str]) -> dict[str, str]:
    """Return for each word of the names that differ, sizes apart, how many of the fits that have it differ."""
    words = dict.fromkeys(word for name in different for word in name.split() if not word[0].isdigit())
    return {
        word: f"{sum(word in name.split() for name in different)} of {sum(word in name.split() for name in common)}"
        for word in words
    }
