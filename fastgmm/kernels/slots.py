"""Where scalars stand in the numbers and the counts of a `State`."""

# Numbers: the total log-likelihood that the last pass saw; its mean a row, that of the round before and the last two
# changes of it; the sum of the weights of all rows; what changes are compared to; below which share of the square of
# a shift a variance has lost its digits; which share of a variance rounding hides, 0 without a floor.
LOG_LIKELIHOOD, MEAN, PREVIOUS, CHANGE, CHANGE_BEFORE, TOTAL_WEIGHT, TOLERANCE, LEAST, ROUNDING = range(9)
# Counts: why the run ended; rounds done, at most, and in the trace; whether Aitken's estimate is compared, too; where
# a pass is: its phase, the next item, whether it is the second about new means; the component that failed, or -1;
# passes over given labels or responsibilities that are still to come before the first round; slabs that hold sums;
# whether the covariances of this pass are to be raised to their floor, see RAISE; whether it sums moments that
# otherwise follow from the total scatter; sweeps over the axes that are left of an M step. Rounds done and at most
# are those of Lloyd's where k-means is what runs.
STATUS, N_ITER, MAX_ITER, N_TRACED, AITKEN, PHASE, ITEM, REPEATED, COMPONENT = range(9)
GIVEN, FILLED, RAISED, SUMMED, SWEEPS = range(9, 14)

# Where a run is between two launches. OPEN: a pass begins. PREPARE, SWEEP, FOLD: items of it are left; SWEEP without
# any waits for rows. UNPACK: the accumulator holds all rows. HELD: the statistics are in the state. MAXIMIZE: they
# have been judged. FINISHED: the run is over. RAISE: covariances are to be raised to their floor, and the pass begun
# anew: RAISED is LOW then, RAISING in the middle of a large matrix, RAISED_NOW when all are done, and 1 in the pass.
OPEN, PREPARE, SWEEP, FOLD, UNPACK, HELD, MAXIMIZE, FINISHED, RAISE = range(9)
LOW, RAISING, RAISED_NOW = -1, -2, -3
# Why a run ended, which is RUNNING until its last round: the pass after that is for its log-likelihood alone.
RUNNING, CONVERGED, MAX_ITER_REACHED, STOPPED, ILL_DEFINED, NOT_FINITE, BROKEN = range(7)

# Of k-means. BEST: the column of sums that belongs to the newest centre, -1 before the first pass. CANDIDATE: the
# next to be drawn, in the phase DRAW. LIVE: centres that a pass looks at. AIM: what a pass of Lloyd's is for: to move
# centres, to find rows that are far from theirs, for labels and sums, or, last, for labels alone.
CANDIDATE, BEST, AIM, LIVE = 7, 8, 9, 10
DRAW = 100
MOVE, FAR, LABEL, ASSIGN = range(4)

# Of sampling: the largest key that is wanted, a number; the seed, and the number of the first row, counts.
BOUND = 0
SEED, FIRST = 0, 1
