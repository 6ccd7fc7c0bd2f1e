"""Columns, target, weights and folds as arrays, written once and memory-mapped by every worker."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats, Rows
from automl.columns import Columns, open_columns
from automl.folds import Folds, open_folds
from automl.task import Task

# A file next to the data: the extensions of the main process, where workers need them.
EXTENSIONS_FILE = "extensions.pkl"


@dataclass(frozen=True)
class Dataset:
    """The data that models are trained on.

    Parameters
    ----------
    y : ndarray of shape (n_rows,), float64
        Class numbers, or the target's values.
    weight : ndarray of shape (n_rows,) or None
    units : ndarray of shape (n_rows,), int64, or None
        Rows with an equal number are held out together: groups, or copies of a row.
    times : ndarray of shape (n_rows,) or None
        Times by whose order rows are held out.
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
        """Return twelve hexadecimal digits that identify the task and every array."""
        task = json.dumps(self.task.to_json())
        total = hashlib.blake2b(task.encode(), digest_size=6)
        arrays: list[tuple[str, npt.NDArray[Any]]] = []
        arrays.append(("y", self.y))
        arrays.append(("folds", self.folds.blocks))
        if self.weight is not None:
            arrays.append(("weight", self.weight))
        arrays.extend(self.columns.arrays())
        for name, array in arrays:
            header = f"\0{name}\0{array.dtype}{array.shape}"
            total.update(header.encode("utf-8", "replace"))
            contiguous = np.ascontiguousarray(array)
            total.update(contiguous.data.cast("B"))
        return total.hexdigest()

    def save(self, folder: Path) -> None:
        """Write the data set to a folder."""
        self.columns.save(folder)
        self.folds.save(folder)
        np.save(folder / "y.npy", self.y)
        for name in ("weight", "units", "times"):
            array = getattr(self, name)
            if array is not None:
                np.save(folder / f"{name}.npy", array)
        task = self.task.to_json()
        text = json.dumps({"task": task, "seed": self.seed})
        path = folder / "task.json"
        path.write_text(text, encoding="utf-8")


def open_dataset(folder: Path) -> Dataset:
    """Return the data set that `Dataset.save` wrote, memory-mapped."""
    text = (folder / "task.json").read_text(encoding="utf-8")
    description = json.loads(text)
    arrays: dict[str, Any] = {}
    for name in ("weight", "units", "times"):
        path = folder / f"{name}.npy"
        arrays[name] = None
        if path.exists():
            arrays[name] = np.load(path)
    return Dataset(
        task=Task.from_json(description["task"]),
        columns=open_columns(folder),
        y=np.load(folder / "y.npy"),
        folds=open_folds(folder),
        seed=description["seed"],
        **arrays,
    )
