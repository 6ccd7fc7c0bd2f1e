"""What a model family is: a search space, a way to fit, and a state that predicts without the training library where it can."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from automl.budget import Budget
from automl.features.feature import Feature
from automl.metrics import Metric
from automl.space import Space
from automl.state import State
from automl.task import Task

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """Rows to train on or to be held out.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32
        NaN where missing (also in columns of category codes).
    features : tuple of Feature
        What the columns are.
    y : ndarray of shape (n_rows,), float64
        Class codes 0..K-1, or the target's values.
    weight : ndarray of shape (n_rows,) or None
    """

    X: Matrix
    features: tuple[Feature, ...]
    y: Floats
    weight: Floats | None = None

    @property
    def categorical(self) -> list[int]:
        """Positions of the columns that hold category codes."""
        return [place for place, feature in enumerate(self.features) if feature.levels]


@dataclass(frozen=True)
class How:
    """Under what circumstances a model is fitted.

    `rounds` fixes the number of boosting rounds (or trees) for a refit; None lets early stopping choose, up to the family's own
    bound. A fit that reaches `budget`'s deadline stops by itself and keeps what it has. The mean of so many `models` of this candidate
    will answer.
    """

    task: Task
    metric: Metric
    seed: int
    threads: int
    budget: Budget = field(default_factory=Budget)
    rounds: int | None = None
    models: int = 1

    def keeping(self, share: float) -> How:
        """The same with a share of the seconds kept for what follows the training: predicting, writing, reading again."""
        return (
            replace(self, budget=self.budget.keeping(share * self.budget.remaining()))
            if self.budget.timed
            else self
        )


class Model(Protocol):
    """A fitted model. Equal rows get equal predictions, bit for bit, whatever rows stand beside them."""

    def predict(self, X: Matrix) -> Floats:
        """Probabilities of shape (n_rows, n_classes), or values of shape (n_rows,); float64."""
        ...

    def to_state(self) -> State:
        """All that `Family.restore` needs."""
        ...


@dataclass(frozen=True)
class Fitted:
    """What a fit gives: the model, the rounds it kept, the parameters as resolved, and the learning curve as (round, loss) pairs."""

    model: Model
    rounds: int | None
    resolved: Mapping[str, Any]
    curve: tuple[tuple[int, float], ...] = ()
    stopped: bool = False  # by the deadline, before it was done
    kept: Model | None = None  # stands for the model in the mean of `How.models` and is smaller


class Family(Protocol):
    """A kind of model. Its first members may be class attributes or fields of a frozen dataclass."""

    @property
    def name(self) -> str:
        """The name in files, on the leaderboard and on the command line."""
        ...

    @property
    def about(self) -> str:
        """One line for people."""
        ...

    @property
    def seeded(self) -> bool:
        """Whether the mean of models with several seeds is better than one: not where no seed is used, nor where one is a mean already."""
        ...

    @property
    def bagged(self) -> bool:
        """Whether the mean of its fold models says more than one fitted on all rows: not where that is as good, and each costs as much."""
        ...

    @property
    def stops(self) -> bool:
        """Whether a fit ends by itself at its deadline; one that doesn't is killed."""
        ...

    @property
    def recipes(self) -> tuple[str, ...]:
        """Names of the recipes that suit it, its own default first."""
        ...

    def space(self, task: Task, codes: bool = True) -> Space:
        """The ranges of its hyperparameters; without columns of category codes, of those alone that count then."""
        ...

    def defaults(self, task: Task) -> dict[str, Any]:
        """A strong configuration to begin with."""
        ...

    def implied(self, task: Task) -> dict[str, Any]:
        """What the library does where a hyperparameter of the space is given neither by a candidate nor by the defaults."""
        ...

    def binning(self, params: Mapping[str, Any]) -> Hashable:
        """What of the parameters `prepare` depends on: equal values share one preparation."""
        ...

    def prepare(
        self, train: Sample, held: Sample | None, params: Mapping[str, Any], how: How
    ) -> Any:
        """The data in the library's own form, cached by the worker and handed to `fit`."""
        ...

    def fit(self, prepared: Any, params: Mapping[str, Any], how: How) -> Fitted:
        """Train on `prepared`, stopping early on its held-out rows if it has any."""
        ...

    def restore(self, state: State) -> Model:
        """The model that `to_state` described; reads nothing but the state, and refuses what doesn't fit with `UnsafeModel`."""
        ...

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Rough seconds of one fit with typical parameters on one core, of so many that answer together; only ratios matter."""
        ...
