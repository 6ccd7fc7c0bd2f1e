"""Lessons of trials on functions with known answers, and on planted runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.stats import spearmanr

from automl.candidate import Candidate
from automl.insight import learn_from
from automl.insight._kernel import Axis, negative_log_posterior
from automl.insight.cost import WATTS_PER_CORE, cost
from automl.insight.effects import GoodRange, draw_points, effects, good_ranges, standard_error
from automl.insight.importance import importances, interactions
from automl.insight.points import Points, trial_points
from automl.insight.stability import from_seeds
from automl.insight.story import story, time_outlook
from automl.insight.surrogate import Surrogate, fit_surrogate
from automl.insight.tunability import tunability
from automl.space import Choice, Float, Int
from automl.study import Plan
from automl.timeline import read_timeline
from automl.trial import Trial
from tests.report.runs import RECIPES, cleaned_run, full_run

Function = Callable[[np.ndarray], np.ndarray]

NATIVE = RECIPES["native"]
WEIGHTS = np.array([3, 2, 1, 0.5, 0.3, 0.1])
FUNCTIONS: dict[str, Function] = {
    "quadratic": lambda X: 1 + (X - 0.3) ** 2 @ WEIGHTS,
    "kinks": lambda X: 1 + np.log1p(20 * np.abs(X - 0.6)) @ WEIGHTS,
    "product": lambda X: (
        1 + 3 * X[:, 0] * X[:, 1] + np.sin(6 * X[:, 2]) + 0.5 * X[:, 3] + 0.1 * X[:, 4]
    ),
}


def tried(function: Function, seed: int, count: int = 120, noise: float = 0.02) -> Points:
    """Return points of a search: some at random, the others near the best so far."""
    rng = np.random.default_rng(seed)
    places = rng.random((count, len(WEIGHTS)))
    for nth in range(count // 3, count):
        best = places[int(np.argmin(function(places[:nth])))]
        places[nth] = np.clip(best + 0.2 * rng.standard_normal(len(best)), 0, 1)
    losses = function(places) + noise * rng.standard_normal(count)
    space = {f"h{nth}": Float(0.0, 1.0) for nth in range(places.shape[1])}
    return Points("lightgbm", space, places, losses, trials_of(losses))


def trials_of(losses: np.ndarray) -> tuple[Trial, ...]:
    """Return a trial for each loss, without folds."""
    return tuple(Trial(Candidate("lightgbm", {"nth": nth}, NATIVE)) for nth in range(len(losses)))


def on_a_grid(function: Function) -> np.ndarray:
    """Return the share that each hyperparameter explains, by averages over many points."""
    rest = np.random.default_rng(0).random((2000, len(WEIGHTS)))
    shares = []
    for at in range(len(WEIGHTS)):
        means = []
        for value in np.linspace(0.02, 0.98, 25):
            rest[:, at] = value
            means.append(function(rest).mean())
        shares.append(np.var(means))
        rest[:, at] = np.random.default_rng(at + 1).random(len(rest))
    return np.array(shares)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_importance_ranks_hyperparameters_as_an_exhaustive_grid_does(name: str) -> None:
    of = tried(FUNCTIONS[name], seed=3)
    found = {one.name: one for one in importances(of, fit_surrogate(of), 0)}
    ranks = spearmanr([found[key].share for key in of.names], on_a_grid(FUNCTIONS[name])).statistic
    assert ranks >= 0.8
    for one in found.values():
        assert 0 <= one.low <= one.share <= one.high <= 1 + 1e-9
        assert one.total >= one.share - 1e-6


@pytest.mark.heavy
def test_only_hyperparameters_that_interact_are_reported_as_interacting() -> None:
    of = tried(lambda X: 5 + 10 * (X[:, 0] - 0.5) * (X[:, 1] - 0.5) + X[:, 2], seed=0)
    pairs = [(one.first, one.second) for one in interactions(of, fit_surrogate(of))]
    assert pairs[0] == ("h0", "h1")
    assert (
        interactions(
            tried(FUNCTIONS["quadratic"], seed=0),
            fit_surrogate(tried(FUNCTIONS["quadratic"], seed=0)),
        )
        == ()
    )


def test_the_slope_of_the_likelihood_is_its_derivative() -> None:
    rng = np.random.default_rng(0)
    places = np.c_[rng.random((30, 2)), rng.integers(0, 3, 30)]
    axes = [Axis.of(Float(0, 1)), Axis.of(Int(1, 9)), Axis.of(Choice(("a", "b", "c")))]
    above = np.triu_indices(30, 1)
    distances = [
        axis.distance(column, column)[above] for axis, column in zip(axes, places.T, strict=True)
    ]
    y = rng.standard_normal(30)

    def of(theta: np.ndarray) -> tuple[float, np.ndarray]:
        return negative_log_posterior(theta, distances, [axis.is_choice for axis in axes], above, y)

    theta = np.array([-0.5, 0.2, 0.4, 0.1, -2.0])
    assert of(theta)[1] == pytest.approx(
        approx_fprime(theta, lambda at: of(at)[0], 1e-6), rel=1e-3, abs=1e-3
    )


def surrogate_of_two() -> tuple[Points, Surrogate]:
    """A surrogate of a number and a choice."""
    rng = np.random.default_rng(1)
    places = np.c_[rng.random(60), rng.integers(0, 3, 60)]
    losses = 1 + (places[:, 0] - 0.4) ** 2 + 0.2 * places[:, 1] + 0.01 * rng.standard_normal(60)
    of = Points(
        "knn",
        {"x": Float(0.0, 1.0), "c": Choice(("a", "b", "d"))},
        places,
        losses,
        trials_of(losses),
    )
    return of, fit_surrogate(of)


def test_means_over_the_range_are_those_of_many_points() -> None:
    _, surrogate = surrogate_of_two()
    rng = np.random.default_rng(0)
    drawn = np.c_[rng.random(20_000), rng.integers(0, 3, 20_000)]
    values = surrogate.predict(drawn)[0]
    assert surrogate.mean + surrogate.middle == pytest.approx(values.mean(), abs=0.02)
    assert surrogate.variance([0, 1]) == pytest.approx(values.var(), rel=0.03)
    of_choice = [values[drawn[:, 1] == place].mean() for place in range(3)]
    assert surrogate.main_effect(1)[0] == pytest.approx(of_choice, abs=0.03)
    assert surrogate.variance([1]) == pytest.approx(np.var(of_choice), rel=0.05)


def test_an_effect_curve_follows_the_function_within_its_band() -> None:
    of, surrogate = surrogate_of_two()
    number, choice = effects(of, surrogate)
    truth = 1 + (np.array(number.values) - 0.4) ** 2
    inside = (np.array(number.low) - 0.01 <= truth) & (truth <= np.array(number.high) + 0.01)
    assert inside.mean() > 0.9
    assert number.best == pytest.approx(0.4, abs=0.1)
    assert len(number.tried) == 60
    assert (choice.kind, choice.values, choice.best) == ("choice", ("a", "b", "d"), "a")


def test_good_ranges_hold_the_best_and_name_an_edge() -> None:
    of, surrogate = surrogate_of_two()
    number, choice = good_ranges(of, effects(of, surrogate), error=0.01)
    assert number.values[0] == pytest.approx(0.3, abs=0.07)
    assert number.values[1] == pytest.approx(0.5, abs=0.07)
    assert number.share == pytest.approx(0.2, abs=0.1)
    assert number.edge == ""
    assert choice.values == ("a",)
    falling = tried(lambda X: 1 + X @ WEIGHTS, seed=0)
    assert {
        one.edge
        for one in good_ranges(falling, effects(falling, fit_surrogate(falling)), 0.01)
        if one.name in ("h0", "h1")
    } == {"low"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_draws_from_good_ranges_do_better_than_draws_from_the_whole_range(name: str) -> None:
    of = tried(FUNCTIONS[name], seed=1)
    found = {one.name: one for one in good_ranges(of, effects(of, fit_surrogate(of)), error=0.05)}
    rng = np.random.default_rng(0)
    good = FUNCTIONS[name](draw_points(found, of, rng, 500))
    anywhere = FUNCTIONS[name](rng.random((500, len(WEIGHTS))))
    assert np.median(good) < np.quantile(anywhere, 0.1)


def test_a_flat_family_has_a_low_tunability_and_a_steep_one_a_high_one() -> None:
    flat, steep = (
        tried(lambda X: 1 + 0.003 * X @ WEIGHTS, seed=0, noise=1e-3),
        tried(lambda X: 1 + X @ WEIGHTS, seed=0),
    )
    assert tunability(flat, fit_surrogate(flat), 0).level == "low"
    found = tunability(steep, fit_surrogate(steep), 0)
    assert found.level == "high"
    assert 0 < found.median < found.bad
    assert found.safe in {trial.id for trial in steep.trials}


def test_a_stable_and_an_unstable_learner_are_distinguished() -> None:
    rng = np.random.default_rng(0)
    stable = from_seeds(
        "linear native",
        "a",
        0.2 + 1e-4 * rng.standard_normal(5),
        0.2,
        0.2 + 1e-5 * rng.standard_normal(5),
    )
    unstable = from_seeds(
        "mlp native",
        "b",
        0.2 + 0.02 * rng.standard_normal(5),
        0.19,
        0.19 + 2e-3 * rng.standard_normal(5),
    )
    assert (stable.verdict, unstable.verdict) == ("stable", "unstable")
    assert unstable.together_jump is not None
    assert 0 < unstable.together_jump < unstable.jump


def test_the_jackknife_gives_the_variation_of_a_mean() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal(400)
    without = [(values.sum() - one) / 399 for one in values]
    found = from_seeds(
        "m", "a", (1 + 0.01 * values).tolist(), 1.0, (1 + 0.01 * np.array(without)).tolist()
    )
    assert found.together_jump == pytest.approx(0.02 / math.sqrt(400), rel=0.1)


class TestARun:
    """A planted run."""

    def test_has_a_story_of_steps(self, tmp_path: Path) -> None:
        made = full_run(tmp_path / "run")
        told = story(made.study, read_timeline(tmp_path / "run"))
        assert [step.name for step in told] == [
            "baseline",
            "first model",
            "portfolio",
            "tuned",
            "ensemble",
        ]
        assert told[0].loss > told[2].loss > told[-1].loss == made.study.evaluation.loss
        best = min(step.loss for step in told[:-1])
        assert told[-1].gain == pytest.approx((best - told[-1].loss) / best)
        assert all(0 <= step.seconds <= read_timeline(tmp_path / "run").last for step in told)

    def test_says_whether_more_time_is_worth_it(self, tmp_path: Path) -> None:
        made = full_run(tmp_path / "run")
        found = time_outlook(made.study, read_timeline(tmp_path / "run"))
        assert found is not None
        assert list(found.losses) == sorted(found.losses, reverse=True)
        assert found.losses[-1] == made.study.ranked[0].loss
        assert 0 <= found.four_times < 1
        assert found.a_minute >= 0

    def test_says_nothing_of_more_time_after_too_few_trials(self, tmp_path: Path) -> None:
        made = full_run(tmp_path / "run", trials=3)
        found = time_outlook(made.study, read_timeline(tmp_path / "run"))
        assert found is None or found.four_times < 1
        constant = {
            key: trial
            for key, trial in made.study.trials.items()
            if trial.candidate.family == "constant"
        }
        assert (
            time_outlook(replace(made.study, trials=constant), read_timeline(tmp_path / "run"))
            is None
        )

    def test_reports_manual_candidates_separately(self, tmp_path: Path) -> None:
        made = full_run(tmp_path / "run")
        best = made.study.ranked[0]
        by_hand = replace(best, candidate=replace(best.candidate, origin="manual"))
        told = story(
            replace(made.study, trials={**made.study.trials, best.id: by_hand}),
            read_timeline(tmp_path / "run"),
        )
        assert [step.name for step in told][-2:] == ["by hand", "ensemble"]
        assert next(step for step in told if step.name == "by hand").loss == best.loss

    def test_costs_what_its_fits_took(self, tmp_path: Path) -> None:
        made = full_run(tmp_path / "run")
        found = cost(
            made.study, read_timeline(tmp_path / "run"), price_per_hour=3.6, person_per_day=480
        )
        assert found.core_hours == pytest.approx(
            sum(trial.seconds for trial in made.study.trials.values()) / 3600
        )
        assert found.kilowatt_hours == pytest.approx(found.core_hours * WATTS_PER_CORE / 1000)
        assert found.money == pytest.approx(found.seconds / 1000)
        assert found.person_money == pytest.approx(len(made.study.trials) * 10)
        assert cost(made.study, read_timeline(tmp_path / "run")).money is None

    def test_expects_a_dropped_trial_to_stay_behind_the_best(self, tmp_path: Path) -> None:
        study = full_run(tmp_path / "run").study
        best = study.ranked[0]
        dropped = next(trial for trial in study.trials.values() if trial.decided == "dropped")
        (place,) = dropped.losses
        assert study.expected_loss(dropped) == pytest.approx(
            best.loss + max(0.0, dropped.losses[place] - best.losses[place])
        )
        assert study.expected_loss(best) == best.loss

    def test_has_a_standard_error_of_paired_differences(self, tmp_path: Path) -> None:
        study = full_run(tmp_path / "run", trials=200).study
        of = trial_points(study, "lightgbm")
        assert 0 < standard_error(study, of, fit_surrogate(of)) < 0.05 * study.ranked[0].loss

    def test_without_folds_uses_the_noise_of_the_surrogate(self, tmp_path: Path) -> None:
        study = full_run(tmp_path / "run", trials=200, plan=Plan("holdout", 1)).study
        of = trial_points(study, "lightgbm")
        assert standard_error(study, of, fit_surrogate(of)) > 0

    def test_without_a_model_has_a_story_and_no_lessons(self, tmp_path: Path) -> None:
        made = cleaned_run(tmp_path / "run")
        found = learn_from(made.study, read_timeline(tmp_path / "run"))
        assert (found.lessons, found.story, found.more) == ((), (), None)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(8, 40), same=st.booleans())
def test_any_few_trials_can_be_learnt_from(seed: int, count: int, same: bool) -> None:
    rng = np.random.default_rng(seed)
    places = np.c_[rng.random(count), rng.integers(0, 2, count)]
    losses = np.ones(count) if same else np.exp(rng.standard_normal(count) * rng.uniform(0, 5))
    of = Points(
        "knn", {"x": Float(0.0, 1.0), "c": Choice((1, 2))}, places, losses, trials_of(losses)
    )
    surrogate = fit_surrogate(of)
    curves = effects(of, surrogate)
    for curve in curves:
        assert np.isfinite([*curve.losses, *curve.low, *curve.high]).all()
    ranges: tuple[GoodRange, ...] = good_ranges(of, curves, 0.0)
    assert all(0 <= one.share <= 1 + 1e-9 for one in ranges)
    assert all(math.isfinite(one.share) for one in importances(of, surrogate, 0))
