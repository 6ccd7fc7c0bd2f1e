"""Encoding of the target for a library, and decoding of the library's predictions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from automl.errors import UnsafeModel
from automl.models._base import Floats, How, Sample
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
    total : int
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

    total: int
    present: tuple[int, ...] = ()
    shift: float = 0.0
    scale: float = 1.0
    logs: bool = False
    floor: float = 0.0

    @classmethod
    def fit(cls, train: Sample, how: How) -> TargetCoding:
        """Return the encoding that suits the training rows; rows without weight are ignored."""
        y = train.y if train.weight is None else train.y[train.weight > 0]
        if not how.task.is_regression:
            present = tuple(int(label) for label in np.unique(y))
            return cls(how.task.n_outputs, present)
        logs = how.metric.name == "rmsle"
        floor = weight_floor(y) if how.metric.name == "mape" else 0.0
        if logs:
            y = log_clipped(y)
        if not len(y):
            return cls(0, (), 0.0, 1.0, logs, floor)
        centre = np.quantile(y, how.metric.level) if how.metric.is_quantile else np.mean(y)
        spread = float(np.std(y))
        scale = spread if np.isfinite(spread) and spread > 0 else 1.0
        return cls(0, (), float(centre), scale, logs, floor)

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
        return np.zeros((0, self.total) if self.total else 0)

    def encode(self, sample: Sample) -> Sample:
        """Return the rows that a library can use, with encoded targets.

        These are the rows with weight and, in classification, of a class in the training rows.
        """
        keep = np.ones(len(sample.y), bool) if sample.weight is None else sample.weight > 0
        if self.total:
            keep &= np.isin(sample.y, self.present)
        if not keep.all():
            weight = None if sample.weight is None else sample.weight[keep]
            sample = replace(sample, X=sample.X[keep], y=sample.y[keep], weight=weight)
        weight = sample.weight
        if self.floor:
            relative = relative_weights(sample.y, self.floor)
            weight = relative * (1.0 if weight is None else weight)
        if weight is not None:
            weight = weight / weight.mean() if len(weight) else None
        return replace(sample, y=self._encode_values(sample.y), weight=weight)

    def _encode_values(self, y: Floats) -> Floats:
        if self.total:
            return np.searchsorted(self.present, y).astype(np.float64)
        values = log_clipped(y) if self.logs else y
        encoded: Floats = (values - self.shift) / self.scale
        return encoded

    def decode(self, y: Floats) -> Floats:
        """Return the original values of encoded targets."""
        if self.total:
            return np.asarray(self.present, np.float64)[y.astype(np.int64)]
        return self._decode_numbers(y)

    def _decode_numbers(self, encoded: Floats) -> Floats:
        values: Floats = encoded * self.scale + self.shift
        return np.expm1(values) if self.logs else values

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
        if raw.ndim == 2 and raw.shape[1] == 1:
            raw = raw[:, 0]
        if not self.total:
            return self._decode_numbers(raw)
        if raw.ndim == 1:
            raw = np.column_stack([1.0 - raw, raw])
        # Added column by column: the order in NumPy's sum depends on the number of rows.
        sums = raw[:, 0].copy()
        for column in range(1, raw.shape[1]):
            sums += raw[:, column]
        proba = np.zeros((len(raw), self.total))
        proba[:, list(self.present)] = raw / sums[:, None]
        return proba

    def to_state(self) -> State:
        """Return the fields that a restored model needs, as plain values."""
        state: State = {
            "total": self.total,
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
                tuple(int(label) for label in state["present"]),
                float(state["shift"]),
                float(state["scale"]),
                state.get("logs") is True,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UnsafeModel(f"the model file's target coding can't be read: {error!r}") from None
        if not 0 <= target.total <= _MAX_CLASSES:
            raise UnsafeModel(f"the model file's target coding has {target.total} classes")
        if not target._is_consistent():
            raise UnsafeModel(f"the model file's target coding makes no sense: {target}")
        return target

    def _is_consistent(self) -> bool:
        if not np.isfinite([self.shift, self.scale]).all():
            return False
        if self.total == 0 and not self.present:
            return True
        bounds = (-1, *self.present, self.total)
        return all(lower < upper for lower, upper in pairwise(bounds))


def read_target(state: State) -> TargetCoding:
    """Return the encoding in a model's state."""
    return TargetCoding.from_state(read_state(state, "target"))


def log_clipped(y: Floats) -> Floats:
    """Return log(1 + y), the values that the RMSLE compares; numbers below 0 count as 0."""
    return np.log1p(np.maximum(y, 0.0))


def weight_floor(y: Floats) -> float:
    """Return the magnitude below which weights rise no further: a hundredth of the median one."""
    usual = float(np.median(np.abs(y))) if len(y) else 0.0
    return usual / 100 if usual > 0 else 1.0


def relative_weights(y: Floats, floor: float) -> Floats:
    """Return the rows' weights for a metric of relative errors.

    >>> relative_weights(np.array([-4.0, 0.1]), 0.5).tolist()
    [0.25, 2.0]
    """
    return 1.0 / np.maximum(np.abs(y), floor)
