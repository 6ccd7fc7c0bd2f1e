"""The ensemble is never worse than its best member on the rows it was chosen on, and calibration only ever helps there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.ensemble import Truth, combine, decide, greedy, sharpen, temperature, threshold, weights_by_id
from automl.metrics import METRICS


def noisy(seed: int, n_models: int, n_rows: int = 200) -> tuple[list[np.ndarray], Truth]:
    """Models that see the truth through noise of their own."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n_rows)
    return [y + rng.normal(scale=1 + k / 3, size=n_rows) for k in range(n_models)], Truth(y)


@given(st.integers(0, 50), st.integers(1, 6))
def test_greedy_is_never_worse_than_the_best_model(seed: int, n_models: int) -> None:
    predictions, truth = noisy(seed, n_models)
    weights = greedy(predictions, truth, METRICS["rmse"])
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    alone = min(METRICS["rmse"].of(truth.y, p) for p in predictions)
    assert METRICS["rmse"].of(truth.y, combine(predictions, weights)) <= alone + 1e-12


def test_independent_errors_are_averaged_out() -> None:
    predictions, truth = noisy(0, 4, 2000)
    together = METRICS["rmse"].of(truth.y, combine(predictions, greedy(predictions, truth, METRICS["rmse"])))
    assert together < 0.85 * min(METRICS["rmse"].of(truth.y, p) for p in predictions)


def test_a_copy_of_noise_gets_no_weight() -> None:
    predictions, truth = noisy(1, 1)
    noise = np.random.default_rng(9).normal(size=200) * 10
    assert weights_by_id(["good", "noise"], greedy([*predictions, noise], truth, METRICS["rmse"])) == {"good": 1.0}


@given(st.floats(0.3, 3.0), st.integers(0, 20))
def test_sharpening_keeps_the_order_of_classes_and_the_sum(heat: float, seed: int) -> None:
    proba = np.random.default_rng(seed).dirichlet([1, 1, 1], 50)
    sharp = sharpen(proba, heat)
    assert (sharp.argmax(1) == proba.argmax(1)).all()
    assert sharp.sum(1) == pytest.approx(1)


def test_the_temperature_mends_probabilities_that_are_too_sure() -> None:
    rng = np.random.default_rng(0)
    honest = rng.uniform(0.02, 0.98, 5000)
    y = (rng.random(5000) < honest).astype(float)
    too_sure = sharpen(np.column_stack([1 - honest, honest]), 0.4)
    found = temperature(too_sure, Truth(y), METRICS["log_loss"])
    assert found == pytest.approx(2.5, rel=0.15)


def test_honest_probabilities_are_left_alone() -> None:
    rng = np.random.default_rng(1)
    honest = rng.uniform(0.02, 0.98, 20000)
    y = (rng.random(20000) < honest).astype(float)
    assert temperature(np.column_stack([1 - honest, honest]), Truth(y), METRICS["log_loss"]) == 1.0


def test_the_threshold_finds_rare_positives_for_f1() -> None:
    rng = np.random.default_rng(0)
    chance = rng.beta(1, 8, 4000)
    y = (rng.random(4000) < chance).astype(float)
    proba = np.column_stack([1 - chance, chance])
    cut = threshold(proba, Truth(y), METRICS["f1"])
    assert cut < 0.4
    assert METRICS["f1"].loss(y, decide(proba, cut), None) < METRICS["f1"].loss(y, decide(proba, 0.5), None)
