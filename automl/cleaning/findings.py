"""Merge findings, and pick their examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from automl.finding import Finding

_MAX_COLUMNS_MERGED = 25  # an event in the run's log is a line below 4 KB
_MAX_EXAMPLE_LENGTH = 60  # characters
_MAX_EXAMPLES = 3


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
