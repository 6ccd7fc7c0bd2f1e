"""The part that families of pretrained models share: a fit stores the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from automl.errors import InputError
from automl.models._base import (
    FitContext,
    Fitted,
    Hyperparameters,
    Model,
    PlainFamily,
    Sample,
)
from automl.models._rows import EncodedRows, encode_rows
from automl.models.constant import ConstantModel
from automl.models.pretrained.context import Context
from automl.models.pretrained.limits import Limits
from automl.models.pretrained.model import Engine, InContextModel, model_from_state
from automl.models.pretrained.weights import Weights, file_sha256, purpose_of
from automl.space import Choice, Space
from automl.state import State
from automl.task import Task

_LOADING_SECONDS = 5.0  # of torch, the package and the weights, at a worker's first fit
_USUAL_VIEWS = 8
_PREDICTED_SHARE = 0.25  # of as many rows as are read


class InContextFamily(PlainFamily):
    """A family whose models others have trained, and which read the rows as their context."""

    holds_rows = True  # of the training table
    seeded = False
    bagged = False
    stops = False
    recipes = ("native", "target", "onehot")
    name: ClassVar[str]
    weights: ClassVar[Weights]
    engine: ClassVar[Engine]

    def limits(self, path: Path) -> Limits:
        """Return how large a table a checkpoint takes."""
        raise NotImplementedError

    def licences(self, path: Path) -> str:
        """Return the licences of the code and of a checkpoint, as a clause."""
        raise NotImplementedError

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the numbers of views of the context."""
        return {"views": Choice((4, 8, 16))}

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return the package's own number of views."""
        return {"views": _USUAL_VIEWS}

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> EncodedRows:
        """Return the rows with encoded targets."""
        return encode_rows(train, context)

    def fit(self, prepared: EncodedRows, params: Hyperparameters, context: FitContext) -> Fitted:
        """Store the rows.

        Raises
        ------
        InputError
            There are no weights, or too many rows, columns or classes.
        """
        resolved = self.defaults(context.task) | dict(params)
        if prepared.fallback is not None:
            return Fitted(prepared.fallback, None, resolved)
        path = self.weights.find(purpose_of(context.task))
        target = prepared.target
        n_rows, n_columns = prepared.sample.X.shape
        excess = self.limits(path).excess(n_rows, n_columns, len(target.present))
        if excess:
            raise InputError(f"the family {self.name!r}: {excess}.")
        model = InContextModel(
            engine=self.engine,
            weights=self.weights,
            context=Context.of(prepared.sample, target),
            views=int(resolved["views"]),
            sha256=file_sha256(path),
            target=target,
        )
        return Fitted(model, None, resolved)

    def restore(self, state: State) -> Model:
        """Return the model of the rows, after checking the arrays against one another."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        return model_from_state(self.engine, self.weights, state)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return the seconds of predicting a quarter as many rows."""
        row_seconds = self.engine.row_seconds + self.engine.cell_seconds * features
        view_seconds = rows * (1 + _PREDICTED_SHARE) * row_seconds
        return _LOADING_SECONDS + _USUAL_VIEWS * view_seconds
