"""Choose members, and what they consist of, so that predictions keep to a price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from automl.events import EnsembleWeighted
from automl.folds import HasTime
from automl.prediction_costs import Arrangement, estimate_cost
from automl.price import Cost, Price
from automl.stages._idle_members import Weights
from automl.stages._pool import Pool
from automl.stages.pruning import Pruning
from automl.study import Evaluation, Study
from automl.trial import Trial
from automl.uncertainty import Weigher

# Each member may use one of these parts of the price at most: a few large members or many small
# ones may be better.
_PARTS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Choice:
    """An ensemble that may be used.

    Parameters
    ----------
    weights : mapping of str to float
        By trial id.
    arrangement : Arrangement
    cost : Cost
        As estimated.
    loss : float
        On out-of-fold rows, with what the arrangement is known to add.
    """

    weights: Weights
    arrangement: Arrangement
    cost: Cost
    loss: float

    def event(
        self,
        evaluation: Evaluation | None = None,
        cost: Cost | None = None,
    ) -> EnsembleWeighted:
        """Return the event that it is used."""
        arrangement = self.arrangement
        return EnsembleWeighted(
            self.weights,
            arrangement.finish,
            evaluation,
            arrangement.copies,
            cost,
        )


@dataclass(frozen=True)
class Selector:
    """Chooses ensembles under a price.

    Parameters
    ----------
    study : Study
    pool : Pool
    sample : Pool
        Of some of the rows, by which it is chosen who leaves.
    weigh : callable
        Return the weights of the members that are chosen from a pool.
    weigher : callable
        Finds weights of given members.
    loss : callable
        Return the out-of-fold loss of weights.
    arrangements : sequence of (Arrangement, float)
        With the factor by which each changes the loss; the first one is preferred.
    """

    study: Study
    pool: Pool
    sample: Pool
    weigh: Callable[[Pool], Weights]
    weigher: Weigher
    loss: Callable[[Weights], float]
    arrangements: Sequence[tuple[Arrangement, float]]

    def choose(self, price: Price, has_time: HasTime) -> Choice:
        """Return the ensemble with the least loss that keeps to a price.

        If none does, it is the single model that comes nearest.
        """
        found = []
        for arrangement, factor in self.arrangements:
            found += self._choices(arrangement, factor, price, has_time)
            if found and not has_time():
                break
        if found:
            return min(found, key=lambda choice: choice.loss)
        return self._cheapest(price)

    def _choices(
        self,
        arrangement: Arrangement,
        factor: float,
        price: Price,
        has_time: HasTime,
    ) -> list[Choice]:
        """Return ensembles of members that each use up a part of the price at most."""
        choices: list[Choice] = []
        n_seen = 0
        for part in _PARTS:
            affordable = self._affordable(arrangement, price, part)
            if not affordable:
                break
            if len(affordable) == n_seen:
                continue
            n_seen = len(affordable)
            weights = self.weigh(self.pool.with_trials(affordable))
            weights = self._shrunk(weights, arrangement, price)
            choices.append(self._choice(weights, arrangement, factor))
            if not has_time():
                break
        return choices

    def _affordable(
        self,
        arrangement: Arrangement,
        price: Price,
        part: int,
    ) -> list[Trial]:
        """Return the trials that use up no more than one of so many parts of the price."""
        empty = estimate_cost(self.study, [], arrangement)
        base = price.used_share(empty)
        trials = []
        for trial in self.pool.trials:
            cost = estimate_cost(self.study, [trial], arrangement)
            share = price.used_share(cost)
            if share <= 1 and (share - base) * part <= 1 - base:
                trials.append(trial)
        return trials

    def _shrunk(self, weights: Weights, arrangement: Arrangement, price: Price) -> Weights:
        """Leave out members that bring little for what they cost, until the rest is affordable."""
        if price.allows(self._cost(weights, arrangement)):
            return weights
        pruning = Pruning(self.study, self.sample, self.weigher, arrangement, price)
        fewer = weights
        for fewer in pruning.steps(list(weights)):
            if price.allows(pruning.cost(fewer)):
                break
        return fewer

    def _cost(self, weights: Weights, arrangement: Arrangement) -> Cost:
        trials = [self.study.trials[name] for name in weights]
        return estimate_cost(self.study, trials, arrangement)

    def _choice(self, weights: Weights, arrangement: Arrangement, factor: float) -> Choice:
        loss = self.loss(weights)
        loss += (factor - 1) * abs(loss)
        return Choice(weights, arrangement, self._cost(weights, arrangement), loss)

    def _cheapest(self, price: Price) -> Choice:
        """Return the single model that uses up the least of the price."""
        choices = []
        for arrangement, factor in self.arrangements:
            for trial in self.pool.trials:
                choices.append(self._choice({trial.id: 1.0}, arrangement, factor))
        return min(choices, key=lambda choice: price.used_share(choice.cost))
