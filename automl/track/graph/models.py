"""Fitted models as nodes: float32 features in, probabilities or values out, in double precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from automl.arrays import Floats
from automl.models._base import Model
from automl.models._blocks import MAX_MAGNITUDE
from automl.models._boosted import BoostedModel
from automl.models._target import TargetCoding
from automl.models.constant import ConstantModel
from automl.models.forest import ForestModel
from automl.models.linear import LinearModel
from automl.models.mlp import INPUT_BOUND, MLPModel
from automl.track.graph.builder import Graph, Value
from automl.track.graph.columns import NoOperator
from automl.track.graph.trees import margins


def predicted(graph: Graph, model: Model, X: Value) -> Value:
    """Return a model's prediction of shape (n_rows, n_classes), or (n_rows, 1) for numbers.

    Raises
    ------
    NoOperator
        The model has none.
    """
    for kind, make in _MAKERS.items():
        if isinstance(model, kind):
            return make(graph, model, X)
    raise NoOperator("the model", "Fit with --set select.families=... of other families.")


def _boosted(graph: Graph, model: BoostedModel, X: Value) -> Value:
    total = margins(graph, model.trees, X)
    if not model.target.n_classes:
        return decoded(graph, model.target, total)
    return decoded(graph, model.target, _probabilities(graph, model.target, total))


def _forest(graph: Graph, model: ForestModel, X: Value) -> Value:
    total = margins(graph, model.trees, X)
    count = model.trees.count
    if not model.target.n_classes:
        return decoded(graph, model.target, graph.op("Div", total, graph.constant(float(count))))
    more = graph.op("Add", total, graph.constant(1 / model.target.outputs))
    return decoded(graph, model.target, graph.op("Div", more, graph.constant(float(count + 1))))


def _linear(graph: Graph, model: LinearModel, X: Value) -> Value:
    double = graph.cast(_filled(graph, X), "DOUBLE")
    scores = _layer(graph, double, model.coefficients, model.intercepts)
    return decoded(graph, model.target, _activated(graph, scores, model.target, model.bounds))


def _mlp(graph: Graph, model: MLPModel, X: Value) -> Value:
    known = _filled(graph, X)
    ratio = graph.op("Div", known, graph.constant(INPUT_BOUND, np.float32))
    squared = graph.op("Mul", ratio, ratio)
    root = graph.op("Sqrt", graph.op("Add", squared, graph.constant(1.0, np.float32)))
    values = graph.cast(graph.op("Div", known, root), "DOUBLE")
    network = model.network.copy(np.float64)
    if len(network.periodic_columns):
        columns = graph.constant(network.periodic_columns, np.int64)
        chosen = graph.op("Gather", values, columns, axis=1)
        wide = graph.op("Unsqueeze", chosen, graph.constant([2], np.int64))
        frequencies, phases = network.periodic
        turns = graph.op("Mul", wide, graph.constant(frequencies[None]))
        angles = graph.op("Add", turns, graph.constant(phases[None]))
        shape = graph.constant([-1, frequencies.size], np.int64)
        flat = graph.op("Reshape", graph.op("Cos", angles), shape)
        values = graph.concat([values, flat])
    last = len(network.weights) - 1
    for layer in range(last):
        values = _layer(graph, values, network.weights[layer], network.intercepts[layer])
        values = graph.op("Mul", values, graph.op("Sigmoid", values))
    scores = _layer(graph, values, network.weights[last], network.intercepts[last])
    return decoded(graph, model.target, _activated(graph, scores, model.target, model.bounds))


def _constant(graph: Graph, model: ConstantModel, X: Value) -> Value:
    value = graph.constant(model.value.reshape(1, -1))
    n_rows = graph.op("Shape", X, start=0, end=1)
    width = graph.constant([model.value.size], np.int64)
    return graph.op("Expand", value, graph.op("Concat", n_rows, width, axis=0))


def _filled(graph: Graph, X: Value) -> Value:
    """Return float32 features with 0 for missing ones, and bounded."""
    is_missing = graph.op("IsNaN", X)
    known = graph.op("Where", is_missing, graph.constant(0.0, np.float32), X)
    low = graph.constant(-MAX_MAGNITUDE, np.float32)
    high = graph.constant(MAX_MAGNITUDE, np.float32)
    return graph.op("Clip", known, low, high)


def _layer(graph: Graph, values: Value, weights: Any, intercepts: Any) -> Value:
    products = graph.op("MatMul", values, graph.constant(weights))
    return graph.op("Add", products, graph.constant(np.asarray(intercepts)[None, :]))


def _activated(graph: Graph, scores: Value, target: TargetCoding, bounds: Floats) -> Value:
    if target.n_classes:
        return _probabilities(graph, target, scores)
    return graph.clip(scores, float(bounds[0]), float(bounds[1]))


def _probabilities(graph: Graph, target: TargetCoding, scores: Value) -> Value:
    """Return probabilities of the classes present; of the second one alone if there are two."""
    if target.columns == 1:
        return graph.op("Sigmoid", scores)
    return graph.op("Softmax", scores, axis=1)


def decoded(graph: Graph, target: TargetCoding, raw: Value) -> Value:
    """Return a library's output as the task's prediction."""
    if not target.n_classes:
        scaled = graph.op("Mul", raw, graph.constant(target.scale))
        values = graph.op("Add", scaled, graph.constant(target.shift))
        if not target.logs:
            return values
        return graph.op("Sub", graph.op("Exp", values), graph.constant(1.0))
    if target.columns == 1:
        raw = graph.concat([graph.op("Sub", graph.constant(1.0), raw), raw])
    axis = graph.constant([1], np.int64)
    shares = graph.op("Div", raw, graph.op("ReduceSum", raw, axis, keepdims=1))
    if len(target.present) == target.n_classes:
        return shares
    places = np.zeros((len(target.present), target.n_classes))
    places[np.arange(len(target.present)), list(target.present)] = 1.0
    return graph.op("MatMul", shares, graph.constant(places))


_MAKERS: Mapping[type, Callable[[Graph, Any, Value], Value]] = {
    BoostedModel: _boosted,
    ForestModel: _forest,
    LinearModel: _linear,
    MLPModel: _mlp,
    ConstantModel: _constant,
}
