"""`cv` and `time` determine which rows are held out."""

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
from automl.folds import UNUSED_BLOCK, Folds, folds_from_splits, load_user_folds
from automl.pipeline import read_pipeline
from automl.problem import Problem
from automl.table import from_frame, read_table
from tests.estimator.samples import IS_WIDE, ROWS, X, classifier, regressor
from tests.run.commands import automl

# A column gives the target of these tables nearly without error, which a fit warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*nearly without error:UserWarning")

Split = tuple[list[int], list[int]]  # rows to train on, rows to hold out

GROUPS = np.repeat(np.arange(12), 5)
EVERY_ROW = np.arange(ROWS)
FIRST_40 = EVERY_ROW[:40]
LAST_20 = EVERY_ROW[40:]


def folds_of(folder: Path) -> Folds:
    folds = load_user_folds(folder)
    assert folds is not None
    return folds


def splits_of(folds: Folds) -> Iterator[Split]:
    for repeat in range(len(folds.blocks)):
        for fold in range(folds.n_folds):
            train = folds.train(repeat, fold)
            held = folds.held_out(repeat, fold)
            yield train.tolist(), held.tolist()


def expected_splits(splitter: Any, groups: Any = None) -> list[Split]:
    splits = []
    for train, held in splitter.split(X, IS_WIDE, groups):
        splits.append((sorted(train.tolist()), sorted(held.tolist())))
    return splits


def shape_of(folds: Folds) -> tuple[int, int]:
    """Return the numbers of repeats and of folds."""
    return len(folds.blocks), folds.n_folds


REPEATED = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
FEW_ROWS = ShuffleSplit(3, test_size=0.2, train_size=0.5, random_state=0)
SPLITTERS: dict[str, tuple[Any, str, tuple[int, int]]] = {  # splitter, kind, (repeats, folds)
    "k folds": (KFold(4), "kfold", (1, 4)),
    "shuffled k folds": (KFold(3, shuffle=True, random_state=1), "kfold", (1, 3)),
    "stratified k folds": (StratifiedKFold(5), "kfold", (1, 5)),
    "repeated k folds": (REPEATED, "kfold", (2, 3)),
    "groups": (GroupKFold(4), "kfold", (1, 4)),
    "stratified groups": (StratifiedGroupKFold(3), "kfold", (1, 3)),
    "each group alone": (LeaveOneGroupOut(), "kfold", (1, 12)),
    "every two groups": (LeavePGroupsOut(2), "holdout", (66, 1)),
    "predefined": (PredefinedSplit(np.repeat([-1, 0, 1], 20)), "kfold", (1, 2)),
    "one predefined": (PredefinedSplit(np.repeat([-1, 0], 30)), "holdout", (1, 1)),
    "shuffled": (ShuffleSplit(3, test_size=0.4, random_state=0), "holdout", (3, 1)),
    "shuffled with few rows": (FEW_ROWS, "holdout", (3, 1)),
    "time": (TimeSeriesSplit(4), "time", (1, 4)),
    "time with a gap": (TimeSeriesSplit(4, gap=3), "holdout", (4, 1)),
    "the last weeks": (TimeSeriesSplit(4, max_train_size=12), "holdout", (4, 1)),
}


@pytest.mark.parametrize("name", SPLITTERS)
def test_any_splitter_determines_the_rows_that_are_held_out(name: str) -> None:
    splitter, kind, shape = SPLITTERS[name]
    groups = GROUPS if "group" in name else None
    pairs = list(splitter.split(X, IS_WIDE, groups))
    folds = folds_from_splits(pairs, ROWS)
    assert folds.kind == kind
    assert shape_of(folds) == shape
    assert list(splits_of(folds)) == expected_splits(splitter, groups)


@pytest.mark.parametrize(
    "name", ["repeated k folds", "shuffled with few rows", "time", "predefined"]
)
def test_a_fit_stores_only_the_numbers_of_the_folds(name: str, tmp_path: Path) -> None:
    splitter, kind, shape = SPLITTERS[name]
    folder = tmp_path / "run"
    model = classifier(cv=splitter, output=folder).fit(X, IS_WIDE)
    assert model.expected_score_ > 0.8
    folds = folds_of(folder)
    assert folds.kind == kind
    assert shape_of(folds) == shape
    assert list(splits_of(folds)) == expected_splits(splitter)
    suffixes = {path.suffix for path in folder.rglob("*")}
    assert not suffixes & {".pkl", ".pickle"}


def test_pairs_of_row_numbers_are_the_folds(tmp_path: Path) -> None:
    odd = EVERY_ROW[1::2]
    even = EVERY_ROW[::2]
    pairs = [(odd, even), (even.tolist(), odd.tolist())]
    classifier(cv=pairs, output=tmp_path).fit(X, IS_WIDE)
    assert folds_of(tmp_path).blocks.tolist() == [[0, 1] * 30]


def test_pairs_of_booleans_are_the_folds(tmp_path: Path) -> None:
    is_odd = EVERY_ROW % 2 == 1
    pairs = [(is_odd, ~is_odd), (~is_odd, is_odd)]
    classifier(cv=pairs, output=tmp_path).fit(X, IS_WIDE)
    assert folds_of(tmp_path).blocks.tolist() == [[0, 1] * 30]


def test_a_number_is_the_number_of_our_own_folds(tmp_path: Path) -> None:
    classifier(cv=4, output=tmp_path).fit(X, IS_WIDE)
    log = (tmp_path / "events.jsonl").read_text()
    assert '"folds": 4' in log
    assert load_user_folds(tmp_path) is None


def test_groups_reach_the_splitter_by_array_and_by_name(tmp_path: Path) -> None:
    array_run = tmp_path / "array"
    name_run = tmp_path / "name"
    by_array = classifier(cv=GroupKFold(4), output=array_run)
    by_array.fit(X, IS_WIDE, groups=GROUPS)
    by_name = classifier(cv=GroupKFold(4), output=name_run)
    by_name.fit(X.assign(owner=GROUPS), IS_WIDE, groups="owner")
    assert np.array_equal(folds_of(array_run).blocks, folds_of(name_run).blocks)
    # The groups are no feature.
    assert (by_name.predict_proba(X) == by_array.predict_proba(X)).all()


def test_the_combinations_of_two_columns_can_be_groups() -> None:
    table = from_frame(X.assign(shop=GROUPS // 3, till=GROUPS % 3))
    rows = Rows(table, IS_WIDE, "y", groups="shop,till")
    groups = rows.group_values()
    assert groups is not None
    counts = pd.crosstab(groups, GROUPS).to_numpy()
    assert (counts > 0).sum() == 12


def test_rows_without_a_target_are_in_no_split(tmp_path: Path) -> None:
    missing = [0, 7, 59]
    y = np.where(IS_WIDE, "yes", "no").astype(object)
    y[missing] = [None, np.nan, " "]
    model = classifier(cv=StratifiedKFold(3), output=tmp_path)
    with pytest.warns(UserWarning, match="rows without a target were left out"):
        model.fit(X, y)
    blocks = folds_of(tmp_path).blocks[0]
    assert (blocks[missing] == UNUSED_BLOCK).all()
    assert (np.delete(blocks, missing) >= 0).all()


def test_pairs_count_rows_without_a_target(tmp_path: Path) -> None:
    y = X["width"].to_numpy().copy()
    y[:5] = np.nan
    model = regressor(cv=[(FIRST_40, LAST_20)], output=tmp_path)
    with pytest.warns(UserWarning, match="rows without a target were left out"):
        model.fit(X, y)
    assert folds_of(tmp_path).held_out(0, 0).tolist() == LAST_20.tolist()
    assert model.score(X.iloc[5:], y[5:]) > 0.9


def test_rows_without_weight_are_in_no_split() -> None:
    doubled = pd.concat([X, X])
    y = np.append(IS_WIDE, ~IS_WIDE)
    weight = np.repeat([1.0, 0.0], ROWS)
    weighted = classifier(cv=KFold(3)).fit(doubled, y, sample_weight=weight)
    alone = classifier(cv=KFold(3)).fit(X, IS_WIDE)
    assert weighted.expected_score_ == alone.expected_score_
    assert (weighted.predict_proba(X) == alone.predict_proba(X)).all()


def trend(n_rows: int = 120) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table, and a target that grows with time."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=n_rows)
    table = pd.DataFrame({"day": days, "noise": rng.normal(size=n_rows)})
    sold = np.arange(n_rows) + rng.normal(size=n_rows)
    return table, pd.Series(sold, name="sold")


@pytest.mark.parametrize(
    "form", ["a name", "dates", "text", "numbers", "a series", "dates of a zone"]
)
def test_time_holds_out_the_last_rows(form: str, tmp_path: Path) -> None:
    X, y = trend()
    shuffled = np.random.default_rng(1).permutation(len(X))
    X = X.iloc[shuffled].reset_index(drop=True)
    y = y.iloc[shuffled].reset_index(drop=True)
    day = X["day"]
    forms: dict[str, Any] = {
        "a name": "day",
        "dates": day.to_numpy(),
        "text": day.dt.strftime("%Y-%m-%d").tolist(),
        "numbers": (day - day.min()).dt.days.to_numpy(),
        "a series": day,
        "dates of a zone": day.dt.tz_localize("Europe/Berlin"),
    }
    table = X if form == "a name" else X.drop(columns="day")
    ahead = regressor(output=tmp_path).fit(table, y, time=forms[form])
    at_random = regressor().fit(X[["noise"]], y)
    log = (tmp_path / "events.jsonl").read_text()
    assert '"kind": "time"' in log
    if form != "a name":
        assert at_random.expected_score_ < 0.9 * ahead.expected_score_


def test_a_column_of_times_stays_a_feature_and_one_of_groups_or_weights_does_not() -> None:
    X, y = trend()
    table = X.assign(shop=np.arange(len(X)) // 10, weight=1.0)
    model = regressor().fit(table, y, time="day", groups="shop", sample_weight="weight")
    assert model.predictor_.cleaner.inputs == ("day", "noise")
    assert np.isfinite(model.predict(X)).all()


WRONG: dict[str, tuple[Any, str]] = {
    "one fold": (1, "cv=1: give from 2 to 100 folds"),
    "many folds": (1000, "cv=1000: give from 2 to 100 folds"),
    "text": ("five", "cv='five': give a number of folds, a splitter of scikit-learn, or pairs"),
    "a boolean": (True, "cv=True: give a number of folds"),
    "no split": ([], "cv: there are 0 splits"),
    "too many splits": (LeaveOneOut(), "cv: there are 120 splits"),
    "no pairs": ([1, 2], "cv: split 1 is 1, no pair"),
    "rows that do not exist": (
        [([0, 1], [120])],
        "cv: split 1 names row 120; the rows are 0 to 119",
    ),
    "negative rows": ([([0, 1], [-1])], "cv: split 1 names row -1"),
    "rows on both sides": (
        [(EVERY_ROW[:50], LAST_20)],
        "cv: split 1 trains on row 40 and holds it out, too",
    ),
    "nothing held out": ([(EVERY_ROW, [])], "cv: split 1 has no row to hold out"),
    "nothing to train on": ([([], EVERY_ROW)], "cv: split 1 has no row to train on"),
    "no numbers": ([(["a"], ["b"])], "cv: split 1 holds <U1 of shape"),
    "more folds than rows": (KFold(140), "Cannot have number of splits"),
    "missing groups": (GroupKFold(3), "groups"),
}


@pytest.mark.parametrize(("cv", "message"), WRONG.values(), ids=WRONG)
def test_an_invalid_cv_is_one_clear_line(cv: Any, message: str) -> None:
    table = pd.concat([X, X])
    y = np.tile(IS_WIDE, 2)
    with pytest.raises(InputError, match=message) as caught:
        classifier(cv=cv).fit(table, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["time", "groups"])
def test_an_argument_that_contradicts_x_val_is_refused(name: str) -> None:
    arguments = {name: EVERY_ROW}
    with pytest.raises(InputError, match=f"{name} and X_val: give one of them"):
        classifier().fit(X, IS_WIDE, X_val=X, y_val=IS_WIDE, **arguments)


def test_contradicting_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="cv and X_val: give one of them"):
        classifier(cv=3).fit(X, IS_WIDE, X_val=X, y_val=IS_WIDE)
    with pytest.raises(InputError, match="time and cv: give one of them"):
        classifier(cv=KFold(3)).fit(X, IS_WIDE, time=EVERY_ROW)
    with pytest.raises(InputError, match=r"time: there is one time only"):
        classifier().fit(X, IS_WIDE, time=np.zeros(ROWS))
    message = r"groups='ownr': X has no column 'ownr'. Did you mean 'owner'\?"
    table = X.assign(owner=GROUPS)
    with pytest.raises(InputError, match=message):
        classifier(cv=GroupKFold(3)).fit(table, IS_WIDE, groups="ownr")


def test_a_split_without_rows_with_a_target_is_refused() -> None:
    y = X["width"].to_numpy().copy()
    y[:5] = np.nan
    first = (EVERY_ROW[5:], EVERY_ROW[:5])
    second = (EVERY_ROW[:55], EVERY_ROW[55:])
    reason = "once rows without a target"
    message = f"cv: split 1 has no row to train on or none to hold out, {reason}"
    with pytest.raises(InputError, match=message):
        regressor(cv=[first, second]).fit(X, y)


def reproduce(folder: Path, table: str) -> tuple[int, str, str]:
    done = automl("reproduce", "run", "--data", table, cwd=folder)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["shuffled k folds", "shuffled with few rows"])
def test_a_run_with_given_folds_is_reproduced_and_resumed_from_its_table(
    name: str, tmp_path: Path
) -> None:
    y = pd.Series(np.where(IS_WIDE, "yes", "no"), name="answer", dtype=object)
    y[3] = None
    file = tmp_path / "table.csv"
    X.assign(answer=y).to_csv(file, index=False)
    model = classifier(cv=SPLITTERS[name][0], output=tmp_path / "run")
    with pytest.warns(UserWarning, match="without a target"):
        model.fit(X, y)
    code, out, err = reproduce(tmp_path, "table.csv")
    assert code == 0, err
    assert "0 differ" in out
    problem = Problem(read_table(file), "answer")
    settings = run.Settings(
        read_pipeline("linear"),
        tmp_path / "run",
        seconds=None,
        trials=3,
        engine="inline",
    )
    result = run.resume(lambda budget: problem, settings)
    assert result.study.resumed == 1
    shutil.copy(file, tmp_path / "longer.csv")
    with open(tmp_path / "longer.csv", "a", encoding="utf-8") as longer:
        longer.write("0.1,0.2,yes\n")
    code, _, err = reproduce(tmp_path, "longer.csv")
    assert code == 2
    assert "has 61 rows, and the folds of the run are of 60: it is another table" in err


@pytest.mark.parametrize("role", ["groups", "time"])
def test_a_run_with_an_array_of_groups_or_times_is_reproduced_from_its_table(
    role: str, tmp_path: Path
) -> None:
    y = pd.Series(np.where(IS_WIDE, "yes", "no"), name="answer")
    X.assign(answer=y).to_csv(tmp_path / "table.csv", index=False)
    values = np.random.default_rng(0).permutation(GROUPS)
    arguments: dict[str, Any] = {role: values}
    classifier(output=tmp_path / "run").fit(X, y, **arguments)
    code, out, err = reproduce(tmp_path, "table.csv")
    assert code == 0, err
    assert "0 differ" in out


def test_a_damaged_file_of_folds_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folds-kfold.npy").write_bytes(b"no folds")
    with pytest.raises(InputError, match="holds no folds"):
        load_user_folds(tmp_path)


def test_sampled_rows_keep_their_folds() -> None:
    folds = folds_from_splits([(FIRST_40, LAST_20)], ROWS)
    rows = Rows(from_frame(X), IS_WIDE, "y", folds=folds)
    sample = rows.to_problem("classification", None).draw(20, seed=0)
    assert sample.folds is not None
    assert sample.folds.blocks.shape == (1, 20)
    is_held = sample.folds.blocks[0] == 0
    is_last = sample.table.columns["width"].isin(X["width"][40:])
    assert (is_held == is_last).all()


def test_a_run_uses_given_folds_without_an_estimator(tmp_path: Path) -> None:
    blocks = (EVERY_ROW % 3).astype(np.int16)
    folds = Folds("kfold", blocks[None, :])
    table = from_frame(X.assign(y=X["width"]))
    problem = Problem(table, "y", folds=folds)
    settings = run.Settings(
        read_pipeline("linear"),
        tmp_path,
        seconds=None,
        trials=2,
        engine="inline",
    )
    result = run.fit(lambda budget: problem, settings)
    plan = result.study.plan
    assert plan.kind == "kfold"
    assert plan.folds == 3
    assert plan.repeats == 1
