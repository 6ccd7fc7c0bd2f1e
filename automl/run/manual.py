"""Candidates that a person tries on a run's own folds, recorded as any trial is.

The predictor stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from automl.budget import Budget, reserve_ending
from automl.candidate import Candidate
from automl.errors import AutoMLError
from automl.event_log import replay
from automl.events import ManualTrialsStarted
from automl.executor.fork_server import ForkServer
from automl.files import write_text
from automl.leaderboard import leaderboard, to_csv
from automl.problem import Problem
from automl.run.facts import with_given_folds
from automl.run.resume import bring_back, check_metric, restore_finished, time_origin
from automl.run.session import open_session
from automl.run.settings import NO_CALLBACKS, Callbacks, Settings
from automl.run_files import DONE, LEADERBOARD
from automl.search.all_folds import AllFoldsPolicy
from automl.store import Store
from automl.study import Study


def try_out(
    read_problem: Callable[[Budget], Problem],
    settings: Settings,
    candidates: Sequence[Candidate],
    callbacks: Callbacks = NO_CALLBACKS,
    server: ForkServer | None = None,
) -> Study:
    """Train candidates on every fold of the run in `settings.output`.

    Parameters
    ----------
    read_problem : callable
        Return the run's problem, for when its data isn't in `work/` any more.
    settings : Settings
    candidates : sequence of Candidate
    callbacks : Callbacks, optional
    server : ForkServer, optional

    Returns
    -------
    Study
        With the new trials.

    Raises
    ------
    InputError
        There is no such run, another process is working on it, or its table has changed.
    """
    before = replace(replay(settings.output), extensions=settings.extensions)
    read_problem = with_given_folds(read_problem, settings.output)
    check_metric(before, settings)
    started = time_origin(settings)
    store = Store.reopened(settings.output)
    with open_session(store, settings, server, read_problem) as session:
        without_trials = replace(before, trials={})
        try:
            bring_back(without_trials, session)
        except AutoMLError:
            restore_finished(before, session)
            raise
        journal = session.journal(callbacks.observers, started)
        lab = session.lab(journal, callbacks)
        study = lab.record(before, ManualTrialsStarted())
        budget = reserve_ending(lab.budget)
        study = lab.run(AllFoldsPolicy(candidates), study, budget)
        lab.close()
        write_text(store.folder / LEADERBOARD, to_csv(leaderboard(study)))
        if before.finished:
            write_text(store.folder / DONE, "")
        store.close(settings.keep_data or not before.finished)
        return study
