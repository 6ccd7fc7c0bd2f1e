"""Architecture search: what of the network is searched, and the rungs that its proposals climb.

A proposal is judged after a fifteenth of its training, a fifth and nearly a half, where a swing of
the learning rate ends (as nearly as few epochs allow), and goes on from where it stood. Scores that
train nothing were worse filters: their rank correlation with the loss in the end was at most 0.2 on
11 tables, that of the loss after a fifteenth 0.5 and after a fifth 0.7 (ADR 24).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automl.models.network.schedule import swing_ends
from automl.search.networks import network_epochs
from automl.search.rungs import Ladder, Rung
from automl.study import Study

_RESTARTS = 3
# Hyperparameters that are not searched, so that all proposals are compared at equal moments.
FIXED: Mapping[str, Any] = {"restarts": _RESTARTS}
# Those that no other search looks into: with them, few proposals are left for what matters more.
BLOCKS = ("taper", "block", "activation", "normalised")


def architecture_ladder(study: Study) -> Ladder:
    """Return the rungs of networks: parts of the epochs on the first fold, all, then all folds."""
    n_rows = study.size.rows
    lower = [
        Rung(
            folds=1,
            rows=n_rows,
            rounds=epochs,
        )
        for epochs in _rung_epochs(study)
    ]
    n_splits = len(study.plan.splits)
    counts = dict.fromkeys((1, n_splits))
    whole = [Rung(folds) for folds in counts]
    rungs = (*lower, *whole)
    return Ladder(rungs)


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
