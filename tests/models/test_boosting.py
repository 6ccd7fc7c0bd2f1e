"""Values of what the boosters share: patience, the deadline, and the choice of the round."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from automl.budget import Budget
from automl.metrics import metric_for
from automl.models import Feature, How, Sample
from automl.models._boosting import (
    CURVE,
    EXPLAINED,
    Ending,
    Prepared,
    Watch,
    choose,
    chosen_by_metric,
    patience,
    watched,
)
from automl.models._target import Target
from automl.task import Kind, Task


def how_of(
    kind: Kind = "binary",
    metric: str = "log_loss",
    budget: Budget | None = None,
    rounds: int | None = None,
) -> How:
    return How(
        Task(kind, "y", metric, ("a", "b")),
        metric_for(metric, kind),
        0,
        1,
        budget or Budget(),
        rounds,
    )


@dataclass
class Clock:
    """A clock that a test turns."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def follow(watch: Watch, losses: list[tuple[float, ...]]) -> Watch:
    for loss in losses:
        if not watch.more(loss):
            break
    return watch


def test_patience_grows_with_the_best_round_and_as_the_rate_falls() -> None:
    assert patience(1, 1_000, 0.1) == 50
    assert patience(1, 1_000, 0.025) == 100
    assert patience(1, 1_000, 0.005) == 300
    assert patience(1, 1_000_000, 0.05) == 20
    assert patience(1_000, 1_000, 0.05) == 320
    assert patience(100, 50_000, 0.05) == 50


def test_a_run_ends_after_its_patience_and_keeps_the_best_round() -> None:
    losses = [(1.0 - 0.05 * place,) for place in range(10)] + [(0.9,)] * 500
    watch = follow(Watch(how_of(), 1_000, 0.1, held=True), losses)
    assert watch.kept == 10
    assert watch.rounds == 10 + patience(10, 1_000, 0.1)
    assert not watch.stopped


def test_trifling_gains_do_not_carry_a_run_on() -> None:
    losses = [(1.0,)] + [(0.5 - 1e-8 * place,) for place in range(5_000)]
    watch = follow(Watch(how_of(), 1_000, 0.1, held=True), losses)
    assert watch.rounds < 100
    assert watch.kept == watch.rounds


def test_gains_that_halve_a_small_loss_carry_a_run_on() -> None:
    losses = [(1.0,), *((0.002 * 0.997**place,) for place in range(1_000))]
    assert (
        follow(Watch(how_of(budget=Budget(1e9, Clock())), 1_000, 0.1, held=True), losses).rounds
        > 500
    )


def test_where_no_clock_ends_a_fit_nearly_all_that_is_explained_does() -> None:
    losses = [(1.0,), *((0.5 * 0.9**place,) for place in range(1_000))]
    watch = follow(Watch(how_of(), 1_000, 0.1, held=True), losses)
    assert watch.losses[-1][0] <= EXPLAINED < watch.losses[-2][0]
    assert (
        follow(Watch(how_of(budget=Budget(1e9, Clock())), 1_000, 0.1, held=True), losses).rounds
        == 1_001
    )


@pytest.mark.parametrize(("rate", "rounds"), [(0.1, 750), (0.05, 1_500), (0.005, 4_000)])
def test_where_no_clock_ends_a_fit_its_rounds_do(rate: float, rounds: int) -> None:
    losses = [(1.0 - 1e-4 * place,) for place in range(10_000)]
    assert follow(Watch(how_of(), 1_000, rate, held=True), losses).rounds == rounds
    assert follow(Watch(how_of(), 1_000, rate, held=True, most=200), losses).rounds == 200
    assert (
        follow(Watch(how_of(budget=Budget(1e9, Clock())), 1_000, rate, held=True), losses).rounds
        > 9_000
    )


def test_the_log_loss_parts_rounds_of_equal_ranking() -> None:
    how = how_of(metric="roc_auc")
    assert watched(how, held_out=500) == ("roc_auc", "log_loss")
    losses = [(0.0, 0.6 - 0.01 * place) for place in range(30)] + [(0.0, 0.5)] * 500
    assert follow(Watch(how, 1_000, 0.1, held=True), losses).kept == 30


def test_given_rounds_are_run_to_their_end() -> None:
    watch = follow(
        Watch(how_of(rounds=120), 1_000, 0.1, held=True), [(float(place),) for place in range(500)]
    )
    assert (watch.rounds, watch.kept) == (120, 120)


def test_a_round_that_would_end_after_the_deadline_is_not_begun() -> None:
    clock = Clock()
    watch = Watch(how_of(budget=Budget(10.0, clock)), 1_000, 0.1, held=True)
    going = True
    while going:
        clock.now += 3.0
        going = watch.more((1.0,))
    assert (clock.now, watch.rounds, watch.stopped) == (6.0, 2, True)


def test_seconds_for_predicting_and_writing_are_kept_as_a_rehearsal_measured_them() -> None:
    clock = Clock()

    def pass_by(seconds: float) -> None:
        clock.now += seconds

    ending = Ending(
        lambda: pass_by(0.02 * watch.rounds), lambda rows: pass_by(4e-5 * watch.rounds * len(rows))
    )
    watch = Watch(
        how_of(budget=Budget(100.0, clock), rounds=1_000),
        1_000,
        0.1,
        True,
        ending=ending,
        held_out=np.zeros((4_000, 1)),
    )
    going = True
    while going:
        clock.now += 0.5
        going = watch.more()
    # written and read 0.04 s a round, 4 000 rows predicted 0.16 s a round, and half as much again
    assert watch.stopped
    assert 100.0 - clock.now == pytest.approx(0.3 * watch.rounds, abs=1.6)


def test_of_many_classes_the_first_rounds_are_rehearsed() -> None:
    written: list[int] = []
    ending = Ending(lambda: written.append(watch.rounds), lambda rows: None)
    hundred = Task("multiclass", "y", "log_loss", tuple(f"class {place}" for place in range(100)))
    how = How(hundred, metric_for("log_loss", "multiclass"), 0, 1, Budget(100.0, Clock()), 20)
    watch = Watch(how, 1_000, 0.1, True, ending=ending, held_out=np.zeros((10, 1)))
    while watch.more():
        pass
    assert written == [1, 4, 16]  # 100, 400 and 1 600 trees


def test_the_curve_is_thinned_and_keeps_its_end_and_its_best() -> None:
    watch = Watch(how_of(budget=Budget(1e9, Clock())), 1_000, 0.005, held=True)
    follow(watch, [(abs(place - 1_717) / 1_000,) for place in range(1, 9_000)])
    curve = dict(watch.curve(1.0))
    assert len(curve) <= CURVE
    assert {1, watch.best, watch.rounds} <= curve.keys()
    assert watch.best == 1_717


@pytest.mark.parametrize("best", [3, 17, 60])
def test_a_metric_that_no_library_watches_chooses_the_round_itself(best: int) -> None:
    how = how_of("regression", "median_ae")
    truth = np.array([1.0, 2.0])
    sample = Sample(np.zeros((2, 1), np.float32), (Feature("x", "x"),), truth)
    data = Prepared(Target(0), 2, sample.features, "train", "held", sample)
    watch = follow(
        Watch(how, 1_000, 0.1, held=True), [(abs(place - 30) + 1.0,) for place in range(200)]
    )
    asked: list[int] = []

    def predict(rounds: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        asked.append(rounds)
        return truth + abs(rounds - best)

    chosen = choose(watch, data, how, predict)
    assert len(asked) <= 20
    assert abs(chosen - best) == min(abs(count - best) for count in asked)
    assert (
        choose(watch, data, replace(how, metric=metric_for("mae", "regression")), predict)
        == watch.best
    )


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_on_few_held_out_rows_the_log_loss_alone_chooses_the_round(metric: str) -> None:
    how = how_of(metric=metric)
    assert watched(how, held_out=499) == ("log_loss",)
    assert not chosen_by_metric(how, held_out=499)
    assert chosen_by_metric(how, held_out=500) == (metric == "average_precision")
