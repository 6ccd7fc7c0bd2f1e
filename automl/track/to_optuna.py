"""An experiment as Optuna studies, which optuna-dashboard opens: one for each family."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.errors import InputError
from automl.metrics import metric_of
from automl.space import Choice, Float, Int
from automl.track.experiment import Experiment
from automl.track.tables import params_of, space_of
from automl.trial import Trial

if TYPE_CHECKING:
    import optuna


def export(one: Experiment, output: Path) -> list[Path]:
    """Write a journal storage, and give its path: `optuna-dashboard FILE` opens it.

    Raises
    ------
    InputError
        The file is there already (a journal is appended to), or the run has no trials.
    """
    if one.study.task is None:
        raise InputError(
            f"{one.folder}: the run ended before its table was understood: there is nothing to hand over."
        )
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if output.exists():
        raise InputError(f"--output {output}: is there already; give a new name, or remove it.")
    output.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    name_of_loss = f"loss ({metric_of(one.study.the_task).name})"
    storage = JournalStorage(JournalFileBackend(str(output)))
    for name in dict.fromkeys(trial.candidate.family for trial in one.study.trials.values()):
        kin = [
            trial
            for trial in one.study.trials.values()
            if trial.candidate.family == name and trial.outcomes
        ]
        study = optuna.create_study(
            storage=storage, study_name=f"{one.name} {name}", direction="minimize"
        )
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", optuna.exceptions.ExperimentalWarning
            )  # so marked since 2023
            study.set_metric_names([name_of_loss])
        study.add_trials([_trial(one, trial, _distributions(one, kin)) for trial in kin])
    return [output]


def _distributions(one: Experiment, kin: Sequence[Trial]) -> dict[str, Any]:
    """Optuna's ranges of a family's hyperparameters, wide enough for every value that was tried."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    space = space_of(one, kin[0])
    made: dict[str, Any] = {}
    for name, range_ in space.items():
        tried = [value for trial in kin if (value := params_of(one, trial).get(name)) is not None]
        if not tried:
            continue
        match range_:
            case Float(low, high, log):
                made[name] = FloatDistribution(
                    min([low, *tried]), max([high, *tried]), log=log and min(tried) > 0
                )
            case Int(low, high, log):
                made[name] = IntDistribution(
                    min([low, *tried]), max([high, *tried]), log=log and min(tried) > 0
                )
            case Choice(values):
                made[name] = CategoricalDistribution(tuple(dict.fromkeys([*values, *tried])))
    return made | {
        "recipe": CategoricalDistribution(
            tuple(dict.fromkeys(trial.candidate.recipe.name for trial in kin))
        )
    }


def _trial(
    one: Experiment, trial: Trial, distributions: dict[str, Any]
) -> optuna.trial.FrozenTrial:
    """A trial as Optuna keeps it: complete, pruned if it was dropped, else failed."""
    from optuna.trial import TrialState, create_trial

    params = {**params_of(one, trial), "recipe": trial.candidate.recipe.name}
    known = {name: params[name] for name in distributions if params.get(name) is not None}
    weight = one.study.weights.get(trial.id, 0.0)
    state = (
        TrialState.COMPLETE
        if one.study.complete(trial)
        else TrialState.PRUNED
        if trial.losses
        else TrialState.FAIL
    )
    made = create_trial(
        params=known,
        distributions={name: distributions[name] for name in known},
        state=state,
        value=trial.loss if state == TrialState.COMPLETE else None,
        intermediate_values={
            step: trial.losses[place]
            for step, place in enumerate(one.study.plan.splits)
            if place in trial.losses
        },
        user_attrs={
            "id": trial.id,
            "origin": trial.candidate.origin,
            "reason": trial.reason,
            "weight": weight,
        },
    )
    began, ended = _clock(one, trial)
    made.datetime_start, made.datetime_complete = began, ended
    return made


def _clock(one: Experiment, trial: Trial) -> tuple[datetime, datetime]:
    """When a trial began and ended, by the run's own clock."""
    try:
        started = datetime.strptime(str(one.run.get("started", "")), "%Y-%m-%dT%H:%M:%S%z").replace(
            tzinfo=None
        )
    except ValueError:
        started = datetime(1970, 1, 1)
    ends = {key: one.timeline.fits.get(key, one.timeline.last) for key in trial.outcomes}
    first = min(end - trial.outcomes[key].seconds for key, end in ends.items())
    return started + timedelta(seconds=max(0.0, first)), started + timedelta(
        seconds=max(ends.values())
    )
