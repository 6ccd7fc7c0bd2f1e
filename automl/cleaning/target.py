"""The target: the kind of task, the labels, and which rows have a target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.arrays import Floats, Rows
from automl.cleaning import numbers
from automl.cleaning.cells import Codes, spell_number
from automl.cleaning.decimals import UNKNOWN, DecimalSign, weigh_words
from automl.cleaning.findings import pick_examples
from automl.cleaning.raw_target import Dtype, RawTarget, is_missing_label, read_raw_target
from automl.errors import InputError, suggestion
from automl.finding import Finding
from automl.task import Kind

TASKS = ("binary", "multiclass", "regression", "classification")

MIN_TABLE_ROWS = 10
MIN_ROWS_A_CLASS = 2
MAX_INTEGER_CLASSES = 10  # whole numbers with more values than this are a quantity
_MIN_SHARE_OF_EQUAL = 0.1  # a class with less than this part of an equal share is reported
_MIN_NUMERIC_LABEL_SHARE = 0.95  # of a quantity's labels are numbers


@dataclass(frozen=True)
class Target:
    """A target that can be learnt.

    Parameters
    ----------
    name : str
    kind : {"binary", "multiclass", "regression"}
    labels : tuple of str
        The classes in the order of their codes; the positive one of two is the second. Empty for
        regression.
    dtype : {"text", "int", "float", "bool"}
        The type that the labels had.
    rows : ndarray of shape (n_kept,), int64
        The rows that have a target.
    y : ndarray of shape (n_kept,), float64
        Class codes or values.
    findings : tuple of Finding
    comma : bool
        Whether its numbers were read with a decimal comma.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    dtype: Dtype
    rows: Rows
    y: Floats
    findings: tuple[Finding, ...] = ()
    comma: bool = False

    def with_finding(self, finding: Finding) -> Target:
        """Return the target with one more finding."""
        return replace(self, findings=(*self.findings, finding))


def read_target(
    series: pd.Series[Any],
    name: str,
    *,
    task: str | None = None,
    positive: str | None = None,
    source: str = "y",
    sign: DecimalSign = UNKNOWN,
) -> Target:
    """Make a target of a raw column.

    Parameters
    ----------
    series : pandas.Series
    name : str
    task : {"binary", "multiclass", "regression", "classification"}, optional
        The kind of task, if the user gave it; otherwise it is inferred and reported as a finding.
    positive : str, optional
        The positive label of a binary task.
    source : str
        The table's name for messages.
    sign : DecimalSign, optional
        The decimal sign of the table's file.

    Raises
    ------
    InputError
        If nothing can be learnt from it, in one line.

    Examples
    --------
    >>> target = read_target(pd.Series(["no", "yes", ""] * 5), "churn")
    >>> target.kind, target.labels, len(target.rows), target.y[:4].tolist()
    ('binary', ('no', 'yes'), 10, [0.0, 1.0, 0.0, 1.0])
    """
    where = f"{source}: target {name!r}"
    if task is not None and task not in TASKS:
        raise InputError(
            f"--task: no task {task!r}.{suggestion(task, TASKS)} There are {', '.join(TASKS)}."
        )
    raw = read_raw_target(series, name, where, sign)
    chosen = task or _infer_task(raw)
    if chosen == "regression":
        target = _regression(raw)
    else:
        target = _classification(raw, chosen)
    if positive is not None:
        target = _with_positive(target, positive, where)
    if task is None:
        target = replace(target, findings=(_task_finding(target), *target.findings))
    n_missing = len(series) - len(target.rows)
    for finding in target.findings:
        if finding.code == "rare_class":
            n_missing -= finding.count
    if n_missing:
        action = "rows without a target were left out"
        finding = Finding("target_missing", (name,), "warning", n_missing, action=action)
        target = target.with_finding(finding)
    return target


def _infer_task(raw: RawTarget) -> str:
    """Return the task that the labels suggest.

    Text is classes, fractions are a quantity, and so are whole numbers with more than ten values.
    """
    if raw.dtype == "bool":
        return "classification"
    if raw.values is not None:
        return _task_of_numbers(raw.values, raw)
    labels = [label for label in raw.labels if not is_missing_label(label)]
    if not labels or numbers.have_leading_zeros([label.strip() for label in labels]):
        return "classification"
    values = raw.parse(labels)
    readable = ~np.isnan(values)
    if readable.mean() < _MIN_NUMERIC_LABEL_SHARE:
        return "classification"
    return _task_of_numbers(values[readable], raw)


def _task_of_numbers(values: Floats, raw: RawTarget) -> str:
    n_values = len(np.unique(values))
    n_rows = int((raw.codes >= 0).sum())
    has_few = n_values <= MAX_INTEGER_CLASSES and MIN_ROWS_A_CLASS * n_values <= n_rows
    if n_values > 2 and not has_few:
        return "regression"
    is_whole = (values == np.floor(values)).all()
    return "classification" if is_whole else "regression"


def _regression(raw: RawTarget) -> Target:
    label_values = raw.label_values()
    values = np.append(label_values, np.nan)[raw.codes]
    rows = np.flatnonzero(~np.isnan(values)).astype(np.int64)
    _check_rows(len(rows), raw.where)
    y = values[rows]
    dtype: Dtype = "float" if raw.dtype == "text" else raw.dtype
    findings = _sign_findings(raw)
    target = Target(raw.name, "regression", (), dtype, rows, y, findings, raw.has_comma)
    if (y == y[0]).all():
        action = "all values of the target are equal: there is nothing to learn"
        examples = pick_examples([y[0]])
        columns = (raw.name,)
        finding = Finding("constant_target", columns, "warning", len(y), examples, action)
        return target.with_finding(finding)
    return target


def _sign_findings(raw: RawTarget) -> tuple[Finding, ...]:
    """Report which decimal sign a target was read with, where commas leave it in doubt."""
    if raw.values is not None:
        return ()
    words = [label.strip() for label in raw.labels if "," in label or "." in label]
    comma = raw.sign.is_comma_in(weigh_words(words))
    odd = words if comma else [word for word in words if "," in word]
    if not odd:
        return ()
    value = numbers.parse(odd[:1], comma=comma).values[0]
    sign = "comma" if comma else "point"
    action = f"the target was read with a decimal {sign}: {odd[0][:40]} is {value:.15g}"
    columns = (raw.name,)
    examples = pick_examples(odd)
    return (Finding("target_sign", columns, "info", len(odd), examples, action),)


def _classification(raw: RawTarget, task: str) -> Target:
    where = raw.where
    n_classes = len(raw.labels)
    counts = raw.count_rows()
    _check_rows(int(counts.sum()), where)
    if n_classes == 1:
        raise InputError(
            f"{where} has only one class, {raw.labels[0][:60]!r}: there is nothing to learn"
        )
    if task == "binary" and n_classes != 2:
        shown = ", ".join(repr(label[:30]) for label in raw.labels[:5])
        more = ", ..." if n_classes > 5 else ""
        raise InputError(
            f"{where} has {n_classes} classes ({shown}{more}), not two: give --task multiclass"
        )
    is_rare = counts < MIN_ROWS_A_CLASS
    if is_rare.any() and n_classes == 2:
        rarest = raw.labels[int(np.argmin(counts))]
        raise InputError(
            f"{where}: class {rarest[:60]!r} has 1 row; each class needs {MIN_ROWS_A_CLASS}"
        )
    return _without_rare_classes(raw, counts, is_rare)


def _without_rare_classes(raw: RawTarget, counts: Codes, is_rare: npt.NDArray[np.bool_]) -> Target:
    kept = np.flatnonzero(~is_rare)
    if len(kept) < 2:
        raise InputError(
            f"{raw.where} has {len(counts)} classes, fewer than two of them with "
            f"{MIN_ROWS_A_CLASS} rows. For a quantity, give --task regression."
        )
    common = raw.keep(kept)
    rows = np.flatnonzero(common.codes >= 0).astype(np.int64)
    _check_rows(len(rows), raw.where)
    kind: Kind = "binary" if len(kept) == 2 else "multiclass"
    y = common.codes[rows].astype(np.float64)
    target = Target(raw.name, kind, common.labels, raw.dtype, rows, y)
    if is_rare.any():
        rare = [raw.labels[code] for code in np.flatnonzero(is_rare)]
        action = "classes with a single row were left out"
        columns = (raw.name,)
        examples = pick_examples(rare)
        finding = Finding("rare_class", columns, "warning", len(rare), examples, action)
        target = target.with_finding(finding)
    return _with_imbalance(target, counts[kept])


def _with_imbalance(target: Target, counts: Codes) -> Target:
    """Report the smallest class if it has far less than an equal share of the rows."""
    share = counts.min() / counts.sum()
    if share * len(counts) >= _MIN_SHARE_OF_EQUAL:
        return target
    smallest = int(np.argmin(counts))
    finding = Finding(
        "imbalance",
        (target.name,),
        "info",
        int(counts.min()),
        pick_examples([target.labels[smallest]]),
        f"the smallest class has {share:.2%} of the rows",
    )
    return target.with_finding(finding)


def _check_rows(count: int, where: str) -> None:
    if count < MIN_TABLE_ROWS:
        raise InputError(
            f"{where}: {count} rows have a target (n_samples={count}); "
            f"at least {MIN_TABLE_ROWS} are needed"
        )


def _with_positive(target: Target, positive: str, where: str) -> Target:
    if target.kind != "binary":
        raise InputError(
            f"--positive: {where} is {target.kind}; only a binary task has a positive class"
        )
    label = str(positive)
    first, second = target.labels
    if label not in target.labels:
        raise InputError(
            f"--positive: {where} has no label {label!r}.{suggestion(label, target.labels)} "
            f"It has {first!r} and {second!r}."
        )
    if label == second:
        return target
    return replace(target, labels=(second, first), y=1.0 - target.y)


def _task_finding(target: Target) -> Finding:
    """Report the inferred task, with an override if the labels are numbers."""
    labels = target.labels
    kind: str = target.kind
    if kind == "multiclass":
        kind = f"multiclass with {len(labels)} classes"
    other_task = "multiclass" if target.kind == "regression" else "regression"
    has_numbers = all(map(_is_number, labels))
    return Finding(
        "task",
        (target.name,),
        "info",
        len(labels) or len(target.rows),
        pick_examples(labels or _first_values(target)),
        f"taken for {kind}",
        f"--task {other_task}" if has_numbers else "",
    )


def _first_values(target: Target) -> list[str]:
    distinct = dict.fromkeys(target.y[:100].tolist())
    return [spell_number(value) for value in distinct]


def _is_number(label: str) -> bool:
    value = numbers.parse([label]).values[0]
    return bool(np.isfinite(value))
