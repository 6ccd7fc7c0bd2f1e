"""How the target is coded for a library, and how what the library predicts is turned back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.errors import UnsafeModel
from automl.models._base import Floats, How, Sample
from automl.state import State

_MOST_CLASSES = 100_000


@dataclass(frozen=True)
class Target:
    """What a library is given in place of the target.

    Classes are numbered anew without those that no training row has, so that a library never meets a class without rows; their
    probability is 0. Numbers are centred and scaled, so that regularisation means the same whatever the target's unit. Logarithms stand for
    them where the metric is about these, and rows weigh the less the larger their number is where it is about relative errors.

    Parameters
    ----------
    total : int
        Classes of the task; 0 for numbers.
    present : tuple of int
        Codes of the classes that training rows have, ascending; empty for numbers.
    shift, scale : float
        A number is coded as (y - shift) / scale.
    logs : bool
        Whether log(1 + y) stands for y there; numbers below 0 count as 0.
    floor : float
        A row's weight is divided by its number's size, but by no less than this; 0 leaves weights as they are.
    """

    total: int
    present: tuple[int, ...] = ()
    shift: float = 0.0
    scale: float = 1.0
    logs: bool = False
    floor: float = 0.0

    @classmethod
    def of(cls, train: Sample, how: How) -> Target:
        """The coding that suits the training rows; those without weight count as absent."""
        y = train.y if train.weight is None else train.y[train.weight > 0]
        if not how.task.is_regression:
            return cls(how.task.n_outputs, tuple(int(code) for code in np.unique(y)))
        logs, floor = how.metric.name == "rmsle", smallest(y) if how.metric.name == "mape" else 0.0
        y = logarithms(y) if logs else y
        spread = float(np.std(y)) if len(y) else 0.0
        centre = (
            float(np.quantile(y, how.metric.level) if how.metric.is_quantile else np.mean(y))
            if len(y)
            else 0.0
        )
        return cls(
            0, (), centre, spread if np.isfinite(spread) and spread > 0 else 1.0, logs, floor
        )

    @property
    def outputs(self) -> int:
        """The number of classes that a library is shown, or 1 for numbers."""
        return max(1, len(self.present))

    @property
    def columns(self) -> int:
        """How many numbers a model has to compute a row: two classes need one."""
        return self.outputs if self.outputs > 2 else 1

    def none(self) -> Floats:
        """The prediction for no rows."""
        return np.zeros((0, self.total) if self.total else 0)

    def code(self, sample: Sample) -> Sample:
        """The rows a library can use, their target coded: those with weight and, among classes, of a class that was trained."""
        keep = np.ones(len(sample.y), bool) if sample.weight is None else sample.weight > 0
        if self.total:
            keep &= np.isin(sample.y, self.present)
        if not keep.all():
            weight = None if sample.weight is None else sample.weight[keep]
            sample = replace(sample, X=sample.X[keep], y=sample.y[keep], weight=weight)
        weight = sample.weight
        if self.floor:
            weight = relative(sample.y, self.floor) * (1.0 if weight is None else weight)
        if self.total:
            y = np.searchsorted(self.present, sample.y).astype(np.float64)
        else:
            y = ((logarithms(sample.y) if self.logs else sample.y) - self.shift) / self.scale
        return replace(
            sample, y=y, weight=None if weight is None or not len(y) else weight / weight.mean()
        )

    def decode(self, y: Floats) -> Floats:
        """Coded values as they were."""
        if self.total:
            return np.asarray(self.present, np.float64)[y.astype(np.int64)]
        return self._number(y)

    def _number(self, coded: Floats) -> Floats:
        values: Floats = coded * self.scale + self.shift
        return np.expm1(values) if self.logs else values

    def spread(self, raw: Any) -> Floats:
        """A library's answer as the task's prediction.

        Parameters
        ----------
        raw : ndarray
            Coded numbers of shape (n_rows,), probabilities of the second of two classes of shape (n_rows,), or probabilities of
            the classes present of shape (n_rows, n_present).

        Returns
        -------
        prediction : ndarray of shape (n_rows,) or (n_rows, n_classes), float64
        """
        raw = np.asarray(raw, np.float64)
        if not self.total:
            return self._number(raw)
        if raw.ndim == 1:
            raw = np.column_stack([1.0 - raw, raw])
        sums = raw[:, 0].copy()
        for column in range(
            1, raw.shape[1]
        ):  # in one order whatever the number of rows: NumPy's sum chooses its own
            sums += raw[:, column]
        proba = np.zeros((len(raw), self.total))
        proba[:, list(self.present)] = raw / sums[:, None]
        return proba

    def to_state(self) -> State:
        """Plain values."""
        plain = {
            "total": self.total,
            "present": list(self.present),
            "shift": self.shift,
            "scale": self.scale,
        }
        return plain | {"logs": True} if self.logs else plain

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Target:
        """The coding that `to_state` described."""
        try:
            present, numbers = (
                tuple(int(code) for code in state["present"]),
                (float(state["shift"]), float(state["scale"])),
            )
            target = cls(int(state["total"]), present, *numbers, state.get("logs") is True)
        except (KeyError, TypeError, ValueError) as error:
            raise UnsafeModel(f"the model file's target coding can't be read: {error!r}") from None
        if not 0 <= target.total <= _MOST_CLASSES:
            raise UnsafeModel(f"the model file's target coding has {target.total} classes")
        ascending = all(
            a < b
            for a, b in zip((-1, *target.present), (*target.present, target.total), strict=True)
        )
        if (
            not (ascending or target.total == 0 == len(target.present))
            or not np.isfinite([target.shift, target.scale]).all()
        ):
            raise UnsafeModel(f"the model file's target coding makes no sense: {target}")
        return target


def logarithms(y: Floats) -> Floats:
    """What the RMSLE is about."""
    return np.log1p(np.maximum(y, 0.0))


def smallest(y: Floats) -> float:
    """The size below which numbers don't weigh still more: a hundredth of the usual one."""
    usual = float(np.median(np.abs(y))) if len(y) else 0.0
    return usual / 100 if usual > 0 else 1.0


def relative(y: Floats, floor: float) -> Floats:
    """How much rows weigh where relative errors count.

    >>> relative(np.array([-4.0, 0.1]), 0.5).tolist()
    [0.25, 2.0]
    """
    return 1.0 / np.maximum(np.abs(y), floor)
