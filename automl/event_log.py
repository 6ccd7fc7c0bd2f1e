"""The log of a run: one event a line, appended by one process, and read by replaying it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.errors import InputError
from automl.events import LOG_FORMAT, READABLE_FORMATS, event_from_json
from automl.files import ENCODING_ERRORS
from automl.run_files import LOG
from automl.study import Event, Study


@dataclass(frozen=True)
class LoggedEvent:
    """An event with the seconds since the run's start at which it was recorded."""

    seconds: float
    event: Event


class EventLog:
    """A run's log, open for appending by this process alone.

    Parameters
    ----------
    folder : Path
        The run's folder.

    Raises
    ------
    InputError
        Another process is writing the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(folder / LOG, flags, 0o666)
        self._lock()

    def _lock(self) -> None:
        """Hold the file as long as this process lives: two writers would spoil it."""
        try:
            _take_lock(self._file, self._folder)
        except InputError:
            self.close()
            raise

    def append(self, event: Event, seconds: float) -> None:
        """Give one line to the operating system; from then on it survives this process."""
        plain = {"v": LOG_FORMAT, "kind": event.kind, "time": round(seconds, 3), **event.to_json()}
        text = json.dumps(plain, ensure_ascii=False, default=_plain)
        line = text.encode("utf-8", ENCODING_ERRORS) + b"\n"
        while line:
            written = os.write(self._file, line)
            line = line[written:]

    def sync(self) -> None:
        """Make sure that what was appended is on the disk."""
        os.fsync(self._file)

    def drop_torn_line(self) -> None:
        """Cut off a last line that was not written to its end."""
        complete = sum(len(line) for line in _lines(self._folder))
        os.ftruncate(self._file, complete)

    def close(self) -> None:
        """Close the file and release the lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to a run as long as the block lasts.

    Raises
    ------
    InputError
        Another process is writing it.
    """
    with open(folder / LOG, "rb") as log:
        _take_lock(log.fileno(), folder)
        yield


def _take_lock(file: int, folder: Path) -> None:
    """Lock an open log; where there is no flock (not Unix), nobody is kept out."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise InputError(
            f"{folder}: another process is working on this run. Wait for it, or end it."
        ) from None


def read_events(folder: Path) -> Iterator[LoggedEvent]:
    """Yield the events of a run folder; a torn last line is ignored.

    Raises
    ------
    InputError
        The folder holds no log, or a line of it is damaged or of another format.
    """
    for number, line in enumerate(_lines(folder), 1):
        where = f"{folder / LOG}: line {number}"
        value = _parsed(line, where)
        try:
            event = event_from_json(value)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            reason = f"{type(error).__name__} {error}"
            raise InputError(f"{where} is not an event that this version knows: {reason}") from None
        yield LoggedEvent(value["time"], event)


def last_seconds(folder: Path) -> float:
    """Return the time of a run's last event, in seconds since its start.

    Raises
    ------
    InputError
        As `read_events`.
    """
    return max((logged.seconds for logged in read_events(folder)), default=0.0)


def replay(folder: Path) -> Study:
    """Return the study that the events of a run folder add up to.

    Raises
    ------
    InputError
        As `read_events`.
    """
    study = Study()
    for number, logged in enumerate(read_events(folder), 1):
        try:
            study = study.add(logged.event)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            reason = f"{type(error).__name__} {error}"
            raise InputError(
                f"{folder / LOG}: line {number} is not an event that this version knows: {reason}"
            ) from None
    return study


def _lines(folder: Path) -> Iterator[bytes]:
    """Yield the complete lines of a run's log."""
    path = folder / LOG
    if not path.exists():
        raise InputError(f"{folder}: not a run folder: it holds no {LOG}.")
    with open(path, "rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield line


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    """Return the JSON of a line, of a format that can be read."""
    try:
        value: dict[str, Any] = json.loads(line)
        version = value["v"]
        _ = value["kind"], value["time"] + 0.0  # must exist; the time is a number
    except (ValueError, LookupError, TypeError):
        shown = line[:60].decode("utf-8", "replace").strip()
        raise InputError(f"{where} is damaged: {shown!r}") from None
    if version not in READABLE_FORMATS:
        raise InputError(
            f"{where} has format {version!r}; this version of automl reads format "
            f"{READABLE_FORMATS[0]} to {LOG_FORMAT}."
        )
    return value


def _plain(value: Any) -> Any:
    """Return a NumPy scalar as a Python number, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")
