"""What holds for every recipe and every column kind."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.columns import Categories, Columns, Numbers, Texts
from automl.features.encoding import Encoding, fit_shared, fit_targeted, join
from automl.features.recipe import RECIPES, TOPICS, Recipe
from automl.state import pack, unpack
from automl.task import Task
from tests.features.samples import table
from tests.features.strategies import KINDS, tables

REGRESSION = Task("regression", "y", "rmse")
BINARY = Task("binary", "y", "auc", ("no", "yes"))
MULTICLASS = Task("multiclass", "y", "log_loss", ("a", "b", "c"))
RECIPE_LIST = [
    *RECIPES.values(),
    TOPICS,
    Recipe("lean", "quantile", "codes", "skip"),
    Recipe("odd", "standard", "native"),
]
every_recipe = pytest.mark.parametrize("recipe", RECIPE_LIST, ids=lambda recipe: recipe.name)
every_kind = pytest.mark.parametrize("kind", KINDS)
few = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def fit(
    recipe: Recipe, columns: Columns, task: Task = REGRESSION, train: np.ndarray | None = None
) -> Encoding:
    y = (
        np.random.default_rng(1)
        .integers(0, task.n_outputs if task.labels else 9, columns.n_rows)
        .astype(np.float64)
    )
    rows = np.arange(columns.n_rows) if train is None else train
    targeted, _ = fit_targeted(recipe, columns, task, y, rows, seed=0)
    return join(fit_shared(recipe, columns, seed=0), targeted)


def through_file(encoding: Encoding) -> Encoding:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        pack(encoding.to_state(), archive, "encoding")
    with zipfile.ZipFile(buffer) as archive:
        return Encoding.from_state(unpack(archive, "encoding"))


def unseen(columns: Columns) -> Columns:
    """The same columns with nothing but missing, unseen and absurd values."""
    n = columns.n_rows
    odd = np.resize([np.nan, np.inf, -np.inf, 1e300, -1e-300], n)
    made = {}
    for name, column in columns.by_name.items():
        if isinstance(column, Numbers):
            made[name] = Numbers(odd, column.kind)
        elif isinstance(column, Categories):
            made[name] = Categories(
                np.resize([-1, len(column.levels), 2**31 - 1], n).astype(np.int32), column.levels
            )
        else:
            made[name] = Texts.of(
                [["", "\x00 unheard-of", "ß" * 20_000][row % 3] for row in range(n)]
            )
    return Columns(made, n)


@every_recipe
@every_kind
@few
@given(data=st.data())
def test_an_encoding_keeps_its_promises(recipe: Recipe, kind: str, data: st.DataObject) -> None:
    columns = data.draw(tables(kind))
    encoding = fit(recipe, columns, data.draw(st.sampled_from([REGRESSION, BINARY, MULTICLASS])))
    X = encoding.transform(columns)

    assert X.shape == (columns.n_rows, len(encoding.features))
    assert X.dtype == np.float32
    assert X.flags.c_contiguous
    assert not np.isinf(X).any()
    assert {feature.source for feature in encoding.features} <= set(columns.names())
    assert len({feature.name for feature in encoding.features}) == len(encoding.features)

    rows = np.array(
        data.draw(st.lists(st.integers(0, columns.n_rows - 1), max_size=columns.n_rows)), np.int64
    )
    np.testing.assert_array_equal(encoding.transform(columns.take(rows)), X[rows])

    strange = unseen(columns)
    again = through_file(encoding)
    assert again.features == encoding.features
    np.testing.assert_array_equal(again.transform(columns), X)
    np.testing.assert_array_equal(again.transform(strange), encoding.transform(strange))
    assert not np.isinf(encoding.transform(strange)).any()
    if recipe.is_finite:
        assert np.isfinite(X).all()
        assert np.isfinite(encoding.transform(strange)).all()


@every_recipe
def test_every_subset_and_order_of_rows_gives_the_same_bits(recipe: Recipe) -> None:
    columns = table()
    encoding = fit(recipe, columns)
    X = encoding.transform(columns)
    order = np.random.default_rng(0).permutation(columns.n_rows)
    np.testing.assert_array_equal(encoding.transform(columns.take(order)), X[order])
    for n_rows in (0, *range(1, 40)):
        np.testing.assert_array_equal(
            encoding.transform(columns.take(order[:n_rows])), X[order[:n_rows]]
        )


@every_recipe
def test_equal_seeds_give_equal_bytes(recipe: Recipe) -> None:
    def packed() -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            pack(fit(recipe, table()).to_state(), archive, "encoding")
        return buffer.getvalue()

    assert packed() == packed()


@every_recipe
def test_columns_of_another_order_give_the_same_features(recipe: Recipe) -> None:
    columns = table()
    turned = Columns(dict(reversed(columns.by_name.items())), columns.n_rows)
    places = {feature.name: place for place, feature in enumerate(fit(recipe, turned).features)}
    encoding = fit(recipe, columns)
    X, turned_X = encoding.transform(columns), fit(recipe, turned).transform(turned)
    np.testing.assert_array_equal(
        turned_X[:, [places[feature.name] for feature in encoding.features]], X
    )


@every_recipe
def test_only_native_categories_have_levels(recipe: Recipe) -> None:
    levels = {
        feature.source: feature.levels
        for feature in fit(recipe, table()).features
        if feature.levels
    }
    native, few = {"city": 6, "sex": 2, "postcode": 100}, {"city": 6, "sex": 2}
    assert levels == (
        {}
        if recipe == TOPICS
        else native
        if recipe.categories == "native"
        else few
        if recipe.categories == "mixed"
        else {}
    )


@every_recipe
def test_strided_and_memory_mapped_columns_give_the_same_bits(recipe: Recipe) -> None:
    columns = table()
    encoding = fit(recipe, columns)
    block = np.stack([columns["price"].values, columns["height"].values], axis=1)
    strided = dict(columns.by_name) | {
        "price": Numbers(block[:, 0]),
        "height": Numbers(block[:, 1]),
    }
    np.testing.assert_array_equal(
        encoding.transform(Columns(strided, columns.n_rows)), encoding.transform(columns)
    )


@every_recipe
def test_a_table_without_columns_has_no_features(recipe: Recipe) -> None:
    encoding = fit(recipe, Columns({}, 3))
    assert encoding.transform(Columns({}, 3)).shape == (3, 0)
