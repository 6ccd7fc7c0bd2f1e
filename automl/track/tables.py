"""An experiment as plain rows: its trials with their hyperparameters, and its fits."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.leaderboard import megabytes, sorted_trials
from automl.metrics import metric_of
from automl.models import is_known
from automl.report.learning_curves import read_curve
from automl.space import Space, existing
from automl.track.experiment import Experiment
from automl.trial import Trial

Row = dict[str, Any]

PARAM = "param."  # prefix of hyperparameters' columns


def trial_rows(experiment: Experiment) -> list[Row]:
    """Return a row for each trial, best first.

    A loss is lower-is-better, a score has the metric's natural sign. Each hyperparameter has a
    column, which is None in rows of families without it.
    """
    if experiment.study.task is None:
        return []
    rows = [_trial_row(experiment, trial) for trial in sorted_trials(experiment.study)]
    names = dict.fromkeys(name for row in rows for name in row)
    params = sorted(name for name in names if name.startswith(PARAM))
    fixed = [name for name in names if name not in params]
    table = []
    for row in rows:
        cells = {name: row.get(name) for name in (*fixed, *params)}
        table.append(cells)
    return table


def _trial_row(experiment: Experiment, trial: Trial) -> Row:
    study = experiment.study
    candidate = trial.candidate
    loss = None
    score = None
    if trial.losses:
        loss = trial.loss
        score = metric_of(study.known_task).score(loss)
    row = {
        "id": trial.id,
        "family": candidate.family,
        "recipe": candidate.recipe.name,
        "origin": candidate.origin,
        "state": trial.decided or "unfinished",
        "metric": experiment.metric,
        "score": score,
        "loss": loss,
        "folds": len(trial.losses),
        "weight": study.weights.get(trial.id, 0.0),
        "seconds": trial.seconds,
        "completed_at": experiment.timeline.completed(trial),
        "megabytes": megabytes(trial),
        "reason": trial.reason,
    }
    params = all_params(experiment, trial)
    for name, value in params.items():
        row[f"{PARAM}{name}"] = value
    return row


def all_params(experiment: Experiment, trial: Trial) -> Mapping[str, Any]:
    """Return all hyperparameters of a trial, including those that its family sets by default."""
    study = experiment.study
    name = trial.candidate.family
    if not is_known(name, study.extensions):
        return trial.candidate.params
    family = study.family(name)
    defaults = family.defaults(study.known_task)
    params = {**defaults, **trial.candidate.params}
    return existing(family.space(study.known_task), params)


def space_of(experiment: Experiment, trial: Trial) -> Space:
    """Return the ranges of a trial's family; none if this machine does not know the family."""
    study = experiment.study
    name = trial.candidate.family
    if not is_known(name, study.extensions):
        return {}
    family = study.family(name)
    return family.space(study.known_task)


def fit_rows(experiment: Experiment) -> list[Row]:
    """Return a row for each fit, in the order in which they began."""
    ends = experiment.timeline.fits
    rows = []
    for trial in experiment.study.trials.values():
        for key, outcome in trial.outcomes.items():
            job = trial.jobs[key]
            row = {
                "trial": trial.id,
                "key": key,
                "family": trial.candidate.family,
                "repeat": job.repeat,
                "fold": job.fold,
                "seed": job.seed,
                "rows": job.rows,
                "threads": job.resources.threads,
                "status": outcome.status,
                "loss": outcome.loss,
                "seconds": outcome.seconds,
                "rounds": outcome.rounds,
                "ended_at": ends.get(key),
                "reason": outcome.reason,
            }
            rows.append(row)
    return rows


def remembers_rows(predictor: Path) -> bool:
    """Return whether a predictor's file holds rows of the table, as nearest neighbours do.

    A file that can't be read is taken to hold them.
    """
    try:
        with zipfile.ZipFile(predictor) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        facts = manifest["facts"]
        return bool(facts.get("holds_rows", True))
    except (OSError, ValueError, LookupError, zipfile.BadZipFile):
        return True


def learning_curve(
    experiment: Experiment, trial: Trial, repeat: int, fold: int | None
) -> list[tuple[float, float]]:
    """Return the learning curve of a fit as pairs of round and loss.

    It is empty if the fit has none, or its file is gone.
    """
    points = read_curve(experiment.folder, trial, (repeat, fold))
    return [(point[0], point[1]) for point in points]
