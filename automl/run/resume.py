"""A run that goes on: after a crash or Ctrl-C with what its log and its `work/` hold, or with more time after its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from automl.budget import Budget
from automl.cleaning import Finding
from automl.errors import InputError, NoTime
from automl.executor.fork_server import ForkServer
from automl.executor.work import encodings_at
from automl.files import sha256, write_text
from automl.lab.lab import Lab
from automl.leaderboard import leaderboard, to_csv
from automl.metrics import is_function, known_function
from automl.pipeline import Step
from automl.predictor import load
from automl.problem import Problem
from automl.run.chain import (
    NO_CALLBACKS,
    SEARCHING,
    Callbacks,
    Result,
    Settings,
    finish,
    fit,
    laboratory,
    run_stages,
    set_threads,
    watch,
)
from automl.run.checkpoint import has_model
from automl.run.recorder import with_given_folds
from automl.run.scoring import prepare
from automl.stages.clean import Clean
from automl.store import Store, events, replay
from automl.trial import Study


def resume(
    ask: Callable[[Budget], Problem],
    settings: Settings,
    callbacks: Callbacks = NO_CALLBACKS,
    server: ForkServer | None = None,
) -> Result:
    """Go on with the run in `settings.output`. What was recorded is never trained again.

    Parameters
    ----------
    ask : callable
        Gives the run's problem anew, for when its data isn't in `work/` any more.

    Raises
    ------
    InputError
        There is no such run, another process works on it, or its table has changed.
    """
    study = replace(replay(settings.output), extensions=settings.extensions)
    ask = with_given_folds(ask, settings.output)
    if (
        study.task is None
    ):  # it ended before its table was understood: nothing is lost by beginning anew
        problem = ask(
            settings.budget
        )  # before anything is removed: this is where a wrong table shows
        Store.reopened(settings.output).discard()
        return fit(lambda budget: problem, settings, callbacks, server)
    check_metric(study, settings)
    store = Store.reopened(settings.output)
    with laboratory(store, settings, server) as lab:
        try:
            bring_back(lab, study, settings, ask)
            form = lab.cleaner.form if lab.cleaner is not None else None
            exam = (
                prepare(settings.test, study.the_task.target, form, lab.whole)
                if settings.test
                else None
            )
        except NoTime as error:
            return as_it_was(study, lab, settings, callbacks, error)
        except InputError:
            if study.finished:  # it is as good as it was
                lab.forget()
                write_text(store.folder / "DONE", "")
            raise
        set_threads(lab, settings, study)
        checkpointer = watch(lab, settings, settings.started - last_second(settings), callbacks)
        study = lab.decide(lab.tell(study, {"kind": "resumed"}))
        study = run_stages(
            study,
            lab,
            settings,
            steps_left(study, settings.pipeline.steps),
            checkpointer,
            exam,
            callbacks,
        )
        return finish(study, lab, settings, callbacks, exam)


def as_it_was(
    study: Study, lab: Lab, settings: Settings, callbacks: Callbacks, error: NoTime
) -> Result:
    """End at once with the predictor that lies there: there was no time to go on, and none of what was reached is lost.

    Raises
    ------
    NoTime
        There is no predictor yet.
    """
    path = lab.store.folder / "predictor.automl"
    if not path.exists():
        raise error
    watch(lab, settings, settings.started - last_second(settings), callbacks)
    lab.close()
    how = study.finished or "done"
    study = lab.tell(study, {"kind": "resumed"})
    finding = Finding(
        "no_time",
        (),
        "warning",
        1,
        action=f"{error}: the run stays as it was",
        override="a larger --budget",
    )
    study = lab.tell(study, {"kind": "finding", "finding": finding.to_json()})
    study = lab.tell(study, {"kind": "finished", "how": how})
    write_text(lab.store.folder / "leaderboard.csv", to_csv(leaderboard(study)))
    write_text(lab.store.folder / "DONE", "")
    lab.store.close()
    return Result(study, load(path), lab.store.folder, sha256(path))


def check_metric(study: Study, settings: Settings) -> None:
    """Refuse a run whose metric is a Python function that nobody has given here."""
    metric = study.the_task.metric
    if is_function(metric) and known_function(metric) is None:
        raise InputError(
            f"{settings.output}: the metric {metric!r} is a Python function that is not known here."
        )


def last_second(settings: Settings) -> float:
    """The time of a run's last event: where it goes on counting."""
    return max((event["time"] for event in events(settings.output)), default=0.0)


def steps_left(study: Study, steps: Sequence[Step]) -> Sequence[Step]:
    """The steps that a run has still to go through.

    From the first that searches: what is decided is passed over there at once, and what an interrupted or hurried stage left out is
    made up for.
    """
    names = [step.name for step in steps]
    if not study.recipes:
        return steps[names.index("clean") + 1 :]
    first = next((position for position, name in enumerate(names) if name in SEARCHING), len(steps))
    return steps[first:]


def bring_back(
    lab: Lab, study: Study, settings: Settings, ask: Callable[[Budget], Problem]
) -> None:
    """Have the run's data and the features of its models at the lab again: from `work/`, or made once more.

    Raises
    ------
    InputError
        The table gives other data than it did.
    """
    if not (
        lab.recall() and lab.dataset().task == study.task and lab.dataset().digest() == study.data
    ):
        _clean_again(lab, study, settings, ask)
    kept = [trial for trial in study.ranked if lab.predictions(study, trial) is not None]
    if not has_model(study):  # what is not complete answers then
        kept += [
            trial
            for trial in study.trials.values()
            if not study.complete(trial) and lab.held_out(trial) is not None
        ]
    kept = [trial for trial in kept if trial.candidate.family != "constant"]
    lab.encode(
        work
        for trial in kept
        for position in study.fitted_splits(trial)
        for work in encodings_at(trial.candidate.recipe, position)
    )


def _clean_again(
    lab: Lab, study: Study, settings: Settings, ask: Callable[[Budget], Problem]
) -> None:
    lab.problem = ask(lab.whole.within(lab.whole.remaining() / 3))
    clean = settings.pipeline.steps[0].stage
    assert isinstance(clean, Clean)  # a pipeline begins with it
    rows = study.drawn or lab.problem.table.n_rows
    columns = study.narrowed or len(lab.problem.table.columns)
    plan = study.plan  # whatever time there is now
    same = replace(
        clean, rows=rows, columns=columns, folds=plan.folds, repeats=plan.repeats, warn=False
    )
    source = lab.problem.table.source or "the table"
    again = same.run(Study(seed=study.seed, extensions=study.extensions), lab, lab.whole)
    if again.data != study.data:
        lab.forget()
        raise InputError(
            f"{source}: gives other rows or folds than the run was made on, so the run can't use it."
        )
