"""The frame of a command: whatever a user can get wrong ends in one line on standard error and exit code 2."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Sequence

EXTRA_MISSING = "Error: {} is missing; install it with: python -m pip install 'fastgmm[cli]'"

try:
    import typer
except ModuleNotFoundError as error:
    print(EXTRA_MISSING.format(error.name), file=sys.stderr)
    sys.exit(2)

from .. import _files  # noqa: E402
from . import interrupt  # noqa: E402

CLOSED_PIPE = 128 + getattr(signal, "SIGPIPE", 13)


def say(line: str) -> None:
    """Write a line to standard error; where it cannot be written, as on a full disk, a command goes on."""
    if sys.stderr is not None:  # closed: `print` would write to standard output
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr, flush=True)


def note(message: str) -> None:
    """Tell the user what was left out or guessed."""
    say(f"Note: {message}")


def _print_no_more() -> None:
    """Let standard output take and forget what is left in its buffer: Python would try again at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(application: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command under its `name` and return its exit code: 0, 2 after bad input, 130 after Ctrl-C.

    Of another signal that asked it to end it is 128 and its number, and so of SIGPIPE where who reads standard output
    has read enough, as ``head`` has: nothing is said then.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # it may be in an encoding without some characters of a user's names
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with interrupt.heeded():
            code = application(arguments, prog_name=name, standalone_mode=False) or 0
            if sys.stdout is not None:
                sys.stdout.flush()
            return 128 + interrupt.others[0] if code == interrupt.CODE and interrupt.others else code
    except typer.TyperException as error:
        message = error.format_message()
    except (BrokenPipeError, SystemExit) as ended:
        # typer and rich make the second of the first.
        if not isinstance(ended, BrokenPipeError) and not isinstance(ended.__context__, BrokenPipeError):
            raise
        _print_no_more()
        return CLOSED_PIPE
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        if error.errno in _files.FULL:  # all files are named by what writes them
            message = f"standard output cannot be written ({error.strerror})"
            _print_no_more()
    except ValueError as error:
        message = str(error)
    except ModuleNotFoundError as error:
        say(EXTRA_MISSING.format(error.name))
        return 2
    say(f"Error: {' '.join(message.split())}")
    return 2
