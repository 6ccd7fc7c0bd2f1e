"""Trees that are made by hand, of one or two columns."""

from __future__ import annotations

import numpy as np

from automl.models.trees.conditions import Conditions, offsets_of
from automl.models.trees.splits import bits_of
from automl.models.trees.trees import Trees


def make_conditions(
    thresholds: list[float],
    sets: list[list[int]],
) -> Conditions:
    """Return tests of column 0 by number, then tests of column 1 by set."""
    pieces = [bits_of(np.array(each, np.int64), missing=False) for each in sets]
    columns = [0] * len(thresholds) + [1] * len(sets)
    return Conditions(
        column=np.array(columns, np.int32),
        threshold=np.array(thresholds, np.float32),
        missing_left=np.zeros(len(thresholds), np.uint8),
        set_offsets=offsets_of([len(piece) for piece in pieces]),
        set_bits=np.frombuffer(b"".join(pieces), np.uint8),
    )


def make_trees(
    conditions: Conditions,
    sizes: list[int],
    condition: list[int],
    children: list[list[int]],
    value: list[float],
) -> Trees:
    """Return checked trees of two columns and one output."""
    trees = Trees(
        features=2,
        conditions=conditions,
        sizes=np.array(sizes, np.int32),
        condition=np.array(condition, np.int32),
        children=np.array(children, np.int32).reshape(-1, 2),
        value=np.array(value, np.float64)[:, None],
        base=np.array([0.5]),
    )
    conditions.check(2)
    trees.check()
    return trees
