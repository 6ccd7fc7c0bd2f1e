"""A family from two methods: what `Family` asks beyond these has plain answers here, which a subclass may override."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from automl.models._base import Fitted, Floats, How, Matrix, Sample
from automl.models._blocks import bounded, by_blocks, check_width, filled, part_of, whole_of
from automl.models._target import Target
from automl.models.constant import ConstantModel, nothing_to_learn
from automl.space import Choice, Space
from automl.state import State
from automl.task import Task


@dataclass(frozen=True)
class SimpleModel:
    """What `SimpleFamily.train` gave, with the family that answers from it."""

    family: SimpleFamily
    told: State
    width: int
    target: Target

    def predict(self, X: Matrix) -> Floats:
        """The family's answers, in blocks of one size: a row's prediction doesn't depend on the rows beside it."""
        check_width(X, self.width)
        answers = by_blocks(
            lambda block: self.family.answer(self.told, block), self.family.readable(X)
        )
        return self.target.spread(
            answers[:, 0] if answers.ndim == 2 and answers.shape[1] == 1 else answers
        )

    def to_state(self) -> State:
        """What was learnt."""
        return {"told": self.told, "width": self.width, "target": self.target.to_state()}


class _Ready(NamedTuple):
    rows: Sample
    target: Target
    settled: ConstantModel | None


class SimpleFamily:
    """A family of your own: give it a `name` and write `train` and `answer`; `space` says what may be tuned.

    It never meets a class without rows, rows without weight, a target that doesn't vary, or, unless `takes_missing`, missing values.
    A family that stops early, keeps a learning curve or prepares data once for many fits is written as a whole
    `automl.models.Family` instead.

    Examples
    --------
    >>> class Mean(SimpleFamily):
    ...     name, about = "mean", "the mean of the target, shrunk"
    ...     def space(self, task, codes=True):
    ...         return {"shrink": Float(0.0, 1.0)}
    ...     def train(self, X, y, weight, params, how):
    ...         return {"mean": float(np.average(y, weights=weight)) * (1 - params["shrink"])}
    ...     def answer(self, told, X):
    ...         return np.full(len(X), told["mean"])
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

    def train(
        self, X: Matrix, y: Floats, weight: Floats, params: Mapping[str, Any], how: How
    ) -> State:
        """Learn from rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float32
        y : ndarray of shape (n_rows,), float64
            Classes 0..K-1, of which each has rows, or numbers with mean 0 and standard deviation 1.
        weight : ndarray of shape (n_rows,), float64
            Positive, of mean 1.
        params : mapping
            A value of each hyperparameter.
        how : How
            `how.seed`, `how.threads` and the seconds left, `how.budget.remaining()`; `how.task` and `how.metric`.

        Returns
        -------
        told : dict
            All that `answer` needs: arrays, bytes, numbers, text, lists and dictionaries of them.
        """
        raise NotImplementedError(f"{type(self).__name__}.train")

    def answer(self, told: State, X: Matrix) -> Floats:
        """Predict rows from what `train` gave.

        Returns
        -------
        prediction : ndarray
            Numbers of shape (n_rows,), probabilities of shape (n_rows, K), or, of two classes, those of class 1 of shape (n_rows,).
        """
        raise NotImplementedError(f"{type(self).__name__}.answer")

    def space(self, task: Task, codes: bool = True) -> Space:
        """The ranges of the hyperparameters."""
        return {}

    def defaults(self, task: Task) -> dict[str, Any]:
        """The middle of each range; of a choice its first value."""
        return {
            name: of.values[0] if isinstance(of, Choice) else of.at(0.5)
            for name, of in self.space(task).items()
        }

    def implied(self, task: Task) -> dict[str, Any]:
        """Nothing: the defaults name all."""
        return {}

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """As for a linear model; what fits really take corrects it."""
        return 0.01 + 1e-7 * rows * features * max(1, outputs - 1)

    def readable(self, X: Matrix) -> Matrix:
        """Rows in C order without infinite values; without missing ones, too, unless the family takes them."""
        return bounded(X) if self.takes_missing else filled(X)

    def binning(self, params: Mapping[str, Any]) -> Hashable:
        """One preparation for all."""
        return ()

    def prepare(
        self, train: Sample, held: Sample | None, params: Mapping[str, Any], how: How
    ) -> _Ready:
        """The rows that can be learnt from, or the answer where nothing can."""
        target = Target.of(train, how)
        rows = target.code(train)
        return _Ready(rows, target, nothing_to_learn(train, rows, target, how))

    def fit(self, prepared: _Ready, params: Mapping[str, Any], how: How) -> Fitted:
        """Have `train` learn."""
        rows, target, settled = prepared
        asked = self.defaults(how.task) | dict(params)
        if settled is not None:
            return Fitted(settled, None, asked)
        weight = np.ones(len(rows.y)) if rows.weight is None else rows.weight
        told = self.train(self.readable(rows.X), rows.y, weight, asked, how)
        return Fitted(SimpleModel(self, told, rows.X.shape[1], target), None, asked)

    def restore(self, state: State) -> SimpleModel | ConstantModel:
        """The model again."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        target = Target.from_state(part_of(state, "target"))
        return SimpleModel(self, dict(part_of(state, "told")), whole_of(state, "width"), target)
