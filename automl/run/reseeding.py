"""How a run's winner and ensemble change with the seed: they are trained again with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats
from automl.budget import Budget, reserve_ending
from automl.ensemble import apply_temperature, apply_thresholds, combine, equal_thresholds
from automl.errors import InputError
from automl.event_log import replay
from automl.executor.fork_server import ForkServer
from automl.insight.stability import Stability, from_seeds
from automl.journal import Journal
from automl.lab.lab import Lab
from automl.metrics import metric_of
from automl.problem import Problem
from automl.run.elsewhere import open_elsewhere
from automl.run.resume import check_metric
from automl.run.settings import NO_CALLBACKS, Callbacks, Settings
from automl.search.all_folds import AllFoldsPolicy
from automl.study import Study
from automl.trial import Trial

MIN_SEEDS = 2  # that say something about the spread
MIN_ENSEMBLE_MEMBERS = 2
SEED_STEP = 1_000_003  # from one seed to the next


def reseeded(
    read_problem: Callable[[Budget], Problem],
    settings: Settings,
    seeds: int,
    callbacks: Callbacks = NO_CALLBACKS,
    server: ForkServer | None = None,
) -> list[Stability]:
    """Train the winner and the ensemble's members with other seeds, as far as there is time.

    Parameters
    ----------
    read_problem : callable
        Return the run's problem.
    settings : Settings
        Its `output` is the run's folder, which stays as it is.
    seeds : int
        How many.
    callbacks : Callbacks, optional
    server : ForkServer, optional

    Raises
    ------
    InputError
        There is no such run, no model of it is complete, its table has changed, or there was no
        time for two seeds.
    """
    study = replace(replay(settings.output), extensions=settings.extensions)
    check_metric(study, settings)
    if not study.ranked_models:
        raise InputError(
            f"{settings.output}: no model was tried on every fold, "
            "so there is nothing to train again."
        )
    with open_elsewhere(study, settings, server, read_problem) as session:
        lab = session.lab(Journal(observers=callbacks.observers), callbacks)
        found = Reseeding(study, lab).stabilities(study.ranked_models[0], seeds)
    if not found:
        raise InputError(
            f"--seeds {seeds}: there was no time for two seeds. Give more: --budget 10m"
        )
    return found


@dataclass(frozen=True)
class Reseeding:
    """A run's models, trained with other seeds on the run's own folds.

    Parameters
    ----------
    study : Study
        Of the run.
    lab : Lab
    """

    study: Study
    lab: Lab

    def stabilities(
        self,
        winner: Trial,
        seeds: int,
    ) -> list[Stability]:
        """Return the stability of the winner and, if there is one, of the ensemble."""
        study = self.study
        predicted, alone = [], []
        for nth in range(1, seeds + 1):
            found = self._predictions([winner.id], nth)
            predicted.append(found)
            if winner.id in found:
                alone.append(found[winner.id])
        result = []
        if len(alone) >= MIN_SEEDS:
            name = f"{winner.family} {winner.candidate.recipe.name}"
            result.append(self._stability(name, winner.id, alone))
        if len(study.weights) < MIN_ENSEMBLE_MEMBERS:
            return result
        mixed = self._ensembles(winner, predicted)
        if len(mixed) >= MIN_SEEDS:
            name = f"the ensemble of {len(study.weights)} models"
            result.append(self._stability(name, "ensemble", mixed))
        return result

    def _ensembles(
        self,
        winner: Trial,
        predicted: Sequence[Mapping[str, Floats]],
    ) -> list[Floats]:
        """Return the ensemble's predictions with each seed for which all members were ready."""
        weights = self.study.weights
        others = [name for name in weights if name != winner.id]
        mixed = []
        for nth, of_winner in enumerate(predicted, 1):
            found = {**of_winner, **self._predictions(others, nth)}
            if weights.keys() <= found.keys():
                answers = [found[name] for name in weights]
                mixed.append(combine(answers, list(weights.values())))
        return mixed

    def _predictions(
        self,
        names: Sequence[str],
        nth: int,
    ) -> dict[str, Floats]:
        """Return trials' held-out predictions with the nth other seed, if ready in time."""
        study = self.study
        seed = study.seed + nth * SEED_STEP
        empty = replace(
            study,
            trials={},
            weights={},
            running={},
            evaluation=None,
            seed=seed,
        )
        candidates = [study.trials[name].candidate for name in names]
        budget = reserve_ending(self.lab.budget)
        again = self.lab.run(AllFoldsPolicy(candidates), empty, budget)
        found = {}
        for trial in again.trials.values():
            was_stopped = any(outcome.stopped for outcome in trial.full_outcomes.values())
            if again.is_complete(trial) and not was_stopped:
                predictions = self.lab.data.predictions(again, trial)
                if predictions is not None:
                    found[trial.id] = predictions[0]
        return found

    def _stability(
        self,
        model: str,
        name: str,
        predictions: Sequence[Floats],
    ) -> Stability:
        """Compare the losses of single seeds with the loss of their mean."""
        losses = [self._loss(array) for array in predictions]
        total = np.sum(predictions, axis=0)
        count = len(predictions)
        without = [self._loss((total - array) / (count - 1)) for array in predictions]
        return from_seeds(model, name, losses, self._loss(total / count), without)

    def _loss(self, raw: Floats) -> float:
        """Return the mean loss over the folds, with the run's own temperature and thresholds."""
        study, data = self.study, self.lab.data.dataset()
        metric = metric_of(study.known_task)
        answer = self._answer(raw)
        losses = []
        for split in study.plan.splits:
            rows = data.folds.held_out(*split)
            weight = None if data.weight is None else data.weight[rows]
            loss = metric.loss(data.y[rows], answer[rows], weight)
            losses.append(loss)
        return float(np.mean(losses))

    def _answer(self, raw: Floats) -> npt.NDArray[np.generic]:
        """Return raw output as the metric wants it."""
        task, evaluation = self.study.known_task, self.study.evaluation
        if task.is_regression:
            return raw
        proba = apply_temperature(raw, 1.0 if evaluation is None else evaluation.temperature)
        if metric_of(task).needs != "labels":
            return proba
        thresholds = equal_thresholds(task.n_outputs)
        if evaluation is not None and evaluation.thresholds is not None:
            thresholds = np.array(evaluation.thresholds)
        return apply_thresholds(proba, thresholds)
