"""The multilayer perceptron family: a small network over scaled numbers.

It is strong where targets are smooth, and makes other mistakes than trees do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from automl.models._base import (
    Family,
    FitContext,
    Fitted,
    Hyperparameters,
    Model,
    PlainFamily,
    Sample,
)
from automl.models._losses import select_loss
from automl.models.network.descent import (
    MAX_BATCH_ROWS,
    MIN_BATCH_ROWS,
    TARGET_STEPS,
    USUAL_MAX_BATCH_ROWS,
)
from automl.models.network.model import NetworkModel, fitted_network, restored_network
from automl.models.network.perceptron import PerceptronLearner, initial_perceptron
from automl.models.network.state import network_from_state, network_to_state
from automl.models.network.training import PreparedRows, Training
from automl.space import Choice, Float, Int, Space, When
from automl.state import State
from automl.task import Task


class MLPModel(NetworkModel):
    """A perceptron."""

    # A row takes 0.6 of the time that it takes in blocks of 32, and many rows 1.2 times the time.
    block_rows = 16

    def network_state(self) -> State:
        """Return the network's arrays."""
        return network_to_state(self.network)


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
        has_several_layers = When("layers", (2, 3, 4))
        has_waves = When("waves", (16,))
        space: dict[str, Any] = {
            "width": Int(32, 256, log=True),
            "layers": Int(1, 4),
            "taper": Choice((1.0, 0.5), when=has_several_layers),
            "block": Choice(("plain", "residual", "gated")),
            "activation": Choice(("silu", "relu", "selu")),
            "normalised": Choice((False, True)),
            "members": Choice((1, 2, 4)),
            "learning_rate": Float(2e-3, 3e-2, log=True),
            "weight_decay": Float(1e-2, 2.0, log=True),
            "dropout": Float(0.0, 0.5),
            "waves": Choice((0, 16)),
            "frequency": Float(0.02, 0.5, log=True, when=has_waves),
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
            "taper": 1.0,
            "layers": 3,
            "block": "plain",
            "activation": "silu",
            "normalised": False,
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
        self,
        train: Sample,
        held: Sample | None,
        params: Hyperparameters,
        context: FitContext,
    ) -> PreparedRows:
        """Return the rows with encoded targets."""
        return PreparedRows.of(train, held, context)

    def fit(self, prepared: PreparedRows, params: Hyperparameters, context: FitContext) -> Fitted:
        """Descend until the held-out loss no longer falls, or the epochs are over."""
        resolved = self.defaults(context.task) | dict(params)
        if prepared.is_constant(context):
            return Fitted(prepared.constant, context.rounds, resolved)
        encoded = prepared.rows
        target = encoded.target
        rng = np.random.default_rng(context.seed)
        network = initial_perceptron(encoded.train, target, resolved, rng)
        rows = encoded.prepare(network.prepare)
        loss = select_loss(target, context, float(resolved["smoothing"]))
        learner = PerceptronLearner(network, rows.train, loss, resolved, rng)
        training = Training(learner, rows, loss, context)
        if context.progress is not None:
            best_network = learner.go_on(context.progress)
            training.go_on(context.progress["losses"], best_network)
        training.run()
        if not training.best_epoch:
            return prepared.without_time(resolved)
        fitted = fitted_network(MLPModel, training, encoded, resolved)
        goes_on = context.resumable and training.is_judged
        if not goes_on or training.stopped:
            return fitted
        progress = learner.progress(training.best_network)
        losses = [list(each) for each in training.early_stopping.losses]
        return replace(fitted, progress={**progress, "losses": losses})

    def restore(self, state: State) -> Model:
        """Return the model of the arrays, after checking them against one another."""
        return restored_network(MLPModel, state, network_from_state)

    def cost(
        self,
        rows: int,
        features: int,
        outputs: int,
        models: int = 1,
    ) -> float:
        """Return seconds; measured: 2.5 ms for a step of 10 columns, 4 ms for one of 40."""
        usual_steps = min(TARGET_STEPS, 25 * rows)
        steps = max(usual_steps, 8 * rows / MAX_BATCH_ROWS)
        batch_rows = max(MIN_BATCH_ROWS, rows // 16)
        batch_rows = min(batch_rows, USUAL_MAX_BATCH_ROWS)
        inputs = 5 * features + 256 + outputs
        step_seconds = 7e-4 + batch_rows * 128 * inputs * 6 / 2.2e10
        return 0.05 + float(steps * step_seconds)


FAMILIES: tuple[Family, ...] = (MLP(),)
