"""A table from what Python holds: pandas, polars, Arrow, numpy, SciPy sparse, dictionaries, lists."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.errors import InputError, one_line
from automl.files import ESCAPE
from automl.table.form import Form
from automl.table.raw import Note, Request, Table

DENSE_LIMIT = 10**9  # bytes a sparse matrix may take once it is dense
Series = pd.Series  # of text or of any type; pandas-stubs makes it generic


def from_frame(X: Any, *, source: str = "X") -> Table:
    """A table from what people hold in Python.

    Parameters
    ----------
    X : pandas DataFrame or Series, polars DataFrame or Series, pyarrow Table, NumPy array or SciPy sparse matrix of shape
        (n_rows, n_columns), dictionary of columns, list of rows
    source : str
        The name used in messages.

    Raises
    ------
    InputError
        For anything that isn't a real table, in scikit-learn's words where it has some.

    Examples
    --------
    >>> import numpy as np
    >>> from_frame(np.zeros((2, 3))).names
    ('x0', 'x1', 'x2')
    """
    if isinstance(X, Table):
        return X
    frame = _as_frame(X, source)
    _check_shape(frame.shape)
    return _tabled(frame, source)


def from_read(
    frame: pd.DataFrame, source: str, form: Form, request: Request, notes: Sequence[Note] = ()
) -> Table:
    """A table from a frame that a file gave; without rows only where that will do."""
    if frame.shape[1] == 0:
        raise InputError(f"{source}: the table has no columns")
    if len(frame) == 0 and not request.may_be_empty:
        raise InputError(f"{source}: the table has a header and no rows")
    table = _tabled(frame, source)
    return replace(table, notes=(*table.notes, *notes), form=form, overrides=request.overrides)


def _tabled(frame: pd.DataFrame, source: str) -> Table:
    """A frame's columns under names that differ."""
    names, notes = unique_names([_escaped(str(name)) for name in frame.columns])
    columns: dict[str, pd.Series[Any]] = {}
    for name, (_, raw) in zip(names, frame.reset_index(drop=True).items(), strict=True):
        column = with_escapes(raw)
        if column.dtype.kind == "c":
            raise InputError(f"{source}: Complex data not supported: column {name!r}")
        columns[name] = column
    return Table(columns, len(frame), source, textual=False, notes=tuple(notes))


def with_escapes(column: pd.Series[Any]) -> pd.Series[Any]:
    r"""Write bytes that are no UTF-8, as Python has them in names of files, as escapes in a column of objects.

    >>> with_escapes(pd.Series(["a", "caf\udce9"], dtype=object)).tolist()
    ['a', 'caf\\udce9']
    """
    if column.dtype != object:
        return column
    try:
        "".join(cell for cell in column if isinstance(cell, str)).encode()
    except UnicodeEncodeError:
        return column.map(lambda cell: _escaped(cell) if isinstance(cell, str) else cell).astype(
            object
        )
    return column


def _escaped(text: str) -> str:
    return text.encode("utf-8", ESCAPE).decode("utf-8")


def _as_frame(X: Any, source: str) -> pd.DataFrame:
    for takes, make in _MAKERS:
        if takes(X):
            return make(X, source)
    raise InputError(
        f"{source}: a {type(X).__name__} is not a table. Give a data frame, a 2-D array or a dictionary of columns."
    )


def _is_from(library: str) -> Callable[[Any], bool]:
    """Whether a value is of a library that need not be installed."""
    return lambda value: type(value).__module__.partition(".")[0] == library


def _from_polars(X: Any, source: str) -> pd.DataFrame:
    """Column by column, so that pyarrow is not needed."""
    import polars as pl  # it is there: X came from it

    if isinstance(X, pl.LazyFrame):
        X = X.collect()
    if isinstance(X, pl.Series):
        X = X.to_frame(X.name or "x0")
    columns: list[pd.Series[Any]] = []
    for column in X.get_columns():
        kind = column.dtype
        if kind.is_numeric() and not kind.is_decimal():
            columns.append(pd.Series(column.to_numpy()))
        elif kind in (pl.Categorical, pl.Enum):
            columns.append(pd.Series(pd.Categorical(column.cast(pl.String).to_list())))
        elif kind.is_temporal() and kind != pl.Time:
            columns.append(
                pd.to_datetime(pd.Series(column.to_list()))
                if kind != pl.Duration
                else pd.Series(column.to_numpy())
            )
        else:
            columns.append(pd.Series(column.to_list(), dtype=object))
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=pd.RangeIndex(X.height))
    frame.columns = pd.Index(list(X.columns), dtype=object)
    return frame


def _dense(X: Any, source: str) -> npt.NDArray[Any]:
    size = int(np.prod(X.shape)) * 8
    if size > DENSE_LIMIT:
        raise InputError(
            f"{source}: a sparse matrix of shape {X.shape} takes {size / 1e9:.1f} GB when dense; at most 1 GB is taken. Give fewer columns."
        )
    return np.asarray(X.toarray())


def _from_mapping(X: Mapping[Any, Any], source: str) -> pd.DataFrame:
    try:
        return pd.DataFrame(
            {
                name: list(values) if isinstance(values, tuple) else values
                for name, values in X.items()
            }
        )
    except (ValueError, TypeError) as error:
        raise InputError(f"{source}: the dictionary is not a table: {one_line(error)}") from None


def _from_array(X: npt.NDArray[Any], source: str) -> pd.DataFrame:
    if X.dtype.names:
        return pd.DataFrame({name: _as_text(X[name]) for name in X.dtype.names})
    if X.dtype.kind == "c":
        raise InputError(f"{source}: Complex data not supported: an array of {X.dtype}")
    if X.ndim != 2:
        raise InputError(_wrong_dimensions(X.ndim, source))
    _check_shape(X.shape)
    frame = pd.DataFrame(
        _as_text(X), columns=pd.Index([f"x{place}" for place in range(X.shape[1])])
    )
    return frame.infer_objects() if X.dtype == object else frame


def _as_text(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Decode NumPy's bytes; other arrays stay as they are."""
    return np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array


def _wrong_dimensions(ndim: int, source: str) -> str:
    if ndim > 2:
        return f"{source}: Found array with dim {ndim}, while dim <= 2 is required."
    what = "1D array" if ndim else "scalar array"
    return (
        f"{source}: Expected 2D array, got {what} instead. Reshape your data either using array.reshape(-1, 1) if it has a single feature"
        " or array.reshape(1, -1) if it contains a single sample."
    )


def _from_rows(X: Sequence[Any], source: str) -> pd.DataFrame:
    if X and isinstance(X[0], Mapping):
        return pd.DataFrame(list(X))
    if not X or not all(isinstance(row, (list, tuple, np.ndarray)) for row in X):
        raise InputError(_wrong_dimensions(1, source))
    widths = Counter(len(row) for row in X)
    if len(widths) > 1:
        raise InputError(
            f"{source}: rows of different lengths: {', '.join(map(str, sorted(widths)[:5]))}"
        )
    names = pd.Index([f"x{place}" for place in range(len(X[0]))])
    return pd.DataFrame([list(row) for row in X], columns=names)


def _check_shape(shape: tuple[int, ...]) -> None:
    if shape[1] == 0:
        raise InputError(f"0 feature(s) (shape={shape}) while a minimum of 1 is required.")
    if shape[0] == 0:
        raise InputError(
            f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required."
        )


_MAKERS: tuple[tuple[Callable[[Any], bool], Callable[[Any, str], pd.DataFrame]], ...] = (
    (lambda X: isinstance(X, pd.DataFrame), lambda X, source: X),
    (
        lambda X: isinstance(X, pd.Series),
        lambda X, source: X.to_frame(name="x0" if X.name is None else X.name),
    ),
    (_is_from("polars"), _from_polars),
    (_is_from("pyarrow"), lambda X, source: X.to_pandas()),
    (lambda X: hasattr(X, "tocsr"), lambda X, source: _from_array(_dense(X, source), source)),
    (lambda X: isinstance(X, Mapping), _from_mapping),
    (lambda X: hasattr(X, "__array__"), lambda X, source: _from_array(np.asarray(X), source)),
    (lambda X: isinstance(X, (list, tuple)), _from_rows),
)


def unique_names(names: Sequence[str]) -> tuple[list[str], list[Note]]:
    """Names that differ: blank ones get their place, repeated ones a number."""
    notes: list[Note] = []
    filled = [name if name.strip() else f"column_{place}" for place, name in enumerate(names, 1)]
    blank = tuple(new for new, old in zip(filled, names, strict=True) if not old.strip())
    if blank:
        notes.append(
            Note(
                "header_blank",
                blank,
                "columns without a name were named by their place",
                len(blank),
            )
        )
    taken, seen, unique = set(filled), set[str](), []
    for old in filled:
        name = old
        if old in seen:
            name = next(
                new for number in itertools.count(2) if (new := f"{old}.{number}") not in taken
            )
            taken.add(name)
        seen.add(name)
        unique.append(name)
    repeated = tuple(
        dict.fromkeys(old for new, old in zip(unique, filled, strict=True) if new != old)
    )
    if repeated:
        renamed = ", ".join(new for new, old in zip(unique, filled, strict=True) if new != old)
        notes.append(
            Note(
                "header_duplicate",
                repeated,
                f"columns of the same name were renamed: {renamed}",
                len(unique) - len(set(filled)),
            )
        )
    return unique, notes
