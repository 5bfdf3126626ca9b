"""Output that appears whole or not at all.

Files are first written into a scratch directory on the file system of their destination, then renamed.
A run that fails or is interrupted leaves the destination as it was, and no scratch directory. Entering
either context manager proves that the destination can be written, so that no long fit is lost to a typo.
What is wrong is an OSError of the kind that the system would raise, in one sentence; `option` stands before
the path there, for the command line.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # errors in which a write without a file's name can end


@contextmanager
def new_directory(destination: Path, option: str = "") -> Iterator[Path]:
    """Yield an empty directory whose files become those of `destination`.

    If `destination` exists, files of the same names are replaced and all others stay; else it is made, and so are
    the directories above it.

    Raises
    ------
    OSError
        If `destination` is a file, or cannot be written.
    """
    if destination.exists() and not destination.is_dir():
        raise NotADirectoryError(f"{option}{destination} is a file; it must be a directory, or not exist yet")
    given, destination = destination, destination.resolve()  # a symbolic link stays one
    with _scratch_directory(f"{option}{given}", destination) as scratch:
        # A directory inside the scratch one, because the scratch one is private to its owner (mode 700).
        files = scratch / "files"
        files.mkdir()
        yield files
        if not destination.exists():
            destination.parent.mkdir(parents=True, exist_ok=True)
            files.rename(destination)
            return
        targets = {path: destination / path.name for path in files.iterdir()}
        for target in targets.values():
            if target.is_dir():
                raise IsADirectoryError(f"{option}{given / target.name} is a directory; it must be a file")
        for path, target in targets.items():
            path.replace(target)


@contextmanager
def new_file(destination: Path, option: str = "", *, parents: bool = False) -> Iterator[Path]:
    """Yield the path of a file, to be written, that becomes `destination`; with the rights that the umask allows.

    Raises
    ------
    OSError
        If `destination` is not a regular file, or cannot be written; without `parents`, if there is no directory.
    """
    if destination.exists() and not destination.is_file():
        raise IsADirectoryError(f"{option}{destination} is not a regular file; it must be one, or not exist yet")
    given, destination = destination, destination.resolve()  # a symbolic link stays one
    if not parents and not destination.parent.exists():
        raise FileNotFoundError(f"{option}{given} cannot be written (there is no directory {destination.parent})")
    with _scratch_directory(f"{option}{given}", destination.parent) as scratch:
        yield scratch / destination.name
        destination.parent.mkdir(parents=True, exist_ok=True)
        (scratch / destination.name).replace(destination)


@contextmanager
def _scratch_directory(called: str, directory: Path) -> Iterator[Path]:
    """Yield a new directory inside `directory`, or inside the nearest one above it that exists."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    try:
        scratch = tempfile.TemporaryDirectory(prefix=".fastgmm-", dir=existing)
    except OSError as error:
        raise type(error)(f"{called} cannot be written ({error.strerror})") from None
    with scratch as name:
        try:
            yield Path(name)
        except OSError as error:
            if error.errno in FULL or str(error.filename).startswith(name):
                raise type(error)(f"{called} cannot be written ({error.strerror})") from None
            raise
