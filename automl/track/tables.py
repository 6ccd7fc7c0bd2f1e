"""An experiment as plain rows: its trials with their hyperparameters, and its fits."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.leaderboard import megabytes, ordered
from automl.metrics import metric_of
from automl.models import is_known
from automl.space import Space
from automl.track.experiment import Experiment
from automl.trial import Trial

Row = dict[str, Any]

PARAM = "param."  # begins the name of a hyperparameter's column


def trials(one: Experiment) -> list[Row]:
    """A row for each trial, best first, hyperparameters in columns of their own. Losses: less is better."""
    study = one.study
    if study.task is None:
        return []
    found = [_trial(one, trial) for trial in ordered(study)]
    names = sorted({name for row in found for name in row if name.startswith(PARAM)})
    fixed = [name for name in found[0] if not name.startswith(PARAM)] if found else []
    return [{name: row.get(name) for name in (*fixed, *names)} for row in found]


def _trial(one: Experiment, trial: Trial) -> Row:
    study = one.study
    metric = metric_of(study.the_task)
    row = {
        "id": trial.id,
        "family": trial.candidate.family,
        "recipe": trial.candidate.recipe.name,
        "origin": trial.candidate.origin,
        "state": trial.decided or "unfinished",
        "metric": metric.name,
        "score": metric.score(trial.loss) if trial.losses else None,
        "loss": trial.loss if trial.losses else None,
        "folds": len(trial.losses),
        "weight": study.weights.get(trial.id, 0.0),
        "seconds": trial.seconds,
        "completed_at": one.timeline.completed(trial),
        "megabytes": megabytes(trial),
        "reason": trial.reason,
    }
    return row | {f"{PARAM}{name}": value for name, value in params_of(one, trial).items()}


def params_of(one: Experiment, trial: Trial) -> Mapping[str, Any]:
    """All hyperparameters of a trial, those that it left to its family among them."""
    name = trial.candidate.family
    told = (
        one.study.family(name).defaults(one.study.the_task)
        if is_known(name, one.study.extensions)
        else {}
    )
    return {**told, **trial.candidate.params}


def space_of(one: Experiment, trial: Trial) -> Space:
    """The ranges of a trial's family; none where the family is not known here."""
    name = trial.candidate.family
    return (
        one.study.family(name).space(one.study.the_task)
        if is_known(name, one.study.extensions)
        else {}
    )


def fits(one: Experiment) -> list[Row]:
    """A row for each fit, in the order in which they were begun."""
    rows = []
    for trial in one.study.trials.values():
        for key, outcome in trial.outcomes.items():
            job = trial.jobs[key]
            told = {
                "trial": trial.id,
                "key": key,
                "family": trial.candidate.family,
                "repeat": job.repeat,
                "fold": job.fold,
            }
            told |= {
                "seed": job.seed,
                "rows": job.rows,
                "threads": job.threads,
                "status": outcome.status,
                "loss": outcome.loss,
            }
            told |= {
                "seconds": outcome.seconds,
                "rounds": outcome.rounds,
                "ended_at": one.timeline.fits.get(key),
                "reason": outcome.reason,
            }
            rows.append(told)
    return rows


def remembers_rows(predictor: Path) -> bool:
    """Whether a predictor's file holds rows of the table, as nearest neighbours do; what can't be read is not trusted."""
    try:
        with zipfile.ZipFile(predictor) as archive:
            return bool(json.loads(archive.read("manifest.json"))["facts"].get("holds_rows", True))
    except (OSError, ValueError, LookupError, zipfile.BadZipFile):
        return True


def curve(
    one: Experiment, trial: Trial, repeat: int, fold: int | None
) -> list[tuple[float, float]]:
    """The learning curve of a fit as pairs of round and loss; empty if it has none, or its file is gone."""
    key = trial.key_at(repeat, fold)
    path = one.folder / "trials" / trial.id / f"{key}.json"
    if key is None or not path.exists():
        return []
    return [
        (point[0], point[1])
        for point in json.loads(path.read_text(encoding="utf-8")).get("curve", [])
    ]
