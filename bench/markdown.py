"""Tables in Markdown, and the numbers in their cells."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], n_left: int = 1) -> str:
    """Return a table, its first `n_left` columns to the left, the others to the right."""
    rule = f"|{'---|' * n_left}{'--:|' * (len(header) - n_left)}"
    return "\n".join([line(header), rule, *map(line, rows)])


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def number(value: float | None) -> str:
    """Three digits, and spaces where there are many more; nothing for None."""
    if value is None:
        return ""
    return f"{value:,.0f}".replace(",", " ") if value >= 100.0 else f"{value:.3g}"


def with_spread(values: Sequence[float] | None) -> str:
    """Median with least and most, of which `values` are (least, median, most); nothing for None."""
    if values is None:
        return ""
    least, median, most = map(number, values)
    return median if least == most else f"{median} ({least}–{most})"
