"""A feature: what one column of a model's input is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One column of a model's input.

    Parameters
    ----------
    name : str
        Shown in reports: the raw column's name, and in brackets or after `=` what of it this is.
    source : str
        The raw column it comes from.
    levels : int
        Number of levels if it holds category codes 0..levels-1 that a model should treat as categorical; 0 otherwise.

    Examples
    --------
    >>> Feature("bought (month)", "bought").levels
    0
    """

    name: str
    source: str
    levels: int = 0
