"""A base class that makes a family from two methods; the other members of `Family` have defaults.

A subclass may override them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from automl.arrays import Floats, Matrix
from automl.models._base import FitContext, Fitted, Hyperparameters, PlainFamily, Sample
from automl.models._blocks import (
    check_width,
    clip_infinite,
    fill_missing,
    map_blocks,
    read_integer,
    read_state,
)
from automl.models._rows import EncodedRows, encode_rows
from automl.models._target import TargetCoding, read_target
from automl.models.constant import ConstantModel
from automl.space import Choice, existing
from automl.state import State
from automl.task import Task


@dataclass(frozen=True)
class SimpleModel:
    """The state that `SimpleFamily.train` returned, with the family that predicts from it."""

    family: SimpleFamily
    learnt: State
    width: int
    target: TargetCoding

    def predict(self, X: Matrix) -> Floats:
        """Return the family's predictions, computed in blocks of one size.

        So a row's prediction doesn't depend on the other rows of the table.
        """
        check_width(X, self.width)
        readable = self.family.readable(X)
        raw = map_blocks(self._predict_block, readable)
        return self.target.to_prediction(raw)

    def _predict_block(self, block: Matrix) -> Floats:
        return self.family.answer(self.learnt, block)

    def to_state(self) -> State:
        """Return what the family learnt."""
        return {
            "told": self.learnt,
            "width": self.width,
            "target": self.target.to_state(),
        }


class SimpleFamily(PlainFamily):
    """A family of your own: give it a `name` and write `train` and `answer`.

    `space` says which hyperparameters are tuned. If the models hold no rows of the training table,
    say `holds_rows = False`: then exports include them unasked. The family never meets a class
    without rows, rows without weight, a target that doesn't vary, or, unless `takes_missing`,
    missing values. A family that stops early, keeps a learning curve or prepares data once for many
    fits is written as a
    whole `automl.models.Family` instead.

    Examples
    --------
    >>> import numpy as np
    >>> class Mean(SimpleFamily):
    ...     name, about = "mean", "the mean of the target, shrunk"
    ...     def space(self, task, codes=True):
    ...         return {"shrink": Float(0.0, 1.0)}
    ...     def train(self, X, y, weight, params, context):
    ...         return {"mean": float(np.average(y, weights=weight)) * (1 - params["shrink"])}
    ...     def answer(self, learnt, X):
    ...         return np.full(len(X), learnt["mean"])
    >>> from automl.space import Float
    >>> Mean().defaults(Task("regression", "y", "rmse"))
    {'shrink': 0.5}
    """

    name: str
    about: str = "a family of your own"
    seeded: bool = True
    bagged: bool = True
    stops: bool = False
    recipes: tuple[str, ...] = ("onehot", "quantile")
    takes_missing: bool = False
    holds_rows: bool = True  # of the training table, as far as anybody knows

    def train(
        self, X: Matrix, y: Floats, weight: Floats, params: Hyperparameters, context: FitContext
    ) -> State:
        """Learn from rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float32
        y : ndarray of shape (n_rows,), float64
            Classes 0..K-1, each of which has rows, or numbers with mean 0 and standard deviation 1.
        weight : ndarray of shape (n_rows,), float64
            Positive, with mean 1.
        params : mapping
            A value for each hyperparameter that exists.
        context : FitContext
            Has `context.seed`, `context.threads`, `context.task`, `context.metric` and the
            remaining seconds, `context.budget.remaining()`.

        Returns
        -------
        learnt : dict
            All that `answer` needs: arrays, bytes, numbers, text, and lists and dictionaries of
            them.
        """
        raise NotImplementedError(f"{type(self).__name__}.train")

    def answer(self, learnt: State, X: Matrix) -> Floats:
        """Predict rows from what `train` returned.

        Returns
        -------
        prediction : ndarray
            Numbers of shape (n_rows,), probabilities of shape (n_rows, K), or, with two classes,
            probabilities of class 1 of shape (n_rows,).
        """
        raise NotImplementedError(f"{type(self).__name__}.answer")

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return the middle of each range, and of a choice its first value."""
        values: dict[str, Any] = {}
        space = self.space(task)
        for name, range_ in space.items():
            if isinstance(range_, Choice):
                values[name] = range_.values[0]
            else:
                values[name] = range_.from_unit(0.5)
        return values

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return the seconds of a linear model; the times of real fits correct them."""
        columns = max(1, outputs - 1)
        return 0.01 + 1e-7 * rows * features * columns

    def readable(self, X: Matrix) -> Matrix:
        """Return rows in C order without infinite values.

        Missing values are filled, too, unless the family takes them.
        """
        if self.takes_missing:
            return clip_infinite(X)
        return fill_missing(X)

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> EncodedRows:
        """Return the rows that can be learnt from, or the constant where nothing can."""
        return encode_rows(train, context)

    def fit(self, prepared: EncodedRows, params: Hyperparameters, context: FitContext) -> Fitted:
        """Call `train` with the prepared rows."""
        every = self.defaults(context.task) | dict(params)
        resolved = existing(self.space(context.task), every)
        if prepared.fallback is not None:
            return Fitted(prepared.fallback, None, resolved)
        rows = prepared.sample
        X = self.readable(rows.X)
        weight = rows.weight_or_ones
        learnt = self.train(X, rows.y, weight, resolved, context)
        width = rows.X.shape[1]
        model = SimpleModel(self, learnt, width, prepared.target)
        return Fitted(model, None, resolved)

    def restore(self, state: State) -> SimpleModel | ConstantModel:
        """Return the model that a state describes."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        learnt = read_state(state, "told")
        width = read_integer(state, "width")
        target = read_target(state)
        return SimpleModel(self, dict(learnt), width, target)
