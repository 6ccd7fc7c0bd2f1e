"""The ensemble stage: weights, calibration, thresholds, an honest score, and refits.

Weights are chosen by the complete out-of-fold predictions of the trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from automl.budget import Budget
from automl.events import EnsembleWeighted
from automl.lab.lab import Lab
from automl.models.trees.evaluation import KERNEL, has_compiler
from automl.search.affordable import is_best_affordable
from automl.search.refits import RefitPolicy, refit_seconds
from automl.stages._ensemble_evaluation import evaluate_ensemble, evaluate_in_time
from automl.stages._ensemble_options import EnsembleOptions
from automl.stages._pace import Pace
from automl.stages._pool import Pool, gather_complete, gather_unfinished
from automl.stages._price_keeping import predictor_cost, record_priced
from automl.stages._priced_run import run_within_price
from automl.stages._weighing import max_rows_in_time, weigh
from automl.study import Study

__all__ = [
    "Ensemble",
    "Pace",
    "Pool",
    "choose_best_trial",
    "evaluate_ensemble",
    "gather_complete",
    "gather_unfinished",
    "weigh",
]

EXTRA_REFIT_TIME_SHARE = 0.1  # of the time that is left is kept for refits in addition to bags
REFIT_TIME_SHARE = 0.15  # of the time that is left, as long as no trial says how long they take
MAX_MEMBERS_TO_REFIT = 4  # for whose refits time is kept
PRICED_TIME_SHARE = 0.15  # of the time that is left is kept to keep to a price
MIN_PRICED_SECONDS = 3.0  # besides those of the refits


@dataclass(frozen=True)
class Ensemble(EnsembleOptions):
    """Combine the trials into one predictor and say how good it can be expected to be."""

    def run(
        self,
        study: Study,
        lab: Lab,
        budget: Budget,
    ) -> Study:
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
            return run_within_price(self, study, lab, budget)
        return self._run_without_price(study, pool, lab, budget)

    def _run_without_price(
        self,
        study: Study,
        pool: Pool,
        lab: Lab,
        budget: Budget,
    ) -> Study:
        keep = 0.0
        if budget.is_timed:
            keep = 0.5 * budget.remaining()
        pace = Pace(budget, keep)
        weights = weigh(self, study, pool, max_rows_in_time(budget), pace)
        finish = self.finish_of(study)
        if finish == "refit" and study.plan.kind != "kfold":
            # One fold model is little to fall back on.
            policy = RefitPolicy(study, weights)
            study = lab.run(policy, study, budget)
        keep_share = 0.0 if finish == "bag" else 0.5
        evaluation = evaluate_in_time(
            self,
            study,
            pool,
            weights,
            budget,
            keep_share,
        )
        if finish != "bag":
            copies = self.most_copies(budget)
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

    def _run_incomplete(
        self,
        study: Study,
        pool: Pool,
        lab: Lab,
        budget: Budget,
    ) -> Study:
        """Choose the only trial, which has not all folds: the rows held out so far judge it."""
        weights = {pool.trials[0].id: 1.0}
        pace = Pace(budget, 0.0)
        evaluation = evaluate_ensemble(self, study, pool, weights, has_time=pace)
        if self.price.is_bounded:
            event = EnsembleWeighted(weights, "bag", evaluation, copies=1)
            cost = predictor_cost(study.add(event), lab)
            return record_priced(study, lab, replace(event, cost=cost), self.price)
        return lab.record(study, EnsembleWeighted(weights, "bag", evaluation))

    def seconds_to_reserve(
        self,
        study: Study,
        lab: Lab,
        budget: Budget,
    ) -> float:
        """Return the seconds to keep for the refits, and for keeping to a price.

        They are those that refits of the best trials will take, or a part of the budget as long
        as there are none.
        """
        if not budget.is_timed:
            return 0.0
        seconds = self._refit_seconds(study, lab, budget)
        if not self.price.is_bounded:
            return seconds
        left = budget.remaining()
        share = PRICED_TIME_SHARE
        if not is_best_affordable(study, self.price):
            share *= 2
        seconds = max(share * left, seconds + MIN_PRICED_SECONDS)
        return min(seconds, left / 2)

    def _refit_seconds(
        self,
        study: Study,
        lab: Lab,
        budget: Budget,
    ) -> float:
        """Return the seconds to keep for refits of the best trials."""
        finish = self.finish_of(study)
        if finish == "bag":
            return 0.0
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


def choose_best_trial(study: Study, lab: Lab, budget: Budget) -> Study:
    """Choose the best trial for a run that has no weights when it ends."""
    if study.weights:
        return study
    stage = Ensemble(method="best", finish="bag")
    return stage.run(study, lab, budget)
