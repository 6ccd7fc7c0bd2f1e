"""What predictions cost, estimated from a study: from models, encodings and columns, by counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from automl.model_costs import fold_model_cost, refit_cost
from automl.price import BYTES_PER_MEGABYTE, Cost, Price
from automl.study import Finish, Study, keeps_bag
from automl.trial import Trial

# Milliseconds on one core, rounded from what 19 predictors took.
_MILLISECONDS_PER_CALL = 0.2
_MILLISECONDS_PER_COLUMN = 0.035
_MILLISECONDS_PER_ENCODING = 0.04
_MILLISECONDS_PER_ENCODED_COLUMN = 0.004
_MILLISECONDS_PER_FOLD_ENCODING = 0.04  # of an encoding that reads the target
_MILLISECONDS_PER_TOPIC = 0.002  # of texts, in each recipe
_MILLISECONDS_PER_TEXTS = 0.1  # whose words are read once for all recipes
_MILLISECONDS_PER_FOLD_OF_TEXTS = 0.05
_MEGABYTES_PER_PREDICTOR = 0.02
_TINY_COST = 1e-9


@dataclass(frozen=True)
class Arrangement:
    """What the members of an ensemble consist of.

    Parameters
    ----------
    finish : {"bag", "refit", "both", "either"}
    copies : int
        The most fold models, and the most refits, of a member; 0 is no bound.
    planned : int
        Refits that a member will have, as long as it has none.
    """

    finish: Finish
    copies: int = 0
    planned: int = 0

    def n_models(self, study: Study, trial: Trial) -> tuple[int, int]:
        """Return how many fold models and how many refits a member will have."""
        family = study.family(trial.family)
        n_folds = len(trial.splits)
        n_refits = self.planned
        if not family.seeded:
            n_refits = min(1, n_refits)
        if self.finish == "bag":
            n_refits = 0
        if n_refits and not keeps_bag(self.finish, family, n_refits):
            n_folds = 0
        if self.copies:
            n_folds = min(n_folds, self.copies)
            n_refits = min(n_refits, self.copies)
        return n_folds, n_refits


def estimate_cost(study: Study, trials: Iterable[Trial], arrangement: Arrangement) -> Cost:
    """Return what predictions of an ensemble will cost.

    Parameters
    ----------
    study : Study
    trials : iterable of Trial
        The members.
    arrangement : Arrangement
    """
    members = []
    for trial in trials:
        n_folds, n_refits = arrangement.n_models(study, trial)
        members.append(_Member(trial, n_folds, n_refits))
    return _cost(study, members)


def estimate_ensemble_cost(study: Study) -> Cost:
    """Return what predictions of a study's ensemble cost, with the models that it has."""
    members = []
    for name in study.weights:
        trial = study.trials[name]
        members.append(_as_it_is(study, trial))
    return _cost(study, members)


def estimate_trial_cost(study: Study, trial: Trial) -> Cost:
    """Return what predictions of a trial alone cost, with the models that it has."""
    member = _as_it_is(study, trial)
    return _cost(study, [member])


def growth_within(study: Study, trial: Trial, price: Price) -> float:
    """Return how many times as large a trial's refit may be, for one to use up a price.

    Refits that there are don't count, so that an interrupted run goes on as it would have.
    """
    as_estimated = trial.without_refits()
    one = _cost(study, [_Member(as_estimated, n_folds=0, n_refits=1)])
    two = _cost(study, [_Member(as_estimated, n_folds=0, n_refits=2)])
    return min(
        _growth(price.milliseconds, one.milliseconds, two.milliseconds),
        _growth(price.megabytes, one.megabytes, two.megabytes),
    )


def _growth(bound: float, one: float, two: float) -> float:
    """Return how many times as large one model may be, of which one and two cost so much."""
    of_model = two - one
    fixed = one - of_model
    affordable = max(0.0, bound - fixed)
    return affordable / max(_TINY_COST, of_model)


@dataclass(frozen=True)
class _Member:
    """A trial with the numbers of its fold models and refits."""

    trial: Trial
    n_folds: int
    n_refits: int


def _as_it_is(study: Study, trial: Trial) -> _Member:
    bag = study.bag(trial)
    refits = study.refits(trial)
    return _Member(trial, len(bag), len(refits))


def _cost(study: Study, members: Iterable[_Member]) -> Cost:
    size = study.size
    milliseconds = _MILLISECONDS_PER_CALL + _MILLISECONDS_PER_COLUMN * size.columns
    n_bytes = _MEGABYTES_PER_PREDICTOR * BYTES_PER_MEGABYTE
    encodings: dict[str, Cost] = {}
    for member in members:
        fold_model = fold_model_cost(member.trial)
        refit = refit_cost(study, member.trial)
        milliseconds += member.n_folds * fold_model.milliseconds
        milliseconds += member.n_refits * refit.milliseconds
        n_bytes += member.n_folds * fold_model.n_bytes
        n_bytes += member.n_refits * refit.n_bytes
        encodings |= _encoding_costs(study, member)
    megabytes = n_bytes / BYTES_PER_MEGABYTE
    for cost in encodings.values():
        milliseconds += cost.milliseconds
        megabytes += cost.megabytes
    return Cost(milliseconds, megabytes, counted=True)


def _encoding_costs(study: Study, member: _Member) -> dict[str, Cost]:
    """Return what each encoding that a member reads costs, by the encoding's name."""
    candidate = member.trial.candidate
    if candidate.is_baseline:
        return {}
    recipe = candidate.recipe
    n_splits = member.n_folds + bool(member.n_refits)
    milliseconds = _MILLISECONDS_PER_ENCODING
    milliseconds += _MILLISECONDS_PER_ENCODED_COLUMN * study.size.columns
    if recipe.reads_target:
        milliseconds += n_splits * _MILLISECONDS_PER_FOLD_ENCODING
    n_topics = study.size.width - study.size.columns
    if recipe.text == "svd":
        milliseconds += _MILLISECONDS_PER_TOPIC * n_topics
    sizes = [outcome.encoding_size for outcome in member.trial.full_outcomes.values()]
    n_bytes = max(sizes, default=0)
    found = {recipe.name: Cost(milliseconds, n_bytes / BYTES_PER_MEGABYTE)}
    if recipe.text == "svd" and n_topics:
        milliseconds = _MILLISECONDS_PER_TEXTS
        milliseconds += n_splits * _MILLISECONDS_PER_FOLD_OF_TEXTS
        found["topics"] = Cost(milliseconds, 0.0)  # their bytes are part of each recipe's
    return found
