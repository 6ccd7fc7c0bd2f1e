"""Pretrained families: those that the table is too large for are left out; licences are told."""

from __future__ import annotations

from collections.abc import Sequence

from automl.candidate import Candidate
from automl.events import FindingRecorded
from automl.finding import Finding
from automl.lab.lab import Lab
from automl.models import find_pretrained, is_pretrained
from automl.models.pretrained.weights import purpose_of
from automl.search.pretrained import excess
from automl.study import Study

LICENCES = "pretrained_licences"
TOO_LARGE = "pretrained_limits"


def admit(
    study: Study,
    lab: Lab,
    families: Sequence[str],
    candidates: Sequence[Candidate],
) -> tuple[Study, list[Candidate]]:
    """Return the candidates but those of models that the table is too large for.

    Findings say which these are, and under which licences the others are.

    Raises
    ------
    InputError
        A family has no weights for the task, or those of the user are for another kind of task.
    """
    left_out = set()
    for name in filter(is_pretrained, families):
        finding = _finding(study, name)
        if finding.code == TOO_LARGE:
            left_out.add(name)
        if finding not in study.findings:
            study = lab.record(study, FindingRecorded(finding))
    kept = [candidate for candidate in candidates if candidate.family not in left_out]
    return study, kept


def _finding(study: Study, name: str) -> Finding:
    too_much = excess(study, name)
    if too_much:
        action = f"{name} is not tried: {too_much}"
        return Finding(TOO_LARGE, (), "warning", 1, action=action)
    family = find_pretrained(name)
    purpose = purpose_of(study.known_task)
    path = family.weights.find(purpose)
    if path.name not in family.weights.files[purpose]:  # else its name tells what it is for
        family.engine.check(path, purpose)
    action = f"{name} takes part with the weights {path.name}: {family.licences(path)}"
    return Finding(LICENCES, (), "info", 1, action=action)
