"""y and X in Python: every type of label comes back, and scores read y as fit did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import AutoMLClassifier, AutoMLRegressor
from automl.errors import InputError

# A column tells the target of these tables nearly without error, which a fit warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*nearly without error:UserWarning")

LEVEL = np.random.default_rng(0).integers(0, 3, 150)
X = pd.DataFrame({"x": LEVEL * 10.0})
QUICK: dict[str, Any] = {"pipeline": "linear", "trials": 2, "engine": "inline"}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timedeltas_are_labels(unit: str) -> None:
    y = (LEVEL * 90).astype("timedelta64[s]").astype(f"timedelta64[{unit}]")
    model = AutoMLClassifier(**QUICK).fit(X, y)
    assert model.classes_.dtype == y.dtype
    assert (model.predict(X) == y).all()
    assert model.score(X, y) == 1.0


def test_numpys_bytes_are_texts() -> None:
    words = np.array([b"red", b"green", b"blue"])[LEVEL]
    model = AutoMLClassifier(**QUICK).fit(np.column_stack([words, words[::-1]]), LEVEL)
    assert (model.predict(np.column_stack([words, words]).astype(str)) == LEVEL).all()


@pytest.mark.parametrize("kind", ["S1", object])
def test_bytes_are_no_labels_and_the_message_says_what_to_do(kind: Any) -> None:
    y = np.array([b"a", b"b", b"c"])[LEVEL].astype(kind)
    with pytest.raises(InputError, match=r"y: labels are bytes.*np\.char\.decode"):
        AutoMLClassifier(**QUICK).fit(X, y)


def test_names_of_columns_may_be_of_mixed_types() -> None:
    frame = pd.DataFrame({0: LEVEL * 10.0, "n": -LEVEL, ("a", 1): 0.5})
    model = AutoMLClassifier(**QUICK).fit(frame, LEVEL)
    assert (model.predict(frame) == LEVEL).all()
    assert model.feature_names_in_.tolist() == ["0", "n", "('a', 1)"]


@pytest.mark.parametrize("spell", [int, float, str, "{}.0".format, " {} ".format])
def test_a_score_reads_labels_as_fit_did(spell: Any) -> None:
    model = AutoMLClassifier(**QUICK).fit(X, LEVEL)
    assert model.score(X, [spell(level) for level in LEVEL.tolist()]) == 1.0


def test_a_score_tells_of_a_class_that_fit_never_saw_and_counts_the_others() -> None:
    model = AutoMLClassifier(**QUICK).fit(X, LEVEL)
    y = np.where(np.arange(150) < 4, 7, LEVEL)
    with pytest.warns(
        UserWarning,
        match=r"4 rows were left out, with a class that the model doesn't know in 'target': '7'",
    ):
        assert model.score(X, y, sample_weight=np.ones(150)) == 1.0
    with pytest.raises(InputError, match="inconsistent numbers of samples"):
        model.score(X, y[1:])


def test_a_score_of_numbers_reads_them_as_fit_did() -> None:
    values = 1_000_000.0 + LEVEL * 10_000
    written = [f"${value:,.0f}" for value in values]
    model = AutoMLRegressor(**QUICK).fit(X, written)
    assert model.score(X, values) == model.score(X, written) > 0.999
