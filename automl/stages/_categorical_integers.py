"""Find whole numbers that are categories rather than amounts, and keys of entities."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from automl.cleaning import Cleaned
from automl.features.categorical_integers import find_categorical_integers
from automl.features.entity_keys import find_entity_keys
from automl.features.target import MAX_TARGET_CLASSES, encode_targets
from automl.finding import Finding
from automl.folds import sample_rows
from automl.task import Task

MAX_SAMPLE_ROWS = 50_000
MIN_SAMPLE_ROWS = 500  # or all rows, if there are fewer; otherwise nothing is looked for
# Cells x outputs, about a second of work. No clock decides, so that `resume` and `reproduce` find
# the same columns.
MAX_SAMPLE_CELLS = 1_000_000


def with_categorical_integers(
    cleaned: Cleaned,
    task: Task,
    seed: int,
    known: npt.NDArray[np.int64],
    amounts: Collection[str | None] = (),
) -> Cleaned:
    """Return a cleaned table in which numbers that are no amounts are categories.

    Categorical integers become categories in addition to numbers, keys of entities become
    categories only.

    Parameters
    ----------
    cleaned : Cleaned
    task : Task
    seed : int
    known : ndarray of int64
        The rows that may be looked at.
    amounts : collection of str
        Columns that are never keys.
    """
    sample = _sample_rows(cleaned, task, seed, known)
    if sample is None:
        return cleaned
    target = encode_targets(task, cleaned.y, sample, seed)
    possible_keys = find_entity_keys(cleaned.columns, target)
    keys = tuple(name for name in possible_keys if name not in amounts)
    integers = tuple(
        name for name in find_categorical_integers(cleaned.columns, target) if name not in keys
    )
    if not keys and not integers:
        return cleaned
    cleaner = cleaned.cleaner.with_categorical_integers(integers, cleaned.columns, keys)
    findings = [*cleaned.findings]
    findings.extend(_key_finding(name) for name in keys)
    if integers:
        findings.append(_categorical_integers_finding(integers))
    return replace(
        cleaned,
        cleaner=cleaner,
        columns=cleaner.add_categorical_integers(cleaned.columns),
        findings=tuple(findings),
    )


def _sample_rows(
    cleaned: Cleaned, task: Task, seed: int, known: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64] | None:
    """Draw the rows to look at; None if the table is too wide for a useful number of them."""
    n_numbers = len(cleaned.columns.names("number"))
    n_products = n_numbers * min(task.n_outputs, MAX_TARGET_CLASSES)
    max_rows = min(MAX_SAMPLE_ROWS, MAX_SAMPLE_CELLS // max(1, n_products))
    if max_rows < min(MIN_SAMPLE_ROWS, len(known)):
        return None
    return known[sample_rows(len(known), max_rows, seed)]


def _key_finding(name: str) -> Finding:
    action = (
        "a key that rows share, whose order says nothing: taken as a category, not as an amount"
    )
    setting = shlex.quote(f"clean.kinds.{name}=number")
    override = f"--set {setting}, or --group {shlex.quote(name)} to hold out whole entities"
    return Finding("key", (name,), "info", 1, action=action, override=override)


def _categorical_integers_finding(names: tuple[str, ...]) -> Finding:
    action = "whole numbers that stand for something and are no amounts: taken as categories, too"
    override = "--set clean.categorical_integers=false"
    return Finding("codes", names, "info", len(names), action=action, override=override)
