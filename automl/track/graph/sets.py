"""Sets of categories as tables of 0 and 1, which are looked up by category."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from automl.arrays import Floats
from automl.models.trees.conditions import Conditions, is_in_sets
from automl.track.graph.builder import Value


def memberships(
    conditions: Conditions,
    chosen: Sequence[int],
) -> Floats:
    """Return whether categories are in sets, of shape (n_levels + 2, n_sets).

    The last rows are for a missing category, and for any beyond the levels.

    Parameters
    ----------
    conditions : Conditions
    chosen : sequence of int
        Numbers of sets of one column.
    """
    offsets = conditions.set_offsets
    pieces = []
    for number in chosen:
        start = offsets[number]
        end = offsets[number + 1]
        pieces.append(conditions.set_bits[start:end])
    lengths = list(map(len, pieces))
    places = np.cumsum([0, *lengths])
    n_levels = 8 * max(lengths) - 1
    values = [*range(n_levels), np.nan, n_levels]
    column = np.array(values, np.float32)
    rows = np.repeat(
        column[:, None],
        len(pieces),
        axis=1,
    )
    is_in = is_in_sets(rows, places, np.concatenate(pieces))
    return is_in.astype(np.float64)


def category_codes(
    column: Value,
    n_levels: int,
) -> Value:
    """Return categories as whole numbers: `n_levels` if missing, and one more if beyond."""
    is_missing = column.is_missing()
    known = column.replace(-1.0, is_missing)
    codes = known.clip(-1.0, n_levels).cast("INT64")
    is_level = (codes >= 0) & (codes < n_levels)
    bounded = codes.choose(n_levels + 1, is_level)
    return bounded.replace(n_levels, is_missing)
