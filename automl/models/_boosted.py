"""A boosted model of any library: its trees as arrays of ours, and the target's coding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from automl.arrays import Floats, Matrix
from automl.errors import UnfaithfulTrees
from automl.models._base import Model
from automl.models._blocks import read_bytes, read_state
from automl.models._losses import softmax
from automl.models._target import read_target
from automl.models._tree_model import TreeModel
from automl.models.constant import ConstantModel
from automl.models.trees.trees import Trees
from automl.state import State


class BoostedModel(TreeModel):
    """Trees whose sums become probabilities, or are numbers."""

    def predict_margins(self, margins: Floats) -> Floats:
        """Return the predictions of rows whose margins are known."""
        if not self.target.n_classes:
            return self.target.to_prediction(margins)
        if self.target.columns == 1:
            return self.target.to_prediction(logistic(margins))
        return self.target.to_prediction(softmax(margins))


def logistic(margins: Floats) -> Floats:
    """Return probabilities, exact to the last digits where they are small, too.

    >>> [float(f"{proba:.6g}") for proba in logistic(np.array([-800.0, -50.0, 0.0]))]
    [0.0, 1.92875e-22, 0.5]
    """
    with np.errstate(over="ignore"):
        inverse_odds = np.exp(-margins)
    proba: Floats = 1.0 / (1.0 + inverse_odds)
    return proba


def restore_boosted(
    state: State,
    read_booster: Callable[[bytes], Trees],
) -> Model:
    """Return the model of a boosting family's state, after checking it.

    Parameters
    ----------
    state : mapping
    read_booster : callable
        Reads the library's own format, in which files of format 4 hold boosters.
    """
    if "constant" in state:
        return ConstantModel.from_state(state)
    if "booster" in state:
        booster = read_bytes(state, "booster")
        trees = read_booster(booster)
    else:
        described = read_state(state, "trees")
        trees = Trees.from_state(described)
    target = read_target(state)
    trees.check_target_columns(target.columns)
    return BoostedModel(trees, target)


def check_faithful(
    trees: Trees,
    rows: Matrix,
    margins: Any,
    tolerance: float = 0.0,
) -> None:
    """Refuse trees whose margins are not the library's.

    Parameters
    ----------
    trees : Trees
    rows : ndarray of shape (n_rows, n_features)
    margins : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        The library's.
    tolerance : float
        The relative difference that is allowed; 0 demands equal bits.

    Raises
    ------
    UnfaithfulTrees
    """
    ours = trees.margins(rows)
    given = np.asarray(margins, np.float64)
    theirs = given.reshape(ours.shape)
    size = np.maximum(np.abs(theirs), 1.0)
    difference = np.abs(ours - theirs) / size
    largest = float(difference.max(initial=0.0))
    if not largest <= tolerance:  # nor if it is NaN
        raise UnfaithfulTrees(
            f"the library's predictions and those of its trees as arrays differ by {largest:.3g}"
        )
