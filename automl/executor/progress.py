"""Fits that may go on: what a fit of few rounds leaves for a longer one of the same rows.

The files lie in the run's `work/`. A longer fit gives the same model without them, so nothing is
lost where they are: on another machine, or after the run was killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from automl.candidate import Job, digest
from automl.files import atomic_write
from automl.run_files import PROGRESS
from automl.state import State, pack_to_bytes, unpack_bytes


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
        rounds = [number for number, _ in self._files(job, n_rows)]
        if job.rounds is not None:
            rounds = [number for number in rounds if number <= job.rounds]
        if not rounds:
            return None
        packed = self._path(job, n_rows, max(rounds)).read_bytes()
        stored = unpack_bytes(packed)
        return Progress(stored["progress"], stored["seconds"])

    def keep(
        self,
        job: Job,
        n_rows: int,
        progress: Progress,
    ) -> None:
        """Write a job's progress, and remove what it went on from."""
        former = list(self._files(job, n_rows))
        self._folder.mkdir(exist_ok=True)
        stored = {"progress": progress.state, "seconds": progress.seconds}
        with atomic_write(self._path(job, n_rows, job.rounds or 0)) as temporary:
            temporary.write_bytes(pack_to_bytes(stored))
        for number, path in former:
            if number < (job.rounds or 0):
                path.unlink(missing_ok=True)

    def forget(self, job: Job, n_rows: int) -> None:
        """Remove what a job went on from: it went as far as it will."""
        for _, path in self._files(job, n_rows):
            path.unlink(missing_ok=True)

    def _files(self, job: Job, n_rows: int) -> Iterator[tuple[int, Path]]:
        """Yield the rounds and the files of progress on the path of a job."""
        for path in self._folder.glob(f"{_name(job, n_rows)}-*.zip"):
            *_, rounds = path.stem.split("-")
            yield int(rounds), path

    def _path(
        self,
        job: Job,
        n_rows: int,
        rounds: int,
    ) -> Path:
        return self._folder / f"{_name(job, n_rows)}-{rounds}.zip"


def _name(job: Job, n_rows: int) -> str:
    """Return a name that only fits of the same path have, which begins with the trial's id."""
    path = [job.data, job.repeat, job.fold, job.seed, n_rows, job.resources.threads]
    return f"{job.candidate.id}-{digest(path)}"
