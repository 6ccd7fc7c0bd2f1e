"""Score predictions against a y that is spelled differently than at fit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.arrays import Array
from automl.errors import InputError
from automl.estimator.rows import as_column
from automl.predictor.scoring import read_target
from automl.task import Task


@dataclass(frozen=True)
class KnownRows:
    """The rows whose target the model knows.

    Parameters
    ----------
    y, predicted : ndarray of shape (n_known,), float64
        Indices of classes, or values.
    weight : ndarray of shape (n_known,) or None
    """

    y: npt.NDArray[np.float64]
    predicted: npt.NDArray[np.float64]
    weight: Array | None


def select_known(task: Task, predicted: Array, y: Any, sample_weight: Any = None) -> KnownRows:
    """Read y as at fit, and select the rows whose target the model knows.

    Parameters
    ----------
    task : Task
    predicted : ndarray of shape (n_rows,)
        Indices of classes, or values.
    y : array-like of shape (n_rows,)
        Rows with another target are left out with a warning, rows without one silently.
    sample_weight : array-like of shape (n_rows,), optional
    """
    target = as_column(y, "y")
    weight = None
    if sample_weight is not None:
        weight = as_column(sample_weight, "sample_weight")
    for array in (target, weight):
        if array is not None and len(array) != len(predicted):
            lengths = [len(predicted), len(array)]
            raise InputError(
                f"Found input variables with inconsistent numbers of samples: {lengths}"
            )
    known = read_target(task, pd.Series(target), "y")
    if known.left_out:
        warnings.warn(known.left_out, UserWarning, stacklevel=3)
    return KnownRows(
        y=known.y,
        predicted=predicted[known.rows].astype(np.float64),
        weight=None if weight is None else weight[known.rows],
    )
