"""A table from Python: pandas, polars, Arrow, NumPy, SciPy sparse, dictionaries, lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from automl.arrays import Array
from automl.errors import InputError, one_line
from automl.files import ENCODING_ERRORS
from automl.table.form import FileFormat
from automl.table.raw import Note, Request, Table
from automl.table.unique_names import unique_names

MAX_DENSE_BYTES = 10**9  # of a sparse matrix
BYTES_A_NUMBER = 8

Column: TypeAlias = "pd.Series[Any]"
Frame = pd.DataFrame
Names = Sequence[str]
_Predicate = Callable[[Any], bool]
_Converter = Callable[[Any, str], Frame]


def from_frame(X: Any, *, source: str = "X") -> Table:
    """Return a table of a Python value.

    Parameters
    ----------
    X : table
        pandas DataFrame or Series, polars DataFrame or Series, pyarrow Table, NumPy array or SciPy
        sparse matrix of shape (n_rows, n_columns), dictionary of columns, list of rows.
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
    frame = _to_pandas(X, source)
    _check_shape(frame.shape)
    return _table_of(frame, source)


def from_file_frame(
    frame: Frame, source: str, form: FileFormat, request: Request, notes: Sequence[Note] = ()
) -> Table:
    """Return a table of a frame that was read from a file.

    Raises
    ------
    InputError
        It has no columns, or no rows although the request needs some.
    """
    if frame.shape[1] == 0:
        raise InputError(f"{source}: the table has no columns")
    if len(frame) == 0 and not request.may_be_empty:
        raise InputError(f"{source}: the table has a header and no rows")
    table = _table_of(frame, source)
    all_notes = (*table.notes, *notes)
    return replace(table, notes=all_notes, form=form, overrides=request.overrides)


def _table_of(frame: Frame, source: str) -> Table:
    """Return a table of a frame's columns, under names that differ."""
    texts = map(str, frame.columns)
    escaped = list(map(_escaped, texts))
    names, notes = unique_names(escaped)
    frame = frame.reset_index(drop=True)
    columns = {}
    for name, item in zip(names, frame.items(), strict=True):
        _, raw_column = item
        column = with_escapes(raw_column)
        if column.dtype.kind == "c":
            raise InputError(f"{source}: Complex data not supported: column {name!r}")
        columns[name] = column
    return Table(
        columns,
        n_rows=len(frame),
        source=source,
        is_textual=False,
        notes=tuple(notes),
    )


def with_escapes(column: Column) -> Column:
    r"""Replace lone surrogates by backslash escapes in a column of objects.

    Python has them for the bytes of file names that are not UTF-8.

    >>> with_escapes(pd.Series(["a", "caf\udce9"], dtype=object)).tolist()
    ['a', 'caf\\udce9']
    """
    if column.dtype != object:
        return column
    texts = [cell for cell in column if isinstance(cell, str)]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        escaped = column.map(_escaped_if_text)
        return escaped.astype(object)
    return column


def _escaped_if_text(cell: Any) -> Any:
    if isinstance(cell, str):
        return _escaped(cell)
    return cell


def _escaped(text: str) -> str:
    encoded = text.encode("utf-8", ENCODING_ERRORS)
    return encoded.decode("utf-8")


def _to_pandas(X: Any, source: str) -> Frame:
    """Convert a value by the first converter that accepts it."""
    for accepts, convert in _CONVERTERS:
        if accepts(X):
            return convert(X, source)
    raise InputError(
        f"{source}: a {type(X).__name__} is not a table. "
        "Give a data frame, a 2-D array or a dictionary of columns."
    )


def _is_of(library: str) -> _Predicate:
    """Return a predicate for values of a library that may not be installed."""

    def accepts(value: Any) -> bool:
        module = type(value).__module__
        return module.partition(".")[0] == library

    return accepts


def _from_series(X: Any, source: str) -> Frame:
    name = X.name
    if name is None:
        name = "x0"
    frame: Frame = X.to_frame(name=name)
    return frame


def _from_polars(X: Any, source: str) -> Frame:
    """Convert column by column, so that pyarrow is not needed."""
    import polars as pl  # it is installed: X came from it

    if isinstance(X, pl.LazyFrame):
        X = X.collect()
    if isinstance(X, pl.Series):
        X = X.to_frame(X.name or "x0")
    columns = list(map(_polars_column, X.get_columns()))
    if columns:
        frame = pd.concat(columns, axis=1)
    else:
        index = pd.RangeIndex(X.height)
        frame = pd.DataFrame(index=index)
    names = list(X.columns)
    frame.columns = pd.Index(names, dtype=object)
    return frame


def _polars_column(column: Any) -> Column:
    import polars as pl

    kind = column.dtype
    if kind.is_numeric() and not kind.is_decimal():
        return pd.Series(column.to_numpy())
    if kind in (pl.Categorical, pl.Enum):
        texts = column.cast(pl.String).to_list()
        categories = pd.Categorical(texts)
        return pd.Series(categories)
    if kind == pl.Duration:
        return pd.Series(column.to_numpy())
    if kind.is_temporal() and kind != pl.Time:
        moments: Column = pd.Series(column.to_list())
        return pd.to_datetime(moments)
    cells = column.to_list()
    return pd.Series(cells, dtype=object)


def _from_sparse(X: Any, source: str) -> Frame:
    n_rows, n_columns = X.shape
    size = n_rows * n_columns * BYTES_A_NUMBER
    if size > MAX_DENSE_BYTES:
        raise InputError(
            f"{source}: a sparse matrix of shape {X.shape} takes {size / 1e9:.1f} GB when dense; "
            "at most 1 GB is taken. Give fewer columns."
        )
    dense = X.toarray()
    return _from_array(dense, source)


def _from_mapping(X: Mapping[Any, Any], source: str) -> Frame:
    columns = {}
    for name, values in X.items():
        columns[name] = values
        if isinstance(values, tuple):
            columns[name] = list(values)
    try:
        return pd.DataFrame(columns)
    except (ValueError, TypeError) as error:
        raise InputError(f"{source}: the dictionary is not a table: {one_line(error)}") from None


def _from_array(X: Any, source: str) -> Frame:
    array: Array = np.asarray(X)
    field_names = array.dtype.names
    if field_names:
        fields = {}
        for name in field_names:
            fields[name] = _decoded(array[name])
        return pd.DataFrame(fields)
    if array.dtype.kind == "c":
        raise InputError(f"{source}: Complex data not supported: an array of {array.dtype}")
    if array.ndim != 2:
        raise InputError(_wrong_dimensions(array.ndim, source))
    _check_shape(array.shape)
    n_columns = array.shape[1]
    cells = _decoded(array)
    names = _numbered(n_columns)
    frame = pd.DataFrame(cells, columns=names)
    if array.dtype == object:
        frame = frame.infer_objects()
    return frame


def _numbered(width: int) -> pd.Index[str]:
    """Return names for the columns of an array: x0, x1, ..."""
    names = [f"x{number}" for number in range(width)]
    return pd.Index(names)


def _decoded(array: Array) -> Array:
    """Decode NumPy's bytes; other arrays stay as they are."""
    if array.dtype.kind != "S":
        return array
    return np.char.decode(array, "utf-8", "replace")


def _wrong_dimensions(ndim: int, source: str) -> str:
    if ndim > 2:
        return f"{source}: Found array with dim {ndim}, while dim <= 2 is required."
    kind = "1D array" if ndim else "scalar array"
    return (
        f"{source}: Expected 2D array, got {kind} instead. "
        "Reshape your data either using array.reshape(-1, 1) if it has a single feature"
        " or array.reshape(1, -1) if it contains a single sample."
    )


def _from_rows(X: Sequence[Any], source: str) -> Frame:
    if X and isinstance(X[0], Mapping):
        return pd.DataFrame(list(X))
    kinds = (list, tuple, np.ndarray)
    has_rows = all(isinstance(row, kinds) for row in X)
    if not X or not has_rows:
        raise InputError(_wrong_dimensions(1, source))
    lengths = set(map(len, X))
    widths = sorted(lengths)
    if len(widths) > 1:
        some_widths = map(str, widths[:5])
        shown = ", ".join(some_widths)
        raise InputError(f"{source}: rows of different lengths: {shown}")
    rows = list(map(list, X))
    names = _numbered(widths[0])
    return pd.DataFrame(rows, columns=names)


def _check_shape(shape: tuple[int, ...]) -> None:
    n_rows = shape[0]
    n_columns = shape[1]
    if n_columns == 0:
        raise InputError(f"0 feature(s) (shape={shape}) while a minimum of 1 is required.")
    if n_rows == 0:
        raise InputError(
            f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required."
        )


_CONVERTERS: tuple[tuple[_Predicate, _Converter], ...] = (
    (lambda X: isinstance(X, pd.DataFrame), lambda X, source: X),
    (lambda X: isinstance(X, pd.Series), _from_series),
    (_is_of("polars"), _from_polars),
    (_is_of("pyarrow"), lambda X, source: X.to_pandas()),
    (lambda X: hasattr(X, "tocsr"), _from_sparse),
    (lambda X: isinstance(X, Mapping), _from_mapping),
    (lambda X: hasattr(X, "__array__"), _from_array),
    (lambda X: isinstance(X, (list, tuple)), _from_rows),
)
