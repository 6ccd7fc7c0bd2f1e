"""Choose and train an ensemble whose predictions keep to a price."""

from __future__ import annotations

import math
from dataclasses import replace

from automl.budget import Budget
from automl.folds import HasTime
from automl.lab.lab import Lab
from automl.prediction_costs import Arrangement
from automl.search.affordable import affordable_variants, is_best_affordable
from automl.search.all_folds import AllFoldsPolicy
from automl.search.refits import RefitPolicy, refit_seconds
from automl.stages._ensemble_evaluation import MIN_OPTIMISM_SECONDS, evaluate_in_time
from automl.stages._ensemble_options import EnsembleOptions
from automl.stages._idle_members import Weights
from automl.stages._pace import Pace
from automl.stages._pool import Pool, gather_complete
from automl.stages._price_keeping import PriceKeeper, record_priced
from automl.stages._pricing import Choice, Selector
from automl.stages._weighing import max_rows_in_time, trimmer_of, weigh
from automl.study import Study

# Of the time that is left, for smaller variants of the best models: of those that don't keep to the
# price, or only leave no room for others.
VARIANTS_TIME_SHARE = 0.6
FURTHER_VARIANTS_TIME_SHARE = 0.4
TIMING_MARGIN = 0.9  # of the milliseconds that are asked for, since they differ from time to time
PRICED_EVALUATION_TIME_SHARE = 0.2  # of the time that is left is kept while prices are kept to
COPIES = (4, 2, 1)  # refits that members may consist of
MAX_COPIES = 100
_TINY_SECONDS = 1e-6


def _with_affordable(
    options: EnsembleOptions,
    study: Study,
    lab: Lab,
    budget: Budget,
) -> Study:
    """Train smaller variants of the best models that don't keep to the price, or fill it alone."""
    limited = budget
    if budget.is_timed:
        share = VARIANTS_TIME_SHARE
        if is_best_affordable(study, options.price):
            share = FURTHER_VARIANTS_TIME_SHARE
        limited = budget.within(share * budget.remaining())
    seconds = lab.workers * limited.remaining()
    variants = affordable_variants(study, options.price, seconds)
    if not variants:
        return study
    policy = AllFoldsPolicy(variants)
    return lab.run(policy, study, limited)


def run_within_price(
    options: EnsembleOptions,
    study: Study,
    lab: Lab,
    budget: Budget,
) -> Study:
    """Choose the ensemble, train its refits and measure it, until it keeps to the price."""
    study = _with_affordable(options, study, lab, budget)
    pool = gather_complete(study, lab.data, options.candidates)
    price = options.price
    kept_seconds = 0.0
    if budget.is_timed:
        price = replace(price, milliseconds=TIMING_MARGIN * price.milliseconds)
        kept_seconds = PRICED_EVALUATION_TIME_SHARE * budget.remaining()
    pace = Pace(budget, kept_seconds)

    def has_time_to_choose() -> bool:
        return budget.remaining() > max(MIN_OPTIMISM_SECONDS, kept_seconds / 2)

    def has_time_to_measure() -> bool:
        return budget.remaining() > MIN_OPTIMISM_SECONDS

    def train(before: Study, choice: Choice, is_first: bool) -> Study:
        planned = choice.arrangement.planned
        if not planned:
            return before
        policy = RefitPolicy(
            before,
            choice.weights,
            planned,
            needed=is_first,
            one_each_first=True,
        )
        left = budget.remaining()
        kept = kept_seconds
        if is_first:
            kept = min(kept, left / 2)
        if left <= kept:
            return before
        return lab.run(policy, before, budget.within(left - kept))

    keeper = PriceKeeper(
        _selector(options, study, pool, lab, budget, pace),
        price,
        lab,
        train,
        has_time_to_choose,
        has_time_to_measure=has_time_to_measure,
    )
    study, offer = keeper.find(study)
    choice = offer.choice
    evaluation = evaluate_in_time(options, study, pool, choice.weights, budget)
    event = choice.event(evaluation, offer.cost)
    return record_priced(study, lab, event, options.price)


def _selector(
    options: EnsembleOptions,
    study: Study,
    pool: Pool,
    lab: Lab,
    budget: Budget,
    has_time: HasTime,
) -> Selector:
    max_rows = max_rows_in_time(budget)
    trimmer = trimmer_of(options, study, pool, max_rows, has_time)
    predictions = tuple(trimmer.predictions.values())

    known: dict[frozenset[str], Weights] = {}

    def weigh_part(part: Pool) -> Weights:
        names = frozenset(trial.id for trial in part.trials)
        if names not in known:
            known[names] = weigh(options, study, part, max_rows, has_time)
        return known[names]

    def copies_in_time(by_now: Study, weights: Weights) -> int:
        """Return how many refits each member can have in time, at least one."""
        members = [by_now.trials[name] for name in weights]
        seeded = [trial for trial in members if by_now.family(trial.family).seeded]
        there = min((len(trial.refits) for trial in seeded), default=0)
        seconds = [refit_seconds(by_now, trial) for trial in members]
        for_one_of_each = max(_TINY_SECONDS, sum(seconds) / lab.workers)
        left = (1 - PRICED_EVALUATION_TIME_SHARE) * budget.remaining()
        further = math.floor(min(MAX_COPIES, left / for_one_of_each))
        return max(1, there + further)

    return Selector(
        study,
        pool,
        Pool(pool.trials, predictions, trimmer.truth),
        weigh_part,
        trimmer.weigher,
        trimmer.loss,
        _arrangements(options, study, budget),
        copies_in_time,
    )


def _arrangements(
    options: EnsembleOptions,
    study: Study,
    budget: Budget,
) -> list[Arrangement]:
    """Return what members may consist of, the preferred one first."""
    finish = options.finish_of(study)
    most = options.most_copies(budget)
    preferred = Arrangement(finish, planned=0 if finish == "bag" else most)
    found = [preferred]
    if options.finish == "bag":
        found.append(Arrangement("bag", copies=1))
        return found
    for copies in COPIES:
        if copies <= most:
            found.append(Arrangement("refit", copies, planned=copies))
    return found
