"""Decision trees of all boosters and forests as plain arrays, checked when read from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Array, Floats, Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_array, read_integer, read_state, read_vector
from automl.models.trees.conditions import Conditions, Indices, narrowed, read_indices
from automl.models.trees.statistics import Statistics
from automl.state import State

_MAX_NARROW_NODES = 2**15  # of a tree whose children int16 can hold
_MAX_OUTPUTS = 100_000


@dataclass(frozen=True)
class Trees:
    """Trees whose inner nodes have a condition each, and whose leaves have values.

    A tree of n inner nodes has n + 1 leaves. Both are numbered within their tree, from 0 on, and a
    child that is an inner node has a larger number than its parent, so every walk ends in a leaf.

    Parameters
    ----------
    features : int
        Number of columns of the input.
    conditions : Conditions
    sizes : ndarray of shape (n_trees,), int32
        Number of each tree's inner nodes; 0 for a tree that is a leaf.
    condition : ndarray of shape (n_inner,), int32
        Each inner node's condition, tree after tree.
    children : ndarray of shape (n_inner, 2), int16 or int32
        Where a row goes if the condition holds, and if it doesn't: an inner node's number, or the
        complement (-1 - number) of a leaf's.
    value : ndarray of shape (n_leaves, n_values), float32 or float64
        The leaves' values, tree after tree. With one value a leaf and several outputs, the trees
        take turns: tree t adds to output t % n_outputs.
    base : ndarray of shape (n_outputs,)
        What the trees' values are added to.
    single : bool
        Whether they are added in single precision. They always are in the order of the trees.
    statistics : Statistics or None
        Further columns for the conditions, computed from a row's categories.
    """

    features: int
    conditions: Conditions
    sizes: Indices
    condition: Indices
    children: npt.NDArray[np.signedinteger[Any]]
    value: npt.NDArray[np.floating[Any]]
    base: npt.NDArray[np.floating[Any]]
    single: bool = False
    statistics: Statistics | None = None

    @property
    def count(self) -> int:
        """Number of trees."""
        return len(self.sizes)

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self.base)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type in which values are added."""
        return np.dtype(np.float32 if self.single else np.float64)

    @cached_property
    def first_inner(self) -> Integers:
        """Each tree's first inner node among those of all trees."""
        ends = np.cumsum(self.sizes, dtype=np.int64)
        return ends - self.sizes

    @cached_property
    def first_leaf(self) -> Integers:
        """Each tree's first leaf among those of all trees."""
        return self.first_inner + np.arange(self.count)

    @cached_property
    def roots(self) -> Integers:
        """Each tree's root, as `links` has nodes."""
        is_leaf = self.sizes == 0
        return np.where(is_leaf, ~self.first_leaf, self.first_inner)

    @cached_property
    def links(self) -> Integers:
        """Children of shape (n_inner, 2), numbered across all trees."""
        first_inner = np.repeat(self.first_inner, self.sizes)[:, None]
        first_leaf = np.repeat(self.first_leaf, self.sizes)[:, None]
        children = self.children.astype(np.int64)
        return np.where(children >= 0, children + first_inner, children - first_leaf)

    @cached_property
    def kernel_arrays(self) -> tuple[Array, ...]:
        """The trees as the compiled evaluator takes them: see `kernel.add_margins`.

        All are copies, since it would be compiled once more for arrays that can't be written.
        """
        conditions = self.conditions
        n_numeric = conditions.n_numeric
        set_codes = ~np.arange(conditions.n_sets)
        codes = np.concatenate([self._kernel_columns, set_codes]).astype(np.int32)
        padding = np.zeros(conditions.n_sets, np.float32)
        thresholds = np.concatenate([conditions.threshold, padding])
        return (
            codes[self.condition],
            thresholds[self.condition],
            self.links.astype(np.int32),
            self.roots.astype(np.int32),
            conditions.column[n_numeric:].copy(),
            conditions.set_offsets.copy(),
            conditions.set_bits.copy(),
            np.array(self.value, self.dtype, order="C"),
        )

    @property
    def _kernel_columns(self) -> Integers:
        """The column of `kernel_rows` that each numeric condition reads."""
        conditions = self.conditions
        is_shifted = conditions.missing_left.astype(np.int64)
        return conditions.column[: conditions.n_numeric] + self._n_columns * is_shifted

    @property
    def _n_columns(self) -> int:
        """Number of columns that conditions can read."""
        if self.statistics is None:
            return self.features
        return self.features + self.statistics.count

    def kernel_rows(self, X: Matrix) -> Matrix:
        """Return rows as the compiled evaluator takes them.

        Where missing numbers go left in some conditions, these read a second copy of the columns,
        in which missing numbers are lower than all others.
        """
        rows = self.columns(X)
        if self.conditions.missing_left.any():
            low = np.where(np.isnan(rows), np.float32(-np.inf), rows)
            rows = np.concatenate([rows, low], axis=1)
        return np.array(rows, np.float32, order="C")

    def columns(self, X: Matrix) -> Matrix:
        """Return the rows with the columns of the statistics appended."""
        if self.statistics is None:
            return X
        return np.concatenate([X, self.statistics.columns(X)], axis=1)

    def first(self, count: int) -> Trees:
        """Return the first `count` trees; all, if there are no more."""
        if count >= self.count:
            return self
        sizes = self.sizes[:count]
        n_inner = int(sizes.sum())
        return Trees(
            features=self.features,
            conditions=self.conditions,
            sizes=sizes,
            condition=self.condition[:n_inner],
            children=self.children[:n_inner],
            value=self.value[: n_inner + count],
            base=self.base,
            single=self.single,
            statistics=self.statistics,
        )

    def to_state(self) -> State:
        """Return the arrays."""
        state: State = {
            "features": self.features,
            "conditions": self.conditions.to_state(),
            "sizes": self.sizes,
            "condition": narrowed(self.condition),
            "children": narrowed_children(self.children, self.sizes),
            "value": self.value,
            "base": self.base.astype(np.float64),
            "single": self.single,
        }
        if self.statistics is not None:
            state["statistics"] = self.statistics.to_state()
        return state

    @classmethod
    def from_state(cls, state: State) -> Trees:
        """Return the trees that `to_state` described.

        They are checked so that every walk ends in a leaf.

        Raises
        ------
        UnsafeModel
            An index lies outside its tree or does not lead downwards, or a number is not finite.
        """
        features = read_integer(state, "features", 1)
        single = state.get("single") is True
        statistics = None
        columns = features
        if "statistics" in state:
            statistics = Statistics.from_state(read_state(state, "statistics"), features)
            columns += statistics.count
        trees = cls(
            features=features,
            conditions=Conditions.from_state(read_state(state, "conditions"), columns),
            sizes=read_vector(state, "sizes", np.int32),
            condition=read_indices(state, "condition"),
            children=_read_children(state),
            value=read_either(state, "value", (np.float32, np.float64), 2),
            base=read_vector(state, "base", np.float64).astype(
                np.float32 if single else np.float64
            ),
            single=single,
            statistics=statistics,
        )
        trees.check()
        return trees

    def check(self) -> None:
        """Refuse trees that point outside themselves or don't lead downwards."""
        if (self.sizes < 0).any():
            raise UnsafeModel("the model file's trees do not follow one another")
        n_inner = int(self.sizes.sum(dtype=np.int64))
        lengths = (len(self.condition), len(self.children), len(self.value) - self.count)
        if lengths != (n_inner, n_inner, n_inner) or self.children.shape[1:] != (2,):
            raise UnsafeModel("the model file's trees have arrays of different lengths")
        n_conditions = len(self.conditions.column)
        if is_outside(self.condition, n_conditions):
            raise UnsafeModel("the model file's trees have a condition that is not there")
        self._check_children()
        self._check_outputs()

    def _check_children(self) -> None:
        children = self.children.astype(np.int64)
        number = np.arange(len(children)) - np.repeat(self.first_inner, self.sizes)
        size = np.repeat(self.sizes, self.sizes)
        is_inner = children >= 0
        is_below = (children > number[:, None]) & (children < size[:, None])
        is_leaf = ~children <= size[:, None]
        if not np.where(is_inner, is_below, is_leaf).all():
            raise UnsafeModel("the model file's trees have a child that is not below its parent")

    def _check_outputs(self) -> None:
        error = UnsafeModel("the model file's trees have another number of outputs than of values")
        if not 1 <= self.outputs <= _MAX_OUTPUTS:
            raise error
        n_values = self.value.shape[1]
        if n_values not in (1, self.outputs):
            raise error
        if n_values < self.outputs and self.count % self.outputs:
            raise error

    def margins(self, X: Matrix) -> Floats:
        """Return the sums of the trees' values, of shape (n_rows, n_outputs)."""
        from automl.models.trees.evaluation import margins

        return margins(self, X)


def narrowed_children(
    children: npt.NDArray[np.signedinteger[Any]], sizes: Indices
) -> npt.NDArray[np.signedinteger[Any]]:
    """Return children as int16 if the trees are small enough, which halves them in a file."""
    largest = int(sizes.max(initial=0))
    if largest < _MAX_NARROW_NODES:
        return children.astype(np.int16)
    return children.astype(np.int32)


def read_either(
    state: State, name: str, dtypes: Sequence[npt.DTypeLike], ndim: int
) -> npt.NDArray[Any]:
    """Return an array of a state that has one of several types, checked as by `read_array`."""
    stored = state.get(name)
    for dtype in dtypes:
        if isinstance(stored, np.ndarray) and stored.dtype == np.dtype(dtype):
            return read_array(state, name, dtype, ndim)
    return read_array(state, name, dtypes[-1], ndim)


def _read_children(state: State) -> npt.NDArray[np.signedinteger[Any]]:
    return read_either(state, "children", (np.int16, np.int32), 2)
