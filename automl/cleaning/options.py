"""The options of cleaning, and whether a table has the columns that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from automl.cleaning.kinds import chosen_by_users
from automl.errors import InputError, suggestion
from automl.table import Table

_OPTIONS_FOR_SEVERAL = ("--group", "--time")  # they may name several columns, with commas


@dataclass(frozen=True)
class CleanOptions:
    """Decisions of the user about cleaning.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression", "classification"}, optional
        Inferred if not given; "classification" leaves the number of classes open.
    positive : str, optional
        The positive label of a binary task.
    weight, group, time : str, optional
        Columns with weights, groups and times. The first two are no features.
    ignore : tuple of str
        Columns to leave out.
    kinds : mapping of str to str
        The kind of a column, where the inferred one is wrong: number, category, flag, date or text.
    sentinels : bool
        Whether numbers such as -999 that stand for a missing value are made missing.
    missing_words : bool
        Whether words such as NA, none and ? are missing.
    ids : bool
        Whether columns that only number the rows are dropped.
    copies : bool
        Whether columns that equal another one are dropped.
    dual_typed : bool
        Whether names are also read as text, and repeated texts as categories.
    """

    task: str | None = None
    positive: str | None = None
    weight: str | None = None
    group: str | None = None
    time: str | None = None
    ignore: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    sentinels: bool = True
    missing_words: bool = True
    ids: bool = True
    copies: bool = True
    dual_typed: bool = True


def with_known_names(options: CleanOptions, table: Table) -> CleanOptions:
    """Return the options, with blanks around a name under `kinds` removed if no column has them."""
    kinds: dict[str, str] = {}
    for name, kind in options.kinds.items():
        known = name
        if name not in table.columns and name.strip() in table.columns:
            known = name.strip()
        kinds[known] = kind
    return replace(options, kinds=kinds)


def check_options(options: CleanOptions, table: Table, target: Any) -> None:
    """Refuse options that don't fit the table.

    Raises
    ------
    InputError
        If a column is missing, is the target and has another role, too, or a kind is unknown.
    """
    if isinstance(target, str):
        _check_target(target, table)
    named = [
        ("--weight", options.weight),
        ("--group", options.group),
        ("--time", options.time),
    ]
    named += [("--ignore", name) for name in options.ignore]
    for option, name in named:
        if name is None:
            continue
        _check_column(option, name, table)
        if isinstance(target, str) and name == target:
            raise InputError(f"{option}: {name!r} is the target")
    for name, kind in options.kinds.items():
        if name not in table.columns:
            raise _no_column("clean.kinds", name, table)
        known = chosen_by_users()
        if kind not in known:
            raise InputError(
                f"clean.kinds: no kind {kind!r} for column {name!r}.{suggestion(kind, known)} "
                f"There are {', '.join(known)}."
            )


def _check_target(target: str, table: Table) -> None:
    table[target]  # an InputError with a suggestion if there is none
    for note in table.notes:
        if note.code == "header_duplicate" and target in note.columns:
            raise InputError(
                f"{table.source}: the target {target!r} stands for several columns. Rename one of "
                "them."
            )


def _check_column(option: str, name: str, table: Table) -> None:
    if name in table.columns:
        return
    if option not in _OPTIONS_FOR_SEVERAL:
        raise _no_column(option, name, table)
    parts = names_in(name)
    missing = [part for part in parts if part not in table.columns]
    if len(parts) > 1 and not missing:
        return
    if missing and len(missing) < len(parts):
        raise _no_column(option, missing[0], table)
    raise _no_column(option, name, table)


def _no_column(option: str, name: str, table: Table) -> InputError:
    hint = suggestion(name, table.names)
    return InputError(f"{option}: {table.source} has no column {name!r}.{hint}")


def split_names(name: str, table: Table) -> tuple[str, ...]:
    """Return the columns that a name with commas stands for together.

    There are none if it is a column itself, or one of them isn't in the table. Several columns
    together are a group or a time, and stay features: each says something about new rows, too.
    """
    if name in table.columns:
        return ()
    parts = names_in(name)
    if len(parts) < 2 or not all(part in table.columns for part in parts):
        return ()
    return tuple(parts)


def names_in(names: str) -> list[str]:
    """Return the names in a text with commas, without the blanks around them.

    >>> names_in("year, month")
    ['year', 'month']
    """
    return [name.strip() for name in names.split(",")]
