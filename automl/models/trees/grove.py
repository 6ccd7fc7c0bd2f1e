"""The trees of several models, walked together by NumPy: quickest for a few rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from automl.arrays import Array, Bools, Floats, Integers, Matrix
from automl.models.trees.conditions import Conditions
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
    def of(cls, models: Sequence[Trees], sources: Sequence[int]) -> Grove:
        """Return the trees of models, each of which reads one of several matrices."""
        first_inner = _starts(len(trees.condition) for trees in models)
        first_leaf = _starts(len(trees.value) for trees in models)
        roots = []
        links = []
        for trees, inner, leaf in zip(models, first_inner, first_leaf, strict=False):
            roots.append(_shifted(trees.roots, inner, leaf))
            links.append(_shifted(trees.links.ravel(), inner, leaf))
        return cls(
            models=tuple(models),
            sources=tuple(sources),
            conditions=_joined_conditions(models, _columns_of_all(models, sources)),
            condition=_joined_condition(models),
            links=_concatenated(links),
            roots=_concatenated(roots),
        )

    @property
    def count(self) -> int:
        """Number of trees."""
        return len(self.roots)

    def margins(self, matrices: Sequence[Matrix]) -> list[Floats]:
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
            part = [matrix[rows] for matrix in matrices]
            parts.append(self._margins_of_few(part))
        by_model = zip(*parts, strict=True)
        return [np.concatenate(each) for each in by_model]

    def _margins_of_few(self, matrices: Sequence[Matrix]) -> list[Floats]:
        columns = list(matrices)
        for trees, source in zip(self.models, self.sources, strict=True):
            if trees.statistics is not None:
                columns.append(trees.statistics.columns(matrices[source]))
        together = np.concatenate(columns, axis=1)
        leaves = self._walk(self.conditions.evaluate(together))
        found = []
        first_tree = 0
        first_leaf = 0
        for trees in self.models:
            last_tree = first_tree + trees.count
            reached = leaves[:, first_tree:last_tree] - first_leaf
            found.append(_added(trees, reached))
            first_tree = last_tree
            first_leaf += len(trees.value)
        return found

    def _walk(self, holds: Bools) -> Integers:
        """Return the leaf that each row reaches in each tree, of shape (n_rows, n_trees)."""
        n_rows, n_conditions = holds.shape
        n_trees = len(self.roots)
        fails = (~holds).ravel().view(np.uint8)
        node = np.tile(self.roots, n_rows)
        first_condition = np.repeat(np.arange(n_rows) * n_conditions, n_trees)
        active = np.flatnonzero(node >= 0)
        while len(active):
            current = node[active]
            condition = self.condition[current]
            if n_rows > 1:
                condition += first_condition[active]
            reached = self.links[2 * current + fails[condition]]
            node[active] = reached
            active = active[reached >= 0]
        return ~node.reshape(n_rows, n_trees)


def _starts(sizes: Any) -> list[int]:
    """Return where each of several things begins, and where the last one ends."""
    return list(accumulate(sizes, initial=0))


def _concatenated(arrays: Sequence[Integers]) -> Integers:
    if not arrays:
        return np.zeros(0, np.int64)
    return np.concatenate(arrays)


def _shifted(nodes: Integers, first_inner: int, first_leaf: int) -> Integers:
    """Return nodes numbered across several models."""
    return np.where(nodes >= 0, nodes + first_inner, nodes - first_leaf)


def _columns_of_all(models: Sequence[Trees], sources: Sequence[int]) -> list[Integers]:
    """Return where each model's columns are among those of all matrices and statistics."""
    widths = [0] * (1 + max(sources, default=-1))
    for trees, source in zip(models, sources, strict=True):
        widths[source] = trees.features
    *first_columns, end = _starts(widths)
    places = []
    for trees, source in zip(models, sources, strict=True):
        own = np.arange(trees.features) + first_columns[source]
        if trees.statistics is not None:
            further = np.arange(trees.statistics.count) + end
            own = np.concatenate([own, further])
            end += trees.statistics.count
        places.append(own)
    return places


def _joined_conditions(models: Sequence[Trees], places: Sequence[Integers]) -> Conditions:
    """Return the conditions of all models: those of numbers first."""
    of_numbers: list[Array] = []
    of_sets: list[Array] = []
    offsets = [np.zeros(1, np.int64)]
    end = 0
    for trees, place in zip(models, places, strict=True):
        conditions = trees.conditions
        column = place[conditions.column]
        of_numbers.append(column[: conditions.n_numeric])
        of_sets.append(column[conditions.n_numeric :])
        offsets.append(conditions.set_offsets[1:] + end)
        end += len(conditions.set_bits)
    conditions_of = [trees.conditions for trees in models]
    return Conditions(
        column=_concatenated([*of_numbers, *of_sets]).astype(np.int32),
        threshold=_joined_fields(conditions_of, "threshold", np.float32),
        missing_left=_joined_fields(conditions_of, "missing_left", np.uint8),
        set_offsets=np.concatenate(offsets),
        set_bits=_joined_fields(conditions_of, "set_bits", np.uint8),
    )


def _joined_fields(conditions: Sequence[Conditions], name: str, dtype: Any) -> Array:
    nothing = np.zeros(0, dtype)
    return np.concatenate([nothing, *(getattr(each, name) for each in conditions)])


def _joined_condition(models: Sequence[Trees]) -> Integers:
    """Return the condition of each inner node among those of all models."""
    first_numeric = _starts(trees.conditions.n_numeric for trees in models)
    first_set = _starts(trees.conditions.n_sets for trees in models)
    n_numeric = first_numeric[-1]
    joined = []
    for trees, numeric, chosen in zip(models, first_numeric, first_set, strict=False):
        own_numeric = trees.conditions.n_numeric
        shift_of_sets = n_numeric + chosen - own_numeric
        condition = trees.condition.astype(np.int64)
        shift = np.where(condition < own_numeric, numeric, shift_of_sets)
        joined.append(condition + shift)
    return _concatenated(joined)


def _added(trees: Trees, leaves: Integers) -> Floats:
    """Return the sums of leaves' values, of shape (n_rows, n_outputs).

    They are added one by one: NumPy's sum would add pairs first.
    """
    n_rows = len(leaves)
    value = trees.value[leaves].astype(trees.dtype, copy=False)
    n_terms = trees.count * value.shape[2] // trees.outputs
    value = value.reshape(n_rows, n_terms, trees.outputs)
    base = np.broadcast_to(trees.base, (n_rows, 1, trees.outputs))
    terms = np.concatenate([base, value], axis=1)
    sums = np.add.accumulate(terms, axis=1)
    return sums[:, -1].astype(np.float64)
