"""Which pretrained models a table is too large for."""

from __future__ import annotations

from collections.abc import Iterable

from automl.models import find_pretrained, is_pretrained
from automl.models.pretrained.weights import purpose_of
from automl.study import Study


def excess(study: Study, name: str) -> str:
    """Return what the table has too much of for a family, as a clause; "" if nothing.

    Raises
    ------
    InputError
        It is a pretrained family without weights for the study's task.
    """
    if not is_pretrained(name):
        return ""
    family = find_pretrained(name)
    task = study.known_task
    purpose = purpose_of(task)
    path = family.weights.find(purpose)
    limits = family.limits(path)
    size = study.size
    n_classes = len(task.labels)
    return limits.excess(size.rows, size.columns, n_classes)


def fitting(study: Study, names: Iterable[str]) -> list[str]:
    """Return the families but those that the table is too large for."""
    kept = []
    for name in names:
        if not excess(study, name):
            kept.append(name)
    return kept
