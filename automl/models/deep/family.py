"""The part that families of torch networks share: rows, a training, and a model to restore."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from automl.models._base import (
    FitContext,
    Fitted,
    Hyperparameters,
    Model,
    PlainFamily,
    Sample,
)
from automl.models._losses import select_loss
from automl.models.network.model import NetworkModel, fitted_network, restored_network
from automl.models.network.training import PreparedRows, Training
from automl.state import State
from automl.task import Task

_LOADING_FACTOR = 2.0  # times as long as usual that loading torch may take
_LEAST_TIME_FACTOR = 3.0  # of the usual time of loading, so that something is learnt, too


class TorchFamily(PlainFamily):
    """A family whose networks torch trains and NumPy evaluates."""

    seeded = True
    bagged = True
    stops = True
    recipes = ("embedded", "onehot", "quantile")
    name: ClassVar[str]
    loading_seconds: ClassVar[float]
    model_type: ClassVar[type[NetworkModel]]

    @property
    def least_fit_seconds(self) -> float:
        """Seconds that a fit may always take, since the first of a worker loads torch."""
        return _LEAST_TIME_FACTOR * self.loading_seconds

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return a strong configuration to begin with."""
        raise NotImplementedError

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> PreparedRows:
        """Return the rows with encoded targets."""
        return PreparedRows.of(train, held, context)

    def fit(self, prepared: PreparedRows, params: Hyperparameters, context: FitContext) -> Fitted:
        """Train until the held-out loss no longer falls, or the epochs are over."""
        resolved = self.defaults(context.task) | dict(params)
        if prepared.is_constant(context):
            return Fitted(prepared.constant, context.rounds, resolved)
        if not self._has_time_to_load(context):
            return prepared.without_time(resolved)
        return self._train(prepared, resolved, context)

    def _has_time_to_load(self, context: FitContext) -> bool:
        """Return whether torch and the family's library are loaded, or can be in time."""
        module = f"automl.models.deep.{self.name}_wiring"
        if module in sys.modules or not context.budget.is_timed:
            return True
        return context.budget.remaining() > _LOADING_FACTOR * self.loading_seconds

    def _train(
        self, prepared: PreparedRows, resolved: Hyperparameters, context: FitContext
    ) -> Fitted:
        from automl.models.deep.torch_learner import TorchLearner, torch_settings
        from automl.models.deep.torch_losses import select_torch_loss

        encoded = prepared.rows
        target = encoded.target
        smoothing = float(resolved.get("smoothing", 0.0))
        with torch_settings(context) as device:
            inputs = self.fit_inputs(encoded.train)
            rows = encoded.prepare(inputs.prepare)
            n_rows = len(rows.train.y)
            wiring = self.wire(inputs, rows.train, resolved, target.columns, device)
            torch_loss = select_torch_loss(target, context, smoothing)
            learner: TorchLearner[Any]
            learner = TorchLearner(wiring, rows.train, torch_loss, self.pace(n_rows), device)
            loss = select_loss(target, context, smoothing)
            training = Training(learner, rows, loss, context)
            training.run()
        if not training.best_epoch:
            return prepared.without_time(resolved)
        return fitted_network(self.model_type, training, encoded, resolved)

    def fit_inputs(self, train: Sample) -> Any:
        """Return how rows enter the network, for encoded training rows."""
        raise NotImplementedError

    def pace(self, n_rows: int) -> Any:
        """Return how long a training of some rows is."""
        raise NotImplementedError

    def wire(
        self,
        inputs: Any,
        train: Sample,
        params: Hyperparameters,
        n_scores: int,
        device: str,
    ) -> Any:
        """Return the network in torch."""
        raise NotImplementedError

    def restore(self, state: State) -> Model:
        """Return the model of the arrays, after checking them against one another."""
        return restored_network(self.model_type, state, self.network_from_state)

    def network_from_state(self, state: State, features: int, outputs: int) -> Any:
        """Return the network of a state, or raise `UnsafeModel`."""
        raise NotImplementedError
