"""Forests in files of format 4 are read as trees, and forged ones are refused."""

from __future__ import annotations

import numpy as np
import pytest

from automl.errors import UnsafeModel
from automl.models.trees.from_format_4 import read_format_4
from automl.state import State

LARGEST = np.finfo(np.float32).max


def two_trees() -> State:
    """Return a tree of two splits, and one of a single leaf, in depth-first order."""
    return {
        "features": 2,
        "offsets": np.array([0, 5, 6], np.int64),
        "right": np.array([4, 3, 0, 0, 0, 0], np.int32),
        "feature": np.array([0, 1, 0, 0, 0, 0], np.int32),
        "threshold": np.array([1.5, LARGEST, 0, 0, 0, 0], np.float32),
        "missing_left": np.array([1, 0, 0, 0, 0, 0], np.uint8),
        "value": np.array([[1.0], [2.0], [4.0], [0.25]], np.float32),
    }


def test_two_trees_are_read() -> None:
    trees = read_format_4(two_trees())
    assert trees.sizes.tolist() == [2, 0]
    assert trees.children.tolist() == [[1, ~2], [~0, ~1]]
    rows = np.array([[1.5, 0.0], [1.6, 0.0], [np.nan, np.inf], [0.0, np.nan]], np.float32)
    assert trees.margins(rows).ravel().tolist() == [1.25, 4.25, 1.25, 2.25]


def test_a_forest_of_leaves_is_read() -> None:
    state = two_trees()
    state["offsets"] = np.array([0, 1, 2], np.int64)
    for name in ("right", "feature", "threshold", "missing_left"):
        state[name] = state[name][-2:]
    state["value"] = np.array([[0.5, 1.0], [0.25, 2.0]], np.float32)
    margins = read_format_4(state).margins(np.zeros((1, 2), np.float32))
    assert margins.tolist() == [[0.75, 3.0]]


FORGED: dict[str, tuple[str, object, str]] = {
    "a right child outside its tree": ("right", [5, 3, 0, 0, 0, 0], "child"),
    "a right child before the tree": ("right", [-1, 3, 0, 0, 0, 0], "child"),
    "a right child that is its parent": ("right", [4, 1, 0, 0, 0, 0], "child"),
    "too many inner nodes": ("right", [4, 3, 3, 0, 0, 0], "child"),
    "a last node with a left child": ("right", [4, 0, 0, 0, 1, 0], "child"),
    "fewer right children": ("right", [4, 3, 0, 0, 0], "follow one another"),
    "trees that begin later": ("offsets", [1, 5, 6], "follow one another"),
    "trees that end earlier": ("offsets", [0, 4, 5], "follow one another"),
    "an empty tree": ("offsets", [0, 6, 6], "follow one another"),
    "a tree of negative size": ("offsets", [0, 7, 6], "follow one another"),
    "no trees": ("offsets", [0], "follow one another"),
    "no offsets": ("offsets", [], "follow one another"),
    "a column that is not there": ("feature", [0, 2, 0, 0, 0, 0], "column"),
    "a column below the first": ("feature", [-1, 1, 0, 0, 0, 0], "column"),
    "fewer columns": ("feature", [0, 1, 0, 0, 0], "different lengths"),
    "more thresholds": ("threshold", [1.5, 2, 0, 0, 0, 0, 0], "different lengths"),
    "a threshold that is no number": ("threshold", [np.nan, 2, 0, 0, 0, 0], "not finite"),
    "fewer directions": ("missing_left", [1, 0], "different lengths"),
    "fewer values": ("value", [[1.0], [2.0], [4.0]], "different lengths"),
    "values of no outputs": ("value", [[], [], [], []], "outputs"),
    "an infinite value": ("value", [[np.inf], [2.0], [4.0], [0.25]], "not finite"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_forests_are_refused(name: str) -> None:
    field, values, why = FORGED[name]
    state = two_trees()
    state[field] = np.array(values, state[field].dtype)
    with pytest.raises(UnsafeModel, match=why):
        read_format_4(state)


@pytest.mark.parametrize("features", [0, -1, 2**24 + 1, "two", True, None])
def test_a_number_of_features_that_no_forest_has_is_refused(features: object) -> None:
    with pytest.raises(UnsafeModel, match=r"model file's"):
        read_format_4({**two_trees(), "features": features})


@pytest.mark.parametrize("name", sorted(two_trees()))
def test_forests_without_one_of_their_arrays_are_refused(name: str) -> None:
    state = two_trees()
    del state[name]
    with pytest.raises(UnsafeModel, match=name):
        read_format_4(state)


@pytest.mark.parametrize("name", ["offsets", "right", "feature", "threshold", "value"])
def test_arrays_of_another_type_are_refused(name: str) -> None:
    state = two_trees()
    state[name] = state[name].astype(np.complex64)
    with pytest.raises(UnsafeModel, match=name):
        read_format_4(state)
