"""``FASTGMM_PACK=1 python -m build --wheel``: a wheel that carries machine code (docs/deploying.md)."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
# What is compiled for each level, side by side: the two have little in common.
PATHS = [f"fastgmm.warmup(['full', 'tied', 'diag', 'spherical'], '{dtype}')" for dtype in ("float64", "float32")]


class Packs(BuildHookInterface):
    """Puts packs into a wheel if it was asked to."""

    def dependencies(self) -> list[str]:
        """Return what has to be installed for a build: what compiles."""
        return list(self.metadata.core.dependencies) if _wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add the files to the wheel, which then is for one platform and one Python."""
        if _wanted() and version != "editable":
            self._scratch = tempfile.TemporaryDirectory()
            folder = Path(self._scratch.name)
            make_packs(ROOT, folder)
            build_data["force_include"][str(folder)] = "fastgmm/_packs"
            build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the wheel has a copy of."""
        if hasattr(self, "_scratch"):
            self._scratch.cleanup()


def make_packs(source: Path, target: Path, paths: Iterable[str] = PATHS, most: int | None = None) -> None:
    """Compile `paths` of the package in `source` for the `most` highest of the levels that run here, into `target`.

    ValueError if this processor is of no level.
    """
    asked = "from fastgmm._numba.stamps import *; print([(each, LEVELS[each]) for each in levels()])"
    levels = ast.literal_eval(_run(source, asked)[0])[:most]
    if not levels:
        raise ValueError("FASTGMM_PACK=1 needs a processor of level x86-64-v3 or higher to compile on")
    jobs = [(source, target / name, processor, path) for name, processor in levels for path in paths]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda job: _pack(*job), jobs):
            pass


def _pack(source: Path, folder: Path, processor: tuple[str, str], path: str) -> None:
    """Add what a program loads when it runs for the second time to the pack of a level."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        # Of one thread there are no parallel launches.
        settings = dict(zip(("CPU_NAME", "CPU_FEATURES"), processor, strict=True))
        settings |= {"CACHE_DIR": cache, "NUM_THREADS": "2"}
        program = f"import fastgmm; {path}; from fastgmm._numba.cache import LOADED; print(*LOADED, sep='\\n')"
        _run(source, program, **settings)
        loaded = [Path(line) for line in _run(source, program, **settings) if line]
        if not loaded:
            raise ValueError(f"nothing that was compiled could be loaded; was {source} edited meanwhile?")
        for kept in loaded:
            digest = kept.name.split(".")[-2]
            (folder / f"{digest}.nbc.z").write_bytes(zlib.compress(kept.read_bytes(), 9))


def _run(source: Path, program: str, **settings: str) -> list[str]:
    """Return the lines that a program prints which imports the package in `source`, with Numba's `settings`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    # All cores are at work already.
    environment |= {"FASTGMM_COMPILERS": "1", **{f"NUMBA_{name}": value for name, value in settings.items()}}
    done = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=source,
        env={**environment, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def _wanted() -> bool:
    given = os.environ.get("FASTGMM_PACK", "")
    if given not in ("", "0", "1"):
        raise ValueError(f"FASTGMM_PACK must be 1 for a wheel with machine code, 0 for one without, got {given!r}")
    return given == "1"
