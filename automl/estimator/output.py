"""Where a fit's run lies: in a folder for the time of the fit, in the one asked for, or beside an older run that it then replaces."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from automl.errors import InputError
from automl.store import LOG, events, held


@contextmanager
def place_of(output: str | Path | None, overwrite: bool) -> Iterator[Path]:
    """The folder in which a run is made.

    Parameters
    ----------
    output : str or Path or None
        The folder that is asked for; None is one that goes when the block ends.
    overwrite : bool
        Whether a run that lies there is replaced, once the block has ended well.

    Raises
    ------
    InputError
        Something lies there that is not to be replaced.
    """
    if output is None:
        with tempfile.TemporaryDirectory(prefix="automl-") as passing:
            yield Path(passing)
        return
    folder = Path(output)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        yield folder
        return
    if not overwrite:
        hint = (
            "overwrite=True replaces the run in it"
            if (folder / LOG).exists()
            else "Give a new name, or remove it"
        )
        raise InputError(f"output={str(output)!r}: is not an empty folder. {hint}.")
    with replacing(folder.resolve(), str(output)) as beside:
        yield beside


@contextmanager
def replacing(folder: Path, name: str) -> Iterator[Path]:
    """A folder beside a run's that takes its place when the block ends well; until then, and if it fails, the old run stays.

    Parameters
    ----------
    folder : Path
        Of the run that is replaced.
    name : str
        What the user calls it.
    """
    _check_run(folder, name)
    with held(folder):
        around = _made_beside(folder, name)
        try:
            beside = around / folder.name  # it is called the same: trackers show the name
            yield beside
            _swap(beside, folder, around / "before")
        finally:
            shutil.rmtree(around, ignore_errors=True)


def _check_run(folder: Path, name: str) -> None:
    """Refuse to replace what is no run of ours."""
    if not folder.is_dir() or not (folder / LOG).is_file():
        raise InputError(
            f"output={name!r}: overwrite=True replaces the folder of a run, and this holds no {LOG}. Give a new name."
        )
    next(events(folder), None)  # an InputError if the file holds something else


def _made_beside(folder: Path, name: str) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InputError(
            f"output={name!r}: no folder can be made beside it: {error.strerror}."
        ) from None


def _swap(beside: Path, folder: Path, before: Path) -> None:
    """Put the new run where the old one lies; the old one comes back if that fails."""
    os.replace(folder, before)
    try:
        os.replace(beside, folder)
    except BaseException:
        with suppress(OSError):
            os.replace(before, folder)
        raise
