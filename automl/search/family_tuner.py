"""A family in tuning: its search space, the Optuna study that proposes values, and what that was told."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl.features.recipe import Recipe
from automl.search.costs import predict
from automl.search.sampling import Sampling
from automl.space import Choice, Float, Int, Space, for_short_budget, nearest, no_longer
from automl.trial import Candidate, Study

if TYPE_CHECKING:
    import optuna

HASTE = 2.5  # times the learning rate of what was cut short is tried first


@dataclass(eq=False)
class Proposal:
    """A proposal that is under way."""

    of: FamilyTuner
    trial: optuna.Trial
    candidate: Candidate
    reported: set[int] = field(default_factory=set)
    rung: int = 0


@dataclass(eq=False)
class FamilyTuner:
    """A family that is being tuned, with one recipe.

    Parameters
    ----------
    hasty : bool
        Whether its fits are cut short, so that learning rates are higher.
    asked : int
        How many proposals were asked of it.
    used_up : bool
        Whether it has nothing new to propose.
    points : iterator of mapping or None
        What is proposed one after the other, until there is no more; None if the sampler decides.
    told : set of str
        Ids of the trials that the sampler knows of, and of those that it proposed.
    first : mapping or None
        What is proposed first.
    """

    name: str
    recipe: Recipe
    space: Space
    study: optuna.Study
    short_budget: bool = False
    asked: int = 0
    used_up: bool = False
    points: Iterator[Mapping[str, Any]] | None = None
    told: set[str] = field(default_factory=set)
    first: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls, study: Study, name: str, sampling: Sampling, most: float, longest: float
    ) -> FamilyTuner:
        """A family with the recipe of its best complete trial; its sampler is told nothing yet.

        In haste where its best fits were cut short or take longer than `longest` seconds; else without learning rates so low that a fit, by
        what the best one's took, would take more than `most`.
        """
        best = study.leaders[name]
        known = _implied(study, name) | dict(best.candidate.params)
        recipe, seconds = best.candidate.recipe, predict(study, best.candidate)
        space = study.family(name).space(
            study.the_task, recipe.has_codes and study.size.categories > 0
        )
        faster = for_short_budget(space)
        short_budget = faster != space and (best.is_cut_short or seconds > longest)
        seed = zlib.crc32(f"{study.seed}/{study.resumed}/{name}/{recipe.name}".encode()) >> 1
        searched = faster if short_budget else no_longer(space, known, most / seconds)
        made = cls(
            name,
            recipe,
            searched,
            sampling.study(seed),
            short_budget,
            points=sampling.all_of(searched, seed),
        )
        if short_budget:  # have the best values proposed with higher ones of those that may rise where fits are cut short
            rates = [
                rate
                for rate, values in made.space.items()
                if isinstance(values, Float) and values.short_budget is not None
            ]
            made.first = nearest(made.space, known | {rate: HASTE * known[rate] for rate in rates})
        return made

    @property
    def key(self) -> tuple[str, Recipe]:
        """Its family and recipe."""
        return self.name, self.recipe

    @property
    def typical(self) -> Candidate:
        """A candidate that takes as long as others of the family do."""
        return Candidate(self.name, {}, self.recipe)

    def learn(self, study: Study) -> None:
        """Tell the sampler of decided trials that it didn't propose; the nearest value stands for one that the space does not hold."""
        import optuna

        for trial in study.trials.values():
            if (
                trial.id in self.told
                or trial.candidate.family != self.name
                or not trial.losses
                or not trial.decided
            ):
                continue
            self.told.add(trial.id)
            known = optuna.trial.create_trial(
                params=nearest(
                    self.space, _implied(study, self.name) | dict(trial.candidate.params)
                ),
                distributions=_distributions(self.space),
                value=study.expected_loss(trial),
                intermediate_values={
                    step: trial.losses[at]
                    for step, at in enumerate(study.plan.splits)
                    if at in trial.losses
                },
            )
            self.study.add_trial(known)

    def ask(self) -> Proposal | None:
        """A new proposal, which may be one that is known already; None if there is no more."""
        if self.points is not None and self.first is None:
            self.first = next(self.points, None)
            if self.first is None:
                return None
        if self.first is not None:
            self.study.enqueue_trial(dict(self.first))
            self.first = None
        trial = self.study.ask(_distributions(self.space))
        self.asked += 1
        asked = Proposal(self, trial, Candidate(self.name, dict(trial.params), self.recipe, "tune"))
        self.told.add(asked.candidate.id)
        return asked

    def tell(self, study: Study, asked: Proposal) -> None:
        """Tell the sampler what is known of its proposal: a loss, or that there is none."""
        import optuna

        trial = study.trials[asked.candidate.id]
        look = trial.look.loss if trial.look is not None else None
        if not trial.losses and look is not None:
            self.study.tell(asked.trial, look)  # it went no further than a rung below all rows
        elif trial.losses:
            self.study.tell(asked.trial, study.expected_loss(trial))
        else:
            self.study.tell(asked.trial, state=optuna.trial.TrialState.FAIL)

    def left_over(self, study: Study) -> Iterator[Proposal]:
        """Proposals of an earlier process that are not decided, asked for anew."""
        for trial in study.trials.values():
            candidate = trial.candidate
            if (
                not trial.decided
                and candidate.origin == "tune"
                and (candidate.family, candidate.recipe) == (self.name, self.recipe)
            ):
                self.study.enqueue_trial(dict(candidate.params))
                self.told.add(candidate.id)
                yield Proposal(self, self.study.ask(_distributions(self.space)), candidate)


def _implied(study: Study, name: str) -> dict[str, Any]:
    """What a family does where a candidate gives no value."""
    return study.family(name).implied(study.the_task) | study.family(name).defaults(study.the_task)


def _distributions(space: Space) -> dict[str, Any]:
    """Optuna's words for a search space."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    words: dict[str, Any] = {}
    for name, values in space.items():
        match values:
            case Float(low=low, high=high, log=log):
                words[name] = FloatDistribution(low, high, log=log)
            case Int(low, high, log):
                words[name] = IntDistribution(low, high, log=log)
            case Choice(options):
                words[name] = CategoricalDistribution(options)
    return words
