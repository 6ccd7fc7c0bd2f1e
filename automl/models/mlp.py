"""The multilayer perceptron family: a small network over scaled numbers.

It is strong where targets are smooth, and makes other mistakes than trees do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from automl.arrays import Floats, Matrix
from automl.errors import UnsafeModel
from automl.models._base import (
    Family,
    FitContext,
    Fitted,
    Hyperparameters,
    Model,
    PlainFamily,
    Sample,
)
from automl.models._blocks import check_width, map_blocks, read_integer, read_vector
from automl.models._rows import encode_rows
from automl.models._target import TargetCoding, read_target
from automl.models.constant import ConstantModel
from automl.models.network.descent import (
    MAX_BATCH_ROWS,
    MIN_BATCH_ROWS,
    TARGET_STEPS,
    USUAL_MAX_BATCH_ROWS,
)
from automl.models.network.network import Network
from automl.models.network.outputs import mean_output
from automl.models.network.state import DAMAGED, network_from_state, network_to_state
from automl.models.network.training import Training, TrainingRows
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

# How far beyond the training targets a prediction may go, in multiples of their range.
_NETWORK_EXTRAPOLATION = 0.5


@dataclass(frozen=True)
class MLPModel:
    """A network.

    Parameters
    ----------
    network : Network
    features : int
        Number of columns of the input.
    bounds : ndarray of shape (2,), float64
        Lowest and highest prediction of a (scaled) number.
    target : TargetCoding
    """

    network: Network
    features: int
    bounds: Floats
    target: TargetCoding

    def predict(self, X: Matrix) -> Floats:
        """Return probabilities or values, computed in blocks; a missing number counts as 0.

        In double precision: single products give a row other last bits at another position in its
        block (measured on 110 of 210 shapes, double ones on none).
        """
        check_width(X, self.features)
        network = self._precise_network

        def predict_block(block: Matrix) -> Floats:
            scores = network.scores(block.astype(np.float64))
            return mean_output(scores, self.target, self.bounds)

        raw = map_blocks(predict_block, network.inputs.prepare(X))
        return self.target.to_prediction(raw)

    @cached_property
    def _precise_network(self) -> Network:
        return self.network.copy(np.float64)

    def to_state(self) -> State:
        """Return the network's arrays and the other fields."""
        return {
            **network_to_state(self.network),
            "features": self.features,
            "bounds": self.bounds,
            "target": self.target.to_state(),
        }


@dataclass(frozen=True)
class PreparedNetwork:
    """Rows to train on and to stop by, and the constant if nothing can be learnt."""

    rows: TrainingRows
    fallback: ConstantModel | None


class MLP(PlainFamily):
    """Multilayer perceptrons."""

    name = "mlp"
    about = (
        "neural network: a multilayer perceptron on scaled numbers, their periodic embeddings, "
        "and learnt vectors of categories"
    )
    seeded = True
    bagged = True
    stops = True
    recipes = ("embedded", "scaled_target", "onehot", "quantile")

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges of size, speed, regularisation and embeddings."""
        space: dict[str, Any] = {
            "width": Int(32, 256, log=True),
            "layers": Int(1, 4),
            "members": Choice((1, 2, 4)),
            "learning_rate": Float(2e-3, 3e-2, log=True),
            "weight_decay": Float(1e-2, 2.0, log=True),
            "dropout": Float(0.0, 0.5),
            "waves": Choice((0, 16)),
            "frequency": Float(0.02, 0.5, log=True),
            "pieces": Choice((0, 16)),
            "restarts": Choice((0, 3)),
        }
        if codes:
            space["vector"] = Int(2, 16, log=True)
        if not task.is_regression:
            space["smoothing"] = Choice((0.0, 0.05))
        return space

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return a small and quick network with a periodic embedding.

        It is regularised more in classification, where it soon overfits.
        """
        return {
            "width": 128,
            "layers": 3,
            "members": 2,
            "learning_rate": 1e-2,
            "weight_decay": 0.03 if task.is_regression else 0.5,
            "dropout": 0.1 if task.is_regression else 0.2,
            "waves": 16,
            "frequency": 0.1,
            "pieces": 0,
            "vector": 8,
            "smoothing": 0.0,
            "restarts": 0,
        }

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> PreparedNetwork:
        """Return the rows with encoded targets and without missing values."""
        encoded = encode_rows(train, context)
        rows = TrainingRows(encoded.sample, None, encoded.target)
        if held is not None:
            held = encoded.target.encode(held)
            if len(held.y):
                rows = replace(rows, held=held)
        return PreparedNetwork(rows, encoded.fallback)

    def fit(
        self, prepared: PreparedNetwork, params: Hyperparameters, context: FitContext
    ) -> Fitted:
        """Descend until the held-out loss no longer falls, or the epochs are over."""
        resolved = self.defaults(context.task) | dict(params)
        if prepared.fallback is not None:
            return Fitted(prepared.fallback, None, resolved)
        rows = prepared.rows
        target = rows.target
        training = Training(rows, resolved, context)
        training.run()
        model = MLPModel(
            network=training.best_network,
            features=rows.train.X.shape[1],
            bounds=_bounds(rows.train.y),
            target=target,
        )
        unit = 1.0
        if not target.n_classes:
            unit = target.scale**2
        losses = enumerate(training.early_stopping.losses, start=1)
        curve = [(epoch, loss * unit) for epoch, (*_, loss) in losses]
        return Fitted(
            model=model,
            rounds=training.best_epoch,
            resolved=resolved,
            curve=tuple(curve),
            hit_deadline=training.stopped,
        )

    def restore(self, state: State) -> Model:
        """Return the model of the arrays, after checking them against one another."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        target = read_target(state)
        features = read_integer(state, "features")
        network = network_from_state(state, features, target.columns)
        bounds = read_vector(state, "bounds", np.float64)
        if len(bounds) != 2:
            raise UnsafeModel(DAMAGED)
        return MLPModel(network, features, bounds, target)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return seconds; measured: 2.5 ms for a step of 10 columns, 4 ms for one of 40."""
        usual_steps = min(TARGET_STEPS, 25 * rows)
        steps = max(usual_steps, 8 * rows / MAX_BATCH_ROWS)
        batch_rows = max(MIN_BATCH_ROWS, rows // 16)
        batch_rows = min(batch_rows, USUAL_MAX_BATCH_ROWS)
        inputs = 5 * features + 256 + outputs
        step_seconds = 7e-4 + batch_rows * 128 * inputs * 6 / 2.2e10
        return 0.05 + float(steps * step_seconds)


def _bounds(y: Floats) -> Floats:
    """Return the lowest and highest number to predict."""
    low = y.min()
    high = y.max()
    margin = _NETWORK_EXTRAPOLATION * float(high - low)
    bounds = np.array([low - margin, high + margin])
    return bounds.astype(np.float64)


FAMILIES: tuple[Family, ...] = (MLP(),)
