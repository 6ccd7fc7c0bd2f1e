"""The interface of a model family: a search space, a fit, and a state to restore a model from.

A restored model predicts without its training library where it can.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats, Matrix
from automl.budget import Budget
from automl.features.feature import Feature
from automl.metrics import Metric
from automl.resources import SINGLE_THREAD, Resources
from automl.space import Space
from automl.state import State
from automl.task import Task

Hyperparameters = Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """Rows to train on, or held-out rows.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32
        NaN where missing (also in categorical columns).
    features : tuple of Feature
        Descriptions of the columns.
    y : ndarray of shape (n_rows,), float64
        Classes as integers 0..K-1, or the target's values.
    weight : ndarray of shape (n_rows,) or None
    """

    X: Matrix
    features: tuple[Feature, ...]
    y: Floats
    weight: Floats | None = None

    @property
    def categorical(self) -> list[int]:
        """Indices of the columns that hold categorical integers."""
        return [index for index, feature in enumerate(self.features) if feature.levels]

    def select(self, rows: npt.NDArray[np.bool_]) -> Sample:
        """Return the rows of a mask."""
        weight = self.weight
        if weight is not None:
            weight = weight[rows]
        return replace(self, X=self.X[rows], y=self.y[rows], weight=weight)

    @property
    def weight_or_ones(self) -> Floats:
        """The weights; 1 for each row if there are none."""
        if self.weight is None:
            return np.ones(len(self.y))
        return self.weight


@dataclass(frozen=True)
class FitContext:
    """The circumstances of a fit.

    A fit that reaches the budget's deadline stops by itself and keeps what it has.

    Parameters
    ----------
    task : Task
    metric : Metric
    seed : int
    resources : Resources
        Threads, memory and device that the fit may use.
    budget : Budget
    rounds : int or None
        Number of boosting rounds (or trees) of a refit; None lets early stopping choose, up to
        the family's own bound.
    models : int
        Number of this candidate's models whose mean will be the prediction.
    progress : mapping or None
        The `Fitted.progress` of a fit of the same rows with the same hyperparameters and seed: the
        fit goes on from it instead of from zero, up to `rounds` in total. A family that hands back
        no progress ignores it.
    resumable : bool
        Whether a later fit may go on from this one. A family that can go on then lets held-out
        rows choose among the `rounds`, as they would choose among all, and hands back its progress.
    """

    task: Task
    metric: Metric
    seed: int
    resources: Resources = SINGLE_THREAD
    budget: Budget = field(default_factory=Budget)
    rounds: int | None = None
    models: int = 1
    progress: State | None = None
    resumable: bool = False

    @property
    def threads(self) -> int:
        """Number of threads that the fit may use."""
        return self.resources.threads

    def reserve_share(self, share: float) -> FitContext:
        """Return a copy that reserves a share of the remaining seconds.

        They are for the work after the training: predicting, writing, reading again.
        """
        if not self.budget.is_timed:
            return self
        reserve = share * self.budget.remaining()
        return replace(self, budget=self.budget.reserve(reserve))


class Model(Protocol):
    """A fitted model.

    Equal rows get equal predictions, bit for bit, whatever the other rows are.
    """

    def predict(self, X: Matrix) -> Floats:
        """Return probabilities of shape (n_rows, n_classes), or values of shape (n_rows,)."""
        ...

    def to_state(self) -> State:
        """Return all that `Family.restore` needs."""
        ...


@dataclass(frozen=True)
class Fitted:
    """The result of a fit.

    Parameters
    ----------
    model : Model
    rounds : int or None
        Number of rounds that the model kept.
    resolved : mapping
        The parameters, including those that were left to the defaults.
    curve : tuple of (int, float)
        The learning curve, as pairs of a round and a loss.
    hit_deadline : bool
        Whether the deadline ended the fit before it was done.
    compact_model : Model or None
        A smaller model that replaces `model` in the mean of `FitContext.models`.
    progress : mapping or None
        All that a longer fit needs to go on from here, as `FitContext.progress`: its result is
        the one of a fit from zero, bit for bit. None from families whose fits can't go on.
    """

    model: Model
    rounds: int | None
    resolved: Hyperparameters
    curve: tuple[tuple[int, float], ...] = ()
    hit_deadline: bool = False
    compact_model: Model | None = None
    progress: State | None = None


class Family(Protocol):
    """A kind of model.

    The properties below may be class attributes or fields of a frozen dataclass.
    """

    @property
    def name(self) -> str:
        """Name in files, on the leaderboard and on the command line."""
        ...

    @property
    def about(self) -> str:
        """Description in one line."""
        ...

    @property
    def seeded(self) -> bool:
        """Whether the mean of models with several seeds is better than one model.

        False where no seed is used, and where one model is a mean already.
        """
        ...

    @property
    def bagged(self) -> bool:
        """Whether the mean of the fold models predicts better than one model of all rows.

        False where one model is as good and each model of the mean costs as much.
        """
        ...

    @property
    def stops(self) -> bool:
        """Whether a fit ends by itself at its deadline; a fit that doesn't is killed."""
        ...

    @property
    def recipes(self) -> tuple[str, ...]:
        """Names of the recipes that suit the family, its default first."""
        ...

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges of the hyperparameters.

        Parameters
        ----------
        task : Task
        codes : bool
            Whether there are categorical columns. Without them, hyperparameters that have no
            effect then are left out.
        """
        ...

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return a strong configuration to begin with."""
        ...

    def library_defaults(self, task: Task) -> dict[str, Any]:
        """Return the library's values of hyperparameters of the space that `defaults` leaves out.

        They apply where a candidate doesn't set them either.
        """
        ...

    def preparation_key(self, params: Hyperparameters) -> Hashable:
        """Return the parameters that `prepare` depends on: equal values share one preparation."""
        ...

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> Any:
        """Return the data in the library's own form; the worker caches it for `fit`."""
        ...

    def fit(self, prepared: Any, params: Hyperparameters, context: FitContext) -> Fitted:
        """Train on `prepared`, stopping early on its held-out rows if it has any."""
        ...

    def restore(self, state: State) -> Model:
        """Return the model that `to_state` described, reading nothing but the state.

        Raises
        ------
        UnsafeModel
            A part of the state is missing, or parts don't fit together.
        """
        ...

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return rough seconds of one fit with typical parameters on one core.

        Only ratios matter. `models` is the number of models whose mean will be the prediction.
        """
        ...


class PlainFamily:
    """Members that families share whose preparation depends on no hyperparameter.

    Their `defaults` name all hyperparameters, and there are none unless `space` is overridden.
    """

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges of the hyperparameters."""
        return {}

    def library_defaults(self, task: Task) -> dict[str, Any]:
        """Return no values: the defaults name all hyperparameters."""
        return {}

    def preparation_key(self, params: Hyperparameters) -> Hashable:
        """Return one key: all fits share one preparation."""
        return ()
