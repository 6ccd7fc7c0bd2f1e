"""The fitted Cleaner: it makes typed columns of a table's raw ones, at fit and at predict alike.

Needs numpy alone for tables of text.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from automl.arrays import Floats
from automl.cleaning.cells import Cells, normalize_cells, read_cells
from automl.cleaning.cells_as_at_fit import booleans_as_at_fit, in_fitted_unit
from automl.cleaning.cleaner_state import (
    read_codes,
    read_keys,
    read_names,
    read_rules,
    read_second_rules,
)
from automl.cleaning.column_names import add_second_readings, name_columns
from automl.cleaning.decimals import DecimalSign
from automl.cleaning.dual_typed import read_second
from automl.cleaning.kinds import Rule
from automl.cleaning.names import with_names_of_fit
from automl.cleaning.predict_signs import with_table_signs
from automl.cleaning.reading import ReadColumn
from automl.columns import Categories, Column, Columns, Numbers
from automl.errors import InputError, UnsafeModel, suggestion
from automl.state import State
from automl.table import FileFormat, Table, as_series

Values = tuple[float, ...]

CLEANER_FORMAT = 2
# Files of earlier versions lack some of these.
_DEFAULT_STATE: Mapping[str, Any] = {
    "columns": None,
    "missing_words": True,
    "unused": [],
    "codes": {},
    "twins": {},
    "keys": [],
    "form": None,
    "sign": None,
}
_MAX_COLUMNS_NAMED = 5  # in a message
_MAX_CELLS_SEARCHED = 100  # for an example of a wrong cell
_MAX_EXAMPLE_LENGTH = 60  # characters


@dataclass(frozen=True)
class UnknownCounts:
    """Numbers of cells, by column, and names of columns that a Cleaner does not know.

    >>> UnknownCounts(unseen={"city": 2}, extra=("note",)).text()
    '2 unseen categories in city; 1 column not used: note'
    """

    unseen: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(default_factory=dict)
    extra: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is anything unknown."""
        return bool(self.unseen or self.unreadable or self.extra)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "unseen": dict(self.unseen),
            "unreadable": dict(self.unreadable),
            "extra": list(self.extra),
        }

    def text(self) -> str:
        """Return one line for people; empty if everything is known."""
        parts: list[str] = []
        for name, count in self.unseen.items():
            noun = "category" if count == 1 else "categories"
            parts.append(f"{count} unseen {noun} in {name}")
        for name, count in self.unreadable.items():
            noun = "cell" if count == 1 else "cells"
            parts.append(f"{count} unreadable {noun} in {name}")
        count = len(self.extra)
        if count:
            noun = "column" if count == 1 else "columns"
            names = ", ".join(self.extra[:_MAX_COLUMNS_NAMED])
            parts.append(f"{count} {noun} not used: {names}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Transformed:
    """A table as the Cleaner read it."""

    columns: Columns
    counts: UnknownCounts

    def text(self) -> str:
        """Return one line for people on the unknown parts of the table; empty if there are none."""
        return self.counts.text()


@dataclass(frozen=True)
class Cleaner:
    """The rules of all columns that are features.

    Parameters
    ----------
    rules : mapping of str to Rule
        By column, in the table's order.
    missing_words : bool
        Whether words such as NA count as missing.
    unused : tuple of str
        Columns that were there at fit and are not needed: dropped or ignored ones, weights, groups.
        At predict they are not reported.
    category_values : mapping of str to tuple of float
        Number columns that are also categories, with their values, increasing.
    second_rules : mapping of str to Rule
        The second rules of columns that are also read in a second way.
    key_columns : tuple of str
        The columns with codes that are categories only, and no numbers.
    form : Form or None
        How the file at fit was cut into cells; None if the table came from Python.
    sign : DecimalSign, optional
        The decimal sign of the table at fit; not known from files of earlier versions.
    """

    rules: Mapping[str, Rule]
    missing_words: bool = True
    unused: tuple[str, ...] = ()
    category_values: Mapping[str, Values] = field(default_factory=dict)
    second_rules: Mapping[str, Rule] = field(default_factory=dict)
    key_columns: tuple[str, ...] = ()
    form: FileFormat | None = None
    sign: DecimalSign | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The raw columns that are needed."""
        return tuple(self.rules)

    def transform(self, table: Table) -> Transformed:
        """Return the typed columns of a table, row for row.

        Raises
        ------
        InputError
            If a needed column is missing, none of its cells is of the kind that it had at fit, or
            a number has two readings.
        """
        known = (*self.rules, *self.unused)
        table = with_names_of_fit(table, known)
        self._check_names(table)
        cells_by_name = self._read_cells(table)
        first: dict[str, Sequence[Column]] = {}
        second: dict[str, Sequence[Column]] = {}
        unseen: dict[str, int] = {}
        unreadable: dict[str, int] = {}
        rules = with_table_signs(self.rules, cells_by_name, table, self.sign)
        for name, rule in rules.items():
            cells = cells_by_name.pop(name)
            cells = in_fitted_unit(cells, rule, table.form, self.form)
            cells = booleans_as_at_fit(cells, rule)
            read = rule.read(cells)
            _check_kind(read, rule, name, table)
            first[name] = read.columns
            if name in self.second_rules:
                second_rule = self.second_rules[name]
                second[name] = read_second(second_rule, cells, read.column)
            if read.n_unseen:
                unseen[name] = read.n_unseen
            if read.n_unreadable:
                unreadable[name] = read.n_unreadable
        named = name_columns(first)
        single = Columns(named, table.n_rows)
        dual = add_second_readings(single, second)
        columns = self.add_categorical_integers(dual)
        for name in self.key_columns:
            n_new = _count_new_keys(dual[name], columns[name])
            if n_new:
                unseen[name] = n_new
        extra = self._extra_names(table)
        counts = UnknownCounts(unseen, unreadable, extra)
        return Transformed(columns, counts)

    def _read_cells(self, table: Table) -> dict[str, Cells]:
        cells: dict[str, Cells] = {}
        for name in self.rules:
            raw = read_cells(table.columns[name])
            cells[name] = normalize_cells(raw, missing_words=self.missing_words)
        return cells

    def _extra_names(self, table: Table) -> tuple[str, ...]:
        known = {*self.rules, *self.unused}
        return tuple(name for name in table.names if name not in known)

    def with_categorical_integers(
        self,
        names: Iterable[str],
        columns: Columns,
        keys: Iterable[str] = (),
    ) -> Cleaner:
        """Return a Cleaner that also makes categories of some number columns.

        Parameters
        ----------
        names : iterable of str
            Columns that become categories in addition.
        columns : Columns
            The columns whose values are the categories.
        keys : iterable of str
            Columns that become categories only.
        """
        only = tuple(keys)
        codes: dict[str, Values] = {}
        for name in (*names, *only):
            codes[name] = _distinct_values(columns[name])
        return replace(self, category_values=codes, key_columns=only)

    def add_categorical_integers(self, columns: Columns) -> Columns:
        """Return columns with a category added for each code, and one in place of each key."""
        added: dict[str, Sequence[Column]] = {}
        in_place: dict[str, Column] = {}
        for name, known in self._known_numbers.items():
            category = _as_category(columns[name], known)
            if name in self.key_columns:
                in_place[name] = category
            else:
                added[name] = [category]
        together = add_second_readings(columns, added, "code")
        by_name = {**together.by_name, **in_place}
        return Columns(by_name, columns.n_rows)

    @cached_property
    def _known_numbers(self) -> Mapping[str, _KnownNumbers]:
        """The numbers that are categories, spelled once and not at every prediction."""
        known = {}
        for name, values in self.category_values.items():
            known[name] = _KnownNumbers.of(values)
        return known

    def _check_names(self, table: Table) -> None:
        missing = [name for name in self.rules if name not in table.columns]
        if not missing:
            return
        spare = [name for name in table.names if name not in self.rules]
        shown = missing[:_MAX_COLUMNS_NAMED]
        named = ", ".join(map(repr, shown))
        if len(missing) == 1:
            hint = suggestion(missing[0], spare)
            raise InputError(
                f"{table.source}: the column {named} that the model needs is missing.{hint}"
            )
        n_more = len(missing) - _MAX_COLUMNS_NAMED
        if n_more > 0:
            named += f" and {n_more} more"
        raise InputError(
            f"{table.source}: {len(missing)} columns {named} that the model needs are missing."
            f"{_suggest_several(missing, spare)}"
        )

    def schema(self) -> list[dict[str, Any]]:
        """Describe each input by `name`, `kind`, and details such as a category's examples."""
        inputs: list[dict[str, Any]] = []
        for name, rule in self.rules.items():
            described = {"name": name, "kind": rule.kind}
            inputs.append(described | rule.describe())
        return inputs

    def to_state(self) -> State:
        """Return plain values that `from_state` reads."""
        columns: list[State] = []
        for name, rule in self.rules.items():
            columns.append({"name": name, **_rule_state(rule)})
        twins: dict[str, State] = {}
        for name, rule in self.second_rules.items():
            twins[name] = _rule_state(rule)
        codes: dict[str, list[float]] = {}
        for name, values in self.category_values.items():
            codes[name] = list(values)
        state: dict[str, Any] = {
            "format": CLEANER_FORMAT,
            "missing_words": self.missing_words,
            "unused": list(self.unused),
            "columns": columns,
            "codes": codes,
            "keys": list(self.key_columns),
            "twins": twins,
            "form": None,
            "sign": None,
        }
        if self.form is not None:
            state["form"] = self.form.to_json()
        if self.sign is not None:
            state["sign"] = self.sign.to_state()
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Cleaner:
        """Return the Cleaner that `to_state` wrote.

        Raises
        ------
        UnsafeModel
            For anything that `to_state` doesn't write.
        """
        if state.get("format") != CLEANER_FORMAT:
            raise UnsafeModel(f"the model file's cleaner is not of format {CLEANER_FORMAT}")
        state = {**_DEFAULT_STATE, **state}
        rules = read_rules(state["columns"])
        unused = read_names(state["unused"])
        twins = read_second_rules(state["twins"], rules)
        codes = read_codes(state["codes"], rules, twins)
        keys = read_keys(state["keys"], codes)
        form = state["form"]
        if form is not None:
            form = FileFormat.from_json(form)
        sign = state["sign"]
        if sign is not None:
            sign = DecimalSign.from_state(sign)
        missing_words = bool(state["missing_words"])
        return cls(
            rules,
            missing_words,
            unused,
            codes,
            twins,
            keys,
            form,
            sign,
        )


def _rule_state(rule: Rule) -> State:
    return {"kind": rule.kind, **rule.to_state()}


def _distinct_values(column: Column) -> Values:
    """Return the different values, increasing."""
    assert isinstance(column, Numbers)
    distinct = np.unique(column.values)
    present = distinct[~np.isnan(distinct)]
    return tuple(present.tolist())


@dataclass(frozen=True)
class _KnownNumbers:
    """The numbers of a column that are categories, increasing, and their spelling."""

    values: Floats
    levels: tuple[str, ...]

    @classmethod
    def of(cls, values: Values) -> _KnownNumbers:
        levels = tuple(f"{value:.15g}" for value in values)
        return cls(np.array(values), levels)


def _as_category(column: Column, known: _KnownNumbers) -> Categories:
    """Return a category of a number's known values; others have the code -1."""
    assert isinstance(column, Numbers)
    values = known.values
    last = len(values) - 1
    indices = np.searchsorted(values, column.values)
    indices = np.minimum(indices, last)
    is_known = values[indices] == column.values
    codes = np.where(is_known, indices, -1)
    return Categories(codes.astype(np.int32), known.levels)


def _count_new_keys(keys: Column, coded: Column) -> int:
    """Return the number of rows whose key was not there at fit, and so has no code."""
    assert isinstance(keys, Numbers)
    assert isinstance(coded, Categories)
    is_present = ~np.isnan(keys.values)
    is_new = is_present & (coded.codes < 0)
    return int(is_new.sum())


def _check_kind(
    read: ReadColumn,
    rule: Rule,
    name: str,
    table: Table,
) -> None:
    """Refuse a column if none of its cells is of the kind that it had at fit."""
    if not rule.none_found or not read.n_present:
        return
    if read.n_unreadable < read.n_present:
        return
    present = as_series(table.columns[name]).dropna()
    example = ""
    for cell in present.head(_MAX_CELLS_SEARCHED).tolist():
        word = str(cell)
        if word.strip():
            example = f" such as {word[:_MAX_EXAMPLE_LENGTH]!r}"
            break
    raise InputError(
        f"{table.source}: column {name!r} was a {rule.kind} at fit, "
        f"but {rule.none_found} is in it: {read.n_present} cells{example}"
    )


def _suggest_several(missing: list[str], spare: list[str]) -> str:
    """Return a question with the present names that are close to missing ones, if there are any."""
    pairs: list[str] = []
    for name in missing[:_MAX_COLUMNS_NAMED]:
        matches = difflib.get_close_matches(name, spare, n=1)
        if matches:
            pairs.append(f"{matches[0]!r} for {name!r}")
    if not pairs:
        return ""
    return f" Did you mean {', '.join(pairs)}?"
