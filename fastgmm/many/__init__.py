"""Many small problems at once, one per thread."""

from .api import fit_many
from .result import FitManyResult
from .streams import stream

__all__ = ["FitManyResult", "fit_many", "stream"]
