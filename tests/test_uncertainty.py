"""Intervals hold the loss, ties are found, and the luck of choosing the best is subtracted."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.ensemble import Truth, combine, fit_log_pool, select_greedily
from automl.extrapolation import (
    Block,
    default_n_new_rows,
    later_loss_interval,
    widen_interval,
    widening_factor,
)
from automl.metrics import METRICS
from automl.uncertainty import (
    Sampler,
    bootstrap_interval,
    estimate_optimism,
    find_ties,
    loss_difference,
    lower_end_on_fewer_rows,
)
from tests.test_ensemble import noisy

GREEDY = partial(select_greedily, metric=METRICS["rmse"], steps=10)


def test_the_interval_holds_the_loss_and_narrows_with_rows() -> None:
    widths = []
    for n_rows in (200, 3200):
        predictions, truth = noisy(0, 1, n_rows)
        low, high = bootstrap_interval(predictions[0], truth, METRICS["rmse"])
        assert low < METRICS["rmse"].loss_of_output(truth.y, predictions[0]) < high
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.4)


def test_an_interval_is_found_on_fewer_samples_where_time_is_short() -> None:
    predictions, truth = noisy(0, 1, 200)
    asked = iter([True] * 10 + [False])
    hurried = bootstrap_interval(
        predictions[0], truth, METRICS["rmse"], has_time=lambda: next(asked)
    )
    assert hurried == bootstrap_interval(predictions[0], truth, METRICS["rmse"], rounds=30)
    assert list(asked) == []


def test_a_metric_that_fails_on_some_samples_is_computed_on_the_others() -> None:
    def fragile(y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None) -> float:
        if y[0] == truth.y[0]:
            raise ValueError("not enough values to unpack")
        return float(np.mean(np.abs(y - prediction)))

    predictions, truth = noisy(0, 1, 20)
    metric = replace(METRICS["mae"], loss=fragile)
    low, high = bootstrap_interval(predictions[0], truth, metric)
    assert 0 < low < high < 10
    assert find_ties(predictions * 2, truth, metric) == [True, True]


@pytest.mark.parametrize(("worse", "is_tied"), [(0.0, True), (0.001, True), (0.5, False)])
def test_a_model_is_tied_with_the_best_unless_its_error_is_plainly_larger(
    worse: float, is_tied: bool
) -> None:
    rng = np.random.default_rng(0)
    truth = Truth(rng.normal(size=500))
    first, second = (truth.y + rng.normal(scale=scale, size=500) for scale in (1.0, 1.0 + worse))
    assert find_ties([first, second], truth, METRICS["rmse"])[1] == is_tied


def test_equal_models_are_tied_in_every_metric() -> None:
    rng = np.random.default_rng(0)
    array, truth = rng.dirichlet([1, 1], 200), Truth(rng.integers(0, 2, 200).astype(float))
    for name in ("roc_auc", "log_loss", "accuracy"):
        assert find_ties([array, array.copy()], truth, METRICS[name]) == [True, True]


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_an_interval_is_wider_the_fewer_new_rows_there_are(rows: int, new: int) -> None:
    assert 1 < widening_factor(rows, new + 1) < widening_factor(rows, new)
    assert default_n_new_rows(rows) >= 1


def test_the_interval_for_new_rows_holds_the_loss_of_nineteen_samples_in_twenty() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        y, fresh = rng.normal(size=300), rng.normal(size=100)
        held += holds(y, fresh, seed)
    assert held / 200 == pytest.approx(0.95, abs=0.04)


def holds(y: np.ndarray, fresh: np.ndarray, seed: int) -> bool:
    """Whether the interval that errors of some rows give holds the error on fresh ones."""
    metric, none = METRICS["rmse"], np.zeros(len(y))
    ends = bootstrap_interval(none, Truth(y), metric, seed=seed)
    low, high = widen_interval(
        metric.loss_of_output(y, none), *ends, widening_factor(len(y), len(fresh)), metric
    )
    return low <= metric.loss_of_output(fresh, np.zeros(len(fresh))) <= high


def test_the_interval_knows_that_the_largest_errors_are_yet_to_be_seen() -> None:
    rng = np.random.default_rng(0)
    held = [holds(rng.standard_t(2.5, 300), rng.standard_t(2.5, 100), seed) for seed in range(200)]
    assert np.mean(held) > 0.9  # without a tail 0.875


def test_few_new_rows_may_all_be_right() -> None:
    rng = np.random.default_rng(0)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        y = (rng.random(count) < 0.6).astype(float)
        positive = 1 / (1 + np.exp(-3.7 * y - rng.normal(size=count)))
        return y, np.column_stack([1 - positive, positive])

    metric, below = METRICS["roc_auc"], 0
    for seed in range(40):
        (y, proba), (fresh, answer) = drawn(400), drawn(130)
        below += metric.loss_of_output(fresh, answer) < lower_end_on_fewer_rows(
            proba, Truth(y), metric, widening_factor(400, 130), seed=seed
        )
    assert below <= 3


def test_no_lower_end_is_given_where_samples_lack_a_class_or_time_is_short() -> None:
    y = np.array([1.0] * 3 + [0.0] * 97)
    positive = np.linspace(0.1, 0.9, 100)
    proba = np.column_stack([1 - positive, positive])

    def strict(truth: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None) -> float:
        if truth.min() == truth.max():
            raise ValueError("one class only")
        return float(np.mean(np.abs(truth - prediction[:, 1])))

    assert (
        lower_end_on_fewer_rows(proba, Truth(y), replace(METRICS["brier"], loss=strict), 5.0)
        == np.inf
    )
    assert lower_end_on_fewer_rows(proba, Truth(y), METRICS["brier"], 2.0) < METRICS[
        "brier"
    ].loss_of_output(y, proba)
    assert (
        lower_end_on_fewer_rows(proba, Truth(y), METRICS["brier"], 2.0, has_time=lambda: False)
        == np.inf
    )


def test_few_rows_without_an_error_promise_nothing() -> None:
    y = np.resize([0.0, 1.0], 100)
    for name, right in (("roc_auc", np.eye(2)[y.astype(int)]), ("accuracy", y.astype(int))):
        low, high = bootstrap_interval(right, Truth(y), METRICS[name])
        assert low == 0
        assert 0.005 < high < 0.1


def test_a_metric_that_is_not_of_distances_gets_no_redrawn_errors() -> None:
    rng = np.random.default_rng(0)
    y = rng.lognormal(size=1000)
    given_values = y * rng.lognormal(sigma=0.4, size=1000)
    _, high = bootstrap_interval(given_values, Truth(y), METRICS["rmsle"])
    assert high < 1.1 * METRICS["rmsle"].loss_of_output(y, given_values)


@given(
    st.floats(1e-9, 1),
    st.floats(0, 1),
    st.floats(1e-3, 1),
    st.floats(1, 1e4),
    st.sampled_from(["roc_auc", "mcc", "rmse", "r2"]),
)
def test_ends_reach_farther_but_not_beyond_measure(
    loss: float, down: float, up: float, far: float, name: str
) -> None:
    metric, low, high = METRICS[name], loss * down, min(METRICS[name].max_loss, loss + up)
    farther = widen_interval(loss, low, high, far, metric)
    assert metric.min_loss <= farther[0] <= low + 1e-12
    assert high - 1e-12 <= farther[1] <= metric.max_loss
    assert farther[1] <= max(loss + far * (high - loss), np.e * high) + 1e-9
    assert widen_interval(loss, low, high, 1.0, metric) == pytest.approx((low, high))


def test_the_optimism_is_what_a_choice_among_noise_gains_on_its_own_rows() -> None:
    rng = np.random.default_rng(0)
    gaps, estimates = [], []
    for seed in range(10):
        y, fresh = rng.normal(size=200), rng.normal(size=20_000)
        models = [(rng.normal(size=200) * 0.5, rng.normal(size=20_000) * 0.5) for _ in range(20)]
        known = [model[0] for model in models]
        weights = select_greedily(known, Truth(y), METRICS["rmse"], 10)
        there = METRICS["rmse"].loss_of_output(y, combine(known, weights))
        true = METRICS["rmse"].loss_of_output(
            fresh, combine([model[1] for model in models], weights)
        )
        gaps.append(true - there)
        estimates.append(estimate_optimism(known, Truth(y), METRICS["rmse"], GREEDY, seed=seed))
    assert np.mean(estimates) == pytest.approx(np.mean(gaps), rel=0.5)


def test_one_model_or_equal_ones_have_no_optimism() -> None:
    predictions, truth = noisy(0, 1)
    assert estimate_optimism(predictions, truth, METRICS["rmse"], GREEDY) == 0.0
    assert estimate_optimism(predictions * 3, truth, METRICS["rmse"], GREEDY) == pytest.approx(
        0.0, abs=1e-12
    )


def test_chosen_thresholds_have_optimism_too() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(80) < 0.1).astype(float)
    proba = rng.dirichlet([9, 1], 80)  # says nothing
    estimates = [
        estimate_optimism(
            [proba], Truth(y), METRICS["f1"], fit_log_pool, rounds=10, chooses_thresholds=cutting
        )
        for cutting in (False, True)
    ]
    assert estimates[0] == 0
    assert estimates[1] > 0.01


def test_the_optimism_shrinks_with_rows() -> None:
    few, many = (
        estimate_optimism(*noisy(0, 5, rows), METRICS["rmse"], GREEDY) for rows in (200, 20_000)
    )
    assert many < few / 5


def test_rows_that_belong_together_are_drawn_together() -> None:
    units = np.repeat(np.arange(20), [1, 4] * 10)
    sampler = Sampler(Truth(np.zeros(50), units=units))
    rows = sampler.draw(np.random.default_rng(0))
    sizes = np.bincount(units)
    assert sampler.n_units == 20
    assert all(
        count % sizes[unit] == 0
        for unit, count in enumerate(np.bincount(units[rows], minlength=20))
    )


def test_an_interval_over_groups_holds_what_one_over_rows_misses() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(40):
        units = np.repeat(np.arange(15), 40)
        y = rng.normal(size=15)[units] + 0.1 * rng.normal(size=600)
        new = np.repeat(rng.normal(size=5), 40) + 0.1 * rng.normal(size=200)
        truth = Truth(y, units=units)
        low, high = bootstrap_interval(np.zeros(600), truth, METRICS["rmse"], rounds=60)
        loss, far = (
            METRICS["rmse"].loss(y, np.zeros(600), None),
            widening_factor(15, 5) * Sampler(truth).few_units_factor,
        )
        low, high = widen_interval(loss, low, high, far, METRICS["rmse"])
        held += low <= METRICS["rmse"].loss(new, np.zeros(200), None) <= high
    assert held >= 36


def blocks(*losses: float) -> list[Block]:
    """Two folds of three blocks each."""
    return [
        Block(30.0 * (index // 3), 10.0 * (1 + index % 3), loss)
        for index, loss in enumerate(losses)
    ]


def test_later_rows_are_worse_where_losses_grow_with_age() -> None:
    low, high = later_loss_interval(blocks(1.0, 2.1, 2.9, 1.1, 2.0, 3.0), Block(60, 60))
    assert high > 6.0
    assert low < 2.0


def test_later_rows_are_worse_where_losses_grow_from_fold_to_fold() -> None:
    _, high = later_loss_interval(blocks(1.0, 1.1, 1.0, 2.0, 2.1, 2.0), Block(60, 20))
    assert high > 3.0


def test_later_rows_are_no_better_where_losses_fall() -> None:
    _, high = later_loss_interval(blocks(3.0, 2.0, 1.0, 3.1, 2.0, 1.1), Block(60, 60))
    assert high > 2.0


def test_a_loss_that_has_a_least_one_stays_above_it() -> None:
    low, high = later_loss_interval(
        blocks(0.1, 0.9, 0.2, 0.8, 0.1, 0.7), Block(60, 60), least_loss=0.0
    )
    assert 0.0 < low < high <= 0.9 * math.exp(0.7) + 1e-9


def test_few_blocks_bound_nothing() -> None:
    assert later_loss_interval(blocks(1.0, math.nan, 2.0), Block(60, 60)) == (-math.inf, math.inf)


def test_the_difference_of_a_prediction_from_itself_is_nothing() -> None:
    predictions, truth = noisy(0, 1, 200)
    same = loss_difference(predictions[0], predictions[0], truth, METRICS["rmse"])
    assert (same.mean, same.low, same.high) == (0.0, 0.0, 0.0)


def test_a_paired_interval_is_narrower_than_the_losses_own() -> None:
    predictions, truth = noisy(0, 1, 400)
    first = predictions[0]
    worse = first + 0.1 * (first - truth.y)
    found = loss_difference(worse, first, truth, METRICS["rmse"])
    low, high = bootstrap_interval(first, truth, METRICS["rmse"])
    assert 0 < found.low < found.mean < found.high
    assert found.high - found.low < 0.3 * (high - low)


def test_few_units_make_a_paired_interval_wider() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    of_unit = np.repeat(rng.normal(size=20), 20)
    units = np.repeat(np.arange(20), 20)
    alone = loss_difference(y + of_unit, y, Truth(y), METRICS["rmse"])
    together = loss_difference(y + of_unit, y, Truth(y, units=units), METRICS["rmse"])
    assert together.high - together.low > 2 * (alone.high - alone.low)
