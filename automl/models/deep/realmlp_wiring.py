"""RealMLP in torch: pytabkit's module, preprocessing and schedules, in a training of our own.

pytabkit's own training knows no deadline and no weights of rows. Where it drops the rows that fill
no batch, ours completes the batch; two classes have one score instead of two.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch

from automl.arrays import Matrix
from automl.models._base import Hyperparameters, Sample
from automl.models.deep.categories import fit_categories
from automl.models.deep.realmlp_network import RealMLPInputs, RealMLPNetwork
from automl.models.deep.torch_learner import to_array
from automl.models.network.layer import Layer
from automl.models.network.vectors import MAX_OWN_LEVELS

with warnings.catch_warnings():  # it uses a part of torch that is deprecated
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from pytabkit.models.realmlp.model import RealMLP, RealMLPConfig
    from pytabkit.models.realmlp.train import SCHEDULES, compute_input_stats

_MAX_HOT_LEVELS = 8
_SHARED_POSITIONS = 256  # of the rarer levels of a column of many
_MIN_PATIENCE_EPOCHS = 20
_PATIENCE_SHARE = 1.0  # of the last epoch that improved
_FULL_TURN = 2 * np.pi
_SCHEDULED = ("lr_sched", "wd_sched", "p_drop_sched")


def fit_inputs(train: Sample) -> RealMLPInputs:
    """Return how rows enter the network, for encoded training rows."""
    levels = [feature.levels for feature in train.features]
    numbers: list[int] = []
    few: list[int] = []
    many: list[int] = []
    for column, count in enumerate(levels):
        if not count:
            numbers.append(column)
        elif count <= _MAX_HOT_LEVELS:
            few.append(column)
        else:
            many.append(column)
    sizes = (MAX_OWN_LEVELS, _SHARED_POSITIONS)
    return RealMLPInputs(
        np.array(numbers, np.int64),
        fit_categories(train.X, levels, few, *sizes),
        fit_categories(train.X, levels, many, *sizes),
        _zeros(0),
        _zeros(0),
    )


def _zeros(*shape: int) -> Matrix:
    return np.zeros(shape, np.float32)


class RealMLPWiring:
    """RealMLPs of equal shapes that are trained together, each on batches of its own.

    Parameters
    ----------
    inputs : RealMLPInputs
    X : ndarray of shape (n_rows, n_columns), float32
        Prepared training rows.
    params : mapping
    n_scores : int
    device : str
    """

    def __init__(
        self,
        inputs: RealMLPInputs,
        X: Matrix,
        params: Hyperparameters,
        n_scores: int,
        device: str,
    ) -> None:
        self._inputs = inputs
        self._config = _config(params)
        self.n_batches = int(params["members"])
        sizes = [*inputs.hot.sizes, *inputs.embedded.sizes]
        module = RealMLP(
            len(inputs.numbers),
            sizes,
            n_scores,
            self.n_batches,
            self._config,
            is_classification=True,  # targets are scaled already
        )
        self.module = module.to(device)
        self._scale_inputs(X, device)
        self.optimizer = _optimizer(self.module, self._config)
        self._schedules = []
        for name in _SCHEDULED:
            schedule = getattr(self._config, name)
            self._schedules.append(SCHEDULES[schedule])

    def _scale_inputs(self, X: Matrix, device: str) -> None:
        rows = torch.from_numpy(X).to(device)
        numbers, positions = self._inputs.split(rows)
        features = self.module.input_features(numbers, positions.to(torch.int64))
        every_row = torch.arange(len(X))
        medians, factors = compute_input_stats(features, every_row[None])
        self.module.x_median.copy_(medians)
        self.module.x_scale.copy_(factors)

    def begin(self, X: Any) -> None:
        """Draw weights for which each unit varies as much as the others on the first rows."""
        self.follow_schedule(0.0)
        numbers, positions = self._inputs.split(X)
        self.module(
            numbers,
            positions.to(torch.int64),
            init=True,
        )

    def scores(self, X: Any) -> Any:
        """Return scores of shape (n_members, n_rows, n_scores)."""
        numbers, positions = self._inputs.split(X)
        return self.module(numbers, positions.to(torch.int64))

    def follow_schedule(self, progress: float) -> None:
        """Set the learning rate, the weight decay and the dropout of the next step."""
        rate, decay, dropout = [schedule(progress) for schedule in self._schedules]
        for group in self.optimizer.param_groups:
            group["lr"] = self._config.lr * rate * group["lr_factor"]
            group["weight_decay"] = self._config.wd * decay * group["wd_factor"]
        self.module.set_p_drop(self._config.p_drop * dropout)

    def patience(self, improved_epoch: int) -> float:
        """Return the epochs without improvement after which a fit ends.

        The learning rate rises and falls in ever longer swings, at whose ends the loss is low.
        """
        return _MIN_PATIENCE_EPOCHS + _PATIENCE_SHARE * improved_epoch

    def to_network(self) -> RealMLPNetwork:
        """Return the module's present parameters as a network of NumPy."""
        parts = list(self.module.mlp)
        scale, *others = parts
        layers, shares = _layers(others)
        return RealMLPNetwork(
            inputs=self._present_inputs(),
            **self._embeddings(),
            table=to_array(self.module.cat_emb),
            scales=to_array(scale.scale[:, 0]),
            layers=tuple(layers),
            shares=tuple(shares),
            activation=self._config.act,
        )

    def _present_inputs(self) -> RealMLPInputs:
        inputs = self._inputs
        return RealMLPInputs(
            inputs.numbers,
            inputs.hot,
            inputs.embedded,
            to_array(self.module.x_median[0, 0]),
            to_array(self.module.x_scale[0, 0]),
        )

    def _embeddings(self) -> dict[str, Any]:
        """Return frequencies and phases, and how the cosines are mixed."""
        module = self.module
        if not module.use_pbld:  # there are no numbers
            members = self.n_batches
            cosines = self._config.plr_hidden_1
            return {
                "turns": _zeros(members, 2, 0, cosines),
                "mixing": _zeros(members, 0, cosines, 0),
                "offsets": _zeros(members, 0, 0),
            }
        frequencies = _FULL_TURN * module.plr_weight_1[:, :, 0]
        phases = module.plr_bias_1[:, :, 0]
        turns = torch.stack([frequencies, phases], dim=1)
        return {
            "turns": to_array(turns),
            "mixing": to_array(module.plr_weight_2),
            "offsets": to_array(module.plr_bias_2[:, :, 0]),
        }


def _config(params: Hyperparameters) -> Any:
    """Return pytabkit's configuration; what is not named here has its default."""
    return RealMLPConfig(
        n_hidden_layers=int(params["layers"]),
        hidden_width=int(params["width"]),
        act=str(params["activation"]),
        plr_sigma=float(params["frequency"]),
        embedding_size=int(params["vector"]),
        p_drop=float(params["dropout"]),
        wd=float(params["weight_decay"]),
        lr=float(params["learning_rate"]),
        max_one_hot_cat_size=_MAX_HOT_LEVELS + 1,
    )


def _optimizer(module: Any, config: Any) -> Any:
    """Return AdamW with a group of parameters for each pair of factors of rate and decay."""
    groups: dict[tuple[float, float], list[Any]] = {}
    for parameter in module.parameters():
        factors = (parameter.lr_factor, parameter.wd_factor)
        groups.setdefault(factors, []).append(parameter)
    described = []
    for (rate, decay), parameters in groups.items():
        group = {
            "params": parameters,
            "lr_factor": rate,
            "wd_factor": decay,
        }
        described.append(group)
    return torch.optim.AdamW(
        described,
        betas=(config.mom, config.sq_mom),
    )


def _layers(parts: list[Any]) -> tuple[list[Layer], list[Matrix]]:
    """Return the layers and the activations' shares of a sequence of pytabkit's modules."""
    layers = []
    shares = []
    weights: Any = None
    for part in parts:
        kind = type(part).__name__
        if kind == "Weight":
            n_inputs = part.weight.shape[-2]
            weights = to_array(part.weight / math.sqrt(n_inputs))
        elif kind == "Bias":
            intercepts = to_array(part.bias[:, 0])
            layers.append(Layer(weights, intercepts))
        elif kind == "Activation":
            shares.append(to_array(part.weight[:, 0]))
    return layers, shares
