"""Columns, target, weights and folds as arrays, laid on disk once and memory-mapped by every worker."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.columns import Columns, open_columns
from automl.folds import Folds, Rows, open_folds
from automl.task import Task

Floats = npt.NDArray[np.float64]

EXTENSIONS = (
    "extensions.pkl"  # beside the data, where workers need what was given in the main process
)


@dataclass(frozen=True)
class Dataset:
    """What models are trained on.

    Parameters
    ----------
    y : ndarray of shape (n_rows,), float64
        Class codes, or the target's values.
    weight : ndarray of shape (n_rows,) or None
    units : ndarray of shape (n_rows,), int64, or None
        Rows with an equal number are held out together: groups, or copies of a row.
    times : ndarray of shape (n_rows,) or None
        By whose order rows are held out.
    """

    task: Task
    columns: Columns
    y: Floats
    folds: Folds
    weight: Floats | None = None
    seed: int = 0
    units: Rows | None = None
    times: Floats | None = None

    def digest(self) -> str:
        """Twelve hexadecimal digits that name the task and every array."""
        total = hashlib.blake2b(json.dumps(self.task.to_json()).encode(), digest_size=6)
        arrays: list[tuple[str, npt.NDArray[Any]]] = [("y", self.y), ("folds", self.folds.blocks)]
        if self.weight is not None:
            arrays.append(("weight", self.weight))
        for name, array in (*arrays, *self.columns.arrays()):
            total.update(f"\0{name}\0{array.dtype}{array.shape}".encode("utf-8", "replace"))
            total.update(np.ascontiguousarray(array).data.cast("B"))
        return total.hexdigest()

    def save(self, folder: Path) -> None:
        """Lay it into a folder."""
        self.columns.save(folder)
        self.folds.save(folder)
        np.save(folder / "y.npy", self.y)
        for name, array in (("weight", self.weight), ("units", self.units), ("times", self.times)):
            if array is not None:
                np.save(folder / f"{name}.npy", array)
        (folder / "task.json").write_text(
            json.dumps({"task": self.task.to_json(), "seed": self.seed}), encoding="utf-8"
        )


def open_dataset(folder: Path) -> Dataset:
    """The data set that `Dataset.save` laid there, memory-mapped."""
    plain = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    optional = {name: folder / f"{name}.npy" for name in ("weight", "units", "times")}
    given = {name: np.load(path) if path.exists() else None for name, path in optional.items()}
    return Dataset(
        task=Task.from_json(plain["task"]),
        columns=open_columns(folder),
        y=np.load(folder / "y.npy"),
        folds=open_folds(folder),
        seed=plain["seed"],
        **given,
    )
