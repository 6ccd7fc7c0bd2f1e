"""Measure what a predictor costs."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

from automl.predictor.archive import dumps
from automl.predictor.model import Predictor
from automl.price import BYTES_PER_MEGABYTE, Cost
from automl.table import Table

_CALLS = 50
_MAX_SECONDS = 0.4  # for all calls together


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
    for record in itertools.cycle(records):
        started = time.perf_counter()
        predictor.predict(record)
        taken = time.perf_counter() - started
        times.append(taken)
        if len(times) == _CALLS or sum(times) > _MAX_SECONDS:
            break
    median = statistics.median(times)
    megabytes = file_megabytes(predictor)
    return Cost(1000 * median, megabytes)


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
