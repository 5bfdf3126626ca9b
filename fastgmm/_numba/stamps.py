"""What machine code depends on: sources, versions, settings, the processor or the level of processors.

A level, one of x86-64's as compilers know them, is what machine code can be compiled for ahead of time: it runs on
every processor that has the level's features, which stand beside its name because kernels are made after them.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import sys
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding
import numba

__all__ = [
    "LEVELS",
    "PACKAGE",
    "ROOMS",
    "does_halves",
    "kept_for",
    "level",
    "levels",
    "machine",
    "package_stamp",
    "place_of",
    "stamp_of",
    "surroundings",
]

PACKAGE = Path(__file__).parents[1]
# Compiled code lies in these rooms, with the constants and named tuples it is made of; a test holds that.
ROOMS = ("_numba", "kernels", "model")
# Settings of Numba that change machine code, besides those that `machine` tells.
_SETTINGS = ("BOUNDSCHECK", "DEBUGINFO_DEFAULT", "ENABLE_AVX", "LOOP_VECTORIZE", "OPT", "SLP_VECTORIZE")

_V3 = (
    "+avx,+avx2,+bmi,+bmi2,+cmov,+cx16,+cx8,+f16c,+fma,+fxsr,+lzcnt,+mmx,+movbe,+popcnt,+sahf,+sse,+sse2,+sse3,+sse4.1,"
    "+sse4.2,+ssse3,+xsave"
)
_V4 = f"{_V3},+avx512bw,+avx512cd,+avx512dq,+avx512f,+avx512vl"
# Names and features for LLVM, the highest first. What is below has no fused multiply-add. For the name alone LLVM
# prefers vectors of 256 bits, and for newer processors not: rounds took 1.3 to 1.7 times as long as compiled for a
# Zen 5. The halves are for processors that do 512 bits in two (`HALVES`): for rounds of 16 to 64 features a Zen 4
# took 1.2 to 1.3 times as long with the other. A hint on shifts, which are in no kernel, tells the two apart.
_HINT = "+slow-shld"
LEVELS = {
    "x86-64-v4": ("x86-64-v4", f"{_V4},-prefer-256-bit"),
    "x86-64-v4-halves": ("x86-64-v4", f"{_V4},-prefer-256-bit,{_HINT}"),
    "x86-64-v3": ("x86-64-v3", _V3),
}
# Processors, by LLVM's names, that do 512 bits in two halves, and their level.
HALVES = ("znver4",)
HALVES_LEVEL = "x86-64-v4-halves"


def stamp_of(source: Path) -> str:
    """Return what tells the state of all sources of the functions in a file; OSError if they cannot be read."""
    if source.is_relative_to(PACKAGE):
        return package_stamp()
    return hashlib.sha256(package_stamp().encode() + source.read_bytes()).hexdigest()


@functools.cache
def package_stamp() -> str:
    """Return a hash of every file in the rooms with compiled code; OSError if there is none."""
    digest = hashlib.sha256()
    paths = sorted(path for room in ROOMS for path in (PACKAGE / room).rglob("*.py"))
    if not paths:
        raise FileNotFoundError(f"no sources in {PACKAGE}")
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(PACKAGE)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def place_of(function: Any) -> tuple[str, int, str]:
    """Return where a function is written, the same wherever the package is installed."""
    source = Path(function.__code__.co_filename)
    inside = source.relative_to(PACKAGE).as_posix() if source.is_relative_to(PACKAGE) else str(source)
    return inside, function.__code__.co_firstlineno, function.__qualname__


def surroundings() -> tuple[Any, ...]:
    """Return versions, platform and settings."""
    return (
        *(sys.version_info[:2], getattr(sys, "abiflags", ""), llvmlite.binding.get_process_triple()),
        *(numba.__version__, llvmlite.__version__, [getattr(numba.config, name, None) for name in _SETTINGS]),
    )


@functools.cache
def machine() -> tuple[str, str]:
    """Return the name and the features of the processor that code is compiled for, in LLVM's words."""
    name, features = llvmlite.binding.get_host_cpu_name(), ""
    with contextlib.suppress(RuntimeError):  # LLVM cannot tell on every platform
        features = llvmlite.binding.get_host_cpu_features().flatten()
    named = numba.config.CPU_FEATURES  # "" are those that the name implies, as with "generic"
    return numba.config.CPU_NAME or name, features if named is None else named


@functools.cache
def levels() -> tuple[str, ...]:
    """Return the levels that run on the processor that code is compiled for, that which it is fastest with first.

    A processor that was named to Numba has the level that it was named, if its features are that level's, else none.
    """
    name, features = machine()
    if numba.config.CPU_NAME is not None or numba.config.CPU_FEATURES is not None:
        return tuple(each for each, asked in LEVELS.items() if asked == (name, features))
    has = {*features.split(","), _HINT}
    needed = {each: {flag for flag in asked.split(",") if flag[0] == "+"} for each, (_, asked) in LEVELS.items()}
    return tuple(sorted((each for each in LEVELS if needed[each] <= has), key=lambda each: _is_last(each, name)))


def _is_last(level: str, processor: str) -> bool:
    return (level == HALVES_LEVEL) != (processor in HALVES)


def level() -> str | None:
    """Return which of the `levels` the processor that code is compiled for is fastest with, None if it has none."""
    return next(iter(levels()), None)


def does_halves() -> bool:
    """Whether that processor does vectors of 512 bits in two halves."""
    return machine()[0] in HALVES or machine() == LEVELS[HALVES_LEVEL]


def kept_for() -> str:
    """Return what processes must agree in for one to find what another has compiled."""
    return repr((machine(), surroundings(), package_stamp(), numba.config.CACHE_DIR))
