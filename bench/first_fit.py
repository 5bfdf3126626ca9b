"""``python -m bench.first_fit WHEEL``: the first fit of an installation, from a wheel with machine code or without.

The wheel is installed into virtual environments of its own; each fit is a process with an empty cache, and
is compared with the first by its log-likelihood. Exit code 1 if a promise does not hold: from packs the first default
fit ends within a second of the import of Numba, and whatever is wrong with a pack, the answer is right.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
import zlib
from pathlib import Path

FIT = """
import time
import numba
began = time.perf_counter()
import json
import numpy as np
import fastgmm
from fastgmm._numba.cache import LOADED, PACKS
from fastgmm._numba.private import FELL_BACK
rng = np.random.default_rng(0)
X = np.concatenate([rng.normal(size=(10_000, 2)), rng.normal(4.0, 0.5, size=(10_000, 2))])
result = fastgmm.fit(X, 2)
seconds = time.perf_counter() - began
packed = sum(path.is_relative_to(PACKS) for path in LOADED)
print(json.dumps([seconds, packed, result.log_likelihood, sorted(FELL_BACK)]))
"""
MOST_SECONDS = 1.0  # from a pack


class Installation:
    """A virtual environment with a wheel."""

    def __init__(self, folder: Path, wheel: str) -> None:
        venv.create(folder, with_pip=True)
        self.python = folder / "bin" / "python" if os.name == "posix" else folder / "Scripts" / "python.exe"
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", wheel], check=True)
        place = "import sysconfig; print(sysconfig.get_path('purelib'), sysconfig.get_path('platlib'), sep='\\n')"
        places = [Path(line) / "fastgmm" for line in self.run(place).splitlines()]
        self.package = next(place for place in places if place.exists())
        # The bytecode of NumPy and Numba is no part of a fit.
        self.run("import numba, numpy.random")

    def first_fit(self, **settings: str) -> tuple[float, int, float, list[str]]:
        """Return seconds, files that came from packs, the log-likelihood and what fell back."""
        with tempfile.TemporaryDirectory() as cache:
            return tuple(json.loads(self.run(FIT, NUMBA_CACHE_DIR=cache, **settings)))

    def run(self, program: str, **settings: str) -> str:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "PYTHON"))}
        # Isolated: not the package in the directory that this is run in.
        command = [self.python, "-I", "-c", program]
        done = subprocess.run(command, env={**own, **settings}, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout


def flip(content: bytes) -> bytes:
    """Change a bit in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def flip_inside(content: bytes) -> bytes:
    """Change a bit of what was compressed: no checksum but ours can tell."""
    return zlib.compress(flip(zlib.decompress(content)))


def main(wheel: str) -> int:
    """Print a line for each first fit; return 1 if a promise is broken."""
    with tempfile.TemporaryDirectory() as scratch:
        installed = Installation(Path(scratch) / "environment", wheel)
        packs = sorted((installed.package / "_packs").rglob("*.nbc.z"))
        whole = {path: path.read_bytes() for path in packs}
        print(f"{Path(wheel).name}: {os.path.getsize(wheel) / 1e6:.1f} MB, {len(packs)} files of packs", flush=True)
        holds = True
        right = None

        def tell(what: str, most_seconds: float | None, may_load: bool, **settings: str) -> None:
            nonlocal holds, right
            seconds, packed, answer, fell_back = installed.first_fit(**settings)
            right = answer if right is None else right
            holds_here = (
                abs(answer - right) <= 1e-9 * abs(right)
                and (most_seconds is None or seconds <= most_seconds)
                and (packed > 0) == may_load
            )
            holds &= holds_here
            print(
                f"{what:40} {seconds:6.2f} s, {packed:2} files from packs, log-likelihood {answer!r}"
                f"{'' if holds_here else ': BROKEN'}{''.join(f'; {name}' for name in fell_back)}",
                flush=True,
            )

        limit = MOST_SECONDS if packs else None
        for number in (1, 2, 3):
            tell(f"first fit, time {number}", limit, bool(packs))
        tell("NUMBA_CPU_NAME=generic", None, False, NUMBA_CPU_NAME="generic")
        if packs:
            for what, change in {
                "a bit of each file flipped": flip,
                "a bit inside each flipped": flip_inside,
            }.items():
                for path, content in whole.items():
                    path.write_bytes(change(content))
                tell(what, None, False)
            for level in {path.parent for path in packs}:
                names = [path for path in packs if path.parent == level]
                for path, other in zip(names, names[1:] + names[:1], strict=True):
                    path.write_bytes(whole[other])
            tell("each file under the name of another", None, False)
            for path, content in whole.items():
                path.write_bytes(content)
            source = installed.package / "kernels" / "sizes.py"
            source.write_text(source.read_text() + "\n# edited\n")
            tell("an edited source, so another stamp", None, False)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
