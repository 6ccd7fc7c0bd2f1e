"""The wording of findings about an untrue score, with the option that answers each of them."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from automl.cleaning.drift import Drift
from automl.cleaning.duplicates import Copies
from automl.cleaning.entity_candidates import Entity
from automl.cleaning.leaks import Leak
from automl.finding import Finding, Severity
from automl.stages._score_checks import ScoreCheck
from automl.task import Task

MIN_WARNED_COPIES_SHARE = 0.15  # of the rows: that is a warning even without a probe
MIN_COPIES_SKILL_LOSS = 0.08
MIN_COPIES_STANDARD_ERRORS = 2.0
MAX_PROFILE_SHOWN = 4  # columns

_UNMEASURED = "the effect was not measured, for lack of time"
_COMPARISONS: Mapping[str, tuple[str, str]] = {
    "leak": ("with them", "without"),
    "copied_rows": ("with copies apart", "with them together"),
    "entity": ("by random folds", "on entities that no model has seen"),
    "drift": ("by random folds", "on later rows"),
}


def leak_finding(leaks: Sequence[Leak], task: Task) -> Finding:
    """Return the finding of columns that nearly give the target away."""
    names_by_clause: dict[str, list[str]] = {}
    for leak in leaks:
        clause = _leak_clause(leak, task)
        names_by_clause.setdefault(clause, []).append(repr(leak.column))
    clauses = [f"{clause} {listed(names)}" for clause, names in names_by_clause.items()]
    reason = f"Columns that are known only after {task.target!r} make the score untrue"
    names = tuple(leak.column for leak in leaks)
    options = [f"--ignore {shlex.quote(name)}" for name in names]
    return Finding(
        "leak",
        names,
        "warning",
        len(names),
        action=f"{'; '.join(clauses)}. {reason}",
        override=" ".join(options),
    )


def _leak_clause(leak: Leak, task: Task) -> str:
    """Return how a column gives the target away: a clause that ends with the column's name."""
    if leak.kind == "values":
        return "the target can be predicted nearly without error from the values alone of"
    if leak.label is not None:
        return f"only rows of {task.labels[leak.label]!r} have {leak.side} cells in"
    comparative = "greater" if leak.side == "filled" else "lesser"
    return f"only rows with a {comparative} target have filled cells in"


def copies_finding(copies: Copies, are_kept_together: bool) -> Finding:
    """Return the finding of copies of rows."""
    n_rows = len(copies.units)
    consequence = "held out apart, as asked, which raises the score"
    override = "--set clean.keep_duplicates_together=auto"
    if are_kept_together:
        consequence = "held out together, so that they do not raise the score"
        override = ""
    severity: Severity = "info"
    if copies.count >= MIN_WARNED_COPIES_SHARE * n_rows:
        severity = "warning"
    action = (
        f"{copies.count} of {n_rows} rows are copies of others, target included, "
        f"more than chance can explain: {consequence}"
    )
    return Finding("copied_rows", (), severity, copies.count, action=action, override=override)


def entity_finding(entity: Entity) -> Finding:
    """Return the finding of an entity that owns several rows."""
    names = entity.columns
    verb = "identifies" if len(names) == 1 else "together identify"
    profile = ""
    if entity.profile:
        be = "is" if len(entity.profile) == 1 else "are"
        shown = listed(entity.profile[:MAX_PROFILE_SHOWN])
        profile = f", within which {shown} {be} constant"
    action = (
        f"{verb} {entity.n_entities} entities with several rows each and alike targets{profile}: "
        "the score is for known entities only"
    )
    return Finding(
        "entity",
        names,
        "warning",
        entity.n_entities,
        action=action,
        override=f"--group {shlex.quote(','.join(names))}",
    )


def drift_finding(drift: Drift) -> Finding:
    """Return the finding of a target that drifts with time."""
    names = ",".join(drift.columns)
    action = (
        "the target changes with the time given here, "
        "and the score is for rows in between, not for later ones"
    )
    override = f"--time {shlex.quote(names)}"
    return Finding("drift", drift.columns, "warning", 1, action=action, override=override)


def listed(words: Sequence[str]) -> str:
    """Return words with commas and an "and".

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *others, last = words
    if not others:
        return last
    return f"{', '.join(others)} and {last}"


def measured(finding: Finding, evaluation: ScoreCheck | None, task: Task) -> Finding:
    """Return a finding with the scores of both ways of holding rows out, if they are known."""
    if evaluation is None:
        return _with_clause(finding, _UNMEASURED)
    default = evaluation.default_score
    corrected = evaluation.corrected_score
    if not (math.isfinite(default) and math.isfinite(corrected)):
        return finding
    code = finding.code
    if code == "drift" and evaluation.error_ratio <= 1:
        return finding  # it is reported because the level moves far
    if code == "copied_rows":
        finding = replace(finding, severity=_copies_severity(evaluation))
    before, after = _COMPARISONS[code]
    if code == "leak" and len(finding.columns) == 1:
        before = "with it"
    scores = f"{task.metric} {default:.4g} {before}, {corrected:.4g} {after}"
    return _with_clause(finding, f"{scores} (a quick model)")


def _with_clause(finding: Finding, clause: str) -> Finding:
    return replace(finding, action=f"{finding.action}; {clause}")


def _copies_severity(evaluation: ScoreCheck) -> Severity:
    if evaluation.skill_loss < MIN_COPIES_SKILL_LOSS:
        return "info"
    if evaluation.standard_errors < MIN_COPIES_STANDARD_ERRORS:
        return "info"
    return "warning"
