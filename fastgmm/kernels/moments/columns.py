"""Mean and deviation of each feature over all rows, and the shares of the variance that regularise."""

import math

from ..._numba.options import exact, kernel, part, task
from ..._numba.pointers import member, view
from ..._numba.width import wide_vectors
from ..blocks.loading import clear, load_block
from ..densities.kinds import scale_of, variance_of
from ..sizes import lanes
from ..slots import TOTAL_WEIGHT
from ..work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, X

# Phases of `column_moments`, kept in `state.counts`.
RANGES, ABOUT_ONE, ABOUT_MEAN, DONE = range(4)
# The floor of the default regulariser, of a feature's variance over all rows. So a standard deviation may be a
# millionth of that of all rows before the floor acts: two clusters 1e5 of their own apart, or a row a million away,
# leave the others as they are; and what rounding does to a sum of squares, 1e-16 of the largest, is a thousandth
# of it.
FLOOR_SHARE = 1e-12
# Where the mean is farther than so many deviations from the row that sums are about, they are taken anew about it: a
# variance has lost more than a digit and a half there. Of rows in any order a pass more is hardly ever needed.
FARTHEST = 5.0
# No smaller regulariser has a reciprocal that leaves room for sums.
LEAST = 1e-290


@task
def column_ranges(context, worker, first, end):
    """Task: the least and the largest value of each feature that counts, into rows 0 and 1 of a slab (2, pitch)."""
    wide_vectors()
    x, rows, sums = member(context, X), member(context, ROWS), member(context, SUMS)
    weights = rows.weights
    for s in range(first, end):
        least, largest = sums.slabs[s % sums.slabs.shape[0], 0], sums.slabs[s % sums.slabs.shape[0], 1]
        begin, stop = s * sums.rows, min((s + 1) * sums.rows, x.shape[0])
        for d in range(x.shape[1]):
            if weights.shape[0] > 0:
                low, high = math.inf, -math.inf
                for i in range(begin, stop):
                    value = float(x[i, d])
                    low = min(low, value) if weights[i] > 0.0 else low
                    high = max(high, value) if weights[i] > 0.0 else high
                least[d], largest[d] = low, high
            else:
                least[d], largest[d] = range_of(x[begin:stop, d])
    return OK


@kernel
def range_of(values):
    """Return the least and the largest of values.

    Four of each at a time: LLVM makes no vectors of this, and one comparison would wait for that before it.
    """
    whole = values.shape[0] - values.shape[0] % 4
    low0 = low1 = low2 = low3 = high0 = high1 = high2 = high3 = values[0]
    for i in range(0, whole, 4):
        v0, v1, v2, v3 = values[i], values[i + 1], values[i + 2], values[i + 3]
        low0, low1, low2, low3 = min(low0, v0), min(low1, v1), min(low2, v2), min(low3, v3)
        high0, high1, high2, high3 = max(high0, v0), max(high1, v1), max(high2, v2), max(high3, v3)
    for i in range(whole, values.shape[0]):
        low0, high0 = min(low0, values[i]), max(high0, values[i])
    return min(min(low0, low1), min(low2, low3)), max(max(high0, high1), max(high2, high3))


@task
def column_sums(context, worker, first, end):
    """Task: sum z and sum z^2 of each feature, z = x - origin in units of the model, into rows 0 and 1 of a slab."""
    wide_vectors()
    x, rows, model, scratch, sums = (
        member(context, X),
        member(context, ROWS),
        member(context, MODEL),
        member(context, SCRATCH),
        member(context, SUMS),
    )
    block, weights = scratch.block[worker], rows.weights
    for s in range(first, end):
        slab = sums.slabs[s % sums.slabs.shape[0]]
        clear(slab)
        stop = min((s + 1) * sums.rows, x.shape[0])
        for start in range(s * sums.rows, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            load_block(x, start, n_rows, model.scales, model.origin, block)
            for d in range(x.shape[1]):
                total = squares = block.dtype.type(0.0)
                if weights.shape[0] > 0:
                    for b in range(n_rows):
                        w = block.dtype.type(weights[start + b])
                        total += w * block[d, b]
                        squares += w * block[d, b] * block[d, b]
                else:
                    for b in range(lanes(block)):
                        total += block[d, b]
                        squares += block[d, b] * block[d, b]
                slab[0, d] += float(total)
                slab[1, d] += float(squares)
    return OK


@part
def fold_ranges(slabs, accumulator):
    """Take the least and the largest of the slabs into the accumulator."""
    for s in range(slabs.shape[0]):
        for d in range(accumulator.shape[1]):
            accumulator[0, d] = min(accumulator[0, d], slabs[s, 0, d])
            accumulator[1, d] = max(accumulator[1, d], slabs[s, 1, d])


@part
def scale_by_ranges(context, row):
    """Choose scales by the ranges, so that no square of a difference over- or underflows; moments are about `row`."""
    model, accumulator = view(context, MODEL), view(context, SUMS).accumulator
    for d in range(model.scales.shape[0]):
        # Halves, because the range may exceed what float64 holds.
        half_range = 0.5 * accumulator[1, d] - 0.5 * accumulator[0, d]
        model.scales[d] = scale_of(model.scales, half_range)
        model.origin[d] = row[d] * model.scales[d]
    clear(accumulator)


@part
def shift_origin(context):
    """Turn sums about the origin into means and deviations in the units of the data; move the origin to the means.

    Returns whether it lay within `FARTHEST` deviations of them, so that next to nothing has cancelled.
    """
    model, state, accumulator = view(context, MODEL), view(context, STATE), view(context, SUMS).accumulator
    total_weight = state.numbers[TOTAL_WEIGHT]
    is_near = True
    for d in range(model.scales.shape[0]):
        unit = 1.0 / float(model.scales[d])
        shift = accumulator[0, d] / total_weight
        mean = float(model.origin[d]) + shift
        variance = accumulator[1, d] / total_weight - shift * shift
        state.means[0, d] = mean * unit
        state.spread[d] = math.sqrt(max(variance, 0.0)) * unit
        model.origin[d] = mean
        is_near = is_near and shift * shift <= FARTHEST * FARTHEST * variance
    clear(accumulator)
    return is_near


@exact
def share_of_variances(means, deviations, share, out):
    """Write `share` of the variances into `out` (D,).

    A constant feature, or one whose variance underflows, takes the smallest variance of the others; without others
    the square of the largest mean; and for rows of zeros 1.
    """
    smallest = math.inf
    largest_mean = 0.0
    for d in range(out.shape[0]):
        largest_mean = max(largest_mean, abs(means[d]))
        if deviations[d] * deviations[d] > 0.0:
            smallest = min(smallest, deviations[d] * deviations[d])
    if not smallest < math.inf:
        smallest = largest_mean * largest_mean
        if smallest == 0.0:
            smallest = 1.0
    for d in range(out.shape[0]):
        variance = deviations[d] * deviations[d]
        out[d] = max(share * (variance if variance > 0.0 else smallest), LEAST)


@exact
def floor_of(means, deviations, last_place, out):
    """Write the floor of covariances into `out` (D,): `FLOOR_SHARE` of the variances, and (`last_place` of means)^2.

    Far from zero the values themselves are rounded to more than that share.
    """
    share_of_variances(means, deviations, FLOOR_SHARE, out)
    for d in range(out.shape[0]):
        rounded = means[d] * last_place
        out[d] += rounded * rounded


@exact
def mark_held_up(weights, means, covariances, added, held_up):
    """Mark the components without weight, or with a variance of which half or more is the regulariser; count them.

    So are those with a variance that the rounding of the rows could have made. `held_up` (K,) is written;
    `covariances` are (K or 1, D or 1, D or 1).
    """
    count = 0
    for k in range(weights.shape[0]):
        held_up[k] = weights[k] == 0.0
        for d in range(added.shape[0]):
            rounding = (4.0 * EPSILON * means[k, d]) ** 2
            if not variance_of(covariances, k, d) > 2.0 * added[d] + rounding:
                held_up[k] = True
        if held_up[k]:
            count += 1
    return count


EPSILON = 2.220446049250313e-16
