"""A model that consists of trees: what boosted models and forests share."""

from __future__ import annotations

from dataclasses import dataclass

from automl.arrays import Floats, Matrix
from automl.models._blocks import check_width
from automl.models._target import TargetCoding
from automl.models.trees.trees import Trees
from automl.state import State


@dataclass(frozen=True)
class TreeModel:
    """Trees and the target's coding; what becomes of margins is a subclass's affair."""

    trees: Trees
    target: TargetCoding

    def predict(self, X: Matrix) -> Floats:
        """Return probabilities or values, computed with one thread."""
        check_width(X, self.trees.features)
        if not len(X):
            return self.target.empty_prediction()
        margins = self.trees.margins(X)
        return self.predict_margins(margins)

    def predict_margins(self, margins: Floats) -> Floats:
        """Return the predictions of rows whose margins are known.

        Parameters
        ----------
        margins : ndarray of shape (n_rows, n_outputs)
            The sums of the trees' values.
        """
        raise NotImplementedError

    def to_state(self) -> State:
        """Return the trees' arrays and the target's coding."""
        return {
            "trees": self.trees.to_state(),
            "target": self.target.to_state(),
        }
