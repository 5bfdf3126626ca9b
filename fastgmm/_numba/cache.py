"""Machine code on disk: a file for each compiled signature, which is right, or is not used.

A wheel can bring such files along, in packs for levels of processors; they come before the cache, so that one
machine has the same code whatever was compiled there before.

What Numba's own cache lacks:

* It watches the file of a cached function; the machine code of helpers that were inlined into it from other files
  stays. Here one stamp over every file with compiled code makes any edit, and any upgrade, count.
* A file cut short ends every later process, and one that cannot be written ends the fit. Here either costs a
  compilation: a file starts with the checksum of the rest, and is replaced where that does not agree.
* Its index names data files by numbers. Two processes that compile at once forget each other's work, or leave the
  code of one signature under the number of another. Here the name of a file is made from the stamp, the signature,
  the processor and Numba's settings, so there is no index.

Not covered: whoever can write into the cache can run code, as with every cache of Numba. Packs are looked for beside
the sources alone: whoever can write there need not go this way.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import hashlib
import pickle
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .private import FELL_BACK, NO_CACHE, find, has_all
from .stamps import LEVELS, PACKAGE, level, machine, place_of, stamp_of, surroundings

__all__ = ["LOADED", "PACKS", "keep", "places"]

# What a wheel may bring along: folders of levels, with compressed files named by the digests of their keys.
PACKS = PACKAGE / "_packs"

_AVAILABLE = has_all(NO_CACHE)
_NumbasHalf = find("numba.core.caching:CompileResultCacheImpl")
_dumps = find("numba.core.serialize:dumps")

# Files that this process got code from.
LOADED: list[Path] = []
# Numba keeps functions of one folder in one place.
_one_a_folder: dict[Path, _PackageCache] = {}


def keep(dispatcher: Any) -> None:
    """Let a compiled function keep its machine code on disk, where this Numba and this installation allow it."""
    if not _AVAILABLE:
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


class _PackageCache:
    """What Numba's dispatcher asks before it compiles a function, and gives the result to afterwards.

    Nothing touches the disk before that: importing the package does not.
    """

    def __init__(self, function: Any, stamp: str) -> None:
        self._function = function
        self._stamp = stamp[:16]
        self._source = Path(function.__code__.co_filename)
        name = function.__qualname__.replace("<", "").replace(">", "")  # which no name of a file has on Windows
        self._prefix = f"{self._source.stem}.{name}-{function.__code__.co_firstlineno}"

    @functools.cached_property
    def _numbas(self) -> Any:
        """Numba's half: the first place that can be written, and code made into something that can be pickled."""
        return _NumbasHalf(self._function)

    @property
    def _folder(self) -> Path:
        return Path(self._numbas.locator.get_cache_path())

    @property
    def directory(self) -> Path | None:
        try:
            return self._folder
        except Exception:  # no place can be written, or Numba's half has changed
            return None

    @property
    def cache_path(self) -> str | None:
        return str(self.directory) if self.directory else None

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the compiled function for these types of arguments, None if it has to be compiled."""
        target_context.refresh()
        for path, key in self._files(signature):
            try:
                return _load(path, key, signature, target_context)
            except (FileNotFoundError, NotADirectoryError):
                pass
            # Whatever is wrong with a file, a compilation makes good for it.
            except Exception as error:
                kind = "file of a pack" if path.is_relative_to(PACKS) else "cache file"
                self._note(f"a {kind} that could not be read", error)
        return None

    def holds(self, signature: Any) -> bool:
        """Whether there is a file for these types of arguments, right or not."""
        return any(path.is_file() for path, _ in self._files(signature))

    def _files(self, signature: Any) -> Iterator[tuple[Path, tuple[Any, ...]]]:
        """Yield where code for these types may lie, and what is kept there.

        First what the wheel brought along for a processor of this level: that asks for no place of a cache.
        """
        known = level()
        if known is not None:
            key = self._key(signature, LEVELS[known])
            yield PACKS / known / f"{_digest(key)}.nbc.z", key
        key = self._key(signature, machine())
        # Beside the sources it may have been compiled by somebody who could write there.
        for folder in filter(None, (self.directory, self._source.parent / "__pycache__")):
            yield folder / self._name(key), key

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep what was compiled for these types of arguments, if that can be done."""
        try:
            if "Dispatcher(" not in str(signature) and self._numbas.check_cachable(compiled):
                key = self._key(signature, machine())
                payload = _dumps((key, signature, self._numbas.reduce(compiled)))
                path = self._folder / self._name(key)
                self._folder.mkdir(parents=True, exist_ok=True)
                self._remove(but=self._stamp)
                _write(path, hashlib.sha256(payload).digest() + payload)
        # A full disk, a quota, a directory in the way: the code runs all the same.
        except Exception as error:
            self._note("a cache file that could not be written", error)

    def flush(self) -> None:
        """Forget everything about the function."""
        self._remove()

    def _name(self, key: tuple[Any, ...]) -> str:
        return f"{self._prefix}.{self._stamp}.{_digest(key)}.nbc"

    def _key(self, signature: Any, compiled_for: tuple[str, str]) -> tuple[Any, ...]:
        """Return all that machine code depends on, and where it is from."""
        return *place_of(self._function), self._stamp, str(signature), compiled_for, surroundings()

    def _remove(self, but: str = "") -> None:
        """Remove the files of this function, those of the stamp `but` excepted: nobody else would."""
        for path in self._folder.glob(f"{glob.escape(self._prefix)}.*.nbc"):
            if not (but and path.name.startswith(f"{self._prefix}.{but}.")):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _note(self, what: str, error: Exception) -> None:
        FELL_BACK[what] = f"{self._function.__qualname__} was compiled once more ({type(error).__name__}: {error})"


def _digest(key: tuple[Any, ...]) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]


def _load(path: Path, key: tuple[Any, ...], signature: Any, target_context: Any) -> Any:
    """Return the compiled function in a file, if it is whole and for `key`; else raise what is wrong."""
    content = path.read_bytes()
    if path.suffix == ".z":
        content = zlib.decompress(content)
    digest, payload = content[:32], content[32:]
    if hashlib.sha256(payload).digest() != digest:  # before it is unpickled
        raise ValueError("its checksum does not agree")
    *kept_for, reduced = pickle.loads(payload)
    if kept_for != [key, signature]:
        raise ValueError(f"it holds {kept_for}")
    # Numba's half itself does not exist where nothing can be written.
    compiled = _NumbasHalf.rebuild(None, target_context, reduced)
    LOADED.append(path)
    return compiled


def _write(path: Path, content: bytes) -> None:
    """Make a file appear whole or not at all, whoever else writes it at the same time."""
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex[:16]}.tmp")
    try:
        scratch.write_bytes(content)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
