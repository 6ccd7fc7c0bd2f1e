"""Prediction finds columns by their names, in any order and among others."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from automl import InputError, load
from tests.estimator.samples import IS_WIDE, X, classifier, regressor

# A column gives the target of these tables nearly without error, which a fit warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*nearly without error:UserWarning")

Maker = Callable[[pd.DataFrame], Any]

MIXED = X.assign(colour=["red", "blue", "green"] * 20, country="DE")
REVERSED = MIXED[MIXED.columns[::-1]]
MAKERS: dict[str, Maker] = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "lazy polars": lambda frame: pl.from_pandas(frame).lazy(),
    "arrow": pa.Table.from_pandas,
    "dictionary": lambda frame: frame.to_dict("list"),
    "records": lambda frame: frame.to_dict("records"),
}


@pytest.fixture(scope="module")
def fitted() -> Any:
    y = pd.Series(IS_WIDE, name="is_wide")
    return classifier().fit(MIXED, y)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_columns_in_another_order_are_found_by_name(fitted: Any, make: Maker) -> None:
    table = make(REVERSED)
    expected = fitted.predict_proba(MIXED)
    assert (fitted.predict_proba(table) == expected).all()
    assert fitted.score(table, IS_WIDE) > 0.9


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_other_columns_are_counted_and_not_used(make: Maker) -> None:
    model = classifier().fit(MIXED, IS_WIDE)
    table = make(MIXED.assign(note="new", day=1))
    expected = model.predict_proba(MIXED)
    with pytest.warns(UserWarning, match="^X: 2 columns not used: note, day$") as caught:
        proba = model.predict_proba(table)
    assert (proba == expected).all()
    assert len(caught) == 1
    assert Path(caught[0].filename) == Path(__file__)


def test_other_columns_are_warned_about_once() -> None:
    model = classifier().fit(X, IS_WIDE)
    table = X.assign(note="new")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            model.predict(table)
    assert len(caught) == 1


def test_the_target_may_be_among_the_columns(fitted: Any) -> None:
    table = MIXED.assign(is_wide=~IS_WIDE)
    assert (fitted.predict(table) == fitted.predict(MIXED)).all()


def test_a_column_that_fit_dropped_may_be_absent(fitted: Any) -> None:
    assert "country" not in fitted.predictor_.cleaner.inputs
    table = MIXED.drop(columns="country")
    assert (fitted.predict(table) == fitted.predict(MIXED)).all()


def test_a_column_that_the_model_needs_must_not_be_absent(fitted: Any) -> None:
    one = r"^X: the column 'width' that the model needs is missing\. Did you mean 'widht'"
    with pytest.raises(InputError, match=one):
        fitted.predict(MIXED.rename(columns={"width": "widht"}))
    two = r"^X: 2 columns 'width', 'height' that the model needs are missing"
    with pytest.raises(InputError, match=two):
        fitted.predict_proba(MIXED[["colour"]])


def test_a_loaded_model_finds_columns_by_name(fitted: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.automl"
    fitted.save(path)
    loaded = load(path)
    with pytest.warns(UserWarning, match="1 column not used: note"):
        labels = loaded.predict(REVERSED.assign(note=1))
    assert (labels == fitted.predict(MIXED)).all()


def test_columns_of_arrays_are_found_by_position() -> None:
    array = X.to_numpy()
    model = regressor().fit(array, X["width"])
    assert (model.predict(array) == model.predict(array.tolist())).all()
    message = "X has 3 features, but AutoMLRegressor is expecting 2 features as input"
    with pytest.raises(InputError, match=message):
        model.predict(np.ones((2, 3)))


def test_columns_whose_names_are_numbers_are_found_by_position() -> None:
    array = X.to_numpy()
    frame = pd.DataFrame(array)
    model = regressor().fit(frame, X["width"])
    assert model.predict(frame) == pytest.approx(model.predict(array))


def test_mixed_names_are_found_as_text() -> None:
    frame = X.assign(more=IS_WIDE)
    frame = frame.rename(columns={"width": 0, "height": "n"})
    model = regressor().fit(frame, X["width"])
    assert model.feature_names_in_.tolist() == ["0", "n", "more"]
    reordered = frame[["n", "more", 0]]
    assert (model.predict(reordered) == model.predict(frame)).all()
