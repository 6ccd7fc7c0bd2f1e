"""select: a constant baseline, a simple linear model, then an ordered portfolio of strong configurations, raced fold by fold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from automl.budget import Budget
from automl.errors import InputError
from automl.executor.work import shared_by_folds
from automl.lab.lab import Lab
from automl.search.low_fidelity import AFTER_LOOKS, LowFidelityPolicy, by_look, rows_to_look_at
from automl.search.portfolio import defaults, portfolio, proven
from automl.search.racing import LENIENT, RaceRules, RacingPolicy, undecided
from automl.stages._base import option
from automl.store import replay
from automl.trial import Candidate, Study


@dataclass(frozen=True)
class Select:
    """Find out which families suit the table, and have strong models early."""

    families: tuple[str, ...] = option((), "Families that take part, best first; none named: all.")
    start: Literal["portfolio", "defaults"] = option(
        "portfolio",
        "What is tried: configurations that proved strong over many tables, or each family's defaults alone.",
    )
    earlier: str = option(
        "", "A run's folder, whose best candidates are tried before the portfolio."
    )
    candidates: int = option(0, "How many candidates of the portfolio take part; 0 is all.")
    margin: float = option(
        LENIENT,
        "A candidate stops after a fold on which it gives away more than this part of the best one's lead over the baseline.",
    )
    looks: bool = option(
        True, "Where time is short for a large table, try candidates on some of its rows first."
    )
    fewest: int = option(
        3,
        "So many candidates shall fit into the stage's budget: bounds the seconds of one fit.",
        least=1,
    )

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Race the portfolio."""
        started_from = portfolio if self.start == "portfolio" else defaults
        candidates = started_from(study, self.families)[
            : self.candidates + 1 if self.candidates else None
        ]
        earlier = self._earlier(study)
        candidates = [
            *candidates[:1],
            *earlier,
            *(candidate for candidate in candidates[1:] if candidate not in earlier),
        ]
        race = RaceRules(budget.remaining(), self.margin, self.fewest)
        recipes = dict.fromkeys(candidate.recipe for candidate in undecided(study, candidates))
        lab.encode_soon((work for recipe in recipes for work in shared_by_folds(recipe)), budget)
        if self.looks and (
            rows := rows_to_look_at(
                study, candidates, budget.remaining() * lab.executor.workers * lab.threads
            )
        ):
            for study in lab.run(LowFidelityPolicy(candidates, race, rows), study, budget):
                pass
            candidates = by_look(study, candidates)
            race = RaceRules(budget.remaining(), self.margin, min(self.fewest, AFTER_LOOKS))
        for study in lab.run(RacingPolicy(candidates, race, budget.trials), study, budget):
            pass
        return study

    def _earlier(self, study: Study) -> list[Candidate]:
        """The best candidates of the earlier run, if one is named; a run that goes on has begun them, and needs it no more."""
        if not self.earlier or study.resumed:
            return []
        known = replay(Path(self.earlier))
        if known.task is None or known.task.kind != study.the_task.kind:
            kind = "no known task" if known.task is None else f"a {known.task.kind} task"
            raise InputError(
                f"{self.earlier}: has {kind}, this table a {study.the_task.kind} one: its candidates are of no use here."
            )
        return proven(known, study, self.families)
