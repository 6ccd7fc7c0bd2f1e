"""Families whose libraries an extra brings: whether there is time for them, and if not installed.

They are slow, so where no families are named they take part only where a fit takes a small share of
the stage's time.
"""

from __future__ import annotations

from collections.abc import Iterable

from automl.candidate import Candidate
from automl.finding import Finding
from automl.lab.lab import Lab
from automl.models import NN_EXTRA, absent_families, needs_extra
from automl.search.costs import formula_seconds_of_all_rows
from automl.search.portfolio import default_candidate
from automl.study import Study

ABSENT = "absent_families"
_MIN_SECONDS = 60.0  # of the run that are left; below that these families are hardly reached
_MAX_SHARE = 0.1  # of the stage's seconds on all cores, for a fit of each fold


def affordable(study: Study, candidates: Iterable[Candidate], seconds: float) -> list[Candidate]:
    """Return the candidates without those of an extra's families that take too long.

    Parameters
    ----------
    study : Study
    candidates : iterable of Candidate
    seconds : float
        Of the stage, on all cores together.
    """
    return [
        candidate
        for candidate in candidates
        if not needs_extra(candidate.family) or _is_affordable(study, candidate, seconds)
    ]


def _is_affordable(study: Study, candidate: Candidate, seconds: float) -> bool:
    n_fits = len(study.plan.splits)
    expected = n_fits * formula_seconds_of_all_rows(study, candidate)
    return expected <= _MAX_SHARE * seconds


def absent_finding(study: Study, lab: Lab, seconds: float) -> Finding | None:
    """Return what would have been tried if the extra was installed; None if nothing.

    Without a clock nothing is said: there is no telling what there would be time for.
    """
    if not lab.budget.is_timed or lab.budget.remaining() < _MIN_SECONDS:
        return None
    if any(finding.code == ABSENT for finding in study.findings):
        return None
    names = []
    for name in absent_families():
        candidate = default_candidate(study, name)
        if _is_affordable(study, candidate, seconds):
            names.append(name)
    if not names:
        return None
    listed = " and ".join(names)
    command = f"pip install 'automl-tabular[{NN_EXTRA}]'"
    action = f"{listed} would have been tried, too, if installed: {command}"
    return Finding(ABSENT, (), "info", len(names), action=action)
