"""tune: Optuna searches the hyperparameters of the best families, warm-started with all that select saw."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Literal

from automl.budget import Budget, crowding
from automl.files import require
from automl.lab.lab import Lab
from automl.lab.policy import Policy
from automl.search.costs import predict
from automl.search.family_tuner import FamilyTuner
from automl.search.portfolio import portfolio
from automl.search.racing import RaceRules, RacingPolicy, behind
from automl.search.rungs import Ladder, ladder
from automl.search.sampling import Sampling
from automl.search.tuning import TuningPolicy
from automl.stages._base import option
from automl.trial import Candidate, Study

CLIMBING = ("halving", "hyperband", "bohb")
OPTUNA_SECONDS = 0.6  # of processor time that importing it takes
OPTUNA_TIMES = 3.0  # so many times as long must be left
UNTRIED = (
    0.25  # of the time of all cores may go into first fits of families that select had no time for
)


@dataclass(frozen=True)
class Tune:
    """Search the hyperparameters of the best families."""

    method: Literal[
        "tpe", "random", "grid", "quasi", "cmaes", "gp", "halving", "hyperband", "bohb"
    ] = option(
        "tpe",
        "How values are proposed: TPE, at random, from a grid, evenly (Sobol), CMA-ES, a Gaussian process (needs torch); or how proposals"
        " are judged on little first: successive halving, Hyperband, BOHB (Hyperband with TPE).",
    )
    fidelity: Literal["folds", "rows", "rounds"] = option(
        "folds", "What halving, hyperband and bohb have less of at first."
    )
    pruner: Literal["wilcoxon", "none"] = option(
        "wilcoxon", "Whether a proposal that is worse on its first folds is given up."
    )
    families: int = option(3, "How many of the best families are tuned at most.", least=1)
    near: float = option(
        0.2,
        "A family is tuned if its best trial gives away no more than this part of the best one's lead over the baseline.",
    )
    margin: float = option(
        0.1,
        "A proposal stops after a fold on which it gives away more than this part of the best one's lead over the baseline.",
    )
    use_all: bool = option(
        False,
        "Use the whole budget, even when another quarter of it is predicted to gain less than 0.1%.",
    )

    def __post_init__(self) -> None:
        """Refuse a method whose library is not there."""
        if self.method == "gp":
            require("torch", "gp", "tune.method=gp")

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Tune until the budget or the trials are used up."""
        seconds, workers = budget.remaining(), lab.executor.workers
        race = RaceRules(seconds, self.margin, _fewest(study, seconds, workers))
        policy: Policy
        if self._choose(study)[0] and has_time_for_optuna(budget):
            late, climb = (
                _untried(study, seconds * workers),
                self._climb if self.method in CLIMBING else None,
            )
            policy = TuningPolicy(
                study,
                self._choose,
                race,
                self._sampling(),
                budget.trials,
                self.use_all,
                late,
                workers,
                climb,
            )
        else:  # nothing is there yet to be tuned, or no time to load what proposes
            policy = RacingPolicy(portfolio(study, study.families), race, budget.trials)
        for study in lab.run(policy, study, budget):
            pass
        return study

    def _sampling(self) -> Sampling:
        """How values are proposed."""
        if self.method == "halving" or self.method == "hyperband":
            return Sampling("random", "none")
        return (
            Sampling("tpe", "none") if self.method == "bohb" else Sampling(self.method, self.pruner)
        )

    def _climb(self, study: Study, of: FamilyTuner) -> Ladder:
        """The rungs of a family's proposals."""
        rounds = [
            outcome.rounds for outcome in study.leaders[of.name].whole.values() if outcome.rounds
        ]
        return ladder(
            study, self.fidelity, max(rounds, default=None), brackets=self.method != "halving"
        )

    def _choose(self, study: Study) -> tuple[list[str], list[str]]:
        """The families of the best trials that have something to tune, best first; and others that are not far behind."""
        near = [name for name, best in study.leaders.items() if behind(study, best) <= self.near]
        tunable = [name for name in near if study.family(name).space(study.the_task)]
        return tunable[: self.families], tunable[self.families :]


def has_time_for_optuna(budget: Budget) -> bool:
    """Whether Optuna is loaded, or loading it is a small part of the time that is left."""
    return (
        not budget.timed
        or "optuna" in sys.modules
        or budget.remaining() > OPTUNA_TIMES * OPTUNA_SECONDS * crowding()
    )


def _untried(study: Study, seconds: float) -> list[Candidate]:
    """The portfolio's first candidate of each family that there was no time for, as long as their first fits take a part of the time.

    A look at some rows is no trial yet.
    """
    seen = {
        trial.candidate.family
        for trial in study.trials.values()
        if trial.decided or study.taken(trial)
    }
    firsts: dict[str, Candidate] = {}
    left = 0.0 if math.isinf(seconds) else UNTRIED * seconds
    for candidate in portfolio(study, study.families):
        if candidate.family in seen or candidate.family in firsts:
            continue
        if (expected := predict(study, candidate)) <= left:
            firsts[candidate.family] = candidate
            left -= expected
    return list(firsts.values())


def _fewest(study: Study, seconds: float, workers: int) -> int:
    """Candidates that shall fit into the stage's budget: where the best one was cut short, no more than may take half as long.

    With a higher learning rate they come as far in that time. Measured (60 s, fold 1): nyc_flights 37.39 with 3, 37.26 with 2, 36.87
    with 1, which this chooses; open_payments 0.0201 with 3, which this chooses, 0.0226 with 2, 0.0303 with 1.
    """
    if math.isinf(seconds) or not study.ranked or not study.ranked[0].is_cut_short:
        return RaceRules.fewest
    longest = max(outcome.seconds for outcome in study.ranked[0].whole.values())
    rounds = math.ceil(len(study.plan.splits) / workers)
    return max(1, min(RaceRules.fewest, int(seconds / max(0.1, rounds * longest / 2))))
