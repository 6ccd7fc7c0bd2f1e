"""Tails of errors are found and drawn from; mistakes between classes are made now and then."""

from __future__ import annotations

import numpy as np
import pytest

from automl.ensemble import Truth
from automl.error_tails import Tail, worsening
from automl.metrics import METRICS, metric_for


@pytest.mark.parametrize("shape", [0.0, 0.3, 0.6])
def test_a_tail_has_the_shape_and_scale_of_its_distribution(shape: float) -> None:
    drawn = np.random.default_rng(0).exponential(size=(50, 10_000))
    errors = 2.0 * (np.expm1(shape * drawn) / shape if shape else drawn)
    found = [Tail.of(row) for row in errors]
    assert np.mean([tail.shape for tail in found]) == pytest.approx(shape, abs=0.1)
    scales = [
        tail.scale / (2.0 + shape * tail.threshold) for tail in found
    ]  # it grows with what lies below
    assert np.mean(scales) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("errors", [np.zeros(50), np.ones(50), np.ones(1), np.array([0.0, 1.0])])
def test_errors_without_a_tail_are_left_as_they_are(errors: np.ndarray) -> None:
    y, rows = np.zeros(len(errors)), np.arange(len(errors))
    assert (
        Tail.of(errors).redraw_large(y, errors, rows, np.random.default_rng(0)).tolist()
        == errors.tolist()
    )


def test_only_the_errors_of_the_tail_are_drawn_anew_and_they_keep_their_side() -> None:
    rng = np.random.default_rng(0)
    y, prediction, rows = np.zeros(400), rng.normal(size=400), np.arange(400)
    tail = Tail.of(y - prediction)
    worse = tail.redraw_large(y, prediction, rows, rng)
    large = np.abs(prediction) > tail.threshold
    assert large.sum() == 20
    assert np.array_equal(worse[~large], prediction[~large])
    assert (np.sign(worse[large]) == np.sign(prediction[large])).all()
    assert (np.abs(worse[large]) > tail.threshold).all()


def test_about_one_row_is_predicted_as_another_one_was() -> None:
    rng = np.random.default_rng(0)
    prediction = np.arange(200)
    worsen = worsening(prediction, Truth(prediction * 1.0), METRICS["accuracy"])
    assert worsen is not None
    changed = [int((worsen(prediction, rng) != prediction).sum()) for _ in range(500)]
    assert np.mean(changed) == pytest.approx(1.0, abs=0.15)


def test_metrics_that_may_not_be_defined_for_worse_predictions_get_none() -> None:
    truth = Truth(np.arange(1.0, 9.0))
    for name in ("mape", "rmsle", "neg_mean_poisson_deviance"):
        assert worsening(truth.y, truth, metric_for(name, "regression")) is None
