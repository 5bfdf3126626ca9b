"""What moments have to provide: what a pass sums of the rows of a component.

Moments are a named tuple of those arrays of a `Model` that they read; passes know them by its type. Each file beside
this one has, for its kind,

* an implementation of `accumulate`;
* a task ``unpack_...`` that writes centres, N_k, first and second moments of components ``first`` to ``end`` from the
  accumulator into the state, in the units of the data;
* ``..._sums(K, D)``, the shape of a slab, and ``..._spare(K, D)``, rows of scratch.
"""

from ..._numba.options import generic, part
from ..._numba.pointers import view
from ..work import MODEL, STATE, SUMS


@generic
def accumulate(moments, block, roots, scales, spare, index, slab, ahead):
    """Add the moments of the block, r = roots^2 scales, to `slab`; `roots` and `scales` are overwritten.

    `roots` (K, B) are exp of half logarithms, see ``blocks/posterior.py``; `spare` is scratch, which still holds what
    the density of a fused pair left there; `index` (B,) are integers. It asks for parts K to 2 K - 1 of what
    is `ahead`, or for all 2 K if the density asks for none.
    """


@part
def unit_of(scales, d):
    """Return the unit of feature `d`, a power of two."""
    return 1.0 / float(scales[d])


@part
def unpack_first(context, k):
    """Write what moments of component `k` are taken about, N_k and first moments, which lie alike in every slab."""
    model, state, accumulator = view(context, MODEL), view(context, STATE), view(context, SUMS).accumulator
    state.sums[k] = accumulator[k, 0]
    scales, origin, mean, sums = model.scales, model.origin, model.means[k], accumulator[k, 1:]
    center, first = state.centers[k], state.first[k]
    for d in range(scales.shape[0]):
        unit = unit_of(scales, d)
        # The means as `model` holds them, after rounding.
        center[d] = (float(origin[d]) + float(mean[d])) * unit
        first[d] = sums[d] * unit
