"""A feature: one column of a model's input."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One column of a model's input.

    Parameters
    ----------
    name : str
        Shown in reports: the raw column's name, followed by which part of it this is,
        in brackets or after `=`.
    source : str
        The raw column it comes from.
    levels : int
        Number of levels if it holds category codes 0..levels-1 that a model should treat as
        categorical; 0 otherwise.

    Examples
    --------
    >>> Feature("bought (month)", "bought").levels
    0
    """

    name: str
    source: str
    levels: int = 0


Features = tuple[Feature, ...]


def features_of(source: str, names: Iterable[str]) -> Features:
    """Return the features with these names, which all come from one column.

    >>> [feature.name for feature in features_of("bought", ("bought (year)", "bought (month)"))]
    ['bought (year)', 'bought (month)']
    """
    return tuple(Feature(name, source) for name in names)
