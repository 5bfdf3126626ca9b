"""When EM stops, from the last two changes of the mean log-likelihood."""

import math

from ..._numba.options import exact


@exact
def remaining(change, change_before):
    """Return the estimated distance to the limit of the log-likelihood, from its last two changes; never negative.

    Aitken's acceleration: changes that shrink by a factor a = change / change_before from round to round add up to
    change a / (1 - a). Infinite while they do not shrink, and NaN while there is no change before.

    Reference: Boehning, Dietz, Schaub, Schlattmann & Lindsay (1994), Ann. Inst. Stat. Math. 46, 373-388.
    """
    if math.isinf(change_before) or math.isnan(change_before):
        return math.nan
    if change == 0.0:
        return 0.0
    if change_before == 0.0:
        return math.inf
    rate = change / change_before
    if not 0.0 <= rate < 1.0:
        return math.inf
    return abs(change) * rate / (1.0 - rate)


@exact
def converged(change, change_before, tol, aitken):
    """Return whether EM may stop: the change is less than `tol`, and with `aitken` the `remaining` distance too.

    The estimate alone would stop early where fast convergence is about to become slow.
    """
    return abs(change) < tol and (not aitken or remaining(change, change_before) < tol)
