"""Decision trees of all boosters and forests as plain arrays, checked when read from a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Array, Floats, Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import (
    is_outside,
    read_array,
    read_integer,
    read_state,
    read_vector,
)
from automl.models.trees.conditions import (
    Conditions,
    Indices,
    narrowed,
    read_indices,
)
from automl.models.trees.leaves import (
    Values,
    may_share,
    read_value_of_leaf,
    share_values,
)
from automl.models.trees.statistics import Statistics
from automl.state import State

Children = npt.NDArray[np.signedinteger[Any]]

MAX_OUTPUTS = 100_000
MAX_DEPTH = 10_000  # levels of inner nodes; no library comes near
_FIRST_LEAF = ~0
_CONDITIONS_PER_WALK = 40  # that take as long as a walk down a tree
_MAX_NARROW_NODES = 2**15  # of a tree whose children int16 can hold


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
    value : ndarray of shape (n_rows, n_values), float32 or float64
        The leaves' values, tree after tree, unless there is `value_of_leaf`. With one value a leaf
        and several outputs, the trees take turns: tree t adds to output t % n_outputs.
    base : ndarray of shape (n_outputs,)
        What the trees' values are added to.
    single : bool
        Whether they are added in single precision. They always are in the order of the trees.
    statistics : Statistics or None
        Further columns for the conditions, computed from a row's categories.
    value_of_leaf : ndarray of shape (n_leaves,), uint8, uint16 or int32, or None
        The row of `value` that each leaf has, tree after tree; None if leaf k has row k.
    """

    features: int
    conditions: Conditions
    sizes: Indices
    condition: Indices
    children: Children
    value: Values
    base: Values
    single: bool = False
    statistics: Statistics | None = None
    value_of_leaf: Indices | None = None

    @property
    def count(self) -> int:
        """Number of trees."""
        return len(self.sizes)

    @property
    def walks_per_row(self) -> int:
        """What a row costs without compiled code, counted in walks down a tree.

        All conditions are evaluated for each row, and forests share hardly any.
        """
        n_conditions = len(self.conditions.column)
        return self.count + n_conditions // _CONDITIONS_PER_WALK

    @property
    def values_per_row(self) -> int:
        """How many values are added for a row."""
        n_values: int = self.value.shape[1]
        return self.count * n_values

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self.base)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type in which values are added."""
        return _dtype_of_sums(self.single)

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
        first_inner = np.repeat(self.first_inner, self.sizes)
        first_leaf = np.repeat(self.first_leaf, self.sizes)
        children = self.children.astype(np.int64)
        as_inner = children + first_inner[:, None]
        as_leaf = children - first_leaf[:, None]
        return np.where(children >= 0, as_inner, as_leaf)

    def values_of(self, leaves: Integers) -> Values:
        """Return the values of leaves, of shape (..., n_values)."""
        if self.value_of_leaf is None:
            return self.value[leaves]
        rows = self.value_of_leaf[leaves]
        return self.value[rows]

    @cached_property
    def kernel_arrays(self) -> tuple[Array, ...]:
        """The trees as the compiled evaluator takes them: see `kernel.add_margins`.

        All are copies, since it would be compiled once more for arrays that can't be written.
        """
        return (
            *self._kernel_conditions(self.condition),
            self._kernel_nodes(self.links),
            self._kernel_nodes(self.roots),
            *self._kernel_sets,
            np.array(self.value, self.dtype, order="C"),
        )

    @cached_property
    def symmetric_kernel_arrays(self) -> tuple[Array, ...] | None:
        """Symmetric trees as `kernel.add_symmetric_margins` takes them; None if they are not."""
        from automl.models.trees.symmetric import SymmetricTrees

        takes_turns = self.value.shape[1] != self.outputs
        if self.single or takes_turns:
            return None
        symmetric = SymmetricTrees.of(self)
        if symmetric is None:
            return None
        return (
            symmetric.level_offsets,
            *self._kernel_conditions(symmetric.condition),
            *self._kernel_sets,
            symmetric.first_leaf,
            self.values_of(symmetric.leaf).astype(self.dtype),
        )

    def _kernel_nodes(self, nodes: Integers) -> Indices:
        """Return nodes whose leaves are replaced by their rows of `value`."""
        numbers = nodes.astype(np.int32)
        if self.value_of_leaf is not None:
            is_leaf = numbers < 0
            leaves = ~numbers[is_leaf]
            rows = self.value_of_leaf[leaves].astype(np.int32)
            numbers[is_leaf] = ~rows
        return numbers

    def _kernel_conditions(self, condition: Integers | Indices) -> tuple[Array, Array]:
        """Return the columns and thresholds of conditions."""
        n_sets = self.conditions.n_sets
        no_thresholds = np.zeros(n_sets, np.float32)
        thresholds = np.concatenate([self.conditions.threshold, no_thresholds])
        return self._kernel_codes()[condition], thresholds[condition]

    @property
    def _kernel_sets(self) -> tuple[Array, Array, Array]:
        conditions = self.conditions
        columns = conditions.column[conditions.n_numeric :]
        return (
            columns.astype(np.int32),
            conditions.set_offsets.copy(),
            conditions.set_bits.copy(),
        )

    def _kernel_codes(self) -> Indices:
        """Return the column of `kernel_rows` that each condition reads, or its set's complement."""
        conditions = self.conditions
        columns = conditions.column[: conditions.n_numeric]
        is_shifted = conditions.missing_left.astype(np.int64)
        shifted = columns + self._n_columns * is_shifted
        set_codes = ~np.arange(conditions.n_sets)
        codes = np.concatenate([shifted, set_codes])
        return codes.astype(np.int32)

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
            lowest = np.float32(-np.inf)
            low = np.where(np.isnan(rows), lowest, rows)
            rows = np.concatenate([rows, low], axis=1)
        return np.array(rows, np.float32, order="C")

    def columns(self, X: Matrix) -> Matrix:
        """Return the rows with the columns of the statistics appended."""
        if self.statistics is None:
            return X
        further = self.statistics.columns(X)
        return np.concatenate([X, further], axis=1)

    def first(self, count: int) -> Trees:
        """Return the first `count` trees; all, if there are no more."""
        if count >= self.count:
            return self
        sizes = self.sizes[:count]
        n_inner = int(sizes.sum())
        n_leaves = n_inner + count
        trees = self.with_value_of_each_leaf()
        conditions, condition = self.conditions.used_by(self.condition[:n_inner])
        return replace(
            trees,
            conditions=conditions,
            sizes=sizes,
            condition=condition,
            children=self.children[:n_inner],
            value=trees.value[:n_leaves],
        )

    def with_value_of_each_leaf(self) -> Trees:
        """Return the trees with a row of `value` for each leaf."""
        if self.value_of_leaf is None:
            return self
        return replace(
            self,
            value=self.value[self.value_of_leaf],
            value_of_leaf=None,
        )

    def _sharing_values(self) -> Trees:
        """Return the trees whose leaves share rows of values, if that takes fewer bytes."""
        is_shared = self.value_of_leaf is not None
        if is_shared or not may_share(self.count, self.value.shape[1]):
            return self
        shared = share_values(self.value)
        if shared is None:
            return self
        value, value_of_leaf = shared
        return replace(self, value=value, value_of_leaf=value_of_leaf)

    def to_state(self) -> State:
        """Return the arrays, those of indices in as few bytes as hold them."""
        sharing = self._sharing_values()
        state: State = {
            "features": self.features,
            "conditions": self.conditions.to_state(),
            "sizes": self.sizes,
            "condition": narrowed(self.condition),
            "children": narrowed_children(self.children, self.sizes),
            "value": sharing.value,
            "base": self.base.astype(np.float64),
            "single": self.single,
        }
        if sharing.value_of_leaf is not None:
            state["value_of_leaf"] = sharing.value_of_leaf
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
        statistics = _read_statistics(state, features)
        columns = features
        if statistics is not None:
            columns += statistics.count
        described = read_state(state, "conditions")
        sizes = read_vector(state, "sizes", np.int32)
        value = _read_either(state, "value", (np.float32, np.float64))
        trees = cls(
            features=features,
            conditions=Conditions.from_state(described, columns),
            sizes=sizes,
            condition=read_indices(state, "condition"),
            children=_read_either(state, "children", (np.int16, np.int32)),
            value=value,
            base=_read_base(state, single),
            single=single,
            statistics=statistics,
            value_of_leaf=read_value_of_leaf(state, value, len(sizes)),
        )
        trees.check()
        return trees

    def check(self) -> None:
        """Refuse trees that point outside themselves or don't lead downwards."""
        if (self.sizes < 0).any():
            raise UnsafeModel("the model file's trees do not follow one another")
        if not self._have_equal_lengths():
            raise UnsafeModel("the model file's trees have arrays of different lengths")
        n_conditions = len(self.conditions.column)
        if is_outside(self.condition, n_conditions):
            raise UnsafeModel("the model file's trees have a condition that is not there")
        self._check_children()
        self._check_depths()
        self._check_outputs()

    def _have_equal_lengths(self) -> bool:
        n_inner = int(self.sizes.sum(dtype=np.int64))
        n_leaves = n_inner + self.count
        if self.children.shape != (n_inner, 2):
            return False
        leaves = self.value if self.value_of_leaf is None else self.value_of_leaf
        return len(self.condition) == n_inner and len(leaves) == n_leaves

    def _check_children(self) -> None:
        first_inner = self.first_inner.astype(np.int32)
        number = np.arange(len(self.children), dtype=np.int32)
        number -= np.repeat(first_inner, self.sizes)
        size = np.repeat(self.sizes, self.sizes)[:, None]
        is_below = self.children > number[:, None]
        is_below |= self.children < 0
        is_below &= self.children < size
        is_below &= self.children >= _FIRST_LEAF - size
        if not is_below.all():
            raise UnsafeModel("the model file's trees have a child that is not below its parent")
        # As many nodes as there are children: all are named only if each is named once.
        n_inner_below = size - 1
        place = np.where(
            self.children > 0,
            self.children - 1,
            n_inner_below + ~self.children,
        )
        place += 2 * np.repeat(first_inner, self.sizes)[:, None]
        is_named = np.zeros(place.size, bool)
        is_named[place] = True
        if not is_named.all():
            raise UnsafeModel("the model file's trees have a node below two parents")

    def _check_depths(self) -> None:
        """Refuse trees that are so deep that walking down them would take long."""
        may_be_deep = self.sizes > MAX_DEPTH
        level = self.roots[may_be_deep]
        for _ in range(MAX_DEPTH):
            if not len(level):
                return
            below = self.links[level].ravel()
            level = below[below >= 0]
        raise UnsafeModel(f"the model file's trees have more than {MAX_DEPTH} levels")

    def _check_outputs(self) -> None:
        if not self._have_a_value_for_each_output():
            raise UnsafeModel(
                "the model file's trees have another number of outputs than of values"
            )

    def _have_a_value_for_each_output(self) -> bool:
        if not 1 <= self.outputs <= MAX_OUTPUTS:
            return False
        n_values = self.value.shape[1]
        if n_values == self.outputs:
            return True
        take_turns = self.count % self.outputs == 0
        return n_values == 1 and take_turns

    def check_target_columns(self, columns: int) -> None:
        """Refuse trees that have another number of outputs than the target has columns."""
        if self.outputs != columns:
            raise UnsafeModel(
                "the model file's trees have another number of classes than their target"
            )

    def margins(self, X: Matrix) -> Floats:
        """Return the sums of the trees' values, of shape (n_rows, n_outputs)."""
        from automl.models.trees.evaluation import margins

        return margins(self, X)


def narrowed_children(children: Children, sizes: Indices) -> Children:
    """Return children as int16 if the trees are small enough, which halves them in a file."""
    largest = int(sizes.max(initial=0))
    if largest < _MAX_NARROW_NODES:
        return children.astype(np.int16)
    return children.astype(np.int32)


def _dtype_of_sums(single: bool) -> np.dtype[Any]:
    if single:
        return np.dtype(np.float32)
    return np.dtype(np.float64)


def _read_statistics(state: State, features: int) -> Statistics | None:
    if "statistics" not in state:
        return None
    described = read_state(state, "statistics")
    return Statistics.from_state(described, features)


def _read_base(state: State, single: bool) -> Values:
    base = read_vector(state, "base", np.float64)
    return base.astype(_dtype_of_sums(single))


def _read_either(
    state: State,
    name: str,
    dtypes: tuple[npt.DTypeLike, npt.DTypeLike],
) -> Array:
    """Return an array of two dimensions and one of two types, checked as by `read_array`."""
    first, second = dtypes
    stored = state.get(name)
    if isinstance(stored, np.ndarray) and stored.dtype == np.dtype(first):
        return read_array(state, name, first, 2)
    return read_array(state, name, second, 2)
