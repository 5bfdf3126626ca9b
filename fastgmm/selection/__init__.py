"""Which K: a grid of mixtures is fitted, and a criterion decides."""

from .candidates import Candidate, Selection
from .search import select

__all__ = ["Candidate", "Selection", "select"]
