"""Categories are hashed as CatBoost does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from automl.models.trees._cityhash import MAX_CODE, _code_blocks, category_hashes

CODES = [-1, 0, 7, 10, 99, 123, 999, 1_000, 54_321, 999_999, 1_000_000, 12_345_678]


def hashes_by_catboost(codes: list[int], folder: Path) -> list[int]:
    """The hashes that a model of one column stores of these categories, in ascending order."""
    import catboost

    column = np.array(codes * 4).reshape(-1, 1)
    y = (np.arange(len(column)) % len(codes)).astype(float) ** 2
    booster = catboost.CatBoost(
        {
            "iterations": 200,
            "depth": 6,
            "one_hot_max_size": 255,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }
    )
    booster.fit(catboost.Pool(column, y, cat_features=[0]))
    path = folder / "model.json"
    booster.save_model(str(path), format="json")
    (feature,) = json.loads(path.read_text())["features_info"]["categorical_features"]
    return sorted(feature["values"])


def test_hashes_are_those_that_catboost_stores(tmp_path: Path) -> None:
    stored = hashes_by_catboost(CODES, tmp_path)
    hashes = category_hashes(max(CODES))
    chosen = [int(hashes[code + 1]) for code in CODES]
    assert set(stored) <= set(chosen)
    assert len(stored) > len(CODES) - 3  # a tree may need no split by one of them


def test_hashes_do_not_depend_on_the_number_of_levels() -> None:
    many = category_hashes(70_000)
    assert len(many) == 70_002
    for levels in (0, 1, 9, 10, 11, 999, 1_000, 65_536):
        np.testing.assert_array_equal(category_hashes(levels), many[: levels + 2])


def test_blocks_of_codes_follow_one_another() -> None:
    blocks = [codes for codes, _ in _code_blocks(200_000)]
    np.testing.assert_array_equal(np.concatenate(blocks), np.arange(200_000))


def test_too_many_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="levels"):
        category_hashes(MAX_CODE + 1)
