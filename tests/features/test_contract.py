"""Every recipe and every column kind keeps the contract of an encoding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.columns import Categories, Column, Columns, Numbers, Texts
from automl.features.encoding import Encoding, fit_shared, fit_targeted, join
from automl.features.recipe import RECIPES, TOPICS_RECIPE, Recipe
from automl.state import pack_to_bytes, unpack_bytes
from automl.task import Task
from tests.features.samples import table
from tests.features.strategies import KINDS, tables

REGRESSION = Task("regression", "y", "rmse")
BINARY = Task("binary", "y", "auc", ("no", "yes"))
MULTICLASS = Task("multiclass", "y", "log_loss", ("a", "b", "c"))
ALL_RECIPES = [
    *RECIPES.values(),
    TOPICS_RECIPE,
    Recipe("lean", "quantile", "codes", "skip"),
    Recipe("odd", "standard", "native"),
]
every_recipe = pytest.mark.parametrize("recipe", ALL_RECIPES, ids=lambda recipe: recipe.name)
every_kind = pytest.mark.parametrize("kind", KINDS)
few_examples = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def fit(recipe: Recipe, columns: Columns, task: Task = REGRESSION) -> Encoding:
    n_values = task.n_outputs if task.labels else 9
    y = np.random.default_rng(1).integers(0, n_values, columns.n_rows).astype(np.float64)
    rows = np.arange(columns.n_rows)
    targeted, _ = fit_targeted(recipe, columns, task, y, rows, seed=0)
    return join(fit_shared(recipe, columns, seed=0), targeted)


def saved(encoding: Encoding) -> bytes:
    return pack_to_bytes(encoding.to_state())


def loaded(content: bytes) -> Encoding:
    return Encoding.from_state(unpack_bytes(content))


def with_absurd_values(columns: Columns) -> Columns:
    """Return the columns with nothing but missing, unseen and absurd values."""
    by_name = {name: absurd(column, columns.n_rows) for name, column in columns.by_name.items()}
    return Columns(by_name, columns.n_rows)


def absurd(column: Column, n_rows: int) -> Column:
    if isinstance(column, Numbers):
        values = np.resize([np.nan, np.inf, -np.inf, 1e300, -1e-300], n_rows)
        return Numbers(values, column.kind)
    if isinstance(column, Categories):
        codes = np.resize([-1, len(column.levels), 2**31 - 1], n_rows)
        return Categories(codes.astype(np.int32), column.levels)
    strings = ["", "\x00 unheard-of", "ß" * 20_000]
    return Texts.of([strings[row % 3] for row in range(n_rows)])


@every_recipe
@every_kind
@few_examples
@given(data=st.data())
def test_an_encoding_keeps_its_promises(recipe: Recipe, kind: str, data: st.DataObject) -> None:
    columns = data.draw(tables(kind))
    task = data.draw(st.sampled_from([REGRESSION, BINARY, MULTICLASS]))
    encoding = fit(recipe, columns, task)
    X = encoding.transform(columns)

    assert X.shape == (columns.n_rows, len(encoding.features))
    assert X.dtype == np.float32
    assert X.flags.c_contiguous
    assert not np.isinf(X).any()
    assert {feature.source for feature in encoding.features} <= set(columns.names())
    assert len({feature.name for feature in encoding.features}) == len(encoding.features)

    some_rows = st.lists(st.integers(0, columns.n_rows - 1), max_size=columns.n_rows)
    rows = np.array(data.draw(some_rows), np.int64)
    np.testing.assert_array_equal(encoding.transform(columns.take(rows)), X[rows])

    strange = with_absurd_values(columns)
    strange_X = encoding.transform(strange)
    again = loaded(saved(encoding))
    assert again.features == encoding.features
    np.testing.assert_array_equal(again.transform(columns), X)
    np.testing.assert_array_equal(again.transform(strange), strange_X)
    assert not np.isinf(strange_X).any()
    if recipe.is_finite:
        assert np.isfinite(X).all()
        assert np.isfinite(strange_X).all()


@every_recipe
def test_every_subset_and_order_of_rows_gives_the_same_bits(recipe: Recipe) -> None:
    columns = table()
    encoding = fit(recipe, columns)
    X = encoding.transform(columns)
    order = np.random.default_rng(0).permutation(columns.n_rows)
    for n_rows in (*range(40), columns.n_rows):
        rows = order[:n_rows]
        np.testing.assert_array_equal(encoding.transform(columns.take(rows)), X[rows])


@every_recipe
def test_equal_seeds_give_equal_bytes(recipe: Recipe) -> None:
    assert saved(fit(recipe, table())) == saved(fit(recipe, table()))


@every_recipe
def test_columns_of_another_order_give_the_same_features(recipe: Recipe) -> None:
    columns = table()
    reordered = Columns(dict(reversed(columns.by_name.items())), columns.n_rows)
    encoding = fit(recipe, columns)
    other = fit(recipe, reordered)
    other_names = [feature.name for feature in other.features]
    indices = [other_names.index(feature.name) for feature in encoding.features]
    other_X = other.transform(reordered)
    np.testing.assert_array_equal(other_X[:, indices], encoding.transform(columns))


@every_recipe
def test_only_native_categories_have_levels(recipe: Recipe) -> None:
    features = fit(recipe, table()).features
    levels = {feature.source: feature.levels for feature in features if feature.levels}
    expected = {}
    if recipe != TOPICS_RECIPE and recipe.categories == "native":
        expected = {"city": 6, "sex": 2, "postcode": 100}
    elif recipe.categories == "embedded":
        expected = {"city": 6, "postcode": 100}
    elif recipe.categories == "mixed":
        expected = {"city": 6, "sex": 2}
    assert levels == expected


@every_recipe
def test_strided_columns_give_the_same_bits(recipe: Recipe) -> None:
    columns = table()
    encoding = fit(recipe, columns)
    block = np.stack([columns["price"].values, columns["height"].values], axis=1)
    strided = {"price": Numbers(block[:, 0]), "height": Numbers(block[:, 1])}
    same = Columns({**columns.by_name, **strided}, columns.n_rows)
    np.testing.assert_array_equal(encoding.transform(same), encoding.transform(columns))


@every_recipe
def test_a_table_without_columns_has_no_features(recipe: Recipe) -> None:
    encoding = fit(recipe, Columns({}, 3))
    assert encoding.transform(Columns({}, 3)).shape == (3, 0)
