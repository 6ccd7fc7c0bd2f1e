"""Encoding of the target for a library, and decoding of the library's predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from automl.arrays import Floats
from automl.errors import UnsafeModel
from automl.metrics import Metric
from automl.models._base import FitContext, Sample
from automl.models._blocks import read_state
from automl.state import State

_MAX_CLASSES = 100_000


@dataclass(frozen=True)
class TargetCoding:
    """The encoding of the target that a library is trained on.

    Classes are renumbered without those that no training row has, so that a library never meets a
    class without rows; the probability of an absent class is 0. Numbers are centred and scaled, so
    that regularisation means the same whatever the target's unit. For a metric of logarithms
    (RMSLE), numbers are replaced by their logarithms. For a metric of relative errors (MAPE), a
    row's weight falls as its number grows.

    Parameters
    ----------
    n_classes : int
        Number of classes of the task; 0 for regression.
    present : tuple of int
        Classes that training rows have, ascending; empty for regression.
    shift, scale : float
        A number y is encoded as (y - shift) / scale.
    logs : bool
        Whether log(1 + y) replaces y in that; numbers below 0 count as 0.
    floor : float
        A row's weight is divided by its number's magnitude, but by no less than this; 0 leaves
        weights as they are.
    """

    n_classes: int
    present: tuple[int, ...] = ()
    shift: float = 0.0
    scale: float = 1.0
    logs: bool = False
    floor: float = 0.0

    @classmethod
    def fit(cls, train: Sample, context: FitContext) -> TargetCoding:
        """Return the encoding that suits the training rows; rows without weight are ignored."""
        y = train.y
        if train.weight is not None:
            y = y[train.weight > 0]
        if context.task.is_regression:
            return cls._fit_numbers(y, context.metric)
        present = np.unique(y).astype(int).tolist()
        return cls(context.task.n_outputs, tuple(present))

    @classmethod
    def _fit_numbers(cls, y: Floats, metric: Metric) -> TargetCoding:
        logs = metric.name == "rmsle"
        floor = 0.0
        if metric.name == "mape":
            floor = weight_floor(y)
        if logs:
            y = log_clipped(y)
        centre = 0.0
        scale = 1.0
        if len(y):
            if metric.is_quantile:
                centre = float(np.quantile(y, metric.quantile_level))
            else:
                centre = float(np.mean(y))
            spread = float(np.std(y))
            if np.isfinite(spread) and spread > 0:
                scale = spread
        return cls(0, (), centre, scale, logs, floor)

    @property
    def outputs(self) -> int:
        """Number of classes that the library is trained on, or 1 for regression."""
        return max(1, len(self.present))

    @property
    def columns(self) -> int:
        """Number of scores that a model computes for a row: two classes need one."""
        return self.outputs if self.outputs > 2 else 1

    def empty_prediction(self) -> Floats:
        """Return the prediction of no rows."""
        if self.n_classes:
            return np.zeros((0, self.n_classes))
        return np.zeros(0)

    def encode(self, sample: Sample) -> Sample:
        """Return the rows that a library can use, with encoded targets.

        These are the rows with weight and, in classification, of a class in the training rows.
        """
        keep = sample.weight_or_ones > 0
        if self.n_classes:
            keep &= np.isin(sample.y, self.present)
        if not keep.all():
            sample = sample.select(keep)
        weight = self._encode_weights(sample)
        y = self._encode_values(sample.y)
        return replace(sample, y=y, weight=weight)

    def _encode_weights(self, sample: Sample) -> Floats | None:
        """Return weights with mean 1, or None if all rows weigh the same."""
        weight = sample.weight
        if self.floor:
            weight = relative_weights(sample.y, self.floor)
            weight = weight * sample.weight_or_ones
        if weight is None or not len(weight):
            return None
        normalised: Floats = weight / weight.mean()
        return normalised

    def _encode_values(self, y: Floats) -> Floats:
        if self.n_classes:
            positions = np.searchsorted(self.present, y)
            return positions.astype(np.float64)
        if self.logs:
            y = log_clipped(y)
        centred = y - self.shift
        encoded: Floats = centred / self.scale
        return encoded

    def decode(self, y: Floats) -> Floats:
        """Return the original values of encoded targets."""
        if not self.n_classes:
            return self._decode_numbers(y)
        labels = np.asarray(self.present, np.float64)
        positions = y.astype(np.int64)
        return labels[positions]

    def _decode_numbers(self, encoded: Floats) -> Floats:
        values: Floats = encoded * self.scale + self.shift
        if self.logs:
            return np.expm1(values)
        return values

    def to_prediction(self, raw: Any) -> Floats:
        """Turn a library's output into the task's prediction.

        Parameters
        ----------
        raw : ndarray
            Encoded numbers or probabilities of the second of two classes, of shape (n_rows,) or
            (n_rows, 1), or probabilities of the classes present of shape (n_rows, n_present).

        Returns
        -------
        prediction : ndarray of shape (n_rows,) or (n_rows, n_classes), float64
        """
        raw = np.asarray(raw, np.float64)
        if raw.shape[1:] == (1,):
            raw = raw[:, 0]
        if not self.n_classes:
            return self._decode_numbers(raw)
        if raw.ndim == 1:
            raw = np.column_stack([1.0 - raw, raw])
        # Added column by column: the order in NumPy's sum depends on the number of rows.
        first, *others = raw.T
        sums = first.copy()
        for column in others:
            sums += column
        shares = raw / sums[:, None]
        present = list(self.present)
        proba = np.zeros((len(raw), self.n_classes))
        proba[:, present] = shares
        return proba

    def to_state(self) -> State:
        """Return the fields that a restored model needs, as plain values."""
        state: State = {
            "total": self.n_classes,
            "present": list(self.present),
            "shift": self.shift,
            "scale": self.scale,
        }
        if self.logs:
            state["logs"] = True
        return state

    @classmethod
    def from_state(cls, state: State) -> TargetCoding:
        """Return the encoding that `to_state` described.

        Raises
        ------
        UnsafeModel
            A field is missing, or the fields contradict each other.
        """
        try:
            target = cls(
                int(state["total"]),
                tuple(map(int, state["present"])),
                float(state["shift"]),
                float(state["scale"]),
                state.get("logs") is True,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UnsafeModel(f"the model file's target coding can't be read: {error!r}") from None
        if not 0 <= target.n_classes <= _MAX_CLASSES:
            raise UnsafeModel(f"the model file's target coding has {target.n_classes} classes")
        if not target._is_consistent():
            raise UnsafeModel(f"the model file's target coding is invalid: {target}")
        return target

    def _is_consistent(self) -> bool:
        if not math.isfinite(self.shift):
            return False
        if not math.isfinite(self.scale):
            return False
        if self.n_classes == 0:
            return not self.present
        if len(self.present) < 2:
            return False  # a single class is a constant
        labels = (-1, *self.present, self.n_classes)
        return all(low < high for low, high in pairwise(labels))


def read_target(state: State) -> TargetCoding:
    """Return the encoding in a model's state."""
    return TargetCoding.from_state(read_state(state, "target"))


def log_clipped(y: Floats) -> Floats:
    """Return log(1 + y), the values that the RMSLE compares; numbers below 0 count as 0."""
    clipped = np.maximum(y, 0.0)
    return np.log1p(clipped)


def weight_floor(y: Floats) -> float:
    """Return the magnitude below which weights rise no further: a hundredth of the median one."""
    if not len(y):
        return 1.0
    magnitudes = np.abs(y)
    usual = float(np.median(magnitudes))
    if usual > 0:
        return usual / 100
    return 1.0


def relative_weights(y: Floats, floor: float) -> Floats:
    """Return the rows' weights for a metric of relative errors.

    >>> relative_weights(np.array([-4.0, 0.1]), 0.5).tolist()
    [0.25, 2.0]
    """
    magnitudes = np.abs(y)
    return 1.0 / np.maximum(magnitudes, floor)
