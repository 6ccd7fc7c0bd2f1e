"""The run folder: append events, keep arrays and models, replay to a Study.

    run.toml  events.jsonl  log.txt  trials/<id>/<key>.{npy,zip,json}  leaderboard.csv  report.html  predictor.automl  DONE
    work/     typed and encoded columns while it runs

One process writes. An event is appended and flushed only after the files that it speaks of have been renamed into place.
"""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.errors import InputError
from automl.files import ESCAPE
from automl.trial import Event, Study

FORMAT = 2
LOG = "events.jsonl"
FAILURES = "failures.txt"  # tracebacks of fits that failed


class Store:
    """One run's folder, open for writing by this process alone.

    Parameters
    ----------
    folder : Path
        For a new run: absent or empty.
    anew : bool
        Whether the run is a new one; otherwise one that is there already goes on.

    Raises
    ------
    InputError
        A new run's folder exists and is not empty, or can't be made; another process is writing the run.
    """

    def __init__(self, folder: Path, anew: bool = True) -> None:
        self.folder = folder
        self._log = -1
        try:
            if anew and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise InputError(
                    f"--output {folder}: is not an empty folder. Give a new name, or remove it."
                )
            self.work.mkdir(parents=True, exist_ok=True)
            (folder / "trials").mkdir(exist_ok=True)
            self._log = os.open(
                folder / LOG, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666
            )
        except OSError as error:
            raise InputError(f"--output {folder}: can't be made: {error.strerror}") from None
        self._lock()

    @classmethod
    def reopened(cls, folder: Path) -> Store:
        """The folder of a run that goes on: without a torn last line, and without files that no event speaks of."""
        replay(folder)  # an InputError if it is no run
        store = cls(folder, anew=False)
        store._mend()
        store._tidy(replay(folder))
        return store

    def _lock(self) -> None:
        """Held as long as this process lives: two writers would spoil the log. Where there is no flock, nobody is kept out."""
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close(keep_work=True)
            raise InputError(
                f"{self.folder}: another process is working on this run. Wait for it, or end it."
            ) from None

    def _mend(self) -> None:
        """Cut off a last line that was not written to its end."""
        whole = sum(len(line) for line in _lines(self.folder))
        os.ftruncate(self._log, whole)

    def _tidy(self, study: Study) -> None:
        """Remove what a crash left: half-made files, and those of fits that were not recorded."""
        (self.folder / "DONE").unlink(missing_ok=True)
        shutil.rmtree(self.work / "made", ignore_errors=True)
        for leftover in (
            *self.folder.glob(".*.*"),
            *(self.work / "encoded").glob(".*"),
            *self.work.glob(".*"),
        ):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        known = {(trial.id, key) for trial in study.trials.values() for key in trial.outcomes}
        for path in (self.folder / "trials").glob("*/*"):
            if (path.parent.name, path.stem) not in known:
                path.unlink()

    @property
    def work(self) -> Path:
        """What is deleted at the end."""
        return self.folder / "work"

    def append(self, event: Event, seconds: float) -> None:
        """Hand one event, as a line, to the operating system: from then on it survives this process."""
        plain = {"v": FORMAT, "kind": event["kind"], "time": round(seconds, 3), **event}
        line = json.dumps(plain, ensure_ascii=False, default=_plain).encode("utf-8", ESCAPE) + b"\n"
        while line:
            line = line[os.write(self._log, line) :]

    def sync(self) -> None:
        """Make sure that what was appended is on the disk."""
        os.fsync(self._log)

    def take_in(self, trial: str, key: str, made: Path) -> None:
        """Move what a worker made of a job (`predictions.npy`, `model.zip`, `detail.json`) to the trial's folder."""
        home = self.folder / "trials" / trial
        home.mkdir(exist_ok=True)
        for name, ending in (
            ("predictions.npy", ".npy"),
            ("model.zip", ".zip"),
            ("detail.json", ".json"),
        ):
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
        self.close(keep_work=True)
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()

    def close(self, keep_work: bool = False) -> None:
        """Close the log and, unless it is to be kept, delete `work/`, but for the tracebacks of fits that failed."""
        if self._log >= 0:
            os.close(self._log)
            self._log = -1
        if not keep_work:
            self._keep_failures()
            shutil.rmtree(self.work, ignore_errors=True)

    def _keep_failures(self) -> None:
        """Add the tracebacks of fits that failed to those of the run's folder; on a full disk there is no place for them."""
        with (
            suppress(OSError),
            open(self.work / FAILURES, "rb") as told,
            open(self.folder / FAILURES, "ab") as kept,
        ):
            shutil.copyfileobj(told, kept)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes from going on with a run, as long as the block lasts.

    Raises
    ------
    InputError
        One of them is working on it.
    """
    try:
        import fcntl
    except ImportError:  # no Unix: nobody is kept out
        yield
        return
    with open(folder / LOG, "rb") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"{folder}: another process is working on this run. Wait for it, or end it."
            ) from None
        yield


def _lines(folder: Path) -> Iterator[bytes]:
    """The whole lines of a run's log; a torn last one is left out."""
    path = folder / LOG
    if not path.exists():
        raise InputError(f"{folder}: not a run folder: it holds no {LOG}.")
    with open(path, "rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield line


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run folder; a torn last line is ignored."""
    for number, line in enumerate(_lines(folder), 1):
        try:
            event = json.loads(line)
            version, _, _ = event["v"], event["kind"], event["time"] + 0.0
        except (ValueError, LookupError, TypeError):
            shown = line[:60].decode("utf-8", "replace").strip()
            raise InputError(f"{folder / LOG}: line {number} is damaged: {shown!r}") from None
        if version != FORMAT:
            raise InputError(
                f"{folder / LOG}: line {number} has format {version!r}; this version of automl reads format {FORMAT}."
            )
        yield event


def replay(folder: Path) -> Study:
    """The study that a run folder's events add up to."""
    study = Study()
    for number, event in enumerate(events(folder), 1):
        try:
            study = study.add(event)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{folder / LOG}: line {number} is no event that this version knows: {type(error).__name__} {error}"
            ) from None
    return study


def run_facts(folder: Path) -> dict[str, Any]:
    """What a run's run.toml says; nothing if the run was killed before it was there."""
    try:
        return tomllib.loads((folder / "run.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"{folder / 'run.toml'}: is damaged: {error}") from None


def _plain(value: Any) -> Any:
    """JSON for numpy's scalars."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")
