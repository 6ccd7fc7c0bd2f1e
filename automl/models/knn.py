"""Nearest neighbours, by brute force over a bounded number of kept rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.errors import UnsafeModel
from automl.models._base import Fitted, Floats, How, Matrix, Model, Sample
from automl.models._blocks import array_of, by_blocks, check_width, filled, part_of, whole_of
from automl.models._target import Target
from automl.models.constant import ConstantModel, nothing_to_learn
from automl.space import Choice, Int, Space
from automl.state import State
from automl.task import Task

_KEPT = 10_000  # rows
_FEWEST = 1_000  # of them, however many columns there are
_KEPT_NUMBERS = {
    2: 5_000_000,
    1: 400_000,
}  # rows x columns; the sum of absolute differences, p=1, is no matrix product
_BLOCK = 64  # rows answered at once: 2.5 MB of distances
_NEAREST = 1e-3  # distances below count as this, so that one row does not outvote all


@dataclass(frozen=True)
class KNNModel:
    """Kept rows with their coded targets and weights, and how neighbours count."""

    rows: Matrix
    y: Floats
    weight: Floats
    k: int
    by_distance: bool
    p: int
    target: Target

    def predict(self, X: Matrix) -> Floats:
        """Votes or means of the k nearest; rows at the k-th distance share what is left of k."""
        check_width(X, self.rows.shape[1])
        answers = by_blocks(self._answer, filled(X), _BLOCK)
        return self.target.spread(answers if self.target.total else answers[:, 0])

    @cached_property
    def _columns(self) -> Matrix:
        return np.ascontiguousarray(self.rows.T)

    @cached_property
    def _shares(self) -> Floats:
        """The classes' shares of all kept rows."""
        sums = np.bincount(self.y.astype(np.int64), self.weight, minlength=self.target.outputs)
        return np.asarray(sums / sums.sum())

    @cached_property
    def _sizes(self) -> Matrix:
        return self._size(self.rows)

    def _size(self, rows: Matrix) -> Matrix:
        """What rounding errors of rough distances are relative to."""
        return np.asarray((np.abs(rows) ** self.p).sum(axis=1), np.float32)

    def _answer(self, block: Matrix) -> Floats:
        k = min(self.k, len(self.rows))
        row, place = self._candidates(block, k)
        distance = self._distances(block, row, place)
        last = _kth(row, distance, k)[row]
        near = distance <= last
        row, place, distance, last = row[near], place[near], distance[near], last[near]
        return self._vote(
            row, place, self._influence(row, place, distance, distance == last, k), len(block)
        )

    def _candidates(self, block: Matrix, k: int) -> tuple[Any, Any]:
        """Pairs of a block's row and a kept row, in this order, that hold all of the k nearest and those as near as the last.

        BLAS rounds differently from place to place in a block (measured: three results for 64 places), so a rough distance is
        taken as a lower bound, and as an upper bound after twice the largest error is added.
        """
        error = np.float32(1.2e-7 * (block.shape[1] + 10))
        size = self._size(block)
        lower = self._rough(block)
        lower -= error * size[:, None]
        lower -= error * self._sizes
        chosen = np.argpartition(lower, k - 1, axis=1)[:, :k]
        upper = np.take_along_axis(lower, chosen, axis=1) + 2 * error * (
            size[:, None] + self._sizes[chosen]
        )
        row, place = np.nonzero(lower <= upper.max(axis=1)[:, None])
        return row, place

    def _rough(self, block: Matrix) -> Matrix:
        """Squared distances for p=2, distances for p=1; of shape (n_block, n_kept)."""
        if self.p == 2:
            found: Matrix = block @ self._columns
            found *= -2
            found += self._sizes
            found += self._size(block)[:, None]
            return found
        total = np.zeros((len(block), len(self.rows)), np.float32)
        apart = np.empty_like(total)
        for place, column in enumerate(self._columns):
            np.subtract(block[:, place, None], column, out=apart)
            total += np.abs(apart, out=apart)
        return total

    def _distances(self, block: Matrix, row: Any, place: Any) -> Floats:
        """Distances of pairs, column by column in float64, so that nothing but the pair counts."""
        total = np.zeros(len(row))
        for mine, column in zip(np.ascontiguousarray(block.T), self._columns, strict=True):
            apart = np.abs(mine[row].astype(np.float64) - column[place])
            total += apart * apart if self.p == 2 else apart
        return np.sqrt(total) if self.p == 2 else total

    def _influence(self, row: Any, place: Any, distance: Floats, tied: Any, k: int) -> Floats:
        """How much each neighbour counts."""
        ties = np.bincount(row, weights=tied)
        nearer = np.bincount(row) - ties
        share: Floats = np.where(tied, ((k - nearer) / ties)[row], 1.0) * self.weight[place]
        if self.by_distance:
            share /= np.maximum(distance, _NEAREST)
        return share

    def _vote(self, row: Any, place: Any, influence: Floats, count: int) -> Floats:
        """Sums in the order of the kept rows, so that equal rows get equal answers."""
        total = np.bincount(row, weights=influence, minlength=count)
        if not self.target.total:
            return (np.bincount(row, weights=influence * self.y[place], minlength=count) / total)[
                :, None
            ]
        outputs = self.target.outputs
        cell = row * outputs + self.y[place].astype(np.int64)
        votes = (
            np.bincount(cell, weights=influence, minlength=count * outputs).reshape(count, outputs)
            / total[:, None]
        )
        k = min(self.k, len(self.rows))
        return (k * votes + self._shares) / (
            k + 1
        )  # one neighbour more, an average one: no class is impossible because it isn't near

    def to_state(self) -> State:
        """The kept rows."""
        numbers = {"rows": self.rows, "y": self.y, "weight": self.weight}
        return numbers | {
            "k": self.k,
            "by_distance": self.by_distance,
            "p": self.p,
            "target": self.target.to_state(),
        }


def _kth(row: Any, distance: Floats, k: int) -> Floats:
    """The k-th smallest distance of each row."""
    order = np.lexsort((distance, row))
    starts = np.searchsorted(row, np.arange(row[-1] + 1))  # `row` ascends
    smallest: Floats = distance[order][starts + k - 1]
    return smallest


@dataclass(frozen=True)
class Kept:
    """Coded rows without missing values, or the answer where nothing can be learnt."""

    X: Matrix
    y: Floats
    weight: Floats
    target: Target
    settled: ConstantModel | None


class KNN:
    """Nearest neighbours."""

    name = "knn"
    about = "the mean or vote of the nearest training rows"
    seeded = False
    bagged = False
    stops = False
    recipes = ("scaled_target", "quantile", "onehot")

    def space(self, task: Task, codes: bool = True) -> Space:
        """How many neighbours, how they count, and the distance."""
        return {
            "k": Int(1, 500, log=True),
            "weights": Choice(("distance", "uniform")),
            "p": Choice((2, 1)),
        }

    def defaults(self, task: Task) -> dict[str, Any]:
        """A middling neighbourhood."""
        return {"k": 20, "weights": "distance", "p": 2}

    def implied(self, task: Task) -> dict[str, Any]:
        """Nothing: the defaults name all."""
        return {}

    def binning(self, params: Mapping[str, Any]) -> Hashable:
        """One preparation for all."""
        return ()

    def prepare(
        self, train: Sample, held: Sample | None, params: Mapping[str, Any], how: How
    ) -> Kept:
        """The rows, coded and filled."""
        target = Target.of(train, how)
        rows = target.code(train)
        weight = np.ones(len(rows.y)) if rows.weight is None else rows.weight
        return Kept(
            filled(rows.X), rows.y, weight, target, nothing_to_learn(train, rows, target, how)
        )

    def fit(self, prepared: Kept, params: Mapping[str, Any], how: How) -> Fitted:
        """Keep the rows, or a sample of them."""
        asked = self.defaults(how.task) | dict(params)
        if prepared.settled is not None:
            return Fitted(prepared.settled, None, asked)
        kept = _sample(prepared, int(asked["p"]), how.seed)
        model = KNNModel(
            np.ascontiguousarray(prepared.X[kept]),
            prepared.y[kept],
            prepared.weight[kept],
            int(asked["k"]),
            asked["weights"] == "distance",
            int(asked["p"]),
            prepared.target,
        )
        return Fitted(model, None, asked)

    def restore(self, state: State) -> Model:
        """The kept rows, checked against one another."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        target = Target.from_state(part_of(state, "target"))
        rows, y, weight = (array_of(state, name, dtype, ndim) for name, dtype, ndim in _ARRAYS)
        fitting = len(rows) == len(y) == len(weight) > 0 and (weight > 0).all()
        if (
            not fitting
            or (target.total and not np.isin(y, np.arange(target.outputs)).all())
            or state.get("p") not in (1, 2)
        ):
            raise UnsafeModel("the model file's neighbours have arrays that do not fit together")
        return KNNModel(
            rows,
            y,
            weight,
            whole_of(state, "k", 1),
            bool(state.get("by_distance")),
            whole_of(state, "p", 1),
            target,
        )

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """That of predicting a quarter as many rows; measured: 0.15 s for 2 500 rows by 10 000 x 20."""
        return 0.01 + 1.5e-9 * rows * min(rows, _most_kept(features, 2)) * (1 + features / 50)


_ARRAYS = (("rows", np.float32, 2), ("y", np.float64, 1), ("weight", np.float64, 1))


def _most_kept(features: int, p: int) -> int:
    """How many rows are kept at most."""
    return max(_FEWEST, min(_KEPT, _KEPT_NUMBERS[p] // max(1, features)))


def _sample(prepared: Kept, p: int, seed: int) -> npt.NDArray[np.int64]:
    """Which rows are kept: all, or a random sample in their order."""
    count, features = prepared.X.shape
    most = _most_kept(features, p)
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
