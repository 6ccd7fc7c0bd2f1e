"""A family in tuning: its search space, and the Optuna study that proposes values."""

from __future__ import annotations

import statistics
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl.candidate import Candidate
from automl.features.recipe import Recipe
from automl.insight.rung_losses import learnable_loss
from automl.search.costs import expected_seconds
from automl.search.proposal_queue import Params, ProposalQueue
from automl.search.sampling import Sampling
from automl.space import (
    Choice,
    Float,
    Int,
    Space,
    exists,
    for_short_budget,
    has_conditions,
    nearest,
    without_slower_values,
)
from automl.study import Study
from automl.trial import Trial

if TYPE_CHECKING:
    import optuna

# Times the learning rate of a trial that was cut short, for the first proposal.
SHORT_BUDGET_RATE_FACTOR = 2.5


@dataclass(eq=False)
class Proposal:
    """A proposal that is under way.

    Parameters
    ----------
    tuner : FamilyTuner
        The one that made it.
    optuna_trial : optuna.Trial
    candidate : Candidate
    reported : set of int
        Steps whose losses Optuna's pruner knows.
    rung : int
    """

    tuner: FamilyTuner
    optuna_trial: optuna.Trial
    candidate: Candidate
    reported: set[int] = field(default_factory=set)
    rung: int = 0


@dataclass(eq=False)
class FamilyTuner:
    """Propose hyperparameters of a family, with one recipe.

    Parameters
    ----------
    short_budget : bool
        Whether its fits are cut short, so that learning rates are higher.
    n_proposed : int
        The number of its proposals.
    is_exhausted : bool
        Whether it has nothing new to propose.
    queue : ProposalQueue
        Values to propose without asking the sampler.
    known_ids : set of str
        Ids of the trials that the sampler knows, and of its proposals.
    fixed : mapping
        Values that all proposals have.
    """

    name: str
    recipe: Recipe
    space: Space
    optuna_study: optuna.Study
    short_budget: bool = False
    n_proposed: int = 0
    is_exhausted: bool = False
    queue: ProposalQueue = field(default_factory=ProposalQueue)
    known_ids: set[str] = field(default_factory=set)
    fixed: Params = field(default_factory=dict)

    @classmethod
    def create(
        cls,
        study: Study,
        name: str,
        sampling: Sampling,
        max_fit_seconds: float,
        short_budget_seconds: float,
    ) -> FamilyTuner:
        """Return the tuner of a family with the recipe of its best complete trial.

        Its sampler knows no trial yet.

        Parameters
        ----------
        max_fit_seconds : float
            Seconds that a fit may take: learning rates so low that it would take more, judged by
            the best trial's fits, are left out.
        short_budget_seconds : float
            Seconds of the best trial's fits from which on learning rates are those of a short
            budget instead; so they are if these fits were cut short.
        """
        best = study.leaders[name]
        recipe = best.candidate.recipe
        params = study.all_params(name, best.candidate.params)
        seconds = expected_seconds(study, best.candidate)
        space = sampling.searched(name, study.space(name, recipe))
        fixed = sampling.fixed_values(name)
        kept = {key: params[key] for key in sampling.kept_names(name)}
        faster = for_short_budget(space)
        is_slow = best.is_cut_short or seconds > short_budget_seconds
        short_budget = is_slow and faster != space
        if short_budget:
            searched = faster
        else:
            searched = without_slower_values(space, params, max_fit_seconds / seconds)
        text = f"{study.seed}/{study.resumed}/{name}/{recipe.name}"
        seed = zlib.crc32(text.encode()) >> 1
        first = None
        if short_budget:
            first = _with_higher_rates(searched, params)
        elif sampling.best_first and fixed:
            first = nearest(searched, params)
        return cls(
            name,
            recipe,
            searched,
            sampling.create_study(seed, has_conditions(searched)),
            short_budget,
            queue=sampling.queue(searched, seed, first),
            fixed=_unusual(study, name, {**kept, **fixed}),
        )

    @property
    def key(self) -> tuple[str, Recipe]:
        """The family and the recipe."""
        return self.name, self.recipe

    @property
    def typical(self) -> Candidate:
        """A candidate that takes as long as others of the family do."""
        return Candidate(self.name, {}, self.recipe)

    def add_known_trials(self, study: Study) -> None:
        """Let the sampler know of decided trials that it didn't propose.

        The nearest value stands for one that the space does not contain.
        """
        import optuna

        for trial in study.trials.values():
            if not self._is_news(trial):
                continue
            loss = learnable_loss(study, trial)
            if loss is None:
                continue
            self.known_ids.add(trial.id)
            params = study.all_params(self.name, trial.candidate.params)
            point = nearest(self.space, params)
            known = optuna.trial.create_trial(
                params=point,
                distributions=_distributions(self.space, point),
                value=loss,
                intermediate_values=_losses_by_step(study, trial),
            )
            self.optuna_study.add_trial(known)

    def _is_news(self, trial: Trial) -> bool:
        """Whether the sampler can learn from a trial that it doesn't know."""
        if trial.candidate.family != self.name:
            return False
        if not trial.decided:
            return False
        return trial.id not in self.known_ids

    def ask(self) -> Proposal | None:
        """Return a new proposal, which may equal a known trial; None if there is no more."""
        queued = self.queue.take(self.n_proposed + 1)
        if queued is not None:
            self.optuna_study.enqueue_trial(dict(queued))
        elif self.queue.decides_all:
            return None
        trial = self._ask_optuna()
        self.n_proposed += 1
        params = {**trial.params, **self.fixed}
        candidate = Candidate(self.name, params, self.recipe, "tune")
        self.known_ids.add(candidate.id)
        return Proposal(self, trial, candidate)

    def tell(self, study: Study, proposal: Proposal) -> None:
        """Report to the sampler the loss of its proposal, or that there is none."""
        import optuna

        trial = study.trials[proposal.candidate.id]
        loss = learnable_loss(study, trial)
        if loss is None:
            loss = _highest_rung_loss(trial)
        if loss is not None:
            self.optuna_study.tell(proposal.optuna_trial, loss)
        else:
            failed = optuna.trial.TrialState.FAIL
            self.optuna_study.tell(proposal.optuna_trial, state=failed)

    def resume_proposals(self, study: Study) -> Iterator[Proposal]:
        """Propose again the undecided proposals of an earlier process."""
        for trial in study.trials.values():
            candidate = trial.candidate
            if trial.decided or candidate.origin != "tune":
                continue
            if (candidate.family, candidate.recipe) != self.key:
                continue
            params = candidate.params
            searched = {name: params[name] for name in params if name not in self.fixed}
            self.optuna_study.enqueue_trial(searched)
            self.known_ids.add(candidate.id)
            optuna_trial = self._ask_optuna()
            yield Proposal(self, optuna_trial, candidate)

    def _ask_optuna(self) -> optuna.Trial:
        """Return a trial with a value of each hyperparameter that exists at its point."""
        trial = self.optuna_study.ask()
        for name, range_ in self.space.items():
            if not exists(range_, trial.params):
                continue
            match range_:
                case Float(low=low, high=high, log=log):
                    trial.suggest_float(name, low, high, log=log)
                case Int(low, high, log):
                    trial.suggest_int(name, low, high, log=log)
                case Choice(values):
                    trial.suggest_categorical(name, values)
        return trial


def _highest_rung_loss(trial: Trial) -> float | None:
    """Return the mean loss of the last fits on less than all rows and rounds; None without any."""
    rungs = list(trial.rung_losses.values())
    if not rungs:
        return None
    return statistics.fmean(rungs[-1].values())


def _losses_by_step(study: Study, trial: Trial) -> dict[int, float]:
    losses = {}
    for step, split in enumerate(study.plan.splits):
        if split in trial.losses:
            losses[step] = trial.losses[split]
    return losses


def _unusual(study: Study, name: str, params: Params) -> Params:
    """Return the hyperparameters that are not a family's defaults: a candidate leaves those out."""
    defaults = study.family(name).defaults(study.known_task)
    return {key: value for key, value in params.items() if defaults.get(key) != value}


def _with_higher_rates(space: Space, params: Params) -> dict[str, Any]:
    """Return the best values with higher learning rates, which suit fits that are cut short."""
    higher = dict(params)
    for name, range_ in space.items():
        if isinstance(range_, Float) and range_.short_budget is not None:
            higher[name] = SHORT_BUDGET_RATE_FACTOR * params[name]
    return nearest(space, higher)


def _distributions(space: Space, names: Iterable[str]) -> dict[str, Any]:
    """Return the ranges of some hyperparameters in Optuna's classes."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    distributions: dict[str, Any] = {}
    for name in names:
        match space[name]:
            case Float(low=low, high=high, log=log):
                distributions[name] = FloatDistribution(low, high, log=log)
            case Int(low, high, log):
                distributions[name] = IntDistribution(low, high, log=log)
            case Choice(options):
                distributions[name] = CategoricalDistribution(options)
    return distributions
