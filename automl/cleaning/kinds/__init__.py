"""Column kinds, one file each, and how the kind of a raw column is found.

A column belongs to the first kind in `KINDS` that takes it.
"""

from __future__ import annotations

from automl.cleaning.cells import Cells, Spelled
from automl.cleaning.kinds import category
from automl.cleaning.kinds.category import CATEGORY
from automl.cleaning.kinds.date import DATE
from automl.cleaning.kinds.duration import DURATION
from automl.cleaning.kinds.flag import FLAG
from automl.cleaning.kinds.kind import Inferred, Kind, RawColumn, Rule
from automl.cleaning.kinds.number import NUMBER
from automl.cleaning.kinds.parts import PARTS
from automl.cleaning.kinds.text import TEXT
from automl.cleaning.saved_values import SavedState
from automl.errors import UnsafeModel

__all__ = [
    "KINDS",
    "Inferred",
    "Kind",
    "RawColumn",
    "Rule",
    "chosen_by_users",
    "force",
    "infer",
    "rule_from_state",
]

KINDS: tuple[Kind, ...] = (FLAG, NUMBER, DATE, DURATION, PARTS, TEXT, CATEGORY)


def infer(raw: RawColumn) -> Inferred:
    """Infer the kind of a column from its cells.

    What pandas holds as a categorical, or has no cells, is a category in any case.

    Examples
    --------
    >>> from automl.cleaning.cells import read_cells, normalize_cells
    >>> import pandas as pd
    >>> for words in (["$1", "2"], ["no", "yes"], ["01234", "9"]):
    ...     cells = normalize_cells(read_cells(pd.Series(words)))
    ...     print(infer(RawColumn("a", cells)).rule.kind)
    number
    flag
    category
    """
    if not _is_category_anyway(raw.cells):
        for kind in KINDS:
            inferred = kind.infer(raw)
            if inferred is not None:
                return inferred
    return category.infer(raw)


def _is_category_anyway(cells: Cells) -> bool:
    if not isinstance(cells, Spelled):
        return False
    return cells.is_categorical or not len(cells.words)


def force(raw: RawColumn, chosen: str) -> Rule:
    """Return the rule of the kind that the user chose, fitted to a column."""
    kind = chosen_by_users()[chosen]
    assert kind.force is not None
    return kind.force(raw)


def chosen_by_users() -> dict[str, Kind]:
    """Return the kinds that users can choose for a column, by name.

    >>> list(chosen_by_users())
    ['flag', 'number', 'date', 'text', 'category']
    """
    return {kind.name: kind for kind in KINDS if kind.force is not None}


def rule_from_state(state: SavedState) -> Rule:
    """Return the rule that was saved by `to_state`, together with its `kind`.

    Raises
    ------
    UnsafeModel
        If the state is not one of a rule.
    """
    name = state.get("kind") if isinstance(state, dict) else None
    for kind in KINDS:
        if kind.name == name:
            return _read_rule(kind, state)
    raise UnsafeModel("the model file holds a column of an unknown kind")


def _read_rule(kind: Kind, state: SavedState) -> Rule:
    try:
        return kind.rule.from_state(state)
    except UnsafeModel:
        raise
    except (KeyError, TypeError, ValueError) as error:
        message = f"the model file holds a damaged {kind.name} column: {error!r}"
        raise UnsafeModel(message) from None
