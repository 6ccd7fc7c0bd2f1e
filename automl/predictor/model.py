"""What a finished model holds and how it predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from automl.budget import usable_cores
from automl.cleaning import Applied, Cleaner
from automl.columns import Columns
from automl.ensemble import averaged, combine, decide, even, sharpen
from automl.errors import InputError, UnsafeModel
from automl.features.encoding import Encoding, hstack
from automl.models import Family
from automl.models._base import Model
from automl.state import unpacked
from automl.table import Table
from automl.task import Task

Floats = npt.NDArray[np.float64]
T = TypeVar("T")
R = TypeVar("R")

MOST_THREADS = (
    8  # models that are restored or asked at once: some libraries start threads of their own
)
FEW = 200  # rows below which threads take longer to start than they save
BLOCK = 50_000  # rows that are encoded and predicted at a time: bounds the memory
CELLS = 20_000_000  # rows x columns likewise, but so many rows at least
FEWEST = 1_000


def parallel_map(do: Callable[[T], R], items: Sequence[T], worthwhile: bool = True) -> list[R]:
    """What comes of each item, in order, with a thread for each core: libraries leave Python alone while they work."""
    if not worthwhile or len(items) < 2:
        return [do(item) for item in items]
    with ThreadPoolExecutor(min(MOST_THREADS, usable_cores())) as threads:
        return list(threads.map(do, items))


def _blocks(columns: Columns, most: int) -> Iterator[Columns]:
    """The rows, so many at a time."""
    if columns.n_rows <= most:
        yield columns
        return
    for start in range(0, columns.n_rows, most):
        yield columns.take(np.arange(start, min(columns.n_rows, start + most)))


@dataclass(frozen=True)
class Part:
    """One fitted model of a member: the names of the encodings that it reads side by side, its state's bytes, and its share."""

    encodings: tuple[str, ...]
    blob: bytes
    share: float = 1.0


@dataclass(frozen=True)
class Member:
    """A trial in the ensemble: its fold models, its refits on all rows, or both, averaged by their shares, with a weight.

    It holds its family, which restores the models, so nobody else's family of that name can answer for it.
    """

    id: str
    kind: Family
    weight: float
    parts: tuple[Part, ...]

    @property
    def family(self) -> str:
        """The family's name."""
        return self.kind.name

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """The models, restored once."""
        return tuple(parallel_map(lambda part: self.kind.restore(unpacked(part.blob)), self.parts))

    def predict(self, inputs: Mapping[tuple[str, ...], npt.NDArray[np.float32]]) -> Floats:
        """The mean of the parts' predictions, by their shares."""
        fitted = tuple(zip(self.parts, self.models, strict=True))
        rows = len(next(iter(inputs.values())))
        predictions = parallel_map(
            lambda pair: pair[1].predict(inputs[pair[0].encodings]), fitted, rows >= FEW
        )
        return averaged(predictions, [part.share for part in self.parts])


@dataclass(frozen=True)
class Predictor:
    """A finished model.

    Parameters
    ----------
    task : Task
    cleaner : Cleaner
        Turns a table into typed columns as it did at fit.
    encodings : mapping of str to Encoding
    members : tuple of Member
        Their weights sum to one.
    temperature : float
        Probabilities are sharpened by it; 1 leaves them.
    cuts : ndarray of shape (n_classes,) or None
        What probabilities are divided by before the largest decides: of two classes, the positive one is predicted from its cut on. None
        is even, and for regression.
    residuals : ndarray of shape (n_quantiles,) or None
        Evenly spaced quantiles of truth minus prediction on held-out rows, for intervals; regression only.
    facts : mapping
        What people and programs may want to know: metric, score, interval, versions.
    """

    task: Task
    cleaner: Cleaner
    encodings: Mapping[str, Encoding]
    members: tuple[Member, ...]
    temperature: float = 1.0
    cuts: Floats | None = None
    residuals: Floats | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def restore(self) -> None:
        """Have the members' models ready; otherwise the first prediction restores them."""
        for member in self.members:
            _ = member.models

    def check(self) -> None:
        """Refuse members that can't be restored, or that answer another question than the task's.

        Raises
        ------
        UnsafeModel
        """
        shape = (1,) if self.task.is_regression else (1, self.task.n_outputs)
        for member in self.members:
            for part, model in zip(member.parts, member.models, strict=True):
                width = sum(len(self.encodings[name].features) for name in part.encodings)
                if model.predict(np.zeros((1, width), np.float32)).shape != shape:
                    raise UnsafeModel(
                        f"member {member.id!r} answers another question than the model's task"
                    )
        weights = [
            number
            for member in self.members
            for number in (member.weight, *(part.share for part in member.parts))
        ]
        if not self.members or not np.isfinite([self.temperature, *weights]).all():
            raise UnsafeModel("its weights or temperature make no sense")
        if self.cuts is not None and not (
            self.cuts.shape == (self.task.n_outputs,)
            and (self.cuts > 0).all()
            and np.isfinite(self.cuts).all()
        ):
            raise UnsafeModel("its cuts between classes make no sense")

    def read(self, table: Table) -> Applied:
        """A table's typed columns, and counts of what was odd in it; an `InputError` if it lacks what the model needs."""
        return self.cleaner.transform(table)

    def raw(self, columns: Columns) -> Floats:
        """Probabilities of shape (n_rows, n_classes), or values of shape (n_rows,)."""
        if columns.n_rows == 0:
            return self._no_answers()
        return np.concatenate(
            [self.mixed(self._answers(block)) for block in _blocks(columns, self._most_rows)]
        )

    def answers(self, columns: Columns) -> list[Floats]:
        """Each member's own probabilities or values, as `raw` has them."""
        if columns.n_rows == 0:
            return [self._no_answers() for _ in self.members]
        of_blocks = [self._answers(block) for block in _blocks(columns, self._most_rows)]
        return [np.concatenate(parts) for parts in zip(*of_blocks, strict=True)]

    def _no_answers(self) -> Floats:
        """What a table without rows gets."""
        return np.empty(0 if self.task.is_regression else (0, self.task.n_outputs))

    @cached_property
    def _most_rows(self) -> int:
        """How many rows are encoded and predicted at a time."""
        widest = max((len(encoding.features) for encoding in self.encodings.values()), default=0)
        return max(FEWEST, min(BLOCK, CELLS // max(1, widest)))

    def _answers(self, columns: Columns) -> list[Floats]:
        encoded = {name: encoding.transform(columns) for name, encoding in self.encodings.items()}
        inputs: dict[tuple[str, ...], npt.NDArray[np.float32]] = {}
        answers = []
        for member in self.members:  # what one needs is put side by side while it answers: of all together it would take gigabytes
            wanted = {part.encodings for part in member.parts}
            inputs = {
                names: inputs[names]
                if names in inputs
                else hstack([encoded[name] for name in names])
                for names in wanted
            }
            answers.append(member.predict(inputs))
        return answers

    def mixed(self, answers: Sequence[Floats]) -> Floats:
        """The members' answers as one."""
        total = combine(answers, [member.weight for member in self.members])
        if self.task.is_regression:
            return total
        return sharpen(total / total.sum(axis=1, keepdims=True), self.temperature)

    def proba(self, table: Table) -> Floats:
        """Probabilities of the classes, of shape (n_rows, n_classes), in the order of `task.labels`."""
        if self.task.is_regression:
            raise InputError("probabilities are for classification; this model predicts numbers.")
        return self.raw(self.read(table).columns)

    def predict(self, table: Table) -> npt.NDArray[Any]:
        """Labels as text, or values, of shape (n_rows,)."""
        return self.answer(self.raw(self.read(table).columns))

    def answer(self, raw: Floats) -> npt.NDArray[Any]:
        """Raw output as labels or values."""
        return (
            raw if self.task.is_regression else np.array(self.task.labels, object)[self.codes(raw)]
        )

    def codes(self, raw: Floats) -> npt.NDArray[np.int64]:
        """Raw probabilities as class codes."""
        return decide(raw, even(raw.shape[1]) if self.cuts is None else self.cuts)

    def interval(self, values: Floats, share: float) -> tuple[Floats, Floats]:
        """Bounds between which the truth lies in this share of cases: held-out residuals' quantiles around the prediction.

        References
        ----------
        Barber et al. 2021, "Predictive inference with the jackknife+" (arXiv 1905.02928): the CV variant without its
        correction for the spread of the fold models.
        """
        if self.residuals is None:
            raise InputError("--interval: this model has no intervals; they are for regression.")
        if not 0 < share < 1:
            raise InputError(f"--interval: {share} is not between 0 and 1. Write 0.9 for 90%.")
        low, high = np.quantile(self.residuals, [(1 - share) / 2, (1 + share) / 2])
        return values + low, values + high
