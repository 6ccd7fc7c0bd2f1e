"""Where the weights of a pretrained model lie on this machine. Nothing is ever downloaded."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from automl.errors import InputError
from automl.task import Task

Purpose = Literal["classification", "regression"]
PURPOSES: tuple[Purpose, ...] = ("classification", "regression")


def purpose_of(task: Task) -> Purpose:
    """Return what a task's weights must be for."""
    return "regression" if task.is_regression else "classification"


@dataclass(frozen=True)
class Weights:
    """The checkpoints of a pretrained family.

    Parameters
    ----------
    family : str
    variable : str
        Name of the environment variable with a checkpoint, or a folder of checkpoints. Where it is
        set, no other place counts.
    files : mapping of str to sequence of str
        Names of the checkpoints as their authors publish them, by purpose, the best first.
    folders : callable
        Returns the folders where the family's package keeps checkpoints.
    """

    family: str
    variable: str
    files: Mapping[Purpose, Sequence[str]]
    folders: Callable[[], Sequence[Path]]

    def find(self, purpose: Purpose) -> Path:
        """Return the checkpoint for a purpose.

        Raises
        ------
        InputError
            There is none; the message says where it was looked for.
        """
        path = self._look_for(purpose)
        if path is None:
            raise self._missing([purpose])
        return path

    def check_any(self) -> None:
        """Refuse a machine that has weights for no purpose, as `find` does."""
        if not any(map(self._look_for, PURPOSES)):
            raise self._missing(PURPOSES)

    def find_equal(self, purpose: Purpose, sha256: str) -> Path:
        """Return the checkpoint for a purpose, which must have this SHA-256.

        Raises
        ------
        InputError
            There is none, or another one.
        """
        path = self.find(purpose)
        found = file_sha256(path)
        if found != sha256:
            raise InputError(
                f"the family {self.family!r}: the model needs the weights with the SHA-256 "
                f"{sha256}, and {path} has {found}. Point {self.variable} to those."
            )
        return path

    def _look_for(self, purpose: Purpose) -> Path | None:
        """Return the checkpoint for a purpose, or None."""
        setting = os.environ.get(self.variable)
        folders = self.folders()
        if setting:
            path = Path(setting).expanduser()
            if path.is_file():
                return path
            folders = [path]
        for name in self.files[purpose]:
            for folder in folders:
                if (folder / name).is_file():
                    return folder / name
        return None

    def _missing(self, purposes: Sequence[Purpose]) -> InputError:
        """Return the error of a machine without weights for any of some purposes."""
        best = dict.fromkeys(self.files[purpose][0] for purpose in purposes)
        names = " or ".join(best)
        wanted = " or ".join(purposes)
        setting = os.environ.get(self.variable)
        if setting:
            return InputError(
                f"{self.variable}={setting}: the family {self.family!r} finds no weights for "
                f"{wanted} there. Give a checkpoint, or a folder with one such as {names}."
            )
        places = " or ".join(map(str, self.folders()))
        return InputError(
            f"the family {self.family!r} needs pretrained weights, and automl downloads none: "
            f"there are none for {wanted}, such as {names}, in {places}. Put them there, or point "
            f"{self.variable} to a checkpoint."
        )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; a file that is unchanged is read once."""
    status = path.stat()
    return _sha256(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=8)
def _sha256(path: Path, modified: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
