"""The metrics that the product knows by name."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.metrics._metric import Loss, Metric
from automl.task import Kind

Array = npt.NDArray[Any]


def _mean(values: Array, weight: Array | None) -> float:
    return float(np.average(values, weights=weight))


def _auc(positive: Array, score: Array, weight: Array | None) -> float:
    """The area under the ROC curve by ranks: ties count half. Half if there is one class only."""
    order = np.argsort(score, kind="stable")
    positive = positive[order]
    w = np.ones(len(order)) if weight is None else np.asarray(weight, float)[order]
    ordered = score[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    up = np.diff(np.cumsum(np.where(positive, w, 0.0))[last], prepend=0.0)
    down = np.diff(np.cumsum(np.where(positive, 0.0, w))[last], prepend=0.0)
    total = up.sum() * down.sum()
    below = np.cumsum(down) - down
    return float((up * (below + down / 2)).sum() / total) if total > 0 else 0.5


def _roc_auc(truth: Array, proba: Array, weight: Array | None) -> float:
    if proba.shape[1] == 2:
        return 1.0 - _auc(truth == 1, proba[:, 1], weight)
    present = [k for k in range(proba.shape[1]) if (truth == k).any()]
    return 1.0 - float(np.mean([_auc(truth == k, proba[:, k], weight) for k in present]))


def _log_loss(truth: Array, proba: Array, weight: Array | None) -> float:
    rows = np.arange(len(truth))
    chosen = proba[rows, truth.astype(np.int64)] / proba.sum(axis=1)
    return _mean(-np.log(np.clip(chosen, 1e-7, 1.0)), weight)


def _brier(truth: Array, proba: Array, weight: Array | None) -> float:
    hot = np.eye(proba.shape[1])[truth.astype(np.int64)]
    squares = ((proba - hot) ** 2).sum(axis=1)
    return _mean(squares / (2 if proba.shape[1] == 2 else 1), weight)


def _average_precision(truth: Array, proba: Array, weight: Array | None) -> float:
    from sklearn.metrics import average_precision_score

    classes = (
        [1] if proba.shape[1] == 2 else [k for k in range(proba.shape[1]) if (truth == k).any()]
    )
    if not (truth[:, None] == classes).any():
        return 1.0  # scikit-learn's value for rows without a positive one, of which it warns
    return 1.0 - float(
        np.mean(
            [
                average_precision_score(truth == k, proba[:, k], sample_weight=weight)
                for k in classes
            ]
        )
    )


def _accuracy(truth: Array, labels: Array, weight: Array | None) -> float:
    return 1.0 - _mean(truth == labels, weight)


def _balanced_accuracy(truth: Array, labels: Array, weight: Array | None) -> float:
    recalls = [
        _mean(labels[truth == k] == k, None if weight is None else weight[truth == k])
        for k in np.unique(truth)
    ]
    return 1.0 - float(np.mean(recalls))


def _f1(average: str) -> Loss:
    def loss(truth: Array, labels: Array, weight: Array | None) -> float:
        from sklearn.metrics import f1_score

        return 1.0 - float(
            f1_score(truth, labels, average=average, sample_weight=weight, zero_division=0.0)
        )

    return loss


def _mcc(truth: Array, labels: Array, weight: Array | None) -> float:
    from sklearn.metrics import matthews_corrcoef

    if (truth == truth[0]).all() and (labels == truth[0]).all():
        return 1.0  # scikit-learn's value for one class alone, of which it warns
    return 1.0 - float(matthews_corrcoef(truth, labels, sample_weight=weight))


def _rmse(truth: Array, value: Array, weight: Array | None) -> float:
    return float(np.sqrt(_mean((truth - value) ** 2, weight)))


def _mae(truth: Array, value: Array, weight: Array | None) -> float:
    return _mean(np.abs(truth - value), weight)


def _median_ae(truth: Array, value: Array, weight: Array | None) -> float:
    from sklearn.metrics import median_absolute_error

    return float(median_absolute_error(truth, value, sample_weight=weight))


def _mape(truth: Array, value: Array, weight: Array | None) -> float:
    return _mean(np.abs(truth - value) / np.maximum(np.abs(truth), np.finfo(float).eps), weight)


def _rmsle(truth: Array, value: Array, weight: Array | None) -> float:
    return _rmse(np.log1p(np.maximum(truth, 0.0)), np.log1p(np.maximum(value, 0.0)), weight)


def _r2(truth: Array, value: Array, weight: Array | None) -> float:
    spread = _mean((truth - np.average(truth, weights=weight)) ** 2, weight)
    return _mean((truth - value) ** 2, weight) / spread if spread > 0 else 0.0


def _pinball(level: float) -> Loss:
    def loss(truth: Array, value: Array, weight: Array | None) -> float:
        rest = truth - value
        return _mean(np.maximum(level * rest, (level - 1.0) * rest), weight)

    return loss


def pinball(name: str) -> Metric | None:
    """The pinball loss of a level that is written behind its name, as in `pinball_0.9`; None for other names."""
    found = re.fullmatch(r"pinball_(0?\.\d+)", name)
    if not found or not 0 < float(found[1]) < 1:
        return None
    level = float(found[1])
    about = f"pinball loss: what is predicted is the {level:g} quantile"
    return Metric(name, _pinball(level), "numbers", _NUMBER, False, "pinball", about, level=level)


_BOTH: tuple[Kind, ...] = ("binary", "multiclass")
_NUMBER: tuple[Kind, ...] = ("regression",)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "roc_auc",
            _roc_auc,
            "probabilities",
            _BOTH,
            True,
            "log_loss",
            "area under the ROC curve; the mean over classes, one against the rest",
            worst=0.0,
        ),
        Metric(
            "log_loss",
            _log_loss,
            "probabilities",
            _BOTH,
            False,
            "log_loss",
            "negative log-likelihood of the true class, in nats",
        ),
        Metric(
            "brier",
            _brier,
            "probabilities",
            _BOTH,
            False,
            "log_loss",
            "mean squared error of the probabilities",
        ),
        Metric(
            "average_precision",
            _average_precision,
            "probabilities",
            _BOTH,
            True,
            "log_loss",
            "area under the precision-recall curve",
            worst=0.0,
        ),
        Metric(
            "accuracy",
            _accuracy,
            "labels",
            _BOTH,
            True,
            "log_loss",
            "share of rows whose class is right",
            worst=0.0,
        ),
        Metric(
            "balanced_accuracy",
            _balanced_accuracy,
            "labels",
            _BOTH,
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
            _BOTH,
            True,
            "log_loss",
            "F1, the mean over classes",
            worst=0.0,
        ),
        Metric(
            "f1_weighted",
            _f1("weighted"),
            "labels",
            _BOTH,
            True,
            "log_loss",
            "F1, the mean over classes weighted by their rows",
            worst=0.0,
        ),
        Metric(
            "mcc",
            _mcc,
            "labels",
            _BOTH,
            True,
            "log_loss",
            "Matthews correlation coefficient",
            worst=-1.0,
        ),
        Metric(
            "rmse",
            _rmse,
            "numbers",
            _NUMBER,
            False,
            "rmse",
            "root mean squared error, in the target's unit",
        ),
        Metric(
            "mae",
            _mae,
            "numbers",
            _NUMBER,
            False,
            "mae",
            "mean absolute error, in the target's unit",
        ),
        Metric(
            "median_ae",
            _median_ae,
            "numbers",
            _NUMBER,
            False,
            "mae",
            "median absolute error, in the target's unit",
        ),
        Metric(
            "mape",
            _mape,
            "numbers",
            _NUMBER,
            False,
            "mae",
            "mean absolute error relative to the truth",
        ),
        Metric(
            "rmsle",
            _rmsle,
            "numbers",
            _NUMBER,
            False,
            "rmse",
            "root mean squared error of log(1 + value)",
        ),
        Metric(
            "pinball",
            _pinball(0.5),
            "numbers",
            _NUMBER,
            False,
            "mae",
            "pinball loss of the median; pinball_0.9: of another quantile",
        ),
        Metric("r2", _r2, "numbers", _NUMBER, True, "rmse", "share of the variance explained"),
    )
}
