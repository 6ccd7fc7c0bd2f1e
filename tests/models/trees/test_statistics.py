"""Statistics are looked up for rows of any number, and damaged ones are refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from automl.arrays import Matrix
from automl.errors import UnsafeModel
from automl.models.trees import statistics as module
from automl.models.trees._catboost_file import MEAN
from automl.models.trees.conditions import Conditions
from automl.models.trees.from_catboost import read_catboost
from automl.models.trees.statistics import Statistics, make_keys
from automl.state import State
from tests.models.trees.catboost_fits import random_fit
from tests.models.trees.forged_catboost import (
    LEVELS,
    file_of,
    integers,
    source,
    statistic,
    table,
    trees,
)

MULTIPLIER = 0x4906BA494954CB65
FEATURES = 3
NO_CONDITIONS = Conditions(
    column=np.zeros(0, np.int32),
    threshold=np.zeros(0, np.float32),
    missing_left=np.zeros(0, np.uint8),
    set_offsets=np.zeros(1, np.int64),
    set_bits=np.zeros(0, np.uint8),
)


def folded(*parts: int) -> int:
    """The hash of parts, folded one by one."""
    result = 0
    for part in parts:
        result = MULTIPLIER * (result + MULTIPLIER * part) % 2**64
    return result


def two_columns() -> Statistics:
    """A column of a category, one of the pair with a number above 1, and one of the category."""
    alone = sorted([(folded(11), 1.0), (folded(12), 2.0)])
    pairs = sorted([(folded(11, 0), 3.0), (folded(11, 1), 4.0)])
    hashes = np.array([key for key, _ in alone + pairs], np.uint64)
    values = [value for _, value in alone]
    return Statistics(
        conditions=Conditions(
            column=np.array([0], np.int32),
            threshold=np.array([1], np.float32),
            missing_left=np.array([0], np.uint8),
            set_offsets=np.zeros(1, np.int64),
            set_bits=np.zeros(0, np.uint8),
        ),
        hash_column=np.array([2], np.int32),
        hash_offsets=np.array([0, 4], np.int64),
        hashes=np.array([10, 11, 12, 13], np.int32),
        part_offsets=np.array([0, 1, 3], np.int64),
        part_source=np.array([0, 0, 1], np.int32),
        keys=make_keys(hashes, np.array([0, 0, 1, 1], np.uint64), 2),
        combination=np.array([0, 1, 0], np.int32),
        values=np.array(
            [*values, 9.0, *[value for _, value in pairs], 8.0, *values, 7.0], np.float32
        ),
    )


def rows(*each: tuple[float, float]) -> Matrix:
    """Rows of a number and a category, which are columns 0 and 2."""
    return np.array([(number, 0, code) for number, code in each], np.float32)


def test_values_are_looked_up_by_the_folded_hashes() -> None:
    X = rows((0, 0), (2, 0), (0, 1), (np.nan, 0), (np.nan, np.nan), (0, 2), (0, 99), (0, np.inf))
    expected = [
        [1, 3, 1],
        [1, 4, 1],
        [2, 8, 2],
        [1, 4, 1],
        [9, 8, 7],
        [9, 8, 7],
        [9, 8, 7],
        [9, 8, 7],
    ]
    assert two_columns().columns(X).tolist() == expected


def test_rows_do_not_depend_on_the_other_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(20):
        fit = random_fit(seed)
        statistics = read_catboost(fit.blob, fit.levels).statistics
        if statistics is None:
            continue
        X = fit.rows(seed, 40)
        columns = statistics.columns(X)
        assert columns.dtype == np.float32
        assert columns.shape == (40, statistics.count)
        assert statistics.columns(X[:0]).shape == (0, statistics.count)
        alone = [statistics.columns(X[row : row + 1]) for row in range(40)]
        np.testing.assert_array_equal(np.concatenate(alone), columns)
        monkeypatch.setattr(module, "_MAX_CELLS_TOGETHER", 7 * len(statistics.part_source))
        np.testing.assert_array_equal(statistics.columns(X), columns)
        monkeypatch.undo()


def test_means_are_read_too() -> None:
    """No fit of ours makes them, but they are as simple."""
    of = source(MEAN, 0)
    histories = np.array([(3.0, 4)], [("sum", "<f4"), ("count", "<i4")])
    split = trees(statistics=[statistic(of, 0.5)], splits=integers(0, 2))
    blob = file_of(split, table(of, np.array([folded(5)], np.uint64), histories))
    statistics = read_catboost(blob, LEVELS).statistics
    assert statistics is not None
    assert statistics.values.tolist() == pytest.approx([3.5 / 5, 0.5])


def test_they_are_stored_and_read_again() -> None:
    statistics = two_columns()
    again = Statistics.from_state(statistics.to_state(), FEATURES)
    X = rows((0, 0), (2, 0), (0, 1), (5, np.nan))
    np.testing.assert_array_equal(again.columns(X), statistics.columns(X))


def replaced(name: str, change: Callable[[np.ndarray], object]) -> State:
    state = two_columns().to_state()
    return state | {name: change(state[name].copy())}


def set_last(value: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array[-1] = value
        return array

    return change


@pytest.mark.parametrize(
    "state",
    [
        *[
            replaced(name, change)
            for name in two_columns().to_state()
            if name != "conditions"
            for change in (
                lambda array: array[:-1],
                lambda array: array[:0],
                lambda array: np.append(array, array[-1:]),
                lambda array: array.astype(np.float64),
                lambda array: array[None],
                lambda array: None,
            )
        ],
        replaced("hash_column", set_last(FEATURES)),
        replaced("hash_offsets", set_last(2**62)),
        replaced("hash_offsets", set_last(-(2**63))),
        replaced("hash_offsets", lambda array: array[::-1].copy()),
        replaced("part_offsets", set_last(4)),
        replaced("part_offsets", set_last(-1)),
        replaced("part_offsets", lambda array: np.array([0, -(2**63), 3], np.int64)),
        replaced("part_offsets", lambda array: np.array([0, 0, 3], np.int64)),
        replaced("part_source", set_last(2)),
        replaced("combination", set_last(2)),
        replaced("keys", lambda array: array[::-1].copy()),
        replaced("keys", lambda array: array[[0, 0, 2, 3]]),
        replaced("values", set_last(np.nan)),
        two_columns().to_state() | {"conditions": NO_CONDITIONS.to_state()},
    ],
)
def test_damaged_statistics_are_refused(state: State) -> None:
    with pytest.raises(UnsafeModel):
        Statistics.from_state(state, FEATURES)
