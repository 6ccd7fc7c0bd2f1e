"""The fitted Cleaner: a table's raw columns to typed ones, at fit and at predict alike. Needs numpy and pandas only."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from automl.cleaning.cells import Cells, Spelled, read_cells, tidy
from automl.cleaning.decimals import DecimalSign, Evidence, weigh_cells
from automl.cleaning.dual_typed import read_twin
from automl.cleaning.names import with_names_of_fit
from automl.cleaning.rules import (
    CategoryRule,
    DateRule,
    FlagRule,
    NumberRule,
    PartsRule,
    Read,
    Rule,
    rule_from_state,
)
from automl.cleaning.signs import Seen, check_thousands, signs_at_predict
from automl.cleaning.truths import as_at_fit, in_days
from automl.columns import Categories, Column, Columns, Floats, Numbers
from automl.errors import InputError, UnsafeModel, suggestion
from automl.state import State
from automl.table import Form, Table

FORMAT = 2
_NAMED = 5  # missing columns that a message names
_WRONG = {
    "number": "no number",
    "duration": "no duration",
    "flag": "neither true nor false",
    "date": "no date",
}
_TWICE = {
    frozenset(["category", "text"]),
    frozenset(["category", "parts"]),
}  # kinds of one column, in any order
_WORDS_AMONG = frozenset(
    ["number", "date", "duration"]
)  # kinds that may hold words, which are a category


@dataclass(frozen=True)
class Counts:
    """What a table held that the Cleaner had never seen: cells by column, and columns that it does not know.

    >>> Counts(unseen={"city": 2}, extra=("note",)).text()
    '2 unseen categories in city; 1 column not used: note'
    """

    unseen: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(default_factory=dict)
    extra: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there was anything."""
        return bool(self.unseen or self.unreadable or self.extra)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "unseen": dict(self.unseen),
            "unreadable": dict(self.unreadable),
            "extra": list(self.extra),
        }

    def text(self) -> str:
        """One line for people; empty if there was nothing."""
        parts = [
            f"{count} unseen categor{'y' if count == 1 else 'ies'} in {name}"
            for name, count in self.unseen.items()
        ]
        parts += [
            f"{count} unreadable cell{'s' * (count > 1)} in {name}"
            for name, count in self.unreadable.items()
        ]
        if self.extra:
            parts.append(
                f"{len(self.extra)} column{'s' * (len(self.extra) > 1)} not used: {', '.join(self.extra[:_NAMED])}"
            )
        return "; ".join(parts)


@dataclass(frozen=True)
class Applied:
    """A table as the Cleaner read it."""

    columns: Columns
    counts: Counts

    def text(self) -> str:
        """What was odd about the table, in one line for people; empty if nothing was."""
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
        Columns that were there at fit and are not needed: dropped or ignored ones, weights, groups. They are nothing to wonder about.
    codes : mapping of str to tuple of float
        Number columns that are categories, too, with their values, increasing.
    twins : mapping of str to Rule
        Columns that are read in a second way, too.
    keys : tuple of str
        Those of the codes that are categories only, and no numbers.
    form : Form or None
        How the file at fit was cut into cells; None if the table came from Python.
    sign : DecimalSign, optional
        The decimal sign of the table at fit; not known from files of earlier versions.
    """

    rules: Mapping[str, Rule]
    missing_words: bool = True
    unused: tuple[str, ...] = ()
    codes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    twins: Mapping[str, Rule] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    form: Form | None = None
    sign: DecimalSign | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The raw columns that are needed."""
        return tuple(self.rules)

    def transform(self, table: Table) -> Applied:
        """Typed columns of a table, row for row.

        Raises
        ------
        InputError
            If a needed column is missing, nothing in it can be read as what it was at fit, or a number has two readings.
        """
        table = with_names_of_fit(table, (*self.rules, *self.unused))
        self._check_names(table)
        columns: dict[str, Sequence[Column]] = {}
        unseen: dict[str, int] = {}
        unreadable: dict[str, int] = {}
        second: dict[str, Sequence[Column]] = {}
        by_name = {
            name: tidy(read_cells(table.columns[name]), missing_words=self.missing_words)
            for name in self.rules
        }
        for name, rule in self._rules_for(table, by_name).items():
            cells = as_at_fit(in_days(by_name.pop(name), rule, table.form, self.form), rule)
            read = rule.read(cells)
            _check_kind(read, rule, name, table)
            columns[name] = read.columns
            if name in self.twins:
                second[name] = read_twin(self.twins[name], cells, read.column)
            if read.unseen:
                unseen[name] = read.unseen
            if read.unreadable:
                unreadable[name] = read.unreadable
        extra = tuple(
            name for name in table.names if name not in self.rules and name not in self.unused
        )
        made = beside(Columns(numbered(columns), table.n_rows), second)
        coded = self.coded(made)
        new = {name: _count_new(made[name], coded[name]) for name in self.keys}
        unseen |= {name: count for name, count in new.items() if count}
        return Applied(coded, Counts(unseen, unreadable, extra))

    def _rules_for(self, table: Table, cells: Mapping[str, Cells]) -> Mapping[str, Rule]:
        """The rules, those of numbers with the decimal sign of this table."""
        ruled = {name: rule for name, rule in self.rules.items() if isinstance(rule, NumberRule)}
        found = {name: weigh_cells(cells[name]) for name in ruled}
        if not any(one.either or one.sign is not None for one in found.values()):
            return self.rules
        separator = table.form.separator if table.form is not None else None
        fit = self.sign or DecimalSign(separator=separator)
        seen = {name: Seen(rule.comma, rule.sizes) for name, rule in ruled.items()}
        if all(one.sign is None for one in found.values()):  # columns that aren't needed may tell
            for name, one in self._others(table).items():
                found[name], seen[name] = one, Seen(fit.comma, None)
        signs = signs_at_predict(found, seen, fit, separator, table.source)
        for name in ruled:
            if isinstance(spelled := cells[name], Spelled):
                check_thousands(spelled.words.tolist(), signs[name], seen[name], name, table.source)
        return {
            **self.rules,
            **{name: replace(rule, comma=signs[name]) for name, rule in ruled.items()},
        }

    def _others(self, table: Table) -> dict[str, Evidence]:
        """What columns that the model doesn't need show of the decimal sign."""
        others = {
            name: weigh_cells(read_cells(table.columns[name]))
            for name in table.names
            if name not in self.rules
        }
        return {
            name: replace(one, either=()) for name, one in others.items() if one.sign is not None
        }

    def with_codes(
        self, names: Iterable[str], columns: Columns, keys: Iterable[str] = ()
    ) -> Cleaner:
        """The same with some number columns as categories, too, and with keys as categories only: of the values that they have."""
        only = tuple(keys)
        return replace(
            self, codes={name: _values(columns[name]) for name in (*names, *only)}, keys=only
        )

    def coded(self, columns: Columns) -> Columns:
        """The columns, and beside each number that is a code the same as a category; in place of each key that alone."""
        made = {
            name: _as_category(columns[name], np.array(values))
            for name, values in self.codes.items()
        }
        together = beside(
            columns, {name: [code] for name, code in made.items() if name not in self.keys}, "code"
        )
        return Columns(
            {**together.by_name, **{name: made[name] for name in self.keys}}, columns.n_rows
        )

    def _check_names(self, table: Table) -> None:
        missing = [name for name in self.rules if name not in table.columns]
        if not missing:
            return
        named = ", ".join(map(repr, missing[:_NAMED])) + (
            f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        )
        spare = [name for name in table.names if name not in self.rules]
        hint = suggestion(missing[0], spare) if len(missing) == 1 else _hints(missing, spare)
        what = "the column" if len(missing) == 1 else f"{len(missing)} columns"
        raise InputError(
            f"{table.source}: {what} {named} that the model needs {'is' if len(missing) == 1 else 'are'} missing.{hint}"
        )

    def schema(self) -> list[dict[str, Any]]:
        """What each input is: `name`, `kind`, and for categories their number and some examples."""
        return [
            {"name": name, "kind": rule.kind, **_details(rule)} for name, rule in self.rules.items()
        ]

    def to_state(self) -> State:
        """Plain values, to be read by `from_state`."""
        columns = [
            {"name": name, "kind": rule.kind, **rule.to_state()}
            for name, rule in self.rules.items()
        ]
        return {
            "format": FORMAT,
            "missing_words": self.missing_words,
            "unused": list(self.unused),
            "columns": columns,
        } | {
            "codes": {name: list(values) for name, values in self.codes.items()},
            "keys": list(self.keys),
            "twins": {
                name: {"kind": rule.kind, **rule.to_state()} for name, rule in self.twins.items()
            },
            "form": None if self.form is None else self.form.to_json(),
            "sign": self.sign.to_state() if self.sign is not None else None,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Cleaner:
        """The Cleaner that `to_state` wrote.

        Raises
        ------
        UnsafeModel
            For anything that `to_state` doesn't write.
        """
        if state.get("format") != FORMAT:
            raise UnsafeModel(f"the model file's cleaner is not of format {FORMAT}")
        items = state.get("columns")
        if not isinstance(items, list) or not all(
            isinstance(item, dict) and isinstance(item.get("name"), str) for item in items
        ):
            raise UnsafeModel("the model file's cleaner holds no list of columns")
        rules = {item["name"]: rule_from_state(item) for item in items}
        if len(rules) != len(items):
            raise UnsafeModel("the model file's cleaner holds a column twice")
        unused = state.get("unused", [])
        if not isinstance(unused, list) or not all(isinstance(name, str) for name in unused):
            raise UnsafeModel(
                "the model file's cleaner holds something else where names are expected"
            )
        twins = state.get("twins", {})
        if not isinstance(twins, dict) or not twins.keys() <= rules.keys():
            raise UnsafeModel(
                "the model file's cleaner has twins of something else than its columns"
            )
        read_twice = {name: rule_from_state(item) for name, item in twins.items()}
        if not all(_may_be_read_twice(rules[name], rule) for name, rule in read_twice.items()):
            raise UnsafeModel(
                "the model file's cleaner reads something else twice than categories and texts"
            )
        coded, keys = state.get("codes", {}), state.get("keys", [])
        codes = _codes(coded, _number_names(rules, read_twice) if coded else set())
        if not isinstance(keys, list) or not all(
            isinstance(name, str) and name in codes for name in keys
        ):
            raise UnsafeModel("the model file's cleaner has keys of something else than its codes")
        plain = state.get("form")
        form = None if plain is None else Form.from_json(plain)
        missing_words = bool(state.get("missing_words", True))
        sign = state.get("sign")
        signed = None if sign is None else DecimalSign.from_state(sign)
        return cls(
            rules, missing_words, tuple(unused), codes, read_twice, tuple(keys), form, signed
        )


def _may_be_read_twice(first: Rule, second: Rule) -> bool:
    if first.kind in _WORDS_AMONG:
        return second.kind == "category"
    return frozenset([first.kind, second.kind]) in _TWICE and first.kind != "parts"


def _number_names(rules: Mapping[str, Rule], twins: Mapping[str, Rule]) -> set[str]:
    """Return the names of the number columns that rules make."""
    nothing = Spelled(np.empty(0, np.int64), np.empty(0, object))
    first, second = (
        {name: rule.read(nothing).columns for name, rule in some.items()} for some in (rules, twins)
    )
    return set(beside(Columns(numbered(first), 0), second).names("number"))


def _codes(state: Any, names: set[str]) -> dict[str, tuple[float, ...]]:
    """The values of the numbers that are codes."""
    if not isinstance(state, dict) or not state.keys() <= names:
        raise UnsafeModel("the model file's cleaner has codes of something else than its numbers")
    codes = {name: tuple(map(float, values)) for name, values in state.items()}
    if not all(
        values and all(low < high for low, high in pairwise(values)) for values in codes.values()
    ):
        raise UnsafeModel("the model file's cleaner has codes that do not increase")
    return codes


def _values(column: Column) -> tuple[float, ...]:
    """The different values, increasing."""
    assert isinstance(column, Numbers)
    seen = np.unique(column.values)
    return tuple(seen[~np.isnan(seen)].tolist())


def numbered(columns: Mapping[str, Sequence[Column]]) -> dict[str, Column]:
    """Name what became of each raw column: as it is called, and with a number if it became several.

    >>> empty = Numbers(np.empty(0))
    >>> [*numbered({"pressure": [empty, empty], "age": [empty]})]
    ['pressure [1]', 'pressure [2]', 'age']
    """
    known = set(columns)
    made: dict[str, Column] = {}
    for name, parts in columns.items():
        for place, column in enumerate(parts, start=1):
            made[name if len(parts) == 1 else _free(f"{name} [{place}]", known)] = column
    return made


def _free(name: str, taken: set[str]) -> str:
    return _free(f"{name}'", taken) if name in taken else name


def beside(columns: Columns, twins: Mapping[str, Sequence[Column]], label: str = "") -> Columns:
    """Put beside each column that is read in a second way what comes of it."""
    by_name = dict(columns.by_name)
    for name, made in twins.items():
        for place, column in enumerate(made, start=1):
            what = label or _label(columns.by_name.get(name), column)
            by_name[_twin(name, what if len(made) == 1 else f"{what} {place}", by_name)] = column
    return Columns(by_name, columns.n_rows)


def _label(first: Column | None, second: Column) -> str:
    """What a second reading of a column is called."""
    if isinstance(second, Categories):
        return "word" if isinstance(first, Numbers) else "code"
    return "number" if isinstance(second, Numbers) else "spelling"


def _twin(name: str, label: str, taken: Mapping[str, Column]) -> str:
    """A name for a column that is read in a second way.

    >>> code = Categories(np.zeros(1, np.int32), ("7",))
    >>> _twin("city", "code", {}), _twin("city", "code", {"city (code)": code})
    ('city (code)', 'city (code) (code)')
    """
    made = f"{name} ({label})"
    return _twin(made, label, taken) if made in taken else made


_READ_AGAIN = re.compile(r"( \[\d+\]'*)?( \((code|word|number|spelling)( \d+)?\))*")


def is_made_of(name: str, raw: str) -> bool:
    """Whether a typed column was made of a raw one, as one of several or read in a second way.

    >>> [is_made_of(name, "paid") for name in ("paid", "paid (code)", "paid [2]", "paid (last year)")]
    [True, True, True, False]
    """
    return name.startswith(raw) and _READ_AGAIN.fullmatch(name, len(raw)) is not None


def _as_category(column: Column, values: Floats) -> Categories:
    """Codes of a number's values; -1 for others."""
    assert isinstance(column, Numbers)
    places = np.minimum(np.searchsorted(values, column.values), len(values) - 1)
    codes = np.where(values[places] == column.values, places, -1).astype(np.int32)
    return Categories(codes, tuple(f"{value:.15g}" for value in values))


def _count_new(keys: Column, coded: Column) -> int:
    """How many keys of a column were not there at fit, and so have no code."""
    assert isinstance(keys, Numbers)
    assert isinstance(coded, Categories)
    return int(((coded.codes < 0) & ~np.isnan(keys.values)).sum())


def _check_kind(read: Read, rule: Rule, name: str, table: Table) -> None:
    if rule.kind in _WRONG and read.present and read.unreadable == read.present:
        words = (str(value) for value in table.columns[name].dropna().head(100).tolist())
        shown = next((f" such as {word[:60]!r}" for word in words if word.strip()), "")
        raise InputError(
            f"{table.source}: column {name!r} was a {rule.kind} at fit, but {_WRONG[rule.kind]} is in it: {read.present} cells{shown}"
        )


def _hints(missing: list[str], spare: list[str]) -> str:
    close = {
        name: match
        for name in missing[:_NAMED]
        for match in difflib.get_close_matches(name, spare, n=1)
    }
    return (
        f" Did you mean {', '.join(f'{match!r} for {name!r}' for name, match in close.items())}?"
        if close
        else ""
    )


def _details(rule: Rule) -> dict[str, Any]:
    if isinstance(rule, CategoryRule):
        return {"levels": len(rule.levels), "examples": list(rule.levels[:5])}
    if isinstance(rule, FlagRule):
        return {"examples": list(rule.words)}
    if isinstance(rule, DateRule):
        return {"format": rule.layout}
    if isinstance(rule, PartsRule):
        return {"shape": rule.shape.shown(), "parts": rule.shape.n_parts}
    return {}
