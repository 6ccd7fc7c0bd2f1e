"""The RealMLP family: a multilayer perceptron with strong defaults (Holzmüller et al. 2024).

Its module, preprocessing and schedules are pytabkit's; `automl.models.deep` trains it, because
pytabkit's training knows neither deadlines nor weights. It needs the extra `nn` to be trained, and
NumPy alone to predict.
"""

from __future__ import annotations

from typing import Any

from automl.models._base import Family, Hyperparameters, Sample
from automl.models.deep.family import TorchFamily
from automl.models.deep.realmlp_network import (
    RealMLPInputs,
    RealMLPNetwork,
    realmlp_from_state,
)
from automl.models.network.model import NetworkModel
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

_LOADING_SECONDS = 3.0  # of torch and pytabkit, at a worker's first fit
_EPOCHS = 256
_USUAL_EPOCHS = 100  # until early stopping ends a fit
_BATCH_ROWS = 256


class RealMLPModel(NetworkModel):
    """RealMLPs whose mean predicts."""

    # A row takes 0.65 of the time that it takes in blocks of 32, and many rows 1.3 times the time.
    block_rows = 16


class RealMLPFamily(TorchFamily):
    """RealMLPs; several members are trained as one batch."""

    name = "realmlp"
    about = (
        "neural network: RealMLP, a perceptron with robust scaling, periodic embeddings and "
        "learning rates that swing (needs the extra nn)"
    )
    loading_seconds = _LOADING_SECONDS
    model_type = RealMLPModel

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges of size, speed, regularisation and embeddings."""
        space: dict[str, Any] = {
            "width": Int(64, 512, log=True),
            "layers": Int(1, 4),
            "members": Choice((1, 2, 4)),
            "activation": Choice(("selu", "mish")),
            "learning_rate": Float(1e-2, 0.3, log=True),
            "weight_decay": Float(1e-3, 0.1, log=True),
            "dropout": Float(0.0, 0.5),
            "frequency": Float(0.02, 5.0, log=True),
        }
        if codes:
            space["vector"] = Int(4, 16, log=True)
        if not task.is_regression:
            space["smoothing"] = Choice((0.0, 0.1))
        return space

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return RealMLP-TD's values, without the smoothing of labels, which spoils log losses."""
        return {
            "width": 256,
            "layers": 3,
            "members": 1,
            "activation": "mish" if task.is_regression else "selu",
            "learning_rate": 0.2 if task.is_regression else 0.04,
            "weight_decay": 0.02,
            "dropout": 0.15,
            "frequency": 0.1,
            "vector": 8,
            "smoothing": 0.0,
        }

    def fit_inputs(self, train: Sample) -> RealMLPInputs:
        """Return how rows enter the network, for encoded training rows."""
        from automl.models.deep import realmlp_wiring

        return realmlp_wiring.fit_inputs(train)

    def pace(self, n_rows: int) -> Any:
        """Return how long a training of some rows is."""
        from automl.models.deep.torch_learner import Pace

        return Pace(_EPOCHS, _BATCH_ROWS)

    def wire(
        self,
        inputs: Any,
        train: Sample,
        params: Hyperparameters,
        n_scores: int,
        device: str,
    ) -> Any:
        """Return the network in torch."""
        from automl.models.deep.realmlp_wiring import RealMLPWiring

        return RealMLPWiring(inputs, train.X, params, n_scores, device)

    def network_from_state(self, state: State, features: int, outputs: int) -> RealMLPNetwork:
        """Return the network of a state, or raise `UnsafeModel`."""
        return realmlp_from_state(state, features, outputs)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return seconds; measured: 7 ms for a step of 256 rows and 8 or 19 columns."""
        steps = _USUAL_EPOCHS * max(1.0, rows / _BATCH_ROWS)
        inputs = 5 * features + 512 + outputs
        products = min(rows, _BATCH_ROWS) * 256 * inputs
        step_seconds = 2e-3 + 6 * products / 4.5e10
        return _LOADING_SECONDS + steps * step_seconds


FAMILIES: tuple[Family, ...] = (RealMLPFamily(),)
