"""The tune stage: Optuna searches the hyperparameters of the best families.

The search starts from all that the select stage saw.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from automl.budget import Budget, measure_crowding
from automl.candidate import Candidate
from automl.errors import InputError
from automl.files import require
from automl.lab.lab import Lab
from automl.lab.policy import Policy
from automl.search.architectures import BLOCKS, FIXED, architecture_ladder, first_network
from automl.search.costs import expected_seconds
from automl.search.family_tuner import FamilyTuner
from automl.search.networks import NETWORK
from automl.search.portfolio import portfolio
from automl.search.racing import RaceRules, RacingPolicy, gap_to_best
from automl.search.rungs import Ladder, ladder
from automl.search.sampling import Sampling
from automl.search.tuning import TuningPolicy
from automl.stages._base import option
from automl.stages._extra_families import affordable
from automl.study import Study

ARCHITECTURE_METHODS = ("tpe", "random")  # with which networks may climb rungs
MULTI_FIDELITY_METHODS = ("halving", "hyperband", "bohb", "nas")
OPTUNA_SECONDS = 0.6  # of processor time that importing it takes
# Optuna is loaded only if this multiple of the time that importing it takes is left.
MIN_OPTUNA_TIME_FACTOR = 3.0
UNTRIED_TIME_SHARE = 0.25  # of all cores' time, for first fits of families that select left out


@dataclass(frozen=True)
class Tune:
    """Search the hyperparameters of the best families."""

    searches: ClassVar[bool] = True

    method: Literal[
        "tpe", "random", "grid", "quasi", "cmaes", "gp", "halving", "hyperband", "bohb", "nas"
    ] = option(
        "tpe",
        "How values are proposed: TPE, at random, from a grid, evenly (Sobol), CMA-ES, a Gaussian "
        "process (needs torch); or how proposals are judged on little first: successive halving, "
        "Hyperband, BOHB (Hyperband with TPE), nas (the network's architecture alone).",
    )
    fidelity: Literal["folds", "rows", "rounds"] = option(
        "folds", "The resource that halving, hyperband and bohb use less of at first."
    )
    pruner: Literal["wilcoxon", "none"] = option(
        "wilcoxon", "Whether a proposal that is worse on its first folds is given up."
    )
    families: int = option(3, "How many of the best families are tuned at most.", least=1)
    near: float = option(
        0.2,
        "A family is tuned if its best trial gives away no more than this part of the best one's "
        "lead over the baseline.",
    )
    margin: float = option(
        0.1,
        "A proposal stops after a fold on which it gives away more than this part of the best "
        "one's lead over the baseline.",
    )
    explore: bool = option(
        True,
        "Whether with tpe one of twelve proposals of a family is spread evenly over its range, so "
        "that `automl insight` learns of all of it.",
    )
    architectures: bool = option(
        False,
        "Whether proposals of the network climb rungs of epochs, as with nas, rather than folds; "
        "with tpe and random.",
    )
    use_all: bool = option(
        False,
        "Use the whole budget, even when another quarter of it is predicted to gain less than "
        "0.1%.",
    )

    def __post_init__(self) -> None:
        """Refuse a method whose library is not there."""
        if self.method == "gp":
            require("torch", "gp", "tune.method=gp")

    def check_families(self, names: Sequence[str]) -> None:
        """Refuse a search of architectures where the network takes no part.

        Parameters
        ----------
        names : sequence of str
            The families that the run is bound to; empty if all take part.

        Raises
        ------
        InputError
            The network is not among them.
        """
        if self._searches_architectures and names and NETWORK not in names:
            raise InputError(
                f"tune.method=nas searches the family {NETWORK!r}, but only {', '.join(names)} "
                f"may be tried. Add {NETWORK} to select.families."
            )

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Tune until the budget or the trials are used up."""
        seconds = budget.remaining()
        workers = lab.workers
        margin = math.inf if self._searches_architectures else self.margin
        race = RaceRules(seconds, margin, _min_candidates(study, seconds, workers))
        tunable, _ = self._choose(study)
        first = []
        if tunable:
            first = _untried(study, seconds * workers)
        elif self._searches_architectures:
            first = [first_network(study)]
        policy: Policy
        if (tunable or first) and has_time_for_optuna(budget):
            policy = TuningPolicy(
                study,
                self._choose,
                race,
                self._sampling(),
                budget.trials,
                self.use_all,
                first,
                workers,
                self._ladder,
            )
        else:  # there is nothing to tune yet, or no time to load Optuna
            candidates = portfolio(study, study.families)
            policy = RacingPolicy(candidates, race, budget.trials)
        return lab.run(policy, study, budget)

    def modules(self, budget: Budget) -> tuple[str, ...]:
        """Return the modules to import before this stage begins."""
        return ("optuna",) if has_time_for_optuna(budget) else ()

    @property
    def _searches_architectures(self) -> bool:
        return self.method == "nas"

    def _sampling(self) -> Sampling:
        """Return how values are proposed."""
        searches_blocks = self._has_rungs(NETWORK)
        fixed = {NETWORK: FIXED} if searches_blocks else {}
        kept = {} if searches_blocks else {NETWORK: BLOCKS}
        if self.method == "halving" or self.method == "hyperband":
            return Sampling("random", "none", fixed, kept)
        if self.method == "bohb":
            return Sampling("tpe", "none", fixed, kept)
        if self.method == "nas":
            return Sampling("tpe", "none", fixed, best_first=True)
        explores = self.explore and self.method == "tpe"
        return Sampling(
            self.method,
            self.pruner,
            fixed,
            kept,
            best_first=searches_blocks,
            explores=explores,
        )

    def _has_rungs(self, family: str) -> bool:
        """Whether proposals of a family climb the rungs of architectures."""
        if family != NETWORK:
            return False
        is_raced = self.architectures and self.method in ARCHITECTURE_METHODS
        return is_raced or self._searches_architectures

    def _ladder(self, study: Study, tuner: FamilyTuner) -> Ladder | None:
        """Return the rungs of a family's proposals; None if they are raced."""
        if self._has_rungs(tuner.name):
            return architecture_ladder(study)
        if self.method not in MULTI_FIDELITY_METHODS:
            return None
        outcomes = study.leaders[tuner.name].full_outcomes.values()
        rounds = [outcome.rounds for outcome in outcomes if outcome.rounds]
        max_rounds = max(rounds, default=None)
        return ladder(study, self.fidelity, max_rounds, brackets=self.method != "halving")

    def _choose(self, study: Study) -> tuple[list[str], list[str]]:
        """Return the families to tune, best first, and fallback families, all near the best."""
        if self._searches_architectures:
            return [name for name in study.leaders if name == NETWORK], []
        tunable = []
        for name, best in study.leaders.items():
            is_near = gap_to_best(study, best) <= self.near
            if is_near and study.family(name).space(study.known_task):
                tunable.append(name)
        return tunable[: self.families], tunable[self.families :]


def has_time_for_optuna(budget: Budget) -> bool:
    """Whether Optuna is loaded, or loading it is a small part of the time that is left."""
    if not budget.is_timed or "optuna" in sys.modules:
        return True
    return budget.remaining() > MIN_OPTUNA_TIME_FACTOR * OPTUNA_SECONDS * measure_crowding()


def _untried(study: Study, seconds: float) -> list[Candidate]:
    """Return the portfolio's first candidate of each family that there was no time for.

    Together their first fits take a part of the time. A family with nothing but fits on a sample
    of the rows counts as untried.
    """
    tried = set()
    for trial in study.trials.values():
        if trial.decided or study.started_splits(trial):
            tried.add(trial.candidate.family)
    untried: dict[str, Candidate] = {}
    seconds_left = 0.0
    if math.isfinite(seconds):
        seconds_left = UNTRIED_TIME_SHARE * seconds
    candidates = portfolio(study, study.families)
    if not study.families:
        candidates = affordable(study, candidates, seconds)
    for candidate in candidates:
        if candidate.family in tried or candidate.family in untried:
            continue
        expected = expected_seconds(study, candidate)
        if expected <= seconds_left:
            untried[candidate.family] = candidate
            seconds_left -= expected
    return list(untried.values())


def _min_candidates(study: Study, seconds: float, workers: int) -> int:
    """Return the number of candidates that the stage's budget must have time for.

    Where the best one was cut short, that is the number that there is time for if each takes half
    as long: with a higher learning rate they come as far in that time. Losses measured (60 s,
    fold 1), with a star for the number that this chooses:

    =============  ========  ========  ========
    candidates            1         2         3
    =============  ========  ========  ========
    nyc_flights     36.87 *     37.26     37.39
    open_payments    0.0303    0.0226  0.0201 *
    =============  ========  ========  ========
    """
    if math.isinf(seconds) or not study.ranked or not study.ranked[0].is_cut_short:
        return RaceRules.min_candidates
    longest = max(outcome.whole_seconds for outcome in study.ranked[0].full_outcomes.values())
    n_waves = math.ceil(len(study.plan.splits) / workers)
    candidate_seconds = n_waves * longest / 2
    affordable = int(seconds / max(0.1, candidate_seconds))
    return max(1, min(RaceRules.min_candidates, affordable))
