"""Which K: a grid of mixtures is fitted, and a criterion decides."""

from .arguments import ALL
from .candidates import Candidate, Selection
from .search import select

__all__ = ["ALL", "Candidate", "Selection", "select"]
