"""Finding: one fault or peculiarity of a table, and how it was dealt with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Severity = Literal["info", "warning"]

_MAX_COLUMNS_SHOWN = 5

# The noun behind the count, by the finding's code. The text of other findings gives their count
# itself, or there is nothing to count.
_COUNTED_NOUNS = {
    "date": "cells",
    "duration": "cells",
    "infinite": "cells",
    "missing_words": "cells",
    "number_text": "cells",
    "sentinel": "cells",
    "stray": "cells",
    "imbalance": "rows",
    "target_missing": "rows",
    "levels": "categories",
    "parts": "different words",
    "text": "different texts",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Parameters
    ----------
    code : str
        The sort of finding, for programs: "sentinel", "id", "constant", ...
    columns : tuple of str
        The columns where it was found; empty for the whole table.
    severity : {"info", "warning"}
    count : int
        Number of cells, rows or columns that it concerns.
    examples : tuple of str
        At most three values as they are written in the table.
    action : str
        The fault and the remedy, as a clause.
    override : str
        The option that changes it, empty if there is none.

    Examples
    --------
    >>> override = "--set clean.sentinels=false"
    >>> Finding("sentinel", ("age",), "warning", 12, ("999",), "taken as missing", override).text()
    "age: taken as missing (12 cells, e.g. '999'; to change it: --set clean.sentinels=false)"
    """

    code: str
    columns: tuple[str, ...]
    severity: Severity
    count: int
    examples: tuple[str, ...] = ()
    action: str = ""
    override: str = ""

    def __repr__(self) -> str:
        return f"<{self.severity}: {self.text()}>"

    def text(self) -> str:
        """Return the finding as one line for people."""
        details: list[str] = []
        numbers = self._count_and_examples()
        if numbers:
            details.append(numbers)
        if self.override:
            details.append(f"to change it: {self.override}")
        line = self.action
        if self.columns:
            line = f"{self._columns_text()}: {line}"
        if details:
            line += f" ({'; '.join(details)})"
        return line

    def _columns_text(self) -> str:
        shown = ", ".join(self.columns[:_MAX_COLUMNS_SHOWN])
        rest = len(self.columns) - _MAX_COLUMNS_SHOWN
        return f"{shown} and {rest} more" if rest > 0 else shown

    def _count_and_examples(self) -> str:
        parts: list[str] = []
        if self.code in _COUNTED_NOUNS:
            parts.append(f"{self.count} {_COUNTED_NOUNS[self.code]}")
        if self.examples:
            parts.append(f"e.g. {', '.join(map(repr, self.examples))}")
        return ", ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        plain = asdict(self)
        plain["columns"] = list(self.columns)
        plain["examples"] = list(self.examples)
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """Return the finding that `to_json` wrote."""
        if value["severity"] not in get_args(Severity):
            raise ValueError(f"no severity {value['severity']!r}")
        fields = dict(value)
        fields["columns"] = tuple(value["columns"])
        fields["examples"] = tuple(value["examples"])
        return cls(**fields)
