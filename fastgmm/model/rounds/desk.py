"""What `many` works on: problems, a worker's own desk, and fits.

Numba knows a named tuple by its name: these are not those of ``kernels/work.py``.
"""

from typing import Any, NamedTuple

# The status of a problem whose fit did not end in the ordinary way: `Fits` are not to be used.
UNUSUAL = 0


class Problems(NamedTuple):
    """B problems: rows `x` (R, D) and their `weights` (R,) or (0,), one problem behind the other.

    offsets (B + 1,) int64
        The rows of problem b are ``x[offsets[b] : offsets[b + 1]]``.
    totals (B,) float64
        The sum of the weights of each.
    seed (1,), streams (B,), uint64
        The key of the random numbers of each.
    """

    x: Any
    weights: Any
    offsets: Any
    totals: Any
    seed: Any
    streams: Any


class Rule(NamedTuple):
    """What is the same for all problems: options of a fit, and for how many nanoseconds a start may go on.

    `reg_covar` is negative for the floor of the default regulariser. `started` is 1 where `Fits` has parameters of
    each problem to start from.
    """

    tol: float
    aitken: int
    max_iter: int
    n_init: int
    reg_covar: float
    started: int
    nanoseconds: float


class Fits(NamedTuple):
    """What comes out: a row for each problem.

    weights (B, K), means (B, K, D), covariances (B, K or 1, D or 1, D or 1), log_likelihood (B,), n_iter (B,) int64
    status (B,) int64
        `UNUSUAL`, or why the run ended.
    floors (B, D)
        Of the covariances, zero without a floor.
    degenerate (B, K) bool
        Components that the regulariser holds up.
    n_passed_over (B,) int64
        Starts that ended higher, but with components that the floor holds up.
    """

    weights: Any
    means: Any
    covariances: Any
    log_likelihood: Any
    n_iter: Any
    status: Any
    floors: Any
    degenerate: Any
    n_passed_over: Any


class Desk(NamedTuple):
    """Scratch of a worker.

    labels, values, responsibilities
        See `Rows`; as long as the largest problem, but for the last, which has no rows.
    chosen, uniforms, generator
        See `k_means.seed` and `philox`.
    heights (n_init,)
        How high each start ended that the floor holds up, else NaN.
    added (1 or D,)
        What the regulariser adds to the variances of a covariance.
    degenerate (K,) bool, trace (T,)
        Of the start under way.
    traces (P, T)
        Mean log-likelihoods of the rounds of as many problems as are fitted at once.
    """

    labels: Any
    values: Any
    responsibilities: Any
    chosen: Any
    uniforms: Any
    generator: Any
    heights: Any
    added: Any
    degenerate: Any
    trace: Any
    traces: Any


class Many(NamedTuple):
    """What a worker works on.

    whole, context
        Contexts of a `Whole` and of a `Work`, around no rows.
    begins, beginning
        The bytes of the second that have a value before the first launch, and these values.
    """

    whole: Any
    context: Any
    begins: Any
    beginning: Any
    problems: Problems
    rule: Rule
    desk: Desk
    fits: Fits


WHOLE, CONTEXT, BEGINS, BEGINNING, PROBLEMS, RULE, DESK, FITS = range(8)
