"""Proposals for a smaller predictor: judged on held-out rows, then refitted and built."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from automl.arrays import Array, Floats, Rows
from automl.budget import Budget
from automl.ensemble import apply_temperature, apply_thresholds, combine, equal_thresholds
from automl.executor.work import encodings_at
from automl.lab.assembly import build_predictor
from automl.lab.lab import Lab
from automl.metrics import Metric, metric_of
from automl.predictor import Predictor
from automl.predictor.cost import measure_cost
from automl.price import Cost, Price
from automl.search.refits import RefitPolicy
from automl.stages.ensemble import Ensemble, Pool, evaluate_ensemble
from automl.study import Evaluation, Study
from automl.table import Table
from automl.uncertainty import LossDifference, loss_difference

Kind = Literal["ensemble", "pruned", "single", "distilled"]
Weights = Mapping[str, float]  # of trials, by id

# Of the ensemble's loss: a model may lose as much more where no price is given.
MAX_COST_SHARE = 0.02
MAX_ESTIMATED_SHARE = 1.2  # of a price: estimates are not exact, and what is built is measured
MAX_TRIES = 4  # of building a model of one kind that keeps to the price


@dataclass(frozen=True, eq=False)
class SmallModel:
    """A predictor that may replace a run's own.

    Parameters
    ----------
    kind : {"ensemble", "pruned", "single", "distilled"}
    predictor : Predictor
    cost : Cost
        Measured.
    loss : float
        Mean over the folds.
    difference : LossDifference
        How much more it loses than the run's ensemble, on the same held-out rows.
    """

    kind: Kind
    predictor: Predictor
    cost: Cost
    loss: float
    difference: LossDifference


@dataclass(frozen=True)
class Proposal:
    """Trials that may become a smaller predictor, and what that is expected to cost.

    Parameters
    ----------
    kind : {"pruned", "single", "distilled"}
    weights : mapping of str to float
    loss : float
        Of the held-out predictions.
    estimate : Cost
    copies : int
        Refits of each.
    """

    kind: Kind
    weights: Weights
    loss: float
    estimate: Cost
    copies: int = 1


class Workplace:
    """The lab and the study in which some trials' models are trained.

    Parameters
    ----------
    study : Study
    lab : Lab
    pool : Pool
        The trials with their held-out predictions.
    rows : ndarray of int64
        Positions, in the run's data, of the rows of the pool.
    budget : Budget
        For training on all rows.
    """

    def __init__(
        self,
        study: Study,
        lab: Lab,
        pool: Pool,
        rows: Rows,
        budget: Budget,
    ) -> None:
        self.study = study
        self.lab = lab
        self.pool = pool
        self.rows = rows
        self._budget = budget

    def refit(self, proposal: Proposal) -> bool:
        """Train a proposal's trials on all rows, and return whether all of them are."""
        policy = RefitPolicy(self.study, proposal.weights, proposal.copies)
        self.study = self.lab.run(policy, self.study, self._budget)
        trials = [self.study.trials[name] for name in proposal.weights]
        if not all(trial.refits for trial in trials):
            return False
        # The features of refits that the run made itself were deleted at its end.
        for trial in trials:
            for split in trial.refits:
                self.lab.encode_and_wait(encodings_at(trial.candidate.recipe, split))
        return True


@dataclass(frozen=True, eq=False)
class Judge:
    """Compares smaller models with the run's ensemble.

    Parameters
    ----------
    study : Study
        Of the run.
    stage : Ensemble
        By which the run's ensemble was made.
    ensemble : ndarray of shape (n_rows,) or (n_rows, n_classes)
        The ensemble's held-out predictions for the rows of the run's data.
    loss : float
        The ensemble's.
    rows : Table
        Some rows of the raw table, by which costs are measured.
    """

    study: Study
    stage: Ensemble
    ensemble: Floats
    loss: float
    rows: Table

    @property
    def metric(self) -> Metric:
        """The run's metric."""
        return metric_of(self.study.known_task)

    def judged_ensemble(self, predictor: Predictor) -> SmallModel:
        """Return the run's own predictor as a model to compare with."""
        cost = measure_cost(predictor, self.rows)
        return SmallModel("ensemble", predictor, cost, self.loss, LossDifference(0.0, 0.0, 0.0))

    def loss_on(self, workplace: Workplace) -> float:
        """Return the ensemble's loss on the rows of a pool, as that of any trial is computed."""
        return loss_of(self.ensemble[workplace.rows], workplace.pool, self.metric)

    def built(self, proposal: Proposal, workplace: Workplace) -> SmallModel | None:
        """Train a proposal on all rows and build it; None if there was no time for that."""
        if not workplace.refit(proposal):
            return None
        run = self.study
        study = replace(
            workplace.study,
            data=run.data,
            size=run.size,
            plan=run.plan,
            weights=proposal.weights,
            finish="refit",
            copies=proposal.copies,
            cost=None,
        )
        evaluation = evaluate_ensemble(self.stage, study, workplace.pool, proposal.weights)
        difference = self._difference(proposal, workplace, evaluation)
        evaluation = moved_to(self.loss + difference.mean, evaluation, self.metric)
        study = replace(study, evaluation=evaluation)
        predictor = build_predictor(study, workplace.lab.data)
        cost = measure_cost(predictor, self.rows)
        return SmallModel(proposal.kind, predictor, cost, evaluation.loss, difference)

    def _difference(
        self,
        proposal: Proposal,
        workplace: Workplace,
        evaluation: Evaluation,
    ) -> LossDifference:
        pool = workplace.pool
        combined = combine(pool.predictions_of(proposal.weights), list(proposal.weights.values()))
        known = self.study.evaluation or evaluation
        ensemble = self.ensemble[workplace.rows]
        return loss_difference(
            self._answers(combined, evaluation),
            self._answers(ensemble, replace(known, temperature=1.0)),
            pool.truth,
            self.metric,
            seed=self.study.seed,
        )

    def _answers(self, prediction: Floats, evaluation: Evaluation) -> Array:
        """Return what the metric compares with the truth."""
        if prediction.ndim == 1:
            return prediction
        proba = apply_temperature(prediction, evaluation.temperature)
        if self.metric.needs != "labels":
            return proba
        thresholds = equal_thresholds(proba.shape[1])
        if evaluation.thresholds is not None:
            thresholds = np.array(evaluation.thresholds)
        return apply_thresholds(proba, thresholds)


def loss_of(prediction: Floats, pool: Pool, metric: Metric) -> float:
    """Return the loss of a prediction for the rows of a pool."""
    truth = pool.truth
    return metric.loss_of_output(truth.y, prediction, truth.weight)


def moved_to(loss: float, evaluation: Evaluation, metric: Metric) -> Evaluation:
    """Return an evaluation with another loss, and its interval around that.

    The ensemble's loss plus the difference on the same rows is a better estimate than the loss on
    some of the rows.

    Examples
    --------
    >>> from automl.metrics import METRICS
    >>> moved = moved_to(0.4, Evaluation(0.5, 0.3, 0.9, rows=9, new=9), METRICS["log_loss"])
    >>> round(moved.low, 6), round(moved.high, 6)
    (0.2, 0.8)
    """
    shift = loss - evaluation.loss
    low = max(metric.min_loss, evaluation.low + shift)
    high = min(metric.max_loss, evaluation.high + shift)
    return replace(evaluation, loss=loss, low=low, high=high)


def in_order(
    proposals: Sequence[Proposal],
    price: Price,
    ensemble_loss: float,
) -> list[Proposal]:
    """Return the proposals that are worth building, the most promising first.

    With a price these are the ones that may keep to it, by their loss; without one the smallest
    whose loss is little above the ensemble's. Where there is none, the one that comes nearest.
    """
    if not proposals:
        return []
    if not price.is_bounded:
        most = ensemble_loss + MAX_COST_SHARE * abs(ensemble_loss)
        good = [proposal for proposal in proposals if proposal.loss <= most]
        if not good:
            return [min(proposals, key=lambda proposal: proposal.loss)]
        return sorted(good, key=lambda proposal: proposal.estimate.megabytes)

    def used(proposal: Proposal) -> float:
        return price.used_share(proposal.estimate)

    affordable = [proposal for proposal in proposals if used(proposal) <= MAX_ESTIMATED_SHARE]
    if not affordable:
        return [min(proposals, key=used)]
    return sorted(affordable, key=lambda proposal: proposal.loss)


def first_that_fits(
    proposals: Sequence[Proposal],
    price: Price,
    judge: Judge,
    workplace: Workplace,
) -> list[SmallModel]:
    """Build proposals of one kind until one keeps to the price.

    Returns
    -------
    list of SmallModel
        The one that does; otherwise the cheapest of those that were built. Empty if there was no
        time for any.
    """
    cheapest: list[SmallModel] = []
    least = math.inf
    for proposal in in_order(proposals, price, judge.loss_on(workplace))[:MAX_TRIES]:
        model = judge.built(proposal, workplace)
        if model is None:
            continue
        if price.allows(model.cost):
            return [model]
        used = price.used_share(model.cost)
        if used < least:
            cheapest = [model]
            least = used
    return cheapest
