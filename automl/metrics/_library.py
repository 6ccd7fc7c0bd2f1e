"""The metrics that the product knows by name."""

from __future__ import annotations

import re

import numpy as np

from automl.arrays import Array
from automl.metrics._metric import Loss, Metric
from automl.task import Kind

MIN_PROBABILITY = 1e-7  # that counts in the log loss


def _mean(values: Array, weight: Array | None) -> float:
    return float(np.average(values, weights=weight))


def _auc(is_positive: Array, score: Array, weight: Array | None) -> float:
    """Return the area under the ROC curve by ranks: ties count half.

    It is a half if there is only one class.
    """
    order = np.argsort(score, kind="stable")
    is_positive = is_positive[order]
    score = score[order]
    if weight is None:
        weight = np.ones(len(order))
    else:
        weight = np.asarray(weight, float)[order]
    is_last = np.append(score[1:] != score[:-1], True)  # row of each distinct score
    last = np.flatnonzero(is_last)
    positive_weight = np.where(is_positive, weight, 0.0)
    negative_weight = np.where(is_positive, 0.0, weight)
    positives = np.diff(np.cumsum(positive_weight)[last], prepend=0.0)
    negatives = np.diff(np.cumsum(negative_weight)[last], prepend=0.0)
    total = positives.sum() * negatives.sum()
    if not total > 0:
        return 0.5
    negatives_below = np.cumsum(negatives) - negatives
    ordered_pairs = positives * (negatives_below + negatives / 2)
    return float(ordered_pairs.sum() / total)


def _present_classes(truth: Array, n_classes: int) -> list[int]:
    return [code for code in range(n_classes) if (truth == code).any()]


def _roc_auc(truth: Array, proba: Array, weight: Array | None) -> float:
    n_classes = proba.shape[1]
    if n_classes == 2:
        return 1.0 - _auc(truth == 1, proba[:, 1], weight)
    areas = [
        _auc(truth == code, proba[:, code], weight) for code in _present_classes(truth, n_classes)
    ]
    return 1.0 - float(np.mean(areas))


def _log_loss(truth: Array, proba: Array, weight: Array | None) -> float:
    rows = np.arange(len(truth))
    codes = truth.astype(np.int64)
    of_truth = proba[rows, codes] / proba.sum(axis=1)
    clipped = np.clip(of_truth, MIN_PROBABILITY, 1.0)
    return _mean(-np.log(clipped), weight)


def _brier(truth: Array, proba: Array, weight: Array | None) -> float:
    n_classes = proba.shape[1]
    codes = truth.astype(np.int64)
    indicators = np.eye(n_classes)[codes]
    errors = (proba - indicators) ** 2
    divisor = 2 if n_classes == 2 else 1
    return _mean(errors.sum(axis=1) / divisor, weight)


def _average_precision(truth: Array, proba: Array, weight: Array | None) -> float:
    from sklearn.metrics import average_precision_score

    n_classes = proba.shape[1]
    classes = [1] if n_classes == 2 else _present_classes(truth, n_classes)
    if not np.isin(truth, classes).any():
        return 1.0  # scikit-learn's value for rows without a positive one, of which it warns
    precisions = [
        average_precision_score(truth == code, proba[:, code], sample_weight=weight)
        for code in classes
    ]
    return 1.0 - float(np.mean(precisions))


def _accuracy(truth: Array, labels: Array, weight: Array | None) -> float:
    return 1.0 - _mean(truth == labels, weight)


def _balanced_accuracy(truth: Array, labels: Array, weight: Array | None) -> float:
    recalls = []
    for code in np.unique(truth):
        is_class = truth == code
        class_weight = None if weight is None else weight[is_class]
        recall = _mean(labels[is_class] == code, class_weight)
        recalls.append(recall)
    return 1.0 - float(np.mean(recalls))


def _f1(average: str) -> Loss:
    def loss(truth: Array, labels: Array, weight: Array | None) -> float:
        from sklearn.metrics import f1_score

        score = f1_score(truth, labels, average=average, sample_weight=weight, zero_division=0.0)
        return 1.0 - float(score)

    return loss


def _mcc(truth: Array, labels: Array, weight: Array | None) -> float:
    from sklearn.metrics import matthews_corrcoef

    if (truth == truth[0]).all() and (labels == truth[0]).all():
        return 1.0  # scikit-learn's value for one class alone, of which it warns
    return 1.0 - float(matthews_corrcoef(truth, labels, sample_weight=weight))


def _rmse(truth: Array, value: Array, weight: Array | None) -> float:
    squares = (truth - value) ** 2
    return float(np.sqrt(_mean(squares, weight)))


def _mae(truth: Array, value: Array, weight: Array | None) -> float:
    return _mean(np.abs(truth - value), weight)


def _median_ae(truth: Array, value: Array, weight: Array | None) -> float:
    from sklearn.metrics import median_absolute_error

    return float(median_absolute_error(truth, value, sample_weight=weight))


def _mape(truth: Array, value: Array, weight: Array | None) -> float:
    magnitudes = np.maximum(np.abs(truth), np.finfo(float).eps)
    return _mean(np.abs(truth - value) / magnitudes, weight)


def _rmsle(truth: Array, value: Array, weight: Array | None) -> float:
    log_truth = np.log1p(np.maximum(truth, 0.0))
    log_value = np.log1p(np.maximum(value, 0.0))
    return _rmse(log_truth, log_value, weight)


def _r2(truth: Array, value: Array, weight: Array | None) -> float:
    mean = np.average(truth, weights=weight)
    spread = _mean((truth - mean) ** 2, weight)
    if not spread > 0:
        return 0.0
    return _mean((truth - value) ** 2, weight) / spread


def _pinball(level: float) -> Loss:
    def loss(truth: Array, value: Array, weight: Array | None) -> float:
        errors = truth - value
        losses = np.maximum(level * errors, (level - 1.0) * errors)
        return _mean(losses, weight)

    return loss


def pinball(name: str) -> Metric | None:
    """Return the pinball loss of the level that ends the name, as in `pinball_0.9`.

    Return None for other names.
    """
    match = re.fullmatch(r"pinball_(0?\.\d+)", name)
    if match is None:
        return None
    level = float(match[1])
    if not 0 < level < 1:
        return None
    about = f"pinball loss of predictions of the {level:g} quantile"
    return Metric(
        name,
        _pinball(level),
        "numbers",
        REGRESSION_TASKS,
        False,
        "pinball",
        about,
        quantile_level=level,
    )


CLASSES: tuple[Kind, ...] = ("binary", "multiclass")
REGRESSION_TASKS: tuple[Kind, ...] = ("regression",)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "roc_auc",
            _roc_auc,
            "probabilities",
            CLASSES,
            True,
            "log_loss",
            "area under the ROC curve; the mean over classes, one against the rest",
            worst=0.0,
        ),
        Metric(
            "log_loss",
            _log_loss,
            "probabilities",
            CLASSES,
            False,
            "log_loss",
            "negative log-likelihood of the true class, in nats",
        ),
        Metric(
            "brier",
            _brier,
            "probabilities",
            CLASSES,
            False,
            "log_loss",
            "mean squared error of the probabilities",
        ),
        Metric(
            "average_precision",
            _average_precision,
            "probabilities",
            CLASSES,
            True,
            "log_loss",
            "area under the precision-recall curve",
            worst=0.0,
        ),
        Metric(
            "accuracy",
            _accuracy,
            "labels",
            CLASSES,
            True,
            "log_loss",
            "share of rows whose class is right",
            worst=0.0,
        ),
        Metric(
            "balanced_accuracy",
            _balanced_accuracy,
            "labels",
            CLASSES,
            True,
            "log_loss",
            "mean recall over classes",
            worst=0.0,
        ),
        Metric(
            "f1",
            _f1("binary"),
            "labels",
            ("binary",),
            True,
            "log_loss",
            "F1 of the positive class",
            worst=0.0,
        ),
        Metric(
            "f1_macro",
            _f1("macro"),
            "labels",
            CLASSES,
            True,
            "log_loss",
            "F1, the mean over classes",
            worst=0.0,
        ),
        Metric(
            "f1_weighted",
            _f1("weighted"),
            "labels",
            CLASSES,
            True,
            "log_loss",
            "F1, the mean over classes weighted by their rows",
            worst=0.0,
        ),
        Metric(
            "mcc",
            _mcc,
            "labels",
            CLASSES,
            True,
            "log_loss",
            "Matthews correlation coefficient",
            worst=-1.0,
        ),
        Metric(
            "rmse",
            _rmse,
            "numbers",
            REGRESSION_TASKS,
            False,
            "rmse",
            "root mean squared error, in the target's unit",
        ),
        Metric(
            "mae",
            _mae,
            "numbers",
            REGRESSION_TASKS,
            False,
            "mae",
            "mean absolute error, in the target's unit",
        ),
        Metric(
            "median_ae",
            _median_ae,
            "numbers",
            REGRESSION_TASKS,
            False,
            "mae",
            "median absolute error, in the target's unit",
        ),
        Metric(
            "mape",
            _mape,
            "numbers",
            REGRESSION_TASKS,
            False,
            "mae",
            "mean absolute error relative to the truth",
        ),
        Metric(
            "rmsle",
            _rmsle,
            "numbers",
            REGRESSION_TASKS,
            False,
            "rmse",
            "root mean squared error of log(1 + value)",
        ),
        Metric(
            "pinball",
            _pinball(0.5),
            "numbers",
            REGRESSION_TASKS,
            False,
            "mae",
            "pinball loss of the median; pinball_0.9: of another quantile",
        ),
        Metric(
            "r2", _r2, "numbers", REGRESSION_TASKS, True, "rmse", "share of the variance explained"
        ),
    )
}
