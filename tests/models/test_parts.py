"""Values of the parts that families share: the target's coding, blocks, trees, the constant."""

from __future__ import annotations

import builtins
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from automl.budget import Budget
from automl.errors import UnsafeModel
from automl.metrics import metric_for
from automl.models import Feature, How, Sample, family
from automl.models._blocks import by_blocks
from automl.models._target import Target
from automl.models._trees import Trees
from automl.models.constant import constant
from automl.models.knn import KNNModel
from automl.models.linear import Linear
from automl.task import Task

HOW = How(
    Task("multiclass", "y", "log_loss", ("a", "b", "c", "d")),
    metric_for("log_loss", "multiclass"),
    0,
    1,
)
NUMBERS = How(Task("regression", "y", "rmse"), metric_for("rmse", "regression"), 0, 1)


def asking(metric: str, rounds: int | None = None) -> How:
    """A regression by this metric."""
    return How(
        Task("regression", "y", metric), metric_for(metric, "regression"), 0, 1, rounds=rounds
    )


def sample_of(y: list[float], weight: list[float] | None = None) -> Sample:
    X = np.arange(len(y), dtype=np.float32)[:, None]
    return Sample(
        X,
        (Feature("x", "x"),),
        np.array(y, float),
        None if weight is None else np.array(weight, float),
    )


def test_classes_are_numbered_without_the_absent_ones_and_keep_their_columns() -> None:
    train = sample_of([3, 1, 3, 0], [1, 1, 2, 0])
    target = Target.of(train, HOW)
    assert target == Target(4, (1, 3))
    coded = target.code(train)
    assert coded.y.tolist() == [1, 0, 1]
    assert coded.weight is not None
    assert coded.weight.mean() == pytest.approx(1)
    assert target.code(sample_of([0, 1, 2, 3])).X[:, 0].tolist() == [1, 3]
    assert target.spread(np.array([0.25])).tolist() == [[0, 0.75, 0, 0.25]]
    assert target.decode(coded.y).tolist() == [3, 1, 3]


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20))
def test_numbers_are_coded_and_back(y: list[float]) -> None:
    target = Target.of(sample_of(y), NUMBERS)
    coded = target.code(sample_of(y)).y
    np.testing.assert_allclose(
        target.spread(coded), y, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(y).max())
    )
    assert Target.from_state(target.to_state()) == target


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=20))
def test_logarithms_stand_for_numbers_where_the_metric_is_about_them(y: list[float]) -> None:
    target = Target.of(sample_of(y), asking("rmsle"))
    np.testing.assert_allclose(target.spread(target.code(sample_of(y)).y), y, rtol=1e-6, atol=1e-6)
    assert Target.from_state(target.to_state()) == target


def test_rows_weigh_by_what_one_is_of_their_number_where_relative_errors_count() -> None:
    train = sample_of([1, 2, 4, 0])
    coded = Target.of(train, asking("mape")).code(train)
    assert coded.weight is not None
    assert (coded.weight / coded.weight[0]).tolist() == pytest.approx([1, 1 / 2, 1 / 4, 1 / 0.015])


@pytest.mark.parametrize("metric", ["rmsle", "mape"])
@pytest.mark.parametrize(
    "name", ["constant", "linear", "lightgbm", "catboost", "xgboost", "random_forest", "mlp"]
)
def test_what_the_metric_is_about_is_learnt(name: str, metric: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2)).astype(np.float32)
    y = np.exp(2 + X[:, 0] + rng.normal(size=600))
    rows, kind = Sample(X, (Feature("a", "a"), Feature("b", "b")), y), family(name)
    params = {"n_estimators": 60} if name == "random_forest" else {}

    def loss(how: How) -> float:
        fitted = kind.fit(kind.prepare(rows, None, params, how), params, how)
        return asking(metric).metric.of(y, fitted.model.predict(X))

    assert loss(asking(metric, rounds=40)) < 0.9 * loss(asking("rmse", rounds=40))


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
def test_a_senseless_coding_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(UnsafeModel):
        Target.from_state(state)


def test_blocks_are_all_of_one_size() -> None:
    sizes = []

    def double(block: Any) -> Any:
        sizes.append(block.shape)
        return block * 2

    X = np.arange(14, dtype=np.float32).reshape(7, 2)
    np.testing.assert_array_equal(by_blocks(double, X, rows=3), X * 2)
    assert sizes == [(3, 2)] * 3


def test_the_constant_is_the_mean_or_the_median() -> None:
    train = sample_of([0, 1, 5, 100], [1, 1, 1, 0])
    assert constant(train, NUMBERS).value == 2
    absolute = How(Task("regression", "y", "mae"), metric_for("mae", "regression"), 0, 1)
    assert constant(train, absolute).value == 1
    assert constant(sample_of([1, 2]), absolute).value == 1.5
    assert constant(sample_of([0, 1, 1, 3]), HOW).value.tolist() == [0.25, 0.5, 0, 0.25]


def forest_of(
    kind: str, missing: bool
) -> tuple[Any, Trees, np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype(np.float32)
    X[:, 2] = np.round(X[:, 2])
    y = X[:, 0] + X[:, 2]
    if missing:
        X[rng.random(X.shape) < 0.2] = np.nan
    made = (
        ExtraTreesRegressor(20, random_state=0)
        if kind == "numbers"
        else ExtraTreesClassifier(20, random_state=0)
    )
    made.fit(X, y if kind == "numbers" else np.digitize(y, [0.0] if kind == "two" else [-1.0, 1.0]))
    return made, Trees.of([tree.tree_ for tree in made.estimators_]), X


@pytest.mark.parametrize("kind", ["numbers", "two", "three"])
@pytest.mark.parametrize("missing", [False, True])
def test_trees_answer_as_scikit_learn_does(
    kind: str, missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, trees, X = forest_of(kind, missing)
    expected = (
        made.predict(X)[:, None]
        if kind == "numbers"
        else made.predict_proba(X)[:, 1 if kind == "two" else 0 :]
    )
    found = trees.predict(X)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(
        found, np.concatenate([trees.predict(X[start : start + 50]) for start in range(0, 300, 50)])
    )

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without)
    np.testing.assert_array_equal(trees.predict(X), found)


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("right", 0, 1),
        ("right", 0, 10**6),
        ("right", 0, -5),
        ("feature", 0, 4),
        ("feature", 0, -1),
        ("threshold", 0, np.nan),
    ],
)
def test_trees_that_lead_out_of_bounds_are_refused(name: str, place: int, value: float) -> None:
    state = forest_of("two", False)[1].to_state()
    Trees.from_state(state)
    spoilt = state[name].copy()
    spoilt[place] = value
    with pytest.raises(UnsafeModel):
        Trees.from_state(state | {name: spoilt})
    with pytest.raises(UnsafeModel):
        Trees.from_state(state | {name: state[name][:-1]})


def test_an_l1_penalty_leaves_few_coefficients() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 30)).astype(np.float32)
    train = Sample(
        X,
        tuple(Feature(f"x{place}", f"x{place}") for place in range(30)),
        np.asarray(3 * X[:, 0], np.float64),
    )
    linear = Linear()
    kept = {}
    for penalty in ("l1", "l2"):
        params = {"C": 0.02, "penalty": penalty}
        state = linear.fit(
            linear.prepare(train, None, params, NUMBERS), params, NUMBERS
        ).model.to_state()
        kept[penalty] = int((np.abs(state["coefficients"]) > 1e-6).sum())
    assert kept == {"l1": 1, "l2": 30}


def test_the_linear_model_agrees_with_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6)).astype(np.float32)
    y = (X[:, 0] - X[:, 1] + rng.normal(size=400) > 0).astype(float)
    how = How(Task("binary", "y", "log_loss", ("a", "b")), metric_for("log_loss", "binary"), 0, 1)
    train = Sample(X, tuple(Feature(f"x{place}", f"x{place}") for place in range(6)), y)
    linear = family("linear")
    found = linear.fit(linear.prepare(train, None, {"C": 0.5}, how), {"C": 0.5}, how).model.predict(
        X
    )
    np.testing.assert_allclose(
        found, LogisticRegression(C=0.5).fit(X, y).predict_proba(X), atol=2e-3
    )


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("by_distance", [False, True])
def test_neighbours_are_exact_wherever_a_row_stands(p: int, by_distance: bool) -> None:
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(1_000, 33)), 1).astype(np.float32)
    X[:, 5] *= 100
    model = KNNModel(
        X[:700], rng.normal(size=700), rng.uniform(1, 2, 700), 9, by_distance, p, Target(0)
    )
    whole = model.predict(X[600:])
    order = rng.permutation(400)
    np.testing.assert_array_equal(model.predict(X[600:][order]), whole[order])
    apart = (np.abs(X[600:, None, :].astype(float) - X[None, :700]) ** p).sum(axis=2) ** (1 / p)
    nearest = np.argsort(apart, axis=1)[:, :9]
    distance = np.take_along_axis(apart, nearest, axis=1)
    share = model.weight[nearest] / (np.maximum(distance, 1e-3) if by_distance else 1.0)
    np.testing.assert_allclose(
        whole, (share * model.y[nearest]).sum(axis=1) / share.sum(axis=1), rtol=1e-9
    )


def test_neighbours_at_one_distance_share_what_is_left() -> None:
    train = Sample(
        np.array([[0.0], [1.0], [-1.0], [9.0]], np.float32),
        (Feature("x", "x"),),
        np.array([0.0, 3.0, 6.0, 100.0]),
    )
    params = {"k": 2, "weights": "uniform"}
    knn = family("knn")
    model = knn.fit(knn.prepare(train, None, params, NUMBERS), params, NUMBERS).model
    assert model.predict(np.zeros((1, 1), np.float32))[0] == pytest.approx((0 + 4.5) / 2)


def test_a_lightgbm_model_predicts_where_the_other_libraries_are_missing(tmp_path: Any) -> None:
    import json
    import subprocess
    import sys

    train = Sample(
        np.arange(60, dtype=np.float32)[:, None], (Feature("x", "x"),), np.arange(60) % 4 * 1.0
    )
    lightgbm = family("lightgbm")
    how = How(HOW.task, HOW.metric, 0, 1, rounds=3)
    model = lightgbm.fit(lightgbm.prepare(train, None, {}, how), {}, how).model
    state = model.to_state()
    (tmp_path / "booster").write_bytes(state["booster"])
    code = f"""
import sys
for name in ("sklearn", "xgboost", "catboost", "optuna"):
    sys.modules[name] = None
import json, numpy as np
from automl.models import family
state = {{"booster": open({str(tmp_path / "booster")!r}, "rb").read(), "target": {state["target"]!r}}}
print(json.dumps(family("lightgbm").restore(state).predict(np.arange(9, dtype=np.float32)[:, None]).tolist()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == model.predict(train.X[:9]).tolist()


@pytest.mark.parametrize("name", ["extra_trees", "random_forest"])
def test_a_forest_that_answers_with_others_grows_a_share_of_its_trees(name: str) -> None:
    grower, rows = family(name), sample_of([*range(40)])
    alone = replace(
        NUMBERS, budget=Budget(time.monotonic() + 600)
    )  # without a clock there are fewer
    others = replace(alone, models=8)
    one = grower.fit(grower.prepare(rows, None, {}, alone), {}, alone)
    share = grower.fit(grower.prepare(rows, None, {}, others), {}, others)
    assert [len(model.trees.offsets) - 1 for model in (one.model, share.model, share.kept)] == [
        300,
        107,
        75,
    ]
    assert one.rounds == share.rounds == 300
    again = grower.fit(
        grower.prepare(rows, None, {}, others), {}, replace(others, rounds=share.rounds)
    )
    np.testing.assert_array_equal(again.model.predict(rows.X), share.model.predict(rows.X))
