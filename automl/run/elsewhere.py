"""A finished run's data in a temporary folder: what is trained there leaves the run as it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from automl.budget import Budget
from automl.executor.fork_server import ForkServer
from automl.problem import Problem
from automl.run.facts import with_given_folds
from automl.run.resume import bring_back
from automl.run.session import Session, open_session
from automl.run.settings import Settings
from automl.store import Store
from automl.study import Study


@contextmanager
def open_elsewhere(
    run: Study,
    settings: Settings,
    server: ForkServer | None,
    read_problem: Callable[[Budget], Problem],
) -> Iterator[Session]:
    """Open a session with a run's data and folds in a folder that is removed at the end.

    Parameters
    ----------
    run : Study
    settings : Settings
        Its `output` is the run's folder, which stays as it is.
    server : ForkServer or None
    read_problem : callable
        Return the run's problem.

    Raises
    ------
    InputError
        The run's table has changed.
    """
    read_problem = with_given_folds(read_problem, settings.output)
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        store = Store(Path(folder) / "run")
        elsewhere = replace(settings, output=store.folder)
        with open_session(store, elsewhere, server, read_problem) as session:
            bring_back(replace(run, trials={}), session)
            yield session
        store.close()
