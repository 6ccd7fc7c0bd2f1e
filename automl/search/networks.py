"""What searches know of the network: its family's name, and how long it trains."""

from __future__ import annotations

from automl.models.network.descent import n_epochs
from automl.study import Study

NETWORK = "mlp"


def network_epochs(study: Study) -> int:
    """Return the number of epochs of a whole training on the training rows of a fold."""
    share = 1 - study.plan.held_share
    n_rows = round(share * study.size.rows)
    return n_epochs(n_rows)
