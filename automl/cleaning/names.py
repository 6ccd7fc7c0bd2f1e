"""Give a table's columns the names that they had at fit.

They may have blanks around them, or come from a reader that names the columns of a repeated header
differently. A header of a, a, a is a, a.2, a.3 here and a, a.1, a.2 in pandas; polars has names of
its own.
"""

from __future__ import annotations

from collections.abc import Collection

from automl.table import Table

Names = Collection[str]

# How each reader names the columns after the first of a name: by this text and a number that counts
# from this one.
_CONVENTIONS = (
    (".", 2),
    (".", 1),
    ("_duplicated_", 0),
)


def with_names_of_fit(table: Table, at_fit: Names) -> Table:
    """Return a table whose columns are named as at fit, where it is clear which is which.

    Examples
    --------
    >>> from automl.table import from_frame
    >>> table = from_frame({"a": [1], "a.1": [2], "a.2": [3], "b": [4]})
    >>> with_names_of_fit(table, ("a", "a.2", "a.3", "b")).names
    ('a', 'a.2', 'a.3', 'b')
    """
    known = set(at_fit)
    stripped = _stripped_names(table.columns, known)
    if stripped:
        table = table.rename(stripped)
    new_names: dict[str, str] = {}
    for name in at_fit:
        new_names |= _names_of_repeated(name, at_fit, table.columns)
    if new_names:
        table = table.rename(new_names)
    return table


def _stripped_names(names: Names, at_fit: Names) -> dict[str, str]:
    """Map each name that fit did not have to the one that it is without blanks around it.

    Names are left out if fit didn't have the stripped one, or several columns would get it.
    """
    by_stripped: dict[str, list[str]] = {}
    for name in names:
        stripped = name.strip()
        if name in at_fit or stripped in names:
            continue
        if stripped in at_fit:
            candidates = by_stripped.setdefault(stripped, [])
            candidates.append(name)
    fitted_names: dict[str, str] = {}
    for stripped, candidates in by_stripped.items():
        if len(candidates) == 1:
            name = candidates[0]
            fitted_names[name] = stripped
    return fitted_names


def _names_of_repeated(name: str, at_fit: Names, names: Names) -> dict[str, str]:
    """Map the columns that repeat a name to their names at fit; empty if they have these."""
    if name not in names:
        return {}
    fitted: list[str] = []
    for text, first in _CONVENTIONS:
        repeated = _repeated_names(name + text, first, at_fit)
        if len(repeated) > len(fitted):
            fitted = repeated
    if all(repeated in names for repeated in fitted):
        return {}
    for text, first in _CONVENTIONS:
        present = _repeated_names(name + text, first, names)
        has_same_length = len(present) == len(fitted)
        if has_same_length and present != fitted:
            return dict(zip(present, fitted, strict=True))
    return {}


def _repeated_names(start: str, number: int, names: Names) -> list[str]:
    """Return the names that begin so and are numbered from here on, up to the first gap."""
    repeated: list[str] = []
    while f"{start}{number}" in names:
        repeated.append(f"{start}{number}")
        number += 1
    return repeated
