"""TabM in torch: the modules of tabm and rtdl_num_embeddings, in a training of our own."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from rtdl_num_embeddings import PiecewiseLinearEmbeddings
from tabm import TabM

from automl.arrays import Integers, Matrix
from automl.models._base import Hyperparameters, Sample
from automl.models.deep.categories import fit_categories
from automl.models.deep.tabm_network import Lines, TabMInputs, TabMNetwork
from automl.models.deep.torch_learner import to_array
from automl.models.network.layer import Layer
from automl.models.network.number_inputs import soft_clip

_PATIENCE_EPOCHS = 16
_LARGEST_GRADIENT = 1.0  # longer ones are shortened
_MAX_OWN_LEVELS = 64  # of a column; a one-hot vector of all members takes much memory
_SHARED_POSITIONS = 16  # of the rarer levels of a column of more
_MAX_BINNED_ROWS = 100_000  # that quantiles are taken of
_MIN_WIDTH = 1e-6  # of a piece


def fit_inputs(train: Sample) -> TabMInputs:
    """Return how rows enter the network, for encoded training rows."""
    levels = [feature.levels for feature in train.features]
    coded = [column for column, count in enumerate(levels) if count]
    squashed = soft_clip(train.X)
    hot = fit_categories(train.X, levels, coded, _MAX_OWN_LEVELS, _SHARED_POSITIONS)
    return TabMInputs(_varying(squashed, levels), hot)


def _varying(X: Matrix, levels: list[int]) -> Integers:
    """Return the columns of numbers that vary."""
    lowest = X.min(axis=0)
    highest = X.max(axis=0)
    varies = lowest < highest
    is_number = np.array(levels) == 0
    return np.flatnonzero(varies & is_number)


class TabMWiring:
    """A TabM, whose members see the same batches.

    Parameters
    ----------
    inputs : TabMInputs
    X : ndarray of shape (n_rows, n_columns), float32
        Prepared training rows.
    params : mapping
    n_scores : int
    device : str
    """

    n_batches = 1

    def __init__(
        self,
        inputs: TabMInputs,
        X: Matrix,
        params: Hyperparameters,
        n_scores: int,
        device: str,
    ) -> None:
        self._inputs = inputs
        self._members = int(params["members"])
        numbers, _ = inputs.split(X)
        sizes = list(inputs.hot.sizes)
        module = TabM.make(
            n_num_features=len(inputs.numbers),
            cat_cardinalities=sizes or None,
            d_out=n_scores,
            num_embeddings=_embeddings(numbers, params),
            start_scaling_init="normal",
            n_blocks=int(params["layers"]),
            d_block=int(params["width"]),
            dropout=float(params["dropout"]),
            k=self._members,
        )
        self.module = module.to(device)
        self.optimizer = torch.optim.AdamW(
            self.module.parameters(),
            lr=float(params["learning_rate"]),
            weight_decay=float(params["weight_decay"]),
        )
        self.optimizer.register_step_pre_hook(self._shorten_gradient)

    def _shorten_gradient(self, *_: Any) -> None:
        parameters = self.module.parameters()
        torch.nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT)

    def begin(self, X: Any) -> None:
        """Leave the module as it was drawn."""

    def scores(self, X: Any) -> Any:
        """Return scores of shape (n_members, n_rows, n_scores)."""
        numbers, positions = self._inputs.split(X[0])
        codes = positions.to(torch.int64)
        scores = self.module(
            _or_none(numbers),
            _or_none(codes),
        )
        return scores.transpose(0, 1)

    def follow_schedule(self, progress: float) -> None:
        """Leave the rates as they are: they stay."""

    def patience(self, improved_epoch: int) -> float:
        """Return the epochs without improvement after which a fit ends."""
        return _PATIENCE_EPOCHS

    def to_network(self) -> TabMNetwork:
        """Return the module's present parameters as a network of NumPy."""
        layers = []
        before = []
        after = []
        for block in self.module.backbone.blocks:
            linear = block[0]
            layers.append(_layer(linear.weight.T, linear.bias))
            before.append(to_array(linear.r))
            after.append(to_array(linear.s))
        output = self.module.output
        layers.append(_layer(output.weight, output.bias))
        return TabMNetwork(
            self._inputs,
            _lines(self.module.num_module),
            tuple(layers),
            tuple(before),
            tuple(after),
        )


def _layer(weights: Any, intercepts: Any) -> Layer:
    return Layer(
        to_array(weights),
        to_array(intercepts),
    )


def _or_none(values: Any) -> Any:
    """Return values; None if there are no columns."""
    n_columns = values.shape[1]
    return values if n_columns else None


def _embeddings(numbers: Matrix, params: Hyperparameters) -> Any:
    """Return the embedding of numbers, None if there are none."""
    if not numbers.shape[1]:
        return None
    n_pieces = int(params["pieces"])
    bins = [_edges(column, n_pieces) for column in numbers.T]
    size = int(params["vector"])
    with warnings.catch_warnings():  # of a column of two values: one piece suits it
        warnings.filterwarnings("ignore", ".*just two bin edges", UserWarning)
        return PiecewiseLinearEmbeddings(
            bins,
            size,
            activation=False,
            version="B",
        )


def _edges(column: Matrix, n_pieces: int) -> Any:
    """Return where a column's pieces begin and end: at quantiles, none too near to the next."""
    step = -(-len(column) // _MAX_BINNED_ROWS)
    affordable = max(1, len(column) - 1)
    n_pieces = min(n_pieces, affordable)
    ranks = np.linspace(0, 1, n_pieces + 1)
    quantiles = np.quantile(column[::step], ranks)
    edges = np.unique(quantiles.astype(np.float32))
    is_apart = np.diff(edges, prepend=-np.inf) > _MIN_WIDTH
    edges = edges[is_apart]
    if len(edges) < 2:
        low = column.min()
        least = low + np.float32(_MIN_WIDTH)
        high = max(column.max(), least)
        edges = np.array([low, high], np.float32)
    return torch.from_numpy(edges)


def _lines(embeddings: Any) -> Lines:
    """Return the arrays of the embedding of numbers."""
    if embeddings is None:
        nothing = np.zeros((0, 0), np.float32)
        none_mixed = np.zeros((0, 0, 0), np.float32)
        return Lines(nothing, nothing, nothing, nothing, none_mixed)
    return Lines(
        slopes=to_array(embeddings.impl.weight),
        starts=to_array(embeddings.impl.bias),
        linear=to_array(embeddings.linear0.weight),
        offsets=to_array(embeddings.linear0.bias),
        mixing=to_array(embeddings.linear.weight),
    )
