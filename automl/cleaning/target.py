"""What is to be predicted: the kind of task, the labels, and which rows have a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.cleaning import numbers
from automl.cleaning.cells import MISSING_WORDS, Codes, Spelled, Typed, read_cells, spell_number
from automl.cleaning.decimals import UNKNOWN, DecimalSign, weigh
from automl.cleaning.findings import Finding, examples
from automl.columns import Floats, Rows
from automl.errors import InputError, suggestion
from automl.task import Kind

Dtype = Literal["text", "int", "float", "bool"]
TASKS = ("binary", "multiclass", "regression", "classification")

FEWEST_ROWS = 10
FEWEST_A_CLASS = 2
MOST_CLASSES = 10  # whole numbers with more values than this are a quantity
_RARE = 0.1  # of an equal share
_NUMERIC_SHARE = 0.95


@dataclass(frozen=True)
class Target:
    """A target that can be learnt.

    Parameters
    ----------
    name : str
    kind : {"binary", "multiclass", "regression"}
    labels : tuple of str
        The classes in the order of their codes; the positive one of two is the second. Empty for regression.
    dtype : {"text", "int", "float", "bool"}
        What the labels were.
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


@dataclass(frozen=True)
class _Labels:
    """A target by its distinct values: row i is `labels[codes[i]]`, -1 is missing; `values` are the labels as numbers, if they all are."""

    codes: Codes
    labels: tuple[str, ...]
    dtype: Dtype
    values: Floats | None
    sign: DecimalSign = UNKNOWN

    @property
    def has_comma(self) -> bool:
        """Whether the labels are text whose decimal sign is the comma."""
        return self.values is None and self.sign.of(weigh([label.strip() for label in self.labels]))


def read_target(
    series: pd.Series[Any],
    name: str,
    *,
    textual: bool = False,
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
    textual : bool
        Whether it is text as it stands in a file: then labels stay text and are sorted as text.
    task : {"binary", "multiclass", "regression", "classification"}, optional
        What it is, if the user said so; otherwise it is inferred and a finding says so.
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
    >>> target = read_target(pd.Series(["no", "yes", ""] * 5), "churn", textual=True)
    >>> target.kind, target.labels, len(target.rows), target.y[:4].tolist()
    ('binary', ('no', 'yes'), 10, [0.0, 1.0, 0.0, 1.0])
    """
    where = f"{source}: target {name!r}"
    if task is not None and task not in TASKS:
        raise InputError(
            f"--task: no task {task!r}.{suggestion(task, TASKS)} There are {', '.join(TASKS)}."
        )
    if len(series) == 0 or _all_missing(series):
        raise InputError(f"{where} has no value at all")
    found = replace(_labels(series, where, textual), sign=sign)
    inferred = task is None
    chosen = task or _infer(found)
    target = (
        _regression(found, name, where)
        if chosen == "regression"
        else _classification(found, name, where, chosen)
    )
    if positive is not None:
        target = _with_positive(target, positive, where)
    if inferred:
        target = replace(target, findings=(_kind_finding(target), *target.findings))
    gone = (
        len(series)
        - len(target.rows)
        - sum(finding.count for finding in target.findings if finding.code == "rare_class")
    )
    if gone:
        action = "rows without a target were left out"
        target = replace(
            target,
            findings=(
                *target.findings,
                Finding("target_missing", (name,), "warning", gone, action=action),
            ),
        )
    return target


def _all_missing(series: pd.Series[Any]) -> bool:
    cells = read_cells(series)
    if isinstance(cells, Typed):
        return bool(np.isnan(cells.values).all())
    return not any(word.strip() for word in cells.words[np.unique(cells.codes[cells.codes >= 0])])


def _labels(series: pd.Series[Any], where: str, textual: bool) -> _Labels:
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = (
            series.astype(series.cat.categories.dtype)
            if not series.isna().any()
            else series.astype(object)
        )
    cells = read_cells(series)
    if isinstance(cells, Typed):
        return _typed_labels(cells, where)
    return _text_labels(cells)


def _typed_labels(cells: Typed, where: str) -> _Labels:
    if cells.form == "date":
        raise InputError(f"{where} holds dates; give numbers or classes")
    if np.isinf(cells.values).any():
        place = int(np.flatnonzero(np.isinf(cells.values))[0])
        raise InputError(
            f"{where} is infinite in row {place + 1}: Input y contains infinity or a value too large for dtype('float64')."
        )
    values = np.unique(cells.values[~np.isnan(cells.values)])
    codes = np.where(np.isnan(cells.values), -1, np.searchsorted(values, cells.values)).astype(
        np.int64
    )
    dtype: Dtype = "bool" if cells.form == "flag" else "int" if cells.whole else "float"
    return _Labels(
        codes, tuple(_spell_label(value, dtype) for value in values.tolist()), dtype, values
    )


def _spell_label(value: float, dtype: Dtype) -> str:
    if dtype == "bool":
        return str(bool(value))
    return spell_number(value) if dtype == "int" else repr(value)


def _text_labels(cells: Spelled) -> _Labels:
    """Labels exactly as they stand; only blank ones are missing."""
    words = [word for word in cells.words.tolist() if word.strip()]
    labels = sorted(words)
    place = {label: code for code, label in enumerate(labels)}
    mapping = np.array([*(place.get(word, -1) for word in cells.words.tolist()), -1], np.int64)
    codes = mapping[cells.codes]
    present = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(labels)))
    if len(present) < len(labels):  # a categorical's empty levels
        renumbered = np.full(len(labels) + 1, -1, np.int64)
        renumbered[present] = np.arange(len(present))
        codes, labels = renumbered[codes], [labels[code] for code in present]
    return _Labels(codes, tuple(labels), "text", None)


def _infer(found: _Labels) -> str:
    """What the values look like: text is classes, fractions are a quantity, so are whole numbers with more than ten values."""
    if found.dtype == "bool":
        return "classification"
    if found.values is not None:
        return _infer_numbers(found.values, found.codes)
    words = [word for word in found.labels if word.strip().casefold() not in MISSING_WORDS]
    if not words or numbers.are_codes([word.strip() for word in words]):
        return "classification"
    values = _parse(words, found.sign)
    readable = ~np.isnan(values)
    if readable.mean() < _NUMERIC_SHARE:
        return "classification"
    return _infer_numbers(values[readable], found.codes)


def _infer_numbers(values: Floats, codes: Codes) -> str:
    distinct, rows = len(np.unique(values)), int((codes >= 0).sum())
    few = distinct <= 2 or (distinct <= MOST_CLASSES and FEWEST_A_CLASS * distinct <= rows)
    return "classification" if few and bool((values == np.floor(values)).all()) else "regression"


def _parse(words: Sequence[str], sign: DecimalSign) -> Floats:
    return numbers.parse(words, comma=sign.of(weigh(words))).values


def _reading(found: _Labels, name: str) -> tuple[Finding, ...]:
    """How a target written with signs was read."""
    words = [label.strip() for label in found.labels if "," in label or "." in label]
    comma = found.sign.of(weigh(words))
    odd = [word for word in words if comma or "," in word]
    if found.values is not None or not odd:
        return ()
    read = [numbers.parse([word], comma=comma).values[0] for word in odd[:1]]
    action = f"the target was read with a decimal {'comma' if comma else 'point'}: {odd[0][:40]} is {read[0]:.15g}"
    return (Finding("target_sign", (name,), "info", len(odd), examples(odd), action),)


def _regression(found: _Labels, name: str, where: str) -> Target:
    table = found.values if found.values is not None else _label_values(found, where)
    if found.dtype == "bool":
        table = np.array([label == "True" for label in found.labels], np.float64)
    values = np.append(table, np.nan)[found.codes]
    rows = np.flatnonzero(~np.isnan(values)).astype(np.int64)
    _check_rows(len(rows), where)
    y = values[rows]
    findings = _reading(found, name)
    if (y == y[0]).all():
        action = "all values of the target are equal: there is nothing to learn"
        findings = (
            *findings,
            Finding("constant_target", (name,), "warning", len(y), examples([y[0]]), action),
        )
    dtype = found.dtype if found.dtype != "text" else "float"
    return Target(name, "regression", (), dtype, rows, y, findings, found.has_comma)


def _label_values(found: _Labels, where: str) -> Floats:
    """Text labels as numbers; the missing words are missing."""
    missing = np.array([label.strip().casefold() in MISSING_WORDS for label in found.labels])
    values = np.full(len(found.labels), np.nan)
    values[~missing] = _parse(
        [label for label, gone in zip(found.labels, missing, strict=True) if not gone], found.sign
    )
    bad = np.flatnonzero(np.isnan(values) & ~missing)
    if len(bad):
        rows = np.flatnonzero(np.isin(found.codes, bad))
        word = found.labels[found.codes[rows[0]]]
        what = "infinite" if numbers.is_infinite(word) else "not a number"
        more = f" ({len(rows)} such rows)" if len(rows) > 1 else ""
        raise InputError(
            f"{where}: {word[:60]!r} in row {rows[0] + 1} is {what}{more}. For classes, give --task binary or multiclass."
        )
    return values


def _classification(found: _Labels, name: str, where: str, task: str) -> Target:
    counts = np.bincount(found.codes[found.codes >= 0], minlength=len(found.labels))
    _check_rows(int(counts.sum()), where)
    if len(found.labels) == 1:
        raise InputError(
            f"{where} has only one class, {found.labels[0][:60]!r}: there is nothing to learn"
        )
    if task == "binary" and len(found.labels) != 2:
        shown = ", ".join(repr(label[:30]) for label in found.labels[:5])
        raise InputError(
            f"{where} has {len(found.labels)} classes ({shown}{', ...' if len(found.labels) > 5 else ''}), not two: give --task multiclass"
        )
    rare = counts < FEWEST_A_CLASS
    if rare.any() and len(found.labels) == 2:
        raise InputError(
            f"{where}: class {found.labels[int(np.argmin(counts))][:60]!r} has 1 row; each class needs {FEWEST_A_CLASS}"
        )
    return _without_rare(found, name, where, counts, rare)


def _without_rare(
    found: _Labels, name: str, where: str, counts: npt.NDArray[Any], rare: npt.NDArray[np.bool_]
) -> Target:
    kept = np.flatnonzero(~rare)
    if len(kept) < 2:
        raise InputError(
            f"{where} has {len(counts)} classes, fewer than two of them with {FEWEST_A_CLASS} rows. For a quantity, give --task regression."
        )
    renumbered = np.full(len(counts) + 1, -1, np.int64)
    renumbered[kept] = np.arange(len(kept))
    codes = renumbered[found.codes]
    rows = np.flatnonzero(codes >= 0).astype(np.int64)
    _check_rows(len(rows), where)
    findings: list[Finding] = []
    if rare.any():
        gone = [found.labels[code] for code in np.flatnonzero(rare)]
        action = "classes with a single row were left out"
        findings.append(
            Finding("rare_class", (name,), "warning", len(gone), examples(gone), action)
        )
    share = counts[kept].min() / counts[kept].sum()
    if share * len(kept) < _RARE:
        smallest = found.labels[kept[int(np.argmin(counts[kept]))]]
        action = f"the smallest class has {share:.2%} of the rows"
        findings.append(
            Finding(
                "imbalance", (name,), "info", int(counts[kept].min()), examples([smallest]), action
            )
        )
    labels = tuple(found.labels[code] for code in kept)
    kind: Kind = "binary" if len(labels) == 2 else "multiclass"
    return Target(
        name, kind, labels, found.dtype, rows, codes[rows].astype(np.float64), tuple(findings)
    )


def _check_rows(count: int, where: str) -> None:
    if count < FEWEST_ROWS:
        raise InputError(
            f"{where}: {count} rows have a target (n_samples={count}); at least {FEWEST_ROWS} are needed"
        )


def _with_positive(target: Target, positive: str, where: str) -> Target:
    if target.kind != "binary":
        raise InputError(
            f"--positive: {where} is {target.kind}; only a binary task has a positive class"
        )
    wanted = str(positive)
    if wanted not in target.labels:
        known = f"It has {target.labels[0]!r} and {target.labels[1]!r}."
        raise InputError(
            f"--positive: {where} has no label {wanted!r}.{suggestion(wanted, target.labels)} {known}"
        )
    if wanted == target.labels[1]:
        return target
    return replace(target, labels=(target.labels[1], target.labels[0]), y=1.0 - target.y)


def _kind_finding(target: Target) -> Finding:
    shown = (
        examples(target.labels)
        if target.labels
        else examples(
            spell_number(cast(float, value)) for value in dict.fromkeys(target.y[:100].tolist())
        )
    )
    what = (
        f"{target.kind} with {len(target.labels)} classes"
        if target.kind == "multiclass"
        else target.kind
    )
    numeric = all(_is_number(label) for label in target.labels)
    other = "multiclass" if target.kind == "regression" else "regression"
    override = f"--task {other}" if numeric else ""
    return Finding(
        "task",
        (target.name,),
        "info",
        len(target.labels) or len(target.rows),
        shown,
        f"taken for {what}",
        override,
    )


def _is_number(label: str) -> bool:
    return bool(np.isfinite(numbers.parse([label]).values[0]))
