"""What `missing` may be, and of which rows."""

from __future__ import annotations

from typing import Any

from ..._checks import check_choice, shown

MARGINAL = "marginal"
MISSING = ("error", MARGINAL)


def allows_gaps(missing: Any) -> bool:
    """Return whether NaN is a missing value; ValueError if `missing` is none of `MISSING`."""
    return check_choice("missing", missing, MISSING) != MISSING[0]


def refuse_gaps_of(X: Any, gaps: bool) -> None:
    """Raise TypeError if values may be missing in rows that are not in memory."""
    if gaps:
        raise TypeError(f"missing={MARGINAL!r} is for rows in memory, got {shown(X)}")
