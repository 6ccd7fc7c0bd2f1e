"""The nearest neighbours family, over a bounded number of stored rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from automl.arrays import Floats, Integers, Matrix
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
from automl.models._blocks import (
    check_width,
    fill_missing,
    read_array,
    read_integer,
    read_vector,
)
from automl.models._neighbours import NeighbourIndex, Neighbours
from automl.models._rows import EncodedRows, encode_rows
from automl.models._target import TargetCoding, read_target
from automl.models.constant import ConstantModel
from automl.space import Choice, Int, Space
from automl.state import State
from automl.task import Task

_MAX_STORED_ROWS = 10_000
_MIN_STORED_ROWS = 1_000  # the limit is no lower than this, however many columns there are
# Rows x columns, by p: the sum of absolute differences (p=1) is not a matrix product.
_MAX_STORED_NUMBERS = {2: 5_000_000, 1: 400_000}
_BLOCK_ROWS = 64  # predicted together: 2.5 MB of distances
_MIN_DISTANCE = 1e-3  # smaller distances count as this, so that one row does not outvote all


@dataclass(frozen=True)
class KNNModel:
    """Stored rows with their encoded targets and weights, and how neighbours count.

    Parameters
    ----------
    rows : ndarray of shape (n_stored, n_features)
    y, weight : ndarray of shape (n_stored,)
    k : int
        Number of neighbours.
    by_distance : bool
        Whether nearer neighbours count more.
    p : int
        1 for the sum of absolute differences, 2 for the Euclidean distance.
    target : TargetCoding
    """

    rows: Matrix
    y: Floats
    weight: Floats
    k: int
    by_distance: bool
    p: int
    target: TargetCoding

    def predict(self, X: Matrix) -> Floats:
        """Return votes or means of the k nearest; rows at the k-th distance share the rest of k."""
        check_width(X, self.rows.shape[1])
        rows = fill_missing(X)
        raw = []
        # Blocks need no padding: only exact distances count, which depend on nothing but two rows.
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = rows[start : start + _BLOCK_ROWS]
            raw.append(self._predict_block(block))
        if not raw:
            return self.target.empty_prediction()
        return self.target.to_prediction(np.concatenate(raw))

    @cached_property
    def _index(self) -> NeighbourIndex:
        return NeighbourIndex(self.rows, self.p)

    @cached_property
    def _class_shares(self) -> Floats:
        """Weighted class frequencies of all stored rows."""
        classes = self.y.astype(np.int64)
        counts = np.bincount(classes, self.weight, minlength=self.target.outputs)
        shares = counts / counts.sum()
        return np.asarray(shares)

    @property
    def _n_neighbours(self) -> int:
        return min(self.k, len(self.rows))

    def _predict_block(self, block: Matrix) -> Floats:
        n_rows = len(block)
        neighbours = self._index.search(block, self._n_neighbours)
        influence = self._influence(neighbours)
        if self.target.n_classes:
            return self._vote(neighbours, influence, n_rows)
        return self._average(neighbours, influence, n_rows)

    def _influence(self, neighbours: Neighbours) -> Floats:
        """Return how much each neighbour counts."""
        row = neighbours.row
        n_tied = np.bincount(row, weights=neighbours.is_last)
        n_nearer = np.bincount(row) - n_tied
        places = self._n_neighbours - n_nearer
        tied_share = places / n_tied
        share: Floats = np.where(neighbours.is_last, tied_share[row], 1.0)
        influence: Floats = share * self.weight[neighbours.stored]
        if self.by_distance:
            distance = np.maximum(neighbours.distance, _MIN_DISTANCE)
            influence /= distance
        return influence

    # Sums are in the order of the stored rows, so that equal rows get equal predictions.

    def _average(
        self,
        neighbours: Neighbours,
        influence: Floats,
        n_rows: int,
    ) -> Floats:
        """Return weighted means, of shape (n_rows, 1)."""
        row = neighbours.row
        total = np.bincount(row, weights=influence, minlength=n_rows)
        weighted = influence * self.y[neighbours.stored]
        sums = np.bincount(row, weights=weighted, minlength=n_rows)
        means = sums / total
        return means[:, None]

    def _vote(
        self,
        neighbours: Neighbours,
        influence: Floats,
        n_rows: int,
    ) -> Floats:
        """Return probabilities, of shape (n_rows, n_classes).

        One more neighbour, with the frequencies of all stored rows, is among the k: no class is
        impossible because it isn't near.
        """
        row = neighbours.row
        outputs = self.target.outputs
        total = np.bincount(row, weights=influence, minlength=n_rows)
        classes = self.y[neighbours.stored].astype(np.int64)
        cell = row * outputs + classes
        n_cells = n_rows * outputs
        counts = np.bincount(cell, weights=influence, minlength=n_cells)
        counts = counts.reshape(n_rows, outputs)
        votes = counts / total[:, None]
        k = self._n_neighbours
        total_votes = k * votes + self._class_shares
        return total_votes / (k + 1)

    def to_state(self) -> State:
        """Return the stored rows and how neighbours count."""
        return {
            "rows": self.rows,
            "y": self.y,
            "weight": self.weight,
            "k": self.k,
            "by_distance": self.by_distance,
            "p": self.p,
            "target": self.target.to_state(),
        }


class KNN(PlainFamily):
    """Nearest neighbours."""

    name = "knn"
    holds_rows = True  # of the training table
    about = "the mean or vote of the nearest training rows"
    seeded = False
    bagged = False
    stops = False
    recipes = ("scaled_target", "quantile", "onehot")

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges of the number of neighbours, their weights, and the distance."""
        return {
            "k": Int(1, 500, log=True),
            "weights": Choice(("distance", "uniform")),
            "p": Choice((2, 1)),
        }

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return a middling neighbourhood."""
        return {
            "k": 20,
            "weights": "distance",
            "p": 2,
        }

    def prepare(
        self,
        train: Sample,
        held: Sample | None,
        params: Hyperparameters,
        context: FitContext,
    ) -> EncodedRows:
        """Return the rows with encoded targets and without missing values."""
        return encode_rows(train, context).map_features(fill_missing)

    def fit(
        self,
        prepared: EncodedRows,
        params: Hyperparameters,
        context: FitContext,
    ) -> Fitted:
        """Store the rows, or a sample of them."""
        resolved = self.defaults(context.task) | dict(params)
        if prepared.fallback is not None:
            return Fitted(prepared.fallback, None, resolved)
        rows = prepared.sample
        p = int(resolved["p"])
        stored = _sample_rows(rows.X, p, context.seed)
        model = KNNModel(
            np.ascontiguousarray(rows.X[stored]),
            rows.y[stored],
            rows.weight_or_ones[stored],
            int(resolved["k"]),
            resolved["weights"] == "distance",
            p,
            prepared.target,
        )
        return Fitted(model, None, resolved)

    def restore(self, state: State) -> Model:
        """Return the model of the stored rows, after checking them against one another."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        model = KNNModel(
            read_array(state, "rows", np.float32, 2),
            read_vector(state, "y", np.float64),
            read_vector(state, "weight", np.float64),
            read_integer(state, "k", 1),
            bool(state.get("by_distance")),
            read_integer(state, "p", 1),
            read_target(state),
        )
        if model.p not in (1, 2) or not _fits_together(model):
            raise UnsafeModel("the model file's neighbours have arrays that do not fit together")
        return model

    def cost(
        self,
        rows: int,
        features: int,
        outputs: int,
        models: int = 1,
    ) -> float:
        """Return the seconds of predicting a quarter as many rows.

        Measured: 0.15 s for 2 500 rows by 10 000 x 20.
        """
        stored = min(rows, _max_stored_rows(features, 2))
        width_factor = 1 + features / 50
        return 0.01 + 1.5e-9 * rows * stored * width_factor


def _fits_together(model: KNNModel) -> bool:
    sizes = {len(model.rows), len(model.y), len(model.weight)}
    if len(sizes) > 1 or 0 in sizes:
        return False
    if not (model.weight > 0).all():
        return False
    if not model.target.n_classes:
        return True
    classes = np.arange(model.target.outputs)
    is_known = np.isin(model.y, classes)
    return bool(is_known.all())


def _max_stored_rows(features: int, p: int) -> int:
    by_numbers = _MAX_STORED_NUMBERS[p] // max(1, features)
    return max(_MIN_STORED_ROWS, min(_MAX_STORED_ROWS, by_numbers))


def _sample_rows(
    X: Matrix,
    p: int,
    seed: int,
) -> Integers:
    """Return the indices of the rows to store: all, or a random sample in their order."""
    n_rows, features = X.shape
    limit = _max_stored_rows(features, p)
    if n_rows <= limit:
        return np.arange(n_rows)
    rng = np.random.default_rng(seed)
    rows = rng.choice(n_rows, limit, replace=False)
    return np.sort(rows)


FAMILIES: tuple[Family, ...] = (KNN(),)
