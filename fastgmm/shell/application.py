"""The frame of a command: whatever a user can get wrong ends in one line on standard error and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Sequence

EXTRA_MISSING = "Error: {} is missing; install it with: python -m pip install 'fastgmm[cli]'"

try:
    import typer
except ModuleNotFoundError as error:
    print(EXTRA_MISSING.format(error.name), file=sys.stderr)
    sys.exit(2)

from . import interrupt  # noqa: E402


def note(message: str) -> None:
    """Tell the user, on standard error, what was left out or guessed."""
    print("Note:", message, file=sys.stderr)


def run(application: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command under its `name` and return its exit code: 0, 2 after bad input, 130 after Ctrl-C."""
    try:
        with interrupt.heeded():
            return application(arguments, prog_name=name, standalone_mode=False) or 0
    except typer.TyperException as error:
        message = error.format_message()
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except ValueError as error:
        message = str(error)
    except ModuleNotFoundError as error:
        print(EXTRA_MISSING.format(error.name), file=sys.stderr)
        return 2
    print("Error:", " ".join(message.split()), file=sys.stderr)
    return 2
