"""An experiment as Optuna studies, one for each family, which optuna-dashboard opens."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.errors import InputError
from automl.metrics import metric_of
from automl.space import Choice, Int, Range
from automl.track.experiment import Experiment
from automl.track.tables import all_params, space_of
from automl.trial import Trial

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

    Distributions = dict[str, BaseDistribution]

STARTED_FORMAT = "%Y-%m-%dT%H:%M:%S%z"
UNKNOWN_START = datetime(1970, 1, 1)


def export(experiment: Experiment, output: Path) -> list[Path]:
    """Write a journal storage, and return its path: `optuna-dashboard FILE` opens it.

    Raises
    ------
    InputError
        The file exists already (a journal is appended to), or the run has no trials.
    """
    if experiment.study.task is None:
        raise InputError(
            f"{experiment.folder}: the run ended before its table was understood: "
            "there is nothing to hand over."
        )
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if output.exists():
        raise InputError(f"--output {output}: is there already; give a new name, or remove it.")
    output.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = JournalStorage(JournalFileBackend(str(output)))
    by_family: dict[str, list[Trial]] = {}
    for trial in experiment.study.trials.values():
        fitted = by_family.setdefault(trial.candidate.family, [])
        if trial.outcomes:
            fitted.append(trial)
    for family, trials in by_family.items():
        study = optuna.create_study(
            storage=storage, study_name=f"{experiment.name} {family}", direction="minimize"
        )
        _write(experiment, study, trials)
    return [output]


def _write(experiment: Experiment, study: optuna.Study, trials: Sequence[Trial]) -> None:
    """Write the trials of a family into a study."""
    import optuna

    metric = metric_of(experiment.study.known_task)
    with warnings.catch_warnings():
        # Metric names are marked as experimental since 2023.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([f"loss ({metric.name})"])
    if not trials:
        return
    distributions = _distributions(experiment, trials)
    for trial in trials:
        frozen = _trial(experiment, trial, distributions)
        study.add_trial(frozen)


def _distributions(experiment: Experiment, trials: Sequence[Trial]) -> Distributions:
    """Return Optuna's ranges of a family's hyperparameters, with every value that was tried."""
    from optuna.distributions import CategoricalDistribution

    distributions: Distributions = {}
    space = space_of(experiment, trials[0])
    params = [all_params(experiment, trial) for trial in trials]
    for name, range_ in space.items():
        values = [known.get(name) for known in params]
        tried = [value for value in values if value is not None]
        if tried:
            distributions[name] = _distribution(range_, tried)
    recipes = dict.fromkeys(trial.candidate.recipe.name for trial in trials)
    distributions["recipe"] = CategoricalDistribution(tuple(recipes))
    return distributions


def _distribution(range_: Range, tried: Sequence[Any]) -> BaseDistribution:
    """Return a range that has room for all values that were tried."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(range_, Choice):
        choices = dict.fromkeys([*range_.values, *tried])
        return CategoricalDistribution(tuple(choices))
    low: Any = min([range_.low, *tried])
    high: Any = max([range_.high, *tried])
    is_log = range_.log and min(tried) > 0
    if isinstance(range_, Int):
        return IntDistribution(low, high, log=is_log)
    return FloatDistribution(low, high, log=is_log)


def _trial(
    experiment: Experiment, trial: Trial, distributions: Distributions
) -> optuna.trial.FrozenTrial:
    """Return a trial of Optuna's: complete, pruned if it has some folds, or else failed."""
    from optuna.trial import TrialState, create_trial

    study = experiment.study
    candidate = trial.candidate
    params = dict(all_params(experiment, trial))
    params["recipe"] = candidate.recipe.name
    known = [name for name in distributions if params.get(name) is not None]
    value = None
    if study.is_complete(trial):
        state = TrialState.COMPLETE
        value = trial.loss
    elif trial.losses:
        state = TrialState.PRUNED
    else:
        state = TrialState.FAIL
    losses = {}
    for step, split in enumerate(study.plan.splits):
        if split in trial.losses:
            losses[step] = trial.losses[split]
    weight = study.weights.get(trial.id, 0.0)
    attributes = {
        "id": trial.id,
        "origin": candidate.origin,
        "reason": trial.reason,
        "weight": weight,
    }
    frozen = create_trial(
        params={name: params[name] for name in known},
        distributions={name: distributions[name] for name in known},
        state=state,
        value=value,
        intermediate_values=losses,
        user_attrs=attributes,
    )
    frozen.datetime_start, frozen.datetime_complete = _start_and_end(experiment, trial)
    return frozen


def _start_and_end(experiment: Experiment, trial: Trial) -> tuple[datetime, datetime]:
    """Return when a trial began and ended, by the clock of the machine that ran it."""
    started = experiment.run.get("started", "")
    try:
        run_start = datetime.strptime(str(started), STARTED_FORMAT)
        run_start = run_start.replace(tzinfo=None)
    except ValueError:
        run_start = UNKNOWN_START
    timeline = experiment.timeline
    starts = []
    ends = []
    for key, outcome in trial.outcomes.items():
        end = timeline.fits.get(key, timeline.last)
        starts.append(end - outcome.seconds)
        ends.append(end)
    start = max(0.0, min(starts))
    end = max(ends)
    trial_start = run_start + timedelta(seconds=start)
    trial_end = run_start + timedelta(seconds=end)
    return trial_start, trial_end
