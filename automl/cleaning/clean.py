"""Clean a raw table: find the target, the kind of each column and what is wrong, and fit the Cleaner that does it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.cleaning.cells import Cells, Spelled, null_words, read_cells, tidy
from automl.cleaning.cleaner import Cleaner, beside, numbered
from automl.cleaning.decimals import DecimalSign, sign_of_file
from automl.cleaning.drift import in_order
from automl.cleaning.drops import copies, is_constant, is_id, tells
from automl.cleaning.dual_typed import twin
from automl.cleaning.duplicates import duplicate_rows, repeated
from automl.cleaning.findings import Finding, Severity, examples, merge
from automl.cleaning.kinds import KINDS, force, infer
from automl.cleaning.rules import NumberRule, Rule
from automl.cleaning.sentinels import sentinels
from automl.cleaning.target import Dtype, Target, read_target
from automl.columns import Column, Columns, Floats, Numbers, Rows
from automl.errors import InputError, suggestion
from automl.table import Table
from automl.table.frames import with_escapes
from automl.task import Kind

_WARNINGS = (
    "bad_bytes",
    "encoding_doubt",
    "header_made",
    "sampled",
    "short_lines",
    "total_row",
)  # notes of the reader that may mean trouble
_TWINS = {
    **dict.fromkeys(("number", "date", "duration"), "its frequent other words are categories, too"),
    "text": "many categories, in few rows each: read as text, too",
    "parts": "categories that differ in their numbers alone: read as numbers, too",
    "category": "texts that stand again: categories, too",
}  # by the first reading where that decides, else by the second


@dataclass(frozen=True)
class CleanOptions:
    """How a table is to be cleaned.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression", "classification"}, optional
        Inferred if not given; "classification" leaves open how many classes.
    positive : str, optional
        The positive label of a binary task.
    weight, group, time : str, optional
        Columns with weights, groups and times. The first two are no features.
    ignore : tuple of str
        Columns to leave out.
    kinds : mapping of str to str
        The kind of a column, where the inferred one is wrong: number, category, flag, date or text.
    sentinels : bool
        Whether numbers such as -999 that stand for a missing value are made missing.
    missing_words : bool
        Whether words such as NA, none and ? are missing.
    ids : bool
        Whether columns that only number the rows are dropped.
    copies : bool
        Whether columns that equal another one are dropped.
    twins : bool
        Whether names are read as text, too, and texts that stand again as categories.
    """

    task: str | None = None
    positive: str | None = None
    weight: str | None = None
    group: str | None = None
    time: str | None = None
    ignore: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    sentinels: bool = True
    missing_words: bool = True
    ids: bool = True
    copies: bool = True
    twins: bool = True


@dataclass(frozen=True)
class Cleaned:
    """A table that can be learnt from.

    Parameters
    ----------
    cleaner : Cleaner
        Does to other tables what was done to this one.
    columns : Columns
        The features of the kept rows.
    target : str
        The target's name.
    kind, labels, dtype
        Of the target, as in `automl.task.Task`.
    y : ndarray of shape (n_kept,), float64
        Class codes 0, 1, ... or values.
    rows : ndarray of shape (n_kept,), int64
        Which rows of the table were kept.
    duplicates : ndarray of shape (n_kept,), int64
        Equal for rows that are equal in all features.
    weight, times : ndarray of shape (n_kept,), float64, or None
    groups : ndarray of shape (n_kept,), int64, or None
    findings : tuple of Finding
    comma : bool
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
    comma: bool = False


@dataclass(frozen=True)
class _Fitted:
    """One feature after the look at it."""

    name: str
    rule: Rule
    column: Column
    cells: Cells
    findings: tuple[Finding, ...]
    twin: Rule | None = None
    more: tuple[Column, ...] = ()  # further columns, where the rule makes several


def clean(
    table: Table,
    target: Any,
    options: CleanOptions | None = None,
    *,
    weight: Any = None,
    groups: Any = None,
    times: Any = None,
) -> Cleaned:
    """Find and mend what is wrong with a table.

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
        One line that says what can't be learnt from.

    Examples
    --------
    >>> from automl.table import from_frame
    >>> table = from_frame({"price": ["$5", "$7"] * 10, "sold": ["no", "yes"] * 10})
    >>> cleaned = clean(table, "sold")
    >>> cleaned.kind, cleaned.labels, cleaned.columns["price"].kind, cleaned.y[:3].tolist()
    ('binary', ('no', 'yes'), 'number', [0.0, 1.0, 0.0])
    """
    options = _with_known_names(options or CleanOptions(), table)
    _check_options(table, target, options)
    name, series = _target_series(table, target)
    textual = table.textual and isinstance(target, str)
    sign = sign_of_file(table)
    found = read_target(
        series,
        name,
        textual=textual,
        task=options.task,
        positive=options.positive,
        source=table.source,
        sign=sign,
    )
    roles = {
        role
        for role in (
            target if isinstance(target, str) else None,
            options.weight,
            options.group,
            *options.ignore,
        )
        if role is not None and role in table.columns
    }
    kept = table if len(found.rows) == table.n_rows else table.take(found.rows)
    fitted, dropped = _fit_columns(kept.drop(roles), options, sign, found)
    single = Columns(
        numbered({item.name: (item.column, *item.more) for item in fitted}), kept.n_rows
    )
    duplicates = duplicate_rows(single)
    twins = {item.name: item.twin for item in fitted if item.twin is not None}
    columns = beside(
        single,
        {item.name: item.twin.read(item.cells).columns for item in fitted if item.twin is not None},
    )
    given = _Given(table, found.rows, sign)
    findings = [
        *_notes(table),
        *found.findings,
        *_role_findings(options, table),
        *(one for item in fitted for one in item.findings),
        *dropped,
    ]
    rules = {item.name: item.rule for item in fitted}
    unused = tuple(one for one in table.names if one not in rules)
    cleaner = Cleaner(rules, options.missing_words, unused, twins=twins, form=table.form, sign=sign)
    cleaned = Cleaned(
        cleaner, columns, name, found.kind, found.labels, found.dtype,
        found.y, found.rows, duplicates,
        weight=given.weights(weight if weight is not None else options.weight),
        groups=given.groups(groups if groups is not None else options.group),
        times=given.times(times if times is not None else options.time),
        findings=merge([*findings, *_repeated(duplicates)]), comma=found.comma,
    )  # fmt: skip
    return _without_weightless(cleaned)


def _with_known_names(options: CleanOptions, table: Table) -> CleanOptions:
    """The same options; a column under `kinds` that is there without the blanks around its name is meant by it."""
    kinds = {
        name if name in table.columns else _bare(name, table): kind
        for name, kind in options.kinds.items()
    }
    return replace(options, kinds=kinds)


def _bare(name: str, table: Table) -> str:
    return name.strip() if name.strip() in table.columns else name


def _check_options(table: Table, target: Any, options: CleanOptions) -> None:
    if isinstance(target, str):
        table[target]  # an InputError with a suggestion if there is none
        if any(note.code == "header_duplicate" and target in note.columns for note in table.notes):
            raise InputError(
                f"{table.source}: the target {target!r} stands for several columns. Rename one of them."
            )
    for option, name in (
        ("--weight", options.weight),
        ("--group", options.group),
        ("--time", options.time),
        *(("--ignore", one) for one in options.ignore),
    ):
        if (
            name is not None
            and name not in table.columns
            and not (option in _COMBINED and parts_of(name, table))
        ):
            lacking = _lacking(name, table) if option in _COMBINED else name
            raise InputError(
                f"{option}: {table.source} has no column {lacking!r}.{suggestion(lacking, table.names)}"
            )
        if name is not None and isinstance(target, str) and name == target:
            raise InputError(f"{option}: {name!r} is the target")
    for name, kind in options.kinds.items():
        if name not in table.columns:
            raise InputError(
                f"clean.kinds: {table.source} has no column {name!r}.{suggestion(name, table.names)}"
            )
        if kind not in KINDS:
            raise InputError(
                f"clean.kinds: no kind {kind!r} for column {name!r}.{suggestion(kind, KINDS)} There are {', '.join(KINDS)}."
            )


_COMBINED = ("--group", "--time")


def parts_of(name: str | None, table: Table) -> tuple[str, ...]:
    """The columns that a name with commas stands for together; none where it is a column, or one of them isn't there.

    Several columns together are a group or a time, and stay features: each says something about new rows, too.
    """
    parts = tuple(part.strip() for part in (name or "").split(","))
    return (
        parts
        if name not in table.columns
        and len(parts) > 1
        and all(part in table.columns for part in parts)
        else ()
    )


def _lacking(name: str, table: Table) -> str:
    """The part of a name with commas that is no column, if others of its parts are; else the whole name."""
    parts = [part.strip() for part in name.split(",")]
    lacking = [part for part in parts if part not in table.columns]
    return lacking[0] if len(lacking) < len(parts) else name


def _target_series(table: Table, target: Any) -> tuple[str, pd.Series[Any]]:
    if isinstance(target, str):
        return target, table[target]
    series = _as_series(target, "y", table.n_rows)
    return str(series.name) if series.name is not None else "target", series


def _as_series(values: Any, what: str, n_rows: int) -> pd.Series[Any]:
    """One value a row, from whatever holds them."""
    if values is None:
        raise InputError(f"{what} is None: requires {what} to be passed")
    if isinstance(values, pd.DataFrame):
        values = values.iloc[:, 0] if values.shape[1] == 1 else values.to_numpy()
    if not isinstance(values, pd.Series):
        name = getattr(values, "name", None)
        if type(values).__module__.partition(".")[0] in ("polars", "pyarrow"):
            values = values.to_list() if hasattr(values, "to_list") else values.to_pylist()
        array = np.asarray(values) if not isinstance(values, (list, tuple)) else _array_of(values)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise InputError(
                f"{what}: y should be a 1d array, got an array of shape {array.shape} instead."
            )
        if array.dtype.kind == "c":
            raise InputError(f"{what}: Complex data not supported")
        values = pd.Series(array, name=name or None)
    if len(values) != n_rows:
        raise InputError(
            f"{what}: Found input variables with inconsistent numbers of samples: [{n_rows}, {len(values)}]"
        )
    return with_escapes(values.reset_index(drop=True))


def _array_of(values: Sequence[Any]) -> npt.NDArray[Any]:
    """An array in which mixed values keep their types: numpy would make text of [1, "a"]."""
    if values and all(isinstance(value, (list, tuple, np.ndarray)) for value in values):
        if len({len(value) for value in values}) > 1:
            raise InputError("y should be a 1d array, got lists of different lengths instead.")
        return np.array([list(value) for value in values])
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return np.asarray(pd.Series(array).infer_objects())


# --- features ---------------------------------------------------------------------------------------------------------------------


def _fit_columns(
    table: Table, options: CleanOptions, sign: DecimalSign, target: Target
) -> tuple[list[_Fitted], list[Finding]]:
    """The features worth keeping, and findings about the others."""
    if not table.names:
        raise InputError(f"{table.source}: no column is left to learn from")
    fitted = [_fit_column(name, table.columns[name], options, sign) for name in table.names]
    dropped: list[Finding] = []
    kept: list[_Fitted] = []
    for item in fitted:
        reason = _reason_to_drop(item, options, target)
        if reason is None:
            kept.append(item)
        else:
            dropped.append(reason)
    if options.copies:
        kept, equal = _without_copies(kept, options)
        dropped += equal
    if not kept:
        action = "nothing but constants and ids is there to learn from: they were kept"
        return fitted, [Finding("no_features", table.names, "warning", len(fitted), action=action)]
    return kept, dropped


def _fit_column(
    name: str, series: pd.Series[Any], options: CleanOptions, sign: DecimalSign
) -> _Fitted:
    raw = read_cells(series)
    cells = tidy(raw, missing_words=options.missing_words)
    inferred = (
        force(name, cells, options.kinds[name], sign)
        if name in options.kinds
        else infer(name, cells, sign)
    )
    rule, findings = inferred.rule, list(inferred.findings)
    read = rule.read(cells)
    column = read.column
    if isinstance(raw, Spelled) and options.missing_words:
        findings += _words_finding(name, raw)
    if (lost := _infinite(raw, column)) > 0:
        findings.append(
            Finding(
                "infinite", (name,), "warning", lost, action="infinite numbers count as missing"
            )
        )
    if (
        isinstance(rule, NumberRule)
        and isinstance(column, Numbers)
        and options.sentinels
        and (values := sentinels(column.values))
    ):
        shown = tuple(f"{value:g}" for value in values)
        count = int(np.isin(column.values, values).sum())
        action = "far outside of all other values and frequent: taken as missing"
        findings.append(
            Finding(
                "sentinel", (name,), "warning", count, shown, action, "--set clean.sentinels=false"
            )
        )
        rule = replace(rule, sentinels=values)
        column = rule.read(cells).column
    second = twin(rule, cells) if options.twins and name not in options.kinds else None
    if second is not None:
        findings.append(_twin_finding(name, rule, second))
    return _Fitted(name, rule, column, cells, tuple(findings), second, read.more)


def _twin_finding(name: str, first: Rule, second: Rule) -> Finding:
    how = _TWINS[first.kind if first.kind in _TWINS else second.kind]
    return Finding("twin", (name,), "info", 1, action=how, override="--set clean.twins=false")


def _words_finding(name: str, raw: Spelled) -> list[Finding]:
    words = null_words(raw.words.tolist())
    if not words:
        return []
    chosen = set(words)
    count = int(
        sum(
            count
            for word, count in zip(raw.words, raw.counts().tolist(), strict=True)
            if word in chosen
        )
    )
    return [
        Finding(
            "missing_words",
            (name,),
            "info",
            count,
            examples(words),
            "words that stand for a missing value",
            "--set clean.missing_words=false",
        )
    ]


def _infinite(raw: Cells, column: Column) -> int:
    """How many infinite numbers became missing; infinite words were kept as strays by the rule."""
    return (
        0
        if isinstance(raw, Spelled) or not isinstance(column, Numbers)
        else int(np.isinf(raw.values).sum())
    )


def _reason_to_drop(item: _Fitted, options: CleanOptions, target: Target) -> Finding | None:
    if not item.more and is_constant(item.column, item.cells):
        return Finding("constant", (item.name,), "info", 1, action="all cells are equal: dropped")
    times = (options.time, *(options.time or "").split(","))
    is_free = options.ids and item.name not in times and item.name not in options.kinds
    columns = (item.column, *item.more)
    if (
        is_free
        and is_id(item.name, columns, item.cells)
        and not tells(columns, item.cells, target.y, len(target.labels))
    ):
        shown = _first_values(item)
        return Finding(
            "id",
            (item.name,),
            "info",
            1,
            shown,
            "only tells the rows apart: dropped",
            "--set clean.ids=false",
        )
    return None


def _first_values(item: _Fitted) -> tuple[str, ...]:
    if isinstance(item.cells, Spelled):
        return examples(item.cells.words[:3])
    return examples(f"{value:g}" for value in item.cells.values[:3])


def _without_copies(
    kept: list[_Fitted], options: CleanOptions
) -> tuple[list[_Fitted], list[Finding]]:
    found = copies({item.name: item.column for item in kept if not item.more})
    found.pop(options.time or "", None)
    action, override = "equal to another column: dropped", "--set clean.copies=false"
    findings = [
        Finding("copy", (name,), "info", 1, (earlier,), action, override)
        for name, earlier in found.items()
    ]
    return [item for item in kept if item.name not in found], findings


# --- findings and roles -----------------------------------------------------------------------------------------------------------


def _notes(table: Table) -> list[Finding]:
    def severity(code: str) -> Severity:
        return "warning" if code in _WARNINGS else "info"

    return [
        Finding(
            note.code,
            note.columns,
            severity(note.code),
            note.count,
            action=note.text,
            override=note.override,
        )
        for note in table.notes
    ]


def _role_findings(options: CleanOptions, table: Table) -> list[Finding]:
    roles = (("weight", options.weight), ("group", options.group))
    used = [(role, name) for role, name in roles if name is not None and name in table.columns]
    return [
        Finding("role", (name,), "info", 1, action=f"used as {role}, not as a feature")
        for role, name in used
    ]


def _without_weightless(cleaned: Cleaned) -> Cleaned:
    """Rows of weight zero say nothing; a fold that held only such rows could not be scored."""
    if cleaned.weight is None or cleaned.weight.all():
        return cleaned
    kept = np.flatnonzero(cleaned.weight)
    gone = len(cleaned.weight) - len(kept)
    finding = Finding(
        "weightless_rows",
        (),
        "info",
        gone,
        action=f"{gone} of {len(cleaned.weight)} rows have weight 0 and were left out",
    )
    parts: dict[str, Any] = {
        name: getattr(cleaned, name)
        for name in ("y", "rows", "duplicates", "weight", "groups", "times")
    }
    parts = {name: None if part is None else part[kept] for name, part in parts.items()}
    return replace(
        cleaned, columns=cleaned.columns.take(kept), findings=(*cleaned.findings, finding), **parts
    )


def _repeated(duplicates: Rows) -> list[Finding]:
    count = repeated(duplicates)
    if count == 0:
        return []
    action, override = (
        f"{count} of {len(duplicates)} rows equal an earlier one in all features",
        "--set clean.keep_duplicates_together=true",
    )
    return [Finding("duplicate_rows", (), "info", count, action=action, override=override)]


@dataclass(frozen=True)
class _Given:
    """Weights, groups and times, from columns or arrays, for the kept rows."""

    table: Table
    rows: Rows
    sign: DecimalSign

    def _series(self, given: Any, what: str) -> tuple[pd.Series[Any], str]:
        if isinstance(given, str):
            return self.table[given], f"{self.table.source}: {what} column {given!r}"
        return _as_series(given, what, self.table.n_rows), what

    def weights(self, given: Any) -> Floats | None:
        if given is None:
            return None
        series, where = self._series(given, "weight")
        values = self._floats(series, where, "number", "flag")
        bad = np.flatnonzero(~np.isfinite(values) | (values < 0))
        if len(bad):
            row = int(self.rows[bad[0]])
            raise InputError(
                f"{where}: {str(series.iloc[row])!r} in row {row + 1} is no weight; weights are finite numbers and not negative"
            )
        if not values.sum() > 0:
            raise InputError(f"{where}: all weights are zero")
        return values

    def groups(self, given: Any) -> Rows | None:
        if given is None:
            return None
        if isinstance(given, str) and (parts := parts_of(given, self.table)):
            whole = np.stack([one for one in map(self.groups, parts) if one is not None])
            return np.unique(whole, axis=1, return_inverse=True)[1].ravel().astype(np.int64)
        series, _ = self._series(given, "group")
        codes, _ = pd.factorize(
            series.iloc[self.rows], use_na_sentinel=False
        )  # rows without a group are one group
        return np.asarray(codes, np.int64)

    def times(self, given: Any) -> Floats | None:
        if given is None:
            return None
        if isinstance(given, str) and (parts := parts_of(given, self.table)):
            return in_order([one for one in map(self.times, parts) if one is not None])
        series, where = self._series(given, "time")
        values = self._floats(series, where)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            row = int(self.rows[bad[0]])
            raise InputError(
                f"{where}: {str(series.iloc[row])!r} in row {row + 1} is neither a date nor a number"
            )
        return values

    def _floats(self, series: pd.Series[Any], where: str, *kinds: str) -> Floats:
        cells = tidy(read_cells(series.iloc[self.rows]))
        column = infer(where, cells, self.sign).rule.read(cells).column
        if not isinstance(column, Numbers) or (kinds and column.kind not in kinds):
            raise InputError(
                f"{where} holds {'no numbers' if kinds else 'neither numbers nor dates'}"
            )
        return column.values
