"""Other names of the columns that fit knew: with blanks around them, or as another reader calls those of a repeated header.

A header of a, a, a is a, a.2, a.3 here and a, a.1, a.2 in pandas; polars has names of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from automl.table import Table

_CONVENTIONS: tuple[Callable[[str, int], str], ...] = (
    lambda name, place: f"{name}.{place + 1}",
    lambda name, place: f"{name}.{place}",
    lambda name, place: f"{name}_duplicated_{place - 1}",
)  # how the columns after the first of a name are called; their places count from 1


def with_names_of_fit(table: Table, at_fit: Collection[str]) -> Table:
    """Call a table's columns as they were called at fit, where it leaves no choice.

    Examples
    --------
    >>> from automl.table import from_frame
    >>> with_names_of_fit(from_frame({"a": [1], "a.1": [2], "a.2": [3], "b": [4]}), ("a", "a.2", "a.3", "b")).names
    ('a', 'a.2', 'a.3', 'b')
    """
    bare = _stripped(table.columns, set(at_fit))
    if bare:
        table = table.rename(bare)
    new = {
        given: fitted
        for name in at_fit
        for given, fitted in _renamed(name, at_fit, table.columns).items()
    }
    return table.rename(new) if new else table


def _stripped(given: Collection[str], at_fit: Collection[str]) -> Mapping[str, str]:
    """By each given name that fit did not have, the name without blanks around it, if fit had that and one column alone is meant."""
    strange = [
        name
        for name in given
        if name not in at_fit and name.strip() in at_fit and name.strip() not in given
    ]
    return {
        name: name.strip()
        for name in strange
        if sum(one.strip() == name.strip() for one in strange) == 1
    }


def _renamed(name: str, at_fit: Collection[str], given: Collection[str]) -> Mapping[str, str]:
    """By the given name of each column that repeats this one, its name at fit; nothing if the table has the names of fit."""
    if name not in given:
        return {}
    families = [_family(name, convention, at_fit) for convention in _CONVENTIONS]
    fitted = max(families, key=len)
    if not fitted or all(one in given for one in fitted):
        return {}
    others = (_family(name, convention, given) for convention in _CONVENTIONS)
    found = next((other for other in others if len(other) == len(fitted) and other != fitted), [])
    return dict(zip(found, fitted, strict=True)) if found else {}


def _family(name: str, convention: Callable[[str, int], str], names: Collection[str]) -> list[str]:
    """The names of the columns that repeat one, as far as they go without a gap."""
    family: list[str] = []
    while (following := convention(name, len(family) + 1)) in names:
        family.append(following)
    return family
