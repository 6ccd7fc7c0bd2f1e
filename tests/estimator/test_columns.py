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

# A column tells the target of these tables nearly without error, which a fit warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*nearly without error:UserWarning")

MIXED = X.assign(colour=["red", "blue", "green"] * 20, country="DE")
MAKERS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "lazy polars": lambda frame: pl.from_pandas(frame).lazy(),
    "arrow": pa.Table.from_pandas,
    "dictionary": lambda frame: frame.to_dict("list"),
    "records": lambda frame: frame.to_dict("records"),
}


@pytest.fixture(scope="module")
def fitted() -> Any:
    return classifier().fit(MIXED, pd.Series(IS_WIDE, name="is_wide"))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_columns_in_another_order_are_found_by_name(
    fitted: Any, make: Callable[[pd.DataFrame], Any]
) -> None:
    expected = fitted.predict_proba(MIXED)
    assert (fitted.predict_proba(make(MIXED[MIXED.columns[::-1]])) == expected).all()
    assert fitted.score(make(MIXED[MIXED.columns[::-1]]), IS_WIDE) > 0.9


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_other_columns_are_counted_and_not_used(make: Callable[[pd.DataFrame], Any]) -> None:
    fitted, more = classifier().fit(MIXED, IS_WIDE), MIXED.assign(note="new", day=1)
    with pytest.warns(UserWarning, match="^X: 2 columns not used: note, day$") as caught:
        assert (fitted.predict_proba(make(more)) == fitted.predict_proba(MIXED)).all()
    assert len(caught) == 1
    assert Path(caught[0].filename) == Path(__file__)


def test_other_columns_are_told_once_for_one_place() -> None:
    model = classifier().fit(X, IS_WIDE)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            model.predict(X.assign(note="new"))
    assert len(caught) == 1


def test_the_target_may_stand_beside_them(fitted: Any) -> None:
    assert (fitted.predict(MIXED.assign(is_wide=~IS_WIDE)) == fitted.predict(MIXED)).all()


def test_what_fit_had_no_use_for_may_be_absent(fitted: Any) -> None:
    assert "country" not in fitted.predictor_.cleaner.inputs
    assert (fitted.predict(MIXED.drop(columns="country")) == fitted.predict(MIXED)).all()


def test_a_column_that_is_needed_may_not(fitted: Any) -> None:
    with pytest.raises(
        InputError,
        match=r"^X: the column 'width' that the model needs is missing\. Did you mean 'widht'",
    ):
        fitted.predict(MIXED.rename(columns={"width": "widht"}))
    with pytest.raises(
        InputError, match=r"^X: 2 columns 'width', 'height' that the model needs are missing"
    ):
        fitted.predict_proba(MIXED[["colour"]])


def test_a_loaded_model_is_no_different(fitted: Any, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model.automl")
    loaded = load(tmp_path / "model.automl")
    with pytest.warns(UserWarning, match="1 column not used: note"):
        assert (
            loaded.predict(MIXED[MIXED.columns[::-1]].assign(note=1)) == fitted.predict(MIXED)
        ).all()


def test_arrays_are_taken_by_place_and_have_as_many_columns() -> None:
    model = regressor().fit(X.to_numpy(), X["width"])
    assert (model.predict(X.to_numpy()) == model.predict(X.to_numpy().tolist())).all()
    with pytest.raises(
        InputError, match="X has 3 features, but AutoMLRegressor is expecting 2 features as input"
    ):
        model.predict(np.ones((2, 3)))


def test_columns_whose_names_are_numbers_are_taken_by_place() -> None:
    frame = pd.DataFrame(X.to_numpy())
    model = regressor().fit(frame, X["width"])
    assert model.predict(frame) == pytest.approx(model.predict(X.to_numpy()))


def test_names_of_which_some_are_numbers_are_found_as_text() -> None:
    frame = X.assign(more=IS_WIDE).rename(columns={"width": 0, "height": "n"})
    model = regressor().fit(frame, X["width"])
    assert model.feature_names_in_.tolist() == ["0", "n", "more"]
    assert (model.predict(frame[["n", "more", 0]]) == model.predict(frame)).all()
