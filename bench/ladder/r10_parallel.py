"""Rung 10: all cores.

What changed: rows are cut into superblocks of 2048; threads take them in any order and each fills sums of its own.
Why it is faster: superblocks share nothing, so two cores do twice the work.
What it costs: a set of sums for each superblock. Adding to shared sums would be a race, and wrong.
What to look at: sums are added up in the order of the rows, so that any number of threads gives the same bits.
"""

import numpy as np
from numba import njit, prange

from bench.ladder.r04_cholesky import prepare
from bench.ladder.r06_fused import allocate_sums, maximize
from bench.ladder.r09_register_tiles import em_pass, pad

SUPERBLOCK = 2048


@njit(parallel=True)
def em_pass_parallel(X, log_weights, means, inverses, peaks, counts, first, second, log_likelihoods):
    """`em_pass` of each superblock, with sums of its own: first axis S."""
    for s in prange(counts.shape[0]):
        rows = X[s * SUPERBLOCK : (s + 1) * SUPERBLOCK]
        log_likelihoods[s] = em_pass(rows, log_weights, means, inverses, peaks, counts[s], first[s], second[s])


def em_round(X, weights, means, covariances):
    """One E step and one M step; the log-likelihood is that of the arguments, in nats."""
    n_features = means.shape[1]
    inverses, peaks = prepare(covariances)
    inverses = pad(inverses)
    n_superblocks = -(-len(X) // SUPERBLOCK)
    slabs = [np.zeros((n_superblocks, *each.shape)) for each in allocate_sums(*inverses.shape[:2])]
    log_likelihoods = np.empty(n_superblocks)
    em_pass_parallel(X, np.log(weights), means, inverses, peaks, *slabs, log_likelihoods)
    counts, first, second = (each.sum(axis=0) for each in slabs)
    sums = counts, first[:, :n_features], second[:, :n_features, :n_features]
    return *maximize(*sums, means), log_likelihoods.sum()
