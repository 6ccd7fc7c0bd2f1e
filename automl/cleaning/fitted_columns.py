"""Fit a rule to each column, and drop the columns that say nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from automl.cleaning.cells import Cells, Spelled, is_null_word, normalize_cells, read_cells
from automl.cleaning.decimals import DecimalSign
from automl.cleaning.drops import find_column_copies, is_associated_with_target, is_constant, is_id
from automl.cleaning.dual_typed import SECOND_READINGS, find_second_rule
from automl.cleaning.findings import pick_examples
from automl.cleaning.kinds import Inferred, RawColumn, Rule, force, infer
from automl.cleaning.kinds.number import NumberRule
from automl.cleaning.options import CleanOptions, names_in
from automl.cleaning.sentinels import find_sentinels
from automl.cleaning.target import Target
from automl.cleaning.vocabulary import Vocabulary
from automl.columns import Column, Numbers
from automl.errors import InputError
from automl.finding import Finding
from automl.table import Table, TableColumn


@dataclass(frozen=True)
class FittedColumn:
    """A raw column with the rule that was fitted to it.

    Parameters
    ----------
    name : str
    rule : Rule
    cells : Cells
    columns : tuple of Column
        The typed columns that the rule makes of the cells.
    findings : tuple of Finding
    second_rule : Rule, optional
        The rule by which it is also read.
    """

    name: str
    rule: Rule
    cells: Cells
    columns: tuple[Column, ...]
    findings: tuple[Finding, ...]
    second_rule: Rule | None = None


def fit_columns(
    table: Table,
    options: CleanOptions,
    sign: DecimalSign,
    target: Target,
) -> tuple[list[FittedColumn], list[Finding]]:
    """Return the columns that are worth keeping, and findings about the others."""
    if not table.names:
        raise InputError(f"{table.source}: no column is left to learn from")
    fitted: list[FittedColumn] = []
    for name, raw in table.columns.items():
        fitted.append(_fit_column(name, raw, options, sign))
    dropped: list[Finding] = []
    kept: list[FittedColumn] = []
    for column in fitted:
        reason = _reason_to_drop(column, options, target)
        if reason is None:
            kept.append(column)
        else:
            dropped.append(reason)
    if options.copies:
        kept, copied = _without_copies(kept, options)
        dropped += copied
    if not kept:
        action = "nothing but constants and ids is there to learn from: they were kept"
        finding = Finding("no_features", table.names, "warning", len(fitted), action=action)
        return fitted, [finding]
    return kept, dropped


def _fit_column(
    name: str,
    raw_column: TableColumn,
    options: CleanOptions,
    sign: DecimalSign,
) -> FittedColumn:
    raw = read_cells(raw_column)
    cells = normalize_cells(raw, missing_words=options.missing_words)
    column = RawColumn(name, cells, sign)
    if name in options.kinds:
        inferred = Inferred(force(column, options.kinds[name]))
    else:
        inferred = infer(column)
    rule = inferred.rule
    findings = list(inferred.findings)
    read = rule.read(cells)
    if isinstance(raw, Spelled) and options.missing_words:
        findings += _missing_word_findings(Vocabulary.of(name, raw))
    findings += _infinite_findings(name, raw, read.column)
    if options.sentinels and isinstance(rule, NumberRule):
        assert isinstance(read.column, Numbers)
        values = find_sentinels(read.column.values)
        if values:
            findings.append(_sentinel_finding(name, read.column, values))
            rule = replace(rule, sentinels=values)
            read = rule.read(cells)
    second_rule = None
    if options.dual_typed and name not in options.kinds:
        second_rule = find_second_rule(rule, cells)
    if second_rule is not None:
        findings.append(_second_reading_finding(name, rule, second_rule))
    return FittedColumn(name, rule, cells, read.columns, tuple(findings), second_rule)


def _missing_word_findings(raw: Vocabulary) -> list[Finding]:
    missing = raw.select(raw.mask(is_null_word))
    if not missing.words:
        return []
    action = "words that stand for a missing value"
    finding = missing.finding("missing_words", action, count=missing.n_rows)
    return [replace(finding, override="--set clean.missing_words=false")]


def _infinite_findings(
    name: str,
    raw: Cells,
    column: Column,
) -> list[Finding]:
    """Report infinite numbers that became missing; a rule keeps infinite words as strays."""
    if isinstance(raw, Spelled) or not isinstance(column, Numbers):
        return []
    count = int(np.isinf(raw.values).sum())
    if count == 0:
        return []
    action = "infinite numbers count as missing"
    finding = Finding("infinite", (name,), "warning", count, action=action)
    return [finding]


def _sentinel_finding(
    name: str,
    column: Numbers,
    values: tuple[float, ...],
) -> Finding:
    is_sentinel = np.isin(column.values, values)
    return Finding(
        "sentinel",
        (name,),
        "warning",
        int(is_sentinel.sum()),
        tuple(f"{value:g}" for value in values),
        "far outside of all other values and frequent: taken as missing",
        "--set clean.sentinels=false",
    )


def _second_reading_finding(
    name: str,
    first: Rule,
    second: Rule,
) -> Finding:
    return Finding(
        "twin",
        (name,),
        "info",
        1,
        action=SECOND_READINGS[first.kind, second.kind],
        override="--set clean.dual_typed=false",
    )


def _reason_to_drop(
    column: FittedColumn,
    options: CleanOptions,
    target: Target,
) -> Finding | None:
    is_single = len(column.columns) == 1
    if is_single and is_constant(column.columns[0], column.cells):
        action = "all cells are equal: dropped"
        return Finding("constant", (column.name,), "info", 1, action=action)
    if not _may_be_dropped_as_id(column.name, options):
        return None
    if not is_id(column.name, column.columns, column.cells):
        return None
    n_classes = len(target.labels)
    if is_associated_with_target(column.columns, column.cells, target.y, n_classes):
        return None
    return Finding(
        "id",
        (column.name,),
        "info",
        1,
        _first_values(column.cells),
        "only tells the rows apart: dropped",
        "--set clean.ids=false",
    )


def _may_be_dropped_as_id(name: str, options: CleanOptions) -> bool:
    """Return whether the user left it open how a column is used."""
    if not options.ids or name in options.kinds:
        return False
    if options.time is None:
        return True
    return name != options.time and name not in names_in(options.time)


def _first_values(cells: Cells) -> tuple[str, ...]:
    if isinstance(cells, Spelled):
        return pick_examples(cells.words[:3])
    return pick_examples(f"{value:g}" for value in cells.values[:3])


def _without_copies(
    kept: list[FittedColumn], options: CleanOptions
) -> tuple[list[FittedColumn], list[Finding]]:
    single: dict[str, Column] = {}
    for column in kept:
        if len(column.columns) == 1:
            single[column.name] = column.columns[0]
    original_of = find_column_copies(single)
    original_of.pop(options.time or "", None)
    findings: list[Finding] = []
    for name, original in original_of.items():
        finding = Finding(
            "copy",
            (name,),
            "info",
            1,
            (original,),
            action="equal to another column: dropped",
            override="--set clean.copies=false",
        )
        findings.append(finding)
    others = [column for column in kept if column.name not in original_of]
    return others, findings
