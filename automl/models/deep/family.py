"""The part that families of torch networks share: rows, a training, and a model to restore."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from automl.models._base import (
    FitContext,
    Fitted,
    Hyperparameters,
    Model,
    PlainFamily,
    Sample,
)
from automl.models._blocks import read_integer
from automl.models._losses import select_loss
from automl.models._rows import encode_rows
from automl.models._target import read_target
from automl.models.constant import ConstantModel
from automl.models.network.model import (
    NetworkModel,
    fitted_network,
    prediction_bounds,
    read_bounds,
)
from automl.models.network.training import Training, TrainingRows
from automl.state import State
from automl.task import Task


@dataclass(frozen=True)
class PreparedRows:
    """Rows to train on and to stop by, and the constant if nothing can be learnt."""

    rows: TrainingRows
    fallback: ConstantModel | None


class TorchFamily(PlainFamily):
    """A family whose networks torch trains and NumPy evaluates."""

    seeded = True
    bagged = True
    stops = True
    recipes = ("embedded", "quantile", "onehot")
    model_type: ClassVar[type[NetworkModel]]

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return a strong configuration to begin with."""
        raise NotImplementedError

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> PreparedRows:
        """Return the rows with encoded targets."""
        encoded = encode_rows(train, context)
        rows = TrainingRows(encoded.sample, None, encoded.target)
        if held is not None:
            held = encoded.target.encode(held)
            if len(held.y):
                rows = replace(rows, held=held)
        return PreparedRows(rows, encoded.fallback)

    def fit(self, prepared: PreparedRows, params: Hyperparameters, context: FitContext) -> Fitted:
        """Train until the held-out loss no longer falls, or the epochs are over."""
        from automl.models.deep.torch_learner import TorchLearner, torch_settings
        from automl.models.deep.torch_losses import select_torch_loss

        resolved = self.defaults(context.task) | dict(params)
        if prepared.fallback is not None:
            return Fitted(prepared.fallback, None, resolved)
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
        model = self.model_type(
            network=training.best_network,
            features=encoded.train.X.shape[1],
            bounds=prediction_bounds(encoded.train.y),
            target=target,
        )
        return fitted_network(model, training, resolved)

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
        if "constant" in state:
            return ConstantModel.from_state(state)
        target = read_target(state)
        features = read_integer(state, "features")
        network = self.network_from_state(state, features, target.columns)
        return self.model_type(network, features, read_bounds(state), target)

    def network_from_state(self, state: State, features: int, outputs: int) -> Any:
        """Return the network of a state, or raise `UnsafeModel`."""
        raise NotImplementedError
