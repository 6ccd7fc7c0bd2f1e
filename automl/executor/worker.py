"""Worker: does one item after the other: encodes columns, trains a model, writes its files."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import time
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from automl import extensions
from automl.arrays import Floats, Matrix, Rows
from automl.budget import Budget
from automl.candidate import Job, Outcome
from automl.columns import Columns
from automl.dataset import EXTENSIONS_FILE, Dataset, open_dataset
from automl.errors import with_install_hint
from automl.executor.probes import (
    held_out_predictions,
    probe_folds_path,
    probe_predictions_path,
    read_probe_folds,
)
from automl.executor.progress import Progress, ProgressFiles
from automl.executor.work import (
    Encode,
    Probe,
    WorkItem,
    WorkResult,
    encodings_at,
    encodings_for,
    training_split,
)
from automl.features.encoding import Encoding, fit_shared, fit_targeted, hstack
from automl.features.feature import Feature
from automl.files import disk_errno
from automl.folds import sample_rows
from automl.metrics import metric_of
from automl.models import find_family, reads_features
from automl.models._base import FitContext, Fitted, Sample
from automl.models.row_cost import row_milliseconds
from automl.run_files import ENCODED, FAILURES
from automl.state import pack_to_bytes, unpack_bytes

T = TypeVar("T")
Reader = Callable[[Rows], Matrix]

MAX_PREPARED = 3  # samples, and binned samples, that a worker keeps
MAX_REASON_LENGTH = 300
MAX_WARNING_LENGTH = 200


ENCODING_STATE = "state.zip"  # the file of fitted encoders in an encoding's folder


def encoding_folder(work: Path, item: Encode) -> Path:
    """Return where an encoding lies in a run's `work/` folder."""
    return work / ENCODED / item.key


def open_encoding(folder: Path) -> Encoding:
    """Return the fitted encoders of an encoding's folder."""
    packed = (folder / ENCODING_STATE).read_bytes()
    return Encoding.from_state(unpack_bytes(packed))


def rows_of(
    data: Dataset,
    job: Job,
) -> tuple[Rows, Rows | None]:
    """Return the rows that a job trains on, and those that are held out for it."""
    train = data.folds.train(*job.split)
    held = None
    if job.fold is not None:
        held = data.folds.held_out(job.repeat, job.fold)
    if job.rows is None:
        return train, held
    seed = (data.seed, job.repeat)
    train = _sampled(train, job.rows, seed)
    if held is not None:
        held = _sampled(held, job.rows, seed)
    return train, held


def _sampled(rows: Rows, count: int, seed: tuple[int, int]) -> Rows:
    """Return some of the rows, in their order."""
    return rows[sample_rows(len(rows), count, seed)]


def move_artifacts(
    work: Path,
    result: WorkResult,
    into: Path,
) -> None:
    """Move the files that a worker of this machine wrote for a job."""
    made = work / "made" / result.item.key
    into.parent.mkdir(parents=True, exist_ok=True)
    if made.exists():
        os.replace(made, into)


class Worker:
    """Does work items on the data in a run's `work/` folder.

    Samples and binned data of the last few (recipe, split, rows, binning) are kept, since making
    them can take longer than a fit.

    Parameters
    ----------
    folder : Path
        The run's `work/`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._samples = _LRUCache(MAX_PREPARED)
        self._prepared = _LRUCache(MAX_PREPARED)
        self._progress = ProgressFiles(folder)
        self._extensions = extensions.NO_EXTENSIONS  # known once the data is

    @cached_property
    def dataset(self) -> Dataset:
        """The run's data."""
        data = open_dataset(self.folder / "data")
        self._extensions = extensions.read_in_worker(self.folder / "data" / EXTENSIONS_FILE)
        return data

    def do(
        self,
        item: WorkItem,
        budget: Budget,
    ) -> WorkResult:
        """Do an item; whatever goes wrong becomes its outcome."""
        started = time.monotonic()
        disk_error = 0
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                outcome = self._outcome(item, budget)
            except MemoryError:
                outcome = _failure("memory", started, "not enough memory")
            except Exception as error:  # noqa: BLE001 - one fit's failure never costs the run
                disk_error = disk_errno(error) or self._missing_folder()
                self._write_traceback(item)
                first_line = f"{type(error).__name__}: {error}".splitlines()[0]
                outcome = _failure(
                    "failed", started, with_install_hint(first_line[:MAX_REASON_LENGTH])
                )
        return WorkResult(item, outcome, _as_text(caught), disk_error)

    def _outcome(
        self,
        item: WorkItem,
        budget: Budget,
    ) -> Outcome:
        if isinstance(item, Encode):
            return self._encode(item)
        if isinstance(item, Probe):
            return self._probe(item, budget)
        return self._fit(item, budget)

    def _missing_folder(self) -> int:
        """Return `ENOENT` if the run's data has vanished, else 0."""
        return 0 if (self.folder / "data").exists() else errno.ENOENT

    def _write_traceback(self, item: WorkItem) -> None:
        """Append the traceback to the run's failures; a full disk has no room for it."""
        path = self.folder / FAILURES
        with suppress(OSError), open(path, "a", encoding="utf-8") as file:
            file.write(f"{item.key}\n{traceback.format_exc()}\n")

    # ------------------------------------------------------------ probes and encodings

    def _probe(
        self,
        item: Probe,
        budget: Budget,
    ) -> Outcome:
        """Train quick models on folds of their own, and write their held-out predictions."""
        started = time.monotonic()
        path = probe_predictions_path(self.folder, item.key)
        temporary = path.with_suffix(f".{os.getpid()}.npy")
        split = read_probe_folds(probe_folds_path(self.folder, item.key))
        np.save(temporary, held_out_predictions(self.dataset, split, budget))
        os.replace(temporary, path)
        return Outcome("done", seconds=time.monotonic() - started)

    def _encode(self, item: Encode) -> Outcome:
        """Fit a recipe's encoders, and write them with the encoded rows."""
        started = time.monotonic()
        encoding, matrix = self._encoded(item)
        home = encoding_folder(self.folder, item)
        temporary = home.with_name(f".{item.key}.{os.getpid()}")
        temporary.mkdir(parents=True, exist_ok=True)
        np.save(temporary / "X.npy", matrix)
        packed = pack_to_bytes(encoding.to_state())
        (temporary / ENCODING_STATE).write_bytes(packed)
        if (home / ENCODING_STATE).exists():  # by a worker that died before it could report
            shutil.rmtree(temporary)
        else:
            shutil.rmtree(home, ignore_errors=True)  # half of it, if it was being removed
            os.replace(temporary, home)
        return Outcome("done", seconds=time.monotonic() - started)

    def _encoded(self, item: Encode) -> tuple[Encoding, Matrix]:
        data = self.dataset
        if item.split is None:
            encoding = fit_shared(item.recipe, data.columns, data.seed)
            return encoding, encoding.transform(data.columns)
        train = data.folds.train(*item.split)
        return fit_targeted(
            item.recipe,
            data.columns,
            data.task,
            data.y,
            train,
            data.seed,
            data.weight,
        )

    # ------------------------------------------------------------ fits

    def _fit(
        self,
        job: Job,
        budget: Budget,
    ) -> Outcome:
        """Train a model, score it on the held-out rows, and write its files."""
        candidate = job.candidate
        family = find_family(candidate.family, self._known_extensions())
        reads = reads_features(candidate.family)
        n_asked = min(job.rows or math.inf, len(self.dataset.y))
        sample_key = (candidate.recipe.name, training_split(job.split), n_asked, reads)
        train, held = self._samples.get(sample_key, lambda: self._split(job))
        n_rows = len(train.y)
        before = self._progress.latest(job, n_rows)
        context = self._context(job, budget, before)
        started = time.monotonic()
        params = candidate.params
        binning = family.preparation_key(params)
        prepared_key = (family.name, sample_key, binning, job.resources.threads)
        prepared = self._prepared.get(
            prepared_key,
            lambda: family.prepare(train, held, params, context),
        )
        fitted = family.fit(prepared, params, context)
        predictions = None
        if held is not None:
            predictions = fitted.model.predict(held.X)
        seconds = time.monotonic() - started
        seconds_before = 0.0 if before is None else before.seconds
        if fitted.progress is not None and job.is_resumable:
            progress = Progress(fitted.progress, seconds_before + seconds)
            self._progress.keep(job, n_rows, progress)
        elif before is not None:
            self._progress.forget(job, n_rows)
        loss = None
        if held is not None and predictions is not None:
            loss = context.metric.loss_of_output(held.y, predictions, held.weight)
            if not np.isfinite(loss):
                return Outcome("failed", seconds=seconds, reason=f"the loss is {loss}")
        size = 0
        row_ms = 0.0
        encoding_size = 0
        if job.is_kept:
            encoding_size = self._encoding_size(job)
            size = self._write(job, fitted, predictions)
            row_ms = round(row_milliseconds(fitted.compact_model or fitted.model), 4)
        return Outcome(
            "done",
            loss,
            seconds,
            fitted.rounds,
            stopped=fitted.hit_deadline,
            size=size,
            row_ms=row_ms,
            encoding_size=encoding_size,
            seconds_before=seconds_before,
        )

    def _encoding_size(self, job: Job) -> int:
        """Return the bytes of the encodings that a job reads."""
        if not reads_features(job.candidate.family):
            return 0
        folders = [encoding_folder(self.folder, item) for item in encodings_for(job)]
        files = [folder / ENCODING_STATE for folder in folders]
        return sum(file.stat().st_size for file in files if file.exists())

    def _known_extensions(self) -> extensions.Extensions:
        _ = self.dataset  # they come with the data
        return self._extensions

    def _context(
        self,
        job: Job,
        budget: Budget,
        before: Progress | None,
    ) -> FitContext:
        """Return the circumstances of a fit that goes on from an earlier one, if there is one."""
        task = self.dataset.task
        progress = None if before is None else before.state
        return FitContext(
            task,
            metric_of(task),
            job.seed,
            job.resources,
            budget,
            job.rounds,
            self._n_averaged_models(job),
            progress,
            job.is_resumable,
        )

    def _n_averaged_models(self, job: Job) -> int:
        """Return the number of fold models that the final predictor averages."""
        folds = self.dataset.folds
        if folds.kind != "kfold" or job.fold is None:
            return 1
        return len(folds.blocks) * folds.n_folds

    def _split(self, job: Job) -> tuple[Sample, Sample | None]:
        """Return the rows that a job trains on and those held out."""
        data = self.dataset
        features, read = self._reader(job)

        def sample(rows: Rows) -> Sample:
            weight = None if data.weight is None else data.weight[rows]
            return Sample(read(rows), features, data.y[rows], weight)

        train, held = rows_of(data, job)
        return sample(train), None if held is None else sample(held)

    def _reader(self, job: Job) -> tuple[tuple[Feature, ...], Reader]:
        """Return a job's features, and the function that reads rows of them."""
        if not reads_features(job.candidate.family):
            return (), lambda rows: np.empty((len(rows), 0), np.float32)
        if job.candidate.recipe.bounded:
            return self._bounded_reader(job)
        matrices: list[Matrix] = []
        features: list[Feature] = []
        for item in encodings_for(job):
            folder = encoding_folder(self.folder, item)
            matrices.append(np.load(folder / "X.npy", mmap_mode="r"))
            features += open_encoding(folder).features

        def read(rows: Rows) -> Matrix:
            return hstack([matrix[rows] for matrix in matrices])

        return tuple(features), read

    def _bounded_reader(self, job: Job) -> tuple[tuple[Feature, ...], Reader]:
        """Return the reader of a bounded recipe, which encodes rows when they are read."""
        encoding = self._bounded(job)
        columns = self.dataset.columns
        sources = {source for encoder in encoding.encoders for source in encoder.sources}
        wanted = Columns({name: columns[name] for name in sources}, columns.n_rows)
        return encoding.features, lambda rows: encoding.transform(wanted.take(rows))

    def _bounded(self, job: Job) -> Encoding:
        """Return the encoders of a bounded recipe, fitted now unless they exist.

        No other job reads them.
        """
        (item,) = encodings_at(job.candidate.recipe, job.split)
        folder = encoding_folder(self.folder, item)
        if not folder.exists():
            self._encode(item)
        return open_encoding(folder)

    def _write(
        self,
        job: Job,
        fitted: Fitted,
        predictions: Floats | None,
    ) -> int:
        """Write the files of a fit, and return the size of the model in bytes."""
        folder = self.folder / "made" / job.key
        folder.mkdir(parents=True, exist_ok=True)
        if predictions is not None:
            if predictions.ndim > 1:
                predictions = predictions.astype(np.float32)
            np.save(folder / "predictions.npy", predictions)
        model = folder / "model.zip"
        model.write_bytes(pack_to_bytes((fitted.compact_model or fitted.model).to_state()))
        curve = [list(point) for point in fitted.curve]
        detail = {"resolved": dict(fitted.resolved), "curve": curve}
        text = json.dumps(detail, default=str)
        (folder / "detail.json").write_text(text, encoding="utf-8")
        return model.stat().st_size


class _LRUCache:
    """The last few values that were made, by key.

    Parameters
    ----------
    size : int
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def get(
        self,
        key: Hashable,
        make: Callable[[], T],
    ) -> T:
        """Return the value of a key, made now if it is not kept."""
        if key not in self._values:
            self._values[key] = make()
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        value: T = self._values[key]
        return value


def _failure(
    status: Any,
    started: float,
    reason: str,
) -> Outcome:
    return Outcome(status, seconds=time.monotonic() - started, reason=reason)


def _as_text(caught: Sequence[warnings.WarningMessage]) -> tuple[str, ...]:
    """Return warnings as lines, each once."""
    lines = []
    for warning in caught:
        message = str(warning.message)
        if message:
            first_line = message.splitlines()[0][:MAX_WARNING_LENGTH]
            lines.append(f"{warning.category.__name__}: {first_line}")
    return tuple(dict.fromkeys(lines))
