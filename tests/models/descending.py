"""A linear model by gradient descent: fits that go on, a condition, and the shared early stopping.

It shows what a family may do beyond the shipped ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.extend import (
    Choice,
    EarlyStopping,
    FitContext,
    Fitted,
    Float,
    Sample,
    SimpleFamily,
    When,
)
from automl.models._blocks import clip_infinite
from automl.models._losses import select_loss, sigmoid, softmax
from automl.models._rows import EncodedRows, encode_rows
from automl.models._simple import SimpleModel
from automl.space import existing

MAX_ROUNDS = 300
PATIENCE = 20  # rounds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prepared:
    train: EncodedRows
    held: Sample | None


class Descending(SimpleFamily):
    name = "descending"
    about = "a linear model by gradient descent"
    seeded = False
    stops = True
    takes_missing = True

    def space(self, task: Any, codes: bool = True) -> Any:
        return {
            "rate": Float(0.1, 0.4, log=True),
            "momentum": Choice((True, False)),
            "decay": Float(0.3, 0.8, when=When("momentum", (True,))),
        }

    def prepare(self, train: Sample, held: Sample | None, params: Any, context: FitContext) -> Any:
        rows = encode_rows(train, context)
        if held is None or rows.fallback is not None:
            return Prepared(rows, None)
        return Prepared(rows, rows.target.encode(held))

    def fit(self, prepared: Prepared, params: Any, context: FitContext) -> Fitted:
        every = self.defaults(context.task) | dict(params)
        resolved = existing(self.space(context.task), every)
        rows = prepared.train
        if rows.fallback is not None:
            return Fitted(rows.fallback, None, resolved)
        is_judged = context.rounds is None or context.resumable
        held = prepared.held if is_judged else None
        descent = Descent(rows, resolved, context)
        best = descent.slopes
        stopped = False
        stopping = EarlyStopping(lambda improved: PATIENCE)
        if held is not None and context.progress is not None:
            best = context.progress["best"]
            for losses in context.progress["losses"]:
                stopping.record(tuple(losses))
        while not stopping.is_over and descent.rounds < (context.rounds or MAX_ROUNDS):
            descent.go_on()
            stopped = context.budget.is_timed and context.budget.remaining() <= 0
            if held is None:
                best = descent.slopes
            else:
                stopping.record((descent.loss(held),))
                best = descent.slopes if stopping.best == stopping.steps else best
            if stopped:
                break
        learnt = {"slopes": best, "classes": rows.target.n_classes}
        width = rows.sample.X.shape[1]
        model = SimpleModel(self, learnt, width, rows.target)
        rounds = stopping.best or descent.rounds
        progress = descent.progress() | {"losses": stopping.losses, "best": best}
        return Fitted(model, rounds, resolved, hit_deadline=stopped, progress=progress)

    def answer(self, learnt: Any, X: Any) -> Floats:
        scores: Floats = design(X) @ learnt["slopes"]
        if not learnt["classes"]:
            return scores
        return sigmoid(scores) if scores.shape[1] == 1 else softmax(scores)


class Descent:
    """Full steps along the gradient, with momentum."""

    def __init__(self, rows: EncodedRows, resolved: Any, context: FitContext) -> None:
        self._loss_of = select_loss(rows.target, context)
        self._X = design(rows.sample.X)
        self._y = rows.sample.y
        weight = rows.sample.weight_or_ones
        self._weight = weight / weight.sum()
        self._rate = resolved["rate"]
        self._decay = resolved.get("decay", 0.0)
        if context.progress is not None:
            self.slopes: Floats = context.progress["slopes"]
            self.speed: Floats = context.progress["speed"]
            self.rounds: int = context.progress["rounds"]
        else:
            self.slopes = np.zeros((self._X.shape[1], rows.target.columns))
            self.speed = np.zeros_like(self.slopes)
            self.rounds = 0

    def go_on(self) -> None:
        scores = self._X @ self.slopes
        _, gradient = self._loss_of(scores, self._y, self._weight)
        slope = self._X.T @ gradient.reshape(scores.shape)
        self.speed = self._decay * self.speed - self._rate * slope
        self.slopes = self.slopes + self.speed
        self.rounds += 1

    def loss(self, held: Sample) -> float:
        scores = design(held.X) @ self.slopes
        total, _ = self._loss_of(scores, held.y, held.weight_or_ones)
        return float(total)

    def progress(self) -> dict[str, Any]:
        return {"slopes": self.slopes, "speed": self.speed, "rounds": self.rounds}


def design(X: NDArray[np.float32]) -> Floats:
    """Return bounded features and a column of ones."""
    filled = np.nan_to_num(clip_infinite(X).astype(np.float64))
    squashed = np.arcsinh(filled)
    return np.column_stack([squashed, np.ones(len(X))])
