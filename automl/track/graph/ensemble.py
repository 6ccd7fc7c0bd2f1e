"""A whole predictor as nodes: encodings, members, their combination, and the label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from automl.ensemble import MIN_POOLED_PROBABILITY, TINY_PROBABILITY, equal_thresholds
from automl.errors import InputError
from automl.predictor.model import Member, Predictor
from automl.predictor.walking import Names
from automl.track.graph.builder import WHAT, Graph, Value
from automl.track.graph.columns import InputColumns, NoOperator
from automl.track.graph.encoders import encoded
from automl.track.graph.models import predicted

LABEL = "label"
PROBABILITIES = "probabilities"
VALUE = "value"


class PredictorGraph:
    """The graph of a predictor.

    Parameters
    ----------
    predictor : Predictor

    Raises
    ------
    InputError
        A step has no operator.
    MissingExtra
        onnx is not installed.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._graph = Graph()
        self._columns = InputColumns(self._graph, predictor.cleaner)
        self._encoded: dict[str, list[Value]] = {}
        self._matrices: dict[Names, Value] = {}
        members = [self._member(member) for member in predictor.members]
        self._outputs: Mapping[str, tuple[str, list[Any]]]
        if predictor.task.is_regression:
            self._add_value(members)
        else:
            self._add_label(members)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return self._graph.input_names

    def to_model(self, about: Mapping[str, str]) -> Any:
        """Return the model with properties."""
        return self._graph.model(self._outputs, about)

    def _member(self, member: Member) -> Value:
        graph = self._graph
        parts = []
        for part, model in zip(member.parts, member.models, strict=True):
            with _naming(member):
                X = self._matrix(part.encodings)
                prediction = predicted(graph, model, X)
            parts.append(graph.op("Mul", prediction, graph.constant(float(part.share))))
        return graph.sum(parts)

    def _matrix(self, names: Names) -> Value:
        """Return the features of encodings next to each other."""
        if names not in self._matrices:
            features = []
            for name in names:
                features += self._features(name)
            if not features:
                raise NoOperator("a model without features", "Fit with more columns.")
            self._matrices[names] = self._graph.concat(features)
        return self._matrices[names]

    def _features(self, name: str) -> list[Value]:
        if name not in self._encoded:
            encoding = self._predictor.encodings[name]
            self._encoded[name] = encoded(self._graph, self._columns, encoding)
        return self._encoded[name]

    def _add_value(self, members: list[Value]) -> None:
        graph = self._graph
        total = members[0]
        if len(members) > 1:
            total = graph.sum(self._weighted(members))
        graph.op("Identity", total, output=VALUE)
        self._outputs = {VALUE: ("DOUBLE", ["rows", 1])}

    def _weighted(self, values: list[Value]) -> list[Value]:
        weighted = []
        for value, member in zip(values, self._predictor.members, strict=True):
            weight = self._graph.constant(float(member.weight))
            weighted.append(self._graph.op("Mul", value, weight))
        return weighted

    def _add_label(self, members: list[Value]) -> None:
        graph = self._graph
        predictor = self._predictor
        proba = members[0]
        if len(members) > 1:
            logs = [self._logs(member, MIN_POOLED_PROBABILITY) for member in members]
            proba = graph.op("Softmax", graph.sum(self._weighted(logs)), axis=1)
        axis = graph.constant([1], np.int64)
        proba = graph.op("Div", proba, graph.op("ReduceSum", proba, axis, keepdims=1))
        if predictor.temperature != 1.0:
            logs_of_all = self._logs(proba, TINY_PROBABILITY)
            divided = graph.op("Div", logs_of_all, graph.constant(float(predictor.temperature)))
            proba = graph.op("Softmax", divided, axis=1)
        labels = predictor.task.labels
        code = self._class(proba, len(labels))
        graph.op("Gather", graph.constant(labels, str), code, output=LABEL)
        graph.op("Identity", proba, output=PROBABILITIES)
        self._outputs = {
            LABEL: ("STRING", ["rows"]),
            PROBABILITIES: ("DOUBLE", ["rows", len(labels)]),
        }

    def _logs(self, proba: Value, lowest: float) -> Value:
        return self._graph.op("Log", self._graph.clip(proba, lowest, 1.0))

    def _class(self, proba: Value, n_classes: int) -> Value:
        """Return the number of the class that the thresholds choose, of shape (n_rows,)."""
        graph = self._graph
        thresholds = self._predictor.thresholds
        if thresholds is None:
            thresholds = equal_thresholds(n_classes)
        if n_classes == 2:
            second = graph.constant(1, np.int64)
            positive = graph.op("Gather", proba, second, axis=1)
            threshold = graph.constant(float(thresholds[1]))
            return graph.cast(graph.op("GreaterOrEqual", positive, threshold), "INT64")
        quotients = graph.op("Div", proba, graph.constant(thresholds[None, :]))
        return graph.op("ArgMax", quotients, axis=1, keepdims=0)


@contextmanager
def _naming(member: Member) -> Iterator[None]:
    """Say which member a step without an operator belongs to, and what to do."""
    try:
        yield
    except NoOperator as error:
        step = str(error)
        raise InputError(
            f"{WHAT}: member {member.id} ({member.family_name}): {step} has no operator in ONNX. "
            f"{error.cure} Or `--to python` writes a script of the best single model."
        ) from None
