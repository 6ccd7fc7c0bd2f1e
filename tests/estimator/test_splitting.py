"""`cv=` and `time=`: which rows are held out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    LeavePGroupsOut,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from automl import InputError, run
from automl.estimator.rows import Rows
from automl.folds import UNUSED, Folds, from_splits, given_folds
from automl.pipeline import read_pipeline
from automl.problem import Problem
from automl.table import from_frame, read_table
from tests.estimator.samples import IS_WIDE, ROWS, X, classifier, regressor
from tests.run.commands import automl

# A column tells the target of these tables nearly without error, which a fit warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*nearly without error:UserWarning")

GROUPS = np.repeat(np.arange(12), 5)
EVERY_ROW = np.arange(ROWS)


def folds_of(folder: Path) -> Folds:
    found = given_folds(folder)
    assert found is not None
    return found


def splits_of(folds: Folds) -> Iterator[tuple[list[int], list[int]]]:
    for repeat in range(len(folds.blocks)):
        for fold in range(folds.n_folds):
            yield folds.train(repeat, fold).tolist(), folds.held(repeat, fold).tolist()


SPLITTERS: dict[str, tuple[Any, str, tuple[int, int]]] = {  # splitter, kind, (repeats, folds)
    "k folds": (KFold(4), "kfold", (1, 4)),
    "shuffled k folds": (KFold(3, shuffle=True, random_state=1), "kfold", (1, 3)),
    "stratified k folds": (StratifiedKFold(5), "kfold", (1, 5)),
    "repeated k folds": (
        RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0),
        "kfold",
        (2, 3),
    ),
    "groups": (GroupKFold(4), "kfold", (1, 4)),
    "stratified groups": (StratifiedGroupKFold(3), "kfold", (1, 3)),
    "each group alone": (LeaveOneGroupOut(), "kfold", (1, 12)),
    "every two groups": (LeavePGroupsOut(2), "holdout", (66, 1)),
    "predefined": (PredefinedSplit(np.repeat([-1, 0, 1], 20)), "kfold", (1, 2)),
    "one predefined": (PredefinedSplit(np.repeat([-1, 0], 30)), "holdout", (1, 1)),
    "drawn anew": (ShuffleSplit(3, test_size=0.4, random_state=0), "holdout", (3, 1)),
    "drawn anew with few rows": (
        ShuffleSplit(3, test_size=0.2, train_size=0.5, random_state=0),
        "holdout",
        (3, 1),
    ),
    "time": (TimeSeriesSplit(4), "time", (1, 4)),
    "time with a gap": (TimeSeriesSplit(4, gap=3), "holdout", (4, 1)),
    "the last weeks": (TimeSeriesSplit(4, max_train_size=12), "holdout", (4, 1)),
}


@pytest.mark.parametrize("name", SPLITTERS)
def test_any_splitter_holds_out_the_rows_that_it_says(name: str) -> None:
    splitter, kind, size = SPLITTERS[name]
    wanted = [
        (train.tolist(), held.tolist())
        for train, held in splitter.split(X, IS_WIDE, GROUPS if "group" in name else None)
    ]
    made = from_splits([(np.array(train), np.array(held)) for train, held in wanted], ROWS)
    assert (made.kind, (len(made.blocks), made.n_folds)) == (kind, size)
    assert [(sorted(train), sorted(held)) for train, held in wanted] == list(splits_of(made))


@pytest.mark.parametrize(
    "name", ["repeated k folds", "drawn anew with few rows", "time", "predefined"]
)
def test_a_fit_uses_and_keeps_the_numbers_alone(name: str, tmp_path: Path) -> None:
    splitter, kind, size = SPLITTERS[name]
    model = classifier(cv=splitter, output=tmp_path / "run").fit(X, IS_WIDE)
    assert model.expected_score_ > 0.8
    kept = folds_of(tmp_path / "run")
    assert (kept.kind, (len(kept.blocks), kept.n_folds)) == (kind, size)
    assert list(splits_of(kept)) == [
        (sorted(train), sorted(held)) for train, held in splitter.split(X, IS_WIDE)
    ]
    assert not [
        path for path in (tmp_path / "run").rglob("*") if path.suffix in (".pkl", ".pickle")
    ]


def test_pairs_of_row_numbers_are_taken_as_they_are(tmp_path: Path) -> None:
    odd, even = EVERY_ROW[1::2], EVERY_ROW[::2]
    classifier(cv=[(odd, even), (even.tolist(), odd.tolist())], output=tmp_path / "run").fit(
        X, IS_WIDE
    )
    assert folds_of(tmp_path / "run").blocks.tolist() == [[0, 1] * 30]


def test_pairs_of_truth_values_are_taken_too(tmp_path: Path) -> None:
    is_odd = EVERY_ROW % 2 == 1
    classifier(cv=[(is_odd, ~is_odd), (~is_odd, is_odd)], output=tmp_path / "run").fit(X, IS_WIDE)
    assert folds_of(tmp_path / "run").blocks.tolist() == [[0, 1] * 30]


def test_a_number_is_so_many_folds_of_our_own(tmp_path: Path) -> None:
    classifier(cv=4, output=tmp_path / "run").fit(X, IS_WIDE)
    assert '"folds": 4' in (tmp_path / "run" / "events.jsonl").read_text()
    assert given_folds(tmp_path / "run") is None


def test_groups_reach_the_splitter_by_array_and_by_name(tmp_path: Path) -> None:
    whole = X.assign(owner=GROUPS)
    by_array = classifier(cv=GroupKFold(4), output=tmp_path / "array").fit(
        X, IS_WIDE, groups=GROUPS
    )
    by_name = classifier(cv=GroupKFold(4), output=tmp_path / "name").fit(
        whole, IS_WIDE, groups="owner"
    )
    assert np.array_equal(folds_of(tmp_path / "array").blocks, folds_of(tmp_path / "name").blocks)
    assert (
        by_name.predict_proba(X) == by_array.predict_proba(X)
    ).all()  # the groups are no feature


def test_the_combinations_of_two_columns_can_be_groups() -> None:
    table = from_frame(X.assign(shop=GROUPS // 3, till=GROUPS % 3))
    groups = Rows(table, IS_WIDE, "y", groups="shop,till").group_values()
    assert groups is not None
    assert (pd.crosstab(groups, GROUPS) > 0).to_numpy().sum() == 12


def test_rows_without_a_target_are_in_no_split(tmp_path: Path) -> None:
    y = np.where(IS_WIDE, "yes", "no").astype(object)
    y[[0, 7, 59]] = [None, np.nan, " "]
    with pytest.warns(UserWarning, match="rows without a target were left out"):
        classifier(cv=StratifiedKFold(3), output=tmp_path / "run").fit(X, y)
    blocks = folds_of(tmp_path / "run").blocks[0]
    assert (blocks[[0, 7, 59]] == UNUSED).all()
    assert (np.delete(blocks, [0, 7, 59]) >= 0).all()


def test_pairs_name_rows_of_the_table_whether_they_have_a_target_or_not(tmp_path: Path) -> None:
    y = X["width"].to_numpy().copy()
    y[:5] = np.nan
    with pytest.warns(UserWarning, match="rows without a target were left out"):
        model = regressor(cv=[(EVERY_ROW[:40], EVERY_ROW[40:])], output=tmp_path / "run").fit(X, y)
    assert folds_of(tmp_path / "run").held(0, 0).tolist() == EVERY_ROW[40:].tolist()
    assert model.score(X.iloc[5:], y[5:]) > 0.9


def test_rows_without_weight_are_in_no_split() -> None:
    wrong = pd.concat([X, X]), np.append(IS_WIDE, ~IS_WIDE)
    weight = np.repeat([1.0, 0.0], ROWS)
    weighted = classifier(cv=KFold(3)).fit(*wrong, sample_weight=weight)
    alone = classifier(cv=KFold(3)).fit(X, IS_WIDE)
    assert weighted.expected_score_ == alone.expected_score_
    assert (weighted.predict_proba(X) == alone.predict_proba(X)).all()


def trend(rows: int = 120) -> tuple[pd.DataFrame, pd.Series]:
    """A target that grows with time, which `noise` knows only up to then."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=rows)
    return pd.DataFrame({"day": days, "noise": rng.normal(size=rows)}), pd.Series(
        np.arange(rows) + rng.normal(size=rows), name="sold"
    )


@pytest.mark.parametrize(
    "as_what", ["a name", "dates", "text", "numbers", "a series", "dates of a zone"]
)
def test_time_holds_the_last_rows_out(as_what: str, tmp_path: Path) -> None:
    X, y = trend()
    shuffled = np.random.default_rng(1).permutation(len(X))
    X, y = X.iloc[shuffled].reset_index(drop=True), y.iloc[shuffled].reset_index(drop=True)
    ways: dict[str, Any] = {
        "a name": "day",
        "dates": X["day"].to_numpy(),
        "text": X["day"].dt.strftime("%Y-%m-%d").tolist(),
        "numbers": (X["day"] - X["day"].min()).dt.days.to_numpy(),
        "a series": X["day"],
        "dates of a zone": X["day"].dt.tz_localize("Europe/Berlin"),
    }
    ahead = regressor(output=tmp_path / "run").fit(
        X.drop(columns=[] if as_what == "a name" else "day"), y, time=ways[as_what]
    )
    at_random = regressor().fit(X[["noise"]], y)
    assert '"kind": "time"' in (tmp_path / "run" / "events.jsonl").read_text()
    assert at_random.expected_score_ < 0.9 * ahead.expected_score_ or as_what == "a name"


def test_a_column_of_times_stays_a_feature_and_one_of_groups_or_weights_does_not() -> None:
    X, y = trend()
    X = X.assign(shop=np.arange(len(X)) // 10, weight=1.0)
    model = regressor().fit(X, y, time="day", groups="shop", sample_weight="weight")
    assert model.predictor_.cleaner.inputs == ("day", "noise")
    assert np.isfinite(model.predict(X[["day", "noise"]])).all()


WRONG: dict[str, tuple[Any, str]] = {
    "one fold": (1, "cv=1: give from 2 to 100 folds"),
    "many folds": (1000, "cv=1000: give from 2 to 100 folds"),
    "text": ("five", "cv='five': give a number of folds, a splitter of scikit-learn, or pairs"),
    "a truth value": (True, "cv=True: give a number of folds"),
    "no split": ([], "cv: there are 0 splits"),
    "too many splits": (LeaveOneOut(), "cv: there are 120 splits"),
    "no pairs": ([1, 2], "cv: split 1 is 1, no pair"),
    "rows that are not there": (
        [([0, 1], [120])],
        "cv: split 1 names row 120; the rows are 0 to 119",
    ),
    "negative rows": ([([0, 1], [-1])], "cv: split 1 names row -1"),
    "rows on both sides": (
        [(EVERY_ROW[:50], EVERY_ROW[40:])],
        "cv: split 1 trains on row 40 and holds it out, too",
    ),
    "nothing held out": ([(EVERY_ROW, [])], "cv: split 1 has no row to hold out"),
    "nothing to train on": ([([], EVERY_ROW)], "cv: split 1 has no row to train on"),
    "no numbers": ([(["a"], ["b"])], "cv: split 1 holds <U1 of shape"),
    "more folds than rows": (KFold(140), "Cannot have number of splits"),
    "groups that are not given": (GroupKFold(3), "groups"),
}


@pytest.mark.parametrize(("cv", "told"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_held_is_one_clear_line(cv: Any, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        classifier(cv=cv).fit(pd.concat([X, X]), np.tile(IS_WIDE, 2))
    assert "\n" not in str(caught.value)


def test_ways_that_contradict_each_other_are_refused() -> None:
    for words in ({"time": EVERY_ROW}, {"groups": GROUPS}):
        with pytest.raises(InputError, match=f"{next(iter(words))} and X_val: give one of them"):
            classifier().fit(X, IS_WIDE, X_val=X, y_val=IS_WIDE, **words)
    with pytest.raises(InputError, match="cv and X_val: give one of them"):
        classifier(cv=3).fit(X, IS_WIDE, X_val=X, y_val=IS_WIDE)
    with pytest.raises(InputError, match="time and cv: give one of them"):
        classifier(cv=KFold(3)).fit(X, IS_WIDE, time=EVERY_ROW)
    with pytest.raises(InputError, match=r"time: there is one time only"):
        classifier().fit(X, IS_WIDE, time=np.zeros(ROWS))
    with pytest.raises(
        InputError, match=r"groups='ownr': X has no column 'ownr'. Did you mean 'owner'\?"
    ):
        classifier(cv=GroupKFold(3)).fit(X.assign(owner=GROUPS), IS_WIDE, groups="ownr")


def test_a_split_that_loses_its_rows_with_their_targets_is_told() -> None:
    y = X["width"].to_numpy().copy()
    y[:5] = np.nan
    halves = [(EVERY_ROW[5:], EVERY_ROW[:5]), (EVERY_ROW[:55], EVERY_ROW[55:])]
    with pytest.raises(
        InputError,
        match="cv: split 1 has no row to train on or none to hold out, once rows without a target",
    ):
        regressor(cv=halves).fit(X, y)


@pytest.mark.parametrize("name", ["shuffled k folds", "drawn anew with few rows"])
def test_a_run_with_given_folds_is_made_again_and_goes_on_from_its_table(
    name: str, tmp_path: Path
) -> None:
    y = pd.Series(np.where(IS_WIDE, "yes", "no"), name="answer", dtype=object)
    y[3] = None
    X.assign(answer=y).to_csv(tmp_path / "table.csv", index=False)
    with pytest.warns(UserWarning, match="without a target"):
        classifier(cv=SPLITTERS[name][0], output=tmp_path / "run").fit(X, y)
    again = automl("reproduce", "run", "--data", "table.csv", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "0 differ" in again.stdout
    problem = Problem(read_table(tmp_path / "table.csv"), "answer")
    settings = run.Settings(
        read_pipeline("linear"), tmp_path / "run", seconds=None, trials=3, engine="inline"
    )
    assert run.resume(lambda budget: problem, settings).study.resumed == 1
    shutil.copy(tmp_path / "table.csv", tmp_path / "longer.csv")
    with open(tmp_path / "longer.csv", "a", encoding="utf-8") as file:
        file.write("0.1,0.2,yes\n")
    other = automl("reproduce", "run", "--data", "longer.csv", cwd=tmp_path)
    assert other.returncode == 2
    assert "has 61 rows, and the folds of the run are of 60: it is another table" in other.stderr


@pytest.mark.parametrize("role", ["groups", "time"])
def test_a_run_with_an_array_of_groups_or_times_is_made_again_from_its_table(
    role: str, tmp_path: Path
) -> None:
    y = pd.Series(np.where(IS_WIDE, "yes", "no"), name="answer")
    X.assign(answer=y).to_csv(tmp_path / "table.csv", index=False)
    given: dict[str, Any] = {role: np.random.default_rng(0).permutation(GROUPS)}
    classifier(output=tmp_path / "run").fit(X, y, **given)
    again = automl("reproduce", "run", "--data", "table.csv", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "0 differ" in again.stdout


def test_a_damaged_file_of_folds_is_told(tmp_path: Path) -> None:
    (tmp_path / "folds-kfold.npy").write_bytes(b"no folds")
    with pytest.raises(InputError, match="holds no folds"):
        given_folds(tmp_path)


def test_rows_that_are_drawn_keep_their_folds() -> None:
    table = from_frame(X)
    folds = from_splits([(EVERY_ROW[:40], EVERY_ROW[40:])], ROWS)
    problem = Rows(table, IS_WIDE, "y", folds=folds).to_problem("classification", None)
    few = problem.draw(20, seed=0)
    assert few.folds is not None
    assert few.folds.blocks.shape == (1, 20)
    assert ((few.folds.blocks[0] == 0) == (few.table.columns["width"].isin(X["width"][40:]))).all()


def test_the_chain_takes_given_folds_without_an_estimator(tmp_path: Path) -> None:
    folds = Folds("kfold", (EVERY_ROW % 3).astype(np.int16)[None, :])
    problem = Problem(from_frame(X.assign(y=X["width"])), "y", folds=folds)
    settings = run.Settings(
        read_pipeline("linear"), tmp_path / "run", seconds=None, trials=2, engine="inline"
    )
    made = run.fit(lambda budget: problem, settings)
    assert (made.study.plan.kind, made.study.plan.folds, made.study.plan.repeats) == ("kfold", 3, 1)
