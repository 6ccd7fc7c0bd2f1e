"""Columns for Hypothesis: every kind, with missing, extreme, constant and empty ones among them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from automl.columns import Column, Columns, Numbers, Texts
from tests.features.samples import categories

KINDS = ("number", "flag", "date", "category", "text")

numbers = st.one_of(
    st.just(float("nan")),
    st.integers(-3, 3).map(float),
    st.floats(-1e6, 1e6),
    st.floats(),
)
flags = st.sampled_from([0.0, 1.0, float("nan")])
seconds = st.one_of(
    st.just(float("nan")),
    st.integers(-(2**31), 2**33).map(float),
    st.integers(0, 400).map(lambda day: 86400.0 * day),
    st.floats(),
)
words = st.sampled_from(["red", "wine", "dry", "München", "éa", "a1", "東京都", "-", "😀"])
strings = st.one_of(
    st.just(""),
    st.lists(words, max_size=6).map(" ".join),
    st.text(max_size=20),
)


def lists(n_rows: int, items: st.SearchStrategy) -> st.SearchStrategy:
    """Lists of items of their own, or of one item that is repeated."""
    varied = st.lists(items, min_size=n_rows, max_size=n_rows)
    constant = items.map(lambda item: [item] * n_rows)
    return st.one_of(varied, constant)


@st.composite
def category_columns(draw: st.DrawFn, n_rows: int) -> Column:
    n_levels = draw(st.sampled_from([0, 1, 2, 3, 30, 80]))
    codes = draw(lists(n_rows, st.integers(-1, n_levels - 1)))
    return categories(np.array(codes), n_levels)


def column(kind: str, n_rows: int) -> st.SearchStrategy[Column]:
    """A column of one kind."""
    if kind == "category":
        return category_columns(n_rows)
    if kind == "text":
        return lists(n_rows, strings).map(Texts.of)
    items = {"number": numbers, "flag": flags, "date": seconds}[kind]
    return lists(n_rows, items).map(lambda values: Numbers(np.array(values, np.float64), kind))


@st.composite
def tables(draw: st.DrawFn, *kinds: str, most_rows: int = 60) -> Columns:
    """Columns of these kinds, named after them; all kinds without arguments."""
    n_rows = draw(st.integers(1, most_rows))
    return Columns({kind: draw(column(kind, n_rows)) for kind in kinds or KINDS}, n_rows)
