"""Measure the predictors of chosen ensembles, and choose again until one keeps to its price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from automl.candidate import Split
from automl.events import EnsembleWeighted, finding_event
from automl.folds import HasTime
from automl.lab.assembly import build_predictor
from automl.lab.lab import Lab
from automl.prediction_costs import estimate_ensemble_cost
from automl.predictor.cost import file_megabytes, measure_cost
from automl.price import MISSED_PRICE, Cost, Price
from automl.stages._pricing import Choice, Selector
from automl.study import ENOUGH_REFITS, Study

_MAX_ATTEMPTS = 6
_EVALUATION_MEGABYTES = 0.002  # of the expected score and residuals, which come later
_MARGIN = 0.05  # by which a bound is lowered for the next attempt, and once more each time
_MEASURED_CALLS = 4  # that there must be time for: two, and caution
_FRUGAL_SHARES = (0.5, 0.25)  # of the price, by estimates, once all attempts have missed it
_ENOUGH_SHARE = 0.8  # of the price used up, from which on no better ensemble is looked for


@dataclass(frozen=True)
class Offer:
    """A choice whose predictor was built.

    Parameters
    ----------
    choice : Choice
    cost : Cost
        Of the predictor.
    models : mapping of str to tuple of (int, int)
        The splits of each member's models that it was built from.
    loss : float
        The choice's, with the refits that there are.
    """

    choice: Choice
    cost: Cost
    models: Mapping[str, tuple[Split, ...]]
    loss: float


@dataclass(frozen=True)
class PriceKeeper:
    """Finds the best ensemble whose predictor keeps to a price.

    Parameters
    ----------
    selector : Selector
    price : Price
    lab : Lab
    train : callable
        Train the refits that a choice needs, as far as there is time, and return the larger study.
        At the first attempt one is tried in any case.
    has_time_to_choose : callable
        Whether there is time to weigh further members.
    has_time_to_measure : callable
        Whether there is time for another attempt.
    """

    selector: Selector
    price: Price
    lab: Lab
    train: Callable[[Study, Choice, bool], Study]
    has_time_to_choose: HasTime
    has_time_to_measure: HasTime

    def find(self, study: Study) -> tuple[Study, Offer]:
        """Return the study with the refits, and the best offer, or the cheapest one.

        Estimates choose; what the predictor then really costs corrects the price for the next
        choice.
        """
        offers: list[Offer] = []
        price = self.price
        while len(offers) < _MAX_ATTEMPTS:
            selector = replace(self.selector, study=study)
            choice = selector.choose(price, self.has_time_to_choose)
            if any(_is_same(choice, offer.choice) for offer in offers):
                break
            is_first = not offers
            study = self.train(study, choice, is_first)
            as_chosen = study.add(choice.event())
            offer = self._measured(choice, as_chosen)
            cost = offer.cost
            offers.append(offer)
            used = self.price.used_share(cost)
            is_used_up = _ENOUGH_SHARE <= used <= 1
            if is_used_up or not self.has_time_to_measure():
                break
            margin = _MARGIN * len(offers)
            estimated = estimate_ensemble_cost(as_chosen)  # with the refits that there are
            price = self.price.corrected(estimated, cost, margin)
        as_it_is = [self._remeasured(offer, study) for offer in offers]
        if not any(self.price.allows(offer.cost) for offer in as_it_is):
            as_it_is += self._frugal(study)
        return study, self._best(as_it_is)

    def _frugal(self, study: Study) -> list[Offer]:
        """Return offers that cost less and less, by estimates, up to one that keeps to the price.

        The last one is the cheapest model there is.
        """
        selector = replace(self.selector, study=study)
        offers: list[Offer] = []
        for share in _FRUGAL_SHARES:
            if not self.has_time_to_measure():
                break
            choice = selector.choose(self.price.part(share), self.has_time_to_choose)
            offers.append(self._measured(choice, study.add(choice.event())))
            if self.price.allows(offers[-1].cost):
                return offers
        cheapest = selector.cheapest(self.price)
        offers.append(self._measured(cheapest, study.add(cheapest.event())))
        return offers

    def _measured(
        self,
        choice: Choice,
        as_chosen: Study,
    ) -> Offer:
        cost = predictor_cost(as_chosen, self.lab)
        loss = choice.loss_with(_least_refits(as_chosen))
        return Offer(
            choice,
            cost,
            _models(as_chosen),
            loss,
        )

    def _remeasured(
        self,
        offer: Offer,
        study: Study,
    ) -> Offer:
        """Measure an offer again if a later one has trained further models of its members."""
        as_chosen = study.add(offer.choice.event())
        if _models(as_chosen) == offer.models:
            return offer
        return self._measured(offer.choice, as_chosen)

    def _best(self, offers: list[Offer]) -> Offer:
        """Return the allowed offer with the least loss, or the one that misses the price least."""
        allowed = [offer for offer in offers if self.price.allows(offer.cost)]
        if allowed:
            return min(allowed, key=lambda offer: offer.loss)
        return min(offers, key=lambda offer: self.price.used_share(offer.cost))


def _least_refits(study: Study) -> int:
    """Return how many refits each member has at least; one counts as many without seeds."""
    counts = []
    for name in study.weights:
        trial = study.trials[name]
        n_refits = len(trial.refits)
        if n_refits and not study.family(trial.family).seeded:
            n_refits = ENOUGH_REFITS
        counts.append(n_refits)
    return min(counts, default=0)


def _models(study: Study) -> dict[str, tuple[Split, ...]]:
    """Return the splits of the models of each member of a study's ensemble."""
    models = {}
    for name in study.weights:
        trial = study.trials[name]
        models[name] = (*study.bag(trial), *study.refits(trial))
    return models


def predictor_cost(
    study: Study,
    lab: Lab,
) -> Cost:
    """Return what the predictor of a study's weights costs.

    Without a clock, without a row of the table, or where measuring takes too long, its
    milliseconds are counted.
    """
    predictor = build_predictor(study, lab.data)
    counted = estimate_ensemble_cost(study)
    rows = None
    if lab.budget.is_timed and lab.budget.affords(_MEASURED_CALLS * counted.seconds):
        rows = lab.data.example_rows()
    if rows is None:
        cost = replace(counted, megabytes=file_megabytes(predictor))
    else:
        cost = measure_cost(predictor, rows)
    return replace(cost, megabytes=cost.megabytes + _EVALUATION_MEGABYTES)


def record_priced(
    study: Study,
    lab: Lab,
    event: EnsembleWeighted,
    price: Price,
) -> Study:
    """Record an ensemble whose cost is known, and a finding if that is more than the price."""
    study = lab.record(study, event)
    cost = event.cost
    if cost is None or price.allows(cost):
        return study
    action = (
        f"no predictor keeps to {price}: the least that was found, and is kept, takes "
        f"{cost.milliseconds:.2g} ms a row and {cost.megabytes:.2g} MB"
    )
    return lab.record(study, finding_event(MISSED_PRICE, action))


def _is_same(one: Choice, other: Choice) -> bool:
    if one.arrangement != other.arrangement:
        return False
    return set(one.weights) == set(other.weights)
