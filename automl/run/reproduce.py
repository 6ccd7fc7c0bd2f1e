"""Train a run's members once more, exactly as recorded, and compare predictions bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.budget import Budget
from automl.candidate import Job, Split
from automl.errors import AutoMLError, InputError
from automl.event_log import replay
from automl.executor.fork_server import ForkServer
from automl.journal import Journal
from automl.lab.assembly import build_predictor
from automl.lab.policy import Action, Capacity, Stop, Wait
from automl.models import check_trainable
from automl.predictor import Predictor, load
from automl.problem import Problem
from automl.run.elsewhere import open_elsewhere
from automl.run.session import Session
from automl.run.settings import NO_CALLBACKS, Settings
from automl.run_files import PREDICTOR, TRIALS
from automl.study import Study
from automl.trial import Trial


@dataclass(frozen=True)
class Comparison:
    """One fit, or the whole predictor, as it was and as it is now.

    Parameters
    ----------
    what : str
    equal : bool or None
        Bit for bit; None where nothing is left to compare with.
    apart : float
        The largest difference.
    """

    what: str
    equal: bool | None
    apart: float = 0.0


class GivenJobs:
    """A policy: train the given jobs, once each."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(jobs)

    def next(
        self,
        study: Study,
        capacity: Capacity,
    ) -> Action:
        """Return the next job."""
        if self._jobs:
            return self._jobs.pop(0)
        return Wait() if study.running else Stop()


def reproduce(
    read_problem: Callable[[Budget], Problem],
    settings: Settings,
    server: ForkServer | None = None,
) -> Iterator[Comparison]:
    """Train the members of the run in `settings.output` again, elsewhere, and compare.

    Yields
    ------
    Comparison
        For each fit of a member its held-out predictions, and at last the predictor's predictions
        for all rows of the table.

    Raises
    ------
    InputError
        There is no such run, it has no predictor, its table has changed, or the library of a
        member's family is not installed.
    """
    old_study = replace(replay(settings.output), extensions=settings.extensions)
    if not old_study.weights and not old_study.finished:
        raise InputError(
            f"{settings.output}: the run has not ended, so there is nothing to reproduce. "
            "`automl resume` continues it."
        )
    for name in old_study.weights:
        check_trainable(old_study.trials[name].family)
    old = load(settings.output / PREDICTOR, extra_families=settings.extensions)
    unlimited = replace(settings, seconds=None, trials=None)
    with open_elsewhere(old_study, unlimited, server, read_problem) as session:
        new_study = _train_again(old_study, session)
        yield from _compare_fits(old_study, new_study, session, settings.output)
        new = build_predictor(new_study, session.data)
        yield _compare_answers(old, new, session)


def _train_again(
    old: Study,
    session: Session,
) -> Study:
    """Return a study with the members' fits made again, and the weights of the old one."""
    trials = {name: Trial(old.trials[name].candidate) for name in old.weights}
    jobs = []
    for name in old.weights:
        trial = old.trials[name]
        jobs += [_job(trial, split) for split in old.fitted_splits(trial)]
    lab = session.lab(Journal(), NO_CALLBACKS)
    empty = replace(old, trials=trials, weights={}, running={})
    new = lab.run(GivenJobs(jobs), empty, Budget())
    return replace(new, weights=old.weights)


def _job(
    trial: Trial,
    split: Split,
) -> Job:
    """Return the job of a recorded fit with the rounds that it kept.

    Neither early stopping nor a clock changes it then.
    """
    key = trial.key_at(*split)
    if key is None:
        raise AutoMLError(f"trial {trial.id}: the fit at {split} is not in the log")
    return replace(trial.jobs[key], rounds=trial.outcomes[key].rounds, seconds=math.inf)


def _compare_fits(
    old: Study,
    new: Study,
    session: Session,
    folder: Path,
) -> Iterator[Comparison]:
    """Compare the held-out predictions of each fit."""
    for name in old.weights:
        before, after = old.trials[name], new.trials[name]
        for split in before.splits:
            yield _compare_fit(before, after, split, session, folder)


def _compare_fit(
    before: Trial,
    after: Trial,
    split: tuple[int, int],
    session: Session,
    folder: Path,
) -> Comparison:
    what = f"{before.id} {before.family} fold {split[0]}.{split[1]}"
    if after.failure is not None:
        raise AutoMLError(f"{what} failed this time: {after.failure.reason}")
    new = session.store.predictions(after.id, str(after.key_at(*split)))
    if new is None:
        raise AutoMLError(f"{what} was not trained this time")
    path = folder / TRIALS / before.id / f"{before.key_at(*split)}.npy"
    old = np.load(path, allow_pickle=False) if path.exists() else None
    return _compare(what, old, new)


def _compare_answers(
    old: Predictor,
    new: Predictor,
    session: Session,
) -> Comparison:
    """Compare predictions for every row of the table."""
    columns = session.data.dataset().columns
    return _compare("the predictor", old.predict_raw(columns), new.predict_raw(columns))


def _compare(
    what: str,
    before: npt.NDArray[np.floating] | None,
    after: npt.NDArray[np.floating],
) -> Comparison:
    if before is None:
        return Comparison(what, None)
    if before.shape != after.shape:
        return Comparison(what, False, math.inf)
    apart = float(np.abs(before - after).max(initial=0.0))
    return Comparison(what, bool(np.array_equal(before, after)), apart)
