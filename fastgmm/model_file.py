"""Models as JSON: plain text, checked when read, every bit of a float64 restored.

Python writes the shortest decimal that reads back as the same float64, so the round trip is exact.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _checks

if TYPE_CHECKING:
    from .parameters import Mixture

FORMAT = "fastgmm.Mixture"
VERSION = 1
_KEYS = {"format", "version", "covariance_type", "feature_names", "weights", "means", "covariances"}


def save(parameters: Mixture, path: str | os.PathLike[str]) -> None:
    """Write `parameters` to `path`, whole or not at all; an existing file is replaced.

    Raises
    ------
    ValueError, TypeError
        If `parameters` are not valid: what is saved can be loaded.
    """
    parameters = _checked(parameters)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "covariance_type": parameters.covariance_type,
        "feature_names": None if parameters.feature_names is None else list(parameters.feature_names),
        "weights": parameters.weights.tolist(),
        "means": parameters.means.tolist(),
        "covariances": parameters.covariances.tolist(),
    }
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        # mkstemp makes files that only their owner can read; a model gets what the umask allows, like any file.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1, allow_nan=False, ensure_ascii=False)
            file.write("\n")
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def load(path: str | os.PathLike[str]) -> Mixture:
    """Read and check a model; ``ValueError`` if the file is not one, ``OSError`` if it cannot be read."""
    from .parameters import Mixture

    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # a UnicodeDecodeError or JSONDecodeError is a ValueError
        raise ValueError(f"{os.fspath(path)} is not a fastgmm model: it is not valid JSON") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'{os.fspath(path)} is not a fastgmm model: it lacks "format": "{FORMAT}"')
    if document.get("version") != VERSION:
        raise ValueError(
            f"{os.fspath(path)} has model version {document.get('version')!r}; this fastgmm reads version {VERSION}"
        )
    if set(document) != _KEYS:
        odd = ", ".join(sorted(set(document) ^ _KEYS))
        raise ValueError(f"{os.fspath(path)} is not a fastgmm model: missing or unknown entries {odd}")
    try:
        return _checked(
            Mixture(
                weights=document["weights"],
                means=document["means"],
                covariances=document["covariances"],
                covariance_type=document["covariance_type"],
                feature_names=_names(document["feature_names"]),
            )
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)} is not a valid fastgmm model: {error}") from None


def _checked(parameters: Mixture) -> Mixture:
    from .steps import prepare  # steps builds on parameters, whose methods call this module

    parameters = _checks.check_parameters(parameters)
    prepare(parameters)
    return parameters


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _names(names: Any) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("feature_names must be a list of strings or null")
    return tuple(names)
