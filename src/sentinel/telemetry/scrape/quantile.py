"""Quantiles of what a histogram has counted between two looks at it. Pure.

Called by `progress`. A histogram is a mapping from the upper bound of a bucket to how many were at most that,
since the server started; the last bound is infinite. Empty: there is no such histogram.
"""

import math
from collections.abc import Mapping

Buckets = Mapping[float, float]


def grown(before: Buckets, after: Buckets) -> Buckets | None:
    """What was counted in between, by the same bounds; the first time that there is a histogram, all of it.
    None when that cannot be told: a bucket holds less than before, or the bounds are others."""
    if not before:
        return after or None
    if before.keys() != after.keys():
        return None
    found = {bound: after[bound] - before[bound] for bound in after}
    return None if any(not count >= 0 for count in found.values()) else found


def quantile(buckets: Buckets, q: float) -> float | None:
    """The value that the part `q` (0…1) of all was at most, in the unit of the bounds. None when nothing was
    counted, or there is no infinite bound.

    Within its bucket it is taken to lie as if all there were spread evenly. Of the last bucket nothing is
    known but where it begins: that is the answer then, and the truth is more.
    """
    bounds = sorted(buckets)
    if not bounds or not math.isinf(bounds[-1]):
        return None
    rank = q * buckets[bounds[-1]]
    if not buckets[bounds[-1]] > 0:
        return None
    # Those of a page may be of slightly different moments: no bucket holds less than the one before it.
    below, lower = 0.0, min(0.0, bounds[0])
    for bound in bounds:
        within = max(buckets[bound], below)
        if within >= rank and within > below:
            if math.isinf(bound):
                return lower if len(bounds) > 1 else None
            return lower + (bound - lower) * max(0.0, rank - below) / (within - below)
        below, lower = within, bound
    return None
