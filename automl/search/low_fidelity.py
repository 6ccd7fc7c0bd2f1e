"""Looks: on a table of which few fits can be had, candidates are tried on some of its rows first, and the best go on with all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from automl.lab.policy import Action, Capacity, Drop, Stop, Wait
from automl.search.costs import by_formula, guess
from automl.search.racing import SHORTEST, RaceRules, far, part_of_lead
from automl.trial import Candidate, Job, Study, Trial

FEWEST = 5_000  # rows that tell something
FEWEST_OTHERS = 100  # of them that are not of the most frequent class
SHARE = 0.2  # of the stage may go into looks
FEWEST_LOOKS = 4  # come what may
PARTS = (4, 8, 16, 32, 64)  # of the rows are looked at
AFTER_LOOKS = 2  # candidates shall fit into the stage then: who is good is known
MARGIN = 0.4  # of a race's own margin: who lies further behind the best look doesn't go on
ALWAYS = (
    2  # of the best looks go on, however far they lie apart: where the lead is small, that is noise
)


def rows_to_look_at(study: Study, candidates: Sequence[Candidate], seconds: float) -> int | None:
    """How many rows looks are at; None where they are not worth it: several folds tell by themselves, and so does time for all.

    Parameters
    ----------
    seconds : float
        Of all cores together.
    """
    looked = [candidate for candidate in candidates if candidate.family != "constant"]
    if (
        len(study.plan.splits) > 1
        or math.isinf(seconds)
        or sum(guess(study, candidate) for candidate in looked) <= seconds
    ):
        return None
    size = study.size
    parts = [
        size.rows // part
        for part in PARTS
        if size.rows // part >= FEWEST and size.others // part >= FEWEST_OTHERS
    ]

    def cost(rows: int) -> float:
        return sum(by_formula(study, candidate, rows, study.plan.models) for candidate in looked)

    return next(
        (rows for rows in parts if cost(rows) <= SHARE * seconds), parts[-1] if parts else None
    )


class LowFidelityPolicy:
    """A policy: the baseline, each other candidate once on some of the rows as long as there is time; then the hopeless are dropped.

    Parameters
    ----------
    race : Race
    rows : int
    """

    def __init__(self, candidates: Sequence[Candidate], race: RaceRules, rows: int) -> None:
        self._candidates = list(candidates)
        self._race = race
        self._rows = rows

    def next(self, study: Study, capacity: Capacity) -> Action:
        """The next look, or who is not worth more."""
        left = capacity.seconds - (1 - SHARE) * self._race.seconds
        unseen = (candidate for candidate in self._candidates if candidate.id not in study.trials)
        if left > 0 and (candidate := next(unseen, None)):
            return self._job(study, candidate, left, capacity)
        if study.running:
            return Wait()
        return next((Drop(trial, reason) for trial, reason in self._hopeless(study)), Stop())

    def _job(self, study: Study, candidate: Candidate, left: float, capacity: Capacity) -> Job:
        split = study.plan.splits[0]
        whole = self._race.job(study, candidate, split, capacity)
        if candidate.family == "constant":
            return whole
        return replace(whole, rows=self._rows, seconds=max(SHORTEST, left / FEWEST_LOOKS))

    def _hopeless(self, study: Study) -> list[tuple[Trial, str]]:
        """Trials that lie far behind the best look and aren't decided; a look that its deadline ended says too little for that."""
        looks = _looks(study)
        floor = min(
            (t.loss for t in study.trials.values() if t.candidate.family == "constant"),
            default=math.inf,
        )
        best = min(looks.values(), default=0.0)
        distant = [
            study.trials[name] for name in sorted(looks, key=lambda name: looks[name])[ALWAYS:]
        ]
        gaps = [
            (trial, part_of_lead(looks[trial.id], best, floor))
            for trial in distant
            if not (trial.decided or _is_cut_short(trial))
        ]
        margin = MARGIN * self._race.margin
        return [(trial, f"{far(gap)}, on some rows") for trial, gap in gaps if gap > margin]


def by_look(study: Study, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with the baseline first, then from the best look to the worst, then those without one in their order."""
    looks = _looks(study)

    def key(candidate: Candidate) -> float:
        return -math.inf if candidate.family == "constant" else looks.get(candidate.id, math.inf)

    return sorted(candidates, key=key)


def _looks(study: Study) -> dict[str, float]:
    seen = {trial.id: trial.look for trial in study.trials.values() if trial.look is not None}
    return {name: look.loss for name, look in seen.items() if look.loss is not None}


def _is_cut_short(trial: Trial) -> bool:
    return trial.look is not None and trial.look.stopped
