"""Columns that are scaled together get the bits that they get alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from automl.columns import Column, Columns, Numbers, Texts
from automl.features import number_group
from automl.features.encoding import Encoding
from automl.features.joint_scaling import JointScaler
from automl.features.number import Number
from automl.features.scaling import NoScaling, Quantile, Scaler, Standard
from automl.features.words import WordVocabulary

FINITE = st.floats(-1e30, 1e30)
POSITIVE = st.floats(1e-30, 1e30)
SCALERS = st.one_of(
    st.builds(NoScaling, FINITE, st.one_of(FINITE, st.just(float("nan")))),
    st.builds(Standard, FINITE, POSITIVE, st.floats(-10, 10), st.just(0.0)),
    st.builds(Standard, FINITE, POSITIVE, st.floats(-10, 10), POSITIVE),
    st.just(Quantile(np.array([[0.0, 1.0, 5.0], [-2.0, 0.0, 2.0]]))),
)


@given(st.data(), st.lists(SCALERS, min_size=1, max_size=8), st.integers(0, 5))
def test_a_joint_scaler_gives_the_bits_of_each_scaler(
    data: st.DataObject, scalers: list[Scaler], n_rows: int
) -> None:
    values = data.draw(arrays(np.float64, (len(scalers), n_rows)))
    with np.errstate(all="ignore"):
        together = JointScaler(tuple(scalers)).apply(values)
        alone = [scaler.apply(column) for scaler, column in zip(scalers, values, strict=True)]
    assert together.dtype == np.float32
    assert together.tobytes() == np.array(alone, np.float32).tobytes()


@given(st.data(), st.lists(st.tuples(SCALERS, st.booleans()), min_size=1, max_size=6))
def test_number_columns_get_the_same_bits_one_row_at_a_time(
    data: st.DataObject, settings: list[tuple[Scaler, bool]]
) -> None:
    n_rows = number_group.MAX_ROWS + 1
    encoders = []
    columns: dict[str, Column] = {}
    for index, (scaler, shows_missing) in enumerate(settings):
        name = f"x{index}"
        encoders.append(Number(name, scaler, shows_missing))
        columns[name] = Numbers(data.draw(arrays(np.float64, n_rows)))
    encoding = Encoding(tuple(encoders))
    table = Columns(columns, n_rows)
    with np.errstate(all="ignore"):
        many = encoding.transform(table)
        for row in range(3):
            one = encoding.transform(table.take(np.array([row])))
            assert one.tobytes() == many[row].tobytes()


WORDS = ("ann", "bob", "red", "wine")


@pytest.mark.parametrize("text", ["", "unknown", "red wine", "wine red wine ann", "bob bob bob"])
def test_the_sums_of_one_text_are_those_among_others(text: str) -> None:
    rng = np.random.default_rng(0)
    vocabulary = WordVocabulary("words", WORDS, rng.random(4) + 1, 1000)
    components = rng.normal(size=(5, 4)).astype(np.float32)
    alone = vocabulary.weigh(Texts.of([text])).sums(components)
    among = vocabulary.weigh(Texts.of(["ann bob", text, "wine"])).sums(components)
    assert alone[:, 0].tobytes() == among[:, 1].tobytes()


def test_vocabularies_that_differ_in_a_word_do_not_share_what_is_cached() -> None:
    column = Texts.of(["red wine"])
    rarity = np.ones(2)
    first = WordVocabulary("words", ("red", "wine"), rarity, 1000).weigh(column)
    other = WordVocabulary("words", ("blue", "wine"), rarity, 1000).weigh(column)
    assert (len(first.words), len(other.words)) == (2, 1)
