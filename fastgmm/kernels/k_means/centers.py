"""What is done with centres between the passes of k-means."""

from ..._numba.options import kernel, part
from ..._numba.pointers import member, view
from ..work import MODEL, STATE, X


@part
def hold_centers(context):
    """Split the centres ``state.means`` into an origin, the first one, and centres less it; keep what these hold.

    So that far rows keep their digits.
    """
    model, state = view(context, MODEL), view(context, STATE)
    n_components, n_features = state.means.shape
    for d in range(n_features):
        model.origin[d] = state.means[0, d]
        for k in range(n_components):
            model.means[k, d] = state.means[k, d] - float(model.origin[d])
            state.means[k, d] = float(model.origin[d]) + float(model.means[k, d])


@part
def take_means(context, chosen):
    """Make the rows `chosen` (K,) the centres ``state.means``."""
    x, scales, means = member(context, X), view(context, MODEL).scales, view(context, STATE).means
    for k in range(chosen.shape[0]):
        for d in range(x.shape[1]):
            means[k, d] = float(x[chosen[k], d]) * float(scales[d])


@part
def scale_means(context):
    """Let the centres ``state.means`` be in the units of the model."""
    scales, means = view(context, MODEL).scales, view(context, STATE).means
    for k in range(means.shape[0]):
        for d in range(means.shape[1]):
            means[k, d] *= float(scales[d])


@part
def move(accumulator, centers, moved):
    """Write the means of the clusters, whose sums the `accumulator` holds, into `moved` (K, D); empty ones stay.

    `centers` are those that the sums are about.

    Returns the sum of the squared shifts, and the variance of all rows averaged over features (Huygens' theorem).
    """
    n_components, n_features = centers.shape
    n = shift = 0.0
    scatter = accumulator[n_components, 0]
    for k in range(n_components):
        n += accumulator[k, 0]
    for d in range(n_features):
        grand = 0.0
        for k in range(n_components):
            step = accumulator[k, 1 + d] / accumulator[k, 0] if accumulator[k, 0] > 0.0 else 0.0
            moved[k, d] = centers[k, d] + step
            shift += step * step
            # About the first centre, so that nothing cancels far from the origin.
            grand += accumulator[k, 0] * (moved[k, d] - centers[0, d]) / n
        for k in range(n_components):
            offset = centers[k, d] - centers[0, d] - grand
            scatter += 2.0 * offset * accumulator[k, 1 + d] + accumulator[k, 0] * offset * offset
    return shift, scatter / (n * n_features)


@part
def copy_centers(context):
    """Make the moved centres the means; in loops: the check of an array assignment compiles for two seconds."""
    means, centers = view(context, STATE).means, view(context, STATE).centers
    for k in range(means.shape[0]):
        for d in range(means.shape[1]):
            means[k, d] = centers[k, d]


@part
def farthest(closest):
    """Return the row farthest from its centre, and set its `closest` to -1 so that the next call returns another.

    Returns -1 if no row is off its centre: clusters then stay empty, and another round would change nothing.
    """
    row = 0
    for i in range(closest.shape[0]):
        if closest[i] > closest[row]:
            row = i
    if not closest[row] > 0.0:
        return -1
    closest[row] = -1.0
    return row


@part
def fill_empty(labels, weights, counts):
    """Give each empty cluster one row of the largest, where duplicates left it without any.

    Where `weights` (N,) has rows, those of weight 0 do not count. `counts` (K,) is scratch.
    """
    n_components = counts.shape[0]
    for k in range(n_components):
        counts[k] = 0.0
    for i in range(labels.shape[0]):
        if weights.shape[0] == 0 or weights[i] > 0.0:
            counts[labels[i]] += 1.0
    for k in range(n_components):
        if counts[k] == 0.0:
            donor = 0
            for j in range(n_components):
                if counts[j] > counts[donor]:
                    donor = j
            i = 0
            while labels[i] != donor or (weights.shape[0] > 0 and not weights[i] > 0.0):
                i += 1
            labels[i] = k
            counts[donor] -= 1.0
            counts[k] += 1.0


@kernel
def from_origin_to_centers(centers, slab):
    """Make sums of x - center by cluster of the sums of x in `slab`, whose rows begin with their counts.

    As in `weighted_sums`, of no more digits than the new centre, an offset from the same origin, can hold.
    """
    for k in range(centers.shape[0]):
        for d in range(centers.shape[1]):
            slab[k, 1 + d] -= slab[k, 0] * float(centers[k, d])
