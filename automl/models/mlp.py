"""The multilayer perceptron: a small network over scaled numbers, strong where targets are smooth, and unlike trees in its mistakes."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from automl.errors import UnsafeModel
from automl.models._base import Fitted, Floats, How, Matrix, Model, Sample
from automl.models._blocks import array_of, by_blocks, check_width, filled, part_of, whole_of
from automl.models._losses import Loss, loss_of, sigmoid, softmax
from automl.models._network import BATCH, STEPS, Descent, Network, started
from automl.models._target import Target
from automl.models.constant import ConstantModel, nothing_to_learn
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

_BOUND = 3.0  # standard deviations that an input stays within
_REACH = 0.5  # how far beyond the training targets a prediction may go, in their ranges
_PATIENCE = 0.35  # of the epochs without a lower held-out loss, after which a fit ends
_SOME = 4096  # rows scored at once: the hidden values of many rows fill the memory
_MOST_LAYERS = 20


@dataclass(frozen=True)
class MLPModel:
    """A network, the bounds of a predicted number, and the target's coding."""

    network: Network
    features: int
    bounds: Floats
    target: Target

    def predict(self, X: Matrix) -> Floats:
        """Products in blocks; a missing value counts as 0.

        In double precision: single products give a row other last bits at another place in its block (measured on 110 of 210 shapes,
        double ones on none).
        """
        check_width(X, self.features)
        network = self.network.copy(np.float64)
        answers = by_blocks(
            lambda block: self._answer(network.scores(block.astype(np.float64))), bent(X)
        )
        return self.target.spread(answers if answers.shape[1] > 1 else answers[:, 0])

    def _answer(self, scores: Matrix) -> Floats:
        if not self.target.total:
            return np.clip(scores, self.bounds[0], self.bounds[1])
        found: Floats = sigmoid(scores) if scores.shape[1] == 1 else softmax(scores)
        return found

    def to_state(self) -> State:
        """The numbers."""
        network, layers = self.network, len(self.network.weights)
        arrays = {f"weights{place}": network.weights[place] for place in range(layers)}
        arrays |= {f"intercepts{place}": network.intercepts[place] for place in range(layers)}
        facts = {
            "layers": layers,
            "features": self.features,
            "bounds": self.bounds,
            "target": self.target.to_state(),
        }
        return {**arrays, "places": network.places, "waves": network.waves, **facts}


@dataclass(frozen=True)
class Rows:
    """What a network is trained on and stops by: coded rows without missing values, or the answer where nothing can be learnt."""

    train: Sample
    held: Sample | None
    target: Target
    settled: ConstantModel | None


class MLP:
    """Multilayer perceptrons."""

    name = "mlp"
    about = "neural network: a multilayer perceptron on scaled numbers, their waves, and target-encoded categories"
    seeded = True
    bagged = True
    stops = True
    recipes = ("scaled_target", "onehot", "quantile")

    def space(self, task: Task, codes: bool = True) -> Space:
        """Size, speed, what holds it back from learning by heart, and waves."""
        return {
            "width": Int(32, 256, log=True),
            "layers": Int(1, 4),
            "learning_rate": Float(1e-3, 2e-2, log=True),
            "weight_decay": Float(1e-2, 2.0, log=True),
            "dropout": Float(0.0, 0.5),
            "waves": Choice((0, 4, 8)),
            "frequency": Float(0.02, 0.5, log=True),
        }

    def defaults(self, task: Task) -> dict[str, Any]:
        """Small and quick, with waves; held back more where classes are to be told apart: there it soon learns by heart."""
        held_back = (
            {"weight_decay": 0.03, "dropout": 0.1}
            if task.is_regression
            else {"weight_decay": 0.5, "dropout": 0.2}
        )
        return {
            "width": 128,
            "layers": 3,
            "learning_rate": 5e-3,
            **held_back,
            "waves": 4,
            "frequency": 0.05,
        }

    def implied(self, task: Task) -> dict[str, Any]:
        """Nothing: the defaults name all."""
        return {}

    def binning(self, params: Mapping[str, Any]) -> Hashable:
        """One preparation for all."""
        return ()

    def prepare(
        self, train: Sample, held: Sample | None, params: Mapping[str, Any], how: How
    ) -> Rows:
        """The rows, coded and filled."""
        target = Target.of(train, how)
        rows = target.code(train)
        settled = nothing_to_learn(train, rows, target, how)
        kept = None if held is None else target.code(held)
        return Rows(
            _plain(rows), None if kept is None or not len(kept.y) else _plain(kept), target, settled
        )

    def fit(self, prepared: Rows, params: Mapping[str, Any], how: How) -> Fitted:
        """Descend until the held-out loss no longer falls, or the epochs are over."""
        asked = self.defaults(how.task) | dict(params)
        if prepared.settled is not None:
            return Fitted(prepared.settled, None, asked)
        training = _Training(prepared, asked, how)
        training.run()
        y = prepared.train.y
        reach = _REACH * float(y.max() - y.min())
        bounds = np.array([y.min() - reach, y.max() + reach])
        model = MLPModel(
            training.kept, prepared.train.X.shape[1], bounds.astype(np.float64), prepared.target
        )
        unit = prepared.target.scale**2 if not prepared.target.total else 1.0
        curve = tuple((epoch, loss * unit) for epoch, loss in training.losses)
        return Fitted(model, training.best, asked, curve, training.stopped)

    def restore(self, state: State) -> Model:
        """The numbers, checked against one another."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        target = Target.from_state(part_of(state, "target"))
        layers, features = whole_of(state, "layers", 1), whole_of(state, "features")
        if layers > _MOST_LAYERS:
            raise UnsafeModel(f"the model file's network has {layers} layers")
        weights = tuple(
            array_of(state, f"weights{place}", np.float32, 2) for place in range(layers)
        )
        intercepts = tuple(
            array_of(state, f"intercepts{place}", np.float32, 1) for place in range(layers)
        )
        network = Network(
            array_of(state, "places", np.int64, 1),
            array_of(state, "waves", np.float32, 3),
            weights,
            intercepts,
        )
        bounds = array_of(state, "bounds", np.float64, 1)
        if not _fits_together(network, features, target.columns) or len(bounds) != 2:
            raise UnsafeModel("the model file's network has arrays that do not fit together")
        return MLPModel(network, features, bounds, target)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Measured: 1.4 s for 2 000 x 8, 2 s for 20 000 x 15."""
        least, middle, most = BATCH
        steps, batch = (
            max(min(STEPS, 25 * rows), 8 * rows / most),
            min(middle, max(least, rows // 16)),
        )
        return 0.05 + float(
            steps * (4e-4 + batch * 128 * (1.5 * features + 128 + outputs) * 6 / 2e10)
        )


def bent(X: Matrix) -> Matrix:
    """Inputs with nothing missing, bent so that what lies far out stays within three deviations (as in RealMLP).

    >>> bent(np.array([[0.0, 0.3, 3.0, 1e9, np.nan]], np.float32)).round(2).tolist()
    [[0.0, 0.30000001192092896, 2.119999885559082, 3.0, 0.0]]
    """
    whole = filled(X)
    bound: Matrix = whole / np.sqrt(1 + np.square(whole / np.float32(_BOUND)))
    return bound


def _plain(sample: Sample) -> Sample:
    """Single precision, nothing missing, and a weight for every row."""
    weight = np.ones(len(sample.y)) if sample.weight is None else sample.weight
    return Sample(
        bent(sample.X), sample.features, sample.y.astype(np.float32), weight.astype(np.float32)
    )


def _fits_together(network: Network, features: int, outputs: int) -> bool:
    """Whether each layer takes what the one before gives, and the columns that are turned into waves are there."""
    pair, waved, count = network.waves.shape
    widths = [features + waved * count, *(len(array) for array in network.intercepts)]
    chained = [array.shape for array in network.weights] == list(pairwise(widths)) and widths[
        -1
    ] == outputs
    return (
        chained
        and pair == 2
        and waved == len(network.places)
        and bool(np.isin(network.places, np.arange(features)).all())
    )


class _Training:
    """Epoch after epoch; keeps the network whose held-out loss was lowest, or the last one."""

    def __init__(self, rows: Rows, asked: Mapping[str, Any], how: How) -> None:
        rng = np.random.default_rng(how.seed)
        sizes = (int(asked["width"]),) * int(asked["layers"]) + (rows.target.columns,)
        network = started(rows.train.X, sizes, int(asked["waves"]), float(asked["frequency"]), rng)
        network.intercepts[-1][:] = _first_guess(rows)
        self.loss: Loss = loss_of(rows.target, how)
        rate, decay, dropout = (
            float(asked[name]) for name in ("learning_rate", "weight_decay", "dropout")
        )
        self.descent = Descent(network, self.loss, rng, len(rows.train.y), rate, decay, dropout)
        self.rows = rows
        self.budget = how.keeping(0.05).budget
        self.limit = min(how.rounds or self.descent.epochs, self.descent.epochs)
        self.stopping = how.rounds is None and rows.held is not None
        self.kept, self.best, self.stopped = network, 0, False
        self.losses: list[tuple[int, float]] = []
        if self.stopping and self.budget.timed:
            self.budget = how.budget.keeping(max(0.05 * how.budget.remaining(), self._predicting()))

    def run(self) -> None:
        """Train."""
        least = np.inf
        for epoch in range(1, max(1, self.limit) + 1):
            self._epoch()
            if self.stopped and self.best:
                return
            if not self.stopping:
                self.best = epoch
                if self.stopped:
                    return
                if self.budget.timed:  # it may end within the next epoch
                    self.kept = self.descent.network.copy()
                continue
            loss = self._held_loss()
            self.losses.append((epoch, loss))
            if loss < least or not self.best:
                least, self.best, self.kept = loss, epoch, self.descent.network.copy()
            if self.stopped or epoch - self.best > max(12, _PATIENCE * self.descent.epochs):
                return

    def _epoch(self) -> None:
        train = self.rows.train
        for _ in self.descent.epoch(train.X, train.y, train.weight):  # type: ignore[arg-type]
            if self.budget.timed and self.budget.remaining() <= 0:
                self.stopped = True
                return

    def _held_loss(self) -> float:
        held = self.rows.held
        assert held is not None
        assert held.weight is not None
        total = sum(self._loss_of(start) for start in range(0, len(held.y), _SOME))
        return total / float(held.weight.sum())

    def _loss_of(self, start: int) -> float:
        """The loss of some held-out rows from a place on."""
        held, part = self.rows.held, slice(start, start + _SOME)
        assert held is not None
        assert held.weight is not None
        return float(
            self.loss(self.descent.network.scores(held.X[part]), held.y[part], held.weight[part])[0]
        )

    def _predicting(self) -> float:
        """Seconds to keep for the last held-out loss and for predicting these rows, which takes twice as long, by some of them."""
        assert self.rows.held is not None
        before = self.budget.remaining()
        self._loss_of(0)
        return 3 * (before - self.budget.remaining()) * math.ceil(len(self.rows.held.y) / _SOME)


def _first_guess(rows: Rows) -> Any:
    """Scores to begin with: the classes' shares, or the mean."""
    if not rows.target.total:
        return np.average(rows.train.y, weights=rows.train.weight)
    shares = np.bincount(
        rows.train.y.astype(np.int64), weights=rows.train.weight, minlength=rows.target.outputs
    )
    logs = np.log(np.maximum(shares / shares.sum(), 1e-6))
    return logs if rows.target.columns > 1 else logs[1] - logs[0]
