"""What predicting one row costs, from what a model consists of, without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from automl.models._base import Model
from automl.models._tree_model import TreeModel
from automl.models.network.model import NetworkModel
from automl.models.pretrained.model import InContextModel
from automl.models.trees.trees import Trees
from automl.state import State

# Milliseconds on one core, rounded from what the models of 31 predictors took, and 22 networks.
_MILLISECONDS_PER_TREE_MODEL = 0.06
_MILLISECONDS_PER_VISITED_NODE = 1.5e-5
_MILLISECONDS_PER_STATISTIC = 0.03
_MILLISECONDS_PER_OTHER_MODEL = 0.08
_MILLISECONDS_PER_PRODUCT = 4e-6
_MILLISECONDS_PER_NETWORK = 0.05
_MILLISECONDS_PER_NETWORK_INPUT = 0.003
_MILLISECONDS_PER_NETWORK_PRODUCT = 6e-8


def row_milliseconds(model: Model) -> float:
    """Return the milliseconds of predicting one row, in a process that has predicted others.

    They are counted from nodes visited and numbers multiplied, so they are the same on every
    machine.
    """
    if isinstance(model, TreeModel):
        return _milliseconds_of_trees(model.trees)
    if isinstance(model, NetworkModel):
        return _milliseconds_of_network(model)
    if isinstance(model, InContextModel):
        return 1e3 * model.call_seconds
    n_products = sum(_array_sizes(model.to_state()))
    return _MILLISECONDS_PER_OTHER_MODEL + _MILLISECONDS_PER_PRODUCT * n_products


def _milliseconds_of_trees(trees: Trees) -> float:
    """Return the milliseconds of one walk down every tree, as deep as a balanced one."""
    n_leaves = trees.sizes + 1
    depths = np.ceil(np.log2(n_leaves))
    n_visited = float(depths.sum())
    walks = _MILLISECONDS_PER_VISITED_NODE * n_visited
    statistics = 0.0 if trees.statistics is None else _MILLISECONDS_PER_STATISTIC
    return _MILLISECONDS_PER_TREE_MODEL + walks + statistics


def _milliseconds_of_network(model: NetworkModel) -> float:
    """Return the milliseconds of a block of rows, which a single row is padded to."""
    n_products = model.block_rows * model.network.n_products
    inputs = _MILLISECONDS_PER_NETWORK_INPUT * model.features
    products = _MILLISECONDS_PER_NETWORK_PRODUCT * n_products
    milliseconds: float = _MILLISECONDS_PER_NETWORK + inputs + products
    return milliseconds


def _array_sizes(state: State) -> Iterator[int]:
    """Yield the number of values of each array in a state."""
    values: list[Any] = list(state.values())
    while values:
        value = values.pop()
        if isinstance(value, np.ndarray):
            yield value.size
        elif isinstance(value, dict):
            values.extend(value.values())
        elif isinstance(value, (list, tuple)):
            values.extend(value)
