"""CatBoost's binary format (CBM) as arrays of ours; nothing in it is trusted."""

from __future__ import annotations

import numpy as np

from automl.arrays import Bools, Floats, Integers
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside
from automl.models.trees._catboost_columns import Columns
from automl.models.trees._catboost_file import CatBoostFile, read_file
from automl.models.trees._catboost_shapes import read_shape
from automl.models.trees._catboost_splits import Splits
from automl.models.trees._catboost_statistics import convert_statistics
from automl.models.trees.conditions import Indices
from automl.models.trees.damage import damaged_by
from automl.models.trees.trees import Trees

_MIN_VALUES_ALLOWED = 2**16  # of statistics, in a small file


def read_catboost(
    blob: bytes,
    levels: tuple[int, ...],
    rounds: int | None = None,
) -> Trees:
    """Return the trees of a booster in CatBoost's binary format.

    Parameters
    ----------
    blob : bytes
    levels : tuple of int
        Number of levels of each column; 0 for a numeric column.
    rounds : int or None
        Number of trees to keep, from the first on; all if None. What only the others need is left
        out.

    Raises
    ------
    UnsafeModel
        The bytes were cut or lengthened, don't fit together or to the levels, or there are fewer
        trees than rounds.
    """
    try:
        file = read_file(blob, len(levels))
        size = len(blob)
        columns = Columns.of(file, levels, size)
        return _convert(file, columns, rounds, size)
    except UnsafeModel:
        raise
    except (ValueError, LookupError, OverflowError) as error:
        raise damaged_by("CatBoost", error) from None


def _convert(
    file: CatBoostFile,
    columns: Columns,
    rounds: int | None,
    size: int,
) -> Trees:
    count = len(file.sizes)
    kept = count if rounds is None else rounds
    if not 1 <= kept <= count:
        raise UnsafeModel(f"the model file's CatBoost booster has {count} trees, not {kept}")
    shape = read_shape(file, kept)
    used, number = np.unique(shape.split, return_inverse=True)
    splits = Splits.of(file, used)
    conditions, order = splits.conditions(columns)
    statistics = None
    features = splits.statistics
    if features:
        statistics = convert_statistics(
            features,
            file.tables,
            columns,
            max_values=max(size, _MIN_VALUES_ALLOWED),
        )
    is_swapped = splits.is_one_hot[number]
    # CatBoost adds its bias after the values of all trees, as one more tree of a single leaf does.
    bias = _read_bias(file)
    trees = Trees(
        features=columns.count,
        conditions=conditions,
        sizes=np.append(shape.sizes, 0).astype(np.int32),
        condition=order[number],
        children=_swap(shape.children, is_swapped),
        value=np.vstack([_read_values(file, shape.leaf), bias]),
        base=np.zeros_like(bias),
        statistics=statistics,
    )
    trees.check()
    return trees


def _swap(children: Integers, is_swapped: Bools) -> Indices:
    """Return children, those of some nodes in the other order."""
    swapped = children.astype(np.int32)
    swapped[is_swapped] = swapped[is_swapped, ::-1]
    return swapped


def _read_values(file: CatBoostFile, leaf: Integers) -> Floats:
    """Return the values of leaves, of shape (n_leaves, n_outputs)."""
    by_leaf = file.leaf_values.reshape(-1, file.outputs)
    n_leaves = len(by_leaf)
    if is_outside(leaf, n_leaves):
        raise ValueError("a leaf that is not there")
    if len(leaf) > n_leaves:
        raise ValueError("a leaf of two nodes")
    with np.errstate(over="ignore", invalid="ignore"):
        values: Floats = by_leaf[leaf] * file.scale
    if not np.isfinite(values).all():
        raise ValueError("leaves that are not finite")
    return values


def _read_bias(file: CatBoostFile) -> Floats:
    """Return what is added to the trees' values, of shape (n_outputs,)."""
    bias = file.bias.astype(np.float64)
    if len(bias) != file.outputs:
        raise ValueError("a bias of another number of outputs")
    if not np.isfinite(bias).all():
        raise ValueError("a bias that is not finite")
    return bias
