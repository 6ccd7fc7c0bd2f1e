"""Resume a run: after a crash or Ctrl-C, or with more time after its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from automl.budget import Budget
from automl.candidate import Split
from automl.errors import InputError, OutOfTime
from automl.event_log import last_seconds, replay
from automl.events import FindingRecorded, RunFinished, RunResumed
from automl.executor.fork_server import ForkServer
from automl.executor.work import Encode, encodings_at
from automl.files import sha256, write_text
from automl.finding import Finding
from automl.lab.lab import Lab
from automl.lab.run_data import RunData
from automl.leaderboard import leaderboard, to_csv
from automl.metrics import find_function, is_function
from automl.models import check_trainable
from automl.pipeline import Step
from automl.predictor import load
from automl.problem import Problem
from automl.run.chain import finish, fit, run_stages
from automl.run.checkpoint import has_model
from automl.run.facts import with_given_folds
from automl.run.reserves import Reserves, Slowdown
from automl.run.scoring import TableScoring, read_test_table
from automl.run.session import Session, open_session
from automl.run.settings import NO_CALLBACKS, Callbacks, Result, Settings
from automl.run_files import DONE, LEADERBOARD, PREDICTOR
from automl.stages.clean import Clean
from automl.stages.traits import searches
from automl.store import Store
from automl.study import Study
from automl.trial import Trial


def resume(
    read_problem: Callable[[Budget], Problem],
    settings: Settings,
    callbacks: Callbacks = NO_CALLBACKS,
    server: ForkServer | None = None,
) -> Result:
    """Continue the run in `settings.output`; recorded fits are never trained again.

    Parameters
    ----------
    read_problem : callable
        Return the run's problem, for when its data isn't in `work/` any more.
    settings : Settings
        Its budget is a fresh one.
    callbacks : Callbacks, optional
    server : ForkServer, optional

    Raises
    ------
    InputError
        There is no such run, another process is working on it, its table has changed, or the
        library of a family in it is not installed.
    NoTime
        There was no time to continue, and there is no predictor yet.
    """
    study = replace(replay(settings.output), extensions=settings.extensions)
    read_problem = with_given_folds(read_problem, settings.output)
    if study.task is None:
        return _start_again(read_problem, settings, callbacks, server)
    check_metric(study, settings)
    for trial in study.trials.values():
        check_trainable(trial.family)
    store = Store.reopened(settings.output)
    with open_session(store, settings, server, read_problem) as session:
        try:
            test = _recover(study, session)
        except OutOfTime as error:
            return _leave_as_it_was(study, session, callbacks, error)
        return _continue(study, session, callbacks, test)


def _start_again(
    read_problem: Callable[[Budget], Problem],
    settings: Settings,
    callbacks: Callbacks,
    server: ForkServer | None,
) -> Result:
    """Begin a run anew that ended before its table was understood: nothing is lost by that."""
    problem = read_problem(settings.budget)  # a wrong table must show before anything is removed
    Store.reopened(settings.output).discard()
    return fit(lambda budget: problem, settings, callbacks, server)


def _recover(
    study: Study,
    session: Session,
) -> TableScoring | None:
    """Bring a run's data and features back, and read its test table."""
    settings = session.settings
    try:
        bring_back(study, session)
        if settings.test is None:
            return None
        form = session.data.cleaner.form
        return read_test_table(settings.test, study.known_task.target, form, settings.budget)
    except InputError:
        restore_finished(study, session)
        raise


def restore_finished(
    study: Study,
    session: Session,
) -> None:
    """Mark a run as done again that can't be continued, if it was: it is as good as it was."""
    if study.finished:
        session.data.discard()
        write_text(session.store.folder / DONE, "")


def _continue(
    study: Study,
    session: Session,
    callbacks: Callbacks,
    test: TableScoring | None,
) -> Result:
    settings = session.settings
    checkpointer = session.checkpointer()
    observers = list(callbacks.observers)
    if settings.lasting:
        observers.insert(0, checkpointer)
    journal = session.journal(observers, time_origin(settings))
    lab = session.lab(journal, callbacks)
    study = lab.decide(lab.record(study, RunResumed()))
    reserves = Reserves(settings, lab, checkpointer, Slowdown(), test)
    steps = steps_left(study, settings.pipeline.steps)
    study = run_stages(study, lab, steps, reserves, callbacks)
    return finish(study, lab, session, journal, callbacks, test)


def _leave_as_it_was(
    study: Study,
    session: Session,
    callbacks: Callbacks,
    error: OutOfTime,
) -> Result:
    """End with the predictor that exists: there was no time to continue, and nothing is lost.

    Raises
    ------
    NoTime
        There is no predictor yet.
    """
    store = session.store
    path = store.folder / PREDICTOR
    if not path.exists():
        raise error
    journal = session.journal(callbacks.observers, time_origin(session.settings))
    lab = session.lab(journal, callbacks)
    lab.close()
    how: Any = study.finished or "done"
    action = f"{error}: the run stays as it was"
    finding = Finding("no_time", (), "warning", 1, action=action, override="a larger --budget")
    study = lab.record(study, RunResumed())
    study = lab.record(study, FindingRecorded(finding))
    study = lab.record(study, RunFinished(how))
    write_text(store.folder / LEADERBOARD, to_csv(leaderboard(study)))
    write_text(store.folder / DONE, "")
    store.close()
    return Result(study, load(path), store.folder, sha256(path))


def check_metric(
    study: Study,
    settings: Settings,
) -> None:
    """Refuse a run whose metric is a Python function that is not known in this process."""
    metric = study.known_task.metric
    if is_function(metric) and find_function(metric) is None:
        raise InputError(
            f"{settings.output}: the metric {metric!r} is a Python function that is not known here."
        )


def time_origin(settings: Settings) -> float:
    """Return what the times of a continued run's events count from."""
    return settings.started - last_seconds(settings.output)


def steps_left(
    study: Study,
    steps: Sequence[Step],
) -> Sequence[Step]:
    """Return the steps that a run must still go through.

    These begin with the first that searches: what is decided takes no time there, and what an
    interrupted or hurried stage left out is made up for.
    """
    names = [step.name for step in steps]
    if not study.recipes:
        return steps[names.index("clean") + 1 :]
    for position, step in enumerate(steps):
        if searches(step.stage):
            return steps[position:]
    return []


def bring_back(
    study: Study,
    session: Session,
) -> None:
    """Bring back a run's data and its models' features, from `work/` or made once more.

    Raises
    ------
    InputError
        The table gives other data than it did.
    """
    data = session.data
    lab = Lab(data, session.executor, session.settings.budget)  # without a journal
    is_there = data.reload()
    if not is_there or not _is_same_data(data, study):
        _clean_again(lab, study, session)
    lab.encode_and_wait(_needed_encodings(study, data))


def _is_same_data(
    data: RunData,
    study: Study,
) -> bool:
    dataset = data.dataset()
    return dataset.task == study.task and dataset.digest() == study.data


def _needed_encodings(
    study: Study,
    data: RunData,
) -> Iterator[Encode]:
    """Yield the encodings that the kept models read."""
    for trial in _kept_trials(study, data):
        if trial.candidate.is_baseline:
            continue
        splits: tuple[Split, ...] = study.fitted_splits(trial)
        for split in splits:
            yield from encodings_at(trial.candidate.recipe, split)


def _kept_trials(
    study: Study,
    data: RunData,
) -> list[Trial]:
    """Return the trials whose models are kept; incomplete ones only if no model is complete."""
    kept = [trial for trial in study.ranked if data.predictions(study, trial) is not None]
    if not has_model(study):
        for trial in study.trials.values():
            if not study.is_complete(trial) and data.held_out(trial) is not None:
                kept.append(trial)
    return kept


def _clean_again(
    lab: Lab,
    study: Study,
    session: Session,
) -> None:
    """Clean the table once more, with the rows, columns and folds of the run."""
    table = session.data.problem.table
    clean = session.settings.pipeline.steps[0].stage
    assert isinstance(clean, Clean)  # a pipeline begins with it
    same = replace(
        clean,
        rows=study.drawn or table.n_rows,
        columns=study.narrowed or len(table.columns),
        folds=study.plan.folds,
        repeats=study.plan.repeats,
        warn=False,
    )
    source = table.source or "the table"
    del table  # the raw table may go once it is clean
    empty = Study(seed=study.seed, extensions=study.extensions)
    again = same.run(empty, lab, lab.budget)
    if again.data != study.data:
        session.data.discard()
        raise InputError(
            f"{source}: gives other rows or folds than the run was made on, "
            "so the run can't use it."
        )
