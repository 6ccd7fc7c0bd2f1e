"""The columns that `automl predict` writes, as CSV, JSON lines or Parquet.

Pandas is needed for Parquet, and to copy columns that it holds. Otherwise the standard library
writes the same bytes.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from automl.arrays import Array
from automl.errors import InputError
from automl.files import ENCODING_ERRORS, atomic_write, require
from automl.table import NumberColumn, TableColumn, TextColumn, as_series

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet", ".jsonl")

Answers: TypeAlias = "Mapping[str, TableColumn | Array]"


def check_output(output: str | None) -> None:
    """Refuse a file that can't be written, before any work."""
    if not output:
        return
    path = Path(output)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"--output {output}: must end in .csv, .parquet or .jsonl.")
    if not path.resolve().parent.is_dir():
        raise InputError(f"--output {output}: there is no folder {path.parent}.")


def write_answers(answers: Answers, output: str | None) -> None:
    """Write columns of equal length.

    Parameters
    ----------
    answers : mapping of str to TextColumn, pandas.Series or ndarray of shape (n_rows,)
    output : str or None
        The file, whose ending chooses its format; None for CSV on standard output.
    """
    if output is None:
        _write_csv(answers, sys.stdout)
        return
    target = Path(output)
    with atomic_write(target) as path:
        match target.suffix.lower():
            case ".parquet":
                require("pyarrow", "parquet", f"--output {output}")
                frame = _frame(answers)
                frame.to_parquet(path, index=False)
            case ".jsonl":
                with _open(path) as file:
                    file.writelines(_json_lines(answers))
            case _:
                with _open(path) as file:
                    _write_csv(answers, file)


def _open(path: Path) -> TextIO:
    return open(
        path,
        "w",
        encoding="utf-8",
        errors=ENCODING_ERRORS,
        newline="",
    )


def _write_csv(answers: Answers, file: TextIO) -> None:
    if _needs_pandas(answers):
        frame = _frame(answers)
        frame.to_csv(file, index=False)
        return
    columns = _lists(answers)
    filled = map(_with_empty_cells, columns)
    writer = csv.writer(file, lineterminator=os.linesep)
    writer.writerow(answers)
    rows = zip(*filled, strict=True)
    writer.writerows(rows)


def _lists(answers: Answers) -> list[list[Any]]:
    return [column.tolist() for column in answers.values()]


def _with_empty_cells(cells: Sequence[Any]) -> list[Any]:
    """Return cells in which NaN is empty."""
    return ["" if cell != cell else cell for cell in cells]


def _json_lines(answers: Answers) -> Iterator[str]:
    """Yield an object a row; pandas' own writer would round numbers."""
    for row in _rows(answers):
        text = json.dumps(row, ensure_ascii=False, default=str)
        yield f"{text}\n"


def _rows(answers: Answers) -> Iterator[Mapping[Any, Any]]:
    if _needs_pandas(answers):
        frame = _frame(answers)
        yield from frame.to_dict("records")
        return
    columns = _lists(answers)
    for cells in zip(*columns, strict=True):
        yield dict(zip(answers, cells, strict=True))


def _needs_pandas(answers: Answers) -> bool:
    """Return whether pandas holds a column: it writes dates and the like in a way of its own."""
    return any(hasattr(column, "iloc") for column in answers.values())


def _frame(answers: Answers) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, column in answers.items():
        if isinstance(column, TextColumn | NumberColumn):
            columns[name] = as_series(column)
        else:
            columns[name] = column
    return pd.DataFrame(columns)
