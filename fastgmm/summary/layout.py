"""From headings, tables and notes to text and to HTML; what they say is in ``contents.py``."""

from __future__ import annotations

import html
import itertools
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

WIDTH = 80  # columns of a terminal
HTML_WIDTH = 120  # of the same characters: a cell of a notebook is wider
MOST_LINES = 20  # shown of a table's rows, and of its columns
MOST_CANDIDATES = 10  # of a selection
GAP = "  "


class Table(NamedTuple):
    """Cells that may be cut at the right, or turned, where the whole is too wide.

    Attributes
    ----------
    cells : list of tuple of str
        Rows of one length, the headings first.
    nouns : (str, str)
        What a row and a column are, for the note on what is left out.
    more : (int, int)
        How many rows and columns were left out from the beginning.
    elsewhere : str
        Where all of them are.
    brief : list of tuple of str
        The same cells with fewer digits, for where these let more of them in.
    """

    cells: list[tuple[str, ...]]
    nouns: tuple[str, str] = ("", "")
    more: tuple[int, int] = (0, 0)
    elsewhere: str = ""
    brief: Sequence[tuple[str, ...]] = ()

    def within(self, width: int) -> Table:
        """Return what fits into `width`, of the table or of its transpose, whichever shows more."""
        # Many features of few components are lines, few features of many components columns.
        upright = [self._replace(cells=list(cells)) for cells in (self.cells, self.brief) if cells]
        forms = [form for each in upright for form in (each, each._turned())]
        return max((form._cut(width) for form in forms), key=lambda each: len(each.cells) * len(each.cells[0]))

    def _turned(self) -> Table:
        return Table(list(zip(*self.cells, strict=True)), self.nouns[::-1], self.more[::-1], self.elsewhere)

    def _cut(self, width: int) -> Table:
        used, kept = 0, 0
        for column in zip(*self.cells, strict=True):
            used += max(map(columns_of, column)) + len(GAP) * (kept > 0)
            if used > width:
                break
            kept += 1
        more_rows, more_columns = self.more
        return self._replace(
            cells=[row[:kept] for row in self.cells], more=(more_rows, more_columns + len(self.cells[0]) - kept)
        )

    def left_out(self) -> str:
        """Say what is left out, and where it is; nothing where nothing is."""
        rest = zip(self.more, self.nouns, strict=True)
        parts = [f"{number} more {noun}{'s' * (number > 1)}" for number, noun in rest if number]
        return f"Not shown: {' and '.join(parts)}, see {self.elsewhere}." if parts else ""


@dataclass(frozen=True, repr=False)
class Summary:
    """What there is to say. Prints as text of at most 80 columns; a notebook shows it as HTML.

    Attributes
    ----------
    kind : str
        Of what it is the summary.
    title : str
        The rest of the first line.
    parts : sequence of Table or str
        Tables and sentences.
    """

    kind: str
    title: str
    parts: Sequence[Table | str]

    def __str__(self) -> str:
        blocks = [_wrapped(f"{self.kind}: {self.title}")]
        blocks += [_wrapped(part) if isinstance(part, str) else _text(part) for part in self.parts]
        return "\n\n".join(blocks)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        blocks = [f"<strong>{html.escape(self.kind)}</strong>: {html.escape(self.title)}"]
        blocks += [html.escape(part) if isinstance(part, str) else _html(part) for part in self.parts]
        # Two dollar signs in a name, as in "rent (k$), income (k$)", would be read as mathematics.
        inside = "".join(f"<div>{block}</div>" for block in blocks)
        return f'<div class="tex2jax_ignore mathjax_ignore">{inside}</div>'


class Summarised:
    """What has a `summary`, and is printed as one."""

    def summary(self) -> Summary:
        """Return what there is to say."""
        raise NotImplementedError

    def __str__(self) -> str:
        return str(self.summary())

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary().title}>"

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def visible(text: str) -> str:
    """Return `text` with escapes in place of characters that would move the cursor or cannot be encoded."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def columns_of(text: str) -> int:
    """Return how many columns of a terminal printable `text` takes: a CJK character two, a combining one none."""
    return sum(
        0 if unicodedata.category(each) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def shortened(text: str, width: int) -> str:
    """Return `text`, without its middle if it takes more than `width` columns: long names often differ at the end."""
    if columns_of(text) <= width:
        return text
    half = (width - 3) // 2
    return f"{_beginning(text, half)}...{_beginning(text[::-1], width - 3 - half)[::-1]}"


def _beginning(text: str, width: int) -> str:
    used = itertools.accumulate(map(columns_of, text))
    return text[: sum(1 for _ in itertools.takewhile(lambda each: each <= width, used))]


def _wrapped(sentence: str) -> str:
    # textwrap counts characters: a wide one is given a second, and a line may break between the two.
    counted = "".join(f"\0{each}" if columns_of(each) == 2 else each for each in sentence)
    return textwrap.fill(counted, WIDTH - 1, break_on_hyphens=False).replace("\0", "")


def _text(table: Table) -> str:
    shown = table.within(WIDTH)
    widths = [max(map(columns_of, column)) for column in zip(*shown.cells, strict=True)]
    has_names = not all(row[0].isdigit() for row in shown.cells[1:])
    lines = []
    for row in shown.cells:
        blanks = [" " * (width - columns_of(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [blank + cell for blank, cell in zip(blanks, row, strict=True)]
        if has_names:
            cells[0] = row[0] + blanks[0]
        lines.append(GAP.join(cells).rstrip())
    return "\n".join([*lines, *filter(None, [_wrapped(shown.left_out())])])


def _html(table: Table) -> str:
    shown = table.within(HTML_WIDTH)
    head, *body = shown.cells
    rows = [_html_row("th", head), *(_html_row("td", row) for row in body)]
    return f'<table style="white-space: nowrap">{"".join(rows)}</table>{html.escape(shown.left_out())}'


def _html_row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
