"""The estimators: input, output, and use within scikit-learn's own tools."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from automl import AutoMLClassifier, AutoMLError, AutoMLRegressor, InputError, load, run
from automl.pipeline import read_pipeline
from automl.problem import Problem
from automl.table import read_table

QUICK = {"pipeline": "linear", "trials": 2, "engine": "inline"}
ROWS = 60
RNG = np.random.default_rng(0)
X = pd.DataFrame({"width": RNG.normal(size=ROWS), "height": RNG.normal(size=ROWS)})
X.loc[3, "height"] = np.nan
IS_WIDE = (X["width"] > 0).to_numpy()
MIXED = X.assign(
    colour=pd.Series(["red", "blue", None] * 20, dtype="category"),
    price=["$1,200", "$7", "n/a"] * 20,
)


def classifier(**parameters):
    return AutoMLClassifier(**QUICK | parameters)


def regressor(**parameters):
    return AutoMLRegressor(**QUICK | parameters)


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(MIXED, np.where(IS_WIDE, "wide", "slim"))


# --- labels


LABELS = {
    "text": np.where(IS_WIDE, "yes", "no"),
    "codes with zeros in front": np.where(IS_WIDE, "01", "1"),
    "numbers as text": np.where(IS_WIDE, "10", "9"),
    "words that mean missing in features": np.where(IS_WIDE, "none", "NA"),
    "int": np.where(IS_WIDE, 1, -1),
    "uint8": IS_WIDE.astype(np.uint8),
    "float": np.where(IS_WIDE, 2.0, 10.0),
    "bool": IS_WIDE,
    "three classes": np.where(IS_WIDE, 10, np.where(X["height"] > 0, 9, 2)),
    "objects": np.where(IS_WIDE, "yes", "no").astype(object),
    "whole objects": np.where(IS_WIDE, 5, 7).astype(object),
    "list": np.where(IS_WIDE, "yes", "no").tolist(),
    "pandas": pd.Series(np.where(IS_WIDE, "yes", "no"), index=range(100, 100 + ROWS)),
    "pandas category": pd.Series(
        np.where(IS_WIDE, "yes", "no"), dtype=pd.CategoricalDtype(["yes", "no", "never"])
    ),
    "pandas category of ints": pd.Series(np.where(IS_WIDE, 3, 4), dtype="category"),
    "pandas Int64": pd.Series(np.where(IS_WIDE, 3, 4), dtype="Int64"),
    "pandas boolean": pd.Series(IS_WIDE, dtype="boolean"),
    "polars": pl.Series("answer", np.where(IS_WIDE, "yes", "no")),
    "polars category": pl.Series("answer", np.where(IS_WIDE, "yes", "no"), dtype=pl.Categorical),
    "arrow": pa.array(np.where(IS_WIDE, "yes", "no").tolist()),
    "arrow dictionary": pa.array(np.where(IS_WIDE, "yes", "no").tolist()).dictionary_encode(),
    "arrow chunks": pa.chunked_array([IS_WIDE[:9].tolist(), IS_WIDE[9:].tolist()]),
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_labels_are_predicted_as_they_were_passed(y):
    model = classifier().fit(X, y)
    plain = np.asarray(y)
    classes = sorted(set(plain.tolist()))
    assert model.classes_.tolist() == classes
    assert model.predict(X).dtype == model.classes_.dtype
    assert plain.dtype == object or plain.dtype == model.classes_.dtype
    assert np.mean(model.predict(X) == plain) > 0.8


def test_probabilities_stand_in_the_order_of_the_classes(fitted):
    proba = fitted.predict_proba(MIXED)
    assert proba.sum(axis=1) == pytest.approx(1)
    assert (fitted.classes_[proba.argmax(axis=1)] == fitted.predict(MIXED)).all()
    assert fitted.score(MIXED, np.where(IS_WIDE, "wide", "slim")) > 0.9


def test_rows_without_a_label_are_left_out_with_a_warning():
    y = np.where(IS_WIDE, "yes", "no").astype(object)
    y[[0, 1, 2]] = [None, np.nan, " "]
    with pytest.warns(UserWarning, match=r"rows without a target were left out \(3"):
        model = classifier().fit(X, y)
    assert model.classes_.tolist() == ["no", "yes"]
    assert len(model.predict(X)) == ROWS


def test_a_class_with_a_single_row_is_never_predicted_but_has_a_column():
    y = IS_WIDE.astype(int)
    y[0] = 7
    with pytest.warns(UserWarning, match="classes with a single row were left out"):
        model = classifier().fit(X, y)
    assert model.classes_.tolist() == [0, 1, 7]
    assert (model.predict_proba(X)[:, 2] == 0).all()


@pytest.mark.filterwarnings("ignore:.*without error:UserWarning")  # the target is a column, nearly
def test_numbers_are_predicted_as_numbers():
    y = pd.Series(3 * X["width"], dtype="float32")
    model = regressor().fit(X, y)
    assert model.predict(X).dtype == np.float64
    assert model.score(X, y) > 0.95
    assert not hasattr(model, "predict_proba")


# --- tables


TABLES = {
    "pandas": lambda: X,
    "polars": lambda: pl.from_pandas(X),
    "lazy polars": lambda: pl.from_pandas(X).lazy(),
    "arrow": lambda: pa.Table.from_pandas(X),
    "dictionary": lambda: X.to_dict("list"),
    "records": lambda: X.to_dict("records"),
    "array": X.to_numpy,
    "objects": lambda: X.to_numpy(object),
    "rows": lambda: X.to_numpy().tolist(),
    "sparse matrix": lambda: scipy.sparse.csr_matrix(X.to_numpy()),
    "sparse array": lambda: scipy.sparse.coo_array(X.to_numpy()),
}


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_any_kind_of_table_gives_the_same_predictions(make):
    expected = classifier().fit(X, IS_WIDE).predict_proba(X)
    model = classifier().fit(make(), IS_WIDE)
    assert (model.predict_proba(make()) == expected).all()
    assert model.n_features_in_ == 2


def test_names_of_columns_are_kept_where_there_are_any():
    assert regressor().fit(X.to_dict("list"), IS_WIDE).feature_names_in_.tolist() == [
        "width",
        "height",
    ]
    assert not hasattr(regressor().fit(X.to_numpy(), IS_WIDE), "feature_names_in_")
    assert not hasattr(regressor().fit(X.to_numpy().tolist(), IS_WIDE), "feature_names_in_")


def test_unseen_categories_and_missing_cells_are_predicted(fitted):
    odd = MIXED.head(2).assign(colour=["green", None], price=["", "$3"], width=[np.nan, 1.0])
    assert np.isfinite(fitted.predict_proba(odd)).all()


def test_columns_without_names_are_found_by_position():
    model = classifier().fit(X, IS_WIDE)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        assert (model.predict(X.to_numpy()) == model.predict(X)).all()


# --- weights, groups, validation


def test_rows_without_weight_count_as_absent():
    wrong = pd.concat([X, X]), np.append(IS_WIDE, ~IS_WIDE)
    weight = np.repeat([1.0, 0.0], ROWS)
    weighted, alone = classifier().fit(*wrong, sample_weight=weight), classifier().fit(X, IS_WIDE)
    assert (weighted.predict_proba(X) == alone.predict_proba(X)).all()


def test_heavy_rows_count_more():
    X, y = np.repeat([[0.0], [1.0]], 20, axis=0), np.tile([0.0, 10.0], 20)
    weight = np.where(y > 0, 3.0, 1.0)
    assert regressor().fit(X, y, sample_weight=weight).predict(X) == pytest.approx(7.5, abs=0.1)


@pytest.mark.filterwarnings("ignore:.*without error:UserWarning")  # the target is a column, nearly
def test_groups_are_held_out_together():
    # A group's letter determines its label, if its other rows are known.
    group = np.repeat(list("abcdefgh"), 20)
    X = pd.DataFrame({"where": group, "noise": RNG.normal(size=160)})
    y = np.repeat(np.arange(8) % 2, 20)
    assert classifier().fit(X, y).expected_score_ > 0.95
    assert classifier().fit(X, y, groups=group).expected_score_ < 0.8


def test_validation_rows_evaluate_the_candidates():
    X_val, y_val = MIXED.iloc[:20], IS_WIDE[:20]
    right = classifier().fit(MIXED, IS_WIDE, X_val=X_val, y_val=y_val)
    wrong = classifier(options={"select.families": ["linear"]}).fit(
        MIXED, IS_WIDE, X_val=X_val, y_val=~y_val
    )
    assert right.expected_score_ > 0.9
    assert wrong.expected_score_ <= 0.5
    assert right.n_features_in_ == 4


# --- copies and files


@pytest.mark.parametrize(
    "copied",
    [
        lambda model: pickle.loads(pickle.dumps(model)),
        copy.deepcopy,
        lambda model: joblib.load(_dump(model)),
    ],
    ids=["pickle", "deepcopy", "joblib"],
)
def test_a_copy_predicts_the_same(fitted, copied):
    duplicate = copied(fitted)
    assert (duplicate.predict_proba(MIXED) == fitted.predict_proba(MIXED)).all()
    assert (duplicate.predict(MIXED) == fitted.predict(MIXED)).all()
    assert duplicate.leaderboard_.equals(fitted.leaderboard_)
    assert duplicate.get_params() == fitted.get_params()


def _dump(model):
    path = Path(os.environ["PYTEST_TMP"]) / "model.joblib"
    joblib.dump(model, path)
    return path


@pytest.fixture(autouse=True)
def _folder_for_files(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_TMP", str(tmp_path))


def test_a_pickle_of_an_earlier_version_is_read(fitted):
    state = fitted.__getstate__()
    for later in ("cv", "overwrite", "verbose", "_own_families", "findings_"):
        del state[later]
    duplicate = AutoMLClassifier.__new__(AutoMLClassifier)
    duplicate.__setstate__(state)
    assert duplicate.get_params() == fitted.get_params()
    assert (duplicate.predict(MIXED) == fitted.predict(MIXED)).all()


def test_a_pickle_holds_the_bytes_of_the_predictors_file(fitted):
    assert fitted.__getstate__()["predictor_"].startswith(b"PK")


@pytest.mark.parametrize("kind", ["text", "int", "float", "bool", "three classes"])
def test_a_saved_model_gives_labels_of_the_same_type(kind, tmp_path):
    model = classifier().fit(X, LABELS[kind])
    digest = model.save(tmp_path / "model.automl")
    loaded = load(tmp_path / "model.automl", expect_sha256=digest)
    assert isinstance(loaded, AutoMLClassifier)
    assert loaded.classes_.tolist() == model.classes_.tolist()
    assert loaded.predict(X).tolist() == model.predict(X).tolist()
    assert (loaded.predict_proba(X) == model.predict_proba(X)).all()
    assert loaded.expected_score_ == model.expected_score_
    assert loaded.expected_interval_ == model.expected_interval_


@pytest.mark.filterwarnings("ignore:.*without error:UserWarning")  # the target is a column, nearly
def test_a_saved_regressor_is_a_regressor(tmp_path):
    model = regressor().fit(X, X["width"])
    model.save(str(tmp_path / "model.automl"))
    loaded = load(str(tmp_path / "model.automl"))
    assert isinstance(loaded, AutoMLRegressor)
    assert (loaded.predict(X) == model.predict(X)).all()


def test_a_model_of_a_text_file_gives_its_text(tmp_path):
    MIXED.assign(answer=np.where(IS_WIDE, "01", "1")).to_csv(tmp_path / "table.csv", index=False)
    problem = Problem(read_table(tmp_path / "table.csv"), "answer")
    settings = run.Settings(
        read_pipeline("linear"), tmp_path / "run", seconds=None, trials=2, engine="inline"
    )
    run.fit(lambda budget: problem, settings)
    model = load(tmp_path / "run" / "predictor.automl")
    assert model.classes_.tolist() == ["01", "1"]
    with pytest.warns(UserWarning, match="X: 1 column not used: another"):
        predicted = model.predict(MIXED.assign(another=1))
    assert np.mean(predicted == np.where(IS_WIDE, "01", "1")) > 0.9


def test_a_damaged_or_exchanged_file_is_refused(fitted, tmp_path):
    path = tmp_path / "model.automl"
    fitted.save(path)
    with pytest.raises(InputError, match="not the expected"):
        load(path, expect_sha256="0" * 64)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        load(path)
    with pytest.raises(InputError, match="no such model file"):
        load(tmp_path / "absent.automl")


def test_nothing_stays_on_disk_by_default(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    classifier().fit(X, IS_WIDE)
    assert list(tmp_path.iterdir()) == []


def test_output_keeps_the_runs_folder(tmp_path):
    model = classifier(output=tmp_path / "run").fit(X, IS_WIDE)
    there = {path.name for path in (tmp_path / "run").iterdir()}
    assert there >= {
        "run.toml",
        "events.jsonl",
        "leaderboard.csv",
        "report.html",
        "predictor.automl",
        "DONE",
    }
    assert (load(tmp_path / "run" / "predictor.automl").predict(X) == model.predict(X)).all()
    with pytest.raises(InputError, match="is not an empty folder"):
        model.fit(X, IS_WIDE)


# --- results of a fit


def test_the_leaderboard_lists_every_candidate(fitted):
    assert fitted.leaderboard_["family"].tolist() == ["linear", "constant"]
    assert fitted.leaderboard_["score"].iloc[0] == pytest.approx(fitted.expected_score_, abs=0.1)
    low, high = fitted.expected_interval_
    assert low <= fitted.expected_score_ <= high


def test_equal_calls_give_equal_models():
    first, second = (classifier(random_state=3).fit(MIXED, IS_WIDE) for _ in range(2))
    assert (first.predict_proba(MIXED) == second.predict_proba(MIXED)).all()
    assert first.leaderboard_["score"].equals(second.leaderboard_["score"])


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(3), np.int64(3)], ids=str)
def test_random_states_are_taken_as_scikit_learn_takes_them(random_state):
    assert classifier(random_state=random_state).fit(X, IS_WIDE).score(X, IS_WIDE) > 0.8


@pytest.mark.parametrize(
    "options", [{"clean.folds": 3}, ["clean.folds=3"], "clean.folds=3"], ids=str
)
def test_options_reach_the_stages(options, tmp_path):
    classifier(options=options, output=tmp_path / "run").fit(X, IS_WIDE)
    assert '"folds": 3' in (tmp_path / "run" / "events.jsonl").read_text()


# --- among scikit-learn's tools


def test_a_clone_has_the_parameters_and_no_model(fitted):
    duplicate = clone(fitted.set_params(metric="roc_auc"))
    assert duplicate.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        duplicate.predict(MIXED)


def test_it_ends_a_pipeline_that_passes_frames_on():
    steps = make_pipeline(FunctionTransformer(), classifier()).set_output(transform="pandas")
    assert steps.fit(MIXED, IS_WIDE).score(MIXED, IS_WIDE) > 0.9


def test_it_is_cross_validated_in_parallel():
    scores = cross_val_score(
        classifier(), MIXED, IS_WIDE, cv=3, n_jobs=2, scoring="roc_auc", error_score="raise"
    )
    assert scores.mean() > 0.9


@pytest.mark.filterwarnings("ignore:.*without error:UserWarning")  # the target is a column, nearly
def test_its_parameters_are_searched():
    search = GridSearchCV(regressor(), {"metric": ["rmse", "mae"]}, cv=2, error_score="raise").fit(
        X, X["width"]
    )
    assert search.best_score_ > 0.9


# --- processes and time


SCRIPT = """
import numpy as np
from automl import AutoMLClassifier
X = np.random.default_rng(0).normal(size=(60, 2))
model = AutoMLClassifier(pipeline="linear", trials=2, n_jobs=2).fit(X, X[:, 0] > 0)
print(model.score(X, X[:, 0] > 0))
"""


@pytest.mark.parametrize(
    "how", ["a script without a guard", pytest.param("python -c", marks=pytest.mark.heavy)]
)
def test_workers_start_from_anywhere(how, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = (
        [sys.executable, "-c", SCRIPT] if how == "python -c" else [sys.executable, "script.py"]
    )
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stderr == ""
    assert float(ended.stdout) > 0.8


def test_the_budget_counts_from_call_to_return():
    started = time.monotonic()
    model = AutoMLClassifier(budget=6, n_jobs=1).fit(X, IS_WIDE)
    assert time.monotonic() - started < 6
    assert len(model.predict(X)) == ROWS


# --- wrong use


WRONG = {
    "X and y differ": (
        lambda: classifier().fit(X, IS_WIDE[:-1]),
        r"inconsistent numbers of samples: \[60, 59\]",
    ),
    "weights are too few": (
        lambda: classifier().fit(X, IS_WIDE, sample_weight=[1, 2]),
        r"inconsistent numbers of samples",
    ),
    "weights are negative": (
        lambda: classifier().fit(X, IS_WIDE, sample_weight=-np.ones(ROWS)),
        "is not a weight",
    ),
    "groups are too few": (
        lambda: classifier().fit(X, IS_WIDE, groups=[1, 2]),
        r"inconsistent numbers of samples",
    ),
    "one class": (lambda: classifier().fit(X, np.ones(ROWS)), "only one class"),
    "a quantity for classes": (
        lambda: classifier().fit(X, X["width"]),
        "Unknown label type: continuous",
    ),
    "words for a quantity": (
        lambda: regressor().fit(X, np.where(IS_WIDE, "yes", "no")),
        "'(yes|no)' in row 1 is not a number",
    ),
    "dates for classes": (
        lambda: classifier().fit(X, pd.to_datetime(["2020", "2021"] * 30)),
        "dates|datetime",
    ),
    "an infinite target": (
        lambda: regressor().fit(X, np.where(IS_WIDE, np.inf, 0)),
        "contains infinity",
    ),
    "huge labels": (
        lambda: classifier().fit(X, np.where(IS_WIDE, 2**60, 2**60 + 1)),
        "Give them as text",
    ),
    "nothing but missing labels": (
        lambda: classifier().fit(X, np.full(ROWS, np.nan)),
        "no value at all",
    ),
    "two targets": (lambda: regressor().fit(X, np.ones((ROWS, 2))), "y should be a 1d array"),
    "no X": (lambda: classifier().fit(None, IS_WIDE), "a NoneType is not a table"),
    "no y": (lambda: classifier().fit(X, None), "requires y to be passed"),
    "too few rows": (lambda: classifier().fit(X[:6], [0, 1] * 3), "at least 10 are needed"),
    "X_val alone": (lambda: classifier().fit(X, IS_WIDE, X_val=X), "give both or neither"),
    "y_val of another type": (
        lambda: classifier().fit(X, IS_WIDE, X_val=X, y_val=["a"] * ROWS),
        "hold different things",
    ),
    "X_val and groups": (
        lambda: classifier().fit(X, IS_WIDE, X_val=X, y_val=IS_WIDE, groups=IS_WIDE),
        "give one of them",
    ),
    "no such pipeline": (
        lambda: classifier(pipeline="lineer").fit(X, IS_WIDE),
        "Did you mean 'linear'",
    ),
    "no such metric": (lambda: classifier(metric="auc").fit(X, IS_WIDE), "no metric 'auc'"),
    "a metric for numbers": (
        lambda: classifier(metric="rmse").fit(X, IS_WIDE),
        "not defined for a binary task",
    ),
    "no such option": (
        lambda: classifier(options={"clean.fold": 3}).fit(X, IS_WIDE),
        "Did you mean 'folds'",
    ),
    "no such engine": (lambda: classifier(engine="ray").fit(X, IS_WIDE), "'local' or 'inline'"),
    "no trials": (lambda: classifier(trials=0).fit(X, IS_WIDE), "at least 1"),
    "no budget": (lambda: classifier(trials=None, budget=0).fit(X, IS_WIDE), "more than 0 seconds"),
    "a budget in words": (
        lambda: classifier(trials=None, budget="soon").fit(X, IS_WIDE),
        "'soon' is not a duration",
    ),
    "no cores": (lambda: classifier(n_jobs=0).fit(X, IS_WIDE), "at least 1 core"),
    "little memory": (lambda: classifier(memory="1KB").fit(X, IS_WIDE), "not a usable size"),
    "a negative seed": (lambda: classifier(random_state=-1).fit(X, IS_WIDE), "from 0 to"),
}


@pytest.mark.parametrize(("use", "message"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_clear_line(use, message):
    with pytest.raises(InputError, match=message) as caught:
        use()
    assert "\n" not in str(caught.value).strip()


def test_wrong_use_leaves_nothing_behind(tmp_path):
    model = classifier(metric="rmse", output=tmp_path / "runs" / "first")
    with pytest.raises(InputError, match="not defined"):
        model.fit(X, IS_WIDE)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotFittedError):
        model.predict(X)


OTHER_TABLES = {
    "fewer columns": (
        lambda: X.to_numpy()[:, :1],
        "X has 1 features, but AutoMLClassifier is expecting 2 features as input",
    ),
    "another name": (
        lambda: X.rename(columns={"width": "widht"}),
        "the column 'width' that the model needs is missing",
    ),
    "words for numbers": (lambda: X.astype(object).assign(width="far"), "was a number at fit"),
}


@pytest.mark.parametrize(("make", "message"), OTHER_TABLES.values(), ids=OTHER_TABLES)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_another_table_than_at_fit_is_refused(make, message):
    model = classifier().fit(X, IS_WIDE)
    with pytest.raises(InputError, match=message):
        model.predict(make())


def test_rows_for_validation_have_the_same_columns():
    with pytest.raises(InputError, match="X_val: no column 'price'"):
        classifier().fit(MIXED, IS_WIDE, X_val=MIXED.drop(columns="price"), y_val=IS_WIDE)
    in_order = classifier().fit(MIXED, IS_WIDE, X_val=MIXED, y_val=IS_WIDE)
    other_order = classifier().fit(
        MIXED, IS_WIDE, X_val=MIXED[MIXED.columns[::-1]].assign(more=1), y_val=IS_WIDE
    )
    assert other_order.expected_score_ == in_order.expected_score_


@pytest.mark.parametrize(
    "use",
    [lambda model: model.predict(X), lambda model: model.save("model.automl")],
    ids=["predict", "save"],
)
def test_before_fit_methods_raise_not_fitted_error(use):
    with pytest.raises(NotFittedError):
        use(classifier())


def test_every_error_is_an_automl_error():
    with pytest.raises(AutoMLError):
        classifier().fit(X, np.ones((ROWS, 2)))


# --- documentation


def section(estimator: type, name: str, end: str) -> str:
    """Return a section of an estimator's docstring."""
    text = estimator.__doc__ or ""
    start = text.index(f"{name}\n")
    return text[start : text.index(f"{end}\n")]


def test_both_estimators_document_the_same_parameters() -> None:
    of_classifier = section(AutoMLClassifier, "Parameters", "Attributes")
    assert section(AutoMLRegressor, "Parameters", "Attributes") == of_classifier
    for name in AutoMLClassifier().get_params():
        assert f"    {name} : " in of_classifier
