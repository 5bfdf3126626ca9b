"""Machine code on disk: a file for each compiled signature, which is right, or is not used.

What Numba's own cache lacks:

* It watches the file of a cached function; the machine code of helpers that were inlined into it from other files
  stays. Here one stamp over every file with compiled code makes any edit, and any upgrade, count.
* A file cut short ends every later process, and one that cannot be written ends the fit. Here either costs a
  compilation: a file starts with the checksum of the rest, and is replaced where that does not agree.
* Its index names data files by numbers. Two processes that compile at once forget each other's work, or leave the
  code of one signature under the number of another. Here the name of a file is made from the stamp, the signature,
  the processor and Numba's settings, so there is no index.

Not covered: whoever can write into the cache can run code, as with every cache of Numba.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import hashlib
import os
import pickle
import uuid
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding
import numba

from .private import FELL_BACK, NO_CACHE, find, has_all

__all__ = ["ROOMS", "keep", "machine", "places"]

_ROOT = Path(__file__).parents[1]
# Compiled code lies in these rooms, with the constants and named tuples it is made of; a test holds that.
ROOMS = ("_numba", "kernels", "model")
# Settings of Numba that change machine code, besides those that `machine` tells.
_SETTINGS = ("BOUNDSCHECK", "DEBUGINFO_DEFAULT", "ENABLE_AVX", "LOOP_VECTORIZE", "OPT", "SLP_VECTORIZE")

_AVAILABLE = has_all(NO_CACHE)
_NumbasHalf = find("numba.core.caching:CompileResultCacheImpl")
_dumps = find("numba.core.serialize:dumps")

# Numba keeps functions of one folder in one place.
_one_a_folder: dict[Path, _PackageCache] = {}


def keep(dispatcher: Any) -> None:
    """Let a compiled function keep its machine code on disk, where this Numba and this installation allow it."""
    if not _AVAILABLE or find("numba.core.dispatcher:Dispatcher._cache", dispatcher) is None:
        return
    source = Path(dispatcher.py_func.__code__.co_filename)
    # Now, not at the first call: sources may be edited in between, and what is compiled is what was imported.
    try:
        stamp = stamp_of(source)
    except OSError as error:  # a notebook, a zip file, a package without sources
        FELL_BACK["the cache"] = f"functions in {source.name} are not kept ({type(error).__name__}: {error})"
        return
    dispatcher._cache = _PackageCache(dispatcher.py_func, stamp)
    _one_a_folder.setdefault(source.parent, dispatcher._cache)


def places() -> list[Path | None]:
    """Return the directories in which compiled functions are kept, None among them if some are kept nowhere."""
    return sorted({cache.directory for cache in _one_a_folder.values()}, key=str)


def stamp_of(source: Path) -> str:
    """Return what tells the state of all sources of the functions in a file; OSError if they cannot be read."""
    if source.is_relative_to(_ROOT):
        return package_stamp()
    return hashlib.sha256(package_stamp().encode() + source.read_bytes()).hexdigest()


@functools.cache
def package_stamp() -> str:
    """Return a hash of every file in the rooms with compiled code; OSError if there is none."""
    digest = hashlib.sha256()
    paths = sorted(path for room in ROOMS for path in (_ROOT / room).rglob("*.py"))
    if not paths:
        raise FileNotFoundError(f"no sources in {_ROOT}")
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@functools.cache
def machine() -> tuple[str, str]:
    """Return the name and the features of the processor that code is compiled for, in LLVM's words."""
    name, features = llvmlite.binding.get_host_cpu_name(), ""
    with contextlib.suppress(RuntimeError):  # LLVM cannot tell on every platform
        features = llvmlite.binding.get_host_cpu_features().flatten()
    return numba.config.CPU_NAME or name, numba.config.CPU_FEATURES or features


class _PackageCache:
    """What Numba's dispatcher asks before it compiles a function, and gives the result to afterwards.

    Nothing touches the disk before that: importing the package does not.
    """

    def __init__(self, function: Any, stamp: str) -> None:
        self._function = function
        self._stamp = stamp[:16]

    @functools.cached_property
    def _numbas(self) -> Any:
        """Numba's half: the first place that can be written, and code made into something that can be pickled."""
        return _NumbasHalf(self._function)

    @property
    def directory(self) -> Path | None:
        try:
            return Path(self._numbas.locator.get_cache_path())
        except Exception:  # no place can be written, or Numba's half has changed
            return None

    @property
    def cache_path(self) -> str | None:
        return str(self.directory) if self.directory else None

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the compiled function for these types of arguments, None if it has to be compiled."""
        target_context.refresh()
        try:
            content = self._path(signature).read_bytes()
            digest, payload = content[:32], content[32:]
            if hashlib.sha256(payload).digest() != digest:
                raise ValueError("its checksum does not agree")
            kept_for, reduced = pickle.loads(payload)
            if kept_for != signature:
                raise ValueError(f"it holds {kept_for}")
            return self._numbas.rebuild(target_context, reduced)
        except FileNotFoundError:
            return None
        # Whatever is wrong with a cache, a compilation makes good for it.
        except Exception as error:
            self._note("read", error)
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep what was compiled for these types of arguments, if that can be done."""
        try:
            if "Dispatcher(" not in str(signature) and self._numbas.check_cachable(compiled):
                payload = _dumps((signature, self._numbas.reduce(compiled)))
                path = self._path(signature)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._remove(but=self._stamp)
                _write(path, hashlib.sha256(payload).digest() + payload)
        # A full disk, a quota, a directory in the way: the code runs all the same.
        except Exception as error:
            self._note("written", error)

    def flush(self) -> None:
        """Forget everything about the function."""
        self._remove()

    def _path(self, signature: Any) -> Path:
        settings = [getattr(numba.config, name, None) for name in _SETTINGS]
        key = (str(signature), machine(), numba.__version__, llvmlite.__version__, settings)
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return Path(f"{self._prefix}.{self._stamp}.{name}.nbc")

    @property
    def _prefix(self) -> str:
        return os.path.join(str(self._numbas.locator.get_cache_path()), self._numbas.filename_base)

    def _remove(self, but: str = "") -> None:
        """Remove the files of this function, those of the stamp `but` excepted: nobody else would."""
        for name in glob.glob(f"{glob.escape(self._prefix)}.*.nbc"):
            if not (but and name.startswith(f"{self._prefix}.{but}.")):
                with contextlib.suppress(OSError):
                    os.unlink(name)

    def _note(self, what: str, error: Exception) -> None:
        FELL_BACK[f"a cache file that could not be {what}"] = (
            f"{self._function.__qualname__} was compiled once more ({type(error).__name__}: {error})"
        )


def _write(path: Path, content: bytes) -> None:
    """Make a file appear whole or not at all, whoever else writes it at the same time."""
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex[:16]}.tmp")
    try:
        scratch.write_bytes(content)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
