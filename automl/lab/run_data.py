"""RunData: the run's table, arrays, models and encodings, which lie in its folder."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl import extensions
from automl.arrays import Bools, Floats, Rows
from automl.candidate import Split
from automl.cleaning import Cleaner
from automl.dataset import EXTENSIONS_FILE, Dataset, open_dataset
from automl.errors import InputError, OutOfTime
from automl.executor.work import Encode
from automl.executor.worker import encoding_folder, open_encoding, rows_of
from automl.extensions import NO_EXTENSIONS, Extensions
from automl.features.encoding import Encoding
from automl.problem import EMPTY_PROBLEM, Problem
from automl.run_files import ENCODED
from automl.store import Store
from automl.study import Study
from automl.table import Table
from automl.trial import Trial

CLEANER = "cleaner.json"
EXAMPLE_ROWS = 20  # raw rows that are kept, to measure predictions by


class RunData:
    """A run's training data, and the models and encodings made from it.

    Parameters
    ----------
    store : Store
    read_problem : callable
        Return the user's problem; called when it is needed for the first time. A resumed run
        whose data still lies in its folder never needs it.
    own : Extensions
        The run's own families, which its workers get with the data.
    """

    def __init__(
        self,
        store: Store,
        read_problem: Callable[[], Problem] = lambda: EMPTY_PROBLEM,
        own: Extensions = NO_EXTENSIONS,
    ) -> None:
        self.store = store
        self._read_problem = read_problem
        self._problem: Problem | None = None
        self._extensions = own
        self._dataset: Dataset | None = None
        self._cleaner: Cleaner | None = None
        self._example_rows: Table | None = None
        self.encoded: set[str] = set()  # keys of the encodings that exist

    # ------------------------------------------------------------ the table

    @property
    def problem(self) -> Problem:
        """The user's problem, with the raw table."""
        if self._problem is None:
            self._problem = self._read_problem()
        return self._problem

    def keep_example_rows(self) -> None:
        """Keep the first raw rows of the table, for `example_rows`."""
        table = self.problem.table
        n_examples = min(EXAMPLE_ROWS, table.n_rows)
        if n_examples:
            self._example_rows = table.take(np.arange(n_examples))

    def example_rows(self) -> Table | None:
        """Return some raw rows, to measure predictions by.

        A resumed run reads its table for them. None if that is gone, or there is no time for it.
        """
        if self._example_rows is None:
            try:
                self.keep_example_rows()
            except (InputError, OutOfTime):
                return None
            self.release_problem()
        return self._example_rows

    def release_problem(self) -> None:
        """Let the raw table go: freeing its strings takes time that is short at the end."""
        self._problem = EMPTY_PROBLEM

    def save(
        self,
        dataset: Dataset,
        cleaner: Cleaner | None = None,
    ) -> None:
        """Write the data for the workers, completely or not at all, and keep the cleaner.

        Encodings of other data are removed, such as an ended run may have left.
        """
        shutil.rmtree(self.store.work / ENCODED, ignore_errors=True)
        self.encoded.clear()
        self._dataset, self._cleaner = dataset, cleaner
        temporary, folder = self.store.work / ".data", self.store.work / "data"
        shutil.rmtree(folder, ignore_errors=True)
        dataset.save(temporary)
        if cleaner is not None:
            text = json.dumps(cleaner.to_state())
            (temporary / CLEANER).write_text(text, encoding="utf-8")
        self._write_extensions(dataset, temporary)
        os.replace(temporary, folder)

    def reload(self) -> bool:
        """Open the data, the cleaner and the encodings that an earlier process of the run wrote.

        Returns
        -------
        bool
            False if the data isn't there.
        """
        folder = self.store.work / "data"
        if not (folder / CLEANER).exists():
            return False
        self._dataset = open_dataset(folder)
        self._write_extensions(self._dataset, folder)
        state = json.loads((folder / CLEANER).read_text(encoding="utf-8"))
        self._cleaner = Cleaner.from_state(state)
        self.encoded.clear()
        self.encoded.update(path.name for path in (self.store.work / ENCODED).glob("*"))
        return True

    def _write_extensions(
        self,
        dataset: Dataset,
        folder: Path,
    ) -> None:
        """Write what workers need of what this process was given.

        A pickle that lies there already is never read: it is removed.
        """
        file = folder / EXTENSIONS_FILE
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink(missing_ok=True)
        extensions.write_for_workers(self._extensions, dataset.task.metric, file)

    def discard(self) -> None:
        """Remove the run's data: it isn't what it should be."""
        self._dataset, self._cleaner = None, None
        shutil.rmtree(self.store.work, ignore_errors=True)

    @property
    def cleaner(self) -> Cleaner:
        """The fitted cleaner, known from the clean stage on."""
        if self._cleaner is None:
            raise LookupError("the cleaner is known from the clean stage on")
        return self._cleaner

    def dataset(self) -> Dataset:
        """Return the data that `save` was given."""
        if self._dataset is None:
            raise LookupError("the data set is known from the clean stage on")
        return self._dataset

    # ------------------------------------------------------------ what trials made of it

    def predictions(
        self,
        study: Study,
        trial: Trial,
    ) -> tuple[Floats, Bools] | None:
        """Return the out-of-fold predictions of a complete trial, averaged over repeats.

        Returns
        -------
        (ndarray of shape (n_rows,) or (n_rows, n_classes), ndarray of bool) or None
            The second array marks the rows that have a prediction. None if they were deleted.
        """
        data = self.dataset()
        n_rows, task = len(data.y), data.task
        total = np.zeros(n_rows if task.is_regression else (n_rows, task.n_outputs))
        count = np.zeros(n_rows)
        for split in study.plan.splits:
            array = self._predictions_at(trial, split)
            if array is None:
                return None
            rows = data.folds.held_out(*split)
            total[rows] += array
            count[rows] += 1
        divisor = np.maximum(count, 1)
        # in place: of many rows and classes it takes a gigabyte
        total /= divisor if task.is_regression else divisor[:, None]
        return total, count > 0

    def held_out(self, trial: Trial) -> list[tuple[Rows, Floats]] | None:
        """Return the rows held out so far for a trial, complete or not, with its predictions.

        None if they were deleted.
        """
        found = []
        for split in trial.splits:
            array = self._predictions_at(trial, split)
            key = trial.key_at(*split)
            rows = rows_of(self.dataset(), trial.jobs[key])[1] if key else None
            if array is None or rows is None:
                return None
            found.append((rows, np.asarray(array, np.float64)))
        return found or None

    def _predictions_at(
        self,
        trial: Trial,
        split: Split,
    ) -> npt.NDArray[np.floating] | None:
        key = trial.key_at(*split)
        return self.store.predictions(trial.id, key) if key else None

    def model(
        self,
        trial: Trial,
        split: Split,
    ) -> bytes | None:
        """Return the packed state of one fitted model of a trial."""
        key = trial.key_at(*split)
        return self.store.model(trial.id, key) if key else None

    def encoding(self, item: Encode) -> Encoding:
        """Return the fitted encoders of a recipe, shared or of one split."""
        return open_encoding(encoding_folder(self.store.work, item))
