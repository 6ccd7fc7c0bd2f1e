"""Leaves of equal values share them in a file, and forged files can't make much of that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from automl.errors import UnsafeModel
from automl.models.trees.evaluation import compiled_margins
from automl.models.trees.grove import Grove
from automl.models.trees.trees import Trees
from automl.state import State, pack_to_bytes
from tests.models.trees.boosters import random_forest
from tests.models.trees.small_trees import make_conditions, make_trees

FOREST = random_forest(0)  # of four classes


def saved(trees: Trees) -> State:
    state = trees.to_state()
    assert "value_of_leaf" in state
    return state


def split_by_thresholds(value: list[float]) -> Trees:
    """Return one tree, of a chain of splits."""
    n_inner = len(value) - 1
    children = [[~number, number + 1] for number in range(n_inner)]
    children[-1][1] = ~n_inner
    return make_trees(
        make_conditions([float(number) for number in range(n_inner)], []),
        sizes=[n_inner],
        condition=[*range(n_inner)],
        children=children,
        value=value,
    )


def leaves_alone(count: int, n_values: int) -> Trees:
    """Return trees that are one leaf each, which all share a row."""
    no_trees = split_by_thresholds([1.0, 2.0]).first(0)
    return replace(
        no_trees,
        sizes=np.zeros(count, np.int32),
        value=np.ones((1, n_values)),
        base=np.zeros(n_values),
        value_of_leaf=np.zeros(count, np.uint8),
    )


def test_a_forest_of_classes_stores_half_of_its_leaves_or_less() -> None:
    state = saved(FOREST.trees)
    assert FOREST.trees.value.shape == (234, 4)
    assert len(state["value"]) < 234 / 2
    assert state["value_of_leaf"].dtype == np.uint8


def test_leaves_have_the_values_that_they_had() -> None:
    trees = Trees.from_state(saved(FOREST.trees))
    assert trees.value_of_leaf is not None
    every = trees.with_value_of_each_leaf()
    assert every.value_of_leaf is None
    assert every.value.tobytes() == FOREST.trees.value.tobytes()


def test_zeros_of_both_signs_stay_apart() -> None:
    value = [0.0, -0.0, 0.0] * 40
    trees = Trees.from_state(saved(split_by_thresholds(value)))
    assert len(trees.value) == 2
    signs = np.signbit(trees.with_value_of_each_leaf().value[:, 0])
    assert signs.tolist() == np.signbit(value).tolist()


def test_leaves_that_all_differ_are_stored_in_full() -> None:
    state = split_by_thresholds([1.0, 2.0, 3.0]).to_state()
    assert "value_of_leaf" not in state


@pytest.mark.parametrize("depth", [1, 3])
def test_symmetric_trees_share_values(depth: int) -> None:
    value = [0.25, 0.5] * 2 ** (depth - 1)
    n_inner = len(value) - 1
    level = [number.bit_length() - 1 for number in range(1, n_inner + 1)]
    children = []
    for number in range(1, n_inner + 1):
        pair = [2 * number - 1, 2 * number]
        children.append([at if at < n_inner else ~(at - n_inner) for at in pair])
    full = make_trees(
        make_conditions([float(number) for number in range(depth)], []),
        sizes=[n_inner],
        condition=level,
        children=children,
        value=value,
    )
    trees = replace(
        full,
        value=full.value[:2],
        value_of_leaf=np.array([0, 1] * 2 ** (depth - 1), np.uint8),
    )
    assert trees.symmetric_kernel_arrays is not None
    rows = np.array([[-0.5, 0], [0.5, 0], [1.5, 0], [9, 0]], np.float32)
    expected = compiled_margins(full, rows)
    np.testing.assert_array_equal(compiled_margins(trees, rows), expected)
    (walked,) = Grove.of([trees], [0]).margins([rows])
    np.testing.assert_array_equal(walked, expected)


def test_the_first_trees_of_those_that_share_values_are_the_same() -> None:
    trees = Trees.from_state(saved(FOREST.trees))
    first = trees.first(2).margins(FOREST.rows)
    np.testing.assert_array_equal(first, FOREST.trees.first(2).margins(FOREST.rows))


def test_trees_that_share_values_are_saved_as_they_are() -> None:
    state = saved(FOREST.trees)
    again = Trees.from_state(state).to_state()
    assert pack_to_bytes(again) == pack_to_bytes(state)


FORGED: dict[str, tuple[object, str]] = {
    "a row that is not there": ([250], "not there"),
    "a row below the first": ([-1], "not there"),
    "fewer leaves than nodes need": ([], "different lengths"),
    "numbers that are not whole": ([0.5], "value_of_leaf"),
    "a table": ([[0]], "value_of_leaf"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_rows_of_leaves_are_refused(name: str) -> None:
    numbers, why = FORGED[name]
    state = saved(leaves_alone(1, 3))
    forged = np.array(numbers)
    if forged.dtype == np.int64:
        forged = forged.astype(np.int32)
    state["value_of_leaf"] = forged if forged.size else np.zeros(0, np.uint8)
    with pytest.raises(UnsafeModel, match=why):
        Trees.from_state(state)


def test_something_that_is_no_array_is_refused() -> None:
    state = {**saved(leaves_alone(1, 3)), "value_of_leaf": None}
    with pytest.raises(UnsafeModel, match="value_of_leaf"):
        Trees.from_state(state)


def test_a_small_file_that_adds_up_terabytes_is_refused() -> None:
    """A million leaves of 100 000 values each, which share one row."""
    state = saved(leaves_alone(1_000_000, 100_000))
    with pytest.raises(UnsafeModel, match="more values"):
        Trees.from_state(state)


def test_trees_that_could_not_be_read_again_are_stored_in_full() -> None:
    trees = leaves_alone(1_000_000, 17).with_value_of_each_leaf()
    state = trees.to_state()
    assert "value_of_leaf" not in state
    assert state["value"].shape == (1_000_000, 17)
