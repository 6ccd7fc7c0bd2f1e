"""A whole predictor as nodes: encodings, members, their combination, and the label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from automl.ensemble import MIN_POOLED_PROBABILITY, TINY_PROBABILITY, equal_thresholds
from automl.errors import InputError
from automl.predictor.model import Member, Predictor
from automl.predictor.walking import Names
from automl.track.graph.builder import WHAT, Graph, Value, total
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
        self._outputs: Mapping[Value, list[Any]]
        if predictor.task.is_regression:
            self._outputs = self._value(members)
        else:
            self._outputs = self._label(members)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return self._graph.input_names

    def to_model(self, about: Mapping[str, str]) -> Any:
        """Return the model with properties."""
        return self._graph.model(self._outputs, about)

    def _member(self, member: Member) -> Value:
        parts = []
        models = zip(member.parts, member.models, strict=True)
        for part, model in models:
            with _naming(member):
                X = self._matrix(part.encodings)
                prediction = predicted(model, X)
            parts.append(prediction * part.share)
        return total(parts)

    def _matrix(self, names: Names) -> Value:
        """Return the features of encodings next to each other."""
        if names in self._matrices:
            return self._matrices[names]
        features = []
        for name in names:
            features += self._features(name)
        if not features:
            raise NoOperator("a model without features", "Fit with more columns.")
        matrix = self._graph.concat(features)
        self._matrices[names] = matrix
        return matrix

    def _features(self, name: str) -> list[Value]:
        if name not in self._encoded:
            encoding = self._predictor.encodings[name]
            self._encoded[name] = encoded(self._columns, encoding)
        return self._encoded[name]

    def _value(
        self,
        members: list[Value],
    ) -> Mapping[Value, list[Any]]:
        combined = members[0]
        if len(members) > 1:
            combined = self._weighted_sum(members)
        value = combined.apply("Identity", output=VALUE)
        return {value: ["rows", 1]}

    def _weighted_sum(self, values: list[Value]) -> Value:
        weighted = []
        members = self._predictor.members
        for value, member in zip(values, members, strict=True):
            weighted.append(value * member.weight)
        return total(weighted)

    def _label(
        self,
        members: list[Value],
    ) -> Mapping[Value, list[Any]]:
        predictor = self._predictor
        proba = members[0]
        if len(members) > 1:
            logs = [_logs(member, MIN_POOLED_PROBABILITY) for member in members]
            pooled = self._weighted_sum(logs)
            proba = pooled.apply("Softmax", axis=1)
        proba = proba / proba.row_sums()
        temperature = predictor.temperature
        if temperature != 1.0:
            logs_of_all = _logs(proba, TINY_PROBABILITY)
            divided = logs_of_all / temperature
            proba = divided.apply("Softmax", axis=1)
        codes = self._codes(proba)
        labels = predictor.task.labels
        label = self._graph.op(
            "Gather",
            self._graph.strings(labels),
            codes,
            output=LABEL,
        )
        probabilities = proba.apply("Identity", output=PROBABILITIES)
        return {label: ["rows"], probabilities: ["rows", len(labels)]}

    def _codes(self, proba: Value) -> Value:
        """Return the number of the class that the thresholds choose, of shape (n_rows,)."""
        n_classes = self._predictor.task.n_outputs
        thresholds = self._predictor.thresholds
        if thresholds is None:
            thresholds = equal_thresholds(n_classes)
        if n_classes == 2:
            positive = proba.take_columns(1)
            is_positive = positive >= float(thresholds[1])
            return is_positive.cast("INT64")
        quotients = proba / thresholds[None, :]
        return quotients.apply("ArgMax", dtype="INT64", axis=1, keepdims=0)


def _logs(proba: Value, lowest: float) -> Value:
    clipped = proba.clip(lowest, 1.0)
    return clipped.apply("Log")


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
