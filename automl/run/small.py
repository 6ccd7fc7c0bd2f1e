"""A smaller predictor from a finished run: pruned, single or distilled; the run stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from automl.arrays import Floats, Rows
from automl.budget import Budget, reserve_ending
from automl.candidate import Split
from automl.ensemble import apply_temperature, combine
from automl.errors import InputError, OutOfTime
from automl.event_log import replay
from automl.executor.fork_server import ForkServer
from automl.executor.work import encodings_at
from automl.folds import sample_rows
from automl.journal import Journal
from automl.lab.assembly import build_predictor
from automl.lab.lab import Lab
from automl.lab.run_data import RunData
from automl.metrics import metric_of
from automl.prediction_costs import Arrangement, estimate_cost
from automl.predictor import Predictor, load
from automl.price import Price
from automl.problem import Problem
from automl.run.distilling import Teacher, distilled, judged_splits
from automl.run.elsewhere import open_elsewhere
from automl.run.proposals import (
    MAX_COST_SHARE,
    MAX_ESTIMATED_SHARE,
    Judge,
    Proposal,
    SmallModel,
    Workplace,
    first_that_fits,
    loss_of,
)
from automl.run.resume import check_metric
from automl.run.session import Session
from automl.run.settings import NO_CALLBACKS, Callbacks, Settings
from automl.run_files import PREDICTOR, TRIALS
from automl.stages.ensemble import Ensemble, Pool, gather_complete
from automl.stages.pruning import Pruning
from automl.store import Store
from automl.study import Study
from automl.trial import Trial

POOL_SIZE = 30  # of the best trials, besides the best of every family
MAX_PRUNING_ROWS = 5_000
MEASURED_ROWS = 50
MEMBERS_TIME_SHARE = 0.3  # of the time, for training the run's own trials on all rows
NO_TIME = "--budget: there was no time for a smaller model. Give more."
ONE_REFIT = Arrangement("refit", copies=1, planned=1)


@dataclass(frozen=True, eq=False)
class SmallModels:
    """The smaller models that were made, and the one that was chosen.

    Parameters
    ----------
    ensemble : SmallModel
        The run's own predictor.
    models : tuple of SmallModel
    chosen : SmallModel
    price : Price
    can_distil : bool
        Whether the models of the folds, which teach students, are still there.
    """

    ensemble: SmallModel
    models: tuple[SmallModel, ...]
    chosen: SmallModel
    price: Price
    can_distil: bool = True


def make_small(
    read_problem: Callable[[Budget], Problem],
    settings: Settings,
    price: Price,
    callbacks: Callbacks = NO_CALLBACKS,
    server: ForkServer | None = None,
) -> SmallModels:
    """Make smaller predictors of the run in `settings.output`, and choose one.

    Parameters
    ----------
    read_problem : callable
        Return the run's problem.
    settings : Settings
        Its `output` is the run's folder, which stays as it is.
    price : Price
        The most that the predictor may cost; without bounds, the smallest one is chosen whose
        loss is at most 2% above the ensemble's.
    callbacks : Callbacks, optional
    server : ForkServer, optional

    Raises
    ------
    InputError
        There is no such run, no model of it is complete, its table has changed, or nothing keeps
        to the price.
    """
    run = replace(replay(settings.output), extensions=settings.extensions)
    _check_members(run, settings.output)
    check_metric(run, settings)
    predictor = load(settings.output / PREDICTOR, extra_families=settings.extensions)
    try:
        return _made_elsewhere(run, settings, price, callbacks, server, read_problem, predictor)
    except OutOfTime as error:
        raise InputError(NO_TIME) from error


def _made_elsewhere(
    run: Study,
    settings: Settings,
    price: Price,
    callbacks: Callbacks,
    server: ForkServer | None,
    read_problem: Callable[[Budget], Problem],
    predictor: Predictor,
) -> SmallModels:
    """Make the models in a temporary folder."""
    with open_elsewhere(run, settings, server, read_problem) as session:
        _copy_trials(run, settings.output, session.store)
        lab = session.lab(Journal(observers=callbacks.observers), callbacks)
        run = _without_lost_refits(run, session.data)
        pool = gather_complete(run, session.data, POOL_SIZE)
        predictions, held_rows = _held_out(run, session.data)
        judge = _judge(run, pool, predictions, held_rows, session)
        ensemble = judge.judged_ensemble(predictor)
        models = _of_members(judge, pool, price, lab, held_rows)
        if not _has_fold_models(run, lab):
            chosen = _choose(ensemble, models, price)
            return replace(chosen, can_distil=False)
        teacher = _teacher(run, lab, predictor)
        with distilled(teacher, judge, price, session, callbacks) as found:
            proposals, workplace = found
            models += first_that_fits(proposals, price, judge, workplace)
    return _choose(ensemble, models, price)


def _judge(
    run: Study,
    pool: Pool,
    predictions: Floats,
    held_rows: Rows,
    session: Session,
) -> Judge:
    """Return what compares smaller models with the run's ensemble."""
    if run.evaluation is None:
        metric = metric_of(run.known_task)
        loss = loss_of(predictions[held_rows], pool, metric)
    else:
        loss = run.evaluation.loss
    examples = session.data.example_rows()
    assert examples is not None  # the table was cleaned again
    stage = _ensemble_stage(session.settings)
    return Judge(
        run,
        stage,
        predictions,
        loss,
        examples,
    )


def _check_members(
    run: Study,
    folder: Path,
) -> None:
    """Refuse a run without an ensemble of complete models."""
    if not run.weights:
        raise InputError(
            f"{folder}: the run has no ensemble yet. `automl resume {folder}` continues it."
        )
    members = [run.trials[name] for name in run.weights]
    if any(member.candidate.is_baseline for member in members):
        raise InputError(f"{folder}: its best model is the constant, which can't be made smaller.")
    if not all(run.is_complete(member) for member in members):
        raise InputError(
            f"{folder}: no model was tried on every fold. `automl resume {folder}` continues it."
        )


def _copy_trials(
    run: Study,
    folder: Path,
    store: Store,
) -> None:
    """Copy held-out predictions, refits, and the members' models to another run's folder."""
    for trial in run.trials.values():
        for key in trial.full_outcomes:
            endings = [".npy"]
            if trial.jobs[key].fold is None or trial.id in run.weights:
                endings.append(".zip")
            for ending in endings:
                path = folder / TRIALS / trial.id / f"{key}{ending}"
                if path.exists():
                    shutil.copyfile(path, store.trial_folder(trial.id) / path.name)


def _without_lost_refits(
    run: Study,
    data: RunData,
) -> Study:
    """Return a study without refits whose model is gone from the folder: they are made again."""
    trials = {}
    for name, trial in run.trials.items():
        outcomes = dict(trial.outcomes)
        for split in trial.refits:
            if data.model(trial, split) is None:
                outcomes.pop(str(trial.key_at(*split)))
        trials[name] = replace(trial, outcomes=outcomes)
    return replace(run, trials=trials)


def _held_out(
    run: Study,
    data: RunData,
) -> tuple[Floats, Rows]:
    """Return the ensemble's predictions for all rows, and the positions of those held out."""
    predictions = []
    for name in run.weights:
        found = data.predictions(run, run.trials[name])
        if found is None:
            raise InputError(f"the held-out predictions of trial {name} are gone.")
        prediction, is_held = found
        predictions.append(prediction)
    combined = combine(predictions, list(run.weights.values()))
    if run.evaluation is not None and combined.ndim > 1:
        combined = apply_temperature(combined, run.evaluation.temperature)
    return combined, np.flatnonzero(is_held)


def _has_fold_models(
    run: Study,
    lab: Lab,
) -> bool:
    """Return whether the members' models of the folds, which teach students, are still there."""
    for name in run.weights:
        trial = run.trials[name]
        for split in judged_splits(lab.data.dataset().folds):
            if lab.data.model(trial, split) is None:
                return False
    return True


def _teacher(
    run: Study,
    lab: Lab,
    predictor: Predictor,
) -> Teacher:
    """Return the run's ensemble as a teacher, with its models of each split."""
    by_split = {}
    for split in judged_splits(lab.data.dataset().folds):
        by_split[split] = _predictor_at(run, lab, split)
    return Teacher(predictor, by_split)


def _predictor_at(
    run: Study,
    lab: Lab,
    split: Split,
) -> Predictor:
    """Return the ensemble of the members' models of one split."""
    trials = {}
    for name in run.weights:
        trial = run.trials[name]
        key = trial.key_at(*split)
        assert key is not None  # the trial is complete
        lab.encode_and_wait(encodings_at(trial.candidate.recipe, split))
        trials[name] = replace(trial, outcomes={key: trial.outcomes[key]})
    return build_predictor(replace(run, trials=trials, finish="bag", copies=0), lab.data)


def _ensemble_stage(settings: Settings) -> Ensemble:
    """Return the stage that made the run's ensemble."""
    for step in settings.pipeline.steps:
        if isinstance(step.stage, Ensemble):
            return step.stage
    return Ensemble()


def _of_members(
    judge: Judge,
    pool: Pool,
    price: Price,
    lab: Lab,
    rows: Rows,
) -> list[SmallModel]:
    """Return the best pruned ensemble and the best single model of a run's own trials.

    Parameters
    ----------
    rows : ndarray of int64
        Positions of the pool's rows.
    """
    budget = reserve_ending(lab.budget)
    if budget.is_timed:
        budget = budget.within(MEMBERS_TIME_SHARE * budget.remaining())
    workplace = Workplace(
        judge.study,
        lab,
        pool,
        rows,
        budget,
    )
    models: list[SmallModel] = []
    for proposals in (_pruned(judge, pool, price), _singles(judge.study, pool)):
        models += first_that_fits(proposals, price, judge, workplace)
    return models


def _singles(
    run: Study,
    pool: Pool,
) -> list[Proposal]:
    """Return each trial alone."""
    proposals = []
    for trial in pool.trials:
        cost = estimate_cost(run, [trial], ONE_REFIT)
        proposals.append(Proposal("single", {trial.id: 1.0}, trial.loss, cost))
    return proposals


def _pruned(
    judge: Judge,
    pool: Pool,
    price: Price,
) -> list[Proposal]:
    """Return ensembles of ever fewer trials."""
    run = judge.study
    sample = pool.take(sample_rows(len(pool.truth.y), MAX_PRUNING_ROWS, run.seed))
    all_members = estimate_cost(run, [run.trials[name] for name in run.weights], ONE_REFIT)
    measure = price
    if not price.is_bounded:
        measure = Price(megabytes=all_members.megabytes)
    pruning = Pruning(
        run,
        sample,
        judge.stage.weigher(run),
        ONE_REFIT,
        measure,
    )
    proposals = {}
    affordable = _affordable(run, pool.trials, price)
    own = [name for name in affordable if name in run.weights]
    starts = [own] if not price.is_bounded else [own, affordable]
    for names in filter(None, starts):
        for weights in pruning.steps(names):
            if len(weights) > 1:
                loss = pruning.loss(weights)
                cost = pruning.cost(weights)
                key = frozenset(weights)
                proposals[key] = Proposal("pruned", weights, loss, cost)
    return list(proposals.values())


def _affordable(
    run: Study,
    trials: Iterable[Trial],
    price: Price,
) -> list[str]:
    """Return the ids of the trials that may keep to the price alone."""
    names = []
    for trial in trials:
        cost = estimate_cost(run, [trial], ONE_REFIT)
        if price.used_share(cost) <= MAX_ESTIMATED_SHARE:
            names.append(trial.id)
    return names


def _choose(
    ensemble: SmallModel,
    models: list[SmallModel],
    price: Price,
) -> SmallModels:
    """Choose the model with the least loss that keeps to the price, or the smallest good one.

    Raises
    ------
    InputError
        None keeps to the price, or there was no time to make one.
    """
    if not models:
        raise InputError(NO_TIME)
    if not price.is_bounded:
        chosen = _smallest_good(ensemble, models)
    else:
        keeping = [model for model in models if price.allows(model.cost)]
        if not keeping:
            raise InputError(_too_dear(models, price))
        chosen = min(keeping, key=lambda model: model.difference.mean)
    return SmallModels(ensemble, tuple(models), chosen, price)


def _smallest_good(
    ensemble: SmallModel,
    models: list[SmallModel],
) -> SmallModel:
    most = MAX_COST_SHARE * abs(ensemble.loss)
    good = [model for model in models if model.difference.mean <= most]
    if not good:
        return min(models, key=lambda model: model.difference.mean)
    return min(good, key=lambda model: model.cost.megabytes)


def _too_dear(
    models: list[SmallModel],
    price: Price,
) -> str:
    """Return a line that names the least possible cost."""
    least = min(models, key=lambda model: price.used_share(model.cost)).cost
    return (
        f"no model keeps to {price}: the cheapest one takes {least.milliseconds:.2g} ms a row and "
        f"{least.megabytes:.2g} MB. Nothing was written."
    )
