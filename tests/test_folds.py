"""Folds partition the rows, keep groups whole, stratify classes, and never train on the future."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl import folds
from automl.arrays import Rows
from automl.folds import Folds

seeds = st.integers(0, 9)
few_times = st.lists(st.integers(0, 30), min_size=2, max_size=60)
group_numbers = st.lists(st.integers(0, 12), min_size=20, max_size=80)
group_sizes = st.lists(st.integers(1, 200), min_size=2, max_size=12)


def splits(made: Folds, repeat: int = 0) -> list[tuple[Rows, Rows]]:
    """Return the rows trained on and held out in each fold of a repeat."""
    pairs = []
    for fold in range(made.n_folds):
        train = made.train(repeat, fold)
        held = made.held_out(repeat, fold)
        pairs.append((train, held))
    return pairs


def unstratified(units: Rows, n_folds: int, n_repeats: int, seed: int) -> Folds:
    strata = np.zeros(len(units))
    return folds.kfold(strata, units, n_folds, n_repeats, seed)


@given(st.integers(10, 200), st.integers(2, 8), st.integers(1, 3), seeds)
def test_folds_partition_the_rows_in_every_repeat(
    n_rows: int, n_folds: int, n_repeats: int, seed: int
) -> None:
    rows = np.arange(n_rows)
    made = folds.kfold(rows % 3, rows, n_folds, n_repeats, seed)
    for repeat in range(n_repeats):
        pairs = splits(made, repeat)
        for train, held in pairs:
            assert not set(train) & set(held)
        all_held = np.concatenate([held for _, held in pairs])
        assert sorted(all_held) == rows.tolist()
        sizes = [len(held) for _, held in pairs]
        assert max(sizes) - min(sizes) <= 1


@given(group_numbers, seeds)
def test_folds_keep_groups_whole(groups: list[int], seed: int) -> None:
    units = np.array(groups)
    made = unstratified(units, 3, 1, seed)
    for train, held in splits(made):
        assert not set(units[train]) & set(units[held])


def test_every_fold_has_its_share_of_a_rare_class() -> None:
    y = np.zeros(200)
    y[:10] = 1.0
    rows = np.arange(200)
    made = folds.kfold(y, rows, 5, 1, seed=0)
    n_rare = [y[held].sum() for _, held in splits(made)]
    assert n_rare == [2] * 5


def test_folds_of_a_regression_target_have_nearly_equal_means() -> None:
    rng = np.random.default_rng(0)
    y = rng.lognormal(0, 2, 500)
    rows = np.arange(500)
    made = folds.kfold(y, rows, 5, 1, seed=1)
    means = []
    for _, held in splits(made):
        ranks = y[held].argsort()
        means.append(ranks.mean())
    assert max(means) - min(means) < 1e-9


def test_repeats_draw_other_folds() -> None:
    rows = np.arange(50)
    made = unstratified(rows, 5, 2, seed=0)
    is_other = made.blocks[0] != made.blocks[1]
    assert is_other.any()


def test_a_holdout_keeps_back_its_share() -> None:
    rows = np.arange(100)
    made = folds.holdout(np.zeros(100), rows, 0.2, seed=0)
    train, held = splits(made)[0]
    assert len(held) == 20
    assert len(train) == 80


@given(few_times.filter(lambda times: len(set(times)) > 1), st.integers(1, 5))
def test_time_folds_train_on_the_past_only_and_none_is_empty(
    drawn_times: list[int], n_folds: int
) -> None:
    times = np.array(drawn_times, float)
    rows = np.arange(len(times))
    made = folds.by_time(times, rows, n_folds)
    assert 1 <= made.n_folds <= n_folds
    for train, held in splits(made):
        assert len(train)
        assert len(held)
        assert times[train].max() < times[held].min()
    # A run that is resumed makes as many folds as there are.
    again = folds.by_time(times, rows, made.n_folds)
    assert (again.blocks == made.blocks).all()


@given(group_sizes, seeds)
def test_no_fold_of_few_groups_is_empty(sizes: list[int], seed: int) -> None:
    n_groups = len(sizes)
    units = np.repeat(np.arange(n_groups), sizes)
    n_folds = min(8, n_groups)
    made = unstratified(units, n_folds, 1, seed)
    assert made.n_folds == n_folds
    for _, held in splits(made):
        assert len(held)
    holdout = folds.holdout(np.zeros(len(units)), units, 0.2, seed)
    train, held = splits(holdout)[0]
    assert len(train)
    assert len(held)


@pytest.mark.parametrize("kind", ["holdout", "kfold"])
def test_all_rows_are_trained_on_without_a_fold_whatever_the_repeat(kind: str) -> None:
    rows = np.arange(30)
    made = unstratified(rows, 5, 1, 0)
    if kind == "holdout":
        made = folds.holdout(np.zeros(30), rows, 0.2, 0)
    for repeat in range(4):
        assert len(made.train(repeat, None)) == 30


def test_folds_survive_the_disk(tmp_path: Path) -> None:
    rows = np.arange(20)
    made = folds.by_time(np.arange(20.0), rows, 4)
    made.save(tmp_path)
    again = folds.open_folds(tmp_path)
    assert again.kind == "time"
    assert (again.blocks == made.blocks).all()


def test_time_folds_keep_units_whole_and_never_look_ahead() -> None:
    rng = np.random.default_rng(0)
    times = rng.random(200)
    units = rng.integers(0, 60, 200)
    last_time = np.zeros(60)
    np.maximum.at(last_time, units, times)
    made = folds.by_time(times, units, 4)
    for train, held in splits(made):
        train_units = units[train]
        held_units = units[held]
        assert len(held)
        assert not set(train_units) & set(held_units)
        assert last_time[train_units].max() <= last_time[held_units].min()


@given(st.integers(2, 8), st.integers(2, 12), st.integers(2, 5), st.integers(0, 5))
def test_panel_folds_hold_out_later_rows_of_groups_that_are_not_trained_on(
    n_groups: int, n_times: int, n_folds: int, seed: int
) -> None:
    groups = np.tile(np.arange(n_groups), n_times)
    times = np.repeat(np.arange(float(n_times)), n_groups)
    made = folds.panel(times, groups, n_folds, seed)
    assert made.n_folds == min(n_folds, n_groups)
    all_held: list[int] = []
    for train, held in splits(made):
        assert not set(groups[train]) & set(groups[held])
        assert times[train].max() < times[held].min()
        all_held.extend(held)
    first_time = times[all_held].min()
    later_rows = np.flatnonzero(times >= first_time)
    assert sorted(all_held) == later_rows.tolist()


def test_groups_that_live_for_a_while_do_not_span_the_times() -> None:
    rows = np.arange(300)
    times = np.arange(300.0)
    assert not folds.groups_span_times(times, rows // 5, 4)
    assert folds.groups_span_times(times, rows % 10, 4)
    one_group = np.zeros(300, np.int64)
    assert folds.groups_span_times(times, one_group, 4)
