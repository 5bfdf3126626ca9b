"""Another Python that compiles beside this one, on a core that has nothing else to do.

Numba compiles under a lock, so threads are no help. What the other has compiled is found in the cache.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from ..._numba.cache import places
from ..._numba.options import JIT_ENABLED
from ..._numba.stamps import PACKAGE, kept_for

# Seconds after which a process that should have ended long ago is given up.
LONGEST = 300.0
# How many processes compile what one fit runs, 1 or 2.
COMPILERS = "FASTGMM_COMPILERS"

# It ends with the process that it helps, whose end of the pipe is closed then; who reads from it begins when all is
# imported, because Windows loads no library meanwhile. It does nothing if its code would not be found there: settings
# of Numba can be changed in a running process.
_PROGRAM = """
import os, threading
from fastgmm._numba.stamps import kept_for
threading.Thread(target=lambda: os._exit(len(os.read(0, 1))), daemon=True).start()
if kept_for() == {kept_for!r}:
    {call}
"""

_running: dict[Hashable, subprocess.Popen[bytes]] = {}


def python(program: str, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Return a process of this Python that runs a program, without a word, and imports from where this one does.

    But for the working directory, in which Python would look first: that is where data lie, and may be anybody's.
    """
    path = [*filter(None, sys.path), str(PACKAGE.parent)]
    command = [sys.executable, "-P", "-c", f"import sys; sys.path[:] = {path!r}\n{program}", *arguments]
    options |= {"stdout": subprocess.DEVNULL, "creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
    return subprocess.Popen(command, **options)


def is_of_use() -> bool:
    """Whether a process more may be begun, and what it compiles can be found.

    Not from a process of a pool, which has the other cores at work already, nor from a program that is no Python.
    """
    pooled = getattr(sys.modules.get("multiprocessing.process"), "parent_process", lambda: None)() is not None
    is_python = re.match(r"[Pp]ython[\d.]*[tw]?(\.exe)?$", Path(sys.executable or "").name)
    is_wanted, kept = os.environ.get(COMPILERS, "2") != "1" and not hasattr(sys, "frozen"), places()
    return bool(JIT_ENABLED and is_wanted and is_python and not pooled and kept and None not in kept)


def begin(key: Hashable, call: str) -> None:
    """Begin a process that runs a line of Python, for whoever will `wait` for `key`."""
    program = _PROGRAM.format(kept_for=kept_for(), call=call)
    with contextlib.suppress(OSError):  # no more processes may be had
        _running[key] = python(program, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)


def wait(key: Hashable) -> None:
    """Wait until the process for `key` has ended, if there is one; what it has left undone is for who waits."""
    process = _running.pop(key, None)
    if process is None:
        return
    with process:
        try:
            process.wait(LONGEST)
        except BaseException as error:
            process.kill()
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise


@atexit.register
def _end_all() -> None:
    """End what nobody has waited for, because a fit ended before."""
    for process in _running.values():
        process.kill()
        process.wait()
