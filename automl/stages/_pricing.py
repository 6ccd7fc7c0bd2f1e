"""Choose members, and what they consist of, so that predictions keep to a price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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

# The share by which the loss of members that consist of so many refits is above that of bags and
# refits together (geometric means on 20 tables).
_RISE_OF_REFITS = {1: 0.018, 2: 0.008, 3: 0.004}
_RISE_OF_A_FOLD_MODEL = 0.03  # of eight
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
    loss_of_bags : float
        On out-of-fold rows, which fold models predicted.
    """

    weights: Weights
    arrangement: Arrangement
    cost: Cost
    loss_of_bags: float

    @property
    def loss(self) -> float:
        """The loss, with what the arrangement is known to add."""
        return self.loss_with(self.arrangement.planned)

    def loss_with(self, n_refits: int) -> float:
        """Return the loss if each member gets no more than so many refits."""
        n_refits = min(n_refits, self.arrangement.planned)
        as_made = replace(self.arrangement, planned=n_refits)
        rise = _rise_of_loss(as_made)
        return self.loss_of_bags + rise * abs(self.loss_of_bags)

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
    arrangements : sequence of Arrangement
        The first one is preferred.
    copies_in_time : callable
        Return how many refits each member of a study can have in time, at least one.
    """

    study: Study
    pool: Pool
    sample: Pool
    weigh: Callable[[Pool], Weights]
    weigher: Weigher
    loss: Callable[[Weights], float]
    arrangements: Sequence[Arrangement]
    copies_in_time: Callable[[Study, Weights], int]

    def choose(self, price: Price, has_time: HasTime) -> Choice:
        """Return the ensemble with the least loss that keeps to a price.

        If none does, it is the single model that comes nearest.
        """
        found = []
        for arrangement in self.arrangements:
            found += self._choices(arrangement, price, has_time)
            if found and not has_time():
                break
        if found:
            return min(found, key=lambda choice: choice.loss)
        return self.cheapest(price)

    def _choices(
        self,
        arrangement: Arrangement,
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
            choice = self._choice(weights, arrangement)
            if price.allows(choice.cost):
                choices.append(choice)
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
        for trial in self._trials():
            cost = estimate_cost(self.study, [trial], arrangement)
            share = price.used_share(cost)
            if share <= 1 and (share - base) * part <= 1 - base:
                trials.append(trial)
        return trials

    def _trials(self) -> list[Trial]:
        """Return the pool's trials with the refits that there are by now."""
        return [self.study.trials[trial.id] for trial in self.pool.trials]

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

    def _choice(self, weights: Weights, arrangement: Arrangement) -> Choice:
        planned = min(arrangement.planned, self.copies_in_time(self.study, weights))
        copies = arrangement.copies
        if arrangement.finish == "refit":
            copies = min(copies, planned)
        possible = replace(arrangement, copies=copies, planned=planned)
        cost = self._cost(weights, possible)
        return Choice(
            weights,
            possible,
            cost,
            self.loss(weights),
        )

    def cheapest(self, price: Price) -> Choice:
        """Return the single model that uses up the least of the price."""
        choices = []
        for arrangement in self.arrangements:
            for trial in self._trials():
                choices.append(self._choice({trial.id: 1.0}, arrangement))
        return min(choices, key=lambda choice: price.used_share(choice.cost))


def _rise_of_loss(arrangement: Arrangement) -> float:
    """Return by which share of it the loss is above that of bags and refits together."""
    if arrangement.finish == "refit" and not arrangement.planned:
        return _RISE_OF_A_FOLD_MODEL
    if arrangement.finish == "refit":
        return _RISE_OF_REFITS.get(arrangement.planned, 0.0)
    if arrangement.finish == "bag" and arrangement.copies == 1:
        return _RISE_OF_A_FOLD_MODEL
    return 0.0
