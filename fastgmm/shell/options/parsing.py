"""How values of options are parsed and checked, in the words of the command line."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Collection
from pathlib import Path

import typer


def one_of(choices: Collection[str]) -> Callable[[str | None], str | None]:
    """Return a typer callback that accepts these values and no others."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in choices:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}")
        return value

    return check


def each_of(choices: Collection[str], every: str | None = None) -> Callable[[list[str] | None], list[str] | None]:
    """Return a typer callback for these values, each once, by commas or in several options, or `every` alone."""
    check = one_of(choices)

    def check_each(given: list[str] | None) -> list[str]:
        values = [value.strip() for several in given or () for value in several.split(",")]
        for value in values:
            if value != every or len(values) > 1:
                check(value)
        if len(set(values)) < len(values):
            raise typer.BadParameter(f"no value may be given twice, got {', '.join(values)}")
        return values

    return check_each


def components(value: str) -> range:
    """Parse a number of components, such as 3, or a range of them, such as 1-8."""
    match = re.fullmatch("([0-9]{1,9})(?:-([0-9]{1,9}))?", value)
    if match is None:
        raise typer.BadParameter(f"it must be a number such as 3 or a range such as 1-8, got {value!r}")
    low, high = int(match[1]), int(match[2] or match[1])
    if low < 1:
        raise typer.BadParameter(f"it must be at least 1, got {value}")
    if high < low:
        raise typer.BadParameter(f"a range must not end before it begins, got {value}")
    return range(low, high + 1)


def spelled(numbers: range) -> str:
    """Write a range as `components` reads it."""
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"


def number_or_auto(value: str) -> float | str:
    """Parse a number from 0 on, or "auto"."""
    if value == "auto":
        return value
    try:
        number = float(value)
    except ValueError:
        raise typer.BadParameter(f"it must be a number or auto, got {value!r}") from None
    at_least(0)(number)
    return number


def at_least(minimum: int) -> Callable[[float | None], float | None]:
    """Return a typer callback that accepts numbers from `minimum` on: typer's own does not say what it got."""

    def check(value: float | None) -> float | None:
        if value is not None and not value >= minimum:
            raise typer.BadParameter(f"it must be at least {minimum}, got {value:g}")
        if value == math.inf:
            raise typer.BadParameter("it must be finite, got inf")
        return value

    return check


def character(value: str) -> str:
    """Parse a character that separates columns or thousands; some have names."""
    mark = {"tab": "\t", "\\t": "\t", "space": " "}.get(value, value)
    if len(mark) != 1 or mark.isalnum() or mark in '"#+-\r\n':
        raise typer.BadParameter(f"it must be one character such as , or ; or the word tab or space, got {value!r}")
    return mark


def separator(value: str) -> str:
    """Parse a character that separates columns."""
    mark = character(value)
    if not mark.isascii():
        raise typer.BadParameter(f"it must be an ASCII character, got {value!r}")
    return mark


def path(value: str) -> Path:
    """Parse a path: an empty one, as of a variable of the shell that is not set, would be the current directory."""
    if not value:
        raise typer.BadParameter("it must be a path, got ''")
    return Path(value)


def known_encoding(value: str | None) -> str | None:
    """Accept the text encodings of Python."""
    if value is None:
        return None
    try:
        "a".encode(value)  # which codecs from bytes to bytes refuse
        return codecs.lookup(value).name
    except (LookupError, UnicodeError):
        raise typer.BadParameter(f"{value!r} is not an encoding such as utf-8, utf-16 or cp1252") from None
