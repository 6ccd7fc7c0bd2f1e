"""Candidates that keep to a price: the best boosted ones with fewer rounds at a higher rate."""

from __future__ import annotations

from dataclasses import replace

from automl.prediction_costs import growth_within
from automl.price import Price
from automl.search.students import Student, fitted_to
from automl.study import Study

_MAX_STUDIED = 6  # of the best models, that are made smaller
_MAX_CANDIDATES = 4


def affordable_variants(study: Study, price: Price, origin: str) -> list[Student]:
    """Return the best boosted models with so few rounds that one refit keeps to a price.

    There are none if the best model keeps to it as it is.

    Parameters
    ----------
    study : Study
    price : Price
    origin : str
        The stage that proposes them.
    """
    best = study.ranked_models[:_MAX_STUDIED]
    found: dict[str, Student] = {}
    for trial in best:
        growth = growth_within(study, trial, price)
        if growth >= 1:
            break
        full = Student(trial.candidate)
        smaller = fitted_to(full, trial, growth)
        if smaller is None:
            continue
        candidate = replace(smaller.candidate, origin=origin)
        found[candidate.id] = replace(smaller, candidate=candidate)
    variants = list(found.values())
    return variants[:_MAX_CANDIDATES]
