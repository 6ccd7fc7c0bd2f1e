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
from automl.models.mlp import MLPModel
from automl.models.network.model import NetworkModel
from automl.models.realmlp import RealMLPModel
from automl.models.tabm import TabMModel
from automl.track.graph.builder import Value, total
from automl.track.graph.columns import NoOperator
from automl.track.graph.deep import Features, realmlp_scores, tabm_scores
from automl.track.graph.networks import layer, member_scores
from automl.track.graph.trees import margins


def predicted(model: Model, X: Value) -> Value:
    """Return a model's prediction of shape (n_rows, n_classes), or (n_rows, 1) for numbers.

    Raises
    ------
    NoOperator
        The model has none.
    """
    for kind, make in _MAKERS.items():
        if isinstance(model, kind):
            return make(model, X)
    cure = "Fit with --set select.families=... of other families."
    raise NoOperator("the model", cure)


def _boosted(model: BoostedModel, X: Value) -> Value:
    summed = margins(model.trees, X)
    target = model.target
    if target.n_classes:
        summed = _probabilities(target, summed)
    return _decoded(target, summed)


def _forest(model: ForestModel, X: Value) -> Value:
    summed = margins(model.trees, X)
    count = model.trees.count
    target = model.target
    if not target.n_classes:
        return _decoded(target, summed / count)
    more = summed + 1 / target.outputs
    return _decoded(target, more / (count + 1))


def _linear(model: LinearModel, X: Value) -> Value:
    known = _filled(X)
    scores = layer(
        known.cast("DOUBLE"),
        model.coefficients,
        model.intercepts,
    )
    return _activated(scores, model.target, model.bounds)


def _mlp(model: MLPModel, X: Value) -> Value:
    return _mean(model, member_scores(model.network, _filled(X), X))


def _realmlp(model: RealMLPModel, X: Value) -> Value:
    return _mean(model, realmlp_scores(model.network, _features(X)))


def _tabm(model: TabMModel, X: Value) -> Value:
    return _mean(model, tabm_scores(model.network, _features(X)))


def _mean(model: NetworkModel, scores: list[Value]) -> Value:
    """Return the mean of what the members' scores turn into."""
    outputs = [_outputs(score, model.target, model.bounds) for score in scores]
    mean = total(outputs) / len(outputs)
    return _decoded(model.target, mean)


def _constant(model: ConstantModel, X: Value) -> Value:
    graph = X.graph
    value = graph.constant(model.value.reshape(1, -1))
    n_rows = graph.op(
        "Shape",
        X,
        dtype="INT64",
        start=0,
        end=1,
    )
    width = graph.constant([model.value.size], "INT64")
    shape = graph.op("Concat", n_rows, width, axis=0)
    return graph.op("Expand", value, shape)


def _filled(X: Value) -> Value:
    """Return float32 features with 0 for missing ones, and bounded."""
    known = X.fill_missing(0.0)
    bound = float(MAX_MAGNITUDE)
    return known.clip(-bound, bound)


def _features(X: Value) -> Features:
    return Features(_filled(X), X)


def _activated(
    scores: Value,
    target: TargetCoding,
    bounds: Floats,
) -> Value:
    return _decoded(target, _outputs(scores, target, bounds))


def _outputs(
    scores: Value,
    target: TargetCoding,
    bounds: Floats,
) -> Value:
    """Return probabilities, or bounded numbers."""
    if target.n_classes:
        return _probabilities(target, scores)
    low, high = bounds.tolist()
    return scores.clip(low, high)


def _probabilities(
    target: TargetCoding,
    scores: Value,
) -> Value:
    """Return probabilities of the classes present; of the second one alone if there are two."""
    if target.columns == 1:
        return scores.apply("Sigmoid")
    return scores.apply("Softmax", axis=1)


def _decoded(
    target: TargetCoding,
    raw: Value,
) -> Value:
    """Return a library's output as the task's prediction."""
    if not target.n_classes:
        return _decoded_numbers(target, raw)
    if target.columns == 1:
        others = raw * -1.0 + 1.0
        raw = raw.graph.concat([others, raw])
    shares = raw / raw.row_sums()
    n_present = len(target.present)
    if n_present == target.n_classes:
        return shares
    places = np.zeros((n_present, target.n_classes))
    rows = np.arange(n_present)
    places[rows, list(target.present)] = 1.0
    return shares @ places


def _decoded_numbers(
    target: TargetCoding,
    raw: Value,
) -> Value:
    values = raw * target.scale + target.shift
    if not target.logs:
        return values
    return values.apply("Exp") - 1.0


_MAKERS: Mapping[type, Callable[[Any, Value], Value]] = {
    BoostedModel: _boosted,
    ForestModel: _forest,
    LinearModel: _linear,
    MLPModel: _mlp,
    RealMLPModel: _realmlp,
    TabMModel: _tabm,
    ConstantModel: _constant,
}
