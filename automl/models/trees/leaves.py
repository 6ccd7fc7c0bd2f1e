"""The values of leaves, each row once: a forest of many classes has mostly pure leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from automl.errors import UnsafeModel
from automl.models._blocks import is_outside
from automl.models.trees.conditions import Indices, narrowed, read_indices
from automl.state import State

Values = npt.NDArray[np.floating[Any]]

# Trees times the values of a leaf, where leaves share rows: half a gigabyte to predict a row.
_MAX_VALUES_OF_ROW = 2**24


def share_values(value: Values) -> tuple[Values, Indices] | None:
    """Return the distinct rows of leaves' values, and which of them each leaf has.

    The result is None if that takes no fewer bytes. Rows of other bits are distinct: 0 and -0 are.

    >>> distinct, of_leaf = share_values(np.array([[0.0, 1.0], [0.5, 0.5], [0.0, 1.0]]))
    >>> distinct[of_leaf].tolist()
    [[0.0, 1.0], [0.5, 0.5], [0.0, 1.0]]
    >>> len(distinct)
    2
    """
    n_leaves, n_values = value.shape
    if not value.size:
        return None
    row_type = f"V{n_values * value.itemsize}"
    rows = np.ascontiguousarray(value).view(row_type)
    _, first, of_leaf = np.unique(
        rows.reshape(n_leaves),
        return_index=True,
        return_inverse=True,
    )
    distinct = value[first]
    narrow = narrowed(of_leaf.astype(np.int32))
    if distinct.nbytes + narrow.nbytes >= value.nbytes:
        return None
    return distinct, narrow


def read_value_of_leaf(state: State, value: Values, n_trees: int) -> Indices | None:
    """Return which row of `value` each leaf has; None if leaf k has row k.

    Raises
    ------
    UnsafeModel
        There is no such row, or a small file would need very much memory to predict.
    """
    if "value_of_leaf" not in state:
        return None
    of_leaf = read_indices(state, "value_of_leaf")
    n_rows, n_values = value.shape
    if is_outside(of_leaf, n_rows):
        raise UnsafeModel("the model file's trees have a leaf whose value is not there")
    if not may_share(n_trees, n_values):
        raise UnsafeModel("the model file's trees add up more values than any predictor does")
    return of_leaf


def may_share(n_trees: int, n_values: int) -> bool:
    """Return whether leaves may share rows.

    A file's size bounds what one row takes to predict, unless they do.
    """
    return n_trees * n_values <= _MAX_VALUES_OF_ROW
