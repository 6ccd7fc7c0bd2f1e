"""The select stage: an ordered portfolio of strong configurations, raced fold by fold.

A constant baseline and a simple linear model come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from automl.budget import Budget
from automl.candidate import Candidate
from automl.errors import InputError
from automl.event_log import replay
from automl.events import FindingRecorded
from automl.executor.work import shared_encodings
from automl.lab.lab import Lab
from automl.search.low_fidelity import (
    MIN_CANDIDATES_AFTERWARDS,
    LowFidelityPolicy,
    choose_sample_rows,
    sort_by_sample_loss,
)
from automl.search.portfolio import defaults, portfolio, proven
from automl.search.racing import LENIENT_MARGIN, RaceRules, RacingPolicy, undecided
from automl.stages._base import option
from automl.stages._extra_families import absent_finding, affordable
from automl.stages._pretrained_families import admit
from automl.study import Study


@dataclass(frozen=True)
class Select:
    """Find out which families suit the table, and have strong models early."""

    searches: ClassVar[bool] = True

    families: tuple[str, ...] = option((), "Families that take part, best first; none named: all.")
    start: Literal["portfolio", "defaults"] = option(
        "portfolio",
        "Configurations to try: those that proved strong over many tables, or each family's "
        "defaults alone.",
    )
    earlier: str = option(
        "", "A run's folder, whose best candidates are tried before the portfolio."
    )
    candidates: int = option(0, "How many candidates of the portfolio take part; 0 is all.")
    margin: float = option(
        LENIENT_MARGIN,
        "A candidate stops after a fold on which it gives away more than this part of the best "
        "one's lead over the baseline.",
    )
    low_fidelity: bool = option(
        True,
        "Where time is short for a large table, try candidates on some of its rows first.",
        formerly="looks",
    )
    min_candidates: int = option(
        3,
        "How many candidates the stage's budget must have time for: bounds the seconds of one fit.",
        least=1,
        formerly="fewest",
    )

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Race the portfolio."""
        candidates = self._candidates(study)
        study, candidates = admit(study, lab, self.families, candidates)
        capacity = lab.capacity(budget)
        cores = capacity.workers * capacity.resources.threads
        core_seconds = capacity.seconds * cores
        if not self.families:
            candidates = affordable(study, candidates, core_seconds)
            finding = absent_finding(study, lab, core_seconds)
            if finding is not None:
                study = lab.record(study, FindingRecorded(finding))
        race = RaceRules(budget.remaining(), self.margin, self.min_candidates)
        _encode_early(study, lab, budget, candidates)
        if self.low_fidelity:
            rows = choose_sample_rows(study, candidates, core_seconds)
            if rows:
                low_fidelity = LowFidelityPolicy(candidates, race, rows)
                study = lab.run(low_fidelity, study, budget)
                candidates = sort_by_sample_loss(study, candidates)
                fewest = min(self.min_candidates, MIN_CANDIDATES_AFTERWARDS)
                race = RaceRules(budget.remaining(), self.margin, fewest)
        policy = RacingPolicy(candidates, race, budget.trials)
        return lab.run(policy, study, budget)

    @property
    def only_families(self) -> tuple[str, ...]:
        """The only families that take part from this stage on; empty for all."""
        return tuple(self.families)

    def _candidates(self, study: Study) -> list[Candidate]:
        """Return the baseline, the best of the earlier run, and the portfolio."""
        started_from = portfolio if self.start == "portfolio" else defaults
        baseline, *others = started_from(study, self.families)
        if self.candidates:
            others = others[: self.candidates]
        earlier = self._earlier(study)
        others = [candidate for candidate in others if candidate not in earlier]
        return [baseline, *earlier, *others]

    def _earlier(self, study: Study) -> list[Candidate]:
        """Return the best candidates of the earlier run, if one is named.

        A resumed run has begun them already and doesn't need the earlier run.
        """
        if not self.earlier or study.resumed:
            return []
        known = replay(Path(self.earlier))
        kind = study.known_task.kind
        if known.task is None or known.task.kind != kind:
            other = "no known task" if known.task is None else f"a {known.task.kind} task"
            raise InputError(
                f"{self.earlier}: has {other}, this table a {kind} one: "
                "its candidates are of no use here."
            )
        return proven(known, study, self.families)


def _encode_early(study: Study, lab: Lab, budget: Budget, candidates: Sequence[Candidate]) -> None:
    """Encode the table for the recipes of candidates before the first job needs it."""
    recipes = dict.fromkeys(candidate.recipe for candidate in undecided(study, candidates))
    work = (part for recipe in recipes for part in shared_encodings(recipe))
    lab.prefetch_encoding(work, budget)
