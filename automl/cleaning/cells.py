"""Turn a raw column into cells: numbers where it has a type, distinct words where it is text.

Parsing works on the distinct words. Text needs no pandas, which takes a second to import; where it
was imported, its hash table is taken for many cells.
"""

from __future__ import annotations

import datetime as dt
import operator
import sys
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats
from automl.table import NumberColumn, TableColumn, TextColumn, as_series

if TYPE_CHECKING:
    import pandas as pd

Series: TypeAlias = "pd.Series[Any]"

Codes = npt.NDArray[np.int64]
Words = npt.NDArray[np.object_]

MISSING_WORDS = frozenset(
    [
        "",
        "?",
        "na",
        "n/a",
        "#n/a",
        "#n/a n/a",
        "#na",
        "1.#ind",
        "1.#qnan",
        "-1.#ind",
        "-1.#qnan",
        "<na>",
        "nan",
        "-nan",
        "nat",
        "null",
        "none",
        "nil",
        "-",
        "--",
        "missing",
        "(missing)",
        "#null!",
        "#value!",
        "#div/0!",
    ]
)
# Missing in columns of numbers and dates; among categories they stay a level of their own.
MISSING_WORDS_AMONG_NUMBERS = frozenset(
    [
        r"\n",
        ".",
        "..",
        "...",
        "–",
        "—",
        "---",
        "*",
        "**",
        "***",
        "??",
        "(null)",
        "<null>",
        "[null]",
        "(na)",
        "n.a.",
        "n.a",
        "n/d",
        "nd",
        "#ref!",
        "#name?",
        "#num!",
        "#error!",
        "unknown",
        "undefined",
        "not available",
        "not applicable",
        "not known",
        "not reported",
        "not specified",
        "no data",
        "no value",
        "empty",
        "blank",
        "tba",
        "tbd",
    ]
)
_MIN_INEXACT_INTEGER = 2.0**53  # from here on float64 loses digits: they are read as words
_MIN_CELLS_FOR_PANDAS = 5_000  # whose table is twice as fast as a dictionary for many cells
_MAX_MISSING_LENGTH = max(map(len, MISSING_WORDS))
_FIRST_CHARACTERS_OF_MISSING = frozenset(
    character for word in MISSING_WORDS if word for character in (word[0].upper(), word[0].lower())
)


@dataclass(frozen=True)
class Typed:
    """A column that had a type: float64, NaN where missing.

    Dates are seconds since 1970-01-01 UTC, durations are seconds.
    """

    values: Floats
    kind: Literal["number", "flag", "date", "duration"] = "number"
    is_integer: bool = False  # whether its type was an integer's


@dataclass(frozen=True)
class Spelled:
    """A column of text: row i holds `words[codes[i]]`, -1 is missing. All words differ."""

    codes: Codes
    words: Words
    is_categorical: bool = False  # a pandas categorical: its owner says that it is a category

    def counts(self) -> Codes:
        """Return the number of rows that hold each word."""
        codes = self.codes
        if len(codes) and codes.min() < 0:
            codes = codes[codes >= 0]
        return np.bincount(codes, minlength=len(self.words)).astype(np.int64)

    def per_row(self, table: Floats) -> Floats:
        """Return one value a row, given one value a word; NaN where missing."""
        spread: Floats = np.append(table, np.nan)[self.codes]
        return spread


Cells = Typed | Spelled


def read_cells(column: TableColumn) -> Cells:
    """Return the cells of a raw column, whatever type it has.

    >>> read_cells(TextColumn.of(["b", "a", "b"])).codes.tolist()
    [0, 1, 0]
    >>> import pandas as pd
    >>> read_cells(pd.Series(["b", None, "b"])).codes.tolist()
    [0, -1, 0]
    >>> read_cells(pd.Series([True, False])).kind
    'flag'
    """
    if isinstance(column, TextColumn):
        return _spelled(*factorize(column.cells))
    if isinstance(column, NumberColumn):
        return _cells_of_values(column)
    return _cells_of_series(column)


def _cells_of_values(column: NumberColumn) -> Cells:
    values = column.values
    kind = values.dtype.kind
    numbers = values.astype(np.float64)
    if kind == "b":
        return Typed(numbers, "flag")
    largest = np.nanmax(np.abs(numbers), initial=0.0)
    if kind == "i" and largest >= _MIN_INEXACT_INTEGER:
        return _cells_of_series(as_series(column))
    return Typed(numbers, is_integer=kind == "i")


def factorize(cells: Words) -> tuple[Codes, Words]:
    """Return the code of each cell, and the distinct words in the order of their codes.

    Parameters
    ----------
    cells : ndarray of shape (n_cells,), object
        Strings; None where missing, which has the code -1.

    Returns
    -------
    codes : ndarray of shape (n_cells,), int64
    words : ndarray of shape (n_words,), object

    Examples
    --------
    >>> codes, words = factorize(np.array(["b", None, "a", "b"], object))
    >>> codes.tolist(), words.tolist()
    ([0, -1, 1, 0], ['b', 'a'])
    """
    if _is_for_pandas(cells):
        import pandas as pd

        codes, words = pd.factorize(cells)
        return np.asarray(codes, np.int64), words
    numbers, distinct = number_distinct(cells.tolist())
    return numbers, _as_words(distinct)


def _is_for_pandas(cells: npt.NDArray[Any]) -> bool:
    return len(cells) >= _MIN_CELLS_FOR_PANDAS and "pandas" in sys.modules


def number_distinct(values: Sequence[Hashable]) -> tuple[Codes, list[Any]]:
    """Return the number of each value among the distinct ones, and these in order; -1 for None.

    >>> codes, distinct = number_distinct([0.5, None, 0.5])
    >>> codes.tolist(), distinct
    ([0, -1, 0], [0.5])
    """
    number_of: defaultdict[Hashable, int] = defaultdict()
    number_of.default_factory = lambda: len(number_of) - 1
    number_of[None] = -1
    numbers = map(number_of.__getitem__, values)
    codes = np.fromiter(numbers, np.int64, len(values))
    return codes, list(number_of)[1:]


def _as_words(words: Sequence[str | None]) -> Words:
    array = np.empty(len(words), dtype=object)
    array[:] = words
    return array


def _cells_of_series(series: Series) -> Cells:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        return _cells_of_categorical(series)
    if series.dtype == object:
        return _cells_of_objects(series)
    if isinstance(series.dtype, pd.PeriodDtype):
        timestamps: Any = series.dt.to_timestamp()
        return _cells_by_type(timestamps)
    return _cells_by_type(series)


def _cells_of_objects(series: Series) -> Cells:
    factorized = _factorize(series)
    if all(isinstance(word, str) for word in factorized.words):
        return factorized
    inferred = series.infer_objects()
    if inferred.dtype == object:
        return _spell_each(series)
    return _cells_of_series(inferred)


def _cells_by_type(series: Series) -> Cells:
    import pandas as pd

    types = pd.api.types
    if types.is_bool_dtype(series.dtype):
        return Typed(series.to_numpy(np.float64, na_value=np.nan), "flag")
    if types.is_numeric_dtype(series.dtype):
        return _cells_of_numbers(series)
    if types.is_timedelta64_dtype(series.dtype):
        seconds: Any = series.dt.total_seconds()
        return Typed(seconds.to_numpy(np.float64), "duration")
    if types.is_datetime64_any_dtype(series.dtype):
        return Typed(to_seconds(pd.DatetimeIndex(series)), "date")
    if types.is_string_dtype(series.dtype):
        return _factorize(series)
    return _spell_each(series)


def _cells_of_numbers(series: Series) -> Cells:
    import pandas as pd

    values = series.to_numpy(np.float64, na_value=np.nan)
    whole = pd.api.types.is_integer_dtype(series.dtype)
    if whole and len(values):
        largest = np.nanmax(np.abs(values), initial=0.0)
        if largest >= _MIN_INEXACT_INTEGER:
            return _spell_each(series)
    return Typed(values, is_integer=whole)


def to_seconds(dates: pd.DatetimeIndex) -> Floats:
    """Return seconds since 1970-01-01 UTC, to the microsecond.

    Dates without a time zone are taken as UTC.
    """
    if dates.tz is not None:
        dates = dates.tz_convert("UTC").tz_localize(None)
    micros = dates.as_unit("us")
    values: Floats = micros.asi8 / 1e6
    values[np.asarray(micros.isna())] = np.nan
    return values


def _factorize(series: Series) -> Spelled:
    import pandas as pd

    try:
        codes, words = pd.factorize(series)
    except TypeError:  # lists, dictionaries
        return _spell_each(series)
    return _spelled(codes, words)


def _spell_each(series: Series) -> Spelled:
    """Spell mixed objects one by one: those of equal hash (1, 1.0, True) must not become one."""
    words = [spell(value) for value in series]
    return _spelled(*factorize(_as_words(words)))


def _spelled(codes: npt.ArrayLike, words: npt.ArrayLike) -> Spelled:
    return Spelled(np.asarray(codes, np.int64), np.asarray(words, dtype=object))


def _cells_of_categorical(series: Series) -> Spelled:
    words = [spell(value) for value in series.cat.categories]
    codes, distinct = factorize(_as_words(words))
    mapping = np.append(codes, -1)
    rows = series.cat.codes.to_numpy(np.int64)
    return Spelled(mapping[rows], distinct, is_categorical=True)


def spell(value: Any) -> str:
    """Return a Python value as a CSV file would hold it; empty if it is missing.

    >>> spell(1.0), spell(1.5), spell(None), spell(True), spell("a")
    ('1', '1.5', '', 'True', 'a')
    """
    if isinstance(value, str):
        return value
    if value is None or _is_missing_of_pandas(value):
        return ""
    if isinstance(value, (float, np.floating)):
        return spell_number(float(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)


def _is_missing_of_pandas(value: Any) -> bool:
    if not type(value).__module__.startswith("pandas."):
        return False
    import pandas as pd

    return value is pd.NA or value is pd.NaT


def spell_number(value: float) -> str:
    """Return a number as text without an empty fraction; empty for NaN."""
    if value != value:
        return ""
    if value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    return repr(value)


def as_words(cells: Cells) -> Spelled:
    """Return typed cells as the words that a CSV file would hold."""
    if isinstance(cells, Spelled):
        return cells
    codes, distinct = _factorize_numbers(cells.values)
    if cells.kind == "date":
        words = _spell_moments(distinct)
    elif cells.kind == "flag":
        words = ["True" if value else "False" for value in distinct]
    else:
        words = list(map(spell_number, distinct))
    return Spelled(codes, _as_words(words))


def _factorize_numbers(values: Floats) -> tuple[Codes, list[float]]:
    """Return the code of each number, and the distinct ones in order; NaN has the code -1."""
    if _is_for_pandas(values):
        import pandas as pd

        codes, distinct = pd.factorize(values)
        return np.asarray(codes, np.int64), distinct.tolist()
    present = [None if value != value else value for value in values.tolist()]
    return number_distinct(present)


def _spell_moments(seconds: Sequence[float]) -> list[str]:
    import pandas as pd

    moments = pd.to_datetime(np.array(seconds, np.float64), unit="s")
    return list(map(str, moments.strftime("%Y-%m-%d %H:%M:%S")))


def normalize_cells(cells: Cells, *, missing_words: bool = True) -> Cells:
    """Strip words, and make missing words and infinite numbers missing.

    >>> normalize_cells(read_cells(TextColumn.of([" a", "a", "NA"]))).codes.tolist()
    [0, 0, -1]
    """
    if isinstance(cells, Typed):
        return _without_infinite(cells)
    # Few words begin like a missing one: looking at the first character spares the others.
    first = _FIRST_CHARACTERS_OF_MISSING if missing_words else frozenset[str]()
    tidied: list[str | None] = []
    for word in map(str.strip, cells.words.tolist()):
        is_missing = not word or (word[0] in first and word.casefold() in MISSING_WORDS)
        tidied.append(None if is_missing else word)
    if all(map(operator.is_, tidied, cells.words.tolist())):
        return cells
    codes, words = factorize(_as_words(tidied))
    mapping = np.append(codes, -1)
    return Spelled(mapping[cells.codes], words, cells.is_categorical)


def _without_infinite(cells: Typed) -> Typed:
    is_finite = np.isfinite(cells.values)
    if is_finite.all():
        return cells
    values = np.where(is_finite, cells.values, np.nan)
    return Typed(values, cells.kind, cells.is_integer)


def is_null_word(word: str) -> bool:
    """Return whether a word stands for a missing value without being blank.

    >>> [is_null_word(word) for word in ("a", "", "NA")]
    [False, False, True]
    """
    stripped = word.strip()
    if not 0 < len(stripped) <= _MAX_MISSING_LENGTH:
        return False
    return stripped.casefold() in MISSING_WORDS
