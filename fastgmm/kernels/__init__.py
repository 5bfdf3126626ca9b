"""The kernels, and the one table from which Python chooses a covariance structure.

``structure.py`` states what a structure has to provide, ``passes.py`` what is done with it. Compiled code finds the
functions of a structure by the type of its model: a compiled function that is passed as an argument or closed over is
never found in Numba's disk cache.
"""

from types import ModuleType

from . import diagonal, full, full_small, spherical, tied

__all__ = ["STRUCTURES", "full_small"]

# Each module has ``allocate(K, D, dtype)``, which returns an unfilled model, and ``sums_shape(K, D)``, the rows of
# a slab and the numbers in a row.
STRUCTURES: dict[str, ModuleType] = {"full": full, "tied": tied, "diag": diagonal, "spherical": spherical}
