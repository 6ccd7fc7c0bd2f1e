"""Splits that decide nothing go, and predictions stay the same."""

from __future__ import annotations

import numpy as np
import pytest

from automl.arrays import Matrix
from automl.models.trees.pruning import without_idle_splits
from automl.models.trees.trees import Trees
from tests.models.trees.catboost_fits import random_fit
from tests.models.trees.small_trees import make_conditions, make_trees
from tests.models.trees.walking import walked_margins

NUMBERS = [-2.5, -1.5, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, np.nan]
CATEGORIES = [0.0, 1.0, 2.0, 9.0, np.nan]
ROWS: Matrix = np.array(
    [[number, category] for number in NUMBERS for category in CATEGORIES], np.float32
)

FOUR_NUMBERS = make_conditions([0.0, 1.0, 2.0, -1.0], [])
# A symmetric tree of depth 2: the right half decides nothing.
SYMMETRIC = [[1, 2], [~0, ~1], [~2, ~3]]


def check_same(pruned: Trees, trees: Trees) -> None:
    pruned.conditions.check(pruned.features)
    pruned.check()
    np.testing.assert_array_equal(pruned.margins(ROWS), trees.margins(ROWS))
    np.testing.assert_array_equal(walked_margins(pruned, ROWS), walked_margins(trees, ROWS))


def test_a_split_between_equal_leaves_becomes_a_leaf() -> None:
    trees = make_trees(FOUR_NUMBERS, [3], [0, 3, 1], SYMMETRIC, [1.0, 2.0, 7.0, 7.0])
    pruned = without_idle_splits(trees)
    assert pruned.sizes.tolist() == [2]
    assert pruned.children.tolist() == [[1, ~0], [~1, ~2]]
    assert pruned.value.ravel().tolist() == [7.0, 1.0, 2.0]
    assert pruned.conditions.threshold.tolist() == [0.0, -1.0]
    check_same(pruned, trees)


def test_a_tree_of_equal_leaves_collapses_to_one_between_others() -> None:
    trees = make_trees(
        FOUR_NUMBERS,
        sizes=[1, 3, 0, 3],
        condition=[0, 0, 3, 1, 0, 3, 1],
        children=[[~0, ~1], *SYMMETRIC, *SYMMETRIC],
        value=[1.0, 2.0, 5.0, 5.0, 5.0, 5.0, 9.0, 3.0, 3.0, 4.0, 6.0],
    )
    pruned = without_idle_splits(trees)
    assert pruned.sizes.tolist() == [1, 0, 0, 2]
    assert pruned.value.ravel().tolist() == [1.0, 2.0, 5.0, 9.0, 3.0, 4.0, 6.0]
    check_same(pruned, trees)


def test_trees_may_all_collapse() -> None:
    trees = make_trees(FOUR_NUMBERS, [1, 1], [0, 1], [[~0, ~1]] * 2, [2.0, 2.0, 4.0, 4.0])
    pruned = without_idle_splits(trees)
    assert pruned.sizes.tolist() == [0, 0]
    assert pruned.children.shape == (0, 2)
    assert len(pruned.conditions.column) == 0
    check_same(pruned, trees)


def test_what_lies_below_an_idle_split_goes_with_it() -> None:
    # Nodes 2 and 3 lie below node 1, all of whose leaves are equal.
    children = [[1, ~0], [2, 3], [~1, ~2], [~3, ~4]]
    trees = make_trees(FOUR_NUMBERS, [4], [0, 1, 2, 3], children, [1.0, 8.0, 8.0, 8.0, 8.0])
    pruned = without_idle_splits(trees)
    assert pruned.sizes.tolist() == [1]
    assert pruned.conditions.threshold.tolist() == [0.0]
    check_same(pruned, trees)


def test_sets_that_no_split_uses_go_and_others_keep_their_bits() -> None:
    conditions = make_conditions([0.0], [[1], [0, 9, 20], [2]])
    # Of three sets, the middle one is used by an idle split alone.
    trees = make_trees(conditions, [3], [3, 2, 1], SYMMETRIC, [6.0, 6.0, 1.0, 2.0])
    pruned = without_idle_splits(trees)
    assert pruned.conditions.n_numeric == 0
    assert pruned.conditions.column.tolist() == [1, 1]
    assert pruned.conditions.set_offsets.tolist() == [0, 1, 2]
    assert pruned.conditions.set_bits.tolist() == [0b100, 0b1000]
    check_same(pruned, trees)


def test_trees_without_idle_splits_are_returned_as_they_are() -> None:
    trees = make_trees(FOUR_NUMBERS, [3], [0, 3, 1], SYMMETRIC, [1.0, 2.0, 3.0, 4.0])
    assert without_idle_splits(trees) is trees
    leaf = make_trees(FOUR_NUMBERS, [0], [], [], [1.0])
    assert without_idle_splits(leaf) is leaf


@pytest.mark.parametrize("seed", [5, 9, 12])
def test_boosters_predict_the_same_without_idle_splits(seed: int) -> None:
    from automl.models.trees.from_catboost import read_catboost

    fit = random_fit(seed)
    trees = read_catboost(fit.blob, fit.levels, fit.rounds)
    pruned = without_idle_splits(trees)
    assert len(pruned.condition) < len(trees.condition)
    rows = fit.rows(seed)
    np.testing.assert_array_equal(pruned.margins(rows), trees.margins(rows))
