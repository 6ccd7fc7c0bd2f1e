"""Architecture search: what of the network is searched, and the rungs that its proposals climb.

A proposal is judged after a fifteenth of its training, a fifth and nearly a half, where a swing of
the learning rate ends (as nearly as few epochs allow), and goes on from where it stood. On small
tables several folds judge: the few rows that one holds out tell good from bad no better than chance
where many proposals are compared. Scores that train nothing were worse filters: their rank
correlation with the loss in the end was at most 0.2 on 11 tables, that of the loss after a
fifteenth 0.5 and after a fifth 0.7 (ADR 24).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from automl.candidate import Candidate
from automl.models.network.schedule import swing_ends
from automl.search.networks import NETWORK, network_epochs
from automl.search.portfolio import default_candidate
from automl.search.rungs import Ladder, Rung
from automl.space import nearest
from automl.study import Study

_RESTARTS = 3
REDUCTION = 2  # so that each rung, which is twice as long as the one below, takes equal time
MIN_JUDGING_ROWS = 1_000  # held-out rows that a rung judges by, where the folds have as many
# Hyperparameters that are not searched, so that all proposals are compared at equal moments.
FIXED: Mapping[str, Any] = {"restarts": _RESTARTS}
# Those that no other search looks into: with them, few proposals are left for what matters more.
BLOCKS = ("taper", "block", "activation", "normalised")


def first_network(study: Study) -> Candidate:
    """Return the network that a search begins with where none is complete."""
    usual = default_candidate(study, NETWORK)
    params = study.all_params(NETWORK, usual.params)
    space = study.space(NETWORK, usual.recipe)
    searched = {name: space[name] for name in space if name not in FIXED}
    point = nearest(searched, params)
    return replace(usual, params={**point, **FIXED}, origin="tune")


def architecture_ladder(study: Study) -> Ladder:
    """Return the rungs of networks: parts of the epochs on some folds, all, then all folds."""
    n_rows = study.size.rows
    n_folds = _judging_folds(study)
    lower = [
        Rung(
            folds=n_folds,
            rows=n_rows,
            rounds=epochs,
        )
        for epochs in _rung_epochs(study)
    ]
    n_splits = len(study.plan.splits)
    counts = dict.fromkeys((n_folds, n_splits))
    whole = [Rung(folds) for folds in counts]
    rungs = (*lower, *whole)
    return Ladder(rungs, reduction=REDUCTION)


def _judging_folds(study: Study) -> int:
    """Return the number of folds that hold out enough rows together; at most one repeat of all."""
    plan = study.plan
    held_rows = plan.held_share * study.size.rows
    n_folds = math.ceil(MIN_JUDGING_ROWS / held_rows)
    return min(n_folds, plan.folds, len(plan.splits))


def _rung_epochs(study: Study) -> list[int]:
    """Return the epochs after which a proposal is judged."""
    epochs = network_epochs(study)
    *ends, _ = swing_ends(_RESTARTS)
    counts = []
    for end in ends:
        count = round(end * epochs)
        counts.append(max(1, count))
    distinct = dict.fromkeys(counts)
    return list(distinct)
