"""Fits that may go on: what a fit of few rounds leaves for a longer one of the same rows.

The files lie in the run's `work/`. A longer fit gives the same model without them, so nothing is
lost where they are missing: on another machine, or after the run was killed. Those of another
format are not read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from automl.candidate import Job, digest
from automl.errors import UnsafeModel
from automl.files import atomic_write
from automl.run_files import PROGRESS
from automl.state import State, pack_to_bytes, unpack_bytes

FORMAT = 2  # part of the files' names


@dataclass(frozen=True)
class Progress:
    """What a fit left behind.

    Parameters
    ----------
    state : State
        Its `Fitted.progress`.
    seconds : float
        That it took, from zero.
    """

    state: State
    seconds: float


class ProgressFiles:
    """The progress of fits in a run's `work/` folder.

    Parameters
    ----------
    work : Path
    """

    def __init__(self, work: Path) -> None:
        self._folder = work / PROGRESS

    def latest(self, job: Job, n_rows: int) -> Progress | None:
        """Return the furthest progress that a job may go on from.

        Parameters
        ----------
        job : Job
        n_rows : int
            Number of rows that it trains on.
        """
        limit = job.rounds or math.inf
        files = dict(self._files(job, n_rows))
        reached = [rounds for rounds in files if rounds <= limit]
        if not reached:
            return None
        furthest = max(reached)
        packed = files[furthest].read_bytes()
        try:
            stored = unpack_bytes(packed)
        except UnsafeModel:  # half of it, after a power failure
            files[furthest].unlink()
            return None
        return Progress(**stored)

    def keep(
        self,
        job: Job,
        n_rows: int,
        progress: Progress,
    ) -> None:
        """Write a job's progress, and remove what it went on from."""
        former = list(self._files(job, n_rows))
        packed = pack_to_bytes(vars(progress))
        name = _name(job, n_rows)
        path = self._folder / f"{name}-{job.rounds}.zip"
        with atomic_write(path) as temporary:
            temporary.write_bytes(packed)
        for _, other in former:
            if other != path:
                other.unlink(missing_ok=True)

    def forget(self, job: Job, n_rows: int) -> None:
        """Remove what a job went on from: it is over."""
        for _, path in self._files(job, n_rows):
            path.unlink(missing_ok=True)

    def _files(
        self,
        job: Job,
        n_rows: int,
    ) -> Iterator[tuple[int, Path]]:
        """Yield the rounds and the files of progress on the path of a job."""
        name = _name(job, n_rows)
        for path in self._folder.glob(f"{name}-*.zip"):
            *_, rounds = path.stem.split("-")
            yield int(rounds), path


def _name(job: Job, n_rows: int) -> str:
    """Return a name that only fits of the same path have, which begins with the trial's id."""
    path = (
        FORMAT,
        job.data,
        job.split,
        job.seed,
        job.resources.threads,
        n_rows,
    )
    return f"{job.candidate.id}-{digest(path)}"
