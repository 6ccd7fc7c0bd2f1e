"""The trials that an ensemble can be made of, with their out-of-fold predictions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from automl.arrays import Floats, Rows
from automl.candidate import Split
from automl.dataset import Dataset
from automl.ensemble import Truth
from automl.lab.run_data import RunData
from automl.study import Study
from automl.trial import Trial

FoldPrediction = tuple[Rows, Floats]

MAX_POOL_CELLS = 200_000_000  # held-out rows x classes x models that are held at once, 1.6 GB
MIN_MODELS = 5  # however many rows and classes there are


@dataclass(frozen=True)
class Pool:
    """Trials with their predictions of the rows that all of them have held out.

    Parameters
    ----------
    trials : tuple of Trial
    predictions : tuple of ndarray of shape (n_rows,) or (n_rows, n_classes)
        One of each trial.
    truth : Truth
        Of the same rows.
    fold_positions : tuple of ndarray of int64
        Positions, among these rows, of each fold's held-out rows; by time where folds are.
    """

    trials: tuple[Trial, ...]
    predictions: tuple[Floats, ...]
    truth: Truth
    fold_positions: tuple[Rows, ...] = ()

    def with_trials(self, trials: Sequence[Trial]) -> Pool:
        """Return the pool with some of its trials alone."""
        ids = {trial.id for trial in trials}
        kept = [index for index, trial in enumerate(self.trials) if trial.id in ids]
        return replace(
            self,
            trials=tuple(self.trials[index] for index in kept),
            predictions=tuple(self.predictions[index] for index in kept),
        )

    @property
    def has_model(self) -> bool:
        """Whether there is more than the constant."""
        return any(not trial.candidate.is_baseline for trial in self.trials)

    def predictions_of(self, names: Iterable[str]) -> list[Floats]:
        """Return the predictions of some trials, by id."""
        positions = {}
        for position, trial in enumerate(self.trials):
            positions[trial.id] = position
        predictions = []
        for name in names:
            position = positions[name]
            predictions.append(self.predictions[position])
        return predictions

    def take(self, rows: Rows) -> Pool:
        """Return the pool of some of the rows, without their folds."""
        predictions = []
        for prediction in self.predictions:
            predictions.append(prediction[rows])
        return Pool(
            self.trials,
            tuple(predictions),
            self.truth.take(rows),
        )


def gather_complete(study: Study, run_data: RunData, best: int) -> Pool:
    """Return the best complete trials, and the best one of each family.

    Parameters
    ----------
    best : int
        Number of the best trials of all.
    """
    data = run_data.dataset()
    folds = data.folds
    held = [folds.held_out(*split) for split in study.plan.splits]
    rows = np.unique(np.concatenate(held))
    chosen = _best_trials(study, best)
    cells_per_model = len(rows) * study.known_task.n_outputs
    max_models = max(MIN_MODELS, MAX_POOL_CELLS // cells_per_model)
    trials = []
    predictions = []
    for trial in chosen[:max_models]:
        # One trial at a time: the predictions of all rows may be large.
        found = run_data.predictions(study, trial)
        if found is None:
            continue
        prediction, _ = found
        trials.append(trial)
        predictions.append(prediction[rows])
    parts = []
    for part in held:
        by_time = part
        if data.times is not None:
            order = np.argsort(data.times[part], kind="stable")
            by_time = part[order]
        parts.append(np.searchsorted(rows, by_time))
    truth = Truth(data.y, data.weight, data.units)
    return Pool(
        tuple(trials),
        tuple(predictions),
        truth.take(rows),
        tuple(parts),
    )


def _best_trials(study: Study, best: int) -> list[Trial]:
    ranked = study.ranked
    if ranked and not ranked[0].candidate.is_baseline:
        ranked = study.ranked_models
    chosen = []
    for rank, trial in enumerate(ranked):
        leader = study.leaders[trial.candidate.family]
        if rank < best or trial is leader:
            chosen.append(trial)
    return chosen


def gather_unfinished(study: Study, run_data: RunData) -> Pool:
    """Return the best trial that has only some folds, or the first model.

    Its predictions are those of the rows that were held out so far. The pool is empty if no such
    trial is better than the constant on the same folds.
    """
    data = run_data.dataset()
    better = []
    for trial, difference in _losses_over_constant(study):
        if difference < 0:
            better.append((difference, trial.id))
    for _, name in sorted(better):
        trial = study.trials[name]
        held = run_data.held_out(trial)
        if held is not None:
            return _pool_of_folds(trial, held, data)
    truth = Truth(data.y, data.weight)
    return Pool((), (), truth)


def _pool_of_folds(trial: Trial, held: list[FoldPrediction], data: Dataset) -> Pool:
    """Return a trial with the mean of its predictions of each row that was held out.

    Parameters
    ----------
    held : list of (rows, predictions)
        One pair a fold.
    """
    held_rows = [fold_rows for fold_rows, _ in held]
    rows = np.unique(np.concatenate(held_rows))
    parts = [np.searchsorted(rows, fold_rows) for fold_rows in held_rows]
    n_rows = len(rows)
    task = data.task
    if task.is_regression:
        count = np.zeros(n_rows)
        mean = np.zeros(n_rows)
    else:
        count = np.zeros((n_rows, 1))
        mean = np.zeros((n_rows, task.n_outputs))
    for number, (_, prediction) in enumerate(held):
        part = parts[number]
        mean[part] += prediction
        count[part] += 1
    mean /= count
    truth = Truth(data.y, data.weight, data.units)
    return Pool(
        (trial,),
        (mean,),
        truth.take(rows),
        tuple(parts),
    )


def _losses_over_constant(study: Study) -> Iterator[tuple[Trial, float]]:
    """Yield incomplete trials with their loss less the constant's loss on the same folds.

    Minus infinity stands for a trial with folds that the constant lacks.
    """
    constant_losses: Mapping[Split, float] = {}
    models = []
    for trial in study.trials.values():
        if trial.candidate.is_baseline:
            constant_losses = trial.losses
        elif trial.splits and not study.is_complete(trial):
            models.append(trial)
    for trial in models:
        loss: float | None = trial.loss
        outcome = trial.low_fidelity
        if outcome is not None and trial.candidate.is_first_model:
            loss = outcome.loss
        if loss is None:
            continue
        splits = trial.splits
        if any(split not in constant_losses for split in splits):
            yield trial, -math.inf
            continue
        baseline = [constant_losses[split] for split in splits]
        mean = np.mean(baseline)
        yield trial, loss - float(mean)
