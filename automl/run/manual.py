"""Candidates tried by hand on a run's own folds, recorded as any trial is. The predictor stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from automl.budget import Budget, keeping_an_end
from automl.errors import AutoMLError
from automl.executor.fork_server import ForkServer
from automl.files import write_text
from automl.leaderboard import leaderboard, to_csv
from automl.problem import Problem
from automl.run.chain import NO_CALLBACKS, Callbacks, Settings, laboratory, set_threads
from automl.run.recorder import Recorder, with_given_folds
from automl.run.resume import bring_back, check_metric, last_second
from automl.search.manual import Everywhere
from automl.store import Store, replay
from automl.trial import Candidate, Study


def try_out(
    ask: Callable[[Budget], Problem],
    settings: Settings,
    candidates: Sequence[Candidate],
    callbacks: Callbacks = NO_CALLBACKS,
    server: ForkServer | None = None,
) -> Study:
    """Train candidates on every fold of the run in `settings.output`, and give the study with them.

    Parameters
    ----------
    ask : callable
        Gives the run's problem anew, for when its data isn't in `work/` any more.

    Raises
    ------
    InputError
        There is no such run, another process works on it, or its table has changed.
    """
    before = replace(replay(settings.output), extensions=settings.extensions)
    ask = with_given_folds(ask, settings.output)
    check_metric(before, settings)
    store = Store.reopened(settings.output)
    with laboratory(store, settings, server) as lab:
        try:
            bring_back(lab, replace(before, trials={}), settings, ask)
        except AutoMLError:
            if before.finished:  # it is as good as it was
                lab.forget()
                write_text(store.folder / "DONE", "")
            raise
        set_threads(lab, settings, before)
        callbacks.on_lab(lab)
        lab.recorder = Recorder(store, settings.started - last_second(settings))
        lab.observers += callbacks.observers
        study = lab.tell(before, {"kind": "hand"})
        for study in lab.run(Everywhere(candidates), study, keeping_an_end(lab.whole)):
            pass
        lab.close()
        write_text(store.folder / "leaderboard.csv", to_csv(leaderboard(study)))
        if before.finished:
            write_text(store.folder / "DONE", "")
        store.close(settings.keep_data or not before.finished)
        return study
