"""Read the parts of a Cleaner that was saved as plain values; whatever is damaged is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from automl.cleaning.cells import Spelled
from automl.cleaning.column_names import ColumnsByRaw, add_second_readings, name_columns
from automl.cleaning.dual_typed import SECOND_READINGS
from automl.cleaning.kinds import Rule, rule_from_state
from automl.columns import Column, Columns
from automl.errors import UnsafeModel

Rules = Mapping[str, Rule]
Values = tuple[float, ...]
Codes = dict[str, Values]


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise UnsafeModel(f"the model file's cleaner {problem}")


def _are_names(names: Any) -> bool:
    if not isinstance(names, list):
        return False
    return all(isinstance(name, str) for name in names)


def read_rules(items: Any) -> dict[str, Rule]:
    """Return the rule of each column."""
    problem = "holds no list of columns"
    _require(isinstance(items, list), problem)
    rules: dict[str, Rule] = {}
    for item in items:
        _require(isinstance(item, dict), problem)
        name = item.get("name")
        _require(isinstance(name, str), problem)
        _require(name not in rules, "holds a column twice")
        rules[name] = rule_from_state(item)
    return rules


def read_names(names: Any) -> tuple[str, ...]:
    """Return names of columns."""
    _require(_are_names(names), "holds something else where names are expected")
    return tuple(names)


def read_second_rules(items: Any, rules: Rules) -> dict[str, Rule]:
    """Return the second rule of each column that has one."""
    problem = "has twins of something else than its columns"
    _require(isinstance(items, dict), problem)
    for name in items:
        _require(name in rules, problem)
    second_rules: dict[str, Rule] = {}
    for name, item in items.items():
        second = rule_from_state(item)
        is_allowed = (rules[name].kind, second.kind) in SECOND_READINGS
        _require(is_allowed, "reads something else twice than categories and texts")
        second_rules[name] = second
    return second_rules


def read_codes(
    items: Any,
    rules: Rules,
    second_rules: Rules,
) -> Codes:
    """Return the values of each number column that is also a category."""
    problem = "has codes of something else than its numbers"
    _require(isinstance(items, dict), problem)
    if not items:
        return {}
    names = _number_names(rules, second_rules)
    for name in items:
        _require(name in names, problem)
    codes: Codes = {}
    for name, numbers in items.items():
        values = tuple(map(float, numbers))
        _require(_do_increase(values), "has codes that do not increase")
        codes[name] = values
    return codes


def _do_increase(values: Values) -> bool:
    """Return whether there are values, and each is larger than the one before."""
    for low, high in pairwise(values):
        if not low < high:
            return False
    return len(values) > 0


def _number_names(rules: Rules, second_rules: Rules) -> set[str]:
    """Return the names of the number columns that rules make."""
    named = name_columns(_read_nothing(rules))
    first = Columns(named, 0)
    second = _read_nothing(second_rules)
    columns = add_second_readings(first, second)
    return set(columns.names("number"))


def _read_nothing(rules: Rules) -> ColumnsByRaw:
    """Return the columns without rows that rules make."""
    no_codes = np.empty(0, np.int64)
    no_words = np.empty(0, object)
    cells = Spelled(no_codes, no_words)
    columns: dict[str, Sequence[Column]] = {}
    for name, rule in rules.items():
        read = rule.read(cells)
        columns[name] = read.columns
    return columns


def read_keys(names: Any, codes: Codes) -> tuple[str, ...]:
    """Return the names of the columns with codes that are categories only."""
    problem = "has keys of something else than its codes"
    _require(_are_names(names), problem)
    for name in names:
        _require(name in codes, problem)
    return tuple(names)
