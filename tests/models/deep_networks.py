"""Small networks of fixed numbers, as a training would have left them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from automl.models._target import TargetCoding
from automl.models.deep.categories import Categories
from automl.models.deep.realmlp_network import RealMLPInputs, RealMLPNetwork
from automl.models.deep.tabm_network import Lines, TabMInputs, TabMNetwork
from automl.models.mlp import MLPModel
from automl.models.network.input_layer import InputSizes, initial_input_layer
from automl.models.network.layer import Layer
from automl.models.network.model import NetworkModel
from automl.models.network.network import Architecture, initial_network
from automl.models.realmlp import RealMLPModel
from automl.models.tabm import TabMModel

FEATURES = 6
BOUNDS = np.array([-4.0, 4.0])
TARGETS = {
    "binary": TargetCoding(2, (0, 1)),
    "multiclass": TargetCoding(4, (0, 1, 3)),
    "regression": TargetCoding(0, (), 10.0, 2.0),
}


def hide_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let none of the extra's libraries be found."""
    for name in ("torch", "pytabkit", "tabm", "rtdl_num_embeddings"):
        monkeypatch.setitem(sys.modules, name, None)


def numbers(*shape: int) -> Any:
    """Return fixed numbers that look random."""
    count = int(np.prod(shape))
    waves = np.sin(np.arange(count) * 12.9898 + count) * 43758.5453
    return (waves % 1.0 - 0.5).astype(np.float32).reshape(shape)


def categories(*levels: tuple[int, int]) -> Categories:
    """Return categories of columns with a number of levels each."""
    columns = np.array([column for column, _ in levels], np.int64)
    positions = [np.arange(1, count + 1) for _, count in levels]
    return Categories(columns, tuple(positions))


def layers(members: int, *sizes: int, shared: bool = False) -> tuple[Layer, ...]:
    made = []
    last = len(sizes) - 2
    for index in range(len(sizes) - 1):
        shape = (sizes[index], sizes[index + 1])
        weights = numbers(*shape) if shared and index < last else numbers(members, *shape)
        made.append(Layer(weights, numbers(members, sizes[index + 1])))
    return tuple(made)


def realmlp(kind: str) -> RealMLPModel:
    """Two members over two numbers, categories of 2 and 4 levels, and two of many."""
    inputs = RealMLPInputs(
        np.array([0, 3]),
        categories((1, 2), (2, 4)),
        categories((4, 9), (5, 11)),
        numbers(7),
        np.ones(7, np.float32) + numbers(7),
    )
    target = TARGETS[kind]
    width = 2 * 3 + 7 + 2 * 2
    network = RealMLPNetwork(
        inputs,
        4 * numbers(2, 2, 2, 4),
        numbers(2, 2, 4, 3),
        numbers(2, 2, 3),
        numbers(2, 22, 2),
        numbers(2, width) + 1,
        layers(2, width, 5, 4, target.columns),
        (numbers(2, 5) + 1, numbers(2, 4) + 1),
        "mish" if kind == "regression" else "selu",
    )
    return RealMLPModel(network, FEATURES, BOUNDS, target)


def tabm(kind: str) -> TabMModel:
    """Three members over three numbers, one with a single piece, and two categories."""
    inputs = TabMInputs(np.array([0, 2, 3]), categories((1, 2), (4, 9)))
    slopes = np.array([[2.0, 1.0, 3.0], [0.0, 0.0, 1.5], [1.0, 0.0, 2.0]], np.float32)
    starts = np.array([[1.0, 0.2, -1.0], [0.0, 0.0, 0.5], [0.1, 0.0, -0.4]], np.float32)
    lines = Lines(slopes, starts, numbers(3, 4), numbers(3, 4), numbers(3, 3, 4))
    target = TARGETS[kind]
    width = 3 * 4 + 3 + 10
    network = TabMNetwork(
        inputs,
        lines,
        layers(3, width, 6, 5, target.columns, shared=True),
        (numbers(3, width) + 1, numbers(3, 6) + 1),
        (numbers(3, 6) + 1, numbers(3, 5) + 1),
    )
    return TabMModel(network, FEATURES, BOUNDS, target)


ARCHITECTURES = {
    "binary": Architecture((6, 4), "gated", "silu", normalised=True),
    "multiclass": Architecture((6, 6, 4), "residual", "selu", normalised=True),
    "regression": Architecture((6, 5), "gated", "relu"),
}


def mlp(kind: str) -> MLPModel:
    """Two members over three numbers and three categories, with other blocks for each task."""
    target = TARGETS[kind]
    rng = np.random.default_rng(0)
    sizes = InputSizes(cosines=3, frequency=0.2, pieces=2, vector=2)
    inputs = initial_input_layer(rows(), (0, 2, 4, 0, 9, 11), sizes, rng)
    network = initial_network(inputs, ARCHITECTURES[kind], target.columns, 2, rng)
    for learnt in network.learnt:
        learnt.array[...] += 0.3 * numbers(*learnt.array.shape)
    return MLPModel(network, FEATURES, BOUNDS, target)


MAKERS = {"realmlp": realmlp, "tabm": tabm, "mlp": mlp}


def small_model(name: str, kind: str) -> NetworkModel:
    return MAKERS[name](kind)


def rows(n_rows: int = 70) -> Any:
    """Numbers and codes, some of them missing, unknown or far away."""
    X = 4 * numbers(n_rows, FEATURES)
    places = np.arange(n_rows)
    for column, levels in ((1, 2), (2, 4), (4, 9), (5, 11)):
        X[:, column] = places * 7 % levels
    X[0] = np.nan
    X[1] = 1e30
    X[2] = -1e30
    X[3, :] = 50
    return X
