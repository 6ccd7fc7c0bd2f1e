"""Students learn from rows that could have been, and never from a row that judges them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.arrays import Floats
from automl.columns import Categories, Columns, Numbers
from automl.dataset import Dataset
from automl.folds import Folds, by_time, kfold
from automl.search.distilling import (
    EVERY_SPLIT,
    MIN_PROBABILITY,
    FoldSplit,
    Lesson,
    soften,
    teaching_data,
)
from automl.search.perturbing import MAX_REPLACED_SHARE, MixedRows, perturb
from automl.task import Task
from tests.features.samples import table

N_ROWS = 60


def numbered(n_rows: int = N_ROWS) -> Columns:
    """Two columns whose values are the numbers of the rows."""
    numbers = np.arange(float(n_rows))
    codes = np.arange(n_rows, dtype=np.int32)
    levels = tuple(str(code) for code in codes)
    return Columns({"a": Numbers(numbers), "b": Categories(codes, levels)}, n_rows)


def dataset(folds: Folds, weight: Floats | None = None) -> Dataset:
    columns = numbered()
    return Dataset(
        Task("regression", "y", "rmse"), columns, np.arange(float(N_ROWS)), folds, weight
    )


def three_folds() -> Folds:
    return kfold(np.zeros(N_ROWS), np.arange(N_ROWS), 3, 1, seed=0)


def splits_of(folds: Folds) -> list[FoldSplit]:
    return [(0, fold) for fold in range(folds.n_folds)]


def lessons_of(data: Dataset, splits: list[FoldSplit], n_per_split: int = 50) -> list[Lesson]:
    """Perturbed rows of each split's training rows."""
    lessons = []
    for number, split in enumerate(splits):
        rng = np.random.default_rng(number)
        rows = perturb(data.columns.names(), data.folds.train(*split), n_per_split, rng)
        lessons.append(Lesson(rows, np.zeros(n_per_split), 2.0, number))
    return lessons


@given(st.integers(1, 40), st.integers(0, 200), st.integers(0, 9))
def test_every_value_comes_from_the_given_rows(n_rows: int, count: int, seed: int) -> None:
    rows = np.arange(5, 5 + n_rows)
    made = perturb(["a", "b"], rows, count, np.random.default_rng(seed))
    assert len(made.base) == count
    for source in (made.base, *made.sources.values()):
        assert np.isin(source, rows).all()
    counts = np.bincount(made.base, minlength=5 + n_rows)[5:]
    assert np.ptp(counts) <= 1


def test_a_row_keeps_most_of_its_values_on_average() -> None:
    names = [f"column {number}" for number in range(20)]
    made = perturb(names, np.arange(1000), 4000, np.random.default_rng(0))
    replaced = np.mean([source != made.base for source in made.sources.values()], axis=0)
    assert replaced.mean() == pytest.approx(MAX_REPLACED_SHARE / 2, abs=0.02)
    assert replaced.std() > 0.1


def test_mixed_rows_take_each_value_from_its_source() -> None:
    made = MixedRows(np.array([0, 1]), {"a": np.array([0, 7]), "b": np.array([3, 1])})
    columns = made.columns(numbered())
    assert columns["a"].values.tolist() == [0.0, 7.0]
    assert columns["b"].codes.tolist() == [3, 1]
    joined = made.join(made.take(np.array([1])))
    assert joined.base.tolist() == [0, 1, 1]
    assert joined.sources["a"].tolist() == [0, 7, 7]


def test_columns_of_every_kind_can_be_mixed() -> None:
    columns = table(100)
    made = perturb(columns.names(), np.arange(100), 250, np.random.default_rng(1))
    mixed = made.columns(columns)
    assert mixed.n_rows == 250
    assert mixed.names() == columns.names()
    words, sources = list(columns["label"]), made.sources["label"]
    assert list(mixed["label"]) == [words[row] for row in sources]


@given(st.integers(1, 20), st.integers(2, 200), st.integers(0, 99))
def test_soft_labels_are_shares_of_the_classes_that_are_likely(
    n_rows: int, n_classes: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(n_classes, 0.3), n_rows)
    labels = soften(proba)
    assert np.bincount(labels.rows, labels.share, minlength=n_rows) == pytest.approx(1.0)
    kept = proba[labels.rows, labels.y.astype(np.int64)]
    most = proba.max(axis=1)[labels.rows]
    assert ((kept >= MIN_PROBABILITY) | (kept == most)).all()
    assert set(labels.rows) == set(range(n_rows))


def test_numbers_are_their_own_labels() -> None:
    labels = soften(np.array([1.5, -2.0]))
    assert labels.y.tolist() == [1.5, -2.0]
    assert labels.share.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("folds", [three_folds(), by_time(np.arange(60.0), np.arange(60), 3)])
def test_no_value_of_a_held_out_row_is_trained_on(folds: Folds) -> None:
    data = dataset(folds)
    splits = splits_of(folds)
    made = teaching_data(data, splits, lessons_of(data, splits))
    for number, split in enumerate(splits):
        held, train = made.folds.held_out(number, 0), made.folds.train(number, 0)
        assert held.tolist() == folds.held_out(*split).tolist()
        seen = set(made.columns["a"].values[train]) | set(made.columns["b"].codes[train])
        assert seen.isdisjoint(held.tolist())
        assert len(train) == len(folds.train(*split)) + 50


def test_held_out_rows_have_their_true_targets_and_weights() -> None:
    folds = three_folds()
    weight = np.linspace(1, 2, N_ROWS)
    data = dataset(folds, weight)
    splits = splits_of(folds)
    made = teaching_data(data, splits, lessons_of(data, splits))
    held = made.folds.held_out(1, 0)
    assert made.y[held].tolist() == data.y[held].tolist()
    assert made.weight is not None
    assert made.weight[held].tolist() == weight[held].tolist()


def test_a_lesson_counts_for_a_multiple_of_the_table() -> None:
    data = dataset(three_folds())
    rows = MixedRows.of(np.arange(30), data.columns.names())
    made = teaching_data(data, [(0, 0)], [Lesson(rows, np.zeros(30), 2.0)])
    assert made.weight is not None
    assert made.weight[N_ROWS:].sum() == pytest.approx(2.0 * N_ROWS)


def test_a_lesson_for_every_split_leaves_out_copies_of_held_out_rows() -> None:
    folds = three_folds()
    data = dataset(folds)
    rows = MixedRows.of(np.arange(N_ROWS), data.columns.names())
    lesson = Lesson(rows, data.y, 1.0, EVERY_SPLIT)
    made = teaching_data(data, splits_of(folds), [lesson])
    trained = set(made.columns["a"].values[made.folds.train(0, 0)])
    assert trained.isdisjoint(folds.held_out(0, 0).tolist())
    assert len(made.folds.train(0, None)) == 2 * N_ROWS
