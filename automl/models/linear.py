"""The linear family: logistic or least squares regression with an L1 or L2 penalty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.arrays import Floats, Matrix
from automl.errors import UnsafeModel
from automl.models._base import (
    Family,
    FitContext,
    Fitted,
    Hyperparameters,
    Model,
    PlainFamily,
    Sample,
)
from automl.models._blocks import check_width, fill_missing, map_blocks, read_array, read_vector
from automl.models._lbfgs import minimise
from automl.models._losses import activate
from automl.models._quick import fit_quickly
from automl.models._rows import EncodedRows, encode_rows
from automl.models._target import TargetCoding, read_target
from automl.models.constant import ConstantModel
from automl.space import Choice, Float, Space
from automl.state import State
from automl.task import Task

# How far beyond the training targets a prediction may go, in multiples of their range.
_LINEAR_EXTRAPOLATION = 1.0


@dataclass(frozen=True)
class LinearModel:
    """A linear model.

    Parameters
    ----------
    coefficients : ndarray of shape (n_features, n_columns)
    intercepts : ndarray of shape (n_columns,)
    bounds : ndarray of shape (2,)
        Lowest and highest prediction of a (scaled) number.
    target : TargetCoding
    """

    coefficients: Floats
    intercepts: Floats
    bounds: Floats
    target: TargetCoding

    def predict(self, X: Matrix) -> Floats:
        """Return probabilities or values, computed in blocks; a missing value counts as 0."""
        check_width(X, len(self.coefficients))
        raw = map_blocks(self._predict_block, fill_missing(X))
        return self.target.to_prediction(raw)

    def _predict_block(self, block: Matrix) -> Floats:
        double = block.astype(np.float64)
        products = double @ self.coefficients
        scores = products + self.intercepts
        outputs: Floats = activate(scores, self.target, self.bounds)
        return outputs

    def to_state(self) -> State:
        """Return the fields."""
        return {
            "coefficients": self.coefficients,
            "intercepts": self.intercepts,
            "bounds": self.bounds,
            "target": self.target.to_state(),
        }


class Linear(PlainFamily):
    """Logistic and linear regression."""

    name = "linear"
    is_quick = True
    about = "logistic or linear regression with an L1 or L2 penalty"
    seeded = False
    bagged = True
    stops = True
    recipes = ("onehot", "scaled_target", "quantile", "pieces")

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges of the penalty's inverse strength and its kind."""
        penalties = ("l2", "l1")
        return {
            "C": Float(1e-3, 1e3, log=True),
            "penalty": Choice(penalties),
        }

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return scikit-learn's defaults."""
        return {"C": 1.0, "penalty": "l2"}

    def prepare(
        self,
        train: Sample,
        held: Sample | None,
        params: Hyperparameters,
        context: FitContext,
    ) -> EncodedRows:
        """Return the rows with encoded targets and without missing values.

        The weights' sum is 1.
        """
        rows = encode_rows(train, context).map_features(fill_missing)
        sample = rows.sample
        n_rows = max(1, len(sample.y))
        weight = sample.weight_or_ones
        weight = weight / n_rows
        scaled = replace(sample, weight=weight)
        return replace(rows, sample=scaled)

    def fit(
        self,
        prepared: EncodedRows,
        params: Hyperparameters,
        context: FitContext,
    ) -> Fitted:
        """Minimise mean loss + penalty / (C x rows).

        `quick` is the run's first model, in NumPy alone with a penalty of its own.
        """
        resolved = self.defaults(context.task) | dict(params)
        if prepared.fallback is not None:
            return Fitted(prepared.fallback, None, resolved)
        rows = prepared.sample
        target = prepared.target
        bounds = _bounds(rows.y)
        is_quick = resolved.get("quick")
        if is_quick:
            coefficients, intercepts = fit_quickly(rows, target, context)
            model = LinearModel(coefficients, intercepts, bounds, target)
            return Fitted(model, None, resolved)
        inverse_strength = float(resolved["C"]) * len(rows.y)
        strength = 1.0 / inverse_strength
        is_sparse = resolved["penalty"] == "l1"
        coefficients, intercepts, steps = minimise(rows, target, strength, is_sparse, context)
        model = LinearModel(coefficients, intercepts, bounds, target)
        stopped = steps != context.rounds
        return Fitted(model, steps, resolved, hit_deadline=stopped)

    def restore(self, state: State) -> Model:
        """Return the model of the numbers, after checking them against one another."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        target = read_target(state)
        coefficients = read_array(state, "coefficients", np.float64, 2)
        intercepts = read_vector(state, "intercepts", np.float64)
        bounds = read_vector(state, "bounds", np.float64)
        _, n_columns = coefficients.shape
        widths = {n_columns, len(intercepts)}
        if widths != {target.columns} or len(bounds) != 2:
            raise UnsafeModel("the model file's linear model has arrays that do not fit together")
        return LinearModel(coefficients, intercepts, bounds, target)

    def cost(
        self,
        rows: int,
        features: int,
        outputs: int,
        models: int = 1,
    ) -> float:
        """Return seconds; measured: 0.02 s for 10 000 x 20."""
        columns = max(1, outputs - 1)
        return 0.01 + 1e-7 * rows * features * columns


def _bounds(y: Floats) -> Floats:
    """Return the lowest and highest number to predict.

    Lines go anywhere when a table brings values far from the training rows'.
    """
    low = float(y.min())
    high = float(y.max())
    span = high - low
    margin = _LINEAR_EXTRAPOLATION * span
    bounds = [low - margin, high + margin]
    return np.array(bounds)


FAMILIES: tuple[Family, ...] = (Linear(),)
