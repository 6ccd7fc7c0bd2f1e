"""Train a run's members once more, exactly as recorded, and compare predictions bit for bit."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.budget import Budget
from automl.errors import AutoMLError, InputError
from automl.executor.fork_server import ForkServer
from automl.lab.lab import Lab
from automl.lab.policy import Action, Capacity, Stop, Wait
from automl.predictor import Predictor, load
from automl.problem import Problem
from automl.run.chain import Settings, laboratory, set_threads
from automl.run.checkpoint import cut
from automl.run.recorder import with_given_folds
from automl.run.resume import bring_back
from automl.store import Store, replay
from automl.trial import Job, Split, Study, Trial


@dataclass(frozen=True)
class Compared:
    """One fit, or the predictor as a whole, then and now.

    Parameters
    ----------
    what : str
    equal : bool or None
        Bit for bit; None where there is nothing left to compare with.
    apart : float
        The largest difference.
    """

    what: str
    equal: bool | None
    apart: float = 0.0


class Again:
    """A policy: train the given jobs, once each."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(jobs)

    def next(self, study: Study, capacity: Capacity) -> Action:
        """The next job."""
        if self._jobs:
            return self._jobs.pop(0)
        return Wait() if study.running else Stop()


def reproduce(
    ask: Callable[[Budget], Problem], settings: Settings, server: ForkServer | None = None
) -> Iterator[Compared]:
    """Train the members of the run in `settings.output` again, elsewhere, and compare.

    Yields
    ------
    Compared
        For each fit of a member its held-out predictions, and at last the predictor's answers for all rows of the table.

    Raises
    ------
    InputError
        There is no such run, it has no predictor, or its table has changed.
    """
    then = replace(replay(settings.output), extensions=settings.extensions)
    ask = with_given_folds(ask, settings.output)
    if not then.weights and not then.finished:
        raise InputError(
            f"{settings.output}: the run has not ended, so there is nothing to reproduce. `automl resume` goes on with it."
        )
    old = load(settings.output / "predictor.automl", own=settings.extensions)
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        store = Store(Path(folder) / "run")
        elsewhere = replace(settings, output=store.folder, seconds=None, trials=None)
        with laboratory(store, elsewhere, server) as lab:
            bring_back(lab, replace(then, trials={}), elsewhere, ask)
            set_threads(lab, replace(settings, trials=1), then)
            now = _trained(then, lab)
            yield from _fits(then, now, lab, settings.output)
            yield _answers(
                old,
                cut(
                    replace(now, weights=then.weights, finish=then.finish, verdict=then.verdict),
                    lab,
                ),
                lab,
            )
        store.close()


def _trained(then: Study, lab: Lab) -> Study:
    """A study with the members' fits made again."""
    now = replace(
        then,
        trials={name: Trial(then.trials[name].candidate) for name in then.weights},
        weights={},
        running={},
    )
    jobs = [
        _job(then.trials[name], split)
        for name in then.weights
        for split in then.fitted_splits(then.trials[name])
    ]
    for now in lab.run(Again(jobs), now, Budget()):
        pass
    return now


def _job(trial: Trial, split: Split) -> Job:
    """The job of a recorded fit with the rounds that it kept: neither early stopping nor a clock has a say then."""
    key = trial.key_at(*split)
    if key is None:
        raise AutoMLError(f"trial {trial.id}: the fit at {split} is not in the log")
    return replace(trial.jobs[key], rounds=trial.outcomes[key].rounds, seconds=math.inf)


def _fits(then: Study, now: Study, lab: Lab, folder: Path) -> Iterator[Compared]:
    """Held-out predictions of each fit."""
    for name in then.weights:
        trial, again = then.trials[name], now.trials[name]
        for repeat, fold in trial.splits:
            what = f"{name} {trial.candidate.family} fold {repeat}.{fold}"
            if again.failure is not None:
                raise AutoMLError(f"{what} failed this time: {again.failure.reason}")
            before, after = trial.key_at(repeat, fold), again.key_at(repeat, fold)
            path = folder / "trials" / name / f"{before}.npy"
            array = lab.store.predictions(name, str(after))
            if array is None:
                raise AutoMLError(f"{what} was not trained this time")
            yield _compared(
                what, np.load(path, allow_pickle=False) if path.exists() else None, array
            )


def _answers(old: Predictor, new: Predictor, lab: Lab) -> Compared:
    """Predictions for every row of the table, by the file of the run and by the models made again."""
    columns = lab.dataset().columns
    return _compared("the predictor", old.raw(columns), new.raw(columns))


def _compared(
    what: str, before: npt.NDArray[np.floating] | None, after: npt.NDArray[np.floating]
) -> Compared:
    if before is None:
        return Compared(what, None)
    if before.shape != after.shape:
        return Compared(what, False, math.inf)
    return Compared(
        what, bool(np.array_equal(before, after)), float(np.abs(before - after).max(initial=0.0))
    )
