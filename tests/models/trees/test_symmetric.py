"""Symmetric trees are found among all trees, and evaluated by whole columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from automl.models.trees.evaluation import compiled_margins
from automl.models.trees.from_catboost import read_catboost
from automl.models.trees.grove import Grove
from automl.models.trees.pruning import without_idle_splits
from automl.models.trees.symmetric import SymmetricTrees
from tests.models.trees.boosters import MAKERS
from tests.models.trees.catboost_fits import random_fit


def test_levels_have_one_condition_and_tables_all_leaves() -> None:
    found = 0
    for seed in range(40):
        fit = random_fit(seed)
        trees = without_idle_splits(read_catboost(fit.blob, fit.levels, fit.rounds))
        symmetric = SymmetricTrees.of(trees)
        if symmetric is None:
            continue
        found += 1
        sizes = np.diff(symmetric.level_offsets)
        assert len(symmetric.leaf) == (2**sizes).sum()
        assert set(symmetric.leaf) == set(range(len(trees.value)))
        X = fit.rows(seed)
        (walked,) = Grove.of([trees], [0]).margins([X])
        np.testing.assert_array_equal(compiled_margins(trees, X), walked)
    assert found > 10


@pytest.mark.parametrize("library", ["lightgbm", "forest"])
def test_other_trees_are_not_taken_for_symmetric_ones(library: str) -> None:
    trees = [MAKERS[library](seed).trees for seed in range(8)]
    kinds = [SymmetricTrees.of(each) for each in trees if each.sizes.max() > 3]
    assert kinds
    assert set(kinds) == {None}


def test_trees_that_take_turns_or_add_in_single_precision_are_walked() -> None:
    fit = random_fit(3)
    trees = read_catboost(fit.blob, fit.levels)
    assert replace(trees, single=True).symmetric_kernel_arrays is None
    turns = MAKERS["lightgbm"](0).trees
    assert turns.outputs == 1 or turns.symmetric_kernel_arrays is None
