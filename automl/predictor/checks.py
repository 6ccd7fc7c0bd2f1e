"""Check what a predictor's file says about itself, so that nothing later stumbles over it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from automl.arrays import Floats
from automl.errors import UnsafeModel
from automl.predictor.model import Member
from automl.task import TASK_KINDS, Task

_LABEL_TYPES = ("text", "int", "float", "bool")
_EXPECTED = ("loss", "low", "high")  # numbers that the expected score has
_NUMBERS = (int, float)
_MAX_FLOAT = sys.float_info.max
_SIZES = ("rows", "new")  # numbers of rows that it may have


def check_task(task: Task) -> None:
    """Refuse a task that no fit has.

    Raises
    ------
    UnsafeModel
        A name or label is no text, or the labels don't suit the kind of task.
    ValueError
        A label can't have the labels' type.
    """
    names = (task.kind, task.target, task.metric, task.dtype)
    texts = (*names, *task.labels)
    are_texts = all(isinstance(text, str) for text in texts)
    is_known = task.kind in TASK_KINDS
    if not are_texts or not is_known:
        raise UnsafeModel("its task is invalid")
    if task.dtype not in _LABEL_TYPES:
        raise UnsafeModel("its task has labels of an unknown type")
    n_labels = len(task.labels)
    has_labels = n_labels >= 2
    if task.kind == "binary":
        has_labels = n_labels == 2
    if task.is_regression:
        has_labels = n_labels == 0
    if not has_labels:
        raise UnsafeModel(f"its task is {task.kind} and has {n_labels} classes")
    _ = task.typed_labels


def check_parts(members: Iterable[Member]) -> None:
    """Refuse members without models, and models that read no encoding or one of them twice."""
    for member in members:
        widths = [len(part.encodings) for part in member.parts]
        if min(widths, default=0) == 0:
            raise UnsafeModel(f"member {member.id!r} has no model, or one that reads nothing")
        distinct = [len(set(part.encodings)) for part in member.parts]
        if distinct != widths:
            raise UnsafeModel(f"member {member.id!r} has a model that reads an encoding twice")


def check_residuals(residuals: Floats | None) -> None:
    """Refuse quantiles of residuals that are none."""
    if residuals is None:
        return
    is_vector = residuals.ndim == 1 and len(residuals) > 0
    if not is_vector or not np.isfinite(residuals).all():
        raise UnsafeModel("its residuals are invalid")


def check_facts(facts: Any) -> None:
    """Refuse facts whose expected score can't be computed with; it may be missing."""
    if not isinstance(facts, Mapping):
        raise UnsafeModel("its facts are invalid")
    expected = facts.get("expected", {})
    if not isinstance(expected, Mapping):
        raise UnsafeModel("its expected score is invalid")
    if not expected:
        return
    error = UnsafeModel("its expected score is invalid")
    numbers = [expected.get(key) for key in _EXPECTED]
    sizes = [expected[key] for key in _SIZES if key in expected]
    for number in (*numbers, *sizes):
        is_number = type(number) in _NUMBERS
        if not is_number or abs(number) > _MAX_FLOAT:  # no float holds such an integer
            raise error
    for size in sizes:
        if not 0 < float(size) < np.inf:
            raise error
