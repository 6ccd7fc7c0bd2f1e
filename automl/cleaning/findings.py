"""Merge findings, and pick their examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from automl.finding import Finding

_MAX_COLUMNS_MERGED = 25  # an event in the run's log is a line below 4 KB
_MAX_EXAMPLE_LENGTH = 60  # characters
_MAX_EXAMPLES = 3


def pick_examples(values: Iterable[object]) -> tuple[str, ...]:
    """Return the first few values as text, cut to a length that fits a line.

    >>> pick_examples([1, 2, 3, 4])
    ('1', '2', '3')
    """
    first = islice(values, _MAX_EXAMPLES)
    texts = map(str, first)
    return tuple(map(_shorten, texts))


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
        key = (
            finding.code,
            finding.severity,
            finding.action,
            finding.override,
        )
        groups.setdefault(key, []).append(finding)
    merged: list[Finding] = []
    for group in groups.values():
        for start in range(0, len(group), _MAX_COLUMNS_MERGED):
            end = start + _MAX_COLUMNS_MERGED
            merged.append(_join(group[start:end]))
    return tuple(merged)


def _join(findings: list[Finding]) -> Finding:
    """Return one finding for the columns of several that say the same."""
    columns: dict[str, None] = {}
    examples: dict[str, None] = {}
    count = 0
    for finding in findings:
        columns |= dict.fromkeys(finding.columns)
        examples |= dict.fromkeys(finding.examples)
        count += finding.count
    return replace(
        findings[0],
        columns=tuple(columns),
        count=count,
        examples=pick_examples(examples),
    )
