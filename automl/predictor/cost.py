"""Measure what a predictor costs."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from automl.predictor.archive import dumps
from automl.predictor.model import Predictor
from automl.price import BYTES_PER_MEGABYTE, Cost
from automl.table import Table

_BATCHES = 5  # of which the quickest counts: a machine is slow for moments
_BATCH_CALLS = 10
_MAX_BATCH_SECONDS = 0.08
_SLOW_SECONDS = 1.0  # from which on a batch is measured once


def measure_cost(predictor: Predictor, rows: Table) -> Cost:
    """Return what predicting single rows takes, warm, and the size of the file.

    Parameters
    ----------
    predictor : Predictor
    rows : Table
        Some rows; each is predicted alone, as a mapping of its values.

    Returns
    -------
    Cost
        With the median time of a row, in the quickest of five batches; where a row takes
        seconds, in the first batch.
    """
    predictor.warm_up()
    records = _records(rows)
    predictor.predict(records[0])
    upcoming = itertools.cycle(records)
    medians = []
    for _ in range(_BATCHES):
        times = _times(predictor, upcoming)
        median = statistics.median(times)
        medians.append(median)
        if median > _SLOW_SECONDS:
            break
    megabytes = file_megabytes(predictor)
    return Cost(1000 * min(medians), megabytes)


def _times(predictor: Predictor, records: Iterator[Mapping[str, Any]]) -> list[float]:
    """Return the seconds of a batch of predictions: at least one, and as many as there is time."""
    times: list[float] = []
    for _ in range(_BATCH_CALLS):
        record = next(records)
        started = time.perf_counter()
        predictor.predict(record)
        taken = time.perf_counter() - started
        times.append(taken)
        if sum(times) > _MAX_BATCH_SECONDS:
            break
    return times


def file_megabytes(predictor: Predictor) -> float:
    """Return the size of a predictor's file."""
    blob = dumps(predictor)
    return len(blob) / BYTES_PER_MEGABYTE


def _records(rows: Table) -> Sequence[Mapping[str, Any]]:
    """Return each row as a mapping of values by column."""
    names = list(rows.columns)
    columns = [column.tolist() for column in rows.columns.values()]
    records = []
    for values in zip(*columns, strict=True):
        record = dict(zip(names, values, strict=True))
        records.append(record)
    return records
