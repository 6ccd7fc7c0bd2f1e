"""Findings: faults and peculiarities of a table, and how each was dealt with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

Severity = Literal["info", "warning"]

_MAX_COLUMNS_MERGED = 25  # an event in the run's log is a line below 4 KB
_MAX_COLUMNS_SHOWN = 5
_MAX_EXAMPLE_LENGTH = 60  # characters
_MAX_EXAMPLES = 3

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


def pick_examples(values: Iterable[object]) -> tuple[str, ...]:
    """Return the first few values as text, cut to a length that fits a line.

    >>> pick_examples([1, 2, 3, 4])
    ('1', '2', '3')
    """
    first = zip(values, range(_MAX_EXAMPLES), strict=False)
    return tuple(_shorten(str(value)) for value, _ in first)


def _shorten(text: str) -> str:
    if len(text) <= _MAX_EXAMPLE_LENGTH:
        return text
    return text[: _MAX_EXAMPLE_LENGTH - 1] + "…"


def merge_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Join findings that differ in their columns alone, in order of first appearance.

    >>> constants = [Finding("constant", (name,), "info", 1, action="dropped") for name in "abc"]
    >>> [finding.columns for finding in merge_findings(constants)]
    [('a', 'b', 'c')]
    """
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.code, finding.severity, finding.action, finding.override)
        groups.setdefault(key, []).append(finding)
    merged: list[Finding] = []
    for group in groups.values():
        starts = range(0, len(group), _MAX_COLUMNS_MERGED)
        merged += [_join(group[start : start + _MAX_COLUMNS_MERGED]) for start in starts]
    return tuple(merged)


def _join(findings: list[Finding]) -> Finding:
    """Return one finding for the columns of several that say the same."""
    columns = (name for finding in findings for name in finding.columns)
    examples = (example for finding in findings for example in finding.examples)
    return replace(
        findings[0],
        columns=tuple(dict.fromkeys(columns)),
        count=sum(finding.count for finding in findings),
        examples=pick_examples(dict.fromkeys(examples)),
    )
