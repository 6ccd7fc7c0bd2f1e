"""A pretrained model with its context: rows become probabilities or numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from automl.arrays import Floats, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import check_width, read_integer
from automl.models._libraries import require_libraries
from automl.models._target import TargetCoding, read_target
from automl.models.pretrained.context import Context, clip_magnitudes
from automl.models.pretrained.weights import Purpose, Weights
from automl.state import State

MAX_VIEWS = 64
_LEAST = 1e-7  # no class of the context is impossible
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Engine(Protocol):
    """What is special about a package of pretrained models."""

    @property
    def row_seconds(self) -> float:
        """Seconds of one row in one view, whether it is read or predicted."""
        ...

    @property
    def cell_seconds(self) -> float:
        """Seconds of each of its cells."""
        ...

    def check(self, path: Path, purpose: Purpose) -> None:
        """Refuse a checkpoint that can't serve a purpose, with an `InputError`."""
        ...

    def predict(self, request: Request, X: Matrix) -> Floats:
        """Return what the model predicts for rows.

        A row's prediction must not depend on the other rows.

        Returns
        -------
        ndarray of shape (n_rows, n_classes) or (n_rows,)
            Probabilities of the classes of the context, which need not sum to 1, or numbers.
        """
        ...


@dataclass(frozen=True)
class Request:
    """What a package needs to know to predict.

    Parameters
    ----------
    context : Context
    purpose : str
    views : int
        Number of views of the context whose mean predicts.
    path : Path
        The checkpoint.
    """

    context: Context
    purpose: Purpose
    views: int
    path: Path


@dataclass(frozen=True)
class InContextModel:
    """Training rows, and the name of the weights that read them.

    Parameters
    ----------
    engine : Engine
    weights : Weights
    context : Context
    views : int
    sha256 : str
        Of the checkpoint.
    target : TargetCoding
    """

    engine: Engine
    weights: Weights
    context: Context
    views: int
    sha256: str
    target: TargetCoding

    @property
    def purpose(self) -> Purpose:
        """What the weights must be for."""
        return "classification" if self.target.n_classes else "regression"

    @property
    def call_seconds(self) -> float:
        """Seconds of predicting one row alone, for which the whole context is read."""
        n_rows, n_columns = self.context.rows.shape
        row_seconds = self.engine.row_seconds + self.engine.cell_seconds * n_columns
        seconds: float = self.views * (n_rows + 1) * row_seconds
        return seconds

    def predict(self, X: Matrix) -> Floats:
        """Return probabilities or numbers.

        Raises
        ------
        InputError
            This machine lacks the package or the weights.
        """
        check_width(X, self.context.rows.shape[1])
        if not len(X):
            return self.target.empty_prediction()
        require_libraries(self.weights.family)
        path = self.weights.find_equal(self.purpose, self.sha256)
        request = Request(self.context, self.purpose, self.views, path)
        raw = self.engine.predict(request, clip_magnitudes(X))
        if self.target.n_classes:
            raw = np.maximum(raw, _LEAST)
        return self.target.to_prediction(raw)

    def to_state(self) -> State:
        """Return the rows, and the checksum of the weights."""
        return {
            **self.context.to_state(),
            "views": self.views,
            "sha256": self.sha256,
            "target": self.target.to_state(),
        }


def model_from_state(engine: Engine, weights: Weights, state: State) -> InContextModel:
    """Return the model that `InContextModel.to_state` described, or raise `UnsafeModel`."""
    target = read_target(state)
    context = Context.from_state(state, target)
    views = read_integer(state, "views", 1)
    if views > MAX_VIEWS:
        raise UnsafeModel(f"the model file's 'views' is above {MAX_VIEWS}: {views}")
    sha256 = state.get("sha256")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise UnsafeModel("the model file's 'sha256' is not 64 hexadecimal digits")
    return InContextModel(engine, weights, context, views, sha256, target)
