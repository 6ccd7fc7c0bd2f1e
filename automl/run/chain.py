"""One run: from a problem and settings to a predictor, a leaderboard and a folder that says how."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from automl.budget import Budget, reserve_ending
from automl.errors import AutoMLError, InputError, one_line
from automl.event_log import replay
from automl.events import RunFinished, RunStarted, StageEnded, StageStarted, finding_event
from automl.executor.fork_server import ForkServer
from automl.files import write_text
from automl.journal import Journal, Observer
from automl.lab.assembly import build_predictor
from automl.lab.lab import Lab
from automl.leaderboard import leaderboard, to_csv
from automl.pipeline import Step
from automl.predictor import save
from automl.problem import Problem
from automl.run.facts import FactsWriter
from automl.run.first_model import start_first_model, with_baseline
from automl.run.reserves import Reserves, Slowdown
from automl.run.scoring import TableScoring, read_test_table, score_test_table
from automl.run.session import Session, open_session
from automl.run.settings import NO_CALLBACKS, Callbacks, EndCallback, Result, Settings
from automl.run_files import DONE, LEADERBOARD, PREDICTOR
from automl.stages import STAGES
from automl.stages.ensemble import choose_best_trial
from automl.stages.traits import modules_needed, only_families, searches
from automl.store import Store
from automl.study import Event, Study

MIN_FIRST_TRIALS = 4  # the baseline, a linear model, and two more
MAX_WARMING_SECONDS = 30.0  # to wait for the first worker


def fit(
    read_problem: Callable[[Budget], Problem],
    settings: Settings,
    callbacks: Callbacks = NO_CALLBACKS,
    server: ForkServer | None = None,
) -> Result:
    """Run a pipeline.

    Parameters
    ----------
    read_problem : callable
        Return the problem, reading its table within the budget that it is given. Called while
        the worker server loads its libraries.
    settings : Settings
    callbacks : Callbacks, optional
    server : ForkServer, optional
        A worker server that is loading already.

    Raises
    ------
    InputError
        The table, the target or a setting is wrong; nothing is left behind.
    """
    new_folders = _folders_to_make(settings.output)
    store = Store(settings.output)
    try:
        with open_session(store, settings, server, read_problem) as session:
            return _fit(session, callbacks)
    except InputError:
        trials = replay(store.folder).trials.values()
        if all(trial.candidate.is_baseline for trial in trials):  # no model is thrown away
            store.discard()
            _remove_empty(new_folders)
        raise


def _fit(
    session: Session,
    callbacks: Callbacks,
) -> Result:
    settings = session.settings
    slowdown = Slowdown()
    problem = session.data.problem
    test = None
    if settings.test is not None:
        form = problem.table.form
        test = read_test_table(settings.test, problem.target, form, settings.budget)
    checkpointer = session.checkpointer()
    observers: list[Observer] = [*callbacks.observers, slowdown]
    if settings.lasting:
        facts = FactsWriter(session.store.folder, settings, problem)
        observers = [checkpointer, *observers, facts]
    journal = session.journal(observers, settings.started)
    del problem  # the raw table may go once it is clean
    lab = session.lab(journal, callbacks)
    study = Study(extensions=settings.extensions)
    study = lab.record(study, RunStarted(settings.seed))
    study = _with_engine_finding(study, lab, settings)
    reserves = Reserves(settings, lab, checkpointer, slowdown, test)
    study = run_stages(study, lab, settings.pipeline.steps, reserves, callbacks)
    return finish(study, lab, session, journal, callbacks, test)


def _with_engine_finding(
    study: Study,
    lab: Lab,
    settings: Settings,
) -> Study:
    """Record that another engine is used than was asked for, if so."""
    used = settings.used_engine
    if used.name == settings.engine_name:
        return study
    action = (
        f"engine {settings.engine_name!r} needs Linux: the run uses {used.name!r} ({used.about})"
    )
    return lab.record(study, finding_event("engine", action))


def _folders_to_make(output: Path) -> list[Path]:
    """Return the folders that this run will make, innermost first."""
    return [folder for folder in (output, *output.parents) if not folder.exists()]


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, innermost first, up to one that is not empty: it may hold another run."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


def run_stages(
    study: Study,
    lab: Lab,
    steps: Sequence[Step],
    reserves: Reserves,
    callbacks: Callbacks,
) -> Study:
    """Pass the study from stage to stage, each with its share of what is left."""
    for position, step in enumerate(steps):
        later = steps[position + 1 :]
        if searches(step.stage):
            study = start_first_model(with_baseline(study, lab), lab, steps)
            _load_modules(steps[position:], lab.budget, callbacks.modules)
            study = _warm_up(study, lab, reserves)
        budget = _share(reserves.for_stage(study, later), [step, *later])
        if lab.budget.trials is not None:
            budget = replace(budget, trials=_max_trials(lab.budget.trials, steps, position))
        study = lab.record(study, StageStarted(step.name, only_families(step.stage)))
        study = _run_stage(study, lab, step, budget)
        study = lab.record(study, StageEnded(step.name))
        if study.task is not None:
            study = start_first_model(study, lab, steps)
        lab.data.store.log.sync()
    return study


def _share(
    budget: Budget,
    steps: Sequence[Step],
) -> Budget:
    """Return the first step's share of a budget that these steps divide."""
    return next(budget.divide([step.share for step in steps]))


def _warm_up(
    study: Study,
    lab: Lab,
    reserves: Reserves,
) -> Study:
    """Wait for the first worker: fits with a time limit start when one is ready."""
    left = reserves.for_end(study).remaining()
    half = lab.budget.remaining() / 2
    return lab.warm_up(study, min(MAX_WARMING_SECONDS, left, half))


def _load_modules(
    steps: Sequence[Step],
    budget: Budget,
    modules: Sequence[str],
) -> None:
    """Import in a thread what later stages and callbacks need, while workers do the first fits."""
    names = list(modules)
    for step in steps[1:]:
        names += modules_needed(step.stage, budget)
    if names:
        threading.Thread(target=_import_all, args=(names,), daemon=True).start()


def _import_all(names: Sequence[str]) -> None:
    for name in names:
        importlib.import_module(name)


def _run_stage(
    study: Study,
    lab: Lab,
    step: Step,
    budget: Budget,
) -> Study:
    """Run a stage; an error of a user's stage is reported with the stage's name."""
    try:
        result: Any = step.stage.run(study, lab, budget)
    except (LookupError, ArithmeticError) as error:
        raise AutoMLError(f"stage {step.name!r}: {error}") from error
    except Exception as error:
        if step.name in STAGES or isinstance(error, (AutoMLError, OSError)):
            raise
        reason = f"{type(error).__name__}: {one_line(error)}."
        raise AutoMLError(f"stage {step.name!r}: {reason}") from error
    if not isinstance(result, Study):
        raise AutoMLError(f"stage {step.name!r}: returned {result!r}; it must return a study.")
    return result


def _max_trials(
    n_trials: int,
    steps: Sequence[Step],
    position: int,
) -> int:
    """Return how many candidates there may be when a stage ends.

    The first searching stage has a few at least, since tuning needs some to begin with.
    """
    shares = [step.share if searches(step.stage) else 0.0 for step in steps]
    total = sum(shares)
    if not total:
        return n_trials
    part = round(n_trials * sum(shares[: position + 1]) / total)
    return max(min(n_trials, MIN_FIRST_TRIALS), part)


def finish(
    study: Study,
    lab: Lab,
    session: Session,
    journal: Journal,
    callbacks: Callbacks,
    test: TableScoring | None = None,
) -> Result:
    """Write the predictor, test scores, leaderboard and report, and mark the run as done."""
    store = session.store
    lab.close()
    study = choose_best_trial(with_baseline(study, lab), lab, lab.budget)
    predictor = build_predictor(study, session.data)
    digest = save(predictor, store.folder / PREDICTOR)
    if test is not None:
        budget = reserve_ending(lab.budget)
        for event in score_test_table(test, predictor, study, budget):
            study = lab.record(study, event)
    write_text(store.folder / LEADERBOARD, to_csv(leaderboard(study)))
    at_end = [_observer_of_end(callback, store.folder) for callback in callbacks.at_end]
    ending: Any = "interrupted" if lab.halted() else "done"
    study = journal.record_last(study, RunFinished(ending), at_end)
    write_text(store.folder / DONE, "")
    store.close(session.settings.keep_data)
    return Result(study, predictor, store.folder, digest)


def _observer_of_end(
    callback: EndCallback,
    folder: Path,
) -> Observer:
    """Return a callback as an observer of the last event, so that its failure is recorded."""

    def observe(
        study: Study,
        event: Event,
    ) -> None:
        if isinstance(event, RunFinished):
            callback(study, folder)

    observe.__qualname__ = getattr(callback, "__qualname__", type(callback).__name__)
    return observe
