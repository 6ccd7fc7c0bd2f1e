"""Make an ensemble smaller, member by member, by what each one's leaving costs and saves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from automl.ensemble import combine, normalised, weights_by_id
from automl.metrics import metric_of
from automl.prediction_costs import Arrangement, estimate_cost
from automl.price import Cost, Price
from automl.stages._pool import Pool
from automl.study import Study
from automl.uncertainty import Weigher

Weights = Mapping[str, float]  # of trials, by id


@dataclass(frozen=True)
class Pruning:
    """Leaves out members of an ensemble one by one.

    Parameters
    ----------
    study : Study
    pool : Pool
        The trials that may be members.
    weigher : callable
        Finds weights.
    arrangement : Arrangement
        What members consist of.
    price : Price
        By which it is compared what members save.
    """

    study: Study
    pool: Pool
    weigher: Weigher
    arrangement: Arrangement
    price: Price

    def steps(
        self,
        names: list[str],
    ) -> Iterator[Weights]:
        """Yield weights of all these members, and of ever fewer, down to one.

        The member that leaves next is the one whose loss costs least for what it saves.
        """
        weights = self._weigh(names)
        yield weights
        while len(weights) > 1:
            leaving = self._cheapest(weights)
            weights = self._weigh([name for name in weights if name != leaving])
            yield weights

    def cost(
        self,
        weights: Weights,
    ) -> Cost:
        """Return what predictions of these members will cost."""
        trials = [self.study.trials[name] for name in weights]
        return estimate_cost(self.study, trials, self.arrangement)

    def loss(
        self,
        weights: Weights,
    ) -> float:
        """Return the loss of these members on the rows that they held out."""
        metric = metric_of(self.study.known_task)
        combined = combine(self.pool.predictions_of(weights), list(weights.values()))
        truth = self.pool.truth
        return metric.loss_of_output(truth.y, combined, truth.weight)

    def _weigh(
        self,
        names: list[str],
    ) -> Weights:
        if len(names) == 1:
            return {names[0]: 1.0}
        found = self.weigher(self.pool.predictions_of(names), self.pool.truth)
        return weights_by_id(names, found)

    def _cheapest(
        self,
        weights: Weights,
    ) -> str:
        """Return the member whose loss costs least for each part of the price that it saves."""
        loss = self.loss(weights)
        used = self.price.used_share(self.cost(weights))
        rates = []
        for name in weights:
            others = {other: weights[other] for other in weights if other != name}
            rest = normalised(others)
            saved = used - self.price.used_share(self.cost(rest))
            rise = self.loss(rest) - loss
            rates.append(rise / saved if saved > 0 else math.inf)
        cheapest = int(np.argmin(rates))
        return list(weights)[cheapest]
