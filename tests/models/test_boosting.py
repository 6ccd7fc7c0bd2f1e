"""Early stopping, the deadline, and the choice of the round, which all boosters share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from automl.budget import Budget
from automl.metrics import metric_for
from automl.models import Feature, FitContext, Sample
from automl.models._boosting import (
    PreparedBoosting,
    choose_round,
    must_choose_by_metric,
    watched_metrics,
)
from automl.models._stopping import (
    MAX_CURVE_POINTS,
    UNTIMED_LOSS_SHARE,
    FinalSteps,
    Monitor,
    patience,
)
from automl.models._target import TargetCoding
from automl.task import Kind, Task


@dataclass
class FakeClock:
    """A clock that a test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def how_of(kind: Kind = "binary", metric: str = "log_loss", **fields: Any) -> FitContext:
    task = Task(kind, "y", metric, ("a", "b"))
    return FitContext(task, metric_for(metric, kind), seed=0, **fields)


def endless() -> FitContext:
    """A fit with a clock whose deadline never comes."""
    return how_of(budget=Budget(1e9, FakeClock()))


def monitor_of(context: FitContext, learning_rate: float = 0.1, **fields: Any) -> Monitor:
    return Monitor(context, 1_000, learning_rate, has_held_out=True, **fields)


def follow(monitor: Monitor, losses: Iterable[float]) -> Monitor:
    for loss in losses:
        if not monitor.should_continue((loss,)):
            break
    return monitor


def test_patience_grows_with_the_best_round_and_as_the_rate_falls() -> None:
    assert patience(1, 1_000, 0.1) == 50
    assert patience(1, 1_000, 0.025) == 100
    assert patience(1, 1_000, 0.005) == 300
    assert patience(1, 1_000_000, 0.05) == 20
    assert patience(1_000, 1_000, 0.05) == 320
    assert patience(100, 50_000, 0.05) == 50


def test_a_run_ends_after_its_patience_and_keeps_the_best_round() -> None:
    falling = [1.0 - 0.05 * index for index in range(10)]
    monitor = follow(monitor_of(how_of()), falling + [0.9] * 500)
    assert monitor.chosen_round == 10
    assert monitor.rounds == 10 + patience(10, 1_000, 0.1)
    assert not monitor.stopped


def test_trifling_gains_do_not_prolong_a_run() -> None:
    gains = [0.5 - 1e-8 * index for index in range(5_000)]
    monitor = follow(monitor_of(how_of()), [1.0, *gains])
    assert monitor.rounds < 100
    assert monitor.chosen_round == monitor.rounds


def test_gains_that_halve_a_small_loss_prolong_a_run() -> None:
    gains = [0.002 * 0.997**index for index in range(1_000)]
    monitor = follow(monitor_of(endless()), [1.0, *gains])
    assert monitor.rounds > 500


def test_without_a_clock_a_fit_ends_when_little_of_the_loss_is_left() -> None:
    losses = [1.0, *(0.5 * 0.9**index for index in range(1_000))]
    monitor = follow(monitor_of(how_of()), losses)
    (before_last,), (last,) = monitor.early_stopping.losses[-2:]
    assert last <= UNTIMED_LOSS_SHARE < before_last
    assert follow(monitor_of(endless()), losses).rounds == 1_001


@pytest.mark.parametrize(("rate", "rounds"), [(0.1, 750), (0.05, 1_500), (0.005, 4_000)])
def test_without_a_clock_the_rounds_of_a_fit_are_bounded(rate: float, rounds: int) -> None:
    losses = [1.0 - 1e-4 * index for index in range(10_000)]
    untimed = how_of()
    assert follow(monitor_of(untimed, rate), losses).rounds == rounds
    assert follow(monitor_of(untimed, rate, max_rounds=200), losses).rounds == 200
    assert follow(monitor_of(endless(), rate), losses).rounds > 9_000


def test_the_log_loss_breaks_ties_between_rounds_of_equal_ranking() -> None:
    context = how_of(metric="roc_auc")
    assert watched_metrics(context, n_held_out=500) == ("roc_auc", "log_loss")
    monitor = monitor_of(context)
    log_losses = [0.6 - 0.01 * index for index in range(30)]
    for log_loss in log_losses + [0.5] * 500:
        if not monitor.should_continue((0.0, log_loss)):
            break
    assert monitor.chosen_round == 30


def test_given_rounds_are_run_to_their_end() -> None:
    rising = [float(index) for index in range(500)]
    monitor = follow(monitor_of(how_of(rounds=120)), rising)
    assert monitor.rounds == 120
    assert monitor.chosen_round == 120


def test_a_round_that_would_end_after_the_deadline_is_not_started() -> None:
    clock = FakeClock()
    monitor = monitor_of(how_of(budget=Budget(10.0, clock)))
    continues = True
    while continues:
        clock.advance(3.0)
        continues = monitor.should_continue((1.0,))
    assert clock.now == 6.0
    assert monitor.rounds == 2
    assert monitor.stopped


def test_rehearsed_seconds_for_predicting_and_writing_are_kept() -> None:
    clock = FakeClock()
    context = how_of(budget=Budget(100.0, clock), rounds=1_000)
    final_steps = FinalSteps(
        lambda: clock.advance(0.02 * monitor.rounds),
        lambda rows: clock.advance(4e-5 * monitor.rounds * len(rows)),
    )
    held_rows = np.zeros((4_000, 1))
    monitor = monitor_of(context, final_steps=final_steps, held_rows=held_rows)
    continues = True
    while continues:
        clock.advance(0.5)
        continues = monitor.should_continue()
    # Written, read and packed 0.03 s a round, 4 000 rows predicted 0.16 s a round, and half as much
    # again.
    kept = 100.0 - clock.now
    assert monitor.stopped
    assert kept == pytest.approx(0.285 * monitor.rounds, abs=1.6)


def test_with_many_classes_the_first_rounds_are_rehearsed() -> None:
    rehearsed: list[int] = []
    final_steps = FinalSteps(lambda: rehearsed.append(monitor.rounds), lambda rows: None)
    labels = tuple(f"class {index}" for index in range(100))
    task = Task("multiclass", "y", "log_loss", labels)
    metric = metric_for("log_loss", "multiclass")
    budget = Budget(100.0, FakeClock())
    context = FitContext(task, metric, seed=0, budget=budget, rounds=20)
    monitor = monitor_of(context, final_steps=final_steps, held_rows=np.zeros((10, 1)))
    while monitor.should_continue():
        pass
    assert rehearsed == [1, 4, 16]  # 100, 400 and 1 600 trees


def test_the_curve_is_thinned_and_keeps_its_end_and_its_best() -> None:
    losses = [abs(number - 1_717) / 1_000 for number in range(1, 9_000)]
    monitor = follow(monitor_of(endless(), 0.005), losses)
    curve = dict(monitor.curve(1.0))
    assert len(curve) <= MAX_CURVE_POINTS
    assert {1, monitor.best_round, monitor.rounds} <= curve.keys()
    assert monitor.best_round == 1_717


@pytest.mark.parametrize("best", [3, 17, 60])
def test_a_metric_that_no_library_watches_chooses_the_round_itself(best: int) -> None:
    context = how_of("regression", "median_ae")
    truth = np.array([1.0, 2.0])
    sample = Sample(np.zeros((2, 1), np.float32), (Feature("x", "x"),), truth)
    data = PreparedBoosting(TargetCoding(0), 2, sample.features, "train", "held", sample)
    losses = [abs(index - 30) + 1.0 for index in range(200)]
    monitor = follow(monitor_of(context), losses)
    compared: list[int] = []

    def predict(rounds: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        compared.append(rounds)
        return truth + abs(rounds - best)

    chosen = choose_round(monitor, data, context, predict)
    distances = [abs(number - best) for number in compared]
    assert len(compared) <= 20
    assert abs(chosen - best) == min(distances)
    watched = replace(context, metric=metric_for("mae", "regression"))
    assert choose_round(monitor, data, watched, predict) == monitor.best_round


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_on_few_held_out_rows_the_log_loss_alone_chooses_the_round(metric: str) -> None:
    context = how_of(metric=metric)
    is_unwatched = metric == "average_precision"
    assert watched_metrics(context, n_held_out=499) == ("log_loss",)
    assert not must_choose_by_metric(context, n_held_out=499)
    assert must_choose_by_metric(context, n_held_out=500) == is_unwatched
