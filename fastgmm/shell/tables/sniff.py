"""How a text is written, found out from its first lines; where they leave it open, a sentence names the option."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .columns import Reading, listed
from .opening import encoding_of, open_text

SEPARATORS = ("\t", ";", "|", ",", " ")  # the last is any white space
THOUSANDS = ".,'’_ \u00a0\u202f"
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "None", "NaN", "nan", "NAN", "-nan", "-NaN")
_SAMPLED = 1 << 16  # characters


class Dialect(NamedTuple):
    """How a text is written; `names` may be empty, `records` are the first rows, and `notes` are for the user."""

    encoding: str
    separator: str
    lines_above: int
    n_columns: int
    names: tuple[str, ...] | None
    records: list[list[str]]
    notes: tuple[str, ...]


def number_pattern(decimal: str, thousands: str = "") -> str:
    """Return what a number matches, for Python and for RE2, with these characters as decimal and thousands mark."""
    thousands = re.escape(thousands)
    grouped = f"|[0-9]{{1,3}}(?:[{thousands}][0-9]{{2,3}})*[{thousands}][0-9]{{3}}" if thousands else ""
    digits = f"(?:(?:[0-9]+{grouped})(?:[{decimal}][0-9]+|[.])?|[{decimal}][0-9]+)(?:[eE][+-]?[0-9]+)?"
    return f"^[+-]?(?:{digits}|(?i:inf|infinity))$"


_ANY_NUMBER = re.compile(number_pattern(".,", THOUSANDS))


def looks_like_a_number(field: str) -> bool:
    """Whether a field is a number, whatever its marks are."""
    return _ANY_NUMBER.match(field.strip()) is not None


def is_missing(field: str) -> bool:
    """Whether a field says that there is no value."""
    return field.strip() in MISSING


def records(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    """Return a ``csv.reader`` over the lines; blank ones are empty records, and so are comments in white space."""
    if separator != " ":
        return csv.reader(lines, delimiter=separator)
    plain = ("\n" if _is_comment(line) else line.replace("\t", " ").strip() + "\n" for line in lines)
    return csv.reader(plain, delimiter=" ", skipinitialspace=True)


def sniff(path: Path, reading: Reading, origin: str) -> Dialect:
    """Find out how the text in a file is written; UnicodeDecodeError or ``csv.Error`` if it is none."""
    encoding = encoding_of(path, reading.encoding)
    with open_text(path, encoding) as file:
        lines = [*file.readlines(_SAMPLED), *file.readlines(1)]  # two at least
        cut = file.readline() != ""
    if any("\0" in line for line in lines):
        raise csv.Error("line contains NUL")
    top = sum(1 for _ in itertools.takewhile(_is_above, lines))
    if top == len(lines):
        raise ValueError(f"{origin} has no rows; data must have at least one row of numbers")
    separator = reading.separator or _separator(lines[top:], reading, origin)
    reader = records(lines[top:], separator)
    first = next(reader)
    height = reader.line_num  # type: ignore[attr-defined]
    below = [record for record in reader if record]
    if cut and len(below) > 1:
        del below[-1]  # it may go on
    first = _with_row_names(first, below, separator, reading)
    names = [field.strip() for field in first]
    header, note = _header(names, below[0] if below else [], reading, origin)
    if header and not below:
        raise ValueError(f"{origin} has no rows; data must have at least one row of numbers")
    return Dialect(
        encoding,
        separator,
        top + height if header else top,
        len(first),
        tuple(names) if header else None,
        below if header else [first, *below],
        (note,) if note else (),
    )


def decimal_mark(cells: Iterable[str], dialect: Dialect, reading: Reading, origin: str) -> str:
    """Find out whether a point or a comma stands before the decimals of some columns, of which these are cells."""
    if reading.decimal or reading.thousands in (".", ","):
        return reading.decimal or {".": ",", ",": "."}[reading.thousands or ""]
    if dialect.separator == ",":
        return "."
    numbers: dict[str, list[str]] = {",": [], ".": []}
    for cell in map(str.strip, cells):
        for mark, other in (",.", ".,"):
            if mark in cell and re.match(number_pattern(mark, reading.thousands or other), cell):
                numbers[mark].append(cell)
                if other in cell and not reading.thousands:
                    raise ValueError(
                        f"{origin} has numbers such as {cell!r}, with {other!r} before thousands; say so with "
                        f"--thousands {other}"
                    )
    if numbers[","] and numbers["."]:
        raise ValueError(
            f"{origin} has numbers with a decimal comma, {numbers[','][0]!r}, and with a decimal point, "
            f"{numbers['.'][0]!r}; say which with --decimal"
        )
    mark = "," if numbers[","] else "."
    # Numbers with three decimals each are the rule where columns are aligned, by tabs or white space.
    suspect = numbers[mark] if mark == "," or dialect.separator == ";" else []
    if suspect and all(re.fullmatch(f"[+-]?[1-9][0-9]{{0,2}}[{mark}][0-9]{{3}}", number) for number in suspect):
        raise ValueError(
            f"{origin} has numbers such as {suspect[0]!r}, in which {mark!r} may stand before thousands or decimals; "
            f"say which with --thousands {mark} or --decimal {mark}"
        )
    return mark


def _separator(lines: Sequence[str], reading: Reading, origin: str) -> str:
    """Return what cuts most lines into as many fields as the first, two at least, and most fields into numbers."""
    found = {}
    for separator in SEPARATORS:
        first, *rest = (record for record in records(lines, separator) if record)
        first = _with_row_names(first, rest, separator, reading)
        below = rest if rest and not any(map(looks_like_a_number, first)) else [first, *rest]
        equal, single = (sum(len(record) == width for record in below) for width in (len(first), 1))
        mixed = separator == " " and any(field.endswith((",", ";")) for field in first)
        if len(first) > 1 and equal >= single and separator != reading.decimal and not mixed:
            cells = [cell for record in below for cell in record if not is_missing(cell)]
            found[separator] = equal / len(below), sum(map(looks_like_a_number, cells)) / max(len(cells), 1)
    if not found:  # one column, whose numbers may hold commas
        return next((separator for separator in ",;\t" if not any(separator in line for line in lines)), ",")
    best = [separator for separator in found if found[separator] == max(found.values())]
    if len(best) > 1 and best[1] != " ":
        raise ValueError(f"the columns of {origin} may be separated by any of {best}; say by which with --separator")
    return best[0]


def _with_row_names(first: list[str], rest: list[list[str]], separator: str, reading: Reading) -> list[str]:
    """Return the first line, after an empty name if those below have row names, as R's ``write.table`` does."""
    if reading.header == "no" or any(map(looks_like_a_number, first)) or not rest:
        return first
    if len(first) == 1 and separator not in "\t ":  # decimal commas, or lists in one column
        return first
    longer = all(len(record) == len(first) + 1 for record in rest)
    differ = len({record[0] for record in rest}) == len(rest)
    ends_empty = all(not record[-1].strip() for record in rest)  # a separator at the end of lines
    return ["", *first] if longer and differ and not ends_empty else first


def _header(first: list[str], second: list[str], reading: Reading, origin: str) -> tuple[bool, str]:
    """Return whether the first line names the columns, and what to tell the user of that."""
    if reading.header is not None:
        return reading.header == "yes", ""
    wanted = [] if reading.columns is None else reading.columns if reading.exact else listed(reading.columns, first)
    numbers = [field for field in first if looks_like_a_number(field)]
    words = [field for field in first if field not in numbers and not is_missing(field)]
    if wanted and set(wanted) <= set(first):
        return True, ""
    if not numbers:
        return bool(words), ""
    line = f"the first line of {origin}, {', '.join(first)[:40]},"
    consecutive = [str(int(numbers[0]) + i) for i in range(len(numbers))] if numbers[0].isdecimal() else []
    if len(numbers) < 2 or numbers != consecutive:
        if words:
            raise ValueError(
                f"{line} has names and numbers; say with --header yes or no whether it names the columns"
            )
        return False, ""
    # Years, or the numbers that pandas gives: names, unless all below are such numbers, too.
    if words or not first[0] or not all(field.strip().isdecimal() for field in filter(looks_like_a_number, second)):
        return True, f"{line} is taken for names; --header no makes it a row"
    return False, f"{line} is taken for a row; --header yes makes it names"


def _is_above(line: str) -> bool:
    return not line.strip() or _is_comment(line) or line.startswith("sep=")  # which Excel understands


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")
