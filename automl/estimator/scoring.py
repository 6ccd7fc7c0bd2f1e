"""Scores against a y that is spelled otherwise than at fit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.errors import InputError
from automl.estimator.rows import Array, column
from automl.predictor.scoring import truth
from automl.task import Task


@dataclass(frozen=True)
class Answered:
    """The rows that can be scored.

    Parameters
    ----------
    y, predicted : ndarray of shape (n_known,), float64
        Class codes or values.
    weight : ndarray of shape (n_known,) or None
    """

    y: npt.NDArray[np.float64]
    predicted: npt.NDArray[np.float64]
    weight: Array | None


def answered(task: Task, predicted: Array, y: Any, sample_weight: Any = None) -> Answered:
    """Read y as it was read at fit, and keep the rows whose target the model knows.

    Parameters
    ----------
    task : Task
    predicted : ndarray of shape (n_rows,)
        Class codes or values.
    y : array-like of shape (n_rows,)
        Other rows are left out, with a warning if they hold something.
    sample_weight : array-like of shape (n_rows,), optional
    """
    given = column(y, "y")
    weight = None if sample_weight is None else column(sample_weight, "sample_weight")
    for array in (given, weight):
        if array is not None and len(array) != len(predicted):
            raise InputError(
                f"Found input variables with inconsistent numbers of samples: [{len(predicted)}, {len(array)}]"
            )
    known = truth(task, pd.Series(given), "y")
    if known.left_out:
        warnings.warn(known.left_out, UserWarning, stacklevel=3)
    return Answered(
        known.y,
        predicted[known.rows].astype(np.float64),
        None if weight is None else weight[known.rows],
    )
