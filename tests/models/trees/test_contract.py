"""Trees as arrays give the margins of the libraries that grew them, bit for bit.

That holds for every booster and random configurations of it, for missing, extreme and infinite
numbers, for categories never seen, with and without compiled code, and after saving and loading.
"""

from __future__ import annotations

import numpy as np
import pytest

from automl.models.trees.evaluation import compiled_margins
from automl.models.trees.grove import Grove
from automl.models.trees.trees import Trees
from automl.state import pack_to_bytes, unpack_bytes
from tests.models.trees.boosters import MAKERS, Grown

QUICK_SEEDS = range(12)
ALL_SEEDS = range(200)


def saved_and_loaded(trees: Trees) -> Trees:
    return Trees.from_state(unpack_bytes(pack_to_bytes(trees.to_state())))


def check(grown: Grown) -> None:
    trees = saved_and_loaded(grown.trees)
    np.testing.assert_array_equal(compiled_margins(trees, grown.rows), grown.margins)
    (walked,) = Grove.of([trees], [0]).margins([grown.rows])
    np.testing.assert_array_equal(walked, grown.margins)
    for index in range(0, len(grown.rows), 97):
        alone = trees.margins(grown.rows[index : index + 1])
        np.testing.assert_array_equal(alone[0], grown.margins[index])


@pytest.mark.parametrize("seed", QUICK_SEEDS)
@pytest.mark.parametrize("library", MAKERS)
def test_margins_equal_the_librarys_bit_for_bit(library: str, seed: int) -> None:
    check(MAKERS[library](seed))


@pytest.mark.heavy
@pytest.mark.parametrize("library", MAKERS)
def test_margins_of_200_configurations_equal_the_librarys(library: str) -> None:
    for seed in ALL_SEEDS:
        check(MAKERS[library](seed))


def test_the_trees_of_several_models_are_walked_together() -> None:
    grown = [make(seed) for seed, make in enumerate(MAKERS.values())]
    n_rows = min(len(each.rows) for each in grown)
    matrices = [each.rows[:n_rows] for each in grown]
    grove = Grove.of([each.trees for each in grown], [0, 1, 2])
    for each, margins in zip(grown, grove.margins(matrices), strict=True):
        np.testing.assert_array_equal(margins, each.margins[:n_rows])
    nothing = [matrix[:0] for matrix in matrices]
    shapes = [margins.shape for margins in grove.margins(nothing)]
    assert shapes == [(0, each.trees.outputs) for each in grown]


def test_the_first_trees_are_those_of_a_smaller_model() -> None:
    grown = MAKERS["forest"](3)
    first = grown.trees.first(2)
    assert first.count == 2
    assert len(first.conditions.column) <= first.sizes.sum() < len(grown.trees.conditions.column)
    rest = grown.trees.margins(grown.rows) - first.margins(grown.rows)
    assert (np.abs(rest) > 1e-9).any()
    assert grown.trees.first(10_000) is grown.trees
