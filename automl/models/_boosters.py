"""What boosters' own formats hold, checked before their libraries read them: these trust an index and end the process (measured).

Every tree's children have to lie inside it, each below one parent, and no split may read a column that isn't there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.errors import UnsafeModel
from automl.models import _ubjson

Whole = npt.NDArray[np.int64]

_LONGEST = 10  # characters of a whole number below 2**31 with its sign


# ---------------------------------------------------------------- LightGBM's text


def check_lightgbm(trees: bytes, count: int, features: int) -> None:
    """Refuse trees in LightGBM's text format that point outside themselves.

    Parameters
    ----------
    trees : bytes
        The blocks that begin with `Tree=`.
    count : int
        How many there are.
    features : int
        Columns of the model's input.
    """
    text = _Text(trees, count)
    leaves = text.numbers("num_leaves", np.ones(count, np.int64))
    nodes = leaves - 1
    if (leaves < 1).any():
        raise _damaged("LightGBM", "a tree without leaves")
    left, right, feature, decision = (
        text.numbers(name, nodes)
        for name in ("left_child", "right_child", "split_feature", "decision_type")
    )
    inner, leaf = np.repeat(nodes, nodes), np.repeat(leaves, nodes)
    for child in (left, right):
        if not np.where(child >= 0, child < inner, ~child < leaf).all():
            raise _damaged("LightGBM", "a child outside its tree")
    starts = np.repeat(np.cumsum(nodes) - nodes, nodes)
    below = np.concatenate([(starts + child)[child >= 0] for child in (left, right)])
    if (np.bincount(below, minlength=int(nodes.sum())) != _not_roots(nodes)).any():
        raise _damaged("LightGBM", "a node below two others, or below none")
    if ((feature < 0) | (feature >= features)).any() or ((decision < 0) | (decision > 15)).any():
        raise _damaged("LightGBM", "a split that reads a column which is not there")
    text.check_counts("leaf_value", leaves)
    text.check_counts("threshold", nodes)
    if any(line != b"0" for line in text.lines("is_linear")):
        raise _damaged("LightGBM", "linear leaves")
    _check_categories(text, nodes, decision)


def _not_roots(nodes: Whole) -> Whole:
    """How often each node has to be a child: once, but for each tree's first."""
    expected = np.ones(int(nodes.sum()), np.int64)
    expected[(np.cumsum(nodes) - nodes)[nodes > 0]] = 0
    return expected


class _Text:
    """The lines of all trees by their names, in order."""

    def __init__(self, trees: bytes, count: int) -> None:
        self._count = count
        self._by_name: dict[bytes, list[bytes]] = {}
        for line in trees.split(b"\n"):
            name, equals, value = line.partition(b"=")
            if equals:
                self._by_name.setdefault(name, []).append(value)

    def lines(self, name: str, count: int = -1) -> list[bytes]:
        """The lines of a name: one a tree, unless another number is given."""
        found, expected = self._by_name.get(name.encode(), []), self._count if count < 0 else count
        if len(found) != expected:
            raise _damaged("LightGBM", f"{len(found)} lines {name!r} for {expected} trees")
        return found

    def check_counts(self, name: str, sizes: Whole) -> None:
        """Refuse lines that hold another number of values than their trees have."""
        if [line.count(b" ") + 1 if line else 0 for line in self.lines(name)] != sizes.tolist():
            raise _damaged("LightGBM", f"too few or too many numbers in {name!r}")

    def numbers(self, name: str, sizes: Whole) -> Whole:
        """The whole numbers of all lines of a name, which have to be as many as `sizes` says."""
        self.check_counts(name, sizes)
        return _numbers(
            b" ".join(line for line in self.lines(name) if line), int(sizes.sum()), name
        )


def _numbers(text: bytes, count: int, name: str) -> Whole:
    """Whole numbers below 2**31 in a row: what another reader would take for another number is refused."""
    tokens = text.split(b" ") if text else []
    if (
        len(tokens) != count
        or not re.fullmatch(rb"[-0-9 ]*", text)
        or max(map(len, tokens), default=0) > _LONGEST
    ):
        raise _damaged(
            "LightGBM", f"too few, too many or too large numbers in {name!r}, or what is none"
        )
    try:
        return np.array([int(token) for token in tokens], np.int64)
    except ValueError:
        raise _damaged("LightGBM", f"something else than whole numbers in {name!r}") from None


def _check_categories(text: _Text, nodes: Whole, decision: Whole) -> None:
    """A split by category names a set; the sets' bounds ascend and end where their words do."""
    sets = text.numbers("num_cat", np.ones(len(nodes), np.int64))
    with_sets = np.flatnonzero(sets)
    bounds, words = (
        text.lines("cat_boundaries", len(with_sets)),
        text.lines("cat_threshold", len(with_sets)),
    )
    for place, bound, word in zip(with_sets.tolist(), bounds, words, strict=True):
        edges = _numbers(bound, bound.count(b" ") + 1, "cat_boundaries")
        if (
            len(edges) != sets[place] + 1
            or edges[0] != 0
            or (np.diff(edges) < 0).any()
            or edges[-1] != word.count(b" ") + 1
        ):
            raise _damaged("LightGBM", "sets of categories that do not follow one another")
    chosen = (decision & 1) == 1
    if not chosen.any():
        return
    thresholds = b" ".join(line for line in text.lines("threshold") if line).split(b" ")
    named = [thresholds[place] for place in np.flatnonzero(chosen).tolist()]
    numbers = _numbers(b" ".join(named), len(named), "threshold")
    if ((numbers < 0) | (numbers >= np.repeat(sets, nodes)[chosen])).any():
        raise _damaged("LightGBM", "a split by a set of categories which is not there")


# ---------------------------------------------------------------- XGBoost's UBJSON


def check_xgboost(blob: bytes) -> None:
    """Refuse a booster in XGBoost's UBJSON format whose trees point outside themselves or don't fit together."""
    try:
        learner = _ubjson.loads(blob)["learner"]
        booster = learner["gradient_booster"]
        model = booster["model"]
        if booster["name"] != "gbtree":
            raise _damaged("XGBoost", f"a booster of the kind {str(booster['name'])[:20]!r}")
        if model["trees"]:
            _check_trees(_Trees(model["trees"]), int(learner["learner_model_param"]["num_feature"]))
        _check_forest(model, int(learner["learner_model_param"]["num_class"]))
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, UnsafeModel):
            raise
        raise _damaged("XGBoost", f"{type(error).__name__}: {str(error)[:100]}") from None


def _check_forest(model: Mapping[str, Any], classes: int) -> None:
    count = len(model["trees"])
    groups = np.asarray(model["tree_info"], np.int64)
    edges = np.asarray(model["iteration_indptr"], np.int64)
    if int(model["gbtree_model_param"]["num_trees"]) != count or len(groups) != count:
        raise _damaged("XGBoost", "another number of trees than it says")
    if count and (groups.min() < 0 or groups.max() >= max(1, classes)):
        raise _damaged("XGBoost", "a tree of a class which is not there")
    if len(edges) < 1 or edges[0] != 0 or edges[-1] != count or (np.diff(edges) < 0).any():
        raise _damaged("XGBoost", "rounds that do not follow one another")


class _Trees:
    """The arrays of all trees, each name's end to end: a thousand trees are checked as quickly as one."""

    def __init__(self, trees: Sequence[Mapping[str, Any]]) -> None:
        self._trees = trees

    def sizes(self, name: str) -> Whole:
        """How many values each tree has by this name."""
        return np.array([len(tree[name]) for tree in self._trees], np.int64)

    def told(self, name: str) -> Whole:
        """What each tree says of itself."""
        return np.array([int(tree["tree_param"][name]) for tree in self._trees], np.int64)

    def numbers(self, name: str) -> Whole:
        """The values of all trees, as whole numbers."""
        values = np.concatenate(
            [tree[name] for tree in self._trees], dtype=np.int64, casting="unsafe"
        )
        if values.ndim != 1:
            raise ValueError(f"{name} is no row of numbers")
        return values


_LINKS = ("left_children", "right_children", "parents")
_OF_EACH_NODE = (
    *_LINKS,
    "split_indices",
    "split_conditions",
    "split_type",
    "default_left",
    "base_weights",
)


def _check_trees(trees: _Trees, features: int) -> None:
    sizes = trees.told("num_nodes")
    if (sizes < 1).any() or any((trees.sizes(name) != sizes).any() for name in _OF_EACH_NODE):
        raise _damaged("XGBoost", "a tree with arrays of different lengths")
    if (trees.told("num_feature") != features).any() or (trees.told("size_leaf_vector") > 1).any():
        raise _damaged("XGBoost", "a tree for other columns")
    left, right, parents = (trees.numbers(name) for name in _LINKS)
    first = np.cumsum(sizes) - sizes
    starts, inner = np.repeat(first, sizes), np.flatnonzero(left != -1)
    children = np.concatenate([left[inner], right[inner]])
    if (right[left == -1] != -1).any() or (
        (children <= 0) | (children >= np.tile(np.repeat(sizes, sizes)[inner], 2))
    ).any():
        raise _damaged("XGBoost", "a child outside its tree")
    below = children + np.tile(starts[inner], 2)
    if (np.bincount(below, minlength=1) > 1).any():
        raise _damaged("XGBoost", "a child below two nodes")
    if (parents[below] != np.tile(inner - starts[inner], 2)).any():
        raise _damaged("XGBoost", "a child that names another parent")
    split = trees.numbers("split_indices")[inner]
    if ((split < 0) | (split >= features)).any():
        raise _damaged("XGBoost", "a split that reads a column which is not there")
    _check_sets(trees, sizes, first)


def _check_sets(trees: _Trees, sizes: Whole, first: Whole) -> None:
    """Splits by category name a stretch of their tree's list of categories."""
    counts, lengths = trees.sizes("categories_nodes"), trees.sizes("categories")
    if any((trees.sizes(f"categories_{name}") != counts).any() for name in ("segments", "sizes")):
        raise _damaged("XGBoost", "sets of categories that do not fit together")
    nodes, starts, widths = (
        trees.numbers(f"categories_{name}") for name in ("nodes", "segments", "sizes")
    )
    values, kinds = trees.numbers("categories"), trees.numbers("split_type")
    if ((nodes < 0) | (nodes >= np.repeat(sizes, counts))).any():
        raise _damaged("XGBoost", "sets of categories of nodes which are not there")
    if ((kinds < 0) | (kinds > 1)).any() or not np.array_equal(
        np.sort(nodes + np.repeat(first, counts)), np.flatnonzero(kinds == 1)
    ):
        raise _damaged("XGBoost", "splits by category without their sets")
    if ((starts < 0) | (widths < 0) | (widths > np.repeat(lengths, counts) - starts)).any() or (
        (values < 0) | (values >= 2**24)
    ).any():
        raise _damaged("XGBoost", "sets of categories that are not there")


def _damaged(library: str, what: str) -> UnsafeModel:
    return UnsafeModel(f"the model file's {library} booster is damaged: {what}")
