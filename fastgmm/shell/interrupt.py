"""Ctrl-C ends a command within a second, also where the compiler or compiled code does not come back to Python.

So does what ends a job (SIGTERM) and what comes from a terminal that closes (SIGHUP): left to the system, these would
leave the directory in which files are written.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress

CODE = 128 + signal.SIGINT
# What asks a command to end, and what is done about it where nobody has said anything else.
_REQUESTS = {"SIGINT": signal.default_int_handler, "SIGTERM": signal.SIG_DFL, "SIGHUP": signal.SIG_DFL}
GRACE = 0.4  # seconds in which a command can end by itself

# Set when KeyboardInterrupt has arrived where a command ends by itself: it is lost where the compiler calls Python,
# which prints a traceback then.
arrived = threading.Event()
# Signals but SIGINT that have asked the command to end.
others: list[int] = []
# What is done where it does not arrive, the last first: `with` statements end nothing then.
last_acts: list[Callable[[], object]] = []


@contextmanager
def last_act(act: Callable[[], object]) -> Iterator[None]:
    """Have something done on Ctrl-C if what runs inside does not end by itself."""
    last_acts.append(act)
    try:
        yield
    finally:
        last_acts.remove(act)


@contextmanager
def heeded() -> Iterator[None]:
    """End the process if Ctrl-C, or another request, does not end what is inside."""
    # What has another handler is somebody else's, or ignored.
    numbers = {
        getattr(signal, name)
        for name, default in _REQUESTS.items()
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is default
    }
    if not numbers or threading.current_thread() is not threading.main_thread():
        yield
        return
    # Signals are written to a socket at once, whatever the main thread does.
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    arrived.clear()
    others.clear()
    watcher = threading.Thread(target=_watch, args=(reader, numbers), daemon=True)
    watcher.start()
    for number in numbers - {signal.SIGINT}:
        signal.signal(number, _interrupt)
    hook = sys.unraisablehook
    sys.unraisablehook = lambda lost: None if lost.exc_type is KeyboardInterrupt else hook(lost)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        arrived.set()
        for number in numbers - {signal.SIGINT}:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(before)
        writer.close()
        watcher.join()
        reader.close()


def _interrupt(number: int, _frame: object) -> None:
    others.append(number)
    raise KeyboardInterrupt


def _watch(reader: socket.socket, numbers: Collection[int]) -> None:
    while heard := reader.recv(1):
        if heard[0] in numbers and not arrived.wait(GRACE):
            for act in reversed(last_acts):
                with suppress(Exception):
                    act()
            with suppress(Exception):  # closed, or on a full disk
                sys.stdout.flush()
            os._exit(128 + heard[0])
