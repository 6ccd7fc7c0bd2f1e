"""Compare a graph's answers with the predictor's, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Array, Bools, Floats
from automl.cleaning import Cleaner
from automl.columns import Categories, Column, Columns, Numbers, Texts
from automl.errors import AutoMLError, InputError
from automl.files import require
from automl.predictor.model import Predictor
from automl.table import read_table
from automl.track.graph.builder import WHAT
from automl.track.graph.columns import empty_columns, input_arrays, numbers_of_codes
from automl.track.graph.ensemble import LABEL, PROBABILITIES, VALUE

TOLERANCE = 1e-5  # of probabilities, and of values relative to their size
MAX_TABLE_ROWS = 1000
N_ODD_ROWS = 1000
MISSING_SHARE = 0.15
FAR_SHARE = 0.05


def check_answers(
    predictor: Predictor, model: Any, inputs: tuple[str, ...], table: Path | None
) -> tuple[int, float]:
    """Return the number of rows that were compared, and the largest difference.

    They are rows of the table, if it is there, and rows whose cells are drawn column by column,
    some of them missing, unseen or far away.

    Raises
    ------
    InputError
        An answer differs.
    MissingExtra
        onnxruntime is not installed.
    """
    runtime = require("onnxruntime", "onnx", WHAT)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    known = _rows_of_table(predictor, table)
    example = known or empty_columns(predictor.cleaner)
    samples = [_odd_rows(example, predictor.cleaner)]
    if known is not None:
        samples.insert(0, known)
    n_rows = 0
    largest = 0.0
    for columns in samples:
        arrays = input_arrays(columns, predictor.cleaner, inputs)
        answers = dict(
            zip(
                [output.name for output in session.get_outputs()],
                session.run(None, arrays),
                strict=True,
            )
        )
        largest = max(largest, _compare(predictor, columns, answers, n_rows))
        n_rows += columns.n_rows
    return n_rows, largest


def _rows_of_table(
    predictor: Predictor,
    table: Path | None,
) -> Columns | None:
    """Return some of the table's rows; None if it is no longer there."""
    if table is None or not table.is_file():
        return None
    try:
        raw = read_table(table)
        n_rows = min(raw.n_rows, MAX_TABLE_ROWS)
        rows = np.linspace(0, raw.n_rows - 1, n_rows).astype(np.int64)
        return predictor.to_columns(raw.take(rows)).columns
    except AutoMLError:  # it has changed since
        return None


def _odd_rows(columns: Columns, cleaner: Cleaner) -> Columns:
    """Draw each column by itself; categories of a number's values follow the number."""
    rng = np.random.default_rng(0)
    derived = numbers_of_codes(cleaner, columns)
    made: dict[str, Column] = {}
    for name, column in columns.by_name.items():
        if name in cleaner.key_columns:
            values = np.array(cleaner.category_values[name])
            made[name] = _odd_column(Numbers(values), rng)
        elif name not in derived:
            made[name] = _odd_column(column, rng)
    drawn = Columns(made, N_ODD_ROWS)
    return cleaner.add_categorical_integers(drawn)


def _odd_column(
    column: Column,
    rng: np.random.Generator,
) -> Column:
    is_missing = rng.random(N_ODD_ROWS) < MISSING_SHARE
    if isinstance(column, Categories):
        codes = rng.integers(-1, len(column.levels), N_ODD_ROWS)
        codes[is_missing] = -1
        return Categories(codes.astype(np.int32), column.levels)
    if isinstance(column, Texts):
        return Texts.of([""] * N_ODD_ROWS)
    present = column.values[np.isfinite(column.values)]
    values = rng.normal(0, 1, N_ODD_ROWS) * 10.0 ** rng.integers(-2, 5, N_ODD_ROWS)
    if len(present):
        values = rng.choice(present, N_ODD_ROWS)
        is_far = rng.random(N_ODD_ROWS) < FAR_SHARE
        values[is_far] *= rng.choice([-3.0, 0.0, 1000.0], is_far.sum())
    if column.kind == "flag":
        values = rng.integers(0, 2, N_ODD_ROWS).astype(np.float64)
    values[is_missing] = np.nan
    return Numbers(values, column.kind)


def _compare(
    predictor: Predictor, columns: Columns, answers: dict[str, Array], first_row: int
) -> float:
    """Return the largest difference; raise InputError if one is too large."""
    ours = predictor.predict_raw(columns)
    if predictor.task.is_regression:
        theirs = answers[VALUE][:, 0]
        size = np.maximum(np.abs(ours), np.median(np.abs(ours)))
        differences = np.abs(theirs - ours) / np.maximum(
            size,
            np.finfo(np.float64).tiny,
        )
    else:
        differences = np.abs(answers[PROBABILITIES] - ours).max(axis=1)
        _compare_labels(predictor, ours, answers[LABEL], first_row)
    row = int(
        np.argmax(
            np.where(
                np.isnan(differences),
                np.inf,
                differences,
            )
        )
    )
    largest = float(differences[row])
    if not largest <= TOLERANCE:
        raise InputError(
            f"{WHAT}: the answers of onnxruntime differ from automl's by up to {largest:.3g} "
            f"(row {first_row + row + 1} of those compared); nothing was written. "
            "Please report it with the run's zip."
        )
    return largest


def _compare_labels(
    predictor: Predictor, ours: Floats, labels: npt.NDArray[Any], first_row: int
) -> None:
    expected = predictor.decode(ours)
    is_wrong = (expected != labels) & ~_is_tied(predictor, ours)
    wrong = np.flatnonzero(is_wrong)
    if len(wrong):
        row = wrong[0]
        raise InputError(
            f"{WHAT}: onnxruntime answers {labels[row]!r} instead of {expected[row]!r} "
            f"(row {first_row + row + 1} of those compared); nothing was written. "
            "Please report it with the run's zip."
        )


def _is_tied(
    predictor: Predictor,
    proba: Floats,
) -> Bools:
    """Return whether another class is nearly as good by the thresholds."""
    thresholds = predictor.thresholds
    if thresholds is None:
        thresholds = np.full(proba.shape[1], 1 / proba.shape[1])
    ordered = np.sort(proba / thresholds, axis=1)
    tied: Bools = ordered[:, -1] - ordered[:, -2] <= TOLERANCE * ordered[:, -1] / thresholds.min()
    return tied
