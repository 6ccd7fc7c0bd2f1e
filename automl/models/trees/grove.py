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

_MAX_WALKS_TOGETHER = 1_000_000  # rows x trees, which bounds the memory


@dataclass(frozen=True)
class Grove:
    """The trees of several models, with their nodes numbered across all of them.

    Parameters
    ----------
    models : tuple of Trees
    sources : tuple of int
        Which of several matrices each model reads.
    conditions : Conditions
        Those of all models; their columns are those of the matrices and of the models' statistics,
        side by side.
    condition : ndarray of shape (n_inner,), int64
    links : ndarray of shape (2 * n_inner,), int64
        Where a row goes from a node if its condition holds, and if it doesn't: an inner node, or
        the complement of a leaf.
    roots : ndarray of shape (n_trees,), int64
    """

    models: tuple[Trees, ...]
    sources: tuple[int, ...]
    conditions: Conditions
    condition: Integers
    links: Integers
    roots: Integers

    @classmethod
    def of(
        cls,
        models: Sequence[Trees],
        sources: Sequence[int],
    ) -> Grove:
        """Return the trees of models, each of which reads one of several matrices."""
        roots = []
        links = []
        first_inner = 0
        first_leaf = 0
        for trees in models:
            own_links = trees.links.ravel()
            roots.append(_shifted(trees.roots, first_inner, first_leaf))
            links.append(_shifted(own_links, first_inner, first_leaf))
            first_inner += len(trees.condition)
            first_leaf += len(trees.value)
        places = _columns_of_all(models, sources)
        return cls(
            models=tuple(models),
            sources=tuple(sources),
            conditions=_joined_conditions(models, places),
            condition=_joined_condition(models),
            links=_concatenated(links),
            roots=_concatenated(roots),
        )

    @property
    def count(self) -> int:
        """Number of trees."""
        return len(self.roots)

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
        rows_together = max(1, _MAX_WALKS_TOGETHER // self.count)
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
        margins = []
        first_tree = 0
        first_leaf = 0
        for trees in self.models:
            end_tree = first_tree + trees.count
            own_leaves = leaves[:, first_tree:end_tree]
            margins.append(_added(trees, own_leaves - first_leaf))
            first_tree = end_tree
            first_leaf += len(trees.value)
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
        """Return the leaf that each row reaches in each tree, of shape (n_rows, n_trees)."""
        n_rows, n_conditions = holds.shape
        fails = (~holds).ravel()
        fails = fails.view(np.uint8)
        row_starts = np.arange(n_rows) * n_conditions
        first_condition = np.repeat(row_starts, self.count)
        node = np.tile(self.roots, n_rows)
        walking = np.flatnonzero(node >= 0)
        while len(walking):
            current = node[walking]
            condition = self.condition[current]
            if n_rows > 1:
                condition += first_condition[walking]
            link = 2 * current + fails[condition]
            reached = self.links[link]
            node[walking] = reached
            walking = walking[reached >= 0]
        return ~node.reshape(n_rows, self.count)


def _starts(sizes: Sequence[int]) -> list[int]:
    """Return where each of several things begins, and at last where the last one ends."""
    return list(accumulate(sizes, initial=0))


def _concatenated(arrays: Sequence[Integers]) -> Integers:
    if not arrays:
        return np.zeros(0, np.int64)
    return np.concatenate(arrays)


def _shifted(
    nodes: Integers,
    first_inner: int,
    first_leaf: int,
) -> Integers:
    """Return nodes numbered across several models."""
    as_inner = nodes + first_inner
    as_leaf = nodes - first_leaf
    return np.where(nodes >= 0, as_inner, as_leaf)


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


def _joined_condition(models: Sequence[Trees]) -> Integers:
    """Return the condition of each inner node among those of all models."""
    first_numeric = 0
    first_set = sum(trees.conditions.n_numeric for trees in models)
    joined = []
    for trees in models:
        conditions = trees.conditions
        is_numeric = trees.condition < conditions.n_numeric
        shift_of_sets = first_set - conditions.n_numeric
        condition = trees.condition.astype(np.int64)
        condition += np.where(is_numeric, first_numeric, shift_of_sets)
        joined.append(condition)
        first_numeric += conditions.n_numeric
        first_set += conditions.n_sets
    return _concatenated(joined)


def _added(trees: Trees, leaves: Integers) -> Floats:
    """Return the sums of leaves' values, of shape (n_rows, n_outputs).

    They are added one by one: NumPy's sum would add pairs first.
    """
    n_rows = len(leaves)
    n_outputs = trees.outputs
    value = trees.value[leaves]
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
