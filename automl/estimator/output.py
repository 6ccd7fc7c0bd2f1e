"""Choose the folder of a run: a temporary one, the requested one, or one that replaces a run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from automl.errors import InputError
from automl.event_log import locked, read_events
from automl.run_files import LOG


@contextmanager
def run_folder(output: str | Path | None, overwrite: bool) -> Iterator[Path]:
    """Yield the folder in which a run is made.

    Parameters
    ----------
    output : str or Path or None
        The requested folder. None stands for a temporary one, which is removed when the block ends.
    overwrite : bool
        Whether a run in it is replaced, once the block has ended without an error.

    Raises
    ------
    InputError
        The folder holds something that must not be replaced.
    """
    if output is None:
        with tempfile.TemporaryDirectory(prefix="automl-") as temporary:
            yield Path(temporary)
        return
    folder = Path(output)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        yield folder
        return
    if not overwrite:
        hint = "Give a new name, or remove it"
        if (folder / LOG).exists():
            hint = "overwrite=True replaces the run in it"
        raise InputError(f"output={str(output)!r}: is not an empty folder. {hint}.")
    with replacement_folder(folder.resolve(), str(output)) as replacement:
        yield replacement


@contextmanager
def replacement_folder(folder: Path, name: str) -> Iterator[Path]:
    """Yield a folder next to a run's that replaces it when the block ends without an error.

    Until then, and if the block fails, the old run stays.

    Parameters
    ----------
    folder : Path
        The folder of the run to replace.
    name : str
        Its name in messages.
    """
    _check_run(folder, name)
    with locked(folder):
        parent = _make_parent(folder, name)
        try:
            replacement = parent / folder.name  # the same name, since trackers show it
            yield replacement
            _swap(replacement, folder, parent / "before")
        finally:
            shutil.rmtree(parent, ignore_errors=True)


def _check_run(folder: Path, name: str) -> None:
    """Refuse to replace a folder that isn't a run."""
    if not folder.is_dir() or not (folder / LOG).is_file():
        raise InputError(
            f"output={name!r}: overwrite=True replaces the folder of a run, "
            f"and this holds no {LOG}. Give a new name."
        )
    next(read_events(folder), None)  # an InputError if the file holds something else


def _make_parent(folder: Path, name: str) -> Path:
    """Make a folder next to a run's, for the one that replaces it."""
    try:
        return Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InputError(
            f"output={name!r}: no folder can be made beside it: {error.strerror}."
        ) from None


def _swap(replacement: Path, folder: Path, backup: Path) -> None:
    """Move the new run to the place of the old one; restore the old one if that fails."""
    os.replace(folder, backup)
    try:
        os.replace(replacement, folder)
    except BaseException:
        with suppress(OSError):
            os.replace(backup, folder)
        raise
