"""The run folder: its log, the arrays and models of its trials, and its working files.

    run.toml  events.jsonl  log.txt  trials/<id>/<key>.{npy,zip,json}  leaderboard.csv
    report.html  predictor.automl  DONE
    work/     typed and encoded columns while it runs

One process writes. An event is appended only after the files that it names have been renamed
into place.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.errors import InputError
from automl.event_log import EventLog, replay
from automl.run_files import DONE, ENCODED, FACTS, FAILURES, PROGRESS, TRIALS
from automl.study import Study

ARTIFACTS = {"predictions.npy": ".npy", "model.zip": ".zip", "detail.json": ".json"}


class Store:
    """One run's folder, open for writing by this process alone.

    Parameters
    ----------
    folder : Path
        For a new run: absent or empty.
    is_new : bool
        Whether the folder is for a new run; otherwise an existing one continues.

    Raises
    ------
    InputError
        A new run's folder exists and is not empty, or can't be made; another process is writing
        the run.
    """

    def __init__(
        self,
        folder: Path,
        is_new: bool = True,
    ) -> None:
        self.folder = folder
        if is_new and folder.exists() and not _is_empty_folder(folder):
            raise InputError(
                f"--output {folder}: is not an empty folder. Give a new name, or remove it."
            )
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            (folder / TRIALS).mkdir(exist_ok=True)
            self.log = EventLog(folder)
        except OSError as error:
            raise InputError(f"--output {folder}: can't be made: {error.strerror}") from None

    @classmethod
    def reopened(cls, folder: Path) -> Store:
        """Open the folder of a run that continues.

        A torn last line of the log and files that no event names are removed.
        """
        replay(folder)  # raises an InputError if it is not a run
        store = cls(folder, is_new=False)
        store.log.drop_torn_line()
        store._remove_leftovers(replay(folder))
        return store

    def _remove_leftovers(self, study: Study) -> None:
        """Remove what a crash left: half-written files, and those of fits without an event."""
        (self.folder / DONE).unlink(missing_ok=True)
        for name in ("made", "fetched"):
            shutil.rmtree(self.work / name, ignore_errors=True)
        for leftover in self._hidden_files():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        known = {(trial.id, key) for trial in study.trials.values() for key in trial.outcomes}
        for path in (self.folder / TRIALS).glob("*/*"):
            if (path.parent.name, path.stem) not in known:
                path.unlink()

    def _hidden_files(self) -> Iterator[Path]:
        """Yield what was being written under a temporary name."""
        yield from self.folder.glob(".*.*")
        yield from (self.work / ENCODED).glob(".*")
        yield from self.work.glob(".*")

    @property
    def work(self) -> Path:
        """The working files, deleted at the end."""
        return self.folder / "work"

    def trial_folder(self, trial: str) -> Path:
        """Return where the files of a trial's fits lie, and make the folder."""
        folder = self.folder / TRIALS / trial
        folder.mkdir(exist_ok=True)
        return folder

    def keep_artifacts(
        self,
        trial: str,
        key: str,
        made: Path,
    ) -> None:
        """Move what a worker wrote for a job to the trial's folder."""
        folder = self.trial_folder(trial)
        for name, ending in ARTIFACTS.items():
            if (made / name).exists():
                os.replace(made / name, folder / f"{key}{ending}")
        shutil.rmtree(made, ignore_errors=True)

    def predictions(
        self,
        trial: str,
        key: str,
    ) -> npt.NDArray[Any] | None:
        """Return the held-out predictions of a fit, or None if they were deleted."""
        path = self.folder / TRIALS / trial / f"{key}.npy"
        return np.load(path, allow_pickle=False) if path.exists() else None

    def model(
        self,
        trial: str,
        key: str,
    ) -> bytes | None:
        """Return the packed state of a fitted model, or None if it was deleted."""
        path = self.folder / TRIALS / trial / f"{key}.zip"
        return path.read_bytes() if path.exists() else None

    def delete_models(self, trial: str) -> None:
        """Delete what a trial that can't enter the ensemble any more left: models, predictions."""
        for path in (self.folder / TRIALS / trial).glob("*"):
            if path.suffix in (".zip", ".npy"):
                path.unlink(missing_ok=True)
        for path in (self.work / PROGRESS).glob(f"{trial}-*"):
            path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Empty the folder again: the run came to nothing."""
        self.close(keep_work=True)
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()

    def close(self, keep_work: bool = False) -> None:
        """Close the log and delete `work/`, except for the tracebacks of failed fits."""
        self.log.close()
        if not keep_work:
            self._keep_failures()
            shutil.rmtree(self.work, ignore_errors=True)

    def _keep_failures(self) -> None:
        """Append the tracebacks of failed fits to the run's file; not on a full disk."""
        with (
            suppress(OSError),
            open(self.work / FAILURES, "rb") as source,
            open(self.folder / FAILURES, "ab") as target,
        ):
            shutil.copyfileobj(source, target)


def run_facts(folder: Path) -> dict[str, Any]:
    """Return what a run's run.toml says; nothing if the run was killed before it was written."""
    try:
        return tomllib.loads((folder / FACTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"{folder / FACTS}: is damaged: {error}") from None


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
