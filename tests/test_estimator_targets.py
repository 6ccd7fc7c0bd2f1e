"""Targets in Python: every type of label is returned, and scores read y as fit did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import AutoMLClassifier, AutoMLRegressor
from automl.errors import InputError

# A column gives the target of these tables nearly without error, which a fit warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*nearly without error:UserWarning")

N_ROWS = 150
LEVEL = np.random.default_rng(0).integers(0, 3, N_ROWS)
X = pd.DataFrame({"x": LEVEL * 10.0})
QUICK: dict[str, Any] = {"pipeline": "linear", "trials": 2, "engine": "inline"}


def classifier() -> AutoMLClassifier:
    return AutoMLClassifier(**QUICK)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timedeltas_are_labels(unit: str) -> None:
    seconds = (LEVEL * 90).astype("timedelta64[s]")
    y = seconds.astype(f"timedelta64[{unit}]")
    model = classifier().fit(X, y)
    assert model.classes_.dtype == y.dtype
    assert (model.predict(X) == y).all()
    assert model.score(X, y) == 1.0


def test_numpys_bytes_are_text_in_features() -> None:
    words = np.array([b"red", b"green", b"blue"])[LEVEL]
    table = np.column_stack([words, words[::-1]])
    model = classifier().fit(table, LEVEL)
    decoded = np.column_stack([words, words]).astype(str)
    assert (model.predict(decoded) == LEVEL).all()


@pytest.mark.parametrize("dtype", ["S1", object])
def test_bytes_are_no_labels_and_the_message_says_how_to_decode_them(dtype: Any) -> None:
    labels = np.array([b"a", b"b", b"c"])
    y = labels[LEVEL].astype(dtype)
    with pytest.raises(InputError, match=r"y: labels are bytes.*np\.char\.decode"):
        classifier().fit(X, y)


def test_names_of_columns_may_be_of_mixed_types() -> None:
    frame = pd.DataFrame({0: LEVEL * 10.0, "n": -LEVEL, ("a", 1): 0.5})
    model = classifier().fit(frame, LEVEL)
    assert (model.predict(frame) == LEVEL).all()
    assert model.feature_names_in_.tolist() == ["0", "n", "('a', 1)"]


@pytest.mark.parametrize("spell", [int, float, str, "{}.0".format, " {} ".format])
def test_a_score_reads_labels_as_fit_did(spell: Any) -> None:
    model = classifier().fit(X, LEVEL)
    y = [spell(level) for level in LEVEL.tolist()]
    assert model.score(X, y) == 1.0


def test_a_score_warns_of_an_unknown_class_and_leaves_it_out() -> None:
    model = classifier().fit(X, LEVEL)
    is_unknown = np.arange(N_ROWS) < 4
    y = np.where(is_unknown, 7, LEVEL)
    weight = np.ones(N_ROWS)
    message = "4 rows were left out, with a class that the model doesn't know in 'target': '7'"
    with pytest.warns(UserWarning, match=message):
        accuracy = model.score(X, y, sample_weight=weight)
    assert accuracy == 1.0
    with pytest.raises(InputError, match="inconsistent numbers of samples"):
        model.score(X, y[1:])


def test_a_score_of_numbers_reads_them_as_fit_did() -> None:
    values = 1_000_000.0 + LEVEL * 10_000
    written = [f"${value:,.0f}" for value in values]
    model = AutoMLRegressor(**QUICK).fit(X, written)
    r2 = model.score(X, values)
    assert r2 == model.score(X, written)
    assert r2 > 0.999
