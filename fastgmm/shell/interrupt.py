"""Ctrl-C ends a command within a second, also where the compiler or compiled code does not come back to Python."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

CODE = 128 + signal.SIGINT
GRACE = 0.6  # seconds that Python has to notice

# What is done where Python does not notice, the last first: `with` statements end nothing then.
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
    """Raise KeyboardInterrupt on Ctrl-C, and if Python does not come to that, end the process."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # it is somebody else's, or ignored
        return
    noticed = threading.Event()

    def notice(number: int, frame: FrameType | None) -> None:
        noticed.set()
        raise KeyboardInterrupt

    def watch() -> None:
        while heard := reader.recv(1):
            if heard[0] == signal.SIGINT and not noticed.wait(GRACE):
                for act in reversed(last_acts):
                    with suppress(Exception):
                        act()
                sys.stdout.flush()
                os._exit(CODE)

    # Signals are written to a socket at once, whatever the main thread does.
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, notice)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(before)
        writer.close()
        watcher.join()
        reader.close()
