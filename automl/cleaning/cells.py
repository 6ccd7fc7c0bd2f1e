"""Turn a raw column into cells: numbers where it has a type, distinct words where it is text.

Parsing works on the distinct words.
"""

from __future__ import annotations

import datetime as dt
import operator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.arrays import Floats

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


def read_cells(series: pd.Series[Any]) -> Cells:
    """Return the cells of a raw column, whatever type it has.

    >>> read_cells(pd.Series(["b", None, "b"])).codes.tolist()
    [0, -1, 0]
    >>> read_cells(pd.Series([True, False])).kind
    'flag'
    """
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _cells_of_categorical(series)
    if series.dtype == object:
        return _cells_of_objects(series)
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    return _cells_by_type(series)


def _cells_of_objects(series: pd.Series[Any]) -> Cells:
    factorized = _factorize(series)
    if all(isinstance(word, str) for word in factorized.words):
        return factorized
    inferred = series.infer_objects()
    if inferred.dtype == object:
        return _spell_each(series)
    return read_cells(inferred)


def _cells_by_type(series: pd.Series[Any]) -> Cells:
    types = pd.api.types
    if types.is_bool_dtype(series.dtype):
        return Typed(series.to_numpy(np.float64, na_value=np.nan), "flag")
    if types.is_numeric_dtype(series.dtype):
        return _cells_of_numbers(series)
    if types.is_timedelta64_dtype(series.dtype):
        return Typed(series.dt.total_seconds().to_numpy(np.float64), "duration")
    if types.is_datetime64_any_dtype(series.dtype):
        return Typed(to_seconds(pd.DatetimeIndex(series)), "date")
    if types.is_string_dtype(series.dtype):
        return _factorize(series)
    return _spell_each(series)


def _cells_of_numbers(series: pd.Series[Any]) -> Cells:
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


def _factorize(series: pd.Series[Any]) -> Spelled:
    try:
        codes, words = pd.factorize(series)
    except TypeError:  # lists, dictionaries
        return _spell_each(series)
    return _spelled(codes, words)


def _spell_each(series: pd.Series[Any]) -> Spelled:
    """Spell mixed objects one by one: those of equal hash (1, 1.0, True) must not become one."""
    words = [spell(value) for value in series]
    return _spelled(*pd.factorize(pd.Series(words, dtype=object)))


def _spelled(codes: npt.ArrayLike, words: npt.ArrayLike) -> Spelled:
    return Spelled(np.asarray(codes, np.int64), np.asarray(words, dtype=object))


def _cells_of_categorical(series: pd.Series[Any]) -> Spelled:
    words = [spell(value) for value in series.cat.categories]
    codes, distinct = pd.factorize(pd.Series(words, dtype=object))
    mapping = np.append(np.asarray(codes, np.int64), -1)
    rows = series.cat.codes.to_numpy(np.int64)
    return Spelled(mapping[rows], np.asarray(distinct, dtype=object), is_categorical=True)


def spell(value: Any) -> str:
    """Return a Python value as a CSV file would hold it; empty if it is missing.

    >>> spell(1.0), spell(1.5), spell(None), spell(True), spell("a")
    ('1', '1.5', '', 'True', 'a')
    """
    if isinstance(value, str):
        return value
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, (float, np.floating)):
        return spell_number(float(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)


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
    codes, values = pd.factorize(cells.values)
    if cells.kind == "date":
        moments = pd.to_datetime(values, unit="s")
        words = [str(text) for text in moments.strftime("%Y-%m-%d %H:%M:%S")]
    elif cells.kind == "flag":
        words = ["True" if value else "False" for value in values]
    else:
        words = [spell_number(float(value)) for value in values]
    return Spelled(np.asarray(codes, np.int64), np.array(words, dtype=object))


def normalize_cells(cells: Cells, *, missing_words: bool = True) -> Cells:
    """Strip words, and make missing words and infinite numbers missing.

    >>> normalize_cells(read_cells(pd.Series([" a", "a", "NA"]))).codes.tolist()
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
    codes, words = pd.factorize(pd.Series(tidied, dtype=object))
    mapping = np.append(np.asarray(codes, np.int64), -1)
    return Spelled(mapping[cells.codes], np.asarray(words, dtype=object), cells.is_categorical)


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
