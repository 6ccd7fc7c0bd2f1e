"""XGBoost's UBJSON format as arrays of ours; nothing in it is trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Array, Bools, Integers
from automl.errors import UnsafeModel
from automl.models import _ubjson
from automl.models._blocks import is_outside
from automl.models.trees.conditions import Thresholds
from automl.models.trees.splits import Splits, infinite_where_largest
from automl.models.trees.trees import Trees

_MAX_CATEGORY = 2**24
_MAX_FEATURES = 2**24
_MAX_CLASSES = 100_000
_NO_CHILD = -1
_LOGISTIC = "binary:logistic"
_OBJECTIVES = (
    _LOGISTIC,
    "multi:softprob",
    "reg:squarederror",
    "reg:absoluteerror",
    "reg:quantileerror",
)


def from_xgboost(blob: bytes) -> Trees:
    """Return the trees of a booster in XGBoost's UBJSON.

    Raises
    ------
    UnsafeModel
        The bytes were cut, lengthened, or their trees don't fit together.
    """
    try:
        return _read(_ubjson.loads(blob)["learner"])
    except UnsafeModel:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise _damaged(f"{type(error).__name__}: {str(error)[:100]}") from None


def _read(learner: Mapping[str, Any]) -> Trees:
    booster = learner["gradient_booster"]
    kind = booster["name"]
    if kind != "gbtree":
        raise _damaged(f"a booster of the kind {str(kind)[:20]!r}")
    parameters = learner["learner_model_param"]
    features = int(parameters["num_feature"])
    outputs = max(1, int(parameters["num_class"]))
    if not 1 <= features <= _MAX_FEATURES or outputs > _MAX_CLASSES:
        raise _damaged("sizes that no predictor has")
    model = booster["model"]
    nodes = _Nodes.of(model["trees"])
    _check_turns(model, outputs)
    conditions, condition = _read_splits(nodes).conditions()
    conditions.check(features)
    inner = nodes.is_inner
    values = nodes.array("split_conditions", np.float32)[~inner]
    if not np.isfinite(values).all():
        raise _damaged("leaves that are not finite")
    read = Trees(
        features=features,
        conditions=conditions,
        sizes=nodes.inner_sizes.astype(np.int32),
        condition=condition,
        children=_read_children(nodes),
        value=values[:, None],
        base=_read_base(learner, outputs),
        single=True,
    )
    read.check()
    return read


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
        raise _damaged(f"the objective {str(objective)[:20]!r}")
    text = str(learner["learner_model_param"]["base_score"]).strip("[]")
    numbers = [float(word) for word in text.split(",")]
    if objective == _LOGISTIC:
        numbers = [_logit(number) for number in numbers]
    base = np.array(numbers, np.float32)
    if len(base) not in (1, outputs) or not np.isfinite(base).all():
        raise _damaged("a base score that is not finite")
    return np.ascontiguousarray(np.broadcast_to(base, (outputs,)))


def _logit(probability: float) -> float:
    """Return a probability's margin, computed in single precision as XGBoost does."""
    one = np.float32(1)
    odds = one / np.float32(probability) - one
    return -math.log(odds)


def _read_splits(nodes: _Nodes) -> Splits:
    inner = nodes.is_inner
    column = nodes.array("split_indices", np.int64)[inner]
    below = nodes.array("split_conditions", np.float32)[inner]
    kind = nodes.array("split_type", np.int64)
    if is_outside(kind, 2) or np.isnan(below[kind[inner] == 0]).any():
        raise _damaged("splits of an unknown kind")
    sets, chosen = _read_sets(nodes, np.flatnonzero(kind == 1))
    chosen = chosen[inner]
    is_categorical = chosen >= 0
    below = np.where(is_categorical, 0, below)
    goes_default_left = nodes.array("default_left", np.int64)[inner] == 1
    return Splits(
        column=column,
        threshold=infinite_where_largest(_at_most(below)),
        # The categories of a set go right in XGBoost, so its children change places.
        missing_left=goes_default_left != is_categorical,
        chosen_set=chosen,
        sets=sets,
    )


def _at_most(below: Thresholds) -> Thresholds:
    """Return the largest numbers that are below thresholds."""
    return np.nextafter(below, np.float32(-np.inf))


def _read_children(nodes: _Nodes) -> Any:
    """Return the children of inner nodes, of shape (n_inner, 2), numbered as `Trees` has them."""
    inner = nodes.is_inner
    inner_before: Integers = np.cumsum(inner) - inner
    leaves_before: Integers = np.cumsum(~inner) - ~inner
    first = nodes.first
    inner_number: Integers = inner_before - inner_before[first]
    leaf_number: Integers = leaves_before - leaves_before[first]
    number = np.where(inner, inner_number, ~leaf_number)
    left = nodes.children("left_children")
    right = nodes.children("right_children")
    is_categorical = (nodes.array("split_type", np.int64) == 1)[inner]
    pairs = np.column_stack([left, right])
    pairs[is_categorical] = pairs[is_categorical, ::-1]
    return number[pairs].astype(np.int32)


def _read_sets(nodes: _Nodes, categorical: Integers) -> tuple[list[Integers], Integers]:
    """Return the categories of all sets, and each node's set; -1 where it has none."""
    counts = nodes.lengths("categories_nodes")
    for name in ("categories_segments", "categories_sizes"):
        if not np.array_equal(nodes.lengths(name), counts):
            raise _damaged("sets of categories that do not fit together")
    first_nodes = np.cumsum(nodes.sizes) - nodes.sizes
    owners = nodes.array("categories_nodes", np.int64, counts)
    if is_outside(owners, np.repeat(nodes.sizes, counts)):
        raise _damaged("sets of categories of nodes which are not there")
    owners = owners + np.repeat(first_nodes, counts)
    if not np.array_equal(np.sort(owners), categorical):
        raise _damaged("splits by category without their sets")
    lengths = nodes.lengths("categories")
    starts = nodes.array("categories_segments", np.int64, counts)
    widths = nodes.array("categories_sizes", np.int64, counts)
    is_inside = (starts >= 0) & (widths >= 0) & (widths <= np.repeat(lengths, counts) - starts)
    categories = nodes.array("categories", np.int64, lengths)
    if not is_inside.all() or is_outside(categories, _MAX_CATEGORY):
        raise _damaged("sets of categories that are not there")
    first_categories = np.cumsum(lengths) - lengths
    starts = starts + np.repeat(first_categories, counts)
    chosen = np.full(len(nodes.is_inner), -1)
    chosen[owners] = np.arange(len(owners))
    ends = starts + widths
    bounds = zip(starts.tolist(), ends.tolist(), strict=True)
    return [categories[start:end] for start, end in bounds], chosen


@dataclass(frozen=True)
class _Nodes:
    """The nodes of all trees, tree after tree.

    So a thousand trees are read as quickly as one.

    Parameters
    ----------
    trees : sequence of mapping
    sizes : ndarray of shape (n_trees,), int64
        Number of nodes of each tree.
    """

    trees: Sequence[Mapping[str, Any]]
    sizes: Integers

    @classmethod
    def of(cls, trees: Sequence[Mapping[str, Any]]) -> _Nodes:
        """Return the nodes of trees, after checking the links between them."""
        params = [tree["tree_param"] for tree in trees]
        sizes = [int(each["num_nodes"]) for each in params]
        widths = [int(each["size_leaf_vector"]) for each in params]
        if min(sizes, default=0) < 1:
            raise _damaged("a tree without nodes")
        if max(widths) > 1:
            raise _damaged("leaves of several values")
        nodes = cls(trees, np.array(sizes, np.int64))
        nodes._check_links()
        return nodes

    @cached_property
    def first(self) -> Integers:
        """The first node of each node's tree."""
        starts = np.cumsum(self.sizes) - self.sizes
        return np.repeat(starts, self.sizes)

    @cached_property
    def is_inner(self) -> Bools:
        """Whether each node has children."""
        is_inner: Bools = self.array("left_children", np.int64) != _NO_CHILD
        return is_inner

    @cached_property
    def inner_sizes(self) -> Integers:
        """Number of inner nodes of each tree."""
        starts = np.cumsum(self.sizes) - self.sizes
        return np.add.reduceat(self.is_inner.astype(np.int64), starts)

    def children(self, name: str) -> Integers:
        """Return the left or right children of the inner nodes, numbered across all trees."""
        inner = self.is_inner
        return (self.array(name, np.int64) + self.first)[inner]

    def array(
        self, name: str, dtype: npt.DTypeLike, lengths: Integers | None = None
    ) -> npt.NDArray[Any]:
        """Return an array of all trees, of which each has so many items; one a node by default."""
        if lengths is None:
            lengths = self.sizes
        if not np.array_equal(self.lengths(name), lengths):
            raise _damaged("a tree with arrays of different lengths")
        values = np.concatenate([np.asarray(tree[name]) for tree in self.trees])
        if values.ndim != 1:
            raise _damaged(f"{name} of {values.ndim} dimensions")
        return values.astype(dtype)

    def lengths(self, name: str) -> Integers:
        """Return the length of each tree's array of this name."""
        return np.array([len(tree[name]) for tree in self.trees], np.int64)

    def _check_links(self) -> None:
        """Refuse children outside their tree, and nodes that are none of a tree."""
        right = self.array("right_children", np.int64)
        if (right[~self.is_inner] != _NO_CHILD).any():
            raise _damaged("a node with one child")
        first = self.first[self.is_inner]
        size = np.repeat(self.sizes, self.sizes)[self.is_inner]
        for name in ("left_children", "right_children"):
            if is_outside(self.children(name) - first, size):
                raise _damaged("a child outside its tree")
        if (2 * self.inner_sizes + 1 != self.sizes).any():
            raise _damaged("a node below none")


def _damaged(defect: str) -> UnsafeModel:
    return UnsafeModel(f"the model file's XGBoost booster is damaged: {defect}")
