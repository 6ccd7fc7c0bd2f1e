"""An experiment as a scikit-learn script that trains its best single model again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.errors import InputError
from automl.features.pairs import Arithmetic, Cross
from automl.files import write_text
from automl.metrics import metric_of
from automl.predictor.model import Predictor
from automl.run_files import LOG
from automl.track.experiment import Experiment
from automl.track.saved import only_the_constant, read_predictor
from automl.track.script.columns import ScriptColumns
from automl.track.script.estimators import (
    FAMILIES_OF_SCRIPTS,
    NATIVE_CATEGORIES,
    ScriptCandidate,
    estimator,
    usual_rounds,
)
from automl.track.script.features import Pairs, script_features
from automl.track.script.page import Script, fill
from automl.track.script.params import check_params
from automl.track.script.scoring import script_folds, script_scoring
from automl.track.tables import all_params
from automl.trial import Trial

WHAT = "--to python"


def export(experiment: Experiment, output: Path) -> list[Path]:
    """Write the script, and return its path.

    Raises
    ------
    InputError
        The run has no model of the features, or no predictor that can be read.
    """
    predictor = read_predictor(experiment, WHAT)
    trial = best_trial(experiment)
    write_text(output, fill(script_of(experiment, trial, predictor, output)))
    return [output]


def best_trial(experiment: Experiment) -> Trial:
    """Return the best complete trial of a family that has a library.

    Raises
    ------
    InputError
        There is none.
    """
    study = experiment.study
    if not study.ranked_models:
        raise only_the_constant(experiment, WHAT)
    for trial in study.ranked_models:
        if trial.candidate.family in FAMILIES_OF_SCRIPTS:
            return trial
    families = sorted({trial.candidate.family for trial in study.ranked_models})
    raise InputError(
        f"{experiment.folder}: {WHAT}: its models are of the families {', '.join(families)}, "
        f"for which there is no script. There is one for {', '.join(FAMILIES_OF_SCRIPTS)}."
    )


def script_of(experiment: Experiment, trial: Trial, predictor: Predictor, output: Path) -> Script:
    """Return what the script of a trial is filled from.

    Raises
    ------
    InputError
        The run's folder has hyperparameters that the trial's family doesn't know.
    """
    study = experiment.study
    task = study.known_task
    metric = metric_of(task)
    columns = ScriptColumns.of(predictor.cleaner)
    pairs = _pairs(trial, predictor, columns)
    folds = max(2, study.plan.folds)
    n_rows = max(1, study.size.rows - study.size.rows // folds)
    family = trial.candidate.family
    features = script_features(
        trial.candidate.recipe,
        columns,
        pairs,
        n_rows,
        own=NATIVE_CATEGORIES.get(family, ""),
        target_type="continuous" if task.is_regression else task.kind,
    )
    candidate = ScriptCandidate(
        family=family,
        task=task,
        metric=metric,
        params=_resolved(experiment, trial),
        rounds=usual_rounds(_rounds(trial)),
        n_rows=n_rows,
        native=[f"categories__{name}" for name in features.native],
        seed=study.seed,
    )
    return Script(
        experiment=experiment,
        trial=trial,
        cleaner=predictor.cleaner,
        columns=columns,
        features=features,
        pairs=pairs,
        candidate=candidate,
        estimator=estimator(candidate),
        scoring=script_scoring(task, metric),
        folds=script_folds(
            task,
            study.plan,
            str(experiment.data.get("time", "")),
            str(experiment.data.get("group", "")),
        ),
        output=output,
    )


def _resolved(experiment: Experiment, trial: Trial) -> Mapping[str, Any]:
    """Return the hyperparameters that the fits had, checked."""
    path, params = _recorded(experiment, trial)
    study = experiment.study
    family = study.family(trial.candidate.family)
    check_params(path, family, study.known_task, params)
    return params


def _recorded(experiment: Experiment, trial: Trial) -> tuple[Path, Mapping[str, Any]]:
    """Return hyperparameters from the file of the first fit, else from the log; and that file."""
    for key, outcome in trial.outcomes.items():
        path = experiment.folder / "trials" / trial.id / f"{key}.json"
        if outcome.status != "done" or not path.is_file():
            continue
        try:
            resolved = json.loads(path.read_text(encoding="utf-8"))["resolved"]
        except (ValueError, LookupError, TypeError):
            continue
        if isinstance(resolved, dict) and resolved:
            return path, resolved
    return experiment.folder / LOG, all_params(experiment, trial)


def _rounds(trial: Trial) -> list[int]:
    """Return the numbers of rounds that the fits on all training rows kept."""
    rounds = []
    for key, outcome in trial.outcomes.items():
        is_full = trial.jobs[key].rows is None and trial.jobs[key].fold is not None
        if is_full and outcome.rounds:
            rounds.append(int(outcome.rounds))
    return rounds


def _pairs(trial: Trial, predictor: Predictor, columns: ScriptColumns) -> Pairs:
    """Return the pairs of columns that the trial's first model reads, if it is a member."""
    numbers = {*columns.number_features, *columns.flags}
    arithmetic: dict[str, tuple[str, str, str]] = {}
    crosses: dict[str, tuple[str, str]] = {}
    for member in predictor.members:
        if member.id != trial.id:
            continue
        for name in member.parts[0].encodings:
            for encoder in predictor.encodings[name].encoders:
                if isinstance(encoder, Arithmetic) and numbers.issuperset(encoder.sources):
                    first, second = encoder.sources
                    operation = encoder.operation
                    arithmetic[f"{first} {operation} {second}"] = (first, operation, second)
                if isinstance(encoder, Cross) and columns.levels.keys() >= set(encoder.sources):
                    first, second = encoder.sources
                    crosses[f"{first} & {second}"] = (first, second)
    return Pairs(arithmetic, crosses)
