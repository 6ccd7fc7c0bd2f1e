"""Racing: an ordered list of candidates, fold by fold, in which a hopeless one stops after its first fold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from automl.lab.policy import Action, Capacity, Drop, Stop, Wait
from automl.search.costs import predict, seed_for
from automl.trial import Candidate, Job, Study, Trial

LENIENT = 0.35  # margin for candidates that nothing like them has been tried of
NEAR = 0.1  # of the lead behind the best: from there on a candidate's first fold tells more than another one's second
ENOUGH_ROWS = 200  # held-out rows; on fewer, chance puts candidates farther apart, as the root of the rows has it
SLIGHT = 0.02  # of the lead: a slow candidate may lie so far behind
SHORTEST = 2.0  # seconds that every fit may take: below, a worker's first use of a library would count as a failure


@dataclass(frozen=True)
class RaceRules:
    """What the policies have in common: how a candidate's next fold becomes a job, and when a candidate is hopeless.

    Parameters
    ----------
    seconds : float
        The stage's whole budget; a fit may take its `1 / fewest`th part of what the folds leave.
    margin : float
        A candidate is dropped when its first folds lie further behind the best trial's same folds than this part of the best
        one's own lead over the baseline.
    fewest : int
        So many candidates shall fit into the budget, come what may.
    """

    seconds: float
    margin: float
    fewest: int = 3

    def limit(self, study: Study, capacity: Capacity) -> float:
        """The most seconds that one fit may take now."""
        return min(self._part(study, capacity), max(SHORTEST, capacity.seconds))

    def _part(self, study: Study, capacity: Capacity) -> float:
        """The most seconds that one fit may take, were the whole budget left."""
        if math.isinf(self.seconds):
            return math.inf
        return max(
            SHORTEST,
            self.seconds
            / (self.fewest * math.ceil(len(study.plan.splits) / max(1, capacity.workers))),
        )

    def job(
        self, study: Study, candidate: Candidate, split: tuple[int, int], capacity: Capacity
    ) -> Job:
        """The fit of a candidate at a place."""
        seed = seed_for(study.seed, candidate, *split)
        return Job(
            candidate,
            study.data,
            *split,
            seed=seed,
            threads=capacity.threads,
            seconds=self.limit(study, capacity),
        )

    def next_split(self, study: Study, candidate: Candidate) -> tuple[int, int] | None:
        """The first place at which a candidate is neither trained nor in training."""
        trial = study.trials.get(candidate.id)
        taken = study.taken(trial) if trial else set()
        return next((split for split in study.plan.splits if split not in taken), None)

    def fits(self, study: Study, candidate: Candidate, capacity: Capacity) -> bool:
        """Whether the folds of a candidate that are not begun can be expected to end in time."""
        trial = study.trials.get(candidate.id)
        begun = study.taken(trial).intersection(study.plan.splits) if trial else ()
        return self.affords(study, candidate, len(study.plan.splits) - len(begun), capacity)

    def affords(self, study: Study, candidate: Candidate, folds: int, capacity: Capacity) -> bool:
        """Whether so many folds of a candidate can be expected to end in time; one that would be cut short takes the most it may."""
        expected, most = predict(study, candidate), self._part(study, capacity)
        if expected > most and not study.family(candidate.family).stops:
            return False
        return min(expected, most) * math.ceil(folds / max(1, capacity.workers)) <= capacity.seconds

    def hopeless(self, study: Study, trial: Trial) -> str:
        """Why a trial isn't worth its other folds; empty if it is."""
        if not trial.losses:
            return ""
        gap, rows = (
            behind(study, trial),
            len(trial.losses) * study.plan.held_share * study.size.rows,
        )
        return far(gap) if gap > self.margin * math.sqrt(max(1.0, ENOUGH_ROWS / rows)) else ""

    def too_slow(self, study: Study, trial: Trial) -> str:
        """Why a trial takes too long; empty if it doesn't.

        One whose fits were all cut short goes on only as long as its family has no complete trial: they would take the most that fits may.
        """
        of_family = [
            other
            for other in study.trials.values()
            if other.candidate.family == trial.candidate.family
        ]
        is_slow = (
            trial.is_cut_short
            and behind(study, trial) > SLIGHT
            and any(study.complete(other) for other in of_family)
        )
        return "too slow for this budget" if is_slow else ""


def undecided(study: Study, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those of the candidates that are not decided, in their order."""
    return [c for c in candidates if c.id not in study.trials or not study.trials[c.id].decided]


def behind(study: Study, trial: Trial) -> float:
    """How far a trial's folds lie behind the best other trial's same folds, as a part of that one's lead over the baseline.

    The best one is the best of the complete trials: of many that were luckier on a fold, one always is.

    Negative for one that is ahead of all others, zero as long as there is none to compare with.
    """
    if not trial.losses:
        return 0.0
    seen = [
        t
        for t in study.trials.values()
        if t.id != trial.id and trial.losses.keys() <= t.losses.keys()
    ]
    rivals = [t for t in seen if t.candidate.family != "constant"]
    if not rivals:
        return 0.0
    complete = [t for t in rivals if study.complete(t)]
    best = (
        _mean(min(complete, key=lambda t: t.loss), trial)
        if complete
        else min(_mean(t, trial) for t in rivals)
    )
    floor = min(
        (_mean(t, trial) for t in seen if t.candidate.family == "constant"), default=math.inf
    )
    return part_of_lead(trial.loss, best, floor)


def part_of_lead(loss: float, best: float, floor: float) -> float:
    """How far a loss lies behind the best one, as a part of that one's lead over the baseline's.

    >>> part_of_lead(3.0, 2.0, 6.0), part_of_lead(3.0, 2.0, math.inf)
    (0.25, 0.5)
    """
    lead = floor - best if best < floor < math.inf else abs(best)
    return (loss - best) / lead if lead > 0 else 0.0


def far(gap: float) -> str:
    """What the leaderboard says of a candidate that was dropped for lying so far behind.

    >>> far(0.38)
    "loses 38% of the best one's gain over the baseline"
    """
    return f"loses {gap:.0%} of the best one's gain over the baseline"


def _mean(rival: Trial, trial: Trial) -> float:
    """A rival's mean loss over the folds that a trial has seen."""
    return sum(rival.losses[split] for split in trial.losses) / len(trial.losses)


class RacingPolicy:
    """The policy of `select`.

    All folds of the first candidate that can win are trained at once, so that a good predictor exists early; of every later one
    the first fold decides whether and when the others follow.
    """

    def __init__(
        self, candidates: Sequence[Candidate], race: RaceRules, trials: int | None = None
    ) -> None:
        self._candidates = list(candidates) if trials is None else list(candidates)[:trials]
        self._race = race

    def next(self, study: Study, capacity: Capacity) -> Action:
        """The next fold of the most urgent candidate that has one worth training."""
        pending, raced = False, self._is_raced(study)
        for candidate in self._in_turn(study, raced):
            trial = study.trials.get(candidate.id)
            split = self._race.next_split(study, candidate)
            if split is None:
                pending = True
                continue
            if trial and split != study.plan.splits[0] and candidate.family != "constant" and raced:
                if not trial.losses:
                    pending = True  # its first fold decides
                    continue
                if reason := self._race.too_slow(study, trial) or self._race.hopeless(study, trial):
                    return Drop(trial, reason)
            if not self._fits(study, candidate, capacity):
                continue
            return self._race.job(study, candidate, split, capacity)
        return Wait() if pending or study.running else Stop()

    def _in_turn(self, study: Study, raced: bool) -> list[Candidate]:
        """The candidates that are not decided, the most urgent one first, of equal ones in their order.

        The baseline and what leads go on, then every family has its turn, then what was begun goes on from the nearest to the leader to
        the farthest, and as soon as that is not near, new candidates come first.
        """
        left = undecided(study, self._candidates)
        if not raced:
            return left
        begun = {trial.candidate.family for trial in study.trials.values() if study.taken(trial)}

        def urgency(candidate: Candidate) -> float:
            trial = study.trials.get(candidate.id)
            if candidate.family == "constant":
                return -math.inf
            if trial is None or not study.taken(trial):
                return NEAR if candidate.family in begun else 0.0
            return behind(study, trial) or -1.0

        return sorted(left, key=urgency)

    def _is_raced(self, study: Study) -> bool:
        """Whether some candidate worth racing against has been through its first fold."""
        return any(
            t.losses and t.candidate.family not in ("constant", "linear")
            for t in study.trials.values()
        )

    def _fits(self, study: Study, candidate: Candidate, capacity: Capacity) -> bool:
        """Whether a candidate's missing folds can be expected to end in time; the first ones are always tried."""
        if math.isinf(capacity.seconds) or not any(
            t.decided == "done" and t.candidate.family != "constant" for t in study.trials.values()
        ):
            return True
        return self._race.fits(study, candidate, capacity)
