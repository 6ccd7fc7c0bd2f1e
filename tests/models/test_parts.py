"""Values of the parts that families share: the target's coding, blocks, trees, the constant."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.budget import Budget
from automl.errors import UnsafeModel
from automl.metrics import metric_for
from automl.models import Feature, FitContext, Sample, find_family
from automl.models._blocks import map_blocks
from automl.models._target import TargetCoding
from automl.models.constant import fit_constant
from automl.models.knn import KNNModel
from automl.models.linear import Linear
from automl.task import Task

HOW = FitContext(
    Task("multiclass", "y", "log_loss", ("a", "b", "c", "d")),
    metric_for("log_loss", "multiclass"),
    seed=0,
)
NUMBERS = FitContext(Task("regression", "y", "rmse"), metric_for("rmse", "regression"), 0)


def regression_by(metric: str, rounds: int | None = None) -> FitContext:
    """A regression by this metric."""
    return FitContext(
        Task("regression", "y", metric), metric_for(metric, "regression"), 0, rounds=rounds
    )


def sample_of(y: list[float], weight: list[float] | None = None) -> Sample:
    X = np.arange(len(y), dtype=np.float32)[:, None]
    return Sample(
        X,
        (Feature("x", "x"),),
        np.array(y, float),
        None if weight is None else np.array(weight, float),
    )


@pytest.mark.parametrize("present", [(), (1,), (1, 1), (3, 1), (1, 4), (-1, 1)])
def test_classes_that_no_fit_has_are_refused(present: tuple[int, ...]) -> None:
    state = TargetCoding(4, present).to_state()
    with pytest.raises(UnsafeModel, match="target coding"):
        TargetCoding.from_state(state)


def test_classes_are_numbered_without_the_absent_ones_and_keep_their_columns() -> None:
    train = sample_of([3, 1, 3, 0], [1, 1, 2, 0])
    target = TargetCoding.fit(train, HOW)
    assert target == TargetCoding(4, (1, 3))
    coded = target.encode(train)
    assert coded.y.tolist() == [1, 0, 1]
    assert coded.weight is not None
    assert coded.weight.mean() == pytest.approx(1)
    assert target.encode(sample_of([0, 1, 2, 3])).X[:, 0].tolist() == [1, 3]
    assert target.to_prediction(np.array([0.25])).tolist() == [[0, 0.75, 0, 0.25]]
    assert target.decode(coded.y).tolist() == [3, 1, 3]


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20))
def test_numbers_are_encoded_and_decoded(y: list[float]) -> None:
    target = TargetCoding.fit(sample_of(y), NUMBERS)
    coded = target.encode(sample_of(y)).y
    np.testing.assert_allclose(
        target.to_prediction(coded), y, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(y).max())
    )
    assert TargetCoding.from_state(target.to_state()) == target


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=20))
def test_logarithms_replace_numbers_for_a_metric_of_logarithms(y: list[float]) -> None:
    target = TargetCoding.fit(sample_of(y), regression_by("rmsle"))
    np.testing.assert_allclose(
        target.to_prediction(target.encode(sample_of(y)).y), y, rtol=1e-6, atol=1e-6
    )
    assert TargetCoding.from_state(target.to_state()) == target


def test_weights_fall_as_numbers_grow_for_a_metric_of_relative_errors() -> None:
    train = sample_of([1, 2, 4, 0])
    coded = TargetCoding.fit(train, regression_by("mape")).encode(train)
    assert coded.weight is not None
    assert (coded.weight / coded.weight[0]).tolist() == pytest.approx([1, 1 / 2, 1 / 4, 1 / 0.015])


@pytest.mark.parametrize("metric", ["rmsle", "mape"])
@pytest.mark.parametrize(
    "name", ["constant", "linear", "lightgbm", "catboost", "xgboost", "random_forest", "mlp"]
)
def test_a_fit_for_the_metric_beats_a_fit_for_the_rmse(name: str, metric: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2)).astype(np.float32)
    y = np.exp(2 + X[:, 0] + rng.normal(size=600))
    rows = Sample(X, (Feature("a", "a"), Feature("b", "b")), y)
    kind = find_family(name)
    params = {"n_estimators": 60} if name == "random_forest" else {}

    def loss(context: FitContext) -> float:
        fitted = kind.fit(kind.prepare(rows, None, params, context), params, context)
        return regression_by(metric).metric.loss_of_output(y, fitted.model.predict(X))

    assert loss(regression_by(metric, rounds=40)) < 0.9 * loss(regression_by("rmse", rounds=40))


@pytest.mark.parametrize(
    "state",
    [
        {"total": 3, "present": [0, 3], "shift": 0.0, "scale": 1.0},
        {"total": 3, "present": [1, 0], "shift": 0.0, "scale": 1.0},
        {"total": 0, "present": [], "shift": float("nan"), "scale": 1.0},
        {"total": 0},
        {"total": "x", "present": [], "shift": 0.0, "scale": 1.0},
    ],
)
def test_an_inconsistent_coding_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(UnsafeModel):
        TargetCoding.from_state(state)


def test_blocks_are_all_of_one_size() -> None:
    sizes = []

    def double(block: Any) -> Any:
        sizes.append(block.shape)
        return block * 2

    X = np.arange(14, dtype=np.float32).reshape(7, 2)
    np.testing.assert_array_equal(map_blocks(double, X, block_rows=3), X * 2)
    assert sizes == [(3, 2)] * 3


def test_the_constant_is_the_mean_or_the_median() -> None:
    train = sample_of([0, 1, 5, 100], [1, 1, 1, 0])
    assert fit_constant(train, NUMBERS).value == 2
    absolute = FitContext(Task("regression", "y", "mae"), metric_for("mae", "regression"), 0)
    assert fit_constant(train, absolute).value == 1
    assert fit_constant(sample_of([1, 2]), absolute).value == 1.5
    assert fit_constant(sample_of([0, 1, 1, 3]), HOW).value.tolist() == [0.25, 0.5, 0, 0.25]


def numeric_features(count: int) -> tuple[Feature, ...]:
    names = [f"x{index}" for index in range(count)]
    return tuple(Feature(name, name) for name in names)


def fit_linear(train: Sample, context: FitContext, **params: object) -> Any:
    linear = Linear()
    prepared = linear.prepare(train, None, params, context)
    return linear.fit(prepared, params, context).model


def test_an_l1_penalty_leaves_few_coefficients() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 30)).astype(np.float32)
    y = np.asarray(3 * X[:, 0], np.float64)
    train = Sample(X, numeric_features(30), y)
    counts = {}
    for penalty in ("l1", "l2"):
        model = fit_linear(train, NUMBERS, C=0.02, penalty=penalty)
        is_used = np.abs(model.coefficients) > 1e-6
        counts[penalty] = int(is_used.sum())
    assert counts == {"l1": 1, "l2": 30}


def test_the_linear_model_agrees_with_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6)).astype(np.float32)
    y = (X[:, 0] - X[:, 1] + rng.normal(size=400) > 0).astype(float)
    task = Task("binary", "y", "log_loss", ("a", "b"))
    context = FitContext(task, metric_for("log_loss", "binary"), 0)
    model = fit_linear(Sample(X, numeric_features(6), y), context, C=0.5)
    expected = LogisticRegression(C=0.5).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(model.predict(X), expected, atol=2e-3)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("by_distance", [False, True])
def test_neighbours_are_exact_at_any_position_in_a_block(p: int, by_distance: bool) -> None:
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(1_000, 33)), 1).astype(np.float32)
    X[:, 5] *= 100
    stored = X[:700]
    rows = X[600:]
    y = rng.normal(size=700)
    weight = rng.uniform(1, 2, 700)
    model = KNNModel(stored, y, weight, 9, by_distance, p, TargetCoding(0))
    prediction = model.predict(rows)
    order = rng.permutation(400)
    np.testing.assert_array_equal(model.predict(rows[order]), prediction[order])
    differences = np.abs(rows[:, None, :].astype(float) - stored)
    distances = (differences**p).sum(axis=2) ** (1 / p)
    nearest = np.argsort(distances, axis=1)[:, :9]
    influence = weight[nearest]
    if by_distance:
        influence /= np.maximum(np.take_along_axis(distances, nearest, axis=1), 1e-3)
    expected = (influence * y[nearest]).sum(axis=1) / influence.sum(axis=1)
    np.testing.assert_allclose(prediction, expected, rtol=1e-9)


def test_neighbours_at_the_same_distance_share_the_rest_of_k() -> None:
    train = Sample(
        np.array([[0.0], [1.0], [-1.0], [9.0]], np.float32),
        (Feature("x", "x"),),
        np.array([0.0, 3.0, 6.0, 100.0]),
    )
    params = {"k": 2, "weights": "uniform"}
    knn = find_family("knn")
    model = knn.fit(knn.prepare(train, None, params, NUMBERS), params, NUMBERS).model
    assert model.predict(np.zeros((1, 1), np.float32))[0] == pytest.approx((0 + 4.5) / 2)


@pytest.mark.parametrize("name", ["extra_trees", "random_forest"])
def test_a_forest_among_others_grows_a_share_of_its_trees(name: str) -> None:
    forest = find_family(name)
    rows = sample_of([*range(40)])
    budget = Budget(time.monotonic() + 600)  # without a clock there are fewer trees
    how_alone = replace(NUMBERS, budget=budget)
    how_shared = replace(how_alone, models=8)

    def fit(context: FitContext) -> Any:
        return forest.fit(forest.prepare(rows, None, {}, context), {}, context)

    alone = fit(how_alone)
    share = fit(how_shared)
    assert alone.model.trees.count == 300
    assert share.model.trees.count == 107
    assert share.compact_model.trees.count == 75
    assert alone.rounds == share.rounds == 300
    again = fit(replace(how_shared, rounds=share.rounds))
    np.testing.assert_array_equal(again.model.predict(rows.X), share.model.predict(rows.X))
