"""Models as JSON: plain text, checked when read, every bit of a float64 restored.

Python writes the shortest decimal that reads back as the same float64, so the round trip is exact.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .. import _files
from .._checks import shown
from ..model.parameters import Parameters

FORMAT = "fastgmm.Mixture"
VERSION = 1
_KEYS = {"format", "version"}
_DEEPEST = 8  # lists in lists that are looked into: arrays of a mixture have three dimensions at most
_ENTRIES = {"covariance_type", "feature_names", "weights", "means", "covariances"}


def write(path: str | os.PathLike[str], parameters: Parameters, feature_names: tuple[str, ...] | None) -> None:
    """Write valid `parameters` to `path`, whole or not at all; an existing file is replaced.

    ValueError if a name cannot be written as UTF-8.
    """
    _check_names(feature_names)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "covariance_type": parameters.covariance_type,
        "feature_names": None if feature_names is None else list(feature_names),
        "weights": parameters.weights.tolist(),
        "means": parameters.means.tolist(),
        "covariances": parameters.covariances.tolist(),
    }
    with _files.new_file(Path(path)) as file, file.open("w", encoding="utf-8") as text:
        json.dump(document, text, indent=1, allow_nan=False, ensure_ascii=False)
        text.write("\n")


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a model's entries, by the names they have in `Mixture`, which checks them.

    ``ValueError`` if the file is not a model, ``OSError`` if it cannot be read.
    """
    if Path(path).is_dir():
        raise IsADirectoryError(
            f"{os.fspath(path)} is a directory; a model is a file, the model.json in what a fit has written"
        )
    try:
        # Editors put a byte order mark before UTF-8.
        text = Path(path).read_text(encoding="utf-8-sig")
        document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError or JSONDecodeError is a ValueError
        raise ValueError(f"{os.fspath(path)} is not a fastgmm model: it is not valid JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'{os.fspath(path)} is not a fastgmm model: it lacks "format": "{FORMAT}"')
    if type(document.get("version")) is not int or document["version"] != VERSION:  # nor is true, which equals 1
        version = shown(document.get("version"))
        raise ValueError(f"{os.fspath(path)} has model version {version}; this fastgmm reads version {VERSION}")
    if set(document) != _KEYS | _ENTRIES:
        odd = shown(sorted(set(document) ^ (_KEYS | _ENTRIES)))
        raise ValueError(f"{os.fspath(path)} is not a fastgmm model: missing or unknown entries {odd}")
    for name in ("weights", "means", "covariances"):
        if not _are_numbers(document[name]):
            raise ValueError(f"{os.fspath(path)} is not a valid fastgmm model: {name} must be an array of numbers")
    try:
        _check_names(document["feature_names"])
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)} is not a valid fastgmm model: {error}") from None
    return {name: document[name] for name in _ENTRIES}


def _check_names(names: Any) -> None:
    """Raise ValueError if `names` are neither None nor a sequence of strings that UTF-8 can hold."""
    if names is None:
        return
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"feature_names must be a list of strings, got {shown(names)}")
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ValueError(f"feature_names must be text that UTF-8 can hold, got {shown(name)}") from None


def _are_numbers(values: Any, deepest: int = _DEEPEST) -> bool:
    """Whether JSON holds numbers only: NumPy would take true for one."""
    if not isinstance(values, list):
        return type(values) in (int, float)
    return deepest > 0 and all(_are_numbers(value, deepest - 1) for value in values)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name, value in pairs:
        if name in entries:
            raise ValueError(f"it has the entry {shown(name)} twice")
        entries[name] = value
    return entries


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
