"""Clean a raw table: read its target and columns, report faults, and fit the Cleaner."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.arrays import Floats, Rows
from automl.cleaning.cleaner import Cleaner
from automl.cleaning.column_names import add_second_readings, name_columns
from automl.cleaning.decimals import sign_of_file
from automl.cleaning.duplicates import count_repeated, number_duplicates
from automl.cleaning.findings import merge_findings
from automl.cleaning.fitted_columns import FittedColumn, fit_columns
from automl.cleaning.kinds import Rule
from automl.cleaning.options import CleanOptions, check_options, with_known_names
from automl.cleaning.raw_target import Dtype
from automl.cleaning.roles import RoleReader, target_series
from automl.cleaning.target import read_target
from automl.columns import Column, Columns
from automl.finding import Finding
from automl.table import Table
from automl.task import Kind

# Notes of the reader that may mean trouble.
_WARNING_CODES = (
    "bad_bytes",
    "encoding_doubt",
    "header_made",
    "sampled",
    "short_lines",
    "total_row",
)


@dataclass(frozen=True)
class Cleaned:
    """A table that can be learnt from.

    Parameters
    ----------
    cleaner : Cleaner
        Cleans other tables in the same way as this one.
    columns : Columns
        The features of the kept rows.
    target : str
        The target's name.
    kind, labels, dtype
        Of the target, as in `automl.task.Task`.
    y : ndarray of shape (n_kept,), float64
        Class codes 0, 1, ... or values.
    rows : ndarray of shape (n_kept,), int64
        The rows of the table that were kept.
    duplicates : ndarray of shape (n_kept,), int64
        Equal for rows that are equal in all features.
    weight, times : ndarray of shape (n_kept,), float64, or None
    groups : ndarray of shape (n_kept,), int64, or None
    findings : tuple of Finding
    has_decimal_comma : bool
        Whether the target's numbers were written with a decimal comma.
    """

    cleaner: Cleaner
    columns: Columns
    target: str
    kind: Kind
    labels: tuple[str, ...]
    dtype: Dtype
    y: Floats
    rows: Rows
    duplicates: Rows
    weight: Floats | None = None
    groups: Rows | None = None
    times: Floats | None = None
    findings: tuple[Finding, ...] = ()
    has_decimal_comma: bool = False


def clean(
    table: Table,
    target: Any,
    options: CleanOptions | None = None,
    *,
    weight: Any = None,
    groups: Any = None,
    times: Any = None,
) -> Cleaned:
    """Find and mend the faults of a table.

    Parameters
    ----------
    table : Table
    target : str or array-like of shape (n_rows,)
        A column of the table, or the target itself.
    options : CleanOptions, optional
    weight, groups, times : array-like of shape (n_rows,), optional
        Given separately instead of by the columns that `options` name.

    Raises
    ------
    InputError
        If the table can't be learnt from; one line says why.

    Examples
    --------
    >>> from automl.table import from_frame
    >>> table = from_frame({"price": ["$5", "$7"] * 10, "sold": ["no", "yes"] * 10})
    >>> cleaned = clean(table, "sold")
    >>> cleaned.kind, cleaned.labels, cleaned.columns["price"].kind, cleaned.y[:3].tolist()
    ('binary', ('no', 'yes'), 'number', [0.0, 1.0, 0.0])
    """
    options = with_known_names(options or CleanOptions(), table)
    check_options(options, table, target)
    name, series = target_series(table, target)
    sign = sign_of_file(table)
    read = read_target(
        series,
        name,
        task=options.task,
        positive=options.positive,
        source=table.source,
        sign=sign,
    )
    kept = table
    if len(read.rows) < table.n_rows:
        kept = table.take(read.rows)
    features = kept.drop(_columns_with_role(target, options, table))
    fitted, drop_findings = fit_columns(features, options, sign, read)
    rules = {column.name: column.rule for column in fitted}
    by_raw = {column.name: column.columns for column in fitted}
    columns = Columns(name_columns(by_raw), kept.n_rows)
    duplicates = number_duplicates(columns)
    second_rules, second = _second_readings(fitted)
    findings = [*_notes(table), *read.findings, *_role_findings(options, table)]
    for column in fitted:
        findings += column.findings
    findings += drop_findings
    findings += _duplicate_findings(duplicates)
    roles = RoleReader(table, read.rows, sign)
    cleaned = Cleaned(
        cleaner=Cleaner(
            rules,
            options.missing_words,
            unused=tuple(name for name in table.names if name not in rules),
            second_rules=second_rules,
            form=table.form,
            sign=sign,
        ),
        columns=add_second_readings(columns, second),
        target=name,
        kind=read.kind,
        labels=read.labels,
        dtype=read.dtype,
        y=read.y,
        rows=read.rows,
        duplicates=duplicates,
        weight=roles.weights(options.weight if weight is None else weight),
        groups=roles.groups(options.group if groups is None else groups),
        times=roles.times(options.time if times is None else times),
        findings=merge_findings(findings),
        has_decimal_comma=read.comma,
    )
    return _without_weightless_rows(cleaned)


def _columns_with_role(target: Any, options: CleanOptions, table: Table) -> Collection[str]:
    """Return the columns that are no features."""
    names = {options.weight, options.group, *options.ignore}
    if isinstance(target, str):
        names.add(target)
    return {name for name in names if name is not None and name in table.columns}


def _second_readings(
    fitted: Sequence[FittedColumn],
) -> tuple[dict[str, Rule], dict[str, Sequence[Column]]]:
    """Return the second rules and the columns that they make."""
    rules: dict[str, Rule] = {}
    columns: dict[str, Sequence[Column]] = {}
    for column in fitted:
        rule = column.second_rule
        if rule is not None:
            rules[column.name] = rule
            columns[column.name] = rule.read(column.cells).columns
    return rules, columns


def _notes(table: Table) -> list[Finding]:
    """Return the notes of the table's reader as findings."""
    findings: list[Finding] = []
    for note in table.notes:
        finding = Finding(
            note.code,
            note.columns,
            "warning" if note.code in _WARNING_CODES else "info",
            note.count,
            action=note.text,
            override=note.override,
        )
        findings.append(finding)
    return findings


def _role_findings(options: CleanOptions, table: Table) -> list[Finding]:
    findings: list[Finding] = []
    roles = {"weight": options.weight, "group": options.group}
    for role, name in roles.items():
        if name is not None and name in table.columns:
            action = f"used as {role}, not as a feature"
            findings.append(Finding("role", (name,), "info", 1, action=action))
    return findings


def _duplicate_findings(duplicates: Rows) -> list[Finding]:
    count = count_repeated(duplicates)
    if count == 0:
        return []
    finding = Finding(
        "duplicate_rows",
        (),
        "info",
        count,
        action=f"{count} of {len(duplicates)} rows equal an earlier one in all features",
        override="--set clean.keep_duplicates_together=true",
    )
    return [finding]


def _without_weightless_rows(cleaned: Cleaned) -> Cleaned:
    """Leave out rows of weight zero, as a fold that holds out only such rows can't be scored."""
    if cleaned.weight is None or cleaned.weight.all():
        return cleaned
    n_rows = len(cleaned.weight)
    kept = np.flatnonzero(cleaned.weight)
    n_dropped = n_rows - len(kept)
    action = f"{n_dropped} of {n_rows} rows have weight 0 and were left out"
    finding = Finding("weightless_rows", (), "info", n_dropped, action=action)
    return replace(
        cleaned,
        columns=cleaned.columns.take(kept),
        y=cleaned.y[kept],
        rows=cleaned.rows[kept],
        duplicates=cleaned.duplicates[kept],
        weight=cleaned.weight[kept],
        groups=None if cleaned.groups is None else cleaned.groups[kept],
        times=None if cleaned.times is None else cleaned.times[kept],
        findings=(*cleaned.findings, finding),
    )
