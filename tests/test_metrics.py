"""Our metrics agree with scikit-learn's, weights and ties included."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import InputError
from automl.metrics import DEFAULT_METRICS, METRICS, metric_for

RNG = np.random.default_rng(0)
Y2 = (RNG.random(300) < 0.3).astype(float)
Y3 = RNG.integers(0, 3, 300).astype(float)
POSITIVE = (RNG.random(300).round(2) + Y2 / 3) / 1.4  # rounded, so that there are ties
P2 = np.column_stack([1 - POSITIVE, POSITIVE])
P3 = RNG.dirichlet([1, 1, 1], 300)
V = RNG.normal(5, 2, 300)
T = RNG.normal(5, 2, 300)
W = RNG.random(300)


def above_share(weight: np.ndarray | None) -> np.ndarray:
    """Return whether the probability exceeds the weighted share of positive rows."""
    return np.average(Y2, weights=weight) < POSITIVE


def as_many(weight: np.ndarray | None) -> np.ndarray:
    """Return positive labels for as large a share of the rows as is positive by weight."""
    share = np.average(Y2, weights=weight)
    return np.quantile(POSITIVE, 1 - share) <= POSITIVE


BINARY = {
    "roc_auc": lambda w: 1 - reference.roc_auc_score(Y2, POSITIVE, sample_weight=w),
    "log_loss": lambda w: reference.log_loss(Y2, P2, sample_weight=w),
    "brier": lambda w: reference.brier_score_loss(Y2, POSITIVE, sample_weight=w),
    "average_precision": lambda w: (
        1 - reference.average_precision_score(Y2, POSITIVE, sample_weight=w)
    ),
    "accuracy": lambda w: 1 - reference.accuracy_score(Y2, P2.argmax(1), sample_weight=w),
    "balanced_accuracy": lambda w: (
        1 - reference.balanced_accuracy_score(Y2, above_share(w), sample_weight=w)
    ),
    "f1": lambda w: 1 - reference.f1_score(Y2, as_many(w), sample_weight=w),
    "mcc": lambda w: 1 - reference.matthews_corrcoef(Y2, as_many(w), sample_weight=w),
}
MULTICLASS = {
    "log_loss": lambda w: reference.log_loss(Y3, P3, sample_weight=w),
    "accuracy": lambda w: 1 - reference.accuracy_score(Y3, P3.argmax(1), sample_weight=w),
    "f1_macro": lambda w: (
        1 - reference.f1_score(Y3, P3.argmax(1), average="macro", sample_weight=w)
    ),
    "f1_weighted": lambda w: (
        1 - reference.f1_score(Y3, P3.argmax(1), average="weighted", sample_weight=w)
    ),
}
REGRESSION = {
    "rmse": lambda w: reference.root_mean_squared_error(T, V, sample_weight=w),
    "mae": lambda w: reference.mean_absolute_error(T, V, sample_weight=w),
    "median_ae": lambda w: reference.median_absolute_error(T, V, sample_weight=w),
    "mape": lambda w: reference.mean_absolute_percentage_error(T, V, sample_weight=w),
    "r2": lambda w: 1 - reference.r2_score(T, V, sample_weight=w),
}


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", BINARY)
def test_binary_metrics_agree(name: str, weight: np.ndarray | None) -> None:
    assert METRICS[name].loss_of_output(Y2, P2, weight) == pytest.approx(BINARY[name](weight))


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", MULTICLASS)
def test_multiclass_metrics_agree(name: str, weight: np.ndarray | None) -> None:
    assert METRICS[name].loss_of_output(Y3, P3, weight) == pytest.approx(MULTICLASS[name](weight))


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", REGRESSION)
def test_regression_metrics_agree(name: str, weight: np.ndarray | None) -> None:
    assert METRICS[name].loss_of_output(T, V, weight) == pytest.approx(REGRESSION[name](weight))


def test_the_multiclass_auc_is_the_mean_over_classes() -> None:
    expected = reference.roc_auc_score(Y3, P3, multi_class="ovr", average="macro")
    assert METRICS["roc_auc"].loss_of_output(Y3, P3) == pytest.approx(1 - expected)


def test_equal_probabilities_are_not_positive_where_the_larger_ones_come_nearer_to_the_share() -> (
    None
):
    y = np.repeat([0, 1], [990, 10])
    proba = np.repeat([0.0, 0.3], [992, 8])
    labels = METRICS["f1"].guess_labels(y, np.column_stack([1 - proba, proba]))
    assert labels.sum() == 8


def test_negative_values_count_as_zero_in_rmsle() -> None:
    assert METRICS["rmsle"].loss_of_output(np.array([0.0, 3.0]), np.array([-5.0, 3.0])) == 0.0


def test_one_class_only_has_an_auc_of_a_half() -> None:
    proba = np.column_stack([np.ones(5), np.zeros(5)])
    assert METRICS["roc_auc"].loss_of_output(np.zeros(5), proba) == 0.5


@given(st.sampled_from(sorted(METRICS)), st.floats(-3, 3))
def test_the_score_of_a_lower_loss_is_better(name: str, loss: float) -> None:
    metric = METRICS[name]
    assert (metric.score(loss) > metric.score(loss + 1)) == metric.greater_is_better


def test_every_kind_of_task_has_a_default() -> None:
    for kind in DEFAULT_METRICS:
        assert kind in metric_for(None, kind).kinds  # type: ignore[arg-type]


def test_every_proxy_is_a_metric() -> None:
    assert {metric.proxy for metric in METRICS.values()} <= METRICS.keys()


def test_a_metric_of_another_task_is_refused() -> None:
    with pytest.raises(InputError, match="not defined for a regression task"):
        metric_for("roc_auc", "regression")


@pytest.mark.parametrize(
    ("name", "truth", "answer", "score"),
    [
        ("average_precision", np.zeros(4), P2[:4], 0.0),
        ("average_precision", np.ones(4), P2[:4], 1.0),
        ("mcc", np.zeros(4), np.zeros(4), 0.0),
        ("mcc", np.zeros(4), np.ones(4), 0.0),
        ("mcc", np.array([0, 1, 0, 1]), np.zeros(4), 0.0),
    ],
)
def test_a_sample_of_one_class_has_scikit_learns_score_without_its_warning(
    name: str, truth: np.ndarray, answer: np.ndarray, score: float
) -> None:
    assert METRICS[name].score(METRICS[name].loss(truth, answer, None)) == score
