"""The trees of several models, walked together by NumPy: quickest for a few rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from automl.arrays import Array, Bools, Floats, Integers, Matrix
from automl.models.trees.conditions import Conditions, Indices
from automl.models.trees.trees import Trees

_FIRST_LEAF = ~0
_MAX_WALKS_TOGETHER = 250_000  # which bounds the memory


@dataclass(frozen=True)
class Grove:
    """The trees of several models, whose arrays lie one after another.

    Nodes keep the numbers that they have within their tree, so that little is computed before the
    first row: a row visits few of them.

    Parameters
    ----------
    models : tuple of Trees
    sources : tuple of int
        Which of several matrices each model reads.
    conditions : Conditions
        Those of all models; their columns are those of the matrices and of the models' statistics,
        side by side.
    condition : ndarray of shape (n_inner,), uint16 or int32
        Each inner node's condition among those of its model.
    children : ndarray of shape (2 * n_inner,), int16 or int32
    trees : TreePlaces
    """

    models: tuple[Trees, ...]
    sources: tuple[int, ...]
    conditions: Conditions
    condition: Array
    children: Array
    trees: TreePlaces

    @classmethod
    def of(
        cls,
        models: Sequence[Trees],
        sources: Sequence[int],
    ) -> Grove:
        """Return the trees of models, each of which reads one of several matrices."""
        places = _columns_of_all(models, sources)
        return cls(
            models=tuple(models),
            sources=tuple(sources),
            conditions=_joined_conditions(models, places),
            condition=_concatenated([trees.condition for trees in models]),
            children=_concatenated([trees.children.ravel() for trees in models]),
            trees=TreePlaces.of(models),
        )

    @property
    def count(self) -> int:
        """Number of trees."""
        return len(self.trees.first_inner)

    def margins(
        self,
        matrices: Sequence[Matrix],
    ) -> list[Floats]:
        """Return the margins of each model, of shape (n_rows, n_outputs).

        Parameters
        ----------
        matrices : sequence of ndarray of shape (n_rows, n_columns), float32
            The same rows in each of them.
        """
        n_rows = len(matrices[0])
        walks_per_row = sum(trees.walks_per_row for trees in self.models)
        largest = max(trees.values_per_row for trees in self.models)
        costs_per_row = max(1, walks_per_row, largest)
        rows_together = max(1, _MAX_WALKS_TOGETHER // costs_per_row)
        if n_rows <= rows_together:
            return self._margins_of_few(matrices)
        parts = []
        for start in range(0, n_rows, rows_together):
            rows = slice(start, start + rows_together)
            few = [matrix[rows] for matrix in matrices]
            parts.append(self._margins_of_few(few))
        by_model = zip(*parts, strict=True)
        return [np.concatenate(each) for each in by_model]

    def _margins_of_few(
        self,
        matrices: Sequence[Matrix],
    ) -> list[Floats]:
        columns = self._columns(matrices)
        holds = self.conditions.evaluate(columns)
        leaves = self._walk(holds)
        leaves += self.trees.first_leaf
        margins = []
        first_tree = 0
        for trees in self.models:
            end_tree = first_tree + trees.count
            own_leaves = leaves[:, first_tree:end_tree]
            margins.append(_added(trees, own_leaves))
            first_tree = end_tree
        return margins

    def _columns(
        self,
        matrices: Sequence[Matrix],
    ) -> Matrix:
        """Return the columns of all matrices and of the models' statistics, side by side."""
        columns = list(matrices)
        for index, trees in enumerate(self.models):
            if trees.statistics is None:
                continue
            source = self.sources[index]
            further = trees.statistics.columns(matrices[source])
            columns.append(further)
        return np.concatenate(columns, axis=1)

    def _walk(self, holds: Bools) -> Integers:
        """Return the leaf that each row reaches, numbered within its tree.

        The result has shape (n_rows, n_trees).
        """
        n_rows, n_conditions = holds.shape
        fails = (~holds).ravel()
        fails = fails.view(np.uint8)
        row_starts = np.arange(n_rows) * n_conditions
        first_condition = np.repeat(row_starts, self.count)
        tree = np.tile(np.arange(self.count), n_rows)
        # A tree that is a leaf has the leaf 0.
        node = np.where(self.trees.is_leaf, _FIRST_LEAF, 0)
        node = np.tile(node, n_rows)
        walking = np.flatnonzero(node >= 0)
        while len(walking):
            own_tree = tree[walking]
            place = self.trees.first_inner[own_tree] + node[walking]
            condition = self.trees.number_conditions(self.condition[place], own_tree)
            if n_rows > 1:
                condition += first_condition[walking]
            link = 2 * place + fails[condition]
            reached = self.children[link]
            node[walking] = reached
            walking = walking[reached >= 0]
        return ~node.reshape(n_rows, self.count)


@dataclass(frozen=True)
class TreePlaces:
    """Where the parts of each tree lie among those of all models; arrays of shape (n_trees,).

    Parameters
    ----------
    is_leaf : ndarray, bool
        Whether the tree is a leaf.
    first_inner : ndarray, int64
        The tree's first inner node.
    first_leaf : ndarray, int64
        Its first leaf among those of its own model.
    n_numeric : ndarray, int64
        Number of its model's conditions of numbers.
    first_numeric : ndarray, int64
        The first of these among those of all models.
    set_shift : ndarray, int64
        What the number of a condition of categories rises by, from among those of its model to
        among those of all.
    has_sets : bool
        Whether there are any conditions of categories.
    """

    is_leaf: Bools
    first_inner: Integers
    first_leaf: Integers
    n_numeric: Integers
    first_numeric: Integers
    set_shift: Integers
    has_sets: bool

    @classmethod
    def of(cls, models: Sequence[Trees]) -> TreePlaces:
        """Return the places of the trees of models, one model after another."""
        counts = [trees.count for trees in models]
        conditions = [trees.conditions for trees in models]
        n_inner = _starts([len(trees.condition) for trees in models])
        n_numeric = np.array([each.n_numeric for each in conditions], np.int64)
        n_sets = np.array([each.n_sets for each in conditions], np.int64)
        first_numeric = np.cumsum(n_numeric) - n_numeric
        first_set = np.cumsum(n_sets) - n_sets
        set_shift = n_numeric.sum() + first_set - n_numeric
        first_inner = []
        for index, trees in enumerate(models):
            first_inner.append(trees.first_inner + n_inner[index])
        sizes = _concatenated([trees.sizes for trees in models])
        return cls(
            is_leaf=sizes == 0,
            first_inner=_concatenated(first_inner),
            first_leaf=_concatenated([trees.first_leaf for trees in models]),
            n_numeric=np.repeat(n_numeric, counts),
            first_numeric=np.repeat(first_numeric, counts),
            set_shift=np.repeat(set_shift, counts),
            has_sets=bool(n_sets.any()),
        )

    def number_conditions(self, condition: Array, tree: Integers) -> Integers:
        """Return conditions of trees, numbered among those of all models."""
        own: Integers = condition.astype(np.int64)
        if not self.has_sets:
            return own + self.first_numeric[tree]
        is_numeric = own < self.n_numeric[tree]
        shift = np.where(is_numeric, self.first_numeric[tree], self.set_shift[tree])
        return own + shift


def _starts(sizes: Sequence[int]) -> list[int]:
    """Return where each of several things begins, and at last where the last one ends."""
    return list(accumulate(sizes, initial=0))


def _concatenated(arrays: Sequence[Array]) -> Array:
    if not arrays:
        return np.zeros(0, np.int64)
    return np.concatenate(arrays)


def _columns_of_all(
    models: Sequence[Trees],
    sources: Sequence[int],
) -> list[Integers]:
    """Return where each model's columns are among those of all matrices and statistics."""
    *first_columns, end = _starts_of_matrices(models, sources)
    places = []
    for index, trees in enumerate(models):
        source = sources[index]
        first = first_columns[source]
        place = np.arange(trees.features) + first
        if trees.statistics is not None:
            start = end
            end += trees.statistics.count
            further = np.arange(start, end)
            place = np.concatenate([place, further])
        places.append(place)
    return places


def _starts_of_matrices(
    models: Sequence[Trees],
    sources: Sequence[int],
) -> list[int]:
    """Return the first column of each matrix, and at last the number of all columns."""
    count = 1 + max(sources, default=-1)
    widths = [0] * count
    for index, trees in enumerate(models):
        source = sources[index]
        widths[source] = trees.features
    return _starts(widths)


def _joined_conditions(
    models: Sequence[Trees],
    places: Sequence[Integers],
) -> Conditions:
    """Return the conditions of all models: those of numbers first."""
    each = [trees.conditions for trees in models]
    return Conditions(
        column=_joined_columns(each, places),
        threshold=_joined_fields(each, "threshold", np.float32),
        missing_left=_joined_fields(each, "missing_left", np.uint8),
        set_offsets=_joined_offsets(each),
        set_bits=_joined_fields(each, "set_bits", np.uint8),
    )


def _joined_columns(
    conditions: Sequence[Conditions],
    places: Sequence[Integers],
) -> Indices:
    """Return the columns that conditions read: those of numbers first."""
    of_numbers = []
    of_sets = []
    for index, each in enumerate(conditions):
        place = places[index]
        column = place[each.column]
        of_numbers.append(column[: each.n_numeric])
        of_sets.append(column[each.n_numeric :])
    joined = _concatenated(of_numbers + of_sets)
    return joined.astype(np.int32)


def _joined_offsets(conditions: Sequence[Conditions]) -> Integers:
    """Return where the bits of each set begin among those of all models."""
    start = np.zeros(1, np.int64)
    offsets = [start]
    first_byte = 0
    for each in conditions:
        ends = each.set_offsets[1:]
        offsets.append(ends + first_byte)
        first_byte += len(each.set_bits)
    return np.concatenate(offsets)


def _joined_fields(
    conditions: Sequence[Conditions],
    name: str,
    dtype: npt.DTypeLike,
) -> Array:
    fields = [np.zeros(0, dtype)]
    for each in conditions:
        fields.append(getattr(each, name))
    return np.concatenate(fields)


def _added(trees: Trees, leaves: Integers) -> Floats:
    """Return the sums of leaves' values, of shape (n_rows, n_outputs).

    They are added one by one: NumPy's sum would add pairs first.
    """
    n_rows = len(leaves)
    n_outputs = trees.outputs
    value = trees.values_of(leaves)
    n_values = value.shape[2]
    n_terms = trees.count * n_values // n_outputs
    shape = (n_rows, n_terms, n_outputs)
    base_shape = (n_rows, 1, n_outputs)
    by_output = value.astype(trees.dtype, copy=False).reshape(shape)
    base = np.broadcast_to(trees.base, base_shape)
    terms = np.concatenate([base, by_output], axis=1)
    sums = np.add.accumulate(terms, axis=1)
    margins = sums[:, -1]
    return margins.astype(np.float64)
