"""Ctrl-C ends a command within a second, also where the compiler or compiled code does not come back to Python."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

CODE = 128 + signal.SIGINT
GRACE = 0.4  # seconds in which a command can end by itself

# Set when KeyboardInterrupt has arrived where a command ends by itself: it is lost where the compiler calls Python.
arrived = threading.Event()
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
    """End the process if Ctrl-C does not end what is inside."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # it is somebody else's, or ignored
        return
    # Signals are written to a socket at once, whatever the main thread does.
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    arrived.clear()
    watcher = threading.Thread(target=_watch, args=(reader,), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        arrived.set()
        signal.set_wakeup_fd(before)
        writer.close()
        watcher.join()
        reader.close()


def _watch(reader: socket.socket) -> None:
    while heard := reader.recv(1):
        if heard[0] == signal.SIGINT and not arrived.wait(GRACE):
            for act in reversed(last_acts):
                with suppress(Exception):
                    act()
            with suppress(Exception):  # closed, or on a full disk
                sys.stdout.flush()
            os._exit(CODE)
