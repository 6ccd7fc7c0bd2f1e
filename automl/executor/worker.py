"""What a worker does at its desk: encode columns once, keep prepared data at hand, fit one model and lay its files down."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
import traceback
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from automl import extensions
from automl.budget import Budget
from automl.columns import Columns
from automl.dataset import EXTENSIONS, Dataset, open_dataset
from automl.errors import cure
from automl.executor.probes import held_out_predictions, open_split, predictions_path, split_path
from automl.executor.work import (
    Encode,
    Probe,
    WorkItem,
    WorkResult,
    encodings_at,
    encodings_for,
    rows_at,
)
from automl.features.encoding import Encoding, fit_shared, fit_targeted, hstack
from automl.features.feature import Feature
from automl.files import disk_trouble
from automl.folds import some
from automl.metrics import metric_of
from automl.models import family
from automl.models._base import Fitted, Floats, How, Matrix, Sample
from automl.state import pack, packed, unpack
from automl.store import FAILURES
from automl.trial import Job, Outcome

T = TypeVar("T")
Rows = npt.NDArray[np.int64]


def open_encoding(folder: Path) -> Encoding:
    """The fitted encoders that lie in an encoding's folder."""
    with zipfile.ZipFile(folder / "state.zip") as archive:
        return Encoding.from_state(unpack(archive, "encoding"))


def rows_of(data: Dataset, job: Job) -> tuple[Rows, Rows | None]:
    """The rows that a job trains on, and those that are held out for it."""
    train = data.folds.train(*job.split)
    held = None if job.fold is None else data.folds.held(job.repeat, job.fold)
    if job.rows is not None:
        seed = (data.seed, job.repeat)
        train = train[some(len(train), job.rows, seed)]
        held = None if held is None else held[some(len(held), job.rows, seed)]
    return train, held


class Worker:
    """One worker's view of a run's `work/` folder.

    Binned data is kept for the last few (recipe, fold, rows, binning), since making it can take longer than a fit.
    """

    def __init__(self, folder: Path, kept: int = 3) -> None:
        self.folder = folder
        self._samples: OrderedDict[Hashable, Any] = OrderedDict()
        self._prepared: OrderedDict[Hashable, Any] = OrderedDict()
        self._kept = kept
        self._own = extensions.NO_EXTENSIONS  # known once the data is

    @cached_property
    def dataset(self) -> Dataset:
        """The run's data."""
        data = open_dataset(self.folder / "data")
        self._own = extensions.take(self.folder / "data" / EXTENSIONS)
        return data

    def do(self, item: WorkItem, budget: Budget) -> WorkResult:
        """Do a piece of work; whatever goes wrong is its outcome."""
        started = time.monotonic()
        trouble = 0
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                outcome = self._outcome(item, budget)
            except MemoryError:
                outcome = Outcome(
                    "memory", seconds=time.monotonic() - started, reason="not enough memory"
                )
            except Exception as error:  # noqa: BLE001 - one fit's failure is a recorded outcome, never the run's
                trouble = disk_trouble(error) or (
                    0 if (self.folder / "data").exists() else errno.ENOENT
                )  # the folder has vanished
                self._complain(item)
                reason = cure(f"{type(error).__name__}: {error}".splitlines()[0][:300])
                outcome = Outcome("failed", seconds=time.monotonic() - started, reason=reason)
        told = tuple(
            dict.fromkeys(
                f"{w.category.__name__}: {str(w.message).splitlines()[0][:200]}"
                for w in caught
                if str(w.message)
            )
        )
        return WorkResult(item, outcome, told, trouble)

    def _outcome(self, item: WorkItem, budget: Budget) -> Outcome:
        if isinstance(item, Encode):
            return self._encode(item)
        return self._probe(item, budget) if isinstance(item, Probe) else self._fit(item, budget)

    def _probe(self, item: Probe, budget: Budget) -> Outcome:
        started = time.monotonic()
        made = predictions_path(self.folder, item.key)
        half = made.with_suffix(f".{os.getpid()}.npy")
        np.save(
            half,
            held_out_predictions(
                self.dataset, open_split(split_path(self.folder, item.key)), budget
            ),
        )
        os.replace(half, made)
        return Outcome("done", seconds=time.monotonic() - started)

    def _complain(self, item: WorkItem) -> None:
        """Keep the traceback for whoever wants to know why; on a full disk there is no place for it."""
        with suppress(OSError), open(self.folder / FAILURES, "a", encoding="utf-8") as file:
            file.write(f"{item.key}\n{traceback.format_exc()}\n")

    def _encode(self, item: Encode) -> Outcome:
        started = time.monotonic()
        data = self.dataset
        if item.split is None:
            encoding = fit_shared(item.recipe, data.columns, data.seed)
            matrix = encoding.transform(data.columns)
        else:
            train = data.folds.train(*item.split)
            encoding, matrix = fit_targeted(
                item.recipe, data.columns, data.task, data.y, train, data.seed, data.weight
            )
        made = self.folder / "encoded" / f".{item.key}.{os.getpid()}"
        made.mkdir(parents=True, exist_ok=True)
        np.save(made / "X.npy", matrix)
        with zipfile.ZipFile(made / "state.zip", "w") as archive:
            pack(encoding.to_state(), archive, "encoding")
        home = self.folder / "encoded" / item.key
        if home.exists():  # made by a worker that died before it could say so
            shutil.rmtree(made)
        else:
            os.replace(made, home)
        return Outcome("done", seconds=time.monotonic() - started)

    def _fit(self, job: Job, budget: Budget) -> Outcome:
        task = self.dataset.task
        kind = family(job.candidate.family, self._own)
        how = How(
            task, metric_of(task), job.seed, job.threads, budget, job.rounds, self._models(job)
        )
        spot = (job.candidate.recipe.name, rows_at(job.split), job.rows)
        train, held = self._at_hand(self._samples, spot, lambda: self._split(job))
        started = time.monotonic()
        binning = (kind.name, spot, kind.binning(job.candidate.params), job.threads)
        prepared = self._at_hand(
            self._prepared, binning, lambda: kind.prepare(train, held, job.candidate.params, how)
        )
        fitted = kind.fit(prepared, job.candidate.params, how)
        predictions = None if held is None else fitted.model.predict(held.X)
        seconds = time.monotonic() - started
        loss = (
            None
            if held is None or predictions is None
            else how.metric.of(held.y, predictions, held.weight)
        )
        if loss is not None and not np.isfinite(loss):
            return Outcome("failed", seconds=seconds, reason=f"the loss is {loss}")
        size = (
            self._lay_down(job, fitted, predictions) if job.is_kept else 0
        )  # a look's model answers nowhere
        return Outcome("done", loss, seconds, fitted.rounds, stopped=fitted.stopped, size=size)

    def _models(self, job: Job) -> int:
        """How many fits like this one answer together."""
        folds = self.dataset.folds
        return (
            folds.blocks.shape[0] * folds.n_folds
            if folds.kind == "kfold" and job.fold is not None
            else 1
        )

    def _at_hand(self, kept: OrderedDict[Hashable, Any], key: Hashable, make: Callable[[], T]) -> T:
        """What is kept under a key, or made now; the least recently used one goes."""
        if key not in kept:
            kept[key] = make()
            while len(kept) > self._kept:
                kept.popitem(last=False)
        kept.move_to_end(key)
        value: T = kept[key]
        return value

    def _split(self, job: Job) -> tuple[Sample, Sample | None]:
        """The rows that a job trains on and those held out."""
        data = self.dataset
        features, read = self._reader(job)

        def sample(rows: Rows) -> Sample:
            return Sample(
                read(rows),
                features,
                data.y[rows],
                None if data.weight is None else data.weight[rows],
            )

        train, held = rows_of(data, job)
        return sample(train), None if held is None else sample(held)

    def _reader(self, job: Job) -> tuple[tuple[Feature, ...], Callable[[Rows], Matrix]]:
        """The features that a job reads, and how some rows of them are read."""
        if job.candidate.family == "constant":
            return (), lambda rows: np.empty((len(rows), 0), np.float32)
        if job.candidate.recipe.bounded:
            encoding = self._bounded(job)
            wanted = {source for encoder in encoding.encoders for source in encoder.sources}
            columns = Columns(
                {name: self.dataset.columns[name] for name in wanted}, self.dataset.columns.n_rows
            )
            return encoding.features, lambda rows: encoding.transform(columns.take(rows))
        parts = [self.folder / "encoded" / item.key for item in encodings_for(job)]
        matrices = [np.load(part / "X.npy", mmap_mode="r") for part in parts]
        features = tuple(feature for part in parts for feature in open_encoding(part).features)
        return features, lambda rows: hstack([matrix[rows] for matrix in matrices])

    def _bounded(self, job: Job) -> Encoding:
        """The encoders of a bounded recipe, fitted now unless they are there: nobody else reads what they make."""
        (item,) = encodings_at(job.candidate.recipe, job.split)
        if not (self.folder / "encoded" / item.key).exists():
            self._encode(item)
        return open_encoding(self.folder / "encoded" / item.key)

    def _lay_down(self, job: Job, fitted: Fitted, predictions: Floats | None) -> int:
        """Write the files of a fit and say how many bytes the model takes."""
        made = self.folder / "made" / job.key
        made.mkdir(parents=True, exist_ok=True)
        if predictions is not None:
            np.save(
                made / "predictions.npy",
                predictions if predictions.ndim == 1 else predictions.astype(np.float32),
            )
        (made / "model.zip").write_bytes(packed((fitted.kept or fitted.model).to_state()))
        detail = {
            "resolved": dict(fitted.resolved),
            "curve": [list(point) for point in fitted.curve],
        }
        (made / "detail.json").write_text(json.dumps(detail, default=str), encoding="utf-8")
        return (made / "model.zip").stat().st_size
