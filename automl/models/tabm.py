"""The TabM family: many perceptrons that share weights (Gorishniy et al. 2025).

Its modules are those of the packages tabm and rtdl_num_embeddings; `automl.models.deep` trains
them. It needs the extra `nn` to be trained, and NumPy alone to predict.
"""

from __future__ import annotations

from typing import Any

from automl.models._base import Family, Hyperparameters, Sample
from automl.models.deep.family import TorchFamily
from automl.models.deep.tabm_network import TabMInputs, TabMNetwork, tabm_from_state
from automl.models.network.model import NetworkModel
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

_LOADING_SECONDS = 2.0  # of torch and tabm, at a worker's first fit
_EPOCHS = 100
_USUAL_EPOCHS = 45  # until early stopping ends a fit
_ROWS_OF_A_STEP = {
    2_800: 32,
    4_500: 64,
    6_400: 128,
    32_000: 256,
    108_000: 512,
}
_MAX_BATCH_ROWS = 1024  # where there are more rows


class TabMModel(NetworkModel):
    """A TabM, whose members' mean predicts."""

    # Its members make products of 32 times as many rows. A row takes a sixth of the time that it
    # takes in blocks of 32, and many rows 1.1 to 1.3 times the time.
    block_rows = 4


class TabMFamily(TorchFamily):
    """TabMs."""

    name = "tabm"
    about = (
        "neural network: TabM, an ensemble of perceptrons that share weights, with piecewise "
        "linear embeddings (needs the extra nn)"
    )
    loading_seconds = _LOADING_SECONDS
    model_type = TabMModel

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges of size, speed, regularisation and embeddings."""
        return {
            "width": Int(64, 512, log=True),
            "layers": Int(1, 4),
            "members": Choice((8, 16, 32)),
            "learning_rate": Float(3e-4, 5e-3, log=True),
            "weight_decay": Float(1e-5, 0.1, log=True),
            "dropout": Float(0.0, 0.5),
            "pieces": Int(4, 64, log=True),
            "vector": Int(8, 32, log=True),
        }

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return TabM's values, but half its width and half its members."""
        return {
            "width": 256,
            "layers": 2,
            "members": 16,
            "learning_rate": 2e-3,
            "weight_decay": 3e-4,
            "dropout": 0.1,
            "pieces": 48,
            "vector": 16,
        }

    def fit_inputs(self, train: Sample) -> TabMInputs:
        """Return how rows enter the network, for encoded training rows."""
        from automl.models.deep import tabm_wiring

        return tabm_wiring.fit_inputs(train)

    def pace(self, n_rows: int) -> Any:
        """Return how long a training of some rows is."""
        from automl.models.deep.torch_learner import Pace

        return Pace(_EPOCHS, _batch_rows(n_rows))

    def wire(
        self,
        inputs: Any,
        train: Sample,
        params: Hyperparameters,
        n_scores: int,
        device: str,
    ) -> Any:
        """Return the network in torch."""
        from automl.models.deep.tabm_wiring import TabMWiring

        return TabMWiring(inputs, train.X, params, n_scores, device)

    def network_from_state(self, state: State, features: int, outputs: int) -> TabMNetwork:
        """Return the network of a state, or raise `UnsafeModel`."""
        return tabm_from_state(state, features, outputs)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return seconds; measured: 0.22 ms for a row of 8 columns, 0.24 ms for one of 19."""
        inputs = 16 * features + 256 + outputs
        products = 16 * 256 * inputs
        row_seconds = 6 * products / 6e10
        steps = max(1.0, rows / _batch_rows(rows))
        epoch_seconds = rows * row_seconds + steps * 2e-3
        return _LOADING_SECONDS + _USUAL_EPOCHS * epoch_seconds


def _batch_rows(n_rows: int) -> int:
    """Return the number of rows of a step, by the choices of its paper."""
    for most, rows in _ROWS_OF_A_STEP.items():
        if n_rows < most:
            return rows
    return _MAX_BATCH_ROWS


FAMILIES: tuple[Family, ...] = (TabMFamily(),)
