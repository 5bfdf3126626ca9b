"""What a bug report needs to say about the machine, the versions, and what they could not do."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path

import llvmlite
import numba
import numpy as np

from .._version import __version__
from .cache import PACKS, places
from .options import JIT_ENABLED
from .private import FELL_BACK
from .stamps import level, machine

__all__ = ["configuration", "show_config"]

_VECTORS = ("sse", "avx", "fma", "neon", "sve", "asimd", "altivec", "vsx")


def show_config() -> None:
    """Print what a bug report needs: versions, processor, threads, where compiled code is kept, what fell back.

    It starts no threads and compiles nothing.
    """
    fields = configuration()
    width = 2 + max(map(len, fields))
    for name, lines in fields.items():
        for i, line in enumerate(lines):
            print(f"{'' if i else name:{width}}{line}")


def configuration() -> dict[str, list[str]]:
    """Return what `show_config` prints, the lines under each name."""
    return {
        "fastgmm": [__version__],
        "Python": [f"{platform.python_version()} on {platform.platform()}"],
        "NumPy": [np.__version__],
        "Numba": [numba.__version__],
        "llvmlite": [llvmlite.__version__],
        "processor": [f"{_processor()} ({machine()[0]})"],
        "vectors": [_vectors()],
        "threads": [f"at most {numba.config.NUMBA_NUM_THREADS}, layer {_threading_layer()}"],
        "compiled": ["yes" if JIT_ENABLED else "no: NUMBA_DISABLE_JIT is set"],
        "cache": [_described(place) for place in places()] or ["none"],
        "packs": [_packs()],
        "settings": sorted(f"{name}={value}" for name, value in os.environ.items() if _is_setting(name)) or ["none"],
        "fell back": [f"{name}: {instead}" for name, instead in sorted(FELL_BACK.items())] or ["nothing"],
    }


def _is_setting(name: str) -> bool:
    return name.startswith(("NUMBA_", "OMP_", "FASTGMM_"))


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _vectors() -> str:
    features = [feature[1:] for feature in machine()[1].split(",") if feature.startswith("+")]
    return " ".join(sorted(feature for feature in features if feature.startswith(_VECTORS))) or "unknown"


def _threading_layer() -> str:
    try:
        return f"{numba.threading_layer()}, {numba.get_num_threads()} of them in use"
    except ValueError:  # `get_num_threads` would start them
        return "not started yet"


def _packs() -> str:
    brought = {path.name: len(list(path.iterdir())) for path in sorted(PACKS.iterdir())} if PACKS.is_dir() else {}
    listed = ", ".join(f"{name} ({count} files)" for name, count in brought.items())
    return f"{listed or 'none'}; the processor is of level {level() or 'none'}"


def _described(place: Path | None) -> str:
    if place is None:
        return "no place could be written: every process compiles what it uses"
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(4096))
    except OSError as error:
        return f"{place}, cannot be written: {error}"
    return f"{place}, can be written"
