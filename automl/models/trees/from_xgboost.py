"""XGBoost's UBJSON format as arrays of ours; nothing in it is trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Array, Bools, Integers
from automl.errors import UnsafeModel
from automl.models import _ubjson
from automl.models._blocks import is_outside
from automl.models.trees.conditions import Indices, Thresholds, offsets_of
from automl.models.trees.damage import damaged, damaged_by
from automl.models.trees.nodes import Nodes
from automl.models.trees.splits import (
    NO_SET,
    Splits,
    infinite_where_largest,
    just_below,
)
from automl.models.trees.trees import MAX_OUTPUTS, Trees

_MAX_CATEGORY = 2**24
_MAX_FEATURES = 2**24
_MAX_QUOTED_LENGTH = 20
_NO_CHILD = -1
# Types of splits.
_BY_NUMBER = 0
_BY_CATEGORY = 1
_N_KINDS = 2
_LOGISTIC = "binary:logistic"
_OBJECTIVES = (
    _LOGISTIC,
    "multi:softprob",
    "reg:squarederror",
    "reg:absoluteerror",
    "reg:quantileerror",
)
_damaged = partial(damaged, "XGBoost")


def read_xgboost(blob: bytes) -> Trees:
    """Return the trees of a booster in XGBoost's UBJSON.

    Raises
    ------
    UnsafeModel
        The bytes were cut, lengthened, or their trees don't fit together.
    """
    try:
        saved = _ubjson.loads(blob)
        return _read_learner(saved["learner"])
    except UnsafeModel:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise damaged_by("XGBoost", error) from None


def _read_learner(learner: Mapping[str, Any]) -> Trees:
    booster = learner["gradient_booster"]
    kind = booster["name"]
    if kind != "gbtree":
        raise _damaged(f"a booster of the kind {_quoted(kind)}")
    sizes = _Sizes.read(learner["learner_model_param"])
    model = booster["model"]
    stored = _StoredTrees.of(model["trees"])
    _check_turns(model, sizes.outputs)
    splits = _read_splits(stored)
    conditions, condition = splits.conditions()
    conditions.check(sizes.features)
    value = _read_values(stored)
    inner_sizes = stored.nodes.inner_sizes
    trees = Trees(
        features=sizes.features,
        conditions=conditions,
        sizes=inner_sizes.astype(np.int32),
        condition=condition,
        children=_read_children(stored),
        value=value,
        base=_read_base(learner, sizes.outputs),
        single=True,
    )
    trees.check()
    return trees


def _quoted(value: object) -> str:
    """Return the beginning of a text that a file holds."""
    beginning = str(value)[:_MAX_QUOTED_LENGTH]
    return repr(beginning)


@dataclass(frozen=True)
class _Sizes:
    """Number of features and of outputs."""

    features: int
    outputs: int

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> _Sizes:
        """Return the sizes that the parameters of a learner name."""
        features = int(parameters["num_feature"])
        classes = int(parameters["num_class"])
        outputs = max(1, classes)
        if not 1 <= features <= _MAX_FEATURES or outputs > MAX_OUTPUTS:
            raise _damaged("sizes that no predictor has")
        return cls(features, outputs)


def _check_turns(model: Mapping[str, Any], outputs: int) -> None:
    """Refuse trees that don't take turns in adding to the outputs."""
    classes = np.asarray(model["tree_info"], np.int64)
    count = len(model["trees"])
    turns = np.arange(count) % outputs
    if count == 0 or not np.array_equal(classes, turns):
        raise _damaged("trees of classes that do not take turns")


def _read_base(learner: Mapping[str, Any], outputs: int) -> Array:
    """Return the margins that the trees' values are added to."""
    objective = learner["objective"]["name"]
    if objective not in _OBJECTIVES:
        raise _damaged(f"the objective {_quoted(objective)}")
    text = str(learner["learner_model_param"]["base_score"])
    words = text.strip("[]").split(",")
    numbers = [float(word) for word in words]
    if objective == _LOGISTIC:
        numbers = [_logit(number) for number in numbers]
    base = np.array(numbers, np.float32)
    is_finite = np.isfinite(base).all()
    if len(base) not in (1, outputs) or not is_finite:
        raise _damaged("a base score that is not finite")
    by_output = np.broadcast_to(base, outputs)
    return np.ascontiguousarray(by_output)


def _logit(probability: float) -> float:
    """Return a probability's margin, computed in single precision as XGBoost does."""
    one = np.float32(1)
    odds = one / np.float32(probability) - one
    return -math.log(odds)


def _read_values(stored: _StoredTrees) -> Thresholds:
    """Return the leaves' values, of shape (n_leaves, 1)."""
    is_leaf = ~stored.nodes.is_inner
    numbers = stored.array("split_conditions", np.float32)
    values = numbers[is_leaf]
    is_finite = np.isfinite(values)
    if not is_finite.all():
        raise _damaged("leaves that are not finite")
    return values[:, None]


def _read_splits(stored: _StoredTrees) -> Splits:
    is_inner = stored.nodes.is_inner
    column = stored.array("split_indices", np.int64)[is_inner]
    threshold = stored.array("split_conditions", np.float32)[is_inner]
    kind = stored.array("split_type", np.int64)
    is_numeric = kind[is_inner] == _BY_NUMBER
    is_missing = np.isnan(threshold[is_numeric])
    if is_outside(kind, _N_KINDS) or is_missing.any():
        raise _damaged("splits of an unknown kind")
    categorical = np.flatnonzero(kind == _BY_CATEGORY)
    sets = _CategorySets.read(stored, categorical)
    chosen_set = sets.by_node(len(kind))
    threshold[~is_numeric] = 0
    # XGBoost's numbers go left if they are below a threshold, and ours if they are at most one.
    highest_left = just_below(threshold)
    default_left = stored.array("default_left", np.int64)
    is_default_left = default_left[is_inner] == 1
    return Splits(
        column=column,
        threshold=infinite_where_largest(highest_left),
        # The categories of a set go right in XGBoost, so its children change places.
        missing_left=is_default_left == is_numeric,
        chosen_set=chosen_set[is_inner],
        sets=sets.categories,
    )


def _read_children(stored: _StoredTrees) -> Indices:
    """Return the children of inner nodes as `Trees` has them."""
    is_inner = stored.nodes.is_inner
    kind = stored.array("split_type", np.int64)
    is_swapped = kind[is_inner] == _BY_CATEGORY
    left = np.where(is_swapped, stored.right, stored.left)
    right = np.where(is_swapped, stored.left, stored.right)
    return stored.nodes.children(left, right)


@dataclass(frozen=True)
class _CategorySets:
    """The sets of categories of all trees.

    Parameters
    ----------
    owners : ndarray of shape (n_sets,), int64
        The node of each set among those of all trees.
    categories : list of ndarray of int64
        The categories of each set.
    """

    owners: Integers
    categories: list[Integers]

    @classmethod
    def read(cls, stored: _StoredTrees, categorical: Integers) -> _CategorySets:
        """Return the sets of trees, one for each categorical node and for no other."""
        counts = stored.lengths("categories_nodes")
        for name in ("categories_segments", "categories_sizes"):
            lengths = stored.lengths(name)
            if not np.array_equal(lengths, counts):
                raise _damaged("sets of categories that do not fit together")
        owners = _read_owners(stored, counts)
        ascending = np.sort(owners)
        if not np.array_equal(ascending, categorical):
            raise _damaged("splits by category without their sets")
        categories = _read_categories(stored, counts)
        return cls(owners, categories)

    def by_node(self, n_nodes: int) -> Integers:
        """Return the number of each node's set, or `NO_SET`."""
        n_sets = len(self.owners)
        chosen_set = np.full(n_nodes, NO_SET)
        chosen_set[self.owners] = np.arange(n_sets)
        return chosen_set


def _read_owners(stored: _StoredTrees, counts: Integers) -> Integers:
    """Return the node of each set; a tree has one of the counts of sets."""
    owners = stored.array("categories_nodes", np.int64, counts)
    tree_sizes = np.repeat(stored.nodes.sizes, counts)
    if is_outside(owners, tree_sizes):
        raise _damaged("sets of categories of nodes which are not there")
    tree_starts = np.repeat(stored.nodes.starts, counts)
    return owners + tree_starts


def _read_categories(stored: _StoredTrees, counts: Integers) -> list[Integers]:
    """Return the categories of each set, which is a segment of its tree's categories."""
    lengths = stored.lengths("categories")
    starts = stored.array("categories_segments", np.int64, counts)
    sizes = stored.array("categories_sizes", np.int64, counts)
    categories = stored.array("categories", np.int64, lengths)
    # Compared with a difference, since a sum might be too large.
    rest = np.repeat(lengths, counts) - starts
    is_inside = sizes <= rest
    is_inside &= starts >= 0
    is_inside &= sizes >= 0
    if not is_inside.all() or is_outside(categories, _MAX_CATEGORY):
        raise _damaged("sets of categories that are not there")
    if sizes.sum() > len(categories):
        raise _damaged("sets of categories that overlap")
    tree_starts = offsets_of(lengths)[:-1]
    starts += np.repeat(tree_starts, counts)
    ends = starts + sizes
    segments = map(slice, starts.tolist(), ends.tolist())
    return [categories[segment] for segment in segments]


@dataclass(frozen=True)
class _StoredTrees:
    """The arrays of all trees, joined, so that a thousand trees are read as quickly as one.

    Parameters
    ----------
    trees : sequence of mapping
    sizes : ndarray of shape (n_trees,), int64
        Number of nodes of each tree.
    """

    trees: Sequence[Mapping[str, Any]]
    sizes: Integers

    @classmethod
    def of(cls, trees: Sequence[Mapping[str, Any]]) -> _StoredTrees:
        """Return the arrays of trees, after checking the links between their nodes."""
        parameters = [tree["tree_param"] for tree in trees]
        counts = [int(each["num_nodes"]) for each in parameters]
        widths = [int(each["size_leaf_vector"]) for each in parameters]
        if min(counts, default=0) < 1:
            raise _damaged("a tree without nodes")
        if max(widths) > 1:
            raise _damaged("leaves of several values")
        sizes = np.array(counts, np.int64)
        stored = cls(trees, sizes)
        stored._check_links()
        return stored

    @cached_property
    def nodes(self) -> Nodes:
        """The nodes, of which all with a left child are inner ones."""
        is_inner: Bools = self._left_of_all != _NO_CHILD
        return Nodes(self.sizes, is_inner)

    @cached_property
    def _left_of_all(self) -> Integers:
        return self.array("left_children", np.int64)

    @cached_property
    def _right_of_all(self) -> Integers:
        return self.array("right_children", np.int64)

    @cached_property
    def left(self) -> Integers:
        """The left child's number in its tree, of each inner node."""
        return self._left_of_all[self.nodes.is_inner]

    @cached_property
    def right(self) -> Integers:
        """The right child's number in its tree, of each inner node."""
        return self._right_of_all[self.nodes.is_inner]

    def array(
        self,
        name: str,
        dtype: npt.DTypeLike,
        lengths: Integers | None = None,
    ) -> Array:
        """Return an array of all trees, tree after tree.

        Parameters
        ----------
        name : str
        dtype : dtype
        lengths : ndarray of shape (n_trees,) or None
            The length of each tree's; as many as nodes if None.
        """
        if lengths is None:
            lengths = self.sizes
        found = self.lengths(name)
        if not np.array_equal(found, lengths):
            raise _damaged("a tree with arrays of different lengths")
        arrays = [np.asarray(tree[name]) for tree in self.trees]
        values = np.concatenate(arrays)
        if values.ndim != 1:
            raise _damaged(f"{name} of {values.ndim} dimensions")
        return values.astype(dtype)

    def lengths(self, name: str) -> Integers:
        """Return the length of each tree's array of this name."""
        lengths = [len(tree[name]) for tree in self.trees]
        return np.array(lengths, np.int64)

    def _check_links(self) -> None:
        """Refuse children outside their tree, and nodes that are none of a tree."""
        is_inner = self.nodes.is_inner
        has_right = self._right_of_all != _NO_CHILD
        if (has_right & ~is_inner).any():
            raise _damaged("a node with one child")
        size_of_inner = self.nodes.size[is_inner]
        for children in (self.left, self.right):
            if is_outside(children, size_of_inner):
                raise _damaged("a child outside its tree")
        if not self.nodes.have_parents:
            raise _damaged("a node below none")
