"""A raw column as cells: numbers where it has a type, distinct words where it is text. Parsing works on the distinct words."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.columns import Floats

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
MISSING_NUMBERS = frozenset(
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
)  # missing in columns of numbers and dates; among categories they stay a level of their own
_EXACT = 2.0**53  # whole numbers from here on lose digits as float64: they are read as words
_LONGEST_MISSING = max(map(len, MISSING_WORDS))
_FIRST_OF_MISSING = frozenset(
    letter for word in MISSING_WORDS if word for letter in (word[0].upper(), word[0].lower())
)


@dataclass(frozen=True)
class Typed:
    """A column that had a type: float64, NaN where missing. Dates are seconds since 1970-01-01 UTC."""

    values: Floats
    form: Literal["number", "flag", "date", "duration"] = "number"  # durations are seconds
    whole: bool = False  # whether its type was an integer's


@dataclass(frozen=True)
class Spelled:
    """A column of text: row i holds `words[codes[i]]`, -1 is missing. All words differ."""

    codes: Codes
    words: Words
    fixed: bool = False  # a pandas categorical: a category by its owner's word

    def counts(self) -> Codes:
        """How many rows hold each word."""
        present = (
            self.codes
            if not len(self.codes) or self.codes.min() >= 0
            else self.codes[self.codes >= 0]
        )
        return np.bincount(present, minlength=len(self.words)).astype(np.int64)

    def spread(self, table: Floats) -> Floats:
        """One value a row, given one value a word; NaN where missing."""
        spread: Floats = np.append(table, np.nan)[self.codes]
        return spread


Cells = Typed | Spelled


def read_cells(series: pd.Series[Any]) -> Cells:
    """The cells of a raw column, whatever type it has.

    >>> read_cells(pd.Series(["b", None, "b"])).codes.tolist(), read_cells(pd.Series([True, False])).form
    ([0, -1, 0], 'flag')
    """
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _categorical(series)
    if series.dtype == object:
        codes, words = _factorize(series)
        if all(isinstance(word, str) for word in words):
            return Spelled(codes, words)
        better = series.infer_objects()
        return _spelled_anew(series) if better.dtype == object else read_cells(better)
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    return _by_type(series)


def _by_type(series: pd.Series[Any]) -> Cells:
    kinds = pd.api.types
    if kinds.is_bool_dtype(series.dtype):
        return Typed(series.to_numpy(np.float64, na_value=np.nan), "flag")
    if kinds.is_numeric_dtype(series.dtype):
        values = series.to_numpy(np.float64, na_value=np.nan)
        whole = kinds.is_integer_dtype(series.dtype)
        if whole and len(values) and np.nanmax(np.abs(values), initial=0.0) >= _EXACT:
            return _spelled_anew(series)
        return Typed(values, whole=whole)
    if kinds.is_timedelta64_dtype(series.dtype):
        return Typed(series.dt.total_seconds().to_numpy(np.float64), "duration")
    if kinds.is_datetime64_any_dtype(series.dtype):
        return Typed(seconds(pd.DatetimeIndex(series)), "date")
    if kinds.is_string_dtype(series.dtype):
        codes, words = _factorize(series)
        return Spelled(codes, words)
    return _spelled_anew(series)


def seconds(dates: pd.DatetimeIndex) -> Floats:
    """Seconds since 1970-01-01 UTC, to the microsecond; dates without a time zone are taken as UTC."""
    naive = dates if dates.tz is None else dates.tz_convert("UTC").tz_localize(None)
    micros = naive.as_unit("us")
    values: Floats = micros.asi8 / 1e6
    values[np.asarray(micros.isna())] = np.nan
    return values


def _factorize(series: pd.Series[Any]) -> tuple[Codes, Words]:
    try:
        codes, words = pd.factorize(series)
    except TypeError:  # lists, dictionaries
        spelled = _spelled_anew(series)
        return spelled.codes, spelled.words
    return np.asarray(codes, np.int64), np.asarray(words, dtype=object)


def _spelled_anew(series: pd.Series[Any]) -> Spelled:
    """Mixed objects, each spelled by itself: equal hashes (1, 1.0, True) must not fall together."""
    spelled = pd.Series([spell(value) for value in series], dtype=object)
    codes, words = pd.factorize(spelled)
    return Spelled(np.asarray(codes, np.int64), np.asarray(words, dtype=object))


def _categorical(series: pd.Series[Any]) -> Spelled:
    words = [spell(value) for value in series.cat.categories]
    codes, distinct = pd.factorize(pd.Series(words, dtype=object))
    mapping = np.append(np.asarray(codes, np.int64), -1)
    return Spelled(
        mapping[series.cat.codes.to_numpy(np.int64)], np.asarray(distinct, dtype=object), fixed=True
    )


def spell(value: Any) -> str:
    """A Python value as it would stand in a CSV; empty if it is missing.

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
    """A number without an empty fraction; empty for NaN."""
    if value != value:
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)


def as_words(cells: Cells) -> Spelled:
    """Typed cells as the words a CSV would hold."""
    if isinstance(cells, Spelled):
        return cells
    codes, values = pd.factorize(cells.values)
    if cells.form == "date":
        words = [
            str(text) for text in pd.to_datetime(values, unit="s").strftime("%Y-%m-%d %H:%M:%S")
        ]
    elif cells.form == "flag":
        words = ["True" if value else "False" for value in values]
    else:
        words = [spell_number(float(value)) for value in values]
    return Spelled(np.asarray(codes, np.int64), np.array(words, dtype=object))


def tidy(cells: Cells, *, missing_words: bool = True) -> Cells:
    """Words without space around them, missing words as missing, and infinite numbers as missing.

    >>> tidy(read_cells(pd.Series([" a", "a", "NA"]))).codes.tolist()
    [0, 0, -1]
    """
    if isinstance(cells, Typed):
        return (
            cells
            if np.isfinite(cells.values).all()
            else Typed(
                np.where(np.isfinite(cells.values), cells.values, np.nan), cells.form, cells.whole
            )
        )
    first = (
        _FIRST_OF_MISSING if missing_words else frozenset[str]()
    )  # a look at it spares most words the others
    stripped = list(map(str.strip, cells.words.tolist()))
    kept = [
        None if not word or (word[0] in first and word.casefold() in MISSING_WORDS) else word
        for word in stripped
    ]
    if all(map(operator.is_, kept, cells.words.tolist())):
        return cells
    codes, words = pd.factorize(pd.Series(kept, dtype=object))
    mapping = np.append(np.asarray(codes, np.int64), -1)
    return Spelled(mapping[cells.codes], np.asarray(words, dtype=object), cells.fixed)


def null_words(words: Iterable[str]) -> list[str]:
    """Those of the words that stand for a missing value without being blank.

    >>> null_words(["a", "", "NA"])
    ['NA']
    """
    stripped = ((word, word.strip()) for word in words)
    return [
        word
        for word, bare in stripped
        if 0 < len(bare) <= _LONGEST_MISSING and bare.casefold() in MISSING_WORDS
    ]
