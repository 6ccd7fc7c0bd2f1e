"""Measure what a predictor costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

from automl.predictor.archive import dumps
from automl.predictor.model import Predictor
from automl.price import Cost
from automl.table import Table

_CALLS = 50
_MAX_SECONDS = 0.4  # for all calls together
_BYTES_PER_MEGABYTE = 1e6


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
        With the median time of a row.
    """
    predictor.warm_up()
    records = _records(rows)
    predictor.predict(records[0])
    times: list[float] = []
    while len(times) < _CALLS and sum(times) < _MAX_SECONDS:
        record = records[len(times) % len(records)]
        started = time.perf_counter()
        predictor.predict(record)
        times.append(time.perf_counter() - started)
    milliseconds = 1000 * statistics.median(times)
    return Cost(milliseconds, file_megabytes(predictor))


def file_megabytes(predictor: Predictor) -> float:
    """Return the size of a predictor's file."""
    return len(dumps(predictor)) / _BYTES_PER_MEGABYTE


def _records(rows: Table) -> Sequence[Mapping[str, Any]]:
    """Return each row as a mapping of values by column."""
    columns = {name: column.tolist() for name, column in rows.columns.items()}
    records = []
    for index in range(rows.n_rows):
        record = {name: values[index] for name, values in columns.items()}
        records.append(record)
    return records
