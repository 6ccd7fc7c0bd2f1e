"""The ensemble is at least as good as its best member, and calibration helps, on its own rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.ensemble import (
    Truth,
    apply_temperature,
    apply_thresholds,
    choose_thresholds,
    combine,
    fit_log_pool,
    fit_temperature,
    select_greedily,
    weights_by_id,
)
from automl.metrics import METRICS


def noisy(seed: int, n_models: int, n_rows: int = 200) -> tuple[list[np.ndarray], Truth]:
    """Models that see the truth through noise of their own."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n_rows)
    return [y + rng.normal(scale=1 + k / 3, size=n_rows) for k in range(n_models)], Truth(y)


@given(st.integers(0, 50), st.integers(1, 6))
def test_greedy_is_never_worse_than_the_best_model(seed: int, n_models: int) -> None:
    predictions, truth = noisy(seed, n_models)
    weights = select_greedily(predictions, truth, METRICS["rmse"])
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    alone = min(METRICS["rmse"].loss_of_output(truth.y, p) for p in predictions)
    assert METRICS["rmse"].loss_of_output(truth.y, combine(predictions, weights)) <= alone + 1e-12


def test_independent_errors_are_averaged_out() -> None:
    predictions, truth = noisy(0, 4, 2000)
    together = METRICS["rmse"].loss_of_output(
        truth.y, combine(predictions, select_greedily(predictions, truth, METRICS["rmse"]))
    )
    assert together < 0.85 * min(METRICS["rmse"].loss_of_output(truth.y, p) for p in predictions)


def test_where_time_is_short_fewer_models_are_added() -> None:
    predictions, truth = noisy(0, 4, 2000)
    hurried = select_greedily(
        predictions, truth, METRICS["rmse"], has_time=iter([True, False]).__next__
    )
    np.testing.assert_array_equal(
        hurried, select_greedily(predictions, truth, METRICS["rmse"], steps=2)
    )


def test_a_copy_of_noise_gets_no_weight() -> None:
    predictions, truth = noisy(1, 1)
    noise = np.random.default_rng(9).normal(size=200) * 10
    assert weights_by_id(
        ["good", "noise"], select_greedily([*predictions, noise], truth, METRICS["rmse"])
    ) == {"good": 1.0}


@given(st.floats(0.3, 3.0), st.integers(0, 20))
def test_sharpening_keeps_the_order_of_classes_and_the_sum(heat: float, seed: int) -> None:
    proba = np.random.default_rng(seed).dirichlet([1, 1, 1], 50)
    sharp = apply_temperature(proba, heat)
    assert (sharp.argmax(1) == proba.argmax(1)).all()
    assert sharp.sum(1) == pytest.approx(1)


def test_the_temperature_corrects_probabilities_that_are_too_sure() -> None:
    rng = np.random.default_rng(0)
    honest = rng.uniform(0.02, 0.98, 5000)
    y = (rng.random(5000) < honest).astype(float)
    too_sure = apply_temperature(np.column_stack([1 - honest, honest]), 0.4)
    found = fit_temperature(too_sure, Truth(y), METRICS["log_loss"])
    assert found == pytest.approx(2.5, rel=0.15)


def test_honest_probabilities_are_left_alone() -> None:
    rng = np.random.default_rng(1)
    honest = rng.uniform(0.02, 0.98, 20000)
    y = (rng.random(20000) < honest).astype(float)
    assert (
        fit_temperature(np.column_stack([1 - honest, honest]), Truth(y), METRICS["log_loss"]) == 1.0
    )


EVEN = np.full(2, 0.5)


def rare(n_rows: int, seed: int = 0) -> tuple[np.ndarray, Truth]:
    """True probabilities of a rare positive class, and what came of them."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 8, n_rows)
    return np.column_stack([1 - chance, chance]), Truth((rng.random(n_rows) < chance).astype(float))


def test_the_threshold_finds_rare_positives_for_f1() -> None:
    proba, truth = rare(4000)
    found = choose_thresholds(proba, truth, METRICS["f1"])
    assert found[1] < 0.4
    assert METRICS["f1"].loss(truth.y, apply_thresholds(proba, found), None) < METRICS["f1"].loss(
        truth.y, apply_thresholds(proba, EVEN), None
    )


def test_thresholds_favour_rare_classes_where_the_metric_does() -> None:
    rng = np.random.default_rng(0)
    proba = rng.dirichlet([0.2, 1, 5], 5000)
    truth = Truth(np.array([rng.choice(3, p=row) for row in proba], float))
    found = choose_thresholds(proba, truth, METRICS["balanced_accuracy"])
    assert found.sum() == pytest.approx(1)
    assert found[0] < found[1] < found[2]
    loss = METRICS["balanced_accuracy"].loss
    assert loss(truth.y, apply_thresholds(proba, found), None) < 0.9 * loss(
        truth.y, apply_thresholds(proba, np.ones(3)), None
    )
    assert choose_thresholds(proba, truth, METRICS["accuracy"]).tolist() == [1 / 3] * 3


def noisy_proba(chance: np.ndarray, seed: int, noise: float) -> np.ndarray:
    """Probabilities of two classes through noise of their logits."""
    logits = np.log(chance / (1 - chance)) + np.random.default_rng(seed).normal(
        scale=noise, size=len(chance)
    )
    return np.column_stack([1 / (1 + np.exp(logits)), 1 / (1 + np.exp(-logits))])


def test_the_pool_is_better_than_its_best_model_and_gives_noise_little_weight() -> None:
    rng = np.random.default_rng(0)
    chance = rng.uniform(0.05, 0.95, 4000)
    truth = Truth((rng.random(4000) < chance).astype(float))
    models = [*(noisy_proba(chance, seed, 1.0) for seed in range(3)), rng.dirichlet([1, 1], 4000)]
    weights = fit_log_pool(models, truth)
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= 0
    assert weights[3] < weights[:3].min() / 3
    log_loss = METRICS["log_loss"]
    assert log_loss.loss_of_output(truth.y, combine(models, weights)) < 0.97 * min(
        log_loss.loss_of_output(truth.y, model) for model in models
    )


def test_a_strong_ridge_makes_the_pool_equal() -> None:
    chance = np.linspace(0.05, 0.95, 200)
    truth = Truth((np.random.default_rng(0).random(200) < chance).astype(float))
    models = [noisy_proba(chance, 0, 0.1), noisy_proba(chance, 1, 5.0)]
    weights = fit_log_pool(models, truth, ridge=100.0)
    assert weights == pytest.approx([0.5, 0.5], abs=0.01)


def test_rows_without_weight_do_not_count_in_the_pool() -> None:
    rng = np.random.default_rng(0)
    chance = rng.uniform(0.05, 0.95, 300)
    y, models = (
        (rng.random(300) < chance).astype(float),
        [noisy_proba(chance, seed, 1.0) for seed in range(2)],
    )
    weight = np.repeat([1.0, 0.0], 150)
    half = fit_log_pool([model[:150] for model in models], Truth(y[:150]))
    assert fit_log_pool(models, Truth(y, weight)) == pytest.approx(half, abs=1e-4)
