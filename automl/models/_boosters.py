"""What boosters' own formats hold, checked before their libraries read them: these trust an index and end the process (measured).

Every tree's children have to lie inside it, each below one parent, and no split may read a column that isn't there.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
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
    leaves = _column(trees, "num_leaves", np.ones(count, np.int64))
    nodes = leaves - 1
    if (leaves < 1).any() or len(re.findall(rb"^leaf_value=", trees, re.MULTILINE)) != count:
        raise _damaged("LightGBM", "a tree without leaves")
    left, right = _column(trees, "left_child", nodes), _column(trees, "right_child", nodes)
    feature, decision = _column(trees, "split_feature", nodes), _column(trees, "decision_type", nodes)
    starts = np.cumsum(nodes) - nodes
    inner, leaf = np.repeat(nodes, nodes), np.repeat(leaves, nodes)
    for child in (left, right):
        if not np.where(child >= 0, child < inner, ~child < leaf).all():
            raise _damaged("LightGBM", "a child outside its tree")
    children = np.concatenate([left, right])
    place = np.concatenate([np.repeat(starts, nodes)] * 2) + children
    if (np.bincount(place[children >= 0], minlength=int(nodes.sum())) != _not_roots(nodes)).any():
        raise _damaged("LightGBM", "a node below two others, or below none")
    if ((feature < 0) | (feature >= features)).any() or ((decision < 0) | (decision > 15)).any():
        raise _damaged("LightGBM", "a split that reads a column which is not there")
    _check_lines(trees, leaves)
    _check_categories(trees, nodes, decision)


def _not_roots(nodes: Whole) -> Whole:
    """How often each node has to be a child: once, but for each tree's first."""
    expected = np.ones(int(nodes.sum()), np.int64)
    expected[(np.cumsum(nodes) - nodes)[nodes > 0]] = 0
    return expected


def _lines(trees: bytes, name: str, count: int) -> list[bytes]:
    found: list[bytes] = re.findall(rb"^" + name.encode() + rb"=(.*)$", trees, re.MULTILINE)
    if len(found) != count:
        raise _damaged("LightGBM", f"{len(found)} lines {name!r} for {count} trees")
    return found


def _column(trees: bytes, name: str, sizes: Whole) -> Whole:
    """The whole numbers of all lines of a name, which have to be as many as `sizes` says."""
    lines = _lines(trees, name, len(sizes))
    tokens = b" ".join(line for line in lines if line).split(b" ") if any(lines) else []
    counts = [line.count(b" ") + 1 if line else 0 for line in lines]
    if counts != sizes.tolist() or any(len(token) > _LONGEST for token in tokens):
        raise _damaged("LightGBM", f"too few or too many numbers in {name!r}")
    return _numbers(b" ".join(tokens), len(tokens), name)


def _numbers(text: bytes, count: int, name: str) -> Whole:
    if not re.fullmatch(rb"(-?\d+( -?\d+)*)?", text):
        raise _damaged("LightGBM", f"something else than whole numbers in {name!r}")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        numbers = np.fromstring(text, np.int64, sep=" ") if count else np.empty(0, np.int64)
    if len(numbers) != count:
        raise _damaged("LightGBM", f"too few numbers in {name!r}")
    return numbers


def _check_lines(trees: bytes, leaves: Whole) -> None:
    """Values and thresholds: as many as there are leaves and splits; and no linear leaves, which no family of ours makes."""
    for name, sizes in (("leaf_value", leaves), ("threshold", leaves - 1)):
        counts = [line.count(b" ") + 1 if line else 0 for line in _lines(trees, name, len(leaves))]
        if counts != sizes.tolist():
            raise _damaged("LightGBM", f"too few or too many numbers in {name!r}")
    if re.search(rb"^is_linear=(?!0$)", trees, re.MULTILINE):
        raise _damaged("LightGBM", "linear leaves")


def _check_categories(trees: bytes, nodes: Whole, decision: Whole) -> None:
    """A split by category names a set; the sets' bounds ascend and end where their words do."""
    sets = _column(trees, "num_cat", np.ones(len(nodes), np.int64))
    with_sets = np.flatnonzero(sets)
    bounds = _lines(trees, "cat_boundaries", len(with_sets))
    words = _lines(trees, "cat_threshold", len(with_sets))
    for place, bound, word in zip(with_sets.tolist(), bounds, words, strict=True):
        edges = _numbers(bound, bound.count(b" ") + 1, "cat_boundaries")
        steps = np.diff(edges)
        if len(edges) != sets[place] + 1 or edges[0] != 0 or (steps < 0).any() or edges[-1] != word.count(b" ") + 1:
            raise _damaged("LightGBM", "sets of categories that do not follow one another")
    chosen = (decision & 1) == 1
    if not chosen.any():
        return
    thresholds = b" ".join(line for line in _lines(trees, "threshold", len(nodes)) if line).split(b" ")
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
        n_features = int(learner["learner_model_param"]["num_feature"])
        for tree in model["trees"]:
            _check_tree(tree, n_features)
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


def _check_tree(tree: Mapping[str, Any], features: int) -> None:
    left, right = (np.asarray(tree[name], np.int64) for name in ("left_children", "right_children"))
    count = len(left)
    same = ("right_children", "parents", "split_indices", "split_conditions", "split_type", "default_left", "base_weights")
    if count < 1 or any(len(tree[name]) != count for name in same) or int(tree["tree_param"]["num_nodes"]) != count:
        raise _damaged("XGBoost", "a tree with arrays of different lengths")
    if int(tree["tree_param"]["num_feature"]) != features or int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise _damaged("XGBoost", "a tree for other columns")
    inner = np.flatnonzero(left != -1)
    children = np.concatenate([left[inner], right[inner]])
    parents = np.asarray(tree["parents"], np.int64)
    if (right[left == -1] != -1).any() or ((children <= 0) | (children >= count)).any() or len(np.unique(children)) != len(children):
        raise _damaged("XGBoost", "a child outside its tree, or below two nodes")
    if (parents[children] != np.concatenate([inner, inner])).any():
        raise _damaged("XGBoost", "a child that names another parent")
    split = np.asarray(tree["split_indices"], np.int64)[inner]
    if ((split < 0) | (split >= features)).any():
        raise _damaged("XGBoost", "a split that reads a column which is not there")
    _check_sets(tree, count)


def _check_sets(tree: Mapping[str, Any], count: int) -> None:
    """Splits by category name a stretch of the list of categories."""
    nodes, starts, sizes = (np.asarray(tree[f"categories_{name}"], np.int64) for name in ("nodes", "segments", "sizes"))
    values = np.asarray(tree["categories"], np.int64)
    by_category = np.flatnonzero(np.asarray(tree["split_type"], np.int64) == 1)
    kinds = np.asarray(tree["split_type"], np.int64)
    if ((kinds < 0) | (kinds > 1)).any() or not np.array_equal(np.sort(nodes), by_category):
        raise _damaged("XGBoost", "splits by category without their sets")
    if not len(nodes) == len(starts) == len(sizes) or (nodes >= count).any():
        raise _damaged("XGBoost", "sets of categories that do not fit together")
    if ((starts < 0) | (sizes < 0) | (starts + sizes > len(values))).any() or ((values < 0) | (values >= 2**24)).any():
        raise _damaged("XGBoost", "sets of categories that are not there")


def _damaged(library: str, what: str) -> UnsafeModel:
    return UnsafeModel(f"the model file's {library} booster is damaged: {what}")
