"""A fitted network: rows become probabilities or numbers, in double precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from automl.arrays import Floats, Matrix
from automl.errors import UnsafeModel
from automl.models._base import Fitted, Hyperparameters, Model
from automl.models._blocks import BLOCK_ROWS, check_width, map_blocks, read_integer, read_vector
from automl.models._early_stopping import HeldOutLosses
from automl.models._target import TargetCoding, read_target
from automl.models.constant import ConstantModel
from automl.models.network.outputs import mean_output
from automl.models.network.state import DAMAGED
from automl.models.network.training import Training, TrainingRows
from automl.state import State

# How far beyond the training targets a prediction may go, in multiples of their range.
_NETWORK_EXTRAPOLATION = 0.5
_MAX_CURVE_POINTS = 200


class AnyNetwork(Protocol):
    """A network that rows can be predicted with."""

    def prepare(self, X: Matrix) -> Matrix:
        """Return rows as the network takes them."""
        ...

    def scores(self, X: Matrix) -> Any:
        """Return scores of prepared rows, of shape (n_members, n_rows, n_scores)."""
        ...

    def copy(self, dtype: Any) -> AnyNetwork:
        """Return an independent network with equal numbers of a type."""
        ...

    @property
    def n_products(self) -> int:
        """Number of products of two numbers that a row takes in the layers, of all members."""
        ...


@dataclass(frozen=True)
class NetworkModel:
    """A network.

    Parameters
    ----------
    network : AnyNetwork
    features : int
        Number of columns of the input.
    bounds : ndarray of shape (2,), float64
        Lowest and highest prediction of a (scaled) number.
    target : TargetCoding
    """

    network: Any
    features: int
    bounds: Floats
    target: TargetCoding

    block_rows: ClassVar[int] = BLOCK_ROWS

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

        prepared = self.network.prepare(X)
        raw = map_blocks(predict_block, prepared, self.block_rows)
        return self.target.to_prediction(raw)

    @cached_property
    def _precise_network(self) -> AnyNetwork:
        precise: AnyNetwork = self.network.copy(np.float64)
        return precise

    def network_state(self) -> State:
        """Return the network's arrays."""
        state: State = self.network.to_state()
        return state

    def to_state(self) -> State:
        """Return the network's arrays and the other fields."""
        return {
            **self.network_state(),
            "features": self.features,
            "bounds": self.bounds,
            "target": self.target.to_state(),
        }


def _prediction_bounds(y: Floats) -> Floats:
    """Return the lowest and highest number to predict, given encoded targets."""
    low = y.min()
    high = y.max()
    margin = _NETWORK_EXTRAPOLATION * float(high - low)
    bounds = np.array([low - margin, high + margin])
    return bounds.astype(np.float64)


def restored_network(
    kind: type[NetworkModel],
    state: State,
    read: Callable[[State, int, int], Any],
) -> Model:
    """Return the model of a state, after checking its arrays against one another.

    Parameters
    ----------
    kind : type
    state : State
    read : callable
        Returns the network of a state, given its numbers of features and of scores.

    Raises
    ------
    UnsafeModel
        A part is missing, or parts don't fit together.
    """
    if "constant" in state:
        return ConstantModel.from_state(state)
    target = read_target(state)
    features = read_integer(state, "features")
    network = read(state, features, target.columns)
    return kind(network, features, _read_bounds(state), target)


def _read_bounds(state: State) -> Floats:
    """Return the bounds in a model's state, or raise `UnsafeModel`."""
    bounds = read_vector(state, "bounds", np.float64)
    if len(bounds) != 2:
        raise UnsafeModel(DAMAGED)
    return bounds


def fitted_network(
    kind: type[NetworkModel],
    training: Training[Any],
    rows: TrainingRows,
    resolved: Hyperparameters,
) -> Fitted:
    """Return the model of a training on encoded rows, with what the training says of it."""
    model = kind(
        network=training.best_network,
        features=rows.train.X.shape[1],
        bounds=_prediction_bounds(rows.train.y),
        target=rows.target,
    )
    unit = training.loss_unit
    losses = training.early_stopping.losses
    curve = [(epoch, loss * unit) for epoch, loss in _points(losses)]
    return Fitted(
        model=model,
        rounds=training.best_epoch,
        resolved=resolved,
        curve=tuple(curve),
        hit_deadline=training.stopped,
    )


def _points(losses: Sequence[HeldOutLosses]) -> list[tuple[int, float]]:
    """Return epochs and the losses that end a fit, at most as many as a curve may have."""
    points = [(epoch, loss) for epoch, (*_, loss) in enumerate(losses, start=1)]
    step = -(-len(points) // _MAX_CURVE_POINTS)
    return points[:: max(1, step)]
