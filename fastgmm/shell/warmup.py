"""``fastgmm warmup``: compiled before anybody waits for it; in several processes where that is faster."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from .._numba.cache import LOADED, PACKS, places
from ..model.structures import NAMES
from ..rows.launch import beside
from ..warm_up import DTYPES, paths_of, walk
from . import interrupt
from .application import say
from .options.parsing import each_of

_COMMAND = "from fastgmm.shell.commands import main; sys.exit(main())"


def warmup(
    structure: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            callback=each_of(NAMES),
            help=f"Covariance structures: {', '.join(NAMES)}, one or several. By default full.",
            show_default=False,
        ),
    ] = None,
    dtype: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            callback=each_of(DTYPES),
            help=f"Types of rows: {', '.join(DTYPES)}, one or both. By default float64.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Compile what fits and predictions run, keep it, and print where it lies and its size."""
    began = time.perf_counter()
    (own, *others) = dtype or ["float64"]
    names = list(dict.fromkeys(NAMES[name] for name in structure or ["full"]))
    if None in places() and not PACKS.is_dir():
        raise ValueError("no place for the cache can be written; name a folder in the variable NUMBA_CACHE_DIR")
    # Half the time on two cores: two types of rows have little compiled code in common, unlike two structures.
    arguments = [["warmup", "--structure", ",".join(names), "--dtype", other] for other in others]
    if others:
        os.environ[beside.COMPILERS] = "1"  # each process has a core
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(_child(_COMMAND, *each)) for each in arguments]
        paths = paths_of(names)
        for number, (name, n_features) in enumerate(paths, 1):
            say(f"{own}, {name}, D = {n_features} ({number} of {len(paths)})")
            walk(own, name, n_features)
        codes = [child.wait() for child in running]
        if any(codes):
            raise ValueError(f"compiling for {' or '.join(others)} has failed")
    for line in _summary(time.perf_counter() - began):
        print(line)


@contextlib.contextmanager
def _child(program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in this Python beside what is inside, not longer."""
    child = beside.python(program, *arguments)
    try:
        with interrupt.last_act(child.terminate):
            yield child
    finally:
        child.terminate()
        child.wait()


def _summary(seconds: float) -> Iterator[str]:
    where = [place for place in places() if place is not None]
    files = [file.stat().st_size for place in where for file in place.glob("*.nbc")]
    yield f"cache    {os.path.commonpath(where) if where else 'none'}"
    yield f"files    {len(files)}, {sum(files) / 1e6:.1f} MB"
    if PACKS.is_dir():
        yield f"packs    {sum(path.is_relative_to(PACKS) for path in LOADED)} files loaded from {PACKS}"
    yield f"seconds  {seconds:.1f}"
