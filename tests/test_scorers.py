"""Runs optimise any scorer of scikit-learn by its name, any Python function, and quantiles."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    get_scorer_names,
    make_scorer,
    mean_pinball_loss,
    mean_squared_error,
)

from automl import AutoMLClassifier, AutoMLRegressor, InputError, load
from automl.extrapolation import widen_interval
from automl.metrics import METRICS, is_function, metric_for, metric_of, register_function
from automl.models import Sample, find_family
from automl.task import Kind, Task
from tests.models.test_contract import how_of, rows_of

TRUTH = np.array([0.0, 1, 1, 0, 1])
PROBA = np.array([[0.7, 0.3], [0.4, 0.6], [0.6, 0.4], [0.8, 0.2], [0.1, 0.9]])
KINDS: tuple[Kind, ...] = ("binary", "multiclass", "regression")


def kinds_of(name: str) -> set[str]:
    found = set()
    for kind in KINDS:
        try:
            metric_for(name, kind)
            found.add(kind)
        except InputError:
            pass
    return found


def test_every_scorer_but_those_of_several_labels_per_row_is_for_some_kind_of_task() -> None:
    unsuited = {name for name in get_scorer_names() if not kinds_of(name)}
    assert unsuited == {f"{name}_samples" for name in ("f1", "jaccard", "precision", "recall")}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("neg_log_loss", {"binary", "multiclass"}),
        ("precision", {"binary"}),
        ("recall_macro", {"binary", "multiclass"}),
        ("roc_auc_ovo", {"binary", "multiclass"}),
        ("top_k_accuracy", {"binary", "multiclass"}),
        ("neg_mean_absolute_error", {"regression"}),
        ("neg_max_error", {"regression"}),
        ("explained_variance", {"regression"}),
    ],
)
def test_a_scorer_is_for_the_tasks_that_it_is_defined_for(name: str, kinds: set[str]) -> None:
    assert kinds_of(name) == kinds


def test_a_scorers_score_is_what_scikit_learn_gives() -> None:
    metric = metric_for("neg_log_loss", "binary")
    assert metric.score(metric.loss_of_output(TRUTH, PROBA)) == pytest.approx(
        -METRICS["log_loss"].loss_of_output(TRUTH, PROBA)
    )
    precision = metric_for("precision", "binary")
    assert precision.score(precision.loss_of_output(TRUTH, PROBA)) == 1.0
    assert precision.loss_of_output(TRUTH, PROBA) == 0.0


def test_a_class_that_no_row_has_does_not_confuse_a_scorer_of_probabilities() -> None:
    thirds = np.full((4, 3), 1 / 3)
    loss = metric_for("neg_log_loss", "multiclass").loss_of_output(np.array([0.0, 1, 1, 0]), thirds)
    assert loss == pytest.approx(np.log(3))


def test_weights_are_passed_on_or_refused() -> None:
    weight = np.array([1.0, 0, 0, 0, 0])
    loss = metric_for("neg_log_loss", "binary").loss_of_output(TRUTH, PROBA, weight)
    assert loss == pytest.approx(-np.log(0.7))
    with pytest.raises(InputError, match="max_error takes no weights"):
        metric_for("neg_max_error", "regression").loss_of_output(TRUTH, TRUTH, weight)


def cost(truth: np.ndarray, answer: np.ndarray) -> float:
    """Return minus the mean cost; a missed yes costs ten times a false one."""
    costs = np.where(truth == "yes", 10 * (answer == "no"), answer == "yes")
    return -float(costs.mean())


def test_a_function_gets_labels_as_the_user_knows_them() -> None:
    task = Task("binary", "y", register_function(cost), ("no", "yes"))
    metric = metric_of(task)
    assert is_function(task.metric)
    assert metric.score(metric.loss(TRUTH, PROBA.argmax(axis=1), None)) == pytest.approx(-10 / 5)
    assert register_function(cost) == task.metric


def test_an_unknown_function_can_be_named_but_not_computed() -> None:
    metric = metric_of(Task("binary", "y", "lost.and_gone@0a1b2c3d", ("no", "yes")))
    assert metric.score(-3.0) == 3.0
    with pytest.raises(InputError, match="a Python function that is not known here"):
        metric.loss_of_output(TRUTH, PROBA)


def churn() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = make_classification(400, 6, random_state=0, weights=[0.8], flip_y=0.1)
    return pd.DataFrame(X, columns=list("abcdef")), np.where(y == 1, "yes", "no")


def test_a_function_is_what_a_run_optimises(tmp_path: Path) -> None:
    X, y = churn()
    model = AutoMLClassifier(
        metric=cost, pipeline="linear", trials=3, n_jobs=2, output=tmp_path / "run"
    ).fit(X, y)
    plain = AutoMLClassifier(pipeline="linear", trials=3, engine="inline").fit(X, y)
    assert cost(y, model.predict(X)) > cost(y, plain.predict(X))  # the threshold follows the cost
    assert model.leaderboard_["metric"][0].startswith("tests.test_scorers.cost@")
    model.save(tmp_path / "m.automl")
    assert (load(tmp_path / "m.automl").predict(X) == model.predict(X)).all()


def test_a_lambda_in_a_scorer_of_probabilities() -> None:
    X, y = churn()
    scorer = make_scorer(
        lambda truth, proba: float(((truth == "yes") - proba).std()),
        greater_is_better=False,
        response_method="predict_proba",
    )
    model = AutoMLClassifier(metric=scorer, pipeline="linear", trials=3, engine="inline").fit(X, y)
    assert model.leaderboard_["score"][0] == pytest.approx(-0.3, abs=0.15)


def test_scorers_and_functions_of_numbers_are_optimised_too() -> None:
    X, y = make_regression(200, 4, noise=5, random_state=0)
    for metric in (
        "neg_median_absolute_error",
        lambda truth, answer: -float(np.abs(truth - answer).max()),
    ):
        model = AutoMLRegressor(metric=metric, pipeline="linear", trials=2, engine="inline").fit(
            X, y
        )
        assert -60 < model.leaderboard_["score"][0] < 0


@pytest.mark.parametrize("level", [0.1, 0.9])
@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost", "linear", "constant"])
def test_a_quantile_is_what_a_family_learns(name: str, level: float) -> None:
    model_family = find_family(name)
    noise = np.random.default_rng(2).exponential(400, (2, 1_500))
    train = with_noise(rows_of("regression", False, 1_500), noise[0])
    held = with_noise(rows_of("regression", False, 1_500, seed=1), noise[1])
    how = how_of("regression", f"pinball_{level}")
    params = model_family.defaults(how.task)
    prepared = model_family.prepare(train, held, params, how)
    answer = model_family.fit(prepared, params, how).model.predict(held.X)
    share_below = (held.y <= answer).mean()
    assert share_below == pytest.approx(level, abs=0.12)  # trees reach a bit too little
    expected = mean_pinball_loss(held.y, answer, alpha=level)
    assert how.metric.loss_of_output(held.y, answer) == pytest.approx(expected)


def with_noise(sample: Sample, noise: np.ndarray) -> Sample:
    return Sample(sample.X, sample.features, sample.y + noise)


def test_a_level_above_1_is_not_a_quantile() -> None:
    with pytest.raises(InputError, match=r"no metric 'pinball_1\.5'"):
        metric_for("pinball_1.5", "regression")


def test_a_metric_that_fails_on_these_labels_or_weights_is_refused_at_once() -> None:
    X, y = churn()
    for metric, message in (
        (f1_score, "pos_label=1 is not a valid label"),
        (lambda t, p: 1 / 0, "division by zero"),
        (lambda t, p: np.nan, "nan"),
    ):
        with pytest.raises(InputError, match=message):
            AutoMLClassifier(metric=metric, pipeline="linear", trials=2, engine="inline").fit(X, y)
    with pytest.raises(InputError, match="takes no weights"):
        AutoMLClassifier(metric=cost, pipeline="linear", trials=2, engine="inline").fit(
            X, y, sample_weight=np.ones(len(y)) / 2
        )


def test_an_error_of_scikit_learn_is_not_taken_for_a_score() -> None:
    with pytest.raises(InputError, match="make_scorer"):
        register_function(mean_squared_error)
    assert is_function(register_function(make_scorer(mean_squared_error, greater_is_better=False)))


def test_the_positive_class_is_the_one_that_the_scorer_names() -> None:
    scorer = make_scorer(average_precision_score, response_method="predict_proba", pos_label="no")
    metric = metric_of(Task("binary", "y", register_function(scorer), ("no", "yes")))
    expected = average_precision_score(1 - TRUTH, PROBA[:, 0])
    assert metric.score(metric.loss_of_output(TRUTH, PROBA)) == pytest.approx(expected)


def test_a_fitted_estimator_with_a_lambda_can_be_pickled() -> None:
    X, y = churn()
    model = AutoMLClassifier(
        metric=lambda t, p: float((t == p).mean()), pipeline="linear", trials=2, engine="inline"
    ).fit(X, y)
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()


@pytest.mark.parametrize(
    ("name", "kind", "worst"),
    [
        ("precision", "binary", 0.0),
        ("recall_macro", "multiclass", 0.0),
        ("jaccard", "binary", 0.0),
        ("top_k_accuracy", "multiclass", 0.0),
        ("matthews_corrcoef", "binary", -1.0),
        ("d2_log_loss_score", "binary", -np.inf),
        ("positive_likelihood_ratio", "binary", -np.inf),
        ("explained_variance", "regression", -np.inf),
    ],
)
def test_a_scorers_interval_ends_where_its_scores_do(name: str, kind: str, worst: float) -> None:
    labels = {"regression": (), "binary": ("a", "b"), "multiclass": ("a", "b", "c")}
    metric = metric_of(Task(kind, "y", name, labels[kind]))
    assert metric.worst == worst
    low, high = widen_interval(metric.best - 0.05, 0.0, 2.0, 3.0, metric)
    assert metric.score(high) >= worst
    assert metric.score(low) <= 1.0 or metric.best == 0.0
