"""The run folder: append events, keep arrays and models, replay to a Study.

    run.toml  events.jsonl  log.txt  trials/<id>/<key>.{npy,zip,json}  leaderboard.csv  report.html  predictor.automl  DONE
    work/     typed and encoded columns while it runs

One process writes. An event is appended and flushed only after the files that it speaks of have been renamed into place.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from automl.errors import InputError
from automl.trial import Event, Study

FORMAT = 1


class Store:
    """One run's folder, open for writing.

    Raises
    ------
    InputError
        The folder exists and is not empty, or can't be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise InputError(f"--output {folder}: is not an empty folder. Give a new name, or remove it.")
            self.work.mkdir(parents=True)
            (folder / "trials").mkdir()
            self._log: IO[str] = open(folder / "events.jsonl", "a", encoding="utf-8")  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise InputError(f"--output {folder}: can't be made: {error.strerror}") from None

    @property
    def work(self) -> Path:
        """What is deleted at the end."""
        return self.folder / "work"

    def append(self, event: Event, seconds: float) -> None:
        """Write one event as a line and flush it."""
        line = {"v": FORMAT, "kind": event["kind"], "time": round(seconds, 3), **event}
        self._log.write(json.dumps(line, ensure_ascii=False, default=_plain) + "\n")
        self._log.flush()

    def sync(self) -> None:
        """Make sure that what was appended is on the disk."""
        os.fsync(self._log.fileno())

    def take_in(self, trial: str, key: str, made: Path) -> None:
        """Move what a worker made of a job (`predictions.npy`, `model.zip`, `detail.json`) to the trial's folder."""
        home = self.folder / "trials" / trial
        home.mkdir(exist_ok=True)
        for name, ending in (("predictions.npy", ".npy"), ("model.zip", ".zip"), ("detail.json", ".json")):
            if (made / name).exists():
                os.replace(made / name, home / f"{key}{ending}")
        shutil.rmtree(made, ignore_errors=True)

    def predictions(self, trial: str, key: str) -> npt.NDArray[Any] | None:
        """The held-out predictions of a fit, or None if they were let go."""
        path = self.folder / "trials" / trial / f"{key}.npy"
        return np.load(path, allow_pickle=False) if path.exists() else None

    def model(self, trial: str, key: str) -> bytes | None:
        """The packed state of a fitted model, or None if it was let go."""
        path = self.folder / "trials" / trial / f"{key}.zip"
        return path.read_bytes() if path.exists() else None

    def let_go(self, trial: str) -> None:
        """Delete the models and predictions of a trial that can't enter the ensemble any more."""
        for path in (self.folder / "trials" / trial).glob("*"):
            if path.suffix in (".zip", ".npy"):
                path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Empty the folder again: the run came to nothing."""
        self._log.close()
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()

    def close(self, keep_work: bool = False) -> None:
        """Close the log and, unless it is to be kept, delete `work/`."""
        self._log.close()
        if not keep_work:
            shutil.rmtree(self.work, ignore_errors=True)


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run folder; a torn last line is ignored."""
    path = folder / "events.jsonl"
    if not path.exists():
        raise InputError(f"{folder}: not a run folder: it holds no events.jsonl.")
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.endswith("\n"):
                return
            try:
                yield json.loads(line)
            except ValueError:
                raise InputError(f"{path}: a line is damaged: {line[:60]!r}") from None


def replay(folder: Path) -> Study:
    """The study that a run folder's events add up to."""
    study = Study()
    for event in events(folder):
        study = study.add(event)
    return study


def _plain(value: Any) -> Any:
    """JSON for numpy's scalars."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")
