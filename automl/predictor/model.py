"""The content of a finished model, and how it predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats, Integers, Matrix
from automl.cleaning import Cleaner, Transformed
from automl.columns import Columns
from automl.ensemble import (
    apply_temperature,
    apply_thresholds,
    combine,
    equal_thresholds,
    weighted_sum,
)
from automl.errors import InputError, UnsafeModel
from automl.features.encoding import Encoding, hstack
from automl.models import Family
from automl.models._base import Model
from automl.models._tree_model import TreeModel
from automl.models.trees.evaluation import has_compiler, load_kernel
from automl.predictor.walking import Names, SharedWalk
from automl.state import Blob, raising_unsafe_model, unpack_bytes
from automl.table import Table, as_table
from automl.task import Task

Labels = npt.NDArray[Any]
T = TypeVar("T")
R = TypeVar("R")

# Models that predict at the same time.
MAX_THREADS = 8
MIN_THREADED_ROWS = 200  # below, threads take longer to start than they save
# Rows are encoded and predicted in blocks, which bounds the memory.
MAX_BLOCK_ROWS = 50_000
MAX_BLOCK_CELLS = 20_000_000  # rows x columns, unless that is less than `MIN_BLOCK_ROWS`
MIN_BLOCK_ROWS = 1_000
_NO_MARGINS: Mapping[int, Floats] = {}


def parallel_map(
    do: Callable[[T], R],
    items: Sequence[T],
    worthwhile: bool = True,
) -> list[R]:
    """Apply a function to each item, with a thread for each core.

    Threads help because compiled code releases the GIL while it works.

    Parameters
    ----------
    do : callable
    items : sequence
    worthwhile : bool
        Without it, no thread is started.

    Returns
    -------
    list
        The results in the order of the items.
    """
    if not worthwhile or len(items) < 2:
        return [do(item) for item in items]
    from joblib import Parallel, delayed

    from automl.budget import usable_cores

    n_cores = usable_cores()
    n_threads = min(MAX_THREADS, n_cores)
    threads = Parallel(n_threads, prefer="threads")
    results: list[R] = threads(delayed(do)(item) for item in items)
    return results


def _blocks(columns: Columns, max_rows: int) -> Iterator[Columns]:
    """Split the rows into blocks of at most `max_rows`."""
    n_rows = columns.n_rows
    if n_rows <= max_rows:
        yield columns  # without a copy
        return
    for start in range(0, n_rows, max_rows):
        end = min(n_rows, start + max_rows)
        rows = np.arange(start, end)
        yield columns.take(rows)


@dataclass(frozen=True)
class Part:
    """One fitted model of a member.

    Parameters
    ----------
    encodings : tuple of str
        Names of the encodings whose columns it reads next to each other.
    blob : bytes or memoryview
        Its packed state.
    share : float
        Its weight within the member.
    """

    encodings: Names
    blob: Blob
    share: float = 1.0


@dataclass(frozen=True)
class Member:
    """A trial in the ensemble: the weighted mean of its fold models, its refits, or both.

    Parameters
    ----------
    id : str
        The trial's id.
    family : Family
        The family that restores the models. Since the member holds it, another family of the same
        name can never be used for it.
    weight : float
        Weight in the ensemble.
    parts : tuple of Part
    """

    id: str
    family: Family
    weight: float
    parts: tuple[Part, ...]

    @property
    def family_name(self) -> str:
        """The family's name."""
        return self.family.name

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """The models, restored and checked when they are first asked for."""
        return tuple(map(self._restore, self.parts))

    def _restore(self, part: Part) -> Model:
        with raising_unsafe_model(f"member {self.id!r}"):
            state = unpack_bytes(part.blob)
            return self.family.restore(state)

    def predict(
        self, inputs: Mapping[Names, Matrix], margins: Mapping[int, Floats] = _NO_MARGINS
    ) -> Floats:
        """Return the mean of the parts' predictions, weighted by their shares.

        Parameters
        ----------
        inputs : mapping of tuple of str to ndarray of shape (n_rows, n_features), float32
            The matrix for the encodings of each part.
        margins : mapping of int to ndarray
            The margins of models whose trees were walked already, by their number.
        """
        models = self.models

        def predict_part(index: int) -> Floats:
            model = models[index]
            if isinstance(model, TreeModel) and index in margins:
                return model.predict_margins(margins[index])
            names = self.parts[index].encodings
            return model.predict(inputs[names])

        indices = range(len(self.parts))
        first = next(iter(inputs.values()))
        is_large = len(first) >= MIN_THREADED_ROWS
        predictions = parallel_map(predict_part, indices, worthwhile=is_large)
        shapes = {prediction.shape for prediction in predictions}
        if len(shapes) > 1:
            raise UnsafeModel(f"member {self.id!r} has models of different tasks")
        shares = [part.share for part in self.parts]
        return weighted_sum(predictions, shares)


def _member_inputs(
    member: Member,
    encoded: Mapping[str, Matrix],
    previous: Mapping[Names, Matrix],
) -> dict[Names, Matrix]:
    """Return the matrices that a member's parts read, from the previous member's where equal."""
    inputs: dict[Names, Matrix] = {}
    for part in member.parts:
        names = part.encodings
        if names in inputs:
            continue
        if names in previous:
            inputs[names] = previous[names]
            continue
        matrices = [encoded[name] for name in names]
        inputs[names] = hstack(matrices)
    return inputs


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
        Divides the logarithms of the probabilities; 1 leaves them unchanged.
    thresholds : ndarray of shape (n_classes,) or None
        Thresholds: each probability is divided by its class's before the largest quotient decides.
        Of two classes, the positive one is predicted from its threshold on. None stands for equal
        thresholds, and for regression.
    residuals : ndarray of shape (n_quantiles,) or None
        Evenly spaced quantiles of truth minus prediction on held-out rows, for intervals;
        regression only.
    facts : mapping
        Information for people and programs: metric, score, interval, versions.
    """

    task: Task
    cleaner: Cleaner
    encodings: Mapping[str, Encoding]
    members: tuple[Member, ...]
    temperature: float = 1.0
    thresholds: Floats | None = None
    residuals: Floats | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def restore(self) -> None:
        """Restore the members' models now rather than at the first prediction."""
        for member in self.members:
            _ = member.models

    def warm_up(self) -> None:
        """Load all that predictions need now rather than at the first ones.

        A service calls it before its first request: it restores the models and loads the compiled
        evaluator of trees, which takes up to a second.
        """
        self.restore()
        if self._shared_walk.walks_per_row and has_compiler():
            load_kernel()

    def check(self) -> None:
        """Refuse invalid weights and thresholds; models are checked when they are first used.

        Raises
        ------
        UnsafeModel
        """
        self._check_weights()
        self._check_thresholds()

    def _check_weights(self) -> None:
        numbers = [self.temperature]
        for member in self.members:
            shares = [part.share for part in member.parts]
            numbers.append(member.weight)
            numbers.extend(shares)
        are_finite = np.isfinite(numbers).all()
        if not self.members or not are_finite:
            raise UnsafeModel("its weights or temperature are invalid")

    def _check_thresholds(self) -> None:
        thresholds = self.thresholds
        if thresholds is None:
            return
        shape = (self.task.n_outputs,)
        has_shape = thresholds.shape == shape
        are_positive = (thresholds > 0).all()
        are_finite = np.isfinite(thresholds).all()
        if not (has_shape and are_positive and are_finite):
            raise UnsafeModel("its thresholds between classes are invalid")

    def to_columns(self, table: Table) -> Transformed:
        """Turn a table into typed columns, and count its oddities.

        Raises
        ------
        InputError
            The table lacks columns that the model needs.
        """
        return self.cleaner.transform(table)

    def predict_raw(self, columns: Columns) -> Floats:
        """Predict probabilities or values.

        Returns
        -------
        ndarray of shape (n_rows, n_classes) or (n_rows,)
        """
        if columns.n_rows == 0:
            return self._empty_prediction()
        blocks = _blocks(columns, self._block_rows)
        predictions = [self._predict_block(block) for block in blocks]
        return np.concatenate(predictions)

    def _predict_block(self, columns: Columns) -> Floats:
        return self.combine_members(self._predict_members(columns))

    def predict_members(self, columns: Columns) -> list[Floats]:
        """Predict with each member alone; the arrays are as those of `predict_raw`."""
        if columns.n_rows == 0:
            return [self._empty_prediction() for _ in self.members]
        blocks = _blocks(columns, self._block_rows)
        predictions = [self._predict_members(block) for block in blocks]
        by_member = zip(*predictions, strict=True)
        return [np.concatenate(parts) for parts in by_member]

    def _empty_prediction(self) -> Floats:
        """Return the prediction for a table without rows."""
        if self.task.is_regression:
            return np.empty(0)
        shape = (0, self.task.n_outputs)
        return np.empty(shape)

    @cached_property
    def _block_rows(self) -> int:
        """Number of rows that are encoded and predicted at a time."""
        widest = 1
        for encoding in self.encodings.values():
            widest = max(widest, len(encoding.features))
        n_rows = MAX_BLOCK_CELLS // widest
        n_rows = min(n_rows, MAX_BLOCK_ROWS)
        return max(n_rows, MIN_BLOCK_ROWS)

    def _predict_members(self, columns: Columns) -> list[Floats]:
        encoded = {}
        for name, encoding in self.encodings.items():
            encoded[name] = encoding.transform(columns)
        if self._shared_walk.is_quicker(columns.n_rows):
            return self._predict_few(encoded)
        inputs: dict[Names, Matrix] = {}
        predictions = []
        for member in self.members:
            # Only the matrices of this member are kept: those of all together would take gigabytes.
            inputs = _member_inputs(member, encoded, inputs)
            predictions.append(self._predict_member(member, inputs))
        return predictions

    def _predict_few(self, encoded: Mapping[str, Matrix]) -> list[Floats]:
        """Predict a few rows, for which the trees of all members are walked together."""
        inputs: dict[Names, Matrix] = {}
        for member in self.members:
            inputs |= _member_inputs(member, encoded, inputs)
        margins: list[dict[int, Floats]] = [{} for _ in self.members]
        by_place = self._shared_walk.margins(inputs)
        for place, found in by_place.items():
            member_index, index = place
            margins[member_index][index] = found
        predictions = []
        for member, own in zip(self.members, margins, strict=True):
            predictions.append(self._predict_member(member, inputs, own))
        return predictions

    def _predict_member(
        self,
        member: Member,
        inputs: Mapping[Names, Matrix],
        margins: Mapping[int, Floats] = _NO_MARGINS,
    ) -> Floats:
        """Predict with a member, whose predictions must have the task's shape."""
        prediction = member.predict(inputs, margins)
        shape = self._empty_prediction().shape[1:]
        if prediction.shape[1:] != shape:
            raise UnsafeModel(f"member {member.id!r} does not fit the model's task")
        return prediction

    @cached_property
    def _shared_walk(self) -> SharedWalk:
        models = []
        for member_index, member in enumerate(self.members):
            for index, part in enumerate(member.parts):
                place = (member_index, index)
                model = member.models[index]
                self._check_width(member, part, model)
                models.append((place, part.encodings, model))
        return SharedWalk.of(models)

    def _check_width(self, member: Member, part: Part, model: Model) -> None:
        """Refuse trees that read other columns than the encodings make."""
        if not isinstance(model, TreeModel):
            return
        width = 0
        for name in part.encodings:
            width += len(self.encodings[name].features)
        if model.trees.features != width:
            raise UnsafeModel(f"member {member.id!r} does not fit the model's encodings")

    def combine_members(self, predictions: Sequence[Floats]) -> Floats:
        """Combine the members' predictions by their weights, and calibrate probabilities.

        Parameters
        ----------
        predictions : sequence of ndarray
            The predictions of each member, as from `predict_members`.
        """
        weights = [member.weight for member in self.members]
        total = combine(predictions, weights)
        if self.task.is_regression:
            return total
        row_sums = total.sum(axis=1, keepdims=True)
        proba = total / row_sums
        return apply_temperature(proba, self.temperature)

    def predict_proba(self, data: Any) -> Floats:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        data : Table, table from Python or mapping
            As for `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            In the order of `task.labels`.

        Raises
        ------
        InputError
            The model predicts numbers, or the data lack columns that it needs.
        """
        if self.task.is_regression:
            raise InputError("probabilities are for classification; this model predicts numbers.")
        table = as_table(data)
        transformed = self.to_columns(table)
        return self.predict_raw(transformed.columns)

    def predict(self, data: Any) -> Labels:
        """Predict labels as text, or values.

        Parameters
        ----------
        data : Table, table from Python or mapping
            What `automl.table.read_table` returns, a data frame, a list of rows as dictionaries,
            or a single row as a dictionary of values by column.

        Returns
        -------
        ndarray of shape (n_rows,)

        Raises
        ------
        InputError
            The data lack columns that the model needs.
        """
        table = as_table(data)
        transformed = self.to_columns(table)
        raw = self.predict_raw(transformed.columns)
        return self.decode(raw)

    def decode(self, raw: Floats) -> Labels:
        """Convert raw predictions to labels or values."""
        if self.task.is_regression:
            return raw
        labels = np.array(self.task.labels, object)
        classes = self.predict_classes(raw)
        return labels[classes]

    def predict_classes(self, raw: Floats) -> Integers:
        """Convert raw probabilities to indices of classes."""
        if self.thresholds is not None:
            return apply_thresholds(raw, self.thresholds)
        n_classes = raw.shape[1]
        return apply_thresholds(raw, equal_thresholds(n_classes))

    def interval(self, values: Floats, share: float) -> tuple[Floats, Floats]:
        """Return bounds that hold the truth in a share of cases.

        They are quantiles of the held-out residuals around the prediction.

        Parameters
        ----------
        values : ndarray of shape (n_rows,)
            Predictions.
        share : float
            Such as 0.9.

        Returns
        -------
        low, high : ndarray of shape (n_rows,)

        References
        ----------
        Barber et al. 2021, "Predictive inference with the jackknife+" (arXiv 1905.02928): the CV
        variant without its correction for the spread of the fold models.
        """
        if self.residuals is None:
            raise InputError("--interval: this model has no intervals; they are for regression.")
        if not 0 < share < 1:
            raise InputError(f"--interval: {share} is not between 0 and 1. Write 0.9 for 90%.")
        low_level = (1 - share) / 2
        high_level = (1 + share) / 2
        levels = [low_level, high_level]
        low, high = np.quantile(self.residuals, levels)
        return values + low, values + high
