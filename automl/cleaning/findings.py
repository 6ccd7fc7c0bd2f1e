"""What was found in a table and what was done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

Severity = Literal["info", "warning"]

_COLUMNS_A_FINDING = 25  # an event in the run's log is a line below 4 KB
_LONGEST_EXAMPLE = 60
_EXAMPLES = 3


_COUNTED = {
    **dict.fromkeys(
        ("date", "duration", "infinite", "missing_words", "number_text", "sentinel", "stray"),
        "cells",
    ),
    **dict.fromkeys(("imbalance", "target_missing"), "rows"),
    "levels": "categories",
    "parts": "different words",
    "text": "different texts",
}  # what a finding's count counts; others say it themselves, or there is nothing to count


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Parameters
    ----------
    code : str
        What it is, for programs: "sentinel", "id", "constant", ...
    columns : tuple of str
        Where; empty for the whole table.
    severity : {"info", "warning"}
    count : int
        How many cells, rows or columns it concerns.
    examples : tuple of str
        At most three values as they stand in the table.
    action : str
        What it is and what was done, as a clause.
    override : str
        The option that changes it, empty if there is none.

    Examples
    --------
    >>> Finding("sentinel", ("age",), "warning", 12, ("999",), "taken as missing", "--set clean.sentinels=false").text()
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
        """One line for people."""
        shown = ", ".join(self.columns[:5]) + (
            f" and {len(self.columns) - 5} more" if len(self.columns) > 5 else ""
        )
        examples = f"e.g. {', '.join(map(repr, self.examples))}" if self.examples else ""
        counted = f"{self.count} {_COUNTED[self.code]}" if self.code in _COUNTED else ""
        override = f"to change it: {self.override}" if self.override else ""
        more = "; ".join(
            part
            for part in (", ".join(part for part in (counted, examples) if part), override)
            if part
        )
        return f"{shown}{': ' if shown else ''}{self.action}{f' ({more})' if more else ''}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"columns": list(self.columns), "examples": list(self.examples)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """The finding that `to_json` wrote."""
        if value["severity"] not in get_args(Severity):
            raise ValueError(f"no severity {value['severity']!r}")
        return cls(
            **{**value, "columns": tuple(value["columns"]), "examples": tuple(value["examples"])}
        )


def examples(values: Iterable[object]) -> tuple[str, ...]:
    """A few values, cut to a length that fits a line.

    >>> examples([1, 2, 3, 4])
    ('1', '2', '3')
    """
    texts = [str(value) for value, _ in zip(values, range(_EXAMPLES), strict=False)]
    return tuple(
        text if len(text) <= _LONGEST_EXAMPLE else text[: _LONGEST_EXAMPLE - 1] + "…"
        for text in texts
    )


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for all columns where the same was found, in order of first appearance.

    >>> [f.columns for f in merge([Finding("constant", (name,), "info", 1, action="dropped") for name in "abc"])]
    [('a', 'b', 'c')]
    """
    groups: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(
            (finding.code, finding.severity, finding.action, finding.override), []
        ).append(finding)
    return tuple(joined for group in groups.values() for joined in _chunks(group))


def _chunks(group: list[Finding]) -> Iterable[Finding]:
    for start in range(0, len(group), _COLUMNS_A_FINDING):
        part = group[start : start + _COLUMNS_A_FINDING]
        columns = tuple(dict.fromkeys(name for finding in part for name in finding.columns))
        shown = examples(dict.fromkeys(example for finding in part for example in finding.examples))
        yield replace(
            part[0], columns=columns, count=sum(finding.count for finding in part), examples=shown
        )
