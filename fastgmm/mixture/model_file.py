"""Models as JSON: plain text, checked when read, every bit of a float64 restored.

Python writes the shortest decimal that reads back as the same float64, so the round trip is exact.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .. import _files
from ..model.parameters import Parameters

FORMAT = "fastgmm.Mixture"
VERSION = 1
_KEYS = {"format", "version"}
_ENTRIES = {"covariance_type", "feature_names", "weights", "means", "covariances"}


def write(path: str | os.PathLike[str], parameters: Parameters, feature_names: tuple[str, ...] | None) -> None:
    """Write valid `parameters` to `path`, whole or not at all; an existing file is replaced.

    ValueError if a name cannot be written as UTF-8.
    """
    for name in feature_names or ():
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ValueError(f"feature_names must be text that UTF-8 can hold, got {name!r}") from None
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
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # a UnicodeDecodeError or JSONDecodeError is a ValueError
        raise ValueError(f"{os.fspath(path)} is not a fastgmm model: it is not valid JSON") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'{os.fspath(path)} is not a fastgmm model: it lacks "format": "{FORMAT}"')
    if type(document.get("version")) is not int or document["version"] != VERSION:  # nor is true, which equals 1
        raise ValueError(
            f"{os.fspath(path)} has model version {document.get('version')!r}; this fastgmm reads version {VERSION}"
        )
    if set(document) != _KEYS | _ENTRIES:
        odd = ", ".join(sorted(set(document) ^ (_KEYS | _ENTRIES)))
        raise ValueError(f"{os.fspath(path)} is not a fastgmm model: missing or unknown entries {odd}")
    for name in ("weights", "means", "covariances"):
        if not _are_numbers(document[name]):
            raise ValueError(f"{os.fspath(path)} is not a valid fastgmm model: {name} must be an array of numbers")
    return {name: document[name] for name in _ENTRIES}


def _are_numbers(values: Any) -> bool:
    """Whether JSON holds numbers only: NumPy would take true for one."""
    return all(map(_are_numbers, values)) if isinstance(values, list) else type(values) in (int, float)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
