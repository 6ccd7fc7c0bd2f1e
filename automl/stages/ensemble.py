"""The ensemble stage: weights, calibration, thresholds, an honest score, and refits.

Weights are chosen by the complete out-of-fold predictions of the trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats
from automl.budget import Budget
from automl.ensemble import (
    Truth,
    apply_temperature,
    apply_thresholds,
    choose_thresholds,
    combine,
    equal_thresholds,
    fit_temperature,
    normalised,
    select_greedily,
    weights_by_id,
)
from automl.ensemble import fit_log_pool as logarithmic_pool
from automl.events import EnsembleWeighted
from automl.folds import HasTime, sample_rows, unlimited
from automl.lab.lab import Lab
from automl.metrics import METRICS, Metric, metric_of
from automl.models.trees.evaluation import KERNEL, has_compiler
from automl.prediction_costs import Arrangement
from automl.price import Price
from automl.search.affordable import affordable_variants
from automl.search.refits import RefitPolicy, refit_seconds
from automl.search.students import StudentPolicy
from automl.stages._base import option
from automl.stages._evaluation import evaluate, tied_with_best
from automl.stages._idle_members import Trimmer
from automl.stages._pace import Pace
from automl.stages._pool import Pool, gather_complete, gather_unfinished
from automl.stages._price_keeping import PriceKeeper, predictor_cost, record_priced
from automl.stages._pricing import Choice, Selector
from automl.study import Evaluation, Finish, Study, keeps_bag
from automl.trial import Trial
from automl.uncertainty import Weigher, estimate_optimism

__all__ = ["Ensemble", "Pace", "Pool", "choose_best_trial", "gather_complete", "gather_unfinished"]

Weights = Mapping[str, float]  # of trials, by id

MIN_CALIBRATION_ROWS = {"binary": 1000, "multiclass": 500}  # out-of-fold rows
MAX_PROBABILITIES = 100_000  # of one model, for choosing weights and the temperature
MIN_WEIGHING_ROWS = 300
MAX_WEIGHING_CELLS = 3_000_000  # of all models together, beyond the minimum of rows
MAX_THRESHOLD_ROWS = 20_000
MIN_THRESHOLD_ROWS = {"accuracy": 10_000}  # out-of-fold rows
MIN_THRESHOLD_ROWS_OF_OTHERS = 50  # for other metrics
MAX_HURRIED_ROWS = 5000  # for choosing weights when little time is left
HURRIED_SECONDS = 3  # that are little time
MIN_OPTIMISM_SECONDS = 0.8  # with less, optimism and ties are not looked for
# From this share of duplicate rows on, there are refits alone, which have seen every row (0.92 to
# 1.02 of the loss).
MIN_REPEATED_SHARE = 0.1
# Rows from which on four refits are as good alone as next to a bag (0.999 of the loss on 9 tables;
# 1.006 on 4 smaller ones).
MIN_ROWS_WITHOUT_BAG = 1_000
MAX_UNTIMED_COPIES = 2  # refits of a member without a clock to say how many there is time for
EXTRA_REFIT_TIME_SHARE = 0.1  # of the time that is left is kept for refits in addition to bags
REFIT_TIME_SHARE = 0.15  # of the time that is left, as long as no trial says how long they take
MAX_MEMBERS_TO_REFIT = 4  # for whose refits time is kept
# The loss of members that consist of so many refits, over that of bags and refits together
# (geometric means on 20 tables).
LOSS_OF_REFITS = {4: 1.0, 2: 1.008, 1: 1.018}
LOSS_OF_A_FOLD_MODEL = 1.03  # of eight
PRICED_TIME_SHARE = 0.15  # of the time that is left is kept to keep to a price
MIN_PRICED_SECONDS = 4.0
VARIANTS_TIME_SHARE = 0.5  # of it, for smaller variants of the best models
TIMING_MARGIN = 0.9  # of the milliseconds that are asked for, since they differ from time to time
PRICED_EVALUATION_TIME_SHARE = 0.3  # of the time that is left is kept while prices are kept to


@dataclass(frozen=True)
class Ensemble:
    """Combine the trials into one predictor and say how good it can be expected to be."""

    method: Literal["auto", "greedy", "best"] = option(
        "auto",
        "Weights by greedy selection, or the best trial alone; auto: greedy for numbers, a "
        "logarithmic pool for classes.",
    )
    steps: int = option(25, "Steps of the greedy selection, with replacement.", least=1, most=1000)
    candidates: int = option(
        30, "How many of the best trials take part, besides the best of every family.", least=1
    )
    rows: int = option(
        20_000, "Out-of-fold rows on which weights are chosen; more are sampled.", least=100
    )
    calibrate: bool = option(
        True, "Choose a temperature for the probabilities where there are enough rows."
    )
    finish: Literal["auto", "bag", "refit", "both", "either"] = option(
        "auto",
        "Members are bags of fold models, refits on all rows, or both; either: four refits, or "
        "both where there are fewer; auto: refits after a holdout and for rows that recur, either "
        "from 1 000 rows on, else both.",
    )
    copies: int = option(
        4,
        "The most refits of each member, with different seeds, as far as there is time.",
        least=1,
        most=100,
    )
    members: int = option(0, "The most members; 0 is no bound.")
    trim: bool = option(
        True,
        "Leave out members without which the loss rises by less than 0.2%, and by less than its "
        "noise.",
    )
    megabytes: int = option(
        500,
        "Members that would make the predictor larger are left out, the heaviest coming first.",
        least=1,
    )
    max_ms: float = option(
        0.0,
        "Milliseconds that predicting one row may take, warm, as measured in the run; 0 is no "
        "bound. With `trials` they are counted, not measured.",
    )
    max_mb: float = option(0.0, "Megabytes that the predictor's file may have; 0 is no bound.")

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Choose weights, train members on all rows if need be, and record the evaluation."""
        pool = gather_complete(study, lab.data, self.candidates)
        if not pool.has_model:
            incomplete = gather_unfinished(study, lab.data)
            if incomplete.trials:
                pool = incomplete
        if not pool.trials:
            return study
        if not study.is_complete(pool.trials[0]):
            return self._run_incomplete(study, pool, lab, budget)
        if self.price.is_bounded:
            return self._run_within_price(study, lab, budget)
        max_rows = _max_rows_in_time(budget)
        keep = 0.0
        if budget.is_timed:
            keep = 0.5 * budget.remaining()
        pace = Pace(budget, keep)
        weights = self.weigh(study, pool, max_rows, pace)
        finish = self._finish(study)
        if finish == "refit" and study.plan.kind != "kfold":
            # One fold model is little to fall back on.
            policy = RefitPolicy(study, weights)
            study = lab.run(policy, study, budget)
        keep_share = 0.0 if finish == "bag" else 0.5
        evaluation = self._evaluate_in_time(study, pool, weights, budget, keep_share)
        if finish != "bag":
            copies = self._most_copies(budget)
            policy = RefitPolicy(
                study,
                weights,
                copies,
                needed=False,
                one_each_first=finish == "refit",
            )
            study = lab.run(policy, study, budget)
        members = [study.trials[name] for name in weights]
        if not any(member.refits for member in members):
            finish = "bag"
        return lab.record(study, EnsembleWeighted(weights, finish, evaluation))

    def _run_incomplete(self, study: Study, pool: Pool, lab: Lab, budget: Budget) -> Study:
        """Choose the only trial, which has not all folds: the rows held out so far judge it."""
        weights = {pool.trials[0].id: 1.0}
        pace = Pace(budget, 0.0)
        evaluation = self.evaluate(study, pool, weights, has_time=pace)
        if self.price.is_bounded:
            event = EnsembleWeighted(weights, "bag", evaluation, copies=1)
            cost = predictor_cost(study.add(event), lab)
            return record_priced(study, lab, replace(event, cost=cost), self.price)
        return lab.record(study, EnsembleWeighted(weights, "bag", evaluation))

    @property
    def price(self) -> Price:
        """What predictions may cost at most."""
        return Price(self.max_ms or math.inf, self.max_mb or math.inf)

    def _with_affordable(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Train smaller variants of the best models, if these don't keep to the price."""
        variants = affordable_variants(study, self.price, "ensemble")
        if not variants:
            return study
        policy = StudentPolicy(variants, study.plan.splits)
        limited = budget
        if budget.is_timed:
            limited = budget.within(VARIANTS_TIME_SHARE * budget.remaining())
        return lab.run(policy, study, limited)

    def _run_within_price(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Choose the ensemble, train its refits and measure it, until it keeps to the price."""
        study = self._with_affordable(study, lab, budget)
        pool = gather_complete(study, lab.data, self.candidates)
        max_rows = _max_rows_in_time(budget)
        keep = 0.0
        if budget.is_timed:
            keep = PRICED_EVALUATION_TIME_SHARE * budget.remaining()
        pace = Pace(budget, keep)

        def has_time_to_measure() -> bool:
            return budget.remaining() > MIN_OPTIMISM_SECONDS

        def weigh(part: Pool) -> Weights:
            return self.weigh(study, part, max_rows, pace)

        def train(before: Study, choice: Choice) -> Study:
            planned = choice.arrangement.planned
            if not planned:
                return before
            policy = RefitPolicy(before, choice.weights, planned, one_each_first=True)
            return lab.run(policy, before, budget.within(budget.remaining() - keep))

        trimmer = self._trimmer(study, pool, max_rows, pace)
        arrangements = self._arrangements(study, budget)
        predictions = tuple(trimmer.predictions.values())
        sample = Pool(pool.trials, predictions, trimmer.truth)
        selector = Selector(
            study,
            pool,
            sample,
            weigh,
            trimmer.weigher,
            trimmer.loss,
            arrangements,
        )
        price = self.price
        if budget.is_timed:
            price = replace(price, milliseconds=TIMING_MARGIN * price.milliseconds)
        keeper = PriceKeeper(
            selector,
            price,
            lab,
            train,
            has_time=pace,
            has_time_to_measure=has_time_to_measure,
        )
        study, offer = keeper.find(study)
        choice = offer.choice
        evaluation = self._evaluate_in_time(study, pool, choice.weights, budget, 0.0)
        event = choice.event(evaluation, offer.cost)
        return record_priced(study, lab, event, self.price)

    def _arrangements(self, study: Study, budget: Budget) -> Sequence[tuple[Arrangement, float]]:
        """Return what members may consist of, with the factor by which it changes the loss."""
        finish = self._finish(study)
        most = self._most_copies(budget)
        preferred = Arrangement(finish, planned=0 if finish == "bag" else most)
        found = [(preferred, 1.0)]
        if self.finish == "bag":
            found.append((Arrangement("bag", copies=1), LOSS_OF_A_FOLD_MODEL))
            return found
        for copies, loss in LOSS_OF_REFITS.items():
            if copies <= most:
                found.append((Arrangement("refit", copies, planned=copies), loss))
        return found

    def _most_copies(self, budget: Budget) -> int:
        """Return the most refits of a member."""
        if budget.is_timed:
            return self.copies
        return min(self.copies, MAX_UNTIMED_COPIES)

    def _evaluate_in_time(
        self,
        study: Study,
        pool: Pool,
        weights: Weights,
        budget: Budget,
        keep_share: float,
    ) -> Evaluation:
        """Evaluate the ensemble, with the optimism of the choice and ties as far as there is time.

        Parameters
        ----------
        keep_share : float
            Share of the time that is left which is not used.
        """
        metric = metric_of(study.known_task)
        keep = 0.0
        if budget.is_timed:
            keep = max(MIN_OPTIMISM_SECONDS / 2, keep_share * budget.remaining())
        n_rows = len(pool.truth.y)
        has_thresholds = _has_thresholds(metric, n_rows)
        predictions = pool.predictions
        if len(weights) == 1:
            predictions = tuple(pool.predictions_of(weights))
        is_choice = len(weights) > 1 or has_thresholds
        expected_optimism = 0.0
        if is_choice and budget.remaining() > MIN_OPTIMISM_SECONDS:
            pace = Pace(budget, keep)
            expected_optimism = estimate_optimism(
                predictions,
                pool.truth,
                metric,
                self.weigher(study, pace),
                seed=study.seed,
                has_time=pace,
                chooses_thresholds=has_thresholds,
            )
        pace = Pace(budget, keep)
        evaluation = self.evaluate(study, pool, weights, expected_optimism, pace)
        if budget.remaining() > max(MIN_OPTIMISM_SECONDS, keep):
            pace = Pace(budget, keep)
            tied = tied_with_best(pool, metric, study.seed, pace)
            evaluation = replace(evaluation, tied=tuple(tied))
        return evaluation

    def seconds_to_reserve(self, study: Study, lab: Lab, budget: Budget) -> float:
        """Return the seconds to keep for the refits.

        They are those that refits of the best trials will take, or a part of the budget as long
        as there are none.
        """
        finish = self._finish(study)
        if finish == "bag" or not budget.is_timed:
            return 0.0
        if self.price.is_bounded:
            left = budget.remaining()
            share = PRICED_TIME_SHARE
            if affordable_variants(study, self.price, "ensemble"):
                share *= 2
            return min(max(MIN_PRICED_SECONDS, share * left), left / 2)
        best = study.ranked_models[:MAX_MEMBERS_TO_REFIT]
        seconds = [refit_seconds(study, trial) for trial in best]
        workers = lab.workers
        if finish in ("both", "either"):
            most = EXTRA_REFIT_TIME_SHARE * budget.remaining()
            if not seconds:
                return most
            return min(most, self.copies * sum(seconds) / workers)
        if not seconds:
            return REFIT_TIME_SHARE * budget.remaining()
        return max(sum(seconds) / workers, *seconds)

    def modules(self, budget: Budget) -> tuple[str, ...]:
        """Return the module that quick predictions need, where they are measured."""
        if math.isfinite(self.price.milliseconds) and budget.is_timed and has_compiler():
            return (KERNEL,)
        return ()

    def _finish(self, study: Study) -> Finish:
        if self.finish != "auto":
            return self.finish
        if study.plan.kind != "kfold":
            return "refit"
        size = study.size
        rows_recur = size.repeated > MIN_REPEATED_SHARE * size.rows
        if rows_recur:
            return "refit"
        return "either" if size.rows >= MIN_ROWS_WITHOUT_BAG else "both"

    def weigh(
        self, study: Study, pool: Pool, max_rows: int = 0, has_time: HasTime = unlimited
    ) -> Weights:
        """Return the weights by trial id, largest first.

        Parameters
        ----------
        max_rows : int
            The most rows to choose them on; 0 is the stage's option.
        has_time : callable
            Whether there is time for another step of the greedy selection.
        """
        ids = [trial.id for trial in pool.trials]
        if self.method == "best" or len(ids) == 1:
            return {ids[0]: 1.0}
        trimmer = self._trimmer(study, pool, max_rows, has_time)
        predictions = list(trimmer.predictions.values())
        weights = weights_by_id(ids, trimmer.weigher(predictions, trimmer.truth))
        if self.trim:
            weights = trimmer.trim(weights, has_time)
        return self._bounded(study, weights)

    def _trimmer(self, study: Study, pool: Pool, max_rows: int, has_time: HasTime) -> Trimmer:
        """Return what judges ensembles by a sample of the out-of-fold rows."""
        ids = [trial.id for trial in pool.trials]
        cells_per_row = study.known_task.n_outputs * len(ids)
        affordable_rows = max(MIN_WEIGHING_ROWS, MAX_WEIGHING_CELLS // cells_per_row)
        max_rows = min(max_rows or self.rows, _max_rows(study), affordable_rows)
        n_rows = len(pool.truth.y)
        rows = sample_rows(n_rows, max_rows, study.seed)
        predictions = [prediction[rows] for prediction in pool.predictions]
        return Trimmer(
            task=study.known_task,
            metric=metric_of(study.known_task),
            truth=pool.truth.take(rows),
            predictions=dict(zip(ids, predictions, strict=True)),
            weigher=self.weigher(study, has_time),
            calibrates=self._calibrates(study, n_rows),
            seed=study.seed,
        )

    def _bounded(self, study: Study, weights: Weights) -> Weights:
        """Keep the heaviest members that are neither too many nor together too large.

        The smallest one stays where none is small enough.
        """
        sizes = {name: self._bytes(study, study.trials[name]) for name in weights}
        candidates = list(weights)
        if self.members:
            candidates = candidates[: self.members]
        max_size = self.megabytes * 1e6
        bounded = {}
        total = 0.0
        for name in candidates:
            if total + sizes[name] <= max_size:
                bounded[name] = weights[name]
                total += sizes[name]
        if not bounded:
            smallest = min(sizes, key=lambda name: sizes[name])
            return {smallest: 1.0}
        if len(bounded) == len(weights):
            return bounded
        return normalised(bounded)

    def _bytes(self, study: Study, trial: Trial) -> float:
        """Return the bytes that a member will take: its fold models, its refits, or both."""
        sizes = []
        for key, outcome in trial.full_outcomes.items():
            is_refit = trial.jobs[key].fold is None
            if outcome.status == "done" and not is_refit:
                sizes.append(outcome.size)
        family = study.family(trial.candidate.family)
        finish = self._finish(study)
        if finish == "bag":
            refits = 0
        elif finish in ("both", "either") and family.seeded:
            refits = self.copies
        else:
            refits = 1
        models = refits
        if keeps_bag(finish, family, refits):
            models += len(sizes)
        return models * sum(sizes) / max(1, len(sizes))

    def weigher(self, study: Study, has_time: HasTime = unlimited) -> Weigher:
        """Return the function that finds weights."""
        if self.method == "auto" and not study.known_task.is_regression:
            return logarithmic_pool
        metric = metric_of(study.known_task)
        return partial(select_greedily, metric=metric, steps=self.steps, has_time=has_time)

    def evaluate(
        self,
        study: Study,
        pool: Pool,
        weights: Weights,
        optimism: float = 0.0,
        has_time: HasTime = unlimited,
    ) -> Evaluation:
        """Evaluate the weighted mean of the members.

        Parameters
        ----------
        weights : mapping of str to float
            By trial id.
        optimism : float
            The amount by which the choice of weights flatters the loss.
        has_time : callable
            Whether there is time for another bootstrap sample.

        Returns
        -------
        Evaluation
            The loss and its 95% interval; the residuals' quantiles of a regression, otherwise
            the temperature and the thresholds between classes.
        """
        task = study.known_task
        metric = metric_of(task)
        by_id = {}
        for index, trial in enumerate(pool.trials):
            by_id[trial.id] = pool.predictions[index]
        members = [by_id[name] for name in weights]
        combined = combine(members, list(weights.values()))
        if task.is_regression:
            evaluation = evaluate(combined, pool, metric, study, optimism, has_time)
            residuals = _quantiles(pool.truth.y - combined)
            return replace(evaluation, residuals=residuals)
        degree = self._temperature(study, combined, pool.truth)
        proba = apply_temperature(combined, degree)
        thresholds = equal_thresholds(task.n_outputs)
        n_rows = len(pool.truth.y)
        if _has_thresholds(metric, n_rows):
            rows = sample_rows(n_rows, MAX_THRESHOLD_ROWS, study.seed)
            truth = pool.truth.take(rows)
            thresholds = choose_thresholds(proba[rows], truth, metric)
        prediction: npt.NDArray[Any] = proba
        if metric.needs == "labels":
            prediction = apply_thresholds(proba, thresholds)
        evaluation = evaluate(prediction, pool, metric, study, optimism, has_time)
        return replace(
            evaluation,
            temperature=degree,
            thresholds=tuple(thresholds.tolist()),
        )

    def _calibrates(self, study: Study, n_rows: int) -> bool:
        """Return whether a temperature is chosen on so many out-of-fold rows."""
        task = study.known_task
        if task.is_regression:
            return False
        return self.calibrate and n_rows >= MIN_CALIBRATION_ROWS[task.kind]

    def _temperature(self, study: Study, proba: Floats, truth: Truth) -> float:
        """Return the temperature of the probabilities; 1 leaves them as they are."""
        n_rows = len(truth.y)
        if not self._calibrates(study, n_rows):
            return 1.0
        rows = sample_rows(n_rows, _max_rows(study), study.seed)
        log_loss = METRICS["log_loss"]
        return fit_temperature(proba[rows], truth.take(rows), log_loss)


def choose_best_trial(study: Study, lab: Lab, budget: Budget) -> Study:
    """Choose the best trial for a run that has no weights when it ends."""
    if study.weights:
        return study
    stage = Ensemble(method="best", finish="bag")
    return stage.run(study, lab, budget)


def _has_thresholds(metric: Metric, rows: int) -> bool:
    """Whether there are enough out-of-fold rows to choose thresholds between classes by."""
    if metric.needs != "labels":
        return False
    min_rows = MIN_THRESHOLD_ROWS.get(metric.name, MIN_THRESHOLD_ROWS_OF_OTHERS)
    return rows >= min_rows


def _max_rows_in_time(budget: Budget) -> int:
    """Return the most rows to choose weights on, if little time is left; 0 is no bound."""
    is_hurried = budget.remaining() < HURRIED_SECONDS
    return MAX_HURRIED_ROWS if is_hurried else 0


def _max_rows(study: Study) -> int:
    """Return the most rows on which weights and the temperature of classes are chosen."""
    return max(1000, MAX_PROBABILITIES // study.known_task.n_outputs)


def _quantiles(residuals: Floats) -> tuple[float, ...]:
    """Return the percentiles from 0 to 100, rounded to seven digits."""
    shares = np.linspace(0, 1, 101)
    quantiles = np.quantile(residuals, shares)
    return tuple(float(f"{value:.7g}") for value in quantiles)
