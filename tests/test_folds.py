"""Folds partition the rows, keep groups whole, share out the classes, and never train on the future."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl import folds


@given(st.integers(10, 200), st.integers(2, 8), st.integers(1, 3), st.integers(0, 9))
def test_folds_partition_the_rows_in_every_repeat(
    n_rows: int, n_folds: int, n_repeats: int, seed: int
) -> None:
    strata = np.arange(n_rows) % 3
    made = folds.kfold(strata, np.arange(n_rows), n_folds, n_repeats, seed)
    for repeat in range(n_repeats):
        held = [made.held(repeat, fold) for fold in range(n_folds)]
        assert sorted(np.concatenate(held).tolist()) == list(range(n_rows))
        assert all(
            not set(made.train(repeat, fold)) & set(made.held(repeat, fold))
            for fold in range(n_folds)
        )
        sizes = [len(rows) for rows in held]
        assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.integers(0, 12), min_size=20, max_size=80), st.integers(0, 5))
def test_folds_keep_groups_whole(groups: list[int], seed: int) -> None:
    units = np.array(groups)
    made = folds.kfold(np.zeros(len(units)), units, 3, 1, seed)
    for fold in range(3):
        assert not set(units[made.train(0, fold)]) & set(units[made.held(0, fold)])


def test_every_fold_has_its_share_of_a_rare_class() -> None:
    y = np.array([1.0] * 10 + [0.0] * 190)
    made = folds.kfold(y, np.arange(200), 5, 1, seed=0)
    assert [int(y[made.held(0, fold)].sum()) for fold in range(5)] == [2] * 5


def test_folds_of_a_regression_target_have_nearly_equal_means() -> None:
    y = np.random.default_rng(0).lognormal(0, 2, 500)
    means = [
        y[folds.kfold(y, np.arange(500), 5, 1, seed=1).held(0, fold)].argsort().mean()
        for fold in range(5)
    ]
    assert max(means) - min(means) < 1e-9


def test_repeats_draw_other_folds() -> None:
    made = folds.kfold(np.zeros(50), np.arange(50), 5, 2, seed=0)
    assert (made.blocks[0] != made.blocks[1]).any()


def test_a_holdout_keeps_back_its_share() -> None:
    made = folds.holdout(np.zeros(100), np.arange(100), 0.2, seed=0)
    assert len(made.held(0, 0)) == 20
    assert len(made.train(0, 0)) == 80


@given(
    st.lists(st.integers(0, 30), min_size=2, max_size=60).filter(lambda times: len(set(times)) > 1),
    st.integers(1, 5),
)
def test_time_folds_train_on_the_past_only_and_none_is_empty(
    times: list[int], n_folds: int
) -> None:
    made = folds.by_time(np.array(times, float), np.arange(len(times)), n_folds)
    assert 1 <= made.n_folds <= n_folds
    for fold in range(made.n_folds):
        train, held = made.train(0, fold), made.held(0, fold)
        assert len(train)
        assert len(held)
        assert max(times[row] for row in train) < min(times[row] for row in held)
    again = folds.by_time(
        np.array(times, float), np.arange(len(times)), made.n_folds
    )  # as a run does that goes on
    assert (again.blocks == made.blocks).all()


@given(st.lists(st.integers(1, 200), min_size=2, max_size=12), st.integers(0, 9))
def test_no_fold_of_few_groups_is_empty(sizes: list[int], seed: int) -> None:
    units = np.repeat(np.arange(len(sizes)), sizes)
    n_folds = min(8, len(sizes))
    made = folds.kfold(np.zeros(len(units)), units, n_folds, 1, seed)
    assert all(len(made.held(0, fold)) for fold in range(n_folds))
    one = folds.holdout(np.zeros(len(units)), units, 0.2, seed)
    assert len(one.held(0, 0))
    assert len(one.train(0, 0))


@pytest.mark.parametrize(
    "made",
    [
        folds.holdout(np.zeros(30), np.arange(30), 0.2, 0),
        folds.kfold(np.zeros(30), np.arange(30), 5, 1, 0),
    ],
)
def test_all_rows_are_trained_on_without_a_fold_whatever_the_repeat(made: folds.Folds) -> None:
    assert [len(made.train(copy, None)) for copy in range(4)] == [30] * 4


def test_folds_survive_the_disk(tmp_path: Path) -> None:
    made = folds.by_time(np.arange(20.0), np.arange(20), 4)
    made.save(tmp_path)
    again = folds.open_folds(tmp_path)
    assert again.kind == "time"
    assert (again.blocks == made.blocks).all()


def test_time_folds_keep_units_whole_and_never_look_ahead() -> None:
    rng = np.random.default_rng(0)
    times, units = rng.random(200), rng.integers(0, 60, 200)
    made = folds.by_time(times, units, 4)
    for fold in range(4):
        train, held = made.train(0, fold), made.held(0, fold)
        assert len(held)
        assert not set(units[train]) & set(units[held])
        last = {unit: times[units == unit].max() for unit in set(units)}
        assert max(last[unit] for unit in units[train]) <= min(last[unit] for unit in units[held])


@given(st.integers(2, 8), st.integers(2, 12), st.integers(2, 5), st.integers(0, 5))
def test_panel_folds_hold_out_later_rows_of_groups_that_are_not_trained_on(
    n_groups: int, n_times: int, n_folds: int, seed: int
) -> None:
    groups, times = (
        np.tile(np.arange(n_groups), n_times),
        np.repeat(np.arange(float(n_times)), n_groups),
    )
    made = folds.panel(times, groups, n_folds, seed)
    assert made.n_folds == min(n_folds, n_groups)
    for fold in range(made.n_folds):
        train, held = made.train(0, fold), made.held(0, fold)
        assert not set(groups[train]) & set(groups[held])
        assert times[train].max() < times[held].min()
    held_once = np.concatenate([made.held(0, fold) for fold in range(made.n_folds)])
    assert sorted(held_once) == np.flatnonzero(times >= times[held_once].min()).tolist()


def test_groups_that_live_for_a_while_do_not_span_the_times() -> None:
    times = np.arange(300.0)
    assert not folds.spans_times(times, np.arange(300) // 5, 4)
    assert folds.spans_times(times, np.arange(300) % 10, 4)
    assert folds.spans_times(times, np.zeros(300, np.int64), 4)
