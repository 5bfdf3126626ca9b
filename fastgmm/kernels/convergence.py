"""When EM stops; the same function for the loop in Python and the one in compiled code."""

from .._jit import exact


@exact
def converged(change, tol):
    """Return whether a `change` of the mean log-likelihood, in nats, is below `tol`."""
    return abs(change) < tol
